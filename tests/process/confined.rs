//! The daemon and the programs that it starts, under the system calls that the unit allows.
//!
//! The unit's file systems and devices need a service manager; its system calls, address families and memory are kept to
//! by the kernel here as they are there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::child::PROGRAM;
use crate::client::number;
use crate::daemon::{Daemon, STOP};
use crate::installation::Installation;

const SOON: Duration = Duration::from_secs(90);

/// A command as the unit confines it.
fn confined(program: impl AsRef<Path>) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("/usr/bin/python3");
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.arg(root.join("tests/process/confine.py")).arg(root.join("systemd/simverify.service"));
    command.arg(program.as_ref()).stdin(Stdio::null());
    command
}

#[test]
fn what_the_unit_forbids_is_refused() {
    let refused = |program: &str, arguments: &[&str], said: &str| {
        let output = confined(program).args(arguments).output().expect("it runs");
        let heard = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(heard.contains(said), "{program}: {heard}");
    };
    refused("/usr/bin/nice", &["-n", "5", "/bin/true"], "Operation not permitted");
    refused("/bin/mount", &["-t", "tmpfs", "none", "/mnt"], "mount");
    let raw = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)";
    refused("/usr/bin/python3", &["-c", raw], "PermissionError");
    let code = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)";
    refused("/usr/bin/python3", &["-c", code], "PermissionError");
}

#[test]
fn a_number_is_verified_through_a_serial_port_and_the_database_under_the_unit_s_system_calls() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    let mut serve = confined(PROGRAM);
    serve.args(["serve", "--config"]).arg(installation.config());
    let mut daemon = Daemon::listening(serve);
    let request = daemon.client().accepted(&number(0));
    modem.shows(1, SOON);
    let pin = modem.pin(&number(0));
    let checked = daemon.client().post("/verify/check/json", &[("request_id", &request), ("code", &pin)]);
    assert_eq!(checked.expect("a reply")["status"], "0");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended(STOP).code(), Some(0));
    assert!(daemon.warnings().is_empty(), "{:?}", daemon.warnings());
    installation.assert_intact();
}

#[test]
fn a_call_is_rendered_and_played_under_the_unit_s_system_calls() {
    let installation = Installation::empty();
    let (said, heard, card) =
        (installation.path("said.wav"), installation.path("heard.raw"), installation.path("asoundrc"));
    let mut speak = confined(PROGRAM);
    speak.args(["speak", "Hello.", "--language", "en-us", "--out"]).arg(&said);
    let output = speak.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let device = format!("pcm.phone {{ type file slave.pcm \"null\" file \"{}\" format \"raw\" }}\n", heard.display());
    fs::write(&card, format!("</usr/share/alsa/alsa.conf>\n{device}")).expect("a configuration of ALSA");
    let mut play = confined("/usr/bin/aplay");
    play.env("ALSA_CONFIG_PATH", &card).args(["--quiet", "--device=phone"]).arg(&said);
    let output = play.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sample_octets = |path| fs::metadata(path).expect("a file").len();
    assert!(sample_octets(&heard) + 44 >= sample_octets(&said), "all of it was played");
}
