//! The daemon is killed while messages come in; each is in the inbox in the end, once.

use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use simverify::random::Random;

use crate::child::PROGRAM;
use crate::daemon::Daemon;
use crate::installation::Installation;

const KILLS: usize = 12;

/// The last log line before a kill is one of the first so many behind the modem's readiness: between reading, record
/// and deletion of the first messages.
const LINES: usize = 60;

/// Messages before each start.
const MESSAGES: usize = 4;

/// A start, or the reading of what is left, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Texts of the inbox, as the operator gets them.
fn texts(installation: &Installation) -> Vec<String> {
    let mut command = Command::new(PROGRAM);
    let command = command.env_clear().arg("--config").arg(installation.config());
    let output = command.args(["inbox", "--reveal", "--json"]).output().expect("the program runs");
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a list");
    let text = |message: &serde_json::Value| message["text"].as_str().expect("a text").to_owned();
    list.as_array().expect("a list").iter().map(text).collect()
}

fn kill_after(lines: usize, mut daemon: Daemon) {
    daemon.says(PATIENCE, "the modem is started");
    for _ in 0..lines {
        match daemon.next(Duration::from_millis(500)) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("it has ended by itself:\n{}", daemon.transcript()),
        }
    }
    daemon.kill();
}

fn survives(arguments: &[&str]) {
    let installation = Installation::new();
    installation.configure("", "simverify=trace,info", &installation.link());
    let mut modem = installation.modem(arguments);
    let seed = u64::from_le_bytes(Random::System.bytes());
    println!("seed {seed}");
    let random = Random::seeded(seed);
    let mut sent = vec![];
    for _ in 0..KILLS {
        for _ in 0..MESSAGES {
            sent.push(format!("message {:03}", sent.len()));
            modem.control(&format!("incoming +447700900321 {}", sent[sent.len() - 1]));
        }
        let lines = usize::from(u16::from_le_bytes(random.bytes())) % LINES;
        kill_after(lines, Daemon::spawn(installation.serve()));
    }
    let mut daemon = installation.daemon();
    let parts = i64::try_from(sent.len()).expect("few");
    let kept = || installation.count("select count(*) from inbox");
    daemon.works_until(PATIENCE, "messages are missing", || kept() >= parts);
    daemon.stop();
    let mut texts = texts(&installation);
    texts.sort();
    assert_eq!(texts, sent, "each once");
    installation.assert_intact();
}

#[test]
fn every_stored_message_is_on_record_once_however_often_the_daemon_is_killed() {
    survives(&["--slots", "255"]);
}

#[test]
fn every_direct_message_is_on_record_once_however_often_the_daemon_is_killed() {
    survives(&["--direct-only", "on"]);
}
