//! What an operator does with webhooks: set, look, turn the secret over, send again.

use std::time::Duration;

use secrecy::SecretString;

use super::super::App;
use super::super::types::Internal;
use super::delivering::body;
use super::{Endpoint, seal_secret, seal_url, shown};
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secrets::Secrets;
use crate::store::{
    AccountRow, Replayed, Store, StoreError, Tx, WebhookCounts, WebhookEventFilter, WebhookEventRow, WebhookRow,
};
use crate::verification::VerificationId;
use crate::webhook::event::{EventType, test_body};
use crate::webhook::signature::SigningSecret;
use crate::webhook::target::Target;
use crate::webhook::{Delivery, message_id};

/// Dead events that one step takes: few, so that it never holds up the writer.
const REPLAYED: u32 = 64;

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("no account has the key {0}: see `simverify account list`")]
    NoAccount(String),
    #[error("account {0} has no webhook: `simverify account webhook set {0} URL` makes one")]
    NoWebhook(String),
    #[error("what is on record of the webhook cannot be read")]
    Unreadable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be changed; what is left open stays as it is.
#[derive(Default)]
pub struct WebhookChange {
    /// Needed where there is no webhook yet.
    pub target: Option<Target>,
    /// Empty: all.
    pub events: Option<Vec<EventType>>,
    pub whole_numbers: Option<bool>,
    pub secret: Option<SigningSecret>,
}

/// A webhook after a change, with its secret if that is new.
pub struct SetWebhook {
    pub webhook: ShownWebhook,
    pub secret: Option<SecretString>,
}

/// A webhook, for its operator.
pub struct ShownWebhook {
    pub api_key: String,
    pub target: Target,
    /// Empty: all.
    pub events: Vec<String>,
    pub whole_numbers: bool,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub failure: Option<String>,
    pub held_until: Option<Timestamp>,
    pub delivered: Option<Timestamp>,
    /// While two secrets sign.
    pub old_secret_until: Option<Timestamp>,
    pub counts: WebhookCounts,
}

impl ShownWebhook {
    fn new(secrets: &Secrets, row: WebhookRow, counts: WebhookCounts, now: Timestamp) -> Result<Self, WebhookError> {
        let endpoint = Endpoint::open(secrets, &row).map_err(|_| WebhookError::Unreadable)?;
        Ok(Self {
            target: endpoint.target,
            events: row.events.split(',').filter(|event| !event.is_empty()).map(str::to_owned).collect(),
            whole_numbers: row.whole_numbers,
            created: row.created,
            disabled: row.disabled,
            failing_since: row.failing_since,
            failure: row.failure,
            held_until: row.held_until.filter(|until| now < *until),
            delivered: row.delivered,
            old_secret_until: row.old_secret.map(|(_, until)| until).filter(|until| now < *until),
            counts,
            api_key: row.api_key,
        })
    }
}

/// An event, with the body that it has.
pub struct ShownEvent {
    pub row: WebhookEventRow,
    pub body: Result<String, String>,
}

/// Dead events that a page shows.
const SHOWN_DEAD: u32 = 100;

/// How all webhooks do.
pub struct WebhooksAtAGlance {
    pub at: Timestamp,
    pub webhooks: Vec<ShownWebhook>,
    /// What was given up, the latest first.
    pub dead: Vec<UndeliveredEvent>,
    /// There are more of them.
    pub is_cut: bool,
}

/// An event that was given up.
pub struct UndeliveredEvent {
    pub id: i64,
    pub account: String,
    pub request: String,
    pub kind: String,
    pub occurred: Timestamp,
    pub attempts: u32,
    pub failure: String,
}

impl App {
    pub async fn webhooks_at_a_glance(&self) -> Result<WebhooksAtAGlance, Internal> {
        let at = self.clock.now();
        let webhooks = webhooks(&self.store, &self.keys().secrets, at).await?;
        let rows = self.store.read(|tx: &Tx| tx.webhook_events(WebhookEventFilter::Dead, None, SHOWN_DEAD + 1)).await?;
        let shown = SHOWN_DEAD as usize;
        let is_cut = rows.len() > shown;
        let dead = rows.into_iter().take(shown).map(|row| UndeliveredEvent {
            id: row.id,
            account: row.api_key,
            request: row.request.to_string(),
            kind: row.kind,
            occurred: row.occurred,
            attempts: row.attempts,
            failure: row.failure.unwrap_or_default(),
        });
        Ok(WebhooksAtAGlance { at, webhooks, dead: dead.collect(), is_cut })
    }

    /// As [`replay_webhook_events`], at once.
    ///
    /// # Errors
    ///
    /// See there.
    pub async fn replay_webhook_events(
        &self,
        event: Option<i64>,
        api_key: Option<String>,
    ) -> Result<usize, WebhookError> {
        let replayed = replay_webhook_events(&self.store, self.clock.now(), event, api_key).await?;
        self.wake_webhooks(replayed > 0);
        Ok(replayed)
    }
}

/// Makes or changes an account's webhook. One that was turned off, or waits, is tried again at once.
///
/// # Errors
///
/// See [`WebhookError`].
pub async fn set_webhook(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    api_key: &str,
    change: WebhookChange,
) -> Result<SetWebhook, WebhookError> {
    let WebhookChange { target, events, whole_numbers, secret } = change;
    let is_given = secret.is_some();
    let secret = secret.unwrap_or_else(|| SigningSecret::from_random(random.bytes()));
    let url_sealed = target.map(|target| seal_url(secrets, random, api_key, &target));
    let secret_sealed = seal_secret(secrets, random, api_key, &secret);
    let events = events.map(|events| events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(","));
    let (key, under) = (api_key.to_owned(), secrets.check_value());
    let (row, counts, is_new) = store
        .write(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            let account = account(tx, &key)?;
            let before = tx.webhook(account.id)?;
            let is_new = before.is_none();
            let mut row = match (before, &url_sealed) {
                (Some(before), _) => before,
                (None, Some(url_sealed)) => new_row(&account, url_sealed.clone(), secret_sealed.clone(), now),
                (None, None) => return Err(WebhookError::NoWebhook(key)),
            };
            row.url_sealed = url_sealed.unwrap_or(row.url_sealed);
            if is_given {
                row.secret_sealed = secret_sealed;
                row.old_secret = None;
            }
            row.events = events.unwrap_or(row.events);
            row.whole_numbers = whole_numbers.unwrap_or(row.whole_numbers);
            (row.disabled, row.failing_since, row.failure, row.held_until) = (None, None, None, None);
            tx.put_webhook(&row)?;
            tx.bring_webhook_events_forward(account.id, now)?;
            let counts = tx.webhook_counts(account.id)?;
            Ok((row, counts, is_new))
        })
        .await?;
    let webhook = ShownWebhook::new(secrets, row, counts, now)?;
    Ok(SetWebhook { webhook, secret: (is_new && !is_given).then(|| shown(&secret)) })
}

fn new_row(account: &AccountRow, url_sealed: Vec<u8>, secret_sealed: Vec<u8>, now: Timestamp) -> WebhookRow {
    WebhookRow {
        account: account.id,
        api_key: account.api_key.clone(),
        url_sealed,
        secret_sealed,
        old_secret: None,
        events: String::new(),
        whole_numbers: false,
        created: now,
        disabled: None,
        failing_since: None,
        failure: None,
        held_until: None,
        delivered: None,
    }
}

/// An account's webhook.
///
/// # Errors
///
/// See [`WebhookError`].
pub async fn webhook(
    store: &Store,
    secrets: &Secrets,
    now: Timestamp,
    api_key: &str,
) -> Result<ShownWebhook, WebhookError> {
    let key = api_key.to_owned();
    let (row, counts) = store
        .read(move |tx: &Tx| {
            let row = existing(tx, &key)?;
            let counts = tx.webhook_counts(row.account)?;
            Ok::<_, WebhookError>((row, counts))
        })
        .await?;
    ShownWebhook::new(secrets, row, counts, now)
}

/// All webhooks; one that cannot be read is left out.
///
/// # Errors
///
/// A fault of the store.
pub async fn webhooks(store: &Store, secrets: &Secrets, now: Timestamp) -> Result<Vec<ShownWebhook>, StoreError> {
    let rows = store
        .read(|tx: &Tx| {
            let rows = tx.webhooks()?;
            rows.into_iter()
                .map(|row| Ok((tx.webhook_counts(row.account)?, row)))
                .collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    Ok(rows.into_iter().filter_map(|(counts, row)| ShownWebhook::new(secrets, row, counts, now).ok()).collect())
}

/// Removes an account's webhook with its events. Says how many were still to be sent, or could not be.
///
/// # Errors
///
/// See [`WebhookError`].
pub async fn remove_webhook(store: &Store, api_key: &str) -> Result<WebhookCounts, WebhookError> {
    let key = api_key.to_owned();
    store
        .write(move |tx: &Tx| {
            let row = existing(tx, &key)?;
            let counts = tx.webhook_counts(row.account)?;
            tx.delete_webhook(row.account)?;
            Ok(counts)
        })
        .await
}

/// Makes another secret. The one before signs too for `overlap`.
///
/// # Errors
///
/// See [`WebhookError`].
pub async fn rotate_webhook_secret(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    api_key: &str,
    overlap: Duration,
) -> Result<SecretString, WebhookError> {
    let secret = SigningSecret::from_random(random.bytes());
    let sealed = seal_secret(secrets, random, api_key, &secret);
    let (key, under) = (api_key.to_owned(), secrets.check_value());
    store
        .write(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            let mut row = existing(tx, &key)?;
            let before = std::mem::replace(&mut row.secret_sealed, sealed);
            row.old_secret = (!overlap.is_zero()).then_some((before, now + overlap));
            tx.put_webhook(&row)?;
            Ok::<_, WebhookError>(())
        })
        .await?;
    Ok(shown(&secret))
}

/// A request that tries an account's receiver. It is not on record, and is not sent again.
///
/// # Errors
///
/// See [`WebhookError`].
pub async fn webhook_test(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    api_key: &str,
) -> Result<Delivery, WebhookError> {
    let key = api_key.to_owned();
    let row = store.read(move |tx: &Tx| existing(tx, &key)).await?;
    let endpoint = Endpoint::open(secrets, &row).map_err(|_| WebhookError::Unreadable)?;
    let signing = endpoint.secrets(now);
    Ok(Delivery::new(endpoint.target, message_id(&random.bytes()), test_body(api_key, now), &signing, now))
}

/// Events, the latest first.
///
/// # Errors
///
/// [`WebhookError::NoAccount`], or a fault of the store.
pub async fn webhook_events(
    store: &Store,
    filter: WebhookEventFilter,
    api_key: Option<String>,
    limit: u32,
) -> Result<Vec<WebhookEventRow>, WebhookError> {
    store
        .read(move |tx: &Tx| {
            let of = api_key.map(|key| account(tx, &key)).transpose()?;
            Ok(tx.webhook_events(filter, of.map(|account| account.id), limit)?)
        })
        .await
}

/// One event with its body.
///
/// # Errors
///
/// A fault of the store.
pub async fn webhook_event(store: &Store, secrets: &Secrets, id: i64) -> Result<Option<ShownEvent>, StoreError> {
    let found = store
        .read(move |tx: &Tx| {
            let Some(row) = tx.webhook_event(id)? else { return Ok(None) };
            Ok::<_, StoreError>(tx.webhook(row.account)?.map(|hook| (hook, row)))
        })
        .await?;
    Ok(found.map(|(hook, row)| ShownEvent { body: body(secrets, &hook, &row), row }))
}

/// Lets dead events be sent again: one, or all of an account or of every account. Says how many.
///
/// # Errors
///
/// [`WebhookError::NoAccount`], or a fault of the store.
pub async fn replay_webhook_events(
    store: &Store,
    now: Timestamp,
    event: Option<i64>,
    api_key: Option<String>,
) -> Result<usize, WebhookError> {
    let mut replayed = 0;
    let mut which = match event {
        Some(id) => Replayed::One(id),
        None => {
            let of = store.read(move |tx: &Tx| api_key.map(|key| account(tx, &key)).transpose()).await?;
            Replayed::After(0, of.map(|account| account.id))
        }
    };
    loop {
        let done = store.write(move |tx: &Tx| replay(tx, which, now)).await?;
        replayed += done.len();
        which = match (which, done.last()) {
            (Replayed::After(_, account), Some(last)) => Replayed::After(*last, account),
            (Replayed::One(_), _) | (_, None) => return Ok(replayed),
        };
    }
}

/// One step of it; gives the events that are to be sent again.
fn replay(tx: &Tx, which: Replayed, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let dead = tx.dead_webhook_events(which, REPLAYED)?;
    for (id, _) in &dead {
        tx.revive_webhook_event(*id, now)?;
    }
    let mut verifications: Vec<VerificationId> = dead.iter().map(|(_, verification)| *verification).collect();
    verifications.dedup();
    for verification in verifications {
        tx.line_up_webhook_events(verification)?;
    }
    Ok(dead.into_iter().map(|(id, _)| id).collect())
}

fn account(tx: &Tx, api_key: &str) -> Result<AccountRow, WebhookError> {
    tx.account_by_key(api_key)?.ok_or_else(|| WebhookError::NoAccount(api_key.to_owned()))
}

fn existing(tx: &Tx, api_key: &str) -> Result<WebhookRow, WebhookError> {
    let account = account(tx, api_key)?;
    tx.webhook(account.id)?.ok_or_else(|| WebhookError::NoWebhook(api_key.to_owned()))
}
