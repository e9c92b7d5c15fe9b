//! What a modem and the daemon said to each other in the last minutes, redacted.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::modem::UNKNOWN;
use super::visitor::Visitor;
use super::words::Moment;
use super::{Desk, page};
use crate::clock::Timestamp;
use crate::simulator::Simulators;

/// The latest lines that are shown.
const ROWS_MAX: usize = 200;

/// Without a script the page loads itself again so many times, every three seconds: a minute.
const RELOADS: u32 = 20;

/// Gives the last minutes of a modem, the oldest first.
pub type Trace = dyn Fn(&str) -> Vec<TraceRow> + Send + Sync;

/// What the pages show of the modems' lines. The daemon gives it: nothing here knows a modem.
#[derive(Clone)]
pub struct Wires {
    pub trace: Arc<Trace>,
    pub simulators: Simulators,
}

/// One AT line, redacted.
pub struct TraceRow {
    pub at: Timestamp,
    pub to_modem: bool,
    pub text: String,
}

#[derive(Template)]
#[template(path = "trace.html", config = "src/admin/askama.toml")]
struct TracePage {
    frame: Frame,
    modem: String,
    rows: Vec<TraceLine>,
    /// Reloads that are left.
    watch: u32,
    reloads: u32,
}

struct TraceLine {
    at: Moment,
    to_modem: bool,
    text: String,
}

/// `GET /modems/NAME/trace`.
pub(super) async fn trace(
    visitor: Visitor,
    desk: web::Data<Desk>,
    modem: web::Path<String>,
    http: HttpRequest,
) -> HttpResponse {
    let modem = modem.into_inner();
    if desk.app.modem(&modem).is_none() {
        return page::missing(&visitor, Section::Modems, UNKNOWN);
    }
    let query = form_urlencoded::parse(http.query_string().as_bytes());
    let watch = query.into_iter().find(|(name, _)| name == "watch").and_then(|(_, count)| count.parse().ok());
    let rows = (desk.wires.trace)(&modem).into_iter().rev().take(ROWS_MAX);
    let rows = rows.map(|row| TraceLine { at: Moment(row.at), to_modem: row.to_modem, text: row.text }).collect();
    let watch = watch.unwrap_or(0).min(RELOADS);
    visitor.show(&TracePage { frame: visitor.frame(Section::Modems), modem, rows, watch, reloads: RELOADS })
}
