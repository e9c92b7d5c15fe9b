//! A port, and a database, that somebody else has.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use crate::client::number;
use crate::daemon::message;
use crate::installation::Installation;

/// A held port is tried again every ten seconds.
const NEXT_TRY: Duration = Duration::from_secs(90);

#[test]
fn a_port_that_another_program_has_is_said_with_its_holder_and_tried_again() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    let holder = File::options().read(true).write(true).open(installation.link()).expect("the port");
    holder.lock().expect("nobody else has it");
    let mut daemon = installation.daemon();
    let line = daemon.has_said(NEXT_TRY, "complaint", |line| message(line).contains("is in use by"));
    assert_eq!(line["level"], "WARN");
    let own = std::fs::read_to_string("/proc/self/comm").expect("a name");
    let expected = format!(
        "{} is in use by {} (process {}): close that program, or keep it away from this port \
         (ModemManager: with the udev rule)",
        installation.link().display(),
        own.trim(),
        std::process::id()
    );
    assert_eq!(message(&line), expected);
    daemon.client().accepted(&number(0));
    drop(holder);
    modem.shows(1, NEXT_TRY);
    assert_eq!(daemon.warnings().len(), 1, "{}", daemon.transcript());
    daemon.stop();
}

#[test]
fn a_second_daemon_gets_neither_the_database_nor_the_modem_of_the_first() {
    let installation = Installation::new();
    let _modem = installation.modem(&[]);
    let mut first = installation.daemon();
    first.says(NEXT_TRY, "the modem is ready");

    let output = installation.serve().output().expect("it runs");
    let told =
        String::from_utf8_lossy(&output.stderr).replace(&installation.directory.path().display().to_string(), "/var");
    assert_eq!(output.status.code(), Some(69), "{told}");
    insta::assert_snapshot!(told, @"simverify: cannot start: another simverify daemon works on /var/simverify.db: stop it first");

    let other = Installation::new();
    other.configure("", "info", &installation.link());
    let mut second = other.daemon();
    let line = second.has_said(NEXT_TRY, "complaint", |line| message(line).contains("is in use by"));
    let holder = format!("is in use by simverify (process {})", first.id());
    assert!(message(&line).contains(&holder), "{line}");
    let port = installation.link().display().to_string();
    let own = installation.doctor();
    assert!(own.contains(&format!("ok    modem sim1     {port} is in use by the running daemon")), "{own}");
    let foreign = other.doctor();
    assert!(
        foreign.contains(&format!("warn  modem sim1     {port}, which the running daemon wants: down")),
        "{foreign}"
    );
    assert!(foreign.contains(&holder), "{foreign}");
    first.stop();
    second.says(NEXT_TRY, "the modem is ready");
    second.stop();
}

/// A server of serial ports that serves whoever comes, as some do.
struct Server(String);

impl Server {
    fn start(modem: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let modem = modem.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a client");
                let device = File::options().read(true).write(true).open(&modem).expect("the modem");
                pass(stream.try_clone().expect("a socket"), device.try_clone().expect("a device"));
                pass(device, stream);
            }
        });
        Self(format!("tcp://{address}"))
    }
}

/// Until one side ends.
fn pass(mut from: impl std::io::Read + Send + 'static, mut to: impl std::io::Write + Send + 'static) {
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
}

#[test]
fn two_daemons_never_share_a_port_behind_the_network_either() {
    let first = Installation::new();
    let mut modem = first.modem(&[]);
    let Server(address) = Server::start(&first.link());
    first.configure("", "info", Path::new(&address));
    let mut daemon = first.daemon();
    daemon.says(NEXT_TRY, "the modem is ready");

    let other = Installation::new();
    other.configure("", "info", Path::new(&address));
    let mut second = other.daemon();
    let line = second.has_said(NEXT_TRY, "complaint", |line| message(line).contains("is in use by"));
    let expected = format!(
        "{address} is in use by simverify (process {}): a modem has one owner, close that program",
        daemon.id()
    );
    assert_eq!(message(&line), expected);
    daemon.client().accepted(&number(0));
    modem.shows(1, NEXT_TRY);
    daemon.stop();
    second.says(NEXT_TRY, "the modem is ready");
    second.stop();
}
