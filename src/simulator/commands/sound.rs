//! The commands about the sound of a call, and about the modem's own speech: each make has its own, or none.

use super::{Command, Failure, Form, Next, Performed, values};
use crate::simulator::profile::{SoundCommands, SpeechCommands};
use crate::simulator::sound::{NARROW, SoundAsked, WIDE};
use crate::simulator::text::{from_hex, from_ucs2};
use crate::simulator::virtual_modem::VirtualModem;

/// Longest text that the makes' manuals allow.
const SPEECH_MAX: usize = 512;

impl VirtualModem {
    pub(super) fn perform_sound(&mut self, command: &Command) -> Option<Performed> {
        let name = command.name.as_str();
        match (self.settings.profile.sound, name) {
            (SoundCommands::Simcom, "+CPCMREG") => Some(self.simcom_sound(&command.form)),
            (SoundCommands::Simcom, "+CPCMFRM") => match &command.form {
                Form::Set(value) if !matches!(value.as_str(), "0" | "1") => Some(Err(Failure::Error)),
                // Held as any other setting.
                Form::Set(_) | Form::Run | Form::Read | Form::Test => None,
            },
            (SoundCommands::Huawei, "^DDSETEX") => Some(self.huawei_sound(&command.form)),
            (SoundCommands::Quectel, "+QPCMV") => Some(self.quectel_sound(&command.form)),
            (SoundCommands::None | SoundCommands::Simcom | SoundCommands::Huawei | SoundCommands::Quectel, _) => {
                match (self.settings.profile.speech, name) {
                    (SpeechCommands::Simcom, "+CTTS") => {
                        let into_call = self.registers.is_on("+CDTAM");
                        Some(self.speak(name, &command.form, into_call, "+CTTS: 0"))
                    }
                    (SpeechCommands::Quectel, "+QTTS") => Some(self.speak(name, &command.form, true, "+QTTS: 0")),
                    (SpeechCommands::None | SpeechCommands::Simcom | SpeechCommands::Quectel, _) => None,
                }
            }
        }
    }

    /// Only while a call is active.
    fn simcom_sound(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test => self.say("+CPCMREG: (0,1)"),
            Form::Read => self.say(format!("+CPCMREG: {}", u8::from(self.sound_asked().is_some()))),
            Form::Set(value) => match value.as_str() {
                "1" if self.is_in_call() => {
                    let frame = if self.registers.is_on("+CPCMFRM") { WIDE } else { NARROW };
                    self.ask_for_sound(SoundAsked { frame, port: 0 });
                    Ok(Next::Done)
                }
                "0" | "0,0" | "0,1" => {
                    self.end_sound();
                    Ok(Next::Done)
                }
                _ => Err(Failure::Error),
            },
            Form::Run => Err(Failure::Error),
        }
    }

    /// Taken as soon as there is a call, flows once it is answered.
    fn huawei_sound(&mut self, form: &Form) -> Performed {
        match form {
            Form::Set(value) if value == "2" && self.call.is_some() => {
                self.ask_for_sound(SoundAsked { frame: NARROW, port: 2 });
                Ok(Next::Done)
            }
            Form::Set(_) | Form::Run | Form::Read | Form::Test => Err(Failure::Error),
        }
    }

    /// Taken at any time, for the call that is or that comes next.
    fn quectel_sound(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test => self.say("+QPCMV: (0,1),(0-2)"),
            Form::Read => {
                let asked = self.sound_asked();
                self.say(format!("+QPCMV: {},{}", u8::from(asked.is_some()), asked.map_or(0, |asked| asked.port)))
            }
            Form::Set(value) => match value.as_str() {
                "0" => {
                    self.end_sound();
                    Ok(Next::Done)
                }
                "1,0" | "1,1" | "1,2" => {
                    self.ask_for_sound(SoundAsked { frame: NARROW, port: value.as_bytes()[2] - b'0' });
                    Ok(Next::Done)
                }
                _ => Err(Failure::Error),
            },
            Form::Run => Err(Failure::Error),
        }
    }

    /// `=1,"…"` says UCS-2 in hexadecimal digits, `=2,"…"` ASCII, `=0` stops.
    fn speak(&mut self, name: &str, form: &Form, into_call: bool, end: &'static str) -> Performed {
        match form {
            Form::Test => self.say(format!("{name}: (0-2)")),
            Form::Read => self.say(format!("{name}: {}", u8::from(self.speech.is_some()))),
            Form::Set(value) if value == "0" => {
                self.cut_speech();
                Ok(Next::Done)
            }
            Form::Set(value) => {
                let values = values(value);
                let written = values.get(1).ok_or(Failure::Error)?;
                let text = match values[0].as_str() {
                    "1" => from_hex(written.as_bytes())
                        .filter(|octets| octets.len().is_multiple_of(2))
                        .map(|octets| from_ucs2(&octets)),
                    "2" => Some(written.clone()).filter(|text| text.is_ascii()),
                    _ => None,
                };
                let text = text.filter(|text| (1..=SPEECH_MAX).contains(&text.chars().count()));
                match text {
                    Some(text) if self.speech.is_none() => {
                        self.begin_speech(text, into_call, end);
                        Ok(Next::Done)
                    }
                    // No text, or one that is not yet said.
                    Some(_) | None => Err(Failure::Error),
                }
            }
            Form::Run => Err(Failure::Error),
        }
    }
}
