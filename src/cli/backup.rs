//! `simverify backup`: a copy of the database, made while the daemon runs.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::open::{database_must_exist, store_failure};
use super::{Exit, Failure, Global, Outcome, print, print_json};
use crate::clock::Clock;
use crate::store::{self, BackupError};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The copy; it must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON: {"file": …, "octets": …}
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let storage = global.configuration()?.settings.storage;
    database_must_exist(&storage.path)?;
    let file = &arguments.file;
    let octets =
        store::backup(&storage.path, file, Clock::System.now()).map_err(|error| failure(error, &storage.path))?;
    if arguments.json {
        return print_json(&json!({ "file": file, "octets": octets }));
    }
    print(&format!(
        "{octets} octets written to {}\nIt opens only with the key file {}: keep a copy of that too, in another place.\n",
        file.display(),
        storage.key_file.display()
    ))
}

fn failure(error: BackupError, database: &Path) -> Failure {
    match error {
        BackupError::Store(error) => store_failure(error, database),
        BackupError::Target { ref cause, .. } => Exit::of_io(cause).because(error),
        BackupError::Exists(_) => Exit::Io.because(error),
    }
}
