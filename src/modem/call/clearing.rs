//! The way from the wish to end a call to a free line.
//!
//! ```text
//!  close ─► hang up by the family's next line ─► the list ─► empty: Done
//!                  ▲      1 s                       │ the call is still there
//!                  └────────────────────────────────┘ 20 s: Done, the line is not free
//! ```

use std::time::Duration;

use super::{Call, CallOutcome, CallStep, LIST_REFUSALS_MAX, LIST_TIMEOUT, Phase, Question, Unanswered};

const HANG_UP_TIMEOUT: Duration = Duration::from_secs(5);
/// From the first hang-up to a free line; then the modem itself has to be recovered.
const CLEARING_MAX: Duration = Duration::from_secs(20);
/// Between two tries to hang up.
const CLEARING_INTERVAL: Duration = Duration::from_secs(1);

impl Call {
    /// Ends the call from this side.
    pub(super) fn close(&mut self, verdict: CallOutcome, now: Duration) {
        if !matches!(self.phase, Phase::Dialling | Phase::Connecting | Phase::Active) {
            return;
        }
        self.ended = Some(now);
        // Whoever heard the PIN heard it, whatever ended the call.
        let heard = self.readings > 0;
        self.verdict = Some(if heard { CallOutcome::Spoken } else { verdict });
        self.phase = Phase::Clearing { since: now, line: 0 };
        match self.asked {
            Some(Question::Dial) => self.steps.push_back(CallStep::Interrupt),
            // Its reply comes within seconds, and the hang-up with it.
            Some(Question::Prepare | Question::List | Question::HangUp | Question::Cause) => {}
            None => self.hang_up(now, 0),
        }
    }

    pub(super) fn hang_up(&mut self, since: Duration, line: usize) {
        let lines = self.calls.hang_up;
        let text = lines[line % lines.len()];
        self.phase = Phase::Clearing { since, line: line + 1 };
        self.ask(Question::HangUp, text, HANG_UP_TIMEOUT);
    }

    /// The list tells whether it helped.
    pub(super) fn hung_up(&mut self, accepted: bool, now: Duration) {
        let Phase::Clearing { since, .. } = self.phase else { return };
        if self.list_refusals < LIST_REFUSALS_MAX {
            self.ask(Question::List, "AT+CLCC", LIST_TIMEOUT);
        } else if accepted {
            self.cleared(now);
        } else {
            self.not_cleared(since, now);
        }
    }

    pub(super) fn not_cleared(&mut self, since: Duration, now: Duration) {
        if now >= since + CLEARING_MAX {
            let outcome = self.verdict.take().unwrap_or(CallOutcome::Unanswered(Unanswered::HungUp));
            self.finish(outcome, false, now);
        } else {
            self.next_list = now + CLEARING_INTERVAL;
        }
    }

    pub(super) fn cleared(&mut self, now: Duration) {
        let outcome = self.verdict.take().unwrap_or(CallOutcome::Unanswered(Unanswered::HungUp));
        self.finish(outcome, true, now);
    }
}
