//! Readers: a few connections that only read, each used by one task at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{StoreError, Tx, connection};

/// Connections at most: a read takes tens of microseconds.
const CONNECTIONS: usize = 4;

#[derive(Clone)]
pub struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Opens the first connection, so that a fault shows at start.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let idle = Mutex::new(vec![connection::open_reader(path)?]);
        let shared = Shared { path: path.to_owned(), permits: Semaphore::new(CONNECTIONS), idle };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub async fn run<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let other = |error: &dyn std::fmt::Display| E::from(StoreError::Other(error.to_string()));
        let _permit = self.shared.permits.acquire().await.map_err(|error| other(&error))?;
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.run(work)).await.map_err(|error| other(&error))?
    }
}

impl Shared {
    fn run<T, E: From<StoreError>>(&self, work: impl FnOnce(&Tx) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::open_reader(&self.path)?,
        };
        let result = snapshot(&connection, work);
        if connection.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }
}

fn snapshot<T, E: From<StoreError>>(connection: &Connection, work: impl FnOnce(&Tx) -> Result<T, E>) -> Result<T, E> {
    let execute = |statement: &str| -> Result<(), StoreError> {
        connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    };
    execute("begin")?;
    let result = work(&Tx::on(connection));
    // A snapshot has nothing to commit; a connection that cannot end it is not used again.
    let _ = execute("commit");
    result
}
