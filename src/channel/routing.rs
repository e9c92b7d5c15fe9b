//! Which route takes a message, and whether a request may be accepted at all. Pure.

use std::time::Duration;

use super::budget::{Budget, MINUTE};
use crate::clock::Timestamp;
use crate::phone::Country;
use crate::verification::EventKind;

/// What an SMS takes until it was measured.
pub const SEND_TIME_GUESS: Duration = Duration::from_secs(4);

/// A route as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Messages it may hold.
    pub room: usize,
    /// What a message takes, measured.
    pub send_time: Duration,
    /// What it may send.
    pub budget: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    Modem,
    Provider,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    fn takes(&self, kind: EventKind, country: Option<Country>) -> bool {
        let channel = match kind {
            EventKind::Sms => self.sms,
            EventKind::Tts => self.tts,
        };
        channel && (self.countries.is_empty() || self.names(country))
    }

    fn names(&self, country: Option<Country>) -> bool {
        country.is_some_and(|country| self.countries.contains(&country))
    }

    fn has_room(&self) -> bool {
        self.free_room() > 0
    }

    /// Messages that it can take now.
    pub fn free_room(&self) -> usize {
        if self.is_ready() { self.room.saturating_sub(self.held) } else { 0 }
    }

    /// As it is once it was given a message.
    pub fn take(&mut self, kind: EventKind, amount: u32) {
        self.held += 1;
        self.budget.of_mut(kind).take(amount);
    }

    fn is_ready(&self) -> bool {
        self.health == Health::Ready
    }

    fn expected_wait(&self) -> Duration {
        self.send_time.saturating_mul(u32::try_from(self.held).unwrap_or(u32::MAX))
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
    /// Routes whose minute is kept for a message that comes before this one.
    pub kept: &'a [String],
}

impl Need<'_> {
    fn has_budget(&self, route: &RouteView) -> bool {
        let allowance = route.budget.of(self.kind);
        let kept = allowance.minute.is_some() && self.kept.contains(&route.name);
        !kept && allowance.has(self.amount)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The index of the route in the list.
    Take(usize),
    /// A route would take it, but not now. When a budget has more again, if that is what is lacking.
    Wait { until: Option<Timestamp> },
    /// No route will.
    Nothing,
}

/// Chooses among the routes that are ready and have budget and room the one with the shortest expected wait; of equals
/// one that names the number's country, then the one that sent least in 24 hours, then the first.
pub fn choose(routes: &[RouteView], need: Need) -> Choice {
    let mut candidates = takers(routes, &need);
    if candidates.is_empty() {
        return Choice::Nothing;
    }
    candidates.retain(|(_, route)| route.is_ready());
    let short = candidates.iter().filter(|(_, route)| !need.has_budget(route));
    let until = short.filter_map(|(_, route)| route.budget.of(need.kind).frees(need.amount)).min();
    candidates.retain(|(_, route)| need.has_budget(route));
    if candidates.iter().any(|(_, route)| Some(route.name.as_str()) != need.avoided) {
        candidates.retain(|(_, route)| Some(route.name.as_str()) != need.avoided);
    }
    candidates.retain(|(_, route)| route.has_room());
    candidates
        .into_iter()
        .min_by_key(|(_, route)| (route.expected_wait(), !route.names(need.country), route.budget.of(need.kind).used))
        .map_or(Choice::Wait { until }, |(index, _)| Choice::Take(index))
}

/// The ready routes that a message waits for because their minute has too little left for it. Messages that come after
/// it leave them to it: otherwise one of a single part would always take what a longer one waits for.
pub fn short_of_a_minute(routes: &[RouteView], need: Need) -> Vec<String> {
    let short = |route: &RouteView| route.is_ready() && route.budget.of(need.kind).lacks_minute_alone(need.amount);
    takers(routes, &need).into_iter().filter(|(_, route)| short(route)).map(|(_, route)| route.name.clone()).collect()
}

/// A budget that can never hold the message makes its route unfit as a wrong country does.
fn takers<'a>(routes: &'a [RouteView], need: &Need) -> Vec<(usize, &'a RouteView)> {
    let takes = |route: &RouteView| {
        route.takes(need.kind, need.country)
            && route.budget.of(need.kind).can_hold(need.amount)
            && !need.excluded.contains(&route.name)
    };
    routes.iter().enumerate().filter(|(_, route)| takes(route)).collect()
}

/// Why a request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No configured route takes the number and any channel of the workflow.
    NotConfigured,
    /// Every such route has been down for longer than the send time-out.
    Down,
    /// Every such route has spent its budget of the day, for longer than the send time-out.
    BudgetSpent,
    /// The queue is longer than the send time-out.
    QueueTooLong,
    /// Only providers take it, and each one's breaker is open.
    ProvidersFailing,
}

/// Whether a request that is accepted now has a chance: some route that takes it may return in time and has a budget,
/// and the queue of `waiting` messages is not longer than the send time-out.
pub fn admit(
    routes: &[RouteView],
    kinds: &[EventKind],
    country: Option<Country>,
    waiting: u32,
    send_timeout: Duration,
    now: Timestamp,
) -> Result<(), NoRoute> {
    let mut takers: Vec<_> = routes
        .iter()
        .flat_map(|route| kinds.iter().map(move |&kind| (route, kind)))
        .filter(|(route, kind)| route.takes(*kind, country))
        .collect();
    if takers.is_empty() {
        return Err(NoRoute::NotConfigured);
    }
    if takers.iter().all(|(route, _)| matches!(route.health, Health::Failing { .. })) {
        return Err(NoRoute::ProvidersFailing);
    }
    let long_down = |route: &RouteView| match route.health {
        Health::Ready => false,
        Health::Down { since } | Health::Failing { since } => now.since(since) > send_timeout,
    };
    takers.retain(|(route, _)| !long_down(route));
    if takers.is_empty() {
        return Err(NoRoute::Down);
    }
    let end = now + send_timeout;
    takers.retain(|(route, kind)| !route.budget.of(*kind).is_spent_until(end));
    if takers.is_empty() {
        return Err(NoRoute::BudgetSpent);
    }
    // A route that takes several kinds sends one message at a time all the same.
    takers.dedup_by_key(|(route, _)| &route.name);
    let sent = takers.iter().map(|(route, kind)| sent_by(route, *kind, end, send_timeout));
    let (total, days_bind) = sent.fold((0.0, true), |(total, days), (sent, day)| (total + sent, days && day));
    // Where a route has time left over, the one that is asked for goes out as the last; otherwise it is one of the total.
    let ahead = if days_bind { total - 1.0 } else { total };
    if f64::from(waiting) > ahead { Err(NoRoute::QueueTooLong) } else { Ok(()) }
}

/// How many messages a route can send before `end`, and whether it is the budget of a day that allows no more.
fn sent_by(route: &RouteView, kind: EventKind, end: Timestamp, send_timeout: Duration) -> (f64, bool) {
    let allowance = route.budget.of(kind);
    let pace = allowance.minute.map_or(Duration::ZERO, |minute| MINUTE / minute.limit.max(1));
    let by_time = send_timeout.as_secs_f64() / route.send_time.max(pace).as_secs_f64().max(0.001);
    match allowance.day {
        // What it holds has its share already.
        Some(day) if day.frees.is_none_or(|frees| frees >= end) => {
            let held = u32::try_from(route.held).unwrap_or(u32::MAX);
            let by_day = f64::from(day.left.saturating_add(held));
            if by_day <= by_time { (by_day, true) } else { (by_time, false) }
        }
        Some(_) | None => (by_time, false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Allowance, Share};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const WAIT: Choice = Choice::Wait { until: None };
    const TIMEOUT: Duration = Duration::from_secs(240);

    fn route(name: &str) -> RouteView {
        RouteView {
            name: name.to_owned(),
            kind: RouteKind::Modem,
            sms: true,
            tts: false,
            countries: vec![],
            health: Health::Ready,
            held: 0,
            room: 2,
            send_time: SEND_TIME_GUESS,
            budget: Budget::default(),
        }
    }

    fn share(limit: u32, left: u32, frees: u64) -> Option<Share> {
        Some(Share { limit, left, frees: Some(NOW + Duration::from_secs(frees)) })
    }

    /// A route of which so much of a minute's budget and of a day's is left until so many seconds have passed.
    fn budgeted(name: &str, minute: Option<Share>, day: Option<Share>) -> RouteView {
        let sms = Allowance { minute, day, used: 0 };
        RouteView { budget: Budget { sms, ..Budget::default() }, ..route(name) }
    }

    fn need() -> Need<'static> {
        Need { kind: EventKind::Sms, country: "DE".parse().ok(), excluded: &[], avoided: None, amount: 1, kept: &[] }
    }

    fn down(seconds: u64) -> Health {
        Health::Down { since: NOW - Duration::from_secs(seconds) }
    }

    #[test]
    fn the_shortest_wait_is_chosen_and_the_first_of_equals() {
        let mut routes = vec![route("a"), route("b"), route("c")];
        assert_eq!(choose(&routes, need()), Choice::Take(0));
        routes[0].held = 1;
        assert_eq!(choose(&routes, need()), Choice::Take(1));
        routes[1].held = 1;
        routes[1].send_time = Duration::from_secs(1);
        routes[2].held = 1;
        assert_eq!(choose(&routes, need()), Choice::Take(1));
    }

    #[test]
    fn a_full_or_absent_route_makes_a_message_wait_and_an_unfit_one_does_not() {
        let mut routes = vec![route("a")];
        routes[0].held = 2;
        assert_eq!(choose(&routes, need()), WAIT);
        routes[0].held = 0;
        routes[0].health = down(1);
        assert_eq!(choose(&routes, need()), WAIT);
        assert_eq!(choose(&routes, Need { kind: EventKind::Tts, ..need() }), Choice::Nothing);
        routes[0].countries = vec!["FR".parse().expect("a country")];
        assert_eq!(choose(&routes, need()), Choice::Nothing);
        assert_eq!(choose(&routes, Need { country: None, ..need() }), Choice::Nothing);
        assert_eq!(choose(&[], need()), Choice::Nothing);
    }

    #[test]
    fn another_route_comes_first_after_a_failure_where_one_is_ready() {
        let mut routes = vec![route("a"), route("b")];
        let retry = Need { avoided: Some("a"), ..need() };
        routes[1].held = 1;
        assert_eq!(choose(&routes, retry), Choice::Take(1));
        routes[1].health = down(1);
        assert_eq!(choose(&routes, retry), Choice::Take(0));
        let excluded = ["a".to_owned()];
        assert_eq!(choose(&routes, Need { excluded: &excluded, ..need() }), WAIT);
        let excluded = ["a".to_owned(), "b".to_owned()];
        assert_eq!(choose(&routes, Need { excluded: &excluded, ..need() }), Choice::Nothing);
    }

    #[test]
    fn a_request_is_accepted_while_a_route_may_return() {
        let kinds = [EventKind::Sms, EventKind::Tts];
        let country = "DE".parse().ok();
        let mut routes = vec![route("a")];
        let admit = |routes: &[RouteView], waiting| admit(routes, &kinds, country, waiting, TIMEOUT, NOW);
        assert_eq!(admit(&[], 0), Err(NoRoute::NotConfigured));
        assert_eq!(admit(&routes, 0), Ok(()));
        assert_eq!(admit(&routes, 60), Ok(()));
        assert_eq!(admit(&routes, 61), Err(NoRoute::QueueTooLong));
        routes[0].health = down(240);
        assert_eq!(admit(&routes, 0), Ok(()));
        routes[0].health = down(241);
        assert_eq!(admit(&routes, 0), Err(NoRoute::Down));
        routes.push(route("b"));
        assert_eq!(admit(&routes, 60), Ok(()));
        routes[1].tts = true;
        routes[1].sms = false;
        assert_eq!(admit(&routes, 0), Ok(()), "one channel of the workflow is enough");
    }

    fn until(seconds: u64) -> Choice {
        Choice::Wait { until: Some(NOW + Duration::from_secs(seconds)) }
    }

    #[test]
    fn of_routes_that_wait_equally_long_one_that_names_the_country_comes_first_then_the_least_used() {
        let mut routes = vec![route("a"), route("b"), route("c"), route("d")];
        for (route, used) in routes.iter_mut().zip([3, 2, 9, 8]) {
            route.budget.sms.used = used;
        }
        assert_eq!(choose(&routes, need()), Choice::Take(1));
        for index in [2, 3] {
            routes[index].countries = vec!["FR".parse().expect("a country"), "DE".parse().expect("a country")];
        }
        assert_eq!(choose(&routes, need()), Choice::Take(3));
        assert_eq!(choose(&routes, Need { country: "GB".parse().ok(), ..need() }), Choice::Take(1));
        assert_eq!(choose(&routes, Need { country: None, ..need() }), Choice::Take(1));
        routes[3].budget.sms.used = 9;
        assert_eq!(choose(&routes, need()), Choice::Take(2), "of equals the first");
        routes[2].held = 1;
        routes[3].held = 1;
        assert_eq!(choose(&routes, need()), Choice::Take(1), "the shortest wait comes before the country");
        routes[1].tts = true;
        routes[0].tts = true;
        routes[0].budget.sms.used = 100;
        routes[1].budget.calls.used = 1;
        assert_eq!(choose(&routes, Need { kind: EventKind::Tts, ..need() }), Choice::Take(0), "each kind by itself");
    }

    #[test]
    fn a_route_whose_budget_is_spent_is_passed_over_and_waited_for_where_it_is_the_only_one() {
        let spent = budgeted("a", share(9, 0, 40), None);
        assert_eq!(choose(&[spent.clone(), route("b")], need()), Choice::Take(1));
        assert_eq!(choose(std::slice::from_ref(&spent), need()), until(40));
        let day = budgeted("b", share(9, 5, 10), share(9, 0, 7000));
        assert_eq!(choose(&[spent.clone(), day.clone()], need()), until(40));
        assert_eq!(choose(std::slice::from_ref(&day), need()), until(7000));
        let down = RouteView { health: down(1), ..spent.clone() };
        assert_eq!(choose(&[down, day.clone()], need()), until(7000), "a route that is down says when it returns");
        let full = RouteView { held: 2, ..route("c") };
        assert_eq!(choose(&[full, day], need()), until(7000));
        let retry = Need { avoided: Some("b"), ..need() };
        assert_eq!(
            choose(&[spent, route("b")], retry),
            Choice::Take(1),
            "rather the same route than wait for a budget"
        );
    }

    #[test]
    fn a_message_of_two_parts_needs_two_and_a_budget_that_never_holds_two_does_not_fit() {
        let two = Need { amount: 2, ..need() };
        let one_left = budgeted("a", share(9, 1, 40), None);
        assert_eq!(choose(std::slice::from_ref(&one_left), need()), Choice::Take(0));
        assert_eq!(choose(std::slice::from_ref(&one_left), two), until(40));
        assert_eq!(choose(&[budgeted("a", share(9, 2, 40), share(9, 2, 40))], two), Choice::Take(0));
        for tiny in [budgeted("a", share(1, 1, 40), None), budgeted("a", None, share(1, 1, 40))] {
            assert_eq!(choose(std::slice::from_ref(&tiny), need()), Choice::Take(0));
            assert_eq!(choose(std::slice::from_ref(&tiny), two), Choice::Nothing);
        }
    }

    #[test]
    fn the_minute_that_a_longer_message_waits_for_is_kept_for_it() {
        let two = Need { amount: 2, ..need() };
        let routes = [budgeted("a", share(9, 1, 40), share(9, 5, 7000)), route("b")];
        assert_eq!(short_of_a_minute(&routes[..1], two), ["a"]);
        let kept = ["a".to_owned()];
        assert_eq!(choose(&routes[..1], Need { kept: &kept, ..need() }), WAIT);
        assert_eq!(choose(&routes, Need { kept: &kept, ..need() }), Choice::Take(1));
        let kept = ["b".to_owned()];
        assert_eq!(choose(&routes[1..], Need { kept: &kept, ..need() }), Choice::Take(0), "b has no budget to keep");
        let day_short = [budgeted("a", share(9, 1, 40), share(9, 1, 7000))];
        assert_eq!(short_of_a_minute(&day_short, two), Vec::<String>::new(), "what is left of a day may be used up");
    }

    #[test]
    fn a_request_is_refused_when_every_budget_of_the_day_is_spent_beyond_the_send_time_out() {
        let kinds = [EventKind::Sms, EventKind::Tts];
        let admit = |routes: &[RouteView], waiting| admit(routes, &kinds, "DE".parse().ok(), waiting, TIMEOUT, NOW);
        let spent = budgeted("a", None, share(9, 0, 240));
        assert_eq!(admit(std::slice::from_ref(&spent), 0), Err(NoRoute::BudgetSpent));
        assert_eq!(admit(&[budgeted("a", None, share(9, 0, 239))], 0), Ok(()), "it frees in time");
        assert_eq!(admit(&[budgeted("a", share(9, 0, 60), None)], 0), Ok(()), "a minute's always does");
        assert_eq!(admit(&[spent.clone(), route("b")], 0), Ok(()));
        let down = RouteView { health: down(241), ..route("b") };
        assert_eq!(admit(&[spent.clone(), down], 0), Err(NoRoute::BudgetSpent));
        let speaks = RouteView { tts: true, ..spent.clone() };
        assert_eq!(admit(&[speaks], 0), Ok(()), "a call is left");
        let last = budgeted("a", None, share(9, 2, 7000));
        assert_eq!(admit(std::slice::from_ref(&last), 1), Ok(()));
        assert_eq!(admit(std::slice::from_ref(&last), 2), Err(NoRoute::QueueTooLong), "both are spoken for");
        let held = RouteView { held: 1, ..last };
        assert_eq!(admit(&[held], 2), Ok(()), "one of the two waiting has its share already");
        let one_each = [budgeted("a", None, share(9, 1, 7000)), budgeted("b", None, share(9, 1, 7000))];
        assert_eq!(admit(&one_each, 1), Ok(()), "one for the message that waits, one for this");
        assert_eq!(admit(&one_each, 2), Err(NoRoute::QueueTooLong));
    }

    #[test]
    fn the_length_of_the_queue_follows_what_a_minute_may_see() {
        let admit =
            |routes: &[RouteView], waiting| admit(routes, &[EventKind::Sms], "DE".parse().ok(), waiting, TIMEOUT, NOW);
        let slow = budgeted("a", share(6, 6, 0), None);
        assert_eq!(admit(std::slice::from_ref(&slow), 24), Ok(()));
        assert_eq!(admit(std::slice::from_ref(&slow), 25), Err(NoRoute::QueueTooLong));
        assert_eq!(admit(&[slow, route("b")], 84), Ok(()));
        let fast = budgeted("a", share(600, 600, 0), None);
        assert_eq!(admit(std::slice::from_ref(&fast), 60), Ok(()));
        assert_eq!(admit(&[fast], 61), Err(NoRoute::QueueTooLong), "the modem is slower than its budget");
    }
}
