//! The forms of a line: text, JSON, and the journal's own.
//!
//! Each has everything that the line has. A line of text or JSON is one line whatever stands in its fields, and steers no
//! terminal.

use std::fmt::Write;

use serde_json::Value;
use tracing::Level;

use super::line::Line;

/// How lines are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text { coloured: bool },
    Json,
    Journal,
}

impl Form {
    pub fn write(self, line: &Line) -> Vec<u8> {
        match self {
            Self::Text { coloured } => text(line, coloured).into_bytes(),
            Self::Json => json(line).into_bytes(),
            Self::Journal => journal(line),
        }
    }
}

/// `TIME LEVEL NAME: MESSAGE key=value …`
fn text(line: &Line, coloured: bool) -> String {
    let (on, dim, off) = if coloured { (colour(line.level), "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let (time, level) = (line.time, line.level);
    let mut written = format!("{dim}{time}{off} {on}{level:>5}{off} ");
    written += &said(line);
    written.push('\n');
    written
}

/// A line without time and level.
fn said(line: &Line) -> String {
    let mut said = format!("{}: {}", line.name.unwrap_or(&line.target), one_line(&line.message));
    for (key, value) in &line.fields {
        // A text in quotes, with its control characters escaped; a number as it is.
        let _ = match value {
            Value::String(text) => write!(said, " {key}={text:?}"),
            other => write!(said, " {key}={other}"),
        };
    }
    said
}

fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// One flat object, what every line has first.
fn json(line: &Line) -> String {
    let own = [
        ("timestamp", Some(line.time.to_string())),
        ("level", Some(line.level.to_string())),
        ("name", line.name.map(str::to_owned)),
        ("target", Some(line.target.clone())),
        ("message", Some(line.message.clone())),
    ];
    let own = own.into_iter().filter_map(|(key, value)| Some((key, Value::String(value?))));
    let mut written = String::from("{");
    for (key, value) in own.chain(line.fields.iter().cloned()) {
        let separator = if written.len() == 1 { "" } else { "," };
        let _ = write!(written, "{separator}\"{key}\":{value}");
    }
    written.push_str("}\n");
    written
}

/// One datagram of the journal's native protocol: `MESSAGE` as text has it, and each field under its own name besides.
fn journal(line: &Line) -> Vec<u8> {
    let mut datagram = vec![];
    let mut put = |key: &str, value: &str| {
        datagram.extend_from_slice(key.as_bytes());
        // The form with a length takes any value, with line ends too.
        datagram.push(b'\n');
        datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
        datagram.extend_from_slice(value.as_bytes());
        datagram.push(b'\n');
    };
    put("MESSAGE", &said(line));
    put("PRIORITY", priority(line.level));
    put("SYSLOG_IDENTIFIER", env!("CARGO_PKG_NAME"));
    if let Some(name) = line.name {
        put("NAME", name);
    }
    put("TARGET", &line.target);
    for (key, value) in &line.fields {
        match value {
            Value::String(text) => put(&key.to_ascii_uppercase(), text),
            other => put(&key.to_ascii_uppercase(), &other.to_string()),
        }
    }
    datagram
}

/// syslog(3)'s words for our levels.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn line() -> Line {
        Line {
            time: Timestamp::from_millis(1_767_225_600_123),
            level: Level::WARN,
            name: Some("attempt.refused"),
            target: "simverify::app::timeline".to_owned(),
            message: "a route\r\nrefused".to_owned(),
            fields: vec![
                ("request_id", "abab".into()),
                ("attempt", 7.into()),
                ("last", false.into()),
                ("reason", "CMS 38: \"no\nroute\"\x1b".into()),
            ],
        }
    }

    #[test]
    fn a_line_of_text_is_one_line_that_steers_nothing() {
        insta::assert_snapshot!(text(&line(), false), @r#"2026-01-01T00:00:00.123Z  WARN attempt.refused: a route\r\nrefused request_id="abab" attempt=7 last=false reason="CMS 38: \"no\nroute\"\u{1b}""#);
        assert_eq!(text(&line(), true).matches('\x1b').count(), 4);
        assert_eq!(text(&Line { name: None, ..line() }, false).split(' ').nth(3), Some("simverify::app::timeline:"));
    }

    #[test]
    fn a_line_of_json_is_one_flat_object() {
        insta::assert_snapshot!(json(&line()), @r#"{"timestamp":"2026-01-01T00:00:00.123Z","level":"WARN","name":"attempt.refused","target":"simverify::app::timeline","message":"a route\r\nrefused","request_id":"abab","attempt":7,"last":false,"reason":"CMS 38: \"no\nroute\"\u001b"}"#);
        let object: Value = serde_json::from_str(&json(&line())).expect("JSON");
        assert!(object.as_object().expect("an object").values().all(|value| !value.is_object() && !value.is_array()));
    }

    #[test]
    fn the_journal_gets_each_field_with_its_length() {
        let datagram = journal(&line());
        let mut rest = &datagram[..];
        let mut fields = vec![];
        while !rest.is_empty() {
            let end = rest.iter().position(|octet| *octet == b'\n').expect("a key's end");
            let (key, tail) = rest.split_at(end);
            let length = usize::try_from(u64::from_le_bytes(tail[1..9].try_into().expect("8 octets"))).expect("short");
            assert_eq!(tail[9 + length], b'\n');
            let value = String::from_utf8_lossy(&tail[9..9 + length]).replace("\"no\nroute\"\x1b", "<10 characters>");
            fields.push(format!("{}={value}", String::from_utf8_lossy(key)));
            rest = &tail[10 + length..];
        }
        insta::assert_snapshot!(fields.join("; "), @r#"MESSAGE=attempt.refused: a route\r\nrefused request_id="abab" attempt=7 last=false reason="CMS 38: \"no\nroute\"\u{1b}"; PRIORITY=4; SYSLOG_IDENTIFIER=simverify; NAME=attempt.refused; TARGET=simverify::app::timeline; REQUEST_ID=abab; ATTEMPT=7; LAST=false; REASON=CMS 38: <10 characters>"#);
    }
}
