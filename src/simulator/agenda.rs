//! What is to happen later, in order of time; entries of one instant keep the order in which they were added.

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Agenda<T> {
    entries: BTreeMap<(Duration, u64), T>,
    added: u64,
}

impl<T> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), added: 0 }
    }

    pub(super) fn add(&mut self, at: Duration, entry: T) {
        self.entries.insert((at, self.added), entry);
        self.added += 1;
    }

    /// The earliest entry that is due at `now`, with the instant it was planned for.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<(Duration, T)> {
        let first = self.entries.first_entry()?;
        let (at, _) = *first.key();
        (at <= now).then(|| (at, first.remove()))
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.entries.retain(|_, entry| keep(entry));
    }
}
