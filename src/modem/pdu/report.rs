//! SMS-STATUS-REPORT (3GPP TS 23.040 §9.2.2.3): what became of a message that went out.
//!
//! Whatever follows the status is optional, and must never cost the status.

use super::address::Address;
use super::body::{Body, HEADER_INDICATOR};
use super::coding::{Alphabet, Coding};
use super::error::DecodeError;
use super::reader::Reader;
use super::timestamp::NetworkTime;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusReport {
    pub smsc: Option<Address>,
    /// The reference that `+CMGS` gave; it begins again after 255, so match recipient and time besides.
    pub reference: u8,
    pub recipient: Address,
    /// When the service centre took the message; nothing if it sent no valid time.
    pub timestamp: Option<NetworkTime>,
    /// When the message was delivered, or last tried; nothing if no valid time was sent.
    pub discharge: Option<NetworkTime>,
    /// TP-ST, as sent.
    pub status: u8,
    /// A text of the service centre's own; hardly ever there.
    pub body: Option<Body>,
}

/// What a status means for the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Delivered,
    /// The service centre keeps trying; another report follows.
    Trying,
    /// Nothing more will come of it.
    Failed,
}

impl StatusReport {
    /// The class of the status (§9.2.3.15). Reserved values from 80 hexadecimal on count as failed.
    pub fn verdict(&self) -> Verdict {
        match self.status {
            0x00..=0x1F => Verdict::Delivered,
            0x20..=0x3F => Verdict::Trying,
            0x40..=0xFF => Verdict::Failed,
        }
    }

    /// The status in a few words.
    pub fn reason(&self) -> &'static str {
        match self.status {
            0x00 => "delivered",
            0x01 => "forwarded, but the service centre cannot confirm the delivery",
            0x02 => "replaced by the service centre",
            0x03..=0x1F => "completed",
            0x20 => "congestion, still trying",
            0x21 => "phone busy, still trying",
            0x22 => "no response from the phone, still trying",
            0x23 => "service rejected, still trying",
            0x24 => "quality of service not available, still trying",
            0x25 => "error in the phone, still trying",
            0x26..=0x3F => "temporary error, still trying",
            0x40 => "remote procedure error",
            0x41 => "incompatible destination",
            0x42 => "connection rejected by the phone",
            0x43 => "not obtainable",
            0x44 => "quality of service not available",
            0x45 => "no interworking available",
            0x46 => "validity period expired",
            0x47 => "deleted by the sender",
            0x48 => "deleted by the service centre's administration",
            0x49 => "message unknown to the service centre",
            0x4A..=0x5F => "permanent error",
            0x60 => "congestion, given up",
            0x61 => "phone busy, given up",
            0x62 => "no response from the phone, given up",
            0x63 => "service rejected, given up",
            0x64 => "quality of service not available, given up",
            0x65 => "error in the phone, given up",
            0x66..=0x7F => "temporary error, given up",
            0x80..=0xFF => "reserved status",
        }
    }

    /// Reads what follows the first octet.
    pub(super) fn read(reader: &mut Reader<'_>, smsc: Option<Address>, first_octet: u8) -> Result<Self, DecodeError> {
        Ok(Self {
            smsc,
            reference: reader.octet("TP-MR")?,
            recipient: Address::read(reader, "TP-RA")?,
            timestamp: NetworkTime::from_octets(reader.array("TP-SCTS")?),
            discharge: NetworkTime::from_octets(reader.array("TP-DT")?),
            status: reader.octet("TP-ST")?,
            body: optional_body(reader, first_octet & HEADER_INDICATOR != 0).unwrap_or(None),
        })
    }

    /// Whether everything that can be checked in a report is in order.
    pub(super) fn is_plausible(&self) -> bool {
        self.timestamp.is_some() && self.discharge.is_some() && !self.recipient.value.is_empty()
    }
}

/// The optional parameters, as TP-PI announces them.
fn optional_body(reader: &mut Reader<'_>, has_header: bool) -> Result<Option<Body>, DecodeError> {
    if reader.remaining() == 0 {
        return Ok(None);
    }
    let indicator = reader.octet("TP-PI")?;
    let mut extension = indicator;
    while extension & 0x80 != 0 {
        extension = reader.octet("TP-PI")?;
    }
    if indicator & 0x01 != 0 {
        reader.octet("TP-PID")?;
    }
    let coding = match indicator & 0x02 {
        0 => Coding { alphabet: Alphabet::Gsm7, class: None },
        _ => Coding::from_octet(reader.octet("TP-DCS")?),
    };
    if indicator & 0x04 == 0 {
        return Ok(None);
    }
    Body::read(reader, coding, has_header).map(Some)
}
