//! The loop that does what is due: sleep until due → claim → route → hand over → record.
//!
//! It never polls. It sleeps until the earliest due row or deadline, or until a budget for which something waits has
//! more, and is woken by an operation that made something due, by a route that changed, or by a message that a route has
//! done with. It registers for the wake before it looks,
//! so none is lost.
//!
//! It never waits for a modem: a claimed message goes into the route's bounded queue, which has room for it, and the
//! outcome comes back as a `Notice`.

mod history;
mod notices;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::app::{App, Claim, Due, Internal, Step};
use crate::channel::{Message, Outcome, RefusalClass};
use crate::clock::Timestamp;

pub use history::keep_history;
pub use notices::run_notices;

/// How long after a fault of the store, and the like, the dispatcher looks again.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// How often finished verifications are looked through for old ones.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// The queues of the routes, by name.
pub type Queues = BTreeMap<String, mpsc::Sender<Message>>;

/// The dispatcher of one daemon.
pub struct Dispatcher {
    app: Arc<App>,
    queues: Queues,
    /// Asked by the watchdog whether the loop still turns.
    pings: mpsc::Receiver<oneshot::Sender<()>>,
    next_purge: Timestamp,
    /// The last look failed; said once.
    faulty: bool,
}

/// What came of a step.
enum Done {
    /// The attempt is due no more.
    Over,
    StillDue,
    /// It is still due: the route has less of its budget than the look knew.
    Spent,
}

impl Dispatcher {
    pub fn new(app: Arc<App>, queues: Queues, pings: mpsc::Receiver<oneshot::Sender<()>>) -> Self {
        let next_purge = app.clock().now();
        Self { app, queues, pings, next_purge, faulty: false }
    }

    /// Runs until `stop`; what is claimed by then is in the routes' hands.
    pub async fn run(mut self, stop: CancellationToken) {
        let app = Arc::clone(&self.app);
        loop {
            let woken = app.wake().notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let next = self.look_or_pause().await;
            let due = async {
                match next {
                    Some(next) => app.clock().sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = woken => {}
                () = app.board().changed() => {}
                () = due => {}
                Some(ping) = self.pings.recv() => {
                    // The watchdog may have given up meanwhile.
                    let _ = ping.send(());
                }
            }
        }
    }

    /// One look; a fault is said once and makes a pause.
    async fn look_or_pause(&mut self) -> Option<Timestamp> {
        match self.look().await {
            Ok(next) => {
                if std::mem::take(&mut self.faulty) {
                    info!(name: "dispatcher.back", "the dispatcher works again");
                }
                next
            }
            Err(fault) => {
                if !std::mem::replace(&mut self.faulty, true) {
                    error!(name: "dispatcher.failing", error = %fault, "the dispatcher cannot go on; it keeps trying");
                }
                Some(self.app.clock().now() + FAULT_PAUSE)
            }
        }
    }

    /// Does everything that can be done now. Gives the instant of the next look.
    ///
    /// # Errors
    ///
    /// A fault of the store; what was claimed before it is handed over.
    pub async fn look(&mut self) -> Result<Option<Timestamp>, Internal> {
        self.hand_over_by_hand().await;
        while self.app.run_deadlines().await? > 0 {}
        let now = self.app.clock().now();
        self.app.follow_clock(now).await?;
        let budget = self.hand_over_due(now).await?;
        self.purge().await?;
        let next = self.app.next_due(now).await?;
        Ok(next.into_iter().chain(budget).chain([self.next_purge]).min())
    }

    /// Hands over what an operator tries.
    async fn hand_over_by_hand(&self) {
        for (route, message) in self.app.take_by_hand() {
            let (attempt, kind) = (message.attempt, message.kind);
            self.app.board().take_room(&route, attempt, kind, self.app.clock().now());
            if self.queues.get(&route).is_none_or(|queue| queue.try_send(message).is_err()) {
                self.app.board().give_room(&route, attempt, self.app.clock().now());
                if let Err(error) = self.app.finished(attempt, route, Outcome::Returned).await {
                    error!(name: "attempt.by_hand_failed", %attempt, %error, "it cannot be recorded that a message by hand was not sent; it counts in its budget");
                }
            }
        }
    }

    /// Hands over what can go on. Gives the instant at which more can by time alone.
    async fn hand_over_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Internal> {
        let mut stale = 0;
        loop {
            // The routes as they are at its begin: what becomes free meanwhile is for the next look, which begins with
            // those that come first.
            let outlook = self.app.due(now, self.app.board().routes_at(now)).await?;
            let (mut done, mut spent) = (0, 0);
            for step in &outlook.steps {
                match self.do_step(step).await? {
                    Done::Over => done += 1,
                    Done::StillDue => {}
                    Done::Spent => spent += 1,
                }
            }
            stale = if done == 0 && spent > 0 { stale + 1 } else { 0 };
            if stale > 1 {
                // The texts were changed meanwhile, and messages are longer than they were at the look.
                let again = self.app.clock().now() + FAULT_PAUSE;
                return Ok(outlook.until.into_iter().chain([again]).min());
            }
            // Every step takes an attempt out of the list, so that the loop ends.
            if done == 0 && spent == 0 {
                return Ok(outlook.until);
            }
        }
    }

    async fn do_step(&mut self, step: &Step) -> Result<Done, Internal> {
        match &step.route {
            Ok(route) => self.claim(&step.due, route).await,
            Err(reason) => {
                self.app.unroutable(step.due.attempt, reason).await?;
                Ok(Done::Over)
            }
        }
    }

    async fn claim(&mut self, due: &Due, route: &str) -> Result<Done, Internal> {
        let Some(queue) = self.queues.get(route) else { return Ok(Done::StillDue) };
        let message = match self.app.claim(due.attempt, route).await {
            Ok(Claim::Message(message)) => message,
            Ok(Claim::Gone) => return Ok(Done::Over),
            Ok(Claim::Blocked) => {
                let reason = "its number is on the blocklist".to_owned();
                let outcome = Outcome::Refused { class: RefusalClass::Final, reason };
                self.app.finished(due.attempt, route.to_owned(), outcome).await?;
                return Ok(Done::Over);
            }
            Ok(Claim::Closed(reason)) => {
                self.app.unroutable(due.attempt, reason).await?;
                return Ok(Done::Over);
            }
            Ok(Claim::Spent) => return Ok(Done::Spent),
            Err(fault @ Internal::Row { request: request_id, .. }) => {
                // Only this row is broken; the others must not wait for it.
                let attempt = due.attempt.get();
                error!(name: "attempt.unreadable", %request_id, attempt, error = %fault, "an attempt cannot be sent");
                let outcome = Outcome::Refused { class: RefusalClass::Final, reason: fault.to_string() };
                self.app.finished(due.attempt, route.to_owned(), outcome).await?;
                return Ok(Done::Over);
            }
            Err(fault) => return Err(fault),
        };
        message.span(route).in_scope(|| debug!(name: "attempt.claimed", "a route was chosen"));
        self.app.board().take_room(route, due.attempt, due.lane.kind, self.app.clock().now());
        if queue.try_send(*message).is_err() {
            // The route is going away or its count of messages is wrong: the attempt is due again.
            self.app.board().give_room(route, due.attempt, self.app.clock().now());
            self.app.finished(due.attempt, route.to_owned(), Outcome::Returned).await?;
            return Ok(Done::StillDue);
        }
        Ok(Done::Over)
    }

    async fn purge(&mut self) -> Result<(), Internal> {
        let now = self.app.clock().now();
        if now < self.next_purge {
            return Ok(());
        }
        let purged = self.app.purge().await?;
        let messages = self.app.purge_inbox().await?;
        let uses = self.app.purge_budgets().await? + self.app.purge_guard().await?;
        let uses = uses + self.app.purge_modem_history().await?;
        let wiped = self.app.wipe_numbers_and_addresses().await?;
        let pages = self.app.give_back_pages().await?;
        // A full batch may not be the last one; the next look takes the next.
        self.next_purge =
            if purged + messages + uses + wiped + pages > 0 { now + FAULT_PAUSE } else { now + PURGE_INTERVAL };
        if purged > 0 {
            info!(name: "purge.verifications", verifications = purged, "purged old verifications");
        }
        if messages > 0 {
            info!(name: "purge.inbox", parts = messages, "purged old messages of the inbox");
        }
        Ok(())
    }
}
