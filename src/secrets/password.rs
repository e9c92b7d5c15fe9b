//! Passwords of people: argon2id, one at a time.
//!
//! Without the master key's pepper: a password is known to nobody here, so that its hash could not be made again under
//! another key. A password has the length that a PIN lacks.
//!
//! One at a time is enough for those who look after an installation, and bounds what a flood of logins costs the
//! requests that hash PINs beside it. Further ones wait in order, up to a bound.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::argon2_hash::{Argon2Hash, HashCost, SALT};
use super::hasher::HasherError;
use super::{Digest, same};
use crate::random::Random;

/// OWASP's second set: 19 MiB, two passes.
const COST: HashCost = HashCost { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 };

/// Passwords that may wait for their turn: the last of them waits for about a second.
const WAITING_MAX: usize = 16;

#[derive(Clone)]
pub struct PasswordHasher {
    cost: HashCost,
    turn: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords wait to be compared")]
    Busy,
    #[error(transparent)]
    Hasher(#[from] HasherError),
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self { cost: COST, turn: Arc::new(Semaphore::new(1)), waiting: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl PasswordHasher {
    pub async fn hash(&self, random: &Random, password: &SecretString) -> Result<Argon2Hash, PasswordError> {
        let (salt, cost) = (random.bytes(), self.cost);
        let digest = self.run(password.clone(), salt, cost).await?;
        Ok(Argon2Hash { cost, salt, digest })
    }

    /// Whether `password` is the one that was hashed. Without a hash it is not, at the same cost.
    pub async fn matches(&self, hash: Option<Argon2Hash>, password: &SecretString) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(Argon2Hash { cost: self.cost, salt: [0; SALT], digest: [0; 32] });
        let digest = self.run(password.clone(), hash.salt, hash.cost).await?;
        Ok(same(&digest, &hash.digest) & known)
    }

    async fn run(&self, password: SecretString, salt: [u8; SALT], cost: HashCost) -> Result<Digest, PasswordError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let failed = |error: &dyn std::fmt::Display| HasherError::Failed(error.to_string());
        let digest = tokio::task::spawn_blocking(move || {
            // Held for as long as the work lasts, even if nobody waits for it any more.
            let _turn = turn;
            let params = cost.params()?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut digest = [0; 32];
            argon2
                .hash_password_into(password.expose_secret().as_bytes(), &salt, &mut digest)
                .map_err(|error| failed(&error))?;
            Ok::<_, HasherError>(digest)
        });
        Ok(digest.await.map_err(|error| HasherError::Failed(error.to_string()))??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let hasher = PasswordHasher::default();
        let password = SecretString::from("correct horse battery");
        let hash = hasher.hash(&Random::seeded(2), &password).await.expect("a hash");
        let hash = Argon2Hash::from_bytes(&hash.to_bytes()).expect("the same hash");
        let matches = async |hash, password: &str| hasher.matches(hash, &password.into()).await.expect("a comparison");
        assert!(matches(Some(hash.clone()), "correct horse battery").await);
        assert!(!matches(Some(hash), "correct horse batterz").await);
        assert!(!matches(None, "correct horse battery").await);
    }

    #[tokio::test]
    async fn a_flood_of_logins_is_turned_away_and_does_not_queue_up() {
        let hasher = PasswordHasher::default();
        let turn = Arc::clone(&hasher.turn).acquire_owned().await.expect("the turn");
        let password = SecretString::from("x");
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(hasher.matches(None, &password))).collect();
        for one in &mut waiting {
            tokio::select! {
                biased;
                _ = one => panic!("it has no turn"),
                () = std::future::ready(()) => {}
            }
        }
        assert!(matches!(hasher.matches(None, &password).await, Err(PasswordError::Busy)));
        drop((waiting, turn));
    }

    #[test]
    fn octets_of_another_length_are_no_hash() {
        for length in [0, 11, 59, 61] {
            assert!(Argon2Hash::from_bytes(&vec![0; length]).is_none(), "{length}");
        }
    }
}
