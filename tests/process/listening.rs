//! Listening to a modem's line through the daemon's socket, and the bundle that goes with a report.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::child::{PROGRAM, Process};
use crate::client::number;
use crate::daemon::Daemon;
use crate::installation::{Installation, KEY, SECRET};
use crate::modem::{Modem, settle};

const SOON: Duration = Duration::from_secs(90);

const SIM_PIN: &str = "8246";
/// As `simulate` has them.
const IMSI: &str = "001010987654321";
const ICCID: &str = "8949001987654321098";

/// A daemon with a modem whose SIM asks for its PIN, and whose echo repeats whatever it is told.
fn at_work() -> (Installation, Modem, Daemon) {
    let installation = Installation::new();
    // Four digits are found in many a number by chance.
    installation.configure("code_length = 6", "simverify=debug,info", &installation.link());
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    fs::write(installation.config(), format!("{text}sim_pin = '{SIM_PIN}'\n")).expect("a configuration");
    let modem = installation.modem(&["--pin", SIM_PIN, "--imsi", IMSI, "--iccid", ICCID, "--echo", "always"]);
    let mut daemon = installation.daemon();
    daemon.says(SOON, "the modem is ready");
    (installation, modem, daemon)
}

fn program(installation: &Installation, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(arguments).arg("--config").arg(installation.config()).stdin(Stdio::null());
    command
}

fn run(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(program(installation, arguments).output().expect("the program starts"))
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// `simverify modem trace`, listening.
struct Listener {
    process: Process,
    errors: BufReader<ChildStderr>,
}

impl Listener {
    fn start(installation: &Installation, arguments: &[&str]) -> Self {
        let arguments = [&["modem", "trace", "sim1", "--json"], arguments].concat();
        let mut command = program(installation, &arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
        let output = child.stdout.take().expect("a pipe");
        let process = Process::new(child, output);
        let mut line = String::new();
        errors.read_line(&mut line).expect("a line");
        assert_eq!(line, "simverify: listening to modem sim1; Ctrl-C ends it\n");
        Self { process, errors }
    }

    /// The next line of this direction that fits.
    fn until(&mut self, direction: &str, fits: impl Fn(&str) -> bool) -> String {
        let text = |line: &serde_json::Value| line["text"].as_str().expect("a text").to_owned();
        let line = self.process.until(SOON, direction, |line| line["direction"] == direction && fits(&text(line)));
        let at = line["at"].as_str().expect("an instant");
        assert!(at.len() == "2026-01-01T00:00:00.000Z".len() && at.ends_with('Z'), "{at}");
        text(&line)
    }

    fn ended(mut self) -> (ExitStatus, String) {
        let status = self.process.ended(SOON);
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).expect("text");
        (status, rest)
    }
}

/// A number as a PDU has it: digits swapped in pairs (3GPP TS 23.040 §9.1.2.3).
fn swapped(number: &str) -> String {
    let padded = if number.len().is_multiple_of(2) { number.to_owned() } else { format!("{number}F") };
    padded.as_bytes().chunks(2).flat_map(|pair| [pair[1], pair[0]]).map(char::from).collect()
}

fn assert_names_nobody(text: &str, pin: &str) {
    let secrets = [number(0), number(0)[2..].to_owned(), swapped(&number(0)), IMSI.to_owned(), ICCID.to_owned()];
    for secret in secrets.iter().map(String::as_str).chain([SECRET, pin, &format!("\"{SIM_PIN}"), KEY]) {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    for line in text.lines().filter(|line| line.contains(" > ") || line.contains(" < ")) {
        assert!(!line.contains(SIM_PIN), "{line}");
    }
    let run = text.split(|character: char| !character.is_ascii_digit()).find(|run| run.len() > 6);
    assert_eq!(run, None, "a long number, perhaps the IMEI, in\n{text}");
}

#[test]
fn a_line_is_shown_as_it_speaks_and_ends_with_the_daemon() {
    let (installation, mut modem, mut daemon) = at_work();
    let mut masked = Listener::start(&installation, &[]);
    let mut revealed = Listener::start(&installation, &["--reveal"]);
    daemon.client().accepted(&number(0));
    masked.until("to_modem", |text| text.starts_with("AT+CMGS="));
    masked.until("from_modem", |text| text == "> ");
    masked.until("to_modem", |text| text.ends_with(" octets, Ctrl-Z>"));
    masked.until("from_modem", |text| text.starts_with("+CMGS: "));
    masked.until("from_modem", |text| text == "OK");
    let body = revealed.until("to_modem", |text| text.ends_with("\\u{1a}"));
    assert!(body.contains(&swapped(&number(0))), "{body}");
    modem.shows(1, SOON);
    settle(&installation, &mut daemon);
    // The start-up once more, with the SIM's PIN: whoever looks does not learn it.
    modem.control("reboot");
    revealed.until("to_modem", |text| text == "AT+CPIN=***");
    revealed.until("from_modem", |text| text == IMSI);
    daemon.stop();
    let pin = modem.pin(&number(0));
    assert!(!revealed.process.transcript().contains(SIM_PIN), "{}", revealed.process.transcript());
    for (listener, masked) in [(masked, true), (revealed, false)] {
        let transcript = listener.process.transcript();
        let (status, errors) = listener.ended();
        assert_eq!((status.code(), errors.as_str()), (Some(69), "simverify: the daemon has ended\n"), "{transcript}");
        if masked {
            assert_names_nobody(&transcript.replace('"', ""), &pin);
        }
    }
    assert!(!installation.path("simverify.db.socket").exists());
}

#[test]
fn the_last_minutes_go_into_a_bundle_that_names_nobody() {
    let (installation, mut modem, mut daemon) = at_work();
    daemon.client().accepted(&number(0));
    modem.shows(1, SOON);
    settle(&installation, &mut daemon);
    let pin = modem.pin(&number(0));

    let (code, trace, errors) = run(&installation, &["modem", "trace", "sim1", "--last"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{trace}");
    for part in
        ["Z > AT+CPIN=***\n", "Z > AT+CIMI\n", "Z < <15 characters>\n", "Z < OK\n", " octets, Ctrl-Z>\n", "Z < +CMGS: "]
    {
        assert!(trace.contains(part), "no {part:?} in\n{trace}");
    }
    assert_names_nobody(&trace, &pin);

    let file = installation.path("report.txt");
    let bundle = ["doctor", "--bundle", file.to_str().expect("text")];
    let (code, page, errors) = run(&installation, &bundle);
    assert_eq!(code, Some(0), "{page}{errors}");
    assert_eq!(errors, format!("simverify: written to {}: read it before you send it on\n", file.display()));
    let text = fs::read_to_string(&file).expect("the bundle");
    for part in [
        &format!("simverify  {}\n", env!("CARGO_PKG_VERSION")),
        std::env::consts::ARCH,
        &page,
        "sim_pin = \"***\"",
        "\n== modem list ==\n\nMODEM  PORT",
        "\n== modem trace sim1 --last ==\n",
        "Z > AT+CPIN=***\n",
        "Z < +CMGS: ",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert_names_nobody(&text, &pin);
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);

    let (code, _, errors) = run(&installation, &bundle);
    assert_eq!((code, errors), (Some(74), format!("simverify: {} exists: name another file\n", file.display())));
    assert_eq!(fs::read_to_string(&file).expect("the bundle"), text);
    daemon.stop();
    let other = installation.path("stopped.txt");
    let (code, ..) = run(&installation, &["doctor", "--bundle", other.to_str().expect("text")]);
    assert_eq!(code, Some(0));
    let text = fs::read_to_string(other).expect("the bundle");
    assert!(
        text.ends_with("== modem trace --last ==\n\nnot told: no daemon runs, as far as this user can see\n"),
        "{text}"
    );
}

#[test]
fn who_cannot_listen_is_told_why() {
    let installation = Installation::new();
    let database = installation.path("simverify.db").display().to_string();
    let (code, _, errors) = run(&installation, &["modem", "trace", "sim1"]);
    let absent = format!(
        "simverify: no daemon listens on {database}.socket: start it (`simverify serve`, `systemctl start simverify`), \
         or name its configuration with --config\n"
    );
    assert_eq!((code, errors), (Some(69), absent));

    let _modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    let (code, _, errors) = run(&installation, &["modem", "trace", "sim9"]);
    let unknown = "simverify: no modem is named sim9; the running daemon has: sim1\n";
    assert_eq!((code, errors.as_str()), (Some(64), unknown));
    let (code, ..) = run(&installation, &["modem", "trace", "sim1", "--last", "--reveal"]);
    assert_eq!(code, Some(64), "what is kept was never whole");
    let (code, _, errors) = run(&installation, &["modem", "trace", "sim1", "--for", "1"]);
    assert_eq!((code, errors.as_str()), (Some(0), "simverify: listening to modem sim1; Ctrl-C ends it\n"));
    let listener = Listener::start(&installation, &[]);
    listener.process.signal(Signal::SIGINT);
    assert_eq!(listener.ended().0.code(), Some(0));

    let (code, _, errors) = told(as_a_stranger(&installation).output().expect("the program starts"));
    assert_eq!(code, Some(77), "{errors}");
    assert!(errors.contains("no permission to connect to") && errors.contains("sudo -u simverify"), "{errors}");
    daemon.stop();
}

/// The command as a user whom the daemon's files do not belong to.
fn as_a_stranger(installation: &Installation) -> Command {
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    open(installation.directory.path(), 0o755);
    open(&installation.config(), 0o644);
    let copy = installation.path("simverify");
    fs::copy(PROGRAM, &copy).expect("a copy where everybody may run it");
    open(&copy, 0o755);
    let mut command = Command::new(copy);
    command.env_clear().args(["modem", "trace", "sim1", "--config"]).arg(installation.config()).stdin(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    } else {
        open(&installation.path("simverify.db.socket"), 0);
    }
    command
}

#[test]
fn a_daemon_whose_path_is_too_long_for_a_socket_says_so_and_works() {
    let installation = Installation::new();
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let deep = installation.path(&"d".repeat(100));
    fs::create_dir(&deep).expect("a directory");
    let old = installation.path("simverify.db");
    fs::rename(&old, deep.join("simverify.db")).expect("the same disk");
    let text = text.replace(&old.display().to_string(), &deep.join("simverify.db").display().to_string());
    fs::write(installation.config(), text).expect("a configuration");
    let _modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    let line = daemon.has_said(SOON, "no socket", |line| {
        crate::daemon::message(line)
            == "there is no local socket; `simverify modem trace` and `key rotate` will not work"
    });
    let error = line["error"].as_str().expect("an error").to_owned();
    assert!(error.ends_with("octets and a socket's may have 107: choose a shorter storage.path"), "{error}");
    daemon.says(SOON, "the modem is ready");
    let (code, _, errors) = run(&installation, &["modem", "trace", "sim1"]);
    assert_eq!(code, Some(69));
    assert!(errors.contains("a daemon runs but has no socket: its log says why"), "{errors}");
    daemon.stop();
}

#[test]
fn what_a_killed_daemon_left_behind_is_replaced() {
    let installation = Installation::new();
    let _modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    daemon.says(SOON, "the modem is ready");
    daemon.kill();
    assert!(installation.path("simverify.db.socket").exists());
    let (code, _, errors) = run(&installation, &["modem", "trace", "sim1"]);
    assert!(code == Some(69) && errors.contains("no daemon listens on"), "{code:?} {errors}");
    let mut daemon = installation.daemon();
    daemon.says(SOON, "the modem is ready");
    let (code, trace, _) = run(&installation, &["modem", "trace", "sim1", "--last"]);
    assert!(code == Some(0) && trace.contains(" > AT"), "{trace}");
    daemon.stop();
}
