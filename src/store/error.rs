//! What can go wrong in the store, by what the operator can do about it.

use rusqlite::ErrorCode;

/// A statement or a transaction failed. Nothing of it is written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk is full: free some space; work goes on by itself")]
    Full,
    #[error("the database is read-only: check the owner and mode of the file and its directory, and the mount")]
    ReadOnly,
    #[error("the database cannot be opened: check that its directory exists and that this user may write to it")]
    CannotOpen,
    #[error("the file is not a database of Simverify: check storage.path, or restore a backup")]
    NotADatabase,
    #[error("the database is damaged ({0}): stop the daemon and restore a backup")]
    Corrupt(String),
    #[error("another program holds the database locked: close it")]
    Busy,
    #[error("reading or writing the database failed ({0}): check the disk, and any limit on the size of files")]
    Io(String),
    #[error(
        "the database has schema {found}, this program knows up to {known}: \
         install the newer version again, or restore a backup made before the upgrade"
    )]
    Newer { found: u32, known: u32 },
    #[error("the key file does not belong to this database: put back the key file that was beside it")]
    WrongKey,
    #[error("the master key was rotated meanwhile: nothing was changed; do it again")]
    KeyChanged,
    #[error("{0}")]
    Row(String),
    #[error("the database writer has ended")]
    Closed,
    #[error("a unique value exists already")]
    Exists,
    #[error("unexpected database error: {0}")]
    Other(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match &error {
            rusqlite::Error::FromSqlConversionFailure(column, _, cause) => {
                return Self::Row(format!("column {column} of a row cannot be read ({cause})"));
            }
            rusqlite::Error::IntegralValueOutOfRange(column, _) | rusqlite::Error::InvalidColumnType(column, ..) => {
                return Self::Row(format!("column {column} of a row cannot be read"));
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::CannotOpen,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(text),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::SystemIoFailure) => Self::Io(text),
            Some(ErrorCode::ConstraintViolation) if is_unique(&error) => Self::Exists,
            _ => Self::Other(text),
        }
    }
}

/// `SQLITE_CONSTRAINT_UNIQUE` or `SQLITE_CONSTRAINT_PRIMARYKEY`.
fn is_unique(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(extended, Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY))
}
