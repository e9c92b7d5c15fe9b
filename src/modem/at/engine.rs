//! The AT engine: one command at a time over a line that nobody can trust.
//!
//! Feed it with [`Engine::submit`], [`Engine::receive`], [`Engine::handle_timeout`], [`Engine::proceed`],
//! [`Engine::abandon`] and [`Engine::close`]; after each of these call [`Engine::poll`] until it says
//! [`Output::Wait`]. Each submitted command gets exactly one [`Output::Reply`], however the modem babbles.
//!
//! ```text
//!           rest over, a command waits          final result
//!  Idle ──────────────────────────────► Running ────────────► Idle (rest)
//!   ▲                                      │ time-out, abandoned, no prompt, restart
//!   └── quiet ≥ 300 ms, or 5 s ── Settling ◄┘
//! ```
//!
//! A submit runs in four phases: its line is out and `> ` is awaited; at the prompt (the driver commits `sending` and
//! says `proceed`); body and Ctrl-Z are out (silence from here on is *uncertain*); done. The body is never written
//! unless the driver says so.
//!
//! It must never: read a clock, write a body without permission, wait for a line end at a prompt, take an unsolicited
//! line for an answer where it cannot be one, keep more than a bounded amount of what a modem sends.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::classify::{self, FinalResult, Unasked};
use super::command::{Command, Exchange, Reply, Wire};
use super::error::AtError;
use super::line::LineReader;
use super::unsolicited::Unsolicited;

mod owed;
mod running;
mod settling;
mod strays;

use owed::Owed;
use running::{Phase, Running};
use settling::Settling;
use strays::LATE_ANSWER_MAX;

/// Commands that may wait. A start-up needs one at a time, polls a handful; more means that somebody forgot to wait.
const QUEUE_MAX: usize = 64;
/// Unsolicited lines that may wait to be polled; a driver polls after each read.
const OUTPUTS_MAX: usize = 4096;
/// Tries of `AT+CMGS` until a prompt comes.
const PROMPT_TRIES_MAX: u8 = 2;
/// How long the driver may think at the prompt (a database commit); then the message is taken back.
const PERMISSION_TIMEOUT: Duration = Duration::from_secs(30);
/// Names one submitted command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u64);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What differs between modems on this level; a profile's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineSettings {
    /// Rest between the end of a reply and the next command.
    pub rest: Duration,
    /// Lines that say that the modem has just started.
    pub restart_lines: &'static [&'static str],
}

/// What the engine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes to the port.
    Write(Wire),
    /// The modem waits for the message: answer with [`Engine::proceed`] or [`Engine::abandon`].
    Prompt { id: CommandId },
    /// The one reply to a command.
    Reply { id: CommandId, result: Result<Reply, AtError> },
    /// A line that came unasked.
    Unsolicited(Unsolicited),
    /// Nothing to do until bytes come, a command comes, or this instant (since the driver's start) is reached.
    Wait(Option<Duration>),
}

pub struct Engine {
    settings: EngineSettings,
    now: Duration,
    next_id: u64,
    queue: VecDeque<(CommandId, Command)>,
    state: State,
    rest_until: Duration,
    reader: LineReader,
    /// A header whose PDU line has not come yet.
    header: Option<(Unsolicited, Option<usize>)>,
    outputs: VecDeque<Output>,
    last_restart: Option<Duration>,
    /// What the last start has said of itself.
    start_lines: Vec<&'static str>,
    /// The last `^BOOT:` line, up to its first comma.
    last_boot_line: Option<String>,
    /// Since when this engine has listened.
    listening_since: Option<Duration>,
    /// Until when the answer to a submit that timed out may still come.
    late_answer_until: Option<Duration>,
    /// Until when the `OK` of such an answer may still come, once its `+CMGS:` has.
    late_final_until: Option<Duration>,
    /// Final results of commands that were given up, which may still come.
    owed: Owed,
}

enum State {
    Idle,
    Running(Box<Running>),
    Settling(Settling),
}

impl Engine {
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            settings,
            now: Duration::ZERO,
            next_id: 0,
            queue: VecDeque::new(),
            state: State::Idle,
            rest_until: Duration::ZERO,
            reader: LineReader::default(),
            header: None,
            outputs: VecDeque::new(),
            last_restart: None,
            start_lines: Vec::new(),
            listening_since: None,
            last_boot_line: None,
            late_answer_until: None,
            late_final_until: None,
            owed: Owed::default(),
        }
    }

    /// Takes another profile's settings once the modem is known.
    pub fn configure(&mut self, settings: EngineSettings) {
        self.settings = settings;
    }

    /// Queues a command. With a full queue the one with the lowest priority gets [`AtError::QueueFull`].
    pub fn submit(&mut self, command: Command, now: Duration) -> CommandId {
        self.advance(now);
        let id = CommandId(self.next_id);
        self.next_id += 1;
        let place = self.queue.partition_point(|(_, waiting)| waiting.priority <= command.priority);
        self.queue.insert(place, (id, command));
        if self.queue.len() > QUEUE_MAX
            && let Some((last, _)) = self.queue.pop_back()
        {
            self.reply(last, Err(AtError::QueueFull));
        }
        self.start_next();
        id
    }

    /// Takes bytes as the port gave them, in any chunks.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        self.advance(now);
        if !bytes.is_empty() {
            self.heard();
        }
        for &byte in bytes {
            if let Some(line) = self.reader.push(byte) {
                self.line(&line);
            } else if byte == b'>' {
                self.maybe_prompt();
            }
        }
        self.start_next();
    }

    /// To be called when the instant of [`Output::Wait`] is reached; harmless at any other time.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        self.start_next();
    }

    /// Writes the body (PDU in hex) and Ctrl-Z of the submit that stands at its prompt. `false`: it no longer does, and
    /// nothing was written.
    pub fn proceed(&mut self, id: CommandId, body: &str, now: Duration) -> bool {
        self.advance(now);
        let State::Running(running) = &mut self.state else { return false };
        if running.id != id || running.phase != Phase::AtPrompt {
            return false;
        }
        running.submitted(body, self.now);
        self.outputs.push_back(Output::Write(Wire::body(body)));
        true
    }

    /// Takes back the submit that stands at its prompt: nothing is sent. `false`: it does not stand there.
    pub fn abandon(&mut self, id: CommandId, now: Duration) -> bool {
        self.advance(now);
        match &self.state {
            State::Running(running) if running.id == id && running.phase == Phase::AtPrompt => {
                self.escape(None);
                self.reply(id, Err(AtError::Abandoned));
                true
            }
            State::Running(_) | State::Idle | State::Settling(_) => false,
        }
    }

    /// Ends the command that runs as if its time were over: a dial whose answer nobody wants any more. `false`: it does not
    /// run, or has something to take back.
    pub fn interrupt(&mut self, id: CommandId, now: Duration) -> bool {
        self.advance(now);
        match &self.state {
            State::Running(running) if running.id == id && running.phase == Phase::Answer => {
                self.running_timed_out();
                true
            }
            State::Running(_) | State::Idle | State::Settling(_) => false,
        }
    }

    /// The port is gone: everything under way and waiting gets its reply, and the engine is ready for a new port.
    pub fn close(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.fail_all(|submitted| AtError::Closed { submitted });
        self.reader.clear();
        self.header = None;
        self.last_restart = None;
        self.start_lines.clear();
        self.last_boot_line = None;
        self.listening_since = None;
        self.late_answer_until = None;
        self.late_final_until = None;
        self.owed.clear();
        self.state = State::Idle;
    }

    /// The command that the line is busy with.
    pub fn running(&self) -> Option<CommandId> {
        match &self.state {
            State::Running(running) => Some(running.id),
            State::Idle | State::Settling(_) => None,
        }
    }

    /// Commands that wait or run.
    pub fn pending(&self) -> usize {
        let running = match &self.state {
            State::Running(_) => 1,
            State::Settling(settling) => usize::from(settling.again.is_some()),
            State::Idle => 0,
        };
        self.queue.len() + running
    }

    pub fn poll(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Wait(self.deadline()))
    }

    fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Idle => (!self.queue.is_empty()).then_some(self.rest_until),
            State::Running(running) => Some(running.wakes_at()),
            State::Settling(settling) => Some(settling.wakes_at()),
        }
    }

    /// Moves to `now` and does what became due on the way.
    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.listening_since.get_or_insert(self.now);
        match &self.state {
            State::Idle => {}
            State::Running(running) if running.wakes_at() <= self.now => self.running_timed_out(),
            State::Settling(settling) if settling.wakes_at() <= self.now => self.settled(),
            State::Running(_) | State::Settling(_) => {}
        }
    }

    fn start_next(&mut self) {
        if matches!(self.state, State::Idle)
            && self.now >= self.rest_until
            && let Some((id, command)) = self.queue.pop_front()
        {
            self.start(Running::new(id, command, self.now));
        }
    }

    fn start(&mut self, running: Running) {
        self.outputs.push_back(Output::Write(Wire::command(&running.command)));
        self.state = State::Running(Box::new(running));
    }

    fn heard(&mut self) {
        match &mut self.state {
            State::Idle => {}
            State::Running(running) => running.heard(self.now),
            State::Settling(settling) => settling.heard(self.now),
        }
    }

    fn running_timed_out(&mut self) {
        let State::Running(running) = std::mem::replace(&mut self.state, State::Idle) else { return };
        let id = running.id;
        match (running.phase, running.command.exchange) {
            (Phase::Answer, Exchange::Noise { .. }) => self.finish(id, Ok(Reply::default())),
            (Phase::Answer, Exchange::FinalOptional) if running.has_answer() => {
                self.finish(id, Ok(Reply { lines: running.lines }));
            }
            (Phase::Answer, _) => match running.held_result() {
                Some((result, until)) => {
                    // Nothing came after it for long enough: it was no late answer but this command's own.
                    if until <= self.now {
                        self.owed.clear();
                    }
                    self.finish(id, result);
                }
                None => {
                    self.owed.add(self.now);
                    self.listen();
                    self.reply(id, Err(AtError::TimedOut { submitted: false }));
                }
            },
            (Phase::AwaitingPrompt, _) if running.tries < PROMPT_TRIES_MAX => self.escape(Some(running)),
            (Phase::AwaitingPrompt, _) => {
                self.escape(None);
                self.reply(id, Err(AtError::NoPrompt));
            }
            (Phase::AtPrompt, _) => {
                self.escape(None);
                self.reply(id, Err(AtError::Abandoned));
            }
            (Phase::Submitted, _) => {
                self.late_answer_until = Some(self.now + LATE_ANSWER_MAX);
                self.escape(None);
                self.reply(id, Err(AtError::TimedOut { submitted: true }));
            }
        }
    }

    fn maybe_prompt(&mut self) {
        let State::Running(running) = &mut self.state else { return };
        if running.phase != Phase::AwaitingPrompt {
            return;
        }
        // Whatever stands before the `>` without a line end is echo or noise, unless it begins as an unsolicited line.
        if classify::has_sigil(&String::from_utf8_lossy(self.reader.partial())) {
            return;
        }
        self.reader.clear();
        // Whatever was owed would have come before.
        self.owed.clear();
        running.phase = Phase::AtPrompt;
        running.deadline = self.now + PERMISSION_TIMEOUT;
        let id = running.id;
        self.outputs.push_back(Output::Prompt { id });
    }

    fn line(&mut self, line: &str) {
        let line = line.trim_matches(|character: char| character.is_ascii_control()).trim_start();
        if line.trim_matches(['>', ' ']).is_empty() {
            return;
        }
        if self.completes_header(line) {
            return;
        }
        if !self.is_answer(line) && self.is_restart(line) {
            self.restarted(line);
            return;
        }
        if self.is_late_answer(line) {
            return;
        }
        match &self.state {
            State::Idle => self.idle_line(line),
            State::Running(_) => self.running_line(line),
            State::Settling(_) => self.settling_line(line),
        }
    }

    fn is_answer(&self, line: &str) -> bool {
        matches!(&self.state, State::Running(running) if running.is_answer(line))
    }

    fn idle_line(&mut self, line: &str) {
        match classify::final_result(line, false) {
            Some(_) => self.owed.paid(),
            None => self.unasked(line),
        }
    }

    fn running_line(&mut self, line: &str) {
        let State::Running(running) = &mut self.state else { return };
        if running.takes_echo(line) {
            return;
        }
        if running.is_answer(line) || running.awaits_pdu(line) {
            running.keep(line, self.now);
            return;
        }
        if let Some(result) = classify::final_result(line, running.is_dialling()) {
            self.final_result(result);
            return;
        }
        let sigil = classify::has_sigil(line) && !running.command.any_line;
        if sigil || classify::unasked(line).is_some() {
            self.unasked(line);
        } else {
            running.keep(line, self.now);
        }
    }

    fn final_result(&mut self, result: FinalResult) {
        let State::Running(mut running) = std::mem::replace(&mut self.state, State::Idle) else { return };
        if self.owed.takes(&mut running, &result, self.now) {
            self.state = State::Running(running);
            return;
        }
        let result = match result {
            // An `OK` before the prompt answers something older; what throws bytes away waits for silence.
            FinalResult::Ok if running.phase == Phase::AwaitingPrompt || running.phase == Phase::AtPrompt => {
                self.state = State::Running(running);
                return;
            }
            FinalResult::Ok | FinalResult::Refused(_) if running.is_noise() => {
                self.state = State::Running(running);
                return;
            }
            FinalResult::Ok => Ok(Reply { lines: running.lines }),
            FinalResult::Refused(error) => Err(AtError::Refused(error)),
        };
        self.finish(running.id, result);
    }

    fn unasked(&mut self, line: &str) {
        match classify::unasked(line) {
            Some(Unasked::WithPdu { octets }) => self.header = Some((Unsolicited::line(line), octets)),
            Some(Unasked::OneLine) | None => self.unsolicited(Unsolicited::line(line)),
        }
    }

    fn unsolicited(&mut self, unsolicited: Unsolicited) {
        if self.outputs.len() < OUTPUTS_MAX {
            self.outputs.push_back(Output::Unsolicited(unsolicited));
        }
    }

    fn finish(&mut self, id: CommandId, result: Result<Reply, AtError>) {
        self.state = State::Idle;
        self.rest_until = self.now + self.settings.rest;
        self.reply(id, result);
    }

    fn reply(&mut self, id: CommandId, result: Result<Reply, AtError>) {
        self.outputs.push_back(Output::Reply { id, result });
    }

    /// Replies to what runs and to what waits.
    fn fail_all(&mut self, error: impl Fn(bool) -> AtError) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::Running(running) => self.reply(running.id, Err(error(running.phase == Phase::Submitted))),
            State::Settling(settling) => {
                if let Some(again) = settling.again {
                    self.reply(again.id, Err(error(false)));
                }
            }
        }
        for (id, _) in std::mem::take(&mut self.queue) {
            self.reply(id, Err(error(false)));
        }
    }
}

impl fmt::Debug for Engine {
    /// Without what the modem said: it may hold messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = match &self.state {
            State::Running(running) => Some(&running.command),
            State::Idle | State::Settling(_) => None,
        };
        f.debug_struct("Engine").field("running", &running).field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
