//! Why a command did not end well, and what that means for a message.
//!
//! [`AtError`] says what happened on the line; [`ModemError`] is a final result that refuses; [`ErrorClass`] says what
//! the sender does about it. The numbers' meanings: 3GPP TS 27.005 §3.2.5 (CMS), TS 27.007 §9.2 (CME), TS 24.011
//! annex E and TS 23.040 §9.2.3.22 (CMS below 256).

use std::fmt;

use super::error_text;

/// What became of a command that did not end with `OK`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtError {
    /// The modem answered with a final result that refuses.
    #[error("modem refused: {0}")]
    Refused(ModemError),
    /// No final result in time. `submitted`: Ctrl-Z had been written, so the message may be on its way.
    #[error("no answer from the modem in time{}", suffix(*submitted))]
    TimedOut { submitted: bool },
    /// No `> ` came, twice. Nothing was submitted.
    #[error("modem gave no prompt for the message")]
    NoPrompt,
    /// The driver took the message back at the prompt. Nothing was submitted.
    #[error("message taken back before it was sent")]
    Abandoned,
    /// The modem restarted in the middle.
    #[error("modem restarted{}", suffix(*submitted))]
    Rebooted { submitted: bool },
    /// The port went away.
    #[error("port closed{}", suffix(*submitted))]
    Closed { submitted: bool },
    /// The queue is full; the command was never written.
    #[error("too many commands wait for this modem")]
    QueueFull,
}

fn suffix(submitted: bool) -> &'static str {
    if submitted { "; the message may have been sent" } else { "" }
}

/// A final result that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModemError {
    /// `ERROR`, `NA`: no reason given.
    Plain,
    /// `COMMAND NOT SUPPORT`.
    NotSupported,
    /// `+CME ERROR: n`, or its verbose form where the text is known.
    Cme(u16),
    /// `+CMS ERROR: n`, or its verbose form where the text is known.
    Cms(u16),
    /// `+CME ERROR: …` or `+CMS ERROR: …` with a text that is in no table.
    Text(String),
    /// `MODEM ERROR: n`.
    Modem(u16),
    NoCarrier,
    Busy,
    NoAnswer,
    NoDialtone,
}

/// What the sender of a message does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// The network says that it has this message already: as good as sent.
    Sent,
    /// The modem asks for a moment: the same command again after 1–2 s.
    Busy,
    /// The same PDU once more without a validity period.
    WithoutValidity,
    /// Again later on this route, or on another one where one is ready.
    Temporary,
    /// This route will not carry it; another may.
    OtherRoute,
    /// This route will not carry it, and the modem is not ready for anything else either (SIM missing, locked, barred).
    NotReady,
    /// No route will carry it.
    Final,
    /// It may have been sent.
    Uncertain,
}

impl AtError {
    /// The class of this error as the answer to a submit.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(error) => error.class(),
            Self::TimedOut { submitted: true }
            | Self::Rebooted { submitted: true }
            | Self::Closed { submitted: true } => ErrorClass::Uncertain,
            Self::TimedOut { submitted: false }
            | Self::Rebooted { submitted: false }
            | Self::Closed { submitted: false }
            | Self::NoPrompt
            | Self::Abandoned
            | Self::QueueFull => ErrorClass::Temporary,
        }
    }

    /// Whether, as the answer to a submit, it is the modem's or its network's fault and no sign that the next message fares
    /// better: silence, and errors of the equipment (CMS 300 and up, CME; TS 27.005 §3.2.5). What the network says of
    /// this message or of its moment (CMS below 256) is not, nor is what has an outcome of its own.
    pub fn is_futile(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::NoPrompt => true,
            Self::Refused(ModemError::Cms(code)) => self.class() == ErrorClass::Temporary && *code >= 300,
            Self::Refused(error) => self.class() == ErrorClass::Temporary && !matches!(error, ModemError::Text(_)),
            Self::Abandoned | Self::Rebooted { .. } | Self::Closed { .. } | Self::QueueFull => false,
        }
    }

    /// Whether the modem said nothing at all: what the recovery ladder counts.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::NoPrompt)
    }
}

impl ModemError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Cms(code) => cms_class(*code),
            Self::Cme(code) => cme_class(*code),
            Self::Plain | Self::Text(_) | Self::Modem(_) => ErrorClass::Temporary,
            Self::NotSupported => ErrorClass::OtherRoute,
            Self::NoCarrier | Self::Busy | Self::NoAnswer | Self::NoDialtone => ErrorClass::Temporary,
        }
    }

    /// Whether asking again later may help: the SIM or the modem is not up yet (CME 14, 515; CMS 314, 515; SIM busy).
    pub fn is_busy(&self) -> bool {
        self.class() == ErrorClass::Busy
    }
}

fn cms_class(code: u16) -> ErrorClass {
    match code {
        197 => ErrorClass::Sent,
        314 | 515 => ErrorClass::Busy,
        198 | 199 | 304 => ErrorClass::WithoutValidity,
        332 => ErrorClass::Uncertain,
        // Barred or without subscription: the SIM's fault, whatever the number.
        8 | 10 | 310 | 311 | 312 | 313 | 315..=318 => ErrorClass::NotReady,
        21 | 29 | 50 | 69 | 301 | 330 => ErrorClass::OtherRoute,
        1
        | 28
        | 30
        | 81
        | 95..=97
        | 99
        | 128..=130
        | 143..=145
        | 159..=161
        | 175
        | 176
        | 193
        | 195
        | 196
        | 303
        | 305 => ErrorClass::Final,
        // 27, 38, 41, 42, 47, 98, 111, 127, 192, 194, 208–213, 255, 300, 302, 320–322, 331, 500, 512 and up.
        _ => ErrorClass::Temporary,
    }
}

fn cme_class(code: u16) -> ErrorClass {
    match code {
        14 | 515 => ErrorClass::Busy,
        31 => ErrorClass::Uncertain,
        5..=7 | 10..=13 | 15..=18 => ErrorClass::NotReady,
        4 | 32 => ErrorClass::OtherRoute,
        // 3 not allowed, 30 no service, 100 unknown, vendors' own.
        _ => ErrorClass::Temporary,
    }
}

impl fmt::Display for ModemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("ERROR"),
            Self::NotSupported => f.write_str("command not supported"),
            Self::Cme(code) => write!(f, "CME {code}, {}", error_text::cme(*code).unwrap_or("unknown to us")),
            Self::Cms(code) => write!(f, "CMS {code}, {}", error_text::cms(*code).unwrap_or("unknown to us")),
            Self::Text(text) => write!(f, "{text}"),
            Self::Modem(code) => write!(f, "modem error {code}"),
            Self::NoCarrier => f.write_str("no carrier"),
            Self::Busy => f.write_str("busy"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::NoDialtone => f.write_str("no dial tone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_class_that_the_sender_needs() {
        let cases = [
            (ModemError::Cms(197), ErrorClass::Sent),
            (ModemError::Cms(515), ErrorClass::Busy),
            (ModemError::Cms(314), ErrorClass::Busy),
            (ModemError::Cme(14), ErrorClass::Busy),
            (ModemError::Cms(304), ErrorClass::WithoutValidity),
            (ModemError::Cms(332), ErrorClass::Uncertain),
            (ModemError::Cme(31), ErrorClass::Uncertain),
            (ModemError::Cms(331), ErrorClass::Temporary),
            (ModemError::Cme(30), ErrorClass::Temporary),
            (ModemError::Cms(310), ErrorClass::NotReady),
            (ModemError::Cme(10), ErrorClass::NotReady),
            (ModemError::Cms(21), ErrorClass::OtherRoute),
            (ModemError::Cms(1), ErrorClass::Final),
            (ModemError::Cms(500), ErrorClass::Temporary),
            (ModemError::Plain, ErrorClass::Temporary),
        ];
        for (error, class) in cases {
            assert_eq!(error.class(), class, "{error}");
        }
    }

    /// 3GPP TS 27.005 §3.2.5 with TS 24.011 annex E.2 and TS 23.040 §9.2.3.22: every code has a class, and the tables of
    /// docs/modems.md are these.
    #[test]
    fn the_classes_of_the_standard_are_complete() {
        let mut classes = std::collections::BTreeMap::<ErrorClass, Vec<u16>>::new();
        for code in 0..=1023 {
            classes.entry(ModemError::Cms(code).class()).or_default().push(code);
        }
        let temporary = classes.remove(&ErrorClass::Temporary).expect("some");
        let known: Vec<u16> = temporary.iter().copied().filter(|code| error_text::cms(*code).is_some()).collect();
        let mut shown = format!("Temporary: {known:?}, and {} that have no name\n", temporary.len() - known.len());
        for (class, codes) in &classes {
            shown += &format!("{class:?}: {codes:?}\n");
            let nameless: Vec<_> = codes.iter().filter(|code| error_text::cms(**code).is_none()).collect();
            assert!(nameless.is_empty(), "a class of its own for what has no name: {nameless:?}");
        }
        insta::assert_snapshot!(shown, @"
        Temporary: [27, 38, 41, 42, 47, 98, 111, 127, 192, 194, 208, 209, 210, 211, 212, 213, 255, 300, 302, 320, 321, 322, 331, 340, 500, 513], and 951 that have no name
        Sent: [197]
        Busy: [314, 515]
        WithoutValidity: [198, 199, 304]
        OtherRoute: [21, 29, 50, 69, 301, 330]
        NotReady: [8, 10, 310, 311, 312, 313, 315, 316, 317, 318]
        Final: [1, 28, 30, 81, 95, 96, 97, 99, 128, 129, 130, 143, 144, 145, 159, 160, 161, 175, 176, 193, 195, 196, 303, 305]
        Uncertain: [332]
        ");
    }

    #[test]
    fn errors_of_the_equipment_are_told_from_those_of_a_message() {
        for futile in
            [ModemError::Cms(302), ModemError::Cms(331), ModemError::Cms(500), ModemError::Cme(30), ModemError::Plain]
        {
            assert!(AtError::Refused(futile.clone()).is_futile(), "{futile}");
        }
        for other in
            [ModemError::Cms(1), ModemError::Cms(21), ModemError::Cms(38), ModemError::Cms(310), ModemError::Cms(332)]
        {
            assert!(!AtError::Refused(other.clone()).is_futile(), "{other}");
        }
        assert!(AtError::TimedOut { submitted: true }.is_futile() && AtError::NoPrompt.is_futile());
    }

    #[test]
    fn silence_after_ctrl_z_is_uncertain_and_before_it_is_not() {
        assert_eq!(AtError::TimedOut { submitted: true }.class(), ErrorClass::Uncertain);
        assert_eq!(AtError::TimedOut { submitted: false }.class(), ErrorClass::Temporary);
        insta::assert_snapshot!(AtError::Rebooted { submitted: true }, @"modem restarted; the message may have been sent");
        insta::assert_snapshot!(
            AtError::Refused(ModemError::Cms(38)),
            @"modem refused: CMS 38, network out of order"
        );
    }
}
