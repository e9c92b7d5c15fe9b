//! How a call went, and what the reason for its end says of that.

use std::time::Duration;

use super::super::at::{Ending, ErrorClass};
use super::Call;

/// A call that ended without a reason after this long has rung somewhere.
const RANG_AFTER: Duration = Duration::from_secs(5);

/// How a call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// The PIN was read out once at least.
    Spoken,
    /// Somewhere it rang, or was busy; nobody heard a PIN.
    Unanswered(Unanswered),
    /// There was no call.
    Refused { class: ErrorClass, reason: String },
    /// It may have rung; the modem does not say.
    Uncertain { reason: String },
    /// Taken back before it was dialled.
    Returned,
}

impl CallOutcome {
    /// The word in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Spoken => "spoken",
            Self::Unanswered(why) => match why {
                Unanswered::Busy => "busy",
                Unanswered::NoAnswer => "no_answer",
                Unanswered::Rejected => "rejected",
                Unanswered::HungUp => "hung_up",
                Unanswered::Withdrawn => "withdrawn",
                Unanswered::Mute => "mute",
            },
            Self::Refused { .. } => "refused",
            Self::Uncertain { .. } => "uncertain",
            Self::Returned => "returned",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("busy")]
    Busy,
    #[error("nobody answered")]
    NoAnswer,
    #[error("rejected")]
    Rejected,
    #[error("hung up before the PIN was read out")]
    HungUp,
    #[error("ended because it was not needed any more")]
    Withdrawn,
    #[error("the message could not be spoken")]
    Mute,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnd {
    pub outcome: CallOutcome,
    /// From the dialling to the answer, or to the end of an unanswered call.
    pub rang: Duration,
    /// From the answer to the end.
    pub talked: Option<Duration>,
    /// `false`: the modem may hold a call that it does not end; it has to be reset.
    pub line_is_free: bool,
}

impl Call {
    /// What the end of the call from the other side means.
    pub(super) fn outcome(&self, ending: Ending) -> CallOutcome {
        if self.answered.is_some() {
            let heard = self.readings > 0;
            return if heard { CallOutcome::Spoken } else { CallOutcome::Unanswered(Unanswered::HungUp) };
        }
        let refused = |class: ErrorClass, what: &str| CallOutcome::Refused { class, reason: what.to_owned() };
        match ending {
            Ending::Busy => CallOutcome::Unanswered(Unanswered::Busy),
            Ending::NoAnswer => CallOutcome::Unanswered(Unanswered::NoAnswer),
            Ending::Cause(cause) => match cause {
                1 | 3 | 6 | 22 | 26 | 28 => refused(ErrorClass::Final, &format!("number unobtainable (cause {cause})")),
                8 | 10 | 29 | 50 => refused(ErrorClass::OtherRoute, &format!("call barred (cause {cause})")),
                16 | 21 => CallOutcome::Unanswered(Unanswered::Rejected),
                18 | 20 | 27 => CallOutcome::Unanswered(Unanswered::NoAnswer),
                _ => refused(ErrorClass::Temporary, &format!("network ended the call (cause {cause})")),
            },
            Ending::Untold => {
                let lasted = self.ended.map(|ended| ended.saturating_sub(self.dialled));
                if self.alerted || lasted.is_some_and(|lasted| lasted >= RANG_AFTER) {
                    CallOutcome::Unanswered(Unanswered::NoAnswer)
                } else {
                    refused(ErrorClass::Temporary, "network ended the call before it rang")
                }
            }
        }
    }
}
