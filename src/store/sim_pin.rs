//! SIM PINs that were tried: the memory that keeps a crash loop from locking a SIM.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// Name in `meta`.
const SIM_PIN_KEY: &str = "sim_pin_key_sealed";

impl Tx<'_> {
    /// Marks a SIM's PIN as tried, by the first of its hashes. `false`: it was tried before and never accepted, so it may
    /// not be tried again.
    pub fn begin_sim_pin_try(&self, hashes: &[Digest], now: Timestamp) -> Result<bool, StoreError> {
        let mut known = self.0.prepare_cached("select 1 from sim_pin where sim_pin_hash = ?1")?;
        for hash in hashes {
            if known.exists([hash.as_slice()])? {
                return Ok(false);
            }
        }
        let Some(hash) = hashes.first() else { return Ok(false) };
        let sql = "insert into sim_pin (sim_pin_hash, tried_at) values (?1, ?2) on conflict do nothing";
        Ok(self.0.prepare_cached(sql)?.execute(params![hash.as_slice(), now.as_millis()])? > 0)
    }

    /// The SIM took the PIN, or it never reached the SIM.
    pub fn forget_sim_pin_try(&self, hashes: &[Digest]) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached("delete from sim_pin where sim_pin_hash = ?1")?;
        for hash in hashes {
            statement.execute([hash.as_slice()])?;
        }
        Ok(())
    }

    /// Whether any SIM's PIN is on record.
    pub fn has_sim_pin_tries(&self) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("select 1 from sim_pin")?.exists([])?)
    }

    /// The key of hashes made under a master key that is retired, sealed.
    pub fn sim_pin_key(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.meta(SIM_PIN_KEY)
    }

    pub fn set_sim_pin_key(&self, sealed: Option<&[u8]>) -> Result<(), StoreError> {
        self.set_meta(SIM_PIN_KEY, sealed)
    }
}
