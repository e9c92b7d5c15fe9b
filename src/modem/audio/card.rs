//! A sound card as the way into a call: a modem with USB audio, or one whose microphone wires lead to a card.
//!
//! `aplay` of Debian's alsa-utils plays: it knows every plugin of ALSA's configuration, a card that hangs takes no thread
//! of ours with it, and no library has to be there on machines that need none.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// What the card holds: more would be heard late, less would break off on a busy machine.
const BUFFER: Duration = Duration::from_millis(120);
const PERIOD: Duration = Duration::from_millis(20);
/// For what is in the card's buffer at the end.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// Of what `aplay` complains about.
const COMPLAINT_OCTETS_MAX: u64 = 4096;
const COMPLAINT_CHARACTERS_MAX: usize = 120;

/// A sound card that plays 8 kHz mono S16LE.
#[derive(Debug)]
pub struct Card {
    player: Child,
    samples: Option<ChildStdin>,
}

impl Card {
    /// Opens `device` by its name in ALSA (`hw:Android`, `plughw:1,0`).
    ///
    /// # Errors
    ///
    /// If `aplay` cannot be started; a device that it cannot open is told when the playing ends.
    pub fn open(device: &str) -> io::Result<Self> {
        let mut player = Command::new("aplay")
            .args(["--quiet", "--file-type=raw", "--format=S16_LE", "--rate=8000", "--channels=1"])
            .arg(format!("--device={device}"))
            .arg(format!("--buffer-time={}", BUFFER.as_micros()))
            .arg(format!("--period-time={}", PERIOD.as_micros()))
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    io::Error::new(error.kind(), "aplay is not there: install the package alsa-utils")
                }
                _ => error,
            })?;
        let samples = player.stdin.take();
        Ok(Self { player, samples })
    }

    /// Lets the card finish what it was given.
    ///
    /// # Errors
    ///
    /// What `aplay` complained about, if it failed.
    pub async fn finish(mut self) -> io::Result<()> {
        drop(self.samples.take());
        match timeout(DRAIN_MAX, self.player.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(_)) => Err(io::Error::other(self.complaint().await)),
            Ok(Err(error)) => Err(error),
            // Dropped, it is killed.
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the sound card does not finish")),
        }
    }

    /// Why the player has ended before its time.
    pub async fn complaint(&mut self) -> String {
        let mut said = vec![];
        if let Some(stderr) = self.player.stderr.take() {
            let mut stderr = stderr.take(COMPLAINT_OCTETS_MAX);
            // What could be read is told.
            let _ = timeout(DRAIN_MAX, stderr.read_to_end(&mut said)).await;
        }
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("the sound card cannot be used");
        last.chars().filter(|character| !character.is_control()).take(COMPLAINT_CHARACTERS_MAX).collect()
    }
}

/// A card says nothing.
impl AsyncRead for Card {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Card {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.samples {
            Some(samples) => Pin::new(samples).poll_write(context, octets),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.samples {
            Some(samples) => Pin::new(samples).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.samples {
            Some(samples) => Pin::new(samples).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::audio::play;

    #[tokio::test]
    async fn a_card_takes_what_is_played_and_finishes() {
        // ALSA's own device that swallows everything.
        let mut card = Card::open("null").expect("aplay");
        let played = play(&mut card, &[100; 1600], |_| {}).await.expect("a card");
        assert_eq!(played.frames, 10);
        card.finish().await.expect("a card that finishes");
    }

    #[tokio::test]
    async fn a_card_that_is_not_there_is_told_with_its_reason() {
        let mut card = Card::open("hw:no_such_card").expect("aplay");
        // The player ends on its own; whether before or after a frame is its affair.
        let _ = play(&mut card, &[100; 1600], |_| {}).await;
        let complaint = card.finish().await.expect_err("no such card").to_string();
        assert!(complaint.contains("No such") || complaint.contains("Invalid"), "{complaint}");
    }
}
