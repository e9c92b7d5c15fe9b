//! Which channels are open to which country. Pure.

use std::collections::BTreeMap;

use crate::phone::Country;
use crate::verification::EventKind;

/// What becomes of messages to a country on one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountryMode {
    #[default]
    Allow,
    /// They go out and are put on record.
    Monitor,
    /// They are skipped, as if no route took them.
    Block,
}

/// The countries of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountryModes {
    /// Of countries that are not named, and of numbers of no country.
    pub others: CountryMode,
    pub named: BTreeMap<Country, CountryMode>,
}

impl CountryModes {
    fn of(&self, country: Option<Country>) -> CountryMode {
        country.and_then(|country| self.named.get(&country)).copied().unwrap_or(self.others)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelCountries {
    pub sms: CountryModes,
    pub voice: CountryModes,
}

impl ChannelCountries {
    pub fn mode(&self, kind: EventKind, country: Option<Country>) -> CountryMode {
        match kind {
            EventKind::Sms => self.sms.of(country),
            EventKind::Tts => self.voice.of(country),
        }
    }

    /// Whether some country is only watched.
    pub fn watch(&self) -> bool {
        let modes = [&self.sms, &self.voice].into_iter().flat_map(|modes| modes.named.values().chain([&modes.others]));
        modes.into_iter().any(|mode| *mode == CountryMode::Monitor)
    }

    /// Whether messages of this kind to the country are skipped.
    pub fn closes(&self, kind: EventKind, country: Option<Country>) -> bool {
        self.mode(kind, country) == CountryMode::Block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_countries_of_its_own() {
        let germany: Country = "DE".parse().expect("a country");
        let countries = ChannelCountries {
            sms: CountryModes { others: CountryMode::Monitor, named: [(germany, CountryMode::Allow)].into() },
            voice: CountryModes { others: CountryMode::Block, named: [(germany, CountryMode::Allow)].into() },
        };
        assert!(!countries.closes(EventKind::Tts, Some(germany)));
        assert!(countries.closes(EventKind::Tts, "FR".parse().ok()));
        assert!(countries.closes(EventKind::Tts, None), "numbers of no country are others");
        assert_eq!(countries.mode(EventKind::Sms, "FR".parse().ok()), CountryMode::Monitor);
        assert!(!ChannelCountries::default().closes(EventKind::Tts, None));
    }
}
