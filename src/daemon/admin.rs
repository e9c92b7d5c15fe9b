//! The admin listener's part of the daemon.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::admin::{Desk, Posted, Scrapes, Sheet, TraceRow, Wires, site};
use crate::api::server::{Limits, ServerHandle, Shares, serve_site};
use crate::app::App;
use crate::config::Settings;
use crate::modem::received;
use crate::modem::tap::{Direction, Tap};
use crate::random::Random;
use crate::simulator::Simulators;

/// A few people and a few watchers.
const CONNECTIONS_MAX: usize = 64;

/// No request of it takes longer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

pub struct Admin {
    addresses: Vec<SocketAddr>,
    server: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
    sheet: Posted,
}

impl Admin {
    /// `None` where there is no listener.
    pub fn start(
        settings: &Settings,
        listeners: Vec<TcpListener>,
        app: &Arc<App>,
        (random, wires): (Random, Wires),
        shares: Shares,
        tls: Option<rustls::ServerConfig>,
    ) -> anyhow::Result<Option<Self>> {
        if listeners.is_empty() {
            return Ok(None);
        }
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
        let tls = tls.filter(|_| settings.admin.tls);
        if tls.is_none() {
            warn_of_open(&addresses);
        }
        let proxies = Arc::clone(&shares.proxies);
        let sheet = Posted::default();
        let desk = Desk::new(Arc::clone(app), random, proxies, &settings.admin.hosts, wires);
        let desk = desk.reading(sheet.clone(), received::join);
        let limits = Limits {
            workers: 1,
            connections_max: CONNECTIONS_MAX,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            ..Limits::for_cores(1)
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let token = settings.admin.metrics_token.as_ref().map(|token| token.expose().to_owned());
        let desk = desk.scraped_by(Scrapes::new(settings.admin.metrics, token));
        let server = serve_site(listeners, move || site(desk.clone()), limits, shares, tls)?;
        let handle = server.handle();
        let task = tokio::spawn(server);
        let told: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        info!(name: "admin.listening", address = told.join(", "), scheme, "the admin listener is open");
        Ok(Some(Self { addresses, server: handle, task, sheet }))
    }

    /// What its pages say of the configuration from here on.
    pub fn post(&self, sheet: Sheet) {
        self.sheet.post(sheet);
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns when it has ended by itself; never where there is none.
    pub async fn ended(admin: Option<&mut Self>) -> String {
        match admin {
            Some(admin) => format!("{:?}", (&mut admin.task).await),
            None => std::future::pending().await,
        }
    }

    pub async fn stop(&self) {
        self.server.stop(true).await;
    }
}

/// What pages show of the modems' lines: redacted alone.
pub fn wires(taps: BTreeMap<String, Tap>, simulators: Simulators) -> Wires {
    let trace = move |modem: &str| {
        let lines = taps.get(modem).map(Tap::last).unwrap_or_default();
        let row = |line: &crate::modem::tap::TraceLine| TraceRow {
            at: line.at,
            to_modem: line.direction == Direction::ToModem,
            text: line.text.clone(),
        };
        lines.iter().map(|line| row(line)).collect()
    };
    Wires { trace: Arc::new(trace), simulators }
}

fn warn_of_open(addresses: &[SocketAddr]) {
    for address in addresses.iter().filter(|address| !address.ip().to_canonical().is_loopback()) {
        warn!(
            name: "admin.plain_http",
            "the admin listener on {address} speaks plain HTTP: whoever is on the way reads the password; set admin.tls, \
             or keep it on 127.0.0.1 behind a proxy that speaks TLS"
        );
    }
}
