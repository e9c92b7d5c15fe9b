//! The file of `simverify doctor --bundle`: one text that a person can read before sending it on.
//!
//! Nothing in it identifies a person or opens anything: each part masks its own, and long numbers and names of home
//! directories are masked once more in the whole text, whichever part let them through.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::modem::listed;
use super::modem_trace::{ask, to_text};
use super::{Exit, Failure, OrExit, Outcome};
use crate::clock::Clock;
use crate::config::{Configuration, Settings};
use crate::daemon::DatabaseLock;
use crate::socket::{Record, Request};

/// Digits in a row that may be a phone number; IMEI, IMSI and ICCID have 14 to 20.
const NUMBER_DIGITS_MIN: usize = 7;

const HEAD: &str = "\
A simverify bundle, to go with a report of a fault. Read it before you send it on.
Secrets, PINs, phone numbers, messages and the identities of SIMs and modems are masked.
";

/// A file that is being made.
pub struct Bundle {
    file: File,
    path: PathBuf,
}

impl Bundle {
    /// Makes the file, so that what is wrong with it is said before any work.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| {
            let exit = Exit::of_io(&error);
            let what = match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    return Exit::Io.because(anyhow::anyhow!("{} exists: name another file", path.display()));
                }
                _ => format!("cannot make {}", path.display()),
            };
            exit.because(anyhow::Error::new(error).context(what))
        })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// `page` is the doctor's; without a configuration nothing else can be told.
    pub async fn write(mut self, page: &str, configuration: Option<&Configuration>) -> Outcome {
        let mut text = format!("{HEAD}\n{}", section("system", &system()));
        text += &section("doctor", page);
        if let Some(configuration) = configuration {
            text += &section("config show", &configuration.effective.to_string());
            text += &section("modem list", &listed(&configuration.settings).await);
            text += &traces(&configuration.settings).await;
        }
        let written = self.file.write_all(masked(&text).as_bytes()).and_then(|()| self.file.sync_all());
        if written.is_err() {
            // Half a bundle helps nobody; what cannot be removed either is said to be broken below.
            let _ = std::fs::remove_file(&self.path);
        }
        written.or_exit(Exit::Io, format!("cannot write {}", self.path.display()))?;
        eprintln!("simverify: written to {}: read it before you send it on", self.path.display());
        Ok(())
    }
}

fn section(title: &str, content: &str) -> String {
    format!("\n== {title} ==\n\n{}\n", content.trim_end())
}

fn system() -> String {
    let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let release = read("/etc/os-release");
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("not told");
    format!(
        "written    {}\nsimverify  {}\nsystem     {}\nkernel     {} {} {}\n",
        Clock::System.now(),
        env!("CARGO_PKG_VERSION"),
        name.trim_matches('"'),
        read("/proc/sys/kernel/ostype"),
        read("/proc/sys/kernel/osrelease"),
        std::env::consts::ARCH,
    )
}

/// What each modem said of late.
async fn traces(settings: &Settings) -> String {
    if !DatabaseLock::is_held(&settings.storage.path) {
        return section("modem trace --last", "not told: no daemon runs, as far as this user can see");
    }
    let mut text = String::new();
    for modem in &settings.modems {
        let name = modem.name.as_str();
        let trace = trace(name, &settings.storage.path).await;
        let trace = trace.unwrap_or_else(|failure| format!("not told: {failure}"));
        text +=
            &section(&format!("modem trace {name} --last"), if trace.is_empty() { "nothing was said" } else { &trace });
    }
    text
}

async fn trace(modem: &str, database: &Path) -> Result<String, Failure> {
    let mut connection = ask(database, &Request::TraceLast { modem: modem.to_owned() }).await?;
    let mut text = String::new();
    while let Some(record) = connection.next().await.or_exit(Exit::Unavailable, "the daemon's answer cannot be read")? {
        match record {
            Record::Line { at, direction, text: line } => text += &to_text(&at, direction, &line),
            Record::Lost { lines } => text += &format!("… {lines} lines lost\n"),
            Record::End => return Ok(text),
            Record::Begin
            | Record::Rotated { .. }
            | Record::Stopping
            | Record::Refused { .. }
            | Record::Board { .. } => break,
        }
    }
    Ok(text + "… the daemon ended\n")
}

/// Long numbers as their length, and home directories without their names.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    for character in without_homes(text).chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if digits.len() >= NUMBER_DIGITS_MIN {
            masked += &format!("<{} digits>", digits.len());
        } else {
            masked += &digits;
        }
        digits.clear();
        if character != '\0' {
            masked.push(character);
        }
    }
    masked
}

fn without_homes(text: &str) -> String {
    let mut pieces = text.split("/home/");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|it: char| !(it.is_alphanumeric() || "._-".contains(it))).unwrap_or(piece.len());
        shown += "/home/***";
        shown += &piece[end..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_and_names_of_people_are_masked_wherever_they_stand() {
        let text = "/dev/serial/by-id/usb-Huawei_860123456789012-if02 +447700900123 0.1.0 2026-11-26T10:00:00.123Z 123456\n\
                    \"/home/alice.b/simverify.db\" /home/bob";
        insta::assert_snapshot!(masked(text), @r#"
        /dev/serial/by-id/usb-Huawei_<15 digits>-if02 +<12 digits> 0.1.0 2026-11-26T10:00:00.123Z 123456
        "/home/***/simverify.db" /home/***
        "#);
    }
}
