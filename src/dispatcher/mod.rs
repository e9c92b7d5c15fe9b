//! The loop that does what is due: sleep until due → claim → route → hand over → record.
//!
//! It never polls. It sleeps until the earliest due row or deadline, or until a budget for which something waits has
//! more, and is woken by an operation that made something due, by a route that changed, or by a message that a route has
//! done with. It registers for the wake before it looks,
//! so none is lost.
//!
//! It never waits for a modem: a claimed message goes into the route's bounded queue, which has room for it, and the
//! outcome comes back as a `Notice`.

mod notices;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::app::{App, Claim, Due, Internal};
use crate::channel::routing::{self, Choice, RouteView};
use crate::channel::{Message, Outcome, RefusalClass};
use crate::clock::Timestamp;

pub use notices::run_notices;

/// How long after a fault of the store, and the like, the dispatcher looks again.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// How often finished verifications are looked through for old ones.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Why an attempt is skipped.
const NO_ROUTE: &str = "no route takes it";
const CLOSED: &str = "its country is closed to this channel";

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

/// One pass over what is due.
struct Pass {
    /// As they were at its begin, and what it gave them: what becomes free meanwhile is for the next pass, which begins
    /// with those that come first.
    routes: Vec<RouteView>,
    steps: usize,
    until: Option<Timestamp>,
    /// Routes whose minute is kept for a message that had to wait for it.
    kept: Vec<String>,
}

/// What came of a choice.
enum Step {
    /// The attempt is due no more.
    Done,
    /// It stays due.
    None,
    /// It stays due, and the route is to be passed over.
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
                    info!("the dispatcher works again");
                }
                next
            }
            Err(fault) => {
                if !std::mem::replace(&mut self.faulty, true) {
                    error!(error = %fault, "the dispatcher cannot go on; it keeps trying");
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
        while self.app.run_deadlines().await? > 0 {}
        let now = self.app.clock().now();
        self.app.follow_clock(now).await?;
        let budget = self.hand_over_due(now).await?;
        self.purge().await?;
        let next = self.app.next_due(now).await?;
        Ok(next.into_iter().chain(budget).chain([self.next_purge]).min())
    }

    /// Hands over what can go on. Gives the instant at which a budget for which something waits has more.
    async fn hand_over_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Internal> {
        loop {
            let routes = self.app.board().routes_at(now);
            let outlook = self.app.due(now, routes.clone()).await?;
            let mut pass = Pass { routes, until: outlook.until, kept: vec![], steps: 0 };
            for due in &outlook.due {
                self.hand_over(due, &mut pass).await?;
            }
            for due in &outlook.behind {
                if pass.steps == 0 {
                    self.hand_over(due, &mut pass).await?;
                }
            }
            // Every step takes an attempt out of the list, so that the loop ends.
            if pass.steps == 0 {
                return Ok(pass.until);
            }
        }
    }

    async fn hand_over(&mut self, due: &Due, pass: &mut Pass) -> Result<(), Internal> {
        if due.closed {
            pass.steps += 1;
            return self.app.unroutable(due.attempt, CLOSED).await;
        }
        let mut spent: Vec<String> = vec![];
        loop {
            let need = due.need(&pass.kept);
            let index = match routing::choose(&pass.routes, need) {
                Choice::Take(index) => index,
                Choice::Wait { until } => {
                    pass.until = pass.until.into_iter().chain(until).min();
                    let short = routing::short_of_a_minute(&pass.routes, need);
                    pass.kept.extend(short);
                    return Ok(());
                }
                Choice::Nothing => {
                    pass.steps += 1;
                    return self.app.unroutable(due.attempt, NO_ROUTE).await;
                }
            };
            let route = pass.routes[index].name.clone();
            match self.claim(due, &route).await? {
                Step::Done => {
                    pass.steps += 1;
                    pass.routes[index].take(due.lane.kind, due.amount);
                    return Ok(());
                }
                Step::None => return Ok(()),
                // The texts were changed meanwhile, and the message is longer than it was at the look.
                Step::Spent if spent.contains(&route) => {
                    let again = self.app.clock().now() + FAULT_PAUSE;
                    pass.until = pass.until.into_iter().chain([again]).min();
                    return Ok(());
                }
                Step::Spent => {
                    pass.routes[index].budget = self.app.board().budget(&route);
                    spent.push(route);
                }
            }
        }
    }

    async fn claim(&mut self, due: &Due, route: &str) -> Result<Step, Internal> {
        let Some(queue) = self.queues.get(route) else { return Ok(Step::None) };
        let message = match self.app.claim(due.attempt, route).await {
            Ok(Claim::Message(message)) => message,
            Ok(Claim::Gone) => return Ok(Step::Done),
            Ok(Claim::Blocked) => {
                let reason = "its number is on the blocklist".to_owned();
                let outcome = Outcome::Refused { class: RefusalClass::Final, reason };
                self.app.finished(due.attempt, route.to_owned(), outcome).await?;
                return Ok(Step::Done);
            }
            Ok(Claim::Closed(reason)) => {
                self.app.unroutable(due.attempt, reason).await?;
                return Ok(Step::Done);
            }
            Ok(Claim::Spent) => return Ok(Step::Spent),
            Err(fault @ Internal::Row { .. }) => {
                // Only this row is broken; the others must not wait for it.
                error!(attempt = %due.attempt, error = %fault, "an attempt cannot be sent");
                let outcome = Outcome::Refused { class: RefusalClass::Final, reason: fault.to_string() };
                self.app.finished(due.attempt, route.to_owned(), outcome).await?;
                return Ok(Step::Done);
            }
            Err(fault) => return Err(fault),
        };
        debug!(attempt = %due.attempt, request_id = message.request.map(tracing::field::display), route, "claimed");
        self.app.board().take_room(route);
        if queue.try_send(*message).is_err() {
            // The route is going away or its count of messages is wrong: the attempt is due again.
            self.app.board().give_room(route);
            self.app.finished(due.attempt, route.to_owned(), Outcome::Returned).await?;
            return Ok(Step::None);
        }
        Ok(Step::Done)
    }

    async fn purge(&mut self) -> Result<(), Internal> {
        let now = self.app.clock().now();
        if now < self.next_purge {
            return Ok(());
        }
        let purged = self.app.purge().await?;
        let messages = self.app.purge_inbox().await?;
        let uses = self.app.purge_budgets().await? + self.app.purge_guard().await?;
        // A full batch may not be the last one; the next look takes the next.
        self.next_purge = if purged + messages + uses > 0 { now + FAULT_PAUSE } else { now + PURGE_INTERVAL };
        if purged > 0 {
            info!(verifications = purged, "purged old verifications");
        }
        if messages > 0 {
            info!(parts = messages, "purged old messages of the inbox");
        }
        Ok(())
    }
}
