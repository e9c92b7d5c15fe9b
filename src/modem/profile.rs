//! What differs between makes of modems, as data.
//!
//! A row says what is true of a family and nothing else; whatever has no row is driven as [`GENERIC`]. Every line here
//! may be refused by a modem without harm, and none is saved in the modem on purpose. A new make is a new row in the
//! maker's file, not a branch elsewhere. Pure.

use std::time::Duration;

use super::at::{Domain, EngineSettings, PinCounter};

mod call;
mod huawei;
mod quectel;
mod sierra;
mod simcom;
mod telit;
mod u_blox;
mod usb;
mod zte;

pub use call::{CallProgress, Calls, Dialled, KeyForm, Keys, OwnSpeech, Sound, StateLine, VoiceAbility};
pub use usb::{PortRole, known_vendor, role_of};

#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// As the configuration names it.
    pub name: &'static str,
    /// Who drives by this row, for people.
    pub family: &'static str,
    /// What chooses this row.
    pub known_by: &'static [Sign],
    /// Rest between the end of a reply and the next command.
    pub rest: Duration,
    /// From Ctrl-Z to the answer; then the message is uncertain.
    pub submit_timeout: Duration,
    /// Lines that say that the modem has just started. One that ends with a colon counts when its first value changes.
    pub restart_lines: &'static [&'static str],
    /// How the PIN tries left are told.
    pub pin_counter: PinCounter,
    /// Between the accepted PIN and the first command about messages.
    pub settle_after_pin: Duration,
    /// What asks for the SIM's number.
    pub iccid_line: &'static str,
    /// The registrations that exist, in the order in which they are set up.
    pub domains: &'static [Domain],
    /// Values of `AT+CPMS=` to try, best first: which memory is roomy enough, and how many the make wants named.
    pub storages: &'static [&'static str],
    /// Asks for the power of LTE's reference signal, which `+CSQ` does not tell.
    pub reference_power_line: Option<&'static str>,
    /// Lines at the end of the start-up, one command each; refusals are ignored.
    pub startup_lines: &'static [&'static str],
    /// Restarts the modem.
    pub reset_line: &'static str,
    /// How long the modem may be gone after that.
    pub reset_lasts: Duration,
    /// Turns the modem off: somebody must switch it on again. Sticks have none.
    pub off_line: Option<&'static str>,
    pub calls: Calls,
}

/// What a modem says of itself, in lower case: the beginning of a word of the maker's name, and of the model's.
#[derive(Debug, PartialEq, Eq)]
pub struct Sign {
    /// Empty: whoever made it.
    maker: &'static str,
    /// Empty: whatever its model.
    models: &'static [&'static str],
}

const fn maker(maker: &'static str) -> Sign {
    Sign { maker, models: &[] }
}

const fn models(models: &'static [&'static str]) -> Sign {
    Sign { maker: "", models }
}

const fn models_of(maker: &'static str, models: &'static [&'static str]) -> Sign {
    Sign { maker, models }
}

impl Sign {
    fn fits(&self, maker: &str, model: &str) -> bool {
        // Some tell both in one line.
        let made = self.maker.is_empty() || has_word(maker, self.maker) || has_word(model, self.maker);
        made && (self.models.is_empty() || self.models.iter().any(|beginning| has_word(model, beginning)))
    }
}

/// Whether a word of `text` begins so. A model's name follows letters and `_` as well as blanks: `SIMCOM_SIM7600E`.
fn has_word(text: &str, beginning: &str) -> bool {
    text.match_indices(beginning).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_ascii_alphanumeric()))
}

impl Profile {
    /// The row of that name; `auto` has none.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.into_iter().find(|profile| profile.name == name)
    }

    /// The row for what a modem says that it is.
    pub fn of(maker: &str, model: &str) -> &'static Self {
        let (maker, model) = (maker.to_lowercase(), model.to_lowercase());
        let chosen = PROFILES.into_iter().find(|profile| profile.known_by.iter().any(|sign| sign.fits(&maker, &model)));
        chosen.unwrap_or(&GENERIC)
    }

    pub const fn engine_settings(&self) -> EngineSettings {
        EngineSettings { rest: self.rest, restart_lines: self.restart_lines }
    }
}

/// What every modem understands.
pub static GENERIC: Profile = generic();

/// The most particular rows of a maker first.
pub static PROFILES: [&Profile; 16] = [
    &simcom::SIM7600,
    &simcom::SIM7000,
    &simcom::A7670,
    &simcom::SIM800,
    &quectel::GSM,
    &quectel::NARROW,
    &quectel::LTE,
    &huawei::LTE,
    &huawei::VOICE,
    &u_blox::NARROW,
    &u_blox::VOICE,
    &telit::TELIT,
    &zte::ZTE,
    &sierra::WAVECOM,
    &sierra::SIERRA,
    &GENERIC,
];

/// All that there are; a modem of an older network knows fewer.
const ALL_DOMAINS: &[Domain] = &[Domain::Circuit, Domain::Packet, Domain::Lte];
const GSM_DOMAINS: &[Domain] = &[Domain::Circuit, Domain::Packet];
/// Where neither calls nor GPRS exist `+CREG` is refused, or 0 for ever.
const LTE_DOMAINS: &[Domain] = &[Domain::Lte, Domain::Circuit];

/// The SIM's memory; some makes know two memories, some one; phones without messages on the SIM have their own.
const SIM_FIRST: &[&str] = &["\"SM\",\"SM\",\"SM\"", "\"SM\",\"SM\"", "\"SM\"", "\"ME\",\"ME\",\"ME\""];
/// The modem's own memory, where it holds many more messages than a SIM's 10 to 50.
const MODEM_FIRST: &[&str] = &["\"ME\",\"ME\",\"ME\"", "\"SM\",\"SM\",\"SM\"", "\"SM\",\"SM\"", "\"SM\""];

/// The base of every row.
const fn generic() -> Profile {
    Profile {
        name: "generic",
        family: "anything else that keeps to 3GPP TS 27.005 and 27.007",
        known_by: &[],
        rest: Duration::from_millis(5),
        submit_timeout: Duration::from_secs(45),
        restart_lines: &["RDY", "+CFUN: 1", "^BOOT:", "^SYSSTART", "*ATREADY: 1"],
        pin_counter: PinCounter::Csim,
        settle_after_pin: Duration::from_secs(1),
        iccid_line: "AT+CCID",
        domains: ALL_DOMAINS,
        storages: SIM_FIRST,
        reference_power_line: Some("AT+CESQ"),
        startup_lines: &[],
        reset_line: "AT+CFUN=1,1",
        reset_lasts: Duration::from_secs(60),
        off_line: Some("AT+CPOF"),
        calls: call::generic(),
    }
}

#[cfg(test)]
mod tests;
