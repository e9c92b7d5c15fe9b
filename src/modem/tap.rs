//! A tap on a modem's line: what is written and what is read, one AT line each, with its instant.
//!
//! ```text
//!  Line ── Ear ──► Tap ──► ring of the last minutes (redacted)
//!                     ├──► those who listen (redacted)
//!                     └──► those who listen and asked for everything (revealed)
//! ```
//!
//! The last minutes are kept redacted only. Revealed lines exist for as long as somebody listens who asked for them; a
//! SIM's PIN is in none of them. Nothing here ever waits: a listener that is slow misses lines and is told how many.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::at::{self, Wire};
use crate::clock::{Clock, Timestamp};

/// What is kept of the past: long enough to look at what has just gone wrong.
const KEPT_FOR: Duration = Duration::from_secs(10 * 60);

/// And never more than this: a modem that floods its line must not fill the memory.
const KEPT_OCTETS_MAX: usize = 256 * 1024;

/// What a line takes besides its text.
const LINE_OVERHEAD: usize = 64;

/// Lines that a listener may lag behind before it misses some: some seconds of a busy modem.
const LAG_MAX: usize = 512;

/// A line without end is shown in pieces of this length.
const PIECE: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    ToModem,
    FromModem,
}

/// How much a listener is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Numbers, messages and identities as their length.
    Redacted,
    /// Everything but a SIM's PIN.
    Revealed,
}

/// One AT line. Control characters are escaped, line ends are gone.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceLine {
    pub at: Timestamp,
    pub direction: Direction,
    pub text: String,
}

/// The text may be a revealed one.
impl fmt::Debug for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceLine({}, {:?}, {} octets)", self.at, self.direction, self.text.len())
    }
}

/// One modem's tap. Clones are the same one; it outlives each opening of the port.
#[derive(Clone)]
pub struct Tap {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    kept: Mutex<Kept>,
    redacted: broadcast::Sender<Arc<TraceLine>>,
    revealed: broadcast::Sender<Arc<TraceLine>>,
}

#[derive(Default)]
struct Kept {
    /// With the monotonic instant: wall time may be set.
    lines: VecDeque<(Instant, Arc<TraceLine>)>,
    octets: usize,
}

impl Tap {
    pub fn new(clock: Clock) -> Self {
        let (redacted, _) = broadcast::channel(LAG_MAX);
        let (revealed, _) = broadcast::channel(LAG_MAX);
        Self { shared: Arc::new(Shared { clock, kept: Mutex::default(), redacted, revealed }) }
    }

    /// The lines from here on.
    pub fn listen(&self, view: View) -> broadcast::Receiver<Arc<TraceLine>> {
        match view {
            View::Redacted => self.shared.redacted.subscribe(),
            View::Revealed => self.shared.revealed.subscribe(),
        }
    }

    /// The last minutes, redacted.
    pub fn last(&self) -> Vec<Arc<TraceLine>> {
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(Instant::now());
        kept.lines.iter().map(|(_, line)| Arc::clone(line)).collect()
    }

    fn note(&self, direction: Direction, redacted: String, revealed: impl FnOnce() -> Option<String>) {
        let Shared { clock, kept, redacted: listeners, revealed: trusted } = &*self.shared;
        let at = clock.now();
        if trusted.receiver_count() > 0 {
            let text = revealed().unwrap_or_else(|| redacted.clone());
            // Whoever listened may have gone meanwhile.
            let _ = trusted.send(Arc::new(TraceLine { at, direction, text }));
        }
        let line = Arc::new(TraceLine { at, direction, text: redacted });
        kept.lock().unwrap_or_else(PoisonError::into_inner).keep(Instant::now(), &line);
        let _ = listeners.send(line);
    }
}

impl Kept {
    fn keep(&mut self, now: Instant, line: &Arc<TraceLine>) {
        self.octets += line.text.len() + LINE_OVERHEAD;
        self.lines.push_back((now, Arc::clone(line)));
        self.forget(now);
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, line)) = self.lines.front() {
            if self.octets <= KEPT_OCTETS_MAX && now.duration_since(*at) <= KEPT_FOR {
                return;
            }
            self.octets -= line.text.len() + LINE_OVERHEAD;
            self.lines.pop_front();
        }
    }
}

/// What one opening of the port hears: makes lines of bytes. Without a tap it does nothing.
#[derive(Default)]
pub(super) struct Ear {
    tap: Option<Tap>,
    /// What was read since the last line end.
    partial: Vec<u8>,
    /// A secret was written and its command has not ended: the modem may repeat it, in whatever pieces.
    secret: bool,
}

impl Ear {
    pub fn of(tap: Tap) -> Self {
        Self { tap: Some(tap), ..Self::default() }
    }

    pub fn wrote(&mut self, wire: &Wire) {
        // What stands without a line end belongs before this.
        self.end_line();
        let Some(tap) = &self.tap else { return };
        self.secret |= wire.is_secret();
        tap.note(Direction::ToModem, format!("{wire:?}"), || {
            (!wire.is_secret()).then(|| visible(wire.bytes.strip_suffix(b"\r").unwrap_or(&wire.bytes)))
        });
    }

    pub fn read(&mut self, bytes: &[u8]) {
        if self.tap.is_none() {
            return;
        }
        for &byte in bytes {
            match byte {
                b'\r' | b'\n' => self.end_line(),
                _ => {
                    self.partial.push(byte);
                    if self.partial.len() >= PIECE {
                        self.end_line();
                    }
                }
            }
        }
        // A prompt has no line end.
        if self.partial.trim_ascii() == b">" {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let Some(tap) = &self.tap else { return };
        if self.partial.trim_ascii().is_empty() {
            self.partial.clear();
            return;
        }
        let line = String::from_utf8_lossy(&self.partial);
        let hidden = self.secret || at::names_a_secret(&line);
        // A digit alone may be a final result, or a piece of the secret.
        let is_number = line.trim().bytes().all(|byte| byte.is_ascii_digit());
        let shown = if self.secret && is_number { "<digits>".to_owned() } else { at::shown_line(&line) };
        tap.note(Direction::FromModem, shown, || (!hidden).then(|| visible(&self.partial)));
        self.secret &= is_number || !at::is_final_result(&line);
        self.partial.clear();
    }
}

/// Bytes as one line of text that steers no terminal.
fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() {
                text.push(character);
            } else {
                text.extend(character.escape_debug());
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::at::{Command, Engine, EngineSettings, Output};
    use super::*;
    use crate::clock::ManualClock;

    fn tap() -> Tap {
        Tap::new(Clock::Manual(ManualClock::at(Timestamp::from_millis(0))))
    }

    fn wire(command: Command) -> Wire {
        let mut engine = Engine::new(EngineSettings { rest: Duration::ZERO, restart_lines: &[] });
        engine.submit(command, Duration::ZERO);
        match engine.poll() {
            Output::Write(wire) => wire,
            other => panic!("{other:?}"),
        }
    }

    fn texts(lines: &[Arc<TraceLine>]) -> String {
        let sign = |direction| match direction {
            Direction::ToModem => '>',
            Direction::FromModem => '<',
        };
        lines.iter().map(|line| format!("{} {}\n", sign(line.direction), line.text)).collect()
    }

    fn heard(listener: &mut broadcast::Receiver<Arc<TraceLine>>) -> String {
        let lines: Vec<_> = std::iter::from_fn(|| listener.try_recv().ok()).collect();
        texts(&lines)
    }

    fn a_session(ear: &mut Ear) {
        for command in [Command::wake(), Command::new("AT+CIMI"), Command::new("ATD+420123456789;")] {
            ear.wrote(&wire(command));
        }
        for chunk in [
            &b"AT+CIMI\r\r\n0010101"[..],
            b"23456789\r\n\r\nOK\r\n\r\n+CDS: 24\r\n0791",
            b"4477581006500611\r\n\r\n> ",
            b"\r\n+CME ERROR: 10\r\n\x00\xff\x1b[2J\r\n+CSQ: 17,99\r\n",
        ] {
            ear.read(chunk);
        }
    }

    #[tokio::test]
    async fn what_is_kept_and_shown_names_nobody() {
        let tap = tap();
        let mut listener = tap.listen(View::Redacted);
        a_session(&mut Ear::of(tap.clone()));
        let shown = texts(&tap.last());
        insta::assert_snapshot!(shown, @r"
        > \u{1b}\r\n
        > AT+CIMI
        > ATD+<12>;
        < <7 characters>
        < <15 characters>
        < OK
        < +CDS: 24
        < <20 characters>
        < > 
        < +CME ERROR: 10
        < <6 characters>
        < +CSQ: 17,99
        ");
        assert_eq!(heard(&mut listener), shown);
    }

    #[tokio::test]
    async fn who_asks_for_everything_sees_it_and_nothing_of_it_is_kept() {
        let tap = tap();
        let mut listener = tap.listen(View::Revealed);
        let mut ear = Ear::of(tap.clone());
        a_session(&mut ear);
        insta::assert_snapshot!(heard(&mut listener), @r"
        > \u{1b}\r\n
        > AT+CIMI
        > ATD+420123456789;
        < AT+CIMI
        < 001010123456789
        < OK
        < +CDS: 24
        < 07914477581006500611
        < > 
        < +CME ERROR: 10
        < \0\xff\u{1b}[2J
        < +CSQ: 17,99
        ");
        assert!(!texts(&tap.last()).contains("001010123456789"));
    }

    #[tokio::test]
    async fn a_sim_pin_is_shown_to_nobody_however_the_modem_repeats_it() {
        let tap = tap();
        let mut listener = tap.listen(View::Revealed);
        let mut ear = Ear::of(tap);
        ear.wrote(&wire(Command::enter_pin("8246")));
        ear.read(b"AT+CPIN=\"8246\"\r\r\n");
        ear.read(b"AT+CP\r\n+CREG: 2\r\nIN=\"82");
        ear.wrote(&wire(Command::new("AT")));
        ear.read(b"4\r6\"\r\n");
        ear.read(b"\r\nOK\r\n0012\r\nat+cpin=\"8246\"\r\n");
        let heard = heard(&mut listener);
        assert!(!heard.contains("82") && !heard.contains("46"), "{heard}");
        insta::assert_snapshot!(heard, @r"
        > AT+CPIN=***
        < <14 characters>
        < <5 characters>
        < +CREG: 2
        < <6 characters>
        > AT
        < <digits>
        < <2 characters>
        < OK
        < 0012
        < <14 characters>
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn the_past_is_bounded_in_time_and_in_size() {
        let tap = tap();
        let mut ear = Ear::of(tap.clone());
        ear.read(b"+CSQ: 1,99\r\n");
        tokio::time::advance(KEPT_FOR).await;
        ear.read(b"+CSQ: 2,99\r\n");
        assert_eq!(texts(&tap.last()), "< +CSQ: 1,99\n< +CSQ: 2,99\n");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(texts(&tap.last()), "< +CSQ: 2,99\n");
        for _ in 0..20_000 {
            ear.read(b"^RSSI: 3\r\n");
        }
        let octets: usize = tap.last().iter().map(|line| line.text.len() + LINE_OVERHEAD).sum();
        assert!(octets <= KEPT_OCTETS_MAX && octets > KEPT_OCTETS_MAX / 2, "{octets}");
        assert_eq!(tap.shared.kept.lock().expect("whole").octets, octets);
    }

    #[tokio::test]
    async fn who_is_slow_misses_lines_and_learns_how_many() {
        let tap = tap();
        let mut listener = tap.listen(View::Redacted);
        let mut ear = Ear::of(tap);
        for _ in 0..LAG_MAX + 10 {
            ear.read(b"RING\r\n");
        }
        assert!(matches!(listener.try_recv(), Err(broadcast::error::TryRecvError::Lagged(10))));
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces() {
        let tap = tap();
        let mut ear = Ear::of(tap.clone());
        ear.read(&vec![b'x'; 3 * PIECE]);
        assert_eq!(texts(&tap.last()), "< <4096 characters>\n".repeat(3));
        assert!(ear.partial.capacity() <= 2 * PIECE);
    }
}
