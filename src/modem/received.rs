//! From a PDU that came in to what it is to the product.

use super::incoming::RawMessage;
use super::pdu::{self, Alphabet, Deliver, Direction, NumberType, Pdu, Verdict};
use crate::channel::{DeliveryReport, PartOf, Received, ReceivedKind};
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;

/// Class of a message for the display alone (3GPP TS 23.038 §4).
const FLASH: u8 = 0;

/// Digits of a number that is no short code.
const SUBSCRIBER_DIGITS_MIN: usize = 7;

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    Message(Box<Received>),
    /// It says something final about one of our messages, perhaps.
    Report(DeliveryReport),
    /// The service centre keeps trying; a further report follows.
    StillTrying,
}

/// Reads what the modem printed. What cannot be read is a message too.
pub fn read(raw: &RawMessage) -> Incoming {
    match pdu::decode(&raw.0, Direction::Received) {
        Ok(Pdu::StatusReport(report)) => {
            let delivered = match report.verdict() {
                Verdict::Delivered => true,
                Verdict::Failed => false,
                Verdict::Trying => return Incoming::StillTrying,
            };
            let number = report.recipient.to_number();
            Incoming::Report(DeliveryReport { reference: report.reference, number, delivered })
        }
        Ok(Pdu::Deliver(deliver)) => Incoming::Message(Box::new(message(&deliver, raw))),
        // What is read as received is never a submit.
        Ok(Pdu::Submit(_)) | Err(_) => Incoming::Message(Box::new(Received {
            kind: ReceivedKind::Unreadable,
            sender: String::new(),
            number: None,
            sent: None,
            part: None,
            text: None,
            raw: raw.0.clone(),
        })),
    }
}

/// The text of a message from its parts as they came, in their order, some of which may be missing; nothing if none of
/// them holds text.
pub fn join(parts: &[String]) -> Option<String> {
    let bodies: Vec<_> = parts
        .iter()
        .filter_map(|raw| match pdu::decode(raw, Direction::Received) {
            Ok(Pdu::Deliver(deliver)) => Some(deliver.body),
            Ok(Pdu::StatusReport(_) | Pdu::Submit(_)) | Err(_) => None,
        })
        .collect();
    pdu::Body::join(&bodies)
}

/// What the sender of a message is known by: the digits of a number, otherwise what it calls itself.
pub fn sender(raw: &str) -> String {
    match read(&RawMessage(raw.to_owned())) {
        Incoming::Message(message) => message.number.map_or(message.sender, |number| number.digits().to_owned()),
        Incoming::Report(_) | Incoming::StillTrying => String::new(),
    }
}

fn message(deliver: &Deliver, raw: &RawMessage) -> Received {
    let kind = match (deliver.body.header.ports(), deliver.class, deliver.alphabet) {
        (Some(_), _, _) => ReceivedKind::Application,
        (None, Some(FLASH), _) => ReceivedKind::Flash,
        (None, _, Alphabet::EightBit) => ReceivedKind::Data,
        (None, _, Alphabet::Gsm7 | Alphabet::Ucs2) => ReceivedKind::Text,
    };
    Received {
        kind,
        sender: deliver.originator.to_number(),
        number: number(deliver),
        sent: deliver.timestamp.map(|time| Timestamp::from_millis(time.as_unix_millis())),
        part: deliver.concat.filter(|concat| concat.parts > 1).map(|concat| PartOf {
            reference: concat.reference,
            wide: concat.wide,
            parts: concat.parts,
            part: concat.part,
        }),
        text: deliver.text(),
        raw: raw.0.clone(),
    }
}

/// A sender that is a subscriber. One in national form is of the country of its service centre.
fn number(deliver: &Deliver) -> Option<PhoneNumber> {
    let sender = &deliver.originator;
    match sender.number_type {
        NumberType::International => PhoneNumber::parse(&sender.to_number(), None).ok(),
        NumberType::National | NumberType::Unknown if sender.value.len() < SUBSCRIBER_DIGITS_MIN => None,
        NumberType::National | NumberType::Unknown => {
            let centre = deliver.smsc.as_ref().filter(|centre| centre.number_type == NumberType::International)?;
            let country = PhoneNumber::parse(&centre.to_number(), None).ok()?.country()?;
            PhoneNumber::parse(&sender.value, Some(country)).ok().filter(|number| number.country() == Some(country))
        }
        NumberType::NetworkSpecific
        | NumberType::Subscriber
        | NumberType::Alphanumeric
        | NumberType::Abbreviated
        | NumberType::Reserved => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(hex: &str) -> Received {
        match read(&RawMessage(hex.to_owned())) {
            Incoming::Message(message) => *message,
            other => panic!("{other:?}"),
        }
    }

    fn report(status: &str) -> String {
        let hex = format!("079194710167000006070C919471103254760710100000000062101000000000{status}");
        match read(&RawMessage(hex)) {
            Incoming::Report(report) => format!("{} {}", report.reference, report.delivered),
            Incoming::StillTrying => "trying".to_owned(),
            Incoming::Message(message) => panic!("{message:?}"),
        }
    }

    #[test]
    fn a_text_is_read_with_its_sender_and_time() {
        let message = message("0791947101670000040C919471103254760000621010000000000453EA130A");
        assert_eq!(message.kind, ReceivedKind::Text);
        assert_eq!(message.sender, "+491701234567");
        assert_eq!(message.number.expect("a number").digits(), "491701234567");
        assert_eq!(message.text.as_deref(), Some("STOP"));
        assert_eq!(message.sent.expect("a time").to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(message.part, None);
    }

    #[test]
    fn flash_data_and_ports_are_named_as_such() {
        let kind = |coding: &str, first: &str, body: &str| {
            message(&format!("0791947101670000{first}0C9194711032547600{coding}62101000000000{body}")).kind
        };
        assert_eq!(kind("10", "04", "0453EA130A"), ReceivedKind::Flash);
        assert_eq!(kind("F0", "04", "0453EA130A"), ReceivedKind::Flash);
        assert_eq!(kind("04", "04", "03010203"), ReceivedKind::Data);
        assert_eq!(kind("F5", "44", "0A0605040B8423F0010203"), ReceivedKind::Application);
        assert_eq!(kind("11", "04", "0453EA130A"), ReceivedKind::Text);
    }

    #[test]
    fn a_number_in_national_form_is_of_its_service_centres_country() {
        let sender = |address: &str| {
            let message =
                message(&format!("0791947101670000 04{address}0000 62101000000000 0453EA130A").replace(' ', ""));
            message.number.map(|number| number.digits().to_owned())
        };
        assert_eq!(sender("0B811007214365F7").as_deref(), Some("491701234567"), "0170…");
        assert_eq!(sender("0AA17107214365").as_deref(), Some("491770123456"), "177…");
        assert_eq!(sender("05812143F5"), None, "a short code");
        assert_eq!(sender("0ED0D637396C7EBBCB"), None, "a name");
    }

    #[test]
    fn what_nobody_can_read_is_kept_as_it_came() {
        for raw in ["", "00", "04FF", "#?!", "0791947101670000040C9194711032"] {
            let message = message(raw);
            assert_eq!((message.kind, message.raw.as_str()), (ReceivedKind::Unreadable, raw));
        }
    }

    #[test]
    fn a_report_is_final_or_says_that_the_service_centre_keeps_trying() {
        for status in ["00", "01", "02", "1F"] {
            assert_eq!(report(status), "7 true", "{status}");
        }
        for status in ["20", "25", "2F", "30", "3F"] {
            assert_eq!(report(status), "trying", "{status}");
        }
        for status in ["40", "46", "5F", "60", "65", "7F", "80", "FF"] {
            assert_eq!(report(status), "7 false", "{status}");
        }
    }

    #[test]
    fn a_character_cut_between_two_parts_is_whole_again() {
        let part = |number: u8, body: &str| {
            format!("0791947101670000440C91947110325476000862101000000000080500030102{number:02X}{body}")
        };
        let parts = [part(1, "D83D"), part(2, "DE01")];
        assert_eq!(join(&parts).as_deref(), Some("😁"));
        assert_eq!(join(&parts[1..]).as_deref(), Some("\u{FFFD}"), "what is there");
        assert_eq!(join(&["#?!".to_owned()]), None);
    }

    #[test]
    fn debug_shows_neither_sender_nor_text() {
        let shown = format!("{:?}", message("0791947101670000040C919471103254760000621010000000000453EA130A"));
        assert_eq!(shown, "Received { kind: Text, part: None, .. }");
    }
}
