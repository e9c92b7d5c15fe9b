//! How the modems are, for people.

use std::time::Duration;

use super::App;
use super::overview::Route;
use crate::channel::budget::{Allowance, Budget, MoneyShare, Share};
use crate::channel::register::{CallProgress, Sheet};
use crate::channel::routing::RouteKind;
use crate::clock::Timestamp;

/// A modem as it stands.
#[derive(Clone, Debug)]
pub struct Modem {
    pub route: Route,
    /// What it tells of itself.
    pub sheet: Sheet,
    /// What an SMS takes, measured, or guessed before the first.
    pub send_time: Duration,
    pub call_time: Duration,
    pub left: Vec<Left>,
}

/// What is left of one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub of: &'static str,
    pub left: String,
    pub limit: String,
    pub percent_used: u32,
    /// When some of it is free again.
    pub frees: Option<Timestamp>,
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
                left: left(&view.budget),
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

fn left(budget: &Budget) -> Vec<Left> {
    let messages = |of, share: Option<Share>| {
        share.map(|share| Left {
            of,
            left: share.left.to_string(),
            limit: share.limit.to_string(),
            percent_used: share.percent_used(),
            frees: share.frees,
        })
    };
    let money = |of, share: Option<MoneyShare>| {
        share.map(|share| Left {
            of,
            left: share.left().to_string(),
            limit: share.limit().to_string(),
            percent_used: share.percent_used(),
            frees: share.frees,
        })
    };
    let Budget { sms, calls, spend } = budget;
    let of_kind = |names: [&'static str; 3], allowance: &Allowance| {
        [messages(names[0], allowance.minute), messages(names[1], allowance.day), messages(names[2], allowance.month)]
    };
    let sms = of_kind(["SMS of a minute", "SMS of 24 hours", "SMS of 31 days"], sms);
    let calls = of_kind(["calls of a minute", "calls of 24 hours", "calls of 31 days"], calls);
    let spend = [money("money of 24 hours", spend.day), money("money of 31 days", spend.month)];
    sms.into_iter().chain(calls).chain(spend).flatten().collect()
}
