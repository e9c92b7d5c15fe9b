//! A call's samples on their way to the modem: frames of 20 ms, each at its time.
//!
//! ```text
//!  samples ─► frame n at start + (n − 3) · 20 ms ─► serial port, sound card (S16LE)
//!                                    what the other side says is read and dropped ◄─┘
//! ```
//!
//! The clock is the start of the first frame, so that no lateness adds up. Frames leave three frames ahead of the moment at
//! which they are heard: they wait in the modem, or in the kernel before it, so that what is late by less leaves no gap.
//! After a longer stop the frames that follow move: none is left out, and none are sent in a heap.
//!
//! It must never block or write half a frame: that wedges the audio end point of some modems.

mod card;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout_at};

pub use card::Card;

/// 20 ms of 8 kHz: what every family takes at a time.
pub const FRAME_SAMPLES: usize = 160;
const FRAME_OCTETS: usize = 2 * FRAME_SAMPLES;
const FRAME: Duration = Duration::from_millis(20);

/// Frames that are ahead of the ear. With the one that is being heard they are four: so many writes Linux takes for a port on
/// USB before a writer has to wait.
const LEAD: u32 = 3;
/// Late by more than this, 40 ms of which were heard, a frame moves those behind it.
const LATE_MAX: Duration = Duration::from_millis(100);

/// A frame that could not be written within this is over for the port: the modem does not listen.
const STALLED_AFTER: Duration = Duration::from_secs(2);

/// How the playing went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    pub frames: usize,
    /// The latest frame was written this long after its time. Up to 60 ms of it are not heard.
    pub latest: Duration,
}

/// Plays `samples` into an audio port. `reached` is told the number of samples that have been handed over, after each
/// frame. Dropping the future ends the playing between two frames.
///
/// # Errors
///
/// The port is gone, or takes nothing for two seconds.
pub async fn play<P: AsyncRead + AsyncWrite + Unpin>(
    port: &mut P,
    samples: &[i16],
    mut reached: impl FnMut(usize),
) -> io::Result<Played> {
    let (mut from_modem, mut to_modem) = tokio::io::split(port);
    let playing = async {
        let mut start = Instant::now();
        let mut played = Played::default();
        for (index, frame) in samples.chunks(FRAME_SAMPLES).enumerate() {
            let due = start + FRAME * u32::try_from(index).unwrap_or(u32::MAX).saturating_sub(LEAD);
            sleep_until(due).await;
            // Whole frames only: the last one is filled up with silence.
            let mut octets = [0; FRAME_OCTETS];
            for (octets, sample) in octets.chunks_exact_mut(2).zip(frame) {
                octets.copy_from_slice(&sample.to_le_bytes());
            }
            let written = timeout_at(due.max(Instant::now()) + STALLED_AFTER, to_modem.write_all(&octets)).await;
            written.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the modem takes no audio"))??;
            played.frames += 1;
            let late = due.elapsed();
            played.latest = played.latest.max(late);
            if late > LATE_MAX {
                start += late;
            }
            reached(((index + 1) * FRAME_SAMPLES).min(samples.len()));
        }
        to_modem.flush().await?;
        // The last frame takes its time to be heard.
        sleep_until(start + FRAME * u32::try_from(played.frames).unwrap_or(u32::MAX)).await;
        Ok(played)
    };
    let listening = async {
        let mut octets = [0; 4 * FRAME_OCTETS];
        loop {
            match from_modem.read(&mut octets).await {
                Ok(0) => return io::Error::from(io::ErrorKind::UnexpectedEof),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    tokio::select! {
        biased;
        played = playing => played,
        error = listening => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_leave_at_their_times_and_only_whole_ones() {
        let (mut ours, mut modem) = tokio::io::duplex(64 * 1024);
        let samples: Vec<i16> = (0..1000).collect();
        let mut marks = vec![];
        let start = Instant::now();
        let played = play(&mut ours, &samples, |reached| marks.push(reached)).await.expect("a port");
        assert_eq!(played, Played { frames: 7, latest: Duration::ZERO });
        assert_eq!(start.elapsed(), Duration::from_millis(140));
        assert_eq!(marks, [160, 320, 480, 640, 800, 960, 1000]);
        drop(ours);
        let mut heard = vec![];
        modem.read_to_end(&mut heard).await.expect("a port");
        assert_eq!(heard.len(), 7 * FRAME_OCTETS);
        assert_eq!(heard[2 * 999..2 * 1001], [0xe7, 0x03, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn three_frames_are_ahead_of_the_ear_and_after_a_stop_the_rest_moves() {
        // Four frames fit in; the modem takes none for half a second before the eleventh.
        let (mut ours, mut modem) = tokio::io::duplex(4 * FRAME_OCTETS);
        let start = Instant::now();
        let hearing = async {
            let mut came = vec![];
            for index in 0..18 {
                if index == 10 {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                modem.read_exact(&mut [0; FRAME_OCTETS]).await.expect("a frame");
                came.push(start.elapsed().as_millis());
            }
            came
        };
        let (played, came) = tokio::join!(play(&mut ours, &[7; 18 * FRAME_SAMPLES], |_| {}), hearing);
        assert_eq!(came, [0, 0, 0, 0, 20, 40, 60, 80, 100, 120, 620, 620, 620, 620, 620, 640, 660, 680]);
        assert_eq!(played.expect("a port"), Played { frames: 18, latest: Duration::from_millis(400) });
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_other_side_says_is_dropped_and_does_not_fill_the_line() {
        let (mut ours, modem) = tokio::io::duplex(1024);
        let (mut from_us, mut to_us) = tokio::io::split(modem);
        let talking = async {
            for _ in 0..50 {
                to_us.write_all(&[1; 640]).await.expect("somebody reads");
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        };
        let taking = async {
            let mut octets = [0; 320];
            for _ in 0..100 {
                from_us.read_exact(&mut octets).await.expect("a frame");
            }
        };
        let (played, (), ()) = tokio::join!(play(&mut ours, &[7; 16_000], |_| {}), talking, taking);
        assert_eq!(played.expect("a port").frames, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_modem_that_is_gone_or_takes_nothing_ends_the_playing() {
        let (mut ours, modem) = tokio::io::duplex(640);
        let error = play(&mut ours, &[7; 8000], |_| {}).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(modem);
        assert!(play(&mut ours, &[7; 8000], |_| {}).await.is_err());
    }
}
