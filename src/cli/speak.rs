//! `simverify speak`: what a call would say, as a WAV file of 8 kHz, one channel, 16 bits.
//!
//! A WAV that is there is replaced, as one expects who tries a text again and again, but only once the new one is whole;
//! any other file is left alone. Never prints the PIN, which is read as a text and not by the command line's own parser:
//! that one quotes what it refuses.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use zeroize::Zeroizing;

use super::{Exit, Failure, Global, OrExit, Outcome, block_on};
use crate::config::{Settings, TtsEngine, TtsSettings};
use crate::daemon::speech_engine;
use crate::speech::{Call, Pcm, Script, Speech, SpeechError};
use crate::verification::{Amount, Brand, Language, Payee, Pin, Purpose};

/// Longest text: more does not fit into a call anyway.
const TEXT_OCTETS_MAX: usize = 4096;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("purpose").args(["brand", "payee"])))]
pub struct Arguments {
    /// A sentence to say; "-" reads it from standard input
    #[arg(required_unless_present = "pin", conflicts_with = "pin")]
    text: Option<String>,
    /// Say the call that tells this PIN; "-" reads it from standard input. Make one up: others can see arguments
    #[arg(long, requires = "purpose")]
    pin: Option<Unshown>,
    /// Who verifies the number
    #[arg(long, requires = "pin", value_parser = |text: &str| Brand::new(text).ok_or(NO_NAME))]
    brand: Option<Brand>,
    /// Whom a payment goes to, instead of --brand
    #[arg(long, requires_all = ["pin", "amount"], value_parser = |text: &str| Payee::new(text).ok_or(NO_NAME))]
    payee: Option<Payee>,
    /// Euros, such as 25.50
    #[arg(long, requires = "payee", value_parser = |text: &str| Amount::parse(text).ok_or(NO_AMOUNT))]
    amount: Option<Amount>,
    /// As in a request, such as de-de [default: verify.default_language, otherwise en-us]
    #[arg(long, value_parser = str::parse::<Language>)]
    language: Option<Language>,
    /// Readings of the PIN [default: tts.repeat]
    #[arg(long, requires = "pin", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    repeat: Option<u8>,
    /// With the offer to press 1, as where the modem hears keys
    #[arg(long, requires = "pin")]
    keys: bool,
    /// The WAV file; "-" is standard output. A WAV of this name is replaced, no other file
    #[arg(long, value_name = "F.wav")]
    out: PathBuf,
}

const NO_NAME: &str = "1 to 18 characters, none of them a control character";
const NO_AMOUNT: &str = "a decimal above zero with a point and at most two decimals";

/// An argument that `Debug` does not show.
#[derive(Clone)]
struct Unshown(Zeroizing<String>);

impl From<String> for Unshown {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Unshown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    let target = Target::of(&arguments.out)?;
    block_on(async {
        let pcm = rendered(arguments, &settings).await?;
        target.write(&pcm.to_wav())
    })
}

async fn rendered(arguments: &Arguments, settings: &Settings) -> Result<Pcm, Failure> {
    let speech = Speech::new(speech_engine(&settings.tts));
    let default = settings.verify.default_language.map(|tag| tag.0);
    let language = arguments.language.or(default).unwrap_or(Language::ENGLISH);
    let spoken = speech.engine().speaks(language);
    if spoken != language {
        let engine = speech.engine().program();
        // Nobody is left to tell if the terminal is gone.
        let _ = writeln!(io::stderr(), "simverify: {engine} does not speak {language:?}: this is {spoken:?}");
    }
    let texts = &settings.messages.texts;
    let said = match (&arguments.pin, &arguments.text) {
        (Some(pin), _) => {
            let (text, exit) = given(&pin.0)?;
            let pin = Pin::new(text.trim())
                .ok_or_else(|| exit.because(anyhow::anyhow!("a PIN has 4 to 10 letters and digits")))?;
            let purpose = purpose(arguments)?;
            let readings = arguments.repeat.unwrap_or(settings.tts.repeat);
            let call = Call { purpose: &purpose, pin: &pin, readings, hears_keys: arguments.keys };
            speech.render(&Script::Call(call), language, texts).await
        }
        (None, text) => {
            let (text, exit) = given(text.as_deref().unwrap_or_default())?;
            if text.trim().is_empty() || text.len() > TEXT_OCTETS_MAX {
                return Err(exit.because(anyhow::anyhow!("a text has 1 to {TEXT_OCTETS_MAX} octets")));
            }
            speech.render(&Script::Text(&text), language, texts).await
        }
    };
    said.map_err(|error| failure(error, &settings.tts))
}

fn failure(error: SpeechError, tts: &TtsSettings) -> Failure {
    let exit = match error {
        SpeechError::TooLong { .. } => Exit::Data,
        SpeechError::Missing { .. }
        | SpeechError::Start { .. }
        | SpeechError::Failed { .. }
        | SpeechError::Unusable { .. }
        | SpeechError::TimedOut { .. } => Exit::Unavailable,
    };
    exit.because(anyhow::anyhow!("{}", with_advice(&error, tts)))
}

/// What is wrong with the synthesiser, and what to do.
pub(super) fn with_advice(error: &SpeechError, tts: &TtsSettings) -> String {
    match (error, tts.engine) {
        (SpeechError::Missing { .. }, TtsEngine::EspeakNg) => format!("{error}: install the package espeak-ng"),
        (SpeechError::Missing { .. } | SpeechError::Start { .. }, TtsEngine::Command) => {
            format!("{error}: correct tts.command")
        }
        (SpeechError::Start { .. }, TtsEngine::EspeakNg)
        | (SpeechError::Failed { .. }, _)
        | (SpeechError::Unusable { .. }, _)
        | (SpeechError::TimedOut { .. }, _)
        | (SpeechError::TooLong { .. }, _) => error.to_string(),
    }
}

fn purpose(arguments: &Arguments) -> Result<Purpose, Failure> {
    match (&arguments.brand, &arguments.payee, arguments.amount) {
        (Some(brand), _, _) => Ok(Purpose::Number { brand: brand.clone() }),
        (None, Some(payee), Some(amount)) => Ok(Purpose::Payment { payee: payee.clone(), amount }),
        (None, _, _) => Err(Exit::Usage.because(anyhow::anyhow!("a PIN needs --brand, or --payee and --amount"))),
    }
}

/// The argument, or what standard input holds, and with which code the command ends if that is wrong.
fn given(argument: &str) -> Result<(Zeroizing<String>, Exit), Failure> {
    if argument != "-" {
        return Ok((Zeroizing::new(argument.to_owned()), Exit::Usage));
    }
    let mut text = Zeroizing::new(String::with_capacity(TEXT_OCTETS_MAX + 1));
    let read = io::stdin().lock().take(TEXT_OCTETS_MAX as u64 + 1).read_to_string(&mut text);
    match read {
        Ok(_) => Ok((text, Exit::Data)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Exit::Data.because(anyhow::anyhow!("standard input is no UTF-8")))
        }
        Err(error) => Err(error).or_exit(Exit::Io, "cannot read standard input"),
    }
}

/// Where the WAV goes.
enum Target {
    StandardOutput,
    /// A device or a pipe: written as it is.
    Special(PathBuf),
    /// A file, whether it is there or not.
    File(PathBuf),
}

impl Target {
    /// Refuses before anything is rendered.
    fn of(out: &Path) -> Result<Self, Failure> {
        if out.as_os_str() == "-" {
            let problem = "standard output is a terminal: name a file, or pipe it into a player";
            return match io::stdout().is_terminal() {
                true => Err(Exit::Usage.because(anyhow::anyhow!(problem))),
                false => Ok(Self::StandardOutput),
            };
        }
        // What a link leads to is replaced, not the link.
        let Ok(path) = out.canonicalize() else { return Ok(Self::File(out.to_owned())) };
        let cannot = |error: io::Error| Exit::of_io(&error).because(cannot_write(out, error));
        let kind = path.metadata().map_err(cannot)?.file_type();
        if kind.is_dir() {
            return Err(Exit::Io.because(anyhow::anyhow!("cannot write {}: it is a directory", out.display())));
        }
        if !kind.is_file() {
            return Ok(Self::Special(path));
        }
        let mut start = vec![];
        File::open(&path).and_then(|file| file.take(4).read_to_end(&mut start)).map_err(cannot)?;
        if !start.is_empty() && start != b"RIFF" {
            let problem = anyhow::anyhow!("{} is there and no WAV: choose another name, or remove it", out.display());
            return Err(Exit::Usage.because(problem));
        }
        Ok(Self::File(path))
    }

    fn write(&self, wav: &[u8]) -> Outcome {
        let (written, path) = match self {
            Self::StandardOutput => {
                let mut output = io::stdout().lock();
                let written = output.write_all(wav).and_then(|()| output.flush());
                // A reader that has gone wants no more.
                (
                    written
                        .or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }),
                    Path::new("standard output"),
                )
            }
            Self::Special(path) => (fs::write(path, wav), path.as_path()),
            Self::File(path) => (replace(path, wav), path.as_path()),
        };
        written.map_err(|error| Exit::of_io(&error).because(cannot_write(path, error)))
    }
}

/// The file is there whole or as it was.
fn replace(path: &Path, wav: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::write(&part, wav).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // It may not even have been made.
        let _ = fs::remove_file(&part);
    }
    written
}

fn cannot_write(path: &Path, error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot write {}", path.display()))
}
