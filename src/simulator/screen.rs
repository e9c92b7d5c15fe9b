//! What the virtual phone shows: the last of what it received and of what was written on it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::PhoneEvent;
use crate::clock::{Clock, Timestamp};

/// The last things that it shows: a conversation or two.
const SHOWN_MAX: usize = 200;

/// Clones show the same.
#[derive(Clone, Default)]
pub(super) struct Screen(Arc<Mutex<VecDeque<Shown>>>);

/// One thing on the screen. Its text is for the phone's owner: no log has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    pub at: Timestamp,
    pub what: ShownWhat,
}

#[derive(Clone, PartialEq, Eq)]
pub enum ShownWhat {
    Event(PhoneEvent),
    /// A message that the phone sent.
    Sent {
        number: String,
        text: String,
    },
}

impl Screen {
    pub fn show(&self, what: ShownWhat) {
        let mut shown = self.lock();
        if shown.len() >= SHOWN_MAX {
            shown.pop_front();
        }
        shown.push_back(Shown { at: Clock::System.now(), what });
    }

    /// The latest last.
    pub fn shown(&self) -> Vec<Shown> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Shown>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
