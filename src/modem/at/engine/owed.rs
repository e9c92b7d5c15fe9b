//! Final results that are owed: of commands whose time was up before their answer came.
//!
//! ```text
//!  > AT+CSQ   … time-out       > AT+CREG?                       > AT
//!  < OK  while nothing runs:   < OK  held: it may be owed       < OK  held
//!        dropped               < +CREG: 0,1, OK: its own          nothing for a while: it was its own
//! ```
//!
//! Without this a slow modem's answers would be taken for those of the next command, and so on without end.

use std::time::Duration;

use super::super::classify::FinalResult;
use super::super::command::Reply;
use super::super::error::AtError;
use super::running::{Phase, Running};

/// As many as a modem may have swallowed: further ones are forgotten.
const OWED_MAX: u8 = 3;
/// An answer that has not come by then never comes.
const OWED_LASTS: Duration = Duration::from_secs(60);
/// How long a result that may be a late one waits for another.
pub(super) const HELD_FOR: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Owed {
    results: u8,
    until: Duration,
}

impl Owed {
    pub(super) fn add(&mut self, now: Duration) {
        self.results = (self.results + 1).min(OWED_MAX);
        self.until = now + OWED_LASTS;
    }

    /// A result came that no running command takes.
    pub(super) fn paid(&mut self) {
        self.results = self.results.saturating_sub(1);
    }

    pub(super) fn clear(&mut self) {
        self.results = 0;
    }

    /// Whether `result` is not, or not surely, the end of `running`: it is kept there if it may be.
    pub(super) fn takes(&mut self, running: &mut Running, result: &FinalResult, now: Duration) -> bool {
        if self.results == 0 || now >= self.until {
            return false;
        }
        match running.phase {
            Phase::Answer if running.is_noise() => return false,
            // An error before the prompt; if it was this one's, the prompt will not come and is asked for again.
            Phase::AwaitingPrompt => {
                self.paid();
                return true;
            }
            Phase::AtPrompt | Phase::Submitted => return false,
            Phase::Answer => {}
        }
        if running.drop_held() {
            self.paid();
        }
        // A modem answers in order: with an answer of its own nothing older is to come.
        if running.has_own_answer() {
            self.clear();
        }
        if self.results == 0 {
            return false;
        }
        let held = match result {
            FinalResult::Ok => Ok(Reply { lines: running.lines.clone() }),
            FinalResult::Refused(error) => Err(AtError::Refused(error.clone())),
        };
        running.hold(held, now + HELD_FOR);
        true
    }
}
