//! SMS PDUs (3GPP TS 23.040): encode and decode. Pure.
//!
//! What goes out is strict: the forms that every modem and phone takes. What comes in is read liberally, as
//! networks and modems deviate: reserved values mean what the standard tells receivers, times may be nonsense, octets
//! may follow the end. No input panics, and no `Debug` shows a number or a text.
//!
//! ```text
//! SMSC │ first octet │ number, times, … │ TP-DCS │ TP-UDL │ [header] text
//!  └ address            address            coding            body ← header, septets, gsm7, national
//! ```

mod address;
mod body;
mod coding;
mod concat;
mod deliver;
mod error;
mod gsm7;
mod header;
mod hex;
mod national;
mod reader;
mod report;
mod septets;
mod submit;
mod text;
mod timestamp;
mod validity;

pub use address::{Address, NumberType};
pub use body::Body;
pub use coding::Alphabet;
pub use concat::{Joined, Joiner};
pub use deliver::Deliver;
pub use error::{DecodeError, EncodeError, Reason};
pub use header::{Concat, Element, Header, Ports};
pub use national::Language;
pub use report::{StatusReport, Verdict};
pub use submit::{Submit, SubmitOptions, SubmitPart, encode_submit, encode_submit_octets, encode_submit_to};
pub use text::{alphabet_of, fits_one_part, part_count};
pub use timestamp::NetworkTime;
pub use validity::Validity;

use std::cmp::Ordering;

use reader::Reader;

/// Which way a PDU travels: the same type bits mean another message each way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the network to the phone: messages and delivery reports.
    Received,
    /// From the phone to the network: what was submitted.
    Sent,
}

/// A PDU, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pdu {
    Deliver(Deliver),
    Submit(Submit),
    StatusReport(StatusReport),
}

/// Reads a PDU as modems print it: hexadecimal, the service centre part first.
///
/// # Errors
///
/// Names the field and the octet where the reading stopped.
pub fn decode(hex: &str, direction: Direction) -> Result<Pdu, DecodeError> {
    decode_octets(&hex::from_hex(hex)?, direction)
}

/// The octets of user data in hexadecimal, of any length.
///
/// # Errors
///
/// Names the octet that is none.
pub fn user_data(hex: &str) -> Result<Vec<u8>, DecodeError> {
    hex::octets(hex.as_bytes(), "TP-UD")
}

/// As [`decode`], of a PDU of which nobody knows which way it travels: its type tells, as a modem prints only messages,
/// submitted or received, and delivery reports.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_any(hex: &str) -> Result<Pdu, DecodeError> {
    let octets = hex::from_hex(hex)?;
    let received = || decode_octets(&octets, Direction::Received);
    match decode_exactly(&octets, Direction::Received) {
        // A report with an octet too many in front can look so too.
        Err(DecodeError { reason: Reason::MessageType(1), .. }) => {
            decode_octets(&octets, Direction::Sent).or_else(|error| received().map_err(|_| error))
        }
        Ok(_) | Err(_) => received(),
    }
}

/// As [`decode_any`], of a PDU that has no service centre part at all.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_any_bare(hex: &str) -> Result<Pdu, DecodeError> {
    let octets = hex::from_hex(hex)?;
    match decode_bare(&octets, Direction::Received) {
        Err(DecodeError { reason: Reason::MessageType(1), .. }) => decode_bare(&octets, Direction::Sent),
        received => received,
    }
}

/// As [`decode`], of octets.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_octets(octets: &[u8], direction: Direction) -> Result<Pdu, DecodeError> {
    let first = decode_exactly(octets, direction);
    if is_plausible(&first) {
        return first;
    }
    // Sticks of ZTE put an octet too many in front of delivery reports. Times and recipient of a report say whether
    // leaving it out makes sense of the rest.
    match octets.get(1..).map(|octets| decode_exactly(octets, direction)) {
        Some(Ok(Pdu::StatusReport(report))) if report.is_plausible() => Ok(Pdu::StatusReport(report)),
        _ => first,
    }
}

/// As [`decode`], of a PDU that may lack its service centre part: `length` is the number of octets behind that part,
/// as the modem announced it (`+CMT: ,length`, `+CMGR: …,length`). A line of just that length has no such part.
///
/// # Errors
///
/// As [`decode`]; and if the line is shorter than announced, for then the serial line has lost something of it.
pub fn decode_announced(hex: &str, length: usize, direction: Direction) -> Result<Pdu, DecodeError> {
    let octets = hex::from_hex(hex)?;
    match octets.len().cmp(&length) {
        Ordering::Greater => decode_octets(&octets, direction),
        Ordering::Equal => decode_bare(&octets, direction),
        Ordering::Less => Err(DecodeError {
            field: "PDU",
            offset: octets.len(),
            reason: Reason::Truncated { missing: length - octets.len() },
        }),
    }
}

/// Reads a PDU that has no service centre part at all.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_bare(octets: &[u8], direction: Direction) -> Result<Pdu, DecodeError> {
    read(&mut Reader::new(octets), None, direction)
}

fn decode_exactly(octets: &[u8], direction: Direction) -> Result<Pdu, DecodeError> {
    let mut reader = Reader::new(octets);
    let smsc = Address::read_service_centre(&mut reader)?;
    read(&mut reader, smsc, direction)
}

fn read(reader: &mut Reader<'_>, smsc: Option<Address>, direction: Direction) -> Result<Pdu, DecodeError> {
    let start = reader.clone();
    let first_octet = reader.octet("TP-MTI")?;
    let message_type = first_octet & 0x03;
    match (direction, message_type) {
        // The reserved type 3 is read as a DELIVER (3GPP TS 23.040 §9.2.3.1).
        (Direction::Received, 0 | 3) => Deliver::read(reader, smsc, first_octet).map(Pdu::Deliver),
        (Direction::Received, 2) => StatusReport::read(reader, smsc, first_octet).map(Pdu::StatusReport),
        (Direction::Sent, 1) => Submit::read(reader, smsc, first_octet).map(Pdu::Submit),
        _ => Err(start.error("TP-MTI", Reason::MessageType(message_type))),
    }
}

fn is_plausible(pdu: &Result<Pdu, DecodeError>) -> bool {
    match pdu {
        Ok(Pdu::StatusReport(report)) => report.is_plausible(),
        Ok(Pdu::Deliver(_) | Pdu::Submit(_)) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
