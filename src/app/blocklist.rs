//! Numbers and prefixes that are never verified.

use std::fmt;
use std::str::FromStr;

use super::types::Internal;
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::secrets::{Digest, Secrets};
use crate::store::{BlockOrigin, BlockRow, Store, StoreError, Tx};

/// One entry: a whole number, or the digits that numbers begin with.
#[derive(Clone, PartialEq, Eq)]
pub enum BlocklistEntry {
    Number(PhoneNumber),
    /// 1–15 digits, calling code first.
    Prefix(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number in international form such as +447700900123, or a prefix with a star behind it such as +44909*")]
pub struct InvalidEntry;

impl FromStr for BlocklistEntry {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let Some(prefix) = text.trim().strip_suffix('*') else {
            return PhoneNumber::parse(text.trim(), None).map(Self::Number).map_err(|_| InvalidEntry);
        };
        // A trunk zero in brackets is no part of the international form.
        let prefix = prefix.replace("(0)", "");
        let digits: String = prefix.chars().filter(|character| !" -()./".contains(*character)).collect();
        let digits = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")).unwrap_or(&digits);
        let fits = (1..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(Self::Prefix(digits.to_owned())) } else { Err(InvalidEntry) }
    }
}

/// Digits of a number, calling code included (E.164 §6.1).
const DIGITS_MAX: usize = 15;

/// The whole entry, for the operator alone.
impl fmt::Display for BlocklistEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "+{}", number.digits()),
            Self::Prefix(digits) => write!(f, "+{digits}*"),
        }
    }
}

impl fmt::Debug for BlocklistEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "Number(***)",
            Self::Prefix(_) => "Prefix(***)",
        })
    }
}

impl BlocklistEntry {
    /// For a page, and for the log. A prefix is nobody's number.
    pub fn masked(&self) -> String {
        match self {
            Self::Number(number) => number.masked(),
            Self::Prefix(_) => self.to_string(),
        }
    }

    /// Under every key, the current one's first.
    pub(super) fn hashes(&self, secrets: &Secrets) -> Vec<Digest> {
        match self {
            Self::Number(number) => secrets.number_hashes(number.digits()),
            Self::Prefix(digits) => prefix_hashes(secrets, digits),
        }
    }
}

/// The hashes of every entry that would block a number.
pub(super) fn hashes_of(secrets: &Secrets, number: &PhoneNumber) -> Vec<Digest> {
    let digits = number.digits();
    let prefixes = (1..=digits.len()).flat_map(|length| prefix_hashes(secrets, &digits[..length]));
    prefixes.chain(secrets.number_hashes(digits)).collect()
}

/// No number has a star in it, so that no prefix is taken for a number.
fn prefix_hashes(secrets: &Secrets, digits: &str) -> Vec<Digest> {
    secrets.number_hashes(&format!("{digits}*"))
}

/// Blocks a number or a prefix. Says whether it was not blocked before.
pub async fn block(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    entry: &BlocklistEntry,
) -> Result<bool, StoreError> {
    let row = row(secrets, random, now, entry, BlockOrigin::Operator);
    let (under, hashes) = (secrets.check_value(), entry.hashes(secrets));
    store
        .write(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            let known = tx.is_blocked(&hashes)?;
            tx.insert_block(&row)?;
            Ok(!known)
        })
        .await
}

pub(super) fn row(
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    entry: &BlocklistEntry,
    origin: BlockOrigin,
) -> BlockRow {
    let hash = entry.hashes(secrets)[0];
    let sealed = secrets.seal(random, entry.to_string().as_bytes(), &binding(&hash));
    BlockRow { hash, sealed, created: now, origin }
}

/// Takes an entry back. Says whether there was one.
pub async fn unblock(store: &Store, secrets: &Secrets, entry: &BlocklistEntry) -> Result<bool, StoreError> {
    let (under, hashes) = (secrets.check_value(), entry.hashes(secrets));
    store
        .write(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            let mut removed = false;
            for hash in &hashes {
                removed |= tx.delete_block(hash)?;
            }
            Ok(removed)
        })
        .await
}

/// An entry as the operator sees it.
pub struct Blocked {
    /// Whole.
    pub entry: String,
    pub since: Timestamp,
    pub origin: BlockOrigin,
}

impl Blocked {
    /// For a list. A prefix is nobody's number.
    pub fn masked(&self) -> String {
        PhoneNumber::parse(&self.entry, None).map_or_else(|_| self.entry.clone(), |number| number.masked())
    }
}

/// All entries, oldest first.
pub async fn blocked(store: &Store, secrets: &Secrets) -> Result<Vec<Blocked>, Internal> {
    let rows = store.read(|tx: &Tx| tx.blocks()).await?;
    let blocked = |row: BlockRow| Ok(Blocked { entry: opened(secrets, &row)?, since: row.created, origin: row.origin });
    rows.into_iter().map(blocked).collect()
}

pub(super) fn opened(secrets: &Secrets, row: &BlockRow) -> Result<String, StoreError> {
    let broken = || StoreError::Row("an entry of the blocklist cannot be opened".to_owned());
    let plain = secrets.open(&row.sealed, &binding(&row.hash)).map_err(|_| broken())?;
    std::str::from_utf8(&plain).map(str::to_owned).map_err(|_| broken())
}

pub(super) fn binding(hash: &Digest) -> Vec<u8> {
    [b"blocklist".as_slice(), hash].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<BlocklistEntry>().ok().map(|entry| entry.to_string())
    }

    #[test]
    fn an_entry_is_a_number_or_a_prefix_however_written() {
        for text in ["+44 7700 900123", "447700900123", "0044 (7700) 900-123"] {
            assert_eq!(read(text).as_deref(), Some("+447700900123"), "{text}");
        }
        for text in ["+44 909*", "44909*", "+44 (0)909*", "0044909*", " +44-909* "] {
            assert_eq!(read(text).as_deref(), Some("+44909*"), "{text}");
        }
        for text in ["", "*", "+*", "0*", "+44*9", "44**", "abc*", "07700900123", "1234567890123456*"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_number() {
        let entry: BlocklistEntry = "+447700900123".parse().expect("a number");
        assert_eq!(format!("{entry:?}"), "Number(***)");
    }
}
