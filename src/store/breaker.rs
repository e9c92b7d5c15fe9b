//! Breakers of prefixes, and the tallies that they look at.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;
use crate::verification::VerificationId;

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 1024;

/// A row of `breaker`.
#[derive(Clone, Debug)]
pub struct BreakerRow {
    pub prefix: Digest,
    pub sealed: Vec<u8>,
    pub level: String,
    pub counts_from: Timestamp,
    pub open_until: Option<Timestamp>,
    pub next_probe: Timestamp,
    pub finding: String,
    pub reason: String,
    pub tripped: Timestamp,
}

/// A sum of rows of `prefix_tally`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TallySum {
    pub requests: u64,
    pub beside: u64,
    pub sent: u64,
    pub verified: u64,
    pub voice_seconds: u64,
}

/// What is counted for a verification that is accepted, from the widest prefix to the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    pub prefixes: [Option<Digest>; 3],
    pub beside: bool,
}

/// What of a verification a tally counts later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TallyEvent {
    Sent,
    Verified,
    Talked { seconds: u64 },
}

impl Tx<'_> {
    pub fn breaker(&self, prefix: &Digest) -> Result<Option<BreakerRow>, StoreError> {
        let sql = "select * from breaker where prefix_hash = ?1";
        Ok(self.0.prepare_cached(sql)?.query_row([prefix.as_slice()], read_breaker).optional()?)
    }

    /// All breakers that have tripped, the latest first.
    pub fn breakers(&self) -> Result<Vec<BreakerRow>, StoreError> {
        let mut statement = self.0.prepare_cached("select * from breaker order by tripped_at desc, prefix_hash")?;
        let rows = statement.query_map([], read_breaker)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn put_breaker(&self, row: &BreakerRow) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert or replace into breaker (prefix_hash, prefix_sealed, level, counts_from, open_until, next_probe_at,
                 finding, reason, tripped_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute(params![
            row.prefix.as_slice(),
            row.sealed,
            row.level,
            row.counts_from.as_millis(),
            row.open_until.map(Timestamp::as_millis),
            row.next_probe.as_millis(),
            row.finding,
            row.reason,
            row.tripped.as_millis(),
        ])?;
        Ok(())
    }

    pub fn set_next_probe(&self, prefix: &Digest, next: Timestamp) -> Result<(), StoreError> {
        let sql = "update breaker set next_probe_at = ?2 where prefix_hash = ?1";
        self.0.prepare_cached(sql)?.execute(params![prefix.as_slice(), next.as_millis()])?;
        Ok(())
    }

    /// Closes a breaker; nothing that was before counts any more. Says whether it was not closed.
    pub fn close_breaker(&self, prefix: &Digest, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "update breaker set open_until = null, counts_from = ?2
                   where prefix_hash = ?1 and open_until is not null";
        Ok(self.0.prepare_cached(sql)?.execute(params![prefix.as_slice(), now.as_millis()])? > 0)
    }

    /// What was counted for a prefix in buckets from `since` and before `until`.
    pub fn tally(&self, prefix: &Digest, since: Timestamp, until: Timestamp) -> Result<TallySum, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select coalesce(sum(requests), 0), coalesce(sum(beside), 0), coalesce(sum(sent), 0),
                 coalesce(sum(verified), 0), coalesce(sum(voice_seconds), 0)
             from prefix_tally where prefix_hash = ?1 and bucket_at >= ?2 and bucket_at < ?3",
        )?;
        let sum = statement.query_row(params![prefix.as_slice(), since.as_millis(), until.as_millis()], |row| {
            Ok(TallySum {
                requests: row.get(0)?,
                beside: row.get(1)?,
                sent: row.get(2)?,
                verified: row.get(3)?,
                voice_seconds: row.get(4)?,
            })
        });
        Ok(sum?)
    }

    /// Counts a request that is accepted, and remembers where its verification counts.
    pub fn tally_request(
        &self,
        verification: VerificationId,
        tallied: &Tallied,
        bucket: Timestamp,
    ) -> Result<(), StoreError> {
        let mut count = self.0.prepare_cached(
            "insert into prefix_tally (prefix_hash, bucket_at, requests, beside) values (?1, ?2, 1, ?3)
             on conflict do update set requests = requests + 1, beside = beside + excluded.beside",
        )?;
        for prefix in tallied.prefixes.iter().flatten() {
            count.execute(params![prefix.as_slice(), bucket.as_millis(), tallied.beside])?;
        }
        let sql = "insert into tallied (verification_id, country_hash, range_hash, block_hash) values (?1, ?2, ?3, ?4)";
        let [country, range, block] = tallied.prefixes.map(|prefix| prefix.map(Vec::from));
        self.0.prepare_cached(sql)?.execute(params![verification.get(), country, range, block])?;
        Ok(())
    }

    /// Counts what became of a verification, in the bucket of its request. One that no tally counts changes nothing.
    pub fn tally_event(
        &self,
        verification: VerificationId,
        event: TallyEvent,
        bucket: Timestamp,
    ) -> Result<(), StoreError> {
        let (sent, verified, seconds) = match event {
            TallyEvent::Sent => (1, 0, 0),
            TallyEvent::Verified => (0, 1, 0),
            TallyEvent::Talked { seconds } => (0, 0, i64::try_from(seconds).unwrap_or(i64::MAX)),
        };
        let mut statement = self.0.prepare_cached(
            "update prefix_tally
             set sent = sent + ?3, verified = verified + ?4, voice_seconds = voice_seconds + ?5
             where bucket_at = ?2 and prefix_hash in (
                 select country_hash from tallied where verification_id = ?1
                 union all select range_hash from tallied where verification_id = ?1
                 union all select block_hash from tallied where verification_id = ?1)",
        )?;
        statement.execute(params![verification.get(), bucket.as_millis(), sent, verified, seconds])?;
        Ok(())
    }

    /// Takes what was counted for a prefix out of a wider one: what a blocked part explains says nothing about the rest.
    pub fn tally_without(&self, wider: &Digest, part: &Digest, since: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "update prefix_tally as wider set
                 requests = max(0, wider.requests - part.requests), beside = max(0, wider.beside - part.beside),
                 sent = max(0, wider.sent - part.sent), verified = max(0, wider.verified - part.verified),
                 voice_seconds = max(0, wider.voice_seconds - part.voice_seconds)
             from prefix_tally as part
             where wider.prefix_hash = ?1 and part.prefix_hash = ?2 and part.bucket_at = wider.bucket_at
               and wider.bucket_at >= ?3",
        )?;
        statement.execute(params![wider.as_slice(), part.as_slice(), since.as_millis()])?;
        Ok(())
    }

    /// Whether one of the numbers was asked for after `since`.
    pub fn is_seen(&self, numbers: &[Digest], since: Timestamp) -> Result<bool, StoreError> {
        let mut statement =
            self.0.prepare_cached("select 1 from seen_number where number_hash = ?1 and seen_at > ?2")?;
        for number in numbers {
            if statement.exists(params![number.as_slice(), since.as_millis()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub fn see_number(&self, number: &Digest, now: Timestamp) -> Result<(), StoreError> {
        let sql = "insert or replace into seen_number (number_hash, seen_at) values (?1, ?2)";
        self.0.prepare_cached(sql)?.execute(params![number.as_slice(), now.as_millis()])?;
        Ok(())
    }

    /// Deletes some tallies and numbers that no window holds any more, and breakers that were closed before then; says
    /// how many.
    pub fn purge_tallies(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut purged = 0;
        for sql in [
            "delete from prefix_tally where (prefix_hash, bucket_at) in
                 (select prefix_hash, bucket_at from prefix_tally where bucket_at < ?1 limit ?2)",
            "delete from seen_number where number_hash in
                 (select number_hash from seen_number where seen_at < ?1 limit ?2)",
            "delete from breaker where prefix_hash in
                 (select prefix_hash from breaker where open_until is null and counts_from < ?1 limit ?2)",
        ] {
            purged += self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?;
        }
        Ok(purged)
    }
}

fn read_breaker(row: &Row) -> rusqlite::Result<BreakerRow> {
    let instant = |name: &str| row.get(name).map(Timestamp::from_millis);
    Ok(BreakerRow {
        prefix: row.get("prefix_hash")?,
        sealed: row.get("prefix_sealed")?,
        level: row.get("level")?,
        counts_from: instant("counts_from")?,
        open_until: row.get::<_, Option<i64>>("open_until")?.map(Timestamp::from_millis),
        next_probe: instant("next_probe_at")?,
        finding: row.get("finding")?,
        reason: row.get("reason")?,
        tripped: instant("tripped_at")?,
    })
}
