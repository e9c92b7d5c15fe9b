//! The outbox: attempts and their states.

use std::path::Path;

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx, connection, migration};
use crate::clock::Timestamp;
use crate::verification::{AccountId, AttemptId, AttemptState, Reference, VerificationId};

/// A row of `attempt`, as far as operations need it.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    pub id: AttemptId,
    pub verification: VerificationId,
    /// Its number within the verification.
    pub number: u32,
    pub event: usize,
    pub state: String,
    pub due: Timestamp,
    pub claimed: Option<Timestamp>,
    /// When its outcome came.
    pub finished: Option<Timestamp>,
    pub route: Option<String>,
    pub reason: Option<String>,
    /// What it asks of a route.
    pub lane: String,
    /// 10^-8 of the currency, of what was sent or may have been.
    pub cost: i64,
}

/// What is known of an attempt beside its outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptReport {
    /// `None`: there is no report.
    pub delivered: Option<bool>,
    /// Its provider told a name for it, so that it has it.
    pub named: bool,
}

/// What the dispatcher looks through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAttempt {
    pub id: AttemptId,
    pub due: Timestamp,
    // What its text is made of, but for the PIN.
    pub account: AccountId,
    pub brand: String,
    pub amount_cents: Option<u64>,
    pub language: String,
    /// Octets of the sealed PIN, if there is one.
    pub pin_sealed: Option<usize>,
    pub code_length: u8,
    /// When its PIN is dead, if it was handed over before.
    pub pin_end: Option<Timestamp>,
}

const COLUMNS: &str = "attempt_id, verification_id, attempt_no, event_index, state, due_at, route, reason, lane, cost, \
                       claimed_at, finished_at";

impl Tx<'_> {
    pub fn insert_attempt(
        &self,
        verification: VerificationId,
        number: u32,
        event: usize,
        due: Timestamp,
        lane: &str,
    ) -> Result<AttemptId, StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into attempt (verification_id, attempt_no, event_index, state, due_at, lane)
             values (?1, ?2, ?3, 'due', ?4, ?5)",
        )?;
        statement.execute(params![verification.get(), number, event, due.as_millis(), lane])?;
        Ok(AttemptId::new(self.0.last_insert_rowid()))
    }

    pub fn attempt(&self, id: AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        let sql = format!("select {COLUMNS} from attempt where attempt_id = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([id.get()], read_attempt).optional()?)
    }

    pub fn attempts_of(&self, verification: VerificationId) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = format!("select {COLUMNS} from attempt where verification_id = ?1 order by attempt_no");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([verification.get()], read_attempt)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The lanes in which an attempt is due. As many as there are countries of numbers and routes that refused: each
    /// costs one search of the index, however long it is.
    pub fn due_lanes(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select lane, due_at from attempt where state = 'due' and lane > ?1 order by lane, due_at limit 1",
        )?;
        let mut lanes = vec![];
        let mut last = String::new();
        loop {
            let next = statement.query_row([&last], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
            let Some((lane, due)) = next.optional()? else { return Ok(lanes) };
            if due <= now.as_millis() {
                lanes.push(lane.clone());
            }
            last = lane;
        }
    }

    /// The attempts of a lane that are due, in the order of their due time, from the one behind `last` on.
    pub fn due_attempts(
        &self,
        lane: &str,
        now: Timestamp,
        last: Option<(Timestamp, AttemptId)>,
        limit: u32,
    ) -> Result<Vec<DueAttempt>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select attempt_id, due_at, account_id, brand, amount_cents, language, length(pin_sealed), code_length,
                 pin_started_at + pin_life_ms
             from attempt join verification using (verification_id)
             where attempt.state = 'due' and lane = ?1 and due_at <= ?2 and (due_at, attempt_id) > (?3, ?4)
             order by due_at, attempt_id limit ?5",
        )?;
        let (last_due, last_id) = last.map_or((i64::MIN, 0), |(due, id)| (due.as_millis(), id.get()));
        let rows = statement.query_map(params![lane, now.as_millis(), last_due, last_id, limit], |row| {
            Ok(DueAttempt {
                id: AttemptId::new(row.get(0)?),
                due: Timestamp::from_millis(row.get(1)?),
                account: AccountId::new(row.get(2)?),
                brand: row.get(3)?,
                amount_cents: row.get(4)?,
                language: row.get(5)?,
                pin_sealed: row.get(6)?,
                code_length: row.get(7)?,
                pin_end: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the first attempt after `now` is due.
    pub fn earliest_due_after(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "select min(due_at) from attempt where state = 'due' and due_at > ?1";
        let at: Option<i64> = self.0.prepare_cached(sql)?.query_row([now.as_millis()], |row| row.get(0))?;
        Ok(at.map(Timestamp::from_millis))
    }

    /// How many attempts are due in each lane. Reads the index alone.
    pub fn due_by_lane(&self, now: Timestamp) -> Result<Vec<(String, u32)>, StoreError> {
        let sql = "select lane, count(*) from attempt where state = 'due' and due_at <= ?1 group by lane";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([now.as_millis()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn claim_attempt(
        &self,
        id: AttemptId,
        route: &str,
        reference: Option<Reference>,
        cost: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'claimed', route = ?2, claimed_at = ?3, reference = ?4, cost = ?5
                   where attempt_id = ?1";
        let reference = reference.as_ref().map(Reference::as_bytes);
        self.0.prepare_cached(sql)?.execute(params![id.get(), route, now.as_millis(), reference, cost])?;
        Ok(())
    }

    /// Keeps a provider's own name for an attempt.
    pub fn name_attempt(&self, id: AttemptId, message_id: &str) -> Result<(), StoreError> {
        let sql = "update attempt set message_id = ?2 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), message_id])?;
        Ok(())
    }

    /// Keeps the name that a callback tells, unless the provider's reply told one.
    pub fn name_attempt_once(&self, id: AttemptId, message_id: &str) -> Result<(), StoreError> {
        let sql = "update attempt set message_id = ?2 where attempt_id = ?1 and message_id is null";
        self.0.prepare_cached(sql)?.execute(params![id.get(), message_id])?;
        Ok(())
    }

    /// The attempt that a provider knows by our reference, if it was begun since `since`.
    pub fn attempt_by_reference(
        &self,
        route: &str,
        reference: Reference,
        since: Timestamp,
    ) -> Result<Option<AttemptRow>, StoreError> {
        let sql = format!("select {COLUMNS} from attempt where reference = ?1 and route = ?2 and begun_at >= ?3");
        let parameters = params![reference.as_bytes(), route, since.as_millis()];
        Ok(self.0.prepare_cached(&sql)?.query_row(parameters, read_attempt).optional()?)
    }

    /// The attempt to which a provider gave a name, the latest if it gave the name twice.
    pub fn attempt_by_message_id(
        &self,
        route: &str,
        message_id: &str,
        since: Timestamp,
    ) -> Result<Option<AttemptRow>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from attempt where route = ?1 and message_id = ?2 and begun_at >= ?3
             order by attempt_id desc limit 1"
        );
        let parameters = params![route, message_id, since.as_millis()];
        Ok(self.0.prepare_cached(&sql)?.query_row(parameters, read_attempt).optional()?)
    }

    /// What was reported of an attempt, and whether its provider told a name for it.
    pub fn attempt_report(&self, id: AttemptId) -> Result<AttemptReport, StoreError> {
        let sql = "select report, message_id is not null from attempt where attempt_id = ?1";
        let read = |row: &Row| {
            let report: Option<String> = row.get(0)?;
            Ok(AttemptReport { delivered: report.map(|report| report == "delivered"), named: row.get(1)? })
        };
        Ok(self.0.prepare_cached(sql)?.query_row([id.get()], read).optional()?.unwrap_or_default())
    }

    /// A call that was taken was not answered after all.
    pub fn set_attempt_unanswered(&self, id: AttemptId, reason: &str) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'unanswered', reason = ?2
                   where attempt_id = ?1 and state in ('sent', 'uncertain')";
        self.0.prepare_cached(sql)?.execute(params![id.get(), reason])?;
        Ok(())
    }

    pub fn begin_attempt(&self, id: AttemptId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'sending', begun_at = ?2 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), now.as_millis()])?;
        Ok(())
    }

    pub fn finish_attempt(
        &self,
        id: AttemptId,
        state: AttemptState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // What was not sent costs nothing.
        let sql = "update attempt set state = ?2, reason = ?3, finished_at = ?4,
                       cost = case when ?2 in ('sent', 'unanswered', 'uncertain') then cost else 0 end
                   where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), state.as_str(), reason, now.as_millis()])?;
        Ok(())
    }

    /// What was sent, or may have been, for a verification: in 10^-8 of the currency.
    pub fn cost_of(&self, verification: VerificationId) -> Result<i64, StoreError> {
        let sql = "select coalesce(sum(cost), 0) from attempt
                   where verification_id = ?1 and state in ('sent', 'unanswered', 'uncertain')";
        Ok(self.0.prepare_cached(sql)?.query_row([verification.get()], |row| row.get(0))?)
    }

    pub fn requeue_attempt(&self, verification: VerificationId, number: u32, due: Timestamp) -> Result<(), StoreError> {
        let sql =
            "update attempt set state = 'due', due_at = ?3, route = null, claimed_at = null, begun_at = null, cost = 0
                   where verification_id = ?1 and attempt_no = ?2";
        self.0.prepare_cached(sql)?.execute(params![verification.get(), number, due.as_millis()])?;
        Ok(())
    }

    /// Takes an attempt back unless its bytes may be leaving or have left.
    pub fn withdraw_attempt(
        &self,
        verification: VerificationId,
        number: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'withdrawn', finished_at = ?3
                   where verification_id = ?1 and attempt_no = ?2 and state in ('due', 'claimed')";
        self.0.prepare_cached(sql)?.execute(params![verification.get(), number, now.as_millis()])?;
        Ok(())
    }

    /// Takes back every attempt of a verification that nobody sends any more.
    pub fn withdraw_attempts(&self, verification: VerificationId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'withdrawn', finished_at = ?2
                   where verification_id = ?1 and state in ('due', 'claimed', 'sending')";
        self.0.prepare_cached(sql)?.execute(params![verification.get(), now.as_millis()])?;
        Ok(())
    }

    pub fn set_attempt_report(&self, id: AttemptId, delivered: bool, now: Timestamp) -> Result<(), StoreError> {
        let report = if delivered { "delivered" } else { "undelivered" };
        let sql = "update attempt set report = ?2, reported_at = ?3 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), report, now.as_millis()])?;
        Ok(())
    }

    /// Attempts that a process that is gone had in its hands.
    pub fn attempts_in_state(&self, state: AttemptState) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = format!("select {COLUMNS} from attempt where state = ?1 order by attempt_id");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([state.as_str()], read_attempt)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// How many attempts are due in each lane, for a look from outside a running daemon, which changes nothing.
///
/// # Errors
///
/// As [`super::inspect`].
pub fn due_by_lane(path: &Path, now: Timestamp) -> Result<Vec<(String, u32)>, StoreError> {
    let connection = connection::open_reader(path)?;
    migration::check_origin(&connection)?;
    // A database of an older version gets lanes at the next start.
    let sql = "select count(*) from pragma_table_info('attempt') where name = 'lane'";
    let known: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if known { Tx::on(&connection).due_by_lane(now) } else { Ok(vec![]) }
}

fn read_attempt(row: &Row) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        id: AttemptId::new(row.get(0)?),
        verification: VerificationId::new(row.get(1)?),
        number: row.get(2)?,
        event: row.get(3)?,
        state: row.get(4)?,
        due: Timestamp::from_millis(row.get(5)?),
        route: row.get(6)?,
        reason: row.get(7)?,
        lane: row.get(8)?,
        cost: row.get(9)?,
        claimed: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_millis),
        finished: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_millis),
    })
}
