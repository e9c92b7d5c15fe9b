//! One port of a running virtual modem: in process or on a pty, with the bytes that wait for a reader.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

use super::pty::Pty;

/// Bytes that one end of an in-process port may be ahead of the other.
const DUPLEX_BYTES: usize = 16 * 1024;
pub(super) const READ_BYTES: usize = 4096;

/// Both ends of whatever the bytes go over.
pub(super) struct Port {
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

pub(super) struct Line {
    /// None for a port in process.
    pty: Option<Pty>,
    port: Option<Port>,
    unplugged: bool,
    unsent: Vec<u8>,
    unsent_max: usize,
}

/// What happened on a line.
pub(super) enum Turn {
    Read(io::Result<usize>),
    Written(io::Result<usize>),
    /// A program has closed the pty.
    Released,
}

impl Line {
    /// A line in process that nobody has opened yet. What comes while `unsent_max` bytes wait is lost, as on a line
    /// without flow control.
    pub(super) fn in_process(unsent_max: usize) -> Self {
        Self { pty: None, port: None, unplugged: false, unsent: Vec::new(), unsent_max }
    }

    pub(super) fn on_pty(mut pty: Pty, unsent_max: usize) -> io::Result<Self> {
        let port = Some(pty.port()?);
        Ok(Self { pty: Some(pty), port, ..Self::in_process(unsent_max) })
    }

    /// The other end of a new port in process; whoever had one finds it closed.
    pub(super) fn open(&mut self) -> io::Result<DuplexStream> {
        if self.pty.is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this virtual modem is on a pty; open its link"));
        }
        if self.unplugged {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the virtual modem is unplugged"));
        }
        let (ours, theirs) = tokio::io::duplex(DUPLEX_BYTES);
        let (reader, writer) = tokio::io::split(ours);
        self.unsent.clear();
        self.port = Some(Port { reader: Box::new(reader), writer: Box::new(writer) });
        Ok(theirs)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        if self.port.is_some() && self.unsent.len() + bytes.len() <= self.unsent_max {
            self.unsent.extend(bytes);
        }
    }

    pub(super) fn unplug(&mut self) {
        self.unplugged = true;
        self.close();
        if let Some(pty) = &mut self.pty {
            pty.unplug();
        }
    }

    pub(super) fn plug_in(&mut self) -> io::Result<()> {
        self.unplugged = false;
        if let Some(pty) = &mut self.pty {
            pty.plug_in()?;
            self.port = Some(pty.port()?);
        }
        Ok(())
    }

    /// The next event on the line; none comes while nobody can have it open.
    pub(super) async fn turn(&mut self, buffer: &mut [u8]) -> Turn {
        let Some(port) = &mut self.port else { return std::future::pending().await };
        tokio::select! {
            biased;
            written = port.writer.write(&self.unsent), if !self.unsent.is_empty() => Turn::Written(written),
            read = port.reader.read(buffer) => Turn::Read(read),
            () = released(self.pty.as_ref()) => Turn::Released,
        }
    }

    /// Settles an event; how many bytes were read into the buffer.
    pub(super) fn settle(&mut self, turn: Turn) -> io::Result<usize> {
        match turn {
            Turn::Read(Ok(count)) if count > 0 => return Ok(count),
            Turn::Written(Ok(count)) if count > 0 => {
                self.unsent.drain(..count);
            }
            Turn::Released => {}
            // The other side of a port in process was dropped; a pty's own end stays open.
            Turn::Read(_) | Turn::Written(_) => {
                self.close();
                if self.pty.is_some() && !self.unplugged {
                    return Err(io::Error::other("pty closed unexpectedly"));
                }
            }
        }
        Ok(0)
    }

    fn close(&mut self) {
        self.port = None;
        self.unsent.clear();
    }
}

async fn released(pty: Option<&Pty>) {
    match pty {
        Some(pty) => pty.released().await,
        None => std::future::pending().await,
    }
}
