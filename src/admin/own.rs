//! The own login: another password, and an end of sessions elsewhere.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};

use super::frame::{Frame, Section};
use super::session::origin;
use super::visitor::{Act, Visitor};
use super::words::moment;
use super::{Desk, acts, cookie, page, reads};
use crate::app::{ChangeError, LoginError, OwnLogin};

const PAGE: &str = "/own-login";

pub(super) fn pages(config: &mut web::ServiceConfig) {
    config
        .service(reads(PAGE, show))
        .service(acts("/own-login/password", change))
        .service(acts("/own-login/sessions", end_others));
}

#[derive(Template)]
#[template(path = "own-login.html", config = "src/admin/askama.toml")]
struct OwnPage {
    frame: Frame,
    login: OwnLogin,
}

/// `GET /own-login`.
async fn show(http: HttpRequest, visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    match desk.app.own_login(&visitor.admin, &token(&http)).await {
        Ok(Some(login)) => visitor.show(&OwnPage { frame: visitor.frame(Section::OwnLogin), login }),
        Ok(None) => page::missing(&visitor, Section::OwnLogin, "Your user was removed."),
        Err(error) => page::failed(&error),
    }
}

/// `POST /own-login/password`.
async fn change(http: HttpRequest, mut act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let [present, other, again] = ["present", "other", "again"].map(|name| SecretString::from(act.form.take(name)));
    let admin = act.visitor.admin.as_str();
    if other.expose_secret() != again.expose_secret() {
        return act.refused(PAGE, "The two are not the same: nothing was changed.");
    }
    let login = (admin, token(&http));
    match desk.app.change_own_password((login.0, &login.1), &present, &other, origin(&http, &desk)).await {
        Ok(()) => {
            tracing::info!(name: "admin.password_changed", admin, "an admin changed the own password");
            act.done(PAGE, "Your password is changed; your other sessions have ended.")
        }
        Err(ChangeError::Login(LoginError::Wrong)) => {
            tracing::warn!(name: "admin.password_refused", admin, "an admin's own password was to be changed with a wrong one");
            act.refused(PAGE, "The present password is wrong.")
        }
        Err(ChangeError::Login(LoginError::Held(wait))) => {
            act.refused(PAGE, format!("Too many wrong passwords. Please try again in {} seconds.", wait.as_secs() + 1))
        }
        Err(ChangeError::Login(LoginError::Busy)) => {
            act.refused(PAGE, "Too many logins at the same time. Please try again.")
        }
        Err(ChangeError::Login(LoginError::Internal(error))) => page::failed(&error),
        Err(ChangeError::Password(error)) => act.refused(PAGE, format!("Nothing was changed: {error}.")),
    }
}

/// `POST /own-login/sessions`.
async fn end_others(http: HttpRequest, act: Act, desk: web::Data<Desk>) -> HttpResponse {
    match desk.app.end_other_sessions(&act.visitor.admin, &token(&http)).await {
        Ok(ended) => {
            tracing::info!(name: "admin.sessions_ended", admin = act.visitor.admin, ended, "an admin ended the own sessions elsewhere");
            act.done(PAGE, format!("Sessions ended: {ended}."))
        }
        Err(error) => page::failed(&error),
    }
}

fn token(http: &HttpRequest) -> String {
    cookie::token(http, cookie::SESSION).unwrap_or_default()
}
