//! The log as its reader has it: the life of one verification found by its request id, and nobody waits for the reader.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::calling::speaking;
use crate::client::{Client, number};
use crate::daemon::{Daemon, message};
use crate::installation::Installation;

const SOON: Duration = Duration::from_secs(40);

/// Two verifications at once: one by SMS, call, a wrong and the right code; one by SMS that nobody answers.
fn act() -> (Daemon, [String; 2]) {
    let installation = speaking();
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let text = text.replace("simverify=debug,info", "simverify=trace,info").replace("[tts]\n", "[tts]\nrepeat = 1\n");
    fs::write(installation.config(), text).expect("a configuration");
    let mut modem = installation.modem(&["--answer-after", "500ms"]);
    let mut daemon = installation.daemon();
    let client = daemon.client();
    let form = [("number", &*number(0)), ("brand", "Acme"), ("workflow_id", "5"), ("pin_code", "7391")];
    let reply = client.post("/verify/json", &form).expect("a reply");
    let first = reply["request_id"].as_str().expect("a request id").to_owned();
    let second = client.accepted(&number(1));
    modem.shows(2, SOON);
    daemon.has_said(SOON, "the report", |line| line["name"] == "attempt.delivered" && line["request_id"] == *first);
    let next = [("request_id", &*first), ("cmd", "trigger_next_event")];
    assert_eq!(client.post("/verify/control/json", &next).expect("a reply")["status"], "0");
    daemon.has_said(SOON, "the call", |line| line["name"] == "attempt.spoken" && line["request_id"] == *first);
    for (code, status) in [("0000", "16"), ("7391", "0")] {
        let check = client.post("/verify/check/json", &[("request_id", &first), ("code", code)]).expect("a reply");
        assert_eq!(check["status"], status, "{check}");
    }
    daemon.stop();
    (daemon, [first, second])
}

#[test]
fn the_life_of_a_verification_is_found_by_its_request_id() {
    let (daemon, [first, second]) = act();
    // What an operator asks of the log alone: jq 'select(.request_id == "…")'.
    let of = |request: &str| daemon.seen.iter().filter(|line| line["request_id"] == *request).collect::<Vec<_>>();
    let told = |lines: &[&Value], levels: &[&str]| {
        let fits = |line: &&&Value| levels.contains(&line["level"].as_str().expect("a level"));
        let name = |line: &&Value| line["name"].as_str().expect("a name").to_owned();
        lines.iter().filter(fits).map(name).collect::<Vec<_>>()
    };
    let lines = of(&first);
    let life = [
        "verification.accepted",
        "attempt.sending",
        "attempt.sent",
        "attempt.delivered",
        "verification.next",
        "attempt.sending",
        "attempt.spoken",
        "pin.wrong",
        "verification.verified",
    ];
    assert_eq!(told(&lines, &["INFO", "WARN", "ERROR"]), life);
    let decided = told(&lines, &["DEBUG"]);
    for (name, times) in [("attempt.claimed", 2), ("call.ringing", 1), ("call.answered", 1), ("request.answered", 4)] {
        assert_eq!(decided.iter().filter(|told| *told == name).count(), times, "{name}: {decided:?}");
    }
    // Nobody answers the second, and whoever reads of one reads nothing of the other.
    assert_eq!(told(&of(&second), &["INFO", "WARN", "ERROR"]), life[..4]);
    assert!(!lines.iter().any(|line| line.to_string().contains(&second)));
    for (request, dialled) in [(&first, 1), (&second, 0)] {
        let commands: Vec<String> = of(request).iter().map(|line| line["bytes"].to_string()).collect();
        let count = |beginning: &str| commands.iter().filter(|command| command.contains(beginning)).count();
        assert_eq!((count("AT+CMGS="), count("ATD")), (1, dialled), "{commands:?}");
    }
    // The HTTP request, its attempts and the modem's commands are tied together.
    let named = |name: &str| *lines.iter().find(|line| line["name"] == name).expect("such a line");
    let trace_id = &named("verification.accepted")["trace_id"];
    assert!(lines.iter().any(|line| line["name"] == "request.answered" && line["trace_id"] == *trace_id));
    let sent = named("attempt.sent");
    assert_eq!((&sent["route"], &sent["kind"], &sent["event"]), (&"sim1".into(), &"sms".into(), &1.into()));
    let submitted = lines.iter().find(|line| line["bytes"].to_string().contains("AT+CMGS=")).expect("a command");
    assert_eq!((&submitted["attempt"], &submitted["modem"]), (&sent["attempt"], &"sim1".into()));
}

#[test]
fn verifications_go_on_while_nobody_reads_the_log() {
    const REQUESTS: usize = 12;
    let installation = Installation::new();
    installation.configure("", "trace", &installation.link());
    let mut modem = installation.modem(&[]);
    let mut child =
        installation.serve().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let pipe = child.stderr.take().expect("a pipe");
    // A message's dialogue is more than it holds.
    fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4096)).expect("a smaller pipe");
    let mut log = BufReader::with_capacity(1024, pipe);
    let client = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).expect("text") > 0, "it ended");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        if message(&line) == "listening" {
            break Client(line["address"].as_str().expect("an address").parse().expect("one address"));
        }
    };
    let requests: Vec<String> = (0..REQUESTS).map(|index| client.accepted(&number(index))).collect();
    modem.shows(REQUESTS, SOON);
    for (index, request) in requests.iter().enumerate() {
        let check = client.post("/verify/check/json", &[("request_id", request), ("code", &modem.pin(&number(index)))]);
        assert_eq!(check.expect("a reply")["status"], "0");
    }
    let reader = std::thread::spawn(move || {
        let mut rest = String::new();
        log.read_to_string(&mut rest).expect("text");
        rest
    });
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("it runs");
    assert_eq!(child.wait().expect("a status").code(), Some(0));
    // What it said meanwhile was kept.
    let rest = reader.join().expect("no panic");
    let names: Vec<String> = rest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(names.iter().filter(|name| *name == "verification.verified").count(), REQUESTS);
    assert_eq!(names.last().map(String::as_str), Some("daemon.stopped"));
}
