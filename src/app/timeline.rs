//! What the log tells of a verification: one line for each fact of its life, with its request id.
//!
//! [`facts`] reads them off a step of the machine, inside the transaction; they are told once it is committed, so that
//! nothing is told that did not happen. A verification has a bounded number of them, and they are told at INFO; what
//! leads to them is DEBUG.

use std::time::Duration;

use tracing::{debug, error_span, info, warn};

use super::transition::Step;
use super::types::Account;
use crate::channel::Outcome;
use crate::channel::callback::Fate;
use crate::clock::{Timestamp, millis};
use crate::store::{AttemptRow, NewVerification, VerificationRow};
use crate::verification::{
    AttemptId, Effect, End, Event, EventKind, Outcome as MachineOutcome, Plan, RequestId, State, Verification,
};

/// What is told of a verification at its beginning.
pub(super) struct Start {
    account: String,
    country: Option<String>,
    language: String,
    kind: EventKind,
    workflow: u8,
    psd2: bool,
}

impl Start {
    pub fn of(account: &Account, new: &NewVerification, plan: &Plan) -> Self {
        Self {
            account: account.api_key.clone(),
            country: new.country.clone(),
            language: new.language.clone(),
            kind: plan.workflow.events()[0],
            workflow: plan.workflow.id(),
            psd2: new.amount_cents.is_some(),
        }
    }
}

/// A verification was accepted.
pub(super) fn tell_start(request_id: RequestId, start: &Start) {
    let Start { account, country, language, kind, workflow, psd2 } = start;
    let (country, kind) = (country.as_deref(), kind.as_str());
    info!(
        name: "verification.accepted",
        %request_id, account, country, language, workflow, kind, psd2, "a verification was accepted"
    );
}

/// One fact of a verification's life, beside what becomes of its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// Another attempt of the same event is to be made.
    Again {
        due_in: Duration,
    },
    PinRenewed {
        generation: u32,
    },
    PinWrong {
        tries: u8,
        tries_left: u8,
    },
    /// The event of this number, from 1, is up.
    Next {
        event: usize,
        kind: EventKind,
        because: &'static str,
    },
    Ended {
        end: End,
        after: Duration,
    },
    Refunded {
        credits: i64,
    },
}

/// What a step came to. `before`: the machine ahead of it, which `event` made into that of `row`.
pub(super) fn facts(before: &Verification, event: Event, row: &VerificationRow, effects: &[Effect]) -> Vec<Fact> {
    let after = &row.machine;
    let mut facts = vec![];
    if matches!(event, Event::Compared { right: false, .. }) {
        let tries_left = after.plan.tries_max.saturating_sub(after.tries);
        facts.push(Fact::PinWrong { tries: after.tries, tries_left });
    }
    for effect in effects {
        match effect {
            Effect::Send { due, .. } if after.event == before.event => {
                facts.push(Fact::Again { due_in: due.since(after.handled) });
            }
            Effect::Send { .. } => facts.push(Fact::Next {
                event: after.event + 1,
                kind: after.current_event(),
                because: because(before.state, event),
            }),
            Effect::RenewPin => facts.push(Fact::PinRenewed { generation: after.generation }),
            Effect::Refund if !row.refunded => facts.push(Fact::Refunded { credits: row.fixed.credits }),
            Effect::Refund
            | Effect::Granted
            | Effect::Requeue { .. }
            | Effect::Withdraw { .. }
            | Effect::WipeSealedPin
            | Effect::WipePin
            | Effect::Compare { .. }
            | Effect::Answer(_) => {}
        }
    }
    if let (None, Some(end)) = (before.end(), after.end()) {
        // What follows from the end is told behind it.
        let place = facts.iter().position(|fact| matches!(fact, Fact::Refunded { .. })).unwrap_or(facts.len());
        facts.insert(place, Fact::Ended { end, after: after.handled.since(after.created) });
    }
    facts
}

/// Why the next event is up.
fn because(before: State, event: Event) -> &'static str {
    let was_asked = matches!(before, State::Sending { next: true, .. } | State::Resending { next: true, .. });
    match event {
        Event::NextAsked => "asked",
        Event::Due if matches!(before, State::Queued { .. }) => "timed_out",
        Event::Due => "waited",
        Event::Undelivered { .. } => "undelivered",
        Event::Unroutable { .. } => "no_route",
        Event::Finished { outcome: MachineOutcome::HandedOver | MachineOutcome::Unanswered, .. } if was_asked => {
            "asked"
        }
        Event::Finished { .. } => "refused",
        Event::Restarted => "restarted",
        Event::Claimed { .. }
        | Event::Begun { .. }
        | Event::Delivered { .. }
        | Event::CancelAsked
        | Event::TryCounted
        | Event::Compared { .. } => "other",
    }
}

/// Tells the facts of one step. `reason`: why it failed, where it did.
pub(super) fn tell(request: RequestId, facts: &[Fact], reason: Option<&str>) {
    for fact in facts {
        tell_fact(request, *fact, reason);
    }
}

fn tell_fact(request_id: RequestId, fact: Fact, reason: Option<&str>) {
    match fact {
        Fact::Again { due_in } => {
            debug!(name: "attempt.again", %request_id, due_in_ms = millis(due_in), "the event is sent again");
        }
        Fact::PinRenewed { generation } => {
            debug!(name: "pin.renewed", %request_id, generation, "the PIN had ended; the next event carries a new one");
        }
        Fact::PinWrong { tries, tries_left } => {
            info!(name: "pin.wrong", %request_id, tries, tries_left, "a wrong code was given");
        }
        Fact::Next { event, kind, because } => {
            let kind = kind.as_str();
            info!(name: "verification.next", %request_id, event, kind, because, "the next event is up");
        }
        Fact::Ended { end, after } => tell_end(request_id, end, millis(after), reason),
        Fact::Refunded { credits } => {
            info!(name: "verification.refunded", %request_id, credits, "the price was given back");
        }
    }
}

fn tell_end(request_id: RequestId, end: End, duration_ms: u64, reason: Option<&str>) {
    match end {
        End::Success => info!(name: "verification.verified", %request_id, duration_ms, "the right PIN was given"),
        End::Failed => info!(name: "verification.failed", %request_id, duration_ms, reason, "a verification failed"),
        End::Expired => info!(name: "verification.expired", %request_id, duration_ms, reason, "a verification expired"),
        End::Cancelled => {
            info!(name: "verification.cancelled", %request_id, duration_ms, "a verification was cancelled")
        }
    }
}

/// What is to be told of a verification once what was done to it is on record.
#[derive(Default)]
pub(super) struct Told {
    /// Attempts that were leaving when the daemon ended.
    pub interrupted: Vec<Place>,
    pub steps: Vec<Step>,
}

impl Told {
    pub fn tell(&self) {
        self.interrupted.iter().for_each(|place| place.tell_interrupted());
        self.steps.iter().for_each(Step::tell);
    }

    /// Whether there is something to tell the account.
    pub fn tells(&self) -> bool {
        self.steps.iter().any(|step| step.tells)
    }
}

/// Why an attempt that was leaving is uncertain after a start.
pub(super) const INTERRUPTED: &str = "the daemon ended while it was being sent";

/// Where in a verification's life an attempt stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    request: RequestId,
    attempt: AttemptId,
    route: String,
    event: usize,
    kind: EventKind,
    due: Timestamp,
}

impl Place {
    pub fn of(attempt: &AttemptRow, row: &VerificationRow) -> Self {
        let kind = row.machine.plan.workflow.events().get(attempt.event).copied();
        Self {
            request: row.fixed.request,
            attempt: attempt.id,
            route: attempt.route.clone().unwrap_or_default(),
            event: attempt.event + 1,
            kind: kind.unwrap_or(row.machine.current_event()),
            due: attempt.due,
        }
    }

    /// On the route that had it, whatever the row says by then.
    pub fn on(self, route: &str) -> Self {
        Self { route: route.to_owned(), ..self }
    }

    fn tell(&self, tell: impl FnOnce()) {
        let Self { request: request_id, attempt, route, event, kind, .. } = self;
        // At the highest level, so that its lines have its fields whatever the log's filter.
        error_span!("attempt", %request_id, attempt = attempt.get(), route, event, kind = kind.as_str()).in_scope(tell);
    }

    /// Its bytes may leave.
    pub fn tell_begin(&self) {
        self.tell(|| info!(name: "attempt.sending", "an attempt leaves"));
    }

    pub fn tell_outcome(&self, outcome: &Outcome, now: Timestamp) {
        let duration_ms = millis(now.since(self.due));
        self.tell(|| match outcome {
            Outcome::Accepted { .. } | Outcome::Taken { .. } => {
                info!(name: "attempt.sent", duration_ms, "the message was accepted");
            }
            Outcome::Spoken { rang, talked } => {
                let (rang_ms, talked_ms) = (millis(*rang), millis(*talked));
                info!(name: "attempt.spoken", duration_ms, rang_ms, talked_ms, "the PIN was read out");
            }
            Outcome::Unanswered { reason } => {
                info!(name: "attempt.unanswered", duration_ms, reason, "nobody heard the PIN");
            }
            Outcome::Refused { class, reason } => {
                let class = class.as_str();
                info!(name: "attempt.refused", duration_ms, class, reason, "nothing was sent");
            }
            Outcome::Uncertain { reason, .. } => tell_uncertain(reason),
            Outcome::Returned => debug!(name: "attempt.returned", "a route gave an attempt back untouched"),
        });
    }

    fn tell_interrupted(&self) {
        self.tell(|| tell_uncertain(INTERRUPTED));
    }

    /// Nothing takes it.
    pub fn tell_unroutable(&self, reason: &str) {
        self.tell(|| info!(name: "attempt.unroutable", reason, "no route takes an attempt"));
    }

    /// What became of it after it was sent.
    pub fn tell_fate(&self, fate: Fate) {
        self.tell(|| match fate {
            Fate::Delivered => info!(name: "attempt.delivered", "the message arrived"),
            Fate::Failed => info!(name: "attempt.undelivered", "the message did not arrive"),
            Fate::Unanswered => info!(name: "attempt.not_answered", "the provider's call was busy or not answered"),
            Fate::Accepted => debug!(name: "attempt.confirmed", "the provider has the message"),
        });
    }

    /// It was uncertain, and its answer came late.
    pub fn tell_settled(&self) {
        self.tell(|| info!(name: "attempt.settled", "an uncertain attempt was accepted after all"));
    }
}

fn tell_uncertain(reason: &str) {
    warn!(name: "attempt.uncertain", reason, "it is uncertain whether a message was sent");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_event_is_up_for_a_reason() {
        let give_up = Timestamp::from_millis(9);
        let sending = |next| State::Sending { give_up, next };
        let finished = |outcome| Event::Finished { attempt: 1, outcome };
        for (before, event, reason) in [
            (State::Waiting { until: give_up }, Event::Due, "waited"),
            (State::Queued { claimed: false, give_up }, Event::Due, "timed_out"),
            (State::Waiting { until: give_up }, Event::NextAsked, "asked"),
            (sending(true), finished(MachineOutcome::HandedOver), "asked"),
            (sending(true), finished(MachineOutcome::Final), "refused"),
            (sending(false), finished(MachineOutcome::Final), "refused"),
            (State::Waiting { until: give_up }, Event::Undelivered { attempt: 1 }, "undelivered"),
            (State::Queued { claimed: false, give_up }, Event::Unroutable { attempt: 1 }, "no_route"),
        ] {
            assert_eq!(because(before, event), reason, "{event:?}");
        }
    }
}
