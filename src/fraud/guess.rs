//! How long a number waits after wrong codes. Pure.
//!
//! Wrong codes are counted for the number, whichever account, verification and PIN they were meant for; only a right code
//! ends the row (NIST SP 800-63B-4 §3.2.2: a new code does not). The first few are free, since people mistype; each
//! further one doubles the wait; at the end of the row the number is locked until an operator lets it go or it was left
//! alone for [`FORGOTTEN_AFTER`].

use std::time::Duration;

use super::limit::Limit;
use super::{Mode, in_words};
use crate::clock::Timestamp;

/// A row of failures ends by itself after this.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 86_400);

#[derive(Clone, Debug, Default)]
pub struct GuessRules {
    pub mode: Mode,
    /// Wrong codes in a row that cost no wait.
    pub free: u32,
    /// The wait after the first that is not free; doubles with each further one.
    pub delay_first: Duration,
    pub delay_max: Duration,
    /// Wrong codes in a row that lock the number.
    pub in_a_row_max: u32,
    /// Wrong codes of any window, which a right one does not take back.
    pub limits: Vec<Limit>,
}

/// The wrong codes of a number since the last right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub in_a_row: u32,
    pub last: Timestamp,
}

/// Why no code of a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Until {
        until: Timestamp,
        failures: u32,
    },
    Locked {
        failures: u32,
    },
    /// Too many in a window.
    Spent {
        limit: Limit,
        until: Option<Timestamp>,
    },
}

impl Hold {
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Until { until, .. } => Some(*until),
            Self::Locked { .. } => None,
            Self::Spent { until, .. } => *until,
        }
    }

    /// For the operator.
    pub fn reason(&self, now: Timestamp) -> String {
        match self {
            Self::Until { until, failures } => {
                format!("{failures} wrong codes in a row: wait of {}", in_words(until.since(now)))
            }
            Self::Locked { failures } => format!("{failures} wrong codes in a row: locked"),
            Self::Spent { limit, .. } => format!("wrong codes for the number: {limit} is used up"),
        }
    }
}

impl GuessRules {
    /// What the row of failures means at `now`.
    pub fn hold(&self, failures: Failures, now: Timestamp) -> Option<Hold> {
        let Failures { in_a_row, last } = failures;
        if now.since(last) >= FORGOTTEN_AFTER {
            return None;
        }
        if in_a_row >= self.in_a_row_max {
            return Some(Hold::Locked { failures: in_a_row });
        }
        let until = last + self.delay(in_a_row);
        (now < until).then_some(Hold::Until { until, failures: in_a_row })
    }

    /// The wait after so many failures in a row.
    pub fn delay(&self, in_a_row: u32) -> Duration {
        if in_a_row == 0 || in_a_row < self.free {
            return Duration::ZERO;
        }
        let doubled = 1_u32.checked_shl(in_a_row - self.free).unwrap_or(u32::MAX);
        self.delay_first.saturating_mul(doubled).min(self.delay_max)
    }

    /// The most wrong codes that a day can see of one number whose owner never answers, each as early as it may.
    pub fn failures_of_a_day(&self) -> u32 {
        let day = Duration::from_secs(86_400);
        let mut passed = Duration::ZERO;
        let mut failures = 0;
        while failures < self.in_a_row_max {
            failures += 1;
            passed += self.delay(failures);
            if passed >= day {
                break;
            }
        }
        let limited = self.limits.iter().filter(|limit| limit.window >= day).map(|limit| limit.count).min();
        failures.min(limited.unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    pub fn rules() -> GuessRules {
        GuessRules {
            mode: Mode::Block,
            free: 3,
            delay_first: Duration::from_secs(30),
            delay_max: Duration::from_secs(3600),
            in_a_row_max: 100,
            limits: vec!["100/day".parse().expect("a limit")],
        }
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour() {
        let waits: Vec<u64> = (0..=12).map(|failures| rules().delay(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        assert_eq!(rules().delay(u32::MAX), Duration::from_secs(3600));
    }

    #[test]
    fn a_row_holds_up_locks_and_is_forgotten() {
        let hold = |in_a_row, ago| rules().hold(Failures { in_a_row, last: NOW - Duration::from_secs(ago) }, NOW);
        assert_eq!(hold(2, 0), None);
        assert_eq!(hold(3, 29), Some(Hold::Until { until: NOW + Duration::from_secs(1), failures: 3 }));
        assert_eq!(hold(3, 30), None);
        assert_eq!(hold(99, 3600), None);
        assert_eq!(hold(100, 3600), Some(Hold::Locked { failures: 100 }));
        assert_eq!(hold(100, 30 * 86_400), None);
        let told = hold(10, 0).map(|hold| hold.reason(NOW));
        assert_eq!(told.as_deref(), Some("10 wrong codes in a row: wait of 1 h"));
    }

    #[test]
    fn a_day_of_guessing_stays_below_one_in_five_thousand() {
        let rules = rules();
        assert_eq!(rules.failures_of_a_day(), 32, "of an owner who never answers");
        // An owner who answers ends the row; the window counts on.
        let most = rules.limits[0].count;
        let chance = f64::from(most) / 1_000_000.0;
        assert!(chance < 1.0 / 5000.0, "{chance}");
    }
}
