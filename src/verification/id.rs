//! Names of things: each kind of id has its own type.

use std::fmt;
use std::str::FromStr;

/// Says why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct InvalidId;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $octets:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $octets]);

        impl $name {
            /// From random octets.
            pub const fn from_bytes(bytes: [u8; $octets]) -> Self {
                Self(bytes)
            }

            pub const fn as_bytes(&self) -> &[u8; $octets] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Lower-case hex digits only: there is one way to write an id.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let text = text.as_bytes();
                if text.len() != $octets * 2 {
                    return Err(InvalidId);
                }
                let mut bytes = [0; $octets];
                for (octet, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
                    *octet = nibble(pair[0])? << 4 | nibble(pair[1])?;
                }
                Ok(Self(bytes))
            }
        }
    };
}

fn nibble(digit: u8) -> Result<u8, InvalidId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidId),
    }
}

hex_id!(
    /// A verification's public name: 32 lower-case hex digits.
    RequestId,
    16
);

hex_id!(
    /// An event's public name: 16 lower-case hex digits.
    EventId,
    8
);

hex_id!(
    /// An attempt's name towards a provider, which nobody can guess: 16 lower-case hex digits.
    Reference,
    8
);

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

row_id!(
    /// An account's row.
    AccountId
);
row_id!(
    /// A verification's row.
    VerificationId
);
row_id!(
    /// A row of the outbox: one try of an event on one route.
    AttemptId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_writes_and_nothing_else() {
        let id = RequestId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ab", &"AB".repeat(16), &"ag".repeat(16), &"ab".repeat(17), &"é".repeat(16)] {
            assert_eq!(text.parse::<RequestId>(), Err(InvalidId), "{text}");
        }
    }
}
