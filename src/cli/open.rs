//! The database and the key that belongs to it: one rule for the daemon and for the commands.
//!
//! ```text
//!  database │ key file │ what happens
//!  there    │ there    │ opened, if they belong together
//!  there    │ missing  │ refused: a new key could not open it
//!  none     │ there    │ a new database under this key
//!  none     │ missing  │ both are made; only their directories must exist
//! ```
//!
//! A command that only looks makes neither.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

use crate::config::{Settings, StorageSettings};
use crate::random::Random;
use crate::secrets::{KeyFileError, KeyRing, MasterKey, Secrets};
use crate::store::{Store, StoreError};

use super::{Exit, Failure, OrExit};

pub struct Opened {
    pub store: Store,
    pub secrets: Secrets,
}

/// Opens both; makes both if there is neither.
///
/// # Errors
///
/// 78 for a key file or a database that must not be used, otherwise as [`store_exit`] says.
pub fn open(settings: &Settings) -> Result<Opened, Failure> {
    let storage = &settings.storage;
    if Store::exists(&storage.path) {
        return open_existing(settings);
    }
    for path in [&storage.path, &storage.key_file] {
        directory_must_exist(path)?;
    }
    let ring = match KeyRing::read(&storage.key_file) {
        Err(KeyFileError::Missing { .. }) => make_key(&storage.key_file),
        other => other,
    };
    let ring = ring.map_err(key_failure)?;
    prepare_database(&storage.path)
        .or_exit(Exit::Io, format!("cannot hand {} to its directory's owner", storage.path.display()))?;
    open_store(storage, &ring)
}

/// Opens a database that is there.
///
/// # Errors
///
/// 69 if there is none, otherwise as [`open`].
pub fn open_existing(settings: &Settings) -> Result<Opened, Failure> {
    let storage = &settings.storage;
    database_must_exist(&storage.path)?;
    let ring = KeyRing::read(&storage.key_file).map_err(key_failure)?;
    open_store(storage, &ring)
}

/// 69 if there is no database, 77 if nobody may look.
pub fn database_must_exist(path: &Path) -> Result<(), Failure> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > 0 => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Exit::of_io(&error)
                .because(anyhow::Error::new(error).context(format!("cannot open {}", path.display()))))
        }
        Ok(_) | Err(_) => Err(Exit::Unavailable.because(anyhow::anyhow!(
            "there is no database at {} yet: `simverify serve` and `simverify account add` make it",
            path.display()
        ))),
    }
}

fn open_store(storage: &StorageSettings, ring: &KeyRing) -> Result<Opened, Failure> {
    let opened = Store::open_under(&storage.path, &ring.check_values());
    let (store, under) = opened.map_err(|error| store_failure(error, &storage.path))?;
    let secrets = Secrets::of_ring(ring, &under).expect("the store names a key of the ring");
    Ok(Opened { store, secrets })
}

/// The failure of a database, with its path.
pub fn store_failure(error: StoreError, path: &Path) -> Failure {
    let exit = store_exit(&error);
    exit.because(anyhow::Error::new(error).context(format!("cannot use {}", path.display())))
}

/// The exit code of a database that cannot be used.
pub fn store_exit(error: &StoreError) -> Exit {
    match error {
        StoreError::ReadOnly | StoreError::CannotOpen => Exit::Permission,
        StoreError::NotADatabase | StoreError::Newer { .. } | StoreError::WrongKey => Exit::Config,
        StoreError::Corrupt(_) | StoreError::Row(_) | StoreError::Exists => Exit::Data,
        StoreError::Busy | StoreError::Closed | StoreError::KeyChanged => Exit::Unavailable,
        StoreError::Full | StoreError::Io(_) | StoreError::Other(_) => Exit::Io,
    }
}

pub fn key_failure(error: KeyFileError) -> Failure {
    let exit = match &error {
        KeyFileError::Io { cause, .. } | KeyFileError::Replace { cause, .. } => Exit::of_io(cause),
        KeyFileError::Missing { .. } | KeyFileError::Malformed { .. } | KeyFileError::Exposed { .. } => Exit::Config,
    };
    exit.because(error)
}

/// Another process may make it at the same time; then its key is the one.
fn make_key(path: &Path) -> Result<KeyRing, KeyFileError> {
    match MasterKey::create(path, &Random::System) {
        Err(KeyFileError::Io { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => KeyRing::read(path),
        made => {
            let key = made?;
            give_to_owner_of_directory(path).map_err(|cause| KeyFileError::Io { path: path.to_owned(), cause })?;
            Ok(KeyRing::new(vec![key]))
        }
    }
}

/// Makes the empty file before SQLite does, so that its journals have the same owner.
fn prepare_database(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => give_to_owner_of_directory(path),
        // An empty file is there, or whatever is wrong shows in the store's own words.
        Err(_) => Ok(()),
    }
}

/// What root makes by `sudo simverify account add` must be the daemon's: it owns the directory.
pub fn give_to_owner_of_directory(path: &Path) -> io::Result<()> {
    if nix::unistd::geteuid().is_root() {
        let directory = std::fs::metadata(parent(path))?;
        chown(path, Some(directory.uid()), Some(directory.gid()))?;
    }
    Ok(())
}

pub fn directory_must_exist(path: &Path) -> Result<(), Failure> {
    let directory = parent(path);
    match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(Exit::Permission
            .because(anyhow::Error::new(error).context(format!("cannot look into {}", directory.display())))),
        Ok(_) | Err(_) => Err(Exit::Config.because(anyhow::anyhow!(
            "the directory of {} does not exist: make it for the daemon's user (install -d -m 700 -o USER {}), or \
             change [storage]",
            path.display(),
            directory.display()
        ))),
    }
}

pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
