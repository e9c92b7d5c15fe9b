//! Messages on the line: PDUs to submit, the answer to a submit, stored messages (3GPP TS 27.005 §3 and §4).

use std::fmt;
use std::fmt::Write as _;

use super::classify;
use super::command::{Reply, value};

/// A PDU as `AT+CMGS` wants it: hex, with its service centre part in front.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdu {
    hex: String,
    octets: usize,
}

impl Pdu {
    /// `bytes` begin with the service centre part: its length, then as many octets. `None` when they are too short for
    /// that.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let service_centre = 1 + usize::from(*bytes.first()?);
        let octets = bytes.len().checked_sub(service_centre).filter(|octets| *octets > 0)?;
        let mut hex = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            write!(hex, "{byte:02X}").expect("writing to a string does not fail");
        }
        Some(Self { hex, octets })
    }

    /// From hex digits of the same. `None` as well when they are no hex digits.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
        let octets: Vec<_> =
            digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect();
        if digits.len() % 2 == 0 { Self::new(&octets) } else { None }
    }

    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Length of the TPDU, without the service centre part: what `AT+CMGS=` announces.
    pub fn octets(&self) -> usize {
        self.octets
    }
}

impl fmt::Debug for Pdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pdu <{} octets>", self.octets)
    }
}

/// A message or status report in the modem's storage.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Where it lies; `AT+CMGR` does not say. Huawei counts from 0.
    pub index: Option<u16>,
    /// 0 unread, 1 read, 2 unsent, 3 sent (3GPP TS 27.005 §3.1, `<stat>`).
    pub status: u8,
    /// In hex, with its service centre part.
    pub pdu: String,
    /// The PDU has the announced length; otherwise the line was damaged and reading again may help.
    pub complete: bool,
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMessage")
            .field("index", &self.index)
            .field("status", &self.status)
            .field("octets", &(self.pdu.len() / 2))
            .field("complete", &self.complete)
            .finish()
    }
}

impl StoredMessage {
    /// It came in, rather than being written or sent by somebody on this modem.
    pub fn was_received(&self) -> bool {
        self.status < 2
    }
}

/// The message reference (TP-MR) of a submit's reply. Some modems answer `OK` alone, which is an acceptance too.
pub fn submit_reference(reply: &Reply) -> Option<u8> {
    reply.values("+CMGS").find_map(first_number)
}

/// The message reference of a `+CMGS:` line; the outer `None`: it is none.
pub(super) fn submit_reference_of(line: &str) -> Option<Option<u8>> {
    value(line, "+CMGS").map(first_number)
}

fn first_number(text: &str) -> Option<u8> {
    text.split(',').next()?.trim().parse().ok()
}

/// The messages of `AT+CMGL=4`. One whose PDU is missing has an empty one.
pub fn listed_messages(reply: &Reply) -> Vec<StoredMessage> {
    let mut messages = Vec::new();
    let mut lines = reply.lines.iter().peekable();
    while let Some(line) = lines.next() {
        let Some(header) = value(line, "+CMGL") else { continue };
        let (index, header) = header.split_once(',').unwrap_or((header, ""));
        let next = lines.next_if(|next| classify::is_hex(next));
        if let Some(message) = stored_message(header, next.map(String::as_str)) {
            messages.push(StoredMessage { index: index.trim().parse().ok(), ..message });
        }
    }
    messages
}

/// The message of `AT+CMGR=…`. `None`: the place is empty. A message whose PDU is missing has an empty one.
pub fn read_message(reply: &Reply) -> Option<StoredMessage> {
    let mut lines = reply.lines.iter().skip_while(|line| value(line, "+CMGR").is_none());
    let header = value(lines.next()?, "+CMGR")?;
    let next = lines.next().map(String::as_str);
    let mut message = stored_message(header, next)?;
    if message.pdu.is_empty() {
        // What cannot be a PDU is all there is of it.
        message.pdu = next.unwrap_or_default().trim().to_owned();
    }
    let is_empty = message.pdu.is_empty() && header.trim_end().ends_with(",0");
    (!is_empty).then_some(message)
}

/// `header`: `<stat>,[<alpha>],<length>`; the PDU is on the next line, or after a blank.
fn stored_message(header: &str, next: Option<&str>) -> Option<StoredMessage> {
    let status = header.split(',').next()?.trim().parse().ok()?;
    let mut last = header.rsplit(',').next()?.split_whitespace();
    let octets = last.next().and_then(|octets| octets.parse().ok());
    let pdu = last.next().or(next).map(str::trim).filter(|pdu| classify::is_hex(pdu)).unwrap_or_default();
    let complete = octets.is_some() && classify::is_pdu(pdu, octets);
    Some(StoredMessage { index: None, status, pdu: pdu.to_owned(), complete })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&str]) -> Reply {
        Reply { lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn a_pdu_announces_its_length_without_the_service_centre() {
        let pdu = Pdu::new(&[0x02, 0x91, 0x21, 0x11, 0x00, 0x0b]).expect("a PDU");
        assert_eq!((pdu.hex(), pdu.octets()), ("02912111000B", 3));
        assert_eq!(Pdu::new(&[0x00]), None);
        assert_eq!(Pdu::new(&[0x07, 0x91]), None);
        assert_eq!(Pdu::new(&[]), None);
    }

    #[test]
    fn the_reference_may_be_missing_or_decorated() {
        assert_eq!(submit_reference(&reply(&["+CMGS: 198"])), Some(198));
        assert_eq!(submit_reference(&reply(&["+CMGS:7,\"26/01/01,10:00:00+04\""])), Some(7));
        assert_eq!(submit_reference(&reply(&["+CMGS: 300"])), None);
        assert_eq!(submit_reference(&reply(&[])), None);
    }

    #[test]
    fn stored_messages_keep_their_place_and_say_whether_they_are_whole() {
        let list = reply(&[
            "+CMGL: 0,1,,3",
            "0004FF00",
            "+CMGL: 17,0,\"\",9",
            "0006FF00AA",
            "+CMGL: 18,0,,9",
            "+CMGL: 19,1,,3",
            "0004FF01",
        ]);
        insta::assert_debug_snapshot!(listed_messages(&list), @r"
        [
            StoredMessage {
                index: Some(
                    0,
                ),
                status: 1,
                octets: 4,
                complete: true,
            },
            StoredMessage {
                index: Some(
                    17,
                ),
                status: 0,
                octets: 5,
                complete: false,
            },
            StoredMessage {
                index: Some(
                    18,
                ),
                status: 0,
                octets: 0,
                complete: false,
            },
            StoredMessage {
                index: Some(
                    19,
                ),
                status: 1,
                octets: 4,
                complete: true,
            },
        ]
        ");
        assert!(read_message(&reply(&["+CMGR: 1,,3", "0004FF00"])).expect("a message").complete);
        assert!(read_message(&reply(&["+CMGR: 1,,3 0004FF00"])).expect("a message").complete);
        let without_pdu = read_message(&reply(&["+CMGR: 1,,3"])).expect("a message");
        assert!(without_pdu.pdu.is_empty() && !without_pdu.complete);
        assert_eq!(read_message(&reply(&["+CMGR: 0,,0"])), None, "an empty place of some modems");
        assert_eq!(read_message(&reply(&[])), None);
    }
}
