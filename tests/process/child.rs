//! A child process whose output is read line by line, each line one JSON object.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::time::Instant;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_simverify");

/// A child process; killed when dropped.
pub struct Process {
    pub child: Child,
    lines: Receiver<String>,
    /// All lines read so far, for the message of a failed test.
    pub seen: Vec<Value>,
}

impl Process {
    /// Reads `output` of the child for as long as it lives.
    pub fn new(child: Child, output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: vec![] }
    }

    pub fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The next line; `Err(Timeout)` if the child is quiet for so long, `Err(Disconnected)` once it has ended.
    pub fn next(&mut self, within: Duration) -> Result<Value, RecvTimeoutError> {
        let line = self.lines.recv_timeout(within)?;
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        assert!(value.is_object(), "{line}");
        self.seen.push(value.clone());
        Ok(value)
    }

    /// The next line that fits.
    pub fn until(&mut self, within: Duration, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + within;
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                Ok(line) if fits(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("no {what} ({error}):\n{}", self.transcript()),
            }
        }
    }

    /// All lines until the child has said nothing for so long.
    pub fn until_quiet(&mut self, quiet: Duration) {
        while self.next(quiet).is_ok() {}
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.id(), signal).expect("the process is ours and not waited for");
    }

    /// Reads on until the child ends.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let end = Instant::now() + within;
        loop {
            match self.next(end.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().expect("a status"),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.transcript()),
            }
        }
    }

    /// Kills the child and reads what it had said.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.ended(Duration::from_secs(60));
    }

    pub fn transcript(&self) -> String {
        self.seen.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
