//! The sections that stand once in a configuration.
//!
//! The doc of each key is in `config/default.toml`; here stand units and what the type does not say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::fields::{
    addresses, code_length, days, days_unless_zero, host_names, limit, networks, optional_addresses, path, seconds,
    seconds_unless_zero, unless_empty, whole,
};
use crate::fraud::countries::CountryModes;
use crate::phone::NumberKind;

use super::protection::{Profile, country_modes};
use super::values::{Countries, CountryCode, CreditValue, Currency, LanguageTag, PublicUrl, Secret, read_from_string};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// At least one.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    #[serde(deserialize_with = "unless_empty")]
    pub(super) tls_cert_file: Option<PathBuf>,
    #[serde(deserialize_with = "unless_empty")]
    pub(super) tls_key_file: Option<PathBuf>,
    /// None: providers are told no address for their callbacks.
    #[serde(deserialize_with = "unless_empty")]
    pub public_url: Option<PublicUrl>,
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub forwarded_header: ForwardedHeader,
    /// None: no limit.
    #[serde(deserialize_with = "limit::<_, 100000>")]
    pub connections_per_address: Option<NonZeroU32>,
    /// None: as many as the cores can serve in time.
    #[serde(deserialize_with = "limit::<_, 100000>")]
    pub requests_in_flight: Option<NonZeroU32>,
}

/// The header that a trusted proxy names its client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

impl ServerSettings {
    /// The files for HTTPS; none for plain HTTP.
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificates, key) = self.tls_cert_file.clone().zip(self.tls_key_file.clone())?;
        Some(TlsFiles { certificates, key })
    }
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificates: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// Empty: turned off. Never an address of the public API.
    #[serde(deserialize_with = "optional_addresses")]
    pub listen: Vec<SocketAddr>,
    /// With the certificate of the public API.
    pub tls: bool,
    #[serde(deserialize_with = "host_names")]
    pub hosts: Vec<String>,
    pub metrics: bool,
    /// From `metrics_token` or the file of `metrics_token_file`; none: scrapers show nothing.
    #[serde(deserialize_with = "unless_empty")]
    pub metrics_token: Option<Secret>,
    #[serde(deserialize_with = "unless_empty")]
    pub(super) metrics_token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    #[serde(deserialize_with = "path")]
    pub path: PathBuf,
    #[serde(deserialize_with = "path")]
    pub key_file: PathBuf,
    #[serde(rename = "retention_days", deserialize_with = "days::<_, 1, 36500>")]
    pub retention: Duration,
    // None: with the rest.
    #[serde(rename = "inbox_retention_days", deserialize_with = "days_unless_zero::<_, 36500>")]
    pub inbox_retention: Option<Duration>,
    #[serde(rename = "ip_address_retention_days", deserialize_with = "days_unless_zero::<_, 36500>")]
    pub ip_address_retention: Option<Duration>,
    #[serde(rename = "number_retention_days", deserialize_with = "days_unless_zero::<_, 36500>")]
    pub number_retention: Option<Duration>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifySettings {
    pub profile: Profile,
    /// 1–7.
    #[serde(deserialize_with = "whole::<_, _, 1, 7>")]
    pub default_workflow: u8,
    /// None: by the number's country.
    #[serde(deserialize_with = "unless_empty")]
    pub default_language: Option<LanguageTag>,
    /// 4 or 6.
    #[serde(deserialize_with = "code_length")]
    pub code_length: u8,
    #[serde(rename = "pin_expiry_seconds", deserialize_with = "seconds::<_, 1, 86400>")]
    pub pin_expiry: Duration,
    /// None: the workflow's own waits.
    #[serde(rename = "next_event_wait_seconds", deserialize_with = "seconds_unless_zero::<_, 86400>")]
    pub next_event_wait: Option<Duration>,
    #[serde(rename = "cancel_after_seconds", deserialize_with = "seconds::<_, 0, 3600>")]
    pub cancel_after: Duration,
    #[serde(deserialize_with = "whole::<_, _, 1, 10>")]
    pub max_checks: u8,
    #[serde(deserialize_with = "whole::<_, _, 1, 100000>")]
    pub requests_per_second: u32,
    #[serde(rename = "send_timeout_seconds", deserialize_with = "seconds::<_, 1, 86400>")]
    pub send_timeout: Duration,
    pub argon2: Argon2Settings,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Settings {
    #[serde(deserialize_with = "whole::<_, _, 1024, 1048576>")]
    pub memory_kib: u32,
    #[serde(deserialize_with = "whole::<_, _, 1, 64>")]
    pub iterations: u32,
    #[serde(deserialize_with = "whole::<_, _, 1, 16>")]
    pub parallelism: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxSettings {
    pub opt_out: bool,
    pub opt_out_words: Vec<String>,
    pub opt_in_words: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersSettings {
    pub allowed_countries: Countries,
    pub allowed_types: BTreeSet<NumberKind>,
    #[serde(deserialize_with = "country_modes")]
    pub countries_sms: CountryModes,
    #[serde(deserialize_with = "country_modes")]
    pub countries_voice: CountryModes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricingSettings {
    pub currency: Currency,
    pub credit_value: CreditValue,
    #[serde(deserialize_with = "whole::<_, _, 0, 100000000>")]
    pub default_credits: u32,
    pub countries: BTreeMap<CountryCode, Credits>,
}

/// Credits of one verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Credits(#[serde(deserialize_with = "whole::<_, _, 0, 100000000>")] pub u32);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TtsSettings {
    pub engine: TtsEngine,
    /// Program and arguments; not empty if the engine is a command.
    pub command: Vec<String>,
    #[serde(deserialize_with = "whole::<_, _, 1, 10>")]
    pub repeat: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TtsEngine {
    EspeakNg,
    Command,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingSettings {
    /// Each kind at most once; a kind left out is not used.
    #[serde(deserialize_with = "order")]
    pub order: Vec<RouteKind>,
    #[serde(rename = "overflow_after_seconds", deserialize_with = "seconds::<_, 0, 86400>")]
    pub overflow_after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    Modems,
    Providers,
}

fn order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RouteKind>, D::Error> {
    let order = Vec::<RouteKind>::deserialize(deserializer)?;
    match order.as_slice() {
        [_] | [RouteKind::Modems, RouteKind::Providers] | [RouteKind::Providers, RouteKind::Modems] => Ok(order),
        _ => Err(de::Error::custom("must name modems, providers or both, each once")),
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// Directives for [`tracing_subscriber::EnvFilter`], known to parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LogLevel {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // EnvFilter takes a bare word that is no level for a target: `level = "inof"` would silence everything.
        let is_level = |word: &str| !word.is_empty() && word.parse::<tracing::level_filters::LevelFilter>().is_ok();
        let sane = |directive: &str| directive.contains(['=', '[']) || is_level(directive.trim());
        let parses = tracing_subscriber::EnvFilter::builder().parse(&text).is_ok();
        if parses && text.split(',').all(sane) {
            Ok(Self(text))
        } else {
            Err("must be off, error, warn, info, debug, trace, or directives such as \"info,simverify::modem=trace\"")
        }
    }
}

read_from_string! { LogLevel }

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// journald where it listens, otherwise text.
    Auto,
    Text,
    Json,
    Journald,
}
