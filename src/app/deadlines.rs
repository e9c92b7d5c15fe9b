//! What happens to verifications by time alone, and at the start after a stop or a crash.

use tracing::warn;

use super::App;
use super::callback::catch_up;
use super::outbox::withdraw_unless_requeued;
use super::timeline::{INTERRUPTED, Place, Told};
use super::transition::{Prepared, channel_of, note_failure, step};
use super::types::Internal;
use super::webhook;
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::store::{AttemptState, StoreError, Tx};
use crate::verification::{End, Event, VerificationId};

/// Verifications whose deadline is handled in one transaction.
const DEADLINES: u32 = 64;

/// What is done to one verification inside a transaction.
type ForOne = fn(&Tx, VerificationId, &Prepared, Timestamp) -> Result<Told, StoreError>;

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
