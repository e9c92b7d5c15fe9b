//! What stands at one instant, read for one scrape.
//!
//! A registry of its own for each scrape: a series that is not there any more, such as the signal of a modem that was
//! unplugged, is not shown with its last value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::catalogue::{self, Described};
use super::process::Process;
use super::{Labels, PREFIX, Value};

type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

pub struct Readings {
    pub(super) own: Registry,
    pub(super) process: Registry,
    gauges: BTreeMap<&'static str, Gauges>,
}

impl Default for Readings {
    fn default() -> Self {
        let process = Registry::with_prefix("process");
        Self { own: Registry::with_prefix(PREFIX), process, gauges: BTreeMap::new() }
    }
}

impl Readings {
    /// Shows a value, once for the same labels. Their values come in the catalogue's order.
    pub fn set<const N: usize>(&mut self, described: &'static Described, values: [&str; N], value: f64) {
        let registry = &mut self.own;
        if N == 0 {
            let gauge: Gauge<f64, AtomicU64> = described.register(registry, Gauge::default());
            gauge.set(value);
            return;
        }
        let values: [Value; N] = values.map(|value| Cow::Owned(value.to_owned()));
        let gauges = self.gauges.entry(described.name);
        let gauges = gauges.or_insert_with(|| described.register(registry, Gauges::default()));
        gauges.get_or_create(&described.labelled(values)).set(value);
    }

    /// Shows for each of several states whether it is the present one.
    pub fn state(&mut self, described: &'static Described, of: &str, states: &[&str], present: &str) {
        for state in states {
            self.set(described, [of, state], f64::from(u8::from(*state == present)));
        }
    }

    /// `started`: seconds since 1970.
    pub fn process(&mut self, process: &Process, started: f64) {
        let cpu: Counter<f64, AtomicU64> = Counter::default();
        cpu.inc_by(process.cpu_seconds);
        catalogue::PROCESS_CPU.register(&mut self.process, cpu);
        let gauges = [
            (&catalogue::PROCESS_RESIDENT_MEMORY, process.resident_bytes),
            (&catalogue::PROCESS_VIRTUAL_MEMORY, process.virtual_bytes),
            (&catalogue::PROCESS_OPEN_FDS, process.open_fds),
            (&catalogue::PROCESS_MAX_FDS, process.max_fds),
            (&catalogue::PROCESS_THREADS, process.threads),
            (&catalogue::PROCESS_START_TIME, Some(started)),
        ];
        for (described, value) in gauges {
            let Some(value) = value else { continue };
            let gauge: Gauge<f64, AtomicU64> = Gauge::default();
            gauge.set(value);
            described.register(&mut self.process, gauge);
        }
    }
}
