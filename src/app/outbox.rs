//! The outbox from the inside: what is due, claims, outcomes, and the start after a crash.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::App;
use super::blocklist::hashes_of;
use super::budget;
use super::callback::catch_up;
use super::guard::calls;
use super::search::number_of;
use super::timeline::{INTERRUPTED, Place, Told};
use super::transition::{Prepared, channel_of, note_failure, step};
use super::types::Internal;
use super::webhook;
use crate::channel::{CallScript, Message, MessageText, Outcome, Particulars, RefusalClass, Script};
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::store::{AttemptRow, AttemptState, NewBudgetUse, StoreError, StoredPin, Tx, VerificationRow};
use crate::verification::{
    Amount, AttemptId, Autofill, Brand, End, Event, EventKind, Language, Outcome as MachineOutcome, Payee, Pin,
    Purpose, Reference, RequestId, VerificationId,
};

/// Verifications that one purge deletes: each has rows in five tables and their indexes, some ten pages. Few, so that it
/// never holds up the writer on a slow card; more in an hour than SIMs send in a day.
const PURGE: u32 = 16;

/// Verifications whose deadline is handled in one transaction.
const DEADLINES: u32 = 64;

/// What a claim came to.
#[derive(Debug)]
pub enum Claim {
    /// Claimed; to be handed to the route.
    Message(Box<Message>),
    /// The attempt is not due any more.
    Gone,
    /// Claimed, but its number is on the blocklist by now: it is not to be sent.
    Blocked,
    /// It is to be skipped, and why.
    Closed(&'static str),
    /// The route's budget is spent; the board knew of less than the database, and knows it now.
    Spent,
}

/// What is done to one verification inside a transaction.
type ForOne = fn(&Tx, VerificationId, &Prepared, Timestamp) -> Result<Told, StoreError>;

enum Try {
    Claimed(Box<VerificationRow>, Autofill, NewBudgetUse, Option<Reference>),
    NeedsPin(Box<VerificationRow>),
    Gone,
    Closed(&'static str),
    Spent,
}

impl App {
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
            .write(move |tx: &Tx| {
                let acted = group.iter().map(|(id, prepared)| act(tx, *id, prepared, now));
                acted.collect::<Result<Vec<_>, _>>()
            })
            .await;
        match together {
            Err(StoreError::Row(_)) => {}
            other => {
                let told = other?;
                told.iter().for_each(Told::tell);
                self.wake_webhooks(told.iter().any(Told::tells));
                return Ok(());
            }
        }
        for id in ids {
            let prepared = self.prepared();
            match self.store.write(move |tx: &Tx| act(tx, id, &prepared, now)).await {
                Ok(told) => {
                    told.tell();
                    self.wake_webhooks(told.tells());
                }
                Err(StoreError::Row(reason)) => {
                    let why = reason.clone();
                    let (request_id, tells) = self
                        .store
                        .write(move |tx: &Tx| {
                            tx.withdraw_attempts(id, now)?;
                            let request_id = tx.set_aside_verification(id, &why, now)?;
                            Ok::<_, StoreError>((request_id, webhook::set_aside(tx, id, now)?))
                        })
                        .await?;
                    self.wake_webhooks(tells);
                    warn!(
                        name: "verification.unreadable",
                        %request_id, reason,
                        "a verification cannot be read; it is set aside"
                    );
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Claims a due attempt for a route and takes its share of the route's budget, both on record before the message is
    /// handed over.
    pub async fn claim(&self, attempt: AttemptId, route: &str) -> Result<Claim, Internal> {
        // A PIN that is renewed is written before its key may be retired.
        let _keys = self.keys();
        let mut prepared = Prepared::default();
        loop {
            match self.try_claim(attempt, route.to_owned(), prepared).await? {
                Try::Gone => return Ok(Claim::Gone),
                Try::Closed(reason) => return Ok(Claim::Closed(reason)),
                Try::Spent => {
                    self.load_budgets().await?;
                    return Ok(Claim::Spent);
                }
                Try::Claimed(row, autofill, share, reference) => {
                    for alarm in self.board.take_budget(&share.route, share.kind, attempt, share.amount) {
                        budget::warn(&share, &alarm);
                    }
                    let message = self.message(attempt, &row, &autofill, reference)?;
                    let blocked = self.is_blocked(&message.number).await?;
                    return Ok(if blocked { Claim::Blocked } else { Claim::Message(Box::new(message)) });
                }
                Try::NeedsPin(row) => prepared = Prepared { event_id: None, pin: Some(self.renewed_pin(&row).await?) },
            }
        }
    }

    async fn try_claim(&self, id: AttemptId, route: String, prepared: Prepared) -> Result<Try, Internal> {
        let now = self.clock.now();
        let rules = self.rules();
        let board = self.board.clone();
        let keys = self.keys();
        let reference = board.is_provider(&route).then(|| Reference::from_bytes(self.random.bytes()));
        let claimed = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(Try::Gone) };
                if attempt.state != AttemptState::Due.as_str() {
                    return Ok(Try::Gone);
                }
                let autofill = budget::autofill_of(tx, row.fixed.account)?;
                let kind = row.machine.current_event();
                if kind == EventKind::Tts && calls::are_spent(tx, &rules.protection, &keys.secrets, &row, now)? {
                    return Ok(Try::Closed(calls::SPENT));
                }
                let amount = budget::amount(&rules, &row, &autofill);
                let price = board.price(&route, kind, amount).units();
                let share = NewBudgetUse { route, kind, amount, cost: price.unsigned_abs(), attempt: id };
                if !tx.has_budget(&share, &board.limits(&share.route, kind).windows(), now)?
                    || !tx.has_money(&share, &board.spend_limits(&share.route).windows(), now)?
                {
                    return Ok(Try::Spent);
                }
                if row.machine.needs_new_pin(now) && prepared.pin.is_none() {
                    return Ok(Try::NeedsPin(Box::new(row)));
                }
                match step(tx, &mut row, Event::Claimed { attempt: attempt.number }, &prepared, now)? {
                    Ok(step) if step.granted() => {
                        tx.claim_attempt(id, &share.route, reference, price, now)?;
                        tx.take_budget(&share, now)?;
                        let (route, waited) = (share.route.clone(), now.since(attempt.due));
                        tx.note(Fact::Claimed { route, channel: kind.channel(), waited });
                        Ok::<_, StoreError>(Try::Claimed(Box::new(row), autofill, share, reference))
                    }
                    Ok(_) => Ok(Try::Gone),
                    Err(_) => {
                        // One that is not the present one has no further use, and must not be looked at for ever.
                        tx.withdraw_attempt(row.id, attempt.number, now)?;
                        Ok(Try::Gone)
                    }
                }
            })
            .await?;
        Ok(claimed)
    }

    /// The PIN of the next generation: the caller's own again, or a fresh one.
    async fn renewed_pin(&self, row: &VerificationRow) -> Result<StoredPin, Internal> {
        let request = row.fixed.request;
        let pin = if row.fixed.own_pin {
            self.open_pin(row)?
        } else {
            let digits = self.random.digits(usize::from(row.fixed.code_length));
            Pin::new(&digits).ok_or(Internal::Row { request, reason: "its PIN's length is malformed" })?
        };
        self.prepare_pin(pin, request, row.machine.generation + 1).await
    }

    fn message(
        &self,
        attempt: AttemptId,
        row: &VerificationRow,
        autofill: &Autofill,
        reference: Option<Reference>,
    ) -> Result<Message, Internal> {
        let request = row.fixed.request;
        let pin = self.open_pin(row)?;
        let purpose = purpose_of(&row.fixed.brand, row.fixed.amount_cents)
            .ok_or(broken(request, "its brand or amount is malformed"))?;
        let language = row.fixed.language.parse().unwrap_or(Language::ENGLISH);
        let pin_end = row.machine.pin_end();
        let life: Duration = pin_end.map_or(row.machine.plan.pin_life, |end| end.since(self.clock.now()));
        let kind = row.machine.current_event();
        let texts = Arc::clone(&self.rules().texts);
        let text = MessageText::new(texts.sms(&purpose, &pin, language, autofill));
        let particulars = reference.map(|reference| {
            Box::new(Particulars {
                reference,
                sender_id: row.fixed.sender_id.clone(),
                purpose: purpose.clone(),
                pin: pin.clone(),
                language,
            })
        });
        let call = match kind {
            EventKind::Sms => None,
            EventKind::Tts => Some(Script::Pin(CallScript { purpose, pin, language, texts })),
        };
        Ok(Message {
            attempt,
            request: Some(request),
            kind,
            number: self.open_number(row)?,
            text,
            call,
            particulars,
            pin_end,
            validity: life,
        })
    }

    /// Asks whether an attempt's bytes may leave. `true` is on record as `sending` when this returns.
    pub async fn begin(&self, id: AttemptId) -> Result<bool, Internal> {
        if let Some(granted) = self.by_hand.may_begin(id) {
            return Ok(granted);
        }
        let now = self.clock.now();
        let keys = self.keys();
        let begun = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                // Claimed again, it is refused with its reason.
                if let Ok(number) = number_of(&keys.secrets, &row)
                    && tx.is_blocked(&hashes_of(&keys.secrets, &number))?
                {
                    return Ok(None);
                }
                let begun = Event::Begun { attempt: attempt.number };
                let Ok(step) = step(tx, &mut row, begun, &Prepared::default(), now)? else { return Ok(None) };
                if step.granted() {
                    tx.begin_attempt(id, now)?;
                }
                Ok::<_, StoreError>(Some((step, Place::of(&attempt, &row))))
            })
            .await?;
        let Some((step, place)) = begun else { return Ok(false) };
        if step.granted() {
            place.tell_begin();
        }
        self.wake_after(&step);
        Ok(step.granted())
    }

    /// Records how an attempt went, and what is next.
    pub async fn finished(&self, id: AttemptId, route: String, outcome: Outcome) -> Result<(), Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let told = outcome.clone();
        self.by_hand.finished(id, &told);
        let (rules, keys) = (self.rules(), self.keys());
        let via = self.via(&route);
        let finished = self
            .store
            .write(move |tx: &Tx| {
                budget::settle(tx, id, &outcome, now)?;
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                let place = Place::of(&attempt, &row).on(&route);
                let (machine_outcome, state, reason) = verdict(&outcome);
                let reason = reason.as_deref();
                // The step may go on to another event.
                let is_call = row.machine.current_event() == EventKind::Tts;
                note_finished(tx, &attempt, channel_of(&row, &attempt), &route, &outcome, now);
                if !matches!(outcome, Outcome::Returned) {
                    // Before the step: the lane of an attempt that follows tells what became of this one.
                    tx.finish_attempt(id, state, reason, now)?;
                }
                let finished = Event::Finished { attempt: attempt.number, outcome: machine_outcome };
                let mut result = step(tx, &mut row, finished, &prepared, now)?.ok();
                if let Some(step) = &mut result
                    && let Some(left) = step.left
                {
                    step.tells |= webhook::handed_over(tx, &row, left, &outcome, via, now)?;
                }
                match &outcome {
                    Outcome::Returned => withdraw_unless_requeued(tx, id, now)?,
                    // Nobody reports about a call later.
                    Outcome::Uncertain { .. } if is_call => {}
                    Outcome::Accepted { references } | Outcome::Uncertain { references, .. } => {
                        // One more for the part that is uncertain; one at least where the modem told nothing.
                        let untold = references.is_empty() || matches!(outcome, Outcome::Uncertain { .. });
                        for reference in references.iter().copied().chain(untold.then_some(None)) {
                            tx.insert_awaited_report(id, &route, reference, now)?;
                        }
                    }
                    Outcome::Taken { message_id } => {
                        if let Some(message_id) = message_id {
                            tx.name_attempt(id, message_id)?;
                        }
                        if is_call {
                            calls::count(tx, &rules.protection, &keys.secrets, &row, calls::UNTOLD, now)?;
                        }
                    }
                    Outcome::Spoken { talked, .. } => {
                        calls::count(tx, &rules.protection, &keys.secrets, &row, *talked, now)?;
                    }
                    Outcome::Unanswered { .. } | Outcome::Refused { .. } => {}
                }
                note_failure(tx, &row, result.as_mut(), reason.unwrap_or("no route took it"))?;
                let overtaken = catch_up(tx, id, Some(via), &mut row, &prepared, now)?;
                Ok::<_, StoreError>(Some((place, [result, overtaken])))
            })
            .await?;
        self.show_settled(id, &told, now);
        let Some((place, steps)) = finished else { return Ok(()) };
        place.tell_outcome(&told, now);
        for step in steps.iter().flatten() {
            self.wake_after(step);
        }
        Ok(())
    }

    /// Nothing takes an attempt, and why: its event is skipped, or has failed if some route tried.
    pub async fn unroutable(&self, id: AttemptId, reason: &'static str) -> Result<(), Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let told = self
            .store
            .write(move |tx: &Tx| {
                let Some((attempt, mut row)) = attempt_and_verification(tx, id)? else { return Ok(None) };
                let place = Place::of(&attempt, &row);
                tx.note(Fact::Unroutable { channel: channel_of(&row, &attempt) });
                let unroutable = Event::Unroutable { attempt: attempt.number };
                let mut result = step(tx, &mut row, unroutable, &prepared, now)?.ok();
                tx.finish_attempt(id, AttemptState::Unroutable, Some(reason), now)?;
                note_failure(tx, &row, result.as_mut(), reason)?;
                Ok::<_, StoreError>(Some((place, result)))
            })
            .await?;
        let Some((place, step)) = told else { return Ok(()) };
        place.tell_unroutable(reason);
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
        self.store
            .write(move |tx: &Tx| {
                tx.recover_webhook_events()?;
                tx.recover_budget(now)
            })
            .await?;
        self.load_budgets().await?;
        self.wake.notify_one();
        Ok(count)
    }

    /// Deletes some verifications that ended long ago; says how many.
    pub async fn purge(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - self.rules().retention.verifications;
        Ok(self.store.write(move |tx: &Tx| tx.purge_verifications(before, PURGE)).await?)
    }
}

fn pass_deadline(tx: &Tx, id: VerificationId, prepared: &Prepared, now: Timestamp) -> Result<Told, StoreError> {
    let Some(mut row) = tx.verification(id)? else { return Ok(Told::default()) };
    // A refusal cannot come: `Due` is never refused.
    let mut passed = step(tx, &mut row, Event::Due, prepared, now)?.ok();
    note_failure(tx, &row, passed.as_mut(), "it could not be handed over in time")?;
    Ok(Told { interrupted: vec![], steps: passed.into_iter().collect() })
}

fn recover_one(tx: &Tx, id: VerificationId, prepared: &Prepared, now: Timestamp) -> Result<Told, StoreError> {
    let Some(mut row) = tx.verification(id)? else { return Ok(Told::default()) };
    let open: Vec<_> = tx
        .attempts_of(id)?
        .into_iter()
        .filter(|attempt| {
            [AttemptState::Claimed, AttemptState::Sending].map(AttemptState::as_str).contains(&attempt.state.as_str())
        })
        .collect();
    let mut told = Told::default();
    for attempt in open.iter().filter(|attempt| attempt.state == AttemptState::Sending.as_str()) {
        tx.finish_attempt(attempt.id, AttemptState::Uncertain, Some(INTERRUPTED), now)?;
        let route = attempt.route.as_deref().unwrap_or_default();
        tx.insert_awaited_report(attempt.id, route, None, now)?;
        told.interrupted.push(Place::of(attempt, &row));
        let (channel, result) = (channel_of(&row, attempt), AttemptState::Uncertain.as_str());
        tx.note(Fact::Finished { route: route.to_owned(), channel, result, took: None });
    }
    // A refusal cannot come: `Restarted` is never refused.
    let mut restarted = step(tx, &mut row, Event::Restarted, prepared, now)?.ok();
    if let Some(left) = restarted.as_ref().and_then(|step| step.left) {
        // The worker begins by looking.
        webhook::was_leaving(tx, &row, left, now)?;
    }
    let mut overtaken = vec![];
    for attempt in open.iter().filter(|attempt| attempt.state == AttemptState::Sending.as_str()) {
        overtaken.extend(catch_up(tx, attempt.id, None, &mut row, prepared, now)?);
    }
    let reason = match row.machine.end() {
        Some(End::Expired) => "every wait was over at a start of the daemon",
        Some(End::Success | End::Failed | End::Cancelled) | None => {
            "the last try was being compared when the daemon ended"
        }
    };
    note_failure(tx, &row, restarted.as_mut(), reason)?;
    for attempt in open.iter().filter(|attempt| attempt.state == AttemptState::Claimed.as_str()) {
        withdraw_unless_requeued(tx, attempt.id, now)?;
    }
    told.steps.extend(restarted.into_iter().chain(overtaken));
    Ok(told)
}

/// An attempt that came back and is not due again has no further use.
fn withdraw_unless_requeued(tx: &Tx, id: AttemptId, now: Timestamp) -> Result<(), StoreError> {
    let Some(attempt) = tx.attempt(id)? else { return Ok(()) };
    if [AttemptState::Claimed, AttemptState::Sending].map(AttemptState::as_str).contains(&attempt.state.as_str()) {
        tx.finish_attempt(id, AttemptState::Withdrawn, None, now)?;
    }
    Ok(())
}

/// How long the network's acceptance took is known of what was accepted.
fn note_finished(tx: &Tx, attempt: &AttemptRow, channel: &'static str, route: &str, outcome: &Outcome, now: Timestamp) {
    let (machine_outcome, state, _) = verdict(outcome);
    let result = if matches!(outcome, Outcome::Returned) { "returned" } else { state.as_str() };
    let accepted = machine_outcome == MachineOutcome::HandedOver;
    let took = attempt.claimed.filter(|_| accepted).map(|claimed| now.since(claimed));
    tx.note(Fact::Finished { route: route.to_owned(), channel, result, took });
}

fn attempt_and_verification(tx: &Tx, id: AttemptId) -> Result<Option<(AttemptRow, VerificationRow)>, StoreError> {
    let Some(attempt) = tx.attempt(id)? else { return Ok(None) };
    let Some(row) = tx.verification(attempt.verification)? else { return Ok(None) };
    Ok(Some((attempt, row)))
}

fn verdict(outcome: &Outcome) -> (MachineOutcome, AttemptState, Option<Cow<'_, str>>) {
    fn said(reason: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(reason))
    }
    match outcome {
        Outcome::Accepted { .. } | Outcome::Taken { .. } => (MachineOutcome::HandedOver, AttemptState::Sent, None),
        Outcome::Spoken { rang, talked } => {
            let times = format!("rang {:.1} s, lasted {:.1} s", rang.as_secs_f64(), talked.as_secs_f64());
            (MachineOutcome::HandedOver, AttemptState::Sent, Some(Cow::Owned(times)))
        }
        Outcome::Unanswered { reason } => (MachineOutcome::Unanswered, AttemptState::Unanswered, said(reason)),
        Outcome::Uncertain { reason, .. } => (MachineOutcome::Uncertain, AttemptState::Uncertain, said(reason)),
        Outcome::Returned => (MachineOutcome::Returned, AttemptState::Withdrawn, None),
        Outcome::Refused { class: RefusalClass::Temporary, reason } => {
            (MachineOutcome::Temporary, AttemptState::Temporary, said(reason))
        }
        Outcome::Refused { class: RefusalClass::OtherRoute, reason } => {
            (MachineOutcome::OtherRoute, AttemptState::OtherRoute, said(reason))
        }
        Outcome::Refused { class: RefusalClass::Final, reason } => {
            (MachineOutcome::Final, AttemptState::Final, said(reason))
        }
    }
}

/// `name` is the payee where there is an amount.
pub(super) fn purpose_of(name: &str, amount_cents: Option<u64>) -> Option<Purpose> {
    Some(match amount_cents {
        None => Purpose::Number { brand: Brand::new(name)? },
        Some(cents) => Purpose::Payment { payee: Payee::new(name)?, amount: Amount::from_cents(cents)? },
    })
}

fn broken(request: RequestId, reason: &'static str) -> Internal {
    Internal::Row { request, reason }
}
