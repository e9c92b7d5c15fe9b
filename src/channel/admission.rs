//! Whether a request may be accepted at all. Pure.
//!
//! It may be while any route that takes it may return in time, has a budget, and the queue before it is not longer than
//! the send time-out. Of the queue those messages count that the same routes would send: where others take a part of
//! them, that part counts for the others.

use std::time::Duration;

use super::budget::MINUTE;
use super::lane::Lane;
use super::routing::{Health, Policy, RouteView};
use crate::clock::Timestamp;
use crate::phone::Country;
use crate::verification::EventKind;

/// Why a request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No configured route takes the number and any channel of the workflow.
    NotConfigured,
    /// Every such route has been down for longer than the send time-out.
    Down,
    /// Every such route has spent its budget of the day or of the month, for longer than the send time-out.
    BudgetSpent,
    /// The queue is longer than the send time-out.
    QueueTooLong,
    /// Only providers take it, and each one's breaker is open.
    ProvidersFailing,
}

impl NoRoute {
    /// What the caller is told, and the operator.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotConfigured => "no route is configured for this number",
            Self::Down => "every route to this number is down",
            Self::BudgetSpent => "every route to this number has sent what it may in a day or a month",
            Self::QueueTooLong => "the queue to this number is too long",
            Self::ProvidersFailing => "every provider for this number is failing",
        }
    }
}

/// What is asked: an account's request as far as routes are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The kinds of the workflow's events.
    pub kinds: &'a [EventKind],
    pub country: Option<Country>,
    pub send_timeout: Duration,
}

/// Messages that are due and that no route holds yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub lane: Lane,
    pub count: u32,
}

/// # Errors
///
/// The reason why it has no chance.
pub fn admit(
    routes: &[RouteView],
    policy: &Policy,
    asked: Asked,
    waiting: &[Waiting],
    now: Timestamp,
) -> Result<(), NoRoute> {
    let Asked { kinds, country, send_timeout } = asked;
    let mut takers: Vec<_> = routes
        .iter()
        .filter(|route| policy.uses(route.kind))
        .flat_map(|route| kinds.iter().map(move |&kind| (route, kind)))
        .filter(|(route, kind)| route.takes(*kind, country))
        .collect();
    if takers.is_empty() {
        return Err(NoRoute::NotConfigured);
    }
    if takers.iter().all(|(route, _)| matches!(route.health, Health::Failing { .. })) {
        return Err(NoRoute::ProvidersFailing);
    }
    takers.retain(|(route, _)| !is_long_down(route, send_timeout, now));
    if takers.is_empty() {
        return Err(NoRoute::Down);
    }
    let end = now + send_timeout;
    takers.retain(|(route, kind)| !route.budget.of(*kind).is_spent_until(end));
    if takers.is_empty() {
        return Err(NoRoute::BudgetSpent);
    }
    // A route that takes several kinds sends them one after the other all the same.
    takers.dedup_by_key(|(route, _)| &route.name);
    let sent = takers.iter().map(|(route, kind)| sent_by(route, *kind, end, send_timeout));
    let (total, days_bind) = sent.fold((0.0, true), |(total, days), (sent, day)| (total + sent, days && day));
    // Where a route has time left over, the one that is asked for goes out as the last; otherwise it is one of the total.
    let room = if days_bind { total - 1.0 } else { total };
    let held: f64 = takers.iter().map(|(route, kind)| held_by(route, *kind)).sum();
    let usable: Vec<_> =
        routes.iter().filter(|route| policy.uses(route.kind) && !is_long_down(route, send_timeout, now)).collect();
    let queued: f64 = waiting.iter().map(|waiting| queued_for(&takers, &usable, waiting)).sum();
    // Shares of whole messages add up to no more than this beside a whole number.
    const ROUNDING: f64 = 1e-6;
    if held + queued > room + ROUNDING { Err(NoRoute::QueueTooLong) } else { Ok(()) }
}

/// How long the routes that are ready take for what they hold and for all that waits; `None`: some of it waits for a route
/// that is not ready, or has no budget.
pub fn drain_time(routes: &[RouteView], policy: &Policy, waiting: &[Waiting]) -> Option<Duration> {
    let ready: Vec<_> =
        routes.iter().filter(|route| policy.uses(route.kind) && route.health == Health::Ready).collect();
    let of_kind =
        |route: &RouteView, kind, count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * pace(route, kind);
    let mut seconds: Vec<f64> = ready
        .iter()
        .map(|route| {
            let calls = route.held_calls.min(route.held);
            of_kind(route, EventKind::Sms, route.held - calls) + of_kind(route, EventKind::Tts, calls)
        })
        .collect();
    for Waiting { lane, count } in waiting {
        let carries = |route: &RouteView| {
            let takes = route.takes(lane.kind, lane.country) && !lane.excluded.contains(&route.name);
            takes && route.budget.of(lane.kind).long().all(|share| share.left > 0)
        };
        let rate = |route: &RouteView| if carries(route) { 1.0 / pace(route, lane.kind) } else { 0.0 };
        let all: f64 = ready.iter().map(|route| rate(route)).sum();
        if all == 0.0 {
            return None;
        }
        for (route, seconds) in ready.iter().zip(&mut seconds) {
            *seconds += if carries(route) { f64::from(*count) / all } else { 0.0 };
        }
    }
    Some(Duration::from_secs_f64(seconds.into_iter().fold(0.0, f64::max)))
}

fn is_long_down(route: &RouteView, send_timeout: Duration, now: Timestamp) -> bool {
    match route.health {
        Health::Ready => false,
        Health::Down { since } | Health::Failing { since } => now.since(since) > send_timeout,
    }
}

/// How long it takes a route for one message after another.
fn pace(route: &RouteView, kind: EventKind) -> f64 {
    let minute = route.budget.of(kind).minute.map_or(Duration::ZERO, |minute| MINUTE / minute.limit.max(1));
    let concurrency = u32::try_from(route.concurrency.max(1)).unwrap_or(u32::MAX);
    (route.time_of(kind) / concurrency).max(minute).as_secs_f64().max(0.001)
}

/// How many messages a route can send before `end`, and whether it is the budget of a day or a month that allows no more.
fn sent_by(route: &RouteView, kind: EventKind, end: Timestamp, send_timeout: Duration) -> (f64, bool) {
    let by_time = send_timeout.as_secs_f64() / pace(route, kind);
    let bound = route.budget.of(kind).long().filter(|share| share.frees.is_none_or(|frees| frees >= end));
    match bound.map(|share| share.left).min() {
        // What it holds has its share already.
        Some(left) => {
            let held = u32::try_from(route.held).unwrap_or(u32::MAX);
            let by_budget = f64::from(left.saturating_add(held));
            if by_budget <= by_time { (by_budget, true) } else { (by_time, false) }
        }
        None => (by_time, false),
    }
}

/// What a route holds, in messages of the kind that is asked for.
fn held_by(route: &RouteView, kind: EventKind) -> f64 {
    let count = |held: usize| f64::from(u32::try_from(held).unwrap_or(u32::MAX));
    let calls = route.held_calls.min(route.held);
    let weigh = |of: EventKind| route.time_of(of).as_secs_f64() / route.time_of(kind).as_secs_f64().max(0.001);
    count(route.held - calls) * weigh(EventKind::Sms) + count(calls) * weigh(EventKind::Tts)
}

/// The part of a lane's messages that `takers` send, in messages of the kind that each of them is asked for.
fn queued_for(takers: &[(&RouteView, EventKind)], usable: &[&RouteView], waiting: &Waiting) -> f64 {
    let Waiting { lane, count } = waiting;
    let carries = |route: &RouteView| route.takes(lane.kind, lane.country) && !lane.excluded.contains(&route.name);
    let rate = |route: &RouteView| 1.0 / pace(route, lane.kind);
    let all: f64 = usable.iter().filter(|route| carries(route)).map(|route| rate(route)).sum();
    let part = |(route, kind): &(&RouteView, EventKind)| {
        let weight = pace(route, lane.kind) / pace(route, *kind);
        if carries(route) { f64::from(*count) * rate(route) / all * weight } else { 0.0 }
    };
    takers.iter().map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Allowance, Budget, Share};
    use super::super::routing::RouteKind;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const TIMEOUT: Duration = Duration::from_secs(240);
    const SMS: &[EventKind] = &[EventKind::Sms];
    const BOTH: &[EventKind] = &[EventKind::Sms, EventKind::Tts];

    fn route(name: &str) -> RouteView {
        RouteView { sms: true, room: 2, ..RouteView::new(name, RouteKind::Modem) }
    }

    fn provider(name: &str) -> RouteView {
        RouteView { sms: true, room: 4, concurrency: 4, ..RouteView::new(name, RouteKind::Provider) }
    }

    fn share(limit: u32, left: u32, frees: u64) -> Option<Share> {
        Some(Share { limit, left, frees: Some(NOW + Duration::from_secs(frees)) })
    }

    /// A route of which so much of a minute's budget and of a day's is left until so many seconds have passed.
    fn budgeted(name: &str, minute: Option<Share>, day: Option<Share>) -> RouteView {
        let sms = Allowance { minute, day, ..Allowance::default() };
        RouteView { budget: Budget { sms, ..Budget::default() }, ..route(name) }
    }

    #[test]
    fn a_queue_drains_over_all_routes_that_are_ready() {
        let waits = |count| [Waiting { lane: Lane::read("first sms GB"), count }];
        let drained = |routes: &[RouteView], count| drain_time(routes, &policy(), &waits(count));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(drained(&[route("sim1")], 10), seconds(40));
        assert_eq!(drained(&[route("sim1"), route("sim2")], 10), seconds(20));
        assert_eq!(drained(&[RouteView { held: 1, ..route("sim1") }], 10), seconds(44));
        assert_eq!(drained(&[budgeted("sim1", share(6, 6, 0), None)], 10), seconds(100));
        let down = RouteView { health: down(9), ..route("sim2") };
        assert_eq!(drained(&[route("sim1"), down.clone()], 10), seconds(40));
        assert_eq!(drained(&[down], 10), None);
        assert_eq!(drained(&[budgeted("sim1", None, share(6, 0, 99))], 1), None);
        assert_eq!(drain_time(&[], &policy(), &[]), seconds(0));
    }

    fn down(seconds: u64) -> Health {
        Health::Down { since: NOW - Duration::from_secs(seconds) }
    }

    fn failing(seconds: u64) -> Health {
        Health::Failing { since: NOW - Duration::from_secs(seconds) }
    }

    fn policy() -> Policy {
        Policy { order: vec![RouteKind::Modem, RouteKind::Provider], overflow_after: Duration::from_secs(20) }
    }

    fn asked(kinds: &[EventKind]) -> Asked<'_> {
        Asked { kinds, country: "DE".parse().ok(), send_timeout: TIMEOUT }
    }

    fn lane(lane: &str, count: u32) -> Waiting {
        Waiting { lane: Lane::read(lane), count }
    }

    fn admits(routes: &[RouteView], kinds: &[EventKind], waiting: u32) -> Result<(), NoRoute> {
        admit(routes, &policy(), asked(kinds), &[lane("first sms DE", waiting)], NOW)
    }

    #[test]
    fn a_request_is_accepted_while_a_route_may_return() {
        let mut routes = vec![route("a")];
        assert_eq!(admits(&[], BOTH, 0), Err(NoRoute::NotConfigured));
        assert_eq!(admits(&routes, BOTH, 0), Ok(()));
        assert_eq!(admits(&routes, BOTH, 60), Ok(()));
        assert_eq!(admits(&routes, BOTH, 61), Err(NoRoute::QueueTooLong));
        routes[0].held = 1;
        assert_eq!(admits(&routes, BOTH, 59), Ok(()));
        assert_eq!(admits(&routes, BOTH, 60), Err(NoRoute::QueueTooLong), "what the modem holds is ahead too");
        routes[0].held = 0;
        routes[0].health = down(240);
        assert_eq!(admits(&routes, BOTH, 0), Ok(()));
        routes[0].health = down(241);
        assert_eq!(admits(&routes, BOTH, 0), Err(NoRoute::Down));
        routes.push(route("b"));
        assert_eq!(admits(&routes, BOTH, 60), Ok(()));
        routes[1].tts = true;
        routes[1].sms = false;
        assert_eq!(admits(&routes, BOTH, 0), Ok(()), "one channel of the workflow is enough");
    }

    #[test]
    fn a_kind_that_is_left_out_of_the_order_is_no_route() {
        let modems = Policy { order: vec![RouteKind::Modem], ..policy() };
        let admit = |routes: &[RouteView]| admit(routes, &modems, asked(SMS), &[], NOW);
        assert_eq!(admit(&[provider("p")]), Err(NoRoute::NotConfigured));
        assert_eq!(admit(&[RouteView { health: down(241), ..route("a") }, provider("p")]), Err(NoRoute::Down));
    }

    #[test]
    fn providers_lengthen_the_queue_and_are_named_when_they_alone_fail() {
        // 60 by the modem, 4 × 240 by the provider.
        let routes = [route("a"), provider("p")];
        assert_eq!(admits(&routes, SMS, 1020), Ok(()));
        assert_eq!(admits(&routes, SMS, 1021), Err(NoRoute::QueueTooLong));
        let failed = |seconds| RouteView { health: failing(seconds), ..provider("p") };
        assert_eq!(admits(&[failed(1)], SMS, 0), Err(NoRoute::ProvidersFailing));
        assert_eq!(admits(&[failed(1), failed(500)], SMS, 0), Err(NoRoute::ProvidersFailing));
        assert_eq!(admits(&[failed(1), provider("q")], SMS, 0), Ok(()));
        let gone = RouteView { health: down(241), ..route("a") };
        assert_eq!(admits(&[gone.clone(), failed(1)], SMS, 0), Ok(()), "the provider may be back in time");
        assert_eq!(admits(&[gone.clone(), failed(241)], SMS, 0), Err(NoRoute::Down));
        assert_eq!(admits(&[RouteView { health: down(1), ..gone }, failed(1)], SMS, 0), Ok(()));
    }

    #[test]
    fn messages_that_others_send_do_not_make_the_queue_longer() {
        let of = |country: &str, name: &str| RouteView {
            countries: vec![country.parse().expect("a country")],
            ..route(name)
        };
        let admit = |routes: &[RouteView], waiting: &[Waiting]| admit(routes, &policy(), asked(SMS), waiting, NOW);
        let routes = [of("DE", "a"), of("FR", "b")];
        assert_eq!(admit(&routes, &[lane("first sms FR", 500), lane("first sms DE", 60)]), Ok(()));
        let both = [of("DE", "a"), route("b")];
        // Of those that both take each sends half; those to France are b's.
        assert_eq!(admit(&both, &[lane("first sms FR", 40), lane("first sms DE", 80)]), Ok(()));
        assert_eq!(admit(&both, &[lane("first sms FR", 41), lane("first sms DE", 80)]), Err(NoRoute::QueueTooLong));
        let refused = lane("first sms DE ~a !a", 500);
        assert_eq!(admit(&routes, &[refused]), Ok(()), "a refused them, so that they are not ahead of anything there");
    }

    #[test]
    fn a_call_that_waits_is_as_long_as_ten_messages() {
        let speaks = [RouteView { tts: true, ..route("a") }];
        let admit = |kinds, waiting: &[Waiting]| admit(&speaks, &policy(), asked(kinds), waiting, NOW);
        assert_eq!(admit(SMS, &[lane("later tts DE", 6)]), Ok(()));
        assert_eq!(admit(SMS, &[lane("later tts DE", 6), lane("first sms DE", 1)]), Err(NoRoute::QueueTooLong));
        assert_eq!(admit(&[EventKind::Tts], &[lane("first sms DE", 60)]), Ok(()));
        assert_eq!(admit(&[EventKind::Tts], &[lane("first sms DE", 61)]), Err(NoRoute::QueueTooLong));
    }

    #[test]
    fn a_request_is_refused_when_every_budget_of_the_day_is_spent_beyond_the_send_time_out() {
        let spent = budgeted("a", None, share(9, 0, 240));
        assert_eq!(admits(std::slice::from_ref(&spent), BOTH, 0), Err(NoRoute::BudgetSpent));
        assert_eq!(admits(&[budgeted("a", None, share(9, 0, 239))], BOTH, 0), Ok(()), "it frees in time");
        assert_eq!(admits(&[budgeted("a", share(9, 0, 60), None)], BOTH, 0), Ok(()), "a minute's always does");
        assert_eq!(admits(&[spent.clone(), route("b")], BOTH, 0), Ok(()));
        let down = RouteView { health: down(241), ..route("b") };
        assert_eq!(admits(&[spent.clone(), down], BOTH, 0), Err(NoRoute::BudgetSpent));
        let speaks = RouteView { tts: true, ..spent.clone() };
        assert_eq!(admits(&[speaks], BOTH, 0), Ok(()), "a call is left");
        let last = budgeted("a", None, share(9, 2, 7000));
        assert_eq!(admits(std::slice::from_ref(&last), BOTH, 1), Ok(()));
        assert_eq!(admits(std::slice::from_ref(&last), BOTH, 2), Err(NoRoute::QueueTooLong), "both are spoken for");
        let held = RouteView { held: 1, ..last };
        assert_eq!(admits(&[held], BOTH, 1), Ok(()), "the one that it holds has its share already");
        let one_each = [budgeted("a", None, share(9, 1, 7000)), budgeted("b", None, share(9, 1, 7000))];
        assert_eq!(admits(&one_each, BOTH, 1), Ok(()), "one for the message that waits, one for this");
        assert_eq!(admits(&one_each, BOTH, 2), Err(NoRoute::QueueTooLong));
    }

    #[test]
    fn the_length_of_the_queue_follows_what_a_minute_may_see() {
        let slow = budgeted("a", share(6, 6, 0), None);
        assert_eq!(admits(std::slice::from_ref(&slow), SMS, 24), Ok(()));
        assert_eq!(admits(std::slice::from_ref(&slow), SMS, 25), Err(NoRoute::QueueTooLong));
        assert_eq!(admits(&[slow, route("b")], SMS, 84), Ok(()));
        let fast = budgeted("a", share(600, 600, 0), None);
        assert_eq!(admits(std::slice::from_ref(&fast), SMS, 60), Ok(()));
        assert_eq!(admits(&[fast], SMS, 61), Err(NoRoute::QueueTooLong), "the modem is slower than its budget");
    }
}
