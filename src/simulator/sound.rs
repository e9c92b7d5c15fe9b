//! The sound of a call at the modem's sound port: when it flows, and what the phone hears of it.
//!
//! ```text
//!            asked for, and a call is active
//!   silent ─────────────────────────────────► flowing: a frame of silence to the program every 20 ms,
//!     ▲                                          │     what the program writes is heard
//!     └──────────────────────────────────────────┘
//!       taken back, or the call ends: both forget what was asked for
//! ```
//!
//! Samples are signed 16 bit, little-endian, mono. The phone hears 8 kHz; a make that takes 16 kHz halves them.

use std::time::Duration;

use super::calls::State;
use super::virtual_modem::{Action, Output, VirtualModem};

const FRAME_TIME: Duration = Duration::from_millis(20);

/// What a program has asked of the sound port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SoundAsked {
    /// Octets in 20 ms: 320 at 8 kHz, 640 at 16 kHz.
    pub frame: usize,
    /// The make's number of the port.
    pub port: u8,
}

#[derive(Default)]
pub(super) struct SoundPort {
    asked: Option<SoundAsked>,
    /// The beginning of a sample, or of two at 16 kHz, whose rest has not come.
    begun: Vec<u8>,
}

impl VirtualModem {
    /// Takes what the program writes to the sound port. It is lost while the port is silent.
    pub fn hear(&mut self, octets: &[u8], now: Duration) {
        self.handle_timeout(now);
        if !self.sound_flows() {
            return;
        }
        let Some(asked) = self.sound.asked else { return };
        let mut octets = [std::mem::take(&mut self.sound.begun), octets.to_vec()].concat();
        let unit = if asked.frame == NARROW { 2 } else { 4 };
        self.sound.begun = octets.split_off(octets.len() - octets.len() % unit);
        let samples = if asked.frame == NARROW { octets } else { halved(&octets) };
        if let Some(recording) = self.call.as_mut().and_then(|call| call.recording.as_mut()) {
            recording.hear(&samples, now);
        }
    }

    pub(super) fn sound_asked(&self) -> Option<SoundAsked> {
        self.sound.asked
    }

    /// Switches the sound port on; where no call is active yet, for when it will be.
    pub(super) fn ask_for_sound(&mut self, asked: SoundAsked) {
        if self.sound.asked != Some(asked) {
            self.end_sound();
            self.sound.asked = Some(asked);
            self.begin_sound();
        }
    }

    /// Begins the frames, if sound is asked for and a call is there to carry it.
    pub(super) fn begin_sound(&mut self) {
        if self.sound.asked.is_some() && self.is_in_call() {
            self.agenda.retain(|action| !matches!(action, Action::SoundFrame));
            self.agenda.add(self.now + FRAME_TIME, Action::SoundFrame);
        }
    }

    /// Switches the sound port off.
    pub(super) fn end_sound(&mut self) {
        self.sound = SoundPort::default();
        self.agenda.retain(|action| !matches!(action, Action::SoundFrame));
    }

    /// A frame for the program is due.
    pub(super) fn sound_frame(&mut self) {
        let Some(asked) = self.sound.asked else { return };
        if self.sound_flows() {
            self.outputs.push_back(Output::Sound(vec![0; asked.frame]));
        }
        self.agenda.add(self.now + FRAME_TIME, Action::SoundFrame);
    }

    pub(super) fn is_in_call(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.state == State::Active)
    }

    fn sound_flows(&self) -> bool {
        self.sound.asked.is_some() && self.is_in_call() && !self.is_mute()
    }
}

/// Octets of a frame at 8 kHz.
pub(super) const NARROW: usize = 320;
/// Octets of a frame at 16 kHz.
pub(super) const WIDE: usize = 640;

/// 16 kHz as 8 kHz: the mean of each two samples.
fn halved(octets: &[u8]) -> Vec<u8> {
    let sample = |octets: &[u8]| i32::from(i16::from_le_bytes([octets[0], octets[1]]));
    let mean = |pair: &[u8]| i16::try_from(i32::midpoint(sample(&pair[..2]), sample(&pair[2..]))).unwrap_or(0);
    octets.chunks_exact(4).flat_map(|pair| mean(pair).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_kilohertz_become_eight_by_the_mean_of_two_samples() {
        let octets: Vec<u8> = [100_i16, 200, i16::MAX, i16::MAX, i16::MIN, i16::MIN, -3, -5]
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        let expected: Vec<u8> = [150, i16::MAX, i16::MIN, -4].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(halved(&octets), expected);
    }
}
