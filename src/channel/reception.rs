//! How a modem stands with its network: for people. Routing asks for none of it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

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

/// How a SIM is registered with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registered {
    Home,
    Roaming,
    Searching,
    Denied,
    EmergencyOnly,
    NotRegistered,
}

impl Registered {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home network",
            Self::Roaming => "roaming",
            Self::Searching => "searching",
            Self::Denied => "denied by the network",
            Self::EmergencyOnly => "emergency calls only",
            Self::NotRegistered => "not registered",
        }
    }
}

/// A modem that did not answer does so again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    pub at: Timestamp,
    /// What helped.
    pub step: String,
}

impl Reception {
    /// Bars of the signal, 0 to 4, as telephones show them.
    pub fn bars(&self) -> Option<u8> {
        self.signal_dbm.map(bars)
    }
}

fn bars(dbm: i16) -> u8 {
    match dbm {
        -70.. => 4,
        -85..-70 => 3,
        -100..-85 => 2,
        -113..-100 => 1,
        ..-113 => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_rise_with_the_signal() {
        assert_eq!([-114, -113, -101, -100, -85, -70, -51].map(bars), [0, 1, 1, 2, 3, 4, 4]);
    }
}
