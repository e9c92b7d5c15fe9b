//! Whether a request is accepted: one ordered list of checks, each a small pure function over the same facts.
//!
//! The order is that of the contract when several refusals apply: 8, 15, 7 (two checks), 10, 9, 6 (4, 1, 2 and 3 come before, where
//! the request is read). A new rule is a function here, its place in [`CHECKS`], and the facts that it looks at.

use super::Rules;
use super::guard::Held;
use super::types::StartError;
use crate::channel::admission::{self, Asked, Waiting};
use crate::channel::routing::RouteView;
use crate::clock::Timestamp;
use crate::phone::{Country, NumberKind};
use crate::verification::{Credits, EventKind, Plan, RequestId};

/// What the checks look at, all read in one transaction.
pub(super) struct Facts<'a> {
    pub rules: &'a Rules,
    pub plan: &'a Plan,
    pub barred: bool,
    pub country: Option<Country>,
    pub kind: NumberKind,
    /// The number, or a prefix of it, is on the blocklist.
    pub blocked: bool,
    /// A limit, wrong codes or a breaker hold the request up.
    pub held: Option<Held>,
    /// The account's verification of the same number that has not ended.
    pub in_progress: Option<RequestId>,
    /// What the account has left; `None`: no limit.
    pub credits: Option<Credits>,
    pub price: Credits,
    pub routes: &'a [RouteView],
    /// Messages that are due before this one.
    pub waiting: &'a [Waiting],
    pub now: Timestamp,
}

type Check = fn(&Facts) -> Result<(), StartError>;

/// In the order in which they refuse.
const CHECKS: [Check; 7] = [account, network, blocklist, guard, concurrency, credits, route];

/// The first refusal that applies.
pub(super) fn judge(facts: &Facts) -> Result<(), StartError> {
    CHECKS.iter().try_for_each(|check| check(facts))
}

fn account(facts: &Facts) -> Result<(), StartError> {
    if facts.barred { Err(StartError::Barred) } else { Ok(()) }
}

fn network(facts: &Facts) -> Result<(), StartError> {
    let is_open = open_kinds(facts).next().is_some();
    if is_open && facts.rules.allows(facts.country, facts.kind) { Ok(()) } else { Err(StartError::UnsupportedNetwork) }
}

/// The events of the workflow whose channel is open to the country.
fn open_kinds(facts: &Facts) -> impl Iterator<Item = EventKind> {
    let events = facts.plan.workflow.events().iter().copied();
    events.filter(|kind| !facts.rules.protection.countries.closes(*kind, facts.country))
}

fn blocklist(facts: &Facts) -> Result<(), StartError> {
    if facts.blocked { Err(StartError::Blocked) } else { Ok(()) }
}

fn guard(facts: &Facts) -> Result<(), StartError> {
    match facts.held {
        Some(Held { until }) => Err(StartError::Held { retry_after: until.map(|until| until.since(facts.now)) }),
        None => Ok(()),
    }
}

fn concurrency(facts: &Facts) -> Result<(), StartError> {
    match facts.in_progress {
        Some(request) => Err(StartError::InProgress { request }),
        None => Ok(()),
    }
}

fn credits(facts: &Facts) -> Result<(), StartError> {
    match facts.credits {
        Some(left) if left < facts.price => Err(StartError::QuotaExceeded),
        Some(_) | None => Ok(()),
    }
}

fn route(facts: &Facts) -> Result<(), StartError> {
    let kinds: Vec<_> = open_kinds(facts).collect();
    let asked = Asked { kinds: &kinds, country: facts.country, send_timeout: facts.plan.send_timeout };
    admission::admit(facts.routes, &facts.rules.routing, asked, facts.waiting, facts.now).map_err(StartError::NoRoute)
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::rules;
    use super::*;
    use crate::channel::admission::NoRoute;
    use crate::verification::Workflow;

    /// The refusal of a request against which everything speaks but what `change` takes back.
    fn refusal(change: impl Fn(&mut Facts)) -> String {
        let rules = rules();
        let plan = rules.plan_of(Workflow::DEFAULT, None, None);
        let mut facts = Facts {
            rules: &rules,
            plan: &plan,
            barred: true,
            country: None,
            kind: NumberKind::PremiumRate,
            blocked: true,
            held: Some(Held { until: None }),
            in_progress: Some(RequestId::from_bytes([1; 16])),
            credits: Some(Credits(1204)),
            price: Credits(1205),
            routes: &[],
            waiting: &[],
            now: Timestamp::from_millis(0),
        };
        change(&mut facts);
        match judge(&facts) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn of_several_refusals_the_first_in_the_contracts_order_is_given() {
        let changes: [fn(&mut Facts); 6] = [
            |facts| facts.barred = false,
            |facts| facts.kind = NumberKind::Mobile,
            |facts| facts.blocked = false,
            |facts| facts.held = None,
            |facts| facts.in_progress = None,
            |facts| facts.credits = None,
        ];
        let refusals: Vec<_> = (0..=changes.len())
            .map(|count| refusal(|facts| changes[..count].iter().for_each(|change| change(facts))))
            .collect();
        insta::assert_snapshot!(refusals.join("\n"), @"
        Barred
        UnsupportedNetwork
        Blocked
        Held { retry_after: None }
        InProgress { request: 01010101010101010101010101010101 }
        QuotaExceeded
        NoRoute(NotConfigured)
        ");
        assert_eq!(refusals.last(), Some(&format!("{:?}", StartError::NoRoute(NoRoute::NotConfigured))));
    }

    #[test]
    fn credits_may_be_spent_to_the_last() {
        let spends = |left| {
            refusal(|facts| {
                facts.barred = false;
                facts.kind = NumberKind::Mobile;
                facts.blocked = false;
                facts.held = None;
                facts.in_progress = None;
                facts.credits = Some(Credits(left));
            })
        };
        assert_eq!(spends(1204), "QuotaExceeded");
        assert_eq!(spends(1205), "NoRoute(NotConfigured)");
    }
}
