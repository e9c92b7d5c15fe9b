//! One message of one or more parts, from `AT+CMGS` to its outcome.
//!
//! ```text
//!  Opening ──► Submitting ──prompt──► Asking ──permit──► Sending ──OK──► next part, or Accepted
//!  (CMMS=1)      ▲    │                 │ refuse            │
//!                │    ▼ refused         ▼                   ▼ silence, 332, restart
//!              Pausing ◄── 515, failed later part        Uncertain
//! ```
//!
//! Permission is asked at each prompt, before the bytes that cannot be taken back (Ctrl-Z): the driver commits `sending`
//! then. A part that went out counts: what happens to a later one can make the message uncertain, never refused.
//!
//! It must never write a body by itself, never send a part twice after silence, and never hold a status report: those may
//! come before the answer and are kept by the driver.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::at::{AtError, Command, ErrorClass, Pdu, Reply, submit_reference};

/// 515 and `SIM busy`: the modem asks for 1–2 s.
const BUSY_PAUSE: Duration = Duration::from_millis(1500);
const BUSY_TRIES_MAX: u8 = 3;
/// Before a later part that was refused is tried again.
const PART_PAUSE: Duration = Duration::from_secs(2);

/// One part, in the forms in which it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub pdu: Pdu,
    /// The same without a validity period, for service centres and modems that refuse one (CMS 198, 199, 304).
    pub without_validity: Option<Pdu>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The network has every part. `references` are the parts' message references, as far as the modem told them.
    Accepted { references: Vec<Option<u8>> },
    /// Nothing went out. `futile`: by no fault of the message; see [`AtError::is_futile`].
    Refused { class: ErrorClass, reason: String, futile: bool },
    /// It may have gone out, in whole or in part: a delivery report settles it. `references` of the parts that did.
    Uncertain { references: Vec<Option<u8>>, reason: String, futile: bool },
    /// Taken back before anything went out.
    Returned,
}

/// What the conversation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsStep {
    /// Hand to the engine, and its reply to [`Sms::replied`].
    Submit(Command),
    /// May the part (counted from 0) go out? Answer with [`Sms::permit`] or [`Sms::refuse`].
    AskPermission { part: usize },
    /// Hand to [`super::at::Engine::proceed`].
    Proceed(Pdu),
    /// Hand to [`super::at::Engine::abandon`].
    Abandon,
    /// Nothing until a reply or this instant.
    Wait(Option<Duration>),
    /// The end; said once.
    Done(Outcome),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Submitting,
    Asking,
    Sending,
    Pausing { until: Duration },
    Done,
}

pub struct Sms {
    parts: Vec<Part>,
    submit_timeout: Duration,
    references: Vec<Option<u8>>,
    phase: Phase,
    without_validity: bool,
    busy_tries: u8,
    part_tried_again: bool,
    withdrawn: bool,
    steps: VecDeque<SmsStep>,
}

impl Sms {
    /// `submit_timeout` is the profile's.
    pub fn new(parts: Vec<Part>, submit_timeout: Duration) -> Self {
        let mut sms = Self {
            phase: Phase::Opening,
            parts,
            submit_timeout,
            references: Vec::new(),
            without_validity: false,
            busy_tries: 0,
            part_tried_again: false,
            withdrawn: false,
            steps: VecDeque::new(),
        };
        if sms.parts.len() > 1 {
            // Keeps the radio link open between the parts; a modem that does not know it loses a second.
            sms.steps.push_back(SmsStep::Submit(Command::new("AT+CMMS=1")));
        } else {
            sms.submit();
        }
        sms
    }

    pub fn poll(&mut self) -> SmsStep {
        self.steps.pop_front().unwrap_or(SmsStep::Wait(match self.phase {
            Phase::Pausing { until } => Some(until),
            Phase::Opening | Phase::Submitting | Phase::Asking | Phase::Sending | Phase::Done => None,
        }))
    }

    /// The engine reports the prompt of this message's submit.
    pub fn prompted(&mut self) {
        if self.phase != Phase::Submitting {
            return;
        }
        if self.withdrawn {
            self.steps.push_back(SmsStep::Abandon);
        } else {
            self.phase = Phase::Asking;
            self.steps.push_back(SmsStep::AskPermission { part: self.references.len() });
        }
    }

    /// The part may go out: what must be durable before it is.
    pub fn permit(&mut self) {
        if self.phase != Phase::Asking {
            return;
        }
        if let Some(pdu) = self.pdu() {
            self.steps.push_back(SmsStep::Proceed(pdu.clone()));
            self.phase = Phase::Sending;
        }
    }

    /// The part must not go out: its PIN is dead, or the commit failed.
    pub fn refuse(&mut self) {
        if self.phase == Phase::Asking {
            self.phase = Phase::Submitting;
            self.steps.push_back(SmsStep::Abandon);
        }
    }

    /// The message is no longer wanted: it goes no further than where it stands.
    pub fn withdraw(&mut self) {
        self.withdrawn = true;
        match self.phase {
            Phase::Asking => self.refuse(),
            Phase::Pausing { .. } => self.taken_back(),
            Phase::Opening | Phase::Submitting | Phase::Sending | Phase::Done => {}
        }
    }

    /// The engine's reply to the last [`SmsStep::Submit`].
    pub fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        match (self.phase, result) {
            (Phase::Opening, Err(error @ (AtError::Closed { .. } | AtError::Rebooted { .. }))) => {
                self.failed(&error, now)
            }
            (Phase::Opening, _) if self.withdrawn => self.taken_back(),
            (Phase::Opening, _) => self.submit(),
            (Phase::Submitting | Phase::Asking | Phase::Sending, Ok(reply)) => self.accepted(submit_reference(&reply)),
            (Phase::Submitting | Phase::Asking | Phase::Sending, Err(error)) => self.failed(&error, now),
            (Phase::Pausing { .. } | Phase::Done, _) => {}
        }
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        if let Phase::Pausing { until } = self.phase
            && until <= now
        {
            self.submit();
        }
    }

    fn pdu(&self) -> Option<&Pdu> {
        let part = self.parts.get(self.references.len())?;
        let without_validity = part.without_validity.as_ref().filter(|_| self.without_validity);
        Some(without_validity.unwrap_or(&part.pdu))
    }

    fn submit(&mut self) {
        match self.pdu() {
            Some(pdu) => {
                let command = Command::submit(pdu.octets(), self.submit_timeout);
                self.phase = Phase::Submitting;
                self.steps.push_back(SmsStep::Submit(command));
            }
            None => {
                let references = std::mem::take(&mut self.references);
                self.done(Outcome::Accepted { references });
            }
        }
    }

    fn accepted(&mut self, reference: Option<u8>) {
        self.references.push(reference);
        self.busy_tries = 0;
        self.part_tried_again = false;
        self.submit();
    }

    fn failed(&mut self, error: &AtError, now: Duration) {
        let class = error.class();
        match class {
            _ if *error == AtError::Abandoned => self.taken_back(),
            ErrorClass::Uncertain => self.uncertain(error.to_string(), error.is_futile()),
            ErrorClass::Sent => self.accepted(None),
            ErrorClass::WithoutValidity if !self.without_validity && self.has_form_without_validity() => {
                self.without_validity = true;
                self.submit();
            }
            ErrorClass::Busy if self.busy_tries < BUSY_TRIES_MAX => {
                self.busy_tries += 1;
                self.pause(now + BUSY_PAUSE);
            }
            ErrorClass::WithoutValidity => self.refused(ErrorClass::Final, error, now),
            ErrorClass::Busy => self.refused(ErrorClass::Temporary, error, now),
            ErrorClass::Temporary | ErrorClass::OtherRoute | ErrorClass::NotReady | ErrorClass::Final => {
                self.refused(class, error, now);
            }
        }
    }

    fn has_form_without_validity(&self) -> bool {
        self.parts.get(self.references.len()).is_some_and(|part| part.without_validity.is_some())
    }

    fn refused(&mut self, class: ErrorClass, error: &AtError, now: Duration) {
        let is_gone = matches!(error, AtError::Closed { .. } | AtError::Rebooted { .. });
        if self.references.is_empty() {
            self.done(Outcome::Refused { class, reason: error.to_string(), futile: error.is_futile() });
        } else if self.part_tried_again || is_gone {
            let reason = format!("part {} of {}: {error}", self.references.len() + 1, self.parts.len());
            self.uncertain(reason, error.is_futile());
        } else {
            self.part_tried_again = true;
            self.pause(now + PART_PAUSE);
        }
    }

    fn pause(&mut self, until: Duration) {
        if self.withdrawn {
            self.taken_back();
        } else {
            self.phase = Phase::Pausing { until };
        }
    }

    fn taken_back(&mut self) {
        if self.references.is_empty() {
            self.done(Outcome::Returned);
        } else {
            self.uncertain("taken back after some of its parts were sent".to_owned(), false);
        }
    }

    fn uncertain(&mut self, reason: String, futile: bool) {
        let references = std::mem::take(&mut self.references);
        self.done(Outcome::Uncertain { references, reason, futile });
    }

    fn done(&mut self, outcome: Outcome) {
        self.phase = Phase::Done;
        self.steps.push_back(SmsStep::Done(outcome));
    }
}

impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms")
            .field("parts", &self.parts.len())
            .field("sent", &self.references.len())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
