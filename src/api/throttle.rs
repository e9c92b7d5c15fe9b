//! How many requests an account may make within a second, wherever the second begins.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::verification::AccountId;

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// The instants of the requests that were admitted in the last second, of all accounts that made any since the start:
/// eight octets each, and of an account no more than its rate.
#[derive(Clone, Default)]
pub struct Throttle(Arc<Mutex<HashMap<AccountId, VecDeque<Timestamp>>>>);

impl Throttle {
    /// Admits a request at `now`. `false`: it would be more than the account's `rate` of requests a second.
    pub fn admits(&self, account: AccountId, rate: u32, now: Timestamp) -> bool {
        let rate = usize::try_from(rate).unwrap_or(usize::MAX).max(1);
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = accounts.entry(account).or_default();
        // A clock that was set back leaves instants that lie ahead.
        let is_over = |at: &Timestamp| now.since(*at).max(at.since(now)) >= WINDOW;
        while admitted.front().is_some_and(is_over) {
            admitted.pop_front();
        }
        let fits = admitted.len() < rate;
        if fits {
            admitted.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` requests of account 1 at `millis` are admitted.
    fn admitted(throttle: &Throttle, count: usize, rate: u32, millis: i64) -> usize {
        let now = Timestamp::from_millis(millis);
        (0..count).filter(|_| throttle.admits(AccountId::new(1), rate, now)).count()
    }

    #[test]
    fn no_second_holds_more_than_the_rate() {
        let throttle = Throttle::default();
        let taken: Vec<_> = (0..3_000).step_by(10).map(|millis| (millis, admitted(&throttle, 1, 30, millis))).collect();
        for window in taken.windows(100) {
            assert!(window.iter().map(|(_, count)| count).sum::<usize>() <= 30, "from {} ms on", window[0].0);
        }
        assert_eq!(taken.iter().map(|(_, count)| count).sum::<usize>(), 90);
    }

    #[test]
    fn a_request_is_forgotten_after_a_second() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 1, 3, 10_000), 1);
        assert_eq!(admitted(&throttle, 9, 3, 10_900), 2);
        assert_eq!(admitted(&throttle, 9, 3, 10_999), 0);
        assert_eq!(admitted(&throttle, 9, 3, 11_000), 1);
        assert_eq!(admitted(&throttle, 9, 3, 11_900), 2);
    }

    #[test]
    fn each_account_has_its_own() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 3, 1, 0), 1);
        assert!(throttle.admits(AccountId::new(2), 1, Timestamp::from_millis(0)));
    }

    #[test]
    fn another_rate_holds_at_once() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 5, 1, 0), 1);
        assert_eq!(admitted(&throttle, 5, 3, 0), 2);
        assert_eq!(admitted(&throttle, 5, 1, 0), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 2, 2, 3_600_000), 2);
        assert_eq!(admitted(&throttle, 3, 2, 0), 2);
    }
}
