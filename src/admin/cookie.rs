//! The cookies of this site: for this host alone, out of reach of scripts and of other sites' links.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};

use super::Desk;
use crate::app::SESSION_ABSOLUTE;

/// Before the login a random one that ties the form to the browser, after it the session's.
pub(super) const BEFORE: &str = "simverify_form";
pub(super) const SESSION: &str = "simverify_session";
/// What the next page says once.
pub(super) const NOTICE: &str = "simverify_notice";

/// Characters of a token: 32 octets in base64, or as many characters at random.
pub(super) const TOKEN_LENGTH: usize = 43;

/// Characters of any of them.
const LENGTH_MAX: usize = 1024;

/// A token of this name, if it looks like one.
pub(super) fn token(http: &HttpRequest, name: &str) -> Option<String> {
    text(http, name).filter(|value| value.len() == TOKEN_LENGTH)
}

/// A cookie of this name in the letters of base64.
pub(super) fn text(http: &HttpRequest, name: &str) -> Option<String> {
    let found = [format!("__Host-{name}"), name.to_owned()].into_iter().find_map(|name| http.cookie(&name))?;
    let value = found.value();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (value.len() <= LENGTH_MAX && value.bytes().all(fits)).then(|| value.to_owned())
}

pub(super) fn set(response: &mut HttpResponse, http: &HttpRequest, desk: &Desk, name: &str, value: &str) {
    // Never fails: a cookie of ours is always a header.
    let _ = response.add_cookie(&baked(http, desk, name, value));
}

pub(super) fn forget(response: &mut HttpResponse, http: &HttpRequest, desk: &Desk, name: &str) {
    let _ = response.add_removal_cookie(&baked(http, desk, name, ""));
}

fn baked<'c>(http: &HttpRequest, desk: &Desk, name: &str, value: &str) -> Cookie<'c> {
    let secure = is_secure(http, desk);
    // The prefix makes browsers refuse one that another host, or a page without TLS, has set (RFC 6265bis §4.1.3.2).
    let name = if secure { format!("__Host-{name}") } else { name.to_owned() };
    let cookie =
        Cookie::build(name, value.to_owned()).path("/").http_only(true).secure(secure).same_site(SameSite::Strict);
    cookie.max_age(SESSION_ABSOLUTE.try_into().unwrap_or_default()).finish()
}

/// Whether the browser speaks TLS: with us, or with a proxy that is believed.
fn is_secure(http: &HttpRequest, desk: &Desk) -> bool {
    let by_proxy = || {
        let peer = http.peer_addr().is_some_and(|peer| desk.proxies.trusts(peer.ip()));
        peer && http.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
    };
    http.app_config().secure() || by_proxy()
}
