//! WAV, as synthesisers write it into a pipe, and as a call is written into a file.

use std::ops::RangeInclusive;

use hound::{SampleFormat, WavReader, WavSpec};

/// What synthesisers use; the resampler is tested for these.
pub(super) const RATES: RangeInclusive<u32> = 8_000..=48_000;

/// One channel, full scale 1.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) rate: u32,
    pub(super) samples: Vec<f32>,
}

/// Why octets are no sound. Reads on behind a program's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotWav {
    #[error("gave nothing on its standard output")]
    Nothing,
    #[error("gave no WAV: {0}")]
    Malformed(String),
    #[error("gave WAV of {0} Hz; 8000 to 48000 Hz can be used")]
    Rate(u32),
    #[error("gave WAV of {0} channels; one or two can be used")]
    Channels(u16),
}

/// Reads a WAV and mixes its channels.
pub(super) fn read(wav: &[u8]) -> Result<Sound, NotWav> {
    if wav.is_empty() {
        return Err(NotWav::Nothing);
    }
    let wav = with_length(wav);
    let reader = WavReader::new(&wav[..]).map_err(malformed)?;
    let WavSpec { channels, sample_rate, bits_per_sample, sample_format } = reader.spec();
    if !RATES.contains(&sample_rate) {
        return Err(NotWav::Rate(sample_rate));
    }
    if !(1..=2).contains(&channels) {
        return Err(NotWav::Channels(channels));
    }
    let samples: Result<Vec<f32>, hound::Error> = match sample_format {
        SampleFormat::Float => reader.into_samples::<f32>().collect(),
        SampleFormat::Int => {
            let full_scale = 2_f32.powi(i32::from(bits_per_sample) - 1);
            #[expect(clippy::cast_precision_loss, reason = "24 bits are more than a telephone carries")]
            reader.into_samples::<i32>().map(|sample| Ok(sample? as f32 / full_scale)).collect()
        }
    };
    let mix = |frame: &[f32]| {
        let mixed = frame.iter().sum::<f32>() / f32::from(channels);
        // No number at all is no sound.
        if mixed.is_finite() { mixed.clamp(-1.0, 1.0) } else { 0.0 }
    };
    let samples = samples.map_err(malformed)?.chunks_exact(usize::from(channels)).map(mix).collect();
    Ok(Sound { rate: sample_rate, samples })
}

fn malformed(error: hound::Error) -> NotWav {
    NotWav::Malformed(match error {
        // The octets are all there: it is the WAV that ends too early.
        hound::Error::IoError(_) => "it breaks off".to_owned(),
        error => error.to_string(),
    })
}

/// The WAV with the true length of its sound. A program that writes into a pipe does not know it when it writes the
/// header: a length of none, or of more than there is, stands for all that follows.
fn with_length(wav: &[u8]) -> Vec<u8> {
    /// Name and length of a chunk.
    const HEADER: usize = 8;
    let mut wav = wav.to_vec();
    let mut frame = 1;
    // After RIFF, length, WAVE.
    let mut start = 12;
    while let Some(header) = wav.get(start..start + HEADER) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let content = start + HEADER;
        match &header[..4] {
            b"fmt " => {
                let octets =
                    wav.get(content + 12..content + 14).map_or(1, |octets| u16::from_le_bytes([octets[0], octets[1]]));
                frame = usize::from(octets).max(1);
            }
            b"data" => {
                let rest = wav.len() - content;
                if length == 0 || length > rest {
                    let whole = rest - rest % frame;
                    let octets = u32::try_from(whole).unwrap_or(u32::MAX).to_le_bytes();
                    wav[start + 4..content].copy_from_slice(&octets);
                }
                break;
            }
            _ => {}
        }
        // A chunk of odd length is followed by an octet of padding.
        start = content.saturating_add(length).saturating_add(length % 2);
        if start > wav.len() {
            break;
        }
    }
    wav
}

/// A WAV of one channel with 16 bits a sample.
pub(super) fn write(samples: &[i16], rate: u32) -> Vec<u8> {
    const WIDTH: u16 = 2;
    const AFTER_RIFF: u32 = 36;
    let length = u32::try_from(samples.len() * usize::from(WIDTH)).unwrap_or(u32::MAX - AFTER_RIFF);
    let mut wav = Vec::with_capacity(44 + samples.len() * usize::from(WIDTH));
    wav.extend(b"RIFF");
    wav.extend((length + AFTER_RIFF).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    wav.extend([1_u16, 1].into_iter().flat_map(u16::to_le_bytes));
    wav.extend([rate, rate * u32::from(WIDTH)].into_iter().flat_map(u32::to_le_bytes));
    wav.extend([WIDTH, 8 * WIDTH].into_iter().flat_map(u16::to_le_bytes));
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(channels: u16, bits: u16, format: SampleFormat, values: &[i32]) -> Vec<u8> {
        let spec = hound::WavSpec { channels, sample_rate: 16_000, bits_per_sample: bits, sample_format: format };
        let mut file = std::io::Cursor::new(vec![]);
        let mut writer = hound::WavWriter::new(&mut file, spec).expect("a writer");
        for value in values {
            match format {
                SampleFormat::Int => writer.write_sample(*value).expect("a sample"),
                SampleFormat::Float => writer.write_sample(*value as f32 / 1000.0).expect("a sample"),
            }
        }
        writer.finalize().expect("a file");
        file.into_inner()
    }

    fn samples(wav: &[u8]) -> Vec<i32> {
        let sound = read(wav).expect("a WAV");
        sound.samples.iter().map(|sample| (sample * 1000.0).round() as i32).collect()
    }

    #[test]
    fn samples_of_every_width_are_read_and_channels_are_mixed() {
        let half = [0, 1 << 14, -(1 << 14)];
        assert_eq!(samples(&written(1, 16, SampleFormat::Int, &half)), [0, 500, -500]);
        assert_eq!(samples(&written(1, 24, SampleFormat::Int, &half.map(|value| value << 8))), [0, 500, -500]);
        assert_eq!(samples(&written(1, 32, SampleFormat::Int, &half.map(|value| value << 16))), [0, 500, -500]);
        assert_eq!(samples(&written(1, 8, SampleFormat::Int, &[0, 64, -64])), [0, 500, -500]);
        assert_eq!(samples(&written(1, 32, SampleFormat::Float, &[0, 500, -500])), [0, 500, -500]);
        assert_eq!(samples(&written(2, 32, SampleFormat::Float, &[500, 0, 100, 300])), [250, 200]);
    }

    #[test]
    fn what_is_no_number_is_silence_and_what_is_too_loud_is_full_scale() {
        let mut wav = written(1, 32, SampleFormat::Float, &[0, 0, 9000]);
        let end = wav.len();
        wav[end - 12..end - 8].copy_from_slice(&f32::NAN.to_le_bytes());
        wav[end - 8..end - 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        assert_eq!(samples(&wav), [0, 0, 1000]);
    }

    #[test]
    fn the_length_in_the_header_may_be_that_of_a_pipe() {
        let wav = write(&[100, 200, 300], 16_000);
        for length in [0, 0x7fff_f000, u32::MAX] {
            let mut piped = wav.clone();
            piped[40..44].copy_from_slice(&u32::to_le_bytes(length));
            piped.push(7);
            assert_eq!(read(&piped).expect("a WAV").samples.len(), 3, "{length:#x}, half a sample at the end");
        }
        let mut with_more = wav;
        with_more.extend(b"LIST\x04\0\0\0abcd");
        assert_eq!(read(&with_more).expect("a WAV").samples.len(), 3, "what follows is no sound");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let wav = write(&[0, 16_384, -16_384, i16::MAX], 8_000);
        assert_eq!(wav.len(), 52);
        assert_eq!(samples(&wav), [0, 500, -500, 1000]);
        let spec = hound::WavReader::new(&wav[..]).expect("a WAV").spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8_000, 16));
    }

    #[test]
    fn what_is_no_wav_is_told() {
        let wav = write(&[1], 8_000);
        let with = |at: usize, octets: &[u8]| {
            let mut wav = wav.clone();
            wav[at..at + octets.len()].copy_from_slice(octets);
            wav
        };
        let cases = [
            vec![],
            b"Hello, world, this is no WAV".to_vec(),
            b"RIFF".to_vec(),
            wav[..36].to_vec(),
            with(24, &96_000_u32.to_le_bytes()),
            written(3, 16, SampleFormat::Int, &[1, 2, 3]),
            // A-law.
            with(20, &[6, 0]),
        ];
        let told = cases.map(|wav| read(&wav).expect_err("no WAV").to_string()).join("\n");
        insta::assert_snapshot!(told, @"
        gave nothing on its standard output
        gave no WAV: Ill-formed WAVE file: no RIFF tag found
        gave no WAV: it breaks off
        gave no WAV: it breaks off
        gave no WAV: Ill-formed WAVE file: inconsistent fmt chunk
        gave WAV of 3 channels; one or two can be used
        gave no WAV: The wave format of the file is not supported.
        ");
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(start in 0_usize..60, noise in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut wav = written(2, 24, SampleFormat::Int, &[1, 2, 3, 4]);
            wav.splice(start.min(wav.len()).., noise.iter().copied());
            let _ = read(&wav);
            let _ = read(&noise);
        }
    }
}
