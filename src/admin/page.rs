//! What all pages share: their style, their script, and what is said where one fails.

use std::error::Error;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use askama::Template;

use super::frame::{Frame, Section};
use super::said;
use super::visitor::Visitor;
use crate::app::Internal;

/// `GET /style.css`.
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/css; charset=utf-8")).body(include_str!("pages/style.css"))
}

/// `GET /script.js`.
pub(super) async fn script() -> HttpResponse {
    let kind = "text/javascript; charset=utf-8";
    HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).body(include_str!("pages/script.js"))
}

pub(super) fn rendered(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html),
        Err(error) => {
            tracing::error!(name: "admin.page_failed", %error, "a page cannot be written");
            said(HttpResponse::InternalServerError(), "a fault of ours: the log says more\n")
        }
    }
}

#[derive(Template)]
#[template(path = "missing.html", config = "src/admin/askama.toml")]
struct MissingPage<'a> {
    frame: Frame,
    what: &'a str,
}

/// For what is not there (any more); leads back to its section.
pub(super) fn missing(visitor: &Visitor, section: Section, what: &str) -> HttpResponse {
    visitor.show_with(StatusCode::NOT_FOUND, &MissingPage { frame: visitor.frame(section), what })
}

pub(super) fn failed(error: &Internal) -> HttpResponse {
    tracing::error!(
        name: "admin.failed",
        error = error as &dyn Error,
        "a page of the admin listener failed by a fault of ours"
    );
    said(HttpResponse::InternalServerError(), "a fault of ours: the log says more\n")
}
