//! Delivery reports, and SIM PINs: what channels say besides the outcome of an attempt.

use std::time::Duration;

use zeroize::Zeroizing;

use super::App;
use super::timeline::Place;
use super::transition::{Step, channel_of, step};
use super::types::Internal;
use super::webhook::{self, Arrival, Via};
use crate::channel::DeliveryReport;
use crate::channel::callback::Fate;
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::secrets::{Digest, Secrets};
use crate::store::{AttemptRow, AwaitedReport, StoreError, Tx, VerificationRow};
use crate::verification::{AttemptId, Event};

/// A reference counts to 255 and begins again; a report that comes later than this belongs to nothing here.
pub(super) const REPORT_AGE_MAX: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Tries of a SIM PIN when none was wrong (3GPP TS 31.101).
const SIM_PIN_TRIES: u8 = 3;

impl App {
    /// Records a final delivery report. Reports of messages that are not ours, or come twice, change nothing.
    pub async fn report(&self, route: String, report: DeliveryReport) -> Result<(), Internal> {
        if self.by_hand.reported(&route, &report) {
            return Ok(());
        }
        let now = self.clock.now();
        let (reference, since) = (report.reference, now - REPORT_AGE_MAX);
        let via = self.via(&route);
        let candidates = self
            .store
            .read(move |tx: &Tx| {
                let mut candidates = vec![];
                for awaited in tx.awaited_reports(&route, reference, since)? {
                    let Some(attempt) = tx.attempt(awaited.attempt)? else { continue };
                    let Some(row) = tx.verification(attempt.verification)? else { continue };
                    candidates.push((awaited, attempt, row));
                }
                Ok::<_, StoreError>(candidates)
            })
            .await?;
        let own = candidates.into_iter().filter(|(_, _, row)| self.is_to(row, &report.number));
        // The reference that the modem told decides; of several the latest, because references begin again.
        let Some((awaited, attempt, row)) = own.max_by_key(|(awaited, _, _)| (awaited.reference.is_some(), awaited.id))
        else {
            return Ok(());
        };
        self.record_report(awaited, attempt, row, report.delivered, via).await
    }

    fn is_to(&self, row: &VerificationRow, digits: &str) -> bool {
        self.open_number(row).is_ok_and(|number| number.is_written_as(digits))
    }

    async fn record_report(
        &self,
        awaited: AwaitedReport,
        attempt: AttemptRow,
        row: VerificationRow,
        delivered: bool,
        via: Via,
    ) -> Result<(), Internal> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let place = Place::of(&attempt, &row);
        let step = self
            .store
            .write(move |tx: &Tx| {
                let number = attempt.number;
                let event = if delivered {
                    if !tx.part_delivered(&awaited)? {
                        return Ok(None);
                    }
                    Event::Delivered { attempt: number }
                } else {
                    tx.delete_awaited_reports(awaited.attempt)?;
                    Event::Undelivered { attempt: number }
                };
                tx.set_attempt_report(awaited.attempt, delivered, now)?;
                note_report(tx, &attempt, &row, delivered, now);
                let Some(mut row) = tx.verification(row.id)? else { return Ok(None) };
                let arrival = if delivered { Arrival::Arrived } else { Arrival::Failed };
                let tells = webhook::reported(tx, &row, attempt.event, arrival, Some(via), now)?;
                let step = step(tx, &mut row, event, &prepared, now)?.ok();
                Ok::<_, StoreError>(Some(step.map(|step| Step { tells: step.tells | tells, ..step })))
            })
            .await?;
        let Some(step) = step else { return Ok(()) };
        place.tell_fate(if delivered { Fate::Delivered } else { Fate::Failed });
        if let Some(step) = step {
            self.wake_after(&step);
        }
        Ok(())
    }

    /// An uncertain attempt was accepted after all; no second submission is needed.
    pub async fn settled(&self, id: AttemptId) -> Result<(), Internal> {
        if self.by_hand.settled(id) {
            return Ok(());
        }
        let now = self.clock.now();
        let prepared = self.prepared();
        let settled = self
            .store
            .write(move |tx: &Tx| {
                let Some(attempt) = tx.attempt(id)? else { return Ok(None) };
                let Some(mut row) = tx.verification(attempt.verification)? else { return Ok(None) };
                // A refusal cannot come: `Delivered` is never refused.
                let step = step(tx, &mut row, Event::Delivered { attempt: attempt.number }, &prepared, now)?.ok();
                Ok::<_, StoreError>(Some((Place::of(&attempt, &row), step)))
            })
            .await?;
        if let Some((place, step)) = settled {
            place.tell_settled();
            step.iter().for_each(Step::tell);
        }
        Ok(())
    }

    /// Whether a SIM's PIN may be tried: not one that was tried before and not taken, unless the SIM says that all its
    /// tries are left, so that the earlier one cannot have been refused.
    pub async fn may_try_sim_pin(&self, sim: &str, pin: &str, tries_left: Option<u8>) -> Result<bool, Internal> {
        let (keys, now) = (self.keys(), self.clock.now());
        let (sim, pin) = (sim.to_owned(), Zeroizing::new(pin.to_owned()));
        let first = self
            .store
            .write(move |tx: &Tx| {
                let hashes = sim_pin_hashes(tx, &keys.secrets, &sim, &pin)?;
                tx.begin_sim_pin_try(&hashes, now)
            })
            .await?;
        Ok(first || tries_left.is_some_and(|left| left >= SIM_PIN_TRIES))
    }

    /// The SIM took the PIN, or it never reached the SIM.
    pub async fn sim_pin_done(&self, sim: &str, pin: &str) -> Result<(), Internal> {
        let keys = self.keys();
        let (sim, pin) = (sim.to_owned(), Zeroizing::new(pin.to_owned()));
        let forgotten = self.store.write(move |tx: &Tx| {
            let hashes = sim_pin_hashes(tx, &keys.secrets, &sim, &pin)?;
            tx.forget_sim_pin_try(&hashes)
        });
        Ok(forgotten.await?)
    }
}

/// Counts what became of an attempt.
pub(super) fn note_report(tx: &Tx, attempt: &AttemptRow, row: &VerificationRow, delivered: bool, now: Timestamp) {
    let Some(route) = attempt.route.clone() else { return };
    let result = if delivered { "delivered" } else { "undelivered" };
    let took = attempt.finished.filter(|_| delivered).map(|finished| now.since(finished));
    tx.note(Fact::Reported { route, channel: channel_of(row, attempt), result, took });
}

/// Under every key, and under the key of retired ones.
fn sim_pin_hashes(tx: &Tx, secrets: &Secrets, sim: &str, pin: &str) -> Result<Vec<Digest>, StoreError> {
    let kept = tx.sim_pin_key()?.and_then(|sealed| secrets.open(&sealed, SIM_PIN_KEY).ok());
    Ok(secrets.sim_pin_hashes(sim, pin, kept.as_deref().map(Vec::as_slice)))
}

/// What the sealed key of SIM PINs' hashes is bound to.
pub(super) const SIM_PIN_KEY: &[u8] = b"sim pin key";
