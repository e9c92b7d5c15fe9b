//! `simverify compact`: the database without what is unused.

use clap::Args;
use serde_json::json;

use super::open::{database_must_exist, store_failure};
use super::restore::not_locked;
use super::{Global, Outcome, print, print_json};
use crate::daemon::DatabaseLock;
use crate::store;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON: {"before": …, "after": …} in octets
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let storage = global.configuration()?.settings.storage;
    database_must_exist(&storage.path)?;
    let _lock = DatabaseLock::take(&storage.path).map_err(not_locked)?;
    let (before, after) = store::compact(&storage.path).map_err(|error| store_failure(error, &storage.path))?;
    if arguments.json {
        return print_json(&json!({ "before": before, "after": after }));
    }
    print(&format!("{} has {after} octets; it had {before}\n", storage.path.display()))
}
