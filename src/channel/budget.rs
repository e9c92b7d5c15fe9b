//! How much a SIM may send: rolling windows of a minute and of a day. Pure.
//!
//! What a channel has in its hands counts until its outcome is known, and from then on for the length of the window. Its
//! bytes cannot have left later than that, so that no minute and no day, wherever one begins to count, sees more than
//! the budget.
//!
//! The ledger mirrors the table `budget_use`, which decides when an attempt is claimed. It knows what is left and when
//! more will be, without asking the database.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Instants of several tasks may come out of order by less than this; a clock that shows more was set back.
pub const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// What may be sent in a window; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
}

impl Limits {
    /// The windows that have a limit.
    pub fn windows(&self) -> Vec<(Duration, u32)> {
        let minute = self.per_minute.map(|limit| (MINUTE, limit));
        minute.into_iter().chain(self.per_day.map(|limit| (DAY, limit))).collect()
    }
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub limit: u32,
    pub left: u32,
    /// When some of it is free again; `None` while nothing is used but what a channel has in its hands.
    pub frees: Option<Timestamp>,
}

/// What a route may send of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// `None`: no limit.
    pub minute: Option<Share>,
    pub day: Option<Share>,
    /// Sent in the last 24 hours, or in hand.
    pub used: u32,
}

/// What a route may send: parts of SMS, and calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub sms: Allowance,
    pub calls: Allowance,
}

impl Budget {
    /// Nothing used yet.
    pub fn new(sms: Limits, calls: Limits) -> Self {
        Self { sms: Ledger::new(sms).allowance(), calls: Ledger::new(calls).allowance() }
    }

    pub fn of(&self, kind: EventKind) -> &Allowance {
        match kind {
            EventKind::Sms => &self.sms,
            EventKind::Tts => &self.calls,
        }
    }

    pub fn of_mut(&mut self, kind: EventKind) -> &mut Allowance {
        match kind {
            EventKind::Sms => &mut self.sms,
            EventKind::Tts => &mut self.calls,
        }
    }
}

impl Allowance {
    pub fn limits(&self) -> Limits {
        Limits { per_minute: self.minute.map(|share| share.limit), per_day: self.day.map(|share| share.limit) }
    }

    fn shares(&self) -> impl Iterator<Item = Share> {
        self.minute.into_iter().chain(self.day)
    }

    /// As it is once so much more was taken.
    pub fn take(&mut self, amount: u32) {
        for share in [&mut self.minute, &mut self.day].into_iter().flatten() {
            share.left = share.left.saturating_sub(amount);
        }
        self.used = self.used.saturating_add(amount);
    }

    /// Whether it is ever enough.
    pub fn can_hold(&self, amount: u32) -> bool {
        self.shares().all(|share| amount <= share.limit)
    }

    pub fn has(&self, amount: u32) -> bool {
        self.shares().all(|share| amount <= share.left)
    }

    /// Only the minute has too little left.
    pub fn lacks_minute_alone(&self, amount: u32) -> bool {
        !self.has(amount) && self.day.is_none_or(|day| amount <= day.left)
    }

    /// Where it is too little: when more will be free, though perhaps not enough; `None` if an outcome must come first.
    pub fn frees(&self, amount: u32) -> Option<Timestamp> {
        let short = self.shares().filter(|share| amount > share.left);
        short.map(|share| share.frees).reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// The day's budget is spent, and nothing of it is free again before `until`.
    pub fn is_spent_until(&self, until: Timestamp) -> bool {
        self.day.is_some_and(|day| day.left == 0 && day.frees.is_none_or(|frees| frees >= until))
    }
}

/// The uses of one route and kind.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    limits: Limits,
    in_hand: BTreeMap<AttemptId, u32>,
    minute: Window,
    day: Window,
}

/// Uses in the order in which they leave the window, and their sum.
#[derive(Clone, Debug, Default)]
struct Window {
    uses: VecDeque<(Timestamp, u32)>,
    sum: u32,
}

impl Ledger {
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// A channel takes an attempt.
    pub fn take(&mut self, attempt: AttemptId, amount: u32) {
        self.in_hand.insert(attempt, amount);
    }

    /// Nothing of an attempt was sent. Says whether the attempt was in hand.
    pub fn give_back(&mut self, attempt: AttemptId) -> bool {
        self.in_hand.remove(&attempt).is_some()
    }

    /// An attempt was sent, or may have been. Says whether it was in hand.
    pub fn count(&mut self, attempt: AttemptId, now: Timestamp) -> bool {
        let amount = self.in_hand.remove(&attempt);
        amount.into_iter().for_each(|amount| self.used(now, amount));
        amount.is_some()
    }

    /// Something was sent at this instant.
    pub fn used(&mut self, at: Timestamp, amount: u32) {
        for window in [&mut self.minute, &mut self.day] {
            let last = window.uses.back().map_or(at, |(last, _)| *last);
            window.uses.push_back((at.max(last), amount));
            window.sum = window.sum.saturating_add(amount);
        }
    }

    /// Lets go of what has left the windows. Says whether the clock was set back: uses that lie ahead count as of now
    /// then, so that they leave the windows in time.
    pub fn bring_up_to(&mut self, now: Timestamp) -> bool {
        let back = [&mut self.minute, &mut self.day].map(|window| window.set_back(now));
        self.minute.expire(now, MINUTE);
        self.day.expire(now, DAY);
        back.contains(&true)
    }

    pub fn allowance(&self) -> Allowance {
        let in_hand = self.in_hand.values().fold(0, |sum: u32, amount| sum.saturating_add(*amount));
        let share = |window: &Window, length: Duration, limit: u32| Share {
            limit,
            left: limit.saturating_sub(window.sum.saturating_add(in_hand)),
            frees: window.uses.front().map(|(at, _)| *at + length),
        };
        Allowance {
            minute: self.limits.per_minute.map(|limit| share(&self.minute, MINUTE, limit)),
            day: self.limits.per_day.map(|limit| share(&self.day, DAY, limit)),
            used: self.day.sum.saturating_add(in_hand),
        }
    }
}

impl Window {
    fn set_back(&mut self, now: Timestamp) -> bool {
        if self.uses.back().is_none_or(|(last, _)| *last <= now + CLOCK_SLACK) {
            return false;
        }
        for (at, _) in self.uses.iter_mut().rev().take_while(|(at, _)| *at > now) {
            *at = now;
        }
        true
    }

    fn expire(&mut self, now: Timestamp, length: Duration) {
        while let Some(&(at, amount)) = self.uses.front()
            && at + length <= now
        {
            self.uses.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
    }
}

#[cfg(test)]
mod tests;
