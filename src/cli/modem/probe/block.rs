//! The `[[modems]]` table for what was found.

use super::Asked;
use crate::cli::modem::BAUD_RATE;
use crate::config::ModemSettings;
use crate::modem::at::SimState;
use crate::modem::probe::{Ability, Probed};
use crate::modem::profile::{self, PortRole};
use crate::modem::startup::PIN_TRIES_MIN;
use crate::modem::stick::{self, AskedPort, Stick};

/// The name that Quectel's sound card has in ALSA.
const QUECTEL_CARD: &str = "hw:Android";

/// How a call gets its sound, as far as it can be told.
#[derive(Debug, PartialEq, Eq)]
pub enum Sound {
    /// No calls, or none whose sound can be had.
    None,
    /// Wires of the modem: a sound card must be soldered on, and only the operator knows its name.
    Wires,
    /// A port of the modem.
    Port(String),
    /// The modem would have a port for it, which is not among those that were asked.
    UnknownPort,
    Card(&'static str),
}

impl Sound {
    pub fn of(probed: &Probed, stick: &Stick, ports: &[AskedPort], asked: &[Asked]) -> Self {
        let port = |role| match stick::with_role(role, stick, ports) {
            Some(index) => Self::Port(asked[index].target.address.to_string()),
            None => Self::UnknownPort,
        };
        match (&probed.voice, &probed.profile.calls.sound) {
            (Ability::Unable, _) | (_, profile::Sound::Nowhere) => Self::None,
            (_, profile::Sound::Wires) => Self::Wires,
            (_, profile::Sound::Port { .. }) => port(PortRole::Sound),
            (_, profile::Sound::Card { .. }) if probed.sound_card == Some(true) => Self::Card(QUECTEL_CARD),
            (_, profile::Sound::Card { .. }) => port(PortRole::Positions),
        }
    }
}

/// `named`: blocks before this one that took a free name.
pub fn block(
    asked: &Asked,
    rate: u32,
    probed: &Probed,
    sound: &Sound,
    modems: &[ModemSettings],
    named: usize,
) -> String {
    let taken = |name: &String| modems.iter().any(|modem| modem.name.as_str() == name);
    let free = (1..).map(|number| format!("sim{number}")).filter(|name| !taken(name)).nth(named).unwrap_or_default();
    let name = asked.target.name.clone().unwrap_or(free);
    let port = asked.target.address.to_string();
    let mut block = format!("[[modems]]\nname = {}\nport = {}\n", quoted(&name), quoted(&port));
    if rate != BAUD_RATE {
        block += &format!("baud_rate = {rate}\n");
    }
    block += &format!("profile = {}\n", quoted(probed.profile.name));
    if probed.sim == SimState::Pin {
        block += "sim_pin = \"\"  # the SIM asks for its PIN: write it here, or name a file with sim_pin_file\n";
        if probed.pin_tries.is_some_and(|left| left < PIN_TRIES_MIN) {
            block += "# Enter the PIN in a phone once before: of the tries that are left none is risked.\n";
        }
    }
    match sound {
        Sound::None if probed.sms != Ability::Unable => block += "channels = [\"sms\"]\n",
        Sound::None => {}
        Sound::Wires => {
            block += "# voice = { kind = \"alsa\", device = \"…\" }  # the sound card that its wires lead to\n";
        }
        Sound::UnknownPort => {
            block += "# voice = { kind = \"serial-pcm\", port = \"…\" }  # its port for sound was not found here\n";
        }
        Sound::Port(port) => block += &format!("voice = {{ kind = \"serial-pcm\", port = {} }}\n", quoted(port)),
        Sound::Card(device) => block += &format!("voice = {{ kind = \"alsa\", device = {} }}\n", quoted(device)),
    }
    block
}

/// A JSON string is a basic string of TOML too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
