//! The board on which every route writes how it is, and which the dispatcher and the admission read.
//!
//! Beside the routes stand the ledgers of their budgets. A copy shows what is left as of the last change; only
//! [`Board::routes_at`] looks at the clock's hands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};

use super::budget::{Alarm, Budget, DAY, Ledger, Limits, MONTH, SpendLimits, Spending};
use super::register::Register;
use super::routing::{RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind, Money};

/// How much of a measurement goes into the expected time.
const MEASURED_WEIGHT: f64 = 0.3;

/// Withdrawals that a route may lag behind: it looks at them at once, and only those of its own call matter.
const WITHDRAWN_MAX: usize = 1024;

/// All configured routes in their order. Cheap to clone.
#[derive(Clone, Default)]
pub struct Board {
    shared: Arc<Shared>,
}

struct Shared {
    entries: Mutex<Entries>,
    /// Why a route is not ready, by its name: for people, not for routing.
    reasons: Mutex<BTreeMap<String, String>>,
    /// The states of the providers' circuit breakers, by their names: for people too.
    breakers: Mutex<BTreeMap<String, &'static str>>,
    /// When a route that is not ready is tried again by itself, likewise.
    next_tries: Mutex<BTreeMap<String, Timestamp>>,
    register: Register,
    changed: Notify,
    /// Attempts that are of no more use.
    withdrawn: broadcast::Sender<AttemptId>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            reasons: Mutex::default(),
            breakers: Mutex::default(),
            next_tries: Mutex::default(),
            register: Register::default(),
            changed: Notify::default(),
            withdrawn: broadcast::Sender::new(WITHDRAWN_MAX),
        }
    }
}

#[derive(Default)]
struct Entries {
    routes: Vec<Entry>,
    /// The clock was set back since somebody asked.
    set_back: bool,
}

struct Entry {
    view: RouteView,
    /// The attempts that it holds.
    held: BTreeMap<AttemptId, EventKind>,
    /// Whether an SMS, and a call, was measured.
    measured: [bool; 2],
    sms: Ledger,
    calls: Ledger,
    spending: Spending,
}

/// What a route sent, as the database remembers it.
#[derive(Clone, Debug)]
pub struct Used {
    pub route: String,
    pub kind: EventKind,
    pub amount: u32,
    /// In units of 10⁻⁸ of the currency.
    pub cost: u64,
    pub when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A channel has this attempt in its hands.
    InHand(AttemptId),
    At(Timestamp),
}

impl Entry {
    fn new(view: RouteView) -> Self {
        let ledger = |kind| Ledger::new(view.budget.of(kind).limits());
        let (sms, calls) = (ledger(EventKind::Sms), ledger(EventKind::Tts));
        let spending = Spending::new(view.budget.spend.limits());
        let mut entry = Self { sms, calls, spending, held: BTreeMap::new(), measured: [false; 2], view };
        entry.show();
        entry
    }

    fn ledger(&mut self, kind: EventKind) -> &mut Ledger {
        match kind {
            EventKind::Sms => &mut self.sms,
            EventKind::Tts => &mut self.calls,
        }
    }

    /// Something began or ended.
    fn show_held(&mut self, now: Timestamp) {
        self.view.held = self.held.len();
        self.view.held_calls = self.held.values().filter(|kind| **kind == EventKind::Tts).count();
        self.view.busy_since = (self.view.held > 0).then_some(now);
    }

    fn show(&mut self) {
        self.view.budget.sms = self.sms.allowance();
        self.view.budget.calls = self.calls.allowance();
        let spend = self.spending.spend();
        self.view.budget.sms.paid = spend.in_messages(self.view.price(EventKind::Sms, 1));
        self.view.budget.calls.paid = spend.in_messages(self.view.price(EventKind::Tts, 1));
        self.view.budget.spend = spend;
    }

    /// Changes what the ledgers say of an attempt.
    fn attempt(&mut self, change: impl Fn(&mut Ledger) -> bool, pay: impl Fn(&mut Spending) -> bool) {
        if change(&mut self.sms) | change(&mut self.calls) | pay(&mut self.spending) {
            self.show();
        }
    }
}

impl Board {
    pub fn new(routes: Vec<RouteView>) -> Self {
        let board = Self::default();
        board.lock().routes = routes.into_iter().map(Entry::new).collect();
        board
    }

    /// What modems tell of themselves.
    pub fn register(&self) -> &Register {
        &self.shared.register
    }

    /// A copy of the present state.
    pub fn routes(&self) -> Vec<RouteView> {
        self.lock().routes.iter().map(|entry| entry.view.clone()).collect()
    }

    /// A copy of the present state, with what is left of each budget at this instant.
    pub fn routes_at(&self, now: Timestamp) -> Vec<RouteView> {
        let mut entries = self.lock();
        let mut set_back = false;
        for entry in &mut entries.routes {
            set_back |= entry.sms.bring_up_to(now) | entry.calls.bring_up_to(now) | entry.spending.bring_up_to(now);
            entry.show();
        }
        if set_back {
            entries.set_back = true;
            self.shared.changed.notify_one();
        }
        entries.routes.iter().map(|entry| entry.view.clone()).collect()
    }

    /// Tells the routes that an attempt is of no more use: whoever has it in hand as a call hangs up.
    pub fn withdraw(&self, attempt: AttemptId) {
        // Without a route there is nobody to tell.
        let _ = self.shared.withdrawn.send(attempt);
    }

    /// The attempts that are withdrawn from here on.
    pub fn withdrawals(&self) -> broadcast::Receiver<AttemptId> {
        self.shared.withdrawn.subscribe()
    }

    /// Whether the clock was set back since the last question, so that the database has uses that lie ahead.
    pub fn was_set_back(&self) -> bool {
        std::mem::take(&mut self.lock().set_back)
    }

    /// Lets a route change its own entry; says so to whoever waits for a change.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut RouteView)) {
        self.on(name, |entry| change(&mut entry.view));
        self.shared.changed.notify_one();
    }

    /// Says why a route is not ready; `None`: it is.
    pub fn explain(&self, name: &str, reason: Option<&str>) {
        let mut reasons = self.shared.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => reasons.insert(name.to_owned(), reason.to_owned()),
            None => reasons.remove(name),
        };
    }

    /// Why a route is not ready, as far as it is known.
    pub fn reason(&self, name: &str) -> Option<String> {
        self.shared.reasons.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Says when a route that is not ready is tried again by itself.
    pub fn set_next_try(&self, name: &str, next_try: Option<Timestamp>) {
        let mut next_tries = self.shared.next_tries.lock().unwrap_or_else(PoisonError::into_inner);
        match next_try {
            Some(at) => next_tries.insert(name.to_owned(), at),
            None => next_tries.remove(name),
        };
    }

    pub fn next_try(&self, name: &str) -> Option<Timestamp> {
        self.shared.next_tries.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// All of them, by the routes' names.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.shared.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says how a provider's circuit breaker stands.
    pub fn show_breaker(&self, name: &str, breaker: &'static str) {
        let mut breakers = self.shared.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        match breakers.get_mut(name) {
            Some(known) => *known = breaker,
            None => drop(breakers.insert(name.to_owned(), breaker)),
        }
    }

    /// All that was said so, by the providers' names.
    pub fn breakers(&self) -> BTreeMap<String, &'static str> {
        self.shared.breakers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a message that a route is given. Nobody needs to be told: there is less room, not more.
    pub fn take_room(&self, name: &str, attempt: AttemptId, kind: EventKind, now: Timestamp) {
        self.on(name, |entry| {
            entry.held.insert(attempt, kind);
            // One that is only added to others says nothing of how those get on.
            let busy_since = entry.view.busy_since;
            entry.show_held(now);
            entry.view.busy_since = busy_since.or(Some(now));
        });
    }

    /// Counts a message that a route has done with.
    pub fn give_room(&self, name: &str, attempt: AttemptId, now: Timestamp) {
        self.on(name, |entry| {
            entry.held.remove(&attempt);
            entry.show_held(now);
        });
        self.shared.changed.notify_one();
    }

    /// What a message took goes into the time by which routes are chosen; the first one replaces the guess.
    pub fn measure(&self, name: &str, kind: EventKind, took: Duration) {
        self.on(name, |entry| {
            let known = &mut entry.measured[usize::from(kind == EventKind::Tts)];
            let (weight, view) = (if *known { MEASURED_WEIGHT } else { 1.0 }, &mut entry.view);
            *known = true;
            let time = match kind {
                EventKind::Sms => &mut view.send_time,
                EventKind::Tts => &mut view.call_time,
            };
            let mean = time.as_secs_f64();
            *time = Duration::from_secs_f64(mean + weight * (took.as_secs_f64() - mean));
        });
        self.shared.changed.notify_one();
    }

    /// Whether a route is an HTTP provider.
    pub fn is_provider(&self, name: &str) -> bool {
        let mut provider = false;
        self.on(name, |entry| provider = entry.view.kind == RouteKind::Provider);
        provider
    }

    /// What a message costs on a route.
    pub fn price(&self, name: &str, kind: EventKind, amount: u32) -> Money {
        let mut price = Money::ZERO;
        self.on(name, |entry| price = entry.view.price(kind, amount));
        price
    }

    /// What a route may send of a kind; no limit where there is no such route.
    pub fn limits(&self, name: &str, kind: EventKind) -> Limits {
        let mut limits = Limits::default();
        self.on(name, |entry| limits = entry.view.budget.of(kind).limits());
        limits
    }

    /// What a route may spend.
    pub fn spend_limits(&self, name: &str) -> SpendLimits {
        let mut limits = SpendLimits::default();
        self.on(name, |entry| limits = entry.view.budget.spend.limits());
        limits
    }

    /// What is left to a route as of the last change.
    pub fn budget(&self, name: &str) -> Budget {
        let mut budget = Budget::default();
        self.on(name, |entry| budget = entry.view.budget);
        budget
    }

    /// The longest window for which any route has a limit.
    pub fn longest_window(&self) -> Duration {
        let entries = self.lock();
        let has_month = |Budget { sms, calls, spend }: &Budget| {
            sms.month.is_some() || calls.month.is_some() || spend.month.is_some()
        };
        if entries.routes.iter().any(|entry| has_month(&entry.view.budget)) { MONTH } else { DAY }
    }

    /// A route's budget holds an attempt that it is given. Gives what an operator is to know of it.
    pub fn take_budget(&self, name: &str, kind: EventKind, attempt: AttemptId, amount: u32) -> Vec<Alarm> {
        let mut alarms = vec![];
        self.on(name, |entry| {
            entry.ledger(kind).take(attempt, amount);
            alarms = entry.ledger(kind).alarms();
            let cost = u64::try_from(entry.view.price(kind, amount).units()).unwrap_or(0);
            entry.spending.take(attempt, cost);
            alarms.extend(entry.spending.alarms());
            entry.show();
        });
        alarms
    }

    /// An attempt was sent, or may have been: it counts.
    pub fn count_budget(&self, attempt: AttemptId, now: Timestamp) {
        self.lock().routes.iter_mut().for_each(|entry| {
            entry.attempt(|ledger| ledger.count(attempt, now), |spending| spending.count(attempt, now));
        });
    }

    /// Nothing of an attempt was sent: its share is free again.
    pub fn give_back_budget(&self, attempt: AttemptId) {
        self.lock().routes.iter_mut().for_each(|entry| {
            entry.attempt(|ledger| ledger.give_back(attempt), |spending| spending.give_back(attempt));
        });
        self.shared.changed.notify_one();
    }

    /// Begins all ledgers anew with what the database remembers, in the order of time.
    pub fn load_budgets(&self, uses: &[Used]) {
        let mut entries = self.lock();
        for entry in &mut entries.routes {
            for kind in [EventKind::Sms, EventKind::Tts] {
                *entry.ledger(kind) = Ledger::new(entry.view.budget.of(kind).limits());
            }
            entry.spending = Spending::new(entry.view.budget.spend.limits());
            for used in uses {
                if used.route != entry.view.name {
                    continue;
                }
                match used.when {
                    When::InHand(attempt) => {
                        entry.ledger(used.kind).take(attempt, used.amount);
                        entry.spending.take(attempt, used.cost);
                    }
                    When::At(at) => {
                        entry.ledger(used.kind).used(at, used.amount);
                        entry.spending.used(at, used.cost);
                    }
                }
            }
            entry.show();
        }
    }

    /// Returns after the next change; a change since the last call counts. One task may wait.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn on(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().routes.iter_mut().find(|entry| entry.view.name == name) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
