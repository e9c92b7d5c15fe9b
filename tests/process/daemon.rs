//! `simverify serve` as a process.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::Instant;

use crate::child::Process;
use crate::client::Client;

/// A start on a busy machine.
pub const START: Duration = Duration::from_secs(90);

/// A stop without a message in hand.
pub const STOP: Duration = Duration::from_secs(90);

/// Between two looks at what a quiet daemon does.
const QUIET: Duration = Duration::from_millis(200);

pub struct Daemon {
    process: Process,
    /// Where it listens, once it has said so.
    address: Option<SocketAddr>,
}

impl Daemon {
    /// Started, and nothing more.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let log = child.stderr.take().expect("standard error is a pipe");
        Self { process: Process::new(child, log), address: None }
    }

    /// Started, and accepting requests.
    pub fn listening(command: Command) -> Self {
        let mut daemon = Self::spawn(command);
        let line = daemon.process.until(START, "address", |line| message(line) == "listening");
        daemon.note_address(&line);
        daemon
    }

    /// Takes the address from a line that tells it.
    pub fn note_address(&mut self, line: &Value) -> Option<Client> {
        if message(line) == "listening" {
            let address = line["address"].as_str().expect("an address");
            self.address = Some(address.parse().expect("one address"));
        }
        self.address.map(Client)
    }

    pub fn client(&self) -> Client {
        Client(self.address.expect("it listens"))
    }

    /// A line that fits among those read so far, or the next one.
    pub fn has_said(&mut self, within: Duration, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        match self.seen.iter().find(|line| fits(line)) {
            Some(line) => line.clone(),
            None => self.process.until(within, what, fits),
        }
    }

    /// Waits for a log line whose message begins so.
    pub fn says(&mut self, within: Duration, beginning: &str) -> Value {
        self.process.until(within, beginning, |line| message(line).starts_with(beginning))
    }

    /// Looks whether something is so whenever the daemon has said something, and when it is quiet: what it says is on
    /// record only afterwards.
    pub fn works_until(&mut self, within: Duration, otherwise: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + within;
        while !is_so() {
            assert!(Instant::now() < end, "{otherwise}:\n{}", self.transcript());
            if let Err(RecvTimeoutError::Disconnected) = self.process.next(QUIET) {
                panic!("it has ended by itself:\n{}", self.transcript());
            }
        }
    }

    /// Ends it as the service manager does.
    pub fn stop(&mut self) {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.ended(STOP);
        assert_eq!(status.code(), Some(0), "{}", self.process.transcript());
    }

    /// Lines of this level and above it that were read so far.
    pub fn warnings(&self) -> Vec<&Value> {
        self.seen.iter().filter(|line| line["level"] == "WARN" || line["level"] == "ERROR").collect()
    }
}

impl Deref for Daemon {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Daemon {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

pub fn message(line: &Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}
