//! The virtual modem: bytes in, bytes and the phone's events out, time as an argument.
//!
//! ```text
//!   bytes ──► receive ─┐                               ┌─► Write   bytes for the line
//!   control ──► control ─┼─► VirtualModem ──► poll ────┼─► Phone   what the phone shows
//!   time ──► handle_timeout ┘                          ├─► Report  what became of a delivery report
//!   sound ──► hear ────────┘                           ├─► Port    unplugged, plugged in
//!                                                      ├─► Sound, Recorded  a call's sound
//!                                                      └─► Wait    until then, nothing
//! ```
//!
//! The drain rule: after each call of [`VirtualModem::receive`], [`VirtualModem::hear`], [`VirtualModem::control`],
//! [`VirtualModem::switch_off`] or [`VirtualModem::handle_timeout`], call [`VirtualModem::poll`] until it returns [`Output::Wait`]; then call
//! `handle_timeout` at that instant, if it names one. Times are durations since one common zero and never go back.
//!
//! Does no I/O and reads no clock. Shares nothing with the product's own AT and PDU code.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::agenda::Agenda;
use super::calls::{Call, CallStep, Cause};
use super::commands::{Failure, Next, Radio, Registers};
use super::control::Control;
use super::event::{PhoneEvent, ReportEvent};
use super::messages::{Inbound, Messages, Purpose};
use super::pdu::Submit;
use super::phone::Phone;
use super::power::Power;
use super::recording::RecordedCall;
use super::settings::{DEFAULT_EPOCH, Settings};
use super::sim::Sim;
use super::sound::SoundPort;
use super::speech::Speech;
use super::terminal::Terminal;

/// Bytes that wait while a command is worked on; more is lost, as in a small UART buffer.
const INPUT_MAX: usize = 16 * 1024;
/// Longest command line; a longer one answers ERROR.
const LINE_MAX: usize = 2048;
/// Longest text or PDU after a prompt; a longer one is refused when it ends.
const BODY_MAX: usize = 4096;

const ESC: u8 = 0x1B;
const CTRL_Z: u8 = 0x1A;
const BACKSPACE: u8 = 0x08;

#[derive(Debug)]
pub enum Output {
    Write(Vec<u8>),
    /// For the program, on the sound port.
    Sound(Vec<u8>),
    Phone(PhoneEvent),
    Report(ReportEvent),
    /// A call has ended whose sound was recorded.
    Recorded(RecordedCall),
    Port(PortChange),
    /// Nothing to do before this instant; none: before the next call.
    Wait(Option<Duration>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortChange {
    Unplugged,
    PluggedIn,
}

pub struct VirtualModem {
    pub(super) settings: Settings,
    pub(super) now: Duration,
    pub(super) terminal: Terminal,
    pub(super) registers: Registers,
    pub(super) sim: Sim,
    pub(super) messages: Messages,
    pub(super) call: Option<Call>,
    pub(super) calls_made: u64,
    /// Whether calls are recorded from their answer on.
    pub records: bool,
    pub(super) sound: SoundPort,
    pub(super) speech: Option<Speech>,
    /// `AT+CLCC=1` where the make knows it.
    pub(super) reports_calls: bool,
    pub(super) last_cause: Cause,
    pub(super) agenda: Agenda<Action>,
    pub(super) phone: Phone,
    /// Refusals so far of each number that refuses twice.
    pub(super) refusals: BTreeMap<String, u8>,
    pub(super) radio: Radio,
    /// Lines of information for the command line being worked on.
    pub(super) answer: Vec<String>,
    pub(super) activity: Activity,
    pub(super) power: Power,
    pub(super) hung: bool,
    pub(super) input: VecDeque<u8>,
    pub(super) line: Vec<u8>,
    pub(super) lines_seen: u32,
    pub(super) outputs: VecDeque<Output>,
}

pub(super) enum Activity {
    Idle,
    /// The answer stands on the agenda, or the network is asked; bytes wait.
    Busy,
    Prompt {
        purpose: Purpose,
        body: Vec<u8>,
    },
    /// A dialled call holds the line until it is answered; any byte ends it (ITU-T V.250 §5.6.1).
    Dialling,
}

pub(super) enum Action {
    Answer(Answer),
    PhoneReceives { submit: Submit, reference: u8 },
    Inbound(Inbound),
    AckExpired(u64),
    Call(u64, CallStep),
    SoundFrame,
    Said,
    Booted,
    PluggedIn,
    HangOver,
    Flood,
}

/// What ends the work on a command line.
pub(super) enum Answer {
    Final(Result<(), Failure>),
    /// A result code other than `OK`, as `NO CARRIER`.
    Code(&'static str),
    /// Some lines and nothing after them.
    Line(String),
    /// `OK`, then a restart.
    Reboot,
    Prompt(Purpose),
}

impl VirtualModem {
    pub fn new(settings: Settings) -> Self {
        let mut modem = Self {
            sim: Sim::new(&settings),
            now: Duration::ZERO,
            terminal: Terminal::new(),
            registers: Registers::new(settings.profile),
            messages: Messages::new(settings.profile.memories),
            call: None,
            calls_made: 0,
            records: false,
            sound: SoundPort::default(),
            speech: None,
            reports_calls: false,
            last_cause: Cause::Normal,
            agenda: Agenda::new(),
            phone: Phone::default(),
            refusals: BTreeMap::new(),
            radio: Radio::new(),
            answer: Vec::new(),
            activity: Activity::Idle,
            power: Power::On,
            hung: false,
            input: VecDeque::new(),
            line: Vec::new(),
            lines_seen: 0,
            outputs: VecDeque::new(),
            settings,
        };
        modem.plan_flood();
        modem
    }

    /// Takes bytes off the line. What a deaf modem hears is lost.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        self.handle_timeout(now);
        if self.is_mute() {
            return;
        }
        let room = INPUT_MAX.saturating_sub(self.input.len()).min(bytes.len());
        self.input.extend(&bytes[..room]);
        self.work();
        self.handle_timeout(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((at, action)) = self.agenda.take_due(now) {
            self.now = self.now.max(at);
            self.act(action);
            self.work();
        }
        self.now = self.now.max(now);
    }

    /// Does something to the modem, its network or the phone behind it.
    pub fn control(&mut self, control: Control, now: Duration) {
        self.handle_timeout(now);
        match control {
            Control::Incoming { number, text } => self.incoming(&number, &text, None),
            Control::IncomingParts { number, order, text } => self.incoming(&number, &text, Some(&order)),
            Control::IncomingPdu(octets) => self.incoming_pdu(octets),
            Control::Call { number } => self.called(number),
            Control::Answer => self.person_answers(),
            Control::HangUp => self.person_hangs_up(),
            Control::Key(key) => self.person_presses(key),
            Control::Unplug(time) => self.unplug(time),
            Control::Hang(time) => self.hang(Some(time)),
            Control::Reboot => self.reboot(),
            Control::Garbage(count) if !self.is_mute() => self.terminal.garbage(count),
            Control::Garbage(_) => {}
            Control::FillStorage => self.fill_storage(),
            Control::Set { name, value } => self.change_setting(&name, &value),
        }
        self.handle_timeout(now);
    }

    /// The next output; see the drain rule in the module's doc.
    pub fn poll(&mut self) -> Output {
        if let Some(bytes) = self.terminal.take(self.now, &self.settings) {
            return Output::Write(bytes);
        }
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        Output::Wait(self.agenda.next().into_iter().chain(self.terminal.next_write()).min())
    }

    pub(super) fn tell(&mut self, event: PhoneEvent) {
        self.outputs.push_back(Output::Phone(event));
    }

    /// Writes an unsolicited line.
    pub(super) fn unsolicited(&mut self, text: &str) {
        if !self.is_mute() {
            self.terminal.line(text, &self.settings);
        }
    }

    /// Writes an unsolicited result code, as `RING`.
    pub(super) fn unsolicited_result(&mut self, text: &str) {
        if !self.is_mute() {
            self.terminal.result(text, &self.settings);
        }
    }

    /// Ends the work on a command line after `delay`; until then the modem takes no other.
    pub(super) fn answer_after(&mut self, delay: Duration, answer: Answer) {
        self.activity = Activity::Busy;
        self.agenda.add(self.now + delay, Action::Answer(answer));
    }

    /// Ends the work on a command line without a word.
    pub(super) fn answer_never(&mut self) {
        self.answer.clear();
        self.activity = Activity::Idle;
    }

    pub(super) fn hold_line_for_call(&mut self) {
        self.activity = Activity::Dialling;
    }

    pub(super) fn call_holds_line(&self) -> bool {
        matches!(self.activity, Activity::Dialling)
    }

    /// Whether the modem takes part in the world: powered, and not hung.
    pub(super) fn is_mute(&self) -> bool {
        self.power != Power::On || self.hung
    }

    /// Seconds since 1970, by the modem's clock.
    pub(super) fn seconds(&self) -> i64 {
        self.settings
            .epoch
            .unwrap_or(DEFAULT_EPOCH)
            .saturating_add(i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX))
    }

    fn change_setting(&mut self, name: &str, value: &str) {
        let before = self.registration();
        if self.settings.set(name, value).is_err() {
            return;
        }
        match name {
            "pin" | "puk" | "pin-tries" => self.sim = Sim::new(&self.settings),
            "sim" => self.change_card(),
            "flood" => self.plan_flood(),
            // Another modem in the same place.
            "profile" => {
                self.end_sound();
                self.cut_speech();
                self.registers = Registers::new(self.settings.profile);
                self.messages = Messages::new(self.settings.profile.memories);
            }
            "stores-in" => self.messages.selected[2] = self.settings.stores_in,
            _ => {}
        }
        self.registration_changed(before);
        self.deliver_waiting();
    }

    /// Somebody takes the card out, or puts one in; most modems notice.
    fn change_card(&mut self) {
        let was_present = self.sim.present;
        self.sim = Sim::new(&self.settings);
        if self.sim.present == was_present || self.settings.quiet_sim {
            return;
        }
        let line = format!("+CPIN: {}", self.sim.state_text().unwrap_or("NOT INSERTED"));
        self.unsolicited(&line);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Answer(answer) => self.end_line(answer),
            Action::PhoneReceives { submit, reference } => {
                if let Some(event) = self.phone.receive(submit, reference) {
                    self.tell(event);
                }
            }
            Action::Inbound(inbound) => self.inbound(inbound),
            Action::AckExpired(id) => self.acknowledgement_expired(id),
            Action::Call(id, step) => self.call_step(id, step),
            Action::SoundFrame => self.sound_frame(),
            Action::Said => self.said(),
            Action::Booted => self.booted(),
            Action::PluggedIn => {
                self.outputs.push_back(Output::Port(PortChange::PluggedIn));
                self.start_booting();
            }
            Action::HangOver => {
                self.hung = false;
                self.deliver_waiting();
            }
            Action::Flood => {
                self.unsolicited(self.settings.profile.flood);
                self.plan_flood();
            }
        }
    }

    /// Takes bytes as long as the present activity wants them.
    fn work(&mut self) {
        while !self.is_mute() && !matches!(self.activity, Activity::Busy) {
            let Some(byte) = self.input.pop_front() else { return };
            match &mut self.activity {
                Activity::Idle => self.command_byte(byte),
                Activity::Prompt { .. } => self.body_byte(byte),
                Activity::Dialling => self.abort_dialling(),
                Activity::Busy => return,
            }
        }
    }

    fn command_byte(&mut self, byte: u8) {
        self.terminal.echo(byte, &self.settings);
        match byte {
            b'\r' => {
                let line = std::mem::take(&mut self.line);
                self.execute(&line);
            }
            // A line feed belongs to the line before, ESC and Ctrl-Z to a prompt that is gone.
            b'\n' | ESC | CTRL_Z | 0 => {}
            BACKSPACE => {
                self.line.pop();
            }
            _ if self.line.len() <= LINE_MAX => self.line.push(byte),
            _ => {}
        }
    }

    fn execute(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let Some(start) = text.to_ascii_uppercase().find("AT") else { return };
        self.lines_seen += 1;
        if self.settings.hang_after > 0 && self.lines_seen > self.settings.hang_after {
            self.lines_seen = 0;
            let time = self.settings.hang_for;
            return self.hang((!time.is_zero()).then_some(time));
        }
        let latency = self.settings.latency;
        if line.len() > LINE_MAX {
            return self.answer_after(latency, Answer::Final(Err(Failure::Error)));
        }
        match self.perform_line(text[start + 2..].trim()) {
            Ok(Next::Done) => self.answer_after(latency, Answer::Final(Ok(()))),
            Ok(Next::Prompt(purpose)) => self.answer_after(latency, Answer::Prompt(purpose)),
            // The command has itself arranged for its end.
            Ok(Next::Later) => {}
            Err(failure) => self.answer_after(latency, Answer::Final(Err(failure))),
        }
    }

    fn end_line(&mut self, answer: Answer) {
        self.activity = Activity::Idle;
        let lines = std::mem::take(&mut self.answer);
        if self.is_mute() {
            return;
        }
        self.terminal.garbage(self.settings.garbage);
        for line in lines {
            self.terminal.line(&line, &self.settings);
        }
        match answer {
            Answer::Final(Ok(())) => self.terminal.result("OK", &self.settings),
            Answer::Final(Err(failure)) => {
                let text = failure.text(self.terminal.error_format);
                self.terminal.result(&text, &self.settings);
            }
            Answer::Code(code) => self.terminal.result(code, &self.settings),
            Answer::Line(line) => self.terminal.line(&line, &self.settings),
            Answer::Reboot => {
                self.terminal.result("OK", &self.settings);
                self.reboot();
            }
            Answer::Prompt(purpose) => {
                self.terminal.prompt(&self.settings);
                self.activity = Activity::Prompt { purpose, body: Vec::new() };
            }
        }
    }

    fn body_byte(&mut self, byte: u8) {
        self.terminal.echo(byte, &self.settings);
        let Activity::Prompt { purpose, body } = &mut self.activity else { return };
        let escapes = self.settings.escape;
        match byte {
            CTRL_Z => self.end_body(),
            // Peers that ignore ESC take the next line end as the end of the PDU.
            b'\r' if !escapes && !purpose.is_text() => self.end_body(),
            ESC if escapes => {
                self.activity = Activity::Idle;
                self.answer_after(self.settings.latency, Answer::Final(Ok(())));
            }
            b'\r' if purpose.is_text() => {
                body.push(b'\n');
                self.terminal.prompt(&self.settings);
            }
            b'\r' | b'\n' => {}
            _ if body.len() <= BODY_MAX => body.push(byte),
            _ => {}
        }
    }

    fn end_body(&mut self) {
        let Activity::Prompt { purpose, body } = std::mem::replace(&mut self.activity, Activity::Idle) else { return };
        self.body_complete(purpose, &body);
    }

    fn plan_flood(&mut self) {
        self.agenda.retain(|action| !matches!(action, Action::Flood));
        if !self.settings.flood.is_zero() {
            self.agenda.add(self.now + self.settings.flood, Action::Flood);
        }
    }
}
