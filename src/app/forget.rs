//! Forgetting a number: everything by which it could be told that it was ever here.

use super::blocklist::BlocklistEntry;
use super::guard::rekeying::scopes;
use super::transition::{Prepared, step};
use super::types::Internal;
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::secrets::Secrets;
use crate::store::{Store, StoreError, Tx, VerificationTraces};
use crate::verification::{Event, VerificationId};

/// Verifications that one step deletes: few, so that it never holds up the writer.
const STEP: usize = 64;

/// What is done about what stands in the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetting {
    /// Verifications in progress are ended.
    pub cancel: bool,
    /// The number's own entry of the blocklist stays, so that nobody writes to it.
    pub keep_blocked: bool,
}

/// What is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub verifications: usize,
    /// Of them, those that were in progress.
    pub cancelled: usize,
    pub attempts: usize,
    pub tries: usize,
    /// Parts of messages that came from the number.
    pub message_parts: usize,
    /// What limits, wrong codes and verdicts kept of it.
    pub counts: usize,
    pub entry: Entry,
}

/// The number's own entry of the blocklist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    #[default]
    None,
    Removed,
    Kept,
}

#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    #[error("verifications of the number are in progress: {0}")]
    InProgress(usize),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<StoreError> for ForgetError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// Deletes every trace of a number, in small steps. What a modem has in its hands it finishes; its outcome is not kept.
///
/// # Errors
///
/// [`ForgetError::InProgress`], with nothing deleted.
pub async fn forget(
    store: &Store,
    secrets: &Secrets,
    now: Timestamp,
    number: &PhoneNumber,
    how: Forgetting,
) -> Result<Forgotten, ForgetError> {
    let mut forgotten = Forgotten::default();
    let hashes = secrets.number_hashes(number.digits());
    let (under, wanted) = (secrets.check_value(), hashes.clone());
    let found = store
        .read(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            tx.verifications_of_number(&wanted)
        })
        .await?;
    let in_progress = found.iter().filter(|(_, ended)| !ended).count();
    if in_progress > 0 && !how.cancel {
        return Err(ForgetError::InProgress(in_progress));
    }
    for group in found.chunks(STEP) {
        let ids: Vec<_> = group.iter().map(|(id, _)| *id).collect();
        let deleted = move |tx: &Tx| {
            let mut traces = VerificationTraces::default();
            let mut cancelled = 0;
            for id in &ids {
                cancelled += usize::from(end(tx, *id, now)?);
                traces += tx.delete_verification(*id)?;
            }
            Ok::<_, StoreError>((traces, cancelled))
        };
        let (traces, cancelled) = store.write(deleted).await?;
        forgotten.cancelled += cancelled;
        forgotten.verifications += traces.verifications;
        forgotten.attempts += traces.attempts;
        forgotten.tries += traces.tries;
    }
    let entries = BlocklistEntry::Number(number.clone()).hashes(secrets);
    let rest = move |tx: &Tx| {
        tx.must_be_under(&under)?;
        let scopes = scopes();
        let (mut parts, mut counts) = (0, 0);
        for hash in &hashes {
            counts += tx.forget_subject(hash, &scopes)?;
            parts += tx.delete_parts_of_sender(hash)?;
        }
        if how.keep_blocked {
            let entry = if tx.is_blocked(&entries)? { Entry::Kept } else { Entry::None };
            return Ok((parts, counts, entry));
        }
        let mut entry = Entry::None;
        for hash in &entries {
            if tx.delete_block(hash)? {
                entry = Entry::Removed;
            }
        }
        Ok::<_, StoreError>((parts, counts, entry))
    };
    (forgotten.message_parts, forgotten.counts, forgotten.entry) = store.write(rest).await?;
    Ok(forgotten)
}

/// Ends a verification as its account would, credits included; where it is too early or too late for that, all the same.
/// Says whether it was in progress.
fn end(tx: &Tx, id: VerificationId, now: Timestamp) -> Result<bool, StoreError> {
    let Some(mut row) = tx.verification(id)? else { return Ok(false) };
    if row.machine.finalized.is_some() {
        return Ok(false);
    }
    // What remains is deleted with it.
    let _ = step(tx, &mut row, Event::CancelAsked, &Prepared::default(), now)?;
    Ok(true)
}
