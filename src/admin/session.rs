//! Logging in and out.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};

use super::visitor::{Act, Form};
use super::{Desk, cookie, page, see_other};
use crate::app::{Login, LoginError};
use crate::origin::Origin;

const WRONG: &str = "Name or password is wrong.";
const STALE: &str = "The form was too old. Please try again.";

#[derive(Template)]
#[template(path = "login.html", config = "src/admin/askama.toml")]
struct LoginPage<'a> {
    trouble: Option<&'a str>,
    name: &'a str,
    then: &'a str,
    form_token: &'a str,
}

/// What a form of the login shows again.
#[derive(Clone, Copy, Default)]
struct Typed<'a> {
    trouble: Option<&'a str>,
    /// As it was typed.
    name: &'a str,
    /// The page that was asked for; empty: the first one.
    then: &'a str,
}

/// `GET /login`.
pub(super) async fn form(http: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    let mut query = form_urlencoded::parse(http.query_string().as_bytes());
    let then = query.find(|(name, _)| name == "then").map(|(_, page)| page.into_owned()).filter(|page| is_page(page));
    let then = then.unwrap_or_default();
    if let Some(token) = cookie::token(&http, cookie::SESSION)
        && matches!(desk.app.admin_session(&token).await, Ok(Some(_)))
    {
        return see_other(if then.is_empty() { "/" } else { &then });
    }
    login_page(&http, &desk, StatusCode::OK, Typed { then: &then, ..Typed::default() })
}

/// `POST /login`.
pub(super) async fn log_in(http: HttpRequest, payload: web::Payload, desk: web::Data<Desk>) -> HttpResponse {
    let mut form = match Form::read(payload).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let password = SecretString::from(form.take("password"));
    let (name, then) = (form.text("name").trim(), Some(form.text("then")).filter(|page| is_page(page)));
    let typed = Typed { trouble: None, name, then: then.unwrap_or_default() };
    let again = |status, trouble| login_page(&http, &desk, status, Typed { trouble: Some(trouble), ..typed });
    let before = cookie::token(&http, cookie::BEFORE);
    if !before.is_some_and(|before| desk.app.is_form_token(&before, form.text("form_token"))) {
        return again(StatusCode::FORBIDDEN, STALE);
    }
    let origin = origin(&http, &desk);
    let replaced = cookie::token(&http, cookie::SESSION);
    match desk.app.admin_login(name, &password, origin, replaced.as_deref()).await {
        Ok(Login { token }) => {
            tracing::info!(name: "admin.login", admin = name, %origin, "an admin logged in");
            let mut response = see_other(then.unwrap_or("/"));
            cookie::set(&mut response, &http, &desk, cookie::SESSION, token.expose_secret());
            cookie::forget(&mut response, &http, &desk, cookie::BEFORE);
            response
        }
        Err(LoginError::Wrong) => {
            // The name may be a password that was typed into the wrong field.
            tracing::warn!(name: "admin.login_failed", %origin, "a login failed: wrong name or password");
            again(StatusCode::UNAUTHORIZED, WRONG)
        }
        Err(LoginError::Held(wait)) => {
            let seconds = wait.as_secs() + 1;
            let trouble = format!("Too many wrong passwords. Please try again in {seconds} seconds.");
            let mut page = again(StatusCode::TOO_MANY_REQUESTS, &trouble);
            page.headers_mut().insert(RETRY_AFTER, seconds.into());
            page
        }
        Err(LoginError::Busy) => {
            again(StatusCode::SERVICE_UNAVAILABLE, "Too many logins at the same time. Please try again.")
        }
        Err(LoginError::Internal(error)) => page::failed(&error),
    }
}

/// `POST /logout`.
pub(super) async fn log_out(http: HttpRequest, desk: web::Data<Desk>, _: Act) -> HttpResponse {
    let token = cookie::token(&http, cookie::SESSION).unwrap_or_default();
    if let Err(error) = desk.app.admin_logout(&token).await {
        return page::failed(&error);
    }
    let mut response = see_other("/login");
    cookie::forget(&mut response, &http, &desk, cookie::SESSION);
    response
}

fn login_page(http: &HttpRequest, desk: &Desk, status: StatusCode, typed: Typed<'_>) -> HttpResponse {
    // Kept while it is there, so that two open forms both work.
    let before = cookie::token(http, cookie::BEFORE).unwrap_or_else(|| desk.random.token(cookie::TOKEN_LENGTH));
    let form_token = desk.app.form_token(&before);
    let Typed { trouble, name, then } = typed;
    let mut response = page::rendered(status, &LoginPage { trouble, name, then, form_token: &form_token });
    cookie::set(&mut response, http, desk, cookie::BEFORE, &before);
    response
}

/// A page of this site, and nothing that a browser takes for another (`//host`, `/\host`).
fn is_page(path: &str) -> bool {
    let second = path.as_bytes().get(1);
    path.starts_with('/') && !matches!(second, Some(b'/' | b'\\')) && path.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn origin(http: &HttpRequest, desk: &Desk) -> Origin {
    let peer = http.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let values = http.headers().get_all(desk.proxies.header.name()).filter_map(|value| value.to_str().ok());
    Origin::of(desk.proxies.client(peer, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_typed_is_text_on_the_page() {
        let name = "\"><script>alert(1)</script>";
        let page = LoginPage { trouble: None, name, then: name, form_token: "t" }.render().expect("a page");
        assert!(!page.contains("<script>") && !page.contains("value=\"\">"), "{page}");
    }

    #[test]
    fn the_login_leads_to_pages_of_this_site_alone() {
        for page in ["/", "/verifications?number=44%2A", "/modems/sim1"] {
            assert!(is_page(page), "{page}");
        }
        for page in
            ["", "//evil.example", "/\\evil.example", "http://evil.example", "javascript:alert(1)", "/a\nb", "/ä"]
        {
            assert!(!is_page(page), "{page}");
        }
    }
}
