//! A command's side: connects, asks, reads records.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::{PATH_MAX, Record, Request};

/// A daemon that works answers at once.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Octets of one connection: days of a busy modem's line, and an end to whatever else speaks there.
const ANSWER_OCTETS_MAX: u64 = 1 << 40;

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens.
    #[error("no daemon listens on {}", .0.display())]
    Absent(PathBuf),
    #[error("no permission to connect to {}", .0.display())]
    Permission(PathBuf),
    #[error("the daemon at {} does not answer", .0.display())]
    Silent(PathBuf),
    #[error("cannot connect to {} ({cause})", path.display())]
    Io { path: PathBuf, cause: io::Error },
}

/// One request under way.
pub struct Connection {
    records: Lines<BufReader<tokio::io::Take<OwnedReadHalf>>>,
    /// Its end would tell the daemon that nobody reads any more.
    _requests: OwnedWriteHalf,
}

impl Connection {
    /// Asks the daemon that listens on `path`.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn ask(path: &Path, request: &Request) -> Result<Self, ConnectError> {
        let asked = async {
            let (read, mut requests) = UnixStream::connect(path).await?.into_split();
            let mut line = serde_json::to_vec(request)?;
            line.push(b'\n');
            requests.write_all(&line).await?;
            let records = BufReader::new(read.take(ANSWER_OCTETS_MAX)).lines();
            Ok(Self { records, _requests: requests })
        };
        let path = path.to_owned();
        match tokio::time::timeout(CONNECT_WITHIN, asked).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(cause)) => Err(failure(path, cause)),
            Err(_) => Err(ConnectError::Silent(path)),
        }
    }

    /// The next record; `None` once the daemon has closed the connection. May be given up without losing one.
    ///
    /// # Errors
    ///
    /// The connection fails, or what comes is no record.
    pub async fn next(&mut self) -> io::Result<Option<Record>> {
        let Some(line) = self.records.next_line().await? else { return Ok(None) };
        Ok(Some(serde_json::from_str(&line)?))
    }
}

fn failure(path: PathBuf, cause: io::Error) -> ConnectError {
    match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::Absent(path),
        // A path that is too long for a socket: the daemon has none either.
        io::ErrorKind::InvalidInput if path.as_os_str().len() > PATH_MAX => ConnectError::Absent(path),
        io::ErrorKind::PermissionDenied => ConnectError::Permission(path),
        _ => ConnectError::Io { path, cause },
    }
}
