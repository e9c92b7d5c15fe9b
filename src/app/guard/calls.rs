//! The seconds of calls: counted when a call has ended, looked at before one is made.

use std::time::Duration;

use super::super::search::number_of;
use super::{account_hash, bucket_of, excess, prefix_hash};
use crate::clock::Timestamp;
use crate::fraud::Protection;
use crate::fraud::limit::Scope;
use crate::fraud::prefix::{Level, Prefix};
use crate::secrets::{Digest, Secrets};
use crate::store::{NewVerdict, StoreError, TallyEvent, Tx, VerificationRow};

/// Why a call that is due is skipped.
pub const SPENT: &str = "calls to it have used up their minutes";

/// For whom a call counts; nobody if no limit does, or the number is allowed whatever it costs.
fn subjects(protection: &Protection, secrets: &Secrets, row: &VerificationRow) -> Vec<(Scope, Digest)> {
    if !Scope::VOICE.into_iter().any(|scope| protection.limits.counts(scope)) {
        return vec![];
    }
    // A row whose number cannot be opened is told elsewhere.
    let Ok(number) = number_of(secrets, row) else { return vec![] };
    if protection.limits.allowed_numbers.iter().any(|pattern| pattern.matches(&number)) {
        return vec![];
    }
    vec![
        (Scope::VoiceNumber, row.fixed.number_hash),
        (Scope::VoicePrefix, prefix_hash(secrets, &Prefix::of(&number, Level::Block))),
        (Scope::VoiceAccount, account_hash(secrets, row.fixed.account)),
    ]
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
    for (scope, subject) in subjects(protection, secrets, row) {
        if !protection.limits.counts(scope) {
            continue;
        }
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
    for (scope, subject) in subjects(protection, secrets, row) {
        if protection.limits.counts(scope) {
            tx.count_velocity(scope.as_str(), &subject, seconds, now)?;
        }
    }
    Ok(())
}
