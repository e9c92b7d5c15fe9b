//! The side of the modem that faces the line: echo, framing of answers, prompts, and the queue of bytes to write.
//!
//! Frames as ITU-T V.250 §5.7 says, with the deviations that [`Settings`] ask for. Knows no command.

use std::collections::VecDeque;
use std::time::Duration;

use super::settings::{Echo, LineEnd, Prompt, Settings};

/// Bytes that wait for a reader; more is lost, as on a line without flow control.
const QUEUE_MAX: usize = 64 * 1024;

/// Result codes of ITU-T V.250 §5.7.1 that exist as number too.
const RESULTS: [(&str, u8); 8] = [
    ("OK", 0),
    ("CONNECT", 1),
    ("RING", 2),
    ("NO CARRIER", 3),
    ("ERROR", 4),
    ("NO DIALTONE", 6),
    ("BUSY", 7),
    ("NO ANSWER", 8),
];

pub(super) struct Terminal {
    /// `ATE`, `ATV`, `ATQ` and `AT+CMEE` as the other side set them.
    pub echo: bool,
    pub verbose: bool,
    pub quiet: bool,
    pub error_format: u8,
    queue: VecDeque<u8>,
    next_write: Duration,
    noise: u32,
}

impl Terminal {
    pub(super) fn new() -> Self {
        Self {
            echo: true,
            verbose: true,
            quiet: false,
            error_format: 0,
            queue: VecDeque::new(),
            next_write: Duration::ZERO,
            noise: 1,
        }
    }

    pub(super) fn reset(&mut self) {
        (self.echo, self.verbose, self.quiet, self.error_format) = (true, true, false, 0);
    }

    pub(super) fn echo(&mut self, byte: u8, settings: &Settings) {
        let wanted = match settings.echo {
            Echo::Commanded => self.echo,
            Echo::Always => true,
            Echo::Never => false,
        };
        if wanted {
            self.push(&[byte]);
        }
    }

    /// An information line; a line feed inside it becomes the line end in use.
    pub(super) fn line(&mut self, text: &str, settings: &Settings) {
        let end = end(settings.line_end);
        let text = text.replace('\n', end);
        let framed = if self.verbose { format!("{end}{text}{end}") } else { format!("{text}{end}") };
        self.push(framed.as_bytes());
    }

    /// A final or unsolicited result code, in words or as number.
    pub(super) fn result(&mut self, text: &str, settings: &Settings) {
        if self.quiet {
            return;
        }
        match RESULTS.iter().find(|(word, _)| *word == text) {
            Some((_, number)) if !self.verbose => self.push(format!("{number}\r").as_bytes()),
            _ => self.line(text, settings),
        }
    }

    pub(super) fn prompt(&mut self, settings: &Settings) {
        self.push(match settings.prompt {
            Prompt::Standard => b"\r\n> ",
            Prompt::Bare => b">",
            Prompt::Cr => b"> \r",
        });
    }

    /// `count` bytes of rubbish, the same in each run.
    pub(super) fn garbage(&mut self, count: usize) {
        for _ in 0..count {
            self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.push(&[self.noise.to_be_bytes()[0]]);
        }
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// The next bytes to write at `now`, if any are due.
    pub(super) fn take(&mut self, now: Duration, settings: &Settings) -> Option<Vec<u8>> {
        if self.queue.is_empty() || now < self.next_write {
            return None;
        }
        let size = if settings.chunk == 0 { self.queue.len() } else { settings.chunk.min(self.queue.len()) };
        self.next_write = if settings.chunk == 0 { now } else { now + settings.chunk_gap };
        Some(self.queue.drain(..size).collect())
    }

    /// When the next chunk may go, if one waits.
    pub(super) fn next_write(&self) -> Option<Duration> {
        (!self.queue.is_empty()).then_some(self.next_write)
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.queue.len() + bytes.len() <= QUEUE_MAX {
            self.queue.extend(bytes);
        }
    }
}

fn end(line_end: LineEnd) -> &'static str {
    match line_end {
        LineEnd::CrLf => "\r\n",
        LineEnd::Lf => "\n",
        LineEnd::Cr => "\r",
        LineEnd::CrCrLf => "\r\r\n",
    }
}
