//! `simverify speak` as an operator meets it: files, exit codes and whole messages.

use std::fs;

use assert_cmd::Command;
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn speak(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("simverify").expect("the program is built");
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(self.0.path());
        command.arg("speak").args(arguments);
        command
    }

    /// Exit code and standard error.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.speak(arguments).output().expect("the program runs");
        let code = output.status.code().expect("the program ends by itself");
        assert!(output.stdout.is_empty());
        format!("exit {code}\n{}", String::from_utf8_lossy(&output.stderr))
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).expect("a file")
    }
}

/// Seconds of a WAV of 8 kHz, one channel, 16 bits.
fn seconds(wav: &[u8]) -> f64 {
    let reader = hound::WavReader::new(wav).expect("a WAV");
    let spec = reader.spec();
    assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (8_000, 1, 16));
    f64::from(reader.duration()) / 8_000.0
}

#[test]
fn a_text_becomes_a_file_or_goes_to_standard_output() {
    let desk = Desk::new();
    assert_eq!(desk.told(&["Hello, world.", "--language", "en-gb", "--out", "a.wav"]), "exit 0\n");
    let piped = desk.speak(&["-", "--out", "-", "--language", "en-gb"]).write_stdin("Hello, world.\n").output();
    let piped = piped.expect("the program runs").stdout;
    assert!((2.0..5.0).contains(&seconds(&piped)));
    assert_eq!(desk.read("a.wav"), piped);
}

#[test]
fn a_pin_becomes_a_call_with_as_many_readings_as_asked_for() {
    let desk = Desk::new();
    let length = |arguments: &[&str]| {
        let output = desk.speak(&[arguments, &["--out", "-"]].concat()).write_stdin("4711\n").output();
        seconds(&output.expect("the program runs").stdout)
    };
    let once = length(&["--pin", "4711", "--brand", "Acme", "--repeat", "1"]);
    let thrice = length(&["--pin", "-", "--brand", "Acme"]);
    assert!(thrice > once + 8.0 && thrice < 45.0, "{once} s, {thrice} s");
    assert!(length(&["--pin", "4711", "--brand", "Acme", "--repeat", "1", "--keys"]) > once + 4.0);
    let payment = ["--pin", "4711", "--payee", "Acme", "--amount", "25.50", "--repeat", "1"];
    assert!(length(&payment) > once + 1.0);
    let language = ["--pin", "4711", "--brand", "Acme", "--language", "fil-ph", "--out", "a.wav"];
    assert_eq!(desk.told(&language), "exit 0\nsimverify: espeak-ng does not speak fil-ph: this is en-us\n");
}

#[test]
fn a_wav_is_replaced_whole_and_no_other_file_is() {
    let desk = Desk::new();
    for (name, content) in [("old.wav", "RIFF…"), ("empty", ""), ("notes.txt", "Remember the milk.")] {
        fs::write(desk.0.path().join(name), content).expect("a written file");
    }
    std::os::unix::fs::symlink("old.wav", desk.0.path().join("link")).expect("a link");
    fs::create_dir(desk.0.path().join("folder")).expect("a folder");
    let outs = ["notes.txt", "folder", "no/such/a.wav", "empty", "link", "/dev/null"];
    let told = outs.map(|out| desk.told(&["Hello.", "--out", out])).concat();
    insta::assert_snapshot!(told, @"
    exit 64
    simverify: notes.txt is there and no WAV: choose another name, or remove it
    exit 74
    simverify: cannot write folder: it is a directory
    exit 74
    simverify: cannot write no/such/a.wav: No such file or directory (os error 2)
    exit 0
    exit 0
    exit 0
    ");
    assert_eq!(desk.read("notes.txt"), b"Remember the milk.");
    assert!(seconds(&desk.read("old.wav")) > 1.0 && desk.read("old.wav") == desk.read("empty"));
    let command = ["--set", "tts.engine=command", "--set", "tts.command=[\"false\"]"];
    let failed = Command::cargo_bin("simverify")
        .expect("the program is built")
        .args(command)
        .args(["speak", "Hello.", "--out"])
        .arg(desk.0.path().join("old.wav"))
        .output();
    assert_eq!(failed.expect("it runs").status.code(), Some(69));
    assert!(seconds(&desk.read("old.wav")) > 1.0, "what was there stays");
    let mut names: Vec<_> =
        fs::read_dir(desk.0.path()).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "folder", "link", "notes.txt", "old.wav"], "nothing half written is left");
}

#[test]
fn what_cannot_be_said_is_told_without_the_pin() {
    let desk = Desk::new();
    let no_program = desk.speak(&["Hello.", "--out", "a.wav"]).env("PATH", "/nonexistent").output().expect("it runs");
    let no_pin = desk
        .speak(&["--pin", "-", "--brand", "Acme", "--out", "a.wav"])
        .write_stdin("47-11")
        .output()
        .expect("it runs");
    let no_utf8 = desk.speak(&["-", "--out", "a.wav"]).write_stdin([0xff]).output().expect("it runs");
    let endless = "and so on ".repeat(120);
    let told = [
        desk.told(&["--pin", "47-11", "--brand", "Acme", "--out", "a.wav"]),
        desk.told(&[" ", "--out", "a.wav"]),
        desk.told(&[&endless, "--out", "a.wav"]),
        desk.told(&[&endless.repeat(4), "--out", "a.wav"]),
    ];
    let piped = [no_program, no_pin, no_utf8]
        .map(|output| format!("exit {:?}\n{}", output.status.code(), String::from_utf8_lossy(&output.stderr)));
    insta::assert_snapshot!(told.concat() + &piped.concat(), @"
    exit 64
    simverify: a PIN has 4 to 10 letters and digits
    exit 64
    simverify: a text has 1 to 4096 octets
    exit 65
    simverify: this takes 92 s; a call has 45
    exit 64
    simverify: a text has 1 to 4096 octets
    exit Some(69)
    simverify: espeak-ng is not there: install the package espeak-ng
    exit Some(65)
    simverify: a PIN has 4 to 10 letters and digits
    exit Some(65)
    simverify: standard input is no UTF-8
    ");
    for wrong in [
        &["--out", "a.wav"][..],
        &["--pin", "4711", "--out", "a.wav"],
        &["Hello.", "--pin", "4711", "--brand", "Acme", "--out", "a.wav"],
        &["--pin", "4711", "--payee", "Acme", "--out", "a.wav"],
        &["--pin", "4711", "--brand", "Acme", "--language", "xx", "--out", "a.wav"],
        &["Hello."],
    ] {
        let told = desk.told(wrong);
        assert!(told.starts_with("exit 64\n") && !told.contains("4711"), "{told}");
    }
    assert!(!desk.0.path().join("a.wav").exists());
}
