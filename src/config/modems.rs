//! `[[modems]]`: one table for each modem.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::fields::{limit, unless_empty, whole};
use super::values::{Countries, Price, RouteName, Secret, Sum, read_from_string};
use crate::modem::profile::Profile;

/// What a modem's table need not say.
pub(super) const MODEM_DEFAULTS: &str = r#"
baud_rate = 115200
profile = "auto"
sim_pin = ""
sim_pin_file = ""
channels = ["sms", "voice"]
countries = []
sms_per_minute = 0
sms_per_day = 0
sms_per_month = 0
calls_per_day = 0
calls_per_month = 0
sms_price = "0"
call_price = "0"
spend_per_day = "0"
spend_per_month = "0"
delivery_reports = true
roaming = true
voice = { kind = "none" }
"#;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModemSettings {
    pub name: RouteName,
    pub port: PortSettings,
    #[serde(deserialize_with = "whole::<_, _, 300, 4000000>")]
    pub baud_rate: u32,
    pub profile: ProfileName,
    /// From `sim_pin` or the file of `sim_pin_file`.
    #[serde(deserialize_with = "unless_empty")]
    pub sim_pin: Option<SimPin>,
    #[serde(deserialize_with = "unless_empty")]
    pub(super) sim_pin_file: Option<PathBuf>,
    #[serde(deserialize_with = "channels")]
    pub channels: BTreeSet<ChannelKind>,
    pub countries: Countries,
    /// None: as fast as the modem allows.
    #[serde(deserialize_with = "limit::<_, 1000>")]
    pub sms_per_minute: Option<NonZeroU32>,
    /// None: no budget.
    #[serde(deserialize_with = "limit::<_, 1000000>")]
    pub sms_per_day: Option<NonZeroU32>,
    /// None: no budget.
    #[serde(deserialize_with = "limit::<_, 10000000>")]
    pub sms_per_month: Option<NonZeroU32>,
    /// None: no budget.
    #[serde(deserialize_with = "limit::<_, 1000000>")]
    pub calls_per_day: Option<NonZeroU32>,
    /// None: no budget.
    #[serde(deserialize_with = "limit::<_, 10000000>")]
    pub calls_per_month: Option<NonZeroU32>,
    /// Of one part of an SMS.
    pub sms_price: Price,
    pub call_price: Price,
    /// On both; 0: no budget.
    pub spend_per_day: Sum,
    pub spend_per_month: Sum,
    pub delivery_reports: bool,
    /// Whether it sends through a network that is not its SIM's own.
    pub roaming: bool,
    pub voice: VoiceSettings,
}

/// How a message reaches its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Sms,
    Voice,
}

/// At least one channel.
pub(super) fn channels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<ChannelKind>, D::Error> {
    let channels = BTreeSet::deserialize(deserializer)?;
    if channels.is_empty() { Err(de::Error::custom("must name sms, voice or both")) } else { Ok(channels) }
}

/// Where a modem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortSettings {
    /// An absolute path.
    Device(PathBuf),
    /// A raw TCP connection, as ser2net offers.
    Tcp { host: String, port: u16 },
    /// Telnet with the port's settings (RFC 2217), as ser2net offers too.
    Rfc2217 { host: String, port: u16 },
    /// A virtual modem of this name inside the daemon.
    Simulator(String),
}

impl TryFrom<String> for PortSettings {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const ALLOWED: &str = "must be a device's absolute path, \"tcp://HOST:PORT\", \"rfc2217://HOST:PORT\", or \
             \"simulator:NAME\" (letters, digits, \".\", \"_\", \"-\")";
        if let Some(name) = text.strip_prefix("simulator:") {
            let name = RouteName::try_from(name.to_owned()).map_err(|_| ALLOWED)?;
            return Ok(Self::Simulator(name.as_str().to_owned()));
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let (host, port) = host_and_port(address).ok_or(ALLOWED)?;
            return Ok(Self::Tcp { host, port });
        }
        if let Some(address) = text.strip_prefix("rfc2217://") {
            let (host, port) = host_and_port(address).ok_or(ALLOWED)?;
            return Ok(Self::Rfc2217 { host, port });
        }
        let path = PathBuf::from(&text);
        if path.is_absolute() && path.file_name().is_some() { Ok(Self::Device(path)) } else { Err(ALLOWED) }
    }
}

/// An IPv6 address stands in brackets (RFC 3986 §3.2.2).
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|&port| port != 0)?;
    let ambiguous = bare == host && bare.contains(':');
    let sane = |byte: u8| byte.is_ascii_graphic() && !b"/?#@[]".contains(&byte);
    let fits = !bare.is_empty() && !ambiguous && bare.bytes().all(sane);
    fits.then(|| (bare.to_owned(), port))
}

/// As the configuration writes it.
impl fmt::Display for PortSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => path.display().fmt(f),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Rfc2217 { host, port } if host.contains(':') => write!(f, "rfc2217://[{host}]:{port}"),
            Self::Rfc2217 { host, port } => write!(f, "rfc2217://{host}:{port}"),
            Self::Simulator(name) => write!(f, "simulator:{name}"),
        }
    }
}

/// Which make's differences apply; `None`: by what the modem says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileName(pub Option<&'static Profile>);

const PROFILES_ALLOWED: &str = "must be one of auto, generic, simcom, sim7600, sim7000, a7670, quectel, quectel-m, quectel-bg, huawei, \
     huawei-lte, u-blox, u-blox-r, telit, zte, wavecom, sierra";

impl TryFrom<String> for ProfileName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "auto" => Ok(Self(None)),
            name => Profile::named(name).map(|profile| Self(Some(profile))).ok_or(PROFILES_ALLOWED),
        }
    }
}

/// The PIN of a SIM card: 4–8 digits (3GPP TS 31.101 §9.5.1).
#[derive(Debug, Clone)]
pub struct SimPin(Secret);

impl SimPin {
    /// The digits, for `AT+CPIN` alone.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl TryFrom<String> for SimPin {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        if (4..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::from(digits)))
        } else {
            Err("must be 4 to 8 digits in quotes, or empty")
        }
    }
}

/// How a call gets its sound.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "VoiceTable")]
pub enum VoiceSettings {
    None,
    /// A second serial port that carries 8 kHz PCM.
    SerialPcm {
        port: PortSettings,
    },
    /// A sound card by its ALSA name.
    Alsa {
        device: String,
    },
    /// The modem speaks itself.
    ModemTts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoiceTable {
    kind: VoiceKind,
    #[serde(default)]
    port: String,
    #[serde(default)]
    device: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum VoiceKind {
    None,
    SerialPcm,
    Alsa,
    ModemTts,
}

const PCM_PORT: &str =
    "must have an absolute path, \"tcp://HOST:PORT\" or \"simulator:NAME\" as port, and no device, with this kind";

impl TryFrom<VoiceTable> for VoiceSettings {
    type Error = &'static str;

    fn try_from(table: VoiceTable) -> Result<Self, Self::Error> {
        match (table.kind, table.port.as_str(), table.device.as_str()) {
            (VoiceKind::None, "", "") => Ok(Self::None),
            (VoiceKind::ModemTts, "", "") => Ok(Self::ModemTts),
            (VoiceKind::SerialPcm, port, "") if !port.is_empty() => match PortSettings::try_from(port.to_owned()) {
                Ok(port @ (PortSettings::Device(_) | PortSettings::Tcp { .. } | PortSettings::Simulator(_))) => {
                    Ok(Self::SerialPcm { port })
                }
                Ok(PortSettings::Rfc2217 { .. }) | Err(_) => Err(PCM_PORT),
            },
            (VoiceKind::Alsa, "", device) if !device.is_empty() => Ok(Self::Alsa { device: device.to_owned() }),
            (VoiceKind::None | VoiceKind::ModemTts, _, _) => Err("must have no port and no device with this kind"),
            (VoiceKind::SerialPcm, _, _) => Err(PCM_PORT),
            (VoiceKind::Alsa, _, _) => Err("must have a device, and no port, with this kind"),
        }
    }
}

read_from_string! { PortSettings ProfileName }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::profile::PROFILES;

    #[test]
    fn every_profile_can_be_configured_and_is_named_where_one_is_refused() {
        for profile in PROFILES {
            assert_eq!(ProfileName::try_from(profile.name.to_owned()), Ok(ProfileName(Some(profile))));
            let names = PROFILES_ALLOWED.trim_start_matches("must be one of ");
            assert!(names.split(", ").any(|name| name == profile.name), "{}", profile.name);
        }
        assert_eq!(PROFILES_ALLOWED.split(", ").count(), PROFILES.len() + 1, "and auto");
        assert_eq!(ProfileName::try_from("auto".to_owned()), Ok(ProfileName(None)));
        assert_eq!(ProfileName::try_from("Quectel".to_owned()), Err(PROFILES_ALLOWED));
    }

    #[test]
    fn a_port_is_a_device_a_tcp_address_or_a_simulator() {
        let good = [
            "/dev/ttyUSB2",
            "/dev/serial/by-id/usb-1e0e_0001-if02-port0",
            "tcp://192.0.2.7:2000",
            "tcp://[2001:db8::1]:2000",
            "tcp://cabinet.example:2000",
            "rfc2217://cabinet.example:2000",
            "rfc2217://[2001:db8::1]:2000",
            "simulator:sim1",
        ];
        for text in good {
            assert_eq!(PortSettings::try_from(text.to_owned()).expect(text).to_string(), text);
        }
        let bad = [
            "",
            "/",
            "ttyUSB2",
            "COM3",
            "tcp://",
            "tcp://host",
            "tcp://host:0",
            "tcp://host:70000",
            "tcp://:2000",
            "tcp://::1:2000",
            "tcp://a b:1",
            "tcp://a/b:1",
            "rfc2217://host",
            "rfc2217://::1:2000",
            "simulator:",
            "simulator:a b",
            "http://x:1",
            "/dev/..",
        ];
        for text in bad {
            assert!(PortSettings::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
