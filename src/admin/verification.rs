//! One verification: what happened, why it did not arrive, and what may be done about it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::verifications::in_words;
use super::visitor::{Act, Visitor};
use super::words::{Moment, amount, span};
use super::{Desk, page, said};
use crate::app::{ControlError, Internal, Past, Progress};
use crate::clock::Timestamp;

#[derive(Template)]
#[template(path = "verification.html", config = "src/admin/askama.toml")]
struct DetailPage {
    frame: Frame,
    request: String,
    /// Whole, where it was asked for.
    number: String,
    is_revealed: bool,
    has_number: bool,
    is_blocked: bool,
    state: &'static str,
    class: &'static str,
    is_open: bool,
    may_move_on: bool,
    facts: Vec<(&'static str, String)>,
    began: Moment,
    account: String,
    account_key: String,
    explanation: Explained,
    timeline: Vec<Line>,
}

struct Explained {
    class: &'static str,
    what: String,
    advice: String,
    further: Vec<String>,
}

/// One entry of the timeline.
struct Line {
    class: &'static str,
    is_ahead: bool,
    at: Moment,
    offset: String,
    text: String,
    /// In plain words.
    meaning: Option<&'static str>,
    advice: Option<&'static str>,
    /// As the route said it.
    said: Option<String>,
}

/// `GET /verifications/{request}`.
pub(super) async fn detail(visitor: Visitor, path: web::Path<String>, desk: web::Data<Desk>) -> HttpResponse {
    match find(&desk, &path).await {
        Ok(Some(past)) => visitor.show(&DetailPage::new(visitor.frame(Section::Verifications), past, false)),
        Ok(None) => unknown(),
        Err(error) => page::failed(&error),
    }
}

/// `POST /verifications/{request}/number`: the page with the whole number, once.
pub(super) async fn show_number(act: Act, path: web::Path<String>, desk: web::Data<Desk>) -> HttpResponse {
    match find(&desk, &path).await {
        Ok(Some(past)) => {
            let (admin, request_id) = (&act.visitor.admin, past.request);
            tracing::info!(name: "admin.number_shown", admin, %request_id, "an admin looked at the whole number of a verification");
            act.visitor.show(&DetailPage::new(act.visitor.frame(Section::Verifications), past, true))
        }
        Ok(None) => unknown(),
        Err(error) => page::failed(&error),
    }
}

/// `POST /verifications/{request}/cancel`.
pub(super) async fn cancel(act: Act, path: web::Path<String>, desk: web::Data<Desk>) -> HttpResponse {
    let Ok(request) = path.parse() else { return unknown() };
    let outcome = desk.app.cancel_any(request).await;
    if outcome.is_ok() {
        let admin = &act.visitor.admin;
        tracing::info!(name: "admin.cancelled", admin, request_id = %request, "an admin cancelled a verification");
    }
    controlled(&act, &path, outcome, "The verification is cancelled.")
}

/// `POST /verifications/{request}/next`.
pub(super) async fn next_event(act: Act, path: web::Path<String>, desk: web::Data<Desk>) -> HttpResponse {
    let Ok(request) = path.parse() else { return unknown() };
    let outcome = desk.app.trigger_next_event_of_any(request).await;
    if outcome.is_ok() {
        let admin = &act.visitor.admin;
        tracing::info!(name: "admin.moved_on", admin, request_id = %request, "an admin asked for the next event of a verification");
    }
    controlled(&act, &path, outcome, "The next event begins.")
}

/// `POST /verifications/{request}/block`.
pub(super) async fn block(act: Act, path: web::Path<String>, desk: web::Data<Desk>) -> HttpResponse {
    let Ok(request) = path.parse() else { return unknown() };
    let place = place(&path);
    match desk.app.block_number_of(request).await {
        Ok(Some(true)) => {
            let admin = &act.visitor.admin;
            tracing::info!(name: "admin.number_blocked", admin, request_id = %request, "an admin blocked the number of a verification");
            act.done(&place, "The number is on the blocklist.")
        }
        Ok(Some(false)) => act.done(&place, "The number was on the blocklist already."),
        Ok(None) => act.refused(&place, "Its number is not kept any more."),
        Err(error) => page::failed(&error),
    }
}

async fn find(desk: &Desk, request: &str) -> Result<Option<Past>, Internal> {
    match request.parse() {
        Ok(request) => desk.app.past_verification(request).await,
        Err(_) => Ok(None),
    }
}

fn unknown() -> HttpResponse {
    said(HttpResponse::build(StatusCode::NOT_FOUND), "no verification of this id is kept\n")
}

fn place(request: &str) -> String {
    format!("/verifications/{request}")
}

/// The rules are those of the API.
fn controlled(act: &Act, request: &str, outcome: Result<(), ControlError>, done: &str) -> HttpResponse {
    let place = place(request);
    let refusal = match outcome {
        Ok(()) => return act.done(&place, done),
        Err(ControlError::NotFound) => "It has ended already.".to_owned(),
        Err(ControlError::TooSoon { cancel_after }) => {
            format!("It can be cancelled from {} after its beginning on.", span(cancel_after))
        }
        Err(ControlError::TooLate) => "It cannot be cancelled any more: its second event has begun.".to_owned(),
        Err(ControlError::NoEventLeft) => "No event is left.".to_owned(),
        Err(ControlError::Internal(error)) => return page::failed(&error),
    };
    act.refused(&place, refusal)
}

impl DetailPage {
    fn new(frame: Frame, past: Past, reveal: bool) -> Self {
        let (state, class) = in_words(past.progress);
        let number = past.number.as_ref();
        let shown = number.map(|number| if reveal { format!("+{}", number.digits()) } else { number.masked() });
        let explanation = past.course.explanation();
        let created = past.course.created;
        let is_open = matches!(past.progress, Progress::InProgress);
        Self {
            frame,
            request: past.request.to_string(),
            has_number: number.is_some(),
            number: shown.unwrap_or_else(|| "wiped".to_owned()),
            is_revealed: reveal,
            is_blocked: past.course.is_blocked,
            state,
            class,
            is_open,
            may_move_on: is_open && past.course.has_event_left(),
            facts: facts(&past),
            began: Moment(created),
            explanation: Explained {
                class: class_of(explanation.verdict.tone().as_str()),
                what: explanation.what,
                advice: explanation.advice,
                further: explanation.further,
            },
            timeline: past
                .course
                .timeline()
                .into_iter()
                .map(|entry| Line {
                    class: class_of(entry.tone.as_str()),
                    is_ahead: entry.is_ahead,
                    at: Moment(entry.at),
                    offset: offset(created, entry.at),
                    text: entry.text,
                    meaning: entry.cause.map(|cause| cause.meaning),
                    advice: entry.cause.map(|cause| cause.advice).filter(|advice| !advice.is_empty()),
                    said: entry.said,
                })
                .collect(),
            account: past.account,
            account_key: past.account_key,
        }
    }
}

fn class_of(tone: &str) -> &'static str {
    match tone {
        "good" => "good",
        "warning" => "warn",
        "bad" => "bad",
        _ => "",
    }
}

/// `+0.4 s`, `+12 s`, `+3 min 5 s`.
fn offset(created: Timestamp, at: Timestamp) -> String {
    let time = at.since(created);
    match time.as_secs() {
        0..10 => format!("+{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("+{seconds} s"),
        seconds @ 60..3600 => format!("+{} min {} s", seconds / 60, seconds % 60),
        3600.. => format!("+{}", span(time)),
    }
}

fn facts(past: &Past) -> Vec<(&'static str, String)> {
    let kinds: Vec<_> = past.workflow.events().iter().map(|kind| kind.as_str()).collect();
    let paid = if past.is_refunded { " (given back)" } else { "" };
    let wrong = past.course.tries.iter().filter(|code| code.right == Some(false)).count();
    let typed = match past.course.tries.len() {
        0 => "none".to_owned(),
        typed => format!("{typed}, {wrong} of them wrong"),
    };
    let typed = match past.progress {
        Progress::InProgress => format!("{typed}, {} left", past.tries_left),
        Progress::Success | Progress::Failed | Progress::Expired | Progress::Cancelled => typed,
    };
    let brand = match past.amount_cents {
        None => ("Brand", past.brand.clone()),
        Some(cents) => ("Payment", format!("{}.{:02} EUR to {}", cents / 100, cents % 100, past.brand)),
    };
    let pin = if past.own_pin { "the application's own" } else { "drawn here" };
    vec![
        brand,
        ("Country", past.country.clone().unwrap_or_else(|| "none".to_owned())),
        ("Language", past.language.clone()),
        ("Sender", past.sender_id.clone()),
        ("Code", format!("{} digits, {pin}", past.code_length)),
        ("Workflow", format!("{} ({})", past.workflow.id(), kinds.join(", "))),
        ("Codes typed in", typed),
        ("Price", format!("{}{paid}", amount(&past.price, &past.currency))),
        ("Its messages cost", amount(&past.cost, &past.currency)),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_offset_grows_coarser() {
        let begin = Timestamp::from_millis(0);
        let offsets =
            [0, 400, 12_000, 185_000, 7_260_000].map(|millis| offset(begin, begin + Duration::from_millis(millis)));
        assert_eq!(offsets, ["+0.0 s", "+0.4 s", "+12 s", "+3 min 5 s", "+2 h 1 min"]);
    }
}
