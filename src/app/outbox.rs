//! The outbox from the inside: what is due, claims, outcomes, and the start after a crash.

use std::time::Duration;

use tracing::warn;

use super::App;
use super::transition::{Prepared, PreparedPin, note_failure, step};
use super::types::{Account, Internal};
use crate::channel::{Message, MessageText, Outcome, RefusalClass};
use crate::clock::Timestamp;
use crate::phone::Country;
use crate::store::{AttemptRow, AttemptState, DueCursor, StoreError, Tx, VerificationRow};
use crate::verification::{
    Amount, AttemptId, Autofill, Brand, Event, EventKind, Language, Outcome as MachineOutcome, Payee, Pin, Purpose,
    RequestId, VerificationId,
};

/// Rows of one look: enough to find work for every free route, little enough to be quick.
const LOOK: u32 = 64;

/// Verifications that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 64;

/// Verifications whose deadline is handled in one transaction.
const DEADLINES: u32 = 64;

/// An attempt that is due, with what routing asks.
#[derive(Clone, Debug)]
pub struct Due {
    pub attempt: AttemptId,
    /// Its place; where the next look may begin.
    pub cursor: DueCursor,
    pub kind: EventKind,
    pub country: Option<Country>,
    /// Routes that refused the event for good.
    pub excluded: Vec<String>,
    /// The route of the event's last attempt.
    pub avoided: Option<String>,
}

/// What a claim came to.
#[derive(Debug)]
pub enum Claim {
    /// Claimed; to be handed to the route.
    Message(Box<Message>),
    /// The attempt is not due any more.
    Gone,
}

/// What is done to one verification inside a transaction.
type ForOne = fn(&Tx, VerificationId, &Prepared, Timestamp) -> Result<(), StoreError>;

enum Try {
    Claimed(Box<VerificationRow>, Autofill),
    NeedsPin(Box<VerificationRow>),
    Gone,
}

impl App {
    /// Some attempts that are due at `now`, in the order of their due time, from behind `after`. None left: an empty
    /// list.
    pub async fn due(&self, now: Timestamp, after: Option<DueCursor>) -> Result<Vec<Due>, Internal> {
        let due = self
            .store
            .read(move |tx: &Tx| {
                let mut list = vec![];
                for due in tx.due_attempts(now, after, LOOK)? {
                    let others = if due.number > 1 { tx.attempts_of(due.verification)? } else { vec![] };
                    let mut others = others.iter().filter(|other| other.event == due.event && other.id != due.id);
                    let refused = others.clone().filter(|other| other.state == AttemptState::OtherRoute.as_str());
                    list.push(Due {
                        attempt: due.id,
                        cursor: DueCursor { due: due.due, id: due.id },
                        kind: due.kind,
                        country: due.country.and_then(|country| country.parse().ok()),
                        excluded: refused.filter_map(|other| other.route.clone()).collect(),
                        avoided: others.next_back().and_then(|other| other.route.clone()),
                    });
                }
                Ok::<_, StoreError>(list)
            })
            .await?;
        Ok(due)
    }

    /// When the dispatcher has to look again if nothing wakes it. `looked`: the instant of the look before, which is not
    /// the present any more: what became due during the look is still to be done.
    pub async fn next_due(&self, looked: Timestamp) -> Result<Option<Timestamp>, Internal> {
        let next = self
            .store
            .read(move |tx: &Tx| {
                let times = [tx.earliest_deadline()?, tx.earliest_due_after(looked)?];
                Ok::<_, StoreError>(times.into_iter().flatten().min())
            })
            .await?;
        Ok(next)
    }

    /// Handles the deadlines that have come; says how many.
    pub async fn run_deadlines(&self) -> Result<usize, Internal> {
        let now = self.clock.now();
        let ids = self.store.read(move |tx: &Tx| tx.overdue_verifications(now, DEADLINES)).await?;
        let count = ids.len();
        self.for_each(ids, now, pass_deadline).await?;
        Ok(count)
    }

    /// Does something to each of some verifications in one transaction; where one cannot be read, in one each, and that
    /// one is set aside, so that the others do not wait for it.
    async fn for_each(&self, ids: Vec<VerificationId>, now: Timestamp, act: ForOne) -> Result<(), Internal> {
        let group: Vec<_> = ids.iter().map(|id| (*id, self.prepared())).collect();
        let together = self
            .store
            .write(move |tx: &Tx| group.iter().try_for_each(|(id, prepared)| act(tx, *id, prepared, now)))
            .await;
        match together {
            Err(StoreError::Row(_)) => {}
            other => return Ok(other?),
        }
        for id in ids {
            let prepared = self.prepared();
            match self.store.write(move |tx: &Tx| act(tx, id, &prepared, now)).await {
                Ok(()) => {}
                Err(StoreError::Row(reason)) => {
                    warn!(verification = %id.get(), reason, "a verification cannot be read; it is set aside");
                    self.store
                        .write(move |tx: &Tx| {
                            tx.set_aside_verification(id, &reason, now)?;
                            tx.withdraw_attempts(id, now)
                        })
                        .await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Claims a due attempt for a route. On record before the message is handed over.
    pub async fn claim(&self, attempt: AttemptId, route: &str) -> Result<Claim, Internal> {
        let mut prepared = Prepared::default();
        loop {
            match self.try_claim(attempt, route.to_owned(), prepared).await? {
                Try::Gone => return Ok(Claim::Gone),
                Try::Claimed(row, autofill) => {
                    return Ok(Claim::Message(Box::new(self.message(attempt, &row, &autofill)?)));
                }
                Try::NeedsPin(row) => prepared = Prepared { event_id: None, pin: Some(self.renewed_pin(&row).await?) },
            }
        }
    }

    async fn try_claim(&self, id: AttemptId, route: String, prepared: Prepared) -> Result<Try, Internal> {
        let now = self.clock.now();
        let claimed = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(Try::Gone) };
                if attempt.state != AttemptState::Due.as_str() {
                    return Ok(Try::Gone);
                }
                if row.machine.needs_new_pin(now) && prepared.pin.is_none() {
                    return Ok(Try::NeedsPin(Box::new(row)));
                }
                match step(tx, &mut row, Event::Claimed { attempt: attempt.number }, &prepared, now)? {
                    Ok(step) if step.granted() => {
                        tx.claim_attempt(id, &route, now)?;
                        let account = tx.account(row.fixed.account)?.map(Account::from);
                        let autofill = account.map(|account| account.defaults.autofill).unwrap_or_default();
                        Ok::<_, StoreError>(Try::Claimed(Box::new(row), autofill))
                    }
                    Ok(_) | Err(_) => Ok(Try::Gone),
                }
            })
            .await?;
        Ok(claimed)
    }

    /// The PIN of the next generation: the caller's own again, or a fresh one.
    async fn renewed_pin(&self, row: &VerificationRow) -> Result<PreparedPin, Internal> {
        let request = row.fixed.request;
        let pin = if row.fixed.own_pin {
            self.open_pin(row)?
        } else {
            let digits = self.random.digits(usize::from(row.fixed.code_length));
            Pin::new(&digits).ok_or(Internal::Row { request, reason: "its PIN's length is malformed" })?
        };
        self.prepare_pin(pin, request, row.machine.generation + 1).await
    }

    fn message(&self, attempt: AttemptId, row: &VerificationRow, autofill: &Autofill) -> Result<Message, Internal> {
        let request = row.fixed.request;
        let pin = self.open_pin(row)?;
        let purpose = purpose(row).ok_or(broken(request, "its brand or amount is malformed"))?;
        let language = row.fixed.language.parse().unwrap_or(Language::ENGLISH);
        let pin_end = row.machine.pin_end();
        let life: Duration = pin_end.map_or(row.machine.plan.pin_life, |end| end.since(self.clock.now()));
        Ok(Message {
            attempt,
            request: Some(request),
            kind: row.machine.current_event(),
            number: self.open_number(row)?,
            text: MessageText::new(self.rules().texts.sms(&purpose, &pin, language, autofill)),
            pin_end,
            validity: life,
        })
    }

    /// Asks whether an attempt's bytes may leave. `true` is on record as `sending` when this returns.
    pub async fn begin(&self, id: AttemptId) -> Result<bool, Internal> {
        let now = self.clock.now();
        let begun = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                let begun = Event::Begun { attempt: attempt.number };
                let Ok(step) = step(tx, &mut row, begun, &Prepared::default(), now)? else { return Ok(None) };
                if step.granted() {
                    tx.begin_attempt(id, now)?;
                }
                Ok::<_, StoreError>(Some(step))
            })
            .await?;
        let Some(step) = begun else { return Ok(false) };
        self.wake_after(&step);
        Ok(step.granted())
    }

    /// Records how an attempt went, and what is next.
    pub async fn finished(&self, id: AttemptId, route: String, outcome: Outcome) -> Result<(), Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let step = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                let (machine_outcome, state, reason) = verdict(&outcome);
                let finished = Event::Finished { attempt: attempt.number, outcome: machine_outcome };
                let result = step(tx, &mut row, finished, &prepared, now)?;
                match &outcome {
                    Outcome::Returned => withdraw_unless_requeued(tx, id, now)?,
                    Outcome::Accepted { references } | Outcome::Uncertain { references, .. } => {
                        tx.finish_attempt(id, state, reason, now)?;
                        // One more for the part that is uncertain; one at least where the modem told nothing.
                        let untold = references.is_empty() || matches!(outcome, Outcome::Uncertain { .. });
                        for reference in references.iter().copied().chain(untold.then_some(None)) {
                            tx.insert_awaited_report(id, &route, reference, now)?;
                        }
                    }
                    Outcome::Refused { .. } => tx.finish_attempt(id, state, reason, now)?,
                }
                note_failure(tx, &row, reason.unwrap_or("no route took it"))?;
                Ok::<_, StoreError>(result.ok())
            })
            .await?;
        if let Some(step) = step {
            self.wake_after(&step);
        }
        Ok(())
    }

    /// No route takes an attempt: its event is skipped, or has failed if some route tried.
    pub async fn unroutable(&self, id: AttemptId) -> Result<(), Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let step = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                let result = step(tx, &mut row, Event::Unroutable { attempt: attempt.number }, &prepared, now)?;
                tx.finish_attempt(id, AttemptState::Unroutable, Some("no route takes it"), now)?;
                note_failure(tx, &row, "no route takes it")?;
                Ok::<_, StoreError>(result.ok())
            })
            .await?;
        if let Some(step) = step {
            self.wake_after(&step);
        }
        Ok(())
    }

    /// Brings the outbox in order after a stop or a crash: what was leaving is uncertain, what was claimed is due
    /// again, what is overdue is due once. To be called before anything is sent. Says how many verifications go on.
    pub async fn recover(&self) -> Result<usize, Internal> {
        let now = self.clock.now();
        let ids = self.store.read(|tx: &Tx| tx.unfinished_verifications()).await?;
        let count = ids.len();
        for group in ids.chunks(64) {
            self.for_each(group.to_vec(), now, recover_one).await?;
        }
        self.wake.notify_one();
        Ok(count)
    }

    /// Deletes some verifications that ended long ago; says how many.
    pub async fn purge(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - self.rules().retention;
        Ok(self.store.write(move |tx: &Tx| tx.purge_verifications(before, PURGE)).await?)
    }
}

fn pass_deadline(tx: &Tx, id: VerificationId, prepared: &Prepared, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut row) = tx.verification(id)? else { return Ok(()) };
    // A refusal cannot come: `Due` is never refused.
    let _ = step(tx, &mut row, Event::Due, prepared, now)?;
    note_failure(tx, &row, "it could not be handed over in time")
}

fn recover_one(tx: &Tx, id: VerificationId, prepared: &Prepared, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut row) = tx.verification(id)? else { return Ok(()) };
    let open: Vec<_> = tx
        .attempts_of(id)?
        .into_iter()
        .filter(|attempt| {
            [AttemptState::Claimed, AttemptState::Sending].map(AttemptState::as_str).contains(&attempt.state.as_str())
        })
        .collect();
    for attempt in open.iter().filter(|attempt| attempt.state == AttemptState::Sending.as_str()) {
        tx.finish_attempt(attempt.id, AttemptState::Uncertain, Some("the daemon ended while it was being sent"), now)?;
        let route = attempt.route.as_deref().unwrap_or_default();
        tx.insert_awaited_report(attempt.id, route, None, now)?;
    }
    // A refusal cannot come: `Restarted` is never refused.
    let _ = step(tx, &mut row, Event::Restarted, prepared, now)?;
    note_failure(tx, &row, "the last try was being compared when the daemon ended")?;
    for attempt in open.iter().filter(|attempt| attempt.state == AttemptState::Claimed.as_str()) {
        withdraw_unless_requeued(tx, attempt.id, now)?;
    }
    Ok(())
}

/// An attempt that came back and is not due again has no further use.
fn withdraw_unless_requeued(tx: &Tx, id: AttemptId, now: Timestamp) -> Result<(), StoreError> {
    let Some(attempt) = tx.attempt(id)? else { return Ok(()) };
    if [AttemptState::Claimed, AttemptState::Sending].map(AttemptState::as_str).contains(&attempt.state.as_str()) {
        tx.finish_attempt(id, AttemptState::Withdrawn, None, now)?;
    }
    Ok(())
}

fn attempt_and_verification(tx: &Tx, id: AttemptId) -> Result<Option<(AttemptRow, VerificationRow)>, StoreError> {
    let Some(attempt) = tx.attempt(id)? else { return Ok(None) };
    let Some(row) = tx.verification(attempt.verification)? else { return Ok(None) };
    Ok(Some((attempt, row)))
}

fn verdict(outcome: &Outcome) -> (MachineOutcome, AttemptState, Option<&str>) {
    match outcome {
        Outcome::Accepted { .. } => (MachineOutcome::HandedOver, AttemptState::Sent, None),
        Outcome::Uncertain { reason, .. } => (MachineOutcome::Uncertain, AttemptState::Uncertain, Some(reason)),
        Outcome::Returned => (MachineOutcome::Returned, AttemptState::Withdrawn, None),
        Outcome::Refused { class: RefusalClass::Temporary, reason } => {
            (MachineOutcome::Temporary, AttemptState::Temporary, Some(reason))
        }
        Outcome::Refused { class: RefusalClass::OtherRoute, reason } => {
            (MachineOutcome::OtherRoute, AttemptState::OtherRoute, Some(reason))
        }
        Outcome::Refused { class: RefusalClass::Final, reason } => {
            (MachineOutcome::Final, AttemptState::Final, Some(reason))
        }
    }
}

fn purpose(row: &VerificationRow) -> Option<Purpose> {
    let name = &row.fixed.brand;
    Some(match row.fixed.amount_cents {
        None => Purpose::Number { brand: Brand::new(name)? },
        Some(cents) => Purpose::Payment { payee: Payee::new(name)?, amount: Amount::from_cents(cents)? },
    })
}

fn broken(request: RequestId, reason: &'static str) -> Internal {
    Internal::Row { request, reason }
}
