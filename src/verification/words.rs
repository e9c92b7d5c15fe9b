//! The words of the state machine: what it is told, where it stands, what it answers.

use std::time::Duration;

use crate::clock::Timestamp;

use super::workflow::Workflow;

/// What was fixed when the verification was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub workflow: Workflow,
    /// Replaces every wait of the workflow.
    pub next_event_wait: Option<Duration>,
    /// How long a PIN is right after it was first handed over.
    pub pin_life: Duration,
    /// How long after acceptance a cancel is refused.
    pub cancel_after: Duration,
    /// Comparisons a generation of the PIN allows.
    pub tries_max: u8,
    /// From an event's due time to its hand-over; then it has failed.
    pub send_timeout: Duration,
}

impl Plan {
    pub(super) fn wait(&self, event: usize) -> Duration {
        self.next_event_wait.unwrap_or_else(|| self.workflow.wait(event, self.pin_life))
    }

    pub(super) fn waits_from(&self, event: usize) -> Duration {
        (event..self.workflow.events().len()).map(|event| self.wait(event)).sum()
    }
}

/// How a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Success,
    Failed,
    Expired,
    Cancelled,
}

impl End {
    /// The word in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where the current event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its attempt is in the outbox, or claimed and in a channel's queue. Nothing of it has left.
    Queued {
        claimed: bool,
        give_up: Timestamp,
    },
    /// Its bytes may be leaving. `next`: the next event is due as soon as the outcome is known.
    Sending {
        give_up: Timestamp,
        next: bool,
    },
    /// It may have been sent; a second submission waits in the outbox. The next event is due at `until`.
    Doubtful {
        claimed: bool,
        until: Timestamp,
    },
    /// The bytes of its second submission may be leaving.
    Resending {
        until: Timestamp,
        next: bool,
    },
    /// It was handed over; the next event, or the end, is due at `until` or later.
    Waiting {
        until: Timestamp,
    },
    /// No event is left; the user may still answer.
    Closing,
    Ended(End),
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The network took the SMS, or the PIN was spoken.
    HandedOver,
    /// The call was busy or nobody answered: sent for wait and price, but no PIN reached anyone.
    Unanswered,
    /// It may have been sent.
    Uncertain,
    /// Nothing was sent; the same route may take it later.
    Temporary,
    /// Nothing was sent; only another route may take it.
    OtherRoute,
    /// Nothing was sent, and no route will take it.
    Final,
    /// It was given back untouched.
    Returned,
}

/// What happens to a verification. Attempts are named by their number within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The dispatcher wants to hand the attempt to a channel.
    Claimed {
        attempt: u32,
    },
    /// The channel is about to send bytes that cannot be taken back.
    Begun {
        attempt: u32,
    },
    Finished {
        attempt: u32,
        outcome: Outcome,
    },
    /// No route takes the attempt at all.
    Unroutable {
        attempt: u32,
    },
    Delivered {
        attempt: u32,
    },
    Undelivered {
        attempt: u32,
    },
    /// The deadline has come.
    Due,
    NextAsked,
    CancelAsked,
    /// A code was typed in; it is counted before it is compared.
    TryCounted,
    /// The comparison of a counted try with the PIN of `generation` that was current when it was counted.
    Compared {
        generation: u32,
        right: bool,
    },
    /// The process started again.
    Restarted,
}

/// What is to be done, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The claim or the sending may go on.
    Granted,
    /// Put an attempt of the current event into the outbox.
    Send { attempt: u32, event: usize, due: Timestamp },
    /// The attempt in hand is due again.
    Requeue { attempt: u32, due: Timestamp },
    /// Take the attempt back if nothing of it has left; end it if it is a call.
    Withdraw { attempt: u32 },
    /// Store the fresh PIN under the current generation.
    RenewPin,
    /// No event that needs the PIN for sending is left.
    WipeSealedPin,
    /// The PIN is of no more use.
    WipePin,
    /// Compare the code; a PIN that is not `alive` makes any code wrong.
    Compare { generation: u32, alive: bool },
    /// What the user's try came to.
    Answer(Answer),
    /// Give the price back.
    Refund,
}

/// What a compared try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Right,
    Wrong,
    /// Wrong, and the verification has failed by it.
    WrongTooOften,
}

/// Why something asked for is not done. The verification is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has ended, or all tries are used.
    Ended,
    /// Cancelled too early.
    TooSoon,
    /// Cancelled after the second event has started.
    TooLate,
    NoEventLeft,
    /// The attempt is not the present one, or not in a state for it.
    Stale,
}
