//! How pages tell times and spans to people.

use std::fmt;
use std::time::Duration;

use askama::filters::HtmlSafe;

use crate::clock::Timestamp;

/// A moment, as an element that the script turns into the reader's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{} UTC</time>", self.0, self.0.to_date_time())
    }
}

/// For templates, which name no type and borrow whatever they hand over.
pub(super) fn moment(at: &Timestamp) -> Moment {
    Moment(*at)
}

/// Digits, and letters of ours.
impl HtmlSafe for Moment {}

/// The same, as the time of day alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock(pub Timestamp);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0.to_date_time();
        write!(f, "<time datetime=\"{}\" data-form=\"clock\">{}</time>", self.0, &at[11..16])
    }
}

impl HtmlSafe for Clock {}

/// Money for people: two decimals at least, and no more than there are.
pub(super) fn amount(money: &impl fmt::Display, currency: &str) -> String {
    let text = money.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}.{:0<2} {currency}", decimals.trim_end_matches('0'))
}

/// Two units are enough for a person.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Digits in groups of three, which do not break apart.
pub(super) fn grouped(number: &i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if *number < 0 { "−" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// How much of something, in whole percent; a dash where there is nothing.
pub(super) fn percent(part: &u64, whole: &u64) -> String {
    (part * 100).checked_div(*whole).map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}

/// Octets, for a person.
pub(super) fn size(octets: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.into_iter().find(|(_, unit)| octets >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", octets / unit, octets % unit * 10 / unit),
        None => format!("{octets} octets"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_decimals_that_it_needs() {
        let amounts = ["12.00000000", "0.07500000", "3.10000000", "-1.00000001"].map(|money| amount(&money, "EUR"));
        assert_eq!(amounts, ["12.00 EUR", "0.075 EUR", "3.10 EUR", "-1.00000001 EUR"]);
    }

    #[test]
    fn counts_parts_and_sizes_are_told_in_few_characters() {
        assert_eq!(
            [0, 999, 1000, -1_234_567].map(|number| grouped(&number)),
            ["0", "999", "1\u{202f}000", "−1\u{202f}234\u{202f}567"]
        );
        assert_eq!((percent(&1, &3), percent(&0, &0)), ("33 %".to_owned(), "–".to_owned()));
        assert_eq!([900, 1 << 20, 1_610_612_736].map(size), ["900 octets", "1.0 MiB", "1.5 GiB"]);
    }

    #[test]
    fn spans_and_moments_are_told_in_few_words() {
        let spans = [0, 59, 60, 3599, 3600, 90_000, 200_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "1 d 1 h", "2 d 7 h"]);
        assert_eq!(
            Moment(Timestamp::from_millis(1_772_366_400_000)).to_string(),
            "<time datetime=\"2026-03-01T12:00:00.000Z\">2026-03-01 12:00:00 UTC</time>"
        );
    }
}
