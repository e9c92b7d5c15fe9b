//! `simverify provider`: look at HTTP providers and use one by hand.
//!
//! No secret is shown: a request is rendered a second time with `***` in the place of each.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::budget;
use super::table::{aligned, printable};
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::channel::provider::template::Request;
use crate::channel::provider::{Provider, ProviderConfig, Verdict};
use crate::channel::{Message, MessageText, Outcome as Sent, Particulars, RefusalClass, sms_parts};
use crate::clock::Clock;
use crate::config::{ChannelKind, PRESETS, Preset, ProviderSettings, Settings};
use crate::daemon::provider_config;
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::verification::{AttemptId, Brand, EventKind, Language, Pin, Purpose, Reference};

/// How long the provider may keep trying to deliver a message that was sent by hand.
const VALIDITY: Duration = Duration::from_secs(3600);

/// What templates get that a message by hand does not have.
const BRAND: &str = "Simverify";
const PIN: &str = "0000";
const SENDER: &str = "VERIFY";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the configured providers
    List(List),
    /// List the ready-made providers; with a name, print the configuration to fill in
    Presets(Presets),
    /// Send one SMS through a configured provider, or call, without the daemon
    Test(Test),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Presets {
    /// The ready-made provider's name
    name: Option<String>,
    /// Print the whole of it: what is sent, how replies and callbacks are read
    #[arg(long, requires = "name")]
    source: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "source")]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Test {
    /// The configured provider's name
    name: String,
    /// In international form: +447700900123
    number: String,
    /// What is sent, or said
    text: String,
    /// Call and say the text, instead of an SMS
    #[arg(long)]
    call: bool,
    /// Language of the text, as the API's `lg`
    #[arg(long, default_value = "en-us", value_name = "LANGUAGE")]
    language: Language,
    /// Print JSON: {"request": …, "outcome": …, "message_id": …, "reason": …}
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command, global: &Global) -> Outcome {
    match command {
        Command::List(arguments) => list(arguments, &global.configuration()?.settings),
        Command::Presets(arguments) => presets(arguments),
        Command::Test(arguments) => block_on(test(arguments, &global.configuration()?.settings)),
    }
}

fn list(arguments: &List, settings: &Settings) -> Outcome {
    let providers = &settings.providers;
    if arguments.json {
        let providers: Vec<Value> = providers.iter().map(|provider| provider_json(provider, settings)).collect();
        return print_json(&json!({ "providers": providers }));
    }
    if providers.is_empty() {
        return print("no provider is configured; `simverify provider presets` lists the ready-made ones\n");
    }
    let mut rows = vec![["PROVIDER", "PRESET", "CHANNELS", "HOST", "COUNTRIES", "CALLBACKS"].map(str::to_owned)];
    rows.extend(providers.iter().map(|provider| {
        let countries: Vec<String> = provider.countries.to_list().iter().map(ToString::to_string).collect();
        let countries = if countries.is_empty() { "all".to_owned() } else { countries.join(", ") };
        let preset = if provider.preset.is_empty() { "-" } else { provider.preset.as_str() };
        [
            provider.name.to_string(),
            preset.to_owned(),
            channels(provider).join(", "),
            host(provider, settings),
            countries,
            callbacks(provider, settings).to_owned(),
        ]
    }));
    print(&aligned(&rows))
}

fn provider_json(provider: &ProviderSettings, settings: &Settings) -> Value {
    let countries: Vec<String> = provider.countries.to_list().iter().map(ToString::to_string).collect();
    json!({
        "name": provider.name.as_str(),
        "preset": provider.preset,
        "channels": channels(provider),
        "host": host(provider, settings),
        "countries": countries,
        "callbacks": callbacks(provider, settings),
    })
}

fn channels(provider: &ProviderSettings) -> Vec<&'static str> {
    let name = |channel: &ChannelKind| match channel {
        ChannelKind::Sms => "sms",
        ChannelKind::Voice => "voice",
    };
    provider.channels.iter().map(name).collect()
}

/// Where requests go. The configuration was checked: its templates render.
fn host(provider: &ProviderSettings, settings: &Settings) -> String {
    let kind = if provider.channels.contains(&ChannelKind::Sms) { EventKind::Sms } else { EventKind::Tts };
    Provider::new(&provider_config(provider, settings)).map_or_else(|_| "-".to_owned(), |provider| provider.host(kind))
}

fn callbacks(provider: &ProviderSettings, settings: &Settings) -> &'static str {
    match (&provider.callback_secret, &settings.server.public_url) {
        (None, _) => "off",
        (Some(_), None) => "on, no server.public_url",
        (Some(_), Some(_)) => "on",
    }
}

fn presets(arguments: &Presets) -> Outcome {
    let Some(name) = &arguments.name else {
        if arguments.json {
            let presets: Vec<Value> = PRESETS.iter().map(|preset| preset_json(*preset)).collect();
            return print_json(&json!({ "presets": presets }));
        }
        let mut rows = vec![["PRESET", "CHANNELS", "WHAT IT IS"].map(str::to_owned)];
        let row = |preset: &Preset| [preset.name.to_owned(), preset.channels().join(", "), preset.about().title];
        rows.extend(PRESETS.iter().map(row));
        return print(&aligned(&rows));
    };
    let preset = Preset::named(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        Exit::Usage.because(anyhow::anyhow!("no ready-made provider is named {name}; there are {}", names.join(", ")))
    })?;
    if arguments.json {
        return print_json(&preset_json(preset));
    }
    if arguments.source {
        return print(preset.text);
    }
    print(&format!("{}\n# Callbacks: {}.\n", preset.example(), preset.about().callbacks))
}

fn preset_json(preset: Preset) -> Value {
    let about = preset.about();
    json!({
        "name": preset.name,
        "title": about.title,
        "channels": preset.channels(),
        "secret": about.secret,
        "callbacks": about.callbacks,
        "required": about.required,
        "required_for_calls": about.required_for_calls,
        "optional": about.optional,
    })
}

async fn test(arguments: &Test, settings: &Settings) -> Outcome {
    let provider = provider_named(&arguments.name, settings)?;
    let (kind, channel) =
        if arguments.call { (EventKind::Tts, ChannelKind::Voice) } else { (EventKind::Sms, ChannelKind::Sms) };
    if !provider.channels.contains(&channel) {
        let what = if arguments.call { "\"voice\"" } else { "\"sms\"" };
        let advice = anyhow::anyhow!("provider {} has not {what} among its channels", provider.name);
        return Err(Exit::Config.because(advice));
    }
    let message = message(arguments, kind)?;
    let config = provider_config(provider, settings);
    let made = |config: &ProviderConfig| Provider::new(config).or_exit(Exit::Config, "it cannot be asked");
    let now = Clock::System.now();
    let request = made(&without_secrets(config.clone()))?.request(&message, now).or_exit(Exit::Config, "no request")?;
    let request = shown(&request, provider.secret.is_some());
    if !arguments.json {
        print(&format!("{}\n\n", printable(&request)))?;
    }
    let verdict = made(&config)?.send(&message, now).await;
    if matches!(verdict.outcome, Sent::Taken { .. } | Sent::Uncertain { .. }) {
        budget::count_by_hand(settings, &provider.name, kind, sms_parts(&arguments.text)).await;
    }
    tell(&verdict, &request, arguments)
}

fn provider_named<'a>(name: &str, settings: &'a Settings) -> Result<&'a ProviderSettings, Failure> {
    settings.providers.iter().find(|provider| provider.name.as_str() == name).ok_or_else(|| {
        let names: Vec<_> = settings.providers.iter().map(|provider| provider.name.as_str()).collect();
        Exit::Usage.because(anyhow::anyhow!("no provider is named {name}; configured: {}", names.join(", ")))
    })
}

fn message(arguments: &Test, kind: EventKind) -> Result<Message, Failure> {
    Ok(Message {
        attempt: AttemptId::new(0),
        request: None,
        kind,
        number: PhoneNumber::parse(&arguments.number, None).or_exit(Exit::Data, "wrong number")?,
        text: MessageText::new(arguments.text.clone()),
        call: None,
        particulars: Some(Box::new(Particulars {
            reference: Reference::from_bytes(Random::System.bytes()),
            sender_id: SENDER.to_owned(),
            purpose: Purpose::Number { brand: Brand::new(BRAND).expect("a brand") },
            pin: Pin::new(PIN).expect("a PIN"),
            language: arguments.language,
        })),
        pin_end: None,
        validity: VALIDITY,
    })
}

/// The same with stars for what must not be seen. Without `secret` any header may hold one of the operator's own writing.
fn without_secrets(mut config: ProviderConfig) -> ProviderConfig {
    let stars = || Zeroizing::new("***".to_owned());
    for source in [&mut config.sms.source, &mut config.call.source] {
        source.secret = source.secret.as_ref().map(|_| stars());
        for (name, value) in &mut source.variables {
            if ["secret", "pass", "token", "key", "pin"].iter().any(|word| name.contains(word)) && !value.is_empty() {
                *value = stars();
            }
        }
        let in_line = source.secret.is_none();
        for (name, value) in &mut source.headers {
            if in_line || name.eq_ignore_ascii_case("authorization") {
                *value = stars();
            }
        }
    }
    let address = config.callback_address.take();
    let path = |address: Zeroizing<String>| address.split('?').next().unwrap_or_default().to_owned();
    config.callback_address = address.map(|address| Zeroizing::new(format!("{}?secret=***", path(address))));
    config
}

/// As a person reads it. Without `secret` the body may hold one of the operator's own writing.
fn shown(request: &Request, show_body: bool) -> String {
    let mut url = request.url.clone();
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    let method = format!("{:?}", request.method).to_uppercase();
    let mut text = format!("{method} {url}\n");
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\n");
    }
    match &request.body {
        None => {}
        Some(_) if !show_body => text += "\n(the body is not shown: without secret or secret_file it may hold one)",
        Some(body) if request.headers.iter().any(|(_, value)| value.contains("x-www-form-urlencoded")) => {
            for (name, value) in form_urlencoded::parse(body.as_bytes()) {
                text += &format!("\n{name} = {value}");
            }
        }
        Some(body) => text += &format!("\n{body}"),
    }
    text
}

fn tell(verdict: &Verdict, request: &str, arguments: &Test) -> Outcome {
    let (outcome, message_id, reason) = match &verdict.outcome {
        Sent::Taken { message_id } => ("taken", message_id.as_deref(), None),
        Sent::Refused { class: RefusalClass::Temporary, reason } => ("refused for now", None, Some(reason)),
        Sent::Refused { class: RefusalClass::OtherRoute, reason } => ("refused", None, Some(reason)),
        Sent::Refused { class: RefusalClass::Final, reason } => ("refused for good", None, Some(reason)),
        Sent::Uncertain { reason, .. } | Sent::Unanswered { reason } => ("uncertain", None, Some(reason)),
        // What modems say.
        Sent::Accepted { .. } | Sent::Spoken { .. } => ("taken", None, None),
        Sent::Returned => ("refused", None, None),
    };
    if arguments.json {
        print_json(&json!({
            "request": request,
            "outcome": outcome,
            "message_id": message_id,
            "reason": reason,
            "pause_seconds": verdict.pause.map(|pause| pause.as_secs()),
        }))?;
    } else if outcome == "taken" {
        let id = message_id.map_or_else(|| "it told no message id".to_owned(), |id| format!("message id {id}"));
        print(&printable(&format!("taken by the provider; {id}\n")))?;
    }
    let Some(reason) = reason else { return Ok(()) };
    let name = &arguments.name;
    let pause = verdict.pause.map(|pause| format!("; it asks to wait {} s", pause.as_secs())).unwrap_or_default();
    let follows = match &verdict.outcome {
        Sent::Refused { class: RefusalClass::Temporary, .. } => "the daemon would try again, another route first",
        Sent::Refused { class: RefusalClass::OtherRoute, .. } => "the daemon would try another route",
        Sent::Refused { class: RefusalClass::Final, .. } => "the daemon would try no other route",
        _ => "it may have been sent; ask the recipient",
    };
    Err(Exit::Unavailable.because(anyhow::anyhow!("provider {name}: {outcome}: {reason}{pause}; {follows}")))
}
