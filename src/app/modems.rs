//! How the modems are, for people.

use std::time::Duration;

use super::App;
use super::operator::{BudgetLeft, budgets_left};
use super::overview::Route;
use crate::channel::register::{CallProgress, Sheet};
use crate::channel::routing::RouteKind;

/// A modem as it stands.
#[derive(Clone, Debug)]
pub struct Modem {
    pub route: Route,
    /// What it tells of itself.
    pub sheet: Sheet,
    /// What an SMS takes, measured, or guessed before the first.
    pub send_time: Duration,
    pub call_time: Duration,
    pub budgets: Vec<BudgetLeft>,
}

impl Modem {
    /// How far the call is that it makes.
    pub fn call_in_words(&self) -> Option<&'static str> {
        self.sheet.call.map(|call| match call.progress {
            CallProgress::Dialling => "calling",
            CallProgress::Ringing => "the other side rings",
            CallProgress::Answered => "in a call",
        })
    }
}

impl App {
    /// The configured modems, in their order.
    pub fn modems(&self) -> Vec<Modem> {
        let mut sheets = self.board.register().sheets();
        let routes = self.board.routes_at(self.clock.now());
        let modems = routes.into_iter().filter(|route| route.kind == RouteKind::Modem);
        modems
            .map(|view| Modem {
                sheet: sheets.remove(&view.name).unwrap_or_default(),
                send_time: view.send_time,
                call_time: view.call_time,
                budgets: budgets_left(&view.budget),
                route: self.route(view),
            })
            .collect()
    }

    /// Whether a modem of the configuration is a virtual one.
    pub fn has_virtual_phone(&self) -> bool {
        self.board.register().has_simulator()
    }

    pub fn modem(&self, name: &str) -> Option<Modem> {
        self.modems().into_iter().find(|modem| modem.route.name == name)
    }
}
