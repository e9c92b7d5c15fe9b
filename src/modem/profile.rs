//! What differs between makes of modems, as data.
//!
//! A row says what is true of a family and nothing else; whatever has no row is driven as [`GENERIC`]. Every line here
//! may be refused by a modem without harm.

use std::time::Duration;

use super::at::{EngineSettings, PinCounter};

#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// As the configuration names it.
    pub name: &'static str,
    /// Lower-case words of the maker's or the model's name that choose this row.
    pub known_by: &'static [&'static str],
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
    /// Lines at the end of the start-up, one command each; refusals are ignored.
    pub startup_lines: &'static [&'static str],
    /// Lines for later: they may talk to the network for minutes (`+CLIP`), or only matter to calls.
    pub late_lines: &'static [&'static str],
    /// Restarts the modem.
    pub reset_line: &'static str,
    /// How long the modem may be gone after that.
    pub reset_lasts: Duration,
}

impl Profile {
    /// The row of that name; `auto` has none.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// The row for what a modem says that it is.
    pub fn of(maker: &str, model: &str) -> &'static Self {
        let says = format!("{maker} {model}").to_lowercase();
        let chosen = PROFILES.iter().find(|profile| profile.known_by.iter().any(|word| says.contains(word)));
        chosen.unwrap_or(&GENERIC)
    }

    pub const fn engine_settings(&self) -> EngineSettings {
        EngineSettings { rest: self.rest, restart_lines: self.restart_lines }
    }
}

/// What every modem understands.
pub static GENERIC: Profile = generic();

/// The most particular rows first.
pub static PROFILES: [Profile; 7] = [
    // Qualcomm based: USB, PCM port, its own reset. CVHU=0 makes ATH hang up.
    Profile {
        name: "sim7600",
        known_by: &["sim7500", "sim7600", "simcom_sim76", "simcom_sim75"],
        pin_counter: PinCounter::Spic,
        iccid_line: "AT+CICCID",
        startup_lines: &["AT+CVHU=0"],
        late_lines: &["AT+CLIP=1", "AT+CRC=1", "AT+CLCC=1"],
        reset_line: "AT+CRESET",
        ..generic()
    },
    Profile {
        name: "simcom",
        known_by: &["simcom", "sim800", "sim900", "a76"],
        pin_counter: PinCounter::Spic,
        settle_after_pin: Duration::from_secs(5),
        ..generic()
    },
    // Without QURCCFG the unsolicited lines come out of another port.
    Profile {
        name: "quectel",
        known_by: &["quectel"],
        pin_counter: PinCounter::Qpinc,
        iccid_line: "AT+QCCID",
        startup_lines: &["AT+QURCCFG=\"urcport\",\"usbat\""],
        ..generic()
    },
    // ^BOOT lines are repeated for as long as the stick runs; one with another number than before is a restart (see the
    // engine). CURC=1 keeps the lines about calls.
    Profile {
        name: "huawei",
        known_by: &["huawei"],
        restart_lines: &["^BOOT:", "^SYSSTART"],
        pin_counter: PinCounter::HuaweiCpin,
        iccid_line: "AT^ICCID?",
        startup_lines: &["AT^PORTSEL=1"],
        reset_line: "AT^RESET",
        ..generic()
    },
    // Telit's manual asks for 20 ms between commands.
    Profile {
        name: "telit",
        known_by: &["telit"],
        rest: Duration::from_millis(20),
        pin_counter: PinCounter::Pct,
        iccid_line: "AT#CCID",
        reset_line: "AT#REBOOT",
        ..generic()
    },
    // Power saving drops characters.
    Profile {
        name: "u-blox",
        known_by: &["u-blox"],
        pin_counter: PinCounter::Upincnt,
        startup_lines: &["AT+UPSV=0"],
        ..generic()
    },
    generic(),
];

/// The base of every row.
const fn generic() -> Profile {
    Profile {
        name: "generic",
        known_by: &[],
        rest: Duration::from_millis(5),
        submit_timeout: Duration::from_secs(45),
        restart_lines: &["RDY", "+CFUN: 1", "^BOOT:", "^SYSSTART", "*ATREADY: 1"],
        pin_counter: PinCounter::Csim,
        settle_after_pin: Duration::from_secs(1),
        iccid_line: "AT+CCID",
        startup_lines: &[],
        late_lines: &["AT+CLIP=1", "AT+CRC=1"],
        reset_line: "AT+CFUN=1,1",
        reset_lasts: Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_is_driven_by_the_row_that_knows_it() {
        let cases = [
            ("SIMCOM INCORPORATED", "SIMCOM_SIM7600G-H", "sim7600"),
            ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom"),
            ("Quectel", "EC25", "quectel"),
            ("huawei", "E173", "huawei"),
            ("Telit", "LE910", "telit"),
            ("u-blox", "SARA-U201", "u-blox"),
            ("ACME", "X1", "generic"),
            ("", "", "generic"),
        ];
        for (maker, model, name) in cases {
            assert_eq!(Profile::of(maker, model).name, name, "{maker} {model}");
        }
    }

    #[test]
    fn no_row_sends_what_must_never_be_sent() {
        for profile in &PROFILES {
            assert_eq!(Profile::named(profile.name), Some(profile));
            for line in profile.startup_lines.iter().chain(profile.late_lines) {
                for forbidden in ["CFUN=0", "COPS=?", "CLCK", "CPWD", "&W", "&F", "ATZ", ";"] {
                    assert!(!line.contains(forbidden), "{}: {line}", profile.name);
                }
            }
        }
    }
}
