//! The commands about calls (ITU-T V.250 §6.3, 3GPP TS 27.007 §6 and §7).

use super::{Command, Failure, Form, Next, Performed, numeric, values};
use crate::simulator::calls::Cause;
use crate::simulator::profile::{CallReports, DialOk};
use crate::simulator::virtual_modem::{Answer, VirtualModem};

impl VirtualModem {
    pub(super) fn perform_call(&mut self, command: &Command) -> Option<Performed> {
        Some(match (command.name.as_str(), &command.form) {
            ("D", Form::Set(text)) => self.dial_command(text),
            ("A", Form::Run) => {
                if self.answer_incoming() {
                    Ok(Next::Done)
                } else {
                    Ok(self.end_line_with("NO CARRIER"))
                }
            }
            ("H", _) | ("+CHUP", Form::Run) => {
                self.hang_up();
                Ok(Next::Done)
            }
            ("+CHUP", Form::Test) => Ok(Next::Done),
            ("+CHLD", Form::Test) => self.say("+CHLD: (0,1,1x,2,2x,3)"),
            ("+CHLD", Form::Set(value)) if value.starts_with(['0', '1']) => {
                self.hang_up();
                Ok(Next::Done)
            }
            ("+CLCC", Form::Test) => self.say("+CLCC: (0,1)"),
            ("+CLCC", Form::Read) => self.say(format!("+CLCC: {}", u8::from(self.reports_calls))),
            ("+CLCC", Form::Run) => {
                let line = self.call.as_ref().map(|call| self.call_line(call, call.state.number()));
                self.answer.extend(line);
                Ok(Next::Done)
            }
            ("+CLCC", Form::Set(value)) if self.settings.profile.calls == CallReports::Simcom => {
                self.reports_calls = value == "1";
                Ok(Next::Done)
            }
            ("+VTS", Form::Test) => self.say("+VTS: (0-9,A-D,*,#)"),
            ("+VTS", Form::Set(text)) => self.tones(&values(text)),
            ("^DTMF", Form::Set(text)) if self.settings.profile.calls == CallReports::Huawei => {
                // The call's number in +CLCC, then the key.
                match text.split_once(',') {
                    Some(("1", key)) => self.tones(&values(key)),
                    Some(_) | None => Err(Failure::Cme(50)),
                }
            }
            ("+CEER", Form::Run) => self.say(format!("+CEER: {}", cause_in_words(self.last_cause))),
            _ => return None,
        })
    }

    fn dial_command(&mut self, text: &str) -> Performed {
        let text = text.trim().trim_start_matches(['T', 't', 'P', 'p']);
        let Some(dialled) = text.strip_suffix(';') else {
            // A data call: nobody answers with a modem.
            return Ok(self.end_line_with("NO CARRIER"));
        };
        let number: String = dialled.chars().filter(|c| c.is_ascii_digit() || "+*#".contains(*c)).collect();
        if number.is_empty() || number.len() > 32 {
            return Err(Failure::Error);
        }
        self.with_sim(|_| Ok(Next::Done))?;
        if self.call.is_some() {
            return Err(Failure::Cme(3));
        }
        if !self.is_registered() {
            return Ok(self.end_line_with("NO CARRIER"));
        }
        self.dial(number);
        let waits = match self.settings.profile.dial_ok {
            DialOk::AtOnce => false,
            DialOk::AnsweredWithColp => self.registers.is_on("+COLP"),
            DialOk::Answered => true,
        };
        if waits {
            self.hold_line_for_call();
            return Ok(Next::Later);
        }
        Ok(Next::Done)
    }

    fn end_line_with(&mut self, code: &'static str) -> Next {
        self.answer_after(self.settings.latency, Answer::Code(code));
        Next::Later
    }

    fn tones(&mut self, values: &[String]) -> Performed {
        numeric(values, 1)?;
        let keys = values.first().map(|keys| keys.to_ascii_uppercase()).unwrap_or_default();
        if keys.is_empty() || keys.len() > 32 || !keys.chars().all(|key| "0123456789ABCD*#".contains(key)) {
            return Err(Failure::Cme(50));
        }
        if keys.chars().all(|key| self.send_tone(key)) { Ok(Next::Done) } else { Err(Failure::Cme(3)) }
    }
}

fn cause_in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Unassigned => "Unassigned (unallocated) number",
        Cause::Normal => "Normal call clearing",
        Cause::Busy => "User busy",
        Cause::NoAnswer => "No answer from user",
        Cause::Rejected => "Call rejected",
        Cause::TemporaryFailure => "Temporary failure",
    }
}
