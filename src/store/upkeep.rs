//! What an operator does to the database as a whole: copy it, look whether it is well.
//!
//! Neither needs the key file, changes the database or makes one, and both work beside a running daemon.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, Tx, connection, migration};
use crate::clock::Timestamp;
use crate::secrets::{Digest, KeyId};

/// Octets that are free where the database is.
pub fn free_space(database: &Path) -> io::Result<u64> {
    let system = nix::sys::statvfs::statvfs(database.parent().unwrap_or(Path::new("/")))?;
    Ok(system.blocks_available().saturating_mul(system.fragment_size()))
}

/// Copies the database, consistent at one instant; gives the copy's size in octets.
///
/// The copy is one file, mode 0600, whole or not there at all. Numbers, secrets and messages in it are sealed as in the
/// database. PINs are left out, sealed and hashed ones alike: what is in progress does not outlive a restore.
///
/// # Errors
///
/// [`BackupError::Exists`] if there is a file at `to` already: a backup never replaces one.
pub fn backup(from: &Path, to: &Path, now: Timestamp) -> Result<u64, BackupError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let beside = Unfinished(suffixed(to, &format!(".{}.partial", std::process::id())));
    let target_error = |cause| BackupError::Target { path: to.to_owned(), cause };
    // Left over only by a process of the same number.
    let _ = fs::remove_file(&beside.0);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside.0).map_err(target_error)?;
    copy(from, &beside.0, now)?;
    // A link never replaces a file that came meanwhile.
    let sealed = File::open(&beside.0).and_then(|file| {
        file.sync_all()?;
        fs::hard_link(&beside.0, to)?;
        File::open(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            .sync_all()?;
        Ok(file.metadata()?.len())
    });
    sealed.map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => target_error(cause),
    })
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} exists: choose another name, a backup never replaces a file", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}: {cause}", path.display())]
    Target { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The copy until it has its name; removed with its journal whatever happens.
pub(super) struct Unfinished(pub PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in [suffixed(&self.0, "-journal"), self.0.clone()] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Name in `meta`: when a backup was made, in milliseconds as text.
pub(super) const BACKUP_AT: &str = "backup_at";

fn copy(from: &Path, to: &Path, now: Timestamp) -> Result<(), BackupError> {
    let source = connection::open_reader(from)?;
    migration::check_origin(&source)?;
    let target = copy_pages(&source, to)?;
    target.execute_batch(
        "pragma secure_delete = on;
         update verification set pin_hash = null, pin_sealed = null
             where pin_hash is not null or pin_sealed is not null;",
    )?;
    Tx::on(&target).set_meta(BACKUP_AT, Some(now.as_millis().to_string().as_bytes()))?;
    match damage(&target)? {
        Some(damage) => Err(StoreError::Corrupt(damage).into()),
        None => Ok(()),
    }
}

/// Every page into an empty file, which is one file and stays one.
pub(super) fn copy_pages(source: &Connection, to: &Path) -> Result<Connection, StoreError> {
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // All pages in one step: one snapshot, which a busy daemon cannot make begin anew. Writers go on meanwhile.
    match Backup::new(source, &mut target)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(StoreError::Busy),
    }
    // Without a write-ahead log beside it the copy is one file. What is changed in it needs no journal: it has its name
    // only once it is whole.
    target.execute_batch("pragma journal_mode = delete; pragma journal_mode = memory; pragma synchronous = off;")?;
    Ok(target)
}

/// Puts the write-ahead log into the database and empties it: what was deleted does not stay there. `false`: somebody was
/// reading all the while.
pub fn empty_log(path: &Path) -> Result<bool, StoreError> {
    let connection = connection::open_writer(path)?;
    let busy: i64 = connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Writes the database anew without what is unused, so that later deletions give their space back in small steps. Gives
/// its size before and after. Takes as long as copying it, and twice its space meanwhile; the caller holds its lock.
pub fn compact(path: &Path) -> Result<(u64, u64), StoreError> {
    let size = || fs::metadata(path).map_or(0, |metadata| metadata.len());
    let connection = connection::open_writer(path)?;
    migration::check_origin(&connection)?;
    // What a log holds counts too.
    connection.execute_batch("pragma wal_checkpoint(truncate)")?;
    let before = size();
    connection.execute_batch("pragma auto_vacuum = incremental; vacuum; pragma wal_checkpoint(truncate);")?;
    Ok((before, size()))
}

/// What a look at the database shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Version of the schema, and the one that this program makes of it at the next start.
    pub schema: u32,
    pub schema_known: u32,
    /// The first damage that SQLite's `quick_check` finds.
    pub damage: Option<String>,
    pub accounts: u32,
    /// Attempts that are due or in a channel's hands.
    pub unfinished_attempts: u32,
    /// Octets, and those of them that nothing is in.
    pub size: u64,
    pub unused: u64,
}

const UNUSED: &str = "select freelist_count * page_size from pragma_freelist_count, pragma_page_size";

/// Looks at the database without changing it. `key_checks`, if known, must have that of its key.
///
/// # Errors
///
/// As [`super::Store::open`]; damage that leaves the database readable is told in the [`Inspection`].
pub fn inspect(path: &Path, key_checks: &[Digest]) -> Result<Inspection, StoreError> {
    let connection = connection::open_reader(path)?;
    let (schema, schema_known) = migration::check_origin(&connection)?;
    let damage = damage(&connection)?;
    let found = Tx::on(&connection).key_check()?;
    if !key_checks.is_empty() && !found.is_some_and(|found| key_checks.contains(&found)) {
        return Err(StoreError::WrongKey);
    }
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
    Ok(Inspection {
        schema,
        schema_known,
        damage,
        accounts: count("select count(*) from account")?,
        unfinished_attempts: count("select count(*) from attempt where state in ('due', 'claimed', 'sending')")?,
        unused: connection.query_row(UNUSED, [], |row| row.get(0))?,
        size: fs::metadata(path).map_or(0, |metadata| metadata.len()),
    })
}

/// Which key a database is under, and for how many verifications' PINs another than `newest` is needed. Changes nothing.
pub fn database_key(path: &Path, newest: KeyId) -> Result<(Option<Digest>, u32), StoreError> {
    let connection = connection::open_reader(path)?;
    let (schema, _) = migration::check_origin(&connection)?;
    let tx = Tx::on(&connection);
    // A database of an older version has one key.
    let pins = if schema < migration::WITH_PIN_KEY { 0 } else { tx.pins_under_other_keys(newest)? };
    Ok((tx.key_check()?, pins))
}

fn damage(connection: &Connection) -> Result<Option<String>, StoreError> {
    let found: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
