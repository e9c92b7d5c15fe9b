//! The log of the whole test program at TRACE, and what must never stand in it.
//!
//! All tests share one log, because the daemon's threads belong to no test. So each test looks for its own secrets in
//! everything that was logged since it began. No test makes the daemon log an error: one fails whoever sees it.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use regex::Regex;
use simverify::clock::Timestamp;
use simverify::telemetry::{self, Form, Lines};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::Sms;

static LOG: Mutex<String> = Mutex::new(String::new());

/// Lines of the daemon's own that a failed test shows.
const TAIL: usize = 80;

/// Looks at the log from here on.
pub struct Watch {
    begin: usize,
    forbidden: Mutex<Vec<String>>,
}

impl Watch {
    pub fn begin() -> Self {
        static START: Once = Once::new();
        START.call_once(|| {
            let lines = Lines::new(Form::Text { coloured: false }, Timestamp::default, keep);
            let filter = telemetry::filter("trace").expect("a level");
            tracing_subscriber::registry().with(lines.with_filter(filter)).init();
        });
        Self { begin: lock(&LOG).len(), forbidden: Mutex::default() }
    }

    /// Forbids a text, and digits in the form in which a PDU writes a number.
    pub fn never(&self, text: &str) {
        let mut forbidden = lock(&self.forbidden);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= 8 {
            forbidden.push(semi_octets(&digits));
            forbidden.push(digits);
        }
        forbidden.push(text.to_owned());
    }

    /// Forbids a message: its text in the clear and as a PDU carries it, its PIN, its number.
    pub fn never_sms(&self, sms: &Sms) {
        self.never(&sms.number);
        self.never_text(&sms.text);
        lock(&self.forbidden).push(sms.pin().to_owned());
    }

    /// Forbids a text in the clear and as a PDU carries it.
    pub fn never_text(&self, text: &str) {
        let mut forbidden = lock(&self.forbidden);
        let beginning: String = text.chars().take(16).collect();
        forbidden.push(septets(&beginning));
        forbidden.push(beginning.encode_utf16().map(|unit| format!("{unit:04X}")).collect());
        forbidden.push(beginning);
    }

    /// # Panics
    ///
    /// If something forbidden, or an error, is in the log.
    pub fn check(&self) {
        let log = lock(&LOG)[self.begin..].to_owned();
        let forbidden = lock(&self.forbidden);
        for line in lines_with_any(&log, &forbidden) {
            let found = forbidden.iter().find(|text| contains_word(line, text));
            assert_eq!(found, None, "it is in the log: {line}");
        }
        let error = log.lines().find(|line| line.trim_start().starts_with("ERROR"));
        assert_eq!(error, None, "an error was logged");
    }

    /// Lines since the beginning that hold all of these words, of whichever test of the process.
    pub fn lines_with(&self, words: &[&str]) -> Vec<String> {
        let log = lock(&LOG)[self.begin..].to_owned();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
    }

    /// Shows the daemon's last lines.
    pub fn print_tail(&self) {
        let log = lock(&LOG)[self.begin..].to_owned();
        let lines: Vec<_> = log.lines().filter(|line| is_ours(line)).collect();
        for line in &lines[lines.len().saturating_sub(TAIL)..] {
            println!("{line}");
        }
    }
}

/// Whether the daemon said a line: its level is followed by a name, where a library has its module.
fn is_ours(line: &str) -> bool {
    let name = line.split_whitespace().nth(1).unwrap_or_default();
    name.strip_suffix(':').is_some_and(|name| name.contains('.') && !name.contains("::"))
}

/// Lines with one of these texts. The log is long: what lies between is passed over in one go.
fn lines_with_any<'log>(log: &'log str, texts: &[String]) -> Vec<&'log str> {
    let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).map(|text| regex::escape(text)).collect();
    let mut lines = vec![];
    if texts.is_empty() {
        return lines;
    }
    let any = Regex::new(&texts.join("|")).expect("texts");
    let mut at = 0;
    while let Some(hit) = any.find_at(log, at) {
        let begin = log[..hit.start()].rfind('\n').map_or(0, |end| end + 1);
        at = log[hit.end()..].find('\n').map_or(log.len(), |end| hit.end() + end);
        lines.push(&log[begin..at]);
    }
    lines
}

/// Whether `text` stands in `line`. Four digits alone may be any number's: they count as a word of their own, in lines of
/// libraries, which tell lengths and times, only where a value stands.
fn contains_word(line: &str, text: &str) -> bool {
    let ours = is_ours(line);
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let mut after = line[at + text.len()..].chars();
        let (next, second) = (after.next(), after.next());
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let is_fraction = before == Some('.') || (next == Some('.') && is_part(second));
        let is_value = ours || matches!(before, Some('=' | '"' | '\'' | ':'));
        text.len() >= 8 || (is_value && !is_fraction && !is_part(before) && !is_part(next))
    })
}

/// A number as 3GPP TS 23.040 §9.1.2.3 writes it: digits in pairs, each pair turned round.
fn semi_octets(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().chain((digits.len() % 2 == 1).then_some('F')).collect();
    digits.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect()
}

/// The whole octets of the first characters of a text as GSM 7-bit, in hex: 3GPP TS 23.038 §6.1.2.1.
fn septets(text: &str) -> String {
    let bits: Vec<bool> = text.bytes().flat_map(|byte| (0..7).map(move |bit| byte >> bit & 1 == 1)).collect();
    let octet = |bits: &[bool]| bits.iter().rev().fold(0_u8, |octet, bit| octet << 1 | u8::from(*bit));
    bits.chunks_exact(8).map(|bits| format!("{:02X}", octet(bits))).collect()
}

/// A line without its time, and without the numbers of these fields, whose digits are anybody's.
fn keep(line: Vec<u8>) {
    const COUNTS: [&str; 2] = ["_ms=", " credits="];
    let line = String::from_utf8(line).expect("text");
    let mut rest = line.split_once(' ').expect("a time").1;
    let mut log = lock(&LOG);
    while let Some(end) = COUNTS.iter().filter_map(|field| Some(rest.find(field)? + field.len())).min() {
        log.push_str(&rest[..end]);
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    log.push_str(rest);
}

/// A test that failed leaves each of these whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_secret_is_found_in_each_of_its_forms() {
    assert_eq!(semi_octets("447700900123"), "447700091032");
    assert_eq!(semi_octets("123"), "21F3");
    assert_eq!(septets("hellohello"), "E8329BFD4697D9EC");
    for line in ["code=4711", "pin:4711 sent", "\"4711\"", " WARN modem.trouble: is 4711."] {
        assert!(contains_word(line, "4711"), "{line}");
    }
    for line in
        ["127.0.0.1:47110", " WARN modem.trouble: 0.4711s", "expires in 4711.2 ms", "<14711 octets>", "read 4711"]
    {
        assert!(!contains_word(line, "4711"), "{line}");
    }
    assert!(contains_word("AT+CMGS 0011000C91447700091032", &semi_octets("447700900123")));
}
