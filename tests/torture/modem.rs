//! `simverify simulate` as a process, with the phones behind it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::time::Instant;

use crate::ledger::{Ledger, Turn};
use crate::site::{Site, program};

pub struct Modem {
    child: Child,
    controls: ChildStdin,
    reader: Option<JoinHandle<()>>,
}

impl Modem {
    pub fn start(name: &'static str, site: &Site, ledger: Arc<Ledger>, turns: mpsc::Sender<Turn>) -> Self {
        let mut child = Command::new(program())
            .env_clear()
            .args(["simulate", "--json", "--boot", "200ms", "--report-delay", "300ms", "--submit-latency", "60ms"])
            .arg("--link")
            .arg(site.link(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors(&site.directory.join(format!("logs/{name}.errors"))))
            .spawn()
            .expect("the program starts");
        let controls = child.stdin.take().expect("standard input is a pipe");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is a pipe")).lines();
        let ready = lines.next().expect("a line").expect("UTF-8");
        assert!(ready.contains("ready"), "{ready}");
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                note(&line, name, &ledger, &turns);
            }
        });
        Self { child, controls, reader: Some(reader) }
    }

    /// Writes a control line.
    pub fn control(&mut self, line: &str) {
        writeln!(self.controls, "{line}").expect("it reads its controls");
    }

    /// Ends it; what the phones got until then is on record.
    pub fn stop(mut self) {
        let id = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).expect("the process is ours");
        self.reader.take().expect("it is read").join().expect("no panic");
        self.child.wait().expect("a status");
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn errors(path: &Path) -> std::fs::File {
    OpenOptions::new().create(true).append(true).open(path).expect("a file")
}

fn note(line: &str, name: &str, ledger: &Ledger, turns: &mpsc::Sender<Turn>) {
    let event: Value = serde_json::from_str(line).expect("JSON");
    if event["event"] != "sms" {
        return;
    }
    let field = |name: &str| event[name].as_str().expect("a text").to_owned();
    deliver(&field("number"), name, &field("text"), ledger, turns);
}

/// A phone has a message; its owner acts on the first.
pub fn deliver(number: &str, route: &str, text: &str, ledger: &Ledger, turns: &mpsc::Sender<Turn>) {
    if !ledger.receive(number, route, text) {
        return;
    }
    let turn = Turn {
        number: number.trim_start_matches('+').to_owned(),
        pin: text.split(' ').next().unwrap_or_default().to_owned(),
        got: Instant::now(),
        jumps: ledger.jumps.load(Ordering::Relaxed),
    };
    // Nobody acts any more once the run is over.
    let _ = turns.send(turn);
}
