//! What an account is told, written in the transaction of the change that it tells of.
//!
//! Every fact is one event; `docs/webhooks.md` has the table.

use crate::channel::Outcome;
use crate::clock::Timestamp;
use crate::store::{NewWebhookEvent, StoreError, Subscription, Tx, VerificationRow};
use crate::verification::{AccountId, End, EventKind, Money, VerificationId};
use crate::webhook::event::{EventType, Facts, Reason, Step};

/// Why an event of a webhook that is turned off is not sent.
const DISABLED: &str = "the webhook is turned off: its receiver answered 410 Gone";

/// The kind of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Modem,
    Provider,
}

impl Via {
    fn as_str(self) -> &'static str {
        match self {
            Self::Modem => "modem",
            Self::Provider => "provider",
        }
    }
}

/// An event of the workflow whose message was handed over, or may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub event: usize,
    /// After an uncertain attempt.
    pub again: bool,
}

/// What happened, as far as the verification does not tell.
struct Fact {
    kind: EventType,
    /// Of which event of the workflow.
    event: Option<usize>,
    via: Option<Via>,
    reason: Option<Reason>,
}

impl Fact {
    fn of_event(kind: EventType, event: usize, via: Option<Via>, reason: Option<Reason>) -> Self {
        Self { kind, event: Some(event), via, reason }
    }
}

/// Each says whether there is something to send.
pub fn started(tx: &Tx, account: AccountId, id: VerificationId, now: Timestamp) -> Result<bool, StoreError> {
    let kind = EventType::Started;
    if subscription(tx, account, kind)?.is_none() {
        return Ok(false);
    }
    let Some(row) = tx.verification(id)? else { return Ok(false) };
    tell(tx, &row, &Fact { kind, event: None, via: None, reason: None }, now)
}

/// The verification has ended.
pub fn ended(tx: &Tx, row: &VerificationRow, end: End, now: Timestamp) -> Result<bool, StoreError> {
    let machine = &row.machine;
    let (kind, reason) = match end {
        End::Success => (EventType::Verified, None),
        End::Failed if machine.tries >= machine.plan.tries_max => (EventType::Failed, Some(Reason::WrongCodes)),
        End::Failed => (EventType::Failed, Some(Reason::NotSent)),
        End::Expired if machine.sent => (EventType::Expired, Some(Reason::NoRightCode)),
        End::Expired => (EventType::Expired, Some(Reason::NotSent)),
        End::Cancelled => (EventType::Cancelled, None),
    };
    tell(tx, row, &Fact { kind, event: None, via: None, reason }, now)
}

/// No route could send the message of an event.
pub fn not_sent(tx: &Tx, row: &VerificationRow, event: usize, now: Timestamp) -> Result<bool, StoreError> {
    tell(tx, row, &Fact::of_event(EventType::Undelivered, event, None, Some(Reason::NotSent)), now)
}

/// A message left: as its outcome says.
pub fn handed_over(
    tx: &Tx,
    row: &VerificationRow,
    left: Left,
    outcome: &Outcome,
    via: Via,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (kind, reason) = match outcome {
        Outcome::Spoken { .. } => (EventType::Answered, None),
        Outcome::Unanswered { .. } => (EventType::Undelivered, Some(Reason::NotAnswered)),
        // Told when it was first sent.
        Outcome::Accepted { .. } | Outcome::Taken { .. } | Outcome::Uncertain { .. } if left.again => {
            return Ok(false);
        }
        Outcome::Accepted { .. } | Outcome::Taken { .. } => (EventType::Sent, None),
        Outcome::Uncertain { .. } => (EventType::Sent, Some(Reason::Uncertain)),
        Outcome::Returned | Outcome::Refused { .. } => return Ok(false),
    };
    tell(tx, row, &Fact::of_event(kind, left.event, Some(via), reason), now)
}

/// A message was leaving when the daemon ended.
pub fn was_leaving(tx: &Tx, row: &VerificationRow, left: Left, now: Timestamp) -> Result<bool, StoreError> {
    if left.again {
        return Ok(false);
    }
    tell(tx, row, &Fact::of_event(EventType::Sent, left.event, None, Some(Reason::Uncertain)), now)
}

/// What became of a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Arrived,
    Failed,
    NotAnswered,
}

/// The network, or a provider, says what became of the message of an event.
pub fn reported(
    tx: &Tx,
    row: &VerificationRow,
    event: usize,
    arrival: Arrival,
    via: Option<Via>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_call = row.machine.plan.workflow.events().get(event) == Some(&EventKind::Tts);
    let (kind, reason) = match arrival {
        Arrival::Arrived if is_call => (EventType::Answered, None),
        Arrival::Arrived => (EventType::Delivered, None),
        Arrival::Failed => (EventType::Undelivered, Some(Reason::ReportedUndelivered)),
        Arrival::NotAnswered => (EventType::Undelivered, Some(Reason::NotAnswered)),
    };
    tell(tx, row, &Fact::of_event(kind, event, via, reason), now)
}

/// A verification whose row cannot be read was set aside.
pub fn set_aside(tx: &Tx, id: VerificationId, now: Timestamp) -> Result<bool, StoreError> {
    let Some(remains) = tx.remains_of(id)? else { return Ok(false) };
    let Some(subscription) = subscription(tx, remains.account, EventType::Failed)? else { return Ok(false) };
    let facts = Facts {
        status: status(Some(End::Failed)).to_owned(),
        step: None,
        reason: Some(Reason::Fault),
        price: Money::from_units(remains.price).to_string(),
        currency: remains.currency,
        estimated_price_messages_sent: Money::from_units(tx.cost_of(id)?).to_string(),
        submitted_at: remains.created.to_string(),
        finalized_at: Some(now.to_string()),
    };
    let account = remains.account;
    write(tx, &subscription, NewEvent { account, verification: id, kind: EventType::Failed, facts }, now)
}

fn tell(tx: &Tx, row: &VerificationRow, fact: &Fact, now: Timestamp) -> Result<bool, StoreError> {
    let account = row.fixed.account;
    let Some(subscription) = subscription(tx, account, fact.kind)? else { return Ok(false) };
    let step = match fact.event {
        Some(event) => step(tx, row, event, fact.via)?,
        None => None,
    };
    let price = if row.refunded { Money::ZERO } else { Money::from_units(row.fixed.price) };
    let facts = Facts {
        status: status(row.machine.end()).to_owned(),
        step,
        reason: fact.reason,
        price: price.to_string(),
        currency: row.fixed.currency.clone(),
        estimated_price_messages_sent: Money::from_units(tx.cost_of(row.id)?).to_string(),
        submitted_at: row.machine.created.to_string(),
        finalized_at: row.machine.finalized.map(|at| at.to_string()),
    };
    write(tx, &subscription, NewEvent { account, verification: row.id, kind: fact.kind, facts }, now)
}

/// `None`: the account is not told that.
fn subscription(tx: &Tx, account: AccountId, kind: EventType) -> Result<Option<Subscription>, StoreError> {
    Ok(tx.subscription(account)?.filter(|subscription| wants(&subscription.events, kind)))
}

/// `events` as it is stored: names parted by commas, none for all.
fn wants(events: &str, kind: EventType) -> bool {
    events.is_empty() || events.split(',').any(|event| event == kind.as_str())
}

fn step(tx: &Tx, row: &VerificationRow, event: usize, via: Option<Via>) -> Result<Option<Step>, StoreError> {
    let Some(kind) = row.machine.plan.workflow.events().get(event) else { return Ok(None) };
    let record = tx.events_of(row.id)?.into_iter().find(|record| record.index == event);
    Ok(Some(Step {
        event_id: record.map(|record| record.id.to_string()),
        route: via.map(|via| via.as_str().to_owned()),
        ..Step::new(event, *kind)
    }))
}

struct NewEvent {
    account: AccountId,
    verification: VerificationId,
    kind: EventType,
    facts: Facts,
}

/// Says whether there is something to send.
fn write(tx: &Tx, subscription: &Subscription, new: NewEvent, now: Timestamp) -> Result<bool, StoreError> {
    let NewEvent { account, verification, kind, facts } = new;
    let event = NewWebhookEvent { account, verification, kind: kind.as_str(), facts: facts.to_json(), now };
    if subscription.disabled {
        tx.insert_dead_webhook_event(&event, DISABLED)?;
    } else {
        tx.insert_webhook_event(&event)?;
    }
    Ok(!subscription.disabled)
}

/// As search calls it.
fn status(end: Option<End>) -> &'static str {
    match end {
        None => "IN PROGRESS",
        Some(End::Success) => "SUCCESS",
        Some(End::Failed) => "FAILED",
        Some(End::Expired) => "EXPIRED",
        Some(End::Cancelled) => "CANCELLED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_may_choose_what_it_is_told() {
        assert!(EventType::ALL.into_iter().all(|kind| wants("", kind)));
        let some = "verification.sent,verification.verified";
        let told: Vec<_> = EventType::ALL.into_iter().filter(|kind| wants(some, *kind)).collect();
        assert_eq!(told, [EventType::Sent, EventType::Verified]);
        assert!(!wants("verification.undelivered", EventType::Delivered));
    }
}
