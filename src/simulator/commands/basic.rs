//! The commands about the line and about who the modem is.

use super::{Command, Failure, Form, Next, Performed};
use crate::simulator::pdu::timestamp_text;
use crate::simulator::virtual_modem::VirtualModem;

impl VirtualModem {
    pub(super) fn perform_basic(&mut self, command: &Command) -> Option<Performed> {
        let profile = self.settings.profile;
        Some(match (command.name.as_str(), &command.form) {
            ("E", form) => flag(form, &mut self.terminal.echo),
            ("V", form) => flag(form, &mut self.terminal.verbose),
            ("Q", form) => flag(form, &mut self.terminal.quiet),
            ("Z" | "&F", _) => {
                self.terminal.reset();
                self.reset_settings_of_line();
                Ok(Next::Done)
            }
            ("I", _) => {
                for line in [profile.maker, profile.model, profile.firmware] {
                    self.answer.push(line.into());
                }
                Ok(Next::Done)
            }
            ("S", Form::Read) => self.say("000"),
            ("X" | "L" | "M" | "S" | "&C" | "&D" | "&K" | "&S" | "&W" | "\\Q", _) => Ok(Next::Done),
            ("+GMI" | "+CGMI" | "+GMM" | "+CGMM" | "+GMR" | "+CGMR" | "+GSN" | "+CGSN", Form::Test) => Ok(Next::Done),
            ("+GMI" | "+CGMI", Form::Run) => self.say(profile.maker),
            ("+GMM" | "+CGMM", Form::Run) => self.say(profile.model),
            ("+GMR" | "+CGMR", Form::Run) => self.say(profile.firmware),
            ("+GSN" | "+CGSN", _) => self.say(profile.imei),
            ("+GCAP", _) => self.say("+GCAP: +CGSM,+FCLASS"),
            ("+CMEE", Form::Test) => self.say("+CMEE: (0-2)"),
            ("+CMEE", Form::Read) => self.say(format!("+CMEE: {}", self.terminal.error_format)),
            ("+CMEE", Form::Set(value)) => match value.as_str() {
                "0" | "1" | "2" => {
                    self.terminal.error_format = value.as_bytes()[0] - b'0';
                    Ok(Next::Done)
                }
                _ => Err(Failure::Cme(50)),
            },
            ("+CCLK", Form::Read) => self.say(format!("+CCLK: \"{}\"", timestamp_text(self.seconds()))),
            ("+CCLK", Form::Set(_) | Form::Test) => Ok(Next::Done),
            ("+CBC", _) => self.say("+CBC: 0,95,4100"),
            ("+CPAS", Form::Run) => self.say(format!("+CPAS: {}", self.call_activity())),
            _ => return None,
        })
    }

    fn reset_settings_of_line(&mut self) {
        self.registers = super::Registers::new(self.settings.profile);
        self.messages.reset_modes();
    }
}

/// A basic command that is `0`, `1` or, without a number, `0` (ITU-T V.250 §5.3.1).
fn flag(form: &Form, place: &mut bool) -> Performed {
    *place = match form {
        Form::Run => false,
        Form::Set(value) if value == "0" => false,
        Form::Set(value) if value == "1" => true,
        _ => return Err(Failure::Error),
    };
    Ok(Next::Done)
}
