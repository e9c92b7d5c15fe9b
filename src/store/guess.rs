//! Wrong codes in a row, by number.

use rusqlite::{OptionalExtension, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 1024;

impl Tx<'_> {
    /// Wrong codes since the last right one, and when the latest was.
    pub fn guesses(&self, number: &Digest) -> Result<Option<(u32, Timestamp)>, StoreError> {
        let mut statement = self.0.prepare_cached("select failures, failed_at from guess where number_hash = ?1")?;
        let row = statement.query_row([number.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?.map(|(failures, at)| (failures, Timestamp::from_millis(at))))
    }

    /// Counts a try as a failure, before it is compared. A row of which nothing was heard since `fresh` begins anew.
    pub fn count_guess(&self, number: &Digest, fresh: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into guess (number_hash, failures, failed_at) values (?1, 1, ?2)
             on conflict do update set failures = iif(failed_at < ?3, 1, failures + 1), failed_at = ?2",
        )?;
        statement.execute(params![number.as_slice(), now.as_millis(), fresh.as_millis()])?;
        Ok(())
    }

    /// Ends the row of failures; says whether there was one.
    pub fn forget_guesses(&self, number: &Digest) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("delete from guess where number_hash = ?1")?.execute([number.as_slice()])? > 0)
    }

    /// Deletes some rows that are forgotten; says how many.
    pub fn purge_guesses(&self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "delete from guess where number_hash in
                       (select number_hash from guess where failed_at < ?1 limit ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?)
    }
}
