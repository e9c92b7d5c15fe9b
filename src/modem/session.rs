//! A session with a modem: from its start-up to whatever ends it.
//!
//! Between start-up and end three things share the line: one message at a time, the watch over the network, and what
//! comes in. The engine puts a hang-up first, and the watch last.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, oneshot};
use tracing::{Span, debug};

use super::at::{self, AtError, CommandId, Event, Reply, SimState, Unsolicited};
use super::driver::{Driver, InHand, Mail, SessionEnd, finish};
use super::incoming::Incoming;
use super::line::{Line, Said};
use super::network::{Network, NetworkStep};
use super::ringing::Ringing;
use super::sending;
use super::sms::{Sms, SmsStep};
use super::startup::Identity;
use crate::channel::{DeliveryReport, Message, Notice, Outcome};
use crate::phone::PhoneNumber;
use crate::verification::{AttemptId, EventKind};

mod health;
mod hearing;
mod receiving;
mod speaking;
mod telling;

use hearing::Heard;
use speaking::CurrentCall;
use telling::Told;

/// For so long after a message of which it is not known whether it was sent all that came in is read before the next one:
/// its report may be there. It goes out again after ten seconds, and behind one that is not answered for 45 s.
const UNSETTLED: Duration = Duration::from_secs(60);

/// Whose reply a command's is.
#[derive(Debug)]
enum Owner {
    Message,
    Network,
    Incoming,
    Ringing,
}

/// A message in hand.
struct Current {
    attempt: AttemptId,
    number: PhoneNumber,
    parts: usize,
    machine: Sms,
    submit: Option<CommandId>,
    permission: Option<oneshot::Receiver<bool>>,
    begun: Duration,
    /// Of its lines in the log.
    span: Span,
}

/// A modem at work.
struct Work {
    network: Network,
    current: Option<Current>,
    call: Option<CurrentCall>,
    /// Attempts that are of no more use; one of them may be the call in hand.
    withdrawals: broadcast::Receiver<AttemptId>,
    /// A call stands that the modem does not end.
    stuck: bool,
    incoming: Incoming,
    /// Whether what [`Incoming`] wants to be kept is on record.
    kept: Option<oneshot::Receiver<bool>>,
    ringing: Ringing,
    owners: BTreeMap<CommandId, Owner>,
    /// See [`UNSETTLED`].
    unsettled_until: Duration,
    /// Reports to the number of the message in hand: perhaps of this message, before its own answer.
    reports: Vec<(DeliveryReport, oneshot::Sender<bool>)>,
    /// Said by the last refusal: the SIM is good for nothing.
    sim_fault: Option<String>,
    sim_changed: bool,
    /// It was said on this session that the modem is ready.
    announced: bool,
    told: Told,
    restarted: bool,
    stopping: bool,
}

impl Driver {
    pub(super) async fn session<P>(&mut self, line: &mut Line<P>, mail: &mut Mail) -> SessionEnd
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let identity = match self.start_up(line, mail).await {
            Ok(identity) => identity,
            Err(end) => return end,
        };
        self.profile = identity.profile;
        line.configure(self.profile.engine_settings());
        self.recovery.recovered(line.now());
        self.praise(&identity);
        self.work(line, mail, &identity).await
    }

    async fn work<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, identity: &Identity) -> SessionEnd
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let mut work = Work {
            network: Network::new(line.now(), self.config.roaming),
            current: None,
            call: None,
            withdrawals: self.surroundings.board.withdrawals(),
            stuck: false,
            incoming: Incoming::new(identity.routing, line.now()),
            kept: None,
            ringing: Ringing::new(self.profile.calls.hang_up),
            owners: BTreeMap::new(),
            unsettled_until: Duration::ZERO,
            reports: vec![],
            sim_fault: None,
            sim_changed: false,
            announced: false,
            told: Told::default(),
            restarted: false,
            stopping: false,
        };
        loop {
            let due = self.advance(&mut work, line).await;
            if work.current.is_none()
                && work.call.is_none()
                && let Some(end) = self.end(&work, line.now())
            {
                self.give_out_direct(&mut work).await;
                return end;
            }
            self.tell_reception(&mut work, line.now());
            self.show_health(&mut work, line.now());
            match work.hear(line, mail, due).await {
                Heard::Said(Ok(said)) => self.said(&mut work, line, said).await,
                Heard::Said(Err(error)) => {
                    self.port_lost(&mut work, line).await;
                    self.give_out_direct(&mut work).await;
                    return SessionEnd::PortLost(error);
                }
                Heard::Permission(granted) => work.permitted(granted),
                Heard::Kept(kept) => {
                    work.kept = None;
                    work.incoming.kept(kept, line.now());
                }
                Heard::Message(message) => self.take_message(&mut work, message, line.now()).await,
                Heard::Ping(ping) => {
                    // The watchdog may have given up meanwhile.
                    let _ = ping.send(());
                }
                Heard::Call(heard) => {
                    if let Some(call) = &mut work.call {
                        call.told(heard, line.now());
                    }
                }
                Heard::Withdrawn(attempt) => {
                    if let Some(call) = work.call.as_mut().filter(|call| call.attempt == attempt) {
                        call.calling.withdraw(line.now());
                    }
                }
                Heard::Stop => {
                    work.stopping = true;
                    // Who listens to the PIN hears it to the end; who has not answered yet is called again.
                    if let Some(call) = work.call.as_mut().filter(|call| call.calling.is_unanswered()) {
                        call.calling.withdraw(line.now());
                    }
                }
            }
        }
    }

    /// Lets every machine do what it can. Gives the instant at which one of them wants to be asked again.
    async fn advance<P>(&mut self, work: &mut Work, line: &mut Line<P>) -> Option<Duration>
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let network_due = loop {
            match work.network.poll() {
                NetworkStep::Submit(command) => {
                    work.owners.insert(line.submit(command), Owner::Network);
                }
                NetworkStep::Wait(due) => break due,
            }
        };
        let incoming_due = self.receive(work, line).await;
        let call_due = self.speak(work, line).await;
        let mut message_due = None;
        while let Some(current) = &mut work.current {
            match current.machine.poll() {
                SmsStep::Submit(command) => {
                    line.serve(current.span.clone());
                    let id = line.submit(command);
                    line.serve(Span::none());
                    current.submit = Some(id);
                    work.owners.insert(id, Owner::Message);
                }
                SmsStep::AskPermission { part: 0 } => current.permission = self.ask_to_begin(current.attempt).await,
                // Permission for a message is permission for all of its parts.
                SmsStep::AskPermission { .. } => current.machine.permit(),
                SmsStep::Proceed(pdu) => {
                    let written = current.submit.is_some_and(|id| line.proceed(id, pdu.hex()));
                    current.span.in_scope(|| debug!(name: "attempt.body", written, "message body"));
                }
                SmsStep::Abandon => {
                    // A submit that is over already needs no taking back.
                    let _ = current.submit.is_some_and(|id| line.abandon(id));
                }
                SmsStep::Wait(due) => {
                    message_due = due;
                    break;
                }
                SmsStep::Done(outcome) => self.message_done(work, outcome, line.now()).await,
            }
        }
        let unread_due = work.has_unread(line.now()).then_some(work.unsettled_until);
        [network_due, incoming_due, call_due, message_due, unread_due].into_iter().flatten().min()
    }

    async fn ask_to_begin(&self, attempt: AttemptId) -> Option<oneshot::Receiver<bool>> {
        self.set_in_hand(Some(InHand { attempt, begun: true }));
        let (go, answer) = oneshot::channel();
        // A lost question reads as a refusal.
        let _ = self.surroundings.notices.send(Notice::Begin { attempt, go }).await;
        Some(answer)
    }

    async fn take_message(&mut self, work: &mut Work, message: Message, now: Duration) {
        let attempt = message.attempt;
        let name = &self.config.name;
        let dead = message.pin_end.is_some_and(|end| self.surroundings.clock.now() >= end);
        if dead || work.stopping || !self.is_ready(work, now) {
            return finish(&self.surroundings, name, attempt, Outcome::Returned).await;
        }
        if message.kind == EventKind::Tts {
            return self.take_call(work, message).await;
        }
        self.concat_reference = self.concat_reference.wrapping_add(1);
        self.set_in_hand(Some(InHand { attempt, begun: false }));
        let span = message.span(name);
        // A late answer would be this message's from here on.
        self.last_uncertain = None;
        match sending::parts(&message, self.config.delivery_reports, self.concat_reference) {
            Ok(parts) => {
                let count = parts.len();
                let machine = Sms::new(parts, self.profile.submit_timeout);
                work.current = Some(Current {
                    attempt,
                    number: message.number,
                    parts: count,
                    machine,
                    submit: None,
                    permission: None,
                    begun: now,
                    span,
                });
            }
            Err(reason) => {
                let outcome = Outcome::Refused { class: crate::channel::RefusalClass::Final, reason };
                finish(&self.surroundings, name, attempt, outcome).await;
                self.set_in_hand(None);
            }
        }
    }

    async fn message_done(&mut self, work: &mut Work, outcome: super::sms::Outcome, now: Duration) {
        let Some(current) = work.current.take() else { return };
        if sending::is_futile(&outcome) {
            self.count_futile(&current, matches!(outcome, super::sms::Outcome::Uncertain { .. }));
        }
        let (outcome, sim_fault) = sending::outcome(outcome);
        match &outcome {
            Outcome::Accepted { .. } => {
                (self.futile, self.futile_number) = (0, None);
                self.recovery.sent();
                let took = now.saturating_sub(current.begun);
                self.surroundings.board.measure(&self.config.name, EventKind::Sms, took);
            }
            // A late answer to its last part says that all of it was accepted.
            Outcome::Uncertain { references, .. } => {
                work.unsettled_until = now + UNSETTLED;
                if references.len() + 1 == current.parts {
                    self.last_uncertain = Some(current.attempt);
                }
            }
            Outcome::Refused { reason, .. } if sim_fault => work.sim_fault = Some(reason.clone()),
            Outcome::Refused { .. } | Outcome::Returned => {}
            // Of calls and of providers.
            Outcome::Spoken { .. } | Outcome::Unanswered { .. } | Outcome::Taken { .. } => {}
        }
        self.show_sent(EventKind::Sms, &outcome, now.saturating_sub(current.begun));
        finish(&self.surroundings, &self.config.name, current.attempt, outcome).await;
        self.set_in_hand(None);
        for (report, done) in std::mem::take(&mut work.reports) {
            self.tell_report(report, done).await;
        }
    }

    async fn said<P>(&mut self, work: &mut Work, line: &mut Line<P>, said: Said)
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let now = line.now();
        match said {
            Said::Time => {
                work.network.handle_timeout(now);
                work.incoming.handle_timeout(now);
                if let Some(current) = &mut work.current {
                    current.machine.handle_timeout(now);
                }
                if let Some(call) = &mut work.call {
                    call.calling.handle_timeout(now);
                }
            }
            Said::Prompt { .. } => {
                if let Some(current) = &mut work.current {
                    current.machine.prompted();
                }
            }
            Said::Reply { id, result } => work.replied(id, result, now),
            Said::Unsolicited(said) => self.unsolicited(work, &said, now).await,
        }
    }

    async fn unsolicited(&mut self, work: &mut Work, said: &Unsolicited, now: Duration) {
        let event = said.event();
        work.network.unsolicited(&event, now);
        work.incoming.unsolicited(&event, said.second.as_deref(), now);
        match &mut work.call {
            // To hang up who calls would end this call too; the network tells them that the line is busy.
            Some(call) => call.calling.unsolicited(&said.line, now),
            None => work.ringing.unsolicited(&event, now),
        }
        match event {
            Event::Restarted => {
                work.restarted = true;
                if let Some(call) = &mut work.call {
                    call.calling.port_lost(now);
                }
                if let Some(current) = &mut work.current {
                    current.machine.withdraw();
                }
            }
            Event::LateSubmit { .. } => {
                if let Some(attempt) = self.last_uncertain.take() {
                    // Without a reader the process is ending; the attempt stays uncertain.
                    let route = self.config.name.clone();
                    let _ = self.surroundings.notices.send(Notice::Settled { attempt, route }).await;
                }
            }
            Event::StorageFull => {
                debug!(
                    name: "modem.storage_full",
                    modem = self.config.name,
                    "the message storage is full; it is emptied"
                )
            }
            Event::PowerFailing => self.power_failing(now),
            Event::Sim(state) => match state {
                SimState::Ready | SimState::NotTold => {}
                SimState::Pin
                | SimState::Puk
                | SimState::Locked(_)
                | SimState::Missing
                | SimState::Failure
                | SimState::Busy => {
                    work.sim_changed = true;
                    if let Some(current) = &mut work.current {
                        current.machine.withdraw();
                    }
                }
            },
            Event::Registration(_)
            | Event::Message { .. }
            | Event::StatusReport { .. }
            | Event::MessageStored { .. }
            | Event::StatusReportStored { .. }
            | Event::Damaged
            | Event::LateRefusal(_)
            | Event::Ring
            | Event::Other => {}
        }
    }

    /// Every command gets its reply, and the message in hand its outcome.
    async fn port_lost<P>(&mut self, work: &mut Work, line: &mut Line<P>)
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        line.close();
        while let Some(said) = line.take() {
            self.said(work, line, said).await;
        }
        self.lose_call(work, line).await;
        while let Some(current) = &mut work.current {
            match current.machine.poll() {
                SmsStep::Done(outcome) => self.message_done(work, outcome, line.now()).await,
                SmsStep::Wait(_) => {
                    let reason = "the port was lost".to_owned();
                    let lost = super::sms::Outcome::Uncertain { references: vec![], reason, futile: false };
                    self.message_done(work, lost, line.now()).await;
                }
                SmsStep::Submit(_) => current.machine.replied(Err(AtError::Closed { submitted: false }), line.now()),
                SmsStep::AskPermission { .. } => current.machine.refuse(),
                SmsStep::Proceed(_) | SmsStep::Abandon => {
                    current.machine.replied(Err(AtError::Closed { submitted: false }), line.now());
                }
            }
        }
    }

    fn set_in_hand(&self, in_hand: Option<InHand>) {
        *self.in_hand.lock().unwrap_or_else(PoisonError::into_inner) = in_hand;
    }
}

impl Work {
    fn replied(&mut self, id: CommandId, result: Result<Reply, AtError>, now: Duration) {
        if let Ok(reply) = &result {
            // Whoever asked: any answer about the storages may say that they fill up.
            self.incoming.storage_told(&at::storage_used(reply), now);
        }
        let result = match &mut self.call {
            Some(call) => match call.calling.replied(id, result, now) {
                Some(others) => others,
                None => return,
            },
            None => result,
        };
        match self.owners.remove(&id) {
            Some(Owner::Message) => {
                if let Some(current) = &mut self.current {
                    current.machine.replied(result, now);
                }
            }
            Some(Owner::Network) => self.network.replied(result, now),
            Some(Owner::Incoming) => self.incoming.replied(result, now),
            Some(Owner::Ringing) => self.ringing.replied(&result),
            None => {}
        }
    }

    fn permitted(&mut self, granted: bool) {
        let Some(current) = &mut self.current else { return };
        current.permission = None;
        if granted {
            current.machine.permit();
        } else {
            current.machine.refuse();
        }
    }
}
