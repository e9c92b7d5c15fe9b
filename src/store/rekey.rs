//! What is counted of somebody under a hash of one master key, counted under that of another; and all of it, forgotten.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::secrets::Digest;
use crate::verification::VerificationId;

/// Each names the hash before as ?1 and the one after as ?2. What is there under both becomes one.
const REKEY: [&str; 9] = [
    "insert into guess (number_hash, failures, failed_at)
         select ?2, failures, failed_at from guess where number_hash = ?1
     on conflict do update set failures = failures + excluded.failures, failed_at = max(failed_at, excluded.failed_at)",
    "delete from guess where number_hash = ?1",
    "insert into seen_number (number_hash, seen_at) select ?2, seen_at from seen_number where number_hash = ?1
     on conflict do update set seen_at = max(seen_at, excluded.seen_at)",
    "delete from seen_number where number_hash = ?1",
    "insert into prefix_tally (prefix_hash, bucket_at, requests, beside, sent, verified, voice_seconds)
         select ?2, bucket_at, requests, beside, sent, verified, voice_seconds from prefix_tally where prefix_hash = ?1
     on conflict do update set requests = requests + excluded.requests, beside = beside + excluded.beside,
         sent = sent + excluded.sent, verified = verified + excluded.verified,
         voice_seconds = voice_seconds + excluded.voice_seconds",
    "delete from prefix_tally where prefix_hash = ?1",
    "update or ignore breaker set prefix_hash = ?2 where prefix_hash = ?1",
    "delete from breaker where prefix_hash = ?1",
    "update or replace verdict set subject_hash = ?2 where subject_hash = ?1",
];

/// A verification whose prefixes are counted, and their hashes, from the widest to the narrowest.
pub type PrefixHashes = [Digest; 3];

impl Tx<'_> {
    /// Whatever was counted of a number, an address, an account or a prefix under `old` counts under `new`.
    pub fn rekey_subject(&self, old: &Digest, new: &Digest, scopes: &[&str]) -> Result<(), StoreError> {
        for sql in REKEY {
            let mut statement = self.0.prepare_cached(sql)?;
            // A deletion names only the first.
            match statement.parameter_count() {
                1 => statement.execute([old.as_slice()])?,
                _ => statement.execute([old.as_slice(), new.as_slice()])?,
            };
        }
        for scope in scopes {
            self.rekey_velocity(scope, old, new)?;
        }
        Ok(())
    }

    /// Running totals go on: what was used under `new` before counts on top of what is moved.
    fn rekey_velocity(&self, scope: &str, old: &Digest, new: &Digest) -> Result<(), StoreError> {
        let mut read = self.0.prepare_cached(
            "select used_at, amount from velocity where scope = ?1 and subject_hash in (?2, ?3) order by used_at, total",
        )?;
        let mut exists =
            self.0.prepare_cached("select 1 from velocity where scope = ?1 and subject_hash = ?2 limit 1")?;
        if !exists.exists(params![scope, old.as_slice()])? {
            return Ok(());
        }
        if !exists.exists(params![scope, new.as_slice()])? {
            let sql = "update velocity set subject_hash = ?3 where scope = ?1 and subject_hash = ?2";
            self.0.prepare_cached(sql)?.execute(params![scope, old.as_slice(), new.as_slice()])?;
            return Ok(());
        }
        let rows =
            read.query_map(params![scope, old.as_slice(), new.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows = rows.collect::<Result<Vec<(i64, i64)>, _>>()?;
        self.forget_velocity(scope, old)?;
        self.forget_velocity(scope, new)?;
        let sql = "insert into velocity (scope, subject_hash, used_at, total, amount) values (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.0.prepare_cached(sql)?;
        let mut total: i64 = 0;
        for (used_at, amount) in rows {
            total = total.saturating_add(amount);
            insert.execute(params![scope, new.as_slice(), used_at, total, amount])?;
        }
        Ok(())
    }

    /// The prefixes in which a verification counts, under another key.
    pub fn rekey_tallied(&self, verification: VerificationId, prefixes: &PrefixHashes) -> Result<(), StoreError> {
        let sql = "update tallied set country_hash = iif(country_hash is null, null, ?2),
                       range_hash = iif(range_hash is null, null, ?3), block_hash = iif(block_hash is null, null, ?4)
                   where verification_id = ?1";
        let [country, range, block] = prefixes;
        let hashes = params![verification.get(), country.as_slice(), range.as_slice(), block.as_slice()];
        self.0.prepare_cached(sql)?.execute(hashes)?;
        Ok(())
    }

    /// Deletes what is counted and kept of a number by itself; says how many rows there were. What its prefixes have
    /// counted stays: it tells of no number.
    pub fn forget_subject(&self, number: &Digest, scopes: &[&str]) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        for sql in [
            "delete from guess where number_hash = ?1",
            "delete from seen_number where number_hash = ?1",
            "delete from verdict where subject_hash = ?1",
        ] {
            forgotten += self.0.prepare_cached(sql)?.execute([number.as_slice()])?;
        }
        let sql = "delete from velocity where scope = ?1 and subject_hash = ?2";
        for scope in scopes {
            forgotten += self.0.prepare_cached(sql)?.execute(params![scope, number.as_slice()])?;
        }
        Ok(forgotten)
    }
}
