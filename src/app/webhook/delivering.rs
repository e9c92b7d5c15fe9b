//! What is sent to accounts' servers, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::search::opened_number;
use super::super::types::Internal;
use super::super::{App, Keys};
use super::Endpoint;
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::secrets::Secrets;
use crate::store::{DueAccount, StoreError, Tx, WebhookAttempt, WebhookEventRow, WebhookEventState, WebhookRow};
use crate::verification::AccountId;
use crate::webhook::event::{Facts, Told};
use crate::webhook::schedule::{Next, Verdict};
use crate::webhook::{Delivery, message_id};

/// Events of a webhook that is turned off which one step gives up: few, so that it never holds up the writer.
const BURIED: u32 = 256;

/// Events that one step deletes.
const PURGED: u32 = 64;

/// A receiver that failed for so long gets what waits at once when it is back. After a shorter time what failed is no
/// sign that it was away, and comes again by its schedule.
const AWAY_AFTER: Duration = Duration::from_secs(10);

/// Of a receiver that fails, attempts at a time.
const WHILE_FAILING: usize = 1;

/// Why a webhook is turned off.
const GONE: &str = "HTTP status 410: the receiver wants nothing any more";

/// Attempts under way, by account.
pub type InFlight = BTreeMap<AccountId, usize>;

/// An attempt that is on record as under way.
pub struct Sending {
    pub account: AccountId,
    pub api_key: String,
    pub event: i64,
    /// `Err`: what is on record does not make a request.
    pub delivery: Result<Delivery, String>,
    attempt: WebhookAttempt,
    attempts: u32,
    queued: Timestamp,
    row: WebhookEventRow,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Delivered,
    /// Failures since then.
    PutOff {
        failing_since: Timestamp,
    },
    Dead,
    /// The webhook is turned off.
    Gone,
}

impl Settled {
    /// As metrics have it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::PutOff { .. } => "failed",
            Self::Dead => "dead",
            Self::Gone => "gone",
        }
    }
}

impl App {
    /// Puts on record that some of what is due is under way: of each account as much as it may have in flight, and `room`
    /// of all together.
    pub async fn take_webhook_events(&self, in_flight: &InFlight, room: usize) -> Result<Vec<Sending>, Internal> {
        let now = self.clock.now();
        let due = self.due_accounts(in_flight).await?;
        let due: Vec<_> = due.into_iter().filter(|account| account.due <= now).collect();
        if due.is_empty() || room == 0 {
            return Ok(vec![]);
        }
        let keys = self.keys();
        let ids: Vec<[u8; 16]> = (0..room).map(|_| self.random.bytes()).collect();
        let (in_flight, per_account) = (in_flight.clone(), self.rules().webhooks.per_account);
        let taken = self
            .store
            .write(move |tx: &Tx| {
                let mut ids = ids.into_iter();
                let mut taken = vec![];
                for DueAccount { account, is_failing, .. } in due {
                    let Some(hook) = tx.webhook(account)? else { continue };
                    if hook.disabled.is_some() {
                        tx.bury_webhook_events(account, hook.failure.as_deref().unwrap_or_default(), now, BURIED)?;
                        continue;
                    }
                    let under_way = in_flight.get(&account).copied().unwrap_or(0);
                    let limit = allowed(per_account, is_failing).saturating_sub(under_way).min(ids.len());
                    for row in tx.due_webhook_events(account, now, limit)? {
                        let fresh = ids.next().expect("no more rows than ids are read");
                        let attempt = WebhookAttempt { id: row.id, message_id: row.message_id.unwrap_or(fresh) };
                        tx.begin_webhook_event(attempt, now)?;
                        taken.push((hook.clone(), row, attempt));
                    }
                }
                Ok::<_, StoreError>(taken)
            })
            .await?;
        Ok(taken.into_iter().map(|(hook, row, attempt)| sending(&keys, &hook, row, attempt, now)).collect())
    }

    /// When there is something to take again by time alone.
    pub async fn next_webhook_event(&self, in_flight: &InFlight, room: usize) -> Result<Option<Timestamp>, Internal> {
        if room == 0 {
            return Ok(None);
        }
        Ok(self.due_accounts(in_flight).await?.iter().map(|account| account.due).min())
    }

    /// The accounts that may have a further attempt in flight, those that wait longest first.
    async fn due_accounts(&self, in_flight: &InFlight) -> Result<Vec<DueAccount>, Internal> {
        let per_account = self.rules().webhooks.per_account;
        let mut accounts = self.store.read(|tx: &Tx| tx.accounts_with_due_webhook_events()).await?;
        accounts.retain(|account| {
            let under_way = in_flight.get(&account.account).copied().unwrap_or(0);
            under_way < allowed(per_account, account.is_failing)
        });
        accounts.sort_by_key(|account| account.due);
        Ok(accounts)
    }

    /// Puts on record what an attempt came to, and what is next.
    pub async fn settle_webhook_event(
        &self,
        sending: &Sending,
        status: Option<u16>,
        verdict: Verdict,
    ) -> Result<Settled, Internal> {
        let now = self.clock.now();
        let [chance] = self.random.bytes();
        let Sending { account, attempt, attempts, queued, .. } = *sending;
        let verification = sending.row.verification;
        let schedule = self.rules().webhooks.schedule;
        let settled = self
            .store
            .write(move |tx: &Tx| {
                let settled = match verdict {
                    Verdict::Delivered => {
                        tx.settle_webhook_event(attempt, status, None, now)?;
                        takes_events(tx, account, now)?;
                        Settled::Delivered
                    }
                    Verdict::Gone => {
                        tx.settle_webhook_event(attempt, status, Some(GONE), now)?;
                        tx.disable_webhook(account, GONE, now)?;
                        Settled::Gone
                    }
                    Verdict::Failed { reason, asked, for_all } => {
                        let next = schedule.next(attempts, queued, asked, chance, now);
                        let held = match next {
                            Next::At(at) if for_all => Some(at),
                            Next::At(_) | Next::GiveUp => None,
                        };
                        tx.webhook_failed(account, &reason, held, now)?;
                        match next {
                            Next::At(at) => {
                                tx.put_off_webhook_event(attempt, at, status, &reason)?;
                                let failing = tx.webhook(account)?.and_then(|hook| hook.failing_since);
                                Settled::PutOff { failing_since: failing.unwrap_or(now) }
                            }
                            Next::GiveUp => {
                                tx.settle_webhook_event(attempt, status, Some(&reason), now)?;
                                Settled::Dead
                            }
                        }
                    }
                };
                tx.line_up_webhook_events(verification)?;
                tx.note(Fact::WebhookSettled { result: settled.as_str() });
                Ok::<_, StoreError>(settled)
            })
            .await?;
        Ok(settled)
    }

    /// Deletes some events that were settled long ago; says how many.
    pub async fn purge_webhook_events(&self) -> Result<usize, Internal> {
        let (now, rules) = (self.clock.now(), self.rules());
        let (delivered, dead) = (now - rules.webhooks.delivered_kept, now - rules.webhooks.dead_kept);
        let purged = self.store.write(move |tx: &Tx| {
            Ok::<_, StoreError>(
                tx.purge_webhook_events(WebhookEventState::Delivered, delivered, PURGED)?
                    + tx.purge_webhook_events(WebhookEventState::Dead, dead, PURGED)?,
            )
        });
        Ok(purged.await?)
    }
}

fn allowed(per_account: usize, is_failing: bool) -> usize {
    if is_failing { WHILE_FAILING } else { per_account }
}

/// A receiver that was away gets what waits.
fn takes_events(tx: &Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let failing = tx.webhook(account)?.and_then(|hook| hook.failing_since);
    tx.webhook_succeeded(account, now)?;
    if failing.is_some_and(|since| now.since(since) >= AWAY_AFTER) {
        tx.bring_webhook_events_forward(account, now)?;
    }
    Ok(())
}

fn sending(keys: &Keys, hook: &WebhookRow, row: WebhookEventRow, attempt: WebhookAttempt, now: Timestamp) -> Sending {
    Sending {
        account: row.account,
        api_key: row.api_key.clone(),
        event: row.id,
        delivery: delivery(&keys.secrets, hook, &row, &attempt.message_id, now),
        attempt,
        attempts: row.attempts + 1,
        queued: row.queued,
        row,
    }
}

fn delivery(
    secrets: &Secrets,
    hook: &WebhookRow,
    row: &WebhookEventRow,
    id: &[u8; 16],
    now: Timestamp,
) -> Result<Delivery, String> {
    let endpoint = Endpoint::open(secrets, hook).map_err(|error| error.to_string())?;
    let body = body(secrets, hook, row)?;
    let signing = endpoint.secrets(now);
    Ok(Delivery::new(endpoint.target, message_id(id), body, &signing, now))
}

/// What an event tells, with the number as its account wants it.
pub(super) fn body(secrets: &Secrets, hook: &WebhookRow, row: &WebhookEventRow) -> Result<String, String> {
    let facts: Facts = serde_json::from_str(&row.facts).map_err(|_| "its record is malformed".to_owned())?;
    let number = match row.number_sealed.as_slice() {
        [] => None,
        sealed => {
            let number = opened_number(secrets, row.request, sealed).map_err(|error| error.to_string())?;
            Some(if hook.whole_numbers { format!("+{}", number.digits()) } else { number.masked() })
        }
    };
    let told = Told {
        kind: row.kind.clone(),
        occurred: row.occurred,
        request: row.request,
        account: row.api_key.clone(),
        sequence: row.sequence,
        number,
        country: row.country.clone(),
        facts,
    };
    Ok(told.body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::WEBHOOK_RESULTS;

    #[test]
    fn every_result_is_a_word_of_the_catalogue() {
        let failing_since = Timestamp::from_millis(0);
        let all = [Settled::Delivered, Settled::PutOff { failing_since }, Settled::Dead, Settled::Gone];
        assert_eq!(all.each_ref().map(Settled::as_str), WEBHOOK_RESULTS);
    }
}
