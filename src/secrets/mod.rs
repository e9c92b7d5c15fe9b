//! Everything that needs the master key: sealing, keyed hashes, the pepper of the PIN hashes.
//!
//! The master key lives in a file outside the database (`key_file`). From it come the keys, one for each use, so
//! that none can be turned against another. Without the key file a stolen database gives away neither PINs nor numbers
//! nor API secrets.

mod hasher;
mod key_file;
mod password;

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::Random;

pub use hasher::{HashCost, HasherError, PinHash, PinHasher};
pub use key_file::{KeyFileError, MasterKey};
pub use password::{PasswordError, PasswordHash, PasswordHasher};

/// Octets of an XChaCha20 nonce.
const NONCE: usize = 24;

/// Octets of a Poly1305 tag.
const TAG: usize = 16;

/// A keyed hash: equality without the value.
pub type Digest = [u8; 32];

/// The keys of one installation.
#[derive(Clone)]
pub struct Secrets {
    sealing: Zeroizing<Digest>,
    numbers: Zeroizing<Digest>,
    api_secrets: Zeroizing<Digest>,
    admin: Zeroizing<Digest>,
    pepper: Zeroizing<Digest>,
    passwords: Zeroizing<Digest>,
    check: Digest,
}

/// A sealed value was made under another key, for another purpose, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened: it was changed, or sealed under another key or for another row")]
pub struct Unsealable;

impl Secrets {
    pub fn new(master: &MasterKey) -> Self {
        let derive = |purpose: &str| Zeroizing::new(keyed(master.octets(), purpose.as_bytes()));
        Self {
            sealing: derive("simverify sealing"),
            numbers: derive("simverify phone numbers"),
            api_secrets: derive("simverify api secrets"),
            admin: derive("simverify admin"),
            pepper: derive("simverify pin pepper"),
            passwords: derive("simverify password pepper"),
            check: *derive("simverify key check"),
        }
    }

    /// Says which key a database belongs to, and nothing about the key.
    pub fn check_value(&self) -> Digest {
        self.check
    }

    /// Encrypts and authenticates; `bound_to` must be given again to open.
    pub fn seal(&self, random: &Random, plain: &[u8], bound_to: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = random.bytes();
        let payload = Payload { msg: plain, aad: bound_to };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).expect("a short text can be sealed");
        [nonce.as_slice(), &sealed].concat()
    }

    /// How long a text is whose sealed form has this length.
    pub fn plain_length(sealed: usize) -> usize {
        sealed.saturating_sub(NONCE + TAG)
    }

    pub fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unsealable)?;
        let payload = Payload { msg: sealed, aad: bound_to };
        self.cipher().decrypt(&XNonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| Unsealable)
    }

    /// For equality of numbers: concurrency, look-up, blocklist, delivery reports.
    pub fn number_hash(&self, digits: &str) -> Digest {
        keyed(self.numbers.as_slice(), digits.as_bytes())
    }

    pub fn api_secret_hash(&self, secret: &str) -> Digest {
        keyed(self.api_secrets.as_slice(), secret.as_bytes())
    }

    /// For equality of messages that came in on one route.
    pub fn message_hash(&self, route: &str, pdu: &str) -> Digest {
        keyed(self.numbers.as_slice(), format!("message {route} {}", pdu.to_ascii_uppercase()).as_bytes())
    }

    /// A hash of a SIM and the PIN that was tried on it, to remember that this one was refused.
    pub fn sim_pin_hash(&self, sim: &str, pin: &str) -> Digest {
        keyed(self.numbers.as_slice(), format!("sim {sim} {pin}").as_bytes())
    }

    /// A hasher for PINs with this installation's pepper.
    pub fn pin_hasher(&self, cost: HashCost) -> Result<PinHasher, HasherError> {
        PinHasher::new(self.pepper.clone(), cost)
    }

    /// A hasher for passwords with this installation's pepper.
    pub fn password_hasher(&self) -> PasswordHasher {
        PasswordHasher::new(self.passwords.clone())
    }

    /// Of what an admin's browser shows, by what it is for: `session`, `form`, `origin` and so on.
    pub fn admin_hash(&self, purpose: &str, value: &str) -> Digest {
        keyed(self.admin.as_slice(), format!("{purpose} {value}").as_bytes())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.sealing).into())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(***)")
    }
}

/// Compares without telling by the time where two digests differ.
pub fn same(left: &Digest, right: &Digest) -> bool {
    left.ct_eq(right).into()
}

fn keyed(key: &[u8], message: &[u8]) -> Digest {
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(seed: u64) -> Secrets {
        Secrets::new(&MasterKey::generate(&Random::seeded(seed)))
    }

    #[test]
    fn a_sealed_value_opens_only_under_its_key_and_for_its_row() {
        let random = Random::seeded(3);
        let sealed = secrets(1).seal(&random, b"4711", b"row 1");
        assert!(!sealed.windows(4).any(|window| window == b"4711"));
        assert_eq!(Secrets::plain_length(sealed.len()), 4);
        assert_eq!(secrets(1).open(&sealed, b"row 1").as_deref().map(Vec::as_slice), Ok(b"4711".as_slice()));
        assert_eq!(secrets(1).open(&sealed, b"row 2"), Err(Unsealable));
        assert_eq!(secrets(2).open(&sealed, b"row 1"), Err(Unsealable));
        for octet in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[octet] ^= 1;
            assert_eq!(secrets(1).open(&changed, b"row 1"), Err(Unsealable), "octet {octet}");
            assert_eq!(secrets(1).open(&sealed[..octet], b"row 1"), Err(Unsealable), "cut at {octet}");
        }
    }

    #[test]
    fn the_same_value_is_sealed_differently_every_time() {
        let random = Random::seeded(3);
        assert_ne!(secrets(1).seal(&random, b"4711", b""), secrets(1).seal(&random, b"4711", b""));
    }

    #[test]
    fn each_use_has_a_hash_of_its_own() {
        let secrets = secrets(1);
        assert_ne!(secrets.number_hash("1"), secrets.api_secret_hash("1"));
        assert_ne!(secrets.check_value(), super::tests::secrets(2).check_value());
        assert_eq!(format!("{secrets:?}"), "Secrets(***)");
    }
}
