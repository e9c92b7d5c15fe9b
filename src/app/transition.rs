//! One step of a verification inside a transaction: the machine decides, its effects become rows.

use super::App;
use super::guard;
use super::timeline::{self, Fact};
use super::types::Internal;
use super::webhook::{self, Left, Via};
use crate::channel::lane::Lane;
use crate::clock::Timestamp;
use crate::metrics;
use crate::store::{AttemptRow, AttemptState, StoreError, StoredPin, Tx, VerificationRow};
use crate::verification::{AttemptId, Effect, End, Event, EventId, Pin, Refusal, RequestId, State, Verification};

/// What was drawn and hashed before the transaction, for effects that need it.
#[derive(Default)]
pub(super) struct Prepared {
    /// For an event that comes up.
    pub event_id: Option<EventId>,
    pub pin: Option<StoredPin>,
}

/// What a step came to.
pub(super) struct Step {
    pub effects: Vec<Effect>,
    /// Something may be due earlier than the dispatcher thinks.
    pub wakes: bool,
    /// Whoever has this attempt in hand may stop: a call is hung up.
    pub withdrawn: Option<AttemptId>,
    /// For the log.
    pub request: RequestId,
    pub facts: Vec<Fact>,
    /// Why the verification failed.
    pub reason: Option<String>,
    /// What was handed over by it, or may have been.
    pub left: Option<Left>,
    /// There is something to tell the account.
    pub tells: bool,
}

impl Step {
    pub fn granted(&self) -> bool {
        self.effects.contains(&Effect::Granted)
    }

    pub fn tell(&self) {
        timeline::tell(self.request, &self.facts, self.reason.as_deref());
    }
}

/// Lets the machine handle `event` and writes state and effects. A refusal writes nothing.
pub(super) fn step(
    tx: &Tx,
    row: &mut VerificationRow,
    event: Event,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Result<Step, Refusal>, StoreError> {
    let before = row.machine.clone();
    let effects = match row.machine.handle(event, now) {
        Ok(effects) => effects,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let facts = timeline::facts(&before, event, row, &effects);
    let asked = event == Event::NextAsked
        || matches!(before.state, State::Sending { next: true, .. } | State::Resending { next: true, .. });
    for effect in &effects {
        apply(tx, row, *effect, asked, prepared, now)?;
    }
    let passage = passage(tx, row, &before, event, now)?;
    tx.update_machine(row.id, &row.machine)?;
    if before.end().is_none()
        && let Some(end) = row.machine.end()
    {
        tx.note(metrics::Fact::Ended { outcome: end.as_str(), country: row.fixed.country.clone() });
    }
    guard::tally(tx, row, &before)?;
    let deadline = row.machine.deadline();
    let sooner = deadline.is_some_and(|deadline| before.deadline().is_none_or(|before| deadline < before));
    let queued = effects.iter().any(|effect| matches!(effect, Effect::Send { .. } | Effect::Requeue { .. }));
    let withdrawn = effects.iter().find_map(|effect| match effect {
        Effect::Withdraw { attempt } => Some(*attempt),
        _ => None,
    });
    let withdrawn = match withdrawn {
        Some(number) => {
            tx.attempts_of(row.id)?.into_iter().find(|attempt| attempt.number == number).map(|attempt| attempt.id)
        }
        None => None,
    };
    let mut tells = match passage {
        Passage::InVain(event) => webhook::not_sent(tx, row, event, now)?,
        Passage::Left(_) | Passage::Stays => false,
    };
    if let (None, Some(end)) = (before.end(), row.machine.end()) {
        tells |= webhook::ended(tx, row, end, now)?;
    }
    let (wakes, request, left) = (sooner || queued, row.fixed.request, passage.left());
    Ok(Ok(Step { effects, wakes, withdrawn, request, facts, reason: None, left, tells }))
}

/// What a step did to the event that was the present one.
#[derive(Clone, Copy)]
enum Passage {
    /// Its message left, or may have.
    Left(Left),
    /// It is over, and nothing of it left: no route took it.
    InVain(usize),
    Stays,
}

impl Passage {
    fn left(self) -> Option<Left> {
        match self {
            Self::Left(left) => Some(left),
            Self::InVain(_) | Self::Stays => None,
        }
    }
}

fn passage(
    tx: &Tx,
    row: &VerificationRow,
    before: &Verification,
    event: Event,
    now: Timestamp,
) -> Result<Passage, StoreError> {
    let (after, present) = (&row.machine, before.event);
    let mut passage = Passage::Stays;
    if after.event == present && after.submitted != 0 && after.submitted != before.submitted {
        tx.event_handed_over(row.id, present, now)?;
        passage = Passage::Left(Left { event: present, again: before.submitted != 0 });
    }
    if after.event != present && before.submitted == 0 {
        // It may have been handed over by the very step that went on to the next event.
        let left = matches!(event, Event::Finished { .. }) && after.sent && after.wait_end != before.wait_end;
        if left {
            tx.event_handed_over(row.id, present, now)?;
            passage = Passage::Left(Left { event: present, again: false });
        } else {
            tx.skip_event(row.id, present)?;
            if event != Event::NextAsked {
                passage = Passage::InVain(present);
            }
        }
    }
    if after.event == present && was_last_in_vain(before, after, event) {
        tx.skip_event(row.id, present)?;
        passage = Passage::InVain(present);
    }
    if before.end().is_some() && after.sent && !before.sent {
        // It was leaving when the verification ended.
        tx.event_handed_over(row.id, present, now)?;
        passage = Passage::Left(Left { event: present, again: false });
    }
    Ok(passage)
}

/// The last event is over and nothing of it was handed over: no other event takes its place, so that only this tells.
fn was_last_in_vain(before: &Verification, after: &Verification, event: Event) -> bool {
    let open = matches!(before.state, State::Queued { .. } | State::Sending { .. });
    let over = matches!(after.state, State::Closing | State::Ended(End::Failed | End::Expired));
    let of_itself = match event {
        Event::Finished { .. } | Event::Unroutable { .. } | Event::Due => true,
        Event::Restarted => matches!(before.state, State::Queued { .. }),
        Event::Claimed { .. }
        | Event::Begun { .. }
        | Event::Delivered { .. }
        | Event::Undelivered { .. }
        | Event::NextAsked
        | Event::CancelAsked
        | Event::TryCounted
        | Event::Compared { .. } => false,
    };
    open && over && of_itself && after.submitted == 0
}

fn apply(
    tx: &Tx,
    row: &mut VerificationRow,
    effect: Effect,
    asked: bool,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<(), StoreError> {
    match effect {
        Effect::Send { attempt, event, due } => {
            let known = tx.events_of(row.id)?.iter().any(|record| record.index == event);
            if !known {
                let id = prepared.event_id.ok_or_else(|| StoreError::Row("no id for a new event".to_owned()))?;
                let kind = row.machine.plan.workflow.events()[event];
                tx.insert_event(row.id, id, event, kind, row.machine.generation)?;
            }
            let lane = lane(tx, row, event, asked)?;
            tx.insert_attempt(row.id, attempt, event, due, &lane.to_string())?;
        }
        Effect::Requeue { attempt, due } => tx.requeue_attempt(row.id, attempt, due)?,
        Effect::Withdraw { attempt } => tx.withdraw_attempt(row.id, attempt, now)?,
        Effect::RenewPin => {
            let pin = prepared.pin.as_ref().ok_or_else(|| StoreError::Row("no PIN for a renewal".to_owned()))?;
            tx.set_pin(row.id, pin)?;
            tx.set_event_generation(row.id, row.machine.event, row.machine.generation)?;
            row.pin_hash = Some(pin.hash.clone());
            row.pin_sealed = Some(pin.sealed.clone());
            row.pin_key = Some(pin.key);
        }
        Effect::WipeSealedPin => tx.wipe_sealed_pin(row.id)?,
        Effect::WipePin => tx.wipe_pin(row.id)?,
        Effect::Refund if !row.refunded => {
            tx.credit_account(row.fixed.account, row.fixed.credits)?;
            tx.set_refunded(row.id)?;
            row.refunded = true;
        }
        Effect::Refund | Effect::Granted | Effect::Compare { .. } | Effect::Answer(_) => {}
    }
    Ok(())
}

/// What a further attempt of an event asks of a route. `asked`: a person asked for the event.
fn lane(tx: &Tx, row: &VerificationRow, event: usize, asked: bool) -> Result<Lane, StoreError> {
    let attempts = tx.attempts_of(row.id)?;
    let of_event: Vec<_> = attempts.iter().filter(|attempt| attempt.event == event).collect();
    let last = of_event.last();
    let refused = of_event.iter().filter(|attempt| attempt.state == AttemptState::OtherRoute.as_str());
    let mut excluded: Vec<_> = refused.filter_map(|attempt| attempt.route.clone()).collect();
    excluded.sort();
    excluded.dedup();
    Ok(Lane {
        // Of an event that was asked for, every attempt is.
        first: event == 0 || last.map_or(asked, |last| Lane::read(&last.lane).first),
        kind: row.machine.plan.workflow.events()[event],
        country: row.fixed.country.as_ref().and_then(|country| country.parse().ok()),
        avoided: last.and_then(|last| last.route.clone()),
        excluded,
    })
}

/// The channel of an attempt, which may be one of an event before the present one.
pub(super) fn channel_of(row: &VerificationRow, attempt: &AttemptRow) -> &'static str {
    let kind = row.machine.plan.workflow.events().get(attempt.event).copied();
    kind.unwrap_or_else(|| row.machine.current_event()).channel()
}

/// Says in the row and in the step why a verification failed without a message, with the last refusal of a route if there
/// was one.
pub(super) fn note_failure(
    tx: &Tx,
    row: &VerificationRow,
    step: Option<&mut Step>,
    reason: &str,
) -> Result<(), StoreError> {
    let in_vain = match row.machine.end() {
        Some(End::Failed) => true,
        // Everybody may know why nobody answered, but not why nobody was asked.
        Some(End::Expired) => !row.machine.sent,
        Some(End::Success | End::Cancelled) | None => false,
    };
    if !in_vain {
        return Ok(());
    }
    let attempts = if row.machine.sent { vec![] } else { tx.attempts_of(row.id)? };
    let refused = attempts.iter().rev().filter(|attempt| attempt.route.is_some());
    let reason = match refused.flat_map(|attempt| &attempt.reason).find(|refusal| refusal.as_str() != reason) {
        Some(refusal) => format!("{reason}; last refusal: {refusal}"),
        None => reason.to_owned(),
    };
    tx.set_reason(row.id, &reason)?;
    if let Some(step) = step {
        step.reason = Some(reason);
    }
    Ok(())
}

impl App {
    /// Fresh values for a step that may bring up an event.
    pub(super) fn prepared(&self) -> Prepared {
        Prepared { event_id: Some(EventId::from_bytes(self.random.bytes())), pin: None }
    }

    /// Hashes and seals a PIN for a verification's generation.
    pub(super) async fn prepare_pin(
        &self,
        pin: Pin,
        request: RequestId,
        generation: u32,
    ) -> Result<StoredPin, Internal> {
        let keys = self.keys();
        let sealed = keys.secrets.seal(&self.random, pin.reveal().as_bytes(), &pin_binding(request, generation));
        let hash = keys.hasher.hash(&self.random, pin, request, generation).await?.to_bytes();
        Ok(StoredPin { hash, sealed, key: keys.hasher.key_id() })
    }

    pub(super) fn open_pin(&self, row: &VerificationRow) -> Result<Pin, Internal> {
        let request = row.fixed.request;
        let broken = |reason| Internal::Row { request, reason };
        let sealed = row.pin_sealed.as_deref().ok_or_else(|| broken("its sealed PIN is gone"))?;
        let binding = pin_binding(request, row.machine.generation);
        let plain =
            self.keys().secrets.open(sealed, &binding).map_err(|_| broken("its sealed PIN cannot be opened"))?;
        std::str::from_utf8(&plain).ok().and_then(Pin::new).ok_or_else(|| broken("its sealed PIN is malformed"))
    }

    /// Tells the log of a step, and the dispatcher if the step asked for it.
    pub(super) fn wake_after(&self, step: &Step) {
        step.tell();
        if step.wakes {
            self.wake.notify_one();
        }
        if let Some(attempt) = step.withdrawn {
            self.board.withdraw(attempt);
        }
        self.wake_webhooks(step.tells);
    }

    /// Tells the webhooks' worker, if there is something to tell.
    pub(super) fn wake_webhooks(&self, tells: bool) {
        if tells {
            self.webhook_wake.notify_one();
        }
    }

    /// The kind of a route.
    pub(super) fn via(&self, route: &str) -> Via {
        if self.board.is_provider(route) { Via::Provider } else { Via::Modem }
    }
}

/// A sealed PIN opens only for its verification and generation.
pub(super) fn pin_binding(request: RequestId, generation: u32) -> Vec<u8> {
    [b"pin".as_slice(), request.as_bytes(), &generation.to_be_bytes()].concat()
}

/// A sealed number opens only for its verification.
pub(super) fn number_binding(request: RequestId) -> Vec<u8> {
    [b"number".as_slice(), request.as_bytes()].concat()
}
