//! Checking a code: counted durably, then compared, answered in the order of counting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::guard::guesses;
use super::transition::{Prepared, Step, step};
use super::types::{Account, CheckError, Checked, Internal};
use super::{App, Keys};
use crate::clock::Timestamp;
use crate::secrets::{Argon2Hash, KeyId};
use crate::store::{StoreError, Tx, VerificationRow};
use crate::verification::{Answer, Code, Effect, Event, EventId, Money, RequestId, VerificationId};

/// One check of a verification at a time, first come, first served: so a later 17 never overtakes an earlier right
/// code, and checks of other verifications do not wait.
#[derive(Default)]
pub(super) struct Turns {
    waiting: Mutex<HashMap<RequestId, Arc<AsyncMutex<()>>>>,
}

struct Turn<'a> {
    turns: &'a Turns,
    request: RequestId,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    async fn take(&self, request: RequestId) -> Turn<'_> {
        let mutex = Arc::clone(self.lock().entry(request).or_default());
        Turn { turns: self, request, guard: Some(mutex.lock_owned().await) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, Arc<AsyncMutex<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut waiting = self.turns.lock();
        if waiting.get(&self.request).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
            waiting.remove(&self.request);
        }
    }
}

/// A counted try.
struct Counted {
    verification: VerificationId,
    try_id: i64,
    generation: u32,
    alive: bool,
    hash: Option<Vec<u8>>,
    key: Option<KeyId>,
}

impl App {
    /// Checks a code that a user typed.
    pub async fn check(
        &self,
        account: &Account,
        request: RequestId,
        code: Code,
        ip_address: Option<String>,
    ) -> Result<Checked, CheckError> {
        let _turn = self.checks.take(request).await;
        // The pepper of what is read here is there until it is compared.
        let keys = self.keys();
        let counted = self.count_try(&keys, account, request, ip_address.unwrap_or_default()).await?;
        let compared = compare(&keys, request, &counted, &code).await;
        // A comparison that could not be made counts as wrong: it must not leave the try open.
        let right = matches!(compared, Ok(true));
        let settled = self.settle_try(&keys, counted, right).await;
        compared?;
        settled
    }

    async fn count_try(
        &self,
        keys: &Keys,
        account: &Account,
        request: RequestId,
        ip_address: String,
    ) -> Result<Counted, CheckError> {
        let account = account.id;
        let now = self.clock.now();
        let (rules, secrets) = (self.rules(), keys.secrets.clone());
        let (orphans, counted) = self
            .store
            .write(move |tx: &Tx| {
                let Some(mut row) = tx.verification_by_request(account, request)? else {
                    return Err(CheckError::NotFound);
                };
                let orphans = settle_orphans(tx, &mut row, now)?;
                let guessing = &rules.protection.guessing;
                let number = guesses::counted(tx, &secrets, &row)?;
                if row.machine.end().is_none()
                    && let Some(hold) = guesses::hold_check(tx, guessing, &number, now)?
                {
                    let retry_after = hold.until().map(|until| until.since(now));
                    return Ok((orphans, Err(CheckError::Held { retry_after })));
                }
                let Ok(step) = step(tx, &mut row, Event::TryCounted, &Prepared::default(), now)? else {
                    // What the orphans came to stands.
                    return Ok((orphans, Err(CheckError::NotFound)));
                };
                guesses::count(tx, guessing, &number, now)?;
                let (generation, alive) = step
                    .effects
                    .iter()
                    .find_map(|effect| match effect {
                        Effect::Compare { generation, alive } => Some((*generation, *alive)),
                        _ => None,
                    })
                    .expect("a counted try is compared");
                let try_id = tx.insert_try(row.id, now, &ip_address)?;
                let (verification, hash, key) = (row.id, row.pin_hash, row.pin_key);
                Ok((orphans, Ok(Counted { verification, try_id, generation, alive, hash, key })))
            })
            .await?;
        orphans.iter().for_each(Step::tell);
        self.wake_webhooks(orphans.iter().any(|step| step.tells));
        counted
    }

    async fn settle_try(&self, keys: &Keys, counted: Counted, right: bool) -> Result<Checked, CheckError> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let (rules, secrets) = (self.rules(), keys.secrets.clone());
        let (step, checked) = self
            .store
            .write(move |tx: &Tx| {
                let Counted { verification, try_id, generation, .. } = counted;
                let Some(mut row) = tx.verification(verification)? else { return Err(CheckError::NotFound) };
                let compared = Event::Compared { generation, right };
                tx.set_try_valid(try_id, right)?;
                let Ok(step) = step(tx, &mut row, compared, &prepared, now)? else {
                    return Err(CheckError::NotFound);
                };
                if right {
                    let number = guesses::counted(tx, &secrets, &row)?;
                    guesses::was_right(tx, &rules.protection.guessing, &number)?;
                }
                let cost = Money::from_units(tx.cost_of(verification)?);
                let price = if row.refunded { Money::ZERO } else { Money::from_units(row.fixed.price) };
                let checked = event_of(tx, verification, generation)?.map(|event| Checked {
                    event,
                    price,
                    currency: row.fixed.currency.clone(),
                    estimated_price_messages_sent: cost,
                });
                Ok((step, checked))
            })
            .await?;
        self.wake_after(&step);
        let answer = step.effects.iter().find_map(|effect| match effect {
            Effect::Answer(answer) => Some(*answer),
            _ => None,
        });
        match answer {
            Some(Answer::Right) => checked.ok_or(CheckError::NotFound),
            Some(Answer::Wrong) | None => Err(CheckError::Wrong),
            Some(Answer::WrongTooOften) => Err(CheckError::WrongTooOften),
        }
    }
}

async fn compare(keys: &Keys, request: RequestId, counted: &Counted, code: &Code) -> Result<bool, Internal> {
    let Some(pin) = code.as_pin() else { return Ok(false) };
    let hash = counted.hash.as_deref().and_then(Argon2Hash::from_bytes);
    let hash = hash.ok_or(Internal::Row { request, reason: "its PIN's hash is missing or malformed" })?;
    let right = keys.hasher.matches(hash, counted.key, pin, request, counted.generation).await?;
    Ok(right && counted.alive)
}

/// Tries whose end could not be recorded count as wrong: checks of one verification take turns, so nobody compares them
/// any more.
fn settle_orphans(tx: &Tx, row: &mut VerificationRow, now: Timestamp) -> Result<Vec<Step>, StoreError> {
    let mut steps = vec![];
    while row.machine.undecided > 0 {
        let wrong = Event::Compared { generation: row.machine.generation, right: false };
        match step(tx, row, wrong, &Prepared::default(), now)? {
            Ok(step) => steps.push(step),
            Err(_) => break,
        }
    }
    Ok(steps)
}

/// The latest event handed over that carried the PIN of `generation`; before any was, the latest that carries it.
fn event_of(tx: &Tx, verification: VerificationId, generation: u32) -> Result<Option<EventId>, StoreError> {
    let events = tx.events_of(verification)?;
    let carriers = || events.iter().filter(|event| event.generation == generation);
    let sent = carriers().rfind(|event| event.handed_over.is_some());
    Ok(sent.or_else(|| carriers().next_back()).map(|event| event.id))
}

impl From<StoreError> for CheckError {
    fn from(error: StoreError) -> Self {
        Self::Internal(Internal::Store(error))
    }
}
