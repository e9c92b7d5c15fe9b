//! How single fields are read: bounds, units, lists.
//!
//! Their errors are clauses that begin with "must"; the reader adds layer, key and value.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// An optional value that is absent when its text is empty.
pub(super) fn unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: fmt::Display>,
{
    deserializer.deserialize_string(OptionalTextVisitor(PhantomData))
}

/// A value that its text makes.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: fmt::Display>,
{
    deserializer.deserialize_string(TextVisitor(PhantomData))
}

struct OptionalTextVisitor<T>(PhantomData<T>);

impl<T: TryFrom<String, Error: fmt::Display>> Visitor<'_> for OptionalTextVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TextVisitor::<T>(PhantomData).expecting(f)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        if text.is_empty() { Ok(None) } else { TextVisitor(PhantomData).visit_str(text).map(Some) }
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TryFrom<String, Error: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    /// The type's own rule, which text that no rule allows elicits.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match T::try_from("\0".to_owned()) {
            Err(rule) => f.write_str(rule.to_string().trim_start_matches("must be ")),
            Ok(_) => f.write_str("a string"),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text.to_owned()).map_err(E::custom)
    }
}

/// A path that must be given.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must be the path of a file")) } else { Ok(text.into()) }
}

/// A whole number within bounds.
pub(super) fn whole<'de, D, T, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    deserializer
        .deserialize_u64(WholeVisitor::<MIN, MAX>)
        .map(|number| T::try_from(number).unwrap_or_else(|_| unreachable!("the bounds fit the field's type")))
}

struct WholeVisitor<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Visitor<'_> for WholeVisitor<MIN, MAX> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number)
            .ok()
            .filter(|number| (MIN..=MAX).contains(number))
            .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        i64::try_from(number)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            .and_then(|number| self.visit_i64(number))
    }
}

/// A whole number of seconds within bounds.
pub(super) fn seconds<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    whole::<D, u64, MIN, MAX>(deserializer).map(Duration::from_secs)
}

/// A whole number of seconds up to a bound, where 0 means none.
pub(super) fn seconds_unless_zero<'de, D: Deserializer<'de>, const MAX: u64>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    seconds::<D, 0, MAX>(deserializer).map(|wait| (!wait.is_zero()).then_some(wait))
}

/// A whole number of days within bounds.
pub(super) fn days<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    whole::<D, u64, MIN, MAX>(deserializer).map(|days| Duration::from_secs(days * 86_400))
}

/// Days up to a bound, where 0 means that they are not set.
pub(super) fn days_unless_zero<'de, D: Deserializer<'de>, const MAX: u64>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    days::<D, 0, MAX>(deserializer).map(|days| (!days.is_zero()).then_some(days))
}

/// A limit up to a bound, where 0 means none.
pub(super) fn limit<'de, D: Deserializer<'de>, const MAX: u64>(
    deserializer: D,
) -> Result<Option<NonZeroU32>, D::Error> {
    whole::<D, u32, 0, MAX>(deserializer).map(NonZeroU32::new)
}

/// Four or six.
pub(super) fn code_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match whole::<D, u8, 0, { u8::MAX as u64 }>(deserializer) {
        Ok(length @ (4 | 6)) => Ok(length),
        Ok(_) | Err(_) => Err(de::Error::custom("must be 4 or 6")),
    }
}

/// Addresses that must be given: one, or a list.
pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let addresses = optional_addresses(deserializer)?;
    if addresses.is_empty() { Err(de::Error::custom(ADDRESS_ALLOWED)) } else { Ok(addresses) }
}

/// Addresses: one, a list, or none for empty text.
pub(super) fn optional_addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    deserializer.deserialize_any(AddressesVisitor)
}

const ADDRESS_ALLOWED: &str =
    "must be an IP address with a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\", or a list of them";

struct AddressesVisitor;

impl AddressesVisitor {
    fn one<E: de::Error>(text: &str) -> Result<SocketAddr, E> {
        text.trim().parse().map_err(|_| E::custom(ADDRESS_ALLOWED))
    }
}

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Vec<SocketAddr>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ADDRESS_ALLOWED.trim_start_matches("must be "))
    }

    /// Commas divide a list that a layer of text can only write so.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.trim().is_empty() { Ok(Vec::new()) } else { text.split(',').map(Self::one).collect() }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut addresses = Vec::new();
        while let Some(text) = elements.next_element::<String>()? {
            let address = Self::one(&text)?;
            if addresses.contains(&address) {
                return Err(de::Error::custom(format_args!("must name {address} once")));
            }
            addresses.push(address);
        }
        Ok(addresses)
    }
}
