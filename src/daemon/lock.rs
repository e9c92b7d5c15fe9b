//! One daemon a database: a lock on a file beside it, which the system takes back when the process ends.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::modem::port;

/// Held while a daemon works on a database.
pub struct DatabaseLock {
    _lock: Flock<std::fs::File>,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another simverify daemon works on {}: stop it first", .0.display())]
    Held(PathBuf),
    #[error(
        "cannot lock {} ({cause}): check that its directory exists and that this user may write to it", path.display()
    )]
    Io { path: PathBuf, cause: io::Error },
}

impl DatabaseLock {
    /// Locks the database at `path`, which need not exist yet.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let name = lock_file(path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&name)
            .map_err(|cause| LockError::Io { path: name.clone(), cause })?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(LockError::Held(path.to_owned())),
            Err((_, error)) => Err(LockError::Io { path: name, cause: error.into() }),
        }
    }

    /// Whether a daemon works on the database, as far as this user can see. Makes no file.
    pub fn is_held(path: &Path) -> bool {
        let Ok(file) = std::fs::File::open(lock_file(path)) else { return false };
        // Shared with others who look, not with a daemon.
        matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
    }

    /// Name and process id of the daemon that works on the database, where the system tells; as `PortError` names the
    /// holder of a port.
    pub fn holder(path: &Path) -> Option<String> {
        port::flock_holder(&lock_file(path))
    }
}

fn lock_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_one_daemon_at_a_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("simverify.db");
        assert!(!DatabaseLock::is_held(&path));
        let lock = DatabaseLock::take(&path).expect("the first");
        assert!(DatabaseLock::is_held(&path));
        assert!(matches!(DatabaseLock::take(&path), Err(LockError::Held(_))));
        drop(lock);
        assert!(!DatabaseLock::is_held(&path));
        assert!(DatabaseLock::take(&path).is_ok());
    }
}
