//! What was asked, what was answered, and what the phones got.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

/// What the person with the phone does with the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// The right code, and the right code again.
    Right,
    WrongTwiceThenRight,
    WrongThrice,
    /// The right code from several callers at once.
    AtOnce,
    Cancel,
    NextEvent,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Accepted,
    /// With this status, which is not 0.
    Refused(u16),
    /// The connection broke: it may have been accepted.
    Unknown,
}

#[derive(Clone)]
pub struct Asked {
    pub account: usize,
    pub workflow: u8,
    pub manner: Manner,
    pub answered: Answered,
    pub request_id: Option<String>,
    /// Replies to checks, by status; 0 for those that broke off.
    pub successes: u32,
    pub wrong: u32,
    pub faults: u32,
    pub cancelled: bool,
}

/// What a phone got.
#[derive(Clone)]
pub struct Received {
    pub route: String,
    pub pin: String,
}

#[derive(Default)]
pub struct Ledger {
    pub asked: Mutex<BTreeMap<String, Asked>>,
    pub received: Mutex<HashMap<String, Vec<Received>>>,
    /// What must never be, as it was seen.
    violations: Mutex<Vec<String>>,
    /// How often each thing happened.
    counts: Mutex<BTreeMap<String, u64>>,
    numbers: AtomicUsize,
    /// Jumps of the clock so far: what spans one says nothing about lives.
    pub jumps: AtomicUsize,
}

impl Ledger {
    pub fn count(&self, what: impl Into<String>) {
        *self.counts.lock().expect("no panic").entry(what.into()).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().expect("no panic").clone()
    }

    pub fn violation(&self, what: String) {
        eprintln!("VIOLATION {what}");
        self.violations.lock().expect("no panic").push(what);
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().expect("no panic").clone()
    }

    /// Changes what is known of a number.
    pub fn note<T>(&self, number: &str, change: impl FnOnce(&mut Asked) -> T) -> T {
        change(self.asked.lock().expect("no panic").get_mut(number).expect("it was asked for"))
    }

    /// # Panics
    ///
    /// If the number was asked for before: what became of it could be told of neither.
    pub fn begin(&self, number: &str, account: usize, workflow: u8, manner: Manner) {
        let asked = Asked {
            account,
            workflow,
            manner,
            answered: Answered::Unknown,
            request_id: None,
            successes: 0,
            wrong: 0,
            faults: 0,
            cancelled: false,
        };
        let before = self.asked.lock().expect("no panic").insert(number.to_owned(), asked);
        assert!(before.is_none(), "the run has no more numbers: make it shorter, or TORTURE_RATE smaller");
    }

    /// A phone got a message; `true`: the first for its number.
    pub fn receive(&self, number: &str, route: &str, text: &str) -> bool {
        self.count(format!("messages that phones got from {route}"));
        let pin = text.split(' ').next().unwrap_or_default().to_owned();
        let mut received = self.received.lock().expect("no panic");
        let of_number = received.entry(number.trim_start_matches('+').to_owned()).or_default();
        of_number.push(Received { route: route.to_owned(), pin });
        of_number.len() == 1
    }

    /// A mobile number that was not asked for before: the run ends sooner than they do.
    pub fn number(&self, kind: Number) -> String {
        let index = self.numbers.fetch_add(1, Ordering::Relaxed);
        match kind {
            Number::Magic(ending) => {
                format!("{}{:04}{ending}", MOBILE[index / 9000 % MOBILE.len()], 1000 + index % 9000)
            }
            // No magic number ends in 1000 or above.
            Number::Ordinary => format!("49151{:04}{:04}", 1000 + index / 9000 % 9000, 1000 + index % 9000),
            Number::Abroad => format!("43664{:07}", 1_000_000 + index),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Number {
    Ordinary,
    /// With the ending of a magic number.
    Magic(&'static str),
    /// Only the provider takes it.
    Abroad,
}

/// Of networks that give out eight digits: 45,000 magic numbers of each ending.
const MOBILE: [&str; 5] = ["49151", "49152", "49157", "49159", "49176"];

/// Whether one of the run's numbers stands in the text, in the clear.
pub fn shows_number(text: &str) -> bool {
    MOBILE.iter().map(|prefix| (prefix, 13)).chain([(&"43664", 12)]).any(|(prefix, length)| {
        text.match_indices(*prefix).any(|(at, _)| {
            let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
            let before = text[..at].bytes().next_back();
            digits == length && !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        })
    })
}

/// A message that a person is to act on.
pub struct Turn {
    pub number: String,
    pub pin: String,
    pub got: Instant,
    pub jumps: usize,
}
