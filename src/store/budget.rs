//! What every route has sent: the table that decides whether it may send more.
//!
//! A share is taken in the transaction that claims the attempt. It stands while a channel has the attempt in its hands,
//! goes if nothing was sent, and counts from the instant of the outcome on if something was, or may have been.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Row, params};

use super::{StoreError, Tx, connection, migration};
use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind};

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 1024;

/// A row of `budget_use`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    pub route: String,
    pub kind: EventKind,
    pub amount: u32,
    /// In units of 10⁻⁸ of the currency.
    pub cost: u64,
    /// The attempt, while a channel has it in its hands.
    pub attempt: Option<AttemptId>,
    pub used: Option<Timestamp>,
}

/// What a claim takes of a route.
#[derive(Clone, Debug)]
pub struct NewBudgetUse {
    pub route: String,
    pub kind: EventKind,
    pub amount: u32,
    /// In units of 10⁻⁸ of the currency.
    pub cost: u64,
    pub attempt: AttemptId,
}

impl Tx<'_> {
    /// Whether each rolling window, of a length and a limit, has room for the share.
    pub fn has_budget(
        &self,
        new: &NewBudgetUse,
        windows: &[(Duration, u32)],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut sum = self.0.prepare_cached(
            "select (select coalesce(sum(amount), 0) from budget_use where route = ?1 and kind = ?2 and used_at is null)
                  + (select coalesce(sum(amount), 0) from budget_use where route = ?1 and kind = ?2 and used_at > ?3)",
        )?;
        for (length, limit) in windows {
            let begin = (now - *length).as_millis();
            let used: i64 = sum.query_row(params![new.route, new.kind.as_str(), begin], |row| row.get(0))?;
            if used.saturating_add(i64::from(new.amount)) > i64::from(*limit) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether each rolling window, of a length and a sum, pays for the share, whatever its kind.
    pub fn has_money(
        &self,
        new: &NewBudgetUse,
        windows: &[(Duration, u64)],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut sum = self.0.prepare_cached(
            "select (select coalesce(sum(cost), 0) from budget_use where route = ?1 and used_at is null)
                  + (select coalesce(sum(cost), 0) from budget_use where route = ?1 and used_at > ?2)",
        )?;
        for (length, limit) in windows {
            let spent: i64 = sum.query_row(params![new.route, (now - *length).as_millis()], |row| row.get(0))?;
            if new.cost > 0 && u64::try_from(spent).unwrap_or(0).saturating_add(new.cost) > *limit {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the share of an attempt; whether there is room for it was asked in the same transaction.
    pub fn take_budget(&self, new: &NewBudgetUse, now: Timestamp) -> Result<(), StoreError> {
        // Row numbers of attempts that were deleted come again; what such a one sent stays counted.
        self.count_budget(new.attempt, now)?;
        let sql = "insert into budget_use (route, kind, amount, attempt_id, cost) values (?1, ?2, ?3, ?4, ?5)";
        let share = params![new.route, new.kind.as_str(), new.amount, new.attempt.get(), signed(new.cost)];
        self.0.prepare_cached(sql)?.execute(share)?;
        Ok(())
    }

    /// The attempt was sent, or may have been.
    pub fn count_budget(&self, attempt: AttemptId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update budget_use set attempt_id = null, used_at = ?2 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![attempt.get(), now.as_millis()])?;
        Ok(())
    }

    /// Nothing of the attempt was sent.
    pub fn give_back_budget(&self, attempt: AttemptId) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from budget_use where attempt_id = ?1")?.execute([attempt.get()])?;
        Ok(())
    }

    /// Counts what was sent without the outbox.
    pub fn add_budget_use(
        &self,
        route: &str,
        kind: EventKind,
        (amount, cost): (u32, u64),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "insert into budget_use (route, kind, amount, used_at, cost) values (?1, ?2, ?3, ?4, ?5)";
        let row = params![route, kind.as_str(), amount, now.as_millis(), signed(cost)];
        self.0.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// What is in hand and what was used after `since`, in the order of time.
    pub fn budget_uses(&self, since: Timestamp) -> Result<Vec<BudgetUse>, StoreError> {
        // A database of an older version gets the column at the next start.
        let sql = "select 1 from pragma_table_info('budget_use') where name = 'cost'";
        let cost = if self.0.prepare_cached(sql)?.exists([])? { "cost" } else { "0" };
        let mut statement = self.0.prepare_cached(&format!(
            "select route, kind, amount, attempt_id, used_at, {cost} from budget_use
             where used_at is null or used_at > ?1 order by used_at, budget_use_id",
        ))?;
        let rows = statement.query_map([since.as_millis()], read_use)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// After the clock was set back: uses that lie ahead count as of now, so that they leave the windows in time.
    pub fn set_back_budget(&self, now: Timestamp) -> Result<(), StoreError> {
        self.0.prepare_cached("update budget_use set used_at = ?1 where used_at > ?1")?.execute([now.as_millis()])?;
        Ok(())
    }

    /// After a stop or a crash, once the attempts are in order: no channel has anything in its hands. Shares of attempts
    /// that were not sent go; the others count.
    pub fn recover_budget(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut unsent = self.0.prepare_cached(
            "delete from budget_use where attempt_id in (select attempt_id from attempt
                 where state in ('due', 'claimed', 'temporary', 'other_route', 'final', 'unroutable', 'withdrawn'))",
        )?;
        unsent.execute([])?;
        let sql = "update budget_use set attempt_id = null, used_at = ?1 where attempt_id is not null";
        self.0.prepare_cached(sql)?.execute([now.as_millis()])?;
        self.set_back_budget(now)
    }

    /// Deletes some uses that no window holds any more; says how many.
    pub fn purge_budget(&self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "delete from budget_use where budget_use_id in
                       (select budget_use_id from budget_use where used_at <= ?1 limit ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?)
    }
}

/// What every route used after `since`, for a look from outside a running daemon. Neither needs the key file nor changes
/// anything.
///
/// # Errors
///
/// As [`super::inspect`].
pub fn budget_uses(path: &Path, since: Timestamp) -> Result<Vec<BudgetUse>, StoreError> {
    let connection = connection::open_reader(path)?;
    migration::check_origin(&connection)?;
    // A database of an older version gets the table at the next start.
    let sql = "select count(*) from sqlite_schema where name = 'budget_use'";
    let known: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if known { Tx::on(&connection).budget_uses(since) } else { Ok(vec![]) }
}

fn signed(cost: u64) -> i64 {
    i64::try_from(cost).unwrap_or(i64::MAX)
}

fn read_use(row: &Row) -> rusqlite::Result<BudgetUse> {
    let kind: String = row.get(1)?;
    Ok(BudgetUse {
        route: row.get(0)?,
        kind: if kind == "tts" { EventKind::Tts } else { EventKind::Sms },
        amount: row.get(2)?,
        cost: row.get::<_, i64>(5)?.unsigned_abs(),
        attempt: row.get::<_, Option<i64>>(3)?.map(AttemptId::new),
        used: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
    })
}
