//! What can be done to a virtual modem while it runs, and the control lines that `simulate` reads for it.

use std::time::Duration;

use super::settings::{Settings, duration, number, submit_fault};
use super::text::from_hex;

/// An act on the running modem, its network or the phone behind it.
#[derive(Clone, PartialEq, Eq)]
pub enum Control {
    /// The phone sends the modem an SMS.
    Incoming {
        number: String,
        text: String,
    },
    /// The same in parts that arrive in this order, counted from 1; a part may be missing, or come twice.
    IncomingParts {
        number: String,
        order: Vec<u8>,
        text: String,
    },
    /// The network hands over this PDU as it is, in octets with its service centre part.
    IncomingPdu(Vec<u8>),
    /// The phone calls the modem.
    Call {
        number: String,
    },
    /// The person at the phone answers the call that rings there.
    Answer,
    /// The person at the phone ends or refuses the present call.
    HangUp,
    /// The person at the phone presses a key during the call.
    Key(char),
    /// The port vanishes and comes back after this time.
    Unplug(Duration),
    /// The modem neither hears nor says anything for this time.
    Hang(Duration),
    Reboot,
    /// So many random bytes on the line.
    Garbage(usize),
    /// The message storage in use is filled up.
    FillStorage,
    /// A change of [`Settings`]; it must have been tried on settings before.
    Set {
        name: String,
        value: String,
    },
}

/// The control lines, one a row, as `help` prints them.
pub const HELP: &str = "\
incoming NUMBER TEXT   the phone sends an SMS to the modem
parts NUMBER ORDER TEXT  the same, its parts in this order, e.g. 3,1,2
pdu HEX                the network hands over this PDU
call NUMBER            the phone calls the modem
answer | hangup        the person at the phone takes or ends the call
key KEY                the person at the phone presses 0 to 9, A to D, * or #
unplug TIME            the port vanishes and comes back after TIME
hang TIME              the modem is deaf and dumb for TIME
reboot                 the modem restarts
garbage N              N random bytes on the line
fill                   the message storage is full
register STAT          registration state: 0 none, 1 home, 2 searching, 3 denied, 5 roaming
signal N               signal, 0 to 31 or 99
report on|off          delivery reports
fault FAULT [xN]       next submissions: cms N, cme N, error, no-prompt, silence, reply-lost,
                       reboot, unplug
set NAME VALUE         any flag of this command by its name, e.g. set latency 50ms
help                   this list";

impl Control {
    /// Reads one control line; the error says what is allowed.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (verb, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        match verb {
            "incoming" => {
                let (number, text) = rest.split_once(char::is_whitespace).ok_or("write: incoming NUMBER TEXT")?;
                Ok(Self::Incoming { number: number.into(), text: text.into() })
            }
            "parts" => {
                let words: Vec<&str> = rest.splitn(3, char::is_whitespace).collect();
                let [sender, order, text] = words[..] else { return Err("write: parts NUMBER ORDER TEXT".into()) };
                let order = order.split(',').map(|part| number(part, 1, 255)).collect::<Result<_, _>>()?;
                Ok(Self::IncomingParts { number: sender.into(), order, text: text.into() })
            }
            "pdu" => from_hex(rest.as_bytes()).map(Self::IncomingPdu).ok_or_else(|| "write: pdu HEX".into()),
            "call" if !rest.is_empty() => Ok(Self::Call { number: rest.into() }),
            "call" => Err("write: call NUMBER".into()),
            "answer" => Ok(Self::Answer),
            "hangup" => Ok(Self::HangUp),
            "key" => key(rest).map(Self::Key),
            "unplug" => duration(rest).map(Self::Unplug),
            "hang" => duration(rest).map(Self::Hang),
            "reboot" => Ok(Self::Reboot),
            "garbage" => number(rest, 1, 4096).map(Self::Garbage),
            "fill" => Ok(Self::FillStorage),
            "register" => Self::set("registration", rest),
            "signal" => Self::set("signal", rest),
            "report" => Self::set("reports", rest),
            "fault" => submit_fault(rest).and_then(|_| Self::set("fault", rest)),
            "set" => {
                let (name, value) = rest.split_once(char::is_whitespace).ok_or("write: set NAME VALUE")?;
                Self::set(name, value)
            }
            _ => Err(format!("unknown control '{verb}'; write help for a list")),
        }
    }

    /// A change of one setting, tried before it is taken.
    pub fn set(name: &str, value: &str) -> Result<Self, String> {
        Settings::default().set(name, value)?;
        Ok(Self::Set { name: name.into(), value: value.trim().into() })
    }
}

/// A key of the telephone (3GPP TS 23.014 §6).
fn key(text: &str) -> Result<char, String> {
    let mut keys = text.chars().map(|key| key.to_ascii_uppercase());
    match (keys.next(), keys.next()) {
        (Some(key @ ('0'..='9' | 'A'..='D' | '*' | '#')), None) => Ok(key),
        _ => Err("write: key KEY, one of 0 to 9, A to D, * or #".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_lines_are_read() {
        let cases = [
            ("unplug 3", Control::Unplug(Duration::from_secs(3))),
            ("hang 500ms", Control::Hang(Duration::from_millis(500))),
            ("  reboot ", Control::Reboot),
            ("key 1", Control::Key('1')),
            ("key #", Control::Key('#')),
            ("key d", Control::Key('D')),
            (
                "incoming +491701234567 hello  there",
                Control::Incoming { number: "+491701234567".into(), text: "hello  there".into() },
            ),
            (
                "parts +491701234567 2,1 hello  there",
                Control::IncomingParts {
                    number: "+491701234567".into(),
                    order: vec![2, 1],
                    text: "hello  there".into(),
                },
            ),
            ("pdu 0004ff", Control::IncomingPdu(vec![0x00, 0x04, 0xFF])),
            ("register 0", Control::Set { name: "registration".into(), value: "0".into() }),
            ("fault cms 500 x2", Control::Set { name: "fault".into(), value: "cms 500 x2".into() }),
            ("set latency 50ms", Control::Set { name: "latency".into(), value: "50ms".into() }),
        ];
        for (line, expected) in cases {
            assert!(Control::parse(line) == Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_wrong_control_line_is_told_what_is_allowed() {
        let error = |line: &str| Control::parse(line).err().unwrap();
        insta::assert_snapshot!(error("explode"), @"unknown control 'explode'; write help for a list");
        insta::assert_snapshot!(error("set latency soon"), @"latency: 'soon' is no time; write 250ms, 3s or 2m, at most a day");
        insta::assert_snapshot!(error("key 12"), @"write: key KEY, one of 0 to 9, A to D, * or #");
        insta::assert_snapshot!(error("key"), @"write: key KEY, one of 0 to 9, A to D, * or #");
        insta::assert_snapshot!(error("incoming +49170"), @"write: incoming NUMBER TEXT");
    }
}
