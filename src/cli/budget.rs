//! What is left to each modem, as the database tells it: beside a running daemon, and without changing anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Failure;
use super::open::{open_existing, store_failure};
use crate::app::uses_of;
use crate::channel::budget::{self, Allowance, Budget, MONTH, MoneyShare, Share};
use crate::channel::{Board, Used};
use crate::clock::{Clock, Timestamp};
use crate::config::{ModemSettings, RouteName, Settings};
use crate::daemon::{call_limits, routes, sms_limits};
use crate::store::{self, Store};
use crate::verification::EventKind;

/// The budgets of the configured modems, by name.
///
/// # Errors
///
/// A database that cannot be read. That there is none yet is no error: nothing was sent then.
pub fn budgets(settings: &Settings) -> Result<BTreeMap<String, Budget>, Failure> {
    let now = Clock::System.now();
    let board = Board::new(routes(settings, now));
    board.load_budgets(&uses(settings, now)?);
    Ok(board.routes_at(now).into_iter().map(|route| (route.name, route.budget)).collect())
}

/// What was sent in the longest window, or is in hand.
///
/// # Errors
///
/// As [`budgets`].
pub fn uses(settings: &Settings, now: Timestamp) -> Result<Vec<Used>, Failure> {
    let path = &settings.storage.path;
    if !Store::exists(path) {
        return Ok(vec![]);
    }
    let uses = store::budget_uses(path, now - MONTH).map_err(|error| store_failure(error, path))?;
    Ok(uses_of(uses))
}

/// One cell: what the budgets of the day and of the month have left.
pub fn cell(modem: &ModemSettings, budget: Option<&Budget>) -> String {
    let limited = [sms_limits(modem), call_limits(modem)]
        .iter()
        .any(|limits| limits.per_day.is_some() || limits.per_month.is_some());
    let limited = limited || modem.spend_per_day.0 + modem.spend_per_month.0 > 0;
    match budget {
        _ if !limited => "no limit".to_owned(),
        Some(budget) => left(budget).join(", "),
        None => "unknown".to_owned(),
    }
}

fn left(budget: &Budget) -> Vec<String> {
    let told = |name: &str, share: Option<Share>| {
        share.map(|share| format!("{} of {} {name}{}", share.left, share.limit, alarm(share.percent_used())))
    };
    let Budget { sms, calls, spend } = budget;
    let money = [("a day", spend.day), ("a month", spend.month)].into_iter().filter_map(|(name, share)| {
        share.map(|share| format!("{} of {} {name}{}", share.left(), share.limit(), alarm(share.percent_used())))
    });
    let all = [("SMS", sms.day), ("SMS a month", sms.month), ("calls", calls.day), ("calls a month", calls.month)];
    all.into_iter().filter_map(|(name, share)| told(name, share)).chain(money).collect()
}

/// Of what an operator is told in the log.
pub fn alarm(percent_used: u32) -> String {
    if budget::alarm(percent_used) == 0 { String::new() } else { format!(" ({percent_used} % used)") }
}

fn alarm_percent(allowance: &Allowance) -> Option<u32> {
    let shares = allowance.day.into_iter().chain(allowance.month);
    shares.map(|share| budget::alarm(share.percent_used())).max().filter(|percent| *percent > 0)
}

pub fn to_json(budget: &Budget) -> Value {
    let allowance = |allowance: &Allowance| {
        json!({
            "used_in_24_hours": allowance.used,
            "per_day": allowance.day.map(|share| share.limit),
            "left_of_day": allowance.day.map(|share| share.left),
            "per_month": allowance.month.map(|share| share.limit),
            "left_of_month": allowance.month.map(|share| share.left),
            "alarm_percent": alarm_percent(allowance),
            "per_minute": allowance.minute.map(|share| share.limit),
            "left_of_minute": allowance.minute.map(|share| share.left),
        })
    };
    let mut told = json!({ "sms": allowance(&budget.sms), "calls": allowance(&budget.calls) });
    if !budget.spend.is_unlimited() {
        let share = |share: MoneyShare| {
            let (alarm, percent) = (budget::alarm(share.percent_used()), share.percent_used());
            json!({ "limit": share.limit().to_string(), "left": share.left().to_string(), "percent_used": percent,
                    "alarm_percent": (alarm > 0).then_some(alarm) })
        };
        told["spend"] = json!({ "day": budget.spend.day.map(share), "month": budget.spend.month.map(share) });
    }
    told
}

/// What the doctor says of a modem that has a budget of the day or of the month: whether one is spent, and what is left.
pub fn diagnosis(modem: &ModemSettings, budget: &Budget) -> Option<(bool, String)> {
    let Budget { sms, calls, spend } = budget;
    let all = [
        ("SMS of 24 hours", "sms_per_day", sms.day),
        ("calls of 24 hours", "calls_per_day", calls.day),
        ("SMS of 31 days", "sms_per_month", sms.month),
        ("calls of 31 days", "calls_per_month", calls.month),
    ];
    let spent = all
        .into_iter()
        .find_map(|(what, key, share)| share.filter(|share| share.left == 0).map(|share| (what, key, share)));
    let spent_money = [("24 hours", spend.day), ("31 days", spend.month)]
        .into_iter()
        .find_map(|(of, share)| share.filter(|share| share.left == 0).map(|share| (of, share)));
    if let (None, Some((of, share))) = (&spent, spent_money) {
        return Some((true, format!("all of {} of {of} is spent", share.limit())));
    }
    let Some((what, key, share)) = spent else {
        let left = left(budget);
        let of = if sms.month.or(calls.month).is_none() && spend.is_unlimited() { "left of 24 hours" } else { "left" };
        return (!left.is_empty()).then(|| (false, format!("{of}: {}", left.join(", "))));
    };
    let again = share.frees.map(|at: Timestamp| format!(", the next may go at {} UTC", at.to_date_time()));
    let advice = format!("raise modems.{key} of {} if its SIM's terms allow it, or add a modem", modem.name);
    Some((true, format!("all {} {what} are spent{}; {advice}", share.limit, again.unwrap_or_default())))
}

/// Counts what was sent by hand as the daemon counts its own. Without a database nothing counts yet.
pub async fn count_by_hand(settings: &Settings, route: &RouteName, kind: EventKind, amount: u32) {
    if !Store::exists(&settings.storage.path) {
        return;
    }
    let (now, name) = (Clock::System.now(), route.as_str().to_owned());
    let counted = async {
        let store = open_existing(settings)?.store;
        let board = Board::new(routes(settings, now));
        let cost = board.price(&name, kind, amount).units().unsigned_abs();
        let counted = store.write(move |tx| tx.add_budget_use(&name, kind, (amount, cost), now)).await;
        counted.map_err(|error| store_failure(error, &settings.storage.path))
    };
    if let Err(failure) = counted.await {
        eprintln!("simverify: not counted in the budget of {route}: {failure}");
    }
}
