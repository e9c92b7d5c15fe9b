//! Settings: read from their layers, checked once, typed.
//!
//! [`Configuration::load`] gives either settings that need no further check or the one message that stops the start.
//! Nothing else reads configuration files or `SIMVERIFY__` variables, and the settings are handed to each part by
//! section, never as a whole. Never prints a secret: not in an error, not in [`Effective`], not in `Debug`.

mod checks;
mod effective;
mod error;
mod fields;
mod layers;
mod messages;
mod modems;
mod path;
mod presets;
mod protection;
mod providers;
mod reader;
mod sections;
mod values;
mod webhooks;

use config::{Map, Value, ValueKind};
use serde::Deserialize;

pub use effective::{Effective, EffectiveValue};
pub use error::ConfigError;
pub use layers::{DEFAULT_TOML, Flag, SYSTEM_DIRECTORY, Sources};
pub use messages::MessagesSettings;
pub use modems::{ChannelKind, ModemSettings, PortSettings, ProfileName, SimPin, VoiceSettings};
pub use presets::{About, PRESETS, Preset};
pub use protection::{BreakerSettings, GuessingSettings, LimitSetting, LimitsSettings, ModeSetting, Profile};
pub use providers::{
    CallCallbackSettings, CallbackSecret, CallbackSettings, Code, HttpMethod, JsonPointer, Pattern, ProviderSettings,
    ProxyUrl, RequestSettings, UrlTemplate,
};
pub use sections::{
    AdminSettings, Argon2Settings, Credits, ForwardedHeader, InboxSettings, LogFormat, LogLevel, LogSettings,
    NumbersSettings, PricingSettings, RouteKind, RoutingSettings, ServerSettings, StorageSettings, TlsFiles, TtsEngine,
    TtsSettings, VerifySettings,
};
pub use values::{
    Countries, CountryCode, CreditValue, Currency, LanguageTag, Price, PublicUrl, RouteName, Secret, Sum,
};
pub use webhooks::WebhooksSettings;

use layers::{BUILT_IN, Layers};
use messages::Broken;
use path::KeyPath;
use reader::{Mismatch, Problem};

/// One struct for each section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub server: ServerSettings,
    pub admin: AdminSettings,
    pub storage: StorageSettings,
    pub verify: VerifySettings,
    pub messages: MessagesSettings,
    pub inbox: InboxSettings,
    pub numbers: NumbersSettings,
    pub limits: LimitsSettings,
    pub guessing: GuessingSettings,
    pub breaker: BreakerSettings,
    pub pricing: PricingSettings,
    pub tts: TtsSettings,
    #[serde(default)]
    pub modems: Vec<ModemSettings>,
    #[serde(default)]
    pub providers: Vec<ProviderSettings>,
    pub routing: RoutingSettings,
    pub webhooks: WebhooksSettings,
    pub log: LogSettings,
}

/// The settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub settings: Settings,
    /// Each setting with its value, secrets masked, and the layer that it came from.
    pub effective: Effective,
}

impl Configuration {
    /// Reads all layers and checks them.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: an unreadable file, an unknown key, a wrong type, a value out of range, values that
    /// contradict each other.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::read(sources)?;
        add_table_defaults(&mut layers.merged, "modems", modems::MODEM_DEFAULTS)?;
        presets::lay_under(&mut layers.merged, Preset::named)
            .map_err(|(path, reason)| in_layers(&layers, &layers.merged, &path, &reason))?;
        add_table_defaults(&mut layers.merged, "providers", providers::PROVIDER_DEFAULTS)?;
        complete_voice(&mut layers.merged);
        let mut readable = layers.merged.clone();
        checks::expand_file_names(&mut readable, sources)
            .map_err(|(path, reason)| in_layers(&layers, &layers.merged, &path, &reason))?;
        let mut settings: Settings =
            reader::read(readable.clone()).map_err(|mismatch| locate(&layers, &readable, mismatch))?;
        checks::read_secret_files(&mut settings)
            .map_err(|(path, reason)| in_layers(&layers, &readable, &path, &reason))?;
        checks::contradictions(&settings).map_err(|sides| written_side(&layers, &readable, &sides))?;
        messages::read(&mut settings.messages).map_err(|broken| match broken {
            Broken::Directory(reason) => in_layers(&layers, &readable, &KeyPath::dotted("messages.directory"), &reason),
            Broken::File(error) => error,
        })?;
        Ok(Self { settings, effective: effective::list(&layers) })
    }
}

/// Gives each table of the list `name` the keys that it does not set.
fn add_table_defaults(merged: &mut Value, name: &str, defaults: &str) -> Result<(), ConfigError> {
    let defaults = layers::from_toml(BUILT_IN, defaults)?.0;
    let ValueKind::Table(defaults) = defaults.kind else { return Ok(()) };
    tables_of(merged, name).for_each(|(_, table)| add_missing(table, &defaults));
    Ok(())
}

/// Gives the request of a provider's calls the keys that only the table around it sets.
fn complete_voice(merged: &mut Value) {
    for (_, table) in tables_of(merged, "providers") {
        let around: Map<String, Value> =
            providers::REQUEST_KEYS.iter().filter_map(|&key| Some((key.to_owned(), table.get(key)?.clone()))).collect();
        if let Some(Value { kind: ValueKind::Table(voice), .. }) = table.get_mut("voice") {
            add_missing(voice, &around);
        }
    }
}

/// The tables of the list `name` with their places.
fn tables_of<'a>(merged: &'a mut Value, name: &str) -> impl Iterator<Item = (usize, &'a mut Map<String, Value>)> {
    let list = match &mut merged.kind {
        ValueKind::Table(root) => root.get_mut(name),
        _ => None,
    };
    let tables = match list.map(|list| &mut list.kind) {
        Some(ValueKind::Array(tables)) => tables.as_mut_slice(),
        Some(_) | None => &mut [],
    };
    tables.iter_mut().enumerate().filter_map(|(index, table)| match &mut table.kind {
        ValueKind::Table(table) => Some((index, table)),
        _ => None,
    })
}

fn add_missing(table: &mut Map<String, Value>, defaults: &Map<String, Value>) {
    for (key, value) in defaults {
        table.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// The message for `mismatch`: with the layer of the value that it is about.
fn locate(layers: &Layers, read: &Value, mismatch: Mismatch) -> ConfigError {
    let Mismatch { path, problem } = mismatch;
    match problem {
        Problem::UnknownKey { allowed } => {
            ConfigError::unknown(layers.origin(&path), &path, path.find(&layers.merged), allowed)
        }
        Problem::MissingKey(key) => {
            let origin = layers.origin(&path);
            ConfigError::value(origin, &path.key(key), None, "must be given")
        }
        Problem::Invalid(_) if matches!(path.to_string().as_str(), "modems" | "providers") => {
            let reason = format!("must be a list of tables, each under [[{path}]]");
            in_layers(layers, read, &path, &reason)
        }
        Problem::Invalid(reason) => in_layers(layers, read, &path, &reason),
    }
}

/// The message for a contradiction, from the side that is not a built-in default.
fn written_side(layers: &Layers, read: &Value, sides: &[checks::Fault]) -> ConfigError {
    let written = sides.iter().find(|(path, _)| !layers.origin(path).starts_with(BUILT_IN));
    let (path, reason) = written.or(sides.first()).expect("a contradiction has a side");
    in_layers(layers, read, path, reason)
}

fn in_layers(layers: &Layers, read: &Value, path: &KeyPath, reason: &str) -> ConfigError {
    ConfigError::value(layers.origin(path), path, path.find(read), reason)
}

#[cfg(test)]
mod tests;
