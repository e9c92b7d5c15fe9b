//! Which route takes a message, and whether a request may be accepted at all. Pure.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::phone::Country;
use crate::verification::EventKind;

/// What an SMS takes until it was measured.
pub const SEND_TIME_GUESS: Duration = Duration::from_secs(4);

/// A route as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    pub name: String,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    Down { since: Timestamp },
}

impl RouteView {
    fn takes(&self, kind: EventKind, country: Option<Country>) -> bool {
        let channel = match kind {
            EventKind::Sms => self.sms,
            EventKind::Tts => self.tts,
        };
        channel && (self.countries.is_empty() || country.is_some_and(|country| self.countries.contains(&country)))
    }

    /// It can take a message now.
    pub fn has_room(&self) -> bool {
        self.is_ready() && self.held < self.room
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The index of the route in the list.
    Take(usize),
    /// A route would take it, but not now.
    Wait,
    /// No route will.
    Nothing,
}

/// Chooses the route with the shortest expected wait among those that are ready and have room; of equals, the first.
pub fn choose(routes: &[RouteView], need: Need) -> Choice {
    let mut candidates: Vec<_> = routes
        .iter()
        .enumerate()
        .filter(|(_, route)| route.takes(need.kind, need.country) && !need.excluded.contains(&route.name))
        .collect();
    if candidates.is_empty() {
        return Choice::Nothing;
    }
    candidates.retain(|(_, route)| route.is_ready());
    if candidates.iter().any(|(_, route)| Some(route.name.as_str()) != need.avoided) {
        candidates.retain(|(_, route)| Some(route.name.as_str()) != need.avoided);
    }
    candidates.retain(|(_, route)| route.has_room());
    candidates
        .into_iter()
        .min_by_key(|(_, route)| route.expected_wait())
        .map_or(Choice::Wait, |(index, _)| Choice::Take(index))
}

/// Why a request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No configured route takes the number and any channel of the workflow.
    NotConfigured,
    /// Every such route has been down for longer than the send time-out.
    Down,
    /// The queue is longer than the send time-out.
    QueueTooLong,
    /// Only providers take it, and each one's breaker is open.
    ProvidersFailing,
}

/// Whether a request that is accepted now has a chance: some route that takes it may return in time, and the queue of
/// `waiting` messages is not longer than the send time-out.
pub fn admit(
    routes: &[RouteView],
    kinds: &[EventKind],
    country: Option<Country>,
    waiting: u32,
    send_timeout: Duration,
    now: Timestamp,
) -> Result<(), NoRoute> {
    let takers: Vec<_> = routes.iter().filter(|route| kinds.iter().any(|&kind| route.takes(kind, country))).collect();
    if takers.is_empty() {
        return Err(NoRoute::NotConfigured);
    }
    let long_down = |route: &RouteView| match route.health {
        Health::Ready => false,
        Health::Down { since } => now.since(since) > send_timeout,
    };
    if takers.iter().all(|route| long_down(route)) {
        return Err(NoRoute::Down);
    }
    let mut rate = 0.0;
    for route in takers.iter().filter(|route| !long_down(route)) {
        rate += 1.0 / route.send_time.as_secs_f64().max(0.001);
    }
    if f64::from(waiting) / rate > send_timeout.as_secs_f64() {
        return Err(NoRoute::QueueTooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const TIMEOUT: Duration = Duration::from_secs(240);

    fn route(name: &str) -> RouteView {
        RouteView {
            name: name.to_owned(),
            sms: true,
            tts: false,
            countries: vec![],
            health: Health::Ready,
            held: 0,
            room: 2,
            send_time: SEND_TIME_GUESS,
        }
    }

    fn need() -> Need<'static> {
        Need { kind: EventKind::Sms, country: "DE".parse().ok(), excluded: &[], avoided: None }
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
        assert_eq!(choose(&routes, need()), Choice::Wait);
        routes[0].held = 0;
        routes[0].health = down(1);
        assert_eq!(choose(&routes, need()), Choice::Wait);
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
        assert_eq!(choose(&routes, Need { excluded: &excluded, ..need() }), Choice::Wait);
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
}
