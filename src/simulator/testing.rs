//! A bench for tests: the virtual modem with time in the test's hands, and dialogues as text.
//!
//! A script has one act a line:
//!
//! ```text
//! > AT+CMGS=18        a command, ended by CR
//! >> 0001000B91…      a body, ended by Ctrl-Z
//! >! AT               bytes as they stand; \r \n \e \z are CR, LF, ESC, Ctrl-Z
//! + 1500              so many milliseconds pass
//! ! incoming +49 hi   a control line
//! ```
//!
//! The dialogue repeats it with what came back: `<` a line of the modem, `*` an event of the phone, `=` the port;
//! an echoed Ctrl-Z or ESC shows as `^Z` or `^[`.

use std::time::Duration;

use super::control::Control;
use super::event::PhoneEvent;
use super::recording::RecordedCall;
use super::settings::Settings;
use super::virtual_modem::{Output, VirtualModem};

/// Outputs of one act; a bench that exceeds it has a modem that never rests.
const OUTPUTS_MAX: usize = 100_000;

pub struct Bench {
    pub modem: VirtualModem,
    pub now: Duration,
    /// What the modem wrote and nobody took yet.
    pub written: Vec<u8>,
    pub events: Vec<PhoneEvent>,
    ports: Vec<String>,
    /// Frames of sound for the program that nobody took yet.
    pub frames: Vec<Vec<u8>>,
    pub recorded: Vec<RecordedCall>,
}

/// Plays `script` against a modem with these settings and returns the whole dialogue.
pub fn converse(settings: Settings, script: &str) -> String {
    let mut bench = Bench::new(settings);
    let mut dialogue = String::new();
    for act in script.lines().map(str::trim).filter(|act| !act.is_empty()) {
        dialogue.push_str(act);
        dialogue.push('\n');
        bench.play(act);
        dialogue.push_str(&bench.take_dialogue());
    }
    dialogue
}

impl Bench {
    pub fn new(settings: Settings) -> Self {
        Self {
            modem: VirtualModem::new(settings),
            now: Duration::ZERO,
            written: Vec::new(),
            events: Vec::new(),
            ports: Vec::new(),
            frames: Vec::new(),
            recorded: Vec::new(),
        }
    }

    /// Sends bytes and returns what came back at once.
    pub fn send(&mut self, bytes: &[u8]) -> String {
        self.modem.receive(bytes, self.now);
        self.drain_until(self.now);
        String::from_utf8_lossy(&std::mem::take(&mut self.written)).into_owned()
    }

    /// Writes to the sound port.
    pub fn speak(&mut self, octets: &[u8]) {
        self.modem.hear(octets, self.now);
        self.drain_until(self.now);
    }

    /// Lets time pass, stopping at each instant that the modem asks for.
    pub fn pass(&mut self, time: Duration) {
        self.drain_until(self.now + time);
    }

    /// Plays one line of a script.
    ///
    /// # Panics
    ///
    /// If the line is none of the acts in the module's doc.
    pub fn play(&mut self, act: &str) {
        let (kind, rest) = act.split_once(' ').unwrap_or((act, ""));
        match kind {
            ">" => self.modem.receive(format!("{rest}\r").as_bytes(), self.now),
            ">>" => self.modem.receive(format!("{rest}\u{1a}").as_bytes(), self.now),
            ">!" => self.modem.receive(unescape(rest).as_bytes(), self.now),
            "+" => self.pass(Duration::from_millis(rest.parse().expect("milliseconds"))),
            "!" => {
                let control = Control::parse(rest);
                self.modem.control(control.unwrap_or_else(|error| panic!("{error}")), self.now);
            }
            _ => panic!("no act: {act}"),
        }
        self.drain_until(self.now);
    }

    /// What happened since the last call, as lines.
    pub fn take_dialogue(&mut self) -> String {
        let written = std::mem::take(&mut self.written);
        let written = String::from_utf8_lossy(&written).replace('\u{1a}', "^Z").replace('\u{1b}', "^[");
        let mut dialogue = String::new();
        for line in written.split(['\r', '\n']).filter(|line| !line.is_empty()) {
            dialogue.push_str(format!("< {line}").trim_end());
            dialogue.push('\n');
        }
        for event in std::mem::take(&mut self.events) {
            dialogue.push_str(&format!("* {event}\n"));
        }
        for port in std::mem::take(&mut self.ports) {
            dialogue.push_str(&format!("= {port}\n"));
        }
        dialogue
    }

    fn drain_until(&mut self, until: Duration) {
        for _ in 0..OUTPUTS_MAX {
            match self.modem.poll() {
                Output::Write(bytes) => self.written.extend(bytes),
                Output::Sound(frame) => self.frames.push(frame),
                Output::Recorded(call) => self.recorded.push(call),
                Output::Phone(event) => self.events.push(event),
                Output::Report(_) => {}
                Output::Port(change) => self.ports.push(format!("{change:?}")),
                Output::Wait(Some(deadline)) if deadline <= until => {
                    self.now = self.now.max(deadline);
                    self.modem.handle_timeout(self.now);
                }
                Output::Wait(_) => {
                    self.now = until;
                    return self.modem.handle_timeout(until);
                }
            }
        }
        panic!("the modem never rests");
    }
}

fn unescape(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n").replace("\\e", "\u{1b}").replace("\\z", "\u{1a}")
}
