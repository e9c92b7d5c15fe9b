//! HTTP providers: how each stands, and what came of what it was given.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::App;
use super::super::types::Internal;
use super::left::{BudgetLeft, budgets_left};
use super::short;
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::store::{AttemptState, RouteResult, Tx};
use crate::verification::{EventKind, Money};

/// The span that results are told of.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// Reasons of a route that are told; each is the provider's own text.
const REASONS_MAX: usize = 8;

#[derive(Clone, Debug)]
pub struct ProviderSeen {
    pub name: String,
    pub sms: bool,
    pub calls: bool,
    /// ISO 3166-1 alpha-2; empty: all.
    pub countries: Vec<String>,
    /// `ready`, `failing` or `down`.
    pub state: &'static str,
    pub since: Option<Timestamp>,
    pub reason: Option<String>,
    /// When it is tried again by itself.
    pub next_try: Option<Timestamp>,
    pub in_hand: usize,
    pub at_once: usize,
    /// What a request takes, measured; of a kind that it has.
    pub send_time: Option<Duration>,
    pub call_time: Option<Duration>,
    /// What a part of an SMS, and a call, costs; `None`: nothing.
    pub sms_price: Option<String>,
    pub call_price: Option<String>,
    pub budgets: Vec<BudgetLeft>,
    /// Of the last 24 hours.
    pub sent: u64,
    pub refused: u64,
    pub uncertain: u64,
    pub delivered: u64,
    pub undelivered: u64,
    pub cost: String,
    /// From the request to the outcome, on average, of what was sent.
    pub took: Option<Duration>,
    /// Why something was not sent, or may not have been, the most frequent first.
    pub reasons: Vec<ResultSeen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultSeen {
    pub state: &'static str,
    pub reason: String,
    pub count: u64,
}

impl App {
    /// All providers that are in use, in their order.
    pub async fn providers(&self) -> Result<Vec<ProviderSeen>, Internal> {
        let now = self.clock.now();
        let results = self.store.read(move |tx: &Tx| tx.route_results(now - RECENT)).await?;
        let mut of: BTreeMap<String, Vec<RouteResult>> = BTreeMap::new();
        for result in results {
            of.entry(result.route.clone()).or_default().push(result);
        }
        let routes = self.board.routes_at(now).into_iter().filter(|route| route.kind == RouteKind::Provider);
        Ok(routes.map(|route| self.provider(&route, of.get(&route.name).map_or(&[], Vec::as_slice))).collect())
    }

    fn provider(&self, view: &RouteView, results: &[RouteResult]) -> ProviderSeen {
        let count = |states: &[AttemptState]| of_states(results, states).map(|result| result.count).sum();
        let sent_states = [AttemptState::Sent, AttemptState::Unanswered];
        let sent: u64 = count(&sent_states);
        let took: i64 = of_states(results, &sent_states).map(|result| result.took_ms).sum();
        let took = u64::try_from(took).unwrap_or(0);
        ProviderSeen {
            name: view.name.clone(),
            sms: view.sms,
            calls: view.tts,
            countries: view.countries.iter().map(ToString::to_string).collect(),
            state: view.health.as_str(),
            since: view.health.since(),
            reason: self.board.reason(&view.name).filter(|_| view.health != Health::Ready),
            next_try: self.board.next_try(&view.name),
            in_hand: view.held,
            at_once: view.concurrency,
            send_time: view.sms.then_some(view.send_time),
            call_time: view.tts.then_some(view.call_time),
            sms_price: price(view, view.sms, EventKind::Sms),
            call_price: price(view, view.tts, EventKind::Tts),
            budgets: budgets_left(&view.budget),
            sent,
            refused: count(&[AttemptState::Temporary, AttemptState::OtherRoute, AttemptState::Final]),
            uncertain: count(&[AttemptState::Uncertain]),
            delivered: results.iter().map(|result| result.delivered).sum(),
            undelivered: results.iter().map(|result| result.undelivered).sum(),
            cost: short(Money::from_units(results.iter().map(|result| result.cost).sum())),
            took: took.checked_div(sent).map(Duration::from_millis),
            reasons: reasons(results),
        }
    }
}

fn of_states<'a>(results: &'a [RouteResult], states: &'a [AttemptState]) -> impl Iterator<Item = &'a RouteResult> {
    results.iter().filter(|result| states.iter().any(|state| state.as_str() == result.state))
}

fn price(view: &RouteView, has_it: bool, kind: EventKind) -> Option<String> {
    let price = view.price(kind, 1);
    (has_it && price != Money::ZERO).then(|| short(price))
}

fn reasons(results: &[RouteResult]) -> Vec<ResultSeen> {
    const TOLD: [(AttemptState, &str); 5] = [
        (AttemptState::Temporary, "refused for now"),
        (AttemptState::OtherRoute, "refused"),
        (AttemptState::Final, "refused for good"),
        (AttemptState::Uncertain, "uncertain"),
        (AttemptState::Unanswered, "not answered"),
    ];
    let told = |result: &RouteResult| {
        let (_, state) = TOLD.into_iter().find(|(state, _)| state.as_str() == result.state)?;
        Some(ResultSeen { state, reason: result.reason.clone().unwrap_or_default(), count: result.count })
    };
    results.iter().filter_map(told).take(REASONS_MAX).collect()
}
