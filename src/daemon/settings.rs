//! From the configuration's words to what the parts of the daemon take.

mod protection;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::app::Rules;
use crate::channel::budget::{Budget, Limits};
use crate::channel::routing::{Health, RouteView, SEND_TIME_GUESS};
use crate::clock::Timestamp;
use crate::config::{
    ChannelKind, InboxSettings, ModemSettings, PortSettings, Profile, Settings, TtsEngine, TtsSettings, VoiceSettings,
};
use crate::modem::calling::Voice;
use crate::modem::driver::{HELD, ModemConfig};
use crate::modem::port::PortAddress;
use crate::secrets::HashCost;
use crate::speech::Engine;
use crate::verification::{CodeLength, Credits, Money, OptOutWords, Workflow};

/// The rules that the operations follow.
pub fn rules(settings: &Settings) -> Rules {
    let verify = &settings.verify;
    let pricing = &settings.pricing;
    Rules {
        default_workflow: Workflow::new(verify.default_workflow).unwrap_or(Workflow::DEFAULT),
        default_language: verify.default_language.map(|tag| tag.0),
        code_length: if verify.code_length == 6 || verify.profile == Profile::Strict {
            CodeLength::Six
        } else {
            CodeLength::Four
        },
        pin_life: verify.pin_expiry,
        next_event_wait: verify.next_event_wait,
        cancel_after: verify.cancel_after,
        tries_max: verify.max_checks,
        requests_per_second: verify.requests_per_second,
        send_timeout: verify.send_timeout,
        hash_cost: HashCost {
            memory_kib: verify.argon2.memory_kib,
            iterations: verify.argon2.iterations,
            parallelism: verify.argon2.parallelism,
        },
        allowed_countries: settings.numbers.allowed_countries.to_list(),
        allowed_kinds: settings.numbers.allowed_types.iter().copied().collect(),
        currency: pricing.currency.as_str().to_owned(),
        credit_value: Money::from_units(i64::try_from(pricing.credit_value.0).unwrap_or(i64::MAX)),
        default_credits: Credits(i64::from(pricing.default_credits)),
        country_credits: pricing
            .countries
            .iter()
            .map(|(country, credits)| (country.0, Credits(i64::from(credits.0))))
            .collect(),
        retention: settings.storage.retention,
        texts: Arc::clone(&settings.messages.texts),
        opt_out: opt_out(&settings.inbox),
        protection: protection::protection(settings),
    }
}

fn opt_out(inbox: &InboxSettings) -> Option<Arc<OptOutWords>> {
    inbox.opt_out.then(|| Arc::new(OptOutWords::new(&inbox.opt_out_words, &inbox.opt_in_words)))
}

/// Every route as it is before its modem has started.
pub fn routes(settings: &Settings, now: Timestamp) -> Vec<RouteView> {
    let route = |modem: &ModemSettings| RouteView {
        name: modem.name.as_str().to_owned(),
        sms: modem.channels.contains(&ChannelKind::Sms),
        // A modem speaks once it is told how its sound is reached.
        tts: modem.channels.contains(&ChannelKind::Voice) && voice(modem) != Voice::None,
        countries: modem.countries.to_list(),
        health: Health::Down { since: now },
        held: 0,
        room: HELD,
        send_time: SEND_TIME_GUESS,
        budget: Budget::new(sms_limits(modem), call_limits(modem)),
    };
    settings.modems.iter().map(route).collect()
}

/// How many SMS a modem may send.
pub fn sms_limits(modem: &ModemSettings) -> Limits {
    Limits { per_minute: modem.sms_per_minute.map(u32::from), per_day: modem.sms_per_day.map(u32::from) }
}

/// How many calls a modem may make.
pub fn call_limits(modem: &ModemSettings) -> Limits {
    Limits { per_minute: None, per_day: modem.calls_per_day.map(u32::from) }
}

pub(super) fn modems(settings: &Settings) -> Vec<ModemConfig> {
    settings.modems.iter().map(|modem| modem_config(modem, &settings.tts)).collect()
}

/// One modem as its driver takes it.
pub fn modem_config(modem: &ModemSettings, tts: &TtsSettings) -> ModemConfig {
    ModemConfig {
        name: modem.name.as_str().to_owned(),
        address: port_address(&modem.port),
        baud_rate: modem.baud_rate,
        profile: modem.profile.0,
        sim_pin: modem.sim_pin.as_ref().map(|pin| Zeroizing::new(pin.expose().to_owned())),
        delivery_reports: modem.delivery_reports,
        roaming: modem.roaming,
        voice: if modem.channels.contains(&ChannelKind::Voice) { voice(modem) } else { Voice::None },
        readings: tts.repeat,
    }
}

/// How the sound of a modem's calls is reached.
fn voice(modem: &ModemSettings) -> Voice {
    match &modem.voice {
        VoiceSettings::SerialPcm { port } => Voice::Port(port_address(port)),
        VoiceSettings::Alsa { device } => Voice::Card(device.clone()),
        VoiceSettings::ModemTts => Voice::Own,
        VoiceSettings::None => Voice::None,
    }
}

/// What renders speech.
pub fn speech_engine(tts: &TtsSettings) -> Engine {
    match tts.engine {
        TtsEngine::EspeakNg => Engine::EspeakNg,
        TtsEngine::Command => Engine::Command(tts.command.clone()),
    }
}

/// A port as drivers take it.
pub fn port_address(port: &PortSettings) -> PortAddress {
    match port {
        PortSettings::Device(path) => PortAddress::Device(path.clone()),
        PortSettings::Tcp { host, port } => PortAddress::Tcp { host: host.clone(), port: *port },
        PortSettings::Rfc2217 { host, port } => PortAddress::Rfc2217 { host: host.clone(), port: *port },
        PortSettings::Simulator(name) => PortAddress::Simulator(name.clone()),
    }
}
