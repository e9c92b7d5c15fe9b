//! How the installation is, at a glance: for the admin's page, and for those who watch from outside.

use std::time::Duration;

use super::App;
use super::types::Internal;
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::store::{self, StoreError, Tx};
use crate::verification::End;

/// The outcomes of this time are counted.
const RECENT: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug)]
pub struct Overview {
    pub at: Timestamp,
    pub routes: Vec<Route>,
    pub queue: Queue,
    pub outcomes: Outcomes,
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

#[derive(Clone, Debug)]
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

/// Verifications of the last hour, and those in progress.
pub(super) fn outcomes(tx: &Tx, now: Timestamp) -> Result<Outcomes, StoreError> {
    let ended = tx.verifications_ended(now - RECENT)?;
    let of = |end: End| ended.iter().find(|ended| ended.state == end.as_str()).map_or(0, |ended| ended.count);
    Ok(Outcomes {
        in_progress: tx.verifications_in_progress()?,
        success: of(End::Success),
        failed: of(End::Failed),
        expired: of(End::Expired),
        cancelled: of(End::Cancelled),
    })
}

impl App {
    pub async fn overview(&self) -> Result<Overview, Internal> {
        let now = self.clock.now();
        let found = self.store.read(move |tx| Ok::<_, StoreError>((tx.queue(now)?, outcomes(tx, now)?)));
        let (queue, outcomes) = found.await?;
        Ok(Overview { at: now, routes: self.routes(), queue: queue.into(), outcomes })
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

    fn route(&self, view: RouteView) -> Route {
        let down_since = match view.health {
            Health::Ready => None,
            Health::Down { since } | Health::Failing { since } => Some(since),
        };
        let reason = down_since.and_then(|_| self.board.reason(&view.name));
        Route {
            is_provider: view.kind == RouteKind::Provider,
            sms: view.sms,
            calls: view.tts,
            down_since,
            reason,
            held: view.held,
            name: view.name,
        }
    }
}
