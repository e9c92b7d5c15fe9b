//! SIM PINs that were tried: the memory that keeps a crash loop from locking a SIM.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

impl Tx<'_> {
    /// Marks a SIM's PIN as tried. `false`: it was tried before and never accepted, so it may not be tried again.
    pub fn begin_sim_pin_try(&self, hash: &Digest, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "insert into sim_pin (sim_pin_hash, tried_at) values (?1, ?2) on conflict do nothing";
        Ok(self.0.prepare_cached(sql)?.execute(params![hash.as_slice(), now.as_millis()])? > 0)
    }

    /// The SIM took the PIN, or it never reached the SIM.
    pub fn forget_sim_pin_try(&self, hash: &Digest) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from sim_pin where sim_pin_hash = ?1")?.execute([hash.as_slice()])?;
        Ok(())
    }
}
