//! What is sealed and hashed under a master key, for putting another key in its place.
//!
//! Each change says what it found there: what became something else meanwhile is left alone and found by the next pass.

use rusqlite::{Row, params};

use super::{BlockRow, SecretRow, StoreError, Tx};
use crate::secrets::{Digest, KeyId};
use crate::verification::{RequestId, VerificationId};

/// The sealed columns of a verification. A wiped number is empty.
#[derive(Clone)]
pub struct SealedVerification {
    pub id: VerificationId,
    pub request: RequestId,
    pub generation: u32,
    pub number_sealed: Vec<u8>,
    pub number_hash: Vec<u8>,
    pub pin_sealed: Option<Vec<u8>>,
}

/// A secret with the key that it is bound to.
#[derive(Clone)]
pub struct SealedSecret {
    pub id: i64,
    pub api_key: String,
    pub secret: SecretRow,
}

/// The sealed columns of a part of the inbox.
#[derive(Clone)]
pub struct SealedPart {
    pub id: i64,
    pub route: String,
    pub hash: Digest,
    pub sender_sealed: Vec<u8>,
    pub pdu_sealed: Vec<u8>,
}

/// What the operator is shown of a breaker or a verdict.
#[derive(Clone)]
pub struct SealedText {
    table: TextTable,
    pub id: i64,
    /// What its subject is: a level, a scope.
    pub scope: String,
    pub sealed: Vec<u8>,
}

#[derive(Clone, Copy)]
enum TextTable {
    Breaker,
    Verdict,
}

/// The same under another key.
#[derive(Clone)]
pub struct ResealedPart {
    pub hash: Digest,
    pub sender_sealed: Vec<u8>,
    pub sender_hash: Digest,
    pub pdu_sealed: Vec<u8>,
}

impl Tx<'_> {
    /// Verifications behind `after`, in the order of their numbers.
    pub fn sealed_verifications(&self, after: i64, limit: u32) -> Result<Vec<SealedVerification>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select verification_id, request_id, generation, number_sealed, number_hash, pin_sealed from verification
             where verification_id > ?1 order by verification_id limit ?2",
        )?;
        let rows = statement.query_map([after, i64::from(limit)], |row: &Row| {
            Ok(SealedVerification {
                id: VerificationId::new(row.get(0)?),
                request: RequestId::from_bytes(row.get(1)?),
                generation: row.get(2)?,
                number_sealed: row.get(3)?,
                number_hash: row.get(4)?,
                pin_sealed: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn reseal_number(&self, old: &SealedVerification, sealed: &[u8], hash: &Digest) -> Result<bool, StoreError> {
        let sql = "update verification set number_sealed = ?3, number_hash = ?4
                   where verification_id = ?1 and number_sealed = ?2";
        let changed =
            self.0.prepare_cached(sql)?.execute(params![old.id.get(), old.number_sealed, sealed, hash.as_slice()])?;
        Ok(changed > 0)
    }

    pub fn reseal_pin(&self, old: &SealedVerification, sealed: &[u8]) -> Result<bool, StoreError> {
        let sql = "update verification set pin_sealed = ?3 where verification_id = ?1 and pin_sealed = ?2";
        Ok(self.0.prepare_cached(sql)?.execute(params![old.id.get(), old.pin_sealed, sealed])? > 0)
    }

    /// Every live secret of every account.
    pub fn sealed_secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select account_secret_id, api_key, secret_hash, secret_sealed from account_secret join account
             using (account_id) order by account_secret_id",
        )?;
        let rows = statement.query_map([], |row: &Row| {
            let secret = SecretRow { hash: row.get(2)?, sealed: row.get(3)? };
            Ok(SealedSecret { id: row.get(0)?, api_key: row.get(1)?, secret })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn reseal_secret(&self, old: &SealedSecret, new: &SecretRow) -> Result<bool, StoreError> {
        let sql = "update account_secret set secret_hash = ?3, secret_sealed = ?4
                   where account_secret_id = ?1 and secret_sealed = ?2";
        let values = params![old.id, old.secret.sealed, new.hash.as_slice(), new.sealed];
        Ok(self.0.prepare_cached(sql)?.execute(values)? > 0)
    }

    /// The entry with its place in the list and its maker kept. An entry that is there under both keys becomes one.
    pub fn reseal_block(&self, old: &BlockRow, new: &BlockRow) -> Result<bool, StoreError> {
        if !self.delete_block(&old.hash)? {
            return Ok(false);
        }
        self.insert_block(new)?;
        Ok(true)
    }

    /// Parts of messages behind `after`, in the order of their numbers.
    pub fn sealed_parts(&self, after: i64, limit: u32) -> Result<Vec<SealedPart>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select inbox_id, route, part_hash, sender_sealed, pdu_sealed from inbox
             where inbox_id > ?1 order by inbox_id limit ?2",
        )?;
        let rows = statement.query_map([after, i64::from(limit)], |row: &Row| {
            Ok(SealedPart {
                id: row.get(0)?,
                route: row.get(1)?,
                hash: row.get(2)?,
                sender_sealed: row.get(3)?,
                pdu_sealed: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn reseal_part(&self, old: &SealedPart, new: &ResealedPart) -> Result<bool, StoreError> {
        let sql = "update inbox set part_hash = ?3, sender_sealed = ?4, sender_hash = ?5, pdu_sealed = ?6
                   where inbox_id = ?1 and part_hash = ?2";
        let ResealedPart { hash, sender_sealed, sender_hash, pdu_sealed } = new;
        let (old_hash, hash, sender_hash) = (old.hash.as_slice(), hash.as_slice(), sender_hash.as_slice());
        let values = params![old.id, old_hash, hash, sender_sealed, sender_hash, pdu_sealed];
        Ok(self.0.prepare_cached(sql)?.execute(values)? > 0)
    }

    pub fn sealed_breakers(&self) -> Result<Vec<SealedText>, StoreError> {
        let mut statement = self.0.prepare_cached("select level, prefix_sealed from breaker")?;
        let rows = statement.query_map([], |row: &Row| {
            Ok(SealedText { table: TextTable::Breaker, id: 0, scope: row.get(0)?, sealed: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Verdicts behind `after` that name their subject, in the order of their numbers.
    pub fn sealed_verdicts(&self, after: i64, limit: u32) -> Result<Vec<SealedText>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select verdict_id, scope, subject_sealed from verdict
             where verdict_id > ?1 and subject_sealed is not null order by verdict_id limit ?2",
        )?;
        let rows = statement.query_map([after, i64::from(limit)], |row: &Row| {
            Ok(SealedText { table: TextTable::Verdict, id: row.get(0)?, scope: row.get(1)?, sealed: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn reseal_text(&self, old: &SealedText, sealed: &[u8]) -> Result<bool, StoreError> {
        let changed = match old.table {
            // Its hash changes with the key, what was sealed at random does not repeat.
            TextTable::Breaker => {
                let sql = "update breaker set prefix_sealed = ?2 where prefix_sealed = ?1";
                self.0.prepare_cached(sql)?.execute(params![old.sealed, sealed])?
            }
            TextTable::Verdict => {
                let sql = "update verdict set subject_sealed = ?3 where verdict_id = ?1 and subject_sealed = ?2";
                self.0.prepare_cached(sql)?.execute(params![old.id, old.sealed, sealed])?
            }
        };
        Ok(changed > 0)
    }

    /// Verifications whose PIN can be checked only with the pepper of another key than this.
    pub fn pins_under_other_keys(&self, key: KeyId) -> Result<u32, StoreError> {
        let sql = "select count(*) from verification
                   where pin_hash is not null and (pin_key is null or pin_key <> ?1)";
        Ok(self.0.prepare_cached(sql)?.query_row([key.as_bytes().as_slice()], |row| row.get(0))?)
    }
}
