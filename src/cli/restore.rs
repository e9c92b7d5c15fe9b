//! `simverify restore`: a backup in the database's place.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::open::{directory_must_exist, give_to_owner_of_directory, key_failure, store_exit};
use super::{Exit, Failure, Global, OrExit, Outcome, print, print_json};
use crate::clock::{Clock, Timestamp};
use crate::config::StorageSettings;
use crate::daemon::{DatabaseLock, LockError};
use crate::random::Random;
use crate::secrets::{KeyFileError, KeyRing, key_id};
use crate::store::{self, Prepared, RestoreError, Restored, Store, StoreError};

#[derive(Debug, Args)]
pub struct Arguments {
    /// What `simverify backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Also if there is a database; it is kept under another name
    #[arg(long)]
    force: bool,
    /// The key file that belonged to the backup, if the installed one does not
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Only look whether the backup can be restored
    #[arg(long, conflicts_with = "force")]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let storage = global.configuration()?.settings.storage;
    directory_must_exist(&storage.path)?;
    let now = Clock::System.now();
    let installed = match KeyRing::read(&storage.key_file) {
        Ok(ring) => Some(ring),
        Err(KeyFileError::Missing { .. }) => None,
        Err(error) => return Err(key_failure(error)),
    };
    let given = arguments.key_file.as_deref().map(KeyRing::read).transpose().map_err(key_failure)?;
    let keys: Vec<_> = installed.iter().chain(&given).flat_map(KeyRing::check_values).collect();
    if arguments.check {
        let prepared = store::prepare_restore(&arguments.file, &storage.path, &keys, now);
        return tell(arguments, &prepared.map_err(|error| failure(error, arguments, &storage))?.restored, None, None);
    }
    directory_must_exist(&storage.key_file)?;
    let _lock = DatabaseLock::take(&storage.path).map_err(not_locked)?;
    let aside = Store::exists(&storage.path).then(|| aside(&storage.path, now));
    if let Some(aside) = aside.as_ref().filter(|_| !arguments.force) {
        return Err(Exit::Usage.because(anyhow::anyhow!(
            "there is a database at {}: with --force the backup takes its place, and it is kept as {}",
            storage.path.display(),
            aside.display()
        )));
    }
    let prepared = store::prepare_restore(&arguments.file, &storage.path, &keys, now);
    let prepared = prepared.map_err(|error| failure(error, arguments, &storage))?;
    let added = put_key(&prepared, installed, given, &storage)?;
    let restored = prepared.restored.clone();
    prepared.put_in_place(&storage.path, aside.as_deref()).map_err(|error| failure(error, arguments, &storage))?;
    give_to_owner_of_directory(&storage.path)
        .or_exit(Exit::Io, format!("cannot hand {} to its directory's owner", storage.path.display()))?;
    tell(arguments, &restored, aside.as_deref(), added.then_some(&storage))
}

/// The backup's key where the daemon finds it; one that is installed stays the one to be under. Says whether one came.
fn put_key(
    prepared: &Prepared,
    installed: Option<KeyRing>,
    given: Option<KeyRing>,
    storage: &StorageSettings,
) -> Result<bool, Failure> {
    let needed = prepared.restored.key_check;
    let of = |ring: &KeyRing| ring.keys().iter().find(|key| key.check_value() == needed).cloned();
    if installed.as_ref().is_some_and(|ring| of(ring).is_some()) {
        return Ok(false);
    }
    let key = given.as_ref().and_then(of).expect("the backup is under one of the keys");
    match installed {
        None => {
            let made = KeyRing::new(vec![key]).create(&storage.key_file, &Random::System);
            made.and_then(|()| give_to_owner_of_directory(&storage.key_file))
                .map_err(|error| Exit::of_io(&error).because(error))?;
        }
        Some(ring) => {
            let ring = ring.with_older(key).ok_or_else(|| {
                Exit::Unavailable.because(anyhow::anyhow!(
                    "{} holds as many keys as it can: start the daemon, wait until the rotation has ended, and restore \
                     again",
                    storage.key_file.display()
                ))
            })?;
            ring.replace(&storage.key_file, &Random::System).map_err(key_failure)?;
        }
    }
    Ok(true)
}

fn aside(path: &Path, now: Timestamp) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".replaced-{}", now.to_string().replace(':', "")));
    PathBuf::from(name)
}

fn tell(
    arguments: &Arguments,
    restored: &Restored,
    aside: Option<&Path>,
    key_put: Option<&StorageSettings>,
) -> Outcome {
    let Restored { schema, schema_known, made, accounts, verifications, ended, key_check } = restored;
    if arguments.json {
        return print_json(&json!({
            "file": arguments.file, "made": made.map(|made| made.to_string()), "schema": schema,
            "key": key_id(key_check).to_string(), "accounts": accounts, "verifications": verifications,
            "in_progress": ended, "restored": !arguments.check, "kept": aside,
        }));
    }
    let made = made.map_or_else(|| "made at an unknown time".to_owned(), |made| format!("made at {made}"));
    let mut text = format!(
        "{}: intact, {made}, schema {schema}, key {}\naccounts: {accounts}, verifications: {verifications}, of them in progress: {ended}\n",
        arguments.file.display(),
        key_id(key_check)
    );
    if arguments.check {
        return print(&(text + "It can be restored.\n"));
    }
    if schema < schema_known {
        text += &format!("brought up to schema {schema_known}\n");
    }
    text += "restored: credits, accounts and blocklist are as they were then. What was in progress has expired: nothing of \
             it is sent any more, and its credits are not given back.\n";
    if let Some(aside) = aside {
        text += &format!("The database that was there is {}.\n", aside.display());
    }
    if let Some(storage) = key_put {
        text += &format!(
            "The backup's key is in {}; the daemon puts the database under the newest key there.\n",
            storage.key_file.display()
        );
    }
    print(&text)
}

pub fn not_locked(error: LockError) -> Failure {
    let exit = match &error {
        LockError::Held(_) => Exit::Unavailable,
        LockError::Io { cause, .. } => Exit::of_io(cause),
    };
    exit.because(anyhow::Error::new(error).context("nothing was changed"))
}

fn failure(error: RestoreError, arguments: &Arguments, storage: &StorageSettings) -> Failure {
    match &error {
        RestoreError::Source { cause, .. } | RestoreError::Target { cause, .. } => Exit::of_io(cause).because(error),
        RestoreError::Unfit { error: StoreError::WrongKey, path } => Exit::Config.because(anyhow::anyhow!(
            "{} is under a key that is not in {}: {}",
            path.display(),
            storage.key_file.display(),
            if arguments.key_file.is_some() {
                "nor in the file of --key-file; `simverify key show` tells keys apart"
            } else {
                "name the key file that belonged to it with --key-file"
            }
        )),
        RestoreError::Unfit { error: inner, .. } => store_exit(inner).because(error),
        RestoreError::Foreign(_) | RestoreError::Damaged { .. } => Exit::Data.because(error),
    }
}
