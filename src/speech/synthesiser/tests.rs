//! Every way in which a program can fail, by small shell scripts, which read the text from their standard input.

use std::fs;

use super::*;

const ENGLISH: Language = Language::ENGLISH;
/// More than any of the scripts needs, however busy the machine is.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), octets: 200_000 };

fn utterance(text: &str) -> Utterance {
    Utterance { language: ENGLISH, text: Zeroizing::new(text.to_owned()), marked_up: None, words_a_minute: 130 }
}

fn script(script: &str) -> Engine {
    Engine::Command(["sh", "-c", script].map(str::to_owned).to_vec())
}

async fn said(engine: &Engine, text: &str) -> Result<Clip, SpeechError> {
    synthesise(engine, LIMITS, &utterance(text)).await
}

async fn refused(engine: &Engine, text: &str) -> String {
    said(engine, text).await.err().expect("it fails").to_string()
}

/// A tone of half a second as a WAV file.
fn tone() -> tempfile::NamedTempFile {
    let samples: Vec<i16> = (0..8000).map(|place| if place / 8 % 2 == 0 { 9000 } else { -9000 }).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), super::super::wav::write(&samples, 16_000)).expect("a written file");
    file
}

#[tokio::test]
async fn a_command_reads_the_text_from_its_standard_input_and_gives_a_wav() {
    let tone = tone();
    let heard = tempfile::NamedTempFile::new().expect("a file");
    let (tone, heard) = (tone.path().display(), heard.path().display());
    let engine = script(&format!("cat >{heard}; printf '%s' \"$0 $*\" >>{heard}; cat {tone}"));
    let Engine::Command(mut words) = engine else { unreachable!("a script is a command") };
    words.extend(["voice-{language}".to_owned(), "{language}.onnx".to_owned()]);
    let clip = said(&Engine::Command(words), "Hello.\nThis is Acme.").await.expect("speech");
    assert!((480..560).contains(&clip.length().as_millis()), "{:?}", clip.length());
    let heard = fs::read_to_string(heard.to_string()).expect("what it was told");
    assert_eq!(heard, "Hello. This is Acme.\nvoice-en-us en-us.onnx", "one line, and no text among the arguments");
}

#[tokio::test]
async fn a_program_that_is_not_there_or_no_program_is_named() {
    let of = |program: &str| Engine::Command(vec![program.to_owned(), "4711".to_owned()]);
    assert_eq!(refused(&of("no-such-program"), "x").await, "no-such-program is not there");
    assert_eq!(said(&of("/no/such"), "x").await.err(), Some(SpeechError::Missing { program: "/no/such".to_owned() }));
    assert_eq!(refused(&of("/etc/passwd"), "x").await, "cannot start /etc/passwd: Permission denied (os error 13)");
}

#[tokio::test]
async fn a_failure_tells_the_exit_code_and_the_last_line_of_standard_error() {
    let told = [
        refused(&script("exit 3"), "x").await,
        refused(&script("echo first >&2; echo 'no model at /x.onnx' >&2; echo >&2; exit 1"), "x").await,
        refused(&script("printf 'bell\\a and \\033[31mred' >&2; exit 1"), "x").await,
        refused(&script("kill -9 $$"), "x").await,
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    sh failed: exit code 3
    sh failed: exit code 1: no model at /***.onnx
    sh failed: exit code 1: bell  and  [31mred
    sh failed: killed by signal 9
    ");
    // More on standard error than a pipe holds.
    let chatty = script("seq 100000 >&2; printf '%01000d' 7 >&2; exit 1");
    let text = refused(&chatty, "x").await;
    assert!(text.starts_with("sh failed: exit code 1: 0000") && text.len() < 250, "{text}");
}

#[tokio::test]
async fn a_failure_quotes_nothing_of_the_text() {
    let echo = script("read -r text; echo \"cannot say '$text' (line 1)\" >&2; exit 1");
    let mut told = vec![];
    for text in ["4", "Your code is", "Hello. This is Ärzte & Söhne.", "もういちどおつたえします", "capital Q"]
    {
        told.push(refused(&echo, text).await);
    }
    insta::assert_snapshot!(told.join("\n"), @"
    sh failed: exit code 1: cannot say '***' (line 1)
    sh failed: exit code 1: cannot say '*** *** ***' (line 1)
    sh failed: exit code 1: cannot say '***. *** *** *** & ***.' (line 1)
    sh failed: exit code 1: cannot say '***' (line 1)
    sh failed: exit code 1: cannot say '*** ***' (line 1)
    ");
    // Only a part of it, or in other letters.
    let part = script("echo 'unknown: KOMPANI at 2, hellothisisacme' >&2; exit 1");
    assert_eq!(refused(&part, "Hello, this is Kompanija Acme").await, "sh failed: exit code 1: unknown: *** at 2, ***");
}

#[tokio::test]
async fn what_is_no_speech_is_told() {
    let silent = tempfile::NamedTempFile::new().expect("a file");
    fs::write(silent.path(), super::super::wav::write(&[0; 8000], 8_000)).expect("a written file");
    let told = [
        refused(&script("cat >/dev/null"), "x").await,
        refused(&script("echo 'voice en-us is missing' >&2"), "x").await,
        refused(&script("echo Hello, world, this is no WAV"), "x").await,
        refused(&script(&format!("cat {}", silent.path().display())), "x").await,
        refused(&script("head -c 48 /dev/zero; printf RIFF"), "x").await,
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    sh gave nothing on its standard output
    sh gave nothing on its standard output: voice en-us is missing
    sh gave no WAV: Ill-formed WAVE file: no RIFF tag found
    sh gave a WAV in which nothing is said
    sh gave no WAV: Ill-formed WAVE file: no RIFF tag found
    ");
}

#[tokio::test]
async fn a_program_that_never_stops_writing_is_stopped() {
    assert_eq!(refused(&script("cat /dev/zero"), "x").await, "sh gave more than 195 KiB");
}

/// Whether a process runs; one that has ended and is not waited for yet does not.
fn runs(id: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with('Z'))
}

/// A script that hangs together with a program of its own; `ids` gets both their numbers.
fn hanging(ids: &std::path::Path) -> Engine {
    script(&format!("sleep 1000 & printf '%s %s\\n' $$ $! >{}; wait", ids.display()))
}

async fn has_ended(ids: &std::path::Path) {
    let ids = fs::read_to_string(ids).expect("the numbers");
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert_eq!(ids.len(), 2);
    while ids.iter().any(|id| runs(id)) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let limits = Limits { time: Duration::from_secs(1), ..LIMITS };
    let error = loop {
        let error = synthesise(&hanging(file.path()), limits, &utterance("x")).await.err().expect("it hangs");
        // On a busy machine the shell may not have come so far.
        if fs::read_to_string(file.path()).is_ok_and(|ids| ids.ends_with('\n')) {
            break error;
        }
    };
    assert_eq!(error.to_string(), "sh took longer than 1 s");
    has_ended(file.path()).await;
}

#[tokio::test]
async fn a_program_for_which_nobody_waits_any_more_is_killed() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let engine = hanging(file.path());
    let utterance = utterance("x");
    let started = async {
        while !fs::read_to_string(file.path()).is_ok_and(|ids| ids.ends_with('\n')) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = synthesise(&engine, LIMITS, &utterance) => panic!("it hangs"),
        () = started => {}
    }
    has_ended(file.path()).await;
}

#[tokio::test]
async fn a_program_that_reads_nothing_may_speak() {
    let tone = tone();
    let engine = script(&format!("exec <&-; cat {}", tone.path().display()));
    assert!(said(&engine, &"word ".repeat(50_000)).await.is_ok());
}
