//! Whole calls: by a command that plays one tone for everything and writes down what it was told, and by espeak-ng.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::verification::{Amount, Brand, Payee};

/// A command whose every utterance is a tone of some length.
struct Tones {
    directory: TempDir,
    speech: Speech,
}

impl Tones {
    fn of(milliseconds: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let samples: Vec<i16> = (0..16 * milliseconds).map(|at| if at / 8 % 2 == 0 { 9000 } else { -9000 }).collect();
        let tone = directory.path().join("tone.wav");
        fs::write(&tone, wav::write(&samples, 16_000)).expect("a written file");
        let script = format!(
            "read -r text; printf '%s|%s\\n' \"$0\" \"$text\" >>{0}/told; cat {0}/tone.wav",
            directory.path().display()
        );
        let command = ["sh", "-c", &script, "{language}"].map(str::to_owned).to_vec();
        let limits = Limits { time: Duration::from_secs(60), ..Limits::DEFAULT };
        Self { speech: Speech::with_limits(Engine::Command(command), limits), directory }
    }

    fn told(&self) -> PathBuf {
        self.directory.path().join("told")
    }

    /// What it was told since the last time, sorted: two programs run side by side.
    fn new_lines(&self) -> String {
        let text = fs::read_to_string(self.told()).unwrap_or_default();
        fs::write(self.told(), "").expect("a written file");
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

fn texts() -> Texts {
    Texts::built_in(|_| 1)
}

fn language(tag: &str) -> Language {
    tag.parse().expect("a language")
}

fn brand(name: &str) -> Purpose {
    Purpose::Number { brand: Brand::new(name).expect("a brand") }
}

fn payment() -> Purpose {
    let amount = Amount::parse("25.50").expect("an amount");
    Purpose::Payment { payee: Payee::new("Acme").expect("a payee"), amount }
}

fn pin(text: &str) -> Pin {
    Pin::new(text).expect("a PIN")
}

async fn called(speech: &Speech, purpose: &Purpose, pin: &Pin, tag: &str) -> Result<Pcm, SpeechError> {
    let call = Call { purpose, pin, readings: 3, hears_keys: false };
    speech.render(&Script::Call(call), language(tag), &texts()).await
}

/// The pieces of sound between silences of 0.28 s and more, in seconds: louder than −38 dB against the peak, in frames of
/// 10 ms.
fn pieces(pcm: &Pcm) -> Vec<Range<f64>> {
    let peak = f64::from(pcm.samples().iter().map(|sample| sample.unsigned_abs()).max().expect("samples"));
    let loud = |frame: &[i16]| {
        let power = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / frame.len() as f64;
        power.sqrt() > peak * 10_f64.powf(-38.0 / 20.0)
    };
    let mut pieces: Vec<Range<f64>> = vec![];
    for (place, _) in pcm.samples().chunks(80).enumerate().filter(|(_, frame)| loud(frame)) {
        let (start, end) = (place as f64 / 100.0, (place + 1) as f64 / 100.0);
        match pieces.last_mut() {
            Some(last) if start - last.end < 0.28 => last.end = end,
            Some(_) | None => pieces.push(start..end),
        }
    }
    pieces
}

/// Runs of pieces that no silence of 0.9 s divides.
fn groups(pcm: &Pcm) -> Vec<Vec<Range<f64>>> {
    let mut groups: Vec<Vec<Range<f64>>> = vec![];
    for piece in pieces(pcm) {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| piece.start - last.end < 0.9) => group.push(piece),
            Some(_) | None => groups.push(vec![piece]),
        }
    }
    groups
}

#[tokio::test]
async fn the_silences_that_are_heard_are_those_of_the_rule() {
    let speech = Speech::new(Engine::EspeakNg);
    // All ten digits of languages that differ in their sounds, in which two readings take less than 45 s.
    for (tag, readings) in [("en-us", 3), ("en-gb", 3), ("de-de", 3), ("zh-cn", 3), ("ru-ru", 3)] {
        for text in ["0123456789"] {
            let pcm = called(&speech, &brand("Acme"), &pin(text), tag).await.expect("speech");
            let groups = groups(&pcm);
            let said: Vec<usize> = groups.iter().map(Vec::len).collect();
            // Greeting and code_is · PIN · again · PIN · … · goodbye.
            assert_eq!(said.len(), 1 + 2 * readings, "{tag} {text}: {said:?}");
            for reading in (1..said.len()).step_by(2) {
                assert_eq!(said[reading], text.len(), "{tag} {text}: {said:?}");
                let gaps: Vec<f64> = groups[reading].windows(2).map(|pair| pair[1].start - pair[0].end).collect();
                assert!(gaps.iter().all(|gap| (0.399..=0.501).contains(gap)), "{tag} {text}: {gaps:.2?}");
            }
            let start = groups[0][0].start;
            assert!((0.8..=1.0).contains(&start), "{tag}: it begins after {start} s");
        }
    }
}

#[tokio::test]
async fn a_call_is_as_loud_as_ruled_and_lasts_less_than_a_minute() {
    let speech = Speech::new(Engine::EspeakNg);
    for (tag, text) in [("en-us", "1234"), ("cy-gb", "AWWWWWWWWW")] {
        let pcm = called(&speech, &brand("Acme and Daughters"), &pin(text), tag).await.expect("speech");
        let peak = pcm.samples().iter().map(|sample| sample.unsigned_abs()).max().expect("samples");
        let decibels = 20.0 * (f64::from(peak) / 32_767.0).log10();
        assert!((-3.1..=-2.9).contains(&decibels), "{tag}: {decibels} dBFS");
        assert!(pcm.length() <= Duration::from_secs(45), "{tag} {text}: {:?}", pcm.length());
    }
}

#[tokio::test]
async fn every_language_is_spoken() {
    let speech = Speech::new(Engine::EspeakNg);
    let texts = texts();
    for language in Language::all() {
        let code_is = texts.speech(&brand("Acme"), language).code_is;
        for text in [code_is, voice::digit(language, '9')] {
            let pcm = speech.render(&Script::Text(&text), language, &texts).await;
            let length = pcm.unwrap_or_else(|error| panic!("{language:?}: {error}")).length();
            assert!((1900..4500).contains(&length.as_millis()), "{language:?} {text}: {length:?}");
        }
    }
}

#[tokio::test]
async fn what_espeak_ng_lacks_is_said_in_english_from_beginning_to_end() {
    let speech = Speech::new(Engine::EspeakNg);
    let filipino = called(&speech, &brand("Acme"), &pin("4711"), "fil-ph").await;
    assert_eq!(filipino, called(&speech, &brand("Acme"), &pin("4711"), "en-us").await);
    assert!(filipino.is_ok());
}

#[tokio::test]
async fn a_synthesiser_is_told_all_ten_digits_one_by_one_whatever_the_pin() {
    let tones = Tones::of(500);
    called(&tones.speech, &brand("Acme"), &pin("4711"), "de-de").await.expect("speech");
    insta::assert_snapshot!(tones.new_lines(), @"
    de-de|0
    de-de|1
    de-de|2
    de-de|3
    de-de|4
    de-de|5
    de-de|6
    de-de|7
    de-de|8
    de-de|9
    de-de|Auf Wiederhören.
    de-de|Guten Tag. Hier ist Acme.
    de-de|Ihr Code lautet
    de-de|Noch einmal
    ");
    called(&tones.speech, &brand("Acme"), &pin("902385"), "de-de").await.expect("speech");
    assert_eq!(tones.new_lines(), "", "the second call has nothing new to say");
    called(&tones.speech, &brand("Other"), &pin("4711"), "de-de").await.expect("speech");
    assert_eq!(tones.new_lines(), "de-de|Guten Tag. Hier ist Other.");
}

#[tokio::test]
async fn what_tells_of_one_person_is_not_kept() {
    let tones = Tones::of(500);
    called(&tones.speech, &payment(), &pin("4711"), "en-gb").await.expect("speech");
    tones.new_lines();
    for _ in 0..2 {
        called(&tones.speech, &payment(), &pin("aB3a"), "en-gb").await.expect("speech");
        insta::allow_duplicates! {
            insta::assert_snapshot!(tones.new_lines(), @"
            en-gb|A
            en-gb|Hello. This is about a payment of 25.50 euros to Acme.
            en-gb|capital B
            ");
        }
    }
}

#[tokio::test]
async fn the_key_is_offered_only_where_it_is_heard() {
    let tones = Tones::of(500);
    let (purpose, pin, texts) = (brand("Acme"), pin("4711"), texts());
    let mut lengths = vec![];
    for hears_keys in [false, true] {
        let call = Call { purpose: &purpose, pin: &pin, readings: 1, hears_keys };
        let pcm = tones.speech.render(&Script::Call(call), Language::ENGLISH, &texts).await.expect("speech");
        lengths.push(pcm.length());
        let said = tones.new_lines();
        assert_eq!(said.contains("Press 1 to hear it again."), hears_keys, "{said}");
    }
    assert!(lengths[1] > lengths[0] + Duration::from_secs(3), "{lengths:?}");
}

#[tokio::test]
async fn a_long_brand_is_cut_and_a_payment_is_not() {
    let tones = Tones::of(4000);
    let length = async |purpose: &Purpose| {
        let call = Call { purpose, pin: &pin("4711"), readings: 1, hears_keys: false };
        tones.speech.render(&Script::Call(call), Language::ENGLISH, &texts()).await.expect("speech").length()
    };
    let (number, money) = (length(&brand("Acme")).await, length(&payment()).await);
    // The clip of a tone of 4 s, and of it 3 s.
    assert!((1000..1100).contains(&(money - number).as_millis()), "{number:?}, {money:?}");
    assert_eq!(length(&brand("Acme")).await, number, "also from the cache");
}

#[tokio::test]
async fn espeak_ng_says_a_long_brand_faster_before_it_is_cut() {
    let speech = Speech::new(Engine::EspeakNg);
    let of = async |name: &str| {
        let pcm = called(&speech, &brand(name), &pin("4711"), "tr-tr").await.expect("speech");
        let first = groups(&pcm)[0].clone();
        // Before code_is.
        first[first.len() - 2].end - first[0].start
    };
    let (short, long) = (of("Ay").await, of("Türkiye Cumhuriyet").await);
    assert!(short < 2.7 && (2.8..=3.05).contains(&long), "{short} s, {long} s");
}

#[tokio::test]
async fn a_sentence_by_hand_is_said_once_and_not_kept() {
    let tones = Tones::of(500);
    for _ in 0..2 {
        let pcm =
            tones.speech.render(&Script::Text("Hello, world."), Language::ENGLISH, &texts()).await.expect("speech");
        assert_eq!(tones.new_lines(), "en-us|Hello, world.");
        assert_eq!(groups(&pcm).len(), 1);
    }
    let endless = Tones::of(44_000);
    let error = endless.speech.render(&Script::Text("Hello."), Language::ENGLISH, &texts()).await.err();
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some("this takes 45 s; a call has 45"));
}

#[tokio::test]
async fn what_fails_is_told_without_the_pin() {
    let failing = |script: &str| Speech::new(Engine::Command(["sh", "-c", script].map(str::to_owned).to_vec()));
    let echo = failing("read -r text; echo \"no voice for $text\" >&2; exit 1");
    let error = called(&echo, &brand("Acme"), &pin("4711"), "en-us").await.expect_err("it fails");
    let (shown, debugged) = (error.to_string(), format!("{error:?}"));
    assert!(shown.starts_with("sh failed: exit code 1: no voice for ***"), "{shown}");
    for of_text in ["4711", "Acme", "Again"] {
        assert!(!shown.contains(of_text) && !debugged.contains(of_text), "{debugged}");
    }
}
