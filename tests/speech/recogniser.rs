//! A recogniser that does not know the PIN writes it down.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use simverify::channel::CallScript;
use simverify::random::Random;
use simverify::speech::{Call, Engine, Pcm, Script, Speech};
use simverify::verification::{Brand, Language, Pin, Purpose, Texts};

/// PINs of the check; of so many at least 95 of 100 must be understood whole.
const CALLS: usize = 40;
const UNDERSTOOD_MIN: usize = 38;

#[tokio::test]
async fn pins_in_english_are_understood_through_a_telephone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // The same ones in each run: a check that fails now and then tells nothing.
    let random = Random::seeded(7);
    let pins: Vec<String> = (0..CALLS).map(|_| (0..4).map(|_| (b'0' + random.below(10)) as char).collect()).collect();
    let calls: Vec<(&String, PathBuf)> =
        pins.iter().enumerate().map(|(call, pin)| (pin, directory.path().join(format!("{call}.wav")))).collect();
    // One speech for all of them: it keeps the digits.
    let speech = Speech::new(Engine::EspeakNg);
    for (pin, file) in &calls {
        let wav = rendered(&speech, &english(pin), false).await.to_wav();
        std::fs::write(file, &*wav).expect("a file");
    }
    let (pin, file) = &calls[0];
    let mut program = Command::new(env!("CARGO_BIN_EXE_simverify"));
    program.args(["speak", "--pin", pin, "--brand", "Acme", "--language", "en-us", "--out", "-"]);
    let spoken = program.output().expect("the program starts").stdout;
    assert!(spoken == std::fs::read(file).expect("a file"), "the program says the same");
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

/// A call in English that tells this PIN.
pub fn english(pin: &str) -> CallScript {
    CallScript {
        purpose: Purpose::Number { brand: Brand::new("Acme").expect("a brand") },
        pin: Pin::new(pin).expect("a PIN"),
        language: Language::ENGLISH,
        texts: Arc::new(Texts::built_in(simverify::modem::pdu::part_count)),
    }
}

/// What a call says, for modems that tell keys or do not.
pub async fn rendered(speech: &Speech, script: &CallScript, hears_keys: bool) -> Pcm {
    let call = Call { purpose: &script.purpose, pin: &script.pin, readings: 3, hears_keys };
    let pcm = speech.render(&Script::Call(call), script.language, &script.texts).await;
    pcm.unwrap_or_else(|error| panic!("{error}"))
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
