//! The only place that draws PINs, ids, keys and nonces.
//!
//! Two sources: the operating system's, and a seeded stream for tests and the simulation. Never used to decide
//! anything: pure code takes what was drawn as an argument.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// A source of random bytes.
#[derive(Clone, Debug)]
pub enum Random {
    System,
    /// Reproducible; never in production.
    Seeded(Arc<Mutex<SeededStream>>),
}

/// SHA-256 of seed and block counter, block after block.
#[derive(Debug)]
pub struct SeededStream {
    seed: u64,
    block: u64,
}

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(SeededStream { seed, block: 0 })))
    }

    /// Fills `buffer`.
    ///
    /// # Panics
    ///
    /// If the operating system has no random source: nothing can be done securely without one.
    pub fn fill(&self, buffer: &mut [u8]) {
        match self {
            Self::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the one place that draws random bytes")]
                getrandom::fill(buffer).expect("the operating system has a random source");
            }
            Self::Seeded(stream) => stream.lock().unwrap_or_else(PoisonError::into_inner).fill(buffer),
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A uniform number below `bound` (1–256), by rejection: a remainder alone would favour the small ones.
    pub fn below(&self, bound: u16) -> u8 {
        assert!((1..=256).contains(&bound), "a bound from 1 to 256, not {bound}");
        let limit = 256 / bound * bound;
        loop {
            let [byte] = self.bytes();
            let drawn = u16::from(byte);
            if drawn < limit {
                return u8::try_from(drawn % bound).expect("a remainder below 256 is a byte");
            }
        }
    }

    /// `length` uniform decimal digits.
    pub fn digits(&self, length: usize) -> String {
        (0..length).map(|_| char::from(b'0' + self.below(10))).collect()
    }

    /// `length` uniform letters and digits without look-alikes, for keys that people copy.
    pub fn token(&self, length: usize) -> String {
        const ALPHABET: &[u8; 57] = b"23456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
        (0..length).map(|_| char::from(ALPHABET[usize::from(self.below(57))])).collect()
    }
}

impl SeededStream {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let mut hasher = Sha256::new();
            hasher.update(self.seed.to_be_bytes());
            hasher.update(self.block.to_be_bytes());
            self.block += 1;
            let block: [u8; 32] = hasher.finalize().into();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's statistic for equal expectations.
    fn chi_square(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn digits_are_uniform_at_every_place() {
        let random = Random::System;
        let mut counts = [[0_u32; 10]; 4];
        for _ in 0..20_000 {
            for (place, digit) in random.digits(4).bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        for place in &counts {
            // Nine degrees of freedom: above 60 once in 10^9 runs.
            assert!(chi_square(place) < 60.0, "{place:?}");
        }
    }

    #[test]
    fn whole_pins_are_uniform() {
        let random = Random::System;
        let mut counts = vec![0_u32; 10_000];
        for _ in 0..100_000 {
            counts[random.digits(4).parse::<usize>().expect("a number")] += 1;
        }
        // 9,999 degrees of freedom, a standard deviation of 141: six of them are passed once in 10^9 runs.
        let statistic = chi_square(&counts);
        assert!((9_150.0..10_850.0).contains(&statistic), "{statistic}");
    }

    #[test]
    fn no_digit_of_a_pin_tells_its_neighbour() {
        let random = Random::System;
        let mut counts = vec![vec![0_u32; 100]; 5];
        for _ in 0..20_000 {
            let pin = random.digits(6);
            for (place, counts) in counts.iter_mut().enumerate() {
                counts[pin[place..place + 2].parse::<usize>().expect("a number")] += 1;
            }
        }
        for place in &counts {
            // 99 degrees of freedom: above 210 once in 10^9 runs.
            assert!(chi_square(place) < 210.0, "{place:?}");
        }
    }

    #[test]
    fn a_seed_repeats_itself_and_another_seed_differs() {
        let draw = |seed| Random::seeded(seed).bytes::<48>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_number_below_the_bound_is_drawn() {
        let random = Random::seeded(1);
        for bound in [1_u16, 2, 10, 57, 200, 256] {
            let mut seen = vec![false; usize::from(bound)];
            for _ in 0..8_000 {
                seen[usize::from(random.below(bound))] = true;
            }
            assert!(seen.iter().all(|&seen| seen), "below {bound}");
        }
    }
}
