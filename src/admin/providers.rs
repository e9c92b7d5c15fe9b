//! HTTP providers: how each stands, what came of what it was given, and what is left of its budget.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::sheet::ProviderLine;
use super::visitor::Visitor;
use super::words::moment;
use super::{Desk, page};
use crate::app::ProviderSeen;

#[derive(Template)]
#[template(path = "providers.html", config = "src/admin/askama.toml")]
struct ProvidersPage {
    frame: Frame,
    providers: Vec<(ProviderSeen, Option<ProviderLine>)>,
    /// Configured, and left out by `routing.order`.
    unused: Vec<ProviderLine>,
    currency: String,
}

/// `GET /providers`.
pub(super) async fn list(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let seen = match desk.app.providers().await {
        Ok(seen) => seen,
        Err(error) => return page::failed(&error),
    };
    let sheet = desk.sheet.read();
    let line = |name: &str| sheet.providers.iter().find(|line| line.name == name).cloned();
    let unused = sheet.providers.iter().filter(|line| !seen.iter().any(|seen| seen.name == line.name)).cloned();
    let unused = unused.collect();
    let providers = seen.into_iter().map(|seen| (line(&seen.name), seen)).map(|(line, seen)| (seen, line)).collect();
    let currency = desk.app.prices().currency;
    visitor.show(&ProvidersPage { frame: visitor.frame(Section::Providers), providers, unused, currency })
}

/// What a provider's state is called, and how it looks.
fn state(provider: &ProviderSeen) -> (&'static str, &'static str) {
    match provider.state {
        "ready" => ("ready", "good"),
        "failing" => ("failing", "bad"),
        _ => ("paused", "warn"),
    }
}

/// A time of a request.
fn took(time: &Duration) -> String {
    match time.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds} ms"),
        milliseconds => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
    }
}
