//! What limits have seen. The use of a window is the difference of two running totals, however many rows it holds.

use rusqlite::{OptionalExtension, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 1024;

impl Tx<'_> {
    /// What a subject has used after `since`.
    pub fn velocity_used(&self, scope: &str, subject: &Digest, since: Timestamp) -> Result<u64, StoreError> {
        let Some((total, _)) = self.last_velocity(scope, subject)? else { return Ok(0) };
        let mut before = self.0.prepare_cached(
            "select total from velocity where scope = ?1 and subject_hash = ?2 and used_at <= ?3
             order by used_at desc, total desc limit 1",
        )?;
        let key = params![scope, subject.as_slice(), since.as_millis()];
        let base: Option<i64> = before.query_row(key, |row| row.get(0)).optional()?;
        let base = match base {
            Some(base) => base,
            // Older rows may have been deleted; the oldest says where it began.
            None => {
                let mut oldest = self.0.prepare_cached(
                    "select total - amount from velocity where scope = ?1 and subject_hash = ?2
                     order by used_at, total limit 1",
                )?;
                oldest.query_row(params![scope, subject.as_slice()], |row| row.get(0))?
            }
        };
        Ok(u64::try_from(total - base).unwrap_or(0))
    }

    /// The instant at which so much of what was used after `since` had been used.
    pub fn velocity_reached(
        &self,
        scope: &str,
        subject: &Digest,
        since: Timestamp,
        amount: u64,
    ) -> Result<Option<Timestamp>, StoreError> {
        let used = self.velocity_used(scope, subject, since)?;
        let Some((total, _)) = self.last_velocity(scope, subject)? else { return Ok(None) };
        let used = i64::try_from(used).unwrap_or(i64::MAX);
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(
            "select used_at from velocity where scope = ?1 and subject_hash = ?2 and used_at > ?3 and total >= ?4
             order by used_at, total limit 1",
        )?;
        let target = total.saturating_sub(used).saturating_add(amount);
        let key = params![scope, subject.as_slice(), since.as_millis(), target];
        Ok(statement.query_row(key, |row| row.get(0)).optional()?.map(Timestamp::from_millis))
    }

    pub fn count_velocity(&self, scope: &str, subject: &Digest, amount: u64, now: Timestamp) -> Result<(), StoreError> {
        let last = self.last_velocity(scope, subject)?;
        if last.is_some_and(|(_, at)| at > now) {
            // The clock was set back: what lies ahead counts as of now, so that it leaves the windows in time.
            let sql = "update velocity set used_at = ?3 where scope = ?1 and subject_hash = ?2 and used_at > ?3";
            self.0.prepare_cached(sql)?.execute(params![scope, subject.as_slice(), now.as_millis()])?;
        }
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        let total = last.map_or(0, |(total, _)| total).saturating_add(amount);
        let sql = "insert into velocity (scope, subject_hash, used_at, total, amount) values (?1, ?2, ?3, ?4, ?5)";
        let row = params![scope, subject.as_slice(), now.as_millis(), total, amount];
        self.0.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Takes back the latest use of a subject.
    pub fn take_back_velocity(&self, scope: &str, subject: &Digest) -> Result<(), StoreError> {
        let sql = "delete from velocity where scope = ?1 and subject_hash = ?2 and total =
                       (select max(total) from velocity where scope = ?1 and subject_hash = ?2)";
        self.0.prepare_cached(sql)?.execute(params![scope, subject.as_slice()])?;
        Ok(())
    }

    /// Forgets all that was used of a subject; says whether there was anything.
    pub fn forget_velocity(&self, scope: &str, subject: &Digest) -> Result<bool, StoreError> {
        let sql = "delete from velocity where scope = ?1 and subject_hash = ?2";
        Ok(self.0.prepare_cached(sql)?.execute(params![scope, subject.as_slice()])? > 0)
    }

    fn last_velocity(&self, scope: &str, subject: &Digest) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select total, used_at from velocity where scope = ?1 and subject_hash = ?2
             order by used_at desc, total desc limit 1",
        )?;
        let row = statement.query_row(params![scope, subject.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?.map(|(total, at)| (total, Timestamp::from_millis(at))))
    }

    /// Deletes some uses that no window holds any more; says how many.
    pub fn purge_velocity(&self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "delete from velocity where (scope, subject_hash, used_at, total) in
                       (select scope, subject_hash, used_at, total from velocity where used_at < ?1 limit ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?)
    }
}
