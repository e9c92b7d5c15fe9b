//! What fuzzing found worth keeping, and any other bytes, through the functions that the fuzz targets run.

#[path = "../fuzz/entry/mod.rs"]
mod entry;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn the_whole_corpus_runs_through_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in entry::TARGETS {
        let files: Vec<_> =
            fs::read_dir(corpus.join(name)).expect("a folder").map(|file| file.expect("a file")).collect();
        assert!(files.len() >= 10, "the corpus of {name} is there");
        for file in files {
            // Shown if the test fails: which file it was.
            println!("{}", file.path().display());
            target(&fs::read(file.path()).expect("a file's content"));
        }
    }
}

/// Pieces of what modems say, and rubbish.
fn babble() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(
        &[
            "OK",
            "ERROR",
            "+CME ERROR: 10",
            "+CMS ERROR: 500",
            "> ",
            "RING",
            "+CMTI: \"SM\",3",
            "+CREG: 2,1,\"0B,\"0100701\",7",
            "+CMT: ,24",
            "+CDS: 24",
            "07914356060013F1065A098136395339F6219011700463802190117004638030",
            "+CMGL: 1,1,,3",
            "0004FF00",
            "+CMGS: 7",
            "NO CARRIER",
            "RDY",
            "^BOOT:1,0",
            "+CPIN: READY",
            "\"",
            ",",
            "(",
            ")",
            "0-9",
            "00410042",
        ][..],
    );
    let piece = prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        Just(b"\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
        "[ -~]{0,8}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Octets that begin as PDUs do, so that the reading gets as far as their ends.
fn almost_pdus() -> impl Strategy<Value = Vec<u8>> {
    const BEGINNINGS: [&[u8]; 6] = [
        &[0x00, 0x44, 0x04, 0x91, 0x21, 0x43, 0x00],
        &[0x00, 0x04, 0x06, 0xD0, 0x41, 0xE1, 0x10, 0x00],
        &[0x00, 0x51, 0x07, 0x04, 0x81, 0x21, 0x43, 0x00],
        &[0x00, 0x59, 0x07, 0x04, 0x81, 0x21, 0x43, 0x00],
        &[0x02, 0x91, 0x21, 0x46, 0x05, 0x04, 0x91, 0x21, 0x43],
        &[],
    ];
    let beginning = prop::sample::select(BEGINNINGS.to_vec());
    (beginning, prop::collection::vec(any::<u8>(), 0..180)).prop_map(|(beginning, tail)| [beginning, &tail].concat())
}

/// Parts of an input, each of known pieces and rubbish.
fn parts(count: usize, known: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(known).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => "\\PC{0,8}".prop_map(String::into_bytes),
    ];
    let part = prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat());
    prop::collection::vec(part, count).prop_map(|parts| parts.join(&0x1E))
}

const SAID_BY_CALLERS: &[&str] = &[
    "number=447700900123&",
    "brand=Acme&",
    "payee=Acme&amount=12.50&",
    "country=GB&",
    "pin_code=4711&",
    "lg=de-de&",
    "workflow_id=7&",
    "pin_expiry=60&",
    "request_id=0123456789abcdef0123456789abcdef&",
    "code=4711&",
    "cmd=cancel&",
    "request_ids=a&",
    "api_key=k&",
    "api_secret=s&",
    "timestamp=1700000000&",
    "sig=22a7c064a54cc56c31367fd986aa5951",
    "{",
    "}",
    "\"number\":",
    "\"request_ids\":",
    "[",
    "]",
    "447700900123",
    "\"",
    ",",
    ":",
    "%",
    "%41",
    "%ff",
    "+",
    "&",
    "=",
    "Basic ",
    "a2V5OnNlY3JldA==",
    "\u{feff}",
    "null",
    "1e999",
    "-1",
];

const SETTINGS: &[&str] = &[
    "[[modems]]\nname = 'sim1'\nport = '/dev/ttyUSB0'\n",
    "[[providers]]\nname = 'backup'\nurl = 'https://sms.example/'\n",
    "secret = 'Zq83xW7u4K'\n",
    "sim_pin = '47114711'\n",
    "callback_secret = 'Zq83xW7u4K-callback'\n",
    "headers = { X = 'Zq83xW7u4K-header' }\n",
    "body = '{{ text }}'\n",
    "[server]\n",
    "listen = '127.0.0.1:1'\n",
    "[verify]\n",
    "code_length = 6\n",
    "[providers.voice]\n",
    "[log]\n",
    "level = 'info'\n",
    " = ",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "#",
    "1",
    "true",
    "secret",
    "modems",
    "providers",
    "1979-05-27",
];

const TEMPLATES: &[&str] = &[
    "https://sms.example/",
    "{{ text }}",
    "{{ brand }}",
    "{{ sender }}",
    "{{ digits }}",
    "{{ secret }}",
    "{{ account }}",
    "{% if unicode %}",
    "{% endif %}",
    "{% for a in range(999) %}",
    "{% endfor %}",
    " | json }}",
    " | safe }}",
    "{{ text",
    "?to=",
    "&text=",
    "/",
    "..",
    ".",
    "#",
    "@",
    ":",
    "{\"a\": \"",
    "\"}",
    "<a>",
    "</a>",
    "\r\n",
    "\"",
    "'",
    "\\",
    "%",
    "%2e",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
];

const REPLIES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"status\":",
    "\"0\"",
    "\"id\":",
    "\"error\":\"",
    "\"",
    ",",
    "\"messages\":",
    "\"retry_after\":",
    "\"results\":",
    "\"messageId\":",
    "\"message-id\":",
    "\"delivered\"",
    "\"groupName\":",
    "4711 is your",
    "\\n",
    "code",
    "4711",
    "447700900123",
    "Zq83xW7u4K",
    "OK: ",
    "1e400",
    "NaN",
    "-1",
    "status=delivered&",
    "messageId=1&",
    "reference=0123456789abcdef&",
    "%ff",
];

/// Octets that begin as a WAV does, of any format and length.
fn almost_wavs() -> impl Strategy<Value = Vec<u8>> {
    let format = (
        prop::sample::select(vec![1_u16, 3, 6, 0xFFFE]),
        0_u16..4,
        prop::sample::select(vec![8_u16, 16, 24, 32, 0, 7]),
    );
    let rate = prop::sample::select(vec![8_000_u32, 11_025, 16_000, 22_050, 44_100, 48_000, 0, u32::MAX]);
    let rest = (any::<u32>(), prop::collection::vec(any::<u8>(), 0..400));
    (format, rate, rest).prop_map(|((format, channels, bits), rate, (length, samples))| {
        let block = channels * (bits / 8);
        let length = if length % 2 == 0 { u32::try_from(samples.len()).expect("a short sound") } else { length };
        let mut wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
        wav.extend([format, channels].into_iter().flat_map(u16::to_le_bytes));
        wav.extend([rate, rate.wrapping_mul(block.into())].into_iter().flat_map(u32::to_le_bytes));
        wav.extend([block, bits].into_iter().flat_map(u16::to_le_bytes));
        wav.extend(b"data");
        wav.extend(length.to_le_bytes());
        wav.extend(samples);
        wav
    })
}

proptest! {
    #[test]
    fn no_bytes_break_the_engine_and_chunks_make_no_difference(choice: u8, bytes in babble()) {
        entry::line(&[&[choice], bytes.as_slice()].concat());
    }

    #[test]
    fn no_bytes_break_a_parser_of_replies(bytes in babble()) {
        entry::reply(&bytes);
    }

    #[test]
    fn no_octets_break_the_reading_of_pdus(octets in almost_pdus()) {
        entry::pdu(&octets);
    }
    #[test]
    fn no_request_breaks_the_reading_of_parameters_and_credentials(bytes in parts(3, SAID_BY_CALLERS)) {
        entry::parameters(&bytes);
    }

    #[test]
    fn no_file_breaks_the_reading_of_settings_or_has_a_secret_shown(bytes in parts(1, SETTINGS)) {
        entry::config(&bytes);
    }

    #[test]
    fn no_template_and_no_message_make_another_request(choice: u8, bytes in parts(6, TEMPLATES)) {
        entry::template(&[&[choice], bytes.as_slice()].concat());
    }

    #[test]
    fn no_reply_of_a_provider_breaks_its_reading_or_is_repeated(
        status in prop::sample::select(vec![200_u16, 302, 400, 429, 500, 504]), end in 0_u8..3, bytes in parts(2, REPLIES),
    ) {
        entry::verdict(&[status.to_be_bytes().as_slice(), &[end], &bytes].concat());
    }

    #[test]
    fn no_callback_breaks_its_reading(bytes in parts(2, REPLIES)) {
        entry::callback(&bytes);
    }

    #[test]
    fn no_octets_break_the_reading_of_speech(octets in almost_wavs()) {
        entry::wav(&octets);
    }
}
