//! Magic numbers: what the virtual network and the person behind a number do is told by the number's last four digits.
//!
//! Whoever writes against the API can so meet each outcome without a second phone. Any other number takes each SMS at
//! once and answers each call.
//!
//! | ends in | SMS | call |
//! | --- | --- | --- |
//! | 0001 | delivered | busy |
//! | 0002 | delivered | rings for 60 s, nobody answers |
//! | 0003 | accepted, never delivered, no report | answered |
//! | 0004 | delivered and reported after 60 s | answered |
//! | 0005 | accepted, then reported as failed for good | answered |
//! | 0006 | +CMS ERROR: 38 (temporary) twice, then delivered | answered |
//! | 0007 | +CMS ERROR: 1 (unassigned number), always | number unobtainable |
//! | 0008 | no answer after Ctrl-Z, and lost | answered |
//! | 0009 | delivered | rejected after 2 s |
//! | 0010 | delivered, and the phone answers STOP by SMS | answered |
//! | 0011 | +CMS ERROR: 304 (wrong format), always | answered |
//! | 0012 | reported as still being tried, then delivered after 5 s | answered |
//! | 0013 | no answer after Ctrl-Z, but delivered and reported | answered |
//! | 0014 | +CMS ERROR: 332 (network timeout), but delivered and reported | answered |
//! | 0015 | delivered, the report comes twice | answered |
//! | 0016 | delivered, the report comes before the modem's answer | answered |
//! | 0017 | +CMS ERROR: 500 (unknown), always | network drops the call before it rings |
//! | 0018 | delivered | answered, hung up after 2 s |
//! | 0019 | delivered | answered, presses 1 after 5 s |

use std::fmt::Write;

/// What becomes of an SMS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SmsFate {
    Delivered,
    Lost,
    DeliveredLate,
    Failed,
    RefusedTwice,
    Refused(u16),
    SilentLost,
    SilentDelivered,
    TimedOutDelivered,
    AnsweredStop,
    StillTried,
    ReportedTwice,
    ReportedFirst,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CallFate {
    Answered,
    AnsweredBriefly,
    AnsweredWithKey,
    Busy,
    Unanswered,
    Rejected,
    Unobtainable,
    Dropped,
}

struct Magic {
    ending: &'static str,
    sms: SmsFate,
    sms_in_words: &'static str,
    call: CallFate,
    call_in_words: &'static str,
}

const fn row(
    ending: &'static str,
    sms: SmsFate,
    sms_in_words: &'static str,
    call: CallFate,
    call_in_words: &'static str,
) -> Magic {
    Magic { ending, sms, sms_in_words, call, call_in_words }
}

const MAGIC: [Magic; 19] = [
    row("0001", SmsFate::Delivered, "delivered", CallFate::Busy, "busy"),
    row("0002", SmsFate::Delivered, "delivered", CallFate::Unanswered, "rings for 60 s, nobody answers"),
    row("0003", SmsFate::Lost, "accepted, never delivered, no report", CallFate::Answered, "answered"),
    row("0004", SmsFate::DeliveredLate, "delivered and reported after 60 s", CallFate::Answered, "answered"),
    row("0005", SmsFate::Failed, "accepted, then reported as failed for good", CallFate::Answered, "answered"),
    row(
        "0006",
        SmsFate::RefusedTwice,
        "+CMS ERROR: 38 (temporary) twice, then delivered",
        CallFate::Answered,
        "answered",
    ),
    row(
        "0007",
        SmsFate::Refused(1),
        "+CMS ERROR: 1 (unassigned number), always",
        CallFate::Unobtainable,
        "number unobtainable",
    ),
    row("0008", SmsFate::SilentLost, "no answer after Ctrl-Z, and lost", CallFate::Answered, "answered"),
    row("0009", SmsFate::Delivered, "delivered", CallFate::Rejected, "rejected after 2 s"),
    row("0010", SmsFate::AnsweredStop, "delivered, and the phone answers STOP by SMS", CallFate::Answered, "answered"),
    row("0011", SmsFate::Refused(304), "+CMS ERROR: 304 (wrong format), always", CallFate::Answered, "answered"),
    row(
        "0012",
        SmsFate::StillTried,
        "reported as still being tried, then delivered after 5 s",
        CallFate::Answered,
        "answered",
    ),
    row(
        "0013",
        SmsFate::SilentDelivered,
        "no answer after Ctrl-Z, but delivered and reported",
        CallFate::Answered,
        "answered",
    ),
    row(
        "0014",
        SmsFate::TimedOutDelivered,
        "+CMS ERROR: 332 (network timeout), but delivered and reported",
        CallFate::Answered,
        "answered",
    ),
    row("0015", SmsFate::ReportedTwice, "delivered, the report comes twice", CallFate::Answered, "answered"),
    row(
        "0016",
        SmsFate::ReportedFirst,
        "delivered, the report comes before the modem's answer",
        CallFate::Answered,
        "answered",
    ),
    row(
        "0017",
        SmsFate::Refused(500),
        "+CMS ERROR: 500 (unknown), always",
        CallFate::Dropped,
        "network drops the call before it rings",
    ),
    row("0018", SmsFate::Delivered, "delivered", CallFate::AnsweredBriefly, "answered, hung up after 2 s"),
    row("0019", SmsFate::Delivered, "delivered", CallFate::AnsweredWithKey, "answered, presses 1 after 5 s"),
];

pub(super) fn sms_fate(number: &str) -> SmsFate {
    magic(number).map_or(SmsFate::Delivered, |magic| magic.sms)
}

pub(super) fn call_fate(number: &str) -> CallFate {
    magic(number).map_or(CallFate::Answered, |magic| magic.call)
}

/// A row of the table, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    pub ending: &'static str,
    pub sms: &'static str,
    pub call: &'static str,
}

/// The table, for who shows it in a form of their own.
pub fn endings() -> Vec<Ending> {
    let row = |magic: &Magic| Ending { ending: magic.ending, sms: magic.sms_in_words, call: magic.call_in_words };
    MAGIC.iter().map(row).collect()
}

/// The table as `--help` prints it.
pub fn table() -> String {
    let mut table = String::from("Magic numbers, by the last four digits of the number called or written to:\n");
    for magic in &MAGIC {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "  …{}  SMS: {}; call: {}", magic.ending, magic.sms_in_words, magic.call_in_words);
    }
    table.push_str("Any other number takes each SMS at once and answers each call.");
    table
}

fn magic(number: &str) -> Option<&'static Magic> {
    MAGIC.iter().find(|magic| number.ends_with(magic.ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_this_modules_doc_is_the_table_that_is_acted_on() {
        let doc: Vec<&str> = include_str!("magic.rs").lines().filter(|line| line.starts_with("//! | 0")).collect();
        let acted: Vec<String> =
            MAGIC.iter().map(|m| format!("//! | {} | {} | {} |", m.ending, m.sms_in_words, m.call_in_words)).collect();
        assert_eq!(doc, acted);
    }

    #[test]
    fn a_number_without_a_magic_ending_is_an_ordinary_phone() {
        assert_eq!(sms_fate("+491701234567"), SmsFate::Delivered);
        assert_eq!(call_fate("+491701234567"), CallFate::Answered);
        assert_eq!(sms_fate("+491700000007"), SmsFate::Refused(1));
    }
}
