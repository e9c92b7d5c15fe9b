//! The words for what a modem tells of itself and of its network.

use super::at::{Access, RegistrationState};

/// The last four digits tell two modems apart and identify nobody.
pub fn masked(number: &str) -> String {
    let shown = number.len().saturating_sub(4);
    number.chars().enumerate().map(|(index, digit)| if index < shown { '*' } else { digit }).collect()
}

pub fn registration(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Home | RegistrationState::HomeCsfbNotPreferred => "registered",
        RegistrationState::Roaming | RegistrationState::RoamingCsfbNotPreferred => "registered, roaming",
        RegistrationState::HomeSmsOnly => "registered for SMS",
        RegistrationState::RoamingSmsOnly => "registered for SMS, roaming",
        RegistrationState::Searching => "searching",
        RegistrationState::Denied => "refused by the network",
        RegistrationState::EmergencyOnly | RegistrationState::Restricted => "emergency calls only",
        RegistrationState::Idle => "not registered",
        RegistrationState::Unknown => "unknown",
    }
}

pub fn access(access: Access) -> &'static str {
    match access {
        Access::Gsm => "GSM",
        Access::Edge => "EDGE",
        Access::Umts => "UMTS",
        Access::Lte => "LTE",
        Access::NarrowBand => "NB-IoT",
        Access::FiveG => "5G",
    }
}

/// Below -100 dBm messages begin to fail.
pub fn signal(dbm: i16) -> &'static str {
    match dbm {
        ..-100 => "poor",
        -100..-85 => "fair",
        -85..-70 => "good",
        -70.. => "excellent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_but_for_the_last_four_digits() {
        assert_eq!(masked("860123456789012"), "***********9012");
        assert_eq!(masked("12"), "12");
    }

    #[test]
    fn a_signal_has_a_word() {
        assert_eq!([-113, -100, -85, -70, -51].map(signal), ["poor", "fair", "good", "excellent", "excellent"]);
    }
}
