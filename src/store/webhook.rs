//! Where accounts are told of their verifications.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::verification::AccountId;

/// A row of `webhook`.
#[derive(Clone)]
pub struct WebhookRow {
    pub account: AccountId,
    /// The account's, to which what is sealed is bound.
    pub api_key: String,
    pub url_sealed: Vec<u8>,
    pub secret_sealed: Vec<u8>,
    /// The secret before it, and until when it signs.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
    /// Parted by commas; empty: all.
    pub events: String,
    pub whole_numbers: bool,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    /// Why it fails, or is disabled.
    pub failure: Option<String>,
    pub held_until: Option<Timestamp>,
    pub delivered: Option<Timestamp>,
}

/// What an account is told of, where it is told anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub events: String,
    pub disabled: bool,
}

const COLUMNS: &str = "account_id, api_key, url_sealed, secret_sealed, old_secret_sealed, old_secret_until, events, \
    whole_numbers, webhook.created_at, disabled_at, failing_since, failure, held_until, delivered_at";

impl Tx<'_> {
    pub fn webhook(&self, account: AccountId) -> Result<Option<WebhookRow>, StoreError> {
        let sql = format!("select {COLUMNS} from webhook join account using (account_id) where account_id = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([account.get()], read_webhook).optional()?)
    }

    /// All of them, by account.
    pub fn webhooks(&self) -> Result<Vec<WebhookRow>, StoreError> {
        let sql = format!("select {COLUMNS} from webhook join account using (account_id) order by account_id");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([], read_webhook)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn subscription(&self, account: AccountId) -> Result<Option<Subscription>, StoreError> {
        let sql = "select events, disabled_at is not null from webhook where account_id = ?1";
        let read = |row: &Row| Ok(Subscription { events: row.get(0)?, disabled: row.get(1)? });
        Ok(self.0.prepare_cached(sql)?.query_row([account.get()], read).optional()?)
    }

    /// Writes all of it; what is told of deliveries stays as the row says.
    pub fn put_webhook(&self, row: &WebhookRow) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into webhook (account_id, url_sealed, secret_sealed, old_secret_sealed, old_secret_until, events,
                 whole_numbers, created_at, disabled_at, failing_since, failure, held_until, delivered_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             on conflict do update set url_sealed = excluded.url_sealed, secret_sealed = excluded.secret_sealed,
                 old_secret_sealed = excluded.old_secret_sealed, old_secret_until = excluded.old_secret_until,
                 events = excluded.events, whole_numbers = excluded.whole_numbers,
                 disabled_at = excluded.disabled_at, failing_since = excluded.failing_since,
                 failure = excluded.failure, held_until = excluded.held_until, delivered_at = excluded.delivered_at",
        )?;
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        let (old_secret, old_until) = row.old_secret.clone().unzip();
        statement.execute(params![
            row.account.get(),
            row.url_sealed,
            row.secret_sealed,
            old_secret,
            millis(old_until),
            row.events,
            row.whole_numbers,
            row.created.as_millis(),
            millis(row.disabled),
            millis(row.failing_since),
            row.failure,
            millis(row.held_until),
            millis(row.delivered),
        ])?;
        Ok(())
    }

    /// Removes it with its events. Says whether it was there.
    pub fn delete_webhook(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("delete from webhook where account_id = ?1")?.execute([account.get()])? > 0)
    }

    /// Its receiver took an event.
    pub fn webhook_succeeded(&self, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update webhook set failing_since = null, failure = null, held_until = null, delivered_at = ?2
                   where account_id = ?1 and disabled_at is null";
        self.0.prepare_cached(sql)?.execute(params![account.get(), now.as_millis()])?;
        Ok(())
    }

    pub fn webhook_failed(
        &self,
        account: AccountId,
        failure: &str,
        held_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "update webhook set failing_since = coalesce(failing_since, ?2), failure = ?3,
                       held_until = coalesce(?4, held_until)
                   where account_id = ?1 and disabled_at is null";
        let held_until = held_until.map(Timestamp::as_millis);
        self.0.prepare_cached(sql)?.execute(params![account.get(), now.as_millis(), failure, held_until])?;
        Ok(())
    }

    pub fn disable_webhook(&self, account: AccountId, failure: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update webhook set disabled_at = coalesce(disabled_at, ?2), failure = ?3, held_until = null
                   where account_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![account.get(), now.as_millis(), failure])?;
        Ok(())
    }

    /// The same under another key; says whether it was still what it was.
    pub fn reseal_webhook(&self, old: &WebhookRow, new: &WebhookRow) -> Result<bool, StoreError> {
        let sql = "update webhook set url_sealed = ?4, secret_sealed = ?5, old_secret_sealed = ?6
                   where account_id = ?1 and url_sealed = ?2 and secret_sealed = ?3 and old_secret_sealed is ?7";
        let sealed = |row: &WebhookRow| row.old_secret.clone().map(|(sealed, _)| sealed);
        let values = params![
            old.account.get(),
            old.url_sealed,
            old.secret_sealed,
            new.url_sealed,
            new.secret_sealed,
            sealed(new),
            sealed(old),
        ];
        Ok(self.0.prepare_cached(sql)?.execute(values)? > 0)
    }
}

fn read_webhook(row: &Row) -> rusqlite::Result<WebhookRow> {
    let instant = |at: Option<i64>| at.map(Timestamp::from_millis);
    Ok(WebhookRow {
        account: AccountId::new(row.get(0)?),
        api_key: row.get(1)?,
        url_sealed: row.get(2)?,
        secret_sealed: row.get(3)?,
        old_secret: row.get::<_, Option<_>>(4)?.zip(instant(row.get(5)?)),
        events: row.get(6)?,
        whole_numbers: row.get(7)?,
        created: Timestamp::from_millis(row.get(8)?),
        disabled: instant(row.get(9)?),
        failing_since: instant(row.get(10)?),
        failure: row.get(11)?,
        held_until: instant(row.get(12)?),
        delivered: instant(row.get(13)?),
    })
}
