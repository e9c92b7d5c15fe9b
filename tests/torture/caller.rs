//! The load: applications that ask for verifications, and people who type PINs in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;
use simverify::random::Random;

use crate::course::{Course, below};
use crate::ledger::{Answered, Ledger, Manner, Number, Turn};
use crate::site::{ACCOUNTS, Gate, PROVIDERS, SECRET};

/// Longer than any answer takes while the daemon runs; a stopped daemon's callers give up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Checks of one request at the same time.
const AT_ONCE: usize = 6;

/// Tries of a check whose answer never came.
const AGAIN: usize = 8;

/// Between two tries of a check.
const PAUSE: Duration = Duration::from_millis(400);

/// Endings of numbers whose messages fare badly (src/simulator/magic.rs); the last ones take 45 s to be known.
const MAGIC: [&str; 7] = ["0005", "0006", "0007", "0011", "0014", "0015", "0016"];
const SLOW_MAGIC: [&str; 3] = ["0003", "0008", "0013"];

/// Where the daemon listens, while it runs.
#[derive(Default)]
pub struct Address(Mutex<Option<SocketAddr>>);

impl Address {
    pub fn set(&self, address: Option<SocketAddr>) {
        *self.0.lock().expect("no panic") = address;
    }

    fn get(&self) -> Option<SocketAddr> {
        *self.0.lock().expect("no panic")
    }
}

/// What all threads of the load share.
pub struct Crowd {
    pub address: Address,
    pub ledger: Arc<Ledger>,
    pub gate: Gate,
    /// Requests are made while it is held open; checks go on.
    pub pause: Mutex<bool>,
    pub is_long: bool,
    /// How long after a message its PIN must work.
    pub fresh: Duration,
}

/// The status of a reply.
fn status(reply: &Value) -> Option<u16> {
    reply["status"].as_str()?.parse().ok()
}

impl Crowd {
    /// Posts a form with the account's credentials. The error: there is no whole reply.
    fn post(&self, account: usize, path: &str, form: &[(&str, &str)]) -> io::Result<Value> {
        let address = self.address.get().ok_or(io::ErrorKind::NotConnected)?;
        let form: Vec<String> = form
            .iter()
            .chain(&[("api_key", ACCOUNTS[account].0), ("api_secret", SECRET)])
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let form = form.join("&");
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let (_, body) = reply.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(serde_json::from_str(body)?)
    }

    /// Asks for verifications, so many a second, until the gate closes.
    pub fn ask(&self, course: &Course, random: &Random) {
        // Whoever asks waits for the answer, so that several ask.
        let interval = Duration::from_millis(1000 * ASKERS / course.rate);
        while !self.gate.closes_within(interval) {
            if !*self.pause.lock().expect("no panic") && self.address.get().is_some() {
                self.ask_once(random);
            }
        }
    }

    fn ask_once(&self, random: &Random) {
        let draw = |bound| below(random, bound);
        let manner = match draw(100) {
            0..40 => Manner::Right,
            40..55 => Manner::WrongTwiceThenRight,
            55..67 => Manner::WrongThrice,
            67..77 => Manner::AtOnce,
            77..83 => Manner::Cancel,
            83..90 => Manner::NextEvent,
            _ => Manner::Nothing,
        };
        let kind = match draw(100) {
            0..8 => Number::Magic(MAGIC[usize::try_from(draw(7)).expect("small")]),
            8..10 if self.is_long => Number::Magic(SLOW_MAGIC[usize::try_from(draw(3)).expect("small")]),
            10..30 if PROVIDERS => Number::Abroad,
            _ => Number::Ordinary,
        };
        let workflow = [6, 6, 6, 6, 4, 1, 2][usize::try_from(draw(7)).expect("small")];
        let account = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][usize::try_from(draw(10)).expect("small")];
        let number = self.ledger.number(kind);
        self.ledger.begin(&number, account, workflow, manner);
        let form = [("number", number.as_str()), ("brand", "Acme"), ("workflow_id", &workflow.to_string())];
        let reply = self.post(account, "/verify/json", &form);
        let answered = match reply.as_ref().ok().and_then(status) {
            Some(0) => Answered::Accepted,
            Some(status) => Answered::Refused(status),
            None => Answered::Unknown,
        };
        // A daemon that stops takes no more connections while its modems finish.
        let refused = reply.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        self.ledger.count(match answered {
            _ if refused => "requests whose connection was refused".to_owned(),
            Answered::Accepted => "requests accepted".to_owned(),
            Answered::Refused(status) => format!("requests refused with status {status}"),
            Answered::Unknown => "requests whose reply broke off".to_owned(),
        });
        self.ledger.note(&number, |asked| {
            asked.answered = answered;
            if answered == Answered::Accepted {
                let reply = reply.expect("a reply");
                asked.request_id = reply["request_id"].as_str().map(str::to_owned);
            }
        });
    }

    /// Acts on messages until the gate closes and none is left.
    pub fn act(&self, turns: &Mutex<mpsc::Receiver<Turn>>, random: &Random) {
        loop {
            let turn = turns.lock().expect("no panic").recv_timeout(PAUSE);
            match turn {
                Ok(turn) => self.act_on(&turn, random),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.gate.closes_within(Duration::ZERO) {
                        return;
                    }
                }
            }
        }
    }

    fn act_on(&self, turn: &Turn, random: &Random) {
        // The reply to the request may come after its message.
        let mut asked = None;
        for _ in 0..AGAIN {
            asked = self.ledger.asked.lock().expect("no panic").get(&turn.number).cloned();
            if asked.as_ref().is_none_or(|asked| asked.answered != Answered::Unknown) {
                break;
            }
            if self.gate.closes_within(Duration::from_millis(20)) {
                break;
            }
        }
        let Some(asked) = asked else {
            return self.ledger.violation(format!("a number that nobody asked for got a message: {}", turn.number));
        };
        let Some(request) = asked.request_id else { return };
        let account = asked.account;
        let wrong = if turn.pin.starts_with('1') { "2" } else { "1" }.to_owned() + &turn.pin[1..];
        match asked.manner {
            Manner::Right => {
                self.right(account, turn, &request, asked.workflow, 0);
                self.check(account, turn, &request, &turn.pin);
            }
            Manner::WrongTwiceThenRight => {
                let mut counted = 0;
                for _ in 0..2 {
                    // One whose answer never came may have been counted.
                    counted += 1;
                    self.check_again(account, turn, &request, &wrong, &mut counted);
                }
                self.right(account, turn, &request, asked.workflow, counted);
            }
            Manner::WrongThrice => {
                let wrongs = (0..3)
                    .filter(|_| matches!(self.check_again(account, turn, &request, &wrong, &mut 0), Some(16 | 17)));
                let all = wrongs.count() == 3;
                let last = self.check(account, turn, &request, &turn.pin);
                if all && last == Some(0) && asked.workflow == 6 {
                    self.ledger.violation(format!("{request}: a PIN was accepted after three wrong codes"));
                }
            }
            Manner::AtOnce => {
                std::thread::scope(|scope| {
                    for _ in 0..AT_ONCE {
                        scope.spawn(|| self.check(account, turn, &request, &turn.pin));
                    }
                });
            }
            Manner::Cancel => self.control(account, turn, &request, "cancel"),
            Manner::NextEvent => {
                self.control(account, turn, &request, "trigger_next_event");
                if below(random, 2) == 0 {
                    self.check(account, turn, &request, &turn.pin);
                }
            }
            Manner::Nothing => {}
        }
    }

    /// The right code must be right, unless it came late.
    fn right(&self, account: usize, turn: &Turn, request: &str, workflow: u8, mut counted: u32) {
        let status = self.check_again(account, turn, request, &turn.pin, &mut counted);
        let fresh = turn.got.elapsed() < self.fresh && self.ledger.jumps.load(Ordering::Relaxed) == turn.jumps;
        if fresh && workflow == 6 && counted < 3 && matches!(status, Some(16 | 17)) {
            self.ledger.violation(format!("{request}: a fresh PIN was refused with {status:?}"));
        }
    }

    /// Until there is an answer that is no fault. `lost` counts answers that never came.
    fn check_again(&self, account: usize, turn: &Turn, request: &str, code: &str, lost: &mut u32) -> Option<u16> {
        for _ in 0..AGAIN {
            match self.check(account, turn, request, code) {
                None | Some(5) => *lost += 1,
                answered => return answered,
            }
            if self.gate.closes_within(PAUSE) {
                break;
            }
        }
        None
    }

    fn check(&self, account: usize, turn: &Turn, request: &str, code: &str) -> Option<u16> {
        let reply = self.post(account, "/verify/check/json", &[("request_id", request), ("code", code)]);
        let status = reply.ok().as_ref().and_then(status);
        let is_right = code == turn.pin;
        self.ledger.count(match status {
            Some(0) => "checks that succeeded".to_owned(),
            Some(16 | 17) => "checks refused as wrong".to_owned(),
            Some(6) => "checks of a request that had ended".to_owned(),
            Some(other) => format!("checks answered with status {other}"),
            None => "checks whose reply broke off".to_owned(),
        });
        let again = self.ledger.note(&turn.number, |asked| {
            match status {
                Some(0) => asked.successes += 1,
                Some(16 | 17) => asked.wrong += 1,
                Some(5) | None => asked.faults += 1,
                Some(_) => {}
            }
            asked.successes > 1
        });
        if again {
            self.ledger.violation(format!("{request}: its PIN was accepted twice"));
        }
        if status == Some(0) && !is_right {
            self.ledger.violation(format!("{request}: a wrong code was accepted"));
        }
        status
    }

    fn control(&self, account: usize, turn: &Turn, request: &str, command: &str) {
        let reply = self.post(account, "/verify/control/json", &[("request_id", request), ("cmd", command)]);
        let status = reply.ok().as_ref().and_then(status);
        self.ledger.count(match status {
            Some(status) => format!("{command} answered with status {status}"),
            None => format!("{command} whose reply broke off"),
        });
        if command == "cancel" && status == Some(0) {
            self.ledger.note(&turn.number, |asked| asked.cancelled = true);
        }
    }
}

/// Threads that ask.
pub const ASKERS: u64 = 4;

/// Threads that act.
pub const ACTORS: u64 = 6;
