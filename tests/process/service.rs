//! The daemon under a service manager: notifications, the watchdog, a reload.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::client::number;
use crate::daemon::{Daemon, message};
use crate::installation::Installation;

const SOON: Duration = Duration::from_secs(90);

/// A service manager that hears.
struct Manager(UnixDatagram);

impl Manager {
    fn hears(&self) -> String {
        let mut buffer = [0; 512];
        let length = self.0.recv(&mut buffer).expect("a notification");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    fn hears_in_the_end(&self, wanted: &str) {
        let heard: Vec<String> =
            std::iter::repeat_with(|| self.hears()).take(100).take_while(|h| h != wanted).collect();
        assert!(heard.len() < 100, "no {wanted}: {heard:?}");
    }
}

#[test]
fn the_service_manager_hears_of_readiness_life_reload_and_stop() {
    let installation = Installation::new();
    let _modem = installation.modem(&[]);
    let socket = installation.path("notify");
    let manager = Manager(UnixDatagram::bind(&socket).expect("a socket"));
    manager.0.set_read_timeout(Some(SOON)).expect("a time-out");
    let mut command = installation.serve();
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000000");
    let mut daemon = Daemon::spawn(command);
    // Before it accepts requests it says nothing.
    assert_eq!(manager.hears(), "READY=1");
    let line = daemon.says(SOON, "listening");
    daemon.note_address(&line).expect("an address").accepted(&number(0));
    manager.hears_in_the_end("WATCHDOG=1");
    manager.hears_in_the_end("WATCHDOG=1");

    daemon.signal(Signal::SIGHUP);
    let reloading = std::iter::repeat_with(|| manager.hears()).find(|heard| heard != "WATCHDOG=1").expect("endless");
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    manager.hears_in_the_end("READY=1");

    daemon.signal(Signal::SIGTERM);
    manager.hears_in_the_end("STOPPING=1");
    assert_eq!(daemon.ended(SOON).code(), Some(0));
}

#[test]
fn a_reload_takes_a_good_configuration_and_keeps_the_old_one_before_a_bad_one() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    let pin_length = |daemon: &Daemon, modem: &mut crate::modem::Modem, index: usize| {
        daemon.client().accepted(&number(index));
        modem.shows(index + 1, SOON);
        modem.pin(&number(index)).len()
    };
    assert_eq!(pin_length(&daemon, &mut modem, 0), 4);

    installation.configure("code_length = 6", "info", &installation.link());
    daemon.signal(Signal::SIGHUP);
    daemon.says(SOON, "configuration read again");
    assert_eq!(pin_length(&daemon, &mut modem, 1), 6);

    fs::write(installation.config(), "[verify]\ncode_length = 5\n").expect("a file");
    daemon.signal(Signal::SIGHUP);
    let line = daemon.until(SOON, "complaint", |line| message(line).starts_with("configuration not read again"));
    assert_eq!(line["level"], "ERROR");
    let cause = line["error"].as_str().expect("a cause");
    assert!(cause.ends_with("simverify.toml:2: verify.code_length = 5: must be 4 or 6"), "{cause}");
    assert_eq!(pin_length(&daemon, &mut modem, 2), 6);
    daemon.stop();
}
