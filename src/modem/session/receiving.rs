//! What comes in, between the line and the record: feeds [`Incoming`](super::super::incoming::Incoming) and
//! [`Ringing`](super::super::ringing::Ringing), hands messages and reports on, brings back whether they are on record.
//!
//! A report of the message in hand may come before that message's own answer, which its record needs: it waits for that.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::super::at::{Event, Unsolicited};
use super::super::driver::Driver;
use super::super::incoming::{IncomingStep, RawMessage, Trouble};
use super::super::line::Line;
use super::super::received::{self, Incoming};
use super::super::ringing::RingingStep;
use super::{Owner, Work};
use crate::channel::{DeliveryReport, Notice};

impl Driver {
    /// Lets everything that comes in go on. Gives the instant at which there is more to do.
    pub(super) async fn receive<P>(&self, work: &mut Work, line: &mut Line<P>) -> Option<Duration>
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match work.ringing.poll() {
                RingingStep::Submit(command) => {
                    work.owners.insert(line.submit(command), Owner::Ringing);
                }
                RingingStep::Rejected { calls } => {
                    debug!(
                        name: "modem.call_rejected",
                        modem = self.config.name, calls,
                        "a call came in and was rejected"
                    );
                }
                RingingStep::Wait => break,
            }
        }
        loop {
            match work.incoming.poll() {
                IncomingStep::Submit(command) => {
                    work.owners.insert(line.submit(command), Owner::Incoming);
                }
                IncomingStep::Keep(raw) => self.keep(work, &raw).await,
                IncomingStep::Tell(trouble) => self.tell_trouble(trouble),
                IncomingStep::Wait(due) => return due,
            }
        }
    }

    async fn keep(&self, work: &mut Work, raw: &RawMessage) {
        let (done, kept) = oneshot::channel();
        work.kept = Some(kept);
        match received::read(raw) {
            Incoming::Report(report) => {
                let in_hand = work.current.as_ref().is_some_and(|current| current.number.is_written_as(&report.number));
                if in_hand {
                    work.reports.push((report, done));
                } else {
                    self.tell_report(report, done).await;
                }
            }
            other => self.hand_on(other, done).await,
        }
    }

    async fn hand_on(&self, incoming: Incoming, done: oneshot::Sender<bool>) {
        match incoming {
            Incoming::Report(report) => self.tell_report(report, done).await,
            Incoming::Message(message) => {
                let notice = Notice::Received { route: self.config.name.clone(), message, done };
                // Without a reader the process is ending; the answer's sender is gone, so that the modem keeps it.
                let _ = self.surroundings.notices.send(notice).await;
            }
            Incoming::StillTrying => {
                // Whoever asked has gone.
                let _ = done.send(true);
            }
        }
    }

    pub(super) async fn tell_report(&self, report: DeliveryReport, done: oneshot::Sender<bool>) {
        let notice = Notice::Report { route: self.config.name.clone(), report, done };
        // As for a message.
        let _ = self.surroundings.notices.send(notice).await;
    }

    /// While no session is at work nothing can be acknowledged: what comes directly is put on record, and what the
    /// network sends once more for want of an acknowledgement is known by then.
    pub(in super::super) async fn take_directly(&self, said: &Unsolicited) {
        if let Event::Message { pdu } | Event::StatusReport { pdu } = said.event() {
            self.give_out(RawMessage(pdu)).await;
        }
    }

    /// The session ends: what came directly lies nowhere else.
    pub(super) async fn give_out_direct(&self, work: &mut Work) {
        for raw in work.incoming.take_direct() {
            self.give_out(raw).await;
        }
    }

    async fn give_out(&self, raw: RawMessage) {
        let (done, _) = oneshot::channel();
        self.hand_on(received::read(&raw), done).await;
    }

    fn tell_trouble(&self, trouble: Trouble) {
        let modem = &self.config.name;
        match trouble {
            Trouble::Flooded => {
                warn!(name: "modem.flooded", modem, "messages come in faster than they can be stored; some are lost")
            }
            Trouble::FullOfOthers => warn!(
                name: "modem.storage_crowded",
                modem,
                "the message storage is nearly full of messages that were written or sent with this SIM; delete them in a \
                 phone, or no delivery reports arrive"
            ),
        }
    }
}
