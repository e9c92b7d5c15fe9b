//! Long messages that come in as parts, in any order.
//!
//! Parts wait for each other under the key of 3GPP TS 23.040 §9.2.3.24.1: sender, reference, its size, number of parts.
//! What waits is bounded in number and time. Time comes in as an argument: milliseconds on any clock that only goes
//! forward.

use std::collections::BTreeMap;
use std::time::Duration;

use super::address::Address;
use super::header::Concat;

/// Incomplete messages that may wait: far more than honest senders have on the way at once, and little memory.
const WAITING_MAX: usize = 64;

/// How long parts wait for the missing ones: networks try again for hours after a phone was out of reach.
const WAIT: Duration = Duration::from_secs(24 * 3600);

/// Collects the parts `T` of long messages until they are whole.
#[derive(Debug)]
pub struct Joiner<T> {
    waiting: BTreeMap<Key, Waiting<T>>,
}

/// What came of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Joined<T> {
    /// All parts of the message, in their order.
    Whole(Vec<T>),
    /// Others are missing. `evicted`: the parts of the oldest waiting message, if it had to make room.
    Waiting { evicted: Vec<T> },
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    sender: Address,
    reference: u16,
    wide: bool,
    parts: u8,
}

#[derive(Debug)]
struct Waiting<T> {
    since_ms: u64,
    parts: BTreeMap<u8, T>,
}

impl<T> Default for Joiner<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new() }
    }
}

impl<T> Joiner<T> {
    /// Takes one part. A part that came before replaces its former self.
    pub fn add(&mut self, sender: &Address, concat: Concat, part: T, now_ms: u64) -> Joined<T> {
        let Concat { reference, wide, parts, part: number } = concat;
        let key = Key { sender: sender.clone(), reference, wide, parts };
        let evicted = if self.waiting.contains_key(&key) { Vec::new() } else { self.make_room() };
        let waiting = self.waiting.entry(key.clone()).or_insert(Waiting { since_ms: now_ms, parts: BTreeMap::new() });
        waiting.parts.insert(number, part);
        if waiting.parts.len() < usize::from(parts) {
            return Joined::Waiting { evicted };
        }
        Joined::Whole(self.waiting.remove(&key).map(Waiting::into_parts).unwrap_or_default())
    }

    /// Gives up what has waited for a day: the parts of each such message, in their order.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Vec<T>> {
        self.waiting
            .extract_if(.., |_, waiting| Duration::from_millis(now_ms.saturating_sub(waiting.since_ms)) >= WAIT)
            .map(|(_, waiting)| waiting.into_parts())
            .collect()
    }

    /// When [`Self::expire`] next has something to do, in milliseconds of the same clock.
    pub fn deadline(&self) -> Option<u64> {
        let wait_ms = u64::try_from(WAIT.as_millis()).unwrap_or(u64::MAX);
        self.waiting.values().map(|waiting| waiting.since_ms.saturating_add(wait_ms)).min()
    }

    fn make_room(&mut self) -> Vec<T> {
        if self.waiting.len() < WAITING_MAX {
            return Vec::new();
        }
        let oldest = self.waiting.iter().min_by_key(|(_, waiting)| waiting.since_ms).map(|(key, _)| key.clone());
        oldest.and_then(|key| self.waiting.remove(&key)).map(Waiting::into_parts).unwrap_or_default()
    }
}

impl<T> Waiting<T> {
    fn into_parts(self) -> Vec<T> {
        self.parts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::modem::pdu::address::NumberType;

    fn sender(value: &str) -> Address {
        Address { number_type: NumberType::International, value: value.to_owned() }
    }

    fn place(reference: u16, parts: u8, part: u8) -> Concat {
        Concat { reference, wide: false, parts, part }
    }

    fn waiting<T>() -> Joined<T> {
        Joined::Waiting { evicted: Vec::new() }
    }

    #[test]
    fn a_message_is_whole_once_its_last_part_is_there() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.add(&sender("1"), place(7, 3, 3), "c", 0), waiting());
        assert_eq!(joiner.add(&sender("1"), place(7, 3, 1), "a", 1), waiting());
        assert_eq!(joiner.add(&sender("1"), place(7, 3, 1), "a", 2), waiting(), "a part that came twice");
        assert_eq!(joiner.add(&sender("1"), place(7, 3, 2), "b", 3), Joined::Whole(vec!["a", "b", "c"]));
        assert_eq!(joiner.add(&sender("1"), place(7, 3, 2), "b", 4), waiting(), "the reference is free again");
    }

    #[test]
    fn parts_of_different_messages_do_not_mix() {
        let mut joiner = Joiner::default();
        joiner.add(&sender("1"), place(7, 2, 1), "a", 0);
        for (sender, concat) in [
            (sender("2"), place(7, 2, 2)),
            (sender("1"), place(8, 2, 2)),
            (sender("1"), place(7, 3, 2)),
            (sender("1"), Concat { wide: true, ..place(7, 2, 2) }),
        ] {
            assert_eq!(joiner.add(&sender, concat, "x", 0), waiting());
        }
        assert_eq!(joiner.add(&sender("1"), place(7, 2, 2), "b", 0), Joined::Whole(vec!["a", "b"]));
    }

    #[test]
    fn parts_that_waited_a_day_are_given_up() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.deadline(), None);
        joiner.add(&sender("1"), place(7, 2, 1), "a", 1_000);
        assert_eq!(joiner.deadline(), Some(86_401_000));
        assert!(joiner.expire(86_400_999).is_empty());
        assert_eq!(joiner.expire(86_401_000), [["a"]]);
        assert_eq!(joiner.deadline(), None);
    }

    #[test]
    fn the_oldest_message_makes_room() {
        let mut joiner = Joiner::default();
        for reference in 0..64 {
            assert_eq!(joiner.add(&sender("1"), place(reference, 2, 1), reference, u64::from(reference)), waiting());
        }
        assert_eq!(joiner.add(&sender("1"), place(64, 2, 1), 64, 64), Joined::Waiting { evicted: vec![0] });
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_message(order in Just((1..=9u8).collect::<Vec<_>>()).prop_shuffle()) {
            let mut joiner = Joiner::default();
            let mut last = waiting();
            for part in order {
                last = joiner.add(&sender("1"), place(1, 9, part), part, 0);
            }
            prop_assert_eq!(last, Joined::Whole((1..=9).collect()));
        }
    }
}
