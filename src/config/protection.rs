//! Limits, guesses, the breaker, and the countries of each channel.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::fields::{seconds, whole};
use super::values::{CountryCode, read_from_string};
use crate::fraud::Mode;
use crate::fraud::address::{EndUserAddress, InvalidAddress};
use crate::fraud::countries::{CountryMode, CountryModes};
use crate::fraud::limit::{InvalidLimit, Limit};
use crate::fraud::pattern::{InvalidPattern, NumberPattern};

/// How strict an installation is where the settings leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// As the Nexmo Verify API does.
    Standard,
    /// As NIST SP 800-63B-4 and the fight against toll fraud want it.
    Strict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeSetting {
    /// By the profile.
    Auto,
    Off,
    Monitor,
    Block,
}

impl ModeSetting {
    /// `standard`: what auto means in the standard profile; in the strict one it blocks.
    pub fn in_profile(self, profile: Profile, standard: Mode) -> Mode {
        match (self, profile) {
            (Self::Auto, Profile::Standard) => standard,
            (Self::Auto, Profile::Strict) | (Self::Block, _) => Mode::Block,
            (Self::Off, _) => Mode::Off,
            (Self::Monitor, _) => Mode::Monitor,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSettings {
    pub mode: ModeSetting,
    pub per_number: Vec<LimitSetting>,
    pub per_address: Vec<LimitSetting>,
    pub per_account: Vec<LimitSetting>,
    pub per_prefix: Vec<LimitSetting>,
    pub per_country: Vec<LimitSetting>,
    pub voice_minutes_per_number: Vec<LimitSetting>,
    pub voice_minutes_per_prefix: Vec<LimitSetting>,
    pub voice_minutes_per_account: Vec<LimitSetting>,
    pub allowed_numbers: Vec<PatternSetting>,
    pub allowed_addresses: Vec<AddressSetting>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessingSettings {
    pub mode: ModeSetting,
    #[serde(deserialize_with = "whole::<_, _, 1, 100>")]
    pub free_failures: u32,
    #[serde(rename = "first_wait_seconds", deserialize_with = "seconds::<_, 1, 86400>")]
    pub first_wait: Duration,
    #[serde(rename = "longest_wait_seconds", deserialize_with = "seconds::<_, 1, 86400>")]
    pub longest_wait: Duration,
    #[serde(deserialize_with = "whole::<_, _, 1, 100>")]
    pub failures_in_a_row: u32,
    pub failures_per_number: Vec<LimitSetting>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerSettings {
    pub mode: ModeSetting,
    #[serde(rename = "window_minutes", deserialize_with = "minutes::<_, 15, 10080>")]
    pub window: Duration,
    #[serde(rename = "patience_seconds", deserialize_with = "seconds::<_, 60, 3600>")]
    pub patience: Duration,
    #[serde(rename = "min_conversion_percent", deserialize_with = "whole::<_, _, 1, 100>")]
    pub conversion_min: u32,
    #[serde(deserialize_with = "whole::<_, _, 1, 1000000>")]
    pub country_sends: u32,
    #[serde(deserialize_with = "whole::<_, _, 1, 1000000>")]
    pub range_sends: u32,
    #[serde(deserialize_with = "whole::<_, _, 1, 1000000>")]
    pub block_sends: u32,
    #[serde(deserialize_with = "whole::<_, _, 0, 1000000>")]
    pub sequence: u32,
    #[serde(deserialize_with = "whole::<_, _, 0, 1000000>")]
    pub burst: u32,
    #[serde(rename = "voice_minutes", deserialize_with = "minutes::<_, 0, 100000>")]
    pub voice: Duration,
    #[serde(rename = "block_minutes", deserialize_with = "minutes::<_, 1, 44640>")]
    pub block: Duration,
    #[serde(rename = "probe_minutes", deserialize_with = "minutes::<_, 1, 1440>")]
    pub probe: Duration,
    #[serde(deserialize_with = "whole::<_, _, 1, 1000>")]
    pub probes: u32,
}

fn minutes<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<Duration, D::Error> {
    whole::<D, u64, MIN, MAX>(deserializer).map(|minutes| Duration::from_secs(minutes * 60))
}

/// A limit such as `3/10m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSetting(pub Limit);

impl TryFrom<String> for LimitSetting {
    type Error = InvalidLimit;

    fn try_from(text: String) -> Result<Self, InvalidLimit> {
        text.parse().map(Self)
    }
}

/// A number, or a prefix with a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternSetting(pub NumberPattern);

impl TryFrom<String> for PatternSetting {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse().map(Self)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressSetting(pub EndUserAddress);

impl TryFrom<String> for AddressSetting {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse().map(Self)
    }
}

/// A country, or `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CountryKey(Option<CountryCode>);

impl TryFrom<String> for CountryKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "default" {
            return Ok(Self(None));
        }
        let country =
            CountryCode::try_from(text).map_err(|_| "must be a country of two capital letters, or default")?;
        Ok(Self(Some(country)))
    }
}

read_from_string! { LimitSetting PatternSetting AddressSetting CountryKey }

/// The countries of one channel, as a table of modes.
pub(super) fn country_modes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CountryModes, D::Error> {
    let mut named = BTreeMap::<CountryKey, CountryMode>::deserialize(deserializer)?;
    let others = named.remove(&CountryKey(None)).ok_or_else(|| de::Error::custom("must have a default"))?;
    let named = named.into_iter().filter_map(|(key, mode)| Some((key.0?.0, mode))).collect();
    Ok(CountryModes { others, named })
}
