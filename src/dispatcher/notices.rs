//! What routes say: permissions asked, outcomes, delivery reports.
//!
//! A permission is worked on at once by a task of its own. Outcomes and reports of one route are recorded in the order in
//! which it said them, because a report is matched with the outcome before it; routes do not wait for each other. An
//! outcome is recorded for certain: while the store fails it is tried again, and if the process ends before
//! it worked, the row says `sending` and counts as uncertain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use crate::app::{App, Reaction};
use crate::channel::{Notice, Outcome, Received};

/// Outcomes and reports of one route that may wait while the store fails; then the route itself waits.
const ROUTE_NOTICES: usize = 64;

/// Between two tries to record an outcome.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Runs until every route has dropped its end of the queue and everything they said is recorded.
pub async fn run_notices(app: Arc<App>, mut notices: mpsc::Receiver<Notice>) {
    let tasks = TaskTracker::new();
    let mut routes: HashMap<String, mpsc::Sender<Notice>> = HashMap::new();
    while let Some(notice) = notices.recv().await {
        let Some(route) = route_of(&notice).map(str::to_owned) else {
            tasks.spawn(handle(Arc::clone(&app), notice));
            continue;
        };
        let queue = routes.entry(route).or_insert_with(|| {
            let (queue, notices) = mpsc::channel(ROUTE_NOTICES);
            tasks.spawn(in_order(Arc::clone(&app), notices));
            queue
        });
        if queue.send(notice).await.is_err() {
            error!(
                name: "dispatcher.outcomes_stuck",
                "the outcomes of a route cannot be recorded any more; the daemon ends and recovers"
            );
            return;
        }
    }
    drop(routes);
    tasks.close();
    tasks.wait().await;
}

async fn in_order(app: Arc<App>, mut notices: mpsc::Receiver<Notice>) {
    while let Some(notice) = notices.recv().await {
        handle(Arc::clone(&app), notice).await;
    }
}

/// The route whose notices have an order; `None`: it may be worked on at once.
fn route_of(notice: &Notice) -> Option<&str> {
    match notice {
        Notice::Finished { route, .. } | Notice::Report { route, .. } | Notice::Settled { route, .. } => Some(route),
        // A route says the next only once this one is on record.
        Notice::Received { .. } => None,
        Notice::Begin { .. } | Notice::TrySimPin { .. } | Notice::SimPinDone { .. } => None,
    }
}

async fn handle(app: Arc<App>, notice: Notice) {
    match notice {
        Notice::Begin { attempt, go } => {
            let granted = app.begin(attempt).await.unwrap_or_else(|error| {
                error!(
                    name: "attempt.begin_failed",
                    attempt = attempt.get(), %error,
                    "an attempt cannot be recorded as being sent; it is not sent"
                );
                false
            });
            // A route that has given up meanwhile says so with its outcome.
            let _ = go.send(granted);
        }
        Notice::Finished { attempt, route, outcome } => {
            record(&app, attempt, &route, outcome).await;
            app.board().give_room(&route, attempt, app.clock().now());
        }
        Notice::Report { route, report, done } => {
            debug!(
                name: "report.received",
                route, reference = report.reference, delivered = report.delivered,
                "delivery report"
            );
            let recorded = app.report(route, report).await;
            if let Err(error) = &recorded {
                error!(name: "report.failed", %error, "a delivery report cannot be recorded; it is asked for again");
            }
            // A route that has given up meanwhile finds it again.
            let _ = done.send(recorded.is_ok());
        }
        Notice::Received { route, message, done } => {
            // As for a report.
            let _ = done.send(receive(&app, &route, &message).await);
        }
        Notice::Settled { attempt, .. } => {
            if let Err(error) = app.settled(attempt).await {
                error!(
                    name: "attempt.settle_failed",
                    attempt = attempt.get(), %error,
                    "it cannot be recorded that an uncertain attempt was accepted"
                );
            }
        }
        Notice::TrySimPin { sim, pin, tries_left, go } => {
            let allowed = app.may_try_sim_pin(&sim, &pin, tries_left).await.unwrap_or_else(|error| {
                error!(
                    name: "sim_pin.try_failed",
                    %error,
                    "the try of a SIM PIN cannot be recorded; the PIN is not tried"
                );
                false
            });
            let _ = go.send(allowed);
        }
        Notice::SimPinDone { sim, pin } => {
            if let Err(error) = app.sim_pin_done(&sim, &pin).await {
                warn!(
                    name: "sim_pin.not_noted",
                    %error,
                    "it cannot be recorded that a SIM took its PIN; after a restart it will not be tried again"
                );
            }
        }
    }
}

/// Says whether a message that came in is on record.
async fn receive(app: &App, route: &str, message: &Received) -> bool {
    debug!(
        name: "inbox.received",
        route, kind = message.kind.as_str(), part = ?message.part,
        "a message came in"
    );
    let recorded = app.receive(route, message).await;
    match &recorded {
        Ok(Reaction::Kept) => {}
        Ok(Reaction::Known) => debug!(name: "inbox.known", route, "it was on record already"),
        Ok(Reaction::OptedOut) => {
            debug!(name: "inbox.opted_out", route, "its sender opted out and is on the blocklist")
        }
        Ok(Reaction::OptedIn) => debug!(name: "inbox.opted_in", route, "its sender took the opt-out back"),
        Err(error) => {
            error!(
                name: "inbox.failed",
                %error,
                "a message that came in cannot be recorded; it is asked for again"
            )
        }
    }
    recorded.is_ok()
}

async fn record(app: &App, attempt: crate::verification::AttemptId, route: &str, outcome: Outcome) {
    let mut said = false;
    loop {
        let Err(error) = app.finished(attempt, route.to_owned(), outcome.clone()).await else { return };
        if !std::mem::replace(&mut said, true) {
            error!(
                name: "attempt.finish_failed",
                attempt = attempt.get(), %error,
                "an outcome cannot be recorded; trying again until it can"
            );
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}
