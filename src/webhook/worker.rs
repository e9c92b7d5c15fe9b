//! The task that tells accounts' servers: sleep until something is due → take → send → record.
//!
//! It holds up nobody: of all accounts and of each so many requests are under way at most, and of one whose receiver fails
//! a single one. An event that was taken and never recorded, because the process ended, is sent once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::client::{Client, ClientConfig, Exchange};
use super::schedule::Verdict;
use crate::app::{App, InFlight, Internal, Sending, Settled};
use crate::channel::provider::retry_after;
use crate::clock::Timestamp;
use crate::verification::AccountId;

/// How long after a fault of the store the worker looks again.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// How often settled events are looked through for old ones.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// A receiver that fails for so long is worth a line in the log.
const FAILS_LONG: Duration = Duration::from_secs(60);

/// Of requests under way at the daemon's end; one that takes longer is made again at the next start.
const DRAIN: Duration = Duration::from_secs(5);

/// The worker of one daemon.
pub struct Worker {
    app: Arc<App>,
    client: Arc<LazyClient>,
    requests: JoinSet<()>,
    under_way: BTreeMap<Id, AccountId>,
    said: Arc<Said>,
    next_purge: Timestamp,
    /// The last look failed; said once.
    faulty: bool,
}

/// Made for the first request: most installations have no webhook, and need no authorities.
struct LazyClient {
    config: ClientConfig,
    client: OnceLock<Result<Client, String>>,
}

impl LazyClient {
    fn get(&self) -> Result<&Client, String> {
        self.client.get_or_init(|| Client::new(&self.config)).as_ref().map_err(Clone::clone)
    }
}

/// What was said of which account's receiver since it last took an event.
#[derive(Default)]
struct Said(Mutex<BTreeSet<(AccountId, Trouble)>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Fails,
    GivenUp,
}

impl Said {
    fn is_first(&self, account: AccountId, trouble: Trouble) -> bool {
        self.lock().insert((account, trouble))
    }

    /// Whether anything was said; from here on nothing was.
    fn is_over(&self, account: AccountId) -> bool {
        let mut said = self.lock();
        let fails = said.remove(&(account, Trouble::Fails));
        said.remove(&(account, Trouble::GivenUp)) || fails
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(AccountId, Trouble)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    pub fn new(app: Arc<App>, config: ClientConfig) -> Self {
        let next_purge = app.clock().now();
        Self {
            app,
            client: Arc::new(LazyClient { config, client: OnceLock::new() }),
            requests: JoinSet::new(),
            under_way: BTreeMap::new(),
            said: Arc::default(),
            next_purge,
            faulty: false,
        }
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken, mut pings: mpsc::Receiver<oneshot::Sender<()>>) {
        let app = Arc::clone(&self.app);
        loop {
            let woken = app.webhook_wake().notified();
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
                () = stop.cancelled() => break,
                () = woken => {}
                () = due => {}
                Some(ended) = self.requests.join_next_with_id() => self.ended(ended),
                Some(ping) = pings.recv() => {
                    // The watchdog may have given up meanwhile.
                    let _ = ping.send(());
                }
            }
        }
        let drained = async { while self.requests.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            debug!(
                name: "webhook.cut_off",
                "a webhook's receiver did not answer in time; the event is sent again after the next start"
            );
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(panic) => panic.id(),
        };
        if let Err(panic) = ended {
            error!(
                name: "webhook.panicked",
                %panic,
                "a request of a webhook failed; the event is sent again after the next start"
            );
        }
        self.under_way.remove(&id);
    }

    /// One look; a fault is said once and makes a pause.
    async fn look_or_pause(&mut self) -> Option<Timestamp> {
        match self.look().await {
            Ok(next) => {
                if std::mem::take(&mut self.faulty) {
                    info!(name: "webhook.works_again", "webhooks are sent again");
                }
                next
            }
            Err(fault) => {
                if !std::mem::replace(&mut self.faulty, true) {
                    error!(
                        name: "webhook.stuck",
                        error = %fault,
                        "webhooks cannot be sent; it is tried again and again"
                    );
                }
                Some(self.app.clock().now() + FAULT_PAUSE)
            }
        }
    }

    /// Begins everything that can be begun now. Gives the instant of the next look.
    async fn look(&mut self) -> Result<Option<Timestamp>, Internal> {
        let concurrency = self.app.rules().webhooks.concurrency;
        let room = concurrency.saturating_sub(self.under_way.len());
        for sending in self.app.take_webhook_events(&self.in_flight(), room).await? {
            let account = sending.account;
            let request = send(Arc::clone(&self.app), Arc::clone(&self.client), Arc::clone(&self.said), sending);
            let handle = self.requests.spawn(request);
            self.under_way.insert(handle.id(), account);
        }
        self.purge().await?;
        let room = concurrency.saturating_sub(self.under_way.len());
        let next = self.app.next_webhook_event(&self.in_flight(), room).await?;
        Ok(next.into_iter().chain([self.next_purge]).min())
    }

    fn in_flight(&self) -> InFlight {
        self.under_way.values().fold(InFlight::new(), |mut in_flight, account| {
            *in_flight.entry(*account).or_default() += 1;
            in_flight
        })
    }

    async fn purge(&mut self) -> Result<(), Internal> {
        let now = self.app.clock().now();
        if now < self.next_purge {
            return Ok(());
        }
        let purged = self.app.purge_webhook_events().await?;
        // A full batch may not be the last one; the next look takes the next.
        self.next_purge = if purged > 0 { now + FAULT_PAUSE } else { now + PURGE_INTERVAL };
        if purged > 0 {
            info!(name: "webhook.purged", events = purged, "purged old events of webhooks");
        }
        Ok(())
    }
}

/// Sends one event, and puts on record what came of it, however long that takes.
async fn send(app: Arc<App>, client: Arc<LazyClient>, said: Arc<Said>, sending: Sending) {
    let exchange = match (&sending.delivery, client.get()) {
        (Ok(delivery), Ok(client)) => {
            let begun = Instant::now();
            let exchange = client.send(delivery, 0).await;
            app.metrics().webhook_requested(begun.elapsed());
            exchange
        }
        (Err(reason), _) => Exchange::Failed { reason: reason.clone() },
        (_, Err(reason)) => Exchange::Failed { reason },
    };
    let (status, verdict) = match exchange {
        Exchange::Answered { status, retry_after: asked, .. } => {
            let asked = asked.and_then(|asked| retry_after(&asked, app.clock().now()));
            (Some(status), Verdict::of(status, asked))
        }
        Exchange::Failed { reason } => (None, Verdict::unanswered(reason)),
    };
    debug!(
        name: "webhook.sent",
        account = sending.api_key, event = sending.event, ?status, ?verdict,
        "an event was sent"
    );
    let settled = record(&app, &sending, status, &verdict).await;
    tell(&said, &sending, &settled, &verdict, app.clock().now());
}

async fn record(app: &App, sending: &Sending, status: Option<u16>, verdict: &Verdict) -> Settled {
    let mut was_said = false;
    loop {
        let error = match app.settle_webhook_event(sending, status, verdict.clone()).await {
            Ok(settled) => return settled,
            Err(error) => error,
        };
        if !std::mem::replace(&mut was_said, true) {
            error!(
                name: "webhook.record_failed",
                event = sending.event, %error,
                "what came of a webhook cannot be recorded; trying until it can"
            );
        }
        tokio::time::sleep(FAULT_PAUSE).await;
    }
}

/// What an operator may have to look at, once for each time of failures.
fn tell(said: &Said, sending: &Sending, settled: &Settled, verdict: &Verdict, now: Timestamp) {
    let (account, key) = (sending.account, sending.api_key.as_str());
    let place = sending.delivery.as_ref().map(|delivery| delivery.target.place()).unwrap_or_default();
    let reason = match verdict {
        Verdict::Failed { reason, .. } => reason.as_str(),
        Verdict::Delivered | Verdict::Gone => "",
    };
    match settled {
        Settled::Delivered => {
            if said.is_over(account) {
                info!(name: "webhook.back", account = key, place, "the receiver of a webhook takes events again");
            }
        }
        Settled::PutOff { failing_since } => {
            if now.since(*failing_since) >= FAILS_LONG && said.is_first(account, Trouble::Fails) {
                warn!(
                    name: "webhook.failing",
                    account = key, place, reason,
                    "the receiver of a webhook fails; its events are kept and tried again"
                );
            }
        }
        Settled::Dead => {
            if said.is_first(account, Trouble::GivenUp) {
                warn!(
                    name: "webhook.given_up",
                    account = key, place, reason,
                    "an event of a webhook was given up; `simverify webhook list --dead`"
                );
            }
        }
        Settled::Gone => {
            warn!(
                name: "webhook.gone",
                account = key, place,
                "the receiver of a webhook answered 410 Gone: the webhook is turned off"
            );
        }
    }
}
