//! The modem's message storages, as 3GPP TS 27.005 §3 sees them: numbered places that fill up.

use std::collections::BTreeMap;

use super::pdu::{Pdu, Submit};

/// What a stored message says, for text mode.
#[derive(Clone)]
pub(super) enum Content {
    Received { number: String, text: String, seconds: i64 },
    Report { reference: u8, number: String, status: u8, submitted: i64, discharged: i64 },
    Outgoing(Submit),
}

#[derive(Clone)]
pub(super) struct Stored {
    pub status: Status,
    pub content: Content,
    pub pdu: Pdu,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Unread,
    Read,
    Unsent,
    Sent,
}

impl Status {
    /// Number in PDU mode, words in text mode (3GPP TS 27.005 §3.1).
    pub(super) fn forms(self) -> (u8, &'static str) {
        match self {
            Self::Unread => (0, "REC UNREAD"),
            Self::Read => (1, "REC READ"),
            Self::Unsent => (2, "STO UNSENT"),
            Self::Sent => (3, "STO SENT"),
        }
    }
}

pub(super) struct Storage {
    pub name: &'static str,
    pub places: BTreeMap<u16, Stored>,
}

impl Storage {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, places: BTreeMap::new() }
    }

    /// Puts a message into the lowest free place; none if `slots` places, counted from `first`, are taken.
    pub(super) fn add(&mut self, stored: Stored, first: u16, slots: usize) -> Option<u16> {
        let index = (first..).take(slots).find(|index| !self.places.contains_key(index))?;
        self.places.insert(index, stored);
        Some(index)
    }
}
