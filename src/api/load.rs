//! How many requests are under way: a bound above which they are turned away at once.
//!
//! A request that starts a verification waits for a hash, of which each core does about forty a second. Whoever would wait
//! longer than a client does, by the number of those before and their present pace, is better told to come again. Checks are not turned away for a flood of such requests: there
//! are three hashes at most for each that was accepted. Search and control need no hash at all.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::v1::endpoint::Operation;
use crate::clock::Timestamp;

/// Places for each core: with all of them taken the last hash comes after some six seconds. Clients that do not wait for
/// ever wait for ten or more.
const PLACES_A_CORE: usize = 256;

/// Requests of any kind for each place: those that wait for the database alone are quick.
const ANY: usize = 4;

/// Turned-away requests are spoken of this often at most.
const QUIET_MILLIS: i64 = 1000;

/// How long the last in the queue may have to wait, by how quickly those before were done: on a machine that is slow, or
/// busy with something else, fewer places are given out than there are.
const WAIT_MAX: Duration = Duration::from_secs(8);

/// How much of the estimate one request makes up.
const WEIGHT: f64 = 1.0 / 16.0;

/// Cheap to clone.
#[derive(Clone)]
pub struct Load(Arc<Places>);

struct Places {
    any: Arc<Semaphore>,
    starts: Queue,
    /// Turned away since the log said so, and when it did.
    refused: AtomicI64,
    told: AtomicI64,
}

/// Requests that wait for a hash, one after the other.
struct Queue {
    places: Arc<Semaphore>,
    all: usize,
    /// Seconds that each request ahead costs the last one, as of late.
    pace: Arc<Mutex<f64>>,
}

/// A request's place, until it is dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _wait: Option<Wait>,
}

/// Tells the queue's pace once it is over.
struct Wait {
    pace: Arc<Mutex<f64>>,
    since: Instant,
    /// Those under way when it came, itself too.
    length: f64,
}

impl Load {
    /// `places` for requests that start something; none: as many as `cores` can serve in time.
    pub fn new(places: Option<usize>, cores: usize) -> Self {
        let places = places.unwrap_or(PLACES_A_CORE * cores.max(1));
        let refused = AtomicI64::new(0);
        let told = AtomicI64::new(i64::MIN);
        let any = Arc::new(Semaphore::new(places * ANY));
        Self(Arc::new(Places { any, starts: Queue::new(places), refused, told }))
    }

    /// A place for a request of any kind, known or not; `None`: there is none.
    pub fn enter(&self, now: Timestamp) -> Option<Place> {
        let permit = Arc::clone(&self.0.any).try_acquire_owned().ok();
        self.told_if_none(permit.map(|permit| Place { _permit: permit, _wait: None }), now)
    }

    /// A place for the operation, where it needs one.
    pub fn enter_for(&self, operation: Operation, now: Timestamp) -> Option<Option<Place>> {
        match operation.starts() {
            true => self.told_if_none(self.0.starts.enter(), now).map(Some),
            false => Some(None),
        }
    }

    fn told_if_none(&self, place: Option<Place>, now: Timestamp) -> Option<Place> {
        if place.is_none() {
            self.tell(now);
        }
        place
    }

    fn tell(&self, now: Timestamp) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        let (now, told) = (now.as_millis(), self.0.told.load(Ordering::Relaxed));
        let quiet = told != i64::MIN && (now - told).abs() < QUIET_MILLIS;
        if !quiet && self.0.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let refused = self.0.refused.swap(0, Ordering::Relaxed);
            tracing::warn!(
                name: "request.overload",
                refused,
                "more requests than this machine can answer in time: some are turned away with 503"
            );
        }
    }
}

impl Queue {
    fn new(all: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(all)), all, pace: Arc::default() }
    }

    fn enter(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let length = (self.all - self.places.available_permits().min(self.all)) as f64;
        let pace = *self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        // The only one under way waits for nobody.
        if length > 1.0 && length * pace > WAIT_MAX.as_secs_f64() {
            return None;
        }
        let wait = Wait { pace: Arc::clone(&self.pace), since: Instant::now(), length };
        Some(Place { _permit: permit, _wait: Some(wait) })
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let own = self.since.elapsed().as_secs_f64() / self.length.max(1.0);
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        *pace += (own - *pace) * WEIGHT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    #[test]
    fn a_flood_of_requests_leaves_places_for_checks_and_searches() {
        let load = Load::new(Some(2), 1);
        let held: Vec<_> = (0..2).map(|_| load.enter_for(Operation::Request, NOW)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(load.enter_for(Operation::Psd2, NOW).is_none());
        for operation in [Operation::Check, Operation::Search, Operation::Control] {
            assert!(load.enter_for(operation, NOW).is_some_and(|place| place.is_none()));
        }
        drop(held);
        assert!(load.enter_for(Operation::Request, NOW).is_some());
    }

    #[test]
    fn all_together_have_a_bound_too() {
        let load = Load::new(Some(1), 1);
        let held: Vec<_> = std::iter::from_fn(|| load.enter(NOW)).collect();
        assert_eq!(held.len(), ANY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_machine_gives_out_no_more_places_than_it_can_serve_in_time() {
        let load = Load::new(Some(512), 2);
        let flood = || -> Vec<_> { std::iter::from_fn(|| load.enter_for(Operation::Request, NOW)).take(512).collect() };
        for _ in 0..10 {
            // Ten a second.
            for place in flood() {
                tokio::time::advance(Duration::from_millis(100)).await;
                drop(place);
            }
        }
        let places = flood().len();
        assert!((40..=120).contains(&places), "{places}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_is_served_however_slow_the_machine_is() {
        let load = Load::new(Some(512), 2);
        for _ in 0..50 {
            let place = load.enter_for(Operation::Request, NOW).expect("a place");
            tokio::time::advance(Duration::from_secs(60)).await;
            drop(place);
        }
    }

    #[test]
    fn a_core_has_places_for_what_it_can_hash_in_time() {
        let load = Load::new(None, 2);
        let held: Vec<_> = std::iter::from_fn(|| load.enter_for(Operation::Request, NOW)).collect();
        assert_eq!(held.len(), 512);
    }
}
