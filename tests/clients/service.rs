//! `simverify serve` with an account, a virtual modem and a phone, each a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::certificates::Authority;

const PROGRAM: &str = env!("CARGO_BIN_EXE_simverify");

pub struct Service {
    pub key: String,
    pub secret: String,
    /// Host and port.
    pub host: String,
    /// `http://` or `https://`, host and port.
    pub url: String,
    directory: TempDir,
    phone: Lines<BufReader<Box<dyn Read + Send>>>,
    daemon: Child,
    modem: Child,
    /// The modem lives for as long as this is open.
    _controls: ChildStdin,
}

impl Service {
    pub fn http() -> Self {
        Self::start("")
    }

    /// With a certificate of [`Service::authority`].
    pub fn https() -> Self {
        Self::start("tls_cert_file = 'chain.pem'\ntls_key_file = 'key.pem'\n")
    }

    /// The certificate that clients of HTTPS have to trust.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    fn start(tls: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let config = path("simverify.toml");
        fs::write(&config, configuration(tls, &directory)).expect("a configuration");
        if !tls.is_empty() {
            let authority = Authority::new();
            fs::write(path("authority.pem"), authority.pem()).expect("a file");
            authority.certify(2040).write(&path("chain.pem"), &path("key.pem"));
        }
        let simverify = |arguments: &[&str]| {
            let mut command = Command::new(PROGRAM);
            command.env_clear().arg("--config").arg(&config).args(arguments).current_dir(directory.path());
            command
        };
        let made = simverify(&["account", "add", "shop", "--json"]).output().expect("the program runs");
        let made: Value = serde_json::from_slice(&made.stdout).expect("credentials");

        let mut modem = simverify(&["simulate", "--json", "--boot", "0", "--report-delay", "0", "--link", "modem"]);
        let mut modem = modem.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut phone = lines(modem.stdout.take().expect("a pipe"));
        next(&mut phone, |line| line["event"] == "ready");

        let mut daemon = simverify(&["serve"]);
        let mut daemon = daemon.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut log = lines(daemon.stderr.take().expect("a pipe"));
        let listening = next(&mut log, |line| line["message"] == "listening");
        // A full pipe would hold the daemon up.
        std::thread::spawn(move || log.for_each(drop));

        let field = |value: &Value| value.as_str().expect("a text").to_owned();
        let host = field(&listening["address"]);
        Self {
            key: field(&made["api_key"]),
            secret: field(&made["api_secret"]),
            url: format!("{}://{host}", field(&listening["scheme"])),
            host,
            phone,
            _controls: modem.stdin.take().expect("a pipe"),
            directory,
            daemon,
            modem,
        }
    }

    /// What a command of the program says with this on its standard input.
    pub fn command(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(PROGRAM);
        command.env_clear().arg("--config").arg(self.directory.path().join("simverify.toml")).args(arguments);
        let mut child = command
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads, or needs no input");
        let output = child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asks for a verification by one SMS; gives its request id.
    pub fn started(&self, number: &str) -> String {
        let reply = self.post("/verify/json", &[("number", number), ("brand", "Acme"), ("workflow_id", "6")]);
        reply["request_id"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// Checks a code that must be right.
    pub fn checked(&self, request: &str, code: &str) {
        let reply = self.post("/verify/check/json", &[("request_id", request), ("code", code)]);
        assert_eq!(reply["status"], "0", "{reply}");
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", &format!("{}{path}", self.url)]);
        for (name, value) in [("api_key", self.key.as_str()), ("api_secret", &self.secret)].iter().chain(fields) {
            curl.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        let output = curl.output().expect("curl runs");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The PIN in the next SMS to that number.
    pub fn pin(&mut self, number: &str) -> String {
        let number = format!("+{number}");
        let sms = next(&mut self.phone, |line| line["event"] == "sms" && line["number"] == *number);
        let text = sms["text"].as_str().expect("a text");
        let mut digits = text.split(|c: char| !c.is_ascii_digit());
        digits.find(|digits| digits.len() >= 4).unwrap_or_else(|| panic!("no PIN: {text}")).to_owned()
    }

    /// A text with what differs from run to run replaced.
    pub fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.key, "<key>");
        let is_part = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let mut masked = String::new();
        for word in text.split_inclusive(|c| !is_part(c)) {
            let part = word.trim_end_matches(|c| !is_part(c));
            masked += match part.len() {
                32 => "<request>",
                16 => "<event>",
                _ => part,
            };
            masked += &word[part.len()..];
        }
        masked_dates(&masked)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.modem] {
            // Both fail only if it has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn configuration(tls: &str, directory: &TempDir) -> String {
    let modem = directory.path().join("modem").display().to_string();
    format!(
        "[server]\nlisten = '127.0.0.1:0'\n{tls}\
         [admin]\nlisten = ''\n\
         [storage]\npath = 'simverify.db'\nkey_file = 'master.key'\n\
         [verify]\nrequests_per_second = 1000\ncancel_after_seconds = 0\n\
         [verify.argon2]\nmemory_kib = 1024\niterations = 1\n\
         [webhooks]\nallow_networks = ['127.0.0.1']\n\
         [log]\nformat = 'json'\n\
         [[modems]]\nname = 'sim1'\nport = '{modem}'\nchannels = ['sms']\n"
    )
}

fn lines(output: impl Read + 'static + Send) -> Lines<BufReader<Box<dyn Read + Send>>> {
    let output: Box<dyn Read + Send> = Box::new(output);
    BufReader::new(output).lines()
}

/// The next line that fits.
fn next(lines: &mut Lines<impl BufRead>, fits: impl Fn(&Value) -> bool) -> Value {
    let mut values = lines
        .map_while(Result::ok)
        .map(|line| serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}")));
    values.find(fits).expect("the process lives on until it has said it")
}

/// `YYYY-MM-DD HH:MM:SS` becomes `<date>`.
fn masked_dates(text: &str) -> String {
    let is_date = |at: usize| {
        text.get(at..at + 19).is_some_and(|date| {
            let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
            date.chars().map(shape).eq("0000-00-00 00:00:00".chars())
        })
    };
    let mut masked = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if is_date(at) {
            masked += "<date>";
            at += 19;
        } else {
            masked.push(c);
            at += c.len_utf8();
        }
    }
    masked
}
