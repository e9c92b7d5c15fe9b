//! What the phone hears of a call, as a WAV whose time is the call's time from the answer to its end.
//!
//! A frame stands where the call was when it came, so that a late one leaves a gap; one that comes while the frame before
//! is still heard follows that. Where nothing came is silence, and what was not heard at the call's end is cut off.

use std::time::Duration;

use super::calls::LISTENS;

/// 8 kHz, two octets a sample.
const OCTETS_PER_SECOND: u32 = 16_000;
/// No call is longer, so nothing behind this will be heard.
const OCTETS_MAX: usize = OCTETS_PER_SECOND as usize * LISTENS.as_secs() as usize;

pub(super) struct Recording {
    answered: Duration,
    /// Whole samples.
    samples: Vec<u8>,
}

/// A call's recording, ready to be written.
pub struct RecordedCall {
    pub number: String,
    pub seconds: u64,
    /// The whole file.
    pub wav: Vec<u8>,
}

impl std::fmt::Debug for RecordedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedCall").field("seconds", &self.seconds).finish_non_exhaustive()
    }
}

impl Recording {
    pub(super) fn new(answered: Duration) -> Self {
        Self { answered, samples: Vec::new() }
    }

    /// Takes samples that came at `now`.
    pub(super) fn hear(&mut self, samples: &[u8], now: Duration) {
        let place = octets(now.saturating_sub(self.answered));
        if place > self.samples.len() {
            self.samples.resize(place.min(OCTETS_MAX), 0);
        }
        let room = OCTETS_MAX - self.samples.len();
        self.samples.extend(&samples[..room.min(samples.len())]);
    }

    pub(super) fn ended(self, number: String, now: Duration) -> RecordedCall {
        let time = now.saturating_sub(self.answered);
        let mut samples = self.samples;
        samples.resize(octets(time).min(OCTETS_MAX), 0);
        RecordedCall { number, seconds: time.as_secs(), wav: wav(&samples) }
    }
}

/// The octets of so much time, in whole samples.
fn octets(time: Duration) -> usize {
    let samples = time.as_micros() * u128::from(OCTETS_PER_SECOND / 2) / 1_000_000;
    usize::try_from(samples * 2).unwrap_or(OCTETS_MAX)
}

/// RIFF WAVE of linear PCM: 8 kHz, 16 bit, one channel.
fn wav(samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap_or(0);
    let mut wav = Vec::with_capacity(44 + samples.len());
    wav.extend(b"RIFF");
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // Linear PCM, one channel.
    wav.extend([1, 0, 1, 0]);
    wav.extend((OCTETS_PER_SECOND / 2).to_le_bytes());
    wav.extend(OCTETS_PER_SECOND.to_le_bytes());
    // Octets and bits of a sample.
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 320;

    fn samples(recording: Recording, end_ms: u64) -> Vec<i16> {
        let recorded = recording.ended("+491701234567".into(), Duration::from_millis(end_ms));
        let mut reader = hound::WavReader::new(&recorded.wav[..]).unwrap();
        let expected = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        assert_eq!(reader.spec(), expected);
        reader.samples::<i16>().map(Result::unwrap).collect()
    }

    fn frame(value: i16) -> Vec<u8> {
        value.to_le_bytes().repeat(FRAME / 2)
    }

    /// Runs of equal samples, as value and milliseconds.
    fn runs(samples: &[i16]) -> Vec<(i16, usize)> {
        samples.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() / 8)).collect()
    }

    #[test]
    fn a_frame_stands_where_the_call_was_when_it_came() {
        let mut recording = Recording::new(Duration::from_secs(10));
        recording.hear(&frame(1), Duration::from_millis(10_100));
        recording.hear(&frame(2), Duration::from_millis(10_120));
        recording.hear(&frame(3), Duration::from_millis(10_147));
        assert_eq!(runs(&samples(recording, 10_500)), [(0, 100), (1, 20), (2, 20), (0, 7), (3, 20), (0, 333)]);
    }

    #[test]
    fn a_frame_that_comes_early_follows_the_one_before_it() {
        let mut recording = Recording::new(Duration::ZERO);
        for value in 1..=3 {
            recording.hear(&frame(value), Duration::from_millis(40));
        }
        assert_eq!(runs(&samples(recording, 110)), [(0, 40), (1, 20), (2, 20), (3, 20), (0, 10)]);
    }

    #[test]
    fn what_was_not_heard_at_the_end_is_cut_off_and_nothing_grows_beyond_a_call() {
        let mut recording = Recording::new(Duration::ZERO);
        recording.hear(&frame(7), Duration::ZERO);
        assert_eq!(runs(&samples(recording, 15)), [(7, 15)]);
        let mut recording = Recording::new(Duration::ZERO);
        for _ in 0..10_000 {
            recording.hear(&frame(7), Duration::ZERO);
        }
        assert_eq!(recording.samples.len(), OCTETS_MAX);
        recording.hear(&frame(7), LISTENS + Duration::from_secs(1));
        assert_eq!(recording.samples.len(), OCTETS_MAX);
    }
}
