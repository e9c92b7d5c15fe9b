//! SMS-DELIVER (3GPP TS 23.040 §9.2.2.1): a message that came in.

use super::address::Address;
use super::body::{Body, HEADER_INDICATOR};
use super::coding::{Alphabet, Coding};
use super::error::DecodeError;
use super::header::Concat;
use super::reader::Reader;
use super::timestamp::NetworkTime;

/// First octet: no more messages wait.
const NO_MORE_MESSAGES: u8 = 0x04;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deliver {
    pub smsc: Option<Address>,
    pub originator: Address,
    pub protocol: u8,
    pub alphabet: Alphabet,
    pub class: Option<u8>,
    /// When the service centre took the message; nothing if it sent no valid time.
    pub timestamp: Option<NetworkTime>,
    pub concat: Option<Concat>,
    /// Whether further messages wait in the service centre.
    pub more_messages: bool,
    pub body: Body,
}

impl Deliver {
    /// The text of this part; nothing if it is 8-bit data.
    pub fn text(&self) -> Option<String> {
        self.body.text()
    }

    /// Reads what follows the first octet.
    pub(super) fn read(reader: &mut Reader<'_>, smsc: Option<Address>, first_octet: u8) -> Result<Self, DecodeError> {
        let originator = Address::read(reader, "TP-OA")?;
        let protocol = reader.octet("TP-PID")?;
        let coding = Coding::from_octet(reader.octet("TP-DCS")?);
        let timestamp = NetworkTime::from_octets(reader.array("TP-SCTS")?);
        let body = Body::read(reader, coding, first_octet & HEADER_INDICATOR != 0)?;
        Ok(Self {
            smsc,
            originator,
            protocol,
            alphabet: coding.alphabet,
            class: coding.class,
            timestamp,
            concat: body.header.concat(),
            more_messages: first_octet & NO_MORE_MESSAGES == 0,
            body,
        })
    }
}
