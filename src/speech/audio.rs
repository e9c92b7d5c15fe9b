//! From a synthesiser's sound to what a telephone carries: 8 kHz, 300 to 3400 Hz, one level, no silence at the ends.
//!
//! What is cut off at the ends decides how long a pause is heard: each piece of speech begins and ends with sound, and all
//! silence between the pieces is ours.

use std::fmt;
use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, WindowFunction};
use zeroize::{Zeroize, Zeroizing};

use super::wav::{self, NotWav, Sound};

/// ITU-T G.711.
pub(super) const RATE: u32 = 8_000;
/// Where the filter is at half its height, in Hz. The telephone's band, 300 to 3400 Hz (ITU-T G.712), is whole within it:
/// the network filters once more, and what both took half of would be lost.
const BAND: [f64; 2] = [240.0, 3_470.0];
/// Taps of the filter: it falls within some 200 Hz at each edge.
const TAPS: usize = 129;
/// −3 dBFS.
const PEAK: f32 = 0.708;
/// Below this part of full scale nothing was said: −60 dBFS.
const NOTHING: f32 = 0.001;
/// What is quieter than this against the peak is lost between the noises of a telephone: −38 dB.
const QUIET: f32 = 0.012_6;
/// How loud it is is told by the mean of 10 ms.
const FRAME: usize = RATE as usize / 100;
/// What of the quiet ends stays, so that an f begins and an s ends: 40 ms. A longer end would be heard as silence, and make
/// the gap between two digits too long.
const FRINGE: usize = 4 * FRAME;
/// Softens what is cut: 5 ms.
const FADE: usize = RATE as usize / 200;

/// A piece of speech.
#[derive(Clone)]
pub(super) struct Clip(Vec<i16>);

/// Why a synthesiser's output is no piece of speech. Reads on behind its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoClip {
    #[error(transparent)]
    NotWav(#[from] NotWav),
    #[error("gave a WAV in which nothing is said")]
    Silent,
}

impl Clip {
    #[cfg(test)]
    pub(super) fn of(samples: Vec<i16>) -> Self {
        Self(samples)
    }

    pub(super) fn from_wav(octets: &[u8]) -> Result<Self, NoClip> {
        let sound = wav::read(octets)?;
        let speech = trimmed(&band_limited(&resampled(&sound))).ok_or(NoClip::Silent)?;
        Ok(Self(levelled(&speech)))
    }

    pub(super) fn samples(&self) -> &[i16] {
        &self.0
    }

    pub(super) fn length(&self) -> Duration {
        length(self.0.len())
    }

    /// At most `length` of it.
    pub(super) fn cut(mut self, length: Duration) -> Self {
        let samples = samples_in(length);
        if samples < self.0.len() {
            self.0.truncate(samples);
            // A word that breaks off is less startling if it dies away.
            let fade = (10 * FADE).min(samples);
            for (place, sample) in self.0[samples - fade..].iter_mut().rev().enumerate() {
                *sample = scaled(*sample, place, fade);
            }
        }
        self
    }
}

/// What is played in a call: one channel, 8000 samples a second. It holds a PIN: it is wiped when dropped, and `Debug` shows
/// its length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Pcm {
    samples: Zeroizing<Vec<i16>>,
    code_at: usize,
    readings: Vec<usize>,
}

impl Pcm {
    pub const SAMPLES_PER_SECOND: u32 = RATE;

    /// Room for `length`, so that no copy of what it will hold is left behind as it grows.
    pub(super) fn with_room(length: Duration) -> Self {
        Self { samples: Zeroizing::new(Vec::with_capacity(samples_in(length) + 1)), code_at: 0, readings: vec![] }
    }

    pub(super) fn add_silence(&mut self, length: Duration) {
        self.grow(samples_in(length));
    }

    pub(super) fn add(&mut self, clip: &Clip) {
        let start = self.samples.len();
        self.grow(clip.0.len());
        self.samples[start..].copy_from_slice(&clip.0);
    }

    /// A vector that grows by itself leaves its former content in freed memory.
    fn grow(&mut self, samples: usize) {
        let length = self.samples.len() + samples;
        if length > self.samples.capacity() {
            let mut larger = Vec::with_capacity(length * 2);
            larger.extend_from_slice(&self.samples);
            self.samples.zeroize();
            *self.samples = larger;
        }
        self.samples.resize(length, 0);
    }

    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The PIN's part of a call begins at this sample.
    pub fn code_at(&self) -> usize {
        self.code_at
    }

    /// How many samples it takes until each reading of the PIN has been heard.
    pub fn readings(&self) -> &[usize] {
        &self.readings
    }

    pub(super) fn begins_code(&mut self) {
        self.code_at = self.samples.len();
    }

    pub(super) fn ends_reading(&mut self) {
        self.readings.push(self.samples.len());
    }

    pub fn length(&self) -> Duration {
        length(self.samples.len())
    }

    /// As a file of 16 bits a sample.
    pub fn to_wav(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(wav::write(&self.samples, RATE))
    }
}

impl fmt::Debug for Pcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pcm({:?})", self.length())
    }
}

fn length(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / u64::from(RATE))
}

fn samples_in(length: Duration) -> usize {
    usize::try_from(length.as_micros() * u128::from(RATE) / 1_000_000).unwrap_or(usize::MAX)
}

fn resampled(sound: &Sound) -> Vec<f32> {
    /// Of the resampler's own buffers; any number does.
    const CHUNK: usize = 1024;
    if sound.rate == RATE {
        return sound.samples.clone();
    }
    let ratio = f64::from(RATE) / f64::from(sound.rate);
    // Filters of 16 ms hold the telephone's band whatever the rate; the points between are interpolated by cubes.
    let parameters = SincInterpolationParameters {
        oversampling_factor: 32,
        ..SincInterpolationParameters::new(128 * sound.rate.div_ceil(RATE) as usize, WindowFunction::BlackmanHarris2)
    };
    let mut resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input)
        .expect("a ratio between 1/6 and 1 is taken");
    let input = InterleavedSlice::new(&sound.samples[..], 1, sound.samples.len()).expect("one channel of that length");
    let output = resampler.process_all(&input, sound.samples.len(), None).expect("the buffers are the resampler's own");
    output.take_data()
}

/// The whole response of the filter: longer by its taps.
fn band_limited(samples: &[f32]) -> Vec<f32> {
    let taps = band_pass();
    let mut padded = vec![0.0; TAPS - 1];
    padded.extend_from_slice(samples);
    padded.resize(padded.len() + TAPS - 1, 0.0);
    // The taps are symmetric: no need to turn them round.
    padded.windows(TAPS).map(|window| window.iter().zip(&taps).map(|(sample, tap)| sample * tap).sum()).collect()
}

/// A windowed sinc of linear phase: the difference of two low-passes, under a Hamming window.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
fn band_pass() -> Vec<f32> {
    use std::f64::consts::{PI, TAU};
    let middle = (TAPS - 1) as f64 / 2.0;
    let low_pass = |hertz: f64, offset: f64| {
        let cycles = 2.0 * hertz / f64::from(RATE);
        if offset == 0.0 { cycles } else { (PI * cycles * offset).sin() / (PI * offset) }
    };
    let tap = |index: usize| {
        let offset = index as f64 - middle;
        let window = 0.54 - 0.46 * (TAU * index as f64 / (TAPS - 1) as f64).cos();
        ((low_pass(BAND[1], offset) - low_pass(BAND[0], offset)) * window) as f32
    };
    (0..TAPS).map(tap).collect()
}

/// From the first to the last sound. None: there is none.
fn trimmed(samples: &[f32]) -> Option<Vec<f32>> {
    let peak = peak(samples);
    if peak < NOTHING {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let loudness = |frame: &[f32]| (frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32).sqrt();
    let loud = |frame: &[f32]| loudness(frame) > peak * QUIET;
    let first = samples.chunks(FRAME).position(loud)? * FRAME;
    let last = (samples.chunks(FRAME).rposition(loud)? + 1) * FRAME;
    Some(samples[first.saturating_sub(FRINGE)..(last + FRINGE).min(samples.len())].to_vec())
}

fn levelled(samples: &[f32]) -> Vec<i16> {
    let gain = PEAK / peak(samples).max(NOTHING) * f32::from(i16::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "the gain keeps it below full scale")]
    let mut levelled: Vec<i16> = samples.iter().map(|sample| (sample * gain).round() as i16).collect();
    let (fade, length) = (FADE.min(samples.len()), samples.len());
    for place in 0..fade {
        levelled[place] = scaled(levelled[place], place, fade);
        let mirrored = length - 1 - place;
        levelled[mirrored] = scaled(levelled[mirrored], place, fade);
    }
    levelled
}

/// The part `place` of `whole` of a sample.
fn scaled(sample: i16, place: usize, whole: usize) -> i16 {
    i16::try_from(i64::from(sample) * place as i64 / (whole as i64).max(1)).unwrap_or(sample)
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| sample.abs().max(peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of silence, of a tone, of silence.
    fn tone(rate: u32, hertz: f64, seconds: [f64; 3], amplitude: f64) -> Vec<f32> {
        let samples = |seconds: f64| (seconds * f64::from(rate)) as usize;
        let sine =
            |place: usize| (amplitude * (std::f64::consts::TAU * hertz * place as f64 / f64::from(rate)).sin()) as f32;
        let mut all = vec![0.0; samples(seconds[0])];
        all.extend((0..samples(seconds[1])).map(sine));
        all.resize(all.len() + samples(seconds[2]), 0.0);
        all
    }

    fn wav(rate: u32, samples: &[f32]) -> Vec<u8> {
        let whole: Vec<i16> = samples.iter().map(|sample| (sample * 32_767.0) as i16).collect();
        wav::write(&whole, rate)
    }

    fn decibels(of: &[f32], against: f64) -> f64 {
        let middle = &of[of.len() / 4..of.len() * 3 / 4];
        let power = middle.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / middle.len() as f64;
        10.0 * (2.0 * power / (against * against)).max(1e-12).log10()
    }

    #[test]
    fn the_band_of_the_telephone_stays_and_the_rest_goes_at_every_rate() {
        for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000] {
            let level = |hertz: f64| {
                let samples = tone(rate, hertz, [0.0, 1.0, 0.0], 0.5);
                decibels(&band_limited(&resampled(&Sound { rate, samples })), 0.5)
            };
            for hertz in [350.0, 1_000.0, 2_000.0, 3_350.0] {
                assert!(level(hertz).abs() < 0.5, "{hertz} Hz at {rate}: {:.1} dB", level(hertz));
            }
            for hertz in [50.0, 120.0, 3_600.0, 4_500.0, 5_000.0, 7_000.0, 12_600.0] {
                if hertz < f64::from(rate) / 2.0 {
                    assert!(level(hertz) < -40.0, "{hertz} Hz at {rate}: {:.1} dB", level(hertz));
                }
            }
        }
    }

    #[test]
    fn a_clip_is_what_was_said_without_the_silence_around_it() {
        for rate in [8_000, 22_050, 48_000] {
            let clip = Clip::from_wav(&wav(rate, &tone(rate, 1_000.0, [0.3, 0.5, 0.7], 0.1))).expect("speech");
            let length = clip.length().as_secs_f64();
            assert!((0.57..0.61).contains(&length), "{length} s at {rate}");
            let peak = clip.samples().iter().map(|sample| sample.unsigned_abs()).max().expect("samples");
            let decibels = 20.0 * (f64::from(peak) / 32_767.0).log10();
            assert!((-3.1..=-2.9).contains(&decibels), "{decibels} dBFS at {rate}");
            assert_eq!(clip.samples()[0], 0, "it begins softly");
        }
    }

    #[test]
    fn a_wav_without_sound_is_no_speech() {
        let silent = [wav(8_000, &[0.0; 9]), wav(22_050, &tone(22_050, 1_000.0, [1.0, 0.0, 0.0], 0.0))];
        for wav in silent {
            assert_eq!(Clip::from_wav(&wav).err(), Some(NoClip::Silent));
        }
        // Outside the band.
        assert_eq!(Clip::from_wav(&wav(8_000, &tone(8_000, 20.0, [0.0, 1.0, 0.0], 0.01))).err(), Some(NoClip::Silent));
    }

    #[test]
    fn what_is_too_long_is_cut_and_dies_away() {
        let clip = Clip::from_wav(&wav(8_000, &tone(8_000, 1_000.0, [0.0, 2.0, 0.0], 0.5))).expect("speech");
        let whole = clip.length();
        assert_eq!(clip.clone().cut(whole * 2).length(), whole);
        let cut = clip.cut(Duration::from_secs(1));
        assert_eq!(cut.length(), Duration::from_secs(1));
        assert_eq!(cut.samples().last(), Some(&0));
    }

    #[test]
    fn pieces_and_silences_are_put_one_after_the_other() {
        let clip = Clip(vec![5; 80]);
        let mut pcm = Pcm::with_room(Duration::from_millis(30));
        pcm.add_silence(Duration::from_millis(10));
        pcm.add(&clip);
        pcm.add_silence(Duration::from_millis(40));
        pcm.add(&clip);
        let expected = [vec![0; 80], vec![5; 80], vec![0; 320], vec![5; 80]].concat();
        assert_eq!(pcm.samples(), expected);
        assert_eq!(format!("{pcm:?}"), "Pcm(70ms)");
        assert_eq!(pcm.to_wav().len(), 44 + 2 * 560);
    }
}
