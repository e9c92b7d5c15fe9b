//! A client library behind a small program of ours that makes the calls it is told.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

/// Where the clients are installed, after installing what is missing.
pub fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-clients");
        let status = Command::new(script).arg(&directory).stdin(Stdio::null()).status().expect("a shell");
        assert!(status.success(), "the clients cannot be installed: the lines above say why");
        directory
    })
}

/// A file beside this one.
pub fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

pub struct Client {
    child: Child,
    calls: ChildStdin,
    outcomes: BufReader<ChildStdout>,
}

impl Client {
    pub fn start(mut program: Command) -> Self {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let calls = child.stdin.take().expect("a pipe");
        let outcomes = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, calls, outcomes }
    }

    /// `{"returned": …}` or `{"raised": "…"}`.
    pub fn call(&mut self, call: &str, arguments: &Value) -> Value {
        writeln!(self.calls, "{}", json!({ "call": call, "arguments": arguments })).expect("it reads");
        let mut outcome = String::new();
        self.outcomes.read_line(&mut outcome).expect("it answers");
        serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{call}: {error}: {outcome}"))
    }

    /// A field of what a call that must succeed returned.
    pub fn field(&mut self, call: &str, arguments: &Value, name: &str) -> String {
        let outcome = self.call(call, arguments);
        outcome["returned"][name].as_str().unwrap_or_else(|| panic!("{call}: no {name}: {outcome}")).to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
