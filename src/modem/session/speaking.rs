//! A call within a session: what it asks of the driver and what the driver tells it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tracing::{Span, debug, warn};

use super::super::call::CallStand;
use super::super::calling::{self, Calling, CallingStep, News, Said, Studio, Voice};
use super::super::driver::{Driver, InHand, finish};
use super::super::line::Line;
use super::Work;
use crate::channel::register::{CallNow, CallProgress, Sent};
use crate::channel::{Message, Outcome, RefusalClass, Script, Sentence};
use crate::clock::millis;
use crate::verification::{AttemptId, EventKind};

/// A call in hand.
pub(super) struct CurrentCall {
    pub attempt: AttemptId,
    pub calling: Calling,
    pub permission: Option<oneshot::Receiver<bool>>,
    /// Of its lines in the log.
    pub span: Span,
    /// What log and register know of it.
    shown: Option<CallStand>,
}

/// What a call hears of besides the line.
pub(super) enum CallHeard {
    Permission(bool),
    News(News),
}

impl CurrentCall {
    /// Nothing is lost if the future is dropped.
    pub async fn hear(&mut self) -> CallHeard {
        match &mut self.permission {
            Some(permission) => CallHeard::Permission(permission.await.unwrap_or(false)),
            None => CallHeard::News(self.calling.news().await),
        }
    }

    pub fn told(&mut self, heard: CallHeard, now: Duration) {
        match heard {
            CallHeard::Permission(granted) => {
                self.permission = None;
                self.calling.permitted(granted, now);
            }
            CallHeard::News(news) => self.calling.hear(news, now),
        }
    }
}

impl Driver {
    pub(super) async fn take_call(&mut self, work: &mut Work, message: Message) {
        let attempt = message.attempt;
        let span = message.span(&self.config.name);
        let Some(script) = message.call.filter(|_| self.config.voice != Voice::None) else {
            let reason = "this modem makes no calls: set its voice".to_owned();
            let outcome = Outcome::Refused { class: RefusalClass::OtherRoute, reason };
            return finish(&self.surroundings, &self.config.name, attempt, outcome).await;
        };
        self.set_in_hand(Some(InHand { attempt, begun: false }));
        let studio = Studio {
            speech: std::sync::Arc::clone(&self.surroundings.speech),
            simulators: self.surroundings.simulators.clone(),
        };
        let said = match script {
            Script::Pin(script) => Said::Pin { script, readings: self.config.readings },
            Script::Text(Sentence { text, language, texts }) => {
                Said::Text { text: text.reveal().to_owned(), language, texts }
            }
        };
        let calling = Calling::new(message.number, &self.profile.calls, self.config.voice.clone(), said, studio);
        work.call = Some(CurrentCall { attempt, calling, permission: None, span, shown: None });
    }

    /// Lets the call do what it can. Gives the instant at which it wants to be asked again.
    pub(super) async fn speak<P>(&mut self, work: &mut Work, line: &mut Line<P>) -> Option<Duration>
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let call = work.call.as_mut()?;
        line.serve(call.span.clone());
        let step = call.calling.poll(line);
        line.serve(Span::none());
        self.show_progress(call);
        match step {
            CallingStep::AskPermission => {
                call.permission = self.ask_to_begin(call.attempt).await;
                None
            }
            CallingStep::Wait(due) => due,
            CallingStep::Done(end, fault) => {
                let (attempt, late, span) = (call.attempt, call.calling.latest_frame(), call.span.clone());
                work.call = None;
                if !end.line_is_free {
                    warn!(
                        name: "modem.call_stuck",
                        modem = self.config.name,
                        "the modem does not end a call; it is reset"
                    );
                    work.stuck = true;
                }
                if let Some(fault) = &fault {
                    span.in_scope(|| warn!(name: "call.unspoken", fault, "a call could not be spoken"));
                }
                let (rang, talked) = (end.rang, end.talked);
                self.surroundings.metrics.called(&self.config.name, end.outcome.as_str(), rang, talked);
                let took = rang + talked.unwrap_or_default();
                if !took.is_zero() {
                    self.surroundings.board.measure(&self.config.name, EventKind::Tts, took);
                }
                let (rang_ms, talked_ms, latest_frame_ms) = (millis(rang), talked.map(millis), millis(late));
                span.in_scope(|| debug!(name: "call.ended", rang_ms, talked_ms, latest_frame_ms, "the call is over"));
                let outcome = calling::outcome(&end, fault);
                self.show_sent(EventKind::Tts, &outcome, took);
                finish(&self.surroundings, &self.config.name, attempt, outcome).await;
                self.set_in_hand(None);
                None
            }
        }
    }

    /// Tells how far a call is, if that is news.
    fn show_progress(&self, call: &mut CurrentCall) {
        let stand = call.calling.stand();
        if call.shown == Some(stand) {
            return;
        }
        let before = call.shown.replace(stand).unwrap_or_default();
        call.span.in_scope(|| {
            if stand.rings && !before.rings {
                debug!(name: "call.ringing", "the phone rings");
            }
            if stand.answered && !before.answered {
                debug!(name: "call.answered", "the call was answered");
            }
        });
        let progress = match (stand.answered, stand.rings) {
            (true, _) => CallProgress::Answered,
            (false, true) => CallProgress::Ringing,
            (false, false) => CallProgress::Dialling,
        };
        let now = CallNow { attempt: call.attempt, progress };
        self.surroundings.board.register().on(&self.config.name, |sheet| sheet.call = Some(now));
    }

    /// Tells what became of a message, or of a call, which is over.
    pub(super) fn show_sent(&self, kind: EventKind, outcome: &Outcome, took: Duration) {
        let sent = Sent { at: self.surroundings.clock.now(), outcome: outcome.as_str(), took };
        self.surroundings.board.register().on(&self.config.name, |sheet| {
            if kind == EventKind::Tts {
                sheet.call = None;
            }
            if !matches!(outcome, Outcome::Returned) {
                sheet.sent(kind, sent);
            }
        });
    }

    /// The port is gone, and the call with it.
    pub(super) async fn lose_call<P>(&mut self, work: &mut Work, line: &mut Line<P>)
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        if let Some(call) = &mut work.call {
            call.calling.port_lost(line.now());
        }
        // What the call still asks for is taken back: its end is the last that it says.
        while work.call.is_some() {
            self.speak(work, line).await;
        }
    }
}
