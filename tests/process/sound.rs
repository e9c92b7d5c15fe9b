//! The sound of a call at a virtual modem that runs as a process.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::child::PROGRAM;
use crate::modem::Modem;

/// From a dialled number to a person's answer at most.
const CALL: Duration = Duration::from_secs(90);

fn open(link: &Path) -> File {
    File::options().read(true).write(true).open(link).expect("the link names a device")
}

fn read_until(port: &mut File, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        port.read_exact(&mut byte).expect("the port stays open");
        read.extend(byte);
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[test]
fn a_call_is_heard_over_the_second_port_and_recorded_even_if_the_modem_is_stopped() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (link, sound_link, calls) = (path("modem"), path("sound"), path("calls"));
    let arguments = [
        "--audio-link",
        sound_link.to_str().unwrap(),
        "--record",
        calls.to_str().unwrap(),
        "--profile",
        "sim7600",
        "--answer-after",
        "0",
    ];
    let mut modem = Modem::start(&link, &arguments);
    let ready = modem.process.seen[0].clone();
    assert_eq!(ready["audio_link"], sound_link.to_str().unwrap());
    assert_eq!(ready["audio_device"], std::fs::read_link(&sound_link).unwrap().to_str().unwrap());
    let mut port = open(&link);
    let mut sound = open(&sound_link);
    port.write_all(b"ATE0;+DDET=1\r").unwrap();
    read_until(&mut port, "OK\r\n");
    port.write_all(b"ATD+491701234567;\r").unwrap();
    read_until(&mut port, "VOICE CALL: BEGIN\r\n");
    port.write_all(b"AT+CPCMREG=1\r").unwrap();
    read_until(&mut port, "OK\r\n");
    // All octets, so that a line discipline that is not raw shows.
    let said: Vec<u8> = (0..=255).chain(0..64).collect();
    sound.write_all(&said).unwrap();
    let mut silence = vec![1; 320 * 10];
    sound.read_exact(&mut silence).unwrap();
    assert!(silence.iter().all(|octet| *octet == 0));
    modem.control("key 1");
    assert_eq!(read_until(&mut port, "1\r\n"), "\r\n+RXDTMF: 1\r\n");
    modem.process.signal(Signal::SIGTERM);
    let recorded = modem.process.until(CALL, "recording", |line| line["event"] == "recorded");
    assert!(modem.process.ended(CALL).success());
    let ended = modem.process.seen.iter().find(|line| line["state"] == "ended").expect("the call ends");
    let file = calls.join("call-1.wav");
    assert_eq!(recorded["file"], file.to_str().unwrap());
    assert_eq!((&recorded["number"], &recorded["seconds"]), (&ended["number"], &ended["seconds"]));
    let wav = std::fs::read(&file).unwrap();
    assert!(wav[44..].windows(said.len()).any(|part| part == said), "the phone heard what was written");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(sound_link.symlink_metadata().is_err(), "the link goes with the modem");
}

#[test]
fn a_place_for_sound_that_cannot_be_is_named() {
    let directory = TempDir::new().unwrap();
    let link = directory.path().join("modem");
    let file = directory.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let told = |flag: &str, value: &Path| {
        let mut command = Command::new(PROGRAM);
        command.env_clear().args(["simulate", "--link"]).arg(&link).arg(flag).arg(value).stdin(Stdio::null());
        let output = command.output().expect("the program starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).replace(directory.path().to_str().unwrap(), "DIR"),
        )
    };
    let shown = [told("--record", &file), told("--audio-link", &file), told("--audio-link", &link)];
    assert!(shown.iter().all(|(code, _)| *code == Some(74)), "{shown:?}");
    insta::assert_snapshot!(shown.map(|(_, error)| error).concat(), @"
    simverify: no recordings: cannot make the directory DIR/file: File exists (os error 17)
    simverify: no virtual modem: DIR/file exists and is no symbolic link; remove it or choose another path
    simverify: no virtual modem: DIR/modem cannot be the link for commands and for sound
    ");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    assert!(link.symlink_metadata().is_err(), "the link of a modem that did not start is gone");
}
