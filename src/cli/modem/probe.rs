//! `simverify modem probe`: what is on the ports, and the configuration for it.
//!
//! All ports are asked at the same time, so that a dead one costs no more than itself. A port that another program has is
//! not touched.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

mod block;
mod report;
mod words;

use super::{BAUD_RATE, modem_on, open_port};
use crate::cli::{Exit, Failure, Outcome, print, print_json};
use crate::config::{ModemSettings, PortSettings};
use crate::daemon::port_address;
use crate::modem::port::{self, PortAddress, SerialPort};
use crate::modem::probe::{self, ProbeError, Probed};
use crate::modem::profile::known_vendor;
use crate::modem::stick::{self, AskedPort, PortAnswer, Stick, Verdict, verdict};
use crate::simulator::Simulators;

#[derive(Debug, Args)]
pub struct Arguments {
    /// A device's path, "tcp://HOST:PORT", "rfc2217://HOST:PORT", "simulator:NAME" or a configured modem's name [default: each port that is found]
    port: Option<String>,
    /// Speed of a port that is not configured; a UART that stays silent is asked at other speeds too
    #[arg(long, value_name = "BAUD", default_value_t = BAUD_RATE, value_parser = clap::value_parser!(u32).range(300..=4_000_000))]
    baud_rate: u32,
    /// Print JSON: a list of the ports with what was found, and which to use
    #[arg(long)]
    json: bool,
}

/// A port to be asked.
#[derive(Debug, Clone)]
struct Target {
    address: PortAddress,
    baud_rate: u32,
    /// The configured modem that is on it.
    name: Option<String>,
    /// What the system tells of the device.
    found: Option<SerialPort>,
}

/// A port that was asked.
struct Asked {
    target: Target,
    /// With the speed that was answered at.
    answer: Result<(u32, Probed), Failure>,
    as_port: AskedPort,
}

pub async fn run(arguments: &Arguments, modems: &[ModemSettings]) -> Outcome {
    let targets = targets(arguments, modems)?;
    if !arguments.json && std::io::stderr().is_terminal() {
        eprintln!("asking {} at once; one that is silent takes up to 16 s", counted(targets.len()));
    }
    let asked = ask_all(targets, &Simulators::default()).await?;
    let ports: Vec<AskedPort> = asked.iter().map(|asked| asked.as_port.clone()).collect();
    let sticks = stick::sticks(&ports);
    let is_found = sticks.iter().any(|stick| stick.chosen.is_some());
    let hidden = if arguments.port.is_none() { hidden_modems() } else { Vec::new() };
    if arguments.json {
        let mut entries = json_of(&asked, &ports, &sticks, modems);
        entries.extend(hidden.iter().map(|why| json!({ "port": null, "use": false, "why": why })));
        print_json(&Value::Array(entries))?;
    } else if is_found || arguments.port.is_none() {
        let parts = text_of(&asked, &ports, &sticks, modems).into_iter();
        let hidden = hidden.iter().map(|line| format!("{line}\n"));
        print(&parts.chain(hidden).collect::<Vec<_>>().join("\n"))?;
    }
    if is_found {
        return Ok(());
    }
    let one = if arguments.port.is_some() { asked.into_iter().next() } else { None };
    match one.map(|asked| asked.answer) {
        Some(Err(failure)) => Err(failure),
        Some(Ok(_)) | None => Err(Exit::Unavailable.because(anyhow::anyhow!("no modem that can be used was found"))),
    }
}

fn counted(ports: usize) -> String {
    if ports == 1 { "one port".to_owned() } else { format!("{ports} ports") }
}

fn targets(arguments: &Arguments, modems: &[ModemSettings]) -> Result<Vec<Target>, Failure> {
    let found = port::list();
    let of_device = |path: &Path| {
        let device = path.canonicalize().ok();
        found.iter().find(|port| device.as_deref() == Some(&port.device)).cloned()
    };
    let configured = |modem: &ModemSettings| {
        let address = port_address(&modem.port);
        let found = match &address {
            PortAddress::Device(path) => of_device(path),
            PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } | PortAddress::Simulator(_) => None,
        };
        Target { address, baud_rate: modem.baud_rate, name: Some(modem.name.as_str().to_owned()), found }
    };
    let other = |address| Target { address, baud_rate: arguments.baud_rate, name: None, found: None };
    let device = |path: PathBuf| match modem_on(&path, modems) {
        Some(modem) => configured(modem),
        None => Target { found: of_device(&path), ..other(PortAddress::Device(path)) },
    };
    let Some(port) = &arguments.port else {
        let ports: Vec<Target> = found.iter().map(|port| device(port.path.clone())).collect();
        if ports.is_empty() {
            let hidden: String = hidden_modems().iter().map(|line| format!("\n{line}")).collect();
            let advice = anyhow::anyhow!("no serial port is found: plug a modem in, or name a port{hidden}");
            return Err(Exit::Unavailable.because(advice));
        }
        return Ok(ports);
    };
    if let Some(modem) = modems.iter().find(|modem| modem.name.as_str() == port) {
        return Ok(vec![configured(modem)]);
    }
    match PortSettings::try_from(port.clone()) {
        Ok(PortSettings::Device(path)) => Ok(vec![device(stable(path, &found))]),
        Ok(PortSettings::Tcp { host, port }) => Ok(vec![other(PortAddress::Tcp { host, port })]),
        Ok(PortSettings::Rfc2217 { host, port }) => Ok(vec![other(PortAddress::Rfc2217 { host, port })]),
        Ok(PortSettings::Simulator(name)) => Ok(vec![other(PortAddress::Simulator(name))]),
        Err(allowed) => {
            Err(Exit::Usage.because(anyhow::anyhow!("{port} is no configured modem and no port: a port {allowed}")))
        }
    }
}

/// The path that survives replugging, of a device that has one.
fn stable(path: PathBuf, found: &[SerialPort]) -> PathBuf {
    // A link that the operator chose is as good.
    let port = found.iter().find(|port| port.device == path);
    port.map_or(path, |port| port.path.clone())
}

/// Modems that are plugged in and show no port, with what to do.
fn hidden_modems() -> Vec<String> {
    let hidden = port::without_port(|vendor| known_vendor(vendor).is_some());
    hidden.iter().map(|device| words::hidden(&device.vendor_id, &device.product_id)).collect()
}

/// Asks all ports at the same time. Ctrl-C ends that, with all settings put back.
async fn ask_all(targets: Vec<Target>, simulators: &Simulators) -> Result<Vec<Asked>, Failure> {
    let stop = CancellationToken::new();
    let asking = async {
        let mut running = JoinSet::new();
        for (index, target) in targets.into_iter().enumerate() {
            let (stop, simulators) = (stop.clone(), simulators.clone());
            running.spawn_local(async move { (index, ask(target, &simulators, &stop).await) });
        }
        let mut asked = Vec::new();
        loop {
            tokio::select! {
                ended = running.join_next() => match ended {
                    Some(Ok(one)) => asked.push(one),
                    Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
                    None => return asked,
                },
                Ok(()) = tokio::signal::ctrl_c(), if !stop.is_cancelled() => stop.cancel(),
            }
        }
    };
    let mut asked = LocalSet::new().run_until(asking).await;
    if stop.is_cancelled() {
        return Err(Exit::Unavailable.because(anyhow::anyhow!("interrupted: all settings are as they were")));
    }
    asked.sort_by_key(|(index, _)| *index);
    Ok(asked.into_iter().map(|(_, asked)| asked).collect())
}

async fn ask(target: Target, simulators: &Simulators, stop: &CancellationToken) -> Asked {
    let answer = ask_modem(&target, simulators, stop).await;
    let kind = match &answer {
        Ok(_) => PortAnswer::Commands,
        Err(Failed::Port(failure)) => PortAnswer::Closed(failure.to_string()),
        Err(Failed::Probe(ProbeError::Silent { positions: true })) => PortAnswer::Positions,
        Err(Failed::Probe(ProbeError::Silent { positions: false })) => PortAnswer::Silent,
        Err(Failed::Probe(error)) => PortAnswer::Closed(error.to_string()),
    };
    let usb = target.found.as_ref().and_then(|port| port.usb.as_ref());
    let as_port = AskedPort {
        place: usb.map(|usb| usb.place.clone()),
        vendor_id: usb.map(|usb| usb.vendor_id.clone()).unwrap_or_default(),
        product_id: usb.map(|usb| usb.product_id.clone()).unwrap_or_default(),
        interface: usb.and_then(|usb| usb.number),
        class: usb.and_then(|usb| usb.class),
        answer: kind,
    };
    let answer = answer.map_err(|failed| match failed {
        Failed::Port(failure) => failure,
        Failed::Probe(error) => {
            let exit = match error {
                ProbeError::PortLost(_) => Exit::Io,
                ProbeError::Silent { .. } | ProbeError::FellSilent | ProbeError::Interrupted => Exit::Unavailable,
            };
            exit.because(anyhow::Error::new(error).context(target.address.to_string()))
        }
    });
    Asked { target, answer, as_port }
}

/// Why a port gave nothing.
enum Failed {
    Port(Failure),
    Probe(ProbeError),
}

impl From<ProbeError> for Failed {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error)
    }
}

async fn ask_modem(
    target: &Target,
    simulators: &Simulators,
    stop: &CancellationToken,
) -> Result<(u32, Probed), Failed> {
    let open = async |rate| open_port(&target.address, rate, simulators).await.map_err(Failed::Port);
    if target.found.as_ref().is_some_and(SerialPort::is_uart) {
        return probe::at_any_rate(target.baud_rate, open, stop).await;
    }
    let probed = probe::probe(open(target.baud_rate).await?, stop).await?;
    Ok((target.baud_rate, probed))
}

/// One part a modem, or a port without one.
fn text_of(asked: &[Asked], ports: &[AskedPort], sticks: &[Stick], modems: &[ModemSettings]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut named = 0;
    for stick in sticks {
        let one = stick.chosen.and_then(|index| Some((&asked[index], asked[index].answer.as_ref().ok()?)));
        if let Some((chosen, (rate, probed))) = one {
            let sound = block::Sound::of(probed, stick, ports, asked);
            let rows = report::rows(probed, *rate, chosen, &sound);
            let others = report::others(stick, ports, asked);
            let block = block::block(chosen, *rate, probed, &sound, modems, named);
            named += usize::from(chosen.target.name.is_none());
            parts.push(format!("{}\n{rows}{others}\n{block}", chosen.target.address));
        } else {
            parts.push(report::without_modem(stick, ports, asked));
        }
    }
    parts
}

fn json_of(asked: &[Asked], ports: &[AskedPort], sticks: &[Stick], modems: &[ModemSettings]) -> Vec<Value> {
    let mut entries = vec![Value::Null; asked.len()];
    let mut named = 0;
    for (number, stick) in sticks.iter().enumerate() {
        for &index in &stick.ports {
            let one = &asked[index];
            let (uses, why) = match verdict(index, stick, ports) {
                Verdict::Use => (true, "takes commands, and what comes unasked comes here".to_owned()),
                Verdict::Spare(reason) => (false, reason.to_owned()),
                Verdict::No(reason) => (false, reason),
            };
            let mut entry = json!({ "port": one.target.address.to_string(), "modem": number, "use": uses, "why": why });
            match &one.answer {
                Ok((rate, probed)) => {
                    let sound = block::Sound::of(probed, stick, ports, asked);
                    report::add_json(&mut entry, probed, *rate, &sound);
                    if uses {
                        entry["config"] = block::block(one, *rate, probed, &sound, modems, named).into();
                        named += usize::from(one.target.name.is_none());
                    }
                }
                Err(failure) => entry["error"] = failure.to_string().into(),
            }
            entries[index] = entry;
        }
    }
    entries
}

#[cfg(test)]
mod tests;
