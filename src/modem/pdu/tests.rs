//! Whole PDUs, real and generated.

use std::time::Duration;

use proptest::prelude::*;

use super::hex::{from_hex, to_hex};
use super::*;

/// The example of the PDU guide at dreamfabric.com/sms, which half of all decoders test with.
const HOW_ARE_YOU: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";

/// The report in ModemManager's tests (src/tests/test-modem-helpers.c): still trying.
const REPORT: &str = "07914356060013F1065A098136395339F6219011700463802190117004638030";

/// A report that python-gsmmodem's tests have from a ZTE stick: rubbish before the digits of the recipient.
const REPORT_ZTE: &str = "0297F1061C0F910B487228297020F5317062419272803170624192138000";

fn submit(number: &str, text: &str, options: SubmitOptions) -> Vec<SubmitPart> {
    encode_submit(number, text, &options).unwrap()
}

fn report(hex: &str) -> StatusReport {
    let Pdu::StatusReport(report) = decode(hex, Direction::Received).unwrap() else { panic!("a status report") };
    report
}

fn deliver(hex: &str) -> Deliver {
    let Pdu::Deliver(deliver) = decode(hex, Direction::Received).unwrap() else { panic!("a deliver") };
    deliver
}

fn sent(hex: &str) -> Submit {
    let Pdu::Submit(submit) = decode(hex, Direction::Sent).unwrap() else { panic!("a submit") };
    submit
}

#[test]
fn a_short_text_is_one_submit() {
    // dreamfabric.com/sms: "hellohello", valid for four days.
    let options = SubmitOptions { validity: Some(Duration::from_secs(4 * 86_400)), ..SubmitOptions::default() };
    let parts = submit("46708251358", "hellohello", options);
    assert_eq!(parts.len(), 1);
    assert_eq!((parts[0].hex.as_str(), parts[0].length), ("0011000B916407281553F80000AA0AE8329BFD4697D9EC37", 23));
}

#[test]
fn a_pin_message_asks_for_a_report_and_dies_with_its_pin() {
    let validity = Some(Duration::from_secs(300));
    let options = SubmitOptions { status_report: true, validity, concat_reference: 9, ..SubmitOptions::default() };
    let parts = submit("15551234567", "Váš kód: 1234", options);
    insta::assert_snapshot!(
        format!("{} {}", parts[0].length, parts[0].hex),
        @"40 0031000B915155214365F70008001A005600E101610020006B00F30064003A00200031003200330034"
    );
}

#[test]
fn a_long_text_is_sent_in_parts_with_one_reference() {
    let options = SubmitOptions { concat_reference: 0xAB, ..SubmitOptions::default() };
    let parts = submit("15551234567", &"a".repeat(154), options);
    assert_eq!(parts.len(), 1);
    let parts = submit("15551234567", &"a".repeat(161), options);
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].length, 13 + 140);
    insta::assert_snapshot!(parts[1].hex, @"0041000B915155214365F700000F050003AB0202C2E170381C0E8701");
    let second = sent(&parts[1].hex);
    assert_eq!(second.concat, Some(Concat { reference: 0xAB, wide: false, parts: 2, part: 2 }));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let error =
        |number: &str, text: &str| encode_submit(number, text, &SubmitOptions::default()).unwrap_err().to_string();
    assert_eq!(error("+15551234567", "x"), "the number is not 1 to 20 digits without a plus sign");
    assert_eq!(
        error("15551234567", &"x".repeat(255 * 153 + 1)),
        "the message needs 256 parts, and 255 is the most; shorten it"
    );
    assert_eq!(submit("1", &"x".repeat(255 * 153), SubmitOptions::default()).len(), 255);
}

#[test]
fn a_message_that_came_in_is_read() {
    let deliver = deliver(HOW_ARE_YOU);
    assert_eq!(deliver.smsc.as_ref().unwrap().to_number(), "+31624000000");
    assert_eq!(deliver.originator.to_number(), "+31641600986");
    assert_eq!(deliver.timestamp.unwrap().to_string(), "2002-08-26T19:37:41+00:00");
    assert_eq!(deliver.text().unwrap(), "How are you?");
    assert_eq!((deliver.alphabet, deliver.class, deliver.concat), (Alphabet::Gsm7, None, None));
    assert!(!deliver.more_messages);
}

#[test]
fn a_report_is_read() {
    let report = report(REPORT);
    assert_eq!((report.reference, report.recipient.to_number().as_str()), (0x5A, "639335936"));
    assert_eq!(report.timestamp.unwrap().to_string(), "2012-09-11T07:40:36+02:00");
    assert_eq!(report.discharge, report.timestamp);
    assert_eq!((report.verdict(), report.reason()), (Verdict::Trying, "temporary error, still trying"));
}

#[test]
fn a_report_of_a_zte_stick_finds_its_message() {
    let report = report(REPORT_ZTE);
    assert_eq!((report.reference, report.status, report.verdict()), (0x1C, 0, Verdict::Delivered));
    assert!(report.recipient.is_subscriber("27829207025"));
}

#[test]
fn a_report_with_an_octet_too_many_in_front_is_read() {
    for extra in ["00", "01", "02", "06", "FF"] {
        assert_eq!(report(&format!("{extra}{REPORT}")), report(REPORT), "{extra} in front");
    }
}

#[test]
fn a_report_with_parameters_that_make_no_sense_keeps_its_status() {
    for tail in ["", "00", "FF", "0700", "8181", "070004FF0102"] {
        assert_eq!(report(&format!("{REPORT}{tail}")), report(REPORT), "{tail} behind");
    }
    let body = report(&format!("{REPORT}0604067265706F7274")).body.unwrap();
    assert_eq!(body.content, b"report");
}

#[test]
fn a_report_without_valid_times_keeps_its_status() {
    let report = report("00065A098136395339F600000000000000FFFFFFFFFFFFFF46");
    assert_eq!((report.timestamp, report.discharge), (None, None));
    assert_eq!((report.verdict(), report.reason()), (Verdict::Failed, "validity period expired"));
}

#[test]
fn every_status_has_its_verdict() {
    let mut report = report(REPORT);
    let verdicts: String = (0..=255)
        .map(|status| {
            report.status = status;
            assert!(!report.reason().is_empty());
            match report.verdict() {
                Verdict::Delivered => 'd',
                Verdict::Trying => 't',
                Verdict::Failed => 'f',
            }
        })
        .collect();
    assert_eq!(verdicts, format!("{}{}{}", "d".repeat(0x20), "t".repeat(0x20), "f".repeat(0xC0)));
}

#[test]
fn a_pdu_without_service_centre_is_read_by_its_announced_length() {
    let whole = from_hex(HOW_ARE_YOU).unwrap();
    let bare = to_hex(&whole[8..]);
    let length = whole.len() - 8;
    for hex in [HOW_ARE_YOU, &bare] {
        let Pdu::Deliver(deliver) = decode_announced(hex, length, Direction::Received).unwrap() else {
            panic!("a deliver")
        };
        assert_eq!(deliver.text().unwrap(), "How are you?");
    }
    assert_eq!(
        decode_announced(&bare[..bare.len() - 2], length, Direction::Received).unwrap_err().to_string(),
        "PDU at octet 29: the PDU ends too early, octets missing: 1; read it again from the modem"
    );
}

#[test]
fn a_type_that_no_modem_hands_out_is_an_error() {
    assert_eq!(
        decode("0001AB", Direction::Received).unwrap_err().to_string(),
        "TP-MTI at octet 1: a message of type 1, which no modem hands out in this direction"
    );
    assert!(decode("0002AB", Direction::Sent).is_err());
}

#[test]
fn the_reserved_type_is_read_as_a_message() {
    let mut octets = from_hex(HOW_ARE_YOU).unwrap();
    octets[8] |= 0x03;
    assert!(matches!(decode_octets(&octets, Direction::Received), Ok(Pdu::Deliver(_))));
}

#[test]
fn a_text_in_a_national_alphabet_is_read() {
    // "İ" by the Turkish locking shift, "ş" by the Turkish single shift.
    let mut pdu = from_hex("00440B911346610089F6000020806291731408").unwrap();
    pdu.extend([11, 6, 0x25, 1, 1, 0x24, 1, 1]);
    pdu.extend(septets::pack(&[0x40, 0x1B, 0x73], septets::fill_bits(7)));
    assert_eq!(deliver(&to_hex(&pdu)).text().unwrap(), "İş");
}

#[test]
fn debug_of_a_pdu_shows_no_number_and_no_text() {
    let parts = submit("15551234567", "Your PIN is 1234", SubmitOptions::default());
    let shown = format!("{:?} {:?} {:?} {:?}", parts[0], sent(&parts[0].hex), deliver(HOW_ARE_YOU), report(REPORT));
    for secret in ["1555", "1234", "PIN", "3164", "6393", "How", "C8F71D"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn each_shortened_pdu_is_an_error_that_names_its_field_or_is_read() {
    let ucs2 = submit("15551234567", "Váš kód: 1234", SubmitOptions::default()).remove(0).hex;
    let cases = [
        (HOW_ARE_YOU, Direction::Received),
        (REPORT, Direction::Received),
        (REPORT_ZTE, Direction::Received),
        (ucs2.as_str(), Direction::Sent),
    ];
    for (hex, direction) in cases {
        let octets = from_hex(hex).unwrap();
        for length in 0..octets.len() {
            if let Err(error) = decode_octets(&octets[..length], direction) {
                assert!(error.field.starts_with("TP-") || error.field == "SMSC", "{error}");
                assert!(error.offset <= length, "{error}");
            }
        }
    }
    let octets = from_hex(HOW_ARE_YOU).unwrap();
    let error = |length: usize| decode_octets(&octets[..length], Direction::Received).unwrap_err();
    let errors: Vec<String> = [0, 3, 8, 9, 15, 17, 20, 26, 30]
        .map(|length| format!("{} {}", error(length).field, error(length).offset))
        .to_vec();
    insta::assert_snapshot!(errors.join(", "), @"SMSC 0, SMSC 1, TP-MTI 8, TP-OA 9, TP-OA 11, TP-PID 17, TP-SCTS 19, TP-UDL 26, TP-UD 27");
}

#[test]
fn a_text_of_each_length_reads_as_it_was_meant() {
    // Up to three parts; what takes two septets, or four octets, ends at every place of a part's end.
    let texts = [("", "a", 310), ("", "€", 155), ("a", "€", 155), ("", "я", 138), ("", "😁", 70), ("я", "😁", 70)];
    let wide = SubmitOptions { wide_concat_reference: Some(0xABCD), ..SubmitOptions::default() };
    for options in [SubmitOptions::default(), wide] {
        for (first, character, count_max) in texts {
            for count in 0..=count_max {
                let text = format!("{first}{}", character.repeat(count));
                let whole = joined(&submit("15551234567", &text, options), &options);
                assert!(whole.iter().all(|part| !part.text().unwrap().contains('\u{FFFD}')));
                assert_eq!(Body::join(whole.iter().map(|part| &part.body)), Some(text));
            }
        }
        for count in 0..=272 {
            let octets: Vec<u8> = (0..=u8::MAX).cycle().take(count).collect();
            let parts = encode_submit_octets(&Address::international("15551234567"), &octets, &options).unwrap();
            let whole = joined(&parts, &options);
            assert_eq!(whole.iter().flat_map(|part| part.body.content.clone()).collect::<Vec<_>>(), octets);
        }
    }
}

#[test]
fn the_direction_of_a_pdu_follows_from_its_type() {
    assert_eq!(decode_any(HOW_ARE_YOU), decode(HOW_ARE_YOU, Direction::Received));
    assert_eq!(decode_any(REPORT), decode(REPORT, Direction::Received));
    assert_eq!(decode_any(REPORT_ZTE), decode(REPORT_ZTE, Direction::Received));
    for extra in ["00", "01", "02", "06", "FF"] {
        assert_eq!(decode_any(&format!("{extra}{REPORT}")), decode_any(REPORT), "{extra} in front");
    }
    let error = |hex| decode_any(hex).unwrap_err().to_string();
    assert_eq!(
        error("0011000B"),
        "TP-DA at octet 4: the PDU ends too early, octets missing: 1; read it again from the modem"
    );
    assert_eq!(
        error("07914433"),
        "SMSC at octet 1: the PDU ends too early, octets missing: 4; read it again from the modem"
    );
}

#[test]
fn a_flash_message_says_its_class() {
    let flash = SubmitOptions { class: Some(0), ..SubmitOptions::default() };
    assert_eq!(submit("1", "x", flash)[0].hex, "0001000191F100100178");
    assert_eq!(submit("1", "я", flash)[0].hex, "0001000191F1001802044F");
}

#[test]
fn a_message_cut_short_at_any_octet_is_an_error() {
    let ucs2 = submit("15551234567", "Váš kód: 1234", SubmitOptions::default()).remove(0).hex;
    let part = submit("15551234567", &"a".repeat(161), SubmitOptions::default()).remove(1).hex;
    for hex in [HOW_ARE_YOU, REPORT, &ucs2, &part] {
        for digits in 0..hex.len() {
            assert!(decode_any(&hex[..digits]).is_err(), "{digits} digits of {hex}");
        }
        assert!(decode_any(hex).is_ok());
    }
}

fn options() -> impl Strategy<Value = SubmitOptions> {
    let wide = proptest::option::of(any::<u16>());
    (any::<bool>(), proptest::option::of(0u64..100_000_000), any::<u8>(), wide, proptest::option::of(0u8..4)).prop_map(
        |(status_report, seconds, concat_reference, wide_concat_reference, class)| SubmitOptions {
            status_report,
            validity: seconds.map(Duration::from_secs),
            concat_reference,
            wide_concat_reference,
            class,
        },
    )
}

/// Texts of the 7-bit alphabet, of its escapes, of two-octet and of four-octet characters, long and short.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -Z_a-z@£$èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r]{0,500}",
        "[€\\[\\]{}^~|\\\\a]{0,240}",
        "[а-яА-Я0-9 ]{0,210}",
        "[😀-🙏a]{0,110}",
        proptest::collection::vec(any::<char>(), 0..110).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_sent_reads_as_it_was_meant(number in "[1-9][0-9]{3,14}", text in texts(), options in options()) {
        let parts = encode_submit(&number, &text, &options).unwrap();
        if options.wide_concat_reference.is_none() {
            prop_assert_eq!(parts.len(), part_count(&text));
        }
        for part in &parts {
            let submit = sent(&part.hex);
            prop_assert_eq!(submit.recipient.to_number(), format!("+{number}"));
            prop_assert_eq!(submit.alphabet, alphabet_of(&text));
            prop_assert_eq!(submit.status_report, options.status_report);
            prop_assert_eq!(submit.validity.is_some(), options.validity.is_some());
            prop_assert_eq!(submit.class, options.class);
        }
        let whole = joined(&parts, &options);
        prop_assert_eq!(Body::join(whole.iter().map(|part| &part.body)), Some(text.clone()));
        let in_turn: String = whole.iter().filter_map(Submit::text).collect();
        prop_assert_eq!(in_turn, text);
    }

    #[test]
    fn octets_that_are_sent_read_as_they_were_meant(
        octets in proptest::collection::vec(any::<u8>(), 0..500),
        options in options(),
    ) {
        let parts = encode_submit_octets(&Address::international("15551234567"), &octets, &options).unwrap();
        let whole = joined(&parts, &options);
        prop_assert!(whole.iter().all(|part| part.alphabet == Alphabet::EightBit && part.text().is_none()));
        let read: Vec<u8> = whole.iter().flat_map(|part| part.body.content.clone()).collect();
        prop_assert_eq!(read, octets);
    }

    #[test]
    fn nobody_needs_to_say_which_way_a_submit_travels(text in texts(), options in options()) {
        for part in encode_submit("15551234567", &text, &options).unwrap() {
            prop_assert_eq!(decode_any(&part.hex).unwrap(), Pdu::Submit(sent(&part.hex)));
        }
    }

    #[test]
    fn no_octets_break_the_reading(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        for direction in [Direction::Received, Direction::Sent] {
            for pdu in [decode_octets(&octets, direction), decode_bare(&octets, direction)] {
                exercise(pdu);
            }
        }
    }

    #[test]
    fn no_octets_behind_a_plausible_beginning_break_the_reading(
        beginning in prop_oneof![Just("0044"), Just("0040"), Just("0006"), Just("0046")],
        tail in proptest::collection::vec(any::<u8>(), 0..60),
        coding: u8,
    ) {
        let mut octets = from_hex(beginning).unwrap();
        octets.extend([0x04, 0x91, 0x21, 0x43, 0x00, coding, 0x32, 0x11, 0x21, 0x02, 0x00, 0x00, 0x00]);
        octets.extend(tail);
        exercise(decode_octets(&octets, Direction::Received));
    }

    #[test]
    fn no_text_breaks_the_reading(text: String, length: usize) {
        exercise(decode(&text, Direction::Received));
        exercise(decode_announced(&text, length, Direction::Received));
    }

    #[test]
    fn octets_behind_the_end_change_nothing(text in texts(), tail in proptest::collection::vec(any::<u8>(), 1..9)) {
        let part = encode_submit("15551234567", &text, &SubmitOptions::default()).unwrap().remove(0);
        prop_assert_eq!(sent(&format!("{}{}", part.hex, to_hex(&tail))), sent(&part.hex));
    }
}

/// The parts of a message, read and put in order as a receiver does that got the last one first.
fn joined(parts: &[SubmitPart], options: &SubmitOptions) -> Vec<Submit> {
    let mut joiner = Joiner::default();
    for part in parts.iter().rev() {
        assert!(part.length <= 164, "no modem takes more");
        assert_eq!(part.hex.len(), 2 * (part.length + 1));
        let submit = sent(&part.hex);
        let Some(concat) = submit.concat else { return vec![submit] };
        assert_eq!(concat.wide, options.wide_concat_reference.is_some());
        assert_eq!(concat.reference, options.wide_concat_reference.unwrap_or(u16::from(options.concat_reference)));
        if let Joined::Whole(parts) = joiner.add(&submit.recipient.clone(), concat, submit, 0) {
            return parts;
        }
    }
    panic!("the parts of a message are a message")
}

/// Asks a PDU for everything that it works out only when asked.
fn exercise(pdu: Result<Pdu, DecodeError>) {
    match pdu {
        Ok(Pdu::Deliver(deliver)) => {
            deliver.text();
            deliver.body.header.ports();
            deliver.timestamp.map(|time| (time.to_string(), time.as_unix_millis()));
        }
        Ok(Pdu::Submit(submit)) => {
            submit.text();
        }
        Ok(Pdu::StatusReport(report)) => {
            report.reason();
            report.body.map(|body| body.text());
        }
        Err(error) => {
            error.to_string();
        }
    }
}
