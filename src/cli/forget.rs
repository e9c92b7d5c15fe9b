//! `simverify forget`: everything about a number, deleted. A running daemon goes on.

use clap::Args;
use serde_json::json;

use super::open::{Opened, open_existing, store_failure};
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::{self, Entry, ForgetError, Forgetting, Forgotten, Internal};
use crate::clock::Clock;
use crate::config::StorageSettings;
use crate::phone::PhoneNumber;
use crate::store::{self, StoreError};

#[derive(Debug, Args)]
pub struct Arguments {
    /// In international form, such as +447700900123; "-" reads it from standard input
    #[arg(value_name = "NUMBER")]
    number: String,
    /// End its verifications in progress too
    #[arg(long)]
    cancel: bool,
    /// Leave its entry of the blocklist, so that nobody writes to it again
    #[arg(long)]
    keep_blocked: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let storage = global.configuration()?.settings.storage;
    let number = number(&arguments.number)?;
    block_on(forget(arguments, &number, global, &storage))
}

fn number(text: &str) -> Result<PhoneNumber, Failure> {
    let mut read = String::new();
    let text = if text == "-" {
        std::io::stdin().read_line(&mut read).or_exit(Exit::Io, "cannot read standard input")?;
        read.as_str()
    } else {
        text
    };
    PhoneNumber::parse(text.trim(), None).map_err(|_| {
        Exit::Usage.because(anyhow::anyhow!("write the number in international form, such as +447700900123"))
    })
}

async fn forget(arguments: &Arguments, number: &PhoneNumber, global: &Global, storage: &StorageSettings) -> Outcome {
    let settings = global.configuration()?.settings;
    let Opened { store, secrets } = open_existing(&settings)?;
    let how = Forgetting { cancel: arguments.cancel, keep_blocked: arguments.keep_blocked };
    let forgotten = app::forget(&store, &secrets, Clock::System.now(), number, how).await;
    let forgotten = forgotten.map_err(|error| failure(error, storage))?;
    // A log that keeps what was deleted would be as good as a copy.
    let emptied = store::empty_log(&storage.path).map_err(|error| store_failure(error, &storage.path))?;
    tell(arguments, number, forgotten, emptied)
}

fn tell(arguments: &Arguments, number: &PhoneNumber, forgotten: Forgotten, emptied: bool) -> Outcome {
    let Forgotten { verifications, cancelled, attempts, tries, message_parts, counts, entry } = forgotten;
    let entry_word = match entry {
        Entry::None => "none",
        Entry::Removed => "removed",
        Entry::Kept => "kept",
    };
    if arguments.json {
        return print_json(&json!({
            "verifications": verifications, "cancelled": cancelled, "attempts": attempts, "tries": tries,
            "message_parts": message_parts, "counts": counts, "blocklist": entry_word, "log_emptied": emptied,
        }));
    }
    let mut text = format!(
        "{} is forgotten: verifications: {verifications} (in progress: {cancelled}), attempts: {attempts}, tries: {tries}, \
         parts of messages: {message_parts}, counts and verdicts: {counts}\n",
        number.masked()
    );
    text += match entry {
        Entry::None => "",
        Entry::Removed => "Its entry of the blocklist is gone too: it can be verified again.\n",
        Entry::Kept => "Its entry of the blocklist stays.\n",
    };
    if !emptied {
        text += "The database was being read all the while: run this again to take the number out of its log too.\n";
    }
    text += "Backups are not changed: they hold it, sealed, until they are deleted.\n";
    print(&text)
}

fn failure(error: ForgetError, storage: &StorageSettings) -> Failure {
    match error {
        ForgetError::InProgress(count) => Exit::Usage.because(anyhow::anyhow!(
            "the number is being verified (in progress: {count}): wait, or end that with --cancel; nothing was deleted"
        )),
        ForgetError::Internal(Internal::Store(error)) => store_failure(error, &storage.path),
        ForgetError::Internal(other) => store_failure(StoreError::Row(other.to_string()), &storage.path),
    }
}
