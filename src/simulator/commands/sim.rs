//! The commands about the SIM card: PIN, identity, phone book.

use super::{Command, Failure, Form, Next, Performed, values};
use crate::simulator::profile::PinCounter;
use crate::simulator::sim::Lock;
use crate::simulator::virtual_modem::{Answer, VirtualModem};

impl VirtualModem {
    pub(super) fn perform_sim(&mut self, command: &Command) -> Option<Performed> {
        let (iccid_command, iccid_prefix) = self.settings.profile.iccid;
        let name = command.name.as_str();
        Some(match (name, &command.form) {
            ("+CPIN", Form::Test) => Ok(Next::Done),
            ("+CPIN", Form::Read) => match self.sim.state_text() {
                Some(state) if self.settings.profile.pin_state_ends => self.say(format!("+CPIN: {state}")),
                Some(state) => {
                    self.answer_after(self.settings.latency, Answer::Line(format!("+CPIN: {state}")));
                    Ok(Next::Later)
                }
                None => Err(Failure::Cme(10)),
            },
            ("+CPIN", Form::Set(text)) => self.enter_pin(&values(text)),
            ("+CPINC" | "+SPIC" | "+QPINC" | "^CPIN" | "+UPINCNT" | "#PCT", _) => return self.pin_counter(command),
            ("+CSIM", Form::Set(text)) => self.pass_to_card(text),
            ("+CIMI", Form::Test) => Ok(Next::Done),
            ("+CIMI", _) => self.with_sim(|modem| modem.say(modem.settings.imsi.clone())),
            (_, _) if name == iccid_command => match self.sim.present {
                true => self.say(format!("{iccid_prefix}{}", self.settings.iccid)),
                false => Err(Failure::Cme(10)),
            },
            ("+CNUM", Form::Run) => {
                self.with_sim(|modem| modem.say(format!("+CNUM: ,\"{}\",145", modem.settings.number)))
            }
            ("+CLCK", Form::Test) => self.say("+CLCK: (\"SC\")"),
            ("+CLCK", Form::Set(text)) => self.with_sim(|modem| modem.lock_command(&values(text))),
            ("+CPBS", Form::Test) => self.say("+CPBS: (\"SM\",\"ME\")"),
            ("+CPBS", Form::Read) => self.with_sim(|modem| modem.say("+CPBS: \"SM\",0,250")),
            ("+CPBS" | "+CPBW", Form::Set(_)) => self.with_sim(|_| Ok(Next::Done)),
            ("+CPBR", Form::Test) => self.with_sim(|modem| modem.say("+CPBR: (1-250),40,18")),
            ("+CPBR", Form::Set(_)) => self.with_sim(|_| Ok(Next::Done)),
            _ => return None,
        })
    }

    /// Does what needs an unlocked card.
    pub(super) fn with_sim(&mut self, act: impl FnOnce(&mut Self) -> Performed) -> Performed {
        if !self.sim.present {
            return Err(Failure::Cme(10));
        }
        match self.sim.lock() {
            Lock::Open => act(self),
            Lock::Pin => Err(Failure::Cme(11)),
            Lock::Puk => Err(Failure::Cme(12)),
        }
    }

    fn enter_pin(&mut self, values: &[String]) -> Performed {
        if !self.sim.present {
            return Err(Failure::Cme(10));
        }
        let before = self.registration();
        let accepted = match (self.sim.lock(), values) {
            (Lock::Open, _) => return Err(Failure::Cme(3)),
            (Lock::Pin, [pin]) => self.sim.try_pin(pin),
            (Lock::Puk, [puk, pin]) => self.sim.try_puk(puk, pin),
            (Lock::Pin, _) => return Err(Failure::Cme(50)),
            (Lock::Puk, _) => return Err(Failure::Cme(12)),
        };
        if !accepted {
            return Err(Failure::Cme(if self.sim.lock() == Lock::Puk { 12 } else { 16 }));
        }
        self.registration_changed(before);
        self.deliver_waiting();
        Ok(Next::Done)
    }

    /// VERIFY without a PIN, which tells the tries left and costs none; nothing else (ETSI TS 102 221 §11.1.9).
    fn pass_to_card(&mut self, text: &str) -> Performed {
        if !self.sim.present {
            return Err(Failure::Cme(10));
        }
        if values(text) != ["10", "0020000100"] {
            return Err(Failure::Cme(50));
        }
        let status = match self.sim.pin_tries {
            0 => "6983".to_owned(),
            tries => format!("63C{tries}"),
        };
        self.say(format!("+CSIM: 4,\"{status}\""))
    }

    fn lock_command(&mut self, values: &[String]) -> Performed {
        match values {
            [facility, mode] if facility == "SC" && mode == "2" => {
                self.say(format!("+CLCK: {}", u8::from(self.sim.asks_for_pin())))
            }
            [_, mode, ..] if mode == "2" => self.say("+CLCK: 0"),
            _ => Err(Failure::Cme(3)),
        }
    }

    /// The tries left, in the form of the profile's make only.
    fn pin_counter(&mut self, command: &Command) -> Option<Performed> {
        let (pin, puk) = (self.sim.pin_tries, self.sim.puk_tries);
        let line = match (self.settings.profile.counter, command.name.as_str(), &command.form) {
            (PinCounter::Cpinc, "+CPINC", Form::Read | Form::Run) => format!("+CPINC: {pin},3,{puk},10"),
            (PinCounter::Spic, "+SPIC", Form::Run) => format!("+SPIC: {pin},{puk},3,10"),
            (PinCounter::Qpinc, "+QPINC", Form::Set(_)) => format!("+QPINC: \"SC\",{pin},{puk}"),
            (PinCounter::HuaweiCpin, "^CPIN", Form::Read) => {
                let (state, tries) = match self.sim.lock() {
                    Lock::Open => ("READY", String::new()),
                    Lock::Pin => ("SIM PIN", pin.to_string()),
                    Lock::Puk => ("SIM PUK", puk.to_string()),
                };
                format!("^CPIN: {state},{tries},{puk},{pin},10,3")
            }
            (PinCounter::Upincnt, "+UPINCNT", Form::Run) => format!("+UPINCNT: {pin},3,{puk},10"),
            (PinCounter::Pct, "#PCT", Form::Run) => format!("#PCT: {pin}"),
            _ => return None,
        };
        if !self.sim.present {
            return Some(Err(Failure::Cme(10)));
        }
        Some(self.say(line))
    }
}
