//! Messages and calls that an operator has a modem make, to see whether it works.
//!
//! They take the road of every message (the modem's queue, permission, outcome, report) and belong to no verification.
//! What became of the last ones is kept in memory; what they took of a budget is on record.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::blocklist::hashes_of;
use super::types::Internal;
use super::{App, budget};
use crate::channel::register::CallProgress;
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::channel::{DeliveryReport, Message, MessageText, Outcome, Script, Sentence, sms_parts};
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::store::{NewBudgetUse, StoreError, Tx};
use crate::verification::{AttemptId, EventKind, Language};

/// The last ones of all modems that are kept.
const KEPT_MAX: usize = 20;

/// How long the network may keep trying to deliver one.
const VALIDITY: Duration = Duration::from_secs(3600);

/// Parts of one SMS: each is paid for.
const PARTS_MAX: u32 = 3;

/// Characters of what a call says.
const SPOKEN_MAX: usize = 300;

/// What was tried, and what became of it.
#[derive(Clone, Debug)]
pub struct Trial {
    pub id: AttemptId,
    pub modem: String,
    pub kind: EventKind,
    pub number: PhoneNumber,
    pub at: Timestamp,
    pub state: TrialState,
    /// Of a call in hand.
    pub progress: Option<CallProgress>,
    /// References of parts whose report is awaited.
    awaited: Vec<Option<u8>>,
    is_withdrawn: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialState {
    /// In the modem's queue.
    Waiting,
    /// The network is being asked, or somebody called.
    UnderWay,
    /// The network took it: the modem's references.
    Accepted {
        references: Vec<u8>,
    },
    Delivered,
    Undelivered,
    Spoken {
        rang: Duration,
        talked: Duration,
    },
    Unanswered {
        reason: String,
    },
    Refused {
        reason: String,
    },
    Uncertain {
        reason: String,
    },
    /// Nothing was sent.
    Returned,
}

impl Trial {
    pub fn is_call(&self) -> bool {
        self.kind == EventKind::Tts
    }

    /// Somebody hung it up, or kept it from beginning.
    pub fn is_withdrawn(&self) -> bool {
        self.is_withdrawn
    }

    pub fn is_ringing(&self) -> bool {
        self.progress == Some(CallProgress::Ringing)
    }

    pub fn is_answered(&self) -> bool {
        self.progress == Some(CallProgress::Answered)
    }
}

impl TrialState {
    pub fn is_over(&self) -> bool {
        match self {
            Self::Waiting | Self::UnderWay => false,
            Self::Accepted { .. }
            | Self::Delivered
            | Self::Undelivered
            | Self::Spoken { .. }
            | Self::Unanswered { .. }
            | Self::Refused { .. }
            | Self::Uncertain { .. }
            | Self::Returned => true,
        }
    }
}

/// Why nothing is tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error("There is no such modem.")]
    UnknownModem,
    #[error("The modem is not ready: nothing was sent.")]
    NotReady,
    #[error("The modem is at work: wait for what it has in hand, then try again.")]
    Busy,
    #[error("The modem makes no calls: set its voice, and \"voice\" among its channels.")]
    NoCalls,
    #[error("Write the number in international form: +447700900123.")]
    Number,
    #[error("Write a text.")]
    NoText,
    #[error("The text is too long: {0}.")]
    LongText(String),
    #[error("The number is on the blocklist: nothing was sent.")]
    Blocked,
    #[error("The budget of this SIM is spent: nothing was sent.")]
    Spent,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<StoreError> for TrialError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// What is asked for.
pub struct NewTrial<'a> {
    pub modem: &'a str,
    pub is_call: bool,
    pub number: &'a str,
    pub text: &'a str,
}

#[derive(Default)]
pub(super) struct ByHand(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last_id: i64,
    /// The latest last.
    trials: VecDeque<Trial>,
    /// For the dispatcher to hand over.
    waiting: Vec<(String, Message)>,
}

impl App {
    /// Has a modem send an SMS, or call and say a sentence. Returns at once; [`App::trials`] tells what becomes of it.
    pub async fn try_modem(&self, new: NewTrial<'_>) -> Result<(), TrialError> {
        let now = self.clock.now();
        let route = self.board.routes_at(now).into_iter().find(|route| route.name == new.modem);
        let route = route.filter(|route| route.kind == RouteKind::Modem).ok_or(TrialError::UnknownModem)?;
        let kind = if new.is_call { EventKind::Tts } else { EventKind::Sms };
        let number = PhoneNumber::parse(new.number.trim(), None).map_err(|_| TrialError::Number)?;
        let text = new.text.trim();
        self.check_trial(&route, kind, text)?;
        let id = self.by_hand.begin(&route.name, kind, number.clone(), now);
        let share = self.share(&route, kind, id, text);
        if let Err(error) = self.take_share(&share, &number, now).await {
            self.by_hand.forget(id);
            return Err(error);
        }
        for alarm in self.board.take_budget(&share.route, kind, id, share.amount) {
            budget::warn(&share, &alarm);
        }
        let sentence = || Sentence {
            text: MessageText::new(text.to_owned()),
            language: Language::ENGLISH,
            texts: std::sync::Arc::clone(&self.rules().texts),
        };
        let message = Message {
            attempt: id,
            request: None,
            kind,
            number,
            text: MessageText::new(text.to_owned()),
            call: new.is_call.then(|| Script::Text(sentence())),
            particulars: None,
            pin_end: None,
            validity: VALIDITY,
        };
        self.by_hand.lock().waiting.push((route.name, message));
        self.wake.notify_one();
        Ok(())
    }

    fn check_trial(&self, route: &RouteView, kind: EventKind, text: &str) -> Result<(), TrialError> {
        if kind == EventKind::Tts && !route.tts {
            return Err(TrialError::NoCalls);
        }
        if text.is_empty() {
            return Err(TrialError::NoText);
        }
        if kind == EventKind::Sms && sms_parts(text) > PARTS_MAX {
            return Err(TrialError::LongText(format!("an SMS of {} parts, {PARTS_MAX} at most", sms_parts(text))));
        }
        if kind == EventKind::Tts && text.chars().count() > SPOKEN_MAX {
            return Err(TrialError::LongText(format!("{SPOKEN_MAX} characters at most")));
        }
        if route.health != Health::Ready {
            return Err(TrialError::NotReady);
        }
        if route.held >= route.room || self.by_hand.is_busy(&route.name) {
            return Err(TrialError::Busy);
        }
        Ok(())
    }

    fn share(&self, route: &RouteView, kind: EventKind, attempt: AttemptId, text: &str) -> NewBudgetUse {
        let amount = if kind == EventKind::Sms { sms_parts(text) } else { 1 };
        let cost = route.price(kind, amount).units().unsigned_abs();
        NewBudgetUse { route: route.name.clone(), kind, amount, cost, attempt }
    }

    async fn take_share(&self, share: &NewBudgetUse, number: &PhoneNumber, now: Timestamp) -> Result<(), TrialError> {
        let (share, hashes) = (share.clone(), hashes_of(&self.keys().secrets, number));
        let windows = self.board.limits(&share.route, share.kind).windows();
        let money = self.board.spend_limits(&share.route).windows();
        let refused = self.store.write(move |tx: &Tx| {
            if tx.is_blocked(&hashes)? {
                return Ok(Some(TrialError::Blocked));
            }
            if !tx.has_budget(&share, &windows, now)? || !tx.has_money(&share, &money, now)? {
                return Ok(Some(TrialError::Spent));
            }
            tx.take_budget(&share, now)?;
            Ok::<_, StoreError>(None)
        });
        refused.await?.map_or(Ok(()), Err)
    }

    /// Hangs up a call that was tried, or does not let it begin.
    pub fn withdraw_trial(&self, id: i64) {
        let id = AttemptId::new(id);
        let mut inner = self.by_hand.lock();
        let Some(trial) = inner.trials.iter_mut().find(|trial| trial.id == id) else { return };
        trial.is_withdrawn = true;
        drop(inner);
        self.board.withdraw(id);
    }

    /// What was tried on a modem, the latest first.
    pub fn trials(&self, modem: &str) -> Vec<Trial> {
        let call = self.board.register().of(modem, |sheet| sheet.call).flatten();
        let of_modem = |trial: &&Trial| trial.modem == modem;
        let mut trials: Vec<_> = self.by_hand.lock().trials.iter().rev().filter(of_modem).cloned().collect();
        for trial in &mut trials {
            trial.progress = call.filter(|call| call.attempt == trial.id).map(|call| call.progress);
        }
        trials
    }

    /// What waits to be handed to a modem: the dispatcher does that.
    pub fn take_by_hand(&self) -> Vec<(String, Message)> {
        std::mem::take(&mut self.by_hand.lock().waiting)
    }
}

impl ByHand {
    fn begin(&self, modem: &str, kind: EventKind, number: PhoneNumber, at: Timestamp) -> AttemptId {
        let mut inner = self.lock();
        // Rows of the outbox count up from 1.
        inner.last_id -= 1;
        let id = AttemptId::new(inner.last_id);
        while inner.trials.len() >= KEPT_MAX {
            let oldest = inner.trials.iter().position(|trial| trial.state.is_over()).unwrap_or_default();
            inner.trials.remove(oldest);
        }
        inner.trials.push_back(Trial {
            id,
            modem: modem.to_owned(),
            kind,
            number,
            at,
            state: TrialState::Waiting,
            progress: None,
            awaited: vec![],
            is_withdrawn: false,
        });
        id
    }

    fn forget(&self, id: AttemptId) {
        self.lock().trials.retain(|trial| trial.id != id);
    }

    fn is_busy(&self, modem: &str) -> bool {
        self.lock().trials.iter().any(|trial| trial.modem == modem && !trial.state.is_over())
    }

    /// Whether it may begin; `None`: it is none of these.
    pub fn may_begin(&self, id: AttemptId) -> Option<bool> {
        self.change(id, |trial| {
            trial.state = TrialState::UnderWay;
            !trial.is_withdrawn
        })
    }

    pub fn finished(&self, id: AttemptId, outcome: &Outcome) {
        self.change(id, |trial| {
            let references = match outcome {
                Outcome::Accepted { references } | Outcome::Uncertain { references, .. } => references.as_slice(),
                _ => &[],
            };
            trial.awaited = references.to_vec();
            trial.state = match outcome.clone() {
                Outcome::Accepted { references } => {
                    TrialState::Accepted { references: references.into_iter().flatten().collect() }
                }
                Outcome::Taken { .. } => TrialState::Accepted { references: vec![] },
                Outcome::Spoken { rang, talked } => TrialState::Spoken { rang, talked },
                Outcome::Unanswered { reason } => TrialState::Unanswered { reason },
                Outcome::Refused { reason, .. } => TrialState::Refused { reason },
                Outcome::Uncertain { reason, .. } => TrialState::Uncertain { reason },
                Outcome::Returned => TrialState::Returned,
            };
        });
    }

    /// Its answer came late: it was accepted after all.
    pub fn settled(&self, id: AttemptId) -> bool {
        self.change(id, |trial| trial.state = TrialState::Accepted { references: vec![] }).is_some()
    }

    /// Takes the report of one of these; `false`: it is of another message.
    pub fn reported(&self, route: &str, report: &DeliveryReport) -> bool {
        let mut inner = self.lock();
        let is_of = |trial: &&mut Trial| {
            trial.modem == route
                && trial.number.is_written_as(&report.number)
                && trial.awaited.iter().any(|awaited| awaited.is_none_or(|awaited| awaited == report.reference))
        };
        let Some(trial) = inner.trials.iter_mut().rev().find(is_of) else { return false };
        if report.delivered {
            let part = trial.awaited.iter().position(|awaited| *awaited == Some(report.reference));
            trial.awaited.remove(part.unwrap_or_default());
            if trial.awaited.is_empty() {
                trial.state = TrialState::Delivered;
            }
        } else {
            trial.awaited.clear();
            trial.state = TrialState::Undelivered;
        }
        true
    }

    fn change<T>(&self, id: AttemptId, change: impl FnOnce(&mut Trial) -> T) -> Option<T> {
        self.lock().trials.iter_mut().find(|trial| trial.id == id).map(change)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(by_hand: &ByHand) -> AttemptId {
        let number = PhoneNumber::parse("447700900123", None).expect("a number");
        by_hand.begin("sim1", EventKind::Sms, number, Timestamp::from_millis(0))
    }

    fn report(reference: u8, delivered: bool) -> DeliveryReport {
        DeliveryReport { reference, number: "447700900123".to_owned(), delivered }
    }

    #[test]
    fn a_message_is_delivered_once_all_its_parts_are() {
        let by_hand = ByHand::default();
        let id = begun(&by_hand);
        assert_eq!(by_hand.may_begin(id), Some(true));
        by_hand.finished(id, &Outcome::Accepted { references: vec![Some(7), Some(8)] });
        assert!(!by_hand.reported("sim2", &report(7, true)) && !by_hand.reported("sim1", &report(9, true)));
        assert!(by_hand.reported("sim1", &report(8, true)));
        assert_eq!(by_hand.lock().trials[0].state, TrialState::Accepted { references: vec![7, 8] });
        assert!(by_hand.reported("sim1", &report(7, true)));
        assert_eq!(by_hand.lock().trials[0].state, TrialState::Delivered);
        assert!(!by_hand.reported("sim1", &report(7, true)), "it is said once");
    }

    #[test]
    fn what_is_over_gives_way_and_what_is_in_hand_stays() {
        let by_hand = ByHand::default();
        let first = begun(&by_hand);
        for _ in 0..2 * KEPT_MAX {
            let id = begun(&by_hand);
            by_hand.finished(id, &Outcome::Returned);
        }
        let inner = by_hand.lock();
        assert_eq!((inner.trials.len(), inner.trials[0].id), (KEPT_MAX, first));
    }

    #[test]
    fn an_attempt_of_a_verification_is_none_of_these() {
        let by_hand = ByHand::default();
        begun(&by_hand);
        assert_eq!(by_hand.may_begin(AttemptId::new(1)), None);
    }
}
