//! How many requests a second an account may make: a token bucket each, that holds one second's worth.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::verification::AccountId;

/// The buckets of all accounts that made a request since the start: some hundred octets each.
#[derive(Clone, Default)]
pub struct Throttle(Arc<Mutex<HashMap<AccountId, Bucket>>>);

struct Bucket {
    /// The rate that it was made for: another one makes another bucket.
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

impl Throttle {
    /// Takes a token. `false`: the account is over its `rate` of requests a second.
    pub fn admits(&self, account: AccountId, rate: u32) -> bool {
        let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(account).or_insert_with(|| Bucket::new(rate));
        if bucket.rate != rate {
            *bucket = Bucket::new(rate);
        }
        bucket.limiter.check().is_ok()
    }
}

impl Bucket {
    fn new(rate: NonZeroU32) -> Self {
        Self { rate, limiter: RateLimiter::direct(Quota::per_second(rate)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `count` requests at once are admitted. At a slow rate none comes back meanwhile.
    fn admitted(throttle: &Throttle, account: i64, count: usize, a_second: u32) -> usize {
        (0..count).filter(|_| throttle.admits(AccountId::new(account), a_second)).count()
    }

    #[test]
    fn a_seconds_worth_is_admitted_at_once_and_no_more() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 1, 3, 1), 1);
        assert_eq!(admitted(&throttle, 2, 3, 2), 2, "each account has its own");
    }

    #[test]
    fn another_rate_holds_at_once() {
        let throttle = Throttle::default();
        assert_eq!(admitted(&throttle, 1, 5, 1), 1);
        assert_eq!(admitted(&throttle, 1, 3, 3), 3);
        assert_eq!(admitted(&throttle, 1, 3, 1), 1);
    }
}
