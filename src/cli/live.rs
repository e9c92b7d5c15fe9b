//! The routes as the running daemon has them, or as configuration and database tell where none runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::budget;
use crate::channel::routing::{Health, RouteView};
use crate::channel::{Board, Reception};
use crate::clock::Timestamp;
use crate::config::Settings;
use crate::daemon::{DatabaseLock, routes};
use crate::socket::{self, ConnectError, Connection, Record, Request};

/// A daemon that works answers at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The routes, with what is left of their budgets.
pub struct Routes {
    pub routes: Vec<RouteView>,
    /// Why a route is not ready, by its name.
    reasons: BTreeMap<String, String>,
    /// How each modem at work stands with its network.
    receptions: BTreeMap<String, Reception>,
    /// Why nothing is known of health, queue and measured times; `None`: the daemon told.
    pub unknown: Option<String>,
}

impl Routes {
    /// Asks the daemon. That none runs is no failure.
    pub async fn of(settings: &Settings, now: Timestamp) -> Self {
        let mut found = match board(settings).await {
            Ok((routes, reasons, receptions)) => Self { routes, reasons, receptions, unknown: None },
            Err(why) => {
                let (reasons, receptions) = (BTreeMap::new(), BTreeMap::new());
                Self { routes: routes(settings, now), reasons, receptions, unknown: Some(why) }
            }
        };
        // The database knows what has left the windows meanwhile.
        if let Ok(uses) = budget::uses(settings, now) {
            let board = Board::new(found.routes);
            board.load_budgets(&uses);
            found.routes = board.routes_at(now);
        }
        found
    }

    /// The route of that name, if the daemon told how it is.
    pub fn told(&self, name: &str) -> Option<&RouteView> {
        self.routes.iter().find(|route| route.name == name).filter(|_| self.unknown.is_none())
    }

    pub fn reason(&self, route: &RouteView) -> Option<&str> {
        self.reasons.get(&route.name).map(String::as_str)
    }

    pub fn reception(&self, route: &RouteView) -> Option<&Reception> {
        self.receptions.get(&route.name)
    }

    /// How a route is, for a person.
    pub fn health(&self, route: &RouteView, now: Timestamp) -> String {
        if self.unknown.is_some() {
            return "unknown".to_owned();
        }
        match (route.health, self.reason(route)) {
            (Health::Ready, _) => "ready".to_owned(),
            (Health::Down { since } | Health::Failing { since }, reason) => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{} for {}{reason}", route.health.as_str(), time(now.since(since)))
            }
        }
    }
}

type Told = (Vec<RouteView>, BTreeMap<String, String>, BTreeMap<String, Reception>);

async fn board(settings: &Settings) -> Result<Told, String> {
    let database = &settings.storage.path;
    let asked = async {
        let mut connection = Connection::ask(&socket::path(database), &Request::Board).await.map_err(|error| {
            let absent = matches!(error, ConnectError::Absent(_)) && !DatabaseLock::is_held(database);
            if absent { "no daemon runs".to_owned() } else { error.to_string() }
        })?;
        match connection.next().await {
            Ok(Some(Record::Board { routes, reasons, receptions })) => Ok((routes, reasons, receptions)),
            Ok(_) | Err(_) => Err("the running daemon is busy or of another version".to_owned()),
        }
    };
    tokio::time::timeout(ANSWER_WITHIN, asked).await.unwrap_or_else(|_| Err("the daemon does not answer".to_owned()))
}

/// `12 s`, `3 min`, `5 h`.
pub fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_or_three_digits() {
        assert_eq!(
            [0, 119, 120, 7199, 7200].map(|seconds| time(Duration::from_secs(seconds))).join(", "),
            "0 s, 119 s, 2 min, 119 min, 2 h"
        );
    }
}
