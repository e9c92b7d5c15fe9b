//! Logging in and out.
//!
//! A browser has one of two cookies: before the login a random one that ties the form to it, after it the session's. Both
//! are for this host alone, out of reach of scripts and of other sites' links.

use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};

use super::page::{self, LoginPage};
use super::{Desk, said};
use crate::app::{Login, LoginError, SESSION_ABSOLUTE, Session};
use crate::origin::Origin;

/// Octets of a form, and how long it may take to arrive.
const FORM_OCTETS_MAX: usize = 8 * 1024;
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Characters of a cookie: 32 octets in base64, or as many characters at random.
const COOKIE_LENGTH: usize = 43;

const BEFORE: &str = "simverify_form";
const SESSION: &str = "simverify_session";

const WRONG: &str = "Name or password is wrong.";
const STALE: &str = "The form was too old. Please try again.";

/// `GET /login`.
pub(super) async fn form(http: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    if matches!(session(&http, &desk).await, Ok(Some(_))) {
        return see_other("/");
    }
    login_page(&http, &desk, StatusCode::OK, None, "")
}

/// `POST /login`.
pub(super) async fn log_in(http: HttpRequest, payload: web::Payload, desk: web::Data<Desk>) -> HttpResponse {
    let form = match Form::read(payload).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let before = cookie(&http, BEFORE);
    if !before.is_some_and(|before| desk.app.is_form_token(&before, &form.token)) {
        return login_page(&http, &desk, StatusCode::FORBIDDEN, Some(STALE), &form.name);
    }
    let origin = origin(&http, &desk);
    let replaced = cookie(&http, SESSION);
    match desk.app.admin_login(&form.name, &form.password, origin, replaced.as_deref()).await {
        Ok(Login { token }) => {
            tracing::info!(admin = form.name, %origin, "an admin logged in");
            let mut response = see_other("/");
            let session = baked(&http, &desk, SESSION, token.expose_secret());
            // Neither fails: a cookie of ours is always a header.
            let _ = response.add_cookie(&session);
            let _ = response.add_removal_cookie(&baked(&http, &desk, BEFORE, ""));
            response
        }
        Err(LoginError::Wrong) => {
            // The name may be a password that was typed into the wrong field.
            tracing::warn!(%origin, "a login failed: wrong name or password");
            login_page(&http, &desk, StatusCode::UNAUTHORIZED, Some(WRONG), &form.name)
        }
        Err(LoginError::Held(wait)) => {
            let seconds = wait.as_secs() + 1;
            let trouble = format!("Too many wrong passwords. Please try again in {seconds} seconds.");
            let mut page = login_page(&http, &desk, StatusCode::TOO_MANY_REQUESTS, Some(&trouble), &form.name);
            page.headers_mut().insert(RETRY_AFTER, seconds.into());
            page
        }
        Err(LoginError::Busy) => {
            let trouble = "Too many logins at the same time. Please try again.";
            login_page(&http, &desk, StatusCode::SERVICE_UNAVAILABLE, Some(trouble), &form.name)
        }
        Err(LoginError::Internal(error)) => page::failed(&error),
    }
}

/// `POST /logout`.
pub(super) async fn log_out(http: HttpRequest, payload: web::Payload, desk: web::Data<Desk>) -> HttpResponse {
    let form = match Form::read(payload).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(token) = cookie(&http, SESSION) else { return see_other("/login") };
    if !desk.app.is_form_token(&token, &form.token) {
        return said(HttpResponse::Forbidden(), "the form was too old, or of another session: load the page again\n");
    }
    if let Err(error) = desk.app.admin_logout(&token).await {
        return page::failed(&error);
    }
    let mut response = see_other("/login");
    let _ = response.add_removal_cookie(&baked(&http, &desk, SESSION, ""));
    response
}

/// The session that the request proves, with its cookie.
pub(super) async fn session(
    http: &HttpRequest,
    desk: &Desk,
) -> Result<Option<(String, Session)>, crate::app::Internal> {
    let Some(token) = cookie(http, SESSION) else { return Ok(None) };
    let session = desk.app.admin_session(&token).await?;
    Ok(session.map(|session| (token, session)))
}

pub(super) fn see_other(location: &'static str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, location)).finish()
}

fn login_page(http: &HttpRequest, desk: &Desk, status: StatusCode, trouble: Option<&str>, name: &str) -> HttpResponse {
    // Kept while it is there, so that two open forms both work.
    let before = cookie(http, BEFORE).unwrap_or_else(|| desk.random.token(COOKIE_LENGTH));
    let form_token = desk.app.form_token(&before);
    let mut response = page::rendered(status, &LoginPage { trouble, name, form_token: &form_token });
    let _ = response.add_cookie(&baked(http, desk, BEFORE, &before));
    response
}

/// A cookie of ours of this name, if it looks like one.
fn cookie(http: &HttpRequest, name: &str) -> Option<String> {
    let found = [format!("__Host-{name}"), name.to_owned()].into_iter().find_map(|name| http.cookie(&name))?;
    let value = found.value();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (value.len() == COOKIE_LENGTH && value.bytes().all(fits)).then(|| value.to_owned())
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

fn origin(http: &HttpRequest, desk: &Desk) -> Origin {
    let peer = http.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let values = http.headers().get_all(desk.proxies.header.name()).filter_map(|value| value.to_str().ok());
    Origin::of(desk.proxies.client(peer, values))
}

#[derive(Default)]
struct Form {
    token: String,
    name: String,
    password: SecretString,
}

impl Form {
    async fn read(payload: web::Payload) -> Result<Self, HttpResponse> {
        let body = match tokio::time::timeout(FORM_TIMEOUT, payload.to_bytes_limited(FORM_OCTETS_MAX)).await {
            Ok(Ok(Ok(body))) => body,
            Ok(Ok(Err(_))) => return Err(said(HttpResponse::BadRequest(), "the form was cut off\n")),
            Ok(Err(_)) => return Err(said(HttpResponse::PayloadTooLarge(), "the form is too large\n")),
            Err(_) => return Err(said(HttpResponse::RequestTimeout(), "the form came too slowly\n")),
        };
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(&body) {
            match &*name {
                "form_token" => form.token = value.into_owned(),
                "name" => form.name = value.trim().to_owned(),
                "password" => form.password = SecretString::from(value.into_owned()),
                _ => {}
            }
        }
        Ok(form)
    }
}
