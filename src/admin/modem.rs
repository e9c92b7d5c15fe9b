//! One modem: what it is, how it is, what happened to it, and a try by hand.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::modems::{ModemCard, took};
use super::signal::SignalChart;
use super::trial::TrialLine;
use super::visitor::Visitor;
use super::words::{Moment, span};
use super::{Desk, page};
use crate::app::{BudgetLeft, Modem, ModemEvent, ModemEventKind};

/// Said of a modem that is not configured.
pub(super) const UNKNOWN: &str = "There is no modem of this name.";

/// What is shown of the history until all of it is asked for.
const HISTORY_SHOWN: usize = 25;

#[derive(Template)]
#[template(path = "modem.html", config = "src/admin/askama.toml")]
struct ModemPage {
    frame: Frame,
    card: ModemCard,
    facts: Vec<(&'static str, String)>,
    started: Option<Moment>,
    chart: Option<SignalChart>,
    budgets: Vec<BudgetLeft>,
    currency: String,
    trials: Vec<TrialLine>,
    speaks: bool,
    sends: bool,
    simulated: bool,
    history: Vec<HistoryLine>,
    older: usize,
}

/// One thing that happened.
struct HistoryLine {
    at: Moment,
    class: &'static str,
    title: String,
    detail: String,
    again: Option<(u32, Moment)>,
}

/// `GET /modems/NAME`.
pub(super) async fn modem(
    visitor: Visitor,
    desk: web::Data<Desk>,
    name: web::Path<String>,
    http: HttpRequest,
) -> HttpResponse {
    let Some(modem) = desk.app.modem(&name) else { return page::missing(&visitor, Section::Modems, UNKNOWN) };
    let history = match desk.app.modem_history(&name).await {
        Ok(history) => history,
        Err(error) => return page::failed(&error),
    };
    let shows_all = http.query_string() == "history=all";
    let shown = if shows_all { history.len() } else { HISTORY_SHOWN.min(history.len()) };
    let now = desk.app.clock().now();
    visitor.show(&ModemPage {
        frame: visitor.frame(Section::Modems),
        facts: facts(&modem),
        started: modem.sheet.identity.at.map(Moment),
        chart: SignalChart::of(&modem.sheet.signals, now),
        budgets: modem.budgets.clone(),
        currency: desk.app.rules().currency.clone(),
        trials: desk.app.trials(&name).iter().map(TrialLine::new).collect(),
        speaks: modem.route.calls,
        sends: modem.route.sms,
        simulated: modem.sheet.setup.simulator.is_some(),
        older: history.len() - shown,
        history: history.into_iter().take(shown).map(HistoryLine::new).collect(),
        card: ModemCard::new(&modem),
    })
}

fn facts(modem: &Modem) -> Vec<(&'static str, String)> {
    let Modem { route, sheet, send_time, call_time, .. } = modem;
    let identity = &sheet.identity;
    let storage = sheet.storage.map(|(used, total)| {
        let full = if used >= total { ": full, nothing more comes in" } else { "" };
        format!("{used} of {total} places are taken{full}")
    });
    let reports = identity.at.map(|_| if identity.tells_deliveries { "yes" } else { "no" }.to_owned());
    let guessed = |is_known: bool| if is_known { "measured" } else { "a guess until the first one" };
    let sms = route.sms.then(|| format!("{} ({})", took(*send_time), guessed(sheet.last_sms.is_some())));
    let call = route.calls.then(|| format!("{} ({})", took(*call_time), guessed(sheet.last_call.is_some())));
    let known: [(&'static str, Option<String>); 14] = [
        ("Port", Some(sheet.setup.port.clone())),
        ("Maker", identity.maker.clone()),
        ("Model", identity.model.clone()),
        ("Revision", identity.firmware.clone()),
        ("Profile", Some(identity.profile.to_owned()).filter(|name| !name.is_empty())),
        ("IMEI (modem)", identity.imei.clone()),
        ("IMSI (SIM)", identity.imsi.clone()),
        ("ICCID (SIM)", identity.iccid.clone()),
        ("SIM", sheet.sim.clone()),
        ("Delivery reports", reports),
        ("Message storage", storage),
        ("An SMS takes", sms),
        ("A call takes", call),
        ("Messages in hand", Some(route.held.to_string())),
    ];
    known.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

impl HistoryLine {
    fn new(event: ModemEvent) -> Self {
        let ModemEvent { at, kind, times, last_at, rung, detail, helped, down } = event;
        let class = match kind {
            ModemEventKind::Ready => "good",
            ModemEventKind::Step if helped == Some(true) => "good",
            ModemEventKind::NotReady | ModemEventKind::Exhausted | ModemEventKind::DriverFailed => "bad",
            ModemEventKind::Restarted
            | ModemEventKind::Unstable
            | ModemEventKind::SimChanged
            | ModemEventKind::OtherSim
            | ModemEventKind::OtherModem => "warn",
            ModemEventKind::Started | ModemEventKind::Step => "",
        };
        let mut title = kind.title().to_owned();
        if let Some(rung) = rung {
            title += &format!(" {rung}");
        }
        if let Some(down) = down {
            title += &format!(" after {}", span(down));
        }
        title += match helped {
            Some(true) => ": it helped",
            Some(false) => ": it did not help",
            None => "",
        };
        Self { at: Moment(at), class, title, detail, again: (times > 1).then_some((times, Moment(last_at))) }
    }
}
