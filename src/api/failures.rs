//! Wrong credentials, counted, so that a weak secret cannot be guessed.
//!
//! Counted are the failures within a minute of each pair of origin and key, and of each origin with whatever keys. A pair
//! that has failed too often is answered without a look, right or wrong, until the minute has passed; another key behind
//! the same origin goes on. An origin that tries many keys is answered so too, but for the keys that it has proved before.
//! The memory is bounded: when it is full, what is oldest goes, and pairs that have proved themselves last of all.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::origin::Origin;

const WINDOW: Duration = Duration::from_secs(60);

/// Failures of a pair within the window: enough for whoever tries a client out, and 43 200 guesses a day.
const PAIR_MAX: usize = 30;

/// Failures of an origin within the window: enough for several misconfigured clients behind one address.
const ORIGIN_MAX: usize = 150;

/// Pairs and origins that are remembered: a few MiB at most.
const PAIRS: usize = 8192;
const ORIGINS: usize = 4096;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Failures(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Keys are as long as a caller likes; their hashes are not, and nobody outside knows which keys share one.
    hasher: RandomState,
}

#[derive(Default)]
struct Counts {
    pairs: HashMap<(Origin, u64), Entry>,
    origins: HashMap<Origin, Entry>,
}

#[derive(Default)]
struct Entry {
    failures: VecDeque<Timestamp>,
    used: Option<Timestamp>,
    proved: bool,
}

/// Too many failures; after this time it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub Duration);

impl Failures {
    /// # Errors
    ///
    /// If the pair is not to be looked at.
    pub fn admits(&self, origin: Origin, api_key: &str, now: Timestamp) -> Result<(), TooMany> {
        let pair = self.pair(origin, api_key);
        self.counts().admits(pair, now)
    }

    /// Takes note of what a look came to.
    ///
    /// # Errors
    ///
    /// If others of the pair have failed meanwhile, so that this one is not to be told what it came to: however many try
    /// at the same time, they learn no more than `PAIR_MAX` of them.
    pub fn note(&self, origin: Origin, api_key: &str, right: bool, now: Timestamp) -> Result<(), TooMany> {
        let pair = self.pair(origin, api_key);
        let mut counts = self.counts();
        counts.admits(pair, now)?;
        make_room(&mut counts.pairs, PAIRS, &pair);
        let entry = counts.pairs.entry(pair).or_default();
        entry.used = Some(now);
        if right {
            entry.proved = true;
            return Ok(());
        }
        entry.failures.push_back(now);
        make_room(&mut counts.origins, ORIGINS, &origin);
        let entry = counts.origins.entry(origin).or_default();
        entry.used = Some(now);
        if entry.failures.len() == ORIGIN_MAX {
            entry.failures.pop_front();
        }
        entry.failures.push_back(now);
        Ok(())
    }

    fn pair(&self, origin: Origin, api_key: &str) -> (Origin, u64) {
        (origin, self.0.hasher.hash_one(api_key))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn admits(&mut self, pair: (Origin, u64), now: Timestamp) -> Result<(), TooMany> {
        let mut proved = false;
        if let Some(entry) = self.pairs.get_mut(&pair) {
            entry.admits(PAIR_MAX, now)?;
            proved = entry.proved;
        }
        match self.origins.get_mut(&pair.0) {
            Some(entry) if !proved => entry.admits(ORIGIN_MAX, now),
            Some(_) | None => Ok(()),
        }
    }
}

impl Entry {
    fn admits(&mut self, max: usize, now: Timestamp) -> Result<(), TooMany> {
        // A clock that was set back leaves instants that lie ahead.
        self.failures.retain(|at| now.since(*at).max(at.since(now)) < WINDOW);
        match self.failures.front() {
            Some(oldest) if self.failures.len() >= max => Err(TooMany(WINDOW.saturating_sub(now.since(*oldest)))),
            Some(_) | None => Ok(()),
        }
    }
}

/// Drops the older half once `entries` are full, in one sweep, so that a flood costs each of its requests little.
fn make_room<K: Copy + Eq + std::hash::Hash>(entries: &mut HashMap<K, Entry>, max: usize, newcomer: &K) {
    if entries.len() < max || entries.contains_key(newcomer) {
        return;
    }
    let mut ages: Vec<_> = entries.values().map(|entry| (entry.proved, entry.used)).collect();
    let (_, median, _) = ages.select_nth_unstable(max / 2);
    let median = *median;
    entries.retain(|_, entry| (entry.proved, entry.used) > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + seconds * 1000)
    }

    fn origin(number: u32) -> Origin {
        Origin::of(std::net::Ipv4Addr::from(number).into())
    }

    /// How many of `count` wrong tries are looked at.
    fn looked_at(failures: &Failures, origin: Origin, key: &str, count: usize, now: Timestamp) -> usize {
        (0..count)
            .filter(|_| failures.admits(origin, key, now).is_ok() && failures.note(origin, key, false, now).is_ok())
            .count()
    }

    #[test]
    fn a_pair_that_fails_thirty_times_waits_until_a_minute_after_the_first() {
        let failures = Failures::default();
        assert_eq!(looked_at(&failures, origin(1), "k", 3, at(0)), 3);
        assert_eq!(looked_at(&failures, origin(1), "k", 90, at(20)), 27);
        assert_eq!(failures.admits(origin(1), "k", at(20)), Err(TooMany(Duration::from_secs(40))));
        assert_eq!(looked_at(&failures, origin(1), "k", 90, at(59)), 0);
        assert_eq!(looked_at(&failures, origin(1), "k", 90, at(60)), 3);
        assert_eq!(looked_at(&failures, origin(1), "k", 90, at(80)), 27);
    }

    #[test]
    fn another_key_and_another_origin_go_on() {
        let failures = Failures::default();
        looked_at(&failures, origin(1), "k", 90, at(0));
        assert_eq!(failures.admits(origin(1), "other", at(0)), Ok(()));
        assert_eq!(failures.admits(origin(2), "k", at(0)), Ok(()));
    }

    #[test]
    fn who_tries_many_keys_waits_and_the_proved_key_behind_the_same_origin_goes_on() {
        let failures = Failures::default();
        failures.note(origin(1), "good", true, at(0)).expect("right");
        let keys = (0..400).map(|key| key.to_string());
        let looked: usize = keys.map(|key| looked_at(&failures, origin(1), &key, 1, at(1))).sum();
        assert_eq!(looked, ORIGIN_MAX);
        assert!(failures.admits(origin(1), "unknown", at(1)).is_err());
        assert_eq!(failures.admits(origin(1), "good", at(1)), Ok(()));
        assert_eq!(failures.note(origin(1), "good", true, at(1)), Ok(()));
        assert_eq!(failures.admits(origin(1), "unknown", at(61)), Ok(()));
    }

    #[test]
    fn tries_at_the_same_time_learn_no_more_than_one_after_the_other() {
        let failures = Failures::default();
        for _ in 0..1000 {
            assert_eq!(failures.admits(origin(1), "k", at(0)), Ok(()), "all are under way");
        }
        let told = (0..999).filter(|_| failures.note(origin(1), "k", false, at(0)).is_ok()).count();
        assert_eq!(told, PAIR_MAX);
        assert!(failures.note(origin(1), "k", true, at(0)).is_err(), "the right one among them is not told");
    }

    #[test]
    fn success_is_no_way_to_begin_the_count_anew() {
        let failures = Failures::default();
        let mut looked = 0;
        for _ in 0..100 {
            looked += looked_at(&failures, origin(1), "k", 1, at(0));
            let _ = failures.note(origin(1), "k", true, at(0));
        }
        assert_eq!(looked, PAIR_MAX);
    }

    #[test]
    fn no_flood_fills_the_memory_nor_drives_out_who_has_proved_himself() {
        let failures = Failures::default();
        failures.note(origin(0), "good", true, at(0)).expect("right");
        for number in 1..=20_000 {
            looked_at(&failures, origin(number), "k", 1, at(i64::from(number) / 1000));
        }
        let counts = failures.counts();
        assert!(counts.pairs.len() <= PAIRS && counts.origins.len() <= ORIGINS);
        assert!(counts.pairs.values().any(|entry| entry.proved));
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let failures = Failures::default();
        looked_at(&failures, origin(1), "k", 90, at(3600));
        assert_eq!(failures.admits(origin(1), "k", at(0)), Ok(()));
    }
}
