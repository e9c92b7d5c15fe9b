//! The database and the key that belongs to it.

use crate::config::Settings;
use crate::random::Random;
use crate::secrets::{KeyFileError, MasterKey, Secrets};
use crate::store::{Store, StoreError};

use super::{Exit, Failure};

pub struct Opened {
    pub store: Store,
    pub secrets: Secrets,
}

/// Opens both; makes both if there is neither.
pub fn open(settings: &Settings) -> Result<Opened, Failure> {
    let storage = &settings.storage;
    let key = match MasterKey::read(&storage.key_file) {
        Err(KeyFileError::Missing { .. }) if !Store::exists(&storage.path) => {
            MasterKey::create(&storage.key_file, &Random::System)
        }
        other => other,
    };
    let key = key.map_err(key_failure)?;
    let secrets = Secrets::new(&key);
    let store = Store::open(&storage.path, &secrets.check_value()).map_err(|error| {
        let exit = store_exit(&error);
        exit.because(anyhow::Error::new(error).context(format!("cannot open {}", storage.path.display())))
    })?;
    Ok(Opened { store, secrets })
}

fn key_failure(error: KeyFileError) -> Failure {
    let exit = match &error {
        KeyFileError::Io { cause, .. } => Exit::of_io(cause),
        KeyFileError::Missing { .. } | KeyFileError::Malformed { .. } | KeyFileError::Exposed { .. } => Exit::Config,
    };
    exit.because(error)
}

/// The exit code of a database that cannot be used.
pub fn store_exit(error: &StoreError) -> Exit {
    match error {
        StoreError::ReadOnly | StoreError::CannotOpen => Exit::Permission,
        StoreError::NotADatabase | StoreError::Newer { .. } | StoreError::WrongKey => Exit::Config,
        StoreError::Corrupt(_) | StoreError::Row(_) => Exit::Data,
        StoreError::Busy | StoreError::Closed => Exit::Unavailable,
        StoreError::Full | StoreError::Io(_) | StoreError::Other(_) | StoreError::Exists => Exit::Io,
    }
}
