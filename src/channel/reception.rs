//! How a modem stands with its network: for people. Routing asks for none of it.

use serde::{Deserialize, Serialize};

/// What a modem says of its network. Everything is absent until it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reception {
    pub registration: Option<Registered>,
    /// A name, or country and network code.
    pub operator: Option<String>,
    /// `GSM`, `LTE` and the like.
    pub access: Option<String>,
    /// Strength of the whole band.
    pub signal_dbm: Option<i16>,
}

/// How a SIM is registered with a network; what the network is used for does not matter. JSON tells fewer apart than
/// metrics do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registered {
    Home,
    Roaming,
    Searching,
    Denied,
    EmergencyOnly,
    /// To local services of an operator.
    #[serde(rename(serialize = "emergency_only"))]
    Restricted,
    #[serde(rename = "not_registered")]
    Idle,
    #[serde(rename(serialize = "not_registered"))]
    Unknown,
}

impl Registered {
    pub const ALL: [Self; 8] = [
        Self::Home,
        Self::Roaming,
        Self::Searching,
        Self::Denied,
        Self::EmergencyOnly,
        Self::Restricted,
        Self::Idle,
        Self::Unknown,
    ];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Roaming => "roaming",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::EmergencyOnly => "emergency_only",
            Self::Restricted => "restricted",
            Self::Idle => "idle",
            Self::Unknown => "unknown",
        }
    }

    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Home => "registered",
            Self::Roaming => "registered, roaming",
            Self::Searching => "searching",
            Self::Denied => "refused by the network",
            Self::EmergencyOnly | Self::Restricted => "emergency calls only",
            Self::Idle => "not registered",
            Self::Unknown => "unknown",
        }
    }
}

/// A signal as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    pub dbm: i16,
    /// 0 to 4, as telephones show them.
    pub bars: u8,
    pub word: &'static str,
}

impl Signal {
    /// Below -100 dBm messages begin to fail.
    pub fn new(dbm: i16) -> Self {
        let (bars, word) = match dbm {
            -70.. => (4, "excellent"),
            -85..-70 => (3, "good"),
            -100..-85 => (2, "fair"),
            -113..-100 => (1, "poor"),
            ..-113 => (0, "poor"),
        };
        Self { dbm, bars, word }
    }
}

impl Reception {
    pub fn signal(&self) -> Option<Signal> {
        self.signal_dbm.map(Signal::new)
    }

    /// Operator, access and registration, as far as they are known.
    pub fn in_words(&self) -> Vec<&str> {
        let registration = self.registration.map(Registered::in_words);
        [self.operator.as_deref(), self.access.as_deref(), registration].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_bars_and_a_word() {
        let bars = [-114, -113, -101, -100, -85, -70, -51].map(|dbm| Signal::new(dbm).bars);
        assert_eq!(bars, [0, 1, 1, 2, 3, 4, 4]);
        let words = [-114, -113, -100, -85, -70, -51].map(|dbm| Signal::new(dbm).word);
        assert_eq!(words, ["poor", "poor", "fair", "good", "excellent", "excellent"]);
    }

    #[test]
    fn every_registration_has_a_word_in_metrics_in_json_and_for_people() {
        let told = Registered::ALL.map(|registered| {
            let json = serde_json::to_string(&registered).expect("a word");
            serde_json::from_str::<Registered>(&json).expect("a word that is read back");
            format!("{} {json} {}", registered.as_str(), registered.in_words())
        });
        insta::assert_snapshot!(told.join("\n"), @r#"
        home "home" registered
        roaming "roaming" registered, roaming
        searching "searching" searching
        denied "denied" refused by the network
        emergency_only "emergency_only" emergency calls only
        restricted "emergency_only" emergency calls only
        idle "not_registered" not registered
        unknown "not_registered" unknown
        "#);
        for registered in Registered::ALL {
            assert!(crate::metrics::catalogue::REGISTRATION_STATES.contains(&registered.as_str()), "{registered:?}");
        }
    }
}
