//! What is left to each modem, as the database tells it: beside a running daemon, and without changing anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Failure;
use super::open::{open_existing, store_failure};
use crate::app::uses_of;
use crate::channel::budget::{Allowance, Budget, DAY, Share};
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

/// What was sent in the last 24 hours, or is in hand.
///
/// # Errors
///
/// As [`budgets`].
pub fn uses(settings: &Settings, now: Timestamp) -> Result<Vec<Used>, Failure> {
    let path = &settings.storage.path;
    if !Store::exists(path) {
        return Ok(vec![]);
    }
    let uses = store::budget_uses(path, now - DAY).map_err(|error| store_failure(error, path))?;
    Ok(uses_of(uses))
}

/// One cell: what the budgets of the day have left.
pub fn cell(modem: &ModemSettings, budget: Option<&Budget>) -> String {
    let limited = sms_limits(modem).per_day.is_some() || call_limits(modem).per_day.is_some();
    match budget {
        _ if !limited => "no limit".to_owned(),
        Some(budget) => left(budget).join(", "),
        None => "unknown".to_owned(),
    }
}

fn left(budget: &Budget) -> Vec<String> {
    let told = |name: &str, allowance: &Allowance| {
        allowance.day.map(|Share { left, limit, .. }| format!("{left} of {limit} {name}"))
    };
    [told("SMS", &budget.sms), told("calls", &budget.calls)].into_iter().flatten().collect()
}

pub fn to_json(budget: &Budget) -> Value {
    let allowance = |allowance: &Allowance| {
        json!({
            "used_in_24_hours": allowance.used,
            "per_day": allowance.day.map(|share| share.limit),
            "left_of_day": allowance.day.map(|share| share.left),
            "per_minute": allowance.minute.map(|share| share.limit),
            "left_of_minute": allowance.minute.map(|share| share.left),
        })
    };
    json!({ "sms": allowance(&budget.sms), "calls": allowance(&budget.calls) })
}

/// What the doctor says of a modem that has a budget of the day: whether one is spent, and what is left.
pub fn diagnosis(modem: &ModemSettings, budget: &Budget) -> Option<(bool, String)> {
    let of_day = [("SMS", "sms_per_day", budget.sms.day), ("calls", "calls_per_day", budget.calls.day)];
    let spent = of_day
        .into_iter()
        .find_map(|(what, key, share)| share.filter(|share| share.left == 0).map(|share| (what, key, share)));
    let Some((what, key, share)) = spent else {
        let left = left(budget);
        return (!left.is_empty()).then(|| (false, format!("left of 24 hours: {}", left.join(", "))));
    };
    let again = share.frees.map(|at: Timestamp| format!(", the next may go at {} UTC", at.to_date_time()));
    let advice = format!("raise modems.{key} of {} if its SIM's terms allow it, or add a modem", modem.name);
    Some((true, format!("all {} {what} of 24 hours are spent{}; {advice}", share.limit, again.unwrap_or_default())))
}

/// Counts what was sent by hand as the daemon counts its own. Without a database nothing counts yet.
pub async fn count_by_hand(settings: &Settings, route: &RouteName, kind: EventKind, amount: u32) {
    if !Store::exists(&settings.storage.path) {
        return;
    }
    let (now, name) = (Clock::System.now(), route.as_str().to_owned());
    let counted = async {
        let store = open_existing(settings)?.store;
        let counted = store.write(move |tx| tx.add_budget_use(&name, kind, amount, now)).await;
        counted.map_err(|error| store_failure(error, &settings.storage.path))
    };
    if let Err(failure) = counted.await {
        eprintln!("simverify: not counted in the budget of {route}: {failure}");
    }
}
