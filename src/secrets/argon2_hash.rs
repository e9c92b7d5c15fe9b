//! An argon2id hash as the database keeps it, of a PIN or of a password.

use argon2::Params;

use super::Digest;
use super::hasher::HasherError;

pub(super) const SALT: usize = 16;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// KiB, at least 8 times `parallelism`.
    pub memory_kib: u32,
    /// Passes over the memory, at least 1.
    pub iterations: u32,
    /// Lanes, 1–255.
    pub parallelism: u32,
}

/// A hash with everything but the pepper that is needed to make it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2Hash {
    pub(super) cost: HashCost,
    pub(super) salt: [u8; SALT],
    pub(super) digest: Digest,
}

impl HashCost {
    pub(super) fn params(self) -> Result<Params, HasherError> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(32))
            .map_err(|error| HasherError::Cost { cost: self, reason: error.to_string() })
    }
}

impl Argon2Hash {
    /// Cost, salt and digest as octets for the database.
    pub fn to_bytes(&self) -> Vec<u8> {
        let HashCost { memory_kib, iterations, parallelism } = self.cost;
        let numbers = [memory_kib, iterations, parallelism].map(u32::to_be_bytes);
        [numbers.as_flattened(), &self.salt, &self.digest].concat()
    }

    /// `None` if the octets are no hash.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.split_at_checked(12)?;
        let (salt, digest) = rest.split_at_checked(SALT)?;
        let number = |index: usize| {
            let octets = numbers.get(index * 4..index * 4 + 4)?;
            Some(u32::from_be_bytes(octets.try_into().ok()?))
        };
        let cost = HashCost { memory_kib: number(0)?, iterations: number(1)?, parallelism: number(2)? };
        Some(Self { cost, salt: salt.try_into().ok()?, digest: digest.try_into().ok()? })
    }
}
