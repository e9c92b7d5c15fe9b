//! The daemon as a process whose log goes to a file, is counted, and is looked through for what must not stand in it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::ledger::{Ledger, shows_number};
use crate::site::{Site, output_file};

/// A start on a busy machine.
const START: Duration = Duration::from_secs(40);

/// Lines shown when it ended by itself.
const TAIL: usize = 12;

pub struct Daemon {
    child: Child,
    reader: Option<JoinHandle<()>>,
    tail: Arc<Mutex<VecDeque<String>>>,
}

/// Why a start came to nothing.
pub struct NotStarted {
    pub status: ExitStatus,
    pub log: String,
}

impl Daemon {
    /// Started and accepting requests at the address, or ended by itself.
    pub fn start(site: &Site, life: usize, ledger: &Arc<Ledger>) -> Result<(Self, SocketAddr), NotStarted> {
        let mut child =
            site.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let log = child.stderr.take().expect("standard error is a pipe");
        let mut file = output_file(&site.log(life));
        let (listening, address) = mpsc::channel();
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let (ledger, last) = (Arc::clone(ledger), Arc::clone(&tail));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                // The evidence alone would be lost on a full disk.
                let _ = writeln!(file, "{line}");
                note(&line, &ledger, &listening);
                let mut last = last.lock().expect("no panic");
                last.push_back(line);
                if last.len() > TAIL {
                    last.pop_front();
                }
            }
        });
        let mut daemon = Self { child, reader: Some(reader), tail };
        match address.recv_timeout(START) {
            Ok(address) => Ok((daemon, address)),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let log = daemon.log();
                let status = daemon.kill();
                Err(NotStarted { status, log: format!("it did not listen within {START:?}\n{log}") })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = daemon.ended();
                Err(NotStarted { status, log: daemon.log() })
            }
        }
    }

    pub fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.id(), signal).expect("the process is ours and not waited for");
    }

    pub fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::SIGKILL);
        self.ended()
    }

    /// The end as the service manager asks for it.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Its status, if it has ended by itself.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process is ours")
    }

    fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("a status");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic");
        }
        status
    }

    /// Its last lines.
    pub fn log(&self) -> String {
        self.tail.lock().expect("no panic").iter().map(|line| format!("    {line}\n")).collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn note(line: &str, ledger: &Ledger, listening: &mpsc::Sender<SocketAddr>) {
    if shows_number(line) {
        ledger.violation(format!("a whole number is in the log: {line}"));
    }
    if line.contains("panicked") {
        ledger.violation(format!("a panic: {line}"));
    }
    let Ok(line) = serde_json::from_str::<Value>(line) else {
        ledger.count("log lines that are no JSON");
        return;
    };
    let message = line["message"].as_str().unwrap_or_default();
    if line["level"] == "ERROR" {
        ledger.count(format!("error: {message}"));
    }
    if message == "listening"
        && let Some(address) = line["address"].as_str()
    {
        // A restarted listener is not waited for.
        let _ = listening.send(address.parse().expect("one address"));
    }
}
