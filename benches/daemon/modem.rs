//! The far end of the serial line: the virtual modem at a pty, in a thread that notes when the bytes came.
//!
//! It answers as soon as a command is in, unless its settings say otherwise, so that what is measured is the program at
//! the near end. Every program that is compared gets the same one.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;
use simverify::simulator::{CallState, Output, PhoneEvent, Settings, VirtualModem};

/// Longer than anything that is measured takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `AT+CMGS` has arrived.
    Submit,
    /// `+CMGS: n` is about to leave, with its `OK`.
    Accepted,
    /// Somebody has taken a call; no line has told it yet.
    Answered,
    /// A call is over, whoever ended it.
    Ended,
}

#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub what: What,
    pub at: Instant,
}

pub struct Modem {
    pub path: PathBuf,
    seen: Receiver<Seen>,
    /// Held so that the line stands while no program has it open. The thread ends when it is closed.
    _slave: OwnedFd,
}

/// A pty, raw: what the modem's side reads and writes, what keeps the line up, and its name.
pub fn raw_pty() -> anyhow::Result<(File, OwnedFd, PathBuf)> {
    let pair = openpty(None, None)?;
    let mut terminal = tcgetattr(&pair.slave)?;
    cfmakeraw(&mut terminal);
    tcsetattr(&pair.slave, SetArg::TCSANOW, &terminal)?;
    let path = ttyname(&pair.slave)?;
    Ok((File::from(pair.master), pair.slave, path))
}

impl Modem {
    pub fn start(settings: Settings) -> anyhow::Result<Self> {
        let (master, slave, path) = raw_pty()?;
        let (sender, seen) = mpsc::channel();
        let line = Line { master, modem: VirtualModem::new(settings), seen: sender };
        std::thread::Builder::new().name("modem".to_owned()).spawn(move || line.run())?;
        Ok(Self { path, seen, _slave: slave })
    }

    /// A modem whose network reports no delivery: nothing but submissions is on the line.
    pub fn start_without_reports() -> anyhow::Result<Self> {
        Self::start(Settings::default().with("reports", "off"))
    }

    /// Waits for the next sight of `what`; what comes before it is passed over.
    pub fn wait(&self, what: What) -> anyhow::Result<Instant> {
        loop {
            let seen = self.next()?;
            if seen.what == what {
                return Ok(seen.at);
            }
        }
    }

    pub fn next(&self) -> anyhow::Result<Seen> {
        self.seen.recv_timeout(PATIENCE).context("nothing is sent to the modem")
    }
}

struct Line {
    master: File,
    modem: VirtualModem,
    seen: Sender<Seen>,
}

impl Line {
    /// Until the line is closed.
    fn run(mut self) {
        let zero = Instant::now();
        let mut buffer = [0; 4096];
        let mut command = Vec::new();
        loop {
            let Some(due) = self.write_out() else { return };
            if !self.readable(due.map(|due| due.saturating_sub(zero.elapsed()))) {
                self.modem.handle_timeout(zero.elapsed());
                continue;
            }
            let Ok(count @ 1..) = self.master.read(&mut buffer) else { return };
            let at = Instant::now();
            command.extend_from_slice(&buffer[..count]);
            if let Some(end) = command.iter().rposition(|octet| b"\r\x1A\x1B".contains(octet)) {
                if command[..=end].windows(8).any(|octets| octets == b"AT+CMGS=") {
                    self.note(What::Submit, at);
                }
                command.drain(..=end);
            }
            self.modem.receive(&buffer[..count], zero.elapsed());
        }
    }

    /// Gives the instant at which the modem wants to be asked again; nothing if the line is closed.
    fn write_out(&mut self) -> Option<Option<Duration>> {
        loop {
            match self.modem.poll() {
                Output::Write(bytes) => {
                    if bytes.windows(6).any(|octets| octets == b"+CMGS:") {
                        self.note(What::Accepted, Instant::now());
                    }
                    self.master.write_all(&bytes).ok()?;
                }
                Output::Phone(PhoneEvent::Call { state: CallState::Answered, .. }) => {
                    self.note(What::Answered, Instant::now());
                }
                Output::Phone(PhoneEvent::Call { state: CallState::Ended, .. }) => {
                    self.note(What::Ended, Instant::now());
                }
                Output::Phone(_) | Output::Report(_) | Output::Port(_) | Output::Sound(_) | Output::Recorded(_) => {}
                Output::Wait(due) => return Some(due),
            }
        }
    }

    fn readable(&self, within: Option<Duration>) -> bool {
        // A millisecond more, as less would be no wait at all.
        let timeout = within.map_or(PollTimeout::NONE, |within| {
            PollTimeout::try_from(within.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        let mut waited = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut waited, timeout).is_ok_and(|ready| ready > 0)
    }

    fn note(&self, what: What, at: Instant) {
        // Nobody waits for it any more at the end of a part.
        let _ = self.seen.send(Seen { what, at });
    }
}
