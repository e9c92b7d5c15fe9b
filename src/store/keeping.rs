//! What is deleted for good: everything about a number, what is wiped before its row goes, pages that nothing is in.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;
use crate::verification::VerificationId;

/// Unused pages that are worth giving back: fewer are soon used again, and each page that is moved wears a flash card.
const UNUSED_MIN: i64 = 1024;

/// Of a file of which a smaller part is unused, nothing is given back either.
const UNUSED_PART: i64 = 4;

/// `incremental` of `pragma auto_vacuum`.
const INCREMENTAL: i64 = 2;

/// What went with verifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerificationTraces {
    pub verifications: usize,
    pub attempts: usize,
    pub tries: usize,
}

impl std::ops::AddAssign for VerificationTraces {
    fn add_assign(&mut self, other: Self) {
        self.verifications += other.verifications;
        self.attempts += other.attempts;
        self.tries += other.tries;
    }
}

impl Tx<'_> {
    /// Every verification of a number, and whether it has ended.
    pub fn verifications_of_number(&self, hashes: &[Digest]) -> Result<Vec<(VerificationId, bool)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select verification_id, finalized_at is not null from verification where number_hash = ?1",
        )?;
        let mut found = vec![];
        for hash in hashes {
            let rows =
                statement.query_map([hash.as_slice()], |row| Ok((VerificationId::new(row.get(0)?), row.get(1)?)))?;
            found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    /// Deletes a verification with everything that belongs to it; what it took of budgets stays counted.
    pub fn delete_verification(&self, id: VerificationId) -> Result<VerificationTraces, StoreError> {
        let count = |sql: &str| -> Result<usize, StoreError> {
            Ok(self.0.prepare_cached(sql)?.query_row([id.get()], |row| row.get(0))?)
        };
        let attempts = count("select count(*) from attempt where verification_id = ?1")?;
        let tries = count("select count(*) from try where verification_id = ?1")?;
        let sql = "delete from verification where verification_id = ?1";
        let verifications = self.0.prepare_cached(sql)?.execute([id.get()])?;
        Ok(VerificationTraces { verifications, attempts, tries })
    }

    /// Deletes what came from a sender; says how many parts.
    pub fn delete_parts_of_sender(&self, sender: &Digest) -> Result<usize, StoreError> {
        Ok(self.0.prepare_cached("delete from inbox where sender_hash = ?1")?.execute([sender.as_slice()])?)
    }

    /// Wipes addresses of tries before `before`; says how many.
    pub fn wipe_addresses(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(
            "update try set ip_address = '' where try_id in (
                 select try_id from try where ip_address <> '' and received_at < ?1 order by received_at limit ?2)",
        )?;
        Ok(statement.execute(params![before.as_millis(), limit])?)
    }

    /// Wipes numbers of verifications that ended before `before`; says how many.
    pub fn wipe_numbers(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(
            "update verification set number_sealed = x'', number_hash = zeroblob(32) where verification_id in (
                 select verification_id from verification
                 where finalized_at is not null and length(number_sealed) > 0 and finalized_at < ?1
                 order by finalized_at limit ?2)",
        )?;
        Ok(statement.execute(params![before.as_millis(), limit])?)
    }

    /// Whether so many pages are unused that giving them back is worth it. A database of an earlier version gives none
    /// back until it is compacted once.
    pub fn has_pages_to_give_back(&self) -> Result<bool, StoreError> {
        let pragma = |name: &str| -> Result<i64, StoreError> {
            Ok(self.0.prepare_cached(&format!("pragma {name}"))?.query_row([], |row| row.get(0))?)
        };
        let unused = pragma("freelist_count")?;
        Ok(unused >= UNUSED_MIN
            && unused >= pragma("page_count")? / UNUSED_PART
            && pragma("auto_vacuum")? == INCREMENTAL)
    }

    /// Gives back so many pages; says how many went.
    pub fn give_back_pages(&self, limit: u32) -> Result<usize, StoreError> {
        // Every step of the statement moves one page.
        let mut statement = self.0.prepare(&format!("pragma incremental_vacuum({limit})"))?;
        let mut rows = statement.query([])?;
        let mut given = 0;
        while rows.next()?.is_some() {
            given += 1;
        }
        Ok(given.max(1))
    }
}
