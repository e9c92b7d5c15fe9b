//! The modem's own reading of command lines, and what each command does.
//!
//! Reads as ITU-T V.250 §5.2 to §5.4 say: basic commands, `&` commands and `+` commands in one line, `;` between
//! extended ones. Shares nothing with the product's own AT code.

mod basic;
mod call;
mod error;
mod message;
mod radio;
mod register;
mod sim;
mod sound;

pub(super) use error::Failure;
pub(super) use radio::Radio;
pub(super) use register::Registers;

use super::messages::Purpose;
use super::virtual_modem::{Answer, VirtualModem};

/// How the work on one command goes on.
pub(super) enum Next {
    Done,
    /// The rest of the message is asked for.
    Prompt(Purpose),
    /// The command ends its line itself, at once or later.
    Later,
}

pub(super) type Performed = Result<Next, Failure>;

/// One command of a line.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Upper case: `E`, `&F`, `+CMGS`, `D`.
    pub name: String,
    pub form: Form,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// `AT+CSQ`, `ATZ`
    Run,
    /// `AT+CSQ?`
    Read,
    /// `AT+CSQ=?`
    Test,
    /// `AT+CMGF=0`, `ATE0`, `ATD…`: what follows.
    Set(String),
}

impl Command {
    /// As it stands after `AT`.
    fn written(&self) -> String {
        match &self.form {
            Form::Run => self.name.clone(),
            Form::Read => format!("{}?", self.name),
            Form::Test => format!("{}=?", self.name),
            Form::Set(value) => format!("{}={value}", self.name),
        }
    }
}

impl VirtualModem {
    /// Performs the commands of a line, in order, up to the first that fails or ends the line itself.
    pub(super) fn perform_line(&mut self, line: &str) -> Performed {
        if line.is_empty() && self.refuses("AT") {
            return Err(Failure::Error);
        }
        for command in split(line).ok_or(Failure::Error)? {
            if self.refuses(&command.name) {
                return Err(Failure::Error);
            }
            if self.settings.profile.lacks.contains(&command.name.as_str()) {
                return Err(Failure::unknown(self.settings.profile.unknown));
            }
            let next = self.perform(&command)?;
            if !matches!(next, Next::Done) {
                return Ok(next);
            }
        }
        Ok(Next::Done)
    }

    fn refuses(&self, name: &str) -> bool {
        self.settings.refused.iter().any(|refused| refused == name)
    }

    fn perform(&mut self, command: &Command) -> Performed {
        let families = [
            Self::perform_own,
            Self::perform_basic,
            Self::perform_sim,
            Self::perform_radio,
            Self::perform_message,
            Self::perform_call,
            Self::perform_sound,
            Self::perform_register,
        ];
        for family in families {
            if let Some(performed) = family(self, command) {
                return performed;
            }
        }
        Err(Failure::unknown(self.settings.profile.unknown))
    }

    /// What only this make knows, and answers always alike.
    fn perform_own(&mut self, command: &Command) -> Option<Performed> {
        let profile = self.settings.profile;
        let written = command.written();
        if written == profile.reset {
            self.answer_after(self.settings.latency, Answer::Reboot);
            return Some(Ok(Next::Later));
        }
        let (_, lines) = profile.answers.iter().find(|(known, _)| *known == written)?;
        self.answer.extend(lines.iter().map(|line| (*line).to_owned()));
        Some(Ok(Next::Done))
    }

    /// Adds an information line to the answer.
    pub(super) fn say(&mut self, line: impl Into<String>) -> Performed {
        self.answer.push(line.into());
        Ok(Next::Done)
    }
}

/// Takes a line apart; none if it is no sequence of commands.
fn split(line: &str) -> Option<Vec<Command>> {
    let mut commands = Vec::new();
    let mut rest = line.trim_start_matches([' ', ';']);
    while let Some(first) = rest.chars().next() {
        let (command, after) = match first {
            '+' | '^' | '*' | '#' | '$' | '%' | '!' => split_extended(rest),
            'D' | 'd' => (Command { name: "D".into(), form: Form::Set(rest[1..].into()) }, ""),
            '&' | '\\' => split_basic(rest, 2)?,
            _ => split_basic(rest, 1)?,
        };
        commands.push(command);
        rest = after.trim_start_matches([' ', ';']);
    }
    Some(commands)
}

/// A command up to the `;` that is not in quotes.
fn split_extended(text: &str) -> (Command, &str) {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let (command, rest) = text.split_at(end.unwrap_or(text.len()));
    let name_end = command.find(['=', '?']).unwrap_or(command.len());
    let (name, tail) = command.split_at(name_end);
    let form = match tail.trim() {
        "" => Form::Run,
        "?" => Form::Read,
        "=?" => Form::Test,
        tail => Form::Set(tail.trim_start_matches(['=', '?']).trim().into()),
    };
    (Command { name: name.trim().to_ascii_uppercase(), form }, rest)
}

/// A letter, or `&` and a letter, and the digits after it; `S0=1` and `S0?` too.
fn split_basic(text: &str, letters: usize) -> Option<(Command, &str)> {
    let name = text.get(..letters)?;
    if !name.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let value_end = |from: usize| {
        let tail = &text[from..];
        from + tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())
    };
    let mut end = value_end(letters);
    let mut form = if end == letters { Form::Run } else { Form::Set(text[letters..end].into()) };
    match text[end..].chars().next() {
        Some('?') => {
            end += 1;
            form = Form::Read;
        }
        Some('=') => {
            end = value_end(end + 1);
            form = Form::Set(text[letters..end].into());
        }
        _ => {}
    }
    Some((Command { name: name.to_ascii_uppercase(), form }, &text[end..]))
}

/// The values of a set command: split at commas outside quotes, without the quotes.
fn values(text: &str) -> Vec<String> {
    let mut quoted = false;
    let at_commas = text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    at_commas.map(|value| value.trim().trim_matches('"').to_owned()).collect()
}

/// The value at `index` as number; none if it is absent or empty, a failure if it is something else.
fn numeric(values: &[String], index: usize) -> Result<Option<u16>, Failure> {
    match values.get(index).map(String::as_str) {
        None | Some("") => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| Failure::Cme(50)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(line: &str) -> Vec<String> {
        let written = |command: &Command| match &command.form {
            Form::Run => command.name.clone(),
            Form::Read => format!("{} read", command.name),
            Form::Test => format!("{} test", command.name),
            Form::Set(value) => format!("{} set {value}", command.name),
        };
        split(line).unwrap().iter().map(written).collect()
    }

    #[test]
    fn a_line_may_hold_several_commands() {
        assert_eq!(names("E0V1Q0X4&D2"), ["E set 0", "V set 1", "Q set 0", "X set 4", "&D set 2"]);
        assert_eq!(names("Z;+CMEE=1;+CPIN?;+CNMI=?"), ["Z", "+CMEE set 1", "+CPIN read", "+CNMI test"]);
        assert_eq!(names("+CSCA=\"+49;1\",145;+CSQ"), ["+CSCA set \"+49;1\",145", "+CSQ"]);
        assert_eq!(names("S0=1S7?"), ["S set 0=1", "S read"]);
        assert_eq!(names("D+491701234567;"), ["D set +491701234567;"]);
    }

    #[test]
    fn what_is_no_command_is_told_apart() {
        assert!(split("=1").is_none());
        assert!(split("&").is_none());
        assert!(split("é").is_none());
    }

    proptest! {
        #[test]
        fn any_line_is_taken_apart_without_a_panic(line in "\\PC{0,60}") {
            split(&line);
            values(&line);
        }
    }
}
