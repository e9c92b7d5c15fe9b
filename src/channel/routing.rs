//! Which route takes a message. Pure.
//!
//! Kinds of routes come in the configured order. Of a kind the route with the shortest expected wait is taken: what it
//! holds and what waits for it already, by measured times. A kind whose shortest wait is longer than
//! `overflow_after`, or than what is left of the PIN's life, leaves the message to the next one; if every kind does, the
//! shortest wait of all decides. Nothing is fixed by that: the next look decides again about what still waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::budget::{Budget, DAY, MINUTE};
use crate::clock::Timestamp;
use crate::phone::Country;
use crate::verification::{EventKind, Money};

/// What an SMS takes until it was measured.
pub const SEND_TIME_GUESS: Duration = Duration::from_secs(4);

/// What a call takes until it was measured: ringing, and the PIN three times.
pub const CALL_TIME_GUESS: Duration = Duration::from_secs(40);

/// What a provider's request takes until it was measured.
pub const REQUEST_TIME_GUESS: Duration = Duration::from_secs(1);

/// How routes are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which kind comes first; one left out is not used.
    pub order: Vec<RouteKind>,
    /// The expected wait from which on the next kind is tried.
    pub overflow_after: Duration,
}

impl Policy {
    fn rank(&self, kind: RouteKind) -> Option<usize> {
        self.order.iter().position(|ordered| *ordered == kind)
    }

    pub fn uses(&self, kind: RouteKind) -> bool {
        self.order.contains(&kind)
    }
}

/// A route as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    pub name: String,
    pub kind: RouteKind,
    pub sms: bool,
    pub tts: bool,
    /// Countries it serves; empty: all.
    pub countries: Vec<Country>,
    pub health: Health,
    /// Messages it holds.
    pub held: usize,
    /// Of these, calls.
    pub held_calls: usize,
    /// Messages it may hold.
    pub room: usize,
    /// Messages that it sends at the same time.
    pub concurrency: usize,
    /// What an SMS takes, measured.
    pub send_time: Duration,
    /// What a call takes, measured.
    pub call_time: Duration,
    /// When it last began or ended a message, while it holds one.
    pub busy_since: Option<Timestamp>,
    /// What it may send.
    pub budget: Budget,
    /// Of one part of an SMS.
    pub sms_price: Money,
    pub call_price: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    Modem,
    Provider,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Down { .. } => "down",
            Self::Failing { .. } => "failing",
        }
    }

    /// Since when it is not ready.
    pub fn since(self) -> Option<Timestamp> {
        match self {
            Self::Ready => None,
            Self::Down { since } | Self::Failing { since } => Some(since),
        }
    }
}

impl RouteKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Modem => "modem",
            Self::Provider => "provider",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Ready,
    Down {
        since: Timestamp,
    },
    /// A provider whose breaker is open.
    Failing {
        since: Timestamp,
    },
}

impl RouteView {
    /// A route that takes nothing, holds nothing and is ready, for who changes what differs.
    pub fn new(name: &str, kind: RouteKind) -> Self {
        let (send_time, call_time) = match kind {
            RouteKind::Modem => (SEND_TIME_GUESS, CALL_TIME_GUESS),
            RouteKind::Provider => (REQUEST_TIME_GUESS, REQUEST_TIME_GUESS),
        };
        Self {
            name: name.to_owned(),
            kind,
            sms: false,
            tts: false,
            countries: vec![],
            health: Health::Ready,
            held: 0,
            held_calls: 0,
            room: 1,
            concurrency: 1,
            send_time,
            call_time,
            busy_since: None,
            budget: Budget::default(),
            sms_price: Money::ZERO,
            call_price: Money::ZERO,
        }
    }

    pub fn takes(&self, kind: EventKind, country: Option<Country>) -> bool {
        self.carries(kind) && (self.countries.is_empty() || self.names(country))
    }

    /// Whether it has the channel of a kind.
    pub fn carries(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Sms => self.sms,
            EventKind::Tts => self.tts,
        }
    }

    fn names(&self, country: Option<Country>) -> bool {
        country.is_some_and(|country| self.countries.contains(&country))
    }

    /// Messages that it can take now.
    pub fn free_room(&self) -> usize {
        if self.is_ready() { self.room.saturating_sub(self.held) } else { 0 }
    }

    /// As it is once it was given a message.
    pub fn take(&mut self, kind: EventKind, amount: u32) {
        self.held += 1;
        self.held_calls += usize::from(kind == EventKind::Tts);
        self.budget.of_mut(kind).take(amount);
    }

    fn is_ready(&self) -> bool {
        self.health == Health::Ready
    }

    pub fn time_of(&self, kind: EventKind) -> Duration {
        match kind {
            EventKind::Sms => self.send_time,
            EventKind::Tts => self.call_time,
        }
    }

    /// What `amount` parts of an SMS, or calls, cost.
    pub fn price(&self, kind: EventKind, amount: u32) -> Money {
        let price = match kind {
            EventKind::Sms => self.sms_price,
            EventKind::Tts => self.call_price,
        };
        Money::from_units(price.units().saturating_mul(i64::from(amount)))
    }

    /// What it holds, by measured times.
    fn held_work(&self) -> Duration {
        let calls = self.held_calls.min(self.held);
        self.send_time * to_u32(self.held - calls) + self.call_time * to_u32(calls)
    }

    /// For how much longer than expected it has neither begun nor ended anything: what has been slow is expected to be
    /// slow for as long again.
    fn overrun(&self, now: Timestamp) -> Duration {
        let Some(since) = self.busy_since.filter(|_| self.held > 0) else { return Duration::ZERO };
        now.since(since).saturating_sub(self.time_in_hand())
    }

    fn time_in_hand(&self) -> Duration {
        if self.held_calls > 0 { self.call_time.max(self.send_time) } else { self.send_time }
    }
}

/// What a message asks of a route.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    pub kind: EventKind,
    pub country: Option<Country>,
    /// Routes that refused the event for good.
    pub excluded: &'a [String],
    /// The route of the last attempt: another one first, where one is ready.
    pub avoided: Option<&'a str>,
    /// Parts of an SMS, or one call.
    pub amount: u32,
    /// When its PIN is dead; `None`: not before it was handed over.
    pub pin_end: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The route of this index takes it.
    Take(usize),
    /// It waits for the route of this index, which has no room or no budget yet. When the choice may be another one,
    /// if only time is lacking.
    Queue { route: usize, until: Option<Timestamp> },
    /// A route would take it, but none is ready.
    Wait,
    /// No route will.
    Nothing,
}

/// The routes as one look at the outbox sees them: as they stand, and with what the look has given to them already.
#[derive(Clone, Debug)]
pub struct Prospects {
    policy: Policy,
    now: Timestamp,
    routes: Vec<Prospect>,
}

#[derive(Clone, Debug)]
struct Prospect {
    route: RouteView,
    rank: Option<usize>,
    /// Messages that wait for room on it, and what they take.
    queued: usize,
    queued_work: Duration,
    /// Parts or calls that wait for its budget.
    owed: u32,
    /// Its minute is kept for a message that had to wait for it: otherwise messages of a single part, which come after
    /// it, would always take what a longer one waits for.
    kept: bool,
}

/// What can be said of a route for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its kind is left out of `routing.order`.
    Unused,
    /// It has no such channel.
    OtherChannel,
    OtherCountry,
    /// It refused the event for good.
    Excluded,
    /// Its budget can never hold the message.
    TooLong,
    NotReady,
    /// Another route comes first, because the last attempt was this one's.
    Avoided,
    /// It can take it after this wait.
    After(Duration),
}

impl Prospect {
    fn new(route: RouteView, policy: &Policy) -> Self {
        let rank = policy.rank(route.kind);
        Self { route, rank, queued: 0, queued_work: Duration::ZERO, owed: 0, kept: false }
    }

    /// Why it will never take the message, if so.
    fn unfit(&self, need: &Need) -> Option<Standing> {
        let route = &self.route;
        let reasons = [
            (self.rank.is_none(), Standing::Unused),
            (!route.carries(need.kind), Standing::OtherChannel),
            (!route.takes(need.kind, need.country), Standing::OtherCountry),
            (need.excluded.contains(&route.name), Standing::Excluded),
            // A budget that can never hold it makes a route unfit as a wrong country does.
            (!route.budget.of(need.kind).can_hold(need.amount), Standing::TooLong),
        ];
        reasons.into_iter().find(|(applies, _)| *applies).map(|(_, standing)| standing)
    }

    fn has_budget(&self, need: &Need) -> bool {
        let allowance = self.route.budget.of(need.kind);
        let kept = self.kept && allowance.minute.is_some();
        !kept && allowance.has(need.amount)
    }

    /// Until its turn comes.
    fn wait(&self, need: &Need, now: Timestamp) -> Duration {
        let turn = self.wait_for_turn(now);
        if self.has_budget(need) { turn } else { turn.max(self.wait_for_budget(need, now)) }
    }

    fn wait_for_turn(&self, now: Timestamp) -> Duration {
        let ahead = self.route.held + self.queued;
        let concurrency = self.route.concurrency.max(1);
        if ahead < concurrency {
            return Duration::ZERO;
        }
        // Of those ahead, all but the last few have to end before one of its places is free.
        let mean = (self.route.held_work() + self.queued_work) / to_u32(ahead);
        mean * to_u32(ahead - concurrency + 1) / to_u32(concurrency) + self.route.overrun(now)
    }

    fn wait_for_budget(&self, need: &Need, now: Timestamp) -> Duration {
        let allowance = self.route.budget.of(need.kind);
        let pace = allowance.minute.map_or(Duration::ZERO, |minute| MINUTE / minute.limit.max(1));
        let frees = if allowance.has(need.amount) {
            allowance.minute.and_then(|minute| minute.frees)
        } else {
            allowance.frees(need.amount)
        };
        // An outcome must come first: it may use the budget up for long.
        frees.map_or(DAY, |frees| frees.since(now) + pace * self.owed)
    }
}

impl Prospects {
    pub fn new(routes: Vec<RouteView>, policy: &Policy, now: Timestamp) -> Self {
        let routes = routes.into_iter().map(|route| Prospect::new(route, policy)).collect();
        Self { policy: policy.clone(), now, routes }
    }

    pub fn route(&self, index: usize) -> &RouteView {
        &self.routes[index].route
    }

    /// Whether some route could be given a message of this need now, so that it is worth while to look at its place.
    pub fn may_go(&self, need: &Need) -> bool {
        self.routes.iter().any(|prospect| {
            prospect.unfit(need).is_none() && prospect.route.free_room() > 0 && prospect.has_budget(need)
        })
    }

    /// Whether some route takes it at all.
    pub fn is_routable(&self, need: &Need) -> bool {
        self.routes.iter().any(|prospect| prospect.unfit(need).is_none())
    }

    /// What stands for and against each route, in the order in which the routes were given.
    pub fn standings(&self, need: &Need) -> Vec<Standing> {
        let ready = |prospect: &Prospect| prospect.unfit(need).is_none() && prospect.route.is_ready();
        let avoided = |prospect: &Prospect| Some(prospect.route.name.as_str()) == need.avoided;
        // Rather the same route again than wait for a budget.
        let other =
            self.routes.iter().any(|prospect| ready(prospect) && !avoided(prospect) && prospect.has_budget(need));
        let standing = |prospect: &Prospect| match prospect.unfit(need) {
            Some(unfit) => unfit,
            None if !prospect.route.is_ready() => Standing::NotReady,
            None if other && avoided(prospect) => Standing::Avoided,
            None => Standing::After(prospect.wait(need, self.now)),
        };
        self.routes.iter().map(standing).collect()
    }

    /// Chooses for a message. Among routes that may take it equally soon one that names the number's country comes
    /// first, then the one that sent least in 24 hours, then the first.
    pub fn choose(&self, need: &Need) -> Choice {
        let mut unfit = true;
        let mut candidates: Vec<(usize, Duration)> = vec![];
        for (index, standing) in self.standings(need).into_iter().enumerate() {
            match standing {
                Standing::After(wait) => candidates.push((index, wait)),
                Standing::NotReady | Standing::Avoided => {}
                Standing::Unused
                | Standing::OtherChannel
                | Standing::OtherCountry
                | Standing::Excluded
                | Standing::TooLong => continue,
            }
            unfit = false;
        }
        if unfit {
            return Choice::Nothing;
        }
        let alive = |wait: Duration| need.pin_end.is_none_or(|end| self.now + wait < end);
        let preference = |&(index, wait): &(usize, Duration)| {
            let Prospect { route, rank, .. } = &self.routes[index];
            let soon = alive(wait) && wait <= self.policy.overflow_after;
            // Where it is soon enough the order of kinds decides, elsewhere the wait.
            let by_kind = if soon { *rank } else { None };
            (!soon, by_kind, wait, *rank, !route.names(need.country), route.budget.of(need.kind).used)
        };
        let Some(&(index, wait)) = candidates.iter().min_by_key(|candidate| preference(candidate)) else {
            return Choice::Wait;
        };
        let chosen = &self.routes[index];
        if chosen.has_budget(need) && chosen.route.free_room() > 0 {
            return Choice::Take(index);
        }
        Choice::Queue { route: index, until: self.reconsidered(need, index, wait, &candidates) }
    }

    /// When the choice to wait may be another one by time alone.
    fn reconsidered(
        &self,
        need: &Need,
        index: usize,
        wait: Duration,
        candidates: &[(usize, Duration)],
    ) -> Option<Timestamp> {
        let short = candidates.iter().map(|(index, _)| &self.routes[*index]).filter(|other| !other.has_budget(need));
        let frees = short.filter_map(|other| other.route.budget.of(need.kind).frees(need.amount)).min();
        // A route that stands still is left to another kind once its wait has grown too long.
        let chosen = &self.routes[index];
        let alternative = candidates.iter().any(|(other, _)| self.routes[*other].rank != chosen.rank);
        let still =
            chosen.route.busy_since.filter(|_| alternative && wait <= self.policy.overflow_after).map(|since| {
                let expected = since + chosen.route.time_in_hand();
                expected.max(self.now) + (self.policy.overflow_after - wait) + Duration::from_millis(1)
            });
        frees.into_iter().chain(still).min()
    }

    /// Notes what was chosen, so that the messages after this one find it so.
    pub fn note(&mut self, need: &Need, choice: &Choice) {
        match choice {
            Choice::Take(index) => self.routes[*index].route.take(need.kind, need.amount),
            Choice::Queue { route, .. } => {
                self.keep(need);
                let prospect = &mut self.routes[*route];
                if prospect.has_budget(need) {
                    prospect.queued += 1;
                    prospect.queued_work += prospect.route.time_of(need.kind);
                    prospect.route.budget.of_mut(need.kind).take(need.amount);
                } else {
                    prospect.owed = prospect.owed.saturating_add(need.amount);
                }
            }
            Choice::Wait => self.keep(need),
            Choice::Nothing => {}
        }
    }

    /// Keeps for a message the minute of the ready routes that have too little left for it alone.
    fn keep(&mut self, need: &Need) {
        for prospect in &mut self.routes {
            let lacks = prospect.route.budget.of(need.kind).lacks_minute_alone(need.amount);
            prospect.kept |= lacks && prospect.route.is_ready() && prospect.unfit(need).is_none();
        }
    }

    /// Whether the shortest wait of the routes that take it is longer than any that decides something: what comes behind
    /// it changes nothing for others.
    pub fn is_past_overflow(&self, need: &Need) -> bool {
        let soon =
            |standing: &Standing| matches!(standing, Standing::After(wait) if *wait <= self.policy.overflow_after);
        !self.standings(need).iter().any(soon)
    }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
