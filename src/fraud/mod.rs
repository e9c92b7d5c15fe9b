//! Toll fraud and guessing: what is suspicious, as pure decisions over counts that others keep. Pure.
//!
//! * [`limit`]: how many requests, or minutes of calls, a number, an address, an account, a prefix may see.
//! * [`guess`]: how long a number waits after wrong codes, over all its PINs and verifications.
//! * [`breaker`]: prefixes to which much is sent and of which little is verified.
//! * [`countries`]: which channels are open to which country.
//! * [`prefix`], [`address`], [`pattern`]: whom a count belongs to.
//!
//! Each is off, only watches, or refuses ([`Mode`]). Nothing here knows a database, a clock or an account.

pub mod address;
pub mod breaker;
pub mod countries;
pub mod guess;
pub mod limit;
pub mod pattern;
pub mod prefix;

use std::time::Duration;

use breaker::BreakerRules;
use countries::ChannelCountries;
use guess::GuessRules;
use limit::LimitRules;

/// What follows from something suspicious.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is counted.
    #[default]
    Off,
    /// What would be refused is put on record.
    Monitor,
    Block,
}

impl Mode {
    pub fn is_off(self) -> bool {
        self == Self::Off
    }

    pub fn blocks(self) -> bool {
        self == Self::Block
    }
}

/// Everything that protects an installation from fraud and guessing.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    pub countries: ChannelCountries,
    pub limits: LimitRules,
    pub guessing: GuessRules,
    pub breaker: BreakerRules,
    /// Characters that a PIN has at least.
    pub pin_length_min: usize,
    /// No PIN lives longer, whatever a request says.
    pub pin_life_max: Option<Duration>,
}

impl Protection {
    /// Whether nothing at all is counted for a request.
    pub fn is_off(&self) -> bool {
        let counted = [self.limits.mode, self.guessing.mode, self.breaker.mode];
        counted.into_iter().all(Mode::is_off) && !self.countries.watch()
    }
}

/// A duration as an operator reads it: `90 s`, `10 min`, `6 h`, `2 days`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if seconds >= 172_800 && seconds.is_multiple_of(86_400) => format!("{} days", seconds / 86_400),
        _ if seconds >= 3600 && seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds >= 120 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}
