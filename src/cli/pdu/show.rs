//! What a PDU holds, as JSON for programs and as rows for people.

use serde_json::{Value, json};

use crate::modem::pdu::{Address, Alphabet, Body, Concat, NetworkTime, NumberType, Pdu, Ports, Validity, Verdict};

/// What the kinds of PDU have in common, and what only some of them have.
#[derive(Default)]
struct Fields<'a> {
    kind: &'static str,
    number: Option<&'a Address>,
    smsc: Option<&'a Address>,
    timestamp: Option<NetworkTime>,
    reference: Option<u8>,
    status: Option<Status>,
    discharge: Option<NetworkTime>,
    body: Option<&'a Body>,
    class: Option<u8>,
    validity: Option<Validity>,
    status_report: Option<bool>,
    more_messages: Option<bool>,
}

struct Status {
    number: u8,
    words: &'static str,
    verdict: &'static str,
}

/// Every field of the contract is there for every kind of PDU, null where it does not apply.
pub(super) fn json(pdu: &Pdu) -> Value {
    let fields = Fields::of(pdu);
    let seconds = |validity| match validity {
        Validity::Relative(period) => Some(period.as_secs()),
        Validity::Absolute(_) => None,
    };
    let until = |validity| match validity {
        Validity::Relative(_) => None,
        Validity::Absolute(time) => Some(time.to_string()),
    };
    json!({
        "type": fields.kind,
        "number": fields.number.map(Address::to_number),
        "number_type": fields.number.map(|address| number_type(address.number_type)),
        "text": fields.text(),
        "data": fields.data(),
        "alphabet": fields.body.map(|body| body.alphabet.to_string()),
        "class": fields.class,
        "smsc": fields.smsc.map(Address::to_number),
        "timestamp": fields.timestamp.map(|time| time.to_string()),
        "reference": fields.reference,
        "status": fields.status.as_ref().map(|status| status.number),
        "status_text": fields.status.as_ref().map(|status| status.words),
        "verdict": fields.status.as_ref().map(|status| status.verdict),
        "discharge_time": fields.discharge.map(|time| time.to_string()),
        "concat": fields.concat().map(|Concat { reference, wide, parts, part }| json!({
            "reference": reference,
            "reference_bits": if wide { 16 } else { 8 },
            "parts": parts,
            "part": part,
        })),
        "ports": fields.ports().map(|Ports { destination, source }| json!({
            "destination": destination,
            "source": source,
        })),
        "validity_seconds": fields.validity.and_then(seconds),
        "validity_until": fields.validity.and_then(until),
        "status_report_requested": fields.status_report,
        "more_messages": fields.more_messages,
    })
}

/// Name and value; a field that every PDU of this kind has is there as `-` if this one lacks it.
pub(super) fn rows(pdu: &Pdu) -> Vec<[String; 2]> {
    let fields = Fields::of(pdu);
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push([name.to_owned(), value]);
    let or_dash = |value: Option<String>| value.filter(|value| !value.is_empty()).unwrap_or_else(|| "-".to_owned());
    row("type", fields.kind.to_owned());
    row("number", or_dash(fields.number.map(Address::to_number)));
    if let Some(text) = fields.text() {
        for (index, line) in text.split('\n').enumerate() {
            row(if index == 0 { "text" } else { "" }, line.trim_end_matches('\r').to_owned());
        }
    }
    let data = fields.data();
    data.into_iter().for_each(|data| row("data", or_dash(Some(data))));
    fields.body.into_iter().for_each(|body| row("alphabet", body.alphabet.to_string()));
    fields.class.into_iter().for_each(|class| row("class", class_words(class).to_owned()));
    row("smsc", or_dash(fields.smsc.map(Address::to_number)));
    match pdu {
        Pdu::Submit(_) => {}
        Pdu::Deliver(_) | Pdu::StatusReport(_) => {
            row("timestamp", or_dash(fields.timestamp.map(|time| time.to_string())));
        }
    }
    fields.reference.into_iter().for_each(|reference| row("reference", reference.to_string()));
    if let Some(Status { number, words, .. }) = fields.status {
        row("discharged", or_dash(fields.discharge.map(|time| time.to_string())));
        row("status", format!("{number} (0x{number:02X}): {words}"));
    }
    if let Some(Concat { reference, wide, parts, part }) = fields.concat() {
        let bits = if wide { 16 } else { 8 };
        row("concat", format!("part {part} of {parts}, reference {reference} ({bits} bits)"));
    }
    if let Some(Ports { destination, source }) = fields.ports() {
        row("ports", format!("to {destination}, from {source}"));
    }
    match fields.validity {
        Some(Validity::Relative(period)) => row("validity", period_words(period.as_secs())),
        Some(Validity::Absolute(time)) => row("validity", format!("until {time}")),
        None => {}
    }
    if fields.status_report == Some(true) {
        row("report", "wanted".to_owned());
    }
    if fields.more_messages == Some(true) {
        row("more", "further messages wait".to_owned());
    }
    rows
}

impl<'a> Fields<'a> {
    fn of(pdu: &'a Pdu) -> Self {
        match pdu {
            Pdu::Deliver(deliver) => Self {
                kind: "deliver",
                number: Some(&deliver.originator),
                smsc: deliver.smsc.as_ref(),
                timestamp: deliver.timestamp,
                body: Some(&deliver.body),
                class: deliver.class,
                more_messages: Some(deliver.more_messages),
                ..Self::default()
            },
            Pdu::Submit(submit) => Self {
                kind: "submit",
                number: Some(&submit.recipient),
                smsc: submit.smsc.as_ref(),
                reference: Some(submit.reference),
                body: Some(&submit.body),
                class: submit.class,
                validity: submit.validity,
                status_report: Some(submit.status_report),
                ..Self::default()
            },
            Pdu::StatusReport(report) => Self {
                kind: "status-report",
                number: Some(&report.recipient),
                smsc: report.smsc.as_ref(),
                timestamp: report.timestamp,
                reference: Some(report.reference),
                status: Some(Status {
                    number: report.status,
                    words: report.reason(),
                    verdict: match report.verdict() {
                        Verdict::Delivered => "delivered",
                        Verdict::Trying => "trying",
                        Verdict::Failed => "failed",
                    },
                }),
                discharge: report.discharge,
                body: report.body.as_ref(),
                ..Self::default()
            },
        }
    }

    /// Octets have no alphabet, but senders put ASCII into them, and then it is what a reader looks for.
    fn text(&self) -> Option<String> {
        let body = self.body?;
        body.text().or_else(|| {
            let is_text = |octet: &u8| octet.is_ascii_graphic() || b" \t\r\n".contains(octet);
            let is_ascii = !body.content.is_empty() && body.content.iter().all(is_text);
            is_ascii.then(|| body.content.iter().map(|octet| char::from(*octet)).collect())
        })
    }

    fn data(&self) -> Option<String> {
        let body = self.body.filter(|body| body.alphabet == Alphabet::EightBit)?;
        Some(body.content.iter().map(|octet| format!("{octet:02X}")).collect())
    }

    fn concat(&self) -> Option<Concat> {
        self.body?.header.concat()
    }

    fn ports(&self) -> Option<Ports> {
        self.body?.header.ports()
    }
}

fn number_type(number_type: NumberType) -> &'static str {
    match number_type {
        NumberType::Unknown => "unknown",
        NumberType::International => "international",
        NumberType::National => "national",
        NumberType::NetworkSpecific => "network-specific",
        NumberType::Subscriber => "subscriber",
        NumberType::Alphanumeric => "alphanumeric",
        NumberType::Abbreviated => "abbreviated",
        NumberType::Reserved => "reserved",
    }
}

/// 3GPP TS 23.038 §4.
fn class_words(class: u8) -> &'static str {
    match class {
        0 => "0 (flash: shown at once, not kept)",
        1 => "1 (for the phone)",
        2 => "2 (for the SIM)",
        _ => "3 (for the attached terminal)",
    }
}

/// In the largest unit that says it exactly.
fn period_words(seconds: u64) -> String {
    let (unit, size) = [("weeks", 7 * 86_400), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)]
        .into_iter()
        .find(|(_, size)| seconds >= *size && seconds.is_multiple_of(*size))
        .unwrap_or(("seconds", 1));
    let count = seconds / size;
    let unit = if count == 1 { unit.trim_end_matches('s') } else { unit };
    format!("{count} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::table::aligned;
    use crate::modem::pdu::decode_any;

    const SENT_AT: &str = "62116151740040";

    fn shown(hex: &str) -> String {
        aligned(&rows(&decode_any(hex).unwrap()))
    }

    fn json_of(hex: &str) -> Value {
        json(&decode_any(hex).unwrap())
    }

    #[test]
    fn a_message_with_a_name_for_a_sender_is_shown() {
        let hex = format!("0791448720003023240ED0D637396C7EBBCB0000{SENT_AT}0AE8329BFD4697D9EC37");
        insta::assert_snapshot!(shown(&hex), @r"
        type       deliver
        number     Vodafone
        text       hellohello
        alphabet   gsm7
        smsc       +447802000332
        timestamp  2026-11-16T15:47:00+01:00
        ");
        let json = json_of(&hex);
        assert_eq!((&json["type"], &json["number_type"]), (&"deliver".into(), &"alphanumeric".into()));
        assert_eq!((&json["reference"], &json["concat"], &json["status"]), (&Value::Null, &Value::Null, &Value::Null));
    }

    #[test]
    fn parts_ports_class_and_data_are_shown() {
        let hex = format!("0040048121430018{SENT_AT}0F0605040B8423F0D83DDE0100410042");
        insta::assert_snapshot!(shown(&hex), @r"
        type       deliver
        number     1234
        text       😁AB
        alphabet   ucs2
        class      0 (flash: shown at once, not kept)
        smsc       -
        timestamp  2026-11-16T15:47:00+01:00
        ports      to 2948, from 9200
        more       further messages wait
        ");
        let hex = "0044048121430004621161517400000A0608040102030201FE00";
        insta::assert_snapshot!(shown(hex), @r"
        type       deliver
        number     1234
        data       01FE00
        alphabet   8bit
        smsc       -
        timestamp  2026-11-16T15:47:00+00:00
        concat     part 2 of 3, reference 258 (16 bits)
        ");
        let json = json_of(hex);
        assert_eq!(json["concat"], json!({ "reference": 258, "reference_bits": 16, "parts": 3, "part": 2 }));
        assert_eq!((&json["text"], &json["data"], &json["alphabet"]), (&Value::Null, &"01FE00".into(), &"8bit".into()));
    }

    #[test]
    fn octets_that_are_all_ascii_are_shown_as_text_too() {
        let json = json_of("0001000481214300040548656C6C6F");
        assert_eq!((&json["text"], &json["data"]), (&"Hello".into(), &"48656C6C6F".into()));
    }

    #[test]
    fn a_message_to_send_is_shown_with_what_it_asks_for() {
        insta::assert_snapshot!(shown("0031070B915155214365F70000A705E8329BFD06"), @r"
        type       submit
        number     +15551234567
        text       hello
        alphabet   gsm7
        smsc       -
        reference  7
        validity   1 day
        report     wanted
        ");
        let relative = json_of("001100048121430000AA0131");
        assert_eq!((&relative["validity_seconds"], &relative["validity_until"]), (&345_600.into(), &Value::Null));
        let absolute = json_of("001900048121430000621161517400400131");
        assert_eq!(absolute["validity_until"], "2026-11-16T15:47:00+01:00");
        assert_eq!((&absolute["text"], &absolute["validity_seconds"]), (&"1".into(), &Value::Null));
        let enhanced = json_of("000900048121430000023C00000000000131");
        assert_eq!(enhanced["validity_seconds"], 60);
        let none = json_of("0001000481214300000131");
        assert_eq!((&none["validity_seconds"], &none["validity_until"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_report_is_shown_with_number_and_words_of_its_status() {
        let hex = format!("00065A0B915155214365F7{SENT_AT}{SENT_AT}46");
        insta::assert_snapshot!(shown(&hex), @r"
        type        status-report
        number      +15551234567
        smsc        -
        timestamp   2026-11-16T15:47:00+01:00
        reference   90
        discharged  2026-11-16T15:47:00+01:00
        status      70 (0x46): validity period expired
        ");
        let json = json_of(&hex);
        assert_eq!((&json["status"], &json["verdict"]), (&70.into(), &"failed".into()));
        assert_eq!((&json["text"], &json["alphabet"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_text_of_several_lines_stays_in_its_column_and_steers_no_terminal() {
        // "a\r\nb", then a form feed and "c".
        insta::assert_snapshot!(shown("000100048121430008100061000D000A0062001B005B000C0063"), @r"
        type       submit
        number     1234
        text       a
                   b?[?c
        alphabet   ucs2
        smsc       -
        reference  0
        ");
    }
}
