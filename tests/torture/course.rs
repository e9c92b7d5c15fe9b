//! What a run does is drawn from one seed; when each thing strikes is the machine's own time.

use std::time::Duration;

use simverify::random::Random;

/// The run of the test suite.
const SEED: u64 = 38;
const SECONDS: u64 = 6;

/// From here on a run has room for faults that take the daemon half a minute to get over.
const LONG: u64 = 60;

/// The longest time between two changes of the kind of stretch.
const STRETCH_MAX: u64 = 300;

pub struct Course {
    pub seed: u64,
    pub seconds: u64,
    /// Requests a second.
    pub rate: u64,
    pub random: Random,
}

impl Course {
    /// `TORTURE_SECONDS`, `TORTURE_SEED`, `TORTURE_RATE`.
    pub fn from_environment() -> Self {
        let read = |name: &str, default| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")),
            Err(_) => default,
        };
        let seed = read("TORTURE_SEED", SEED);
        Self {
            seed,
            seconds: read("TORTURE_SECONDS", SECONDS),
            rate: read("TORTURE_RATE", 12).clamp(1, 1000),
            random: Random::seeded(seed),
        }
    }

    pub fn is_long(&self) -> bool {
        self.seconds >= LONG
    }

    /// How long kills, and then faults without a kill, have their turn.
    pub fn stretch(&self) -> Duration {
        Duration::from_secs((self.seconds / 2).clamp(1, STRETCH_MAX))
    }

    /// A PIN's life, short enough that many end during the run.
    pub fn pin_expiry(&self) -> Duration {
        Duration::from_secs(if self.is_long() { 45 } else { 4 })
    }

    pub fn event_wait(&self) -> Duration {
        Duration::from_secs(if self.is_long() { 12 } else { 2 })
    }

    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Uniform but for what a remainder of 32 bits favours.
    pub fn below(&self, bound: u64) -> u64 {
        below(&self.random, bound)
    }

    pub fn millis(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }
}

pub fn below(random: &Random, bound: u64) -> u64 {
    u64::from(u32::from_le_bytes(random.bytes())) % bound
}
