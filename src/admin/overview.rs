//! How things are, at a glance.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::visitor::Visitor;
use super::words::{Moment, span};
use super::{Desk, page};
use crate::app::{Outcomes, Overview, Route};
use crate::clock::Timestamp;

#[derive(Template)]
#[template(path = "overview.html", config = "src/admin/askama.toml")]
struct OverviewPage {
    frame: Frame,
    routes: Vec<RouteLine>,
    queue: u64,
    oldest: String,
    outcomes: Outcomes,
    version: &'static str,
    uptime: String,
    at: Moment,
}

struct RouteLine {
    name: String,
    kind: &'static str,
    channels: &'static str,
    state: &'static str,
    class: &'static str,
    reason: Option<String>,
    since: Option<Moment>,
    held: usize,
}

/// `GET /`.
pub(super) async fn overview(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    match desk.app.overview().await {
        Ok(overview) => visitor.show(&OverviewPage::new(visitor.frame(Section::Overview), overview, desk.started)),
        Err(error) => page::failed(&error),
    }
}

impl OverviewPage {
    fn new(frame: Frame, overview: Overview, started: Timestamp) -> Self {
        let Overview { at, routes, queue, outcomes } = overview;
        Self {
            frame,
            routes: routes.into_iter().map(RouteLine::new).collect(),
            queue: queue.length,
            oldest: queue.oldest_due.map_or_else(|| "–".to_owned(), |due| span(at.since(due))),
            outcomes,
            version: env!("CARGO_PKG_VERSION"),
            uptime: span(at.since(started)),
            at: Moment(at),
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
            since: route.down_since.map(Moment),
            held: route.held,
        }
    }
}
