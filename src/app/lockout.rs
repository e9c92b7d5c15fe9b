//! How long a login has to wait after others have failed. Pure.
//!
//! Counted are the failures in a row of a name from one origin, of an origin, and of a name from wherever it is tried. The
//! last count makes guessing from many places slow; its wait is short and does not hold for origins from which the admin
//! has logged in before, so that nobody can keep the real one out.

use std::time::Duration;

use crate::clock::Timestamp;

/// What failures in a row cost.
#[derive(Clone, Copy, Debug)]
pub struct Lockout {
    /// Failures that cost nothing: people mistype.
    free: u32,
    /// The longest wait. The first is a second, and each further one is twice as long.
    longest: Duration,
}

pub const OF_NAME_AND_ORIGIN: Lockout = Lockout { free: 5, longest: Duration::from_secs(300) };
pub const OF_ORIGIN: Lockout = Lockout { free: 20, longest: Duration::from_secs(300) };
pub const OF_NAME: Lockout = Lockout { free: 20, longest: Duration::from_secs(30) };

/// After this time without a failure the count begins anew.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(12 * 3600);

/// Failures in a row of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: u32,
    pub last: Timestamp,
    pub held_until: Timestamp,
}

impl Lockout {
    /// One failure more.
    pub fn count(self, before: Option<Failures>, now: Timestamp) -> Failures {
        let before = before.filter(|before| now.since(before.last) < FORGOTTEN_AFTER);
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        Failures { count, last: now, held_until: now + self.wait(count) }
    }

    fn wait(self, count: u32) -> Duration {
        match count.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(beyond) => {
                Duration::from_secs(1_u64.checked_shl(beyond.min(32)).unwrap_or(u64::MAX)).min(self.longest)
            }
        }
    }

    /// What is left of the wait; none if the clock was set back before the failure.
    pub fn left(self, failures: Failures, now: Timestamp) -> Duration {
        if now < failures.last { Duration::ZERO } else { failures.held_until.since(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_on_and_has_an_end() {
        let mut failures = None;
        let waits: Vec<u64> = (0..16)
            .map(|_| {
                let counted = OF_NAME_AND_ORIGIN.count(failures, NOW);
                failures = Some(counted);
                OF_NAME_AND_ORIGIN.left(counted, NOW).as_secs()
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(OF_NAME.wait(u32::MAX), Duration::from_secs(30));
    }

    #[test]
    fn half_a_day_of_peace_is_a_new_beginning() {
        let failures = Failures { count: 40, last: NOW, held_until: NOW + Duration::from_secs(300) };
        let later = NOW + FORGOTTEN_AFTER;
        assert_eq!(OF_ORIGIN.count(Some(failures), later).count, 1);
        assert_eq!(OF_ORIGIN.count(Some(failures), NOW).count, 41);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody() {
        let failures = OF_ORIGIN.count(Some(Failures { count: 99, last: NOW, held_until: NOW }), NOW);
        assert_eq!(OF_ORIGIN.left(failures, Timestamp::from_millis(0)), Duration::ZERO);
    }
}
