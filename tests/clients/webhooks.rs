//! The libraries of Standard Webhooks, `standardwebhooks` 1.1.0 for Python and 1.1.1 for Node.js, take what is sent.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::client::{beside, installed};
use crate::service::Service;

const NUMBER: &str = "447700900123";

/// Of nobody.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that verifies what comes and says so, an event a line.
struct Receiver {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u64,
}

impl Receiver {
    fn start(mut program: Command) -> Self {
        let mut child = program.env("SECRET", SECRET).stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut receiver = Self { child, lines, port: 0 };
        receiver.port = receiver.next()["port"].as_u64().expect("a port");
        receiver
    }

    fn python() -> Self {
        let mut program = Command::new(installed().join("python/bin/python"));
        program.arg(beside("python/receive.py"));
        Self::start(program)
    }

    fn node() -> Self {
        let mut program = Command::new("node");
        program.arg(beside("node/receive.mjs")).env("PACKAGES", installed().join("node"));
        Self::start(program)
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("it lives on").expect("text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn kinds(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next()["verified"].as_str().expect("a right signature").to_owned()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn takes_what_is_sent(mut receiver: Receiver) {
    let mut service = Service::http();
    let url = format!("http://127.0.0.1:{}/hook", receiver.port);
    let key = service.key.clone();
    let set = service.command(&["account", "webhook", "set", &key, &url, "--secret-file", "-"], SECRET);
    assert!(set.contains("active") && !set.contains("whsec_"), "{set}");
    let tried = service.command(&["account", "webhook", "test", &key], "");
    assert!(tried.contains("HTTP status 204"), "{tried}");
    assert_eq!(receiver.kinds(1), ["webhook.test"]);
    let request = service.started(NUMBER);
    let pin = service.pin(NUMBER);
    assert_eq!(receiver.kinds(3), ["verification.started", "verification.sent", "verification.delivered"]);
    service.checked(&request, &pin);
    assert_eq!(receiver.kinds(1), ["verification.verified"]);
    service.command(&["account", "webhook", "rotate-secret", &key], "");
    service.command(&["account", "webhook", "test", &key], "");
    assert_eq!(receiver.kinds(1), ["webhook.test"], "the secret before signs too");
    service.command(&["account", "webhook", "rotate-secret", &key, "--overlap-hours", "0"], "");
    service.command(&["account", "webhook", "test", &key], "");
    assert_eq!(receiver.next(), json!({ "raised": "WebhookVerificationError" }), "and later it does not");
}

#[test]
fn the_library_for_python_takes_what_is_sent() {
    takes_what_is_sent(Receiver::python());
}

#[test]
fn the_library_for_node_takes_what_is_sent() {
    takes_what_is_sent(Receiver::node());
}
