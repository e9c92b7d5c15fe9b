//! A port behind the network: raw TCP, or Telnet with the port's settings (RFC 2217).
//!
//! One program has a modem, and TCP knows no exclusive use: so a lock file keeps a second daemon of this machine away
//! from the same server, and one of another machine is the server's to refuse.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, lookup_host};

use super::lock::{self, LockFile, Taken};
use super::telnet::Telnet;
use super::{PortAddress, PortError};

/// How long name and connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may take to answer what it was asked for; what is open then stays as the server has it.
const NEGOTIATION_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection without traffic is probed after this time, this often and so many times: a cabinet without power is
/// noticed within a minute.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

/// What was written and is not confirmed for this long was written to nobody (RFC 5482).
const UNCONFIRMED_MAX: Duration = Duration::from_secs(20);

/// Encoded bytes that wait for the socket; further ones wait with the writer.
const OUTGOING_MAX: usize = 8 * 1024;

/// One read of the socket.
const READ: usize = 1024;

/// A connection, with the mark that keeps other programs of this machine away.
#[derive(Debug)]
pub struct Connection {
    pub(super) stream: TcpStream,
    _lock: Option<LockFile>,
}

/// Connects to the first of the host's addresses that answers.
pub(super) async fn connect(address: &PortAddress, host: &str, port: u16) -> Result<Connection, PortError> {
    let unreachable = |cause| PortError::Unreachable { address: address.clone(), cause };
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, async {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for socket in lookup_host((host, port)).await.map_err(unreachable)? {
            // Before the connection: some servers hang up on the one that is there when another comes.
            let lock = take_lock(address, socket).await?;
            match TcpStream::connect(socket).await {
                Ok(stream) => return Ok(Connection { stream, _lock: lock }),
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    });
    let connection = connected.await.unwrap_or_else(|_| {
        Err(unreachable(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CONNECT_TIMEOUT:?}"))))
    })?;
    set_up(&connection.stream).map_err(unreachable)?;
    Ok(connection)
}

async fn take_lock(address: &PortAddress, socket: SocketAddr) -> Result<Option<LockFile>, PortError> {
    let taken = tokio::task::spawn_blocking(move || lock::take_network(socket)).await;
    match taken {
        Ok(Taken::Ours(lock)) => Ok(Some(lock)),
        Ok(Taken::Impossible) => Ok(None),
        Ok(Taken::By(holder)) => Err(PortError::Taken { address: address.clone(), holder }),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(UNCONFIRMED_MAX))
}

/// A connection that speaks RFC 2217: bytes of the modem in and out, the rest is between server and codec.
#[derive(Debug)]
pub struct Rfc2217 {
    connection: Connection,
    telnet: Telnet,
    /// From the modem, not read yet.
    incoming: Vec<u8>,
    /// For the socket, encoded.
    outgoing: Vec<u8>,
}

impl Rfc2217 {
    /// Agrees with the server on the port's settings, as far as it will.
    pub(super) async fn open(address: &PortAddress, connection: Connection, baud_rate: u32) -> Result<Self, PortError> {
        let telnet = Telnet::new(baud_rate);
        let outgoing = telnet.begin();
        let mut port = Self { connection, telnet, incoming: Vec::new(), outgoing };
        let settled = tokio::time::timeout(NEGOTIATION_TIMEOUT, port.negotiate()).await;
        let unreachable = |cause| PortError::Unreachable { address: address.clone(), cause };
        match settled {
            Ok(Ok(())) => Ok(port),
            Ok(Err(cause)) => Err(unreachable(cause)),
            Err(_) if port.telnet.has_heard_telnet() => Ok(port),
            Err(_) => Err(PortError::NoTelnet { address: address.clone() }),
        }
    }

    async fn negotiate(&mut self) -> io::Result<()> {
        let mut buffer = [0; READ];
        loop {
            let written = std::mem::take(&mut self.outgoing);
            self.connection.stream.write_all(&written).await?;
            if self.telnet.is_settled() {
                return Ok(());
            }
            let count = self.connection.stream.read(&mut buffer).await?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the server hangs up"));
            }
            self.telnet.receive(&buffer[..count], &mut self.incoming, &mut self.outgoing);
        }
    }

    fn poll_outgoing(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.connection.stream).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Rfc2217 {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            // Answers to the server leave here as well: a line that is silent is read all the time and written seldom.
            if let Poll::Ready(Err(error)) = this.poll_outgoing(context) {
                return Poll::Ready(Err(error));
            }
            if !this.incoming.is_empty() {
                let count = this.incoming.len().min(buffer.remaining());
                buffer.put_slice(&this.incoming[..count]);
                this.incoming.drain(..count);
                return Poll::Ready(Ok(()));
            }
            // A server that asks without end and reads nothing is not asked back.
            if this.outgoing.len() > OUTGOING_MAX {
                return Poll::Pending;
            }
            let mut read = [0; READ];
            let mut read = ReadBuf::new(&mut read);
            ready!(Pin::new(&mut this.connection.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.telnet.receive(read.filled(), &mut this.incoming, &mut this.outgoing);
        }
    }
}

impl AsyncWrite for Rfc2217 {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.len() >= OUTGOING_MAX {
            ready!(this.poll_outgoing(context))?;
        }
        let count = bytes.len().min(READ);
        this.telnet.encode(&bytes[..count], &mut this.outgoing);
        match this.poll_outgoing(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The rest leaves with the next read, write or flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_outgoing(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(context))?;
        Pin::new(&mut this.connection.stream).poll_shutdown(context)
    }
}
