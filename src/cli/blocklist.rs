//! `simverify blocklist`: numbers and prefixes that are never verified. A running daemon sees each change at once.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::open::{Opened, open, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Global, Outcome, block_on, print, print_json};
use crate::app::{self, Blocked, BlocklistEntry, Internal};
use crate::clock::Clock;
use crate::config::Settings;
use crate::random::Random;
use crate::store::StoreError;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Block a number, or with a star behind it every number that begins so; requests for it get status 7
    Add(One),
    /// Take an entry back, written as it was added
    Remove(One),
    /// List all entries
    List(List),
}

#[derive(Debug, Args)]
pub struct One {
    /// +447700900123, or a prefix such as "+44909*"
    #[arg(value_name = "NUMBER|PREFIX*", value_parser = |text: &str| text.parse::<BlocklistEntry>())]
    entry: BlocklistEntry,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// Show whole numbers
    #[arg(long)]
    reveal: bool,
    /// Print JSON: a list of entries
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::Add(arguments) => add(&arguments, &settings).await,
            Command::Remove(arguments) => remove(&arguments, &settings).await,
            Command::List(arguments) => list(&arguments, &settings).await,
        }
    })
}

async fn add(arguments: &One, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open(settings)?;
    let added = app::block(&store, &secrets, &Random::System, Clock::System.now(), &arguments.entry).await;
    let added = added.map_err(|error| store_failure(error, &settings.storage.path))?;
    let entry = &arguments.entry;
    if arguments.json {
        return print_json(&json!({ "entry": entry.to_string(), "added": added }));
    }
    print(&if added { format!("{entry} is blocked\n") } else { format!("{entry} was blocked already\n") })
}

async fn remove(arguments: &One, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let removed = app::unblock(&store, &secrets, &arguments.entry).await;
    let entry = &arguments.entry;
    if !removed.map_err(|error| store_failure(error, &settings.storage.path))? {
        return Err(Exit::Data.because(anyhow::anyhow!(
            "no such entry: write it as `simverify blocklist list --reveal` shows it, with the star if it has one"
        )));
    }
    if arguments.json {
        return print_json(&json!({ "entry": entry.to_string(), "removed": true }));
    }
    print(&format!("{entry} is not blocked any more\n"))
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let entries = app::blocked(&store, &secrets).await.map_err(|error| match error {
        Internal::Store(error) => store_failure(error, &settings.storage.path),
        other => store_failure(StoreError::Row(other.to_string()), &settings.storage.path),
    })?;
    if arguments.json {
        let entries = entries.iter().map(|blocked| {
            json!({ "entry": shown(blocked, arguments.reveal), "created": blocked.since.to_string(), "origin": blocked.origin.as_str() })
        });
        return print_json(&Value::Array(entries.collect()));
    }
    let header = ["ENTRY", "CREATED", "ORIGIN"].map(str::to_owned);
    let row = |blocked: Blocked| {
        [shown(&blocked, arguments.reveal), blocked.since.to_string(), blocked.origin.as_str().to_owned()]
    };
    let rows: Vec<_> = [header].into_iter().chain(entries.into_iter().map(row)).collect();
    print(&aligned(&rows))
}

fn shown(blocked: &Blocked, reveal: bool) -> String {
    if reveal { blocked.entry.clone() } else { blocked.masked() }
}
