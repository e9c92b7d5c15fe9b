//! What the installation does, in numbers: counters, histograms and gauges for Prometheus.
//!
//! A value that is handed on, like the clock: each part notes what it did, and knows nothing of who reads it. What
//! happens within a transaction is noted there as a [`Fact`] and counted once it is durable. What only stands at one
//! instant is not kept here but read at each scrape: [`Readings`].
//!
//! [`catalogue`] has every family with its labels. A label's value is a word of the program, the name of a configured
//! route, a country or a number of few values: never a phone number, a request id, an account or anything secret.

pub mod catalogue;
mod fact;
mod process;
mod readings;
mod text;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::clock::Timestamp;
use catalogue::{Described, Kind};

pub use fact::Fact;
pub use process::Process;
pub use readings::Readings;
pub use text::{Form, write};

/// Every name but those of the process begins so.
const PREFIX: &str = "simverify";

/// Names with their values, in the catalogue's order.
type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// A label's value: a word, or a name that the configuration gives.
type Value = Cow<'static, str>;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    api_requests: Counters,
    api_request_duration: Histograms,
    http_requests: Counters,
    login_failures: Counters,
    hash_wait: Histogram,
    hash_waiting: Gauge,
    started: Counters,
    ended: Counters,
    verdicts: Counters,
    sends: Counters,
    unroutable: Counters,
    deliveries: Counters,
    received: Counters,
    queue_wait: Histograms,
    send_duration: Histograms,
    delivery_duration: Histograms,
    task_restarts: Counters,
    recovery_steps: Counters,
    modem_restarts: Counters,
    port_losses: Counters,
    calls: Counters,
    call_ringing: Histograms,
    call_duration: Histograms,
    webhook_deliveries: Counters,
    webhook_request_duration: Histogram,
    commit_duration: Histogram,
    commit_jobs: Histogram,
    commit_failures: Counter,
    scrape_errors: Counters,
    /// In milliseconds since 1970; 0: there is none, or it does not say.
    certificate_end: AtomicI64,
}

impl Default for Shared {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let add = &mut registry;
        let info = &catalogue::BUILD_INFO;
        add.register(info.name, info.help, Info::new([(info.labels[0], env!("CARGO_PKG_VERSION"))]));
        let scrape_errors = Counters::new(add, &catalogue::SCRAPE_ERRORS);
        catalogue::SCRAPE_PARTS.iter().for_each(|part| scrape_errors.show([(*part).into()]));
        let webhook_deliveries = Counters::new(add, &catalogue::WEBHOOK_DELIVERIES);
        catalogue::WEBHOOK_RESULTS.iter().for_each(|result| webhook_deliveries.show([(*result).into()]));
        Self {
            api_requests: Counters::new(add, &catalogue::API_REQUESTS),
            api_request_duration: Histograms::new(add, &catalogue::API_REQUEST_DURATION),
            http_requests: Counters::new(add, &catalogue::HTTP_REQUESTS),
            login_failures: Counters::new(add, &catalogue::LOGIN_FAILURES),
            hash_wait: one_histogram(add, &catalogue::HASH_WAIT),
            hash_waiting: catalogue::HASH_WAITING.register(add, Gauge::default()),
            started: Counters::new(add, &catalogue::VERIFICATIONS_STARTED),
            ended: Counters::new(add, &catalogue::VERIFICATIONS_ENDED),
            verdicts: Counters::new(add, &catalogue::GUARD_VERDICTS),
            sends: Counters::new(add, &catalogue::SENDS),
            unroutable: Counters::new(add, &catalogue::EVENTS_UNROUTABLE),
            deliveries: Counters::new(add, &catalogue::DELIVERIES),
            received: Counters::new(add, &catalogue::MESSAGES_RECEIVED),
            queue_wait: Histograms::new(add, &catalogue::QUEUE_WAIT),
            send_duration: Histograms::new(add, &catalogue::SEND_DURATION),
            delivery_duration: Histograms::new(add, &catalogue::DELIVERY_DURATION),
            task_restarts: Counters::new(add, &catalogue::ROUTE_TASK_RESTARTS),
            recovery_steps: Counters::new(add, &catalogue::MODEM_RECOVERY_STEPS),
            modem_restarts: Counters::new(add, &catalogue::MODEM_RESTARTS),
            port_losses: Counters::new(add, &catalogue::MODEM_PORT_LOSSES),
            calls: Counters::new(add, &catalogue::CALLS),
            call_ringing: Histograms::new(add, &catalogue::CALL_RINGING),
            call_duration: Histograms::new(add, &catalogue::CALL_DURATION),
            webhook_deliveries,
            webhook_request_duration: one_histogram(add, &catalogue::WEBHOOK_REQUEST_DURATION),
            commit_duration: one_histogram(add, &catalogue::DATABASE_COMMIT_DURATION),
            commit_jobs: one_histogram(add, &catalogue::DATABASE_COMMIT_JOBS),
            commit_failures: catalogue::DATABASE_COMMIT_FAILURES.register(add, Counter::default()),
            scrape_errors,
            certificate_end: AtomicI64::new(0),
            registry,
        }
    }
}

/// What an attempt, a route or a call is labelled with: a route's name comes from the configuration.
fn name(name: &str) -> Value {
    Cow::Owned(name.to_owned())
}

impl Metrics {
    /// A request to the API was answered.
    pub fn answered(&self, face: &'static str, operation: &'static str, status: u8, took: Duration) {
        self.0.api_requests.count([face.into(), operation.into(), status.to_string().into()]);
        self.0.api_request_duration.observe([operation.into()], took);
    }

    /// A reply of the public listener went out.
    pub fn replied(&self, code: u16) {
        self.0.http_requests.count([code.to_string().into()]);
    }

    /// `realm`: `api` or `admin`; `reason`: `wrong`, or `held` where nothing was compared.
    pub fn login_failed(&self, realm: &'static str, reason: &'static str) {
        self.0.login_failures.count([realm.into(), reason.into()]);
    }

    /// A PIN waits for its turn to be hashed, until the guard is dropped.
    pub fn hash_waits(&self) -> Waiting {
        self.0.hash_waiting.inc();
        Waiting { metrics: self.clone(), since: tokio::time::Instant::now() }
    }

    /// The task of a route failed and starts again.
    pub fn task_restarted(&self, route: &str) {
        self.0.task_restarts.count([name(route)]);
    }

    /// A step of the recovery ladder was begun.
    pub fn recovery_step(&self, route: &str, rung: &'static str) {
        self.0.recovery_steps.count([name(route), rung.into()]);
    }

    /// A modem began anew by itself.
    pub fn modem_restarted(&self, route: &str) {
        self.0.modem_restarts.count([name(route)]);
    }

    pub fn port_lost(&self, route: &str) {
        self.0.port_losses.count([name(route)]);
    }

    /// Shows a route's counter from the beginning: an increase from nothing is none to Prometheus.
    pub fn know_route(&self, route: &str) {
        self.0.task_restarts.show([name(route)]);
    }

    /// The same of what only modems have.
    pub fn know_modem(&self, route: &str, rungs: impl IntoIterator<Item = &'static str>) {
        for rung in rungs {
            self.0.recovery_steps.show([name(route), rung.into()]);
        }
        for counters in [&self.0.modem_restarts, &self.0.port_losses] {
            counters.show([name(route)]);
        }
    }

    /// A call of a modem is over. `talked`: it was answered.
    pub fn called(&self, route: &str, outcome: &'static str, rang: Duration, talked: Option<Duration>) {
        self.0.calls.count([name(route), outcome.into()]);
        if !rang.is_zero() {
            self.0.call_ringing.observe([name(route)], rang);
        }
        if let Some(talked) = talked {
            self.0.call_duration.observe([name(route)], talked);
        }
    }

    /// A request to an account's server came to its end.
    pub fn webhook_requested(&self, took: Duration) {
        self.0.webhook_request_duration.observe(took.as_secs_f64());
    }

    /// The database's writer has ended a transaction of so many jobs.
    pub fn committed(&self, jobs: usize, took: Duration, is_durable: bool) {
        self.0.commit_duration.observe(took.as_secs_f64());
        self.0.commit_jobs.observe(jobs as f64);
        if !is_durable {
            self.0.commit_failures.inc();
        }
    }

    /// When the certificate of the public API ends; `None`: it does not say.
    pub fn certificate_ends(&self, at: Option<Timestamp>) {
        self.0.certificate_end.store(at.map_or(0, Timestamp::as_millis), Ordering::Relaxed);
    }

    /// What was told so last.
    pub fn certificate_end(&self) -> Option<Timestamp> {
        let at = self.0.certificate_end.load(Ordering::Relaxed);
        (at != 0).then(|| Timestamp::from_millis(at))
    }

    /// A part of a scrape could not be read in time.
    pub fn scrape_failed(&self, part: &'static str) {
        self.0.scrape_errors.count([part.into()]);
    }

    /// Counts what was noted within a transaction.
    pub fn count(&self, fact: Fact) {
        fact.count(&self.0);
    }
}

/// A PIN that waits for its turn.
pub struct Waiting {
    metrics: Metrics,
    since: tokio::time::Instant,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let shared = &self.metrics.0;
        shared.hash_waiting.dec();
        shared.hash_wait.observe(self.since.elapsed().as_secs_f64());
    }
}

/// Counters of one family.
struct Counters {
    described: &'static Described,
    family: Family<Labels, Counter>,
}

impl Counters {
    fn new(registry: &mut Registry, described: &'static Described) -> Self {
        Self { described, family: described.register(registry, Family::default()) }
    }

    fn count<const N: usize>(&self, values: [Value; N]) {
        self.family.get_or_create(&self.described.labelled(values)).inc();
    }

    fn show<const N: usize>(&self, values: [Value; N]) {
        drop(self.family.get_or_create(&self.described.labelled(values)));
    }
}

/// Histograms of one family.
struct Histograms {
    described: &'static Described,
    family: Family<Labels, Histogram, Buckets>,
}

impl Histograms {
    fn new(registry: &mut Registry, described: &'static Described) -> Self {
        let family = Family::new_with_constructor(Buckets(described.buckets()));
        Self { described, family: described.register(registry, family) }
    }

    fn observe<const N: usize>(&self, values: [Value; N], took: Duration) {
        self.family.get_or_create(&self.described.labelled(values)).observe(took.as_secs_f64());
    }
}

/// The upper bounds of a histogram's buckets.
#[derive(Clone)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

fn one_histogram(registry: &mut Registry, described: &'static Described) -> Histogram {
    described.register(registry, Buckets(described.buckets()).new_metric())
}

impl Described {
    /// Gives the metric back, which is a handle.
    fn register<M: Metric + Clone>(&self, registry: &mut Registry, metric: M) -> M {
        match self.unit {
            Some(unit) => {
                let unit = Unit::Other(unit.to_owned());
                registry.register_with_unit(self.name, self.help, unit, metric.clone());
            }
            None => registry.register(self.name, self.help, metric.clone()),
        }
        metric
    }

    fn labelled<const N: usize>(&self, values: [Value; N]) -> Labels {
        assert_eq!(self.labels.len(), N, "{} has other labels", self.name);
        self.labels.iter().copied().zip(values).collect()
    }

    fn buckets(&self) -> &'static [f64] {
        match self.kind {
            Kind::Histogram(buckets) => buckets,
            Kind::Counter | Kind::Gauge | Kind::Info => unreachable!("{} is no histogram", self.name),
        }
    }
}
