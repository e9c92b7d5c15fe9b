//! The commands about the radio: function, registration, operator, signal.

use std::collections::BTreeMap;

use super::{Command, Failure, Form, Next, Performed, numeric, values};
use crate::simulator::profile::Network;
use crate::simulator::virtual_modem::{Answer, VirtualModem};

const REGISTRATIONS: [&str; 3] = ["+CREG", "+CGREG", "+CEREG"];
/// Location area and cell of the only base station there is.
const AREA_AND_CELL: &str = "\"1A2B\",\"00C0FFEE\"";

/// What the radio commands set.
pub(in crate::simulator) struct Radio {
    /// `+CFUN`: 1 is full function.
    function: u8,
    /// `n` of each registration command.
    reports: BTreeMap<String, u8>,
    /// `format` of `+COPS`.
    operator_format: u8,
}

impl Radio {
    pub(in crate::simulator) fn new() -> Self {
        Self { function: 1, reports: BTreeMap::new(), operator_format: 0 }
    }

    /// What is set, by command.
    pub(in crate::simulator) fn all(&self) -> BTreeMap<String, String> {
        let own = [("+CFUN".to_owned(), self.function), ("+COPS format".to_owned(), self.operator_format)];
        self.reports.clone().into_iter().chain(own).map(|(name, value)| (name, value.to_string())).collect()
    }
}

impl VirtualModem {
    pub(super) fn perform_radio(&mut self, command: &Command) -> Option<Performed> {
        let network = self.settings.profile.network;
        Some(match (command.name.as_str(), &command.form) {
            ("+CEREG" | "+CESQ" | "+QCSQ" | "^HCSQ", _) if network == Network::Gsm => return None,
            ("+CREG" | "+CGREG" | "+CEREG", form) => self.registration_command(&command.name, form),
            ("+CFUN", Form::Test) => self.say("+CFUN: (0,1,4),(0,1)"),
            ("+CFUN", Form::Read) => self.say(format!("+CFUN: {}", self.radio.function)),
            ("+CFUN", Form::Set(text)) => self.set_function(&values(text)),
            ("+CSQ", Form::Test) => self.say("+CSQ: (0-31,99),(0-7,99)"),
            ("+CSQ", _) => {
                let signal = if self.radio.function == 1 { self.settings.signal } else { 99 };
                self.say(format!("+CSQ: {signal},99"))
            }
            ("+CESQ", Form::Run) => {
                let power = self.reference_power().map_or(255, |dbm| dbm + 140);
                self.say(format!("+CESQ: 99,99,255,255,20,{power}"))
            }
            ("+QCSQ", Form::Run) if self.settings.profile.maker == "Quectel" => match self.reference_power() {
                Some(dbm) => self.say(format!("+QCSQ: \"LTE\",{},{dbm},150,-11", dbm + 20)),
                None => self.say("+QCSQ: \"NOSERVICE\""),
            },
            ("^HCSQ", Form::Read) if self.settings.profile.maker == "huawei" => match self.reference_power() {
                Some(dbm) => self.say(format!("^HCSQ: \"LTE\",{},{},150,24", dbm + 140, dbm + 140)),
                None => self.say("^HCSQ: \"NOSERVICE\""),
            },
            ("+COPS", Form::Test) => self.say("+COPS: (2,\"Simverify\",\"SIMV\",\"00101\",7),,(0,1,2,3,4),(0,1,2)"),
            ("+COPS", Form::Read) => self.say(self.operator()),
            ("+COPS", Form::Set(text)) => self.select_operator(&values(text)),
            _ => return None,
        })
    }

    /// `stat` of `+CREG` as it is at present.
    pub(in crate::simulator) fn registration(&self) -> u8 {
        if self.radio.function == 1 && self.sim.is_usable() { self.settings.registration } else { 0 }
    }

    /// Whether SMS and calls go through: home, roaming, SMS only, CSFB not preferred.
    pub(in crate::simulator) fn is_registered(&self) -> bool {
        matches!(self.registration(), 1 | 5 | 6 | 7 | 9 | 10)
    }

    /// Tells a change unasked, where that was asked for.
    pub(in crate::simulator) fn registration_changed(&mut self, before: u8) {
        if self.registration() == before {
            return;
        }
        for name in REGISTRATIONS {
            let mode = self.radio.reports.get(name).copied().unwrap_or(0);
            let exists = self.has_domain(name);
            if mode > 0 && exists {
                let line = format!("{name}: {}", self.registration_fields(name, mode));
                self.unsolicited(&line);
            }
        }
    }

    fn registration_command(&mut self, name: &str, form: &Form) -> Performed {
        match form {
            Form::Test => self.say(format!("{name}: (0-2)")),
            Form::Read => {
                let mode = self.radio.reports.get(name).copied().unwrap_or(0);
                self.say(format!("{name}: {mode},{}", self.registration_fields(name, mode)))
            }
            Form::Set(value) => match numeric(&values(value), 0)? {
                Some(mode @ 0..=2) => {
                    let mode = u8::try_from(mode).unwrap_or(0);
                    self.radio.reports.insert(name.to_owned(), mode);
                    Ok(Next::Done)
                }
                _ => Err(Failure::Cme(50)),
            },
            Form::Run => Err(Failure::Error),
        }
    }

    /// Whether changes of that registration exist.
    fn has_domain(&self, name: &str) -> bool {
        match self.settings.profile.network {
            Network::Gsm => name != "+CEREG",
            Network::All => true,
            Network::LteOnly => name == "+CEREG",
        }
    }

    /// dBm of LTE's reference signal: some 20 less than the whole band has; none without a signal.
    fn reference_power(&self) -> Option<i16> {
        let is_on = self.radio.function == 1 && self.settings.signal <= 31;
        is_on.then(|| -133 + 2 * i16::from(self.settings.signal))
    }

    fn registration_fields(&self, name: &str, mode: u8) -> String {
        if !self.has_domain(name) {
            return "0".into();
        }
        let state = self.registration();
        if mode == 2 && self.is_registered() {
            format!("{state},{AREA_AND_CELL},{}", self.access_technology())
        } else {
            state.to_string()
        }
    }

    /// `AcT` of 3GPP TS 27.007 §7.3: LTE or GSM.
    fn access_technology(&self) -> u8 {
        if self.settings.profile.network == Network::Gsm { 0 } else { 7 }
    }

    fn operator(&self) -> String {
        if !self.is_registered() {
            return "+COPS: 0".into();
        }
        let format = self.radio.operator_format;
        let name = match format {
            1 => self.charset("SIMV"),
            2 => "00101".into(),
            _ => self.charset("Simverify"),
        };
        format!("+COPS: 0,{format},\"{name}\",{}", self.access_technology())
    }

    fn select_operator(&mut self, values: &[String]) -> Performed {
        match (numeric(values, 0)?, numeric(values, 1)?) {
            (Some(0..=4), format @ (None | Some(0..=2))) => {
                if let Some(format) = format {
                    self.radio.operator_format = u8::try_from(format).unwrap_or(0);
                }
                Ok(Next::Done)
            }
            _ => Err(Failure::Cme(50)),
        }
    }

    fn set_function(&mut self, values: &[String]) -> Performed {
        let function = match (numeric(values, 0)?, numeric(values, 1)?) {
            (Some(0 | 1 | 4), Some(1)) => {
                self.answer_after(self.settings.latency, Answer::Reboot);
                return Ok(Next::Later);
            }
            (Some(function @ (0 | 1 | 4)), None | Some(0)) => function,
            _ => return Err(Failure::Cme(50)),
        };
        let before = self.registration();
        self.radio.function = u8::try_from(function).unwrap_or(1);
        self.registration_changed(before);
        self.deliver_waiting();
        Ok(Next::Done)
    }
}
