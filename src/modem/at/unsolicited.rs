//! Lines that come unasked, and what they mean.

use std::fmt;

use super::classify;
use super::command::{masked_line, value};
use super::error::ModemError;
use super::fields;
use super::message::submit_reference_of;
use super::registration::Registration;
use super::sim::{SimState, sim_state_of};

/// A line that came unasked, with the PDU line that belongs to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsolicited {
    pub line: String,
    /// The PDU after `+CMT`, `+CDS` and `+CBM`, also when its length is not the announced one.
    pub second: Option<String>,
    /// The engine took this line as the sign of a restart and has failed everything that was under way.
    pub restart: bool,
}

/// What an unsolicited line means to this program.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The modem restarted: everything under way has failed; run the start-up again.
    Restarted,
    /// The modem is about to go, or complains about its power supply.
    PowerFailing,
    Registration(Registration),
    /// The SIM's state changed (`+CPIN:` unasked, and makers' own lines).
    Sim(SimState),
    /// `+CMT`: a message, PDU in hex with its service centre part. With `CSMS=1` it wants `AT+CNMA`.
    Message {
        pdu: String,
    },
    /// `+CDS`: a status report, PDU in hex with its service centre part. With `CSMS=1` it wants `AT+CNMA`.
    StatusReport {
        pdu: String,
    },
    /// `+CMTI`: a message was stored; read it with `AT+CMGR`.
    MessageStored {
        storage: String,
        index: u16,
    },
    /// `+CDSI`: a status report was stored; read it with `AT+CMGR`.
    StatusReportStored {
        storage: String,
        index: u16,
    },
    /// A message or report came with its PDU missing or damaged: list the storage.
    Damaged,
    /// No room for messages or status reports.
    StorageFull,
    /// The answer to a submit that was given up as uncertain: it was accepted after all.
    LateSubmit {
        reference: Option<u8>,
    },
    /// The answer to a submit that was given up as uncertain: it was refused.
    LateRefusal(ModemError),
    /// A call comes in.
    Ring,
    /// Nothing that this program reacts to.
    Other,
}

impl Unsolicited {
    pub(super) fn line(line: &str) -> Self {
        Self { line: line.to_owned(), second: None, restart: false }
    }

    pub fn event(&self) -> Event {
        if self.restart {
            return Event::Restarted;
        }
        let line = self.line.trim();
        if let Some(registration) = Registration::unsolicited(line) {
            return Event::Registration(registration);
        }
        if let Some(classify::Unasked::WithPdu { octets }) = classify::unasked(line) {
            return self.with_pdu(octets);
        }
        for (prefix, make) in [
            ("+CMTI", stored as fn(String, u16) -> Event),
            ("+CDSI", |storage, index| Event::StatusReportStored { storage, index }),
        ] {
            if let Some(text) = value(line, prefix) {
                return storage_and_index(text).map_or(Event::Damaged, |(storage, index)| make(storage, index));
            }
        }
        if let Some(state) = sim_changed(line) {
            return Event::Sim(state);
        }
        if let Some(reference) = submit_reference_of(line) {
            return Event::LateSubmit { reference };
        }
        if line.starts_with("+CMS ERROR")
            && let Some(classify::FinalResult::Refused(error)) = classify::final_result(line, false)
        {
            return Event::LateRefusal(error);
        }
        if line.eq_ignore_ascii_case("RING") || value(line, "+CRING").is_some() {
            return Event::Ring;
        }
        if value(line, "^SMMEMFULL").is_some() {
            return Event::StorageFull;
        }
        let upper = line.to_ascii_uppercase();
        if upper.contains("POWER DOWN") || upper.contains("POWERED DOWN") || upper.contains("-VOLTAGE") {
            return Event::PowerFailing;
        }
        Event::Other
    }

    fn with_pdu(&self, octets: Option<usize>) -> Event {
        let Some(pdu) = self.second.as_deref().map(str::trim).filter(|pdu| classify::is_pdu(pdu, octets)) else {
            return Event::Damaged;
        };
        let pdu = pdu.to_owned();
        if value(&self.line, "+CMT").is_some() {
            Event::Message { pdu }
        } else if value(&self.line, "+CDS").is_some() {
            Event::StatusReport { pdu }
        } else {
            Event::Other
        }
    }
}

/// `+CPIN:` unasked, and what makers say when a card is taken out or put in: Quectel `+QSIMSTAT: <enabled>,<inserted>`,
/// SIMCom `+CSMINS: <n>,<inserted>`, Huawei `^SIMST:<state>` (255: no card), Telit `#QSS: <state>` (0: no card). A card
/// that was put in is busy until it has been asked.
fn sim_changed(line: &str) -> Option<SimState> {
    if let Some(text) = value(line, "+CPIN") {
        return Some(sim_state_of(text));
    }
    for (prefix, index, missing, ready) in [
        ("+QSIMSTAT", 1, "0", None),
        ("+CSMINS", 1, "0", None),
        ("^SIMST", 0, "255", Some("1")),
        ("#QSS", 0, "0", None),
    ] {
        let Some(text) = value(line, prefix) else { continue };
        let fields = fields::split(text);
        let state = fields.get(index)?.trim();
        return Some(match state {
            _ if state == missing => SimState::Missing,
            _ if Some(state) == ready => SimState::Ready,
            _ => SimState::Busy,
        });
    }
    None
}

fn stored(storage: String, index: u16) -> Event {
    Event::MessageStored { storage, index }
}

fn storage_and_index(text: &str) -> Option<(String, u16)> {
    let fields = fields::split(text);
    let [storage, index, ..] = fields.as_slice() else { return None };
    Some((storage.clone(), index.parse().ok()?))
}

impl fmt::Debug for Unsolicited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked_line(&self.line))?;
        if let Some(second) = &self.second {
            write!(f, " <{} characters>", second.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restarted => f.write_str("Restarted"),
            Self::PowerFailing => f.write_str("PowerFailing"),
            Self::Registration(registration) => write!(f, "{registration:?}"),
            Self::Sim(state) => write!(f, "{state:?}"),
            Self::Message { pdu } => write!(f, "Message <{} octets>", pdu.len() / 2),
            Self::StatusReport { pdu } => write!(f, "StatusReport <{} octets>", pdu.len() / 2),
            Self::MessageStored { storage, index } => write!(f, "MessageStored {storage} {index}"),
            Self::StatusReportStored { storage, index } => write!(f, "StatusReportStored {storage} {index}"),
            Self::Damaged => f.write_str("Damaged"),
            Self::StorageFull => f.write_str("StorageFull"),
            Self::LateSubmit { reference } => write!(f, "LateSubmit {reference:?}"),
            Self::LateRefusal(error) => write!(f, "LateRefusal {error}"),
            Self::Ring => f.write_str("Ring"),
            Self::Other => f.write_str("Other"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unsolicited_line_has_its_meaning() {
        let cases = [
            ("+CMTI: \"ME\",41", None, "MessageStored ME 41"),
            ("+CMTI: 0,111", None, "MessageStored 0 111"),
            ("+CMTI: ", None, "Damaged"),
            ("+CDSI: \"SM\",3", None, "StatusReportStored SM 3"),
            ("+CDS: 3", Some("0006FF00"), "StatusReport <4 octets>"),
            ("+CDS: 9", Some("0006FF00"), "Damaged"),
            ("+CMT: ,3", Some("0004FF00"), "Message <4 octets>"),
            ("+CMT: ,3", None, "Damaged"),
            ("+CPIN: NOT INSERTED", None, "Missing"),
            ("+CPIN: NOT READY", None, "Busy"),
            ("+QSIMSTAT: 1,0", None, "Missing"),
            ("+QSIMSTAT: 1,1", None, "Busy"),
            ("+CSMINS: 1,0", None, "Missing"),
            ("^SIMST:255", None, "Missing"),
            ("^SIMST:1", None, "Ready"),
            ("#QSS: 0", None, "Missing"),
            ("+QUSIM: 1", None, "Other"),
            ("RING", None, "Ring"),
            ("^SMMEMFULL: \"SM\"", None, "StorageFull"),
            ("UNDER-VOLTAGE WARNNING", None, "PowerFailing"),
            ("^RSSI:17", None, "Other"),
            ("+CMGS: 12", None, "LateSubmit Some(12)"),
            ("+CMS ERROR: 38", None, "LateRefusal CMS 38, network out of order"),
        ];
        for (line, second, expected) in cases {
            let unsolicited = Unsolicited { second: second.map(str::to_owned), ..Unsolicited::line(line) };
            assert_eq!(format!("{:?}", unsolicited.event()), expected, "{line}");
        }
    }
}
