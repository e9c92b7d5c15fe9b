//! What the operator's synthesiser could break by what it writes.

/// Any bytes as a WAV: a piece of speech in the telephone's band, or a reason.
pub fn wav(bytes: &[u8]) {
    match simverify::speech::read(bytes) {
        // Never more samples than it had: the telephone's rate is the lowest that is read.
        Ok(samples) => assert!(!samples.is_empty() && samples.len() <= bytes.len() + RESAMPLER_ROOM),
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// What a resampler may add at the ends.
const RESAMPLER_ROOM: usize = 1024;
