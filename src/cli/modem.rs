//! `simverify modem`: look at modems and use one by hand.
//!
//! A port is opened for this command alone: one that the daemon or another program has is refused with its holder.
//! Numbers of modems and SIM cards are shown masked.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

mod probe;

use super::budget;
use super::live::Routes;
use super::open::open;
use super::table::aligned;
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use super::{modem_history, modem_trace};
use crate::app::App;
use crate::channel::budget::Budget;
use crate::channel::{Board, Message, MessageText, Outcome as Sent, sms_parts};
use crate::clock::{Clock, Timestamp};
use crate::config::{ChannelKind, ModemSettings, PortSettings, Settings};
use crate::daemon::{modem_config, rules, speech_engine};
use crate::modem::by_hand::{self, ByHandError, PinQuestion};
use crate::modem::calling::{Said, Studio, Voice};
use crate::modem::driver::ModemConfig;
use crate::modem::port::{self, Port, PortAddress, PortError, SerialPort};
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::simulator::Simulators;
use crate::speech::Speech;
use crate::verification::{AttemptId, EventKind, Language};

/// How long the network may keep trying to deliver a message that was sent by hand.
const VALIDITY: Duration = Duration::from_secs(3600);

const BAUD_RATE: u32 = 115_200;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the configured modems, and the serial ports that there are
    List(List),
    /// Ask what is on the ports, say which one to use, and print the configuration for it; changes nothing
    Probe(probe::Arguments),
    /// Send one SMS through a configured modem, without the daemon
    SendSms(SendSms),
    /// Call a number through a configured modem and say a sentence, without the daemon
    Call(CallByHand),
    /// Show what happened to a modem: when it was not ready, why, what was tried, and what helped
    History(modem_history::Arguments),
    /// Show what a modem and the running daemon say to each other; Ctrl-C ends it
    Trace(modem_trace::Arguments),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON: {"modems": […], "ports": […]}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct SendSms {
    /// The configured modem's name
    name: String,
    /// In international form: +447700900123
    number: String,
    text: String,
    /// Print JSON: {"outcome": …, "references": …, "reason": …}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct CallByHand {
    /// The configured modem's name
    name: String,
    /// In international form: +447700900123
    number: String,
    /// What is said once somebody answers
    text: String,
    /// Language of the text, as the API's `lg`
    #[arg(long, default_value = "en-us", value_name = "LANGUAGE")]
    language: Language,
    /// Print JSON: {"outcome": …, "reason": …, "rang_seconds": …, "talked_seconds": …}
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    match command {
        Command::List(arguments) => block_on(list(arguments, &settings)),
        Command::Probe(arguments) => block_on(probe::run(arguments, &settings.modems)),
        Command::SendSms(arguments) => block_on(send_sms(arguments, &settings)),
        Command::Call(arguments) => block_on(call(arguments, &settings)),
        Command::History(arguments) => block_on(modem_history::run(arguments, &settings)),
        Command::Trace(arguments) => block_on(modem_trace::run(arguments, &settings.storage.path)),
    }
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    let modems = &settings.modems;
    if arguments.json {
        let ports = port::list();
        let budgets = budgets(settings);
        let budget = |modem: &ModemSettings| budgets.get(modem.name.as_str());
        let live = Routes::of(settings, Clock::System.now()).await;
        let modems_json: Vec<Value> = modems.iter().map(|modem| modem_json(modem, budget(modem), &live)).collect();
        let found: Vec<Value> = ports.iter().map(|port| port_json(port, modems)).collect();
        return print_json(&json!({ "modems": modems_json, "ports": found }));
    }
    print(&listed(settings).await)
}

/// The list is of use without the database too.
fn budgets(settings: &Settings) -> BTreeMap<String, Budget> {
    budget::budgets(settings).unwrap_or_else(|failure| {
        eprintln!("simverify: what is left is not known: {failure}");
        BTreeMap::new()
    })
}

/// The list for a person.
pub(super) async fn listed(settings: &Settings) -> String {
    let modems = &settings.modems;
    let ports = port::list();
    let budgets = budgets(settings);
    let budget = |modem: &ModemSettings| budgets.get(modem.name.as_str());
    let now = Clock::System.now();
    let live = Routes::of(settings, now).await;
    let mut rows = vec![["MODEM", "PORT", "STATE", "CHANNELS", "LEFT OF 24 HOURS"].map(str::to_owned)];
    rows.extend(modems.iter().map(|modem| {
        let channels = channels(modem).join(", ");
        let left = budget::cell(modem, budget(modem));
        [modem.name.to_string(), modem.port.to_string(), state(modem, &live, now), channels, left]
    }));
    let mut text = if modems.is_empty() { "no modem is configured\n".to_owned() } else { aligned(&rows) };
    let mut rows = vec![["PORT FOUND", "DEVICE", "USB", "PRODUCT", "MODEM"].map(str::to_owned)];
    rows.extend(ports.iter().map(|port| port_cells(port, modems)));
    text.push('\n');
    text += &if ports.is_empty() { "no serial port is found\n".to_owned() } else { aligned(&rows) };
    text
}

/// As the running daemon has it; otherwise whether its port is there.
fn state(modem: &ModemSettings, live: &Routes, now: Timestamp) -> String {
    let told = live.told(modem.name.as_str()).map(|route| live.health(route, now));
    told.unwrap_or_else(|| presence(&modem.port).to_owned())
}

fn presence(port: &PortSettings) -> &'static str {
    match port {
        PortSettings::Device(path) if path.exists() => "there",
        PortSettings::Device(_) => "absent",
        PortSettings::Tcp { .. } | PortSettings::Rfc2217 { .. } => "network",
        PortSettings::Simulator(_) => "virtual",
    }
}

fn channels(modem: &ModemSettings) -> Vec<&'static str> {
    let name = |channel: &ChannelKind| match channel {
        ChannelKind::Sms => "sms",
        ChannelKind::Voice => "voice",
    };
    modem.channels.iter().map(name).collect()
}

fn modem_json(modem: &ModemSettings, budget: Option<&Budget>, live: &Routes) -> Value {
    let route = live.told(modem.name.as_str());
    json!({
        "name": modem.name.as_str(),
        "port": modem.port.to_string(),
        "state": presence(&modem.port),
        "channels": channels(modem),
        "budget": budget.map(budget::to_json),
        // Of the running daemon alone.
        "health": route.map(|route| route.health.as_str()),
        "reason": route.and_then(|route| live.reason(route)),
        "held": route.map(|route| route.held),
        "send_seconds": route.map(|route| route.send_time.as_secs_f64()),
        "reception": route.and_then(|route| live.reception(route)),
    })
}

fn port_cells(port: &SerialPort, modems: &[ModemSettings]) -> [String; 5] {
    let usb = port.usb.as_ref();
    let ids = usb.map(|usb| {
        let number = usb.number.map(|number| format!(" if{number:02}")).unwrap_or_default();
        format!("{}:{}{number}", usb.vendor_id, usb.product_id)
    });
    let product = usb.and_then(|usb| usb.product.clone().or_else(|| usb.manufacturer.clone()));
    let modem = modem_on(&port.device, modems).map(|modem| modem.name.to_string());
    let [path, device] = [&port.path, &port.device].map(|path| path.display().to_string());
    [path, device, ids.unwrap_or_default(), product.unwrap_or_default(), modem.unwrap_or_default()]
}

fn port_json(port: &SerialPort, modems: &[ModemSettings]) -> Value {
    let usb = port.usb.as_ref().map(|usb| {
        json!({
            "vendor_id": usb.vendor_id,
            "product_id": usb.product_id,
            "manufacturer": usb.manufacturer,
            "product": usb.product,
            "interface": usb.number,
        })
    });
    let modem = modem_on(&port.device, modems).map(|modem| modem.name.as_str());
    json!({ "path": port.path, "device": port.device, "usb": usb, "modem": modem })
}

/// The configured modem whose path leads to this device.
fn modem_on<'a>(device: &Path, modems: &'a [ModemSettings]) -> Option<&'a ModemSettings> {
    let device = device.canonicalize().ok()?;
    modems.iter().find(|modem| match &modem.port {
        PortSettings::Device(path) => path.canonicalize().is_ok_and(|path| path == device),
        PortSettings::Tcp { .. } | PortSettings::Rfc2217 { .. } | PortSettings::Simulator(_) => false,
    })
}

/// A virtual modem lives as long as `simulators`.
async fn open_port(address: &PortAddress, baud_rate: u32, simulators: &Simulators) -> Result<Port, Failure> {
    port::open(address, baud_rate, simulators).await.map_err(|error| {
        let exit = match &error {
            PortError::Permission { .. } => Exit::Permission,
            PortError::Io { .. } => Exit::Io,
            PortError::NotATerminal { .. } => Exit::Data,
            PortError::NotFound { .. }
            | PortError::Held { .. }
            | PortError::Unreachable { .. }
            | PortError::Taken { .. }
            | PortError::NoTelnet { .. }
            | PortError::Simulator { .. } => Exit::Unavailable,
        };
        exit.because(error)
    })
}

fn by_hand_failure(error: ByHandError, what: impl Display) -> Failure {
    let exit = match &error {
        ByHandError::Encoding(_) => Exit::Data,
        ByHandError::PortLost(_) => Exit::Io,
        ByHandError::Silent | ByHandError::Blocked(_) | ByHandError::NoNetwork | ByHandError::Network(_) => {
            Exit::Unavailable
        }
    };
    exit.because(anyhow::Error::new(error).context(what.to_string()))
}

fn modem_named<'a>(name: &str, settings: &'a Settings) -> Result<&'a ModemSettings, Failure> {
    settings.modems.iter().find(|modem| modem.name.as_str() == name).ok_or_else(|| {
        let names: Vec<_> = settings.modems.iter().map(|modem| modem.name.as_str()).collect();
        Exit::Usage.because(anyhow::anyhow!("no modem is named {name}; configured: {}", names.join(", ")))
    })
}

async fn call(arguments: &CallByHand, settings: &Settings) -> Outcome {
    let modem = modem_named(&arguments.name, settings)?;
    let config = modem_config(modem, &settings.tts);
    let number = PhoneNumber::parse(&arguments.number, None).or_exit(Exit::Data, "wrong number")?;
    if config.voice == Voice::None {
        let advice = "has no voice: set `voice` of its [[modems]] table, and \"voice\" among its channels";
        return Err(Exit::Config.because(anyhow::anyhow!("modem {} {advice}", config.name)));
    }
    let simulators = Simulators::default();
    let port = open_port(&config.address, config.baud_rate, &simulators).await?;
    let said = Said::Text {
        text: arguments.text.clone(),
        language: arguments.language,
        texts: std::sync::Arc::clone(&settings.messages.texts),
    };
    let speech = std::sync::Arc::new(Speech::new(speech_engine(&settings.tts)));
    let record = async |question| pin_record(question, &config, settings).await;
    let called = by_hand::call(port, &config, number, said, Studio { speech, simulators }, record).await;
    let called = called.map_err(|error| by_hand_failure(error, format!("modem {}", config.name)))?;
    if matches!(called, Sent::Spoken { .. } | Sent::Unanswered { .. } | Sent::Uncertain { .. }) {
        budget::count_by_hand(settings, &modem.name, EventKind::Tts, 1).await;
    }
    tell_call(&called, &config.name, arguments.json)
}

fn tell_call(called: &Sent, name: &str, json: bool) -> Outcome {
    let (outcome, reason) = match called {
        Sent::Spoken { .. } | Sent::Accepted { .. } | Sent::Taken { .. } => ("spoken", None),
        Sent::Unanswered { reason } => ("unanswered", Some(reason.as_str())),
        Sent::Uncertain { reason, .. } => ("uncertain", Some(reason.as_str())),
        Sent::Refused { reason, .. } => ("refused", Some(reason.as_str())),
        Sent::Returned => ("refused", Some("not called")),
    };
    let seconds = match called {
        Sent::Spoken { rang, talked } => Some((rang.as_secs_f64(), talked.as_secs_f64())),
        Sent::Accepted { .. }
        | Sent::Taken { .. }
        | Sent::Unanswered { .. }
        | Sent::Uncertain { .. }
        | Sent::Refused { .. }
        | Sent::Returned => None,
    };
    if json {
        print_json(&json!({
            "outcome": outcome,
            "reason": reason,
            "rang_seconds": seconds.map(|(rang, _)| rang),
            "talked_seconds": seconds.map(|(_, talked)| talked),
        }))?;
    } else if let Some((rang, talked)) = seconds {
        print(&format!("answered after {rang:.1} s, all was said, hung up after {talked:.1} s\n"))?;
    }
    match reason {
        None => Ok(()),
        Some(reason) => Err(Exit::Unavailable.because(anyhow::anyhow!("modem {name}: {outcome}: {reason}"))),
    }
}

async fn send_sms(arguments: &SendSms, settings: &Settings) -> Outcome {
    let modem = modem_named(&arguments.name, settings)?;
    let config = modem_config(modem, &settings.tts);
    let message = Message {
        attempt: AttemptId::new(0),
        request: None,
        kind: EventKind::Sms,
        number: PhoneNumber::parse(&arguments.number, None).or_exit(Exit::Data, "wrong number")?,
        text: MessageText::new(arguments.text.clone()),
        call: None,
        particulars: None,
        pin_end: None,
        validity: VALIDITY,
    };
    let simulators = Simulators::default();
    let port = open_port(&config.address, config.baud_rate, &simulators).await?;
    let [reference] = Random::System.bytes();
    let record = async |question| pin_record(question, &config, settings).await;
    let sent = by_hand::send(port, &config, &message, reference, record).await;
    let sent = sent.map_err(|error| by_hand_failure(error, format!("modem {}", config.name)))?;
    if matches!(sent, Sent::Accepted { .. } | Sent::Uncertain { .. }) {
        budget::count_by_hand(settings, &modem.name, message.kind, sms_parts(&arguments.text)).await;
    }
    tell(&sent, &config.name, arguments.json)
}

/// The daemon's own rule and record: a PIN that a SIM refused is not given to it again.
async fn pin_record(question: PinQuestion, config: &ModemConfig, settings: &Settings) -> bool {
    let pin = config.sim_pin.as_ref().map_or("", |pin| pin.as_str());
    let recorded = async {
        let opened = open(settings)?;
        let app =
            App::new(opened.store, Clock::System, Random::System, opened.secrets, Board::default(), rules(settings))
                .or_exit(Exit::Io, "cannot start")?;
        match question {
            PinQuestion::MayTry { sim, tries_left } => app.may_try_sim_pin(&sim, pin, tries_left).await,
            PinQuestion::Accepted { sim } => app.sim_pin_done(&sim, pin).await.map(|()| true),
        }
        .or_exit(Exit::Io, "cannot record the try")
    };
    recorded.await.unwrap_or_else(|failure: Failure| {
        eprintln!("simverify: the SIM's PIN is not tried: {failure}");
        false
    })
}

fn tell(sent: &Sent, name: &str, json: bool) -> Outcome {
    let (outcome, references, reason) = match sent {
        Sent::Accepted { references } => ("accepted", references.as_slice(), None),
        // Of calls and providers, which nobody asks here.
        Sent::Spoken { .. } | Sent::Unanswered { .. } | Sent::Taken { .. } => {
            ("refused", [].as_slice(), Some("not sent"))
        }
        Sent::Uncertain { references, reason } => ("uncertain", references.as_slice(), Some(reason.as_str())),
        Sent::Refused { reason, .. } => ("refused", [].as_slice(), Some(reason.as_str())),
        Sent::Returned => ("refused", [].as_slice(), Some("not sent")),
    };
    if json {
        print_json(&json!({ "outcome": outcome, "references": references, "reason": reason }))?;
    } else if outcome == "accepted" {
        let told: Vec<String> = references.iter().flatten().map(u8::to_string).collect();
        let told = if told.is_empty() { "not told".to_owned() } else { told.join(", ") };
        print(&format!("accepted by the network; reference: {told}\n"))?;
    }
    let reason = reason.unwrap_or_default();
    let failure = match sent {
        Sent::Accepted { .. } => return Ok(()),
        Sent::Uncertain { .. } => anyhow::anyhow!("modem {name}: it may have been sent: {reason}; ask the recipient"),
        Sent::Refused { .. } | Sent::Returned | Sent::Spoken { .. } | Sent::Unanswered { .. } | Sent::Taken { .. } => {
            anyhow::anyhow!("modem {name}: not sent: {reason}")
        }
    };
    Err(Exit::Unavailable.because(failure))
}
