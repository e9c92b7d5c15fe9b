//! What is on record of a verification, for those who ask what became of it.

use crate::clock::Timestamp;

use super::attempt_state::AttemptState;
use super::words::{End, Plan};
use super::workflow::EventKind;

/// The facts, in the order in which they were written down. Holds no code and no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// When somebody asks.
    pub now: Timestamp,
    pub plan: Plan,
    pub created: Timestamp,
    pub finalized: Option<Timestamp>,
    pub end: Option<End>,
    /// Something was sent, or may have been.
    pub sent: bool,
    /// When the current PIN is dead; `None` until it was first handed over.
    pub pin_end: Option<Timestamp>,
    /// What comes next by itself, and when at the latest.
    pub upcoming: Option<(Timestamp, Upcoming)>,
    pub events: Vec<PastEvent>,
    pub sendings: Vec<Sending>,
    pub tries: Vec<PastTry>,
    /// Why it failed without a message.
    pub reason: Option<String>,
    /// The number is on the blocklist at present.
    pub is_blocked: bool,
    /// Routes that are not ready at present.
    pub outages: Vec<Outage>,
    /// Some route is.
    pub any_ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upcoming {
    Event(EventKind),
    /// The present event is given up if it was not handed over.
    GiveUp,
    Expiry,
}

/// One step of the workflow that came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEvent {
    pub kind: EventKind,
    /// No route took it, or the next event took its place.
    pub skipped: bool,
    pub handed_over: Option<Timestamp>,
}

/// One try of an event on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Its place in the workflow, from 0.
    pub event: usize,
    pub kind: EventKind,
    pub state: AttemptState,
    pub due: Timestamp,
    pub route: Option<String>,
    pub is_provider: bool,
    pub claimed: Option<Timestamp>,
    pub begun: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// What the route said.
    pub reason: Option<String>,
    /// What the network said later.
    pub delivered: Option<bool>,
    pub reported: Option<Timestamp>,
}

/// A code that was typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastTry {
    pub at: Timestamp,
    /// `None`: it was never compared.
    pub right: Option<bool>,
}

/// A route that is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub route: String,
    pub since: Timestamp,
    pub reason: Option<String>,
}

impl Course {
    /// The workflow has an event that has not come up.
    pub fn has_event_left(&self) -> bool {
        self.events.len() < self.plan.workflow.events().len()
    }
}

impl Sending {
    pub fn route(&self) -> &str {
        self.route.as_deref().unwrap_or("no route")
    }
}

/// As people call it.
pub(super) fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Sms => "SMS",
        EventKind::Tts => "call",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::super::workflow::Workflow;
    use super::*;

    pub const START: Timestamp = Timestamp::from_millis(1_772_366_400_000);

    pub fn at(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    /// A verification of the default workflow that was asked for at 0 s and has not ended at 1000 s.
    pub fn course(sendings: Vec<Sending>) -> Course {
        let events = sendings.iter().map(|sending| sending.event).max().map_or(0, |last| last + 1);
        let kind = |event: usize| Workflow::DEFAULT.events()[event];
        let submitted = |sending: &Sending| {
            matches!(sending.state, AttemptState::Sent | AttemptState::Unanswered | AttemptState::Uncertain)
        };
        Course {
            now: at(1000),
            plan: Plan {
                workflow: Workflow::DEFAULT,
                next_event_wait: None,
                pin_life: Duration::from_secs(300),
                cancel_after: Duration::from_secs(30),
                tries_max: 3,
                send_timeout: Duration::from_secs(240),
            },
            created: at(0),
            finalized: None,
            end: None,
            sent: sendings.iter().any(submitted),
            pin_end: None,
            upcoming: None,
            events: (0..events)
                .map(|event| PastEvent { kind: kind(event), skipped: false, handed_over: None })
                .collect(),
            sendings,
            tries: vec![],
            reason: None,
            is_blocked: false,
            outages: vec![],
            any_ready: true,
        }
    }

    /// An attempt that was due at so many seconds and finished five seconds later.
    pub fn sending(event: usize, state: AttemptState, due: u64, reason: &str) -> Sending {
        let open = matches!(state, AttemptState::Due | AttemptState::Claimed | AttemptState::Sending);
        let begun = !matches!(state, AttemptState::Due | AttemptState::Claimed | AttemptState::Withdrawn);
        let claimed = state != AttemptState::Due && state != AttemptState::Unroutable;
        Sending {
            event,
            kind: Workflow::DEFAULT.events()[event],
            state,
            due: at(due),
            route: claimed.then(|| "sim1".to_owned()),
            is_provider: false,
            claimed: claimed.then(|| at(due)),
            begun: (begun && claimed).then(|| at(due + 1)),
            finished: (!open).then(|| at(due + 5)),
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            delivered: None,
            reported: None,
        }
    }

    pub fn reported(mut sending: Sending, delivered: bool, seconds: u64) -> Sending {
        (sending.delivered, sending.reported) = (Some(delivered), Some(at(seconds)));
        sending
    }
}
