//! The outbox from the inside: claims and outcomes.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use super::blocklist::hashes_of;
use super::budget;
use super::callback::catch_up;
use super::guard::calls;
use super::search::number_of;
use super::timeline::Place;
use super::transition::{Prepared, channel_of, note_failure, step};
use super::types::Internal;
use super::webhook;
use crate::channel::{CallScript, Message, MessageText, Outcome, Particulars, RefusalClass, Script};
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::store::{AttemptRow, AttemptState, NewBudgetUse, StoreError, StoredPin, Tx, VerificationRow};
use crate::verification::{
    Amount, AttemptId, Autofill, Brand, Event, EventKind, Language, Outcome as MachineOutcome, Payee, Pin, Purpose,
    Reference, RequestId,
};

/// Verifications that one purge deletes: each has rows in five tables and their indexes, some ten pages. Few, so that it
/// never holds up the writer on a slow card; more in an hour than SIMs send in a day.
const PURGE: u32 = 16;

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

enum Try {
    Claimed(Box<VerificationRow>, Autofill, NewBudgetUse, Option<Reference>),
    NeedsPin(Box<VerificationRow>),
    Gone,
    Closed(&'static str),
    Spent,
}

impl App {
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

    /// Deletes some verifications that ended long ago; says how many.
    pub async fn purge(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - self.rules().retention.verifications;
        Ok(self.store.write(move |tx: &Tx| tx.purge_verifications(before, PURGE)).await?)
    }
}

/// An attempt that came back and is not due again has no further use.
pub(super) fn withdraw_unless_requeued(tx: &Tx, id: AttemptId, now: Timestamp) -> Result<(), StoreError> {
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
