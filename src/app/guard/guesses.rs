//! Wrong codes of a number, over all its PINs, verifications and accounts.

use super::super::search::number_of;
use super::rekeying::Keyed;
use crate::clock::Timestamp;
use crate::fraud::guess::{FORGOTTEN_AFTER, Failures, GuessRules, Hold};
use crate::secrets::{Digest, Secrets};
use crate::store::{NewVerdict, StoreError, Tx, VerificationRow};

/// The scope of wrong codes beside those of the limits.
pub const SCOPE: &str = "guess";

/// The hash by which wrong codes of a verification's number are counted, with all that was counted there.
pub fn counted(tx: &Tx, secrets: &Secrets, row: &VerificationRow) -> Result<Digest, StoreError> {
    // A number that cannot be opened is told elsewhere; its row still says by what it was counted.
    let Ok(number) = number_of(secrets, row) else { return Ok(row.fixed.number_hash) };
    let keyed = Keyed::new(secrets, number.digits());
    keyed.rekey(tx)?;
    Ok(keyed.hash)
}

/// Whether no code of the number is to be compared now.
pub fn hold(tx: &Tx, rules: &GuessRules, number: &Digest, now: Timestamp) -> Result<Option<Hold>, StoreError> {
    if rules.mode.is_off() {
        return Ok(None);
    }
    let failures = tx.guesses(number)?.map(|(in_a_row, last)| Failures { in_a_row, last });
    match failures.and_then(|failures| rules.hold(failures, now)) {
        Some(hold) => Ok(Some(hold)),
        None => spent(tx, rules, number, now),
    }
}

/// As [`hold`] at a check: puts it on record, and gives it if nothing is to be compared.
pub fn hold_check(tx: &Tx, rules: &GuessRules, number: &Digest, now: Timestamp) -> Result<Option<Hold>, StoreError> {
    let Some(hold) = hold(tx, rules, number, now)? else { return Ok(None) };
    let word = if rules.mode.blocks() { "refused" } else { "monitored" };
    let (subject, reason) = (*number, hold.reason(now));
    // The masked number stands in the verdict of a request, where it is known.
    let verdict = NewVerdict { rule: "guess", verdict: word, scope: "number", subject, sealed: None, reason };
    tx.insert_verdict(&verdict, now)?;
    Ok(rules.mode.blocks().then_some(hold))
}

/// Counts a try as wrong, before it is compared.
pub fn count(tx: &Tx, rules: &GuessRules, number: &Digest, now: Timestamp) -> Result<(), StoreError> {
    if rules.mode.is_off() {
        return Ok(());
    }
    tx.count_guess(number, now - FORGOTTEN_AFTER, now)?;
    if rules.limits.is_empty() { Ok(()) } else { tx.count_velocity(SCOPE, number, 1, now) }
}

/// The try was right: the row of failures ends, and the try was none.
pub fn was_right(tx: &Tx, rules: &GuessRules, number: &Digest) -> Result<(), StoreError> {
    if rules.mode.is_off() {
        return Ok(());
    }
    tx.forget_guesses(number)?;
    if rules.limits.is_empty() { Ok(()) } else { tx.take_back_velocity(SCOPE, number) }
}

/// The limit of wrong codes that a number has used up.
fn spent(tx: &Tx, rules: &GuessRules, number: &Digest, now: Timestamp) -> Result<Option<Hold>, StoreError> {
    for limit in &rules.limits {
        let since = now - limit.window;
        let used = tx.velocity_used(SCOPE, number, since)?;
        if used >= u64::from(limit.count) {
            let surplus = used - u64::from(limit.count) + 1;
            let leaves = tx.velocity_reached(SCOPE, number, since, surplus)?;
            let until = leaves.map(|at| at + limit.window);
            return Ok(Some(Hold::Spent { limit: *limit, until }));
        }
    }
    Ok(None)
}
