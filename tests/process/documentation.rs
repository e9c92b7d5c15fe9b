//! Programs that other people wrote read the documentation and try the API out by it.
//!
//! `make test` installs them: newman and playwright-core from npm, schemathesis from PyPI, Chromium from Debian.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::child::PROGRAM;
use crate::client::number;
use crate::daemon::Daemon;
use crate::installation::{Installation, KEY, SECRET};

const COLLECTION: &str = "docs/postman/verify.postman_collection.json";
const ENVIRONMENT: &str = "docs/postman/Verify-Nexmo.postman_environment.json";

/// A daemon with a virtual modem inside.
struct Service {
    installation: Installation,
    daemon: Daemon,
    address: String,
}

impl Service {
    fn start() -> Self {
        let installation = Installation::new();
        installation.configure("cancel_after_seconds = 30", "info", Path::new("simulator:sim1"));
        let daemon = installation.daemon();
        let address = format!("http://{}", daemon.client().0);
        Self { installation, daemon, address }
    }

    /// Stops it, and looks for what it complained of.
    fn stop(mut self) {
        self.daemon.stop();
        assert_eq!(self.daemon.warnings(), Vec::<&Value>::new());
    }
}

/// A file of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A program below `target/tools`.
fn tool(path: &str) -> PathBuf {
    let path = repository("target/tools").join(path);
    assert!(path.exists(), "{} is missing: `make test` installs it, or scripts/install-tools", path.display());
    path
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).env("NO_PROXY", "127.0.0.1").output().expect("the program starts")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

/// Sends the requests of these names, with `environment`, and gives each with its HTTP status; the environment
/// afterwards is left in its place.
fn newman(directory: &Path, names: &[&str], environment: &mut Value) -> Vec<(String, u64)> {
    let [before, after, report] = ["before.json", "after.json", "report.json"].map(|name| directory.join(name));
    std::fs::write(&before, environment.to_string()).expect("a file");
    let mut command = Command::new(tool("node/node_modules/.bin/newman"));
    command.arg("run").arg(repository(COLLECTION));
    command.arg("--environment").arg(&before).arg("--export-environment").arg(&after);
    command.args(["--reporters", "cli,json", "--reporter-json-export"]).arg(&report);
    for name in names {
        command.args(["--folder", name]);
    }
    let output = run(&mut command);
    assert!(output.status.success(), "{}", printed(&output));
    *environment = read(&after);
    let report = read(&report);
    let executions = report["run"]["executions"].as_array().expect("executions").iter();
    executions
        .map(|execution| {
            assert!(
                execution["assertions"].as_array().is_some_and(|made| !made.is_empty()),
                "a test asserts something"
            );
            let name = execution["item"]["name"].as_str().expect("a name").to_owned();
            (name, execution["response"]["code"].as_u64().expect("a status"))
        })
        .collect()
}

/// The environment of this repository as its user fills it in.
fn environment(service: &Service) -> Value {
    let mut environment = read(&repository(ENVIRONMENT));
    set(&mut environment, "base_url", &service.address);
    set(&mut environment, "api_key", KEY);
    set(&mut environment, "api_secret", SECRET);
    environment
}

fn set(environment: &mut Value, key: &str, value: &str) {
    let values = environment["values"].as_array_mut().expect("variables");
    let variable = values.iter_mut().find(|variable| variable["key"] == key);
    variable.unwrap_or_else(|| panic!("no variable {key}"))["value"] = json!(value);
}

fn named(executions: &[(String, u64)]) -> Vec<(&str, u64)> {
    executions.iter().map(|(name, http)| (name.as_str(), *http)).collect()
}

#[test]
fn newman_runs_the_collection_green_any_number_of_times() {
    let service = Service::start();
    let directory = tempfile::tempdir().expect("a directory");
    let mut environment = environment(&service);
    for _ in 0..2 {
        let executions = newman(directory.path(), &[], &mut environment);
        assert_eq!(
            named(&executions),
            [("Verify Request", 201), ("Verify Search", 200), ("Verify Control", 202), ("Verify Check", 200)]
        );
    }
    service.stop();
}

/// As a reader of the manual does: one request after the other, with what the phone shows.
#[test]
fn newman_sends_the_requests_one_by_one() {
    let service = Service::start();
    let directory = tempfile::tempdir().expect("a directory");
    let mut environment = environment(&service);
    set(&mut environment, "number", &number(1));
    set(&mut environment, "brand", "Dunder & Mifflin");
    let send = |name: &str, environment: &mut Value| newman(directory.path(), &[name], environment)[0].1;
    assert_eq!(send("Verify Request", &mut environment), 201);
    set(&mut environment, "cmd", "cancel");
    assert_eq!(send("Verify Control", &mut environment), 412, "not within the first 30 seconds");
    assert_eq!(send("Verify Check", &mut environment), 200);
    assert_eq!(send("Verify Search", &mut environment), 200);
    assert_eq!(send("Verify Control", &mut environment), 404, "it has been verified");
    service.stop();
}

#[test]
fn schemathesis_finds_no_reply_outside_the_document() {
    let service = Service::start();
    let document = run(Command::new(PROGRAM).arg("openapi")).stdout;
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let mut command = Command::new(tool("python/bin/schemathesis"));
    command.arg("run").arg(format!("{}/docs/openapi.json", service.address));
    command.args(["--auth", &format!("{KEY}:{SECRET}"), "--no-color", "--max-examples", "10", "--seed", "1"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--checks"]);
    command.arg(
        "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance,\
         response_headers_conformance",
    );
    let output = run(command.current_dir(service.installation.directory.path()));
    assert!(output.status.success(), "{}", printed(&output));
    assert!(printed(&output).contains(&format!("Tested: {}\n", operations(&document))), "{}", printed(&output));
    assert!(service.installation.count("select count(*) from verification") > 0, "no request was accepted");
    service.stop();
}

fn operations(document: &Value) -> usize {
    let paths = document["paths"].as_object().expect("paths");
    paths.values().map(|methods| methods.as_object().expect("methods").len()).sum()
}

#[test]
fn a_reader_of_the_page_tries_the_api_out() {
    let service = Service::start();
    let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs.png");
    let mut command = Command::new("node");
    command.arg(repository("tests/documentation/try_it_out.cjs"));
    command.arg(&service.address).arg(&screenshot);
    command.env("NODE_PATH", tool("node/node_modules")).env("CHROMIUM", "/usr/bin/chromium");
    command.env("API_KEY", KEY).env("API_SECRET", SECRET);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", printed(&output));
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["request"]["http"], "201", "{seen}");
    assert_eq!(seen["request"]["body"]["status"], "0", "{seen}");
    let sent = seen["request"]["sent"].as_str().expect("a form");
    let mut sent: Vec<_> = sent.split('&').collect();
    sent.sort_unstable();
    assert_eq!(sent, ["brand=Acme", "number=447700900123", "pin_code=7391"], "what is not filled in is not sent");
    assert_eq!((&seen["search"]["http"], &seen["search"]["body"]["status"]), (&json!("200"), &json!("IN PROGRESS")));
    assert_eq!(seen["control"]["http"], "202", "{seen}");
    assert_eq!((&seen["check"]["http"], &seen["check"]["body"]["status"]), (&json!("200"), &json!("0")), "{seen}");
    assert_eq!(seen["complaints"], json!([]), "of the browser");
    assert_eq!(seen["hosts"], json!([service.address.trim_start_matches("http://")]));
    service.stop();
}
