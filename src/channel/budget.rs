//! How much a SIM may send: rolling windows of a minute, a day and a month. Pure.
//!
//! What a channel has in its hands counts until its outcome is known, and from then on for the length of the window. Its
//! bytes cannot have left later than that, so that no minute, day or month, wherever one begins to count, sees
//! more than the budget.
//!
//! The ledger mirrors the table `budget_use`, which decides when an attempt is claimed. It knows what is left and when
//! more will be, without asking the database.

mod spending;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use spending::{MoneyShare, Spend, SpendLimits, Spending};

use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest month: none sees more than the budget.
pub const MONTH: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// Of a budget of a day or a month, how many percent are used when an operator is told.
const ALARMS: [u32; 3] = [100, 80, 50];

/// So many percent less must be used before an operator is told again.
const ALARM_SLACK: u32 = 10;

/// Instants of several tasks may come out of order by less than this; a clock that shows more was set back.
pub const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// What may be sent in a window; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    pub per_month: Option<u32>,
}

impl Limits {
    /// The windows that have a limit.
    pub fn windows(&self) -> Vec<(Duration, u32)> {
        let minute = self.per_minute.map(|limit| (MINUTE, limit));
        let day = self.per_day.map(|limit| (DAY, limit));
        minute.into_iter().chain(day).chain(self.per_month.map(|limit| (MONTH, limit))).collect()
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Share>,
    /// What the route's money pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Share>,
    /// Sent in the last 24 hours, or in hand.
    pub used: u32,
}

/// What a route may send: parts of SMS, and calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub sms: Allowance,
    pub calls: Allowance,
    #[serde(default, skip_serializing_if = "Spend::is_unlimited")]
    pub spend: Spend,
}

impl Budget {
    /// Nothing used yet.
    pub fn new(sms: Limits, calls: Limits, spend: SpendLimits) -> Self {
        Self {
            sms: Ledger::new(sms).allowance(),
            calls: Ledger::new(calls).allowance(),
            spend: Spending::new(spend).spend(),
        }
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
        let limit = |share: Option<Share>| share.map(|share| share.limit);
        Limits { per_minute: limit(self.minute), per_day: limit(self.day), per_month: limit(self.month) }
    }

    fn shares(&self) -> impl Iterator<Item = Share> {
        self.minute.into_iter().chain(self.long())
    }

    /// What is left of a day and of a month, and of the money.
    pub fn long(&self) -> impl Iterator<Item = Share> {
        self.day.into_iter().chain(self.month).chain(self.paid)
    }

    /// As it is once so much more was taken.
    pub fn take(&mut self, amount: u32) {
        for share in [&mut self.minute, &mut self.day, &mut self.month, &mut self.paid].into_iter().flatten() {
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
        !self.has(amount) && self.long().all(|share| amount <= share.left)
    }

    /// Where it is too little: when more will be free, though perhaps not enough; `None` if an outcome must come first.
    pub fn frees(&self, amount: u32) -> Option<Timestamp> {
        let short = self.shares().filter(|share| amount > share.left);
        short.map(|share| share.frees).reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// The budget of the day or of the month is spent, and nothing of it is free again before `until`.
    pub fn is_spent_until(&self, until: Timestamp) -> bool {
        self.long().any(|share| share.left == 0 && share.frees.is_none_or(|frees| frees >= until))
    }
}

/// The uses of one route and kind.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    limits: Limits,
    in_hand: BTreeMap<AttemptId, u32>,
    minute: Window,
    day: Window,
    /// Empty where no month has a limit: it may be long.
    month: Window,
    /// Percent of the day's and of the month's budget of which an operator was told.
    told: [u32; 2],
}

/// So much of a budget is used that an operator is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// `messages` or `money`.
    pub of: &'static str,
    /// `day` or `month`.
    pub window: &'static str,
    pub percent: u32,
    pub left: String,
    pub limit: String,
}

/// Percent used, what is left, the limit.
type Told = (u32, String, String);

/// What an operator was not told yet of these windows.
fn alarms(told: &mut [u32; 2], of: &'static str, shares: [(&'static str, Option<Told>); 2]) -> Vec<Alarm> {
    let mut alarms = vec![];
    for (told, (window, share)) in told.iter_mut().zip(shares) {
        let Some((used, left, limit)) = share else { continue };
        let percent = alarm(used);
        if percent > *told {
            *told = percent;
            alarms.push(Alarm { of, window, percent, left, limit });
        } else if used + ALARM_SLACK < *told {
            *told = percent;
        }
    }
    alarms
}

/// The alarm of so many percent; 0: none.
pub fn alarm(percent_used: u32) -> u32 {
    ALARMS.into_iter().find(|percent| *percent <= percent_used).unwrap_or(0)
}

fn percent_used(limit: u64, left: u64) -> u32 {
    u32::try_from(u128::from(limit.saturating_sub(left)) * 100 / u128::from(limit.max(1))).unwrap_or(u32::MAX)
}

impl Share {
    pub fn percent_used(&self) -> u32 {
        percent_used(self.limit.into(), self.left.into())
    }
}

/// Uses in the order in which they leave the window, and their sum.
#[derive(Clone, Debug, Default)]
struct Window {
    uses: VecDeque<(Timestamp, u64)>,
    sum: u64,
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
        let month = self.limits.per_month.map(|_| &mut self.month);
        for window in [&mut self.minute, &mut self.day].into_iter().chain(month) {
            window.push(at, amount.into());
        }
    }

    /// Lets go of what has left the windows. Says whether the clock was set back: uses that lie ahead count as of now
    /// then, so that they leave the windows in time.
    pub fn bring_up_to(&mut self, now: Timestamp) -> bool {
        let back = [&mut self.minute, &mut self.day, &mut self.month].map(|window| window.set_back(now));
        self.minute.expire(now, MINUTE);
        self.day.expire(now, DAY);
        self.month.expire(now, MONTH);
        back.contains(&true)
    }

    /// What an operator was not told yet, once each: a rolling window that lingers at a mark is no news.
    pub fn alarms(&mut self) -> Vec<Alarm> {
        let allowance = self.allowance();
        let shares = [("day", allowance.day), ("month", allowance.month)].map(|(window, share)| {
            let told = |share: Share| (share.percent_used(), share.left.to_string(), share.limit.to_string());
            (window, share.map(told))
        });
        alarms(&mut self.told, "messages", shares)
    }

    pub fn allowance(&self) -> Allowance {
        let in_hand = self.in_hand.values().fold(0, |sum: u32, amount| sum.saturating_add(*amount));
        let share = |window: &Window, length: Duration, limit: u32| Share {
            limit,
            left: limit.saturating_sub(window.count().saturating_add(in_hand)),
            frees: window.frees(length),
        };
        Allowance {
            minute: self.limits.per_minute.map(|limit| share(&self.minute, MINUTE, limit)),
            day: self.limits.per_day.map(|limit| share(&self.day, DAY, limit)),
            month: self.limits.per_month.map(|limit| share(&self.month, MONTH, limit)),
            paid: None,
            used: self.day.count().saturating_add(in_hand),
        }
    }
}

impl Window {
    fn push(&mut self, at: Timestamp, amount: u64) {
        let last = self.uses.back().map_or(at, |(last, _)| *last);
        self.uses.push_back((at.max(last), amount));
        self.sum = self.sum.saturating_add(amount);
    }

    fn count(&self) -> u32 {
        u32::try_from(self.sum).unwrap_or(u32::MAX)
    }

    fn frees(&self, length: Duration) -> Option<Timestamp> {
        self.uses.front().map(|(at, _)| *at + length)
    }

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
