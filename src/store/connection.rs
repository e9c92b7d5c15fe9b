//! Opening connections, and the transaction that everything else works on.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::StoreError;

/// How long a statement waits for another process, such as `simverify account add`, to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept by a connection: more than there are in this folder.
const STATEMENTS: usize = 128;

/// Page cache of a connection, in KiB: the hot rows of a small installation.
const CACHE_KIB: i64 = 512;

/// A transaction, or a snapshot of a reader.
pub struct Tx<'a>(pub(super) &'a Connection);

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

/// Compares the database's key check with the key file's; a new database takes it over.
pub fn check_key(connection: &Connection, key_check: &[u8; 32]) -> Result<(), StoreError> {
    let found: Option<Vec<u8>> =
        connection.query_row("select value from meta where name = 'key_check'", [], |row| row.get(0)).optional()?;
    match found {
        Some(found) if found == key_check => Ok(()),
        Some(_) => Err(StoreError::WrongKey),
        None => {
            connection.execute("insert into meta (name, value) values ('key_check', ?1)", [key_check.as_slice()])?;
            Ok(())
        }
    }
}
