//! Delivery callbacks: what a provider says of an attempt after it took it, or before its reply is on record.

use super::App;
use super::report::{REPORT_AGE_MAX, note_report};
use super::timeline::Place;
use super::transition::{Prepared, Step, step};
use super::types::Internal;
use super::webhook::{self, Arrival, Via};
use crate::channel::callback::{Fate, ProviderReport};
use crate::clock::Timestamp;
use crate::store::{AttemptRow, AttemptState, StoreError, Tx, VerificationRow};
use crate::verification::{AttemptId, Event, EventKind};

/// Why a call that was taken was not answered.
const UNANSWERED: &str = "the provider says that it was busy or not answered";

impl App {
    /// Records what a provider says of its messages. What was said before, or is overtaken, changes nothing. `false`: it
    /// spoke of a message that is not on record; that of its others is recorded.
    pub async fn provider_reports(&self, route: &str, reports: Vec<ProviderReport>) -> Result<bool, Internal> {
        let mut known = true;
        for report in reports {
            let Some(fate) = report.fate else { continue };
            known &= self.provider_report(route.to_owned(), report, fate).await?;
        }
        Ok(known)
    }

    async fn provider_report(&self, route: String, report: ProviderReport, fate: Fate) -> Result<bool, Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let via = self.via(&route);
        let recorded = self
            .store
            .write(move |tx: &Tx| {
                let Some(attempt) = find(tx, &route, &report, now)? else { return Ok(None) };
                let Some(mut row) = tx.verification(attempt.verification)? else { return Ok(None) };
                if let Some(message_id) = &report.message_id {
                    tx.name_attempt_once(attempt.id, message_id)?;
                }
                let Some(event) = record(tx, &attempt, &row, fate, now)? else { return Ok(Some(None)) };
                let tells = match arrival(&attempt, is_call(&attempt, &row), fate) {
                    Some(arrival) => webhook::reported(tx, &row, attempt.event, arrival, Some(via), now)?,
                    None => false,
                };
                // A refusal cannot come: `Delivered` and `Undelivered` are never refused.
                let step = step(tx, &mut row, event, &prepared, now)?.ok();
                let step = step.map(|step| Step { tells: step.tells | tells, ..step });
                Ok::<_, StoreError>(Some(Some((Place::of(&attempt, &row), step))))
            })
            .await?;
        let Some(recorded) = recorded else { return Ok(false) };
        if let Some((place, step)) = recorded {
            place.tell_fate(fate);
            step.iter().for_each(|step| self.wake_after(step));
        }
        Ok(true)
    }
}

/// What the account is told. Before the outcome of the attempt is on record nothing: [`catch_up`] does.
fn arrival(attempt: &AttemptRow, is_call: bool, fate: Fate) -> Option<Arrival> {
    let is = |states: &[AttemptState]| states.iter().any(|state| state.as_str() == attempt.state);
    match fate {
        Fate::Delivered | Fate::Failed if is(&[AttemptState::Claimed, AttemptState::Sending]) => None,
        Fate::Delivered => Some(Arrival::Arrived),
        Fate::Failed => Some(Arrival::Failed),
        Fate::Unanswered if is_call && is(&[AttemptState::Sent, AttemptState::Uncertain]) => Some(Arrival::NotAnswered),
        Fate::Unanswered | Fate::Accepted => None,
    }
}

/// Whether an attempt is a call.
fn is_call(attempt: &AttemptRow, row: &VerificationRow) -> bool {
    row.machine.plan.workflow.events().get(attempt.event) == Some(&EventKind::Tts)
}

/// The attempt that a report names: by our reference, which nobody else can know, else by the provider's own name.
fn find(tx: &Tx, route: &str, report: &ProviderReport, now: Timestamp) -> Result<Option<AttemptRow>, StoreError> {
    let since = now - REPORT_AGE_MAX;
    if let Some(reference) = report.reference
        && let Some(attempt) = tx.attempt_by_reference(route, reference, since)?
    {
        return Ok(Some(attempt));
    }
    match &report.message_id {
        Some(message_id) => tx.attempt_by_message_id(route, message_id, since),
        None => Ok(None),
    }
}

/// Writes down what became of an attempt; gives what the machine is to be told. That it arrived is final; that it failed
/// is believed until it arrives.
fn record(
    tx: &Tx,
    attempt: &AttemptRow,
    row: &VerificationRow,
    fate: Fate,
    now: Timestamp,
) -> Result<Option<Event>, StoreError> {
    let number = attempt.number;
    let before = tx.attempt_report(attempt.id)?.delivered;
    if before == Some(true) || (before == Some(false) && fate != Fate::Delivered) {
        return Ok(None);
    }
    match fate {
        Fate::Delivered | Fate::Failed => {
            // A report by a modem's reference is not to be expected any more.
            tx.delete_awaited_reports(attempt.id)?;
            tx.set_attempt_report(attempt.id, fate == Fate::Delivered, now)?;
            note_report(tx, attempt, row, fate == Fate::Delivered, now);
        }
        Fate::Unanswered if is_call(attempt, row) => tx.set_attempt_unanswered(attempt.id, UNANSWERED)?,
        Fate::Unanswered | Fate::Accepted => {}
    }
    Ok(Some(match fate {
        Fate::Failed => Event::Undelivered { attempt: number },
        // For the machine they are the same: the provider has it, and an uncertain attempt is not repeated.
        Fate::Delivered | Fate::Accepted | Fate::Unanswered => Event::Delivered { attempt: number },
    }))
}

/// Lets the machine hear what a callback said of an attempt before its outcome was on record.
pub(super) fn catch_up(
    tx: &Tx,
    id: AttemptId,
    via: Option<Via>,
    row: &mut VerificationRow,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Option<Step>, StoreError> {
    let Some(attempt) = tx.attempt(id)? else { return Ok(None) };
    let report = tx.attempt_report(id)?;
    let uncertain = attempt.state == AttemptState::Uncertain.as_str();
    let event = match report.delivered {
        Some(false) => Event::Undelivered { attempt: attempt.number },
        Some(true) => Event::Delivered { attempt: attempt.number },
        // It has a name for it, so it has it.
        None if uncertain && report.named => Event::Delivered { attempt: attempt.number },
        None => return Ok(None),
    };
    let tells = match report.delivered {
        Some(true) => webhook::reported(tx, row, attempt.event, Arrival::Arrived, via, now)?,
        Some(false) => webhook::reported(tx, row, attempt.event, Arrival::Failed, via, now)?,
        None => false,
    };
    let step = step(tx, row, event, prepared, now)?.ok();
    Ok(step.map(|step| Step { tells: step.tells | tells, ..step }))
}
