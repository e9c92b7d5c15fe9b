//! Ready-made providers: the table that the key `preset` names lies under the operator's own.
//!
//! A file of `config/presets` has a head, `[about]`, which says what the variables mean and which of them are needed, and
//! under `[provider]` the keys of a provider's table. A sub-table (headers, variables, callback, voice) is merged key by
//! key, so that an operator replaces single entries.

use std::collections::BTreeMap;
use std::fmt::Write;

use config::{Map, Value, ValueKind};
use serde::Deserialize;

use super::checks::Fault;
use super::layers::from_toml;
use super::path::KeyPath;
use super::tables_of;

/// One of the ready-made providers.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    /// The file: what it was made after stands in comments.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal)*) => {
        /// All of them, services first, then gateways of one's own.
        pub const PRESETS: &[Preset] =
            &[$(Preset { name: $name, text: include_str!(concat!("../../config/presets/", $name, ".toml")) }),*];
    };
}

presets! {
    "twilio" "vonage" "messagebird" "bird" "plivo" "telnyx" "sinch" "sinch-voice"
    "smsgate" "smsgate-local" "textbee" "kannel" "jasmin" "playsms" "gammu"
}

/// What a person must know to use a preset. Each text is a clause without a capital or a full stop.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub title: String,
    /// What goes into `secret`.
    pub secret: String,
    /// How the provider comes to know where its callbacks go.
    pub callbacks: String,
    /// Variables and what they mean.
    #[serde(default)]
    pub required: BTreeMap<String, String>,
    /// Needed if the provider is used for calls.
    #[serde(default)]
    pub required_for_calls: BTreeMap<String, String>,
    #[serde(default)]
    pub optional: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: About,
    provider: toml::Table,
}

impl Preset {
    pub fn named(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).copied()
    }

    pub fn about(self) -> About {
        self.file().about
    }

    /// What it can be used for.
    pub fn channels(self) -> Vec<&'static str> {
        let provider = self.file().provider;
        match provider.get("channels").and_then(toml::Value::as_array) {
            Some(channels) if channels.iter().all(|channel| channel.as_str() == Some("voice")) => vec!["voice"],
            Some(_) | None if provider.contains_key("voice") => vec!["sms", "voice"],
            Some(_) | None => vec!["sms"],
        }
    }

    /// The table to write into the configuration, with a word on each thing to fill in.
    pub fn example(self) -> String {
        let about = self.about();
        let channels = self.channels();
        let mut text =
            format!("# {}\n[[providers]]\nname = \"{}\"\npreset = \"{}\"\n", about.title, self.name, self.name);
        if channels.len() > 1 {
            text += "# Add \"voice\" for calls.\nchannels = [\"sms\"]\n";
        }
        let secret_file = format!("/etc/simverify/{}.secret", self.name);
        let _ =
            writeln!(text, "# A file with {}; or secret = \"…\" here.\nsecret_file = \"{secret_file}\"", about.secret);
        text += "\n[providers.variables]\n";
        for (name, meaning) in &about.required {
            let _ = writeln!(text, "# Needed: {meaning}.\n{name} = \"\"");
        }
        for (name, meaning) in &about.required_for_calls {
            let _ = writeln!(text, "# Needed for calls: {meaning}.\n# {name} = \"\"");
        }
        for (name, meaning) in &about.optional {
            let _ = writeln!(text, "# {}.\n# {name} = \"\"", capitalised(meaning));
        }
        text
    }

    fn file(self) -> File {
        toml::from_str(self.text).expect("a shipped preset is tried by a test")
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Lays under each provider's table the one that its key `preset` names.
pub(super) fn lay_under(merged: &mut Value, named: impl Fn(&str) -> Option<Preset>) -> Result<(), Fault> {
    for (index, table) in tables_of(merged, "providers") {
        // A value that is no text is refused when the table is read.
        let Some(ValueKind::String(name)) = table.get("preset").map(|value| &value.kind) else { continue };
        if name.is_empty() {
            continue;
        }
        let path = KeyPath::dotted("providers").index(index);
        let preset = named(name).ok_or_else(|| (path.key("preset"), unknown()))?;
        let origin = format!("preset {}", preset.name);
        let file = from_toml(&origin, preset.text).map_err(|error| (path.key("preset"), error.to_string()))?;
        let own = variables(table).cloned().unwrap_or_default();
        if let ValueKind::Table(file) = &file.0.kind
            && let Some(Value { kind: ValueKind::Table(under), .. }) = file.get("provider")
        {
            merge(table, under);
        }
        check(preset, table, &own, &path)?;
    }
    Ok(())
}

fn unknown() -> String {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    format!("must be one of {}, or empty", names.join(", "))
}

fn merge(table: &mut Map<String, Value>, under: &Map<String, Value>) {
    for (key, value) in under {
        match (table.get_mut(key).map(|own| &mut own.kind), &value.kind) {
            (None, _) => {
                table.insert(key.clone(), value.clone());
            }
            (Some(ValueKind::Table(own)), ValueKind::Table(under)) => merge(own, under),
            (Some(_), _) => {}
        }
    }
}

/// Whether what the preset needs is there, and whether what is there is of any use.
fn check(preset: Preset, table: &Map<String, Value>, own: &Map<String, Value>, path: &KeyPath) -> Result<(), Fault> {
    let about = preset.about();
    let is_given = |table: &Map<String, Value>, key: &str| match table.get(key).map(|value| &value.kind) {
        Some(ValueKind::String(text)) => !text.is_empty(),
        // What is no text is refused, or taken as one, when the table is read.
        Some(_) => true,
        None => false,
    };
    if !is_given(table, "secret") && !is_given(table, "secret_file") {
        let reason = format!("must be given, here or as secret_file: {} (preset {})", about.secret, preset.name);
        return Err((path.key("secret"), reason));
    }
    let nothing = Map::new();
    let variables = variables(table).unwrap_or(&nothing);
    let calls = if makes_calls(table) { Some(&about.required_for_calls) } else { None };
    for (name, meaning) in about.required.iter().chain(calls.into_iter().flatten()) {
        if !is_given(variables, name) {
            let reason = format!("must be given: {meaning} (preset {})", preset.name);
            return Err((path.key("variables").key(name), reason));
        }
    }
    let declared: Vec<&String> =
        about.required.keys().chain(about.required_for_calls.keys()).chain(about.optional.keys()).collect();
    let mut names: Vec<&String> = own.keys().collect();
    names.sort();
    for name in names {
        if !declared.contains(&name) && !is_named(table, name) {
            let declared: Vec<&str> = declared.iter().map(|name| name.as_str()).collect();
            let reason = format!(
                "must stand in a template, which it does not; preset {} takes {}",
                preset.name,
                declared.join(", ")
            );
            return Err((path.key("variables").key(name), reason));
        }
    }
    Ok(())
}

fn variables(table: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match table.get("variables").map(|value| &value.kind) {
        Some(ValueKind::Table(variables)) => Some(variables),
        _ => None,
    }
}

fn makes_calls(table: &Map<String, Value>) -> bool {
    let is_voice = |channel: &Value| matches!(&channel.kind, ValueKind::String(channel) if channel == "voice");
    match table.get("channels").map(|value| &value.kind) {
        Some(ValueKind::Array(channels)) => channels.iter().any(is_voice),
        _ => false,
    }
}

/// Whether a template among the values names the variable.
fn is_named(table: &Map<String, Value>, variable: &str) -> bool {
    table.iter().filter(|(key, _)| *key != "variables").any(|(_, value)| match &value.kind {
        ValueKind::String(text) => text.contains("{{") && text.contains(variable),
        ValueKind::Table(table) => is_named(table, variable),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::error::masked;
    use super::*;

    const POST_OFFICE: Preset = Preset {
        name: "post-office",
        text: r#"
            [about]
            title = "The post office"
            secret = "the counter's password"
            callbacks = "none"
            required = { account = "the number of your box" }
            required_for_calls = { booth = "the number of the booth" }
            optional = { region = "where it is" }
            [provider]
            url = "https://post.example/send"
            headers = { Accept = "application/json", Authorization = "Basic {{ secret }}" }
            variables = { region = "eu" }
            voice = { url = "https://post.example/call" }
        "#,
    };

    fn laid_under(table: &str) -> String {
        let mut merged = from_toml("x.toml", table).expect("TOML").0;
        let named = |name: &str| (name == POST_OFFICE.name).then_some(POST_OFFICE);
        match lay_under(&mut merged, named) {
            Ok(()) => masked(&KeyPath::root(), &merged).replace("], ", "],\n").replace(", ", ",\n"),
            Err((path, reason)) => format!("{path}: {reason}"),
        }
    }

    #[test]
    fn a_preset_lies_under_the_table_and_its_sub_tables_are_merged() {
        insta::assert_snapshot!(laid_under(
            "[[providers]]\npreset = 'post-office'\nsecret = 'x'\nvariables = { account = '7' }\nvoice = { method = 'GET' }"
        ), @r#"
        { providers = [{ headers = { Accept = "***",
        Authorization = "***" },
        preset = "post-office",
        secret = "***",
        url = "https://post.example/send",
        variables = { account = "7",
        region = "eu" },
        voice = { method = "GET",
        url = "https://post.example/call" } }] }
        "#);
        assert_eq!(laid_under("[[providers]]\npreset = ''"), r#"{ providers = [{ preset = "" }] }"#);
    }

    #[test]
    fn what_a_preset_needs_is_asked_for_by_name_and_meaning() {
        let tables = [
            "preset = 'pigeons'",
            "preset = 'post-office'\nvariables = { account = '7' }",
            "preset = 'post-office'\nsecret = 'x'",
            "preset = 'post-office'\nsecret_file = 'x'\nvariables = { account = '' }",
            "preset = 'post-office'\nsecret = 'x'\nchannels = ['sms', 'voice']\nvariables = { account = 7 }",
            "preset = 'post-office'\nsecret = 'x'\nvariables = { account = '7', rejion = 'us' }",
        ];
        let told = tables.map(|table| laid_under(&format!("[[providers]]\n{table}")));
        insta::assert_snapshot!(told.join("\n"), @"
        providers[0].preset: must be one of twilio, vonage, messagebird, bird, plivo, telnyx, sinch, sinch-voice, smsgate, smsgate-local, textbee, kannel, jasmin, playsms, gammu, or empty
        providers[0].secret: must be given, here or as secret_file: the counter's password (preset post-office)
        providers[0].variables.account: must be given: the number of your box (preset post-office)
        providers[0].variables.account: must be given: the number of your box (preset post-office)
        providers[0].variables.booth: must be given: the number of the booth (preset post-office)
        providers[0].variables.rejion: must stand in a template, which it does not; preset post-office takes account, booth, region
        ");
        let own_template = "[[providers]]\npreset = 'post-office'\nsecret = 'x'\nbody = '{{ colour }}'\n\
                            variables = { account = '7', colour = 'red' }";
        assert!(laid_under(own_template).starts_with("{ providers"));
    }

    #[test]
    fn every_shipped_preset_tells_what_it_is() {
        let told: Vec<String> = PRESETS
            .iter()
            .map(|preset| format!("{} [{}] {}", preset.name, preset.channels().join(", "), preset.about().title))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        twilio [sms, voice] Twilio: SMS and calls
        vonage [sms] Vonage SMS API (once Nexmo)
        messagebird [sms, voice] MessageBird: SMS and calls through rest.messagebird.com (for accounts of Bird, see the preset bird)
        bird [sms] Bird Channels API: SMS
        plivo [sms] Plivo: SMS
        telnyx [sms, voice] Telnyx: SMS and calls
        sinch [sms] Sinch SMS (calls: the preset sinch-voice)
        sinch-voice [voice] Sinch Voice: calls (SMS: the preset sinch)
        smsgate [sms] SMSGate (SMS Gateway for Android), cloud or private server
        smsgate-local [sms] SMSGate (SMS Gateway for Android), local server on the telephone
        textbee [sms] textbee: SMS through an Android telephone
        kannel [sms] Kannel: sendsms of an smsbox
        jasmin [sms] Jasmin SMS Gateway: HTTP API
        playsms [sms] playSMS: webservices
        gammu [sms] sms-gammu-gateway: REST in front of gammu
        ");
        for preset in PRESETS {
            let file = preset.file();
            let optional = file.about.optional.keys().chain(file.about.required_for_calls.keys());
            let given = file.provider.get("variables").and_then(toml::Value::as_table).cloned().unwrap_or_default();
            for name in optional.filter(|name| *name != "sender") {
                assert!(given.contains_key(name), "{}: {name} has a value that means none", preset.name);
            }
            for name in given.keys() {
                let known = file.about.optional.contains_key(name) || file.about.required_for_calls.contains_key(name);
                assert!(known, "{}: {name} is explained", preset.name);
            }
            assert!(preset.text.starts_with("# "), "{}: it says what it was made after", preset.name);
        }
    }

    #[test]
    fn the_example_of_a_preset_says_what_to_fill_in() {
        insta::assert_snapshot!(Preset::named("telnyx").expect("a preset").example(), @r#"
        # Telnyx: SMS and calls
        [[providers]]
        name = "telnyx"
        preset = "telnyx"
        # Add "voice" for calls.
        channels = ["sms"]
        # A file with an API key (v2); or secret = "…" here.
        secret_file = "/etc/simverify/telnyx.secret"

        [providers.variables]
        # Needed: the number that messages and calls are from, or a sender ID (which needs a profile).
        sender = ""
        # Needed for calls: the ID of a TeXML application.
        # application = ""
        # Another address of the API.
        # base_url = ""
        # The number that calls come from, where the sender is none.
        # caller = ""
        # The messaging profile's ID.
        # profile = ""
        "#);
    }
}
