//! When an event is sent again, and what a reply means for it.

use std::time::Duration;

use crate::clock::Timestamp;

/// The longest pause that a receiver may ask for.
const ASKED_MAX: Duration = Duration::from_secs(24 * 3600);

/// A wait is longer or shorter by so many percent at most: receivers that fail at once must not be asked again at once.
const SPREAD_PERCENT: u32 = 20;

/// How often and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// After the first failure; doubled after each further one.
    pub first: Duration,
    pub longest: Duration,
    /// From when the event was to be sent.
    pub give_up: Duration,
}

/// What comes after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    At(Timestamp),
    GiveUp,
}

impl Schedule {
    /// What comes after the failure of attempt `attempts` (from 1) at `now`. `chance` spreads the wait; `asked` is the
    /// receiver's wish. The last attempt is made when the time is over.
    pub fn next(&self, attempts: u32, queued: Timestamp, asked: Option<Duration>, chance: u8, now: Timestamp) -> Next {
        let end = queued + self.give_up;
        if now >= end {
            return Next::GiveUp;
        }
        let wait = self.wait(attempts, chance).max(asked.unwrap_or_default().min(ASKED_MAX));
        Next::At((now + wait).min(end))
    }

    fn wait(&self, attempts: u32, chance: u8) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        let percent = 100 - SPREAD_PERCENT + 2 * SPREAD_PERCENT * u32::from(chance) / u32::from(u8::MAX);
        wait.saturating_mul(percent) / 100
    }
}

/// What a reply, or its absence, means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// To be sent again.
    Failed {
        reason: String,
        /// The receiver's wish for this event.
        asked: Option<Duration>,
        /// The wish is for whatever else is sent to it, too.
        for_all: bool,
    },
    /// The receiver wants nothing any more.
    Gone,
}

impl Verdict {
    /// Of a reply (Standard Webhooks 1.0.0, "Delivery success and failure").
    pub fn of(status: u16, retry_after: Option<Duration>) -> Self {
        let failed = |reason: &str, for_all| Self::Failed {
            reason: format!("HTTP status {status}{reason}"),
            asked: retry_after,
            for_all: for_all && retry_after.is_some(),
        };
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            300..=399 => failed(": redirects are not followed, set the URL itself", false),
            429 | 502..=504 => failed("", true),
            _ => failed("", false),
        }
    }

    /// Of a request without a reply.
    pub fn unanswered(reason: String) -> Self {
        Self::Failed { reason, asked: None, for_all: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        first: Duration::from_secs(5),
        longest: Duration::from_secs(3600),
        give_up: Duration::from_secs(72 * 3600),
    };

    const ZERO: Timestamp = Timestamp::from_millis(0);

    fn seconds(next: Next) -> f64 {
        match next {
            Next::At(at) => at.since(ZERO).as_secs_f64(),
            Next::GiveUp => f64::INFINITY,
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_spread() {
        let wait = |attempts, chance| seconds(SCHEDULE.next(attempts, ZERO, None, chance, ZERO));
        let waits: Vec<_> = [1, 2, 3, 4, 10, 11, 12, 4_000_000_000].map(|attempts| wait(attempts, 0) / 0.8).to_vec();
        assert_eq!(waits, [5.0, 10.0, 20.0, 40.0, 2560.0, 3600.0, 3600.0, 3600.0]);
        assert_eq!([wait(1, 0), wait(1, 255), wait(12, 255)], [4.0, 6.0, 4320.0]);
        assert!((4.9..5.1).contains(&wait(1, 127)));
    }

    #[test]
    fn the_last_attempt_is_made_when_the_time_is_over_and_none_after_it() {
        let at = |hours: u64| ZERO + Duration::from_secs(hours * 3600);
        assert_eq!(SCHEDULE.next(90, ZERO, None, 255, at(71)), Next::At(at(72)));
        assert_eq!(SCHEDULE.next(91, ZERO, None, 255, at(72)), Next::GiveUp);
        assert_eq!(SCHEDULE.next(91, ZERO, None, 255, at(80)), Next::GiveUp);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_days() {
        let asked = |seconds_asked| seconds(SCHEDULE.next(1, ZERO, Some(Duration::from_secs(seconds_asked)), 0, ZERO));
        assert_eq!([asked(1), asked(120), asked(1_000_000)], [4.0, 120.0, 86_400.0]);
    }

    #[test]
    fn only_2xx_is_success_and_410_the_end() {
        let pause = Some(Duration::from_secs(9));
        let failed = |reason: &str, asked, for_all| Verdict::Failed { reason: reason.to_owned(), asked, for_all };
        for (status, retry_after, verdict) in [
            (200, None, Verdict::Delivered),
            (204, pause, Verdict::Delivered),
            (299, None, Verdict::Delivered),
            (410, pause, Verdict::Gone),
            (199, None, failed("HTTP status 199", None, false)),
            (302, None, failed("HTTP status 302: redirects are not followed, set the URL itself", None, false)),
            (404, pause, failed("HTTP status 404", pause, false)),
            (429, pause, failed("HTTP status 429", pause, true)),
            (500, None, failed("HTTP status 500", None, false)),
            (503, None, failed("HTTP status 503", None, false)),
            (503, pause, failed("HTTP status 503", pause, true)),
        ] {
            assert_eq!(Verdict::of(status, retry_after), verdict, "{status}");
        }
    }
}
