//! What was found, for people and for programs.

use serde_json::{Value, json};

use super::Asked;
use super::block::Sound;
use super::words;
use crate::channel::Signal;
use crate::cli::table::aligned;
use crate::modem::at::{Access, Storage};
use crate::modem::probe::{Ability, Probed};
use crate::modem::stick::{AskedPort, Stick, Verdict, verdict};
use crate::modem::words::{self as told, masked};

pub fn rows(probed: &Probed, rate: u32, asked: &Asked, sound: &Sound) -> String {
    let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "not told".to_owned());
    let mut rows = vec![
        ("maker", told(&probed.maker)),
        ("model", told(&probed.model)),
        ("firmware", told(&probed.firmware)),
        ("IMEI", told(&probed.imei.as_deref().map(masked))),
        ("SIM", sim_row(probed)),
        ("ICCID", told(&probed.iccid.as_deref().map(masked))),
        ("network", network(probed)),
        ("signal", signal_row(probed)),
        ("SMS", sms_row(probed)),
        ("storage", storage_row(&probed.storages)),
        ("calls", calls_row(probed)),
        ("sound", sound_row(sound)),
        ("profile", format!("{} ({})", probed.profile.name, probed.profile.family)),
    ];
    if rate != asked.target.baud_rate {
        rows.push(("speed", format!("{rate} baud; at {} it is silent", asked.target.baud_rate)));
    }
    let rows: Vec<[String; 2]> = rows.into_iter().map(|(name, value)| [name.to_owned(), value]).collect();
    aligned(&rows)
}

/// Why the other ports of the modem are not used.
pub fn others(stick: &Stick, ports: &[AskedPort], asked: &[Asked]) -> String {
    let others = stick.ports.iter().filter(|&&index| stick.chosen != Some(index));
    let row = |&index: &usize| match verdict(index, stick, ports) {
        Verdict::Use => None,
        Verdict::Spare(reason) => Some([asked[index].target.address.to_string(), reason.to_owned()]),
        Verdict::No(reason) => Some([asked[index].target.address.to_string(), reason]),
    };
    let rows: Vec<[String; 2]> = others.filter_map(row).collect();
    if rows.is_empty() { String::new() } else { format!("\nits other ports, not for commands:\n{}", aligned(&rows)) }
}

/// Ports on which no modem is, or none that can be used.
pub fn without_modem(stick: &Stick, ports: &[AskedPort], asked: &[Asked]) -> String {
    let line = |&index: &usize| {
        let port = asked[index].target.address.to_string();
        match verdict(index, stick, ports) {
            // It names the port itself.
            Verdict::No(reason) if reason.contains(&port) => format!("{reason}\n"),
            Verdict::No(reason) => format!("{port}: {reason}\n"),
            Verdict::Spare(reason) => format!("{port}: {reason}\n"),
            Verdict::Use => String::new(),
        }
    };
    stick.ports.iter().map(line).collect()
}

pub fn add_json(entry: &mut Value, probed: &Probed, rate: u32, sound: &Sound) {
    let storages: Vec<Value> = probed
        .storages
        .iter()
        .map(|storage| json!({ "memory": storage.memory, "used": storage.used, "total": storage.total }))
        .collect();
    let audio = match sound {
        Sound::None => json!({ "kind": "none" }),
        Sound::Wires => json!({ "kind": "wires" }),
        Sound::UnknownPort => json!({ "kind": "serial-pcm", "port": null }),
        Sound::Port(port) => json!({ "kind": "serial-pcm", "port": port }),
        Sound::Card(device) => json!({ "kind": "alsa", "device": device }),
    };
    let told = json!({
        "baud_rate": rate,
        "profile": probed.profile.name,
        "maker": probed.maker,
        "model": probed.model,
        "firmware": probed.firmware,
        "imei": probed.imei.as_deref().map(masked),
        "sim": words::sim(&probed.sim),
        "pin_tries": probed.pin_tries,
        "iccid": probed.iccid.as_deref().map(masked),
        "registration": probed.registration.map(|it| told::registration(it.state)),
        "operator": probed.operator.as_ref().map(|operator| operator.name.as_str()),
        "access": access(probed).map(Access::as_str),
        "signal_dbm": probed.signal.map(|signal| signal.dbm),
        "reference_signal_dbm": probed.reference_power.map(|signal| signal.dbm),
        "signal": signal_word(probed),
        "sms": words::ability(probed.sms),
        "sms_centre": probed.has_service_centre,
        "storage": storages,
        "voice": words::ability(probed.voice),
        "audio": audio,
        "reset_command": probed.profile.reset_line,
        "off_command": probed.profile.off_line,
    });
    if let (Value::Object(entry), Value::Object(told)) = (entry, told) {
        entry.extend(told);
    }
}

fn network(probed: &Probed) -> String {
    let state = probed.registration.map(|it| told::registration(it.state));
    let operator = probed.operator.as_ref().map(|operator| operator.name.as_str());
    let parts: Vec<&str> = [state, operator, access(probed).map(Access::as_str)].into_iter().flatten().collect();
    if parts.is_empty() { "not told".to_owned() } else { parts.join(", ") }
}

fn access(probed: &Probed) -> Option<Access> {
    probed.registration.and_then(|it| it.access).or(probed.operator.as_ref().and_then(|it| it.access))
}

fn sim_row(probed: &Probed) -> String {
    let word = words::sim(&probed.sim);
    match probed.pin_tries {
        Some(1) => format!("{word}; 1 PIN try left"),
        Some(tries) => format!("{word}; {tries} PIN tries left"),
        None => word,
    }
}

fn signal_row(probed: &Probed) -> String {
    let band = probed.signal.map(|signal| format!("{} dBm ({})", signal.dbm, Signal::new(signal.dbm).word));
    let reference = |dbm: i16| format!("LTE reference signal {dbm} dBm ({})", words::reference_signal(dbm));
    let reference = probed.reference_power.map(|signal| reference(signal.dbm));
    let told: Vec<String> = [band, reference].into_iter().flatten().collect();
    if told.is_empty() { "none, or not told".to_owned() } else { told.join("; ") }
}

/// By the whole band, else by LTE's reference signal.
fn signal_word(probed: &Probed) -> Option<&'static str> {
    let band = probed.signal.map(|signal| Signal::new(signal.dbm).word);
    band.or_else(|| probed.reference_power.map(|signal| words::reference_signal(signal.dbm)))
}

fn sms_row(probed: &Probed) -> String {
    let centre = if probed.has_service_centre { "SMS centre set" } else { "SMS centre not set, or not told" };
    format!("{}; {centre}", words::ability(probed.sms))
}

fn storage_row(storages: &[Storage]) -> String {
    let shown = storages.iter().map(|storage| {
        let memory = storage.memory.as_deref().unwrap_or("messages");
        format!("{memory} {} of {} ({} %)", storage.used, storage.total, storage.percent_used())
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "not told".to_owned() } else { shown.join(", ") }
}

fn calls_row(probed: &Probed) -> String {
    match probed.voice {
        Ability::ByNetwork => "only by VoLTE, if the network grants it: registered on LTE alone".to_owned(),
        ability @ (Ability::Able | Ability::Unable | Ability::NotTold) => words::ability(ability).to_owned(),
    }
}

fn sound_row(sound: &Sound) -> String {
    match sound {
        Sound::None => "none".to_owned(),
        Sound::Wires => "wires of the modem, to a sound card".to_owned(),
        Sound::UnknownPort => "a port of the modem that was not found here".to_owned(),
        Sound::Port(port) => format!("port {port}"),
        Sound::Card(device) => format!("sound card {device} on USB"),
    }
}
