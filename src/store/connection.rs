//! Opening connections, and the transaction that everything else works on.

use std::cell::RefCell;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::StoreError;
use crate::metrics::Fact;
use crate::secrets::Digest;

/// How long a statement waits for another process, such as `simverify account add`, to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept by a connection: more than there are in this folder.
const STATEMENTS: usize = 128;

/// Page cache of a connection, in KiB: the hot rows of a small installation.
const CACHE_KIB: i64 = 512;

/// A transaction, or a snapshot of a reader.
pub struct Tx<'a>(pub(super) &'a Connection, RefCell<Vec<Fact>>);

/// Opens the writing connection; makes the file, readable by its owner only.
pub fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    if let Err(error) = made
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(match error.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full,
            std::io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
            _ => StoreError::CannotOpen,
        });
    }
    // The journal files take the mode of the database.
    let private = std::fs::set_permissions(path, Permissions::from_mode(0o600));
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if private.is_err() {
        return Err(StoreError::ReadOnly);
    }
    prepare(&connection)?;
    // Holds for a file without tables; what is deleted in it can be given back to the disk in small steps.
    connection.execute_batch("pragma auto_vacuum = incremental")?;
    let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Other(format!("journal mode is {mode}, not wal: is the file system a network share?")));
    }
    connection.execute_batch("pragma synchronous = full; pragma wal_autocheckpoint = 256;")?;
    Ok(connection)
}

pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    prepare(&connection)?;
    connection.execute_batch("pragma query_only = on;")?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "pragma foreign_keys = on; pragma secure_delete = on; pragma trusted_schema = off;
         pragma cache_size = -{CACHE_KIB}; pragma temp_store = memory;"
    ))?;
    Ok(())
}

/// Finds the key that the database is under among those of the key file; a new database takes the first.
pub fn check_key(connection: &Connection, key_checks: &[Digest]) -> Result<Digest, StoreError> {
    let tx = Tx::on(connection);
    if tx.key_check()?.is_none()
        && let Some(first) = key_checks.first()
    {
        connection.execute("insert or ignore into meta (name, value) values ('key_check', ?1)", [first.as_slice()])?;
    }
    let found = tx.key_check()?;
    found.filter(|found| key_checks.contains(found)).ok_or(StoreError::WrongKey)
}

impl<'a> Tx<'a> {
    pub(super) fn on(connection: &'a Connection) -> Self {
        Self(connection, RefCell::default())
    }

    /// Counts something once what is written here is durable; not at all if it is taken back.
    pub fn note(&self, fact: Fact) {
        self.1.borrow_mut().push(fact);
    }

    pub(super) fn into_facts(self) -> Vec<Fact> {
        self.1.into_inner()
    }
}

impl Tx<'_> {
    /// Which master key the database is under.
    pub fn key_check(&self) -> Result<Option<Digest>, StoreError> {
        let found = self.meta("key_check")?;
        Ok(found.and_then(|found| found.try_into().ok()))
    }

    /// From here on what is written is to be under that key.
    pub fn set_key_check(&self, key_check: &Digest) -> Result<(), StoreError> {
        self.set_meta("key_check", Some(key_check))
    }

    /// For a process that does not notice by itself that another key took the place of the one that it read.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyChanged`].
    pub fn must_be_under(&self, key_check: &Digest) -> Result<(), StoreError> {
        if self.key_check()?.is_none_or(|found| found == *key_check) { Ok(()) } else { Err(StoreError::KeyChanged) }
    }

    pub(super) fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.0.prepare_cached("select value from meta where name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// `None` takes it away.
    pub(super) fn set_meta(&self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let sql = "insert into meta (name, value) values (?1, ?2) on conflict do update set value = excluded.value";
        match value {
            Some(value) => self.0.prepare_cached(sql)?.execute(params![name, value])?,
            None => self.0.prepare_cached("delete from meta where name = ?1")?.execute([name])?,
        };
        Ok(())
    }
}
