//! Messages inside the modem: its storages, its modes, and what reaches it from the network.
//!
//! What the network cannot hand over (modem off, storage full, an acknowledgement outstanding) waits there, as in a
//! service centre, and comes when it can.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{ReportEvent, ReportFate};
use super::pdu::{self, Concatenation, Deliver, Pdu, StatusReport};
use super::settings::Settings;
use super::storage::{Content, Status, Storage, Stored};
use super::text;
use super::virtual_modem::{Action, Output, VirtualModem};

/// Messages that the network keeps for the modem; the oldest gives way.
const WAITING_MAX: usize = 512;
/// How long the network waits for `+CNMA` (TR2M, 3GPP TS 24.011 §10).
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(15);
const DEFAULT_CENTRE: &str = "+491710760000";

/// What the body after a prompt is for.
#[derive(Clone)]
pub(super) enum Purpose {
    SendPdu { length: usize },
    SendText { number: String },
    StorePdu { length: usize },
    StoreText { number: String },
    AcknowledgePdu,
}

impl Purpose {
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::SendText { .. } | Self::StoreText { .. })
    }
}

/// What comes from the network for the modem.
#[derive(Clone)]
pub(super) enum Inbound {
    Message {
        number: String,
        text: String,
        concatenation: Option<Concatenation>,
        /// When the service centre took it, in seconds since 1970.
        sent: i64,
    },
    Report {
        reference: u8,
        number: String,
        status: u8,
        submitted: i64,
    },
    /// As it is. `is_report`: by its message type (3GPP TS 23.040 §9.2.3.1).
    Pdu {
        pdu: Pdu,
        is_report: bool,
    },
}

impl Inbound {
    fn is_report(&self) -> bool {
        match self {
            Self::Message { .. } => false,
            Self::Report { .. } => true,
            Self::Pdu { is_report, .. } => *is_report,
        }
    }
}

pub(super) struct Messages {
    /// As the make names them.
    pub storages: [Storage; 2],
    /// Which storage reads, writes and receives (`mem1` to `mem3`).
    pub selected: [usize; 3],
    pub text_mode: bool,
    /// `+CSMS`: 1 is phase 2+, where direct messages are acknowledged.
    pub service: u8,
    /// `+CNMI`: mode, mt, bm, ds, bfr.
    pub indications: [u8; 5],
    pub centre: String,
    pub charset: String,
    pub next_reference: u8,
    pub waiting: VecDeque<Inbound>,
    /// Number of the acknowledgement that is outstanding.
    pub acknowledgement: Option<u64>,
    acknowledgements: u64,
    /// Reference of the next long message from the phone.
    long_reference: u8,
}

impl Messages {
    pub(super) fn new(memories: [&'static str; 2]) -> Self {
        Self {
            storages: memories.map(Storage::new),
            selected: [0; 3],
            text_mode: false,
            service: 0,
            indications: [0; 5],
            centre: DEFAULT_CENTRE.into(),
            charset: "GSM".into(),
            next_reference: 1,
            waiting: VecDeque::new(),
            acknowledgement: None,
            acknowledgements: 0,
            long_reference: 0,
        }
    }

    /// What `ATZ` and a restart put back.
    pub(super) fn reset_modes(&mut self) {
        self.text_mode = false;
        self.service = 0;
        self.indications = [0; 5];
        self.charset = "GSM".into();
    }

    pub(super) fn power_cycled(&mut self) {
        self.reset_modes();
        self.selected = [0; 3];
        self.acknowledgement = None;
    }
}

impl VirtualModem {
    /// The phone writes to the modem; the parts arrive in `order`.
    pub(super) fn incoming(&mut self, number: &str, text: &str, order: Option<&[u8]>) {
        let parts = pdu::split(text);
        let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        self.messages.long_reference = self.messages.long_reference.wrapping_add(1);
        let reference = u16::from(self.messages.long_reference);
        let as_written: Vec<u8> = (1..=total).collect();
        for part in order.unwrap_or(&as_written) {
            let Some(text) = parts.get(usize::from(*part).wrapping_sub(1)).cloned() else { continue };
            let concatenation = (total > 1).then_some(Concatenation { reference, parts: total, part: *part });
            let sent = self.seconds();
            self.inbound(Inbound::Message { number: number.to_owned(), text, concatenation, sent });
        }
    }

    /// The network hands over what somebody else wrote.
    pub(super) fn incoming_pdu(&mut self, octets: Vec<u8>) {
        let first = octets.get(1 + usize::from(octets.first().copied().unwrap_or(0)));
        let is_report = first.is_some_and(|first| first & 0x03 == 0x02);
        self.inbound(Inbound::Pdu { pdu: Pdu::new(octets), is_report });
    }

    /// Hands over what comes from the network, or keeps it waiting.
    pub(super) fn inbound(&mut self, inbound: Inbound) {
        if self.messages.waiting.len() >= WAITING_MAX {
            self.messages.waiting.pop_front();
        }
        self.messages.waiting.push_back(inbound);
        self.deliver_waiting();
    }

    /// Hands over what waits and can be: a full storage holds up what must be stored, not what goes to the line.
    pub(super) fn deliver_waiting(&mut self) {
        let mut kept = VecDeque::new();
        for inbound in std::mem::take(&mut self.messages.waiting) {
            let ready = !self.is_mute() && self.is_registered() && self.messages.acknowledgement.is_none();
            if !ready || !self.hand_over(&inbound) {
                kept.push_back(inbound);
            }
        }
        // Behind the one that waits for its acknowledgement, if there is one.
        self.messages.waiting.extend(kept);
    }

    pub(super) fn acknowledgement_expired(&mut self, id: u64) {
        if self.messages.acknowledgement != Some(id) {
            return;
        }
        // An unacknowledged message ends direct routing until it is asked for again (3GPP TS 27.005 §3.4.4).
        self.messages.acknowledgement = None;
        self.messages.indications[1] = 0;
        self.messages.indications[3] = 0;
        self.deliver_waiting();
    }

    /// Fills the receiving storage with messages that were read long ago.
    pub(super) fn fill_storage(&mut self) {
        let inbound = Inbound::Message {
            number: self.settings.number.clone(),
            text: "full".into(),
            concatenation: None,
            sent: self.seconds(),
        };
        let (content, pdu) = self.render(&inbound);
        let storage = &mut self.messages.storages[self.messages.selected[2]];
        let stored = Stored { status: Status::Read, content, pdu };
        while storage.add(stored.clone(), self.settings.profile.first_index, self.settings.slots).is_some() {}
    }

    pub(super) fn store(&mut self, memory: usize, stored: Stored) -> Option<(&'static str, u16)> {
        let Settings { profile, slots, .. } = &self.settings;
        let storage = &mut self.messages.storages[self.messages.selected[memory]];
        storage.add(stored, profile.first_index, *slots).map(|index| (storage.name, index))
    }

    /// A text in the character set of `+CSCS`.
    pub(super) fn charset(&self, plain: &str) -> String {
        if self.messages.charset == "UCS2" { text::to_hex(&text::to_ucs2(plain)) } else { plain.to_owned() }
    }

    /// Whether the modem took it: shown, stored, or dropped as `+CNMI` says.
    fn hand_over(&mut self, inbound: &Inbound) -> bool {
        let [mode, message_mode, _, report_mode, _] = self.messages.indications;
        let is_report = inbound.is_report();
        if is_report && report_mode == 0 {
            self.report_went(inbound, ReportFate::Dropped);
            return true;
        }
        let route = if is_report { report_mode } else { message_mode };
        let direct = route == if is_report { 1 } else { 2 };
        let (content, pdu) = self.render(inbound);
        if direct && mode > 0 {
            let line = if is_report { self.direct_report(&content, &pdu) } else { self.direct_message(&content, &pdu) };
            self.unsolicited(&line);
            self.report_went(inbound, ReportFate::Shown);
            self.expect_acknowledgement(inbound);
            return true;
        }
        let Some((name, index)) = self.store(2, Stored { status: Status::Unread, content, pdu }) else { return false };
        self.report_went(inbound, ReportFate::Stored);
        let prefix = if is_report { "+CDSI" } else { "+CMTI" };
        if mode > 0 && route > 0 {
            self.unsolicited(&format!("{prefix}: \"{name}\",{index}"));
        }
        true
    }

    fn report_went(&mut self, inbound: &Inbound, fate: ReportFate) {
        if let Inbound::Report { reference, number, .. } = inbound {
            let event = ReportEvent { number: number.clone(), reference: *reference, fate };
            self.outputs.push_back(Output::Report(event));
        }
    }

    fn expect_acknowledgement(&mut self, inbound: &Inbound) {
        if self.messages.service == 0 {
            return;
        }
        self.messages.acknowledgements += 1;
        let id = self.messages.acknowledgements;
        self.messages.acknowledgement = Some(id);
        self.agenda.add(self.now + ACKNOWLEDGE_WITHIN, Action::AckExpired(id));
        // Kept in case no acknowledgement comes: the network then delivers again.
        self.messages.waiting.push_front(inbound.clone());
    }

    /// Takes the acknowledgement of a direct message; whether one was outstanding. What was not `kept` the network
    /// delivers again with whatever comes next.
    pub(super) fn acknowledge(&mut self, kept: bool) -> bool {
        if self.messages.acknowledgement.take().is_none() {
            return false;
        }
        if kept {
            self.messages.waiting.pop_front();
            self.deliver_waiting();
        }
        true
    }

    fn render(&self, inbound: &Inbound) -> (Content, Pdu) {
        let seconds = self.seconds();
        match inbound {
            Inbound::Message { number, text, concatenation, sent } => {
                let deliver = Deliver {
                    sender: number,
                    text,
                    concatenation: *concatenation,
                    timestamp: pdu::timestamp(*sent),
                    centre: DEFAULT_CENTRE,
                };
                let content = Content::Received { number: number.clone(), text: text.clone(), seconds: *sent };
                (content, pdu::write_deliver(&deliver))
            }
            Inbound::Pdu { pdu, .. } => {
                let content = Content::Received { number: String::new(), text: String::new(), seconds };
                (content, pdu.clone())
            }
            Inbound::Report { reference, number, status, submitted } => {
                let report = StatusReport {
                    reference: *reference,
                    number,
                    submitted: pdu::timestamp(*submitted),
                    discharged: pdu::timestamp(seconds),
                    status: *status,
                    centre: DEFAULT_CENTRE,
                };
                let content = Content::Report {
                    reference: *reference,
                    number: number.clone(),
                    status: *status,
                    submitted: *submitted,
                    discharged: seconds,
                };
                (content, pdu::write_status_report(&report))
            }
        }
    }

    /// `+CDS` with its second line (3GPP TS 27.005 §3.4.1).
    fn direct_report(&self, content: &Content, pdu: &Pdu) -> String {
        if self.messages.text_mode {
            format!("+CDS: {}", self.report_fields(content))
        } else {
            format!("+CDS: {}\n{}", pdu.length, pdu.hex())
        }
    }

    /// `+CMT` with its second line.
    fn direct_message(&self, content: &Content, pdu: &Pdu) -> String {
        match content {
            Content::Received { number, text, seconds } if self.messages.text_mode => format!(
                "+CMT: \"{}\",,\"{}\"\n{}",
                self.charset(number),
                pdu::timestamp_text(*seconds),
                self.charset(text)
            ),
            Content::Received { .. } | Content::Report { .. } | Content::Outgoing(_) => {
                format!("+CMT: ,{}\n{}", pdu.length, pdu.hex())
            }
        }
    }

    /// `fo,mr,ra,tora,scts,dt,st` of a report in text mode.
    pub(super) fn report_fields(&self, content: &Content) -> String {
        let Content::Report { reference, number, status, submitted, discharged } = content else {
            return String::new();
        };
        format!(
            "6,{reference},\"{}\",145,\"{}\",\"{}\",{status}",
            self.charset(number),
            pdu::timestamp_text(*submitted),
            pdu::timestamp_text(*discharged)
        )
    }
}
