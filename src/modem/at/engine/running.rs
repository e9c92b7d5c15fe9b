//! The command that runs: its phase, its deadlines, what of the line's babble belongs to it.

use std::time::Duration;

use super::super::classify;
use super::super::command::{Command, Exchange, Reply, value};
use super::super::error::AtError;
use super::CommandId;

/// Information lines that one answer may have; a full SIM lists 255 messages in 510 lines.
const LINES_MAX: usize = 1024;
/// Bytes that one answer may have.
const BYTES_MAX: usize = 256 * 1024;
/// Silence after an answer whose final result is optional.
const ANSWER_ENDS_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A plain command: waiting for its answer and its final result.
    Answer,
    /// A submit whose line is out.
    AwaitingPrompt,
    /// A submit at its prompt: waiting for the driver.
    AtPrompt,
    /// A submit whose Ctrl-Z is out.
    Submitted,
}

pub(super) struct Running {
    pub(super) id: CommandId,
    pub(super) command: Command,
    pub(super) phase: Phase,
    pub(super) deadline: Duration,
    pub(super) lines: Vec<String>,
    pub(super) tries: u8,
    bytes: usize,
    /// When silence ends the command, for commands that silence ends.
    quiet_at: Option<Duration>,
    echo_seen: bool,
    /// The body that was written, until its echo has been seen.
    body: Option<String>,
    /// A list header was read and its PDU line has not come: the PDU's announced octets.
    pdu_awaited: Option<Option<usize>>,
    /// A result that may be an older command's, the lines before it, and when it counts after all.
    held: Option<Held>,
}

struct Held {
    result: Result<Reply, AtError>,
    lines: usize,
    until: Duration,
}

impl Running {
    pub(super) fn new(id: CommandId, command: Command, now: Duration) -> Self {
        let (phase, quiet_at) = match command.exchange {
            Exchange::Plain | Exchange::FinalOptional => (Phase::Answer, None),
            Exchange::Prompted { .. } => (Phase::AwaitingPrompt, None),
            Exchange::Noise { quiet } => (Phase::Answer, Some(now + quiet)),
        };
        Self {
            id,
            deadline: now + command.timeout,
            command,
            phase,
            lines: Vec::new(),
            tries: 1,
            bytes: 0,
            quiet_at,
            echo_seen: false,
            body: None,
            pdu_awaited: None,
            held: None,
        }
    }

    /// The same submit once more, after its prompt did not come.
    pub(super) fn again(self, now: Duration) -> Self {
        Self { tries: self.tries + 1, ..Self::new(self.id, self.command, now) }
    }

    pub(super) fn submitted(&mut self, body: &str, now: Duration) {
        let Exchange::Prompted { submit_timeout } = self.command.exchange else { return };
        self.phase = Phase::Submitted;
        self.deadline = now + submit_timeout;
        self.body = Some(body.to_owned());
        self.lines.clear();
    }

    pub(super) fn wakes_at(&self) -> Duration {
        let held_until = self.held.as_ref().map(|held| held.until);
        [self.quiet_at, held_until].into_iter().flatten().fold(self.deadline, Duration::min)
    }

    pub(super) fn hold(&mut self, result: Result<Reply, AtError>, until: Duration) {
        self.held = Some(Held { result, lines: self.lines.len(), until });
    }

    /// The result that is held, and until when.
    pub(super) fn held_result(&self) -> Option<(Result<Reply, AtError>, Duration)> {
        self.held.as_ref().map(|held| (held.result.clone(), held.until))
    }

    /// Another result has come: what was held was an older command's, and so were the lines before it.
    pub(super) fn drop_held(&mut self) -> bool {
        let Some(held) = self.held.take() else { return false };
        self.lines.drain(..held.lines.min(self.lines.len()));
        true
    }

    /// Whether an answer has come that can be this command's alone.
    pub(super) fn has_own_answer(&self) -> bool {
        self.lines.iter().any(|line| self.is_answer(line))
    }

    pub(super) fn heard(&mut self, now: Duration) {
        let Some(quiet_at) = &mut self.quiet_at else { return };
        match self.command.exchange {
            Exchange::Noise { quiet } => *quiet_at = now + quiet,
            Exchange::FinalOptional => *quiet_at = now + ANSWER_ENDS_AFTER,
            Exchange::Plain | Exchange::Prompted { .. } => {}
        }
    }

    pub(super) fn has_answer(&self) -> bool {
        self.quiet_at.is_some()
    }

    pub(super) fn is_noise(&self) -> bool {
        matches!(self.command.exchange, Exchange::Noise { .. })
    }

    pub(super) fn is_dialling(&self) -> bool {
        self.command.line.starts_with("ATD") || self.command.line == "ATA"
    }

    /// Whether `+CMS ERROR` can be the answer to this command (3GPP TS 27.005's own commands).
    pub(super) fn takes_message_errors(&self) -> bool {
        self.phase == Phase::Answer
            && ["AT+CM", "AT+CN", "AT+CPMS", "AT+CS"].iter().any(|prefix| self.command.line.starts_with(prefix))
            && !self.command.line.starts_with("AT+CSQ")
    }

    /// Whether `line` is an information line of this command by its prefix.
    pub(super) fn is_answer(&self, line: &str) -> bool {
        match self.phase {
            Phase::Answer => {}
            Phase::Submitted => return value(line, "+CMGS").is_some(),
            Phase::AwaitingPrompt | Phase::AtPrompt => return false,
        }
        self.command.answers.iter().any(|prefix| value(line, prefix).is_some())
    }

    /// Whether `line` is the PDU that the last list header announced.
    pub(super) fn awaits_pdu(&self, line: &str) -> bool {
        self.pdu_awaited.is_some_and(|octets| classify::is_pdu(line, octets) || classify::is_hex(line))
    }

    /// Whether `line` is the modem repeating what it was sent. The command's echo comes once.
    pub(super) fn takes_echo(&mut self, line: &str) -> bool {
        let line = line.trim_matches(|character: char| character == '>' || character.is_whitespace());
        if let Some(body) = &self.body {
            let line = line.trim_end_matches(|character: char| character.is_ascii_control());
            if line.eq_ignore_ascii_case(body) {
                self.body = None;
                return true;
            }
        }
        if !self.echo_seen && line.eq_ignore_ascii_case(self.command.line.trim()) {
            self.echo_seen = true;
            return true;
        }
        false
    }

    /// Keeps an information line, within bounds. Of a submit only `+CMGS:` is kept: the rest is echo of the message.
    pub(super) fn keep(&mut self, line: &str, now: Duration) {
        let is_answer = self.is_answer(line);
        if self.is_noise() || (self.phase != Phase::Answer && !is_answer) {
            return;
        }
        if is_answer && self.command.exchange == Exchange::FinalOptional {
            self.quiet_at = Some(now + ANSWER_ENDS_AFTER);
        }
        self.pdu_awaited = None;
        if is_answer && (value(line, "+CMGL").is_some() || value(line, "+CMGR").is_some()) {
            self.pdu_awaited = Some(line.rsplit(',').next().and_then(|octets| octets.trim().parse().ok()));
        }
        if self.lines.len() < LINES_MAX && self.bytes + line.len() <= BYTES_MAX {
            self.bytes += line.len();
            self.lines.push(line.to_owned());
        }
    }
}
