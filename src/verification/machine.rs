//! All transitions of a verification, in one place.
//!
//! [`Verification::handle`] takes an event and the present and returns what is to be done about it. It never sends,
//! stores, draws or waits: PINs and ids come from outside, effects are carried out by `app` in the transaction that
//! stores the new state.
//!
//! # The table
//!
//! `→` leads to a state, `·` changes nothing, `next` means: the next event's attempt goes into the outbox, due now
//! (`Queued`); with no event left, `Closing` if anything was sent, else `Ended(Failed)`.
//!
//! | event \ state | Queued | Sending | Doubtful | Resending | Waiting | Closing | Ended |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | Claimed | granted¹ | refused | granted² | refused | refused | refused | refused |
//! | Begun | → Sending³ | granted¹⁰ | → Resending³ | granted¹⁰ | refused | refused | refused |
//! | Finished: handed over | → Waiting | → Waiting | → Waiting | → Waiting | · | · | price |
//! | Finished: uncertain | → Doubtful | → Doubtful | → Waiting | → Waiting | · | · | price |
//! | Finished: temporary | again later | again later | again later | again later | · | · | price |
//! | Finished: other route | again now | again now | again now | again now | · | · | price |
//! | Finished: final | next | next | → Waiting | → Waiting | · | · | price |
//! | Finished: returned | due again | due again | due again | due again | · | · | price |
//! | Unroutable | next | · | → Waiting | · | · | · | · |
//! | Delivered | · | · | → Waiting | · | · | · | · |
//! | Undelivered | · | · | next | next once known | next⁴ | · | · |
//! | Due | next at give-up | · | next, or → Waiting⁵ | · | next, or → Expired | → Expired | · |
//! | NextAsked⁶ | next | next once known | next | next once known | next | refused | refused |
//! | CancelAsked⁷ | → Cancelled | → Cancelled | → Cancelled | → Cancelled | → Cancelled | → Cancelled | refused |
//! | TryCounted⁸ | counted | counted | counted | counted | counted | counted | refused |
//! | Compared | → Success if right, → Failed if it was the last try | | | | | | refused |
//! | Restarted | due again, or → Expired⁹ | as uncertain | due again | as uncertain | · or → Expired⁹ | · | price |
//!
//! 1. With a new PIN if the current one's life is over. 2. Only while the PIN lives: a resend carries the same PIN.
//! 3. Only while the PIN lives; else refused, and what comes back is claimed with a new PIN. 4. With no event left it waits for its expiry.
//! 5. `next` when the wait is over, `Waiting` when only the PIN is. 6. Refused when no event is left.
//! 7. Refused in the first seconds and once the second event was claimed. 8. Refused when all tries are used.
//! 9. When the waits of all events left are past too. 10. The modem asks for the bytes of the same attempt once more,
//!    having refused them at first; granted only while the PIN lives and the next event was not asked for.
//!
//! The number of an attempt tells a late word about an earlier attempt from one about the present attempt; the former
//! changes nothing.

use std::time::Duration;

use crate::clock::Timestamp;

use super::words::{Answer, Effect, End, Event, Outcome, Plan, Refusal, State};
use super::workflow::EventKind;

/// Waits before an attempt is repeated after a temporary error; the last one repeats until the event's give-up.
const BACK_OFF: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(30)];

/// How long a delivery report may take to settle an uncertain attempt before the event is sent once more.
const SETTLE: Duration = Duration::from_secs(10);

/// One verification of one number for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    pub plan: Plan,
    pub state: State,
    pub created: Timestamp,
    pub finalized: Option<Timestamp>,
    /// Index of the current event.
    pub event: usize,
    /// Number of the latest attempt, from 1.
    pub attempt: u32,
    /// Number of the current event's latest attempt that may have reached the network; 0 if none.
    pub submitted: u32,
    /// Temporary errors of the current event.
    pub retries: u32,
    /// The PIN's, from 1.
    pub generation: u32,
    /// When the current PIN was first handed over.
    pub pin_started: Option<Timestamp>,
    /// Tries counted against the current PIN.
    pub tries: u8,
    /// Of these, not yet compared.
    pub undecided: u8,
    /// The second event was claimed.
    pub second_started: bool,
    /// Something was sent, or may have been.
    pub sent: bool,
    /// An attempt was leaving when the verification ended: the price waits for its outcome.
    pub price_open: bool,
    /// End of the wait after the last event handed over.
    pub wait_end: Option<Timestamp>,
    /// The latest instant handled; time never runs backwards here.
    pub handled: Timestamp,
}

impl Verification {
    /// A verification whose first event is due at once.
    pub fn start(plan: Plan, now: Timestamp) -> (Self, Vec<Effect>) {
        let verification = Self {
            state: State::Queued { claimed: false, give_up: now + plan.send_timeout },
            plan,
            created: now,
            finalized: None,
            event: 0,
            attempt: 1,
            submitted: 0,
            retries: 0,
            generation: 1,
            pin_started: None,
            tries: 0,
            undecided: 0,
            second_started: false,
            sent: false,
            price_open: false,
            wait_end: None,
            handled: now,
        };
        (verification, vec![Effect::Send { attempt: 1, event: 0, due: now }])
    }

    /// When [`Event::Due`] is to come; `None` while only something from outside can change anything.
    pub fn deadline(&self) -> Option<Timestamp> {
        let deadline = match self.state {
            State::Queued { give_up, .. } => give_up,
            State::Doubtful { until, .. } => match self.pin_end() {
                Some(pin_end) if self.is_last() => pin_end,
                Some(pin_end) => until.min(pin_end),
                None => until,
            },
            State::Waiting { until } if !self.is_last() => until,
            State::Waiting { .. } | State::Closing => self.expiry(),
            State::Sending { .. } | State::Resending { .. } | State::Ended(_) => return None,
        };
        Some(deadline.max(self.handled))
    }

    /// Whether a claim at `now` needs a fresh PIN.
    pub fn needs_new_pin(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Queued { claimed: false, .. }) && !self.pin_alive(now)
    }

    pub fn current_event(&self) -> EventKind {
        self.plan.workflow.events()[self.event]
    }

    /// The end of the current PIN's life; `None` until it was first handed over.
    pub fn pin_end(&self) -> Option<Timestamp> {
        self.pin_started.map(|started| started + self.plan.pin_life)
    }

    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] leaves the verification as it was.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        let now = now.max(self.handled);
        let effects = self.transition(event, now)?;
        self.handled = now;
        Ok(effects)
    }

    fn transition(&mut self, event: Event, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        use State::{Closing, Doubtful, Ended, Queued, Resending, Sending, Waiting};
        match (self.state, event) {
            (Queued { claimed: false, give_up }, Event::Claimed { attempt }) if attempt == self.attempt => {
                Ok(self.claim(give_up, now))
            }
            (Doubtful { claimed: false, until }, Event::Claimed { attempt }) if attempt == self.attempt => {
                Ok(self.claim_resend(until, now))
            }
            (_, Event::Claimed { .. }) => Err(Refusal::Stale),

            (Queued { claimed: true, give_up }, Event::Begun { attempt }) if attempt == self.attempt => {
                self.begin(give_up, now)
            }
            (Doubtful { claimed: true, until }, Event::Begun { attempt }) if attempt == self.attempt => {
                Ok(self.begin_resend(until, now))
            }
            (Sending { next: false, .. } | Resending { next: false, .. }, Event::Begun { attempt })
                if attempt == self.attempt && self.pin_alive(now) =>
            {
                Ok(vec![Effect::Granted])
            }
            (_, Event::Begun { .. }) => Err(Refusal::Stale),

            (Queued { give_up, .. }, Event::Finished { attempt, outcome }) if attempt == self.attempt => {
                Ok(self.finish_first(outcome, give_up, false, now))
            }
            (Sending { give_up, next }, Event::Finished { attempt, outcome }) if attempt == self.attempt => {
                Ok(self.finish_first(outcome, give_up, next, now))
            }
            (Doubtful { until, .. }, Event::Finished { attempt, outcome }) if attempt == self.attempt => {
                Ok(self.finish_second(outcome, until, false, now))
            }
            (Resending { until, next }, Event::Finished { attempt, outcome }) if attempt == self.attempt => {
                Ok(self.finish_second(outcome, until, next, now))
            }
            (Ended(_), Event::Finished { attempt, outcome }) if attempt == self.attempt => {
                Ok(self.settle_price(outcome))
            }
            (
                Queued { .. }
                | Sending { .. }
                | Doubtful { .. }
                | Resending { .. }
                | Waiting { .. }
                | Closing
                | Ended(_),
                Event::Finished { .. },
            ) => Ok(vec![]),

            (Queued { .. }, Event::Unroutable { attempt }) if attempt == self.attempt => {
                let mut effects = vec![Effect::Withdraw { attempt }];
                effects.extend(self.next(now));
                Ok(effects)
            }
            (Doubtful { until, .. }, Event::Unroutable { attempt }) if attempt == self.attempt => {
                let mut effects = vec![Effect::Withdraw { attempt }];
                effects.extend(self.wait(until));
                Ok(effects)
            }
            (_, Event::Unroutable { .. }) => Ok(vec![]),

            (Doubtful { until, .. }, Event::Delivered { attempt }) if attempt == self.submitted => {
                let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
                effects.extend(self.wait(until));
                Ok(effects)
            }
            (_, Event::Delivered { .. }) => Ok(vec![]),

            (_, Event::Undelivered { attempt }) if attempt == self.submitted => Ok(self.undelivered(now)),
            (_, Event::Undelivered { .. }) => Ok(vec![]),

            (_, Event::Due) => Ok(self.due(now)),
            (_, Event::NextAsked) => self.next_asked(now),
            (_, Event::CancelAsked) => self.cancel(now),
            (_, Event::TryCounted) => self.count_try(now),
            (_, Event::Compared { generation, right }) => self.compared(generation, right, now),
            (_, Event::Restarted) => Ok(self.restart(now)),
        }
    }

    fn claim(&mut self, give_up: Timestamp, now: Timestamp) -> Vec<Effect> {
        let mut effects = vec![Effect::Granted];
        if !self.pin_alive(now) {
            self.generation += 1;
            self.pin_started = None;
            self.tries = 0;
            self.undecided = 0;
            effects.push(Effect::RenewPin);
        }
        self.second_started |= self.event >= 1;
        self.state = State::Queued { claimed: true, give_up };
        effects
    }

    fn claim_resend(&mut self, until: Timestamp, now: Timestamp) -> Vec<Effect> {
        if self.pin_alive(now) {
            self.state = State::Doubtful { claimed: true, until };
            return vec![Effect::Granted];
        }
        self.drop_resend(until)
    }

    fn begin(&mut self, give_up: Timestamp, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        if !self.pin_alive(now) {
            return Err(Refusal::Stale);
        }
        self.state = State::Sending { give_up, next: false };
        Ok(vec![Effect::Granted])
    }

    fn begin_resend(&mut self, until: Timestamp, now: Timestamp) -> Vec<Effect> {
        if self.pin_alive(now) {
            self.state = State::Resending { until, next: false };
            return vec![Effect::Granted];
        }
        self.drop_resend(until)
    }

    fn drop_resend(&mut self, until: Timestamp) -> Vec<Effect> {
        let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
        effects.extend(self.wait(until));
        effects
    }

    /// The outcome of an attempt before which nothing of the event can have reached the network.
    fn finish_first(&mut self, outcome: Outcome, give_up: Timestamp, next: bool, now: Timestamp) -> Vec<Effect> {
        match outcome {
            Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain => {
                self.sent = true;
                self.submitted = self.attempt;
                let until = now + self.plan.wait(self.event);
                self.wait_end = Some(until);
                if outcome != Outcome::Unanswered {
                    self.pin_started.get_or_insert(now);
                }
                if next && !self.is_last() {
                    return self.next(now);
                }
                let resend = now + SETTLE;
                let resend_lives = self.pin_end().is_some_and(|pin_end| resend < pin_end);
                if outcome == Outcome::Uncertain && resend_lives && (resend < until || self.is_last()) {
                    self.state = State::Doubtful { claimed: false, until };
                    return vec![self.send_again(resend)];
                }
                self.wait(until)
            }
            Outcome::Temporary | Outcome::OtherRoute | Outcome::Returned if next && !self.is_last() => self.next(now),
            Outcome::Temporary => {
                let due = now + self.back_off();
                if due >= give_up {
                    return self.next(now);
                }
                self.state = State::Queued { claimed: false, give_up };
                vec![self.send_again(due)]
            }
            Outcome::OtherRoute => {
                self.state = State::Queued { claimed: false, give_up };
                vec![self.send_again(now)]
            }
            Outcome::Final => self.next(now),
            Outcome::Returned => {
                self.state = State::Queued { claimed: false, give_up };
                // It keeps its place in the order of due time.
                let due = now.min(give_up - self.plan.send_timeout);
                vec![Effect::Requeue { attempt: self.attempt, due }]
            }
        }
    }

    /// The outcome of an attempt after an uncertain one: there is never a third submission.
    fn finish_second(&mut self, outcome: Outcome, until: Timestamp, next: bool, now: Timestamp) -> Vec<Effect> {
        if matches!(outcome, Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain) {
            self.submitted = self.attempt;
        }
        if next && !self.is_last() {
            return self.next(now);
        }
        match outcome {
            Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain | Outcome::Final => self.wait(until),
            Outcome::Temporary | Outcome::OtherRoute => {
                let due = if outcome == Outcome::Temporary { now + self.back_off() } else { now };
                if self.pin_end().is_none_or(|pin_end| due >= pin_end) || (due >= until && !self.is_last()) {
                    return self.wait(until);
                }
                self.state = State::Doubtful { claimed: false, until };
                vec![self.send_again(due)]
            }
            Outcome::Returned => {
                self.state = State::Doubtful { claimed: false, until };
                vec![Effect::Requeue { attempt: self.attempt, due: now }]
            }
        }
    }

    /// The outcome of an attempt that was leaving when the verification ended.
    fn settle_price(&mut self, outcome: Outcome) -> Vec<Effect> {
        if !std::mem::take(&mut self.price_open) {
            return vec![];
        }
        match outcome {
            Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain => {
                self.sent = true;
                vec![]
            }
            Outcome::Temporary | Outcome::OtherRoute | Outcome::Final | Outcome::Returned => vec![Effect::Refund],
        }
    }

    fn undelivered(&mut self, now: Timestamp) -> Vec<Effect> {
        match self.state {
            State::Doubtful { .. } if !self.is_last() => {
                let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
                effects.extend(self.next(now));
                effects
            }
            State::Doubtful { until, .. } => self.drop_resend(until),
            State::Resending { until, .. } => {
                self.state = State::Resending { until, next: true };
                vec![]
            }
            State::Waiting { .. } if !self.is_last() => self.next(now),
            State::Waiting { .. } | State::Queued { .. } | State::Sending { .. } | State::Closing | State::Ended(_) => {
                vec![]
            }
        }
    }

    fn due(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return vec![];
        }
        match self.state {
            State::Queued { .. } => {
                let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
                effects.extend(self.next(now));
                effects
            }
            State::Doubtful { until, .. } if now >= until && !self.is_last() => {
                let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
                effects.extend(self.next(now));
                effects
            }
            State::Doubtful { until, .. } => self.drop_resend(until),
            State::Waiting { .. } if !self.is_last() => self.next(now),
            State::Waiting { .. } | State::Closing => self.finish(End::Expired, now),
            State::Sending { .. } | State::Resending { .. } | State::Ended(_) => vec![],
        }
    }

    fn next_asked(&mut self, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        match self.state {
            State::Ended(_) => Err(Refusal::Ended),
            State::Closing => Err(Refusal::NoEventLeft),
            _ if self.is_last() => Err(Refusal::NoEventLeft),
            State::Queued { .. } | State::Doubtful { .. } => {
                let mut effects = vec![Effect::Withdraw { attempt: self.attempt }];
                effects.extend(self.next(now));
                Ok(effects)
            }
            State::Sending { give_up, .. } => {
                self.state = State::Sending { give_up, next: true };
                Ok(vec![])
            }
            State::Resending { until, .. } => {
                self.state = State::Resending { until, next: true };
                Ok(vec![])
            }
            State::Waiting { .. } => Ok(self.next(now)),
        }
    }

    fn cancel(&mut self, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        if self.end().is_some() {
            Err(Refusal::Ended)
        } else if now < self.created + self.plan.cancel_after {
            Err(Refusal::TooSoon)
        } else if self.second_started {
            Err(Refusal::TooLate)
        } else {
            Ok(self.finish(End::Cancelled, now))
        }
    }

    fn count_try(&mut self, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        if self.end().is_some() || self.tries >= self.plan.tries_max {
            return Err(Refusal::Ended);
        }
        self.tries += 1;
        self.undecided += 1;
        Ok(vec![Effect::Compare { generation: self.generation, alive: self.pin_alive(now) }])
    }

    fn compared(&mut self, generation: u32, right: bool, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        if self.end().is_some() {
            return Err(Refusal::Ended);
        }
        if right {
            let mut effects = vec![Effect::Answer(Answer::Right)];
            effects.extend(self.finish(End::Success, now));
            return Ok(effects);
        }
        if generation != self.generation {
            return Ok(vec![Effect::Answer(Answer::Wrong)]);
        }
        self.undecided = self.undecided.saturating_sub(1);
        if self.tries < self.plan.tries_max || self.undecided > 0 {
            return Ok(vec![Effect::Answer(Answer::Wrong)]);
        }
        let mut effects = vec![Effect::Answer(Answer::WrongTooOften)];
        effects.extend(self.finish(End::Failed, now));
        Ok(effects)
    }

    /// A try that was counted and never compared stays counted, as wrong.
    fn restart(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.end().is_some() {
            return self.settle_price(Outcome::Uncertain);
        }
        if std::mem::take(&mut self.undecided) > 0 && self.tries >= self.plan.tries_max {
            let mut effects = self.finish(End::Failed, now);
            effects.extend(self.settle_price(Outcome::Uncertain));
            return effects;
        }
        let sent_until = self.expiry();
        match self.state {
            State::Queued { claimed, give_up } => {
                let due = give_up - self.plan.send_timeout;
                let last = self.last_hand_over();
                let useless = (due + self.plan.waits_from(self.event)).min(last).max(sent_until);
                if now >= useless {
                    return self.finish(End::Expired, now);
                }
                // However often the daemon restarts, it ends some time.
                let give_up = give_up.max((now + self.plan.send_timeout).min(last));
                self.state = State::Queued { claimed: false, give_up };
                if claimed { vec![Effect::Requeue { attempt: self.attempt, due }] } else { vec![] }
            }
            State::Sending { .. } | State::Resending { .. }
                if now >= (self.handled + self.plan.waits_from(self.event)).max(sent_until) =>
            {
                self.sent = true;
                self.state = State::Closing;
                self.finish(End::Expired, now)
            }
            State::Sending { .. } | State::Resending { .. } => {
                let outcome = Outcome::Uncertain;
                self.transition(Event::Finished { attempt: self.attempt, outcome }, now).unwrap_or_default()
            }
            State::Doubtful { until, .. } if now >= (until + self.plan.waits_from(self.event + 1)).max(sent_until) => {
                self.finish(End::Expired, now)
            }
            State::Doubtful { claimed, until } => {
                self.state = State::Doubtful { claimed: false, until };
                if claimed { vec![Effect::Requeue { attempt: self.attempt, due: now }] } else { vec![] }
            }
            State::Waiting { until } => {
                if now >= (until + self.plan.waits_from(self.event + 1)).max(sent_until) {
                    return self.finish(End::Expired, now);
                }
                vec![]
            }
            State::Closing | State::Ended(_) => vec![],
        }
    }

    /// No restart puts off the hand-over of the current event beyond this: by then its workflow would be over, had every
    /// event before it taken as long as it may.
    fn last_hand_over(&self) -> Timestamp {
        let events = u32::try_from(self.event + 1).unwrap_or(u32::MAX);
        self.created + self.plan.waits_from(0) + self.plan.send_timeout.saturating_mul(events)
    }

    /// The next event is due now; with none left the verification closes.
    fn next(&mut self, now: Timestamp) -> Vec<Effect> {
        if !self.is_last() {
            self.event += 1;
            self.retries = 0;
            self.submitted = 0;
            self.state = State::Queued { claimed: false, give_up: now + self.plan.send_timeout };
            return vec![self.send_again(now)];
        }
        self.state = State::Closing;
        if !self.sent {
            return self.finish(End::Failed, now);
        }
        if self.expiry() <= now {
            return self.finish(End::Expired, now);
        }
        vec![Effect::WipeSealedPin]
    }

    /// The current event was handed over.
    fn wait(&mut self, until: Timestamp) -> Vec<Effect> {
        self.state = State::Waiting { until };
        if self.is_last() { vec![Effect::WipeSealedPin] } else { vec![] }
    }

    fn send_again(&mut self, due: Timestamp) -> Effect {
        self.attempt += 1;
        Effect::Send { attempt: self.attempt, event: self.event, due }
    }

    fn finish(&mut self, end: End, now: Timestamp) -> Vec<Effect> {
        let leaving = matches!(self.state, State::Sending { .. } | State::Resending { .. });
        let queued = matches!(self.state, State::Queued { .. } | State::Doubtful { .. });
        self.state = State::Ended(end);
        self.finalized = Some(now);
        self.price_open = leaving && !self.sent;
        let mut effects = vec![];
        if leaving || queued {
            effects.push(Effect::Withdraw { attempt: self.attempt });
        }
        effects.push(Effect::WipePin);
        if !self.sent && !self.price_open {
            effects.push(Effect::Refund);
        }
        effects
    }

    fn back_off(&mut self) -> Duration {
        let index = usize::try_from(self.retries).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1);
        self.retries += 1;
        BACK_OFF[index]
    }

    fn is_last(&self) -> bool {
        self.event + 1 >= self.plan.workflow.events().len()
    }

    fn pin_alive(&self, now: Timestamp) -> bool {
        self.pin_end().is_none_or(|pin_end| now < pin_end)
    }

    /// The later of the last handed-over event's wait and the current PIN's end.
    fn expiry(&self) -> Timestamp {
        self.wait_end.max(self.pin_end()).unwrap_or(self.handled)
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "machine_props.rs"]
mod props;
