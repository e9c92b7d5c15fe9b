//! All modems at a glance.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Desk;
use super::frame::{Frame, Section};
use super::visitor::Visitor;
use super::words::{Moment, span};
use crate::app::{Modem, Signal};

#[derive(Template)]
#[template(path = "modems.html", config = "src/admin/askama.toml")]
struct ModemsPage {
    frame: Frame,
    modems: Vec<ModemCard>,
}

/// What is said of a modem wherever it stands.
pub(super) struct ModemCard {
    pub name: String,
    pub what: String,
    pub channels: &'static str,
    pub state: &'static str,
    pub class: &'static str,
    pub reason: Option<String>,
    pub since: Option<Moment>,
    pub network: String,
    pub signal: Option<Signal>,
    pub held: usize,
    pub call: Option<&'static str>,
    pub last_sms: Option<Last>,
    pub last_call: Option<Last>,
}

/// A message or call that is over.
pub(super) struct Last {
    pub at: Moment,
    pub outcome: &'static str,
    pub took: String,
}

/// `GET /modems`.
pub(super) async fn list(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let modems = desk.app.modems().iter().map(ModemCard::new).collect();
    visitor.show(&ModemsPage { frame: visitor.frame(Section::Modems), modems })
}

impl ModemCard {
    pub fn new(modem: &Modem) -> Self {
        let Modem { route, sheet, .. } = modem;
        let (state, class) = if route.down_since.is_none() { ("ready", "good") } else { ("not ready", "bad") };
        let reception = sheet.reception.as_ref();
        let signal = reception.and_then(|it| it.signal());
        Self {
            name: route.name.clone(),
            what: what(modem),
            channels: match (route.sms, route.calls) {
                (true, true) => "SMS and calls",
                (true, false) => "SMS",
                (false, true) => "calls",
                (false, false) => "nothing",
            },
            state,
            class,
            reason: route.reason.clone(),
            since: route.down_since.map(Moment),
            network: reception.map(|it| it.in_words().join(" · ")).unwrap_or_default(),
            signal,
            held: route.held,
            call: modem.call_in_words(),
            last_sms: sheet.last_sms.as_ref().map(|sent| Last {
                at: Moment(sent.at),
                outcome: sent.outcome,
                took: took(sent.took),
            }),
            last_call: sheet.last_call.as_ref().map(|sent| Last {
                at: Moment(sent.at),
                outcome: sent.outcome,
                took: span(sent.took),
            }),
        }
    }
}

/// Maker and model, as far as the modem has told.
pub(super) fn what(modem: &Modem) -> String {
    let identity = &modem.sheet.identity;
    let (maker, model) = (identity.maker.as_deref().unwrap_or_default(), identity.model.as_deref().unwrap_or_default());
    // Many say their maker in the model too.
    if model.to_lowercase().starts_with(&maker.to_lowercase()) { model.to_owned() } else { format!("{maker} {model}") }
}

/// A time of some seconds.
pub(super) fn took(time: std::time::Duration) -> String {
    if time.as_secs() < 60 { format!("{:.1} s", time.as_secs_f64()) } else { span(time) }
}
