//! Everything that needs the master key: sealing, keyed hashes, the pepper of the PIN hashes.
//!
//! The master key lives in a file outside the database (`key_file`). From it come the keys, one for each use, so
//! that none can be turned against another. Without the key file a stolen database gives away neither PINs nor numbers
//! nor API secrets.
//!
//! While one master key takes another's place there are two: everything is sealed and hashed under the current one, and
//! what was made under the other can be read and found.

mod argon2_hash;
mod hasher;
mod key_file;
mod password;

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::random::Random;

pub use argon2_hash::{Argon2Hash, HashCost};
pub use hasher::{HasherError, PinHasher};
pub use key_file::{KeyFileError, KeyRing, MasterKey};
pub use password::{PasswordError, PasswordHasher};

/// Octets of an XChaCha20 nonce.
const NONCE: usize = 24;

/// Octets of a Poly1305 tag.
const TAG: usize = 16;

/// A keyed hash: equality without the value.
pub type Digest = [u8; 32];

/// Octets by which a master key is named where it must be told apart from others.
const KEY_ID: usize = 8;

/// Names a master key and says nothing about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; KEY_ID]);

impl KeyId {
    pub fn from_bytes(bytes: [u8; KEY_ID]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; KEY_ID] {
        &self.0
    }
}

/// As people compare it: four groups of four hex digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks(2).enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{:02x}{:02x}", pair[0], pair[1])?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The keys of one installation. The first is the current one.
#[derive(Clone)]
pub struct Secrets {
    ring: Arc<[Keys]>,
}

/// What comes from one master key.
struct Keys {
    sealing: Zeroizing<Digest>,
    numbers: Zeroizing<Digest>,
    api_secrets: Zeroizing<Digest>,
    admin: Zeroizing<Digest>,
    pepper: Zeroizing<Digest>,
    check: Digest,
}

impl Keys {
    fn new(master: &MasterKey) -> Self {
        let derive = |purpose: &str| Zeroizing::new(keyed(master.octets(), purpose.as_bytes()));
        Self {
            sealing: derive("simverify sealing"),
            numbers: derive("simverify phone numbers"),
            api_secrets: derive("simverify api secrets"),
            admin: derive("simverify admin"),
            pepper: derive("simverify pin pepper"),
            check: *derive("simverify key check"),
        }
    }

    fn id(&self) -> KeyId {
        key_id(&self.check)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.sealing).into())
    }

    fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(Unsealable)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unsealable)?;
        let payload = Payload { msg: sealed, aad: bound_to };
        self.cipher().decrypt(&XNonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| Unsealable)
    }
}

/// The name of the key of which a database keeps this check value.
pub fn key_id(check: &Digest) -> KeyId {
    let mut id = [0; KEY_ID];
    id.copy_from_slice(&check[..KEY_ID]);
    KeyId(id)
}

/// A sealed value was made under another key, for another purpose, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened: it was changed, or sealed under another key or for another row")]
pub struct Unsealable;

impl Secrets {
    /// Keys of the ring.
    pub fn key_count(&self) -> usize {
        self.ring.len()
    }

    /// Of one master key alone.
    pub fn new(master: &MasterKey) -> Self {
        Self { ring: Arc::new([Keys::new(master)]) }
    }

    /// Of a ring, of which the key with this check value is the current one. `None`: none of them is.
    pub fn of_ring(ring: &KeyRing, current: &Digest) -> Option<Self> {
        let mut keys: Vec<_> = ring.keys().iter().map(Keys::new).collect();
        let place = keys.iter().position(|keys| keys.check == *current)?;
        keys[..=place].rotate_right(1);
        Some(Self { ring: keys.into() })
    }

    fn current(&self) -> &Keys {
        &self.ring[0]
    }

    /// Says which key a database belongs to, and nothing about the key.
    pub fn check_value(&self) -> Digest {
        self.current().check
    }

    /// The name of the current key.
    pub fn key_id(&self) -> KeyId {
        self.current().id()
    }

    /// Encrypts and authenticates; `bound_to` must be given again to open.
    pub fn seal(&self, random: &Random, plain: &[u8], bound_to: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = random.bytes();
        let payload = Payload { msg: plain, aad: bound_to };
        let cipher = self.current().cipher();
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).expect("a short text can be sealed");
        [nonce.as_slice(), &sealed].concat()
    }

    /// How long a text is whose sealed form has this length.
    pub fn plain_length(sealed: usize) -> usize {
        sealed.saturating_sub(NONCE + TAG)
    }

    /// Opens what was sealed under any key of the ring.
    pub fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        self.ring.iter().find_map(|keys| keys.open(sealed, bound_to).ok()).ok_or(Unsealable)
    }

    /// Whether it is sealed under the current key.
    pub fn is_current(&self, sealed: &[u8], bound_to: &[u8]) -> bool {
        self.current().open(sealed, bound_to).is_ok()
    }

    /// For equality of numbers: concurrency, look-up, blocklist, delivery reports.
    pub fn number_hash(&self, digits: &str) -> Digest {
        keyed(self.current().numbers.as_slice(), digits.as_bytes())
    }

    /// The same under every key of the ring: what to look for.
    pub fn number_hashes(&self, digits: &str) -> Vec<Digest> {
        self.ring.iter().map(|keys| keyed(keys.numbers.as_slice(), digits.as_bytes())).collect()
    }

    pub fn api_secret_hash(&self, secret: &str) -> Digest {
        keyed(self.current().api_secrets.as_slice(), secret.as_bytes())
    }

    /// The same under every key of the ring.
    pub fn api_secret_hashes(&self, secret: &str) -> Vec<Digest> {
        self.ring.iter().map(|keys| keyed(keys.api_secrets.as_slice(), secret.as_bytes())).collect()
    }

    /// For equality of messages that came in on one route.
    pub fn message_hash(&self, route: &str, pdu: &str) -> Digest {
        self.number_hash(&message_text(route, pdu))
    }

    /// The same under every key of the ring.
    pub fn message_hashes(&self, route: &str, pdu: &str) -> Vec<Digest> {
        self.number_hashes(&message_text(route, pdu))
    }

    /// Hashes of a SIM and the PIN that was tried on it, to remember that this one was refused: the one to keep first.
    /// `kept` is the [`Self::sim_pin_key`] of a master key that was or is to be retired.
    pub fn sim_pin_hashes(&self, sim: &str, pin: &str, kept: Option<&[u8]>) -> Vec<Digest> {
        let text = format!("sim {sim} {pin}");
        let kept = kept.map(|key| keyed(key, text.as_bytes()));
        kept.into_iter().chain(self.number_hashes(&text)).collect()
    }

    /// The current key of those hashes, which cannot be made again under another: a SIM's PIN stands nowhere.
    pub fn sim_pin_key(&self) -> &[u8] {
        self.current().numbers.as_slice()
    }

    /// A hasher for PINs with this installation's peppers.
    pub fn pin_hasher(&self, cost: HashCost) -> Result<PinHasher, HasherError> {
        PinHasher::new(self.peppers(), cost)
    }

    /// Of what an admin's browser shows, by what it is for: `session`, `form`, `origin` and so on.
    pub fn admin_hash(&self, purpose: &str, value: &str) -> Digest {
        keyed(self.current().admin.as_slice(), format!("{purpose} {value}").as_bytes())
    }

    fn peppers(&self) -> hasher::Peppers {
        self.ring.iter().map(|keys| (keys.id(), keys.pepper.clone())).collect()
    }
}

fn message_text(route: &str, pdu: &str) -> String {
    format!("message {route} {}", pdu.to_ascii_uppercase())
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
    fn a_ring_seals_under_its_current_key_and_opens_what_any_of_its_keys_sealed() {
        let random = Random::seeded(3);
        let [old, new, strange] = [1, 2, 3].map(|seed| MasterKey::generate(&Random::seeded(seed)));
        let ring = KeyRing::new(vec![new.clone(), old.clone()]);
        let before = Secrets::of_ring(&ring, &Secrets::new(&old).check_value()).expect("a key of the ring");
        let after = Secrets::of_ring(&ring, &Secrets::new(&new).check_value()).expect("a key of the ring");
        assert!(Secrets::of_ring(&ring, &Secrets::new(&strange).check_value()).is_none());
        for (secrets, current, other) in [(&before, &old, &new), (&after, &new, &old)] {
            let sealed = secrets.seal(&random, b"4711", b"row 1");
            assert!(secrets.is_current(&sealed, b"row 1"));
            assert!(Secrets::new(current).open(&sealed, b"row 1").is_ok());
            assert!(Secrets::new(other).open(&sealed, b"row 1").is_err());
            let foreign = Secrets::new(other).seal(&random, b"4711", b"row 1");
            assert!(secrets.open(&foreign, b"row 1").is_ok() && !secrets.is_current(&foreign, b"row 1"));
            assert_eq!(secrets.number_hash("1"), Secrets::new(current).number_hash("1"));
            assert_eq!(secrets.number_hashes("1")[0], secrets.number_hash("1"));
            assert_eq!(secrets.number_hashes("1")[1], Secrets::new(other).number_hash("1"));
            assert_eq!(secrets.key_id(), Secrets::new(current).key_id());
        }
    }

    #[test]
    fn each_use_has_a_hash_of_its_own() {
        let secrets = secrets(1);
        assert_ne!(secrets.number_hash("1"), secrets.api_secret_hash("1"));
        assert_ne!(secrets.check_value(), super::tests::secrets(2).check_value());
        assert_eq!(format!("{secrets:?}"), "Secrets(***)");
    }
}
