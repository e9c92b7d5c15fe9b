//! Every family that a scrape may show: its name, its type, its labels and what it means.
//!
//! `docs/monitoring.md` has the same list, which a test keeps equal. Names follow Prometheus: base units, counters end in
//! `_total`, which the exposition adds.

/// A family of series.
#[derive(Debug)]
pub struct Described {
    /// Whose it is: the first word of its full name.
    pub prefix: &'static str,
    /// Without prefix, unit and `_total`.
    pub name: &'static str,
    pub unit: Option<&'static str>,
    pub kind: Kind,
    /// In the order in which values are given.
    pub labels: &'static [&'static str],
    /// A sentence without its full stop.
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    /// The upper bounds of its buckets.
    Histogram(&'static [f64]),
    /// A gauge that is always 1 and has something to say in its labels.
    Info,
}

impl Described {
    /// As a query names it; of a histogram without `_bucket`, `_sum` and `_count`.
    pub fn full_name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram(_) => "",
        };
        format!("{}_{}{unit}{suffix}", self.prefix, self.name)
    }

    /// In the text format for programs that know no info.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

const fn own(
    name: &'static str,
    unit: Option<&'static str>,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    Described { prefix: "simverify", name, unit, kind, labels, help }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Described {
    own(name, None, Kind::Counter, labels, help)
}

const fn gauge(
    name: &'static str,
    unit: Option<&'static str>,
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    own(name, unit, Kind::Gauge, labels, help)
}

/// Of seconds.
const fn times(
    name: &'static str,
    buckets: &'static [f64],
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    own(name, Some(SECONDS), Kind::Histogram(buckets), labels, help)
}

const fn process(name: &'static str, unit: Option<&'static str>, kind: Kind, help: &'static str) -> Described {
    Described { prefix: "process", name, unit, kind, labels: &[], help }
}

const SECONDS: &str = "seconds";
const BYTES: &str = "bytes";

const OF_REQUESTS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const OF_HASHES: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const OF_COMMITS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
const OF_GROUPS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// Up to the default `verify.send_timeout_seconds`.
const OF_QUEUE: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0];
const OF_SENDS: &[f64] = &[0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 30.0, 60.0, 120.0];
const OF_DELIVERIES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
/// Up to twice the default `webhooks.timeout_seconds`.
const OF_WEBHOOKS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0];
const OF_CALLS: &[f64] = &[2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0];

pub const BUILD_INFO: Described =
    own("build", None, Kind::Info, &["version"], "What runs: always 1, with the version as a label");

pub const API_REQUESTS: Described = counter(
    "api_requests",
    &["face", "operation", "status"],
    "Requests to the API by the status number of their reply; 0 is a success",
);
pub const API_REQUEST_DURATION: Described =
    times("api_request_duration", OF_REQUESTS, &["operation"], "From a request's head to its reply");
pub const HTTP_REQUESTS: Described =
    counter("http_requests", &["code"], "Replies of the public listener by their HTTP status");
pub const LOGIN_FAILURES: Described = counter(
    "login_failures",
    &["realm", "reason"],
    "Credentials that were refused: wrong, or held because too many were wrong before",
);
pub const HASH_WAIT: Described =
    times("pin_hash_wait", OF_HASHES, &[], "How long a PIN waited for its turn to be hashed");
pub const HASH_WAITING: Described = gauge("pin_hash_waiting", None, &[], "PINs that wait for their turn to be hashed");

pub const VERIFICATIONS_STARTED: Described =
    counter("verifications_started", &["country"], "Verifications that were accepted, by the number's country");
pub const VERIFICATIONS_ENDED: Described = counter(
    "verifications_ended",
    &["outcome", "country"],
    "Verifications that ended; outcome success over all of them is the conversion",
);
pub const VERIFICATIONS_IN_PROGRESS: Described =
    gauge("verifications_in_progress", None, &[], "Verifications that have not ended");
pub const CONVERSION: Described = gauge(
    "conversion",
    Some("ratio"),
    &[],
    "Of the verifications that ended within the last hour, the part that was verified; absent if none ended",
);
pub const GUARD_VERDICTS: Described = counter(
    "guard_verdicts",
    &["rule", "verdict", "scope"],
    "What the rules against fraud and guessing refused, would have refused, or tripped over",
);
pub const GUARD_BREAKERS_OPEN: Described = gauge(
    "guard_breakers_open",
    None,
    &["level"],
    "Prefixes and countries that a breaker holds because too few of their verifications succeeded",
);

pub const QUEUE_LENGTH: Described =
    gauge("queue_length", None, &[], "Messages and calls that are due or in the hands of a route");
pub const QUEUE_OLDEST_AGE: Described =
    gauge("queue_oldest_age", Some(SECONDS), &[], "How long the oldest has waited for a route; 0 if none waits");
pub const QUEUE_WAIT: Described = times(
    "queue_wait",
    OF_QUEUE,
    &["route", "channel"],
    "From the instant at which a message was due to its hand-over to a route",
);
pub const SEND_DURATION: Described = times(
    "send_duration",
    OF_SENDS,
    &["route", "channel"],
    "From the hand-over to a route to the network's acceptance; of a call to its end",
);
pub const DELIVERY_DURATION: Described = times(
    "delivery_duration",
    OF_DELIVERIES,
    &["route", "channel"],
    "From the network's acceptance to the report that says delivered",
);
pub const SENDS: Described =
    counter("sends", &["route", "channel", "result"], "Attempts to send a message or to call, by what came of them");
pub const DELIVERIES: Described = counter(
    "deliveries",
    &["route", "channel", "result"],
    "Reports on what became of messages: delivered or undelivered",
);
pub const EVENTS_UNROUTABLE: Described =
    counter("events_unroutable", &["channel"], "Messages and calls that no route takes or took");
pub const MESSAGES_RECEIVED: Described =
    counter("messages_received", &["route", "kind"], "Parts of messages that came in");

pub const ROUTE_UP: Described =
    gauge("route_up", None, &["route", "kind"], "1 if the modem or provider takes messages, else 0");
pub const ROUTE_IN_HAND: Described =
    gauge("route_in_hand", None, &["route", "channel"], "Messages and calls in the hands of a route");
pub const ROUTE_BUDGET_LIMIT: Described = gauge(
    "route_budget_limit",
    None,
    &["route", "channel", "period"],
    "What a route may send in any minute, day or month: parts of SMS, or calls",
);
pub const ROUTE_BUDGET_LEFT: Described =
    gauge("route_budget_left", None, &["route", "channel", "period"], "What is left of that at this instant");
pub const ROUTE_SPEND_LIMIT: Described =
    gauge("route_spend_limit", None, &["route", "period", "currency"], "What a route may cost in any day or month");
pub const ROUTE_SPEND_LEFT: Described =
    gauge("route_spend_left", None, &["route", "period", "currency"], "What is left of that at this instant");
pub const ROUTE_TASK_RESTARTS: Described = counter(
    "route_task_restarts",
    &["route"],
    "How often the task of a modem or provider failed and was started again",
);
pub const PROVIDER_BREAKER: Described = gauge(
    "provider_breaker_state",
    None,
    &["route", "state"],
    "1 for the state of a provider's circuit breaker, 0 for the others",
);

pub const MODEM_SIGNAL: Described =
    gauge("modem_signal", Some("dbm"), &["route"], "The signal's strength; absent where the modem does not tell");
pub const MODEM_REGISTRATION: Described = gauge(
    "modem_registration_state",
    None,
    &["route", "state"],
    "1 for the state of a modem's registration with a network, 0 for the others",
);
pub const MODEM_RECOVERY_STEPS: Described = counter(
    "modem_recovery_steps",
    &["route", "rung"],
    "Steps to bring back a modem that does not answer or does not send",
);
pub const MODEM_RESTARTS: Described =
    counter("modem_restarts", &["route"], "How often a modem began anew without being told to");
pub const MODEM_PORT_LOSSES: Described = counter("modem_port_losses", &["route"], "How often a modem's port vanished");
pub const CALLS: Described = counter("calls", &["route", "outcome"], "Calls of modems by how they ended");
pub const CALL_RINGING: Described =
    times("call_ringing", OF_CALLS, &["route"], "From dialling to the answer, or to the end of a call without one");
pub const CALL_DURATION: Described = times("call_duration", OF_CALLS, &["route"], "From the answer to a call's end");

pub const WEBHOOK_DELIVERIES: Described = counter(
    "webhook_deliveries",
    &["result"],
    "Attempts to tell an account's server of an event, by what came of them",
);
pub const WEBHOOK_REQUEST_DURATION: Described = times(
    "webhook_request_duration",
    OF_WEBHOOKS,
    &[],
    "From a request to an account's server to its answer, or to the end without one",
);
pub const WEBHOOK_EVENTS: Described =
    gauge("webhook_events", None, &["state"], "Events that accounts' servers are to be told, or could not be told");
pub const WEBHOOK_OLDEST: Described = gauge(
    "webhook_oldest",
    Some(SECONDS),
    &[],
    "How long ago the oldest event happened that is still to be told; 0 if there is none",
);

pub const DATABASE_COMMIT_DURATION: Described =
    times("database_commit_duration", OF_COMMITS, &[], "How long the disk took for a commit");
pub const DATABASE_COMMIT_JOBS: Described =
    own("database_commit_jobs", None, Kind::Histogram(OF_GROUPS), &[], "Writes that shared one commit");
pub const DATABASE_COMMIT_FAILURES: Described =
    counter("database_commit_failures", &[], "Transactions that were lost: disk full, or an error of the disk");
pub const DATABASE_SIZE: Described =
    gauge("database_size", Some(BYTES), &["file"], "Size of the database and of its log");
pub const DATABASE_DISK_FREE: Described =
    gauge("database_disk_free", Some(BYTES), &[], "What is free on the database's disk for this process");
pub const CERTIFICATE_END: Described = gauge(
    "tls_certificate_end_timestamp",
    Some(SECONDS),
    &[],
    "When the certificate of the public API ends, in seconds since 1970",
);

pub const SCRAPE_PART_UP: Described = gauge(
    "scrape_part_up",
    None,
    &["part"],
    "1 if this scrape has the part's values, 0 if they could not be read in time",
);
pub const SCRAPE_ERRORS: Described =
    counter("scrape_errors", &["part"], "Scrapes that had to leave out a part's values");

pub const PROCESS_CPU: Described =
    process("cpu", Some(SECONDS), Kind::Counter, "Total user and system CPU time spent in seconds");
pub const PROCESS_RESIDENT_MEMORY: Described =
    process("resident_memory", Some(BYTES), Kind::Gauge, "Resident memory size in bytes");
pub const PROCESS_VIRTUAL_MEMORY: Described =
    process("virtual_memory", Some(BYTES), Kind::Gauge, "Virtual memory size in bytes");
pub const PROCESS_OPEN_FDS: Described = process("open_fds", None, Kind::Gauge, "Number of open file descriptors");
pub const PROCESS_MAX_FDS: Described = process("max_fds", None, Kind::Gauge, "Maximum number of open file descriptors");
pub const PROCESS_THREADS: Described = process("threads", None, Kind::Gauge, "Number of OS threads in the process");
pub const PROCESS_START_TIME: Described =
    process("start_time", Some(SECONDS), Kind::Gauge, "Start time of the process since unix epoch in seconds");

/// What a modem's registration may be; `unknown` too while the modem is not at work.
pub const REGISTRATION_STATES: &[&str] =
    &["home", "roaming", "searching", "denied", "idle", "emergency_only", "restricted", "unknown"];

/// What the circuit breaker of a provider may be.
pub const BREAKER_STATES: &[&str] = &["closed", "open", "probing", "half_open"];

/// What an attempt to tell an account's server may come to.
pub const WEBHOOK_RESULTS: &[&str] = &["delivered", "failed", "dead", "gone"];

/// The levels of the breakers of numbers.
pub const GUARD_LEVELS: &[&str] = &["country", "range", "block"];

/// What a scrape reads at its instant, and may have to leave out.
pub const SCRAPE_PARTS: &[&str] = &["database", "disk", "process"];

/// All of them, in the documentation's order.
pub const ALL: &[&Described] = &[
    &BUILD_INFO,
    &API_REQUESTS,
    &API_REQUEST_DURATION,
    &HTTP_REQUESTS,
    &LOGIN_FAILURES,
    &HASH_WAIT,
    &HASH_WAITING,
    &VERIFICATIONS_STARTED,
    &VERIFICATIONS_ENDED,
    &VERIFICATIONS_IN_PROGRESS,
    &CONVERSION,
    &GUARD_VERDICTS,
    &GUARD_BREAKERS_OPEN,
    &QUEUE_LENGTH,
    &QUEUE_OLDEST_AGE,
    &QUEUE_WAIT,
    &SEND_DURATION,
    &DELIVERY_DURATION,
    &SENDS,
    &DELIVERIES,
    &EVENTS_UNROUTABLE,
    &MESSAGES_RECEIVED,
    &ROUTE_UP,
    &ROUTE_IN_HAND,
    &ROUTE_BUDGET_LIMIT,
    &ROUTE_BUDGET_LEFT,
    &ROUTE_SPEND_LIMIT,
    &ROUTE_SPEND_LEFT,
    &ROUTE_TASK_RESTARTS,
    &PROVIDER_BREAKER,
    &MODEM_SIGNAL,
    &MODEM_REGISTRATION,
    &MODEM_RECOVERY_STEPS,
    &MODEM_RESTARTS,
    &MODEM_PORT_LOSSES,
    &CALLS,
    &CALL_RINGING,
    &CALL_DURATION,
    &WEBHOOK_DELIVERIES,
    &WEBHOOK_REQUEST_DURATION,
    &WEBHOOK_EVENTS,
    &WEBHOOK_OLDEST,
    &DATABASE_COMMIT_DURATION,
    &DATABASE_COMMIT_JOBS,
    &DATABASE_COMMIT_FAILURES,
    &DATABASE_SIZE,
    &DATABASE_DISK_FREE,
    &CERTIFICATE_END,
    &SCRAPE_PART_UP,
    &SCRAPE_ERRORS,
    &PROCESS_CPU,
    &PROCESS_RESIDENT_MEMORY,
    &PROCESS_VIRTUAL_MEMORY,
    &PROCESS_OPEN_FDS,
    &PROCESS_MAX_FDS,
    &PROCESS_THREADS,
    &PROCESS_START_TIME,
];
