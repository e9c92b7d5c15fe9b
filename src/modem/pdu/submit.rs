//! SMS-SUBMIT (3GPP TS 23.040 §9.2.2.2): a text on its way out, as the lines that `AT+CMGS` takes.
//!
//! `Debug` must never show number or text.

use std::fmt;
use std::time::Duration;

use super::address::{self, Address};
use super::body::{Body, HEADER_INDICATOR};
use super::coding::{Alphabet, Coding};
use super::error::{DecodeError, EncodeError};
use super::header::{self, Concat};
use super::hex::to_hex;
use super::reader::Reader;
use super::septets;
use super::text::{self, PARTS_MAX, Parts};
use super::validity::{self, Validity};

/// First octet: message type SUBMIT.
const TYPE: u8 = 0x01;
const VALIDITY_RELATIVE: u8 = 0x10;
const STATUS_REPORT: u8 = 0x20;

/// What is asked of the network beside the delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubmitOptions {
    /// Ask for a delivery report, one for each part.
    pub status_report: bool,
    /// How long the network may keep trying; rounded down to what can be said, five minutes at least. Without it the
    /// network decides.
    pub validity: Option<Duration>,
    /// Tells the parts of this message from those of another one to the same number; unused if there is one part.
    pub concat_reference: u8,
    /// The same with 16 bits, and in its place. Fewer messages are taken for parts of each other, each part holds a
    /// little less, and some old phones do not read it.
    pub wide_concat_reference: Option<u16>,
    /// The message class (3GPP TS 23.038 §4), 0 to 3: 0 is shown at once and not kept.
    pub class: Option<u8>,
}

/// One message to hand to the modem.
#[derive(Clone, PartialEq, Eq)]
pub struct SubmitPart {
    /// The whole PDU in upper-case hexadecimal; begins with `00`: the modem's own service centre.
    pub hex: String,
    /// Octets after the service centre part: the `n` of `AT+CMGS=n`.
    pub length: usize,
}

impl fmt::Debug for SubmitPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitPart").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The messages that carry `text` to `number`, in their order.
///
/// `number`: the digits of E.164 without `+`.
///
/// # Errors
///
/// [`EncodeError::Number`] if the number is not 1 to 20 digits, [`EncodeError::TooManyParts`] if the text needs more
/// than 255 parts.
pub fn encode_submit(number: &str, text: &str, options: &SubmitOptions) -> Result<Vec<SubmitPart>, EncodeError> {
    encode_submit_to(&Address::international(number), text, options)
}

/// As [`encode_submit`], to a number of any type: a short code is none of E.164.
///
/// # Errors
///
/// As [`encode_submit`]; a name is no recipient.
pub fn encode_submit_to(
    recipient: &Address,
    text: &str,
    options: &SubmitOptions,
) -> Result<Vec<SubmitPart>, EncodeError> {
    encode_parts(recipient, &text::split(text, options.wide_concat_reference.is_some()), options)
}

/// The messages that carry octets, which are no text, to `recipient`.
///
/// # Errors
///
/// As [`encode_submit_to`].
pub fn encode_submit_octets(
    recipient: &Address,
    octets: &[u8],
    options: &SubmitOptions,
) -> Result<Vec<SubmitPart>, EncodeError> {
    encode_parts(recipient, &text::split_octets(octets, options.wide_concat_reference.is_some()), options)
}

fn encode_parts(recipient: &Address, message: &Parts, options: &SubmitOptions) -> Result<Vec<SubmitPart>, EncodeError> {
    let recipient = address::encode(recipient).ok_or(EncodeError::Number)?;
    let parts = match u8::try_from(message.parts.len()) {
        Ok(parts) if message.parts.len() <= PARTS_MAX => parts,
        _ => return Err(EncodeError::TooManyParts { parts: message.parts.len() }),
    };
    let wide = options.wide_concat_reference.is_some();
    let reference = options.wide_concat_reference.unwrap_or(u16::from(options.concat_reference));
    let encode = |(part, content): (u8, &Vec<u8>)| {
        let header = match parts {
            1 => Vec::new(),
            _ => header::concatenation(Concat { reference, wide, parts, part }),
        };
        encode_part(&recipient, message.alphabet, &header, content, options)
    };
    Ok((1..=parts).zip(&message.parts).map(encode).collect())
}

fn encode_part(
    recipient: &[u8],
    alphabet: Alphabet,
    header: &[u8],
    content: &[u8],
    options: &SubmitOptions,
) -> SubmitPart {
    let mut first_octet = TYPE;
    first_octet |= if options.validity.is_some() { VALIDITY_RELATIVE } else { 0 };
    first_octet |= if options.status_report { STATUS_REPORT } else { 0 };
    first_octet |= if header.is_empty() { 0 } else { HEADER_INDICATOR };

    // The modem puts its own service centre and its own reference in the places of the two zeros.
    let mut pdu = vec![0x00, first_octet, 0x00];
    pdu.extend(recipient);
    pdu.extend([0x00, Coding { alphabet, class: options.class }.octet()]);
    pdu.extend(options.validity.map(validity::relative_octet));
    let (length, content) = match alphabet {
        Alphabet::Gsm7 => (
            septets::header_septets(header.len()) + content.len(),
            septets::pack(content, septets::fill_bits(header.len())),
        ),
        Alphabet::EightBit | Alphabet::Ucs2 => (header.len() + content.len(), content.to_vec()),
    };
    pdu.push(u8::try_from(length).expect("a part is at most 160 septets or 140 octets"));
    pdu.extend(header);
    pdu.extend(content);
    SubmitPart { hex: to_hex(&pdu), length: pdu.len() - 1 }
}

/// An SMS-SUBMIT, read: from a modem's store, or on the far end of a virtual modem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    pub smsc: Option<Address>,
    pub reference: u8,
    pub recipient: Address,
    pub protocol: u8,
    pub alphabet: Alphabet,
    pub class: Option<u8>,
    pub validity: Option<Validity>,
    pub status_report: bool,
    pub concat: Option<Concat>,
    pub body: Body,
}

impl Submit {
    /// The text of this part; nothing if it is 8-bit data.
    pub fn text(&self) -> Option<String> {
        self.body.text()
    }

    /// Reads what follows the first octet.
    pub(super) fn read(reader: &mut Reader<'_>, smsc: Option<Address>, first_octet: u8) -> Result<Self, DecodeError> {
        let reference = reader.octet("TP-MR")?;
        let recipient = Address::read(reader, "TP-DA")?;
        let protocol = reader.octet("TP-PID")?;
        let coding = Coding::from_octet(reader.octet("TP-DCS")?);
        let validity = validity::read(reader, first_octet)?;
        let body = Body::read(reader, coding, first_octet & HEADER_INDICATOR != 0)?;
        Ok(Self {
            smsc,
            reference,
            recipient,
            protocol,
            alphabet: coding.alphabet,
            class: coding.class,
            validity,
            status_report: first_octet & STATUS_REPORT != 0,
            concat: body.header.concat(),
            body,
        })
    }
}
