//! PIN hashes: argon2id with the pepper as its secret, on a bounded number of threads.
//!
//! A PIN of four digits falls to brute force in minutes whatever a hash costs; the pepper, which no database holds, is
//! what protects it. The cost slows down somebody who has both.
//!
//! The hash is bound to the verification and the PIN's generation, so that one row's hash says nothing in another row.
//! Each running hash works in a block of memory that is used again, and at most as many run as there are cores: a flood
//! of checks neither starves the HTTP workers nor eats the memory of a small computer.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::argon2_hash::{Argon2Hash, HashCost, SALT};
use super::{Digest, KeyId, Secrets, same};
use crate::metrics::Metrics;
use crate::random::Random;
use crate::verification::{Pin, RequestId};

#[derive(Debug, thiserror::Error)]
pub enum HasherError {
    #[error("argon2 cannot work with memory_kib = {}, iterations = {}, parallelism = {}: {reason}", cost.memory_kib, cost.iterations, cost.parallelism)]
    Cost { cost: HashCost, reason: String },
    #[error("a PIN hash failed: {0}")]
    Failed(String),
}

/// The peppers of a ring of keys, the current one's first.
pub(super) type Peppers = Vec<(KeyId, Zeroizing<Digest>)>;

/// Hashes and compares PINs.
#[derive(Clone)]
pub struct PinHasher {
    peppers: Arc<Peppers>,
    shared: Arc<Shared>,
    metrics: Option<Metrics>,
}

struct Shared {
    cost: HashCost,
    permits: Semaphore,
    /// Memory of hashes that are not running.
    memory: Mutex<Vec<Vec<Block>>>,
}

impl PinHasher {
    pub(super) fn new(peppers: Peppers, cost: HashCost) -> Result<Self, HasherError> {
        cost.params()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared { cost, permits: Semaphore::new(cores), memory: Mutex::default() };
        Ok(Self { peppers: Arc::new(peppers), shared: Arc::new(shared), metrics: None })
    }

    /// The same, and says how long PINs wait.
    pub fn counting(self, metrics: Metrics) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// The same threads and memory with the peppers of other secrets.
    pub fn with(&self, secrets: &Secrets) -> Self {
        Self { peppers: Arc::new(secrets.peppers()), ..self.clone() }
    }

    /// The key whose pepper a new hash takes.
    pub fn key_id(&self) -> KeyId {
        self.peppers[0].0
    }

    /// Hashes a new PIN of a verification.
    pub async fn hash(
        &self,
        random: &Random,
        pin: Pin,
        request: RequestId,
        generation: u32,
    ) -> Result<Argon2Hash, HasherError> {
        let salt = random.bytes();
        let cost = self.shared.cost;
        let digest = self.run(0, pin, request, generation, salt, cost).await?;
        Ok(Argon2Hash { cost, salt, digest })
    }

    /// Whether `pin` is the one that was hashed, with the pepper of `key`; where that is not on record, with any.
    pub async fn matches(
        &self,
        hash: Argon2Hash,
        key: Option<KeyId>,
        pin: Pin,
        request: RequestId,
        generation: u32,
    ) -> Result<bool, HasherError> {
        let mut found = false;
        for (index, (id, _)) in self.peppers.iter().enumerate() {
            if key.is_some_and(|key| key != *id) {
                continue;
            }
            let digest = self.run(index, pin.clone(), request, generation, hash.salt, hash.cost).await?;
            if same(&digest, &hash.digest) {
                return Ok(true);
            }
            found = true;
        }
        if found { Ok(false) } else { Err(HasherError::Failed("its key is not in the key file".to_owned())) }
    }

    async fn run(
        &self,
        pepper: usize,
        pin: Pin,
        request: RequestId,
        generation: u32,
        salt: [u8; SALT],
        cost: HashCost,
    ) -> Result<Digest, HasherError> {
        let failed = |error: &dyn std::fmt::Display| HasherError::Failed(error.to_string());
        let waiting = self.metrics.as_ref().map(Metrics::hash_waits);
        let _permit = self.shared.permits.acquire().await.map_err(|error| failed(&error))?;
        drop(waiting);
        let (shared, peppers) = (Arc::clone(&self.shared), Arc::clone(&self.peppers));
        tokio::task::spawn_blocking(move || shared.digest(&peppers[pepper].1, &pin, request, generation, salt, cost))
            .await
            .map_err(|error| failed(&error))?
    }
}

impl Shared {
    fn digest(
        &self,
        pepper: &Digest,
        pin: &Pin,
        request: RequestId,
        generation: u32,
        salt: [u8; SALT],
        cost: HashCost,
    ) -> Result<Digest, HasherError> {
        let params = cost.params()?;
        let blocks = params.block_count();
        let argon2 = Argon2::new_with_secret(pepper.as_slice(), Algorithm::Argon2id, Version::V0x13, params)
            .map_err(|error| HasherError::Failed(error.to_string()))?;
        let bound_salt = [salt.as_slice(), request.as_bytes(), &generation.to_be_bytes()].concat();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        memory.resize(blocks, Block::new());
        let mut digest = [0; 32];
        let result =
            argon2.hash_password_into_with_memory(pin.reveal().as_bytes(), &bound_salt, &mut digest, &mut memory);
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        result.map_err(|error| HasherError::Failed(error.to_string()))?;
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{MasterKey, Secrets};

    const COST: HashCost = HashCost { memory_kib: 64, iterations: 1, parallelism: 1 };

    fn hasher(seed: u64) -> PinHasher {
        Secrets::new(&MasterKey::generate(&Random::seeded(seed))).pin_hasher(COST).expect("a hasher")
    }

    fn pin(text: &str) -> Pin {
        Pin::new(text).expect("a PIN")
    }

    #[tokio::test]
    async fn only_the_right_pin_of_the_same_row_under_the_same_pepper_matches() {
        let random = Random::seeded(9);
        let request = RequestId::from_bytes([1; 16]);
        let hash = hasher(1).hash(&random, pin("4711"), request, 1).await.expect("a hash");
        let hash = Argon2Hash::from_bytes(&hash.to_bytes()).expect("the same hash");
        let matches = async |seed, text, request, generation| {
            hasher(seed).matches(hash.clone(), None, pin(text), request, generation).await.expect("a comparison")
        };
        assert!(matches(1, "4711", request, 1).await);
        assert!(!matches(1, "4712", request, 1).await);
        assert!(!matches(1, "4711", RequestId::from_bytes([2; 16]), 1).await);
        assert!(!matches(1, "4711", request, 2).await);
        assert!(!matches(2, "4711", request, 1).await);
    }

    #[tokio::test]
    async fn a_hash_of_another_key_of_the_ring_matches_and_one_of_no_key_of_it_is_a_fault() {
        let random = Random::seeded(9);
        let request = RequestId::from_bytes([1; 16]);
        let [old, new] = [1, 2].map(|seed| MasterKey::generate(&Random::seeded(seed)));
        let [before, after] = [&old, &new].map(Secrets::new);
        let hash = before.pin_hasher(COST).expect("a hasher").hash(&random, pin("4711"), request, 1).await;
        let hash = hash.expect("a hash");
        let ring = crate::secrets::KeyRing::new(vec![new, old]);
        let both = Secrets::of_ring(&ring, &after.check_value()).expect("a key of the ring");
        let hasher = before.pin_hasher(COST).expect("a hasher").with(&both);
        assert_eq!(hasher.key_id(), after.key_id());
        for (key, text, right) in [
            (None, "4711", true),
            (Some(before.key_id()), "4711", true),
            (None, "4712", false),
            (Some(after.key_id()), "4711", false),
        ] {
            assert_eq!(
                hasher.matches(hash.clone(), key, pin(text), request, 1).await.expect("compared"),
                right,
                "{key:?}"
            );
        }
        let strange = hasher.with(&after).matches(hash, Some(before.key_id()), pin("4711"), request, 1).await;
        assert!(matches!(strange, Err(HasherError::Failed(_))));
    }

    #[tokio::test]
    async fn the_same_pin_has_another_hash_every_time() {
        let random = Random::seeded(9);
        let request = RequestId::from_bytes([1; 16]);
        let hasher = hasher(1);
        let first = hasher.hash(&random, pin("4711"), request, 1).await.expect("a hash");
        let second = hasher.hash(&random, pin("4711"), request, 1).await.expect("a hash");
        assert!(first != second);
    }

    #[test]
    fn an_impossible_cost_is_refused_by_name() {
        let secrets = Secrets::new(&MasterKey::generate(&Random::seeded(1)));
        let error = secrets.pin_hasher(HashCost { memory_kib: 1, ..COST }).err().expect("too little").to_string();
        assert!(error.contains("memory_kib = 1"), "{error}");
    }

    #[test]
    fn octets_of_another_length_are_no_hash() {
        for length in [0, 11, 59, 61] {
            assert!(Argon2Hash::from_bytes(&vec![0; length]).is_none(), "{length}");
        }
    }
}
