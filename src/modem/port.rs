//! The port that a modem is on: a serial device, one behind the network (raw TCP or RFC 2217), or a virtual modem in this
//! process.
//!
//! ```text
//!  open ──► Port: bytes in, bytes out ──► end of file: the modem is gone
//!   │ PortError                                 │
//!   ▼                                           ▼
//!  returned: waits until the device may be opened (again) ──► open
//! ```
//!
//! A serial device is opened for this program alone. It must never speak AT, retry or log: that is the driver's. It
//! must never flush by waiting for a device (`tcdrain`): a dead one would block the runtime.

mod device;
mod list;
mod lock;
mod network;
mod returned;
mod telnet;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::simulator::Simulators;

pub use list::{SerialPort, UsbDevice, UsbInterface, list, without_port};
pub use lock::flock_holder;
pub use returned::returned;

use device::Device;
use network::{Connection, Rfc2217};

/// Where a modem is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortAddress {
    /// A device, or a link to one.
    Device(PathBuf),
    /// A raw TCP connection, as ser2net offers.
    Tcp { host: String, port: u16 },
    /// Telnet with the port's settings (RFC 2217), as ser2net offers too.
    Rfc2217 { host: String, port: u16 },
    /// A virtual modem of this process.
    Simulator(String),
}

/// As the configuration writes it.
impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => path.display().fmt(f),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Rfc2217 { host, port } if host.contains(':') => write!(f, "rfc2217://[{host}]:{port}"),
            Self::Rfc2217 { host, port } => write!(f, "rfc2217://{host}:{port}"),
            Self::Simulator(name) => write!(f, "simulator:{name}"),
        }
    }
}

/// Why a port cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    #[error(
        "{} does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows",
        path.display()
    )]
    NotFound { path: PathBuf },
    #[error("no permission to open {}: {advice}", path.display())]
    Permission { path: PathBuf, advice: String },
    /// `holder`: name and process id, if they can be told.
    #[error(
        "{} is in use by {}: close that program, or keep it away from this port (ModemManager: with the udev rule)",
        path.display(),
        holder.as_deref().unwrap_or("another program")
    )]
    Held { path: PathBuf, holder: Option<String> },
    #[error(
        "{} is no serial port, or no hardware is behind it: choose one that `simverify modem list` shows",
        path.display()
    )]
    NotATerminal { path: PathBuf },
    #[error("{} cannot be opened or set up ({reason}): plug the modem in again, and check baud_rate", path.display())]
    Io { path: PathBuf, reason: String },
    #[error("{address} cannot be reached ({cause}): check the address, and that the other side serves the port")]
    Unreachable { address: PortAddress, cause: io::Error },
    /// `holder`: name and process id of a program on this machine.
    #[error("{address} is in use by {holder}: a modem has one owner, close that program")]
    Taken { address: PortAddress, holder: String },
    #[error("{address} does not speak Telnet: write tcp:// for a raw port, or have it served as telnet(rfc2217)")]
    NoTelnet { address: PortAddress },
    #[error("{address} cannot be opened: {cause}")]
    Simulator { address: PortAddress, cause: io::Error },
}

impl PortError {
    /// Whether the modem is not there: it may come back by itself.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::NotFound { .. } | Self::Unreachable { .. } | Self::Simulator { .. } => true,
            Self::Permission { .. }
            | Self::Held { .. }
            | Self::NotATerminal { .. }
            | Self::Io { .. }
            | Self::Taken { .. }
            | Self::NoTelnet { .. } => false,
        }
    }
}

/// An open port. Reading its end means that the modem is gone: unplugged, hung up, disconnected.
#[derive(Debug)]
pub enum Port {
    Device(Box<Device>),
    Tcp(Connection),
    Rfc2217(Box<Rfc2217>),
    Simulator(DuplexStream),
}

/// Opens the port for this program alone. `baud_rate` counts for devices and RFC 2217; `simulators` are the
/// virtual modems that a name may stand for, and one that does not run is started.
///
/// # Errors
///
/// See [`PortError`]; each says what to do.
pub async fn open(address: &PortAddress, baud_rate: u32, simulators: &Simulators) -> Result<Port, PortError> {
    match address {
        PortAddress::Device(path) => {
            let path = path.clone();
            // Opening may wait for the device, and a search for its holder reads all of /proc.
            let opened = tokio::task::spawn_blocking(move || device::open(&path, baud_rate)).await;
            match opened {
                Ok(device) => Ok(Port::Device(Box::new(device?))),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }
        PortAddress::Tcp { host, port } => network::connect(address, host, *port).await.map(Port::Tcp),
        PortAddress::Rfc2217 { host, port } => {
            let connection = network::connect(address, host, *port).await?;
            Rfc2217::open(address, connection, baud_rate).await.map(|port| Port::Rfc2217(Box::new(port)))
        }
        PortAddress::Simulator(name) => simulators
            .get_or_start(name)
            .open()
            .await
            .map(Port::Simulator)
            .map_err(|cause| PortError::Simulator { address: address.clone(), cause }),
    }
}

/// Opens the port that carries the sound of calls.
///
/// # Errors
///
/// As [`open`].
pub async fn open_sound(address: &PortAddress, simulators: &Simulators) -> Result<Port, PortError> {
    /// Means nothing on the USB ports that carry sound.
    const BAUD_RATE: u32 = 115_200;
    match address {
        PortAddress::Simulator(name) => simulators
            .get_or_start(name)
            .open_audio()
            .await
            .map(Port::Simulator)
            .map_err(|cause| PortError::Simulator { address: address.clone(), cause }),
        PortAddress::Device(_) | PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } => {
            open(address, BAUD_RATE, simulators).await
        }
    }
}

impl AsyncRead for Port {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = ready!(match self.get_mut() {
            Self::Device(device) => Pin::new(&mut device.stream).poll_read(context, buffer),
            Self::Tcp(connection) => Pin::new(&mut connection.stream).poll_read(context, buffer),
            Self::Rfc2217(port) => Pin::new(port.as_mut()).poll_read(context, buffer),
            Self::Simulator(stream) => Pin::new(stream).poll_read(context, buffer),
        });
        // Without a byte read this is the end of the file.
        Poll::Ready(read.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) }))
    }
}

/// What a read of a port fails with once nothing is behind it.
fn is_gone(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EIO | Errno::ENXIO | Errno::ENODEV | Errno::ECONNRESET | Errno::ETIMEDOUT))
}

impl AsyncWrite for Port {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Device(device) => Pin::new(&mut device.stream).poll_write(context, bytes),
            Self::Tcp(connection) => Pin::new(&mut connection.stream).poll_write(context, bytes),
            Self::Rfc2217(port) => Pin::new(port.as_mut()).poll_write(context, bytes),
            Self::Simulator(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // What was written is the kernel's; to wait until it has left would block the thread.
            Self::Device(_) => Poll::Ready(Ok(())),
            Self::Tcp(connection) => Pin::new(&mut connection.stream).poll_flush(context),
            Self::Rfc2217(port) => Pin::new(port.as_mut()).poll_flush(context),
            Self::Simulator(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Device(_) => Poll::Ready(Ok(())),
            Self::Tcp(connection) => Pin::new(&mut connection.stream).poll_shutdown(context),
            Self::Rfc2217(port) => Pin::new(port.as_mut()).poll_shutdown(context),
            Self::Simulator(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests;
