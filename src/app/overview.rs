//! How the installation is, at a glance: for the admin's page, and for those who watch from outside.

use std::path::Path;
use std::time::Duration;

use super::attention::{Attention, Signs, attention};
use super::guard::operator::breakers;
use super::look::waiting;
use super::types::Internal;
use super::{App, Rules};
use crate::channel::Reception;
use crate::channel::admission::{self, Waiting};
use crate::channel::budget::Budget;
use crate::channel::register::Recovered;
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::store::{self, Conversion, Started, StoreError, Tx};

/// The outcomes of this time are counted.
const RECENT: Duration = Duration::from_secs(3600);

/// What began is counted by steps of this length, the last of which lasts still.
const STEP: Duration = Duration::from_secs(300);
const STEPS: usize = 48;

/// What ended is counted over these times.
const RATED: [Duration; 3] = [RECENT, Duration::from_secs(24 * 3600), Duration::from_secs(7 * 24 * 3600)];

#[derive(Clone, Debug)]
pub struct Overview {
    pub at: Timestamp,
    pub attention: Vec<Attention>,
    pub routes: Vec<Route>,
    pub queue: Queue,
    /// Until all of the queue is sent; `None`: a part of it waits for a route.
    pub wait: Option<Duration>,
    pub outcomes: Outcomes,
    pub traffic: Traffic,
    pub rates: [Rate; 3],
}

/// Verifications by when they began.
#[derive(Clone, Debug)]
pub struct Traffic {
    pub begin: Timestamp,
    pub step: Duration,
    /// How those of each step ended.
    pub steps: Vec<Outcomes>,
}

/// How many of those that were sent something were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// They ended within this time.
    pub over: Duration,
    pub sent: u64,
    pub verified: u64,
}

impl Rate {
    /// Percent; `None`: nothing was sent.
    pub fn percent(&self) -> Option<u64> {
        (self.verified * 100 + self.sent / 2).checked_div(self.sent)
    }
}

/// Attempts that are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Due by now, or in a channel's hands.
    pub length: u64,
    /// When the oldest came due that no channel has.
    pub oldest_due: Option<Timestamp>,
}

impl From<store::Queue> for Queue {
    fn from(store::Queue { length, oldest_due }: store::Queue) -> Self {
        Self { length, oldest_due }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Route {
    pub name: String,
    pub is_provider: bool,
    pub sms: bool,
    pub calls: bool,
    /// Since when it is not; `None`: it is ready.
    pub down_since: Option<Timestamp>,
    pub reason: Option<String>,
    /// Messages in its hands.
    pub held: usize,
    pub budget: Budget,
    /// Of a modem at work.
    pub reception: Option<Reception>,
    /// The last time that a modem answered again.
    pub recovered: Option<Recovered>,
}

/// Verifications of the last hour by how they ended, and those in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    pub in_progress: u64,
    pub success: u64,
    pub failed: u64,
    pub expired: u64,
    pub cancelled: u64,
}

impl Outcomes {
    fn count(&mut self, state: &str, count: u64) {
        *match state {
            "success" => &mut self.success,
            "failed" => &mut self.failed,
            "expired" => &mut self.expired,
            "cancelled" => &mut self.cancelled,
            _ => &mut self.in_progress,
        } += count;
    }

    pub fn sum(&self) -> u64 {
        self.in_progress + self.success + self.failed + self.expired + self.cancelled
    }
}

/// Verifications of the last hour, and those in progress.
pub(super) fn outcomes(tx: &Tx, now: Timestamp) -> Result<Outcomes, StoreError> {
    let mut outcomes = Outcomes { in_progress: tx.verifications_in_progress()?, ..Outcomes::default() };
    tx.verifications_ended(now - RECENT)?.iter().for_each(|ended| outcomes.count(&ended.state, ended.count));
    Ok(outcomes)
}

/// What is read for an overview at one instant.
struct Counts {
    queue: store::Queue,
    waiting: Vec<Waiting>,
    outcomes: Outcomes,
    started: Vec<Started>,
    rates: [Rate; 3],
    free_space: Option<u64>,
    webhooks: store::WebhookTotals,
}

impl Counts {
    fn read(tx: &Tx, rules: &Rules, path: &Path, begin: Timestamp, now: Timestamp) -> Result<Self, StoreError> {
        let mut rates = RATED.map(|over| Rate { over, sent: 0, verified: 0 });
        for rate in &mut rates {
            let Conversion { sent, verified } = tx.conversion(now - rate.over)?;
            (rate.sent, rate.verified) = (sent, verified);
        }
        Ok(Self {
            queue: tx.queue(now)?,
            waiting: waiting(tx, rules, now)?,
            outcomes: outcomes(tx, now)?,
            started: tx.verifications_started(begin, STEP)?,
            rates,
            free_space: store::free_space(path).ok(),
            webhooks: tx.webhook_totals()?,
        })
    }
}

/// The beginning of the first step.
fn begin_of_traffic(now: Timestamp) -> Timestamp {
    let step = i64::try_from(STEP.as_millis()).unwrap_or(i64::MAX);
    let last = Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(step));
    last - STEP * u32::try_from(STEPS - 1).unwrap_or(u32::MAX)
}

impl App {
    /// `takes_writes`: whether the database does, as far as is known.
    pub async fn overview(&self, takes_writes: bool) -> Result<Overview, Internal> {
        let now = self.clock.now();
        let (begin, rules, path) = (begin_of_traffic(now), self.rules(), self.store.path().to_owned());
        let breaker = rules.protection.breaker.clone();
        let (policy, read) = (rules.routing.clone(), move |tx: &Tx| Counts::read(tx, &rules, &path, begin, now));
        let counts = self.store.read(read).await?;
        let breakers = breakers(&self.store, &self.keys().secrets, &breaker, false, now).await?;
        let views = self.board.routes_at(now);
        let wait = admission::drain_time(&views, &policy, &counts.waiting);
        let routes: Vec<Route> = views.into_iter().map(|view| self.route(view)).collect();
        let mut steps = vec![Outcomes::default(); STEPS];
        for Started { step, state, count } in &counts.started {
            // A clock that was set back leaves some that begin later than now.
            steps[(*step).min(STEPS - 1)].count(state, *count);
        }
        let open = breakers.into_iter().filter(|breaker| breaker.state == "open").map(|breaker| breaker.prefix);
        let queue = counts.queue.into();
        let signs = Signs {
            now,
            takes_writes,
            free_space: counts.free_space,
            routes: &routes,
            queue,
            breakers: open.collect(),
            webhooks_off: counts.webhooks.turned_off,
            webhooks_dead: counts.webhooks.dead,
        };
        let traffic = Traffic { begin, step: STEP, steps };
        Ok(Overview {
            at: now,
            attention: attention(signs),
            routes,
            queue,
            wait,
            outcomes: counts.outcomes,
            traffic,
            rates: counts.rates,
        })
    }

    /// Every route with its health.
    pub fn routes(&self) -> Vec<Route> {
        self.board.routes().into_iter().map(|route| self.route(route)).collect()
    }

    /// Attempts that are to be sent.
    pub async fn queue(&self) -> Result<Queue, Internal> {
        let now = self.clock.now();
        Ok(self.store.read(move |tx| tx.queue(now)).await?.into())
    }

    /// Whether the database takes a write.
    pub async fn prove_writable(&self) -> Result<(), Internal> {
        let now = self.clock.now();
        Ok(self.store.write(move |tx| tx.prove_writable(now)).await?)
    }

    pub(super) fn route(&self, view: RouteView) -> Route {
        let down_since = match view.health {
            Health::Ready => None,
            Health::Down { since } | Health::Failing { since } => Some(since),
        };
        let reason = down_since.and_then(|_| self.board.reason(&view.name));
        let register = self.board.register();
        let told = register.of(&view.name, |sheet| (sheet.reception.clone(), sheet.recovered.clone()));
        let (reception, recovered) = told.unwrap_or_default();
        Route {
            is_provider: view.kind == RouteKind::Provider,
            sms: view.sms,
            calls: view.tts,
            down_since,
            reason,
            held: view.held,
            budget: view.budget,
            reception,
            recovered,
            name: view.name,
        }
    }
}
