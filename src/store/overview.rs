//! What an operator wants to know at a glance.

use std::path::Path;

use super::{StoreError, Tx};
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
        let disk = rustix::fs::statvfs(path)?;
        Ok(Self {
            database: std::fs::metadata(path)?.len(),
            log: std::fs::metadata(log).map_or(0, |metadata| metadata.len()),
            free: disk.f_bavail * disk.f_frsize,
        })
    }
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
        let sql = "select count(*) from verification where deadline_at is not null";
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

    /// Writes to the disk, to see whether that is possible.
    pub fn prove_writable(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "insert into meta (name, value) values ('written_at', ?1) on conflict do update set value = ?1";
        self.0.prepare_cached(sql)?.execute([now.as_millis().to_be_bytes().as_slice()])?;
        Ok(())
    }
}
