//! Between commands, after one that went wrong: waiting until the line is quiet, and leaving a prompt.

use std::time::Duration;

use super::super::classify;
use super::super::command::Wire;
use super::super::line::ESC;
use super::running::Running;
use super::{Engine, Output, State};

/// After a time-out the line must have been silent this long before the next command: a late `ERROR` belongs to the
/// command before.
const QUIET: Duration = Duration::from_millis(300);
/// A modem that never falls silent (`^RSSI` floods) is given commands again after this.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// How long an ESC or a probing AT may stay without an answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Waiting until the line is quiet, perhaps with ESC and AT to leave a prompt.
pub(super) struct Settling {
    step: Step,
    quiet_at: Duration,
    deadline: Duration,
    /// A submit that got no prompt and is tried again.
    pub(super) again: Option<Box<Running>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Only listening.
    Listening,
    /// ESC is out; a modem that honours it answers `OK` or `ERROR`.
    Escaped { answered: bool },
    /// ESC was not honoured: CR and AT are out, rubbish is expected.
    Probing,
}

impl Settling {
    fn new(step: Step, now: Duration, again: Option<Box<Running>>) -> Self {
        Self { step, quiet_at: now + QUIET, deadline: now + SETTLE_MAX, again }
    }

    pub(super) fn wakes_at(&self) -> Duration {
        self.quiet_at.min(self.deadline)
    }

    /// Any byte puts off the moment at which the line counts as quiet.
    pub(super) fn heard(&mut self, now: Duration) {
        self.quiet_at = now + QUIET;
    }
}

impl Engine {
    pub(super) fn listen(&mut self) {
        self.state = State::Settling(Settling::new(Step::Listening, self.now, None));
    }

    pub(super) fn escape(&mut self, again: Option<Box<Running>>) {
        self.reader.clear();
        self.outputs.push_back(Output::Write(Wire::control(&[ESC])));
        self.state = State::Settling(Settling::new(Step::Escaped { answered: false }, self.now, again));
    }

    /// The line is quiet, or will never be.
    pub(super) fn settled(&mut self) {
        let State::Settling(mut settling) = std::mem::replace(&mut self.state, State::Idle) else { return };
        if settling.step == (Step::Escaped { answered: false }) {
            // Some peers collect bytes until CR; for them ESC was one more byte of a message. CR ends that (as rubbish,
            // which is refused), AT shows that commands are understood again.
            self.outputs.push_back(Output::Write(Wire::control(b"\rAT\r")));
            self.owed.add(self.now);
            settling.step = Step::Probing;
            settling.quiet_at = self.now + PROBE_TIMEOUT;
            settling.deadline = self.now + SETTLE_MAX;
            self.state = State::Settling(settling);
            return;
        }
        self.rest_until = self.now + self.settings.rest;
        if let Some(again) = settling.again {
            self.start(again.again(self.now));
        }
    }

    pub(super) fn settling_line(&mut self, line: &str) {
        if classify::final_result(line, false).is_some() {
            self.owed.paid();
            if let State::Settling(settling) = &mut self.state {
                settling.step = match settling.step {
                    Step::Listening => Step::Listening,
                    Step::Escaped { .. } => Step::Escaped { answered: true },
                    Step::Probing => Step::Probing,
                };
            }
        } else if classify::unasked(line).is_some() || classify::has_sigil(line) {
            self.unasked(line);
        }
    }
}
