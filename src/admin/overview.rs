//! How things are, at a glance.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::chart::{Chart, HEIGHT, OUTCOMES, WIDTH};
use super::frame::{Frame, Section};
use super::visitor::Visitor;
use super::words::{Moment, span};
use super::{Desk, page};
use crate::app::{Attention, BudgetLeft, Outcomes, Overview, Rate, Route, Signal, budgets_left};
use crate::clock::Timestamp;

#[derive(Template)]
#[template(path = "overview.html", config = "src/admin/askama.toml")]
struct OverviewPage {
    frame: Frame,
    attention: Vec<Notice>,
    routes: Vec<RouteCard>,
    currency: String,
    queue: u64,
    oldest: String,
    wait: String,
    outcomes: Outcomes,
    rates: Vec<RateLine>,
    chart: Chart,
    version: &'static str,
    uptime: String,
    at: Moment,
}

/// Something to look at, in plain words.
struct Notice {
    is_grave: bool,
    text: String,
    since: Option<Moment>,
    link: &'static str,
    where_to: &'static str,
}

struct RouteCard {
    name: String,
    kind: &'static str,
    channels: &'static str,
    state: &'static str,
    class: &'static str,
    reason: Option<String>,
    since: Option<Moment>,
    held: usize,
    network: Option<String>,
    signal: Option<Signal>,
    budgets: Vec<BudgetLeft>,
    recovered: Option<(Moment, String)>,
}

/// How many were verified in some time.
struct RateLine {
    over: String,
    percent: String,
    text: String,
}

/// `GET /`.
pub(super) async fn overview(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let takes_writes = desk.is_writable_in_time().await;
    match desk.app.overview(takes_writes).await {
        Ok(overview) => {
            let (frame, currency) = (visitor.frame(Section::Overview), desk.app.rules().currency.clone());
            visitor.show(&OverviewPage::new(frame, overview, desk.started, currency))
        }
        Err(error) => page::failed(&error),
    }
}

impl OverviewPage {
    fn new(frame: Frame, overview: Overview, started: Timestamp, currency: String) -> Self {
        let Overview { at, attention, routes, queue, wait, outcomes, traffic, rates } = overview;
        Self {
            frame,
            attention: attention.into_iter().map(Notice::new).collect(),
            routes: routes.into_iter().map(RouteCard::new).collect(),
            queue: queue.length,
            oldest: queue.oldest_due.map_or_else(|| "–".to_owned(), |due| span(at.since(due))),
            currency,
            wait: wait.map_or_else(|| "until a route is ready".to_owned(), |wait| format!("about {}", span(wait))),
            outcomes,
            rates: rates.iter().map(RateLine::new).collect(),
            chart: Chart::of(&traffic),
            version: env!("CARGO_PKG_VERSION"),
            uptime: span(at.since(started)),
            at: Moment(at),
        }
    }
}

impl Notice {
    fn new(attention: Attention) -> Self {
        let is_grave = attention.is_grave();
        let of_route = |is_provider| if is_provider { ("/providers", "Providers") } else { ("/modems", "Modems") };
        let (text, since, (link, where_to)) = match attention {
            Attention::NoWrite => (
                "The database takes no write, so that no request is accepted. Look at the disk and at the log."
                    .to_owned(),
                None,
                ("/readyz?verbose", "Readiness"),
            ),
            Attention::Disk { free, is_full } => {
                let then = if is_full { "nothing more is accepted" } else { "free some before it is full" };
                (
                    format!("Only {} MiB are free on the disk: {then}.", free >> 20),
                    None,
                    ("/readyz?verbose", "Readiness"),
                )
            }
            Attention::NoRoute => (
                "No modem and no provider is configured: every request is refused.".to_owned(),
                None,
                ("/modems", "Modems"),
            ),
            Attention::AllDown => {
                ("No route is ready: nothing is sent until one is.".to_owned(), None, ("#routes", "Routes"))
            }
            Attention::RouteDown { route, is_provider, since, reason } => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                (format!("{route} is not ready{reason}."), Some(Moment(since)), of_route(is_provider))
            }
            Attention::Budget { route, is_provider, of, window, percent, .. } => {
                let then = if percent >= 100 { ": nothing goes over it until some of that is free again" } else { "" };
                let what = match of {
                    "money" => "money that it may spend",
                    "calls" => "calls that it may make",
                    _ => "SMS that it may send",
                };
                (
                    format!("{route} has used {percent} % of the {what} in a {window}{then}."),
                    None,
                    of_route(is_provider),
                )
            }
            Attention::Breakers { prefixes } => (
                format!("Requests are held up, as hardly anybody there verifies: {}.", few(&prefixes)),
                None,
                ("/protection", "Protection"),
            ),
            Attention::Queue { length, oldest } => (
                format!("{length} messages wait, the oldest for long."),
                Some(Moment(oldest)),
                ("/verifications?state=in_progress", "Verifications"),
            ),
            Attention::WebhooksOff { accounts } => (
                format!("Webhooks are turned off, as their receivers answered 410 Gone: {}.", few(&accounts)),
                None,
                ("/webhooks", "Webhooks"),
            ),
            Attention::WebhooksDead { events } => (given_up(events), None, ("/webhooks", "Webhooks")),
        };
        Self { is_grave, text, since, link, where_to }
    }
}

fn given_up(events: u64) -> String {
    let were = if events == 1 { "event of a webhook was" } else { "events of webhooks were" };
    format!("{events} {were} given up: nobody was told.")
}

/// The first of many.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

impl RouteCard {
    fn new(route: Route) -> Self {
        let (state, class) = if route.down_since.is_none() { ("ready", "good") } else { ("not ready", "bad") };
        let reception = route.reception.clone().unwrap_or_default();
        let network = reception.in_words();
        Self {
            kind: if route.is_provider { "provider" } else { "modem" },
            channels: match (route.sms, route.calls) {
                (true, true) => "SMS and calls",
                (true, false) => "SMS",
                (false, true) => "calls",
                (false, false) => "nothing",
            },
            state,
            class,
            signal: reception.signal(),
            network: (!network.is_empty()).then(|| network.join(", ")),
            budgets: budgets_left(&route.budget),
            reason: route.reason,
            since: route.down_since.map(Moment),
            held: route.held,
            recovered: route.recovered.map(|recovered| (Moment(recovered.at), recovered.step)),
            name: route.name,
        }
    }
}

impl RateLine {
    fn new(rate: &Rate) -> Self {
        let over = match rate.over {
            over if over > Duration::from_secs(86_400) => format!("{} days", over.as_secs() / 86_400),
            over => format!("{} h", over.as_secs() / 3600),
        };
        Self {
            over,
            percent: rate.percent().map_or_else(|| "–".to_owned(), |percent| format!("{percent} %")),
            text: format!("{} of {} sent", rate.verified, rate.sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_attention_is_said_in_plain_words() {
        let at = Timestamp::from_millis(0);
        let prefixes = (1..=7).map(|block| format!("+4477009{block}*")).collect();
        let all = [
            Attention::NoWrite,
            Attention::Disk { free: 100 << 20, is_full: false },
            Attention::Disk { free: 10 << 20, is_full: true },
            Attention::NoRoute,
            Attention::AllDown,
            Attention::RouteDown {
                route: "sim1".to_owned(),
                is_provider: false,
                since: at,
                reason: Some("the SIM is locked".to_owned()),
            },
            Attention::Budget {
                route: "twilio".to_owned(),
                is_provider: true,
                of: "money",
                window: "month",
                percent: 100,
                frees: None,
            },
            Attention::Breakers { prefixes },
            Attention::Queue { length: 12, oldest: at },
            Attention::WebhooksOff { accounts: vec!["abcdef01".to_owned(), "abcdef02".to_owned()] },
            Attention::WebhooksDead { events: 1 },
            Attention::WebhooksDead { events: 34 },
        ];
        let lines: Vec<_> = all
            .into_iter()
            .map(Notice::new)
            .map(|notice| format!("{} {} [{}]", if notice.is_grave { "!" } else { "-" }, notice.text, notice.link))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        ! The database takes no write, so that no request is accepted. Look at the disk and at the log. [/readyz?verbose]
        - Only 100 MiB are free on the disk: free some before it is full. [/readyz?verbose]
        ! Only 10 MiB are free on the disk: nothing more is accepted. [/readyz?verbose]
        ! No modem and no provider is configured: every request is refused. [/modems]
        ! No route is ready: nothing is sent until one is. [#routes]
        - sim1 is not ready: the SIM is locked. [/modems]
        - twilio has used 100 % of the money that it may spend in a month: nothing goes over it until some of that is free again. [/providers]
        - Requests are held up, as hardly anybody there verifies: +44770091*, +44770092*, +44770093*, +44770094*, +44770095* and 2 more. [/protection]
        - 12 messages wait, the oldest for long. [/verifications?state=in_progress]
        - Webhooks are turned off, as their receivers answered 410 Gone: abcdef01, abcdef02. [/webhooks]
        - 1 event of a webhook was given up: nobody was told. [/webhooks]
        - 34 events of webhooks were given up: nobody was told. [/webhooks]
        ");
    }
}
