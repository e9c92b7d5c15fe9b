//! Calls that come in: hung up, counted, and nothing else.
//!
//! A hang-up goes before every other command that waits, but never into a prompt: the engine writes one command at a
//! time. `RING` comes every few seconds for as long as the phone rings, so lines close to each other are one call.
//!
//! It must never learn who calls.

use std::time::Duration;

use super::at::{AtError, Command, Event, Priority, Reply};

/// Two rings of one call are at most so far apart: networks ring every 3 to 6 s.
const ONE_CALL: Duration = Duration::from_secs(10);

/// A hang-up may take the network some seconds.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What the conversation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RingingStep {
    /// Hand to the engine, and its reply to [`Ringing::replied`].
    Submit(Command),
    /// A call was hung up, the so manieth of this session.
    Rejected { calls: u64 },
    /// Nothing until a reply or an unsolicited line.
    Wait,
}

#[derive(Debug)]
pub struct Ringing {
    /// What hangs up, best first.
    lines: &'static [&'static str],
    /// The line to try next; none: nothing rings.
    next: Option<usize>,
    asked: Option<usize>,
    last_ring: Option<Duration>,
    /// The present call is counted.
    counted: bool,
    calls: u64,
    rejected: bool,
}

impl Ringing {
    pub fn new(lines: &'static [&'static str]) -> Self {
        Self { lines, next: None, asked: None, last_ring: None, counted: false, calls: 0, rejected: false }
    }

    pub fn poll(&mut self) -> RingingStep {
        if std::mem::take(&mut self.rejected) {
            return RingingStep::Rejected { calls: self.calls };
        }
        match self.next.take_if(|_| self.asked.is_none()).and_then(|next| Some((next, self.lines.get(next)?))) {
            Some((next, line)) => {
                self.asked = Some(next);
                RingingStep::Submit(Command::new(*line).within(TIMEOUT).at_priority(Priority::Call))
            }
            None => RingingStep::Wait,
        }
    }

    pub fn unsolicited(&mut self, event: &Event, now: Duration) {
        if *event != Event::Ring {
            return;
        }
        if self.last_ring.is_none_or(|last| now.saturating_sub(last) > ONE_CALL) {
            self.counted = false;
        }
        self.last_ring = Some(now);
        if self.asked.is_none() {
            self.next = Some(0);
        }
    }

    /// The engine's reply to the last [`RingingStep::Submit`].
    pub fn replied(&mut self, result: &Result<Reply, AtError>) {
        let Some(asked) = self.asked.take() else { return };
        match result {
            Ok(_) if !self.counted => {
                self.counted = true;
                self.calls += 1;
                self.rejected = true;
            }
            Ok(_) => {}
            // The next ring begins again with the first.
            Err(_) => self.next = Some(asked + 1),
        }
    }
}

#[cfg(test)]
mod tests;
