//! `simverify modem`: look at modems and use one by hand.
//!
//! A port is opened for this command alone: one that the daemon or another program has is refused with its holder.
//! Numbers of modems and SIM cards are shown masked.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::open::open;
use super::table::aligned;
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::App;
use crate::channel::{Board, Message, MessageText, Outcome as Sent};
use crate::clock::Clock;
use crate::config::{ChannelKind, ModemSettings, PortSettings, Settings};
use crate::daemon::{modem_config, rules};
use crate::modem::at::{Access, RegistrationState, SimState};
use crate::modem::by_hand::{self, ByHandError, PinQuestion, Probed};
use crate::modem::driver::ModemConfig;
use crate::modem::port::{self, Port, PortAddress, PortError, SerialPort};
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::simulator::Simulators;
use crate::verification::{AttemptId, EventKind};

/// How long the network may keep trying to deliver a message that was sent by hand.
const VALIDITY: Duration = Duration::from_secs(3600);

const BAUD_RATE: u32 = 115_200;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the configured modems, and the serial ports that there are
    List(List),
    /// Ask what is on a port and print the configuration for it; changes nothing
    Probe(Probe),
    /// Send one SMS through a configured modem, without the daemon
    SendSms(SendSms),
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON: {"modems": […], "ports": […]}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Probe {
    /// A device's path, "tcp://HOST:PORT", "rfc2217://HOST:PORT", "simulator:NAME" or a configured modem's name [default: each port that is found]
    port: Option<String>,
    /// Speed of a port that is not configured
    #[arg(long, value_name = "BAUD", default_value_t = BAUD_RATE, value_parser = clap::value_parser!(u32).range(300..=4_000_000))]
    baud_rate: u32,
    /// Print JSON: a list of what was found
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

pub fn run(command: &Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    match command {
        Command::List(arguments) => list(arguments, &settings.modems),
        Command::Probe(arguments) => block_on(probe(arguments, &settings.modems)),
        Command::SendSms(arguments) => block_on(send_sms(arguments, &settings)),
    }
}

fn list(arguments: &List, modems: &[ModemSettings]) -> Outcome {
    let ports = port::list();
    if arguments.json {
        let found: Vec<Value> = ports.iter().map(|port| port_json(port, modems)).collect();
        return print_json(&json!({ "modems": modems.iter().map(modem_json).collect::<Vec<_>>(), "ports": found }));
    }
    let mut rows = vec![["MODEM", "PORT", "STATE", "CHANNELS"].map(str::to_owned)];
    rows.extend(modems.iter().map(|modem| {
        [modem.name.to_string(), modem.port.to_string(), presence(&modem.port).to_owned(), channels(modem).join(", ")]
    }));
    let mut text = if modems.is_empty() { "no modem is configured\n".to_owned() } else { aligned(&rows) };
    let mut rows = vec![["PORT FOUND", "DEVICE", "USB", "PRODUCT", "MODEM"].map(str::to_owned)];
    rows.extend(ports.iter().map(|port| port_cells(port, modems)));
    text.push('\n');
    text += &if ports.is_empty() { "no serial port is found\n".to_owned() } else { aligned(&rows) };
    print(&text)
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

fn modem_json(modem: &ModemSettings) -> Value {
    json!({
        "name": modem.name.as_str(),
        "port": modem.port.to_string(),
        "state": presence(&modem.port),
        "channels": channels(modem),
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

async fn probe(arguments: &Probe, modems: &[ModemSettings]) -> Outcome {
    let targets = targets(arguments, modems)?;
    let one = arguments.port.is_some();
    let mut found = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        match probe_one(target).await {
            Ok(probed) => {
                let block = target.block(&probed, modems);
                if arguments.json {
                    found.push(probed_json(target, &probed, &block));
                } else {
                    let gap = if index == 0 { "" } else { "\n" };
                    print(&format!("{gap}{}\n{}\n{block}", target.address, aligned(&probed_rows(&probed))))?;
                    found.push(Value::Null);
                }
            }
            Err(failure) if one => return Err(failure),
            Err(failure) if arguments.json => {
                found.push(json!({ "port": target.address.to_string(), "error": failure.to_string() }));
            }
            Err(failure) => print(&format!("{}{failure}\n", if index == 0 { "" } else { "\n" }))?,
        }
    }
    if arguments.json { print_json(&Value::Array(found)) } else { Ok(()) }
}

/// A port to be asked.
struct Target {
    address: PortAddress,
    baud_rate: u32,
    /// The configured modem that is on it.
    name: Option<String>,
}

fn targets(arguments: &Probe, modems: &[ModemSettings]) -> Result<Vec<Target>, Failure> {
    let configured = |modem: &ModemSettings| {
        let ModemConfig { name, address, baud_rate, .. } = modem_config(modem);
        Target { address, baud_rate, name: Some(name) }
    };
    let device = |path: &Path| match modem_on(path, modems) {
        Some(modem) => configured(modem),
        None => Target { address: PortAddress::Device(path.to_owned()), baud_rate: arguments.baud_rate, name: None },
    };
    let Some(port) = &arguments.port else {
        let ports: Vec<Target> = port::list().iter().map(|port| device(&port.path)).collect();
        if ports.is_empty() {
            let advice = "no serial port is found: plug a modem in, or name a port";
            return Err(Exit::Unavailable.because(anyhow::anyhow!(advice)));
        }
        return Ok(ports);
    };
    if let Some(modem) = modems.iter().find(|modem| modem.name.as_str() == port) {
        return Ok(vec![configured(modem)]);
    }
    match PortSettings::try_from(port.clone()) {
        Ok(PortSettings::Device(path)) => Ok(vec![device(&stable(&path))]),
        Ok(PortSettings::Tcp { host, port }) => {
            let address = PortAddress::Tcp { host, port };
            Ok(vec![Target { address, baud_rate: arguments.baud_rate, name: None }])
        }
        Ok(PortSettings::Rfc2217 { host, port }) => {
            let address = PortAddress::Rfc2217 { host, port };
            Ok(vec![Target { address, baud_rate: arguments.baud_rate, name: None }])
        }
        Ok(PortSettings::Simulator(name)) => {
            let address = PortAddress::Simulator(name);
            Ok(vec![Target { address, baud_rate: arguments.baud_rate, name: None }])
        }
        Err(allowed) => {
            Err(Exit::Usage.because(anyhow::anyhow!("{port} is no configured modem and no port: a port {allowed}")))
        }
    }
}

/// The path that survives replugging, of a device that has one.
fn stable(path: &Path) -> std::path::PathBuf {
    let Ok(device) = path.canonicalize() else { return path.to_owned() };
    // A link that the operator chose is as good.
    let chosen = device != path;
    let found = port::list().into_iter().find(|port| port.device == device && !chosen);
    found.map_or_else(|| path.to_owned(), |port| port.path)
}

async fn probe_one(target: &Target) -> Result<Probed, Failure> {
    let simulators = Simulators::default();
    let port = open_port(&target.address, target.baud_rate, &simulators).await?;
    by_hand::probe(port).await.map_err(|error| by_hand_failure(error, &target.address))
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

impl Target {
    /// The table of the configuration for this modem.
    fn block(&self, probed: &Probed, modems: &[ModemSettings]) -> String {
        let taken = |name: &String| modems.iter().any(|modem| modem.name.as_str() == name);
        let free = (1..).map(|number| format!("sim{number}")).find(|name| !taken(name)).unwrap_or_default();
        let name = self.name.clone().unwrap_or(free);
        let mut block = format!("[[modems]]\nname = {name:?}\nport = {:?}\n", self.address.to_string());
        if self.baud_rate != BAUD_RATE {
            block += &format!("baud_rate = {}\n", self.baud_rate);
        }
        block += &format!("profile = {:?}\n", probed.profile.name);
        if probed.sim == SimState::Pin {
            block += "sim_pin = \"\"  # the SIM asks for its PIN: write it here, or name a file with sim_pin_file\n";
        }
        block
    }
}

fn probed_rows(probed: &Probed) -> Vec<[String; 2]> {
    let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "not told".to_owned());
    let network = match (&probed.registration, &probed.operator) {
        (Some(registration), Some(operator)) => format!("{}, {}", registration_word(registration.state), operator.name),
        (Some(registration), None) => registration_word(registration.state).to_owned(),
        (None, Some(operator)) => operator.name.clone(),
        (None, None) => "not told".to_owned(),
    };
    let access = probed.registration.and_then(|it| it.access).or(probed.operator.as_ref().and_then(|it| it.access));
    let network = access.map_or_else(|| network.clone(), |access| format!("{network}, {}", access_word(access)));
    let signal = probed.signal.map_or_else(
        || "none, or not told".to_owned(),
        |signal| format!("{} dBm ({})", signal.dbm, signal_word(signal.dbm)),
    );
    let rows = [
        ("maker", told(&probed.maker)),
        ("model", told(&probed.model)),
        ("firmware", told(&probed.firmware)),
        ("IMEI", told(&probed.imei.as_deref().map(masked))),
        ("SIM", sim_word(&probed.sim)),
        ("ICCID", told(&probed.iccid.as_deref().map(masked))),
        ("network", network),
        ("signal", signal),
        ("SMS centre", if probed.has_service_centre { "set" } else { "not set, or not told" }.to_owned()),
        ("profile", probed.profile.name.to_owned()),
    ];
    rows.map(|(name, value)| [name.to_owned(), value]).to_vec()
}

fn probed_json(target: &Target, probed: &Probed, block: &str) -> Value {
    json!({
        "port": target.address.to_string(),
        "profile": probed.profile.name,
        "maker": probed.maker,
        "model": probed.model,
        "firmware": probed.firmware,
        "imei": probed.imei.as_deref().map(masked),
        "sim": sim_word(&probed.sim),
        "iccid": probed.iccid.as_deref().map(masked),
        "registration": probed.registration.map(|registration| registration_word(registration.state)),
        "operator": probed.operator.as_ref().map(|operator| operator.name.as_str()),
        "signal_dbm": probed.signal.map(|signal| signal.dbm),
        "config": block,
    })
}

/// The last four digits tell two modems apart and identify nobody.
fn masked(number: &str) -> String {
    let shown = number.len().saturating_sub(4);
    number.chars().enumerate().map(|(index, digit)| if index < shown { '*' } else { digit }).collect()
}

fn sim_word(state: &SimState) -> String {
    match state {
        SimState::Ready => "ready",
        SimState::Pin => "wants its PIN",
        SimState::Puk => "locked: wants its PUK",
        SimState::Locked(lock) => return format!("locked ({lock})"),
        SimState::Missing => "none inserted",
        SimState::Failure => "does not answer",
        SimState::Busy => "not ready yet",
        SimState::NotTold => "not told",
    }
    .to_owned()
}

fn registration_word(state: RegistrationState) -> &'static str {
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

fn access_word(access: Access) -> &'static str {
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
fn signal_word(dbm: i16) -> &'static str {
    match dbm {
        ..-100 => "poor",
        -100..-85 => "fair",
        -85..-70 => "good",
        -70.. => "excellent",
    }
}

async fn send_sms(arguments: &SendSms, settings: &Settings) -> Outcome {
    let modem = settings.modems.iter().find(|modem| modem.name.as_str() == arguments.name).ok_or_else(|| {
        let names: Vec<_> = settings.modems.iter().map(|modem| modem.name.as_str()).collect();
        Exit::Usage.because(anyhow::anyhow!("no modem is named {}; configured: {}", arguments.name, names.join(", ")))
    })?;
    let config = modem_config(modem);
    let message = Message {
        attempt: AttemptId::new(0),
        request: None,
        kind: EventKind::Sms,
        number: PhoneNumber::parse(&arguments.number, None).or_exit(Exit::Data, "wrong number")?,
        text: MessageText::new(arguments.text.clone()),
        pin_end: None,
        validity: VALIDITY,
    };
    let simulators = Simulators::default();
    let port = open_port(&config.address, config.baud_rate, &simulators).await?;
    let [reference] = Random::System.bytes();
    let record = async |question| pin_record(question, &config, settings).await;
    let sent = by_hand::send(port, &config, &message, reference, record).await;
    let sent = sent.map_err(|error| by_hand_failure(error, format!("modem {}", config.name)))?;
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
        Sent::Refused { .. } | Sent::Returned => anyhow::anyhow!("modem {name}: not sent: {reason}"),
    };
    Err(Exit::Unavailable.because(failure))
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
        assert_eq!([-113, -100, -85, -70, -51].map(signal_word), ["poor", "fair", "good", "excellent", "excellent"]);
    }
}
