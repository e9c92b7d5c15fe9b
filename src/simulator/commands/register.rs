//! Commands that only hold a value: accepted, remembered, told when asked, and read by what they govern.

use std::collections::BTreeMap;

use super::{Command, Failure, Form, Next, Performed};
use crate::simulator::profile::Profile;
use crate::simulator::virtual_modem::VirtualModem;

struct Register {
    name: &'static str,
    /// What `=?` lists.
    range: &'static str,
    default: &'static str,
    /// Highest first value; none if any text may stand there.
    most: Option<u16>,
    /// What the read form adds: the network's side of a service.
    tail: &'static str,
}

const fn register(
    name: &'static str,
    range: &'static str,
    default: &'static str,
    most: Option<u16>,
    tail: &'static str,
) -> Register {
    Register { name, range, default, most, tail }
}

const REGISTERS: [Register; 24] = [
    register("+CLIP", "(0,1)", "0", Some(1), ",1"),
    register("+COLP", "(0,1)", "0", Some(1), ",1"),
    register("+CLIR", "(0-2)", "0", Some(2), ",4"),
    register("+CCWA", "(0,1)", "0", Some(1), ""),
    register("+CRC", "(0,1)", "0", Some(1), ""),
    register("+CR", "(0,1)", "0", Some(1), ""),
    register("+CSSN", "(0,1),(0,1)", "0,0", Some(1), ""),
    register("+CSTA", "(129,145)", "145", Some(145), ""),
    register("+CMOD", "(0,1)", "0", Some(1), ""),
    register("+CVHU", "(0-2)", "0", Some(2), ""),
    register("+CMMS", "(0-2)", "0", Some(2), ""),
    register("+CSMP", "(0-255),(0-255),(0-255),(0-255)", "17,167,0,0", Some(255), ""),
    register("+CSDH", "(0,1)", "0", Some(1), ""),
    register("+CSCB", "(0,1)", "0,\"\",\"\"", Some(1), ""),
    register("+CGSMS", "(0-3)", "1", Some(3), ""),
    register("+CSAS", "(0)", "0", Some(0), ""),
    register("+CRES", "(0)", "0", Some(0), ""),
    register("+CMER", "(0-3),(0),(0),(0-2),(0,1)", "0,0,0,0,0", Some(3), ""),
    register("+CTZU", "(0,1)", "0", Some(1), ""),
    register("+CTZR", "(0-2)", "0", Some(2), ""),
    register("+IPR", "(0,9600,19200,38400,57600,115200)", "115200", None, ""),
    register("+IFC", "(0-2),(0-2)", "0,0", Some(2), ""),
    register("+ICF", "(0-5),(0-3)", "3,3", Some(5), ""),
    register("+CUSD", "(0-2)", "0", Some(2), ""),
];

pub(in crate::simulator) struct Registers(BTreeMap<&'static str, String>);

impl Registers {
    /// What a modem of this make holds after power-on.
    pub(in crate::simulator) fn new(profile: &Profile) -> Self {
        let own = profile.settings.iter().map(|&(name, _, default)| (name, default.to_owned()));
        Self(REGISTERS.iter().map(|register| (register.name, register.default.to_owned())).chain(own).collect())
    }

    pub(in crate::simulator) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// All of them, by name.
    pub(in crate::simulator) fn all(&self) -> &BTreeMap<&'static str, String> {
        &self.0
    }

    /// Whether the first value is 1.
    pub(in crate::simulator) fn is_on(&self, name: &str) -> bool {
        self.get(name).split(',').next() == Some("1")
    }
}

impl VirtualModem {
    pub(super) fn perform_register(&mut self, command: &Command) -> Option<Performed> {
        let own = self.settings.profile.settings.iter().find(|(name, ..)| *name == command.name);
        let own = own.map(|&(name, range, default)| register(name, range, default, None, ""));
        let register = own.as_ref().or_else(|| REGISTERS.iter().find(|register| register.name == command.name))?;
        Some(match &command.form {
            Form::Run => Ok(Next::Done),
            Form::Test => self.say(format!("{}: {}", register.name, register.range)),
            Form::Read => {
                let value = self.registers.get(register.name);
                self.say(format!("{}: {value}{}", register.name, register.tail))
            }
            Form::Set(value) => {
                let first = value.split(',').next().and_then(|first| first.trim().parse::<u16>().ok());
                if register.most.is_some_and(|most| first.is_none_or(|first| first > most)) {
                    return Some(Err(Failure::Cme(50)));
                }
                if register.name == "+CUSD" {
                    self.ussd(value);
                }
                self.registers.0.insert(register.name, value.clone());
                Ok(Next::Done)
            }
        })
    }

    /// Any service code is answered by the SIM's balance, which is all that sandboxes ask for.
    fn ussd(&mut self, value: &str) {
        if value.contains('"') && self.sim.is_usable() {
            self.answer.push("+CUSD: 0,\"Balance: 10.00 EUR\",15".into());
        }
    }
}
