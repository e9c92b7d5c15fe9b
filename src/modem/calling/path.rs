//! The modem's own switch for the sound of a call: lines that are sent one after the other once the call is answered.

use std::time::Duration;

use super::super::at::{AtError, Command, Priority, Reply};
use super::super::profile::Sound;
use super::Voice;

/// Some modems open their sound path only some seconds after the answer.
const OPENS_WITHIN: Duration = Duration::from_secs(12);
const INTERVAL: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) struct Path {
    lines: &'static [&'static str],
    next: usize,
    /// A line is out.
    out: bool,
    /// None: the call is not answered, or a line is out, or all are through.
    due: Option<Duration>,
    /// None: the call is not answered.
    deadline: Option<Duration>,
}

impl Path {
    pub(super) fn new(lines: &'static [&'static str]) -> Self {
        Self { lines, next: 0, out: false, due: None, deadline: None }
    }

    /// The call is answered.
    pub(super) fn open(&mut self, now: Duration) {
        self.due = Some(now);
        self.deadline = Some(now + OPENS_WITHIN);
    }

    pub(super) fn is_open(&self) -> bool {
        self.deadline.is_some() && self.next >= self.lines.len()
    }

    /// When it wants to be asked for its next command.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What is to be sent by this time.
    pub(super) fn command(&mut self, now: Duration) -> Option<Command> {
        if self.out || self.due.is_none_or(|due| now < due) {
            return None;
        }
        self.due = None;
        let text = self.lines.get(self.next)?;
        self.out = true;
        Some(command(text))
    }

    /// The engine's reply to its command; an error is why no sound will come.
    pub(super) fn replied(&mut self, result: &Result<Reply, AtError>, now: Duration) -> Result<(), String> {
        self.out = false;
        match result {
            Ok(_) => {
                self.next += 1;
                self.due = Some(now);
            }
            // Only the last one opens it; what stands before may be unknown to a firmware.
            Err(_) if self.next + 1 < self.lines.len() => {
                self.next += 1;
                self.due = Some(now);
            }
            Err(_) if self.deadline.is_some_and(|deadline| now < deadline) => self.due = Some(now + INTERVAL),
            Err(error) => return Err(format!("the modem's sound path does not open: {error}")),
        }
        Ok(())
    }
}

pub(super) fn command(line: &str) -> Command {
    Command::new(line).within(TIMEOUT).at_priority(Priority::Call)
}

pub(super) fn begin_lines(sound: &Sound, voice: &Voice) -> &'static [&'static str] {
    match (sound, voice) {
        (Sound::Port { begin, .. }, Voice::Port(_)) => begin,
        (Sound::Card { begin_on_port, .. }, Voice::Port(_)) => begin_on_port,
        (Sound::Card { begin, .. }, Voice::Card(_)) => begin,
        // Wires, or what the operator knows better than the table.
        (Sound::Nowhere | Sound::Wires, _) | (Sound::Port { .. }, Voice::Card(_)) | (_, Voice::None | Voice::Own) => {
            &[]
        }
    }
}

pub(super) fn end_lines(sound: &Sound, voice: &Voice) -> &'static [&'static str] {
    match (sound, voice) {
        (Sound::Port { end, .. }, Voice::Port(_)) | (Sound::Card { end, .. }, Voice::Port(_) | Voice::Card(_)) => end,
        (Sound::Nowhere | Sound::Wires, _) | (Sound::Port { .. }, Voice::Card(_)) | (_, Voice::None | Voice::Own) => {
            &[]
        }
    }
}
