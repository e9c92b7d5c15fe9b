//! From the configuration's words to what the parts of the daemon take.

mod protection;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::api::{Callbacks, Reporter};
use crate::app::{Retention, Rules};
use crate::channel::budget::{Budget, Limits, SpendLimits};
use crate::channel::callback::{Fate, Places, Reading};
use crate::channel::provider::worker::held;
use crate::channel::provider::{ProviderConfig, ReplyRules, RequestConfig};
use crate::channel::register::Setup;
use crate::channel::routing::{Health, Policy, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::config::{
    self, CallbackSettings, ChannelKind, Code, ForwardedHeader, InboxSettings, ModemSettings, PortSettings, Price,
    Profile, ProviderSettings, RequestSettings, RoutingSettings, Settings, Sum, TtsEngine, TtsSettings, VoiceSettings,
};
use crate::modem::calling::Voice;
use crate::modem::driver::{HELD, ModemConfig};
use crate::modem::port::PortAddress;
use crate::origin::{self, Proxies};
use crate::secrets::HashCost;
use crate::speech::Engine;
use crate::verification::{CodeLength, Credits, Money, OptOutWords, Workflow};

pub use webhooks::webhook_client;

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
        routing: policy(&settings.routing),
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
        retention: Retention {
            verifications: settings.storage.retention,
            inbox: settings.storage.inbox_retention.unwrap_or(settings.storage.retention),
            ip_addresses: settings.storage.ip_address_retention,
            numbers: settings.storage.number_retention,
        },
        texts: Arc::clone(&settings.messages.texts),
        opt_out: opt_out(&settings.inbox),
        protection: protection::protection(settings),
        webhooks: webhooks::rules(settings),
    }
}

fn policy(routing: &RoutingSettings) -> Policy {
    let kind = |kind: &config::RouteKind| match kind {
        config::RouteKind::Modems => RouteKind::Modem,
        config::RouteKind::Providers => RouteKind::Provider,
    };
    Policy { order: routing.order.iter().map(kind).collect(), overflow_after: routing.overflow_after }
}

fn opt_out(inbox: &InboxSettings) -> Option<Arc<OptOutWords>> {
    inbox.opt_out.then(|| Arc::new(OptOutWords::new(&inbox.opt_out_words, &inbox.opt_in_words)))
}

/// The reverse proxies that are believed.
pub fn proxies(settings: &Settings) -> Proxies {
    let header = match settings.server.forwarded_header {
        ForwardedHeader::XForwardedFor => origin::ForwardedHeader::XForwardedFor,
        ForwardedHeader::Forwarded => origin::ForwardedHeader::Forwarded,
    };
    Proxies { trusted: settings.server.trusted_proxies.clone(), header }
}

/// What callers may take of the listener.
pub struct ServerLimits {
    pub connections_per_address: Option<usize>,
    pub requests_in_flight: Option<usize>,
}

pub fn server_limits(settings: &Settings) -> ServerLimits {
    let count = |limit: Option<NonZeroU32>| limit.and_then(|limit| usize::try_from(limit.get()).ok());
    ServerLimits {
        connections_per_address: count(settings.server.connections_per_address),
        requests_in_flight: count(settings.server.requests_in_flight),
    }
}

/// Every route as it is at the start: a modem is down until it has started, a provider ready until it fails.
pub fn routes(settings: &Settings, now: Timestamp) -> Vec<RouteView> {
    let route = |modem: &ModemSettings| RouteView {
        sms: modem.channels.contains(&ChannelKind::Sms),
        // A modem speaks once it is told how its sound is reached.
        tts: modem.channels.contains(&ChannelKind::Voice) && voice(modem) != Voice::None,
        countries: modem.countries.to_list(),
        health: Health::Down { since: now },
        room: HELD,
        budget: Budget::new(sms_limits(modem), call_limits(modem), spend(modem.spend_per_day, modem.spend_per_month)),
        sms_price: money(modem.sms_price),
        call_price: money(modem.call_price),
        ..RouteView::new(modem.name.as_str(), RouteKind::Modem)
    };
    let providers = settings.providers.iter().filter(|_| uses_providers(settings)).map(provider_route);
    settings.modems.iter().map(route).chain(providers).collect()
}

/// A kind of route that the order leaves out is not used.
fn uses_providers(settings: &Settings) -> bool {
    settings.routing.order.contains(&config::RouteKind::Providers)
}

fn provider_route(provider: &ProviderSettings) -> RouteView {
    let calls = Limits {
        per_minute: None,
        per_day: provider.calls_per_day.map(u32::from),
        per_month: provider.calls_per_month.map(u32::from),
    };
    let sms = Limits {
        per_minute: provider.sms_per_minute.map(u32::from),
        per_day: provider.sms_per_day.map(u32::from),
        per_month: provider.sms_per_month.map(u32::from),
    };
    RouteView {
        sms: provider.channels.contains(&ChannelKind::Sms),
        tts: provider.channels.contains(&ChannelKind::Voice),
        countries: provider.countries.to_list(),
        room: held(provider.concurrency),
        concurrency: provider.concurrency,
        budget: Budget::new(sms, calls, spend(provider.spend_per_day, provider.spend_per_month)),
        sms_price: money(provider.sms_price),
        call_price: money(provider.call_price),
        ..RouteView::new(provider.name.as_str(), RouteKind::Provider)
    }
}

pub(super) fn providers(settings: &Settings) -> Vec<ProviderConfig> {
    let used = settings.providers.iter().filter(|_| uses_providers(settings));
    used.map(|provider| provider_config(provider, settings)).collect()
}

/// One provider as its worker takes it.
pub fn provider_config(provider: &ProviderSettings, settings: &Settings) -> ProviderConfig {
    let request = |request: RequestSettings| {
        let codes = |codes: &BTreeSet<Code>| codes.iter().map(|code| code.as_str().to_owned()).collect();
        RequestConfig {
            source: request.template_source(provider),
            rules: ReplyRules {
                final_codes: codes(&request.final_codes),
                temporary_codes: codes(&request.temporary_codes),
                success_status: request.success_status,
                success_path: request.success_path.as_str().to_owned(),
                success_value: request.success_value,
                success_pattern: request.success_pattern.map(|pattern| pattern.0),
                message_id_path: request.message_id_path.as_str().to_owned(),
                refusal_path: request.refusal_path.as_str().to_owned(),
                retry_after_path: request.retry_after_path.as_str().to_owned(),
            },
        }
    };
    let callback = settings.server.public_url.as_ref().zip(provider.callback_secret.as_ref());
    ProviderConfig {
        name: provider.name.as_str().to_owned(),
        sms: request(provider.sms_request()),
        call: request(provider.call_request()),
        timeout: provider.timeout,
        concurrency: provider.concurrency,
        proxy: provider.proxy.as_ref().map(|proxy| Zeroizing::new(proxy.expose().to_owned())),
        ca_file: provider.ca_file.clone(),
        callback_address: callback.map(|(url, secret)| {
            let secret = secret.0.expose();
            Zeroizing::new(format!("{}/callbacks/{}?secret={secret}", url.as_str(), provider.name))
        }),
        readings: settings.tts.repeat,
    }
}

/// The providers that may report, and how they are understood.
pub fn callbacks(settings: &Settings) -> Callbacks {
    let reporters = settings.providers.iter().filter_map(|provider| {
        let reporter = Reporter {
            secret: provider.callback_secret.as_ref()?.0.expose().to_owned().into(),
            reading: reading(&provider.callback),
            reply: provider.callback.reply.clone(),
        };
        Some((provider.name.as_str().to_owned(), reporter))
    });
    Callbacks::new(reporters.collect::<BTreeMap<_, _>>())
}

/// How a provider's callbacks are read.
pub fn reading(callback: &CallbackSettings) -> Reading {
    fn words(codes: &BTreeSet<Code>) -> impl Iterator<Item = &str> {
        codes.iter().map(Code::as_str)
    }
    let call = &callback.call;
    Reading {
        reference: callback.reference.as_str().to_owned(),
        message: Places::new(callback.id.as_str(), callback.status.as_str())
            .with(Fate::Accepted, words(&callback.accepted))
            .with(Fate::Failed, words(&callback.failed))
            .with(Fate::Delivered, words(&callback.delivered)),
        call: Places::new(call.id.as_str(), call.status.as_str())
            .with(Fate::Unanswered, words(&call.unanswered))
            .with(Fate::Failed, words(&call.failed))
            .with(Fate::Delivered, words(&call.answered)),
    }
}

/// 0 is no limit.
fn spend(per_day: Sum, per_month: Sum) -> SpendLimits {
    let limit = |Sum(units): Sum| (units > 0).then_some(units);
    SpendLimits { per_day: limit(per_day), per_month: limit(per_month) }
}

fn money(price: Price) -> Money {
    Money::from_units(i64::try_from(price.0).unwrap_or(i64::MAX))
}

/// How many SMS a modem may send.
pub fn sms_limits(modem: &ModemSettings) -> Limits {
    Limits {
        per_minute: modem.sms_per_minute.map(u32::from),
        per_day: modem.sms_per_day.map(u32::from),
        per_month: modem.sms_per_month.map(u32::from),
    }
}

/// How many calls a modem may make.
pub fn call_limits(modem: &ModemSettings) -> Limits {
    Limits {
        per_minute: None,
        per_day: modem.calls_per_day.map(u32::from),
        per_month: modem.calls_per_month.map(u32::from),
    }
}

pub(super) fn modems(settings: &Settings) -> Vec<ModemConfig> {
    settings.modems.iter().map(|modem| modem_config(modem, &settings.tts)).collect()
}

/// What is told of a modem's configuration.
pub(super) fn modem_setup(config: &ModemConfig) -> Setup {
    let simulator = match &config.address {
        PortAddress::Simulator(name) => Some(name.clone()),
        PortAddress::Device(_) | PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } => None,
    };
    Setup { port: config.address.to_string(), simulator, speaks: config.voice != Voice::None }
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
