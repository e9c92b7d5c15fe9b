//! What was refused, would have been refused, tripped or was released, and why.

use rusqlite::{OptionalExtension, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::secrets::Digest;

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 1024;

const HOUR_MS: i64 = 3_600_000;

/// What is put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVerdict {
    pub rule: &'static str,
    pub verdict: &'static str,
    pub scope: &'static str,
    pub subject: Digest,
    pub sealed: Option<Vec<u8>>,
    pub reason: String,
}

/// A row of `verdict`.
#[derive(Clone, Debug)]
pub struct VerdictRow {
    pub rule: String,
    pub verdict: String,
    pub scope: String,
    pub subject: Digest,
    pub sealed: Option<Vec<u8>>,
    pub reason: String,
    pub times: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Tx<'_> {
    /// Puts a verdict on record; of one hour's about the same subject the latest reason, and how many there were.
    pub fn insert_verdict(&self, new: &NewVerdict, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into verdict (hour_at, rule, verdict, scope, subject_hash, subject_sealed, reason, first_at, last_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
             on conflict do update set times = times + 1, reason = excluded.reason, last_at = excluded.last_at,
                 subject_sealed = coalesce(subject_sealed, excluded.subject_sealed)",
        )?;
        let at = now.as_millis();
        statement.execute(params![
            at - at.rem_euclid(HOUR_MS),
            new.rule,
            new.verdict,
            new.scope,
            new.subject.as_slice(),
            new.sealed,
            new.reason,
            at,
        ])?;
        self.note(Fact::Verdict { rule: new.rule, verdict: new.verdict, scope: new.scope });
        Ok(())
    }

    /// The latest first.
    pub fn verdicts(&self, since: Timestamp, limit: u32) -> Result<Vec<VerdictRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select rule, verdict, scope, subject_hash, subject_sealed, reason, times, first_at, last_at
             from verdict where last_at >= ?1 order by last_at desc, verdict_id desc limit ?2",
        )?;
        let rows = statement.query_map(params![since.as_millis(), limit], |row| {
            Ok(VerdictRow {
                rule: row.get(0)?,
                verdict: row.get(1)?,
                scope: row.get(2)?,
                subject: row.get(3)?,
                sealed: row.get(4)?,
                reason: row.get(5)?,
                times: row.get(6)?,
                first: Timestamp::from_millis(row.get(7)?),
                last: Timestamp::from_millis(row.get(8)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the latest verdict about a subject shows of it.
    pub fn sealed_subject(&self, subject: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select subject_sealed from verdict where subject_hash = ?1 and subject_sealed is not null
             order by last_at desc limit 1",
        )?;
        Ok(statement.query_row([subject.as_slice()], |row| row.get(0)).optional()?)
    }

    /// Deletes some old verdicts; says how many.
    pub fn purge_verdicts(&self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "delete from verdict where verdict_id in
                       (select verdict_id from verdict where last_at < ?1 limit ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?)
    }
}
