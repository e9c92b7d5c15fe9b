//! The pages.

use std::error::Error;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::session::{see_other, session};
use super::{Desk, said};
use crate::app::{Internal, Outcomes, Overview, Route};
use crate::clock::Timestamp;

#[derive(Template)]
#[template(path = "login.html", config = "src/admin/askama.toml")]
pub(super) struct LoginPage<'a> {
    pub trouble: Option<&'a str>,
    /// As it was typed.
    pub name: &'a str,
    pub form_token: &'a str,
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/admin/askama.toml")]
struct OverviewPage {
    admin: String,
    form_token: String,
    routes: Vec<RouteLine>,
    queue: u64,
    oldest: String,
    outcomes: Outcomes,
    version: &'static str,
    uptime: String,
    at: String,
}

struct RouteLine {
    name: String,
    kind: &'static str,
    channels: &'static str,
    state: &'static str,
    class: &'static str,
    reason: Option<String>,
    since: Option<String>,
    held: usize,
}

/// `GET /`.
pub(super) async fn overview(http: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    let (token, session) = match session(&http, &desk).await {
        Ok(Some(found)) => found,
        Ok(None) => return see_other("/login"),
        Err(error) => return failed(&error),
    };
    match desk.app.overview().await {
        Ok(overview) => {
            let page = OverviewPage::new(session.name, desk.app.form_token(&token), overview, desk.started);
            rendered(StatusCode::OK, &page)
        }
        Err(error) => failed(&error),
    }
}

/// `GET /style.css`.
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/css; charset=utf-8")).body(include_str!("pages/style.css"))
}

pub(super) fn rendered(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            said(HttpResponse::InternalServerError(), "a fault of ours: the log says more\n")
        }
    }
}

pub(super) fn failed(error: &Internal) -> HttpResponse {
    tracing::error!(error = error as &dyn Error, "a page of the admin listener failed by a fault of ours");
    said(HttpResponse::InternalServerError(), "a fault of ours: the log says more\n")
}

impl OverviewPage {
    fn new(admin: String, form_token: String, overview: Overview, started: Timestamp) -> Self {
        let Overview { at, routes, queue, outcomes } = overview;
        Self {
            admin,
            form_token,
            routes: routes.into_iter().map(RouteLine::new).collect(),
            queue: queue.length,
            oldest: queue.oldest_due.map_or_else(|| "–".to_owned(), |due| span(at.since(due))),
            outcomes,
            version: env!("CARGO_PKG_VERSION"),
            uptime: span(at.since(started)),
            at: minute(at),
        }
    }
}

impl RouteLine {
    fn new(route: Route) -> Self {
        let (state, class) = if route.down_since.is_none() { ("ready", "good") } else { ("not ready", "bad") };
        Self {
            name: route.name,
            kind: if route.is_provider { "provider" } else { "modem" },
            channels: match (route.sms, route.calls) {
                (true, true) => "SMS and calls",
                (true, false) => "SMS",
                (false, true) => "calls",
                (false, false) => "nothing",
            },
            state,
            class,
            reason: route.reason,
            since: route.down_since.map(minute),
            held: route.held,
        }
    }
}

/// Two units are enough for a person.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// To the minute, as people write it.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |text| format!("{} UTC", text.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_instants_are_told_in_few_words() {
        let spans = [0, 59, 60, 3599, 3600, 90_000, 200_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "1 d 1 h", "2 d 7 h"]);
        assert_eq!(minute(Timestamp::from_millis(1_772_366_400_000)), "2026-03-01 12:00 UTC");
    }

    #[test]
    fn what_a_person_typed_is_text_on_the_page() {
        let name = "\"><script>alert(1)</script>";
        let page = LoginPage { trouble: None, name, form_token: "t" }.render().expect("a page");
        assert!(!page.contains("<script>") && !page.contains("value=\"\">"), "{page}");
    }
}
