//! What a route may spend, on SMS and calls together: rolling windows of a day and of a month. Pure.
//!
//! Routing counts in messages. So what is left of the money is told it as what is left of them, for each kind by its
//! price.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Alarm, DAY, MONTH, Share, Window, percent_used};
use crate::clock::Timestamp;
use crate::verification::{AttemptId, Money};

/// What may be spent in a window, in units of the currency's 10⁻⁸; `None`: any sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendLimits {
    pub per_day: Option<u64>,
    pub per_month: Option<u64>,
}

impl SpendLimits {
    /// The windows that have a limit.
    pub fn windows(&self) -> Vec<(Duration, u64)> {
        let day = self.per_day.map(|limit| (DAY, limit));
        day.into_iter().chain(self.per_month.map(|limit| (MONTH, limit))).collect()
    }
}

/// What is left of one limit, in the same units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyShare {
    pub limit: u64,
    pub left: u64,
    pub frees: Option<Timestamp>,
}

impl MoneyShare {
    pub fn percent_used(&self) -> u32 {
        percent_used(self.limit, self.left)
    }

    pub fn limit(&self) -> Money {
        money(self.limit)
    }

    pub fn left(&self) -> Money {
        money(self.left)
    }

    /// The same in messages of a price; `None`: they cost nothing.
    fn in_messages(self, price: Money) -> Option<Share> {
        let price = u64::try_from(price.units()).ok().filter(|price| *price > 0)?;
        let count = |money: u64| u32::try_from(money / price).unwrap_or(u32::MAX);
        Some(Share { limit: count(self.limit), left: count(self.left), frees: self.frees })
    }
}

fn money(units: u64) -> Money {
    Money::from_units(i64::try_from(units).unwrap_or(i64::MAX))
}

/// What a route may spend; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<MoneyShare>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<MoneyShare>,
}

impl Spend {
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    pub fn limits(&self) -> SpendLimits {
        let limit = |share: Option<MoneyShare>| share.map(|share| share.limit);
        SpendLimits { per_day: limit(self.day), per_month: limit(self.month) }
    }

    /// Of the two, the one of which fewer messages of a price are left.
    pub fn in_messages(&self, price: Money) -> Option<Share> {
        let shares = self.day.into_iter().chain(self.month).filter_map(|share| share.in_messages(price));
        shares.reduce(|one, other| Share {
            limit: one.limit.min(other.limit),
            left: one.left.min(other.left),
            // The later one: both must have room.
            frees: if one.left == other.left { one.frees.max(other.frees) } else { narrower(one, other).frees },
        })
    }
}

fn narrower(one: Share, other: Share) -> Share {
    if one.left <= other.left { one } else { other }
}

/// What one route spent.
#[derive(Clone, Debug, Default)]
pub struct Spending {
    limits: SpendLimits,
    in_hand: BTreeMap<AttemptId, u64>,
    day: Window,
    month: Window,
    told: [u32; 2],
}

impl Spending {
    pub fn new(limits: SpendLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    fn counts(&self) -> bool {
        self.limits != SpendLimits::default()
    }

    pub fn take(&mut self, attempt: AttemptId, cost: u64) {
        if self.counts() && cost > 0 {
            self.in_hand.insert(attempt, cost);
        }
    }

    pub fn give_back(&mut self, attempt: AttemptId) -> bool {
        self.in_hand.remove(&attempt).is_some()
    }

    pub fn count(&mut self, attempt: AttemptId, now: Timestamp) -> bool {
        let cost = self.in_hand.remove(&attempt);
        cost.into_iter().for_each(|cost| self.used(now, cost));
        cost.is_some()
    }

    pub fn used(&mut self, at: Timestamp, cost: u64) {
        if self.counts() && cost > 0 {
            self.day.push(at, cost);
            self.month.push(at, cost);
        }
    }

    pub fn bring_up_to(&mut self, now: Timestamp) -> bool {
        let back = [&mut self.day, &mut self.month].map(|window| window.set_back(now));
        self.day.expire(now, DAY);
        self.month.expire(now, MONTH);
        back.contains(&true)
    }

    pub fn spend(&self) -> Spend {
        let in_hand = self.in_hand.values().fold(0, |sum: u64, cost| sum.saturating_add(*cost));
        let share = |window: &Window, length: Duration, limit: u64| MoneyShare {
            limit,
            left: limit.saturating_sub(window.sum.saturating_add(in_hand)),
            frees: window.frees(length),
        };
        Spend {
            day: self.limits.per_day.map(|limit| share(&self.day, DAY, limit)),
            month: self.limits.per_month.map(|limit| share(&self.month, MONTH, limit)),
        }
    }

    /// As [`super::Ledger::alarms`].
    pub fn alarms(&mut self) -> Vec<Alarm> {
        let spend = self.spend();
        let shares = [("day", spend.day), ("month", spend.month)];
        let shares = shares.map(|(window, share)| {
            let told = |share: MoneyShare| (share.percent_used(), share.left().to_string(), share.limit().to_string());
            (window, share.map(told))
        });
        super::alarms(&mut self.told, "money", shares)
    }
}
