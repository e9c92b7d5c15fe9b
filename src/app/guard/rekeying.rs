//! Counts under several master keys: while another key takes the present one's place, what was counted of somebody stands
//! under the hash of either. What is counted is written under the current key only; before that, and before a final look,
//! what stands under the others is brought there. So a change of keys gives nobody fresh tries.
//!
//! A rotation brings the rest: numbers and their prefixes from the verifications that hold them sealed, accounts,
//! addresses that a verdict names. A count of which no plain text is left, such as that of an address without a verdict
//! or of a number that was wiped, matches nothing under the new key; it ages out like any other.

use super::{BINDING, account_text, address_text};
use crate::fraud::limit::Scope;
use crate::fraud::prefix::{Level, Prefix};
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::secrets::{Digest, Secrets, Unsealable};
use crate::store::{PrefixHashes, StoreError, Tx};
use crate::verification::{AccountId, VerificationId};

/// The hash to count somebody by, and those under the other keys of the ring.
#[derive(Clone)]
pub struct Keyed {
    pub hash: Digest,
    others: Vec<Digest>,
}

impl Keyed {
    pub fn new(secrets: &Secrets, text: &str) -> Self {
        let mut hashes = secrets.number_hashes(text);
        let others = hashes.split_off(1);
        Self { hash: hashes[0], others }
    }

    pub fn account(secrets: &Secrets, account: AccountId) -> Self {
        Self::new(secrets, &account_text(account))
    }

    pub fn all(&self) -> impl Iterator<Item = &Digest> {
        [&self.hash].into_iter().chain(&self.others)
    }

    pub fn rekey(&self, tx: &Tx) -> Result<(), StoreError> {
        let scopes = scopes();
        self.others.iter().try_for_each(|other| tx.rekey_subject(other, &self.hash, &scopes))
    }
}

/// Every scope in which something is counted by a hash.
pub fn scopes() -> Vec<&'static str> {
    Scope::ALL.into_iter().map(Scope::as_str).chain([super::guesses::SCOPE]).collect()
}

/// What is counted beside a verification whose number is made anew under the current key.
#[derive(Clone)]
pub struct Beside {
    number: Keyed,
    prefixes: [Keyed; 3],
}

impl Beside {
    pub fn of(secrets: &Secrets, digits: &str) -> Option<Self> {
        let number = PhoneNumber::parse(&format!("+{digits}"), None).ok()?;
        let prefixes = Level::ALL.map(|level| Keyed::new(secrets, &Prefix::of(&number, level).key()));
        Some(Self { number: Keyed::new(secrets, digits), prefixes })
    }

    pub fn write(&self, tx: &Tx, verification: VerificationId) -> Result<(), StoreError> {
        [&self.number].into_iter().chain(&self.prefixes).try_for_each(|keyed| keyed.rekey(tx))?;
        let hashes: PrefixHashes = self.prefixes.each_ref().map(|keyed| keyed.hash);
        tx.rekey_tallied(verification, &hashes)
    }
}

/// A text for the operator that is sealed under the current key, and whose hash may be made anew.
pub struct Renewed {
    pub sealed: Vec<u8>,
    keyed: Option<Keyed>,
}

impl Renewed {
    /// `None`: it is under the current key. `scope`: what its subject is.
    pub fn of(secrets: &Secrets, random: &Random, sealed: &[u8], scope: &str) -> Result<Option<Self>, Unsealable> {
        if secrets.is_current(sealed, BINDING) {
            return Ok(None);
        }
        let plain = secrets.open(sealed, BINDING)?;
        let shown = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
        // A number is shown masked, an account by its key: both are brought over from where they stand whole.
        let text = match scope {
            "address" => Some(address_text(shown)),
            "country" => Some(Prefix::key_of(Level::Country, shown)),
            "range" => Some(Prefix::key_of(Level::Range, shown)),
            "block" | "prefix" | "voice_prefix" => Some(Prefix::key_of(Level::Block, shown)),
            _ => None,
        };
        let keyed = text.map(|text| Keyed::new(secrets, &text));
        Ok(Some(Self { sealed: secrets.seal(random, &plain, BINDING), keyed }))
    }

    /// Brings over what is counted of the subject.
    pub fn rekey(&self, tx: &Tx) -> Result<(), StoreError> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.rekey(tx))
    }
}
