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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_decimals_that_it_needs() {
        let amounts = ["12.00000000", "0.07500000", "3.10000000", "-1.00000001"].map(|money| amount(&money, "EUR"));
        assert_eq!(amounts, ["12.00 EUR", "0.075 EUR", "3.10 EUR", "-1.00000001 EUR"]);
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
