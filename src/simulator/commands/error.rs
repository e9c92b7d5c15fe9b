//! How a command fails, and what the line says of it (3GPP TS 27.007 §9.2, 3GPP TS 27.005 §3.2.5).

use std::borrow::Cow;

use crate::simulator::profile::Unknown;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::simulator) enum Failure {
    Error,
    Cme(u16),
    Cms(u16),
    Words(&'static str),
}

impl Failure {
    pub(in crate::simulator) fn unknown(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Coded => Self::Cme(4),
            Unknown::Plain => Self::Error,
            Unknown::Words => Self::Words("COMMAND NOT SUPPORT"),
        }
    }

    /// The result line; `format` is the value of `+CMEE`.
    pub(in crate::simulator) fn text(self, format: u8) -> Cow<'static, str> {
        match (self, format) {
            (Self::Words(words), _) => words.into(),
            (Self::Error, _) | (Self::Cme(_), 0) => "ERROR".into(),
            (Self::Cme(code), 2) => match words(&CME, code) {
                Some(words) => format!("+CME ERROR: {words}").into(),
                None => format!("+CME ERROR: {code}").into(),
            },
            (Self::Cme(code), _) => format!("+CME ERROR: {code}").into(),
            (Self::Cms(code), 2) => match words(&CMS, code) {
                Some(words) => format!("+CMS ERROR: {words}").into(),
                None => format!("+CMS ERROR: {code}").into(),
            },
            (Self::Cms(code), _) => format!("+CMS ERROR: {code}").into(),
        }
    }
}

fn words(table: &[(u16, &'static str)], code: u16) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

const CME: [(u16, &str); 17] = [
    (0, "phone failure"),
    (3, "operation not allowed"),
    (4, "operation not supported"),
    (10, "SIM not inserted"),
    (11, "SIM PIN required"),
    (12, "SIM PUK required"),
    (13, "SIM failure"),
    (14, "SIM busy"),
    (15, "SIM wrong"),
    (16, "incorrect password"),
    (20, "memory full"),
    (21, "invalid index"),
    (22, "not found"),
    (30, "no network service"),
    (31, "network timeout"),
    (50, "incorrect parameters"),
    (100, "unknown"),
];

const CMS: [(u16, &str); 18] = [
    (1, "Unassigned (unallocated) number"),
    (21, "Short message transfer rejected"),
    (28, "Unidentified subscriber"),
    (38, "Network out of order"),
    (41, "Temporary failure"),
    (42, "Congestion"),
    (302, "operation not allowed"),
    (304, "invalid PDU mode parameter"),
    (305, "invalid text mode parameter"),
    (310, "SIM not inserted"),
    (311, "SIM PIN required"),
    (316, "SIM PUK required"),
    (321, "invalid memory index"),
    (322, "memory full"),
    (331, "no network service"),
    (332, "network timeout"),
    (340, "no +CNMA acknowledgement expected"),
    (500, "unknown error"),
];
