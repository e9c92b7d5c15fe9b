//! What an operator wants to know at a glance.

use std::path::Path;
use std::time::Duration;

use super::{StoreError, Tx, free_space};
use crate::clock::Timestamp;

/// Attempts that are to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Due by now, claimed or being sent.
    pub length: u64,
    /// When the oldest of those that nobody has claimed came due.
    pub oldest_due: Option<Timestamp>,
}

/// Verifications that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub state: String,
    pub count: u64,
}

/// What the database takes of its disk, in octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    pub database: u64,
    /// Of the write-ahead log, which is folded into the database again and again.
    pub log: u64,
    /// What this process may still fill.
    pub free: u64,
}

impl Space {
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self {
            database: std::fs::metadata(path)?.len(),
            log: std::fs::metadata(log).map_or(0, |metadata| metadata.len()),
            free: free_space(path)?,
        })
    }
}

/// Verifications that ended, and of which something was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    pub sent: u64,
    pub verified: u64,
}

/// Verifications that began within one step of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// From 0.
    pub step: usize,
    /// How they ended; `open`: they have not.
    pub state: String,
    pub count: u64,
}

impl Tx<'_> {
    pub fn queue(&self, now: Timestamp) -> Result<Queue, StoreError> {
        let sql = "select count(*), min(iif(state = 'due', due_at, null)) from (
                       select state, due_at from attempt where state = 'due' and due_at <= ?1
                       union all select state, due_at from attempt where state in ('claimed', 'sending'))";
        let queue = self.0.prepare_cached(sql)?.query_row([now.as_millis()], |row| {
            let oldest: Option<i64> = row.get(1)?;
            Ok(Queue { length: row.get(0)?, oldest_due: oldest.map(Timestamp::from_millis) })
        })?;
        Ok(queue)
    }

    /// Verifications in progress.
    pub fn verifications_in_progress(&self) -> Result<u64, StoreError> {
        let sql = "select count(*) from verification where finalized_at is null";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Verifications that ended after `since`, by how they did.
    pub fn verifications_ended(&self, since: Timestamp) -> Result<Vec<Ended>, StoreError> {
        let sql = "select state, count(*) from verification where finalized_at > ?1 group by state";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows =
            statement.query_map([since.as_millis()], |row| Ok(Ended { state: row.get(0)?, count: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many breakers hold something, by their level.
    pub fn breakers_open(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "select level, count(*) from breaker where open_until is not null group by level";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Of the verifications that ended after `since`, those of which something was sent, and of them the verified ones.
    /// Reads an index alone.
    pub fn conversion(&self, since: Timestamp) -> Result<Conversion, StoreError> {
        let sql = "select count(*), coalesce(sum(state = 'success'), 0) from verification
                   where finalized_at > ?1 and sent = 1";
        let read = |row: &rusqlite::Row| Ok(Conversion { sent: row.get(0)?, verified: row.get(1)? });
        Ok(self.0.prepare_cached(sql)?.query_row([since.as_millis()], read)?)
    }

    /// Verifications that began after `since`, by steps of time and by how they ended. One that began then ended then, if
    /// it has: that is read from an index, and the rest are those in progress.
    pub fn verifications_started(&self, since: Timestamp, step: Duration) -> Result<Vec<Started>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select (created_at - ?1) / ?2, state, count(*) from (
                 select created_at, state from verification where finalized_at >= ?1
                 union all select created_at, 'open' from verification where finalized_at is null)
             where created_at >= ?1 group by 1, 2 order by 1, 2",
        )?;
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
        let rows = statement.query_map([since.as_millis(), step], |row| {
            Ok(Started { step: row.get(0)?, state: row.get(1)?, count: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes to the disk, to see whether that is possible.
    pub fn prove_writable(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "insert into meta (name, value) values ('written_at', ?1) on conflict do update set value = ?1";
        self.0.prepare_cached(sql)?.execute([now.as_millis().to_be_bytes().as_slice()])?;
        Ok(())
    }
}
