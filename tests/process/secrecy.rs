//! What a thief of the disk or of the log gets: no PIN, no API secret, no number.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use simverify::modem::pdu::{SubmitOptions, encode_submit};

use crate::child::PROGRAM;
use crate::client::number;
use crate::daemon::Daemon;
use crate::installation::{Installation, SECRET};
use crate::modem::Modem;

const SOON: Duration = Duration::from_secs(90);

/// A caller's own PIN: nothing else looks like it.
pub const OWN_PIN: &str = "Zq83xW7u4K";

/// What must not be found, and what it is.
pub struct Secrets(pub Vec<(String, &'static str)>);

impl Secrets {
    fn of(number: &str, pin: &str, text: &str) -> Self {
        let options = SubmitOptions { status_report: true, ..SubmitOptions::default() };
        let pdu = encode_submit(number, text, &options).expect("a PDU").remove(0).hex;
        let swapped: String =
            format!("{number}F").as_bytes().chunks(2).flat_map(|pair| [pair[1], pair[0]]).map(char::from).collect();
        Self(vec![
            (pin.to_owned(), "PIN"),
            (SECRET.to_owned(), "API secret"),
            (number.to_owned(), "number"),
            (number[2..].to_owned(), "number without country code"),
            (swapped, "number as a PDU has it"),
            (pdu[pdu.len() - 40..].to_owned(), "text as a PDU has it"),
            (text[pin.len()..].to_owned(), "text"),
        ])
    }

    pub fn assert_absent(&self, octets: &[u8], place: &str) {
        for (secret, what) in &self.0 {
            let found = octets.windows(secret.len()).position(|window| window.eq_ignore_ascii_case(secret.as_bytes()));
            // Where it is, for whoever mends that; these secrets are nobody's.
            let around = found.map(|at| &octets[at.saturating_sub(200)..octets.len().min(at + 100)]);
            assert!(
                found.is_none(),
                "{what} ({secret}) in {place}: {}",
                String::from_utf8_lossy(around.unwrap_or_default())
            );
        }
    }
}

/// The database with its journal files, as a copy of the disk would have them.
pub fn files(installation: &Installation) -> Vec<(String, Vec<u8>)> {
    let names = ["simverify.db", "simverify.db-wal", "simverify.db-shm"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), fs::read(installation.path(name)).ok()?))).collect()
}

/// Every line without its time, whose digits are anybody's.
pub fn log(daemon: &Daemon) -> Vec<u8> {
    let mut lines = daemon.seen.clone();
    for line in &mut lines {
        line.as_object_mut().expect("an object").remove("timestamp");
    }
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

/// What an operator makes of a running installation and may give away.
pub fn reports(installation: &Installation) -> Vec<(String, Vec<u8>)> {
    let path = |name: &str| installation.path(name).display().to_string();
    let mut reports = vec![];
    for arguments in
        [vec!["config", "show"], vec!["backup", &path("copy.db")], vec!["doctor", "--bundle", &path("bundle")]]
    {
        let mut command = Command::new(PROGRAM);
        command.env_clear().arg("--config").arg(installation.config()).args(&arguments).stdin(Stdio::null());
        let output = command.output().expect("it runs");
        reports.push((arguments.join(" "), [output.stdout, output.stderr].concat()));
    }
    reports.extend(["copy.db", "bundle"].map(|name| (name.to_owned(), fs::read(path(name)).expect("a file"))));
    reports
}

struct Scene {
    installation: Installation,
    modem: Modem,
    daemon: Daemon,
    /// The database at some instants, by what was pending.
    copies: Vec<(String, Vec<u8>)>,
}

impl Scene {
    fn copy(&mut self, when: &str) {
        self.copies
            .extend(files(&self.installation).into_iter().map(|(name, octets)| (format!("{name}, {when}"), octets)));
    }
}

/// A verification from its request to its success, slow enough to be looked at in between.
fn act() -> (Scene, [(String, String, String); 2]) {
    let installation = Installation::new();
    installation.configure("code_length = 6", "trace", &installation.link());
    let modem = installation.modem(&["--registration", "2", "--submit-latency", "1s"]);
    let daemon = installation.daemon();
    let client = daemon.client();
    let mut scene = Scene { installation, modem, daemon, copies: vec![] };
    let drawn = client.accepted(&number(0));
    let form = [("number", &*number(1)), ("brand", "Acme"), ("workflow_id", "6"), ("pin_code", OWN_PIN)];
    let own = client.post("/verify/json", &form).expect("a reply");
    assert_eq!(own["status"], "0", "{own}");
    scene.copy("queued");
    assert!(scene.copies.iter().any(|(name, octets)| name.contains("-wal") && !octets.is_empty()));

    scene.modem.control("register 1");
    scene.daemon.says(SOON, "message body");
    scene.copy("being sent");
    scene.modem.shows(2, SOON);
    scene.copy("sent");
    let own = own["request_id"].as_str().expect("a request id").to_owned();
    for (request, number) in [(&drawn, number(0)), (&own, number(1))] {
        let wrong = client.post("/verify/check/json", &[("request_id", request), ("code", "000000")]).expect("a reply");
        assert_eq!(wrong["status"], "16", "{wrong}");
        let code = scene.modem.pin(&number);
        let right = client.post("/verify/check/json", &[("request_id", request), ("code", &code)]).expect("a reply");
        assert_eq!(right["status"], "0", "{right}");
    }
    scene.copy("ended");
    let told = [0, 1].map(|index| {
        let (_, text) = &scene.modem.shown[&format!("+{}", number(index))];
        (number(index), scene.modem.pin(&number(index)), text.clone())
    });
    (scene, told)
}

#[test]
fn neither_a_copied_database_nor_a_whole_log_gives_a_secret_away() {
    let (mut scene, told) = act();
    let [arguments, environment] = ["cmdline", "environ"]
        .map(|name| fs::read(format!("/proc/{}/{name}", scene.daemon.id())).expect("a process of this user"));
    scene.copies.extend(reports(&scene.installation));
    let traced = scene
        .copies
        .last()
        .expect("a bundle")
        .1
        .windows(8)
        .any(|window| window == b"+CMGS=**" || window == b"AT+CMGS=");
    assert!(traced, "the dialogue with the modem is not in the bundle");
    scene.daemon.stop();
    scene.copy("after the stop");
    let log = log(&scene.daemon);
    let traced = log.windows(12).any(|window| window == b"to the modem");
    assert!(traced, "the log is not at level trace");
    for (number, pin, text) in &told {
        let secrets = Secrets::of(number, pin, text);
        for (place, octets) in &scene.copies {
            secrets.assert_absent(octets, place);
        }
        secrets.assert_absent(&log, "the log");
        secrets.assert_absent(&arguments, "the arguments");
        secrets.assert_absent(&environment, "the environment");
    }
    assert_eq!(scene.installation.count("select count(*) from verification where pin_sealed is not null"), 0);
}
