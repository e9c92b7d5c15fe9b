//! The virtual modems of this process by name: what a port `simulator:NAME` stands for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::host::Simulator;
use super::settings::Settings;

/// Clones share the same modems.
#[derive(Clone, Default)]
pub struct Simulators {
    running: Arc<Mutex<BTreeMap<String, Simulator>>>,
}

impl Simulators {
    /// The modem of this name; the first call starts it, with default settings. Call it within a tokio runtime.
    pub fn get_or_start(&self, name: &str) -> Simulator {
        // The map is whole after each statement, so a panic elsewhere leaves nothing half done.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(name.to_owned()).or_insert_with(|| Simulator::start(Settings::default())).clone()
    }

    /// Starts a modem under this name, in place of another.
    pub fn start(&self, name: &str, settings: Settings) -> Simulator {
        let simulator = Simulator::start(settings);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(name.to_owned(), simulator.clone());
        simulator
    }
}
