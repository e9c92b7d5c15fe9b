//! What accounts used and routes did lately, for the operator's eyes.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::verification::AccountId;

/// Attempts that a look at routes reads at most, the latest first: there is no index on their time.
const ATTEMPTS_MAX: i64 = 100_000;

/// What an account asked for in two spans of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountUse {
    pub account: AccountId,
    pub recent: Used,
    pub all: Used,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub started: u64,
    pub verified: u64,
    /// What was given back does not count.
    pub credits: i64,
}

/// What became of the attempts of one route, of one state and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteResult {
    pub route: String,
    pub state: String,
    pub reason: Option<String>,
    pub count: u64,
    pub delivered: u64,
    pub undelivered: u64,
    /// In units of 10⁻⁸ of the currency.
    pub cost: i64,
    /// The sum of the times from their first byte to their outcome.
    pub took_ms: i64,
}

impl Tx<'_> {
    /// What every account has asked for since `since`, and of it since `recent`. Accounts that asked for nothing are left
    /// out.
    pub fn account_uses(&self, since: Timestamp, recent: Timestamp) -> Result<Vec<AccountUse>, StoreError> {
        // What ended before has begun before; both halves have an index.
        let mut statement = self.0.prepare_cached(
            "select account_id,
                 count(*), sum(state = 'success'), sum(iif(refunded, 0, credits)),
                 sum(created_at > ?2), sum(created_at > ?2 and state = 'success'),
                 sum(iif(created_at > ?2 and not refunded, credits, 0))
             from (select account_id, state, refunded, credits, created_at from verification where finalized_at > ?1
                   union all
                   select account_id, state, refunded, credits, created_at from verification where finalized_at is null)
             where created_at > ?1 group by account_id",
        )?;
        let rows = statement.query_map([since.as_millis(), recent.as_millis()], |row| {
            Ok(AccountUse {
                account: AccountId::new(row.get(0)?),
                all: Used { started: row.get(1)?, verified: row.get(2)?, credits: row.get(3)? },
                recent: Used { started: row.get(4)?, verified: row.get(5)?, credits: row.get(6)? },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many verifications of an account are in progress.
    pub fn in_progress_of(&self, account: AccountId) -> Result<u64, StoreError> {
        let sql = "select count(*) from verification where account_id = ?1 and finalized_at is null";
        Ok(self.0.prepare_cached(sql)?.query_row([account.get()], |row| row.get(0))?)
    }

    /// How the attempts that ended after `since` did, by route, state and reason; the most frequent first.
    pub fn route_results(&self, since: Timestamp) -> Result<Vec<RouteResult>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select route, state, reason, count(*), coalesce(sum(report = 'delivered'), 0),
                 coalesce(sum(report = 'undelivered'), 0), sum(cost), sum(coalesce(finished_at - begun_at, 0))
             from attempt
             where attempt_id > (select coalesce(max(attempt_id), 0) - ?2 from attempt)
               and route is not null and finished_at > ?1
             group by route, state, reason order by count(*) desc, state, reason",
        )?;
        let rows = statement.query_map(params![since.as_millis(), ATTEMPTS_MAX], |row| {
            Ok(RouteResult {
                route: row.get(0)?,
                state: row.get(1)?,
                reason: row.get(2)?,
                count: row.get(3)?,
                delivered: row.get(4)?,
                undelivered: row.get(5)?,
                cost: row.get(6)?,
                took_ms: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Octets of the database, and of them those that hold nothing.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        let sql = "select page_count * page_size, freelist_count * page_size
                   from pragma_page_count, pragma_page_size, pragma_freelist_count";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}
