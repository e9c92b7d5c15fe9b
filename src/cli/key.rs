//! `simverify key`: the master key, by its fingerprint alone.
//!
//! A rotation is done by the running daemon, which knows which operations are under way; without one, by this command
//! under the database's lock.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::modem_trace::{ask, dropped, ended, other_version, refused};
use super::open::{Opened, database_must_exist, give_to_owner_of_directory, key_failure, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::{Internal, Rotation, RotationError, Stand};
use crate::config::{Settings, StorageSettings};
use crate::daemon::DatabaseLock;
use crate::modem::received;
use crate::random::Random;
use crate::secrets::{KeyId, KeyRing, key_id};
use crate::socket::{Record, Request};
use crate::store::{self, Store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the fingerprint of each key of the key file, and which the database is under
    Show(Show),
    /// Exit code 0 if the key file is well and the database is under one of its keys
    Check(Show),
    /// Put a new key in the present one's place; verifications go on
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Rotate {
    /// Keep the present key in this file: backups made so far open only with it
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Keep it nowhere: there is a copy of it, or no backup is worth it
    #[arg(long, conflicts_with = "keep")]
    discard: bool,
    /// Print JSON: {"key": …, "rows": …, "unreadable": …, "waiting_for": …}
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    match command {
        Command::Show(arguments) => show(&arguments, &settings.storage),
        Command::Check(arguments) => check(&arguments, &settings.storage),
        Command::Rotate(arguments) => block_on(rotate(arguments, &settings)),
    }
}

/// What is known of the keys without opening the database for writing.
struct Found {
    ring: KeyRing,
    /// `None`: there is no database yet.
    under: Option<KeyId>,
    pins: u32,
}

impl Found {
    fn of(storage: &StorageSettings) -> Result<Self, Failure> {
        let ring = KeyRing::read(&storage.key_file).map_err(key_failure)?;
        if !Store::exists(&storage.path) {
            return Ok(Self { ring, under: None, pins: 0 });
        }
        let keys = store::database_key(&storage.path, ring.newest().id());
        let (under, pins) = keys.map_err(|error| store_failure(error, &storage.path))?;
        Ok(Self { ring, under: under.as_ref().map(key_id), pins })
    }

    fn fits(&self) -> bool {
        self.under.is_none_or(|under| self.ring.keys().iter().any(|key| key.id() == under))
    }

    /// What a key is there for.
    fn role(&self, index: usize, id: KeyId) -> &'static str {
        match (self.under, index) {
            (None, _) => "for the database to be made",
            (Some(under), _) if under == id => "the database is under it",
            (Some(_), 0) => "the database is to be put under it",
            (Some(_), _) => "old; stays until the last PIN hashed with it is checked or dead",
        }
    }
}

fn show(arguments: &Show, storage: &StorageSettings) -> Outcome {
    let found = Found::of(storage)?;
    let ids: Vec<_> = found.ring.keys().iter().map(|key| key.id()).collect();
    if arguments.json {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        return print_json(&json!({
            "keys": ids, "database": found.under.map(|id| id.to_string()), "fits": found.fits(),
            "waiting_for": found.pins,
        }));
    }
    let rows = ids.iter().enumerate().map(|(index, id)| [id.to_string(), found.role(index, *id).to_owned()]);
    let mut text = aligned(&rows.collect::<Vec<_>>());
    if let Some(under) = found.under.filter(|_| !found.fits()) {
        text += &format!("The database is under {under}, which is not in {}.\n", storage.key_file.display());
    } else if ids.len() > 1 && found.under == Some(ids[0]) {
        text += &format!("Verifications whose PIN needs an old key: {}\n", found.pins);
    }
    print(&text)
}

fn check(arguments: &Show, storage: &StorageSettings) -> Outcome {
    let found = Found::of(storage)?;
    if !found.fits() {
        return Err(store_failure(crate::store::StoreError::WrongKey, &storage.path));
    }
    let id = found.under.unwrap_or_else(|| found.ring.newest().id());
    if arguments.json {
        return print_json(&json!({ "key": id.to_string(), "fits": true }));
    }
    print(&format!("{} fits: {id}\n", storage.key_file.display()))
}

async fn rotate(arguments: Rotate, settings: &Settings) -> Outcome {
    let storage = &settings.storage;
    database_must_exist(&storage.path)?;
    let found = Found::of(storage)?;
    if !found.fits() {
        return Err(store_failure(crate::store::StoreError::WrongKey, &storage.path));
    }
    let lock = DatabaseLock::take(&storage.path);
    let daemon_runs = lock.is_err() && DatabaseLock::is_held(&storage.path);
    let goes_on = found.ring.keys().len() > 1;
    if goes_on && daemon_runs {
        return Err(failure(RotationError::UnderWay, storage));
    }
    if !KeyRing::can_be_replaced(&storage.key_file) {
        return Err(Exit::Permission.because(anyhow::anyhow!(
            "{} cannot be replaced by this user: run as root or as the daemon's user; if it is a credential of systemd, \
             stop the daemon, run this with --set storage.key_file= and the file that the credential is read from, and \
             start the daemon again",
            storage.key_file.display()
        )));
    }
    if !goes_on {
        keep(&arguments, &found.ring, storage)?;
    }
    let (rows, unreadable, pins) = match lock {
        Ok(_lock) => here(settings, goes_on).await?,
        Err(_) if daemon_runs => by_daemon(&storage.path).await?,
        Err(error) => return Err(Exit::Permission.because(error)),
    };
    let id = KeyRing::read(&storage.key_file).map_err(key_failure)?.newest().id();
    if arguments.json {
        return print_json(&json!({
            "key": id.to_string(), "rows": rows, "unreadable": unreadable, "waiting_for": pins,
        }));
    }
    let mut text = format!("the database is under the key {id}; rows sealed anew: {rows}\n");
    if unreadable > 0 {
        text += &format!("{unreadable} rows opened with no key and were left as they are\n");
    }
    if pins > 0 {
        text += &format!(
            "The old key stays in the key file for the PINs of {pins} verifications in progress; {} takes it out\n",
            if daemon_runs { "the daemon" } else { "the next start of the daemon, or this command once more," }
        );
    }
    text += "Make a backup and keep a copy of the key file in another place: older backups need the old key.\n";
    print(&text)
}

/// Before anything is changed: the present key where the operator wants it.
fn keep(arguments: &Rotate, ring: &KeyRing, storage: &StorageSettings) -> Outcome {
    match &arguments.keep {
        Some(file) => {
            let kept = ring.create(file, &Random::System).and_then(|()| give_to_owner_of_directory(file));
            kept.map_err(|error| {
                Exit::of_io(&error).because(
                    anyhow::Error::new(error)
                        .context(format!("cannot keep the present key in {}: nothing was changed", file.display())),
                )
            })
        }
        None if arguments.discard => Ok(()),
        None => Err(Exit::Usage.because(anyhow::anyhow!(
            "backups made so far open only with the present key of {}: say --keep FILE to keep it, or --discard",
            storage.key_file.display()
        ))),
    }
}

async fn here(settings: &Settings, goes_on: bool) -> Result<(usize, usize, u32), Failure> {
    let storage = &settings.storage;
    let Opened { store, .. } = open_existing(settings)?;
    let rotation = Rotation {
        store,
        random: Random::System,
        key_file: storage.key_file.clone(),
        app: None,
        sender_of: received::sender,
    };
    if !goes_on {
        rotation.begin().await.map_err(|error| failure(error, storage))?;
    }
    match rotation.go_on().await.map_err(|error| failure(error, storage))? {
        Stand::Done(resealed) => Ok((resealed.rows, resealed.unreadable, 0)),
        Stand::Waiting { pins, resealed } => Ok((resealed.rows, resealed.unreadable, pins)),
    }
}

async fn by_daemon(database: &Path) -> Result<(usize, usize, u32), Failure> {
    let request = Request::RotateKey;
    let mut connection = ask(database, &request).await?;
    match connection.next().await.or_exit(Exit::Unavailable, "the daemon's answer cannot be read")? {
        Some(Record::Rotated { rows, unreadable, pins }) => Ok((rows, unreadable, pins)),
        Some(Record::Refused { refusal }) => Err(refused(refusal, &request)),
        Some(Record::Stopping) => Err(ended()),
        None => Err(dropped()),
        Some(_) => Err(other_version()),
    }
}

fn failure(error: RotationError, storage: &StorageSettings) -> Failure {
    match error {
        RotationError::UnderWay => Exit::Unavailable.because(error),
        RotationError::KeyFile(error) => key_failure(error),
        RotationError::Internal(Internal::Store(error)) => store_failure(error, &storage.path),
        RotationError::Internal(_) => Exit::Data.because(error),
    }
}
