//! The seconds of calls: counted when a call has ended, looked at before one is made.

use std::time::Duration;

use super::super::search::number_of;
use super::rekeying::Keyed;
use super::{bucket_of, excess};
use crate::clock::Timestamp;
use crate::fraud::Protection;
use crate::fraud::limit::Scope;
use crate::fraud::prefix::{Level, Prefix};
use crate::secrets::{Digest, Secrets};
use crate::store::{NewVerdict, StoreError, TallyEvent, Tx, VerificationRow};

/// Why a call that is due is skipped.
pub const SPENT: &str = "calls to it have used up their minutes";

/// For whom a call counts; nobody if no limit does, or the number is allowed whatever it costs.
fn subjects(
    tx: &Tx,
    protection: &Protection,
    secrets: &Secrets,
    row: &VerificationRow,
) -> Result<Vec<(Scope, Digest)>, StoreError> {
    if !Scope::VOICE.into_iter().any(|scope| protection.limits.counts(scope)) {
        return Ok(vec![]);
    }
    // A row whose number cannot be opened is told elsewhere.
    let Ok(number) = number_of(secrets, row) else { return Ok(vec![]) };
    if protection.limits.allowed_numbers.iter().any(|pattern| pattern.matches(&number)) {
        return Ok(vec![]);
    }
    let subjects = [
        (Scope::VoiceNumber, Keyed::new(secrets, number.digits())),
        (Scope::VoicePrefix, Keyed::new(secrets, &Prefix::of(&number, Level::Block).key())),
        (Scope::VoiceAccount, Keyed::account(secrets, row.fixed.account)),
    ];
    let counted = |(scope, keyed): (Scope, Keyed)| keyed.rekey(tx).map(|()| (scope, keyed.hash));
    subjects.into_iter().filter(|(scope, _)| protection.limits.counts(*scope)).map(counted).collect()
}

/// Whether the call that is due is to be skipped, put on record.
pub fn are_spent(
    tx: &Tx,
    protection: &Protection,
    secrets: &Secrets,
    row: &VerificationRow,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mode = protection.limits.mode;
    let mut spent = false;
    for (scope, subject) in subjects(tx, protection, secrets, row)? {
        if let Some((excess, _)) = excess(tx, protection, scope, &subject, now)? {
            let word = if mode.blocks() { "refused" } else { "monitored" };
            let (scope, reason) = (scope.as_str(), excess.to_string());
            let verdict = NewVerdict { rule: "limit", verdict: word, scope, subject, sealed: None, reason };
            tx.insert_verdict(&verdict, now)?;
            spent = true;
        }
    }
    Ok(spent && mode.blocks())
}

/// What a call counts of which nobody says how long it was: a minute, the step in which providers bill.
pub const UNTOLD: Duration = Duration::from_secs(60);

/// Counts a call that was answered.
pub fn count(
    tx: &Tx,
    protection: &Protection,
    secrets: &Secrets,
    row: &VerificationRow,
    talked: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    // As operators bill: every second that was begun.
    let seconds = talked.as_millis().div_ceil(1000);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    if seconds == 0 {
        return Ok(());
    }
    if !protection.breaker.mode.is_off() {
        tx.tally_event(row.id, TallyEvent::Talked { seconds }, bucket_of(row.machine.created))?;
    }
    for (scope, subject) in subjects(tx, protection, secrets, row)? {
        tx.count_velocity(scope.as_str(), &subject, seconds, now)?;
    }
    Ok(())
}
