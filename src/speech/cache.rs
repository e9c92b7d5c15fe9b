//! Speech that is said in many calls: the digits of a language and the sentences around the PIN.
//!
//! It must not tell a PIN, neither by what it holds nor by what was used last: digits are kept, used and given up only all
//! ten together, letters not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::audio::Clip;
use crate::verification::Language;

/// 4 MiB: digits and sentences of some twenty languages, or the greetings of a hundred brands.
const SAMPLES_MAX: usize = 2 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// All ten, from 0 on.
    Digits(Language),
    Sentence(Language, String),
}

#[derive(Default)]
pub(super) struct Cache {
    entries: BTreeMap<Key, Entry>,
    samples: usize,
    /// Counts the uses.
    now: u64,
}

struct Entry {
    clips: Arc<[Clip]>,
    used: u64,
}

impl Cache {
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<[Clip]>> {
        self.now += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.now;
        Some(Arc::clone(&entry.clips))
    }

    /// Makes room by giving up what was not used for longest.
    pub(super) fn put(&mut self, key: Key, clips: Arc<[Clip]>) {
        let samples = size(&clips);
        if samples > SAMPLES_MAX {
            return;
        }
        self.now += 1;
        let used = self.now;
        if let Some(before) = self.entries.insert(key, Entry { clips, used }) {
            self.samples -= size(&before.clips);
        }
        self.samples += samples;
        while self.samples > SAMPLES_MAX {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, entry)| entry.used) else { return };
            let oldest = oldest.0.clone();
            if let Some(entry) = self.entries.remove(&oldest) {
                self.samples -= size(&entry.clips);
            }
        }
    }
}

fn size(clips: &[Clip]) -> usize {
    clips.iter().map(|clip| clip.samples().len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> Key {
        Key::Sentence(Language::ENGLISH, text.to_owned())
    }

    fn clips(samples: usize) -> Arc<[Clip]> {
        Arc::new([Clip::of(vec![1; samples])])
    }

    #[test]
    fn what_was_not_used_for_longest_is_given_up_first() {
        let mut cache = Cache::default();
        for name in ["a", "b", "c", "d"] {
            cache.put(sentence(name), clips(SAMPLES_MAX / 4));
        }
        assert!(cache.get(&sentence("a")).is_some());
        cache.put(sentence("e"), clips(SAMPLES_MAX / 2));
        let held: Vec<_> =
            ["a", "b", "c", "d", "e"].into_iter().filter(|name| cache.get(&sentence(name)).is_some()).collect();
        assert_eq!(held, ["a", "d", "e"]);
        assert!(cache.samples <= SAMPLES_MAX);
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let mut cache = Cache::default();
        cache.put(sentence("whole"), clips(SAMPLES_MAX));
        assert!(cache.get(&sentence("whole")).is_some());
        cache.put(sentence("more"), clips(SAMPLES_MAX + 1));
        assert!(cache.get(&sentence("more")).is_none());
        cache.put(sentence("whole"), clips(10));
        assert_eq!(cache.samples, 10, "the same once more takes the place of the former");
    }
}
