//! The whole daemon, put together: what `serve` runs, `demo` shows and the tests talk to.
//!
//! ```text
//!  HTTP ──► app ◄── dispatcher ──► queue of each modem ──► driver ──► port
//!            ▲             │                                 │
//!            │             └─────► of each provider ──► worker ──► HTTP
//!            └──────────────── notices ◄─────────────────────┘
//! ```
//!
//! Tasks and what they wait on: HTTP workers of both listeners on sockets; the dispatcher on due times, wakes and changes of the board; a
//! driver on its port and its queue; a worker on its requests and its queue; the webhooks' worker on due times, wakes and its
//! requests; the notices task on drivers; the local socket on connections; the history's task on what happens to modems; the
//! certificate's task on its files; the store's writer, a thread, on its queue. None waits for another's work to end. If the
//! writer, the dispatcher, the webhooks' worker or the notices task ends by itself, the daemon ends, and
//! the service manager starts it again.

mod admin;
mod lock;
mod rotation;
mod settings;
mod sheet;
mod tls;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::api::server::{Limits, ServerHandle, Shares, serve};
use crate::api::{Api, Failures, Load, Throttle};
use crate::app::App;
use crate::channel::provider::{Provider, worker};
use crate::channel::{Board, Notice};
use crate::clock::{Clock, Timestamp};
use crate::config::{Configuration, Settings};
use crate::dispatcher::{Dispatcher, keep_history, run_notices};
use crate::modem::driver::{self, Surroundings};
use crate::modem::tap::Tap;
use crate::random::Random;
use crate::secrets::Secrets;
use crate::simulator::Simulators;
use crate::socket::{self, Doors, Socket};
use crate::speech::Speech;
use crate::store::Store;
use crate::webhook::client::Client as WebhookClient;
use crate::webhook::worker::Worker as WebhookWorker;

use admin::Admin;
pub use lock::{DatabaseLock, LockError};
pub use settings::{
    call_limits, callbacks, modem_config, port_address, provider_config, reading, routes, rules, sms_limits,
    speech_engine, webhook_client,
};
pub use tls::Pair;
use tls::Tls;

/// `admin.listen` where the operator says nothing.
const ADMIN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);

/// Notices that may wait: a few for each route.
const NOTICES: usize = 256;

/// How long after SIGTERM the messages in the routes' hands may take: longer than any submit time-out of a modem. The
/// service manager waits a little longer.
const DRAIN: Duration = Duration::from_secs(75);

/// For the last of what happened to modems: the log has it too.
const HISTORY_WITHIN: Duration = Duration::from_secs(3);

/// What every installation of the daemon has.
pub struct Parts {
    pub store: Store,
    pub secrets: Secrets,
    pub clock: Clock,
    pub random: Random,
    pub simulators: Simulators,
    /// Held for as long as the daemon runs.
    pub lock: DatabaseLock,
}

/// A daemon that runs.
pub struct Daemon {
    addresses: Vec<SocketAddr>,
    app: Arc<App>,
    server: ServerHandle,
    http: JoinHandle<std::io::Result<()>>,
    /// None where it is turned off.
    admin: Option<Admin>,
    tls: Option<Arc<Tls>>,
    dispatcher: JoinHandle<()>,
    webhooks: JoinHandle<()>,
    notices: JoinHandle<()>,
    /// Ends once the drivers have.
    history: JoinHandle<()>,
    close_history: CancellationToken,
    /// Keeps the notices task alive where there is no modem.
    notice_sender: mpsc::Sender<Notice>,
    drivers: Vec<JoinHandle<()>>,
    /// None if there can be no socket.
    socket: Option<JoinHandle<()>>,
    close_socket: CancellationToken,
    pings: Vec<mpsc::Sender<oneshot::Sender<()>>>,
    stop: CancellationToken,
    _lock: DatabaseLock,
}

impl Daemon {
    /// Starts everything; requests are accepted when this returns.
    ///
    /// # Errors
    ///
    /// An address that cannot be listened on, a certificate that cannot be read, a database that fails.
    pub async fn start(settings: &Settings, parts: Parts) -> anyhow::Result<Self> {
        let Parts { store, secrets, clock, random, simulators, lock } = parts;
        let metrics = store.metrics().clone();
        let tls = settings.server.tls().map(|files| Tls::read(files, clock.clone(), metrics.clone()));
        let tls = tls.transpose()?.map(Arc::new);
        let listeners = listen(&settings.server.listen, "server.listen")?;
        let admin_listeners = listen_for_admins(&settings.admin.listen)?;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
        warn_of_missing(settings);
        warn_of_texts(settings);

        let board = Board::new(settings::routes(settings, clock.now()));
        let app = App::new(store, clock.clone(), random.clone(), secrets, board.clone(), rules(settings))?;
        let app = Arc::new(app);
        let resumed = app.recover().await.context("cannot bring the outbox in order")?;
        if resumed > 0 {
            info!(name: "daemon.resumed", verifications = resumed, "verifications in progress go on");
        }

        let stop = CancellationToken::new();
        let (notice_sender, notices) = mpsc::channel(NOTICES);
        let mut pings = vec![];
        let mut ping = || {
            let (sender, receiver) = mpsc::channel(1);
            pings.push(sender);
            receiver
        };
        // One for all modems: it keeps what many calls say.
        let speech = Arc::new(Speech::new(speech_engine(&settings.tts)));
        let (mut queues, mut taps) = (BTreeMap::new(), BTreeMap::new());
        let mut drivers = vec![];
        for config in settings::modems(settings) {
            board.register().enter(&config.name, settings::modem_setup(&config));
            let (queue, messages) = mpsc::channel(driver::HELD);
            queues.insert(config.name.clone(), queue);
            let tap = Tap::new(clock.clone());
            taps.insert(config.name.clone(), tap.clone());
            let surroundings = Surroundings {
                board: board.clone(),
                notices: notice_sender.clone(),
                clock: clock.clone(),
                metrics: metrics.clone(),
                simulators: simulators.clone(),
                tap,
                speech: Arc::clone(&speech),
                stop: stop.clone(),
            };
            drivers.push(tokio::spawn(driver::run(config, surroundings, messages, ping())));
        }
        for config in settings::providers(settings) {
            let provider = Provider::new(&config).with_context(|| format!("provider {}", config.name))?;
            let (queue, messages) = mpsc::channel(worker::held(config.concurrency));
            queues.insert(config.name.clone(), queue);
            let surroundings = worker::Surroundings {
                board: board.clone(),
                notices: notice_sender.clone(),
                clock: clock.clone(),
                metrics: metrics.clone(),
                stop: stop.clone(),
            };
            drivers.push(tokio::spawn(worker::run(config, provider, surroundings, messages, ping())));
        }
        let notices = tokio::spawn(run_notices(Arc::clone(&app), notices));
        let close_history = CancellationToken::new();
        let history = tokio::spawn(keep_history(Arc::clone(&app), close_history.clone()));
        let dispatcher = Dispatcher::new(Arc::clone(&app), queues, ping());
        let dispatcher = tokio::spawn(dispatcher.run(stop.clone()));
        let webhooks = webhook_worker(settings, &app)?;
        let webhooks = tokio::spawn(webhooks.run(stop.clone(), ping()));

        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let proxies = Arc::new(settings::proxies(settings));
        let limits = settings::server_limits(settings);
        let api = Api {
            app: Arc::clone(&app),
            clock: clock.clone(),
            random: random.clone(),
            throttle: Throttle::default(),
            failures: Failures::default(),
            load: Load::new(limits.requests_in_flight, cores),
            proxies: Arc::clone(&proxies),
            callbacks: callbacks(settings),
        };
        let server_config = tls.as_ref().map(|tls| tls.server_config()).transpose()?;
        let shares = Shares::new(limits.connections_per_address, Arc::clone(&proxies));
        let server = serve(listeners, api, Limits::for_cores(cores), shares.clone(), server_config.clone())?;
        let wires = admin::wires(taps.clone(), simulators);
        let admin = Admin::start(settings, admin_listeners, &app, (random, wires), shares, server_config)?;
        let handle = server.handle();
        let http = tokio::spawn(server);
        if let Some(tls) = &tls {
            tokio::spawn(stop.clone().run_until_cancelled_owned(Arc::clone(tls).keep_current()));
        }
        let close_socket = CancellationToken::new();
        let (asked, rotations) = mpsc::channel(1);
        let rotation = rotation::of(settings, Arc::clone(&app));
        tokio::spawn(stop.clone().run_until_cancelled_owned(rotation::run(rotation, app.clock().clone(), rotations)));
        let wake = Arc::clone(app.webhook_wake());
        let doors = Doors { taps, board, rotations: asked, webhooks: wake };
        let socket = open_socket(&settings.storage.path, doors, close_socket.clone());
        Ok(Self {
            addresses,
            app,
            server: handle,
            http,
            admin,
            tls,
            dispatcher,
            webhooks,
            notices,
            history,
            close_history,
            notice_sender,
            drivers,
            socket,
            close_socket,
            pings,
            stop,
            _lock: lock,
        })
    }

    /// The addresses that it listens on, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The same of the admin listener; none where it is turned off.
    pub fn admin_addresses(&self) -> &[SocketAddr] {
        self.admin.as_ref().map_or(&[], Admin::addresses)
    }

    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Takes what may change while it runs from a configuration that was read again.
    pub fn reload(&self, configuration: &Configuration) {
        self.app.set_rules(rules(&configuration.settings));
        self.reload_certificate();
        self.show(configuration);
    }

    /// Says on the pages of the admin listener what is configured.
    pub fn show(&self, configuration: &Configuration) {
        if let Some(admin) = &self.admin {
            admin.post(sheet::of(configuration, self.app.clock().now()));
        }
    }

    /// Looks at certificate and key again, which it does by itself whenever their files change.
    fn reload_certificate(&self) {
        if let Some(tls) = &self.tls {
            tls.look_again();
        }
    }

    /// A probe for the watchdog: whether writer, dispatcher and drivers answer.
    pub fn probe(&self) -> Probe {
        Probe { app: Arc::clone(&self.app), pings: self.pings.clone() }
    }

    /// Returns when a part without which the daemon is of no use has ended by itself.
    pub async fn failed(&mut self) -> anyhow::Error {
        let stop = self.stop.clone();
        tokio::select! {
            () = self.app.store().closed() => anyhow!("the database writer has ended"),
            ended = &mut self.dispatcher, if !stop.is_cancelled() => anyhow!("the dispatcher has ended: {ended:?}"),
            ended = &mut self.webhooks, if !stop.is_cancelled() => anyhow!("the webhooks' worker has ended: {ended:?}"),
            ended = &mut self.notices, if !stop.is_cancelled() => anyhow!("the notices task has ended: {ended:?}"),
            ended = Admin::ended(self.admin.as_mut()) => anyhow!("the admin listener has ended: {ended}"),
            ended = &mut self.http => anyhow!("the HTTP server has ended: {ended:?}"),
        }
    }

    /// Stops: no further requests; what is in a modem's hands finishes; what is not stays in the outbox.
    pub async fn stop(self) {
        self.stop.cancel();
        self.server.stop(true).await;
        if let Some(admin) = &self.admin {
            admin.stop().await;
        }
        drop(self.notice_sender);
        let drained = async {
            for driver in self.drivers {
                log_panic(driver.await, "the task of a modem or provider");
            }
            // One that has ended by itself was looked at already, and may not be asked twice.
            if !self.dispatcher.is_finished() {
                log_panic(self.dispatcher.await, "the dispatcher");
            }
            if !self.webhooks.is_finished() {
                log_panic(self.webhooks.await, "the webhooks' worker");
            }
            if !self.notices.is_finished() {
                log_panic(self.notices.await, "the notices task");
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            warn!(
                name: "daemon.drain_timeout",
                "a route did not finish its message in time; the message counts as uncertain at the next start"
            );
        }
        self.close_history.cancel();
        if let Ok(ended) = tokio::time::timeout(HISTORY_WITHIN, self.history).await {
            log_panic(ended, "the record of what happens to modems");
        }
        // Last of all: who looks on sees the end too. Before the lock goes: the next daemon has the same path.
        self.close_socket.cancel();
        if let Some(socket) = self.socket {
            log_panic(socket.await, "the local socket");
        }
    }
}

/// The daemon works without it, and so it starts without it.
fn open_socket(database: &Path, doors: Doors, close: CancellationToken) -> Option<JoinHandle<()>> {
    match Socket::bind(&socket::path(database)) {
        Ok(socket) => Some(tokio::spawn(socket.serve(doors, close))),
        Err(error) => {
            warn!(
                name: "socket.missing",
                %error,
                "there is no local socket; `simverify modem trace` and `key rotate` will not work"
            );
            None
        }
    }
}

/// A client that could not be made is told at the start where the operator has set something that may be wrong.
fn webhook_worker(settings: &Settings, app: &Arc<App>) -> anyhow::Result<WebhookWorker> {
    let config = webhook_client(settings);
    if config.ca_file.is_some() || config.proxy.is_some() {
        WebhookClient::new(&config).map_err(|reason| anyhow!("webhooks: {reason}"))?;
    }
    Ok(WebhookWorker::new(Arc::clone(app), config))
}

fn log_panic(result: Result<(), tokio::task::JoinError>, what: &str) {
    if let Err(panic) = result {
        error!(name: "daemon.part_panicked", %panic, "{what} failed");
    }
}

/// Asks every part whether it still works.
#[derive(Clone)]
pub struct Probe {
    app: Arc<App>,
    pings: Vec<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Probe {
    /// Returns once all have answered; never, if one does not.
    pub async fn answered(&self) {
        // An error is an answer too: a full disk is no reason to start again.
        let _ = self.app.store().write(|_| Ok::<_, crate::store::StoreError>(())).await;
        for ping in &self.pings {
            let (sender, answer) = oneshot::channel();
            if ping.send(sender).await.is_err() || answer.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn listen(addresses: &[SocketAddr], key: &str) -> anyhow::Result<Vec<TcpListener>> {
    addresses
        .iter()
        .map(|address| TcpListener::bind(address).with_context(|| format!("cannot listen on {address}: change {key}")))
        .collect()
}

/// Another program at the address that nobody chose must not keep numbers from being verified.
fn listen_for_admins(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    if addresses != [ADMIN_DEFAULT] {
        return listen(addresses, "admin.listen");
    }
    match TcpListener::bind(ADMIN_DEFAULT) {
        Ok(listener) => Ok(vec![listener]),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            warn!(
                name: "admin.missing",
                "there is no admin listener: another program has {ADMIN_DEFAULT}; set admin.listen"
            );
            Ok(vec![])
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {ADMIN_DEFAULT}: change admin.listen")),
    }
}

/// Says what is unwise about the operator's texts.
pub fn warn_of_texts(settings: &Settings) {
    for warning in &settings.messages.warnings {
        warn!(name: "messages.warning", "{warning}");
    }
}

/// Without a route nothing can be sent; the daemon starts all the same, so that its API says so.
fn warn_of_missing(settings: &Settings) {
    for provider in settings.providers.iter().filter(|provider| provider.callback_secret.is_some()) {
        let reading = settings::reading(&provider.callback);
        if !reading.message.is_of_use() && !reading.call.is_of_use() {
            let name = provider.name.as_str();
            warn!(
                name: "config.idle_callback",
                "provider {name} has a callback_secret, and its callback names no status: callbacks tell nothing"
            );
        }
    }
    if settings::routes(settings, Timestamp::default()).is_empty() {
        warn!(
            name: "config.no_route",
            "no route is configured: every request is refused; add a [[modems]] or [[providers]] table"
        );
    }
}
