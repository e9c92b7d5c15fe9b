//! One utterance by a program: text on its standard input, WAV on its standard output.
//!
//! The text never stands in an argument, which other users of the machine may read, nor in an error. The program has a
//! limited time and may write a limited amount; it and all that it started are killed when time is up or when nobody waits
//! for it any more.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::audio::{Clip, NoClip};
use super::voice;
use crate::verification::Language;

/// What speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    EspeakNg,
    /// Program and arguments, in which `{language}` is replaced.
    Command(Vec<String>),
}

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) time: Duration,
    pub(super) octets: u64,
}

impl Limits {
    /// A neural voice on a Raspberry Pi loads its model for some seconds before it says anything. 8 MiB are 45 s at
    /// 48 kHz with two channels of 16 bits.
    pub(super) const DEFAULT: Self = Self { time: Duration::from_secs(20), octets: 8 * 1024 * 1024 };
}

/// What of its standard error is kept: the last line is at its end.
const STDERR_KEPT: usize = 4096;
/// Characters of that line in an error.
const REASON_MAX: usize = 200;

/// What is to be said in one piece.
#[derive(Clone)]
pub(super) struct Utterance {
    pub(super) language: Language,
    pub(super) text: Zeroizing<String>,
    /// The same for espeak-ng in SSML, where it needs to be told to spell.
    pub(super) marked_up: Option<Zeroizing<String>>,
    /// espeak-ng's speed.
    pub(super) words_a_minute: u16,
}

/// Why nothing can be said. Holds no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    #[error("{program} is not there")]
    Missing { program: String },
    #[error("cannot start {program}: {reason}")]
    Start { program: String, reason: String },
    /// `reason` begins with what it ended with.
    #[error("{program} failed: {reason}")]
    Failed { program: String, reason: String },
    /// What it gave cannot be played.
    #[error("{program} {reason}")]
    Unusable { program: String, reason: String },
    #[error("{program} took longer than {} s", limit.as_secs_f64())]
    TimedOut { program: String, limit: Duration },
    #[error("this takes {} s; a call has {}", length.as_secs(), limit.as_secs())]
    TooLong { length: Duration, limit: Duration },
}

impl SpeechError {
    /// The process ends: nothing more is rendered.
    pub(super) fn stopped(engine: &Engine) -> Self {
        Self::Failed { program: engine.program().to_owned(), reason: "stopped".to_owned() }
    }
}

impl Engine {
    pub fn program(&self) -> &str {
        match self {
            Self::EspeakNg => "espeak-ng",
            Self::Command(command) => command.first().map_or("", String::as_str),
        }
    }

    /// The language that is spoken where `language` is asked for.
    pub fn speaks(&self, language: Language) -> Language {
        match self {
            Self::EspeakNg => voice::espeak_ng(language).0,
            Self::Command(_) => language,
        }
    }

    fn command(&self, utterance: &Utterance) -> Command {
        let mut command = Command::new(self.program());
        match self {
            Self::EspeakNg => {
                command.args(["-v", voice::espeak_ng(utterance.language).1, "-b", "1"]);
                command.args(["-s", &utterance.words_a_minute.to_string(), "--stdin", "--stdout"]);
                if utterance.marked_up.is_some() {
                    command.arg("-m");
                }
            }
            Self::Command(words) => {
                let language = utterance.language.as_str();
                command.args(words.iter().skip(1).map(|word| word.replace("{language}", language)));
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what a script starts can be killed with it.
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// One line: what reads line by line would make several sounds of several.
    fn input(&self, utterance: &Utterance) -> Zeroizing<String> {
        let text = match (self, &utterance.marked_up) {
            (Self::EspeakNg, Some(marked_up)) => marked_up,
            (Self::EspeakNg, None) | (Self::Command(_), _) => &utterance.text,
        };
        let mut line = Zeroizing::new(String::with_capacity(text.len() + 1));
        line.extend(text.chars().map(|character| if character.is_control() { ' ' } else { character }));
        line.push('\n');
        line
    }
}

/// The processes of a child. Killed when dropped, unless the child was waited for.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Nobody is left to tell if they have all ended.
            let _ = killpg(id, Signal::SIGKILL);
        }
    }
}

pub(super) async fn synthesise(engine: &Engine, limits: Limits, utterance: &Utterance) -> Result<Clip, SpeechError> {
    let program = engine.program().to_owned();
    let child = engine.command(utterance).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SpeechError::Missing { program: program.clone() },
        _ => SpeechError::Start { program: program.clone(), reason: error.to_string() },
    })?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
    let group = Group { child, id };
    let input = engine.input(utterance);
    let ended = tokio::time::timeout(limits.time, converse(group, &input, limits.octets)).await;
    let output = match ended {
        Err(_) => return Err(SpeechError::TimedOut { program, limit: limits.time }),
        Ok(Err(error)) => return Err(SpeechError::Failed { program, reason: error.to_string() }),
        Ok(Ok(output)) => output,
    };
    let Output { status, wav, last_line } = output;
    if wav.len() as u64 > limits.octets {
        let reason = format!("gave more than {} KiB", limits.octets / 1024);
        return Err(SpeechError::Unusable { program, reason });
    }
    let Some(status) = status else {
        return Err(SpeechError::Unusable { program, reason: "has no output".to_owned() });
    };
    let said = without_text(&last_line, &utterance.text);
    let with_said = |reason: String| if said.is_empty() { reason } else { format!("{reason}: {said}") };
    if !status.success() {
        return Err(SpeechError::Failed { program, reason: with_said(told(status)) });
    }
    let clip = tokio::task::spawn_blocking(move || Clip::from_wav(&wav)).await;
    match clip {
        Ok(Ok(clip)) => Ok(clip),
        Ok(Err(NoClip::NotWav(reason))) => {
            Err(SpeechError::Unusable { program, reason: with_said(reason.to_string()) })
        }
        Ok(Err(reason @ NoClip::Silent)) => Err(SpeechError::Unusable { program, reason: reason.to_string() }),
        Err(error) => Err(SpeechError::Failed { program, reason: error.to_string() }),
    }
}

struct Output {
    /// None: it was not waited for, since it gave too much.
    status: Option<ExitStatus>,
    wav: Zeroizing<Vec<u8>>,
    last_line: String,
}

/// Writes and reads at the same time: a pipe holds less than a sound.
async fn converse(mut group: Group, input: &str, octets: u64) -> io::Result<Output> {
    let stdin = group.child.stdin.take();
    let stdout = group.child.stdout.take();
    let stderr = group.child.stderr.take();
    let write = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(input.as_bytes()).await {
            // It may know enough, or have failed: its status tells.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    };
    let read = async {
        let mut wav = Zeroizing::new(vec![]);
        if let Some(stdout) = stdout {
            stdout.take(octets + 1).read_to_end(&mut wav).await?;
        }
        if wav.len() as u64 > octets { Err(TooMuch::Octets(wav)) } else { Ok(wav) }
    };
    let listen = async { Ok::<_, TooMuch>(last_line(stderr).await?) };
    let write = async { write.await.map_err(TooMuch::Io) };
    match tokio::try_join!(write, read, listen) {
        Ok(((), wav, last_line)) => {
            let status = group.child.wait().await?;
            // From here on the number may belong to others.
            group.id = None;
            Ok(Output { status: Some(status), wav, last_line })
        }
        Err(TooMuch::Octets(wav)) => Ok(Output { status: None, wav, last_line: String::new() }),
        Err(TooMuch::Io(error)) => Err(error),
    }
}

/// Why reading ends early.
enum TooMuch {
    Octets(Zeroizing<Vec<u8>>),
    Io(io::Error),
}

impl From<io::Error> for TooMuch {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The last line that is not blank; all of it is read, so that the program does not stand still.
async fn last_line(stderr: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(mut stderr) = stderr else { return Ok(String::new()) };
    let mut kept = vec![];
    let mut chunk = [0; 1024];
    loop {
        let read = stderr.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(STDERR_KEPT);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    Ok(last.unwrap_or_default().to_owned())
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

/// `line` with every word masked that may be of `text`: a program may quote what it cannot say.
fn without_text(line: &str, text: &str) -> String {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|character: char| !character.is_alphanumeric()).collect();
    let quotes = |word: &str| {
        let word = word.to_lowercase();
        // Part of the text, or the text with something around it; single letters are no word.
        let part = word.chars().count() > 1 && text.contains(&word) || words.contains(&word.as_str());
        part || words.iter().any(|of_text| of_text.chars().count() > 2 && word.contains(of_text))
    };
    let mut masked = String::new();
    let mut rest: String = line.chars().take(REASON_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    while let Some(first) = rest.chars().next() {
        let in_word = first.is_alphanumeric();
        let end = rest.find(|character: char| character.is_alphanumeric() != in_word).unwrap_or(rest.len());
        let run: String = rest.drain(..end).collect();
        masked += if in_word && quotes(&run) { "***" } else { &run };
    }
    masked
}

#[cfg(test)]
mod tests;
