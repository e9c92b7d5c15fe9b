//! Workflows: which events in which order, and how long to wait after each.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    Sms,
    Tts,
}

impl EventKind {
    /// The word in replies and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Tts => "tts",
        }
    }

    /// The channel that it takes, as the configuration calls it.
    pub fn channel(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Tts => "voice",
        }
    }
}

/// One of the seven workflows of the Nexmo Verify API.
///
/// | id | events | waits after each, s |
/// | --- | --- | --- |
/// | 1 | sms, tts, tts | 125, 180, 300 |
/// | 2 | sms, sms, tts | 125, 180, 300 |
/// | 3 | tts, tts | 150, 150 |
/// | 4 | sms, sms | 120, 180 |
/// | 5 | sms, tts | 120, 180 |
/// | 6 | sms | the PIN's life |
/// | 7 | tts | the PIN's life |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Workflow(u8);

impl Workflow {
    pub const DEFAULT: Self = Self(1);

    pub const IDS: RangeInclusive<u8> = 1..=7;

    /// `None` unless 1–7.
    pub fn new(id: u8) -> Option<Self> {
        Self::IDS.contains(&id).then_some(Self(id))
    }

    pub fn id(self) -> u8 {
        self.0
    }

    pub fn events(self) -> &'static [EventKind] {
        use EventKind::{Sms, Tts};
        match self.0 {
            1 => &[Sms, Tts, Tts],
            2 => &[Sms, Sms, Tts],
            3 => &[Tts, Tts],
            4 => &[Sms, Sms],
            5 => &[Sms, Tts],
            6 => &[Sms],
            _ => &[Tts],
        }
    }

    /// The workflow's own wait after the event at `index`; the PIN's life where the table says so.
    pub fn wait(self, index: usize, pin_life: Duration) -> Duration {
        let seconds: &[u64] = match self.0 {
            1 | 2 => &[125, 180, 300],
            3 => &[150, 150],
            4 | 5 => &[120, 180],
            _ => &[],
        };
        seconds.get(index).map_or(pin_life, |&seconds| Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_but_those_of_six_and_seven_has_a_wait_of_its_own() {
        let pin_life = Duration::from_secs(77);
        for id in 1..=7 {
            let workflow = Workflow::new(id).expect("1 to 7");
            for index in 0..workflow.events().len() {
                assert_eq!(workflow.wait(index, pin_life) == pin_life, id >= 6, "{id} {index}");
            }
        }
        assert_eq!(Workflow::new(0), None);
        assert_eq!(Workflow::new(8), None);
    }
}
