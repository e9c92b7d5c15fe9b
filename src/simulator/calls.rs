//! Calls between the modem and the phone behind it.
//!
//! ```text
//!            ATD                    RING …
//!   (none) ──────► Dialing        (none) ──► Incoming ── ATA ──► Active
//!                    │ 0.5 s                    │ ATH, 30 s
//!        busy, gone ◄┼► Alerting ── answer ──► Active ── either side ──► (none)
//!                         │ rejected, 60 s                               ▲
//!                         └──────────────────────────────────────────────┘
//! ```
//!
//! Sound has its place in `Active`, in both directions: see `sound` and `recording`.

use std::time::Duration;

use super::call_reports::Report;
use super::event::{CallState, PhoneEvent};
use super::magic::{CallFate, call_fate};
use super::recording::Recording;
use super::virtual_modem::{Action, Answer, Output, VirtualModem};

/// From dialling to the network's first sign.
const SETUP: Duration = Duration::from_millis(500);
const RINGS_UNANSWERED: Duration = Duration::from_secs(60);
const REJECTED_AFTER: Duration = Duration::from_secs(2);
const BRIEF_CALL: Duration = Duration::from_secs(2);
/// From the answer to the key of the person who presses one.
const PRESSES_AFTER: Duration = Duration::from_secs(5);
/// A person does not listen for ever.
pub(super) const LISTENS: Duration = Duration::from_secs(120);
const RING_INTERVAL: Duration = Duration::from_secs(3);
const RINGS_MAX: u8 = 10;

pub(super) struct Call {
    id: u64,
    pub number: String,
    pub is_incoming: bool,
    pub state: State,
    answered: Option<Duration>,
    /// From the answer on, if calls are recorded.
    pub recording: Option<Recording>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Dialing,
    Alerting,
    Active,
    Incoming,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallStep {
    SetUp,
    Answered,
    Rejected,
    GivenUp,
    /// So many rings before this one.
    Ring(u8),
    PhoneHangsUp,
    PersonPresses(char),
}

/// Why a call ended (3GPP TS 24.008 §10.5.4.11), as `+CEER` says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    Unassigned = 1,
    Normal = 16,
    Busy = 17,
    NoAnswer = 19,
    Rejected = 21,
    TemporaryFailure = 41,
}

impl State {
    /// `stat` of `+CLCC` (3GPP TS 27.007 §7.18).
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Dialing => 2,
            Self::Alerting => 3,
            Self::Incoming => 4,
        }
    }
}

impl VirtualModem {
    /// The modem dials; the line's answer is left to the caller unless the call holds the line.
    pub(super) fn dial(&mut self, number: String) {
        let fate = call_fate(&number);
        let id = self.begin_call(number, State::Dialing, false);
        self.agenda.add(self.now + SETUP, Action::Call(id, CallStep::SetUp));
        let alerting = self.now + SETUP;
        let answered = alerting + self.settings.answer_after;
        match fate {
            CallFate::Answered | CallFate::AnsweredWithKey => {
                self.agenda.add(answered, Action::Call(id, CallStep::Answered));
            }
            CallFate::AnsweredBriefly => {
                self.agenda.add(answered, Action::Call(id, CallStep::Answered));
                self.agenda.add(answered + BRIEF_CALL, Action::Call(id, CallStep::PhoneHangsUp));
            }
            CallFate::Unanswered => {
                self.agenda.add(alerting + RINGS_UNANSWERED, Action::Call(id, CallStep::GivenUp));
            }
            CallFate::Rejected => self.agenda.add(alerting + REJECTED_AFTER, Action::Call(id, CallStep::Rejected)),
            CallFate::Busy | CallFate::Unobtainable | CallFate::Dropped => {}
        }
        self.report_call(Report::Dialled);
    }

    /// The phone dials the modem.
    pub(super) fn called(&mut self, number: String) {
        if self.is_mute() || !self.is_registered() {
            return self.tell_call(&number, CallState::Missed, 0);
        }
        if self.call.is_some() {
            return self.tell_call(&number, CallState::Busy, 0);
        }
        let id = self.begin_call(number, State::Incoming, true);
        self.call_step(id, CallStep::Ring(0));
    }

    pub(super) fn call_step(&mut self, id: u64, step: CallStep) {
        let Some(call) = self.call.as_ref().filter(|call| call.id == id) else { return };
        let state = call.state;
        match step {
            CallStep::SetUp => self.set_up(),
            CallStep::Answered if state == State::Alerting => self.answered(),
            CallStep::Rejected if state == State::Alerting => {
                self.end_call(Some("BUSY"), Cause::Rejected, CallState::Rejected);
            }
            CallStep::GivenUp if state == State::Alerting => {
                self.end_call(Some("NO ANSWER"), Cause::NoAnswer, CallState::Missed);
            }
            CallStep::Ring(rung) if state == State::Incoming => self.ring(id, rung),
            CallStep::PhoneHangsUp if state == State::Active => {
                self.end_call(Some("NO CARRIER"), Cause::Normal, CallState::Ended);
            }
            CallStep::PersonPresses(key) => self.person_presses(key),
            CallStep::Answered
            | CallStep::Rejected
            | CallStep::GivenUp
            | CallStep::Ring(_)
            | CallStep::PhoneHangsUp => {}
        }
    }

    /// The modem's side takes the incoming call; whether there was one.
    pub(super) fn answer_incoming(&mut self) -> bool {
        let rings = self.call.as_ref().is_some_and(|call| call.state == State::Incoming);
        if rings {
            self.answered();
        }
        rings
    }

    /// The modem's side ends whatever call there is.
    pub(super) fn hang_up(&mut self) {
        let Some(call) = &self.call else { return };
        let told = match call.state {
            State::Active => CallState::Ended,
            State::Incoming => CallState::Rejected,
            State::Dialing | State::Alerting => CallState::Missed,
        };
        self.end_call(None, Cause::Normal, told);
    }

    /// A byte came while a dialled call held the line.
    pub(super) fn abort_dialling(&mut self) {
        self.hang_up();
        self.answer_after(Duration::ZERO, Answer::Code("NO CARRIER"));
    }

    pub(super) fn person_answers(&mut self) {
        if self.call.as_ref().is_some_and(|call| call.state == State::Alerting) {
            self.answered();
        }
    }

    pub(super) fn person_hangs_up(&mut self) {
        let Some(call) = &self.call else { return };
        match call.state {
            State::Active => self.end_call(Some("NO CARRIER"), Cause::Normal, CallState::Ended),
            State::Incoming => self.end_call(Some("NO CARRIER"), Cause::Normal, CallState::Missed),
            State::Dialing | State::Alerting => self.end_call(Some("BUSY"), Cause::Rejected, CallState::Rejected),
        }
    }

    pub(super) fn end_call_by_power_loss(&mut self) {
        let Some(call) = self.take_call() else { return };
        let told = if call.state == State::Active { CallState::Ended } else { CallState::Missed };
        let seconds = self.seconds_since(call.answered);
        self.tell_call(&call.number, told, seconds);
        self.hand_over_recording(call);
    }

    /// A key tone for the phone; whether there is a call that carries it.
    pub(super) fn send_tone(&mut self, key: char) -> bool {
        let Some(call) = self.call.as_ref().filter(|call| call.state == State::Active) else { return false };
        let number = call.number.clone();
        self.tell(PhoneEvent::Dtmf { number, key });
        true
    }

    /// The call's line of `+CLCC` with this `stat`.
    pub(super) fn call_line(&self, call: &Call, stat: u8) -> String {
        let kind = if call.number.starts_with('+') { 145 } else { 129 };
        format!("+CLCC: 1,{},{stat},0,0,\"{}\",{kind}", u8::from(call.is_incoming), call.number)
    }

    /// `+CPAS`: 0 ready, 3 ringing, 4 in a call.
    pub(super) fn call_activity(&self) -> u8 {
        match &self.call {
            None => 0,
            Some(call) if call.state == State::Incoming => 3,
            Some(_) => 4,
        }
    }

    fn begin_call(&mut self, number: String, state: State, is_incoming: bool) -> u64 {
        self.calls_made += 1;
        self.call = Some(Call { id: self.calls_made, number, is_incoming, state, answered: None, recording: None });
        self.calls_made
    }

    fn set_up(&mut self) {
        let Some(call) = &mut self.call else { return };
        match call_fate(&call.number) {
            CallFate::Busy => return self.end_call(Some("BUSY"), Cause::Busy, CallState::Busy),
            CallFate::Unobtainable => return self.end_call(Some("NO CARRIER"), Cause::Unassigned, CallState::Missed),
            CallFate::Dropped => return self.end_call(Some("NO CARRIER"), Cause::TemporaryFailure, CallState::Missed),
            CallFate::Answered
            | CallFate::AnsweredBriefly
            | CallFate::AnsweredWithKey
            | CallFate::Unanswered
            | CallFate::Rejected => {}
        }
        call.state = State::Alerting;
        let number = call.number.clone();
        self.tell_call(&number, CallState::Ringing, 0);
        self.report_call(Report::Alerting);
    }

    fn answered(&mut self) {
        let now = self.now;
        let Some(call) = &mut self.call else { return };
        call.state = State::Active;
        call.answered = Some(now);
        call.recording = self.records.then(|| Recording::new(now));
        let (id, number, is_incoming) = (call.id, call.number.clone(), call.is_incoming);
        self.agenda.add(now + LISTENS, Action::Call(id, CallStep::PhoneHangsUp));
        self.tell_call(&number, CallState::Answered, 0);
        self.report_call(Report::Answered);
        self.begin_sound();
        if is_incoming {
            return;
        }
        if call_fate(&number) == CallFate::AnsweredWithKey {
            self.agenda.add(now + PRESSES_AFTER, Action::Call(id, CallStep::PersonPresses('1')));
        }
        let colp = format!("+COLP: \"{number}\",145");
        if self.call_holds_line() {
            self.answer.extend(Some(colp).filter(|_| self.registers.is_on("+COLP")));
            self.answer_after(Duration::ZERO, Answer::Final(Ok(())));
        } else if self.registers.is_on("+COLP") {
            self.unsolicited(&colp);
        }
    }

    fn ring(&mut self, id: u64, rung: u8) {
        if rung >= RINGS_MAX {
            return self.end_call(Some("NO CARRIER"), Cause::NoAnswer, CallState::Missed);
        }
        let number = self.call.as_ref().map(|call| call.number.clone()).unwrap_or_default();
        if rung == 0 {
            self.tell_call(&number, CallState::Ringing, 0);
            self.report_call(Report::Rings);
        }
        if self.registers.is_on("+CRC") {
            self.unsolicited("+CRING: VOICE");
        } else {
            self.unsolicited_result("RING");
        }
        if self.registers.is_on("+CLIP") {
            self.unsolicited(&format!("+CLIP: \"{number}\",145,\"\",0,\"\",0"));
        }
        self.agenda.add(self.now + RING_INTERVAL, Action::Call(id, CallStep::Ring(rung + 1)));
    }

    /// Ends the call; `code` goes to the line unless the modem's own side ended it.
    fn end_call(&mut self, code: Option<&'static str>, cause: Cause, told: CallState) {
        let Some(call) = self.take_call() else { return };
        self.last_cause = cause;
        let seconds = self.seconds_since(call.answered);
        self.tell_call(&call.number, told, seconds);
        self.report_ended(&call, seconds, cause);
        match code {
            Some(code) if self.call_holds_line() => self.answer_after(Duration::ZERO, Answer::Code(code)),
            Some(code) => self.unsolicited_result(code),
            None => {}
        }
        self.hand_over_recording(call);
    }

    /// Takes the call away, and with it what lives only as long as it.
    fn take_call(&mut self) -> Option<Call> {
        self.cut_speech_of_call();
        self.end_sound();
        self.call.take()
    }

    fn hand_over_recording(&mut self, call: Call) {
        if let Some(recording) = call.recording {
            self.outputs.push_back(Output::Recorded(recording.ended(call.number, self.now)));
        }
    }

    fn tell_call(&mut self, number: &str, state: CallState, seconds: u64) {
        self.tell(PhoneEvent::Call { number: number.to_owned(), state, seconds });
    }

    fn seconds_since(&self, instant: Option<Duration>) -> u64 {
        instant.map_or(0, |instant| self.now.saturating_sub(instant).as_secs())
    }
}
