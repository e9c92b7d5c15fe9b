//! A recogniser that does not know the PIN writes it down.

use std::path::{Path, PathBuf};
use std::process::Command;

use simverify::random::Random;

/// PINs of the check; of so many at least 95 of 100 must be understood whole.
const CALLS: usize = 40;
const UNDERSTOOD_MIN: usize = 38;
/// Programs at the same time.
const SIDE_BY_SIDE: usize = 2;

#[test]
fn pins_in_english_are_understood_through_a_telephone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // The same ones in each run: a check that fails now and then tells nothing.
    let random = Random::seeded(7);
    let pins: Vec<String> = (0..CALLS).map(|_| (0..4).map(|_| (b'0' + random.below(10)) as char).collect()).collect();
    let calls: Vec<(&String, PathBuf)> =
        pins.iter().enumerate().map(|(call, pin)| (pin, directory.path().join(format!("{call}.wav")))).collect();
    for calls in calls.chunks(SIDE_BY_SIDE) {
        let speaking = calls.iter().map(|(pin, file)| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_simverify"));
            program.args(["speak", "--pin", pin, "--brand", "Acme", "--language", "en-us", "--out"]).arg(file);
            program.spawn().expect("the program starts")
        });
        for mut program in speaking.collect::<Vec<_>>() {
            assert!(program.wait().expect("it ends").success());
        }
    }
    let heard = listen(4, calls.iter().map(|(_, file)| file.as_path()));
    assert_eq!(heard.len(), CALLS);
    let mut misheard = vec![];
    for ((pin, _), (heard, readings)) in calls.iter().zip(&heard) {
        assert_eq!(*readings, 3, "the PIN is read three times: {pin}");
        if heard != *pin {
            misheard.push(format!("{pin} as {heard}"));
        }
    }
    assert!(CALLS - misheard.len() >= UNDERSTOOD_MIN, "misheard of {CALLS}: {}", misheard.join(", "));
}

#[test]
fn what_tells_no_pin_is_not_understood_as_one() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("text.wav");
    let mut program = Command::new(env!("CARGO_BIN_EXE_simverify"));
    program.args(["speak", "Four seven one one. And what else did you want to know?", "--out"]).arg(&file);
    assert!(program.status().expect("the program starts").success());
    assert_eq!(listen(4, [file.as_path()]), [(String::new(), 0)]);
}

/// What is heard in each file, and in how many readings.
pub fn listen<'a>(digits: usize, files: impl IntoIterator<Item = &'a Path>) -> Vec<(String, u64)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/speech/bin/python");
    assert!(python.is_file(), "the recogniser is missing: run `make packages`");
    let mut listener = Command::new(python);
    listener.arg(root.join("tests/speech/recognise.py")).arg(digits.to_string()).args(files);
    let output = listener.output().expect("the recogniser starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = |line: &str| {
        let heard: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        (heard["heard"].as_str().expect("text").to_owned(), heard["readings"].as_u64().expect("a number"))
    };
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(heard).collect()
}
