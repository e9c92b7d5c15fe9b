//! What makes of modems differ in, as data. A new make is a new row here, not a new branch elsewhere.

mod makes;

pub use makes::PROFILES;

use super::keys::KeyLine;

/// How a make prints the tries that are left for PIN and PUK. Every make passes `AT+CSIM` on to the card besides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PinCounter {
    /// `AT+CPINC?` → `+CPINC: pin,pin2,puk,puk2`
    Cpinc,
    /// `AT+SPIC` → `+SPIC: pin,puk,pin2,puk2`
    Spic,
    /// `AT+QPINC="SC"` → `+QPINC: "SC",pin,puk`
    Qpinc,
    /// `AT^CPIN?` → `^CPIN: state,tries,puk,pin,puk2,pin2`
    HuaweiCpin,
    /// `AT+UPINCNT` → `+UPINCNT: pin,pin2,puk,puk2`
    Upincnt,
    /// `AT#PCT` → `#PCT: pin`
    Pct,
    /// By `AT+CSIM` alone.
    Csim,
}

/// How a make tells the states of a call unasked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CallReports {
    Silent,
    /// `+CLCC:` lines after `AT+CLCC=1`, `VOICE CALL: BEGIN` and `END`.
    Simcom,
    /// `^ORIG`, `^CONF`, `^CONN`, `^CEND`.
    Huawei,
    /// `+QIND: "ccinfo",…` after `AT+QINDCFG="ccinfo",1`.
    Quectel,
    /// `^DSCI:` after `AT^DSCI=1`.
    Dsci,
    /// `+UCALLSTAT:` after `AT+UCALLSTAT=1`.
    Ublox,
    /// `+WIND:` after `AT+WIND=50`.
    Wavecom,
    /// `CONNECT`, `HANGUP:`.
    Zte,
}

/// By which commands a make opens its sound port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SoundCommands {
    /// It has none.
    None,
    /// `AT+CPCMFRM`, `AT+CPCMREG`
    Simcom,
    /// `AT^DDSETEX=2`
    Huawei,
    /// `AT+QPCMV`
    Quectel,
}

/// By which commands a make speaks itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SpeechCommands {
    /// It cannot.
    None,
    /// `AT+CTTS`, into the call after `AT+CDTAM=1`
    Simcom,
    /// `AT+QTTS`
    Quectel,
}

/// When a dialled call gets its `OK`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DialOk {
    AtOnce,
    /// Once it is answered, while `AT+COLP=1`.
    AnsweredWithColp,
    /// Once it is answered.
    Answered,
}

/// What a make says to a command that it does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// `ERROR`, or `+CME ERROR: 4` where `AT+CMEE` asked for it.
    Coded,
    Plain,
    /// `COMMAND NOT SUPPORT`
    Words,
}

/// Which networks a modem finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// `+CEREG` does not exist.
    Gsm,
    All,
    /// `+CREG` and `+CGREG` stay at 0.
    LteOnly,
}

pub struct Profile {
    pub name: &'static str,
    pub maker: &'static str,
    pub model: &'static str,
    pub firmware: &'static str,
    pub imei: &'static str,
    /// Lines after power-on, once the modem answers again.
    pub boot: &'static [&'static str],
    /// The line that floods where a flood is asked for.
    pub flood: &'static str,
    pub counter: PinCounter,
    pub unknown: Unknown,
    /// Command and answer's prefix that tell the SIM's number (ICCID).
    pub iccid: (&'static str, &'static str),
    /// Where a storage begins to count.
    pub first_index: u16,
    /// The memories for messages, and how many of them `AT+CPMS` takes.
    pub memories: [&'static str; 2],
    pub memories_set: usize,
    pub network: Network,
    pub calls: CallReports,
    pub dial_ok: DialOk,
    pub sound: SoundCommands,
    pub speech: SpeechCommands,
    /// None: it tells no keys.
    pub keys: Option<KeyLine>,
    /// Whether `+CPIN:` is followed by `OK`.
    pub pin_state_ends: bool,
    /// Restarts the modem, besides `AT+CFUN=1,1`.
    pub reset: &'static str,
    /// Settings of the make's own: command, what `=?` lists, default.
    pub settings: &'static [(&'static str, &'static str, &'static str)],
    /// Commands of the make's own with a fixed answer, as they are written after `AT`.
    pub answers: &'static [(&'static str, &'static [&'static str])],
    /// Commands that other makes know.
    pub lacks: &'static [&'static str],
}

/// The row of a name as `--profile` takes it: the row's own, or that of the driver's profile which such a modem gets.
pub fn profile(name: &str) -> Option<&'static Profile> {
    let name = if name == "simcom" { "sim800" } else { name };
    PROFILES.iter().find(|profile| profile.name == name)
}
