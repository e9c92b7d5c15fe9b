//! Protection from fraud and guessing, as the configuration and its profile ask for it.

use std::time::Duration;

use crate::config::{LimitSetting, Profile, Settings};
use crate::fraud::breaker::BreakerRules;
use crate::fraud::countries::ChannelCountries;
use crate::fraud::guess::GuessRules;
use crate::fraud::limit::{Limit, LimitRules, Scope};
use crate::fraud::{Mode, Protection};

/// Characters of a PIN, and its life, in the strict profile: OWASP ASVS 6.5 wants 20 bits and ten minutes.
const STRICT_PIN_LENGTH: usize = 6;
const STRICT_PIN_LIFE: Duration = Duration::from_secs(600);

pub(super) fn protection(settings: &Settings) -> Protection {
    let profile = settings.verify.profile;
    let is_strict = profile == Profile::Strict;
    Protection {
        countries: ChannelCountries {
            sms: settings.numbers.countries_sms.clone(),
            voice: settings.numbers.countries_voice.clone(),
        },
        limits: limits(settings, profile),
        guessing: guessing(settings, profile),
        breaker: breaker(settings, profile),
        pin_length_min: if is_strict { STRICT_PIN_LENGTH } else { 0 },
        pin_life_max: is_strict.then_some(STRICT_PIN_LIFE),
    }
}

fn limits(settings: &Settings, profile: Profile) -> LimitRules {
    let limits = &settings.limits;
    LimitRules {
        mode: limits.mode.in_profile(profile, Mode::Off),
        limits: vec![
            (Scope::Number, list(&limits.per_number)),
            (Scope::Address, list(&limits.per_address)),
            (Scope::Account, list(&limits.per_account)),
            (Scope::Prefix, list(&limits.per_prefix)),
            (Scope::Country, list(&limits.per_country)),
            (Scope::VoiceNumber, list(&limits.voice_minutes_per_number)),
            (Scope::VoicePrefix, list(&limits.voice_minutes_per_prefix)),
            (Scope::VoiceAccount, list(&limits.voice_minutes_per_account)),
        ],
        allowed_numbers: limits.allowed_numbers.iter().map(|pattern| pattern.0.clone()).collect(),
        allowed_addresses: limits.allowed_addresses.iter().map(|address| address.0).collect(),
    }
}

fn list(limits: &[LimitSetting]) -> Vec<Limit> {
    limits.iter().map(|limit| limit.0).collect()
}

fn guessing(settings: &Settings, profile: Profile) -> GuessRules {
    let guessing = &settings.guessing;
    GuessRules {
        mode: guessing.mode.in_profile(profile, Mode::Monitor),
        free: guessing.free_failures,
        delay_first: guessing.first_wait,
        delay_max: guessing.longest_wait,
        in_a_row_max: guessing.failures_in_a_row,
        limits: list(&guessing.failures_per_number),
    }
}

fn breaker(settings: &Settings, profile: Profile) -> BreakerRules {
    let breaker = &settings.breaker;
    BreakerRules {
        mode: breaker.mode.in_profile(profile, Mode::Monitor),
        window: breaker.window,
        patience: breaker.patience,
        conversion_min: breaker.conversion_min,
        sends_min: [breaker.country_sends, breaker.range_sends, breaker.block_sends],
        sequence: breaker.sequence,
        burst: breaker.burst,
        voice_max: (!breaker.voice.is_zero()).then_some(breaker.voice),
        block_for: breaker.block,
        probe_interval: breaker.probe,
        probes: breaker.probes,
    }
}
