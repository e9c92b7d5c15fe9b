//! What an attempt asks of a route, as one word of the outbox. Pure.
//!
//! All attempts of a lane ask the same, so that either the next of them can go on or none can: a look at the outbox
//! passes over a lane that cannot, however long it is, and no lane waits behind another.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::phone::Country;
use crate::verification::EventKind;

/// How long a later event goes behind first ones: long enough for the people who sit in front of a form.
const LATER_WAITS_MAX: Duration = Duration::from_secs(30);

/// Of the send time-out, the part that a later event may spend behind first ones. The rest is enough to be sent.
const LATER_WAITS_PART: u32 = 4;

/// When an attempt of a lane counts as one for which somebody waits, so that no stream of first events starves it.
pub fn counts_as_first(lane: &Lane, due: Timestamp, send_timeout: Duration, now: Timestamp) -> bool {
    lane.first || due + LATER_WAITS_MAX.min(send_timeout / LATER_WAITS_PART) <= now
}

/// In the database: `first sms DE`, `later tts - ~sim1 !sim2 !sim3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Somebody waits for it: the first event of a verification, or one that a person asked for.
    pub first: bool,
    pub kind: EventKind,
    pub country: Option<Country>,
    /// The route of the event's last attempt: another one first, where one is ready.
    pub avoided: Option<String>,
    /// Routes that refused the event for good, in the order of their names.
    pub excluded: Vec<String>,
}

impl Lane {
    /// Reads what [`fmt::Display`] wrote. Words of another origin are passed over: an attempt is never lost for them.
    pub fn read(text: &str) -> Self {
        let mut words = text.split(' ');
        let first = words.next() == Some("first");
        let kind = if words.next() == Some("tts") { EventKind::Tts } else { EventKind::Sms };
        let country = words.next().and_then(|country| country.parse().ok());
        let mut lane = Self { first, kind, country, avoided: None, excluded: vec![] };
        for word in words {
            if let Some(route) = word.strip_prefix('~') {
                lane.avoided = Some(route.to_owned());
            } else if let Some(route) = word.strip_prefix('!') {
                lane.excluded.push(route.to_owned());
            }
        }
        lane
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.first { "first" } else { "later" };
        write!(f, "{first} {} {}", self.kind.as_str(), self.country.as_ref().map_or("-", Country::as_str))?;
        self.avoided.iter().try_for_each(|route| write!(f, " ~{route}"))?;
        self.excluded.iter().try_for_each(|route| write!(f, " !{route}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_reads_what_it_writes() {
        for text in ["first sms DE", "later tts -", "first tts GB ~sim1", "later sms FR ~sim.2 !sim-1 !sim.2"] {
            assert_eq!(Lane::read(text).to_string(), text);
        }
        let lane = Lane::read("later tts DE ~a !b !c");
        assert!(!lane.first && lane.kind == EventKind::Tts && lane.country == "DE".parse().ok());
        assert_eq!((lane.avoided.as_deref(), lane.excluded.join(" ")), (Some("a"), "b c".to_owned()));
    }

    #[test]
    fn a_later_event_counts_as_first_after_half_a_minute_or_a_quarter_of_the_send_time_out() {
        let (first, later) = (Lane::read("first sms GB"), Lane::read("later sms GB"));
        let counts = |lane: &Lane, waited: u64, send_timeout: u64| {
            let due = Timestamp::from_millis(1_000_000);
            let [waited, send_timeout] = [waited, send_timeout].map(Duration::from_secs);
            counts_as_first(lane, due, send_timeout, due + waited)
        };
        assert!(counts(&first, 0, 240));
        assert!(!counts(&later, 29, 240) && counts(&later, 30, 240));
        assert!(!counts(&later, 4, 20) && counts(&later, 5, 20));
    }

    #[test]
    fn what_is_no_lane_asks_for_less_and_is_not_lost() {
        for text in ["", "x", "first", "first sms", "first sms Germany ~ ?"] {
            let lane = Lane::read(text);
            assert_eq!((lane.kind, lane.country, lane.excluded.len()), (EventKind::Sms, None, 0), "{text:?}");
        }
    }
}
