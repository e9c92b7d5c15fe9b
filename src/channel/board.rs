//! The board on which every route writes how it is, and which the dispatcher and the admission read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::routing::RouteView;

/// All configured routes in their order. Cheap to clone.
#[derive(Clone, Default)]
pub struct Board {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    routes: Mutex<Vec<RouteView>>,
    /// Why a route is not ready, by its name: for people, not for routing.
    reasons: Mutex<BTreeMap<String, String>>,
    changed: Notify,
}

impl Board {
    pub fn new(routes: Vec<RouteView>) -> Self {
        Self { shared: Arc::new(Shared { routes: Mutex::new(routes), ..Shared::default() }) }
    }

    /// A copy of the present state.
    pub fn routes(&self) -> Vec<RouteView> {
        self.lock().clone()
    }

    /// Lets a route change its own entry; says so to whoever waits for a change.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut RouteView)) {
        if let Some(route) = self.lock().iter_mut().find(|route| route.name == name) {
            change(route);
        }
        self.shared.changed.notify_one();
    }

    /// Says why a route is not ready; `None`: it is.
    pub fn explain(&self, name: &str, reason: Option<&str>) {
        let mut reasons = self.shared.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => reasons.insert(name.to_owned(), reason.to_owned()),
            None => reasons.remove(name),
        };
    }

    /// Why a route is not ready, as far as it is known.
    pub fn reason(&self, name: &str) -> Option<String> {
        self.shared.reasons.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Counts a message that a route is given. Nobody needs to be told: there is less room, not more.
    pub fn take_room(&self, name: &str) {
        if let Some(route) = self.lock().iter_mut().find(|route| route.name == name) {
            route.held += 1;
        }
    }

    /// Counts a message that a route has done with.
    pub fn give_room(&self, name: &str) {
        self.update(name, |route| route.held = route.held.saturating_sub(1));
    }

    /// Replaces all entries, as after a change of the configuration.
    pub fn replace(&self, routes: Vec<RouteView>) {
        *self.lock() = routes;
        self.shared.changed.notify_one();
    }

    /// Returns after the next change; a change since the last call counts. One task may wait.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RouteView>> {
        self.shared.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
