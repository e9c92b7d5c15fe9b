//! Where lines go, and the thread that brings them there.
//!
//! Nobody who says something waits for whoever reads it: a terminal, a pipe or a journal that takes nothing must not hold
//! up a request, a modem or the watchdog. Lines wait in a bounded queue; what finds it full is lost and counted, and the
//! log says how many were lost as soon as it takes lines again.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Level;

use super::form::Form;
use super::line::Line;
use crate::clock::Timestamp;

/// Octets that may wait, and again so many that are being written: seconds of a busy daemon at level trace.
const WAITING_MAX: usize = 2 * 1024 * 1024;

/// How long the end of the program waits for the lines that wait.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Octets that go to standard error at once.
const BATCH: usize = 32 * 1024;

/// Takes lines. Clones are the same outlet.
#[derive(Clone, Default)]
pub struct Outlet(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    given: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    octets: usize,
    lost: u64,
    /// Taken out and not written yet.
    in_hand: bool,
}

impl Outlet {
    /// Starts the thread that writes each line to `sink`.
    ///
    /// # Errors
    ///
    /// If the system has no thread left.
    pub fn start(form: Form, now: fn() -> Timestamp, sink: impl Write + Send + 'static) -> io::Result<Self> {
        let outlet = Self::default();
        let shared = Arc::clone(&outlet.0);
        let run = move || shared.run(sink, |lost| form.write(&lost_line(lost, now())));
        std::thread::Builder::new().name("log".to_owned()).spawn(run)?;
        Ok(outlet)
    }

    /// Never waits for the sink.
    pub fn give(&self, line: Vec<u8>) {
        let mut waiting = self.0.lock();
        if waiting.octets + line.len() > WAITING_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.octets += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.0.given.notify_one();
    }

    /// Waits until everything given so far is written, but not for ever.
    pub fn flush(&self) {
        let unwritten = |waiting: &mut Waiting| waiting.in_hand || !waiting.lines.is_empty();
        // Whoever reads nothing gets nothing.
        drop(self.0.written.wait_timeout_while(self.0.lock(), END_TIMEOUT, unwritten));
    }
}

impl Shared {
    fn run(&self, mut sink: impl Write, lost_line: impl Fn(u64) -> Vec<u8>) {
        loop {
            let (lines, lost) = self.take();
            let mut failed = 0;
            for line in lines {
                failed += u64::from(sink.write_all(&line).is_err());
            }
            if lost > 0 && sink.write_all(&lost_line(lost)).is_err() {
                failed += lost;
            }
            // It is written with the next lines, if at all.
            let _ = sink.flush();
            let mut waiting = self.lock();
            waiting.in_hand = false;
            waiting.lost += failed;
            self.written.notify_all();
        }
    }

    /// Waits for lines and takes them all.
    fn take(&self) -> (VecDeque<Vec<u8>>, u64) {
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty();
        let waiting = self.given.wait_while(self.lock(), is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        waiting.in_hand = true;
        waiting.octets = 0;
        (std::mem::take(&mut waiting.lines), std::mem::take(&mut waiting.lost))
    }

    /// Nothing that could panic is done under the lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost_line(lost: u64, time: Timestamp) -> Line {
    Line {
        time,
        level: Level::WARN,
        name: Some("log.lost"),
        target: module_path!().to_owned(),
        message: "lines of the log were lost: nobody took them in time".to_owned(),
        fields: vec![("lines", lost.into())],
    }
}

/// Standard error, several lines at once.
pub fn standard_error() -> impl Write + Send + 'static {
    io::BufWriter::with_capacity(BATCH, io::stderr())
}

/// The journal's socket: a line is a datagram.
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// # Errors
    ///
    /// If nobody listens there.
    pub fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // The journal passes over a datagram without fields.
        socket.send_to(&[], path)?;
        Ok(Self { socket, path: path.to_owned() })
    }
}

impl Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // By its path each time: the journal may have been started anew.
        self.socket.send_to(line, &self.path)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, SyncSender};

    use super::*;

    /// Takes a line whenever it is told to.
    struct Slow {
        go: Receiver<()>,
        written: SyncSender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.written.send(line.to_owned()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_takes_nothing_holds_nobody_up_and_is_told_how_much_was_lost() {
        let (go, told) = mpsc::sync_channel(64);
        let (written, lines) = mpsc::sync_channel(64);
        let now = || Timestamp::from_millis(0);
        let form = Form::Text { coloured: false };
        let outlet = Outlet::start(form, now, Slow { go: told, written }).expect("a thread");
        let large = vec![b'x'; WAITING_MAX / 4];
        // However many of these the thread has taken, three are too many.
        for _ in 0..11 {
            outlet.give(large.clone());
        }
        let mut seen = 0;
        let lost = loop {
            go.send(()).expect("it lives");
            let line = lines.recv().expect("it lives");
            if line != large {
                break String::from_utf8(line).expect("text");
            }
            seen += 1;
        };
        assert!((4..=8).contains(&seen), "{seen}");
        let expected = format!("log.lost: lines of the log were lost: nobody took them in time lines={}\n", 11 - seen);
        assert_eq!(lost.split_once("WARN ").expect("a level").1, expected);
        go.send(()).expect("it lives");
        outlet.give(b"on it goes\n".to_vec());
        assert_eq!(lines.recv().expect("it lives"), b"on it goes\n");
        outlet.flush();
    }

    #[test]
    fn the_journal_hears_a_line_as_a_datagram_and_after_it_was_started_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        assert!(Journal::at(&path).is_err(), "nobody listens");
        let mut octets = [0; 64];
        let mut hear = |socket: &UnixDatagram| {
            let length = socket.recv(&mut octets).expect("a datagram");
            octets[..length].to_owned()
        };
        let first = UnixDatagram::bind(&path).expect("a socket");
        let mut journal = Journal::at(&path).expect("it listens");
        assert_eq!(hear(&first), b"");
        journal.write_all(b"one").expect("it listens");
        assert_eq!(hear(&first), b"one");
        drop(first);
        std::fs::remove_file(&path).expect("a file");
        assert!(journal.write_all(b"lost").is_err());
        let second = UnixDatagram::bind(&path).expect("a socket");
        journal.write_all(b"two").expect("it listens");
        assert_eq!(hear(&second), b"two");
    }
}
