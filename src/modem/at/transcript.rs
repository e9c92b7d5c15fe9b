//! Test helpers: dialogues with an engine, in as a script and out as text.
//!
//! ```text
//!  > AT+CREG?        submit a command            < +CREG: 0,1     the modem says a line
//!  + 6000            time passes, in ms          << \r\n>\x20     the modem says these bytes
//!  ! proceed 0011FF  at the prompt               ! abandon        ! close
//! ```

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use super::{AtError, Command, CommandId, Engine, Event, Output, Pdu, Reply};
use crate::modem::profile::GENERIC;

/// The whole dialogue: the script with what the engine did put in between, indented.
pub(crate) fn converse(script: &str) -> String {
    let whole = Dialogue::default().run(script, usize::MAX);
    for chunk in [1, 3] {
        assert_eq!(whole, Dialogue::default().run(script, chunk), "in chunks of {chunk}");
    }
    let tail = format!("{script}\n<< \\r\\n+CRE");
    let with_tail = Dialogue::default().run(&tail, usize::MAX);
    assert!(with_tail.starts_with(&whole), "with a tail: {with_tail}");
    whole
}

struct Dialogue {
    engine: Engine,
    now: Duration,
    prompt: Option<CommandId>,
    text: String,
}

impl Default for Dialogue {
    fn default() -> Self {
        Self { engine: Engine::new(GENERIC.engine_settings()), now: Duration::ZERO, prompt: None, text: String::new() }
    }
}

impl Dialogue {
    fn run(mut self, script: &str, chunk: usize) -> String {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let _ = writeln!(self.text, "{line}");
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            match verb {
                ">" => {
                    let command = match rest.strip_prefix("AT+CMGS=") {
                        Some(octets) => Command::submit(octets.parse().expect("octets"), GENERIC.submit_timeout),
                        None if rest == "AT+CPIN?" => Command::new(rest).with_optional_final(),
                        None => Command::new(rest),
                    };
                    self.engine.submit(command, self.now);
                    self.drain();
                }
                "<" => self.receive(format!("{rest}\r\n").as_bytes(), chunk),
                "<<" => self.receive(&unescaped(rest), chunk),
                "+" => self.pass(Duration::from_millis(rest.parse().expect("milliseconds"))),
                "!" => self.act(rest),
                _ => panic!("unknown verb in {line:?}"),
            }
        }
        self.text
    }

    fn receive(&mut self, bytes: &[u8], chunk: usize) {
        for bytes in bytes.chunks(chunk) {
            self.engine.receive(bytes, self.now);
            self.drain();
        }
    }

    fn act(&mut self, action: &str) {
        let id = self.prompt.take();
        match (action.split_once(' ').unwrap_or((action, "")), id) {
            (("proceed", body), Some(id)) => assert!(self.engine.proceed(id, body, self.now), "no prompt"),
            (("abandon", _), Some(id)) => assert!(self.engine.abandon(id, self.now), "no prompt"),
            (("close", _), _) => self.engine.close(self.now),
            _ => panic!("cannot {action}"),
        }
        self.drain();
    }

    /// Goes from deadline to deadline, as the driver does.
    fn pass(&mut self, duration: Duration) {
        const FUEL: usize = 1000;
        let until = self.now + duration;
        for _ in 0..FUEL {
            match self.drain() {
                Some(deadline) if deadline <= until => self.now = self.now.max(deadline),
                Some(_) | None => {
                    self.now = until;
                    self.engine.handle_timeout(self.now);
                    self.drain();
                    return;
                }
            }
            self.engine.handle_timeout(self.now);
        }
        panic!("the engine's deadline does not move");
    }

    fn drain(&mut self) -> Option<Duration> {
        loop {
            let output = self.engine.poll();
            let _ = match &output {
                Output::Write(wire) => writeln!(self.text, "    write {}", wire.bytes.escape_ascii()),
                Output::Prompt { id } => {
                    self.prompt = Some(*id);
                    writeln!(self.text, "    prompt of {id}")
                }
                Output::Reply { id, result: Ok(reply) } => {
                    writeln!(self.text, "    {id} ok {}", reply.lines.join(" | "))
                }
                Output::Reply { id, result: Err(error) } => writeln!(self.text, "    {id} failed: {error}"),
                Output::Unsolicited(it) => writeln!(self.text, "    unsolicited {:?}", it.event()),
                Output::Wait(deadline) => return *deadline,
            };
        }
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.as_bytes());
        let (byte, length) = match after.as_bytes() {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b'x', ..] => (u8::from_str_radix(&after[1..3], 16).expect("two hex digits"), 3),
            _ => panic!("unknown escape in {text:?}"),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// What a conversation wants, whichever it is.
pub(crate) enum Want {
    Submit(Command),
    Proceed(Pdu),
    Abandon,
    /// Something for the transcript.
    Note(String),
    Wait(Option<Duration>),
}

/// A conversation as [`play`] drives it.
pub(crate) trait Machine {
    fn want(&mut self) -> Want;
    fn prompted(&mut self) {}
    fn replied(&mut self, result: Result<Reply, AtError>, now: Duration);
    fn timeout(&mut self, now: Duration);
    fn unsolicited(&mut self, _event: &Event, _now: Duration) {}
}

/// A modem that answers by a table: a command, then its answers in order, the last of them again and again; lines are
/// separated by `|`, silence is `-`. What is in no table is answered `OK`, a submit by its prompt, `BODY` is the name of
/// a body.
pub(crate) struct ByTable {
    answers: Vec<(String, VecDeque<String>)>,
    /// Answers to whatever is asked, in a circle.
    circle: VecDeque<String>,
}

impl ByTable {
    pub(crate) fn new(table: &[(&str, &[&str])]) -> Self {
        let answers = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        Self {
            answers: table.iter().map(|(command, it)| ((*command).to_owned(), answers(it))).collect(),
            circle: VecDeque::new(),
        }
    }

    /// A modem that says these things in turn, whatever it is asked.
    pub(crate) fn saying(circle: Vec<&str>) -> Self {
        Self { answers: Vec::new(), circle: circle.into_iter().map(str::to_owned).collect() }
    }

    fn answer(&mut self, command: &str) -> String {
        if let Some(answer) = self.circle.pop_front() {
            self.circle.push_back(answer.clone());
            return answer;
        }
        match self.answers.iter_mut().find(|(known, _)| known == command) {
            Some((_, answers)) if answers.len() > 1 => answers.pop_front().expect("more than one answer"),
            Some((_, answers)) => answers.front().cloned().unwrap_or_default(),
            None if command.starts_with("AT+CMGS=") => ">".to_owned(),
            None if command == "BODY" => "+CMGS: 7|OK".to_owned(),
            None if command.trim().is_empty() || command == "\x1b" => "-".to_owned(),
            None => "OK".to_owned(),
        }
    }
}

/// Lets `machine` talk to a modem for `duration`; the dialogue out as text.
pub(crate) fn play(machine: &mut impl Machine, modem: &mut ByTable, duration: Duration) -> String {
    const FUEL: usize = 10_000;
    let mut engine = Engine::new(GENERIC.engine_settings());
    let (mut now, mut text, mut prompt) = (Duration::ZERO, String::new(), None);
    let mut shown_at = now;
    for _ in 0..FUEL {
        let machine_deadline = loop {
            match machine.want() {
                Want::Submit(command) => _ = engine.submit(command, now),
                Want::Proceed(pdu) => assert!(engine.proceed(prompt.take().expect("a prompt"), pdu.hex(), now)),
                Want::Abandon => assert!(engine.abandon(prompt.take().expect("a prompt"), now)),
                Want::Note(note) => _ = writeln!(text, "{note}"),
                Want::Wait(deadline) => break deadline,
            }
        };
        match engine.poll() {
            Output::Write(wire) => {
                let sent = String::from_utf8(wire.bytes).expect("ASCII");
                let command = if sent.ends_with('\x1a') { "BODY" } else { sent.trim_end_matches('\r') };
                if now >= shown_at + Duration::from_millis(500) {
                    let _ = writeln!(text, "+ {} ms", (now - shown_at).as_millis());
                }
                shown_at = now;
                let _ = write!(text, "{} →", sent.trim().escape_debug());
                let answer = modem.answer(command);
                let _ = writeln!(text, " {answer}");
                if answer != "-" {
                    let bytes: String = answer.split('|').map(|line| format!("\r\n{line}\r\n")).collect();
                    engine.receive(bytes.as_bytes(), now);
                }
            }
            Output::Prompt { id } => {
                prompt = Some(id);
                machine.prompted();
            }
            Output::Reply { result, .. } => machine.replied(result, now),
            Output::Unsolicited(it) => machine.unsolicited(&it.event(), now),
            Output::Wait(engine_deadline) => {
                let next = [engine_deadline, machine_deadline].into_iter().flatten().min();
                match next {
                    Some(next) if next <= duration => now = now.max(next),
                    Some(_) | None => return text,
                }
                engine.handle_timeout(now);
                machine.timeout(now);
            }
        }
    }
    panic!("the dialogue does not end:\n{text}");
}
