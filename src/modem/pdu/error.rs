//! What can be wrong with a PDU, coming or going.
//!
//! An error names the field and the octet, so that an operator can find it in a trace; it must never carry the
//! content of the PDU.

use thiserror::Error;

/// A PDU that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{field} at octet {offset}: {reason}")]
pub struct DecodeError {
    /// The field as 3GPP TS 23.040 calls it, e.g. `TP-UDL`; `SMSC` for the part in front, `PDU` for the whole.
    pub field: &'static str,
    /// Octets from the beginning of what was given to the decoder, the SMSC part included.
    pub offset: usize,
    pub reason: Reason,
}

/// Why a field could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Reason {
    #[error("not a pair of hexadecimal digits")]
    NotHex,
    #[error("one hexadecimal digit, and the other one of the octet is missing")]
    HalfOctet,
    #[error("the PDU ends too early, octets missing: {missing}; read it again from the modem")]
    Truncated { missing: usize },
    #[error("longer than any PDU can be")]
    TooLong,
    #[error("the header is longer than the user data that holds it")]
    HeaderTooLong,
    #[error("a message of type {0}, which no modem hands out in this direction")]
    MessageType(u8),
}

/// A message that could not be turned into PDUs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum EncodeError {
    #[error("the number is not 1 to {max} digits without a plus sign", max = super::address::DIGITS_MAX)]
    Number,
    #[error("the message needs {parts} parts, and {max} is the most; shorten it", max = super::text::PARTS_MAX)]
    TooManyParts { parts: usize },
}
