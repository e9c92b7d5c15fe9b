//! A port with the engine that speaks on it: bytes in, bytes out, and the present.
//!
//! [`Line::next`] may be given up at any await without losing a byte: what was read is in the engine, what is to be
//! written is in a buffer of its own.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tracing::{Span, trace};

use super::at::{AtError, Command, CommandId, Engine, EngineSettings, Output, Reply, Unsolicited};
use super::tap::{Ear, Tap};

/// One read: more than a modem sends at once.
const READ: usize = 1024;

/// A port that takes no byte for this long is dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the line says.
#[derive(Debug)]
pub enum Said {
    Reply {
        id: CommandId,
        result: Result<Reply, AtError>,
    },
    Prompt {
        id: CommandId,
    },
    Unsolicited(Unsolicited),
    /// The instant that the caller asked to be told of has come.
    Time,
}

pub struct Line<P> {
    port: P,
    engine: Engine,
    outgoing: Vec<u8>,
    write_deadline: Option<Instant>,
    /// The driver's start: the zero of every `Duration` that the machines see.
    zero: Instant,
    ear: Ear,
    /// What the commands that are submitted serve, for the log.
    purpose: Span,
    /// Of the commands that wait or run, where they serve something.
    purposes: BTreeMap<CommandId, Span>,
}

impl<P: AsyncRead + AsyncWrite + Unpin> Line<P> {
    pub fn new(port: P, settings: EngineSettings, zero: Instant) -> Self {
        let engine = Engine::new(settings);
        let (purpose, purposes) = (Span::none(), BTreeMap::new());
        Self { port, engine, outgoing: vec![], write_deadline: None, zero, ear: Ear::default(), purpose, purposes }
    }

    /// The same line with a tap on it.
    pub fn tapped(self, tap: Tap) -> Self {
        Self { ear: Ear::of(tap), ..self }
    }

    /// Time since the driver's start.
    pub fn now(&self) -> Duration {
        self.zero.elapsed()
    }

    pub fn submit(&mut self, command: Command) -> CommandId {
        let now = self.now();
        let id = self.engine.submit(command, now);
        if !self.purpose.is_none() {
            self.purposes.insert(id, self.purpose.clone());
        }
        id
    }

    /// The log tells of each command that is submitted from here on in this span.
    pub fn serve(&mut self, purpose: Span) {
        self.purpose = purpose;
    }

    /// The span of the command that the line is busy with.
    fn served(&self) -> Span {
        self.engine.running().and_then(|id| self.purposes.get(&id)).cloned().unwrap_or_else(Span::none)
    }

    /// See [`Engine::proceed`].
    pub fn proceed(&mut self, id: CommandId, body: &str) -> bool {
        let now = self.now();
        self.engine.proceed(id, body, now)
    }

    /// See [`Engine::abandon`].
    pub fn abandon(&mut self, id: CommandId) -> bool {
        let now = self.now();
        self.engine.abandon(id, now)
    }

    /// See [`Engine::interrupt`].
    pub fn interrupt(&mut self, id: CommandId) -> bool {
        let now = self.now();
        self.engine.interrupt(id, now)
    }

    pub fn configure(&mut self, settings: EngineSettings) {
        self.engine.configure(settings);
    }

    /// The port is gone: every command gets its reply, which [`Line::take`] gives.
    pub fn close(&mut self) {
        let now = self.now();
        self.engine.close(now);
    }

    /// What is there without waiting.
    pub fn take(&mut self) -> Option<Said> {
        loop {
            match self.engine.poll() {
                Output::Write(wire) => {
                    self.served().in_scope(|| trace!(name: "at.command", bytes = ?wire, "to the modem"));
                    self.ear.wrote(&wire);
                    self.outgoing.extend_from_slice(&wire.bytes);
                }
                Output::Reply { id, result } => {
                    let served = self.purposes.remove(&id).unwrap_or_else(Span::none);
                    served.in_scope(|| trace!(name: "at.reply", %id, ?result, "reply"));
                    return Some(Said::Reply { id, result });
                }
                Output::Prompt { id } => return Some(Said::Prompt { id }),
                Output::Unsolicited(line) => {
                    trace!(name: "at.unsolicited", ?line, "unsolicited");
                    return Some(Said::Unsolicited(line));
                }
                Output::Wait(_) => return None,
            }
        }
    }

    /// Waits for the next thing, or for the instant `until`.
    ///
    /// # Errors
    ///
    /// The port is gone, or takes no bytes.
    pub async fn next(&mut self, until: Option<Duration>) -> io::Result<Said> {
        loop {
            if let Some(said) = self.take() {
                return Ok(said);
            }
            let now = self.now();
            if until.is_some_and(|until| now >= until) {
                return Ok(Said::Time);
            }
            let engine_due = match self.engine.poll() {
                Output::Wait(due) => due,
                _ => unreachable!("take() has polled until Wait"),
            };
            self.exchange([engine_due, until].into_iter().flatten().min()).await?;
            let now = self.now();
            self.engine.handle_timeout(now);
        }
    }

    /// Writes what is to be written and reads what comes, until something was read or `due`.
    async fn exchange(&mut self, due: Option<Duration>) -> io::Result<()> {
        if self.outgoing.is_empty() {
            self.write_deadline = None;
        } else if self.write_deadline.is_none() {
            self.write_deadline = Some(Instant::now() + WRITE_TIMEOUT);
        }
        let write_deadline = self.write_deadline;
        let due = due.map(|due| self.zero + due);
        let wake = [due, write_deadline].into_iter().flatten().min();
        let sleep = async {
            match wake {
                Some(wake) => tokio::time::sleep_until(wake).await,
                None => std::future::pending().await,
            }
        };
        let mut buffer = [0; READ];
        let (mut read, mut write) = tokio::io::split(&mut self.port);
        tokio::select! {
            biased;
            written = write.write(&self.outgoing), if !self.outgoing.is_empty() => {
                let written = written?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                self.outgoing.drain(..written);
                self.write_deadline = None;
            }
            got = read.read(&mut buffer) => {
                let got = got?;
                if got == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                trace!(name: "at.read", octets = got, "from the modem");
                self.ear.read(&buffer[..got]);
                let now = self.zero.elapsed();
                self.engine.receive(&buffer[..got], now);
            }
            () = sleep => {
                if write_deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the port takes no bytes"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::profile::GENERIC;

    async fn answer(modem: &mut tokio::io::DuplexStream, expected: &str, reply: &str) {
        let mut got = vec![0; expected.len()];
        modem.read_exact(&mut got).await.expect("a command");
        assert_eq!(String::from_utf8_lossy(&got), expected);
        modem.write_all(reply.as_bytes()).await.expect("room");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_gets_its_reply_and_a_given_up_wait_loses_nothing() {
        let (port, mut modem) = tokio::io::duplex(64);
        let mut line = Line::new(port, GENERIC.engine_settings(), Instant::now());
        let id = line.submit(Command::new("AT+CSQ"));
        // Given up before anything was written or read.
        let now = line.now();
        assert!(matches!(line.next(Some(now)).await, Ok(Said::Time)));
        let (said, ()) = tokio::join!(line.next(None), answer(&mut modem, "AT+CSQ\r", "\r\n+CSQ: 17,99\r\n\r\nOK\r\n"));
        match said.expect("the port is there") {
            Said::Reply { id: replied, result: Ok(reply) } => {
                assert_eq!((replied, reply.lines), (id, vec!["+CSQ: 17,99".to_owned()]));
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_port_is_an_error_and_every_command_still_gets_a_reply() {
        let (port, modem) = tokio::io::duplex(64);
        let mut line = Line::new(port, GENERIC.engine_settings(), Instant::now());
        let id = line.submit(Command::new("AT"));
        drop(modem);
        while line.next(None).await.is_ok() {}
        line.close();
        assert!(matches!(line.take(), Some(Said::Reply { id: replied, result: Err(_) }) if replied == id));
        assert!(line.take().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_port_that_takes_no_bytes_is_given_up() {
        let (port, _modem) = tokio::io::duplex(2);
        let mut line = Line::new(port, GENERIC.engine_settings(), Instant::now());
        line.submit(Command::new("AT+CGMI").within(Duration::from_secs(600)));
        let error = line.next(None).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
