//! docs/api.md: each of its examples does what it says.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::client::installed;
use crate::service::Service;

/// A fenced block.
struct Block {
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
    let page = fs::read_to_string(page).expect("the page");
    let mut blocks = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push(Block { language: language.to_owned(), text });
        }
    }
    blocks
}

/// The only block in a language that holds these words.
fn block(language: &str, words: &str) -> String {
    let mut found = blocks().into_iter().filter(|block| block.language == language && block.text.contains(words));
    let text = found.next().unwrap_or_else(|| panic!("no {language} with {words}")).text;
    assert!(found.next().is_none(), "two in {language} with {words}");
    text
}

fn command(service: &Service, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.envs([
        ("URL", &service.url),
        ("HOST", &service.host),
        ("API_KEY", &service.key),
        ("API_SECRET", &service.secret),
    ]);
    command.env("NO_PROXY", "*");
    if service.authority().exists() {
        command.env("REQUESTS_CA_BUNDLE", service.authority()).env("NODE_EXTRA_CA_CERTS", service.authority());
    }
    command
}

/// Runs an example that asks for the code, types what `code` makes of the PIN, and gives what it printed.
fn answered(service: &mut Service, mut example: Command, code: impl Fn(&str) -> String) -> String {
    let mut child = example.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let code = code(&service.pin("447700900123"));
    writeln!(child.stdin.take().expect("a pipe"), "{code}").expect("it reads");
    let mut printed = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut printed).expect("text");
    child.wait().expect("a status");
    printed.replace("Code: ", "").trim().to_owned()
}

/// Right and wrong, as the person may type it.
fn verifies(service: &mut Service, example: impl Fn(&Service) -> Command) {
    let right = example(service);
    assert_eq!(answered(service, right, str::to_owned), "verified");
    let wrong = example(service);
    let printed = answered(service, wrong, |pin| if pin == "0000" { "1111".to_owned() } else { "0000".to_owned() });
    assert!(printed.starts_with("not verified") && printed.contains("does not match"), "{printed}");
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn the_examples_for_curl_print_what_the_page_shows() {
    let mut service = Service::http();
    let mut request = String::new();
    let mut blocks = blocks().into_iter().filter(|block| ["sh", "json"].contains(&block.language.as_str()));
    let mut examples = 0;
    while let Some(example) = blocks.next() {
        assert_eq!(example.language, "sh", "a reply without its request:\n{}", example.text);
        let reply = blocks.next().filter(|block| block.language == "json").expect("each request shows its reply");
        let mut shell = command(&service, "bash");
        shell.args(["-euo", "pipefail", "-c", &example.text]).env("REQUEST_ID", &request);
        if example.text.contains("$CODE") {
            shell.env("CODE", service.pin("447700900123"));
        }
        let output = shell.output().expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout);
        let shown = service.masked(&reply.text.replace("\"demo\"", "\"<key>\""));
        assert_eq!(service.masked(&printed).trim(), shown.trim(), "{}", example.text);
        let fields: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
        if let Some(id) = fields["request_id"].as_str() {
            id.clone_into(&mut request);
        }
        examples += 1;
    }
    assert_eq!(examples, 5);
}

#[test]
fn the_examples_for_python_verify_a_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let official = write(directory.path(), "official.py", &block("python", "from vonage import"));
    let plain = write(directory.path(), "plain.py", &block("python", "input(\"Code: \"))\nprint"));
    let python = installed().join("python/bin/python");
    let run = |service: &Service, example: &Path| {
        let mut command = command(service, &python);
        command.arg(example);
        command
    };
    verifies(&mut Service::https(), |service| run(service, &official));
    verifies(&mut Service::http(), |service| run(service, &plain));
}

#[test]
fn the_example_for_signatures_is_accepted() {
    let service = Service::http();
    let request = "ab".repeat(16);
    let mut command = command(&service, "python3");
    let output = command.args(["-c", &block("python", "hashlib")]).env("REQUEST_ID", request).output();
    let printed = String::from_utf8(output.expect("Python").stdout).expect("text");
    insta::assert_snapshot!(printed.trim(), @r#"{"request_id":"","status":"101","error_text":"No request found"}"#);
}

#[test]
fn the_examples_for_node_verify_a_number() {
    // Packages are looked for from the file upwards.
    let official = write(&installed().join("node"), "guide.mjs", &block("js", "@vonage/server-sdk"));
    let directory = tempfile::tempdir().expect("a directory");
    let plain = write(directory.path(), "plain.mjs", &block("js", "await fetch("));
    let run = |service: &Service, example: &Path| {
        let mut command = command(service, "node");
        command.arg(example);
        command
    };
    verifies(&mut Service::https(), |service| run(service, &official));
    verifies(&mut Service::http(), |service| run(service, &plain));
}

#[test]
fn the_example_for_php_verifies_a_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let example = write(directory.path(), "example.php", &block("php", "<?php"));
    verifies(&mut Service::http(), |service| {
        let mut command = command(service, "php");
        command.arg(&example);
        command
    });
}

/// Go is large, so it is not installed for this; where it is there, the example is built and run.
#[test]
fn the_example_for_go_verifies_a_number() {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("skipped: go is not installed");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let example = write(directory.path(), "example.go", &block("go", "package main"));
    let program = directory.path().join("example");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(&example).env("GOCACHE", directory.path().join("cache"));
    assert!(build.env("GOFLAGS", "-mod=mod").status().expect("go").success());
    let mut service = Service::http();
    let right = command(&service, &program);
    assert_eq!(answered(&mut service, right, str::to_owned), "verified");
}

/// The web form of examples/form, as a browser without scripts uses it.
#[test]
fn the_form_verifies_a_number() {
    let mut service = Service::http();
    let form = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/form/form.py");
    let mut server = command(&service, "python3");
    let mut server = server.arg("-B").arg(form).env("PORT", "0").stdout(Stdio::piped()).spawn().expect("Python");
    let mut printed = BufReader::new(server.stdout.take().expect("a pipe")).lines();
    let address = printed.next().expect("its address").expect("text");
    let directory = tempfile::tempdir().expect("a directory");
    let jar = directory.path().join("jar");
    let post = |path: &str, field: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "--location", "--data-urlencode", field, "-b"]);
        curl.arg(&jar).arg("-c").arg(&jar).arg(format!("{address}{path}"));
        String::from_utf8(curl.output().expect("curl").stdout).expect("text")
    };
    assert!(post("number", "number=12").contains("no phone number we know"));
    let page = post("number", "number=+44 7700 900123");
    assert!(page.contains("autocomplete=\"one-time-code\"") && page.contains("inputmode=\"numeric\""), "{page}");
    let pin = service.pin("447700900123");
    let wrong = if pin == "0000" { "1111" } else { "0000" };
    assert!(post("code", &format!("code={wrong}")).contains("That is not the code"));
    assert!(post("again", "again=").contains("may still be on its way"));
    let (one, other) = pin.split_at(2);
    assert!(post("code", &format!("code= {one} {other}")).contains("<h1>Verified</h1>"));
    assert!(post("code", &format!("code={pin}")).contains("Please begin again"));
    server.kill().expect("it runs");
    server.wait().expect("a status");
}

#[test]
fn the_sandbox_is_configured_as_the_page_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = write(directory.path(), "simverify.toml", &block("toml", "sandbox"));
    let mut check = Command::new(env!("CARGO_BIN_EXE_simverify"));
    let output = check.env_clear().args(["config", "check", "--config"]).arg(file).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "configuration is valid: modems: 1, providers: 0\n");
}
