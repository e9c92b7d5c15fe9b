//! What is left of a route's budgets, as an operator reads it.

use super::short;
use crate::channel::budget::{Allowance, Budget, MoneyShare, Share};
use crate::clock::Timestamp;

/// What is left of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLeft {
    /// `SMS`, `Calls` or `Money`.
    pub of: &'static str,
    pub window: &'static str,
    pub left: String,
    pub limit: String,
    pub percent_used: u32,
    /// When some of what is spent is free again; only once all is.
    pub frees: Option<Timestamp>,
}

impl BudgetLeft {
    /// `currency` is that of money.
    pub fn text(&self, currency: &str) -> String {
        let currency = if self.of == "Money" { format!(" {currency}") } else { String::new() };
        format!("{} of {}{currency} left", self.left, self.limit)
    }
}

/// All that have a limit.
pub fn budgets_left(budget: &Budget) -> Vec<BudgetLeft> {
    let messages = |of, window, share: Option<Share>| {
        let Share { left, limit, frees, .. } = share?;
        told(of, window, [left.to_string(), limit.to_string()], share?.percent_used(), frees)
    };
    let money = |window, share: Option<MoneyShare>| {
        let share = share?;
        told("Money", window, [short(share.left()), short(share.limit())], share.percent_used(), share.frees)
    };
    let of_kind = |of, allowance: &Allowance| {
        let Allowance { minute, day, month, .. } = *allowance;
        [messages(of, "a minute", minute), messages(of, "24 hours", day), messages(of, "31 days", month)]
    };
    let Budget { sms, calls, spend } = budget;
    let spend = [money("24 hours", spend.day), money("31 days", spend.month)];
    of_kind("SMS", sms).into_iter().chain(of_kind("Calls", calls)).chain(spend).flatten().collect()
}

fn told(
    of: &'static str,
    window: &'static str,
    [left, limit]: [String; 2],
    percent_used: u32,
    frees: Option<Timestamp>,
) -> Option<BudgetLeft> {
    Some(BudgetLeft { of, window, left, limit, percent_used, frees: frees.filter(|_| percent_used >= 100) })
}
