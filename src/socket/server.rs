//! The daemon's side: takes connections, reads one request of each, answers it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{AskedRotation, Doors, PATH_MAX, REQUEST_OCTETS_MAX, Record, Refusal, Request};
use crate::modem::tap::{TraceLine, View};

/// Connections at once: each is a person at a terminal.
const CONNECTIONS_MAX: usize = 8;

/// Connections that may wait for their turn to be refused.
const BACKLOG: i32 = 16;

/// A request comes at once: no person types it.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);

/// A reader that takes nothing for this long has been forgotten, and gives its place to another.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// The last word to a reader at the daemon's end.
const FAREWELL_WITHIN: Duration = Duration::from_millis(500);

/// After a connection could not be taken (no file descriptor is left).
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "the path {} has {} octets and a socket's may have {PATH_MAX}: choose a shorter storage.path",
        .0.display(),
        .0.as_os_str().len()
    )]
    TooLong(PathBuf),
    #[error("{} is there and no socket: move it away", .0.display())]
    Occupied(PathBuf),
    #[error("cannot listen on {} ({cause})", path.display())]
    Io { path: PathBuf, cause: io::Error },
}

/// A socket that can be connected to. Its file goes when this does.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens on `path`. The caller holds the database's lock: what another daemon left there is stale and replaced.
    ///
    /// # Errors
    ///
    /// See [`BindError`]; each says what to do.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        if path.as_os_str().len() > PATH_MAX {
            return Err(BindError::TooLong(path.to_owned()));
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(BindError::Occupied(path.to_owned())),
            Ok(_) | Err(_) => {}
        }
        let listener = listen(path).map_err(|cause| BindError::Io { path: path.to_owned(), cause })?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until `stop`; then says so to whoever still listens, and removes the file.
    pub async fn serve(self, doors: Doors, stop: CancellationToken) {
        let doors = Arc::new(doors);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(name: "socket.refused", %error, "a connection to the daemon's socket cannot be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                refuse_at_once(&stream);
                continue;
            };
            let (doors, stop) = (Arc::clone(&doors), stop.clone());
            connections.spawn(async move {
                if let Err(error) = Reader::of(stream, stop).answer(&doors).await {
                    debug!(name: "socket.ended", %error, "a connection to the daemon's socket has ended");
                }
                drop(place);
            });
        }
        // No connection is taken any more, and none waits for an answer that will not come.
        drop(self);
        connections.close();
        connections.wait().await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = fs::remove_file(&self.path);
    }
}

/// Nobody can connect before the file has its mode.
fn listen(path: &Path) -> io::Result<UnixListener> {
    use socket2::{Domain, SockAddr, Type};
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket.into())
}

/// What fits into the connection's buffer without waiting, or nothing.
fn refuse_at_once(stream: &UnixStream) {
    let _ = stream.try_write(&to_line(&Record::Refused { refusal: Refusal::Busy }));
}

fn to_line(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).expect("a record is plain text and numbers");
    line.push(b'\n');
    line
}

/// One who has connected.
struct Reader {
    requests: BufReader<tokio::io::Take<OwnedReadHalf>>,
    records: OwnedWriteHalf,
    stop: CancellationToken,
}

impl Reader {
    fn of(stream: UnixStream, stop: CancellationToken) -> Self {
        let (read, records) = stream.into_split();
        Self { requests: BufReader::new(read.take(REQUEST_OCTETS_MAX)), records, stop }
    }

    async fn answer(mut self, doors: &Doors) -> io::Result<()> {
        let Doors { taps, board, rotations, webhooks } = doors;
        let Some(request) = self.request().await? else {
            return self.say(&Record::Refused { refusal: Refusal::UnknownRequest }).await;
        };
        let modem = match &request {
            Request::Board => {
                let (routes, reasons, receptions) = (board.routes(), board.reasons(), board.register().receptions());
                return self.say(&Record::Board { routes, reasons, receptions }).await;
            }
            Request::RotateKey => return self.rotate(rotations).await,
            Request::Webhooks => {
                webhooks.notify_one();
                return self.say(&Record::End).await;
            }
            Request::Trace { modem, .. } | Request::TraceLast { modem } => modem,
        };
        let Some(tap) = taps.get(modem) else {
            let modems = taps.keys().cloned().collect();
            return self.say(&Record::Refused { refusal: Refusal::UnknownModem { modems } }).await;
        };
        match request {
            Request::Trace { reveal, .. } => {
                let lines = tap.listen(if reveal { View::Revealed } else { View::Redacted });
                self.say(&Record::Begin).await?;
                self.follow(lines).await
            }
            Request::TraceLast { .. } | Request::Board | Request::Webhooks => {
                self.say(&Record::Begin).await?;
                for line in tap.last() {
                    self.say(&Record::from(&*line)).await?;
                }
                self.say(&Record::End).await
            }
            Request::RotateKey => Ok(()),
        }
    }

    /// However it ends, the rotation does not depend on who asked for it.
    async fn rotate(&mut self, rotations: &mpsc::Sender<AskedRotation>) -> io::Result<()> {
        let (answer, record) = oneshot::channel();
        if rotations.try_send(answer).is_err() {
            return self.say(&Record::Refused { refusal: Refusal::Busy }).await;
        }
        self.say(&Record::Begin).await?;
        let stop = self.stop.clone();
        let record = tokio::select! {
            () = stop.cancelled() => return self.farewell().await,
            record = record => record,
        };
        match record {
            Ok(record) => self.say(&record).await,
            Err(_) => self.farewell().await,
        }
    }

    /// `None`: nothing that this version knows.
    async fn request(&mut self) -> io::Result<Option<Request>> {
        let mut line = vec![];
        let read = tokio::time::timeout(REQUEST_WITHIN, self.requests.read_until(b'\n', &mut line));
        tokio::select! {
            () = self.stop.cancelled() => return Err(io::ErrorKind::Interrupted.into()),
            read = read => read??,
        };
        Ok(serde_json::from_slice(&line).ok())
    }

    async fn follow(&mut self, mut lines: broadcast::Receiver<Arc<TraceLine>>) -> io::Result<()> {
        loop {
            let stop = self.stop.clone();
            let heard = tokio::select! {
                () = stop.cancelled() => return self.farewell().await,
                // It has gone, or speaks out of turn.
                _ = self.requests.read_u8() => return Ok(()),
                heard = lines.recv() => heard,
            };
            match heard {
                Ok(line) => self.say(&Record::from(&*line)).await?,
                Err(RecvError::Lagged(lost)) => self.say(&Record::Lost { lines: lost }).await?,
                Err(RecvError::Closed) => return self.farewell().await,
            }
        }
    }

    async fn say(&mut self, record: &Record) -> io::Result<()> {
        let line = to_line(record);
        let stop = self.stop.clone();
        tokio::select! {
            biased;
            written = tokio::time::timeout(STALLED_AFTER, self.records.write_all(&line)) => {
                written.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing"))?
            }
            // The daemon's end waits for no reader.
            () = stop.cancelled() => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    async fn farewell(&mut self) -> io::Result<()> {
        tokio::time::timeout(FAREWELL_WITHIN, self.records.write_all(&to_line(&Record::Stopping))).await?
    }
}
