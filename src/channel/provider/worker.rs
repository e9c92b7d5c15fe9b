//! The task that sends through one provider: takes its messages, sends a few at a time, and keeps its entry on the board.
//!
//! It never decides whether a message may be sent (it asks), and never drops one without an outcome. While the breaker is
//! open, or the provider has asked for a pause, the provider stands as failing or down on the board, and what was handed
//! to it goes back untouched, so that another route can take it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info, warn};

use super::breaker::{Breaker, Try};
use super::verdict::{Bearing, Verdict};
use super::{Provider, ProviderConfig};
use crate::channel::routing::Health;
use crate::channel::{Board, Message, Notice, Outcome};
use crate::clock::{Clock, Timestamp, millis};
use crate::metrics::Metrics;
use crate::verification::{AttemptId, EventKind};

/// Messages that wait beside those in flight, so that the next begins when one ends.
const READY: usize = 2;

/// After a panic of the worker.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Messages that a provider of this concurrency holds.
pub fn held(concurrency: usize) -> usize {
    concurrency + READY
}

/// What a worker works with.
#[derive(Clone)]
pub struct Surroundings {
    pub board: Board,
    pub notices: mpsc::Sender<Notice>,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Ends the worker once the requests in flight have their outcomes.
    pub stop: CancellationToken,
}

/// What comes to a worker from outside.
struct Mail {
    messages: mpsc::Receiver<Message>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
}

/// The attempts in hand, and whether each one's bytes may have left: for the case of a panic.
type InHand = Arc<Mutex<BTreeMap<AttemptId, bool>>>;

/// Runs a provider until `stop`. A panic is logged and the worker starts again; what it was sending is uncertain.
pub async fn run(
    config: ProviderConfig,
    provider: Provider,
    surroundings: Surroundings,
    messages: mpsc::Receiver<Message>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let provider = Arc::new(provider);
    let mail = Arc::new(tokio::sync::Mutex::new(Mail { messages, pings }));
    let in_hand = InHand::default();
    surroundings.metrics.know_route(&config.name);
    loop {
        let worker = Worker {
            name: config.name.clone(),
            concurrency: config.concurrency,
            provider: Arc::clone(&provider),
            surroundings: surroundings.clone(),
            in_hand: Arc::clone(&in_hand),
            zero: surroundings.clock.now(),
            last: surroundings.clock.now(),
            breaker: Breaker::CLOSED,
            paused_until: None,
            probe_kind: EventKind::Sms,
            requests: JoinSet::new(),
            probe: JoinSet::new(),
        };
        let mail = Arc::clone(&mail);
        let task = tokio::spawn(async move { worker.run(&mut *mail.lock().await).await });
        let Err(panic) = task.await else { return };
        error!(
            name: "provider.panicked",
            provider = config.name, %panic,
            "the provider's worker failed; it starts again"
        );
        surroundings.metrics.task_restarted(&config.name);
        let left = std::mem::take(&mut *lock(&in_hand));
        for (attempt, begun) in left {
            finish(&surroundings, &config.name, attempt, lost(begun)).await;
        }
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

/// The outcome of an attempt whose task failed.
fn lost(begun: bool) -> Outcome {
    if begun {
        Outcome::Uncertain { references: vec![], reason: "the provider's worker failed".to_owned() }
    } else {
        Outcome::Returned
    }
}

fn lock(in_hand: &InHand) -> std::sync::MutexGuard<'_, BTreeMap<AttemptId, bool>> {
    in_hand.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn finish(surroundings: &Surroundings, name: &str, attempt: AttemptId, outcome: Outcome) {
    let notice = Notice::Finished { attempt, route: name.to_owned(), outcome };
    // Without a reader the process is ending, and the row tells the next start what it needs.
    let _ = surroundings.notices.send(notice).await;
}

struct Worker {
    name: String,
    concurrency: usize,
    provider: Arc<Provider>,
    surroundings: Surroundings,
    in_hand: InHand,
    /// The zero of the breaker's time, and the latest instant that was seen.
    zero: Timestamp,
    last: Timestamp,
    breaker: Breaker,
    /// The provider does not want to be asked before.
    paused_until: Option<Duration>,
    /// Of the last failure: SMS and calls may go to different hosts.
    probe_kind: EventKind,
    requests: JoinSet<Sent>,
    probe: JoinSet<Result<(), String>>,
}

/// A request has ended.
struct Sent {
    attempt: AttemptId,
    kind: EventKind,
    /// `None`: it may not be sent, or not any more.
    verdict: Option<Verdict>,
    /// What the exchange took.
    took: Duration,
}

impl Worker {
    async fn run(mut self, mail: &mut Mail) {
        self.show();
        let stop = self.surroundings.stop.clone();
        // Whose requests have which task, for the case that one panics.
        let mut attempts: BTreeMap<Id, AttemptId> = BTreeMap::new();
        loop {
            let free = self.breaker.admits() && self.paused_until.is_none();
            let most = if self.breaker.is_half_open() { 1 } else { self.concurrency };
            // What may not be sent goes back at once; what may waits for its turn.
            let take = !free || self.requests.len() < most;
            let due = self.next_look();
            let clock = self.surroundings.clock.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ping) = mail.pings.recv() => {
                    // The watchdog may have given up meanwhile.
                    let _ = ping.send(());
                }
                Some(ended) = self.requests.join_next_with_id() => {
                    self.ended(ended, &mut attempts).await;
                }
                Some(connected) = self.probe.join_next() => self.probed(connected),
                () = clock.sleep_until(due.unwrap_or_default()), if due.is_some() => self.look(),
                Some(message) = mail.messages.recv(), if take => {
                    if free {
                        let attempt = message.attempt;
                        let task = self.spawn(message);
                        attempts.insert(task, attempt);
                    } else {
                        finish(&self.surroundings, &self.name, message.attempt, Outcome::Returned).await;
                    }
                }
            }
        }
        self.drain(mail, &mut attempts).await;
    }

    /// A clock that was set back makes no pause longer.
    fn now(&mut self) -> Duration {
        let now = self.surroundings.clock.now();
        if now < self.last {
            self.zero = self.zero - self.last.since(now);
        }
        self.last = now;
        now.since(self.zero)
    }

    fn spawn(&mut self, message: Message) -> Id {
        lock(&self.in_hand).insert(message.attempt, false);
        let span = message.span(&self.name);
        let sending = send(message, Arc::clone(&self.provider), self.surroundings.clone(), Arc::clone(&self.in_hand));
        self.requests.spawn(sending.instrument(span)).id()
    }

    async fn ended(&mut self, ended: Result<(Id, Sent), JoinError>, attempts: &mut BTreeMap<Id, AttemptId>) {
        let (attempt, outcome) = match ended {
            Ok((task, sent)) => {
                attempts.remove(&task);
                let outcome = sent.verdict.as_ref().map_or(Outcome::Returned, |verdict| verdict.outcome.clone());
                if let Some(verdict) = &sent.verdict {
                    self.learn(verdict, sent.kind);
                    if matches!(verdict.outcome, Outcome::Taken { .. }) {
                        self.surroundings.board.measure(&self.name, sent.kind, sent.took);
                    }
                }
                (sent.attempt, outcome)
            }
            Err(panic) => {
                let Some(attempt) = attempts.remove(&panic.id()) else { return };
                error!(
                    name: "provider.sending_panicked",
                    provider = self.name, attempt = attempt.get(), %panic,
                    "the sending of a message failed"
                );
                let begun = lock(&self.in_hand).get(&attempt).copied().unwrap_or(true);
                (attempt, lost(begun))
            }
        };
        lock(&self.in_hand).remove(&attempt);
        finish(&self.surroundings, &self.name, attempt, outcome).await;
    }

    /// What an exchange says of the provider.
    fn learn(&mut self, verdict: &Verdict, kind: EventKind) {
        let reason = match &verdict.outcome {
            Outcome::Refused { reason, .. } | Outcome::Uncertain { reason, .. } => reason.as_str(),
            Outcome::Accepted { .. }
            | Outcome::Taken { .. }
            | Outcome::Spoken { .. }
            | Outcome::Unanswered { .. }
            | Outcome::Returned => "",
        };
        let before = self.breaker;
        let now = self.now();
        self.breaker = before.after(verdict.bearing, now);
        if let Bearing::Fails(_) = verdict.bearing {
            self.probe_kind = kind;
        }
        match (before, self.breaker) {
            (Breaker::Closed { .. }, Breaker::Open { .. }) => {
                warn!(
                    name: "provider.failing",
                    provider = self.name, reason,
                    "the provider fails; other routes are taken until it is back"
                );
                self.surroundings.board.explain(&self.name, Some(reason));
            }
            (Breaker::HalfOpen { .. }, Breaker::Open { .. }) => {
                debug!(name: "provider.still_failing", provider = self.name, reason, "the provider still fails");
                self.surroundings.board.explain(&self.name, Some(reason));
            }
            (Breaker::Open { .. } | Breaker::Probing { .. } | Breaker::HalfOpen { .. }, Breaker::Closed { .. }) => {
                info!(name: "provider.back", provider = self.name, "the provider works again");
            }
            _ => {}
        }
        if let Some(pause) = verdict.pause {
            let until = self.now() + pause;
            // The requests that were in flight with it say the same.
            if self.paused_until.is_none() {
                warn!(
                    name: "provider.pause",
                    provider = self.name, seconds = pause.as_secs(), reason,
                    "the provider wants a pause"
                );
            }
            self.paused_until = Some(self.paused_until.map_or(until, |earlier| earlier.max(until)));
            let pauses = format!("it asked for a pause of {} s: {reason}", pause.as_secs());
            self.surroundings.board.explain(&self.name, Some(&pauses));
        }
        if before != self.breaker || verdict.pause.is_some() {
            self.show();
        }
    }

    /// When a pause may be over.
    fn next_look(&self) -> Option<Timestamp> {
        self.paused_until.into_iter().chain(self.breaker.due()).min().map(|due| self.zero + due)
    }

    /// A pause may be over.
    fn look(&mut self) {
        let now = self.now();
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
        }
        match self.breaker.try_again(now) {
            Some(Try::Connection) => {
                let (provider, kind) = (Arc::clone(&self.provider), self.probe_kind);
                self.probe.spawn(async move { provider.connect(kind).await });
            }
            Some(Try::Message) => {
                debug!(name: "provider.trial", provider = self.name, "one message shows whether the provider is back");
            }
            None => {}
        }
        self.show();
    }

    fn probed(&mut self, connected: Result<Result<(), String>, JoinError>) {
        let connected = connected.unwrap_or_else(|panic| Err(panic.to_string()));
        if let Err(reason) = &connected {
            debug!(name: "provider.unreachable", provider = self.name, reason, "the provider cannot be reached yet");
            self.surroundings.board.explain(&self.name, Some(reason));
        }
        let now = self.now();
        self.breaker.probed(connected.is_ok(), now);
        self.show();
    }

    /// Writes on the board how the provider is.
    fn show(&self) {
        let now = self.surroundings.clock.now();
        let open = !self.breaker.admits();
        let room = if self.breaker.is_half_open() { 1 } else { held(self.concurrency) };
        let paused = self.paused_until.is_some();
        self.surroundings.board.show_breaker(&self.name, self.breaker.as_str());
        self.surroundings.board.update(&self.name, |route| {
            route.room = room;
            route.health = match route.health {
                Health::Failing { since } if open => Health::Failing { since },
                _ if open => Health::Failing { since: now },
                Health::Down { since } if paused => Health::Down { since },
                _ if paused => Health::Down { since: now },
                _ => Health::Ready,
            };
        });
        if !open && !paused {
            self.surroundings.board.explain(&self.name, None);
        }
        self.surroundings.board.set_next_try(&self.name, self.next_look());
    }

    /// Nothing more is begun; what is in flight ends.
    async fn drain(&mut self, mail: &mut Mail, attempts: &mut BTreeMap<Id, AttemptId>) {
        mail.messages.close();
        while let Ok(message) = mail.messages.try_recv() {
            finish(&self.surroundings, &self.name, message.attempt, Outcome::Returned).await;
        }
        loop {
            tokio::select! {
                ended = self.requests.join_next_with_id() => match ended {
                    Some(ended) => self.ended(ended, attempts).await,
                    None => return,
                },
                Some(ping) = mail.pings.recv() => {
                    let _ = ping.send(());
                }
            }
        }
    }
}

/// Asks for the permission to send a message, and sends it.
async fn send(message: Message, provider: Arc<Provider>, surroundings: Surroundings, in_hand: InHand) -> Sent {
    let (attempt, kind) = (message.attempt, message.kind);
    let unsent = Sent { attempt, kind, verdict: None, took: Duration::ZERO };
    let dead = |now| message.pin_end.is_some_and(|end| now >= end);
    if dead(surroundings.clock.now()) || surroundings.stop.is_cancelled() {
        return unsent;
    }
    lock(&in_hand).insert(attempt, true);
    let (go, granted) = oneshot::channel();
    // A lost question reads as a refusal.
    let _ = surroundings.notices.send(Notice::Begin { attempt, go }).await;
    if !granted.await.unwrap_or(false) {
        return unsent;
    }
    let now = surroundings.clock.now();
    let began = Instant::now();
    let verdict = provider.send(&message, now).await;
    debug!(
        name: "provider.answered",
        duration_ms = millis(began.elapsed()), bearing = ?verdict.bearing,
        "the provider was asked"
    );
    Sent { attempt, kind, verdict: Some(verdict), took: began.elapsed() }
}
