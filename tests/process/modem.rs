//! `simverify simulate` as a process: a modem on a pty with a phone behind it. And what a daemon does when it fails.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::child::{PROGRAM, Process};
use crate::client::number;
use crate::installation::{Installation, OPEN_ATTEMPTS};

/// From a request to its SMS, by way of recovery and of an uncertain attempt's second submission.
const DELIVERY: Duration = Duration::from_secs(120);

pub struct Modem {
    pub process: Process,
    controls: ChildStdin,
    /// How often each number got an SMS, and the last text.
    pub shown: BTreeMap<String, (usize, String)>,
}

impl Modem {
    pub fn start(link: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .env_clear()
            .args(["simulate", "--json", "--boot", "0", "--report-delay", "0", "--link"])
            .arg(link)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let controls = child.stdin.take().expect("standard input is a pipe");
        let output = child.stdout.take().expect("standard output is a pipe");
        let mut process = Process::new(child, output);
        process.until(DELIVERY, "modem", |line| line["event"] == "ready");
        Self { process, controls, shown: BTreeMap::new() }
    }

    /// Writes a control line.
    pub fn control(&mut self, line: &str) {
        writeln!(self.controls, "{line}").expect("it reads its controls");
    }

    /// Reads what the phone shows until that many numbers got an SMS.
    pub fn shows(&mut self, numbers: usize, within: Duration) {
        let end = Instant::now() + within;
        while self.shown.len() < numbers {
            let shown = self.shown.len();
            match self.process.next(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.note(&line),
                Err(error) => panic!("{shown} of {numbers} numbers got their SMS ({error}): {:?}", self.shown.keys()),
            }
        }
    }

    /// Ends the modem; what the phone has shown until then is noted.
    pub fn stop(&mut self) {
        self.process.signal(nix::sys::signal::Signal::SIGTERM);
        let end = Instant::now() + DELIVERY;
        while let Ok(line) = self.process.next(end.saturating_duration_since(Instant::now())) {
            self.note(&line);
        }
    }

    fn note(&mut self, line: &serde_json::Value) {
        if line["event"] == "sms" {
            let field = |name: &str| line[name].as_str().expect("a text").to_owned();
            let (times, text) = self.shown.entry(field("number")).or_default();
            *times += 1;
            *text = field("text");
        }
    }

    /// The PIN in the SMS that a number got.
    pub fn pin(&self, number: &str) -> String {
        let (_, text) = &self.shown[&format!("+{number}")];
        text.split(' ').next().expect("the PIN comes first").to_owned()
    }
}

/// A working daemon with `requests` accepted; `trouble` comes when the phone has shown the first few. Every SMS
/// arrives all the same, none more than twice, and nothing stays open.
fn survives(arguments: &[&str], trouble: &str) {
    const REQUESTS: usize = 8;
    let installation = Installation::new();
    let mut modem = installation.modem(arguments);
    let mut daemon = installation.daemon();
    for index in 0..REQUESTS {
        daemon.client().accepted(&number(index));
    }
    modem.shows(2, DELIVERY);
    modem.control(trouble);
    modem.shows(REQUESTS, DELIVERY);
    settle(&installation, &mut daemon);
    daemon.stop();
    modem.stop();
    assert_eq!(modem.shown.len(), REQUESTS);
    let most = modem.shown.values().map(|(times, _)| *times).max();
    assert!(most <= Some(2), "{most:?}\n{}", daemon.transcript());
    installation.assert_intact();
}

/// Waits until no attempt is open.
pub fn settle(installation: &Installation, daemon: &mut crate::daemon::Daemon) {
    daemon.works_until(DELIVERY, "attempts stay open", || installation.count(OPEN_ATTEMPTS) == 0);
}

#[test]
fn a_modem_that_is_unplugged_in_mid_work_loses_nothing() {
    survives(&["--submit-latency", "100ms"], "unplug 2");
}

#[test]
fn a_modem_that_restarts_in_mid_work_loses_nothing() {
    survives(&["--submit-latency", "100ms"], "reboot");
}

#[test]
fn garbage_on_the_line_in_mid_work_loses_nothing() {
    survives(&["--submit-latency", "50ms"], "garbage 500");
}

#[test]
fn a_modem_that_hangs_is_recovered_and_sends_what_was_accepted_meanwhile() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    modem.control("hang 20s");
    let mut daemon = installation.daemon();
    daemon.client().accepted(&number(0));
    let line = daemon.says(DELIVERY, "the modem does not answer; recovering");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["modem"], "sim1");
    daemon.says(DELIVERY, "the modem is ready");
    modem.shows(1, DELIVERY);
    settle(&installation, &mut daemon);
    daemon.stop();
    modem.stop();
    assert_eq!(modem.shown[&format!("+{}", number(0))].0, 1);
}

#[test]
fn a_message_that_may_have_been_sent_is_said_to_the_operator_with_the_reason() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    modem.control("fault cms 332");
    let mut daemon = installation.daemon();
    daemon.client().accepted(&number(0));
    let line = daemon.says(DELIVERY, "it is uncertain whether a message was sent");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["route"], "sim1");
    assert_eq!(line["reason"], "modem refused: CMS 332, network timeout");
    modem.shows(1, DELIVERY);
    daemon.stop();
    assert_eq!(daemon.warnings().len(), 1, "{}", daemon.transcript());
}

#[test]
fn a_report_that_came_during_a_silence_is_read_before_its_message_is_sent_again() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    modem.control("set report-delay 1s");
    let mut daemon = installation.daemon();
    let client = daemon.client();
    // Three whose reports come first, one that is uncertain though it went out, one that is not answered for 45 s.
    for number in ["447700900101", "447700900102", "447700900103", "447700900014", "447700900013"] {
        client.accepted(number);
    }
    daemon.has_said(DELIVERY, "silence", |line| {
        line["reason"].as_str().is_some_and(|reason| reason.starts_with("no answer from the modem in time"))
    });
    settle(&installation, &mut daemon);
    daemon.stop();
    modem.stop();
    assert_eq!(modem.shown["+447700900014"].0, 1);
}

#[test]
fn a_modem_that_comes_later_is_said_once_and_used_at_once() {
    let installation = Installation::new();
    installation.configure("", "simverify::modem=trace,info", &installation.link());
    let mut daemon = installation.daemon();
    daemon.client().accepted(&number(0));
    // Nobody is told again and again of what is known.
    daemon.until_quiet(Duration::from_secs(4));
    let warnings = daemon.warnings();
    assert_eq!(warnings.len(), 1, "{}", daemon.transcript());
    let expected =
        "modem does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows";
    assert!(crate::daemon::message(warnings[0]).ends_with(expected), "{}", warnings[0]);

    let mut modem = installation.modem(&[]);
    // Long before it would have looked all the same, half a minute after its last look.
    daemon.says(Duration::from_secs(20), "to the modem");
    modem.shows(1, DELIVERY);
    daemon.stop();
}
