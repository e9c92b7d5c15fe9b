//! From Ctrl-Z to the network's answer and the delivery report: what becomes of a message that the modem is given.

use std::time::Duration;

use super::commands::Failure;
use super::magic::{SmsFate, sms_fate};
use super::messages::{Inbound, Purpose};
use super::pdu::{Pdu, Submit, read_submit, write_submit};
use super::settings::{Reference, SubmitFault};
use super::storage::{Content, Status, Stored};
use super::text;
use super::virtual_modem::{Action, Answer, VirtualModem};

/// Delay of the number whose messages come late.
const LATE: Duration = Duration::from_secs(60);
/// From "still trying" to delivered.
const STILL_TRIED: Duration = Duration::from_secs(5);
/// How long the port is gone after the fault that unplugs it.
const UNPLUGGED: Duration = Duration::from_secs(3);
/// Refusals of the number that refuses twice.
const REFUSALS: u8 = 2;
/// Numbers whose refusals are counted at once.
const REFUSING_MAX: usize = 256;
/// Septets of a text-mode message.
const TEXT_MAX: usize = 160;

/// TP-ST, 3GPP TS 23.040 §9.2.3.15.
const DELIVERED: u8 = 0x00;
const CONGESTION_STILL_TRYING: u8 = 0x20;
const NOT_OBTAINABLE: u8 = 0x43;

impl VirtualModem {
    /// The body after a prompt has ended.
    pub(super) fn body_complete(&mut self, purpose: Purpose, body: &[u8]) {
        let submit = match &purpose {
            Purpose::SendPdu { length } | Purpose::StorePdu { length } => self.submit_of_pdu(body, *length),
            Purpose::SendText { number } | Purpose::StoreText { number } => self.submit_of_text(number, body),
            Purpose::AcknowledgePdu => {
                let acknowledged = self.acknowledge(true);
                let result = if acknowledged { Ok(()) } else { Err(Failure::Cms(340)) };
                return self.answer_after(self.settings.latency, Answer::Final(result));
            }
        };
        let (submit, pdu) = match submit {
            Ok(submit) => submit,
            Err(failure) => return self.answer_after(self.settings.latency, Answer::Final(Err(failure))),
        };
        match purpose {
            Purpose::SendPdu { .. } | Purpose::SendText { .. } => self.submit(submit, "+CMGS"),
            Purpose::StorePdu { .. } | Purpose::StoreText { .. } | Purpose::AcknowledgePdu => {
                let stored = Stored { status: Status::Unsent, content: Content::Outgoing(submit), pdu };
                let result = self.store(1, stored).map(|(_, index)| self.answer.push(format!("+CMGW: {index}")));
                let result = result.ok_or(Failure::Cms(322));
                self.answer_after(self.settings.latency, Answer::Final(result));
            }
        }
    }

    /// Gives a message to the network; `command` is the prefix of the answer.
    pub(super) fn submit(&mut self, submit: Submit, command: &str) {
        let delay = self.settings.submit_latency;
        if !self.is_registered() {
            return self.answer_after(self.settings.latency, Answer::Final(Err(Failure::Cms(331))));
        }
        if self.settings.refuse_validity && submit.has_validity {
            return self.answer_after(self.settings.latency, Answer::Final(Err(Failure::Cms(304))));
        }
        let fate = sms_fate(&submit.number);
        match self.settings.submit_faults.pop_front() {
            Some(SubmitFault::Cms(code)) => self.answer_after(delay, Answer::Final(Err(Failure::Cms(code)))),
            Some(SubmitFault::Cme(code)) => self.answer_after(delay, Answer::Final(Err(Failure::Cme(code)))),
            Some(SubmitFault::Error) => self.answer_after(delay, Answer::Final(Err(Failure::Error))),
            Some(SubmitFault::Silence | SubmitFault::NoPrompt) => self.answer_never(),
            Some(SubmitFault::ReplyLost) => {
                let reference = self.take_reference();
                self.carry(&submit, reference, fate);
                self.answer_never();
            }
            Some(SubmitFault::Reboot) => self.reboot(),
            Some(SubmitFault::Unplug) => {
                let reference = self.take_reference();
                self.carry(&submit, reference, fate);
                self.unplug(UNPLUGGED);
            }
            None => self.submit_to_fate(&submit, fate, command),
        }
    }

    /// Whether the next `+CMGS` meets no prompt.
    pub(super) fn takes_no_prompt(&mut self) -> bool {
        let meets = self.settings.submit_faults.front() == Some(&SubmitFault::NoPrompt);
        if meets {
            self.settings.submit_faults.pop_front();
        }
        meets
    }

    fn submit_to_fate(&mut self, submit: &Submit, fate: SmsFate, command: &str) {
        let delay = self.settings.submit_latency;
        let refusal = match fate {
            SmsFate::Refused(code) => Some(code),
            SmsFate::RefusedTwice if self.refuses_again(&submit.number) => Some(38),
            SmsFate::TimedOutDelivered => Some(332),
            _ => None,
        };
        let silent =
            self.settings.silent_after_submit || matches!(fate, SmsFate::SilentLost | SmsFate::SilentDelivered);
        let sent = refusal.is_none() || fate == SmsFate::TimedOutDelivered;
        let reference = if sent { self.take_reference() } else { 0 };
        // The answer goes onto the agenda first: of one instant, it precedes the report.
        if let Some(code) = refusal {
            self.answer_after(delay, Answer::Final(Err(Failure::Cms(code))));
        } else if silent {
            self.answer_never();
        } else {
            match self.settings.reference {
                Reference::Counting => self.answer.push(format!("{command}: {reference}")),
                Reference::Zero => self.answer.push(format!("{command}: 0")),
                Reference::Missing => {}
            }
            self.answer_after(delay, Answer::Final(Ok(())));
        }
        if sent {
            self.carry(submit, reference, fate);
        }
    }

    /// Plans what the phone sees and which reports come back.
    fn carry(&mut self, submit: &Submit, reference: u8, fate: SmsFate) {
        let accepted = self.now + self.settings.submit_latency;
        let usual = accepted + self.settings.report_delay;
        let (received, reports) = match fate {
            SmsFate::Lost | SmsFate::SilentLost => (None, vec![]),
            SmsFate::Failed => (None, vec![(usual, NOT_OBTAINABLE)]),
            SmsFate::DeliveredLate => (Some(accepted + LATE), vec![(accepted + LATE, DELIVERED)]),
            SmsFate::StillTried => {
                let delivered = usual + STILL_TRIED;
                (Some(delivered), vec![(usual, CONGESTION_STILL_TRYING), (delivered, DELIVERED)])
            }
            SmsFate::ReportedTwice => (Some(accepted), vec![(usual, DELIVERED), (usual, DELIVERED)]),
            SmsFate::Delivered
            | SmsFate::ReportedFirst
            | SmsFate::RefusedTwice
            | SmsFate::Refused(_)
            | SmsFate::SilentDelivered
            | SmsFate::TimedOutDelivered
            | SmsFate::AnsweredStop => (Some(accepted), vec![(usual, DELIVERED)]),
        };
        let report_first = self.settings.report_first || fate == SmsFate::ReportedFirst;
        if let Some(received) = received {
            self.agenda.add(received, Action::PhoneReceives { submit: submit.clone(), reference });
        }
        let submitted = self.seconds();
        let wants_report = self.settings.reports && submit.wants_report;
        for (at, status) in reports.into_iter().filter(|_| wants_report) {
            let number = submit.number.clone();
            let reference = if self.settings.reference == Reference::Zero { 0 } else { reference };
            let report = Inbound::Report { reference, number, status, submitted };
            if report_first {
                self.inbound(report);
            } else {
                self.agenda.add(at, Action::Inbound(report));
            }
        }
        if fate == SmsFate::AnsweredStop {
            let inbound = Inbound::Message {
                number: submit.number.clone(),
                text: "STOP".into(),
                concatenation: None,
                sent: self.seconds(),
            };
            self.agenda.add(usual, Action::Inbound(inbound));
        }
    }

    /// Counts a refusal of the number that refuses twice; false once it has had enough.
    fn refuses_again(&mut self, number: &str) -> bool {
        let refused = self.refusals.get(number).copied().unwrap_or(0);
        if refused >= REFUSALS {
            self.refusals.remove(number);
            return false;
        }
        if self.refusals.len() >= REFUSING_MAX {
            self.refusals.pop_first();
        }
        self.refusals.insert(number.to_owned(), refused + 1);
        true
    }

    fn take_reference(&mut self) -> u8 {
        let reference = self.messages.next_reference;
        self.messages.next_reference = reference.wrapping_add(1);
        reference
    }

    fn submit_of_pdu(&self, body: &[u8], length: usize) -> Result<(Submit, Pdu), Failure> {
        let digits: Vec<u8> = body.iter().copied().filter(|byte| *byte != b' ').collect();
        let octets = text::from_hex(&digits).ok_or(Failure::Cms(304))?;
        let submit = read_submit(&octets, length).map_err(|_| Failure::Cms(304))?;
        Ok((submit, Pdu::new(octets)))
    }

    /// The parameters of a text-mode message come from `+CSMP` (3GPP TS 27.005 §3.1).
    fn submit_of_text(&self, number: &str, body: &[u8]) -> Result<(Submit, Pdu), Failure> {
        let body = String::from_utf8_lossy(body);
        let text = self.plain(&body);
        if text::to_septets(&text).map_or(text.encode_utf16().count() > 70, |septets| septets.len() > TEXT_MAX) {
            return Err(Failure::Cms(305));
        }
        let mut parameters = self.registers.get("+CSMP").split(',');
        let first_octet = parameters.next().and_then(|first| first.parse::<u8>().ok()).unwrap_or(17);
        let submit = Submit {
            number: number.to_owned(),
            text,
            wants_report: first_octet & 0x20 != 0,
            has_validity: first_octet & 0x18 != 0,
            concatenation: None,
        };
        let pdu = write_submit(&submit);
        Ok((submit, pdu))
    }
}
