//! How the installation stands at one instant, in numbers: for metrics.

use super::App;
use super::overview::{Outcomes, outcomes};
use super::types::Internal;
use crate::channel::Reception;
use crate::channel::budget::{MoneyShare, Share};
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::store::{Queue, Space, StoreError, WebhookTotals};
use crate::verification::EventKind;

/// What the database knows.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// Attempts that are due, or in a channel's hands.
    pub queue_length: u64,
    /// How long the oldest has been due that no channel has.
    pub oldest_age_seconds: f64,
    pub outcomes: Outcomes,
    /// How many breakers hold something, by their level.
    pub breakers_open: Vec<(String, u64)>,
    pub webhooks: WebhookVitals,
}

/// What accounts' servers are still to be told, or could not be told.
#[derive(Clone, Copy, Debug)]
pub struct WebhookVitals {
    pub waiting: u64,
    pub due: u64,
    pub dead: u64,
    pub oldest_age_seconds: f64,
}

/// What the board knows of a route.
#[derive(Clone, Debug)]
pub struct RouteVitals {
    pub name: String,
    /// `modem` or `provider`.
    pub kind: &'static str,
    pub is_ready: bool,
    pub sms_in_hand: usize,
    pub calls_in_hand: usize,
    pub budgets: Vec<BudgetShare>,
    pub spending: Vec<SpendShare>,
    /// Of a modem at work.
    pub reception: Option<Reception>,
    /// Of a provider: its circuit breaker.
    pub breaker: Option<&'static str>,
}

/// A limit of what a route may send.
#[derive(Clone, Copy, Debug)]
pub struct BudgetShare {
    pub channel: &'static str,
    pub period: &'static str,
    pub limit: u32,
    pub left: u32,
}

/// A limit of what a route may cost, in the currency.
#[derive(Clone, Copy, Debug)]
pub struct SpendShare {
    pub period: &'static str,
    pub limit: f64,
    pub left: f64,
}

impl Outcomes {
    /// Of those that ended, the part that was verified; `None`: none ended.
    pub fn conversion(&self) -> Option<f64> {
        let ended = self.success + self.failed + self.expired + self.cancelled;
        (ended > 0).then(|| self.success as f64 / ended as f64)
    }
}

impl App {
    pub async fn vitals(&self) -> Result<Vitals, Internal> {
        let now = self.clock.now();
        let found = self.store.read(move |tx| {
            Ok::<_, StoreError>((tx.queue(now)?, outcomes(tx, now)?, tx.breakers_open()?, tx.webhook_totals()?))
        });
        let (Queue { length, oldest_due }, outcomes, breakers_open, webhooks) = found.await?;
        let age = |oldest: Option<Timestamp>| oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        let WebhookTotals { waiting, due, dead, oldest_pending, .. } = webhooks;
        Ok(Vitals {
            queue_length: length,
            oldest_age_seconds: age(oldest_due),
            outcomes,
            breakers_open,
            webhooks: WebhookVitals { waiting, due, dead, oldest_age_seconds: age(oldest_pending) },
        })
    }

    /// Every route as the board shows it. Asks nobody.
    pub fn route_vitals(&self) -> Vec<RouteVitals> {
        let (mut receptions, breakers) = (self.board.register().receptions(), self.board.breakers());
        let routes = self.board.routes_at(self.clock.now()).into_iter();
        let vitals = |view: RouteView| {
            let (reception, breaker) = (receptions.remove(&view.name), breakers.get(&view.name).copied());
            RouteVitals::new(view, reception, breaker)
        };
        routes.map(vitals).collect()
    }

    /// What the database takes of its disk. Waits for the file system.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub fn space(&self) -> std::io::Result<Space> {
        self.store.space()
    }
}

impl RouteVitals {
    pub fn is_modem(&self) -> bool {
        self.kind == RouteKind::Modem.as_str()
    }

    fn new(view: RouteView, reception: Option<Reception>, breaker: Option<&'static str>) -> Self {
        let calls_in_hand = view.held_calls.min(view.held);
        let budgets = [EventKind::Sms, EventKind::Tts].into_iter().flat_map(|kind| {
            let allowance = view.budget.of(kind);
            let shares = [("minute", allowance.minute), ("day", allowance.day), ("month", allowance.month)];
            shares.into_iter().filter_map(move |(period, share)| {
                let Share { limit, left, .. } = share?;
                Some(BudgetShare { channel: kind.channel(), period, limit, left })
            })
        });
        let spend = [("day", view.budget.spend.day), ("month", view.budget.spend.month)];
        let in_currency = |units: u64| units as f64 / 1e8;
        let spending = spend.into_iter().filter_map(|(period, share)| {
            let MoneyShare { limit, left, .. } = share?;
            Some(SpendShare { period, limit: in_currency(limit), left: in_currency(left) })
        });
        Self {
            kind: view.kind.as_str(),
            is_ready: view.health == Health::Ready,
            sms_in_hand: view.held - calls_in_hand,
            calls_in_hand,
            budgets: budgets.collect(),
            spending: spending.collect(),
            reception,
            breaker,
            name: view.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_is_the_verified_part_of_what_ended() {
        assert_eq!(Outcomes { in_progress: 4, ..Outcomes::default() }.conversion(), None);
        let outcomes = Outcomes { in_progress: 4, success: 3, failed: 1, expired: 1, cancelled: 1 };
        assert_eq!(outcomes.conversion(), Some(0.5));
    }
}
