//! Trying a modem: an SMS or a call by hand, and what becomes of it.

use actix_web::{HttpResponse, web};

use super::frame::Section;
use super::modem::UNKNOWN;
use super::visitor::Act;
use super::words::{Moment, span};
use super::{Desk, page};
use crate::app::{NewTrial, Trial, TrialError, TrialState};

const NOT_SURE: &str = "Tick the box first: it costs what the SIM's operator charges.";

/// One that was tried, for a page.
pub(super) struct TrialLine {
    pub id: i64,
    pub at: Moment,
    pub kind: &'static str,
    pub number: String,
    pub state: &'static str,
    pub class: &'static str,
    pub more: String,
    /// It is a call that can be hung up.
    pub can_hang_up: bool,
}

/// `POST /modems/NAME/sms`.
pub(super) async fn send_sms(act: Act, desk: web::Data<Desk>, modem: web::Path<String>) -> HttpResponse {
    begin(&act, &desk, &modem, false).await
}

/// `POST /modems/NAME/call`.
pub(super) async fn call(act: Act, desk: web::Data<Desk>, modem: web::Path<String>) -> HttpResponse {
    begin(&act, &desk, &modem, true).await
}

async fn begin(act: &Act, desk: &Desk, modem: &str, is_call: bool) -> HttpResponse {
    if desk.app.modem(modem).is_none() {
        return page::missing(&act.visitor, Section::Modems, UNKNOWN);
    }
    let location = format!("/modems/{modem}");
    if !act.form.is_ticked("sure") {
        return act.refused(&location, NOT_SURE);
    }
    let trial = NewTrial { modem, is_call, number: act.form.text("number"), text: act.form.text("text") };
    match desk.app.try_modem(trial).await {
        Ok(()) => {
            let kind = if is_call { "tts" } else { "sms" };
            tracing::info!(name: "admin.tried_modem", modem, admin = act.visitor.admin, kind, "an admin tries a modem");
            let text = if is_call { "The call begins." } else { "The message is on its way." };
            act.done(
                &format!("{location}#trials"),
                format!("{text} What becomes of it is shown under “Tried by hand”."),
            )
        }
        Err(TrialError::Internal(error)) => page::failed(&error),
        Err(refusal) => act.refused(&location, refusal.to_string()),
    }
}

/// `POST /modems/NAME/hang-up`.
pub(super) async fn hang_up(act: Act, desk: web::Data<Desk>, modem: web::Path<String>) -> HttpResponse {
    if let Ok(id) = act.form.text("trial").parse() {
        desk.app.withdraw_trial(id);
    }
    act.done(&format!("/modems/{modem}#trials"), "The call is hung up.")
}

impl TrialLine {
    pub fn new(trial: &Trial) -> Self {
        let is_call = trial.is_call();
        let (state, class, more) = told(trial);
        Self {
            id: trial.id.get(),
            at: Moment(trial.at),
            kind: if is_call { "Call" } else { "SMS" },
            number: trial.number.masked(),
            state,
            class,
            more,
            can_hang_up: is_call && !trial.state.is_over(),
        }
    }
}

fn told(trial: &Trial) -> (&'static str, &'static str, String) {
    let plain = String::new();
    match &trial.state {
        TrialState::Waiting => ("waiting", "", "The modem ends what it has in hand.".to_owned()),
        TrialState::UnderWay if trial.is_answered() => ("answered", "warn", "The sentence is being said.".to_owned()),
        TrialState::UnderWay if trial.is_ringing() => ("ringing", "warn", plain),
        TrialState::UnderWay if trial.is_call() => ("calling", "warn", plain),
        TrialState::UnderWay => ("being sent", "warn", "The network has not answered yet.".to_owned()),
        TrialState::Accepted { references } if references.is_empty() => {
            ("accepted by the network", "good", "The modem told no reference.".to_owned())
        }
        TrialState::Accepted { references } => {
            let told: Vec<_> = references.iter().map(u8::to_string).collect();
            ("accepted by the network", "good", format!("Reference {}; no delivery report yet.", told.join(", ")))
        }
        TrialState::Delivered => ("delivered", "good", "The phone has it, says the delivery report.".to_owned()),
        TrialState::Undelivered => {
            ("not delivered", "bad", "The network gave up, says the delivery report.".to_owned())
        }
        TrialState::Spoken { rang, talked } => {
            let (rang, talked) = (span(*rang), span(*talked));
            ("answered", "good", format!("Answered after {rang}; all was said, hung up after {talked}."))
        }
        TrialState::Unanswered { .. } | TrialState::Returned if trial.is_withdrawn() => {
            ("hung up", "", "Hung up from this page.".to_owned())
        }
        TrialState::Unanswered { reason } => ("not answered", "bad", sentence(reason)),
        TrialState::Refused { reason } => ("not sent", "bad", sentence(reason)),
        TrialState::Uncertain { reason } => {
            ("uncertain", "warn", format!("It may have been sent: {reason}. Ask the recipient."))
        }
        TrialState::Returned => {
            ("not sent", "bad", "The modem gave it back: it was withdrawn, or the modem is not ready.".to_owned())
        }
    }
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
