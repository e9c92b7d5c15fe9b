//! The words for what a modem tells of itself and of its network.

use super::at::RegistrationState;
use crate::channel::Registered;

/// The last four digits tell two modems apart and identify nobody.
pub fn masked(number: &str) -> String {
    let shown = number.len().saturating_sub(4);
    number.chars().enumerate().map(|(index, digit)| if index < shown { '*' } else { digit }).collect()
}

pub fn registered(state: RegistrationState) -> Registered {
    match state {
        RegistrationState::Home | RegistrationState::HomeSmsOnly | RegistrationState::HomeCsfbNotPreferred => {
            Registered::Home
        }
        RegistrationState::Roaming | RegistrationState::RoamingSmsOnly | RegistrationState::RoamingCsfbNotPreferred => {
            Registered::Roaming
        }
        RegistrationState::Searching => Registered::Searching,
        RegistrationState::Denied => Registered::Denied,
        RegistrationState::EmergencyOnly => Registered::EmergencyOnly,
        RegistrationState::Restricted => Registered::Restricted,
        RegistrationState::Idle => Registered::Idle,
        RegistrationState::Unknown => Registered::Unknown,
    }
}

/// For people, with what the network is used for.
pub fn registration(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::HomeSmsOnly => "registered for SMS",
        RegistrationState::RoamingSmsOnly => "registered for SMS, roaming",
        _ => registered(state).in_words(),
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
}
