//! The outbox: attempts and their states.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind, VerificationId};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    Due,
    Claimed,
    Sending,
    Sent,
    Unanswered,
    Uncertain,
    Temporary,
    OtherRoute,
    Final,
    Unroutable,
    Withdrawn,
}

impl AttemptState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unanswered => "unanswered",
            Self::Uncertain => "uncertain",
            Self::Temporary => "temporary",
            Self::OtherRoute => "other_route",
            Self::Final => "final",
            Self::Unroutable => "unroutable",
            Self::Withdrawn => "withdrawn",
        }
    }
}

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
    pub route: Option<String>,
    pub reason: Option<String>,
}

/// What the dispatcher looks through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAttempt {
    pub id: AttemptId,
    pub verification: VerificationId,
    pub number: u32,
    pub event: usize,
    pub kind: EventKind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub due: Timestamp,
}

/// A place in the order of due attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueCursor {
    pub due: Timestamp,
    pub id: AttemptId,
}

const COLUMNS: &str = "attempt_id, verification_id, attempt_no, event_index, state, due_at, route, reason";

impl Tx<'_> {
    pub fn insert_attempt(
        &self,
        verification: VerificationId,
        number: u32,
        event: usize,
        due: Timestamp,
    ) -> Result<AttemptId, StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into attempt (verification_id, attempt_no, event_index, state, due_at)
             values (?1, ?2, ?3, 'due', ?4)",
        )?;
        statement.execute(params![verification.get(), number, event, due.as_millis()])?;
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

    /// Due attempts in the order of their due time, from behind `after`.
    pub fn due_attempts(
        &self,
        now: Timestamp,
        after: Option<DueCursor>,
        limit: u32,
    ) -> Result<Vec<DueAttempt>, StoreError> {
        let after = after.unwrap_or(DueCursor { due: Timestamp::from_millis(i64::MIN), id: AttemptId::new(0) });
        let mut statement = self.0.prepare_cached(
            "select attempt_id, verification_id, attempt.attempt_no, attempt.event_index, kind, country, due_at
             from attempt join event using (verification_id, event_index) join verification using (verification_id)
             where attempt.state = 'due' and due_at <= ?1 and (due_at, attempt_id) > (?2, ?3)
             order by due_at, attempt_id limit ?4",
        )?;
        let bounds = params![now.as_millis(), after.due.as_millis(), after.id.get(), limit];
        let rows = statement.query_map(bounds, |row| {
            let kind: String = row.get(4)?;
            Ok(DueAttempt {
                id: AttemptId::new(row.get(0)?),
                verification: VerificationId::new(row.get(1)?),
                number: row.get(2)?,
                event: row.get(3)?,
                kind: if kind == "tts" { EventKind::Tts } else { EventKind::Sms },
                country: row.get(5)?,
                due: Timestamp::from_millis(row.get(6)?),
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

    /// Attempts due, or in a channel's hands.
    pub fn queue_length(&self, now: Timestamp) -> Result<u32, StoreError> {
        let sql = "select count(*) from attempt
                   where (state = 'due' and due_at <= ?1) or state in ('claimed', 'sending')";
        Ok(self.0.prepare_cached(sql)?.query_row([now.as_millis()], |row| row.get(0))?)
    }

    pub fn claim_attempt(&self, id: AttemptId, route: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'claimed', route = ?2, claimed_at = ?3 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), route, now.as_millis()])?;
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
        let sql = "update attempt set state = ?2, reason = ?3, finished_at = ?4 where attempt_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), state.as_str(), reason, now.as_millis()])?;
        Ok(())
    }

    pub fn requeue_attempt(&self, verification: VerificationId, number: u32, due: Timestamp) -> Result<(), StoreError> {
        let sql = "update attempt set state = 'due', due_at = ?3, route = null, claimed_at = null, begun_at = null
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
    })
}
