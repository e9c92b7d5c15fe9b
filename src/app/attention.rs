//! What an operator ought to look at. Pure.

use crate::channel::budget::{self, Allowance};
use crate::clock::Timestamp;

use super::overview::{Queue, Route};

/// Free space below which the daemon may soon stand still: a day of a busy installation, and what one commit needs.
pub const SPACE_LOW: u64 = 200 * 1024 * 1024;
pub const SPACE_NONE: u64 = 20 * 1024 * 1024;

/// Of a budget, from so many percent on.
const BUDGET_PERCENT: u32 = 80;

/// A message that waits for this long keeps somebody waiting in front of a form.
const QUEUE_SECONDS: u64 = 60;

/// What is the matter. The first are the worst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attention {
    /// The database takes no write: no request is accepted.
    NoWrite,
    /// Octets that are free.
    Disk {
        free: u64,
        is_full: bool,
    },
    NoRoute,
    /// Every one of them.
    AllDown,
    RouteDown {
        route: String,
        is_provider: bool,
        since: Timestamp,
        reason: Option<String>,
    },
    Budget {
        route: String,
        is_provider: bool,
        of: &'static str,
        window: &'static str,
        percent: u32,
        frees: Option<Timestamp>,
    },
    /// So many prefixes are held up by their breakers.
    Breakers {
        prefixes: Vec<String>,
    },
    /// Due messages wait since then.
    Queue {
        length: u64,
        oldest: Timestamp,
    },
    /// The keys of accounts whose receivers want nothing any more.
    WebhooksOff {
        accounts: Vec<String>,
    },
    /// So many events were given up.
    WebhooksDead {
        events: u64,
    },
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Signs<'a> {
    pub now: Timestamp,
    pub takes_writes: bool,
    /// `None`: the file system does not say.
    pub free_space: Option<u64>,
    pub routes: &'a [Route],
    pub queue: Queue,
    /// Prefixes whose breaker is open.
    pub breakers: Vec<String>,
    /// Accounts whose webhook was turned off.
    pub webhooks_off: Vec<String>,
    /// Events of webhooks that were given up.
    pub webhooks_dead: u64,
}

impl Attention {
    /// Whether nothing works because of it.
    pub fn is_grave(&self) -> bool {
        match self {
            Self::NoWrite | Self::NoRoute | Self::AllDown => true,
            Self::Disk { is_full, .. } => *is_full,
            Self::RouteDown { .. }
            | Self::Budget { .. }
            | Self::Breakers { .. }
            | Self::WebhooksOff { .. }
            | Self::WebhooksDead { .. }
            | Self::Queue { .. } => false,
        }
    }
}

/// The worst first; empty: all is well.
pub fn attention(signs: Signs) -> Vec<Attention> {
    let mut found = vec![];
    if !signs.takes_writes {
        found.push(Attention::NoWrite);
    }
    if let Some(free) = signs.free_space.filter(|free| *free < SPACE_LOW) {
        found.push(Attention::Disk { free, is_full: free < SPACE_NONE });
    }
    if signs.routes.is_empty() {
        found.push(Attention::NoRoute);
    } else if signs.routes.iter().all(|route| route.down_since.is_some()) {
        found.push(Attention::AllDown);
    }
    for route in signs.routes {
        let (name, is_provider) = (&route.name, route.is_provider);
        if let Some(since) = route.down_since {
            let reason = route.reason.clone();
            found.push(Attention::RouteDown { route: name.clone(), is_provider, since, reason });
        }
    }
    found.extend(signs.routes.iter().flat_map(budgets));
    if !signs.breakers.is_empty() {
        found.push(Attention::Breakers { prefixes: signs.breakers });
    }
    let waits = |since: &Timestamp| signs.now.since(*since).as_secs() >= QUEUE_SECONDS;
    if let Some(oldest) = signs.queue.oldest_due.filter(waits) {
        found.push(Attention::Queue { length: signs.queue.length, oldest });
    }
    if !signs.webhooks_off.is_empty() {
        found.push(Attention::WebhooksOff { accounts: signs.webhooks_off });
    }
    if signs.webhooks_dead > 0 {
        found.push(Attention::WebhooksDead { events: signs.webhooks_dead });
    }
    found.sort_by_key(|attention| !attention.is_grave());
    found
}

/// The budgets of a route that are nearly used up.
fn budgets(route: &Route) -> Vec<Attention> {
    let of = |of: &'static str, allowance: &Allowance| {
        [("day", allowance.day), ("month", allowance.month)].map(|(window, share)| {
            let share = share?;
            Some((of, window, share.percent_used(), share.frees))
        })
    };
    let spend = &route.budget.spend;
    let money = [("day", spend.day), ("month", spend.month)].map(|(window, share)| {
        let share = share?;
        Some(("money", window, share.percent_used(), share.frees))
    });
    let all = [of("SMS", &route.budget.sms), of("calls", &route.budget.calls), money].into_iter().flatten().flatten();
    all.filter(|(_, _, percent, _)| budget::alarm(*percent) >= BUDGET_PERCENT)
        .map(|(of, window, percent, frees)| Attention::Budget {
            route: route.name.clone(),
            is_provider: route.is_provider,
            of,
            window,
            percent,
            frees,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::budget::{MoneyShare, Share};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn route(name: &str) -> Route {
        Route { name: name.to_owned(), sms: true, ..Route::default() }
    }

    fn signs(routes: &[Route]) -> Signs<'_> {
        let queue = Queue { length: 0, oldest_due: None };
        Signs {
            now: NOW,
            takes_writes: true,
            free_space: Some(SPACE_LOW),
            routes,
            queue,
            breakers: vec![],
            webhooks_off: vec![],
            webhooks_dead: 0,
        }
    }

    #[test]
    fn where_all_is_well_nothing_is_said() {
        let young = NOW - std::time::Duration::from_secs(59);
        let mut calm = route("sim1");
        calm.budget.sms.day = Some(Share { limit: 100, left: 21, frees: None });
        let routes = [calm];
        let signs = Signs { queue: Queue { length: 3, oldest_due: Some(young) }, free_space: None, ..signs(&routes) };
        assert_eq!(attention(signs), []);
    }

    #[test]
    fn what_stops_everything_stands_first() {
        let mut down = route("sim1");
        (down.down_since, down.reason) = (Some(NOW), Some("the SIM is locked".to_owned()));
        let routes = [down];
        let found = attention(Signs { free_space: Some(SPACE_NONE - 1), takes_writes: false, ..signs(&routes) });
        let grave: Vec<_> = found.iter().map(Attention::is_grave).collect();
        assert_eq!(grave, [true, true, true, false], "{found:?}");
        assert_eq!(attention(signs(&[])), [Attention::NoRoute]);
        let mixed = [routes[0].clone(), route("sim2")];
        assert!(attention(signs(&mixed)).iter().all(|attention| !attention.is_grave()), "one is enough");
    }

    #[test]
    fn budgets_are_told_from_four_fifths_on() {
        let mut spent = route("sim1");
        spent.budget.sms.day = Some(Share { limit: 100, left: 20, frees: None });
        spent.budget.calls.month = Some(Share { limit: 10, left: 0, frees: Some(NOW) });
        spent.budget.spend.month = Some(MoneyShare { limit: 1000, left: 150, frees: None });
        let routes = [spent];
        let told: Vec<_> = attention(signs(&routes))
            .into_iter()
            .map(|attention| match attention {
                Attention::Budget { of, window, percent, .. } => format!("{of} {window} {percent}"),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(told, ["SMS day 80", "calls month 100", "money month 85"]);
    }

    #[test]
    fn a_queue_and_breakers_are_told() {
        let routes = [route("sim1")];
        let oldest = NOW - std::time::Duration::from_secs(60);
        let queue = Queue { length: 7, oldest_due: Some(oldest) };
        let breakers = vec!["GB".to_owned()];
        let found = attention(Signs { queue, breakers: breakers.clone(), ..signs(&routes) });
        assert_eq!(found, [Attention::Breakers { prefixes: breakers }, Attention::Queue { length: 7, oldest }]);
    }

    #[test]
    fn webhooks_that_are_off_and_events_that_were_given_up_are_told_apart() {
        let routes = [route("sim1")];
        let accounts = vec!["abcdef01".to_owned()];
        let off = attention(Signs { webhooks_off: accounts.clone(), ..signs(&routes) });
        assert_eq!(off, [Attention::WebhooksOff { accounts }]);
        assert_eq!(attention(Signs { webhooks_dead: 3, ..signs(&routes) }), [Attention::WebhooksDead { events: 3 }]);
    }
}
