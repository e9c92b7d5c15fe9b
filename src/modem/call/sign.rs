//! What lines that come unasked tell about the call in hand.

use super::super::at::{CallState, Ending, call_listed, ending_told};
use super::super::profile::{CallProgress, Calls};

/// What a line tells about the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSign {
    /// It rings at the other side.
    Ringing,
    Answered,
    Ended(Ending),
    /// A key was pressed at the other side.
    Key(char),
    /// Something that the list of calls has to tell.
    Changed,
}

/// What an unsolicited line tells about the call, in the words of the family and in those of all; `None`: nothing.
pub fn sign(line: &str, calls: &Calls) -> Option<CallSign> {
    if let Some(key) = calls.keys.told(line) {
        return Some(CallSign::Key(key));
    }
    if let Some(ending) = ending_told(line) {
        return Some(CallSign::Ended(ending));
    }
    match (call_listed(line), calls.state_told(line)) {
        (Some(CallState::Active), _) | (None, Some(CallProgress::Answered)) => Some(CallSign::Answered),
        (Some(CallState::Alerting), _) | (None, Some(CallProgress::Ringing)) => Some(CallSign::Ringing),
        (Some(CallState::Ended), _) | (None, Some(CallProgress::Ended)) => Some(CallSign::Ended(Ending::Untold)),
        (None, Some(CallProgress::Changed)) => Some(CallSign::Changed),
        (Some(CallState::Dialling | CallState::Held), _) | (None, None) => None,
    }
}
