//! What accounts are still to be told, were told, and could not be told.
//!
//! Of a verification's events the first that is open is `due` or `sending`, those behind it are `waiting`.

use std::path::Path;

use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx, connection, migration};
use crate::clock::Timestamp;
use crate::verification::{AccountId, RequestId, VerificationId};

/// What is written when something happens.
#[derive(Clone, Debug)]
pub struct NewWebhookEvent {
    pub account: AccountId,
    pub verification: VerificationId,
    pub kind: &'static str,
    pub facts: String,
    pub now: Timestamp,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEventState {
    Waiting,
    Due,
    Sending,
    Delivered,
    Dead,
}

impl WebhookEventState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A row of `webhook_event`, with what of its verification a body tells.
#[derive(Clone, Debug)]
pub struct WebhookEventRow {
    pub id: i64,
    pub account: AccountId,
    pub api_key: String,
    pub verification: VerificationId,
    pub request: RequestId,
    /// Empty once it was wiped.
    pub number_sealed: Vec<u8>,
    pub country: Option<String>,
    pub sequence: u32,
    pub kind: String,
    pub facts: String,
    pub occurred: Timestamp,
    pub state: String,
    pub message_id: Option<[u8; 16]>,
    pub queued: Timestamp,
    pub due: Timestamp,
    pub attempts: u32,
    pub attempted: Option<Timestamp>,
    pub status: Option<u16>,
    pub failure: Option<String>,
    pub settled: Option<Timestamp>,
}

/// What is counted of an account's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    pub pending: u32,
    pub dead: u32,
    /// When the oldest pending one happened.
    pub oldest_pending: Option<Timestamp>,
}

/// How the webhooks of all accounts do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookTotals {
    pub webhooks: u64,
    /// The keys of the accounts whose receivers answered 410 Gone.
    pub turned_off: Vec<String>,
    /// Events behind another one of their verification.
    pub waiting: u64,
    /// To be sent next, or under way.
    pub due: u64,
    pub dead: u64,
    /// When the oldest pending one happened.
    pub oldest_pending: Option<Timestamp>,
}

impl WebhookTotals {
    pub fn pending(&self) -> u64 {
        self.waiting + self.due
    }
}

/// An account with something to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueAccount {
    pub account: AccountId,
    /// When its first event is due: not before the pause that its receiver asked for.
    pub due: Timestamp,
    /// The last attempt was in vain.
    pub is_failing: bool,
}

/// An attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookAttempt {
    pub id: i64,
    pub message_id: [u8; 16],
}

/// Which events are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEventFilter {
    All,
    Pending,
    Dead,
}

/// Which dead ones are to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    One(i64),
    /// Those behind this one, of one account or of all.
    After(i64, Option<AccountId>),
}

const COLUMNS: &str = "webhook_event_id, e.account_id, a.api_key, e.verification_id, v.request_id, v.number_sealed, \
    v.country, sequence, type, facts, occurred_at, e.state, message_id, queued_at, due_at, attempts, attempted_at, \
    status, failure, settled_at";

const FROM: &str = "from webhook_event e join account a on a.account_id = e.account_id \
    join verification v on v.verification_id = e.verification_id";

impl Tx<'_> {
    /// Writes an event at the end of its verification's; it is due if none is open before it.
    pub fn insert_webhook_event(&self, event: &NewWebhookEvent) -> Result<(), StoreError> {
        self.insert_event_in_state(event, WebhookEventState::Waiting, None)?;
        self.line_up_webhook_events(event.verification)
    }

    /// Writes an event that is not to be sent, and why.
    pub fn insert_dead_webhook_event(&self, event: &NewWebhookEvent, failure: &str) -> Result<(), StoreError> {
        self.insert_event_in_state(event, WebhookEventState::Dead, Some(failure))
    }

    fn insert_event_in_state(
        &self,
        event: &NewWebhookEvent,
        state: WebhookEventState,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into webhook_event (account_id, verification_id, sequence, type, facts, occurred_at, state,
                 queued_at, due_at, failure, settled_at)
             values (?1, ?2, (select coalesce(max(sequence), 0) + 1 from webhook_event where verification_id = ?2),
                 ?3, ?4, ?5, ?6, ?5, ?5, ?7, iif(?7 is null, null, ?5))",
        )?;
        statement.execute(params![
            event.account.get(),
            event.verification.get(),
            event.kind,
            event.facts,
            event.now.as_millis(),
            state.as_str(),
            failure,
        ])?;
        Ok(())
    }

    /// Lets the first open event of a verification be due, and those behind it wait.
    pub fn line_up_webhook_events(&self, verification: VerificationId) -> Result<(), StoreError> {
        let first = "select min(webhook_event_id) from webhook_event
                     where verification_id = ?1 and state in ('waiting', 'due', 'sending')";
        let sending = "select 1 from webhook_event where verification_id = ?1 and state = 'sending'";
        let sql = format!(
            "update webhook_event set state = iif(webhook_event_id = ({first}) and not exists ({sending}),
                 'due', 'waiting')
             where verification_id = ?1 and state in ('waiting', 'due')"
        );
        self.0.prepare_cached(&sql)?.execute([verification.get()])?;
        Ok(())
    }

    /// The accounts that have a due event. One search of the index for each.
    pub fn accounts_with_due_webhook_events(&self) -> Result<Vec<DueAccount>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select e.account_id, max(e.due_at, coalesce(w.held_until, e.due_at)), w.failing_since is not null
             from webhook_event e join webhook w on w.account_id = e.account_id
             where e.state = 'due' and e.account_id > ?1 order by e.account_id, e.due_at limit 1",
        )?;
        let mut accounts = vec![];
        let mut last = i64::MIN;
        loop {
            let next = statement.query_row([last], |row| {
                Ok(DueAccount {
                    account: AccountId::new(row.get(0)?),
                    due: Timestamp::from_millis(row.get(1)?),
                    is_failing: row.get(2)?,
                })
            });
            let Some(next) = next.optional()? else { return Ok(accounts) };
            last = next.account.get();
            accounts.push(next);
        }
    }

    /// An account's events that are due, in the order of their due time.
    pub fn due_webhook_events(
        &self,
        account: AccountId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<WebhookEventRow>, StoreError> {
        let sql = format!(
            "select {COLUMNS} {FROM} where e.account_id = ?1 and e.state = 'due' and due_at <= ?2
             order by due_at, webhook_event_id limit ?3"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params![account.get(), now.as_millis(), limit], read_event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// An attempt begins.
    pub fn begin_webhook_event(&self, attempt: WebhookAttempt, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update webhook_event set state = 'sending', message_id = ?2, attempts = attempts + 1,
                       attempted_at = ?3 where webhook_event_id = ?1";
        let WebhookAttempt { id, message_id } = attempt;
        self.0.prepare_cached(sql)?.execute(params![id, message_id.as_slice(), now.as_millis()])?;
        Ok(())
    }

    /// Attempts of a process that is gone are to be made again. Says how many.
    pub fn recover_webhook_events(&self) -> Result<usize, StoreError> {
        let sql = "update webhook_event set state = 'due' where state = 'sending'";
        Ok(self.0.prepare_cached(sql)?.execute([])?)
    }

    /// An attempt was made in vain; another is due later.
    pub fn put_off_webhook_event(
        &self,
        attempt: WebhookAttempt,
        due: Timestamp,
        status: Option<u16>,
        failure: &str,
    ) -> Result<(), StoreError> {
        let sql = "update webhook_event set state = 'due', due_at = ?3, status = ?4, failure = ?5
                   where webhook_event_id = ?1 and message_id = ?2 and state = 'sending'";
        let WebhookAttempt { id, message_id } = attempt;
        let values = params![id, message_id.as_slice(), due.as_millis(), status, failure];
        self.0.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// The last attempt was made. `failure`: none if the receiver took it.
    pub fn settle_webhook_event(
        &self,
        attempt: WebhookAttempt,
        status: Option<u16>,
        failure: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let state = if failure.is_none() { WebhookEventState::Delivered } else { WebhookEventState::Dead };
        let sql = "update webhook_event set state = ?3, status = ?4, failure = ?5, settled_at = ?6
                   where webhook_event_id = ?1 and message_id = ?2 and state = 'sending'";
        let WebhookAttempt { id, message_id } = attempt;
        let values = params![id, message_id.as_slice(), state.as_str(), status, failure, now.as_millis()];
        self.0.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// What failed before and waits for its next attempt is due at once. Says how many.
    pub fn bring_webhook_events_forward(&self, account: AccountId, now: Timestamp) -> Result<usize, StoreError> {
        let sql = "update webhook_event set due_at = ?2
                   where account_id = ?1 and state = 'due' and due_at > ?2 and attempts > 0";
        Ok(self.0.prepare_cached(sql)?.execute(params![account.get(), now.as_millis()])?)
    }

    /// Gives up some of an account's events that are not being sent; says how many.
    pub fn bury_webhook_events(
        &self,
        account: AccountId,
        failure: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let sql = "update webhook_event set state = 'dead', failure = ?2, settled_at = ?3 where webhook_event_id in (
                       select webhook_event_id from webhook_event indexed by webhook_event_pending
                       where account_id = ?1 and state in ('waiting', 'due', 'sending') and state <> 'sending'
                       order by webhook_event_id limit ?4)";
        Ok(self.0.prepare_cached(sql)?.execute(params![account.get(), failure, now.as_millis(), limit])?)
    }

    pub fn webhook_event(&self, id: i64) -> Result<Option<WebhookEventRow>, StoreError> {
        let sql = format!("select {COLUMNS} {FROM} where webhook_event_id = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([id], read_event).optional()?)
    }

    /// Events, the latest first.
    pub fn webhook_events(
        &self,
        filter: WebhookEventFilter,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<WebhookEventRow>, StoreError> {
        let of_state = match filter {
            WebhookEventFilter::All => "true",
            WebhookEventFilter::Pending => "e.state in ('waiting', 'due', 'sending')",
            WebhookEventFilter::Dead => "e.state = 'dead'",
        };
        let of_account = if account.is_some() { "e.account_id = ?2" } else { "true" };
        let sql = format!(
            "select {COLUMNS} {FROM} where {of_state} and {of_account} order by webhook_event_id desc limit ?1"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let account = account.map(AccountId::get);
        let mut parameters: Vec<&dyn ToSql> = vec![&limit];
        if let Some(account) = &account {
            parameters.push(account);
        }
        let rows = statement.query_map(parameters.as_slice(), read_event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Dead events that are to be sent again, with their verifications, oldest first.
    pub fn dead_webhook_events(&self, which: Replayed, limit: u32) -> Result<Vec<(i64, VerificationId)>, StoreError> {
        let read = |row: &Row| Ok((row.get(0)?, VerificationId::new(row.get(1)?)));
        let rows = match which {
            Replayed::One(id) => self
                .0
                .prepare_cached(
                    "select webhook_event_id, verification_id from webhook_event
                     where webhook_event_id = ?1 and state = 'dead'",
                )?
                .query_map([id], read)?
                .collect::<Result<_, _>>(),
            Replayed::After(after, account) => self
                .0
                .prepare_cached(
                    "select webhook_event_id, verification_id from webhook_event
                     where state = 'dead' and webhook_event_id > ?1 and (?2 is null or account_id = ?2)
                     order by webhook_event_id limit ?3",
                )?
                .query_map(params![after, account.map(AccountId::get), limit], read)?
                .collect::<Result<_, _>>(),
        };
        Ok(rows?)
    }

    /// A dead event is as if it had just happened; [`Self::line_up_webhook_events`] says when its turn comes.
    pub fn revive_webhook_event(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update webhook_event set state = 'waiting', queued_at = ?2, due_at = ?2, attempts = 0,
                       settled_at = null where webhook_event_id = ?1 and state = 'dead'";
        self.0.prepare_cached(sql)?.execute(params![id, now.as_millis()])?;
        Ok(())
    }

    pub fn webhook_counts(&self, account: AccountId) -> Result<WebhookCounts, StoreError> {
        let pending = "select count(*), min(occurred_at) from webhook_event indexed by webhook_event_pending
                       where account_id = ?1 and state in ('waiting', 'due', 'sending')";
        let (pending, oldest) = self.0.prepare_cached(pending)?.query_row([account.get()], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis)))
        })?;
        let dead = "select count(*) from webhook_event where account_id = ?1 and state = 'dead'";
        let dead = self.0.prepare_cached(dead)?.query_row([account.get()], |row| row.get(0))?;
        Ok(WebhookCounts { pending, dead, oldest_pending: oldest })
    }

    /// Counts by the indexes alone, as each scrape asks for it.
    pub fn webhook_totals(&self) -> Result<WebhookTotals, StoreError> {
        let sql = "select (select count(*) from webhook),
                       (select count(*) from webhook_event indexed by webhook_event_pending
                        where state in ('waiting', 'due', 'sending')),
                       (select count(*) from webhook_event indexed by webhook_event_due where state = 'due')
                           + (select count(*) from webhook_event indexed by webhook_event_sending
                              where state = 'sending'),
                       (select count(*) from webhook_event indexed by webhook_event_dead where state = 'dead'),
                       (select min((select occurred_at from webhook_event e indexed by webhook_event_pending
                                    where e.account_id = w.account_id and state in ('waiting', 'due', 'sending')
                                    order by webhook_event_id limit 1)) from webhook w)";
        let mut totals = self.0.prepare_cached(sql)?.query_row([], |row| {
            let (pending, due): (u64, u64) = (row.get(1)?, row.get(2)?);
            Ok(WebhookTotals {
                webhooks: row.get(0)?,
                turned_off: vec![],
                waiting: pending.saturating_sub(due),
                due,
                dead: row.get(3)?,
                oldest_pending: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
            })
        })?;
        let sql = "select api_key from webhook join account using (account_id)
                   where disabled_at is not null order by account_id";
        let mut statement = self.0.prepare_cached(sql)?;
        totals.turned_off = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(totals)
    }

    /// Deletes some events of a state that were settled before `before`; says how many.
    pub fn purge_webhook_events(
        &self,
        state: WebhookEventState,
        before: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let sql = "delete from webhook_event where webhook_event_id in (
                       select webhook_event_id from webhook_event where state = ?1 and settled_at < ?2
                       order by settled_at limit ?3)";
        Ok(self.0.prepare_cached(sql)?.execute(params![state.as_str(), before.as_millis(), limit])?)
    }
}

/// As [`Tx::webhook_totals`], for a look from outside a running daemon. Neither needs the key file nor changes anything.
///
/// # Errors
///
/// As [`super::inspect`].
pub fn webhook_totals(path: &Path) -> Result<WebhookTotals, StoreError> {
    let connection = connection::open_reader(path)?;
    migration::check_origin(&connection)?;
    // A database of an older version gets the tables at the next start.
    let sql = "select count(*) from sqlite_schema where name = 'webhook_event'";
    let known: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if known { Tx::on(&connection).webhook_totals() } else { Ok(WebhookTotals::default()) }
}

fn read_event(row: &Row) -> rusqlite::Result<WebhookEventRow> {
    let instant = |at: Option<i64>| at.map(Timestamp::from_millis);
    Ok(WebhookEventRow {
        id: row.get(0)?,
        account: AccountId::new(row.get(1)?),
        api_key: row.get(2)?,
        verification: VerificationId::new(row.get(3)?),
        request: RequestId::from_bytes(row.get(4)?),
        number_sealed: row.get(5)?,
        country: row.get(6)?,
        sequence: row.get(7)?,
        kind: row.get(8)?,
        facts: row.get(9)?,
        occurred: Timestamp::from_millis(row.get(10)?),
        state: row.get(11)?,
        message_id: row.get(12)?,
        queued: Timestamp::from_millis(row.get(13)?),
        due: Timestamp::from_millis(row.get(14)?),
        attempts: row.get(15)?,
        attempted: instant(row.get(16)?),
        status: row.get(17)?,
        failure: row.get(18)?,
        settled: instant(row.get(19)?),
    })
}
