//! What accounts are told: how each webhook does, what could not be told, and sending it again.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::visitor::{Act, Visitor};
use super::words::Moment;
use super::{Desk, page};
use crate::app::{ShownWebhook, UndeliveredEvent, WebhookError, WebhooksAtAGlance};

const PATH: &str = "/webhooks";

#[derive(Template)]
#[template(path = "webhooks.html", config = "src/admin/askama.toml")]
struct WebhooksPage {
    frame: Frame,
    webhooks: Vec<WebhookCard>,
    dead: Vec<DeadLine>,
    is_cut: bool,
    at: Moment,
}

struct WebhookCard {
    account: String,
    place: String,
    events: String,
    state: &'static str,
    class: &'static str,
    failure: Option<String>,
    since: Option<Moment>,
    held_until: Option<Moment>,
    delivered: Option<Moment>,
    pending: u32,
    oldest: Option<Moment>,
    dead: u32,
}

struct DeadLine {
    event: UndeliveredEvent,
    happened: Moment,
}

/// `GET /webhooks`.
pub(super) async fn webhooks(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    match desk.app.webhooks_at_a_glance().await {
        Ok(glance) => visitor.show(&WebhooksPage::new(visitor.frame(Section::Webhooks), glance)),
        Err(error) => page::failed(&error),
    }
}

/// `POST /webhooks/replay`: one event, or all of an account.
pub(super) async fn replay(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let (event, account) = (act.form.text("event"), act.form.text("account"));
    let replayed = match (event.parse::<i64>(), account) {
        (Ok(event), _) => desk.app.replay_webhook_events(Some(event), None).await,
        (Err(_), "") => return act.refused(PATH, "Nothing was chosen."),
        (Err(_), account) => desk.app.replay_webhook_events(None, Some(account.to_owned())).await,
    };
    match replayed {
        Ok(0) => act.refused(PATH, "There is nothing left to send again."),
        Ok(1) => act.done(PATH, "1 event is sent again."),
        Ok(count) => act.done(PATH, format!("{count} events are sent again.")),
        Err(WebhookError::Store(error)) => page::failed(&error.into()),
        Err(error) => act.refused(PATH, error.to_string()),
    }
}

impl WebhooksPage {
    fn new(frame: Frame, glance: WebhooksAtAGlance) -> Self {
        let WebhooksAtAGlance { at, webhooks, dead, is_cut } = glance;
        let dead_line = |event: UndeliveredEvent| DeadLine { happened: Moment(event.occurred), event };
        Self {
            frame,
            webhooks: webhooks.into_iter().map(WebhookCard::new).collect(),
            dead: dead.into_iter().map(dead_line).collect(),
            is_cut,
            at: Moment(at),
        }
    }
}

impl WebhookCard {
    fn new(webhook: ShownWebhook) -> Self {
        let (state, class, since) = match (webhook.disabled, webhook.failing_since) {
            (Some(since), _) => ("turned off", "bad", Some(since)),
            (None, Some(since)) => ("failing", "warn", Some(since)),
            (None, None) => ("active", "good", None),
        };
        Self {
            account: webhook.api_key,
            // A path may hold a token.
            place: webhook.target.place(),
            events: if webhook.events.is_empty() { "all events".to_owned() } else { webhook.events.join(", ") },
            state,
            class,
            failure: webhook.failure,
            since: since.map(Moment),
            held_until: webhook.held_until.map(Moment),
            delivered: webhook.delivered.map(Moment),
            pending: webhook.counts.pending,
            oldest: webhook.counts.oldest_pending.map(Moment),
            dead: webhook.counts.dead,
        }
    }
}
