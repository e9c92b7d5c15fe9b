//! One call, from `ATD` to a line that is free again.
//!
//! ```text
//!  Preparing ─► Asking ──permit──► Dialling ──OK──► Connecting ──answered──► Active ──spoken──► Clearing ──► Done
//!                 │ refuse            │ error          │ ring time-out, withdrawn   │ other side    ▲   │ list empty
//!                 ▼                   ▼                └────────────────────────────┼───────────────┘   ▼
//!                Done                Done                                           └──► why? (CEER) ──► Done
//! ```
//!
//! What the modem says unasked moves it, where the family says something; the list of calls (`AT+CLCC`) is asked all the
//! while, and moves it where the family says nothing. `OK` to `ATD` means that the command was taken, and nothing more
//! unless the dialect says so. An end without a reason is believed only once the list does not show the call any more:
//! modems say `NO CARRIER` while a call falls back from LTE.
//!
//! It must never report a call as answered twice, speak, or leave a call standing: [`CallStep::Done`] says whether the
//! line is free.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::at::{AtError, Command, Ending, ErrorClass, ModemError, Priority, Reply, calls_listed, ending_of};
use super::profile::{Calls, Dialled};
use crate::phone::PhoneNumber;

mod clearing;
mod list;
mod outcome;
mod sign;

use list::{LIST_REST, LIST_TELLS};
pub use outcome::{CallEnd, CallOutcome, Unanswered};
pub use sign::{CallSign, sign};

const PREPARE_TIMEOUT: Duration = Duration::from_secs(3);
/// For the answer to `ATD` where it comes at once.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// For the list: a lost one is asked again.
const LIST_TIMEOUT: Duration = Duration::from_secs(3);
/// A list that is refused this often in a row is not asked again.
const LIST_REFUSALS_MAX: u8 = 3;
/// Nobody is listened to for longer: one call costs one or two minutes.
const TALK_MAX: Duration = Duration::from_secs(120);

/// What the conversation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStep {
    /// May it be dialled? Answer with [`Call::permit`] or [`Call::refuse`].
    AskPermission,
    /// Hand to the engine, and its reply to [`Call::replied`].
    Submit(Command),
    /// Hand to [`super::at::Engine::interrupt`] the command that was submitted last.
    Interrupt,
    /// Somebody answered: speak, and tell [`Call::read_out`] of each reading and [`Call::spoken`] of the end.
    Answered,
    /// A key was pressed while somebody listens.
    Key(char),
    /// Nothing until a reply, an unsolicited line or this instant.
    Wait(Option<Duration>),
    /// The end; said once.
    Done(CallEnd),
}

/// What is known of a call on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallStand {
    pub rings: bool,
    pub answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The family's lines before a call, by their place.
    Preparing {
        line: usize,
    },
    Asking,
    /// `ATD` is out.
    Dialling,
    Connecting,
    Active,
    /// Hanging up; which line is next.
    Clearing {
        since: Duration,
        line: usize,
    },
    /// Asking why it ended.
    Asked,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Prepare,
    Dial,
    List,
    HangUp,
    Cause,
}

pub struct Call {
    number: PhoneNumber,
    calls: &'static Calls,
    ring_timeout: Duration,
    phase: Phase,
    /// The one command that is out.
    asked: Option<Question>,
    next_list: Duration,
    list_refusals: u8,
    dialled: Duration,
    answered: Option<Duration>,
    ended: Option<Duration>,
    /// The list has shown the call, or a line has told of it.
    seen: bool,
    alerted: bool,
    /// A line has told that it rings: one will tell the answer.
    told: bool,
    missing_since: Option<Duration>,
    /// An end without a reason was told; the list decides.
    doubted: bool,
    /// The list that is out was asked before that.
    list_is_stale: bool,
    readings: u32,
    /// Why it is being ended from this side.
    verdict: Option<CallOutcome>,
    steps: VecDeque<CallStep>,
}

impl Call {
    /// `ring_timeout`: from the dialling to the hang-up where nobody answers.
    pub fn new(number: PhoneNumber, calls: &'static Calls, ring_timeout: Duration) -> Self {
        let mut call = Self {
            number,
            calls,
            ring_timeout,
            phase: Phase::Preparing { line: 0 },
            asked: None,
            next_list: Duration::ZERO,
            list_refusals: 0,
            dialled: Duration::ZERO,
            answered: None,
            ended: None,
            seen: false,
            alerted: false,
            told: false,
            missing_since: None,
            doubted: false,
            list_is_stale: false,
            readings: 0,
            verdict: None,
            steps: VecDeque::new(),
        };
        call.prepare(0);
        call
    }

    pub fn stand(&self) -> CallStand {
        CallStand { rings: self.alerted, answered: self.answered.is_some() }
    }

    pub fn poll(&mut self) -> CallStep {
        self.steps.pop_front().unwrap_or_else(|| CallStep::Wait(self.wakes_at()))
    }

    fn ok_means_answered(&self) -> bool {
        self.calls.dialled == Dialled::Answered
    }

    /// Sends the line at this place, or asks whether to go on behind the last.
    fn prepare(&mut self, line: usize) {
        match self.calls.prepare.iter().chain(self.calls.keys.listen).nth(line) {
            Some(text) => {
                self.phase = Phase::Preparing { line };
                self.ask(Question::Prepare, text, PREPARE_TIMEOUT);
            }
            None => {
                self.phase = Phase::Asking;
                self.steps.push_back(CallStep::AskPermission);
            }
        }
    }

    /// It may be dialled: what must be durable before it is.
    pub fn permit(&mut self, now: Duration) {
        if self.phase != Phase::Asking {
            return;
        }
        self.phase = Phase::Dialling;
        self.dialled = now;
        let timeout = if self.ok_means_answered() { self.ring_timeout } else { DIAL_TIMEOUT };
        self.ask(Question::Dial, &format!("ATD+{};", self.number.digits()), timeout);
    }

    /// It cannot be made by this modem.
    pub fn refuse_as(&mut self, reason: &str, now: Duration) {
        let outcome = CallOutcome::Refused { class: ErrorClass::OtherRoute, reason: reason.to_owned() };
        self.steps.clear();
        self.finish(outcome, true, now);
    }

    /// It must not be dialled.
    pub fn refuse(&mut self, now: Duration) {
        if self.phase == Phase::Asking {
            self.finish(CallOutcome::Returned, true, now);
        }
    }

    /// The PIN was read out once more.
    pub fn read_out(&mut self) {
        self.readings += 1;
    }

    /// All is said: the call is hung up.
    pub fn spoken(&mut self, now: Duration) {
        self.close(CallOutcome::Spoken, now);
    }

    /// The message cannot be spoken: the call is hung up.
    pub fn mute(&mut self, now: Duration) {
        self.close(CallOutcome::Unanswered(Unanswered::Mute), now);
    }

    /// The call is of no more use: it is hung up at once.
    pub fn withdraw(&mut self, now: Duration) {
        match self.phase {
            Phase::Preparing { .. } | Phase::Asking => self.finish(CallOutcome::Returned, true, now),
            Phase::Dialling | Phase::Connecting | Phase::Active => {
                self.close(CallOutcome::Unanswered(Unanswered::Withdrawn), now);
            }
            Phase::Clearing { .. } | Phase::Asked | Phase::Done => {}
        }
    }

    /// The port is gone, and any call with it.
    pub fn port_lost(&mut self, now: Duration) {
        match self.phase {
            Phase::Preparing { .. } | Phase::Asking => self.finish(CallOutcome::Returned, true, now),
            Phase::Dialling | Phase::Connecting | Phase::Active | Phase::Clearing { .. } | Phase::Asked => {
                self.lost(&AtError::Closed { submitted: false }, now);
            }
            Phase::Done => {}
        }
    }

    /// What the modem says unasked about the call (see [`sign()`]).
    pub fn sign(&mut self, sign: CallSign, now: Duration) {
        match (self.phase, sign) {
            (Phase::Dialling | Phase::Connecting, CallSign::Ringing) => {
                self.seen = true;
                self.alerted = true;
                self.told = true;
            }
            (Phase::Connecting | Phase::Active, CallSign::Changed) => {
                self.told = false;
                self.next_list = now;
                self.list_when_due(now);
            }
            (Phase::Connecting, CallSign::Answered) => self.answered(now),
            (Phase::Active, CallSign::Key(key)) => self.steps.push_back(CallStep::Key(key)),
            (Phase::Connecting | Phase::Active, CallSign::Ended(Ending::Untold)) => {
                self.doubted = true;
                self.list_is_stale = self.asked == Some(Question::List);
                self.next_list = now;
                self.list_when_due(now);
            }
            (Phase::Connecting | Phase::Active, CallSign::Ended(ending)) => self.gone(Some(ending), now),
            // Its reply says the same, or the list will.
            (Phase::Dialling, CallSign::Answered | CallSign::Ended(_) | CallSign::Key(_) | CallSign::Changed) => {}
            (Phase::Connecting, CallSign::Key(_)) | (Phase::Active, CallSign::Ringing | CallSign::Answered) => {}
            (Phase::Preparing { .. } | Phase::Asking | Phase::Clearing { .. } | Phase::Asked | Phase::Done, _) => {}
        }
    }

    /// The engine's reply to the last [`CallStep::Submit`].
    pub fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        let Some(question) = self.asked.take() else { return };
        match (question, result) {
            (Question::Prepare, Err(AtError::Closed { .. } | AtError::Rebooted { .. })) => {
                self.finish(CallOutcome::Returned, true, now);
            }
            (Question::Prepare, _) => {
                if let Phase::Preparing { line } = self.phase {
                    self.prepare(line + 1);
                }
            }
            (_, Err(error @ (AtError::Closed { .. } | AtError::Rebooted { .. }))) => self.lost(&error, now),
            (Question::Dial, result) => self.dial_replied(result, now),
            (Question::List, Ok(reply)) => {
                self.list_refusals = 0;
                self.next_list = self.next_list.max(now + LIST_REST);
                self.listed(&calls_listed(&reply), now);
            }
            (Question::List, Err(error)) => {
                if !error.is_silence() {
                    self.list_refusals += 1;
                }
                self.list_refused(now);
            }
            (Question::HangUp, result) => self.hung_up(result.is_ok(), now),
            (Question::Cause, result) => {
                let ending = result.ok().as_ref().and_then(ending_of);
                let outcome = self.outcome(ending.unwrap_or(Ending::Untold));
                self.finish(outcome, true, now);
            }
        }
        self.list_when_due(now);
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        match self.phase {
            Phase::Connecting if now >= self.dialled + self.ring_timeout => {
                self.close(CallOutcome::Unanswered(Unanswered::NoAnswer), now);
            }
            Phase::Active if self.answered.is_some_and(|answered| now >= answered + TALK_MAX) => {
                self.close(CallOutcome::Unanswered(Unanswered::HungUp), now);
            }
            Phase::Clearing { since, line } if self.asked.is_none() && now >= self.next_list => {
                self.hang_up(since, line);
            }
            Phase::Preparing { .. }
            | Phase::Asking
            | Phase::Dialling
            | Phase::Connecting
            | Phase::Active
            | Phase::Clearing { .. }
            | Phase::Asked
            | Phase::Done => {}
        }
        self.list_when_due(now);
    }

    fn wakes_at(&self) -> Option<Duration> {
        let list = (self.asked.is_none() && self.lists()).then_some(self.next_list);
        let bound = match self.phase {
            Phase::Connecting => Some(self.dialled + self.ring_timeout),
            Phase::Active => self.answered.map(|answered| answered + TALK_MAX),
            Phase::Clearing { .. } => self.asked.is_none().then_some(self.next_list),
            Phase::Preparing { .. } | Phase::Asking | Phase::Dialling | Phase::Asked | Phase::Done => None,
        };
        list.into_iter().chain(bound).min()
    }

    fn ask(&mut self, question: Question, line: &str, timeout: Duration) {
        self.asked = Some(question);
        self.steps.push_back(CallStep::Submit(Command::new(line).within(timeout).at_priority(Priority::Call)));
    }

    fn dial_replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        if let Phase::Clearing { since, line } = self.phase {
            // It was interrupted, or answered in the very moment.
            return self.hang_up(since, line);
        }
        self.next_list = now + LIST_TELLS;
        match result {
            Ok(_) if self.ok_means_answered() => {
                self.phase = Phase::Connecting;
                self.answered(now);
            }
            Ok(_) => self.phase = Phase::Connecting,
            Err(error) if error.is_silence() && self.ok_means_answered() => {
                self.close(CallOutcome::Unanswered(Unanswered::NoAnswer), now);
            }
            Err(error) if error.is_silence() => {
                self.close(CallOutcome::Uncertain { reason: error.to_string() }, now);
            }
            Err(AtError::Refused(ModemError::Busy)) => self.gone(Some(Ending::Busy), now),
            Err(AtError::Refused(ModemError::NoAnswer)) => self.gone(Some(Ending::NoAnswer), now),
            Err(AtError::Refused(ModemError::NoCarrier)) => self.gone(None, now),
            Err(error) => {
                let outcome = CallOutcome::Refused { class: error.class(), reason: error.to_string() };
                self.finish(outcome, true, now);
            }
        }
    }

    fn answered(&mut self, now: Duration) {
        if self.answered.is_none() {
            self.phase = Phase::Active;
            self.seen = true;
            self.answered = Some(now);
            self.steps.push_back(CallStep::Answered);
        }
    }

    /// The other side, or the network, has ended it.
    fn gone(&mut self, ending: Option<Ending>, now: Duration) {
        self.ended.get_or_insert(now);
        match ending {
            Some(ending) => {
                let outcome = self.outcome(ending);
                self.finish(outcome, true, now);
            }
            // After an answer the reason tells nothing more.
            None if self.answered.is_some() => {
                let outcome = self.outcome(Ending::Untold);
                self.finish(outcome, true, now);
            }
            None => {
                self.phase = Phase::Asked;
                match self.asked {
                    // Its reply comes first, and means nothing any more.
                    Some(_) => {
                        let outcome = self.outcome(Ending::Untold);
                        self.finish(outcome, true, now);
                    }
                    None => self.ask(Question::Cause, "AT+CEER", LIST_TIMEOUT),
                }
            }
        }
    }

    /// The port or the modem went away, and any call with it.
    fn lost(&mut self, error: &AtError, now: Duration) {
        let outcome = match (self.phase, self.verdict.take()) {
            (Phase::Clearing { .. }, Some(verdict)) => verdict,
            _ if self.readings > 0 => CallOutcome::Spoken,
            _ => CallOutcome::Uncertain { reason: error.to_string() },
        };
        self.finish(outcome, true, now);
    }

    fn finish(&mut self, outcome: CallOutcome, line_is_free: bool, now: Duration) {
        if self.phase == Phase::Done {
            return;
        }
        let ended = self.ended.unwrap_or(now);
        let begun = if outcome == CallOutcome::Returned { ended } else { self.dialled };
        self.phase = Phase::Done;
        self.steps.push_back(CallStep::Done(CallEnd {
            outcome,
            rang: self.answered.unwrap_or(ended).saturating_sub(begun),
            talked: self.answered.map(|answered| ended.saturating_sub(answered)),
            line_is_free,
        }));
    }
}

/// Without the number.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("phase", &self.phase).field("readings", &self.readings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
