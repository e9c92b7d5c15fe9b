//! Messages that came in to the SIMs.
//!
//! A list goes over a shoulder easily, so it shows senders masked and no text. A message that is opened is shown whole.
//! A search is a form, not an address: what is looked for may be a number.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::pager::Pager;
use super::visitor::{Act, Visitor};
use super::words::Moment;
use super::{Desk, acts, page, reads};
use crate::app::{INBOX_PAGE, InboxFilter, InboxMessage, InboxPage};

const UNKNOWN: &str = "There is no such message: it may have been deleted.";

/// Characters of what is looked for.
const WORDS_MAX: usize = 100;

pub(super) fn pages(config: &mut web::ServiceConfig) {
    config
        .service(reads("/inbox", list))
        .service(acts("/inbox/search", search))
        .service(acts("/inbox/clear", clear))
        .service(reads("/inbox/{number:[0-9]+}", show))
        .service(acts("/inbox/{number:[0-9]+}/delete", delete));
}

#[derive(Template)]
#[template(path = "inbox.html", config = "src/admin/askama.toml")]
struct ListPage<'a> {
    frame: Frame,
    messages: Vec<Line>,
    count: usize,
    only_reactions: bool,
    /// What was looked for.
    words: Option<&'a str>,
    pager: Pager,
}

struct Line {
    number: i64,
    received: Moment,
    modem: String,
    sender: String,
    kind: String,
    length: String,
    reaction: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "message.html", config = "src/admin/askama.toml")]
struct OnePage {
    frame: Frame,
    message: InboxMessage,
    kind: String,
    reaction: Option<&'static str>,
    received: Moment,
    sent: Option<Moment>,
}

/// `GET /inbox`.
async fn list(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let only_reactions = visitor.query("only").as_deref() == Some("opt-outs");
    let filter = if only_reactions { InboxFilter::Reactions } else { InboxFilter::All };
    let number = Pager::asked(&visitor);
    match desk.app.inbox(filter, number, desk.join).await {
        Ok(InboxPage { messages, count }) => {
            let base = if only_reactions { "/inbox?only=opt-outs&" } else { "/inbox?" };
            let pager = Pager::new(number, count, INBOX_PAGE, base);
            let messages = messages.into_iter().map(Line::new).collect();
            let frame = visitor.frame(Section::Inbox);
            visitor.show(&ListPage { frame, messages, count, only_reactions, words: None, pager })
        }
        Err(error) => page::failed(&error),
    }
}

/// `POST /inbox/search`.
async fn search(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let words = act.form.text("words").trim();
    if words.is_empty() || words.chars().count() > WORDS_MAX {
        return act.refused("/inbox", format!("Write 1 to {WORDS_MAX} characters of a sender or a text."));
    }
    match desk.app.search_inbox(words, desk.join).await {
        Ok(InboxPage { messages, count }) => {
            let pager = Pager::new(0, 0, INBOX_PAGE, "/inbox?");
            let messages = messages.into_iter().map(Line::new).collect();
            let frame = act.visitor.frame(Section::Inbox);
            let page = ListPage { frame, messages, count, only_reactions: false, words: Some(words), pager };
            act.visitor.show(&page)
        }
        Err(error) => page::failed(&error),
    }
}

/// `GET /inbox/NUMBER`.
async fn show(visitor: Visitor, desk: web::Data<Desk>, number: web::Path<i64>) -> HttpResponse {
    match desk.app.inbox_message(*number, desk.join).await {
        Ok(Some(message)) => visitor.show(&OnePage {
            frame: visitor.frame(Section::Inbox),
            kind: kind(&message),
            reaction: reaction(&message),
            received: Moment(message.received),
            sent: message.sent.map(Moment),
            message,
        }),
        Ok(None) => page::missing(&visitor, Section::Inbox, UNKNOWN),
        Err(error) => page::failed(&error),
    }
}

/// `POST /inbox/NUMBER/delete`.
async fn delete(act: Act, desk: web::Data<Desk>, number: web::Path<i64>) -> HttpResponse {
    match desk.app.delete_from_inbox(*number).await {
        Ok(true) => {
            tracing::info!(name: "admin.message_deleted", admin = act.visitor.admin, inbox_id = *number, "an admin deleted a message of the inbox");
            act.done("/inbox", format!("Message {number} is deleted."))
        }
        Ok(false) => act.refused("/inbox", UNKNOWN),
        Err(error) => page::failed(&error),
    }
}

/// `POST /inbox/clear`.
async fn clear(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    if !act.form.is_ticked("sure") {
        return act.refused("/inbox", "Nothing was deleted: the box was not ticked.");
    }
    match desk.app.clear_inbox().await {
        Ok(deleted) => {
            tracing::info!(name: "admin.inbox_cleared", admin = act.visitor.admin, deleted, "an admin cleared the inbox");
            act.done("/inbox", format!("Messages deleted: {deleted}."))
        }
        Err(error) => page::failed(&error),
    }
}

impl Line {
    fn new(message: InboxMessage) -> Self {
        Self {
            number: message.number,
            received: Moment(message.received),
            sender: message.masked_sender(),
            kind: kind(&message),
            length: match &message.text {
                Some(text) => format!("{} characters", text.chars().count()),
                None => "no text".to_owned(),
            },
            reaction: reaction(&message),
            modem: message.route,
        }
    }
}

fn kind(message: &InboxMessage) -> String {
    match usize::from(message.parts).saturating_sub(message.received_parts) {
        0 => message.kind.clone(),
        _ => format!("{}, {} of {} parts", message.kind, message.received_parts, message.parts),
    }
}

fn reaction(message: &InboxMessage) -> Option<&'static str> {
    match message.reaction.as_deref() {
        Some("opt_out") => Some("opted out"),
        Some("opt_in") => Some("opted in again"),
        Some(_) | None => None,
    }
}
