//! The list of calls: when it is asked, and what it tells of the call in hand.

use std::time::Duration;

use super::super::at::{CallState, ListedCall};
use super::{Call, LIST_REFUSALS_MAX, LIST_TIMEOUT, Phase, Question};

/// The list is asked so often until somebody answers, who then waits for the first word. The modem's own memory answers
/// it, not the network, and a UART carries it with ease.
pub(super) const LIST_TELLS: Duration = Duration::from_millis(100);
/// The same as a net: where lines tell of the call, and for the end of an answered one.
const LINES_TELL: Duration = Duration::from_secs(2);
/// Between an answered list and the next: room for a slow modem's own lines.
pub(super) const LIST_REST: Duration = Duration::from_millis(50);
/// A call that the list does not show is gone after this: a list may miss one for a moment.
const VANISHED_AFTER: Duration = Duration::from_secs(4);
/// A list shows a call that was just dialled within this.
const LISTED_WITHIN: Duration = Duration::from_secs(8);

impl Call {
    /// Whether the list of calls is asked in this phase.
    pub(super) fn lists(&self) -> bool {
        matches!(self.phase, Phase::Connecting | Phase::Active) && self.list_refusals < LIST_REFUSALS_MAX
    }

    fn list_interval(&self) -> Duration {
        if self.told || self.phase == Phase::Active { LINES_TELL } else { LIST_TELLS }
    }

    pub(super) fn list_when_due(&mut self, now: Duration) {
        if self.asked.is_none() && self.lists() && now >= self.next_list {
            self.next_list = now + self.list_interval();
            self.ask(Question::List, "AT+CLCC", LIST_TIMEOUT);
        }
    }

    pub(super) fn listed(&mut self, calls: &[ListedCall], now: Duration) {
        let own = calls.iter().find(|call| match &call.number {
            Some(number) => self.number.is_written_as(number),
            None => true,
        });
        let state = own.map(|call| call.state);
        if std::mem::take(&mut self.list_is_stale) {
            return;
        }
        match (self.phase, state) {
            // It was asked before the hang-up.
            (Phase::Clearing { since, line: 0 }, _) => self.hang_up(since, 0),
            (Phase::Clearing { since, .. }, Some(_)) => self.not_cleared(since, now),
            (Phase::Clearing { .. }, None) => self.cleared(now),
            (Phase::Connecting | Phase::Active, Some(CallState::Ended)) => self.gone(None, now),
            (Phase::Connecting | Phase::Active, Some(state)) => {
                self.seen = true;
                self.missing_since = None;
                self.doubted = false;
                self.alerted |= state == CallState::Alerting;
                if self.phase == Phase::Connecting && state == CallState::Active {
                    self.answered(now);
                }
            }
            (Phase::Connecting | Phase::Active, None) => {
                let since = *self.missing_since.get_or_insert(now);
                let was_there = self.seen || now >= self.dialled + LISTED_WITHIN;
                if self.doubted || (was_there && now >= since + VANISHED_AFTER) {
                    self.gone(None, now);
                }
            }
            (Phase::Preparing { .. } | Phase::Asking | Phase::Dialling | Phase::Asked | Phase::Done, _) => {}
        }
    }

    /// Without a list an end is believed as it is told, and a hang-up as it is answered.
    pub(super) fn list_refused(&mut self, now: Duration) {
        self.list_is_stale = false;
        match self.phase {
            Phase::Clearing { since, line: 0 } => self.hang_up(since, 0),
            Phase::Clearing { .. } => self.cleared(now),
            Phase::Connecting | Phase::Active if self.doubted && self.list_refusals >= LIST_REFUSALS_MAX => {
                self.gone(None, now);
            }
            Phase::Connecting | Phase::Active if self.doubted => self.next_list = now,
            Phase::Preparing { .. }
            | Phase::Asking
            | Phase::Dialling
            | Phase::Connecting
            | Phase::Active
            | Phase::Asked
            | Phase::Done => {}
        }
    }
}
