//! Looking back at verifications: lists, one with all that happened to it, and counts.
//!
//! Each read has a bound: a list looks through so many rows and says where it stopped.

use rusqlite::{OptionalExtension, Row, params};

use super::verification::{read_verification, select_verification};
use super::{StoreError, Tx, VerificationRow};
use crate::clock::Timestamp;
use crate::secrets::Digest;
use crate::verification::{AccountId, EventId, RequestId, VerificationId};

/// Rows that one page of a list looks through at most: some milliseconds.
const LOOKED_THROUGH: usize = 20_000;

/// The place of a verification in the list: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub created: Timestamp,
    pub id: VerificationId,
}

/// Which verifications are listed. `None`: whatever it is.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Words of the column `state`; empty: all.
    pub states: Vec<&'static str>,
    pub account: Option<AccountId>,
    pub country: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only what is behind this place.
    pub behind: Option<Place>,
    /// Only what is found by one of these.
    pub found: Option<Found>,
}

/// What a search looks for: any of it will do.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Of one number, under each key.
    pub numbers: Vec<Digest>,
    /// From the first to the last.
    pub requests: Option<(RequestId, RequestId)>,
    pub event: Option<EventId>,
}

/// A verification in a list.
#[derive(Clone, Debug)]
pub struct ListedRow {
    pub id: VerificationId,
    pub request: RequestId,
    pub account: AccountId,
    pub number_sealed: Vec<u8>,
    pub country: Option<String>,
    pub brand: String,
    pub state: String,
    pub sent: bool,
    pub created: Timestamp,
    pub finalized: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    pub rows: Vec<ListedRow>,
    /// Where to go on; `None`: there is nothing behind.
    pub next: Option<Place>,
}

/// A verification with what is told of it beside its machine.
#[derive(Clone, Debug)]
pub struct PastVerification {
    pub row: VerificationRow,
    pub account_name: String,
    pub account_key: String,
    pub reason: Option<String>,
}

/// All that is on record of an attempt.
#[derive(Clone, Debug)]
pub struct PastAttempt {
    pub number: u32,
    pub event: usize,
    pub state: String,
    pub due: Timestamp,
    pub route: Option<String>,
    pub claimed: Option<Timestamp>,
    pub begun: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub reason: Option<String>,
    pub delivered: Option<bool>,
    pub reported: Option<Timestamp>,
}

impl Wanted {
    fn takes(&self, row: &ListedRow) -> bool {
        (self.states.is_empty() || self.states.contains(&row.state.as_str()))
            && self.account.is_none_or(|account| account == row.account)
            && self.country.as_ref().is_none_or(|country| row.country.as_ref() == Some(country))
    }
}

const LISTED: &str = "select verification_id, request_id, account_id, number_sealed, country, brand, state, sent,
    created_at, finalized_at from verification where created_at >= ?1 and created_at < ?2
    and (created_at, verification_id) < (?3, ?4)";

const NEWEST_FIRST: &str = "order by created_at desc, verification_id desc";

impl Tx<'_> {
    /// The newest first, at most `limit`.
    pub fn past_verifications(&self, wanted: &Wanted, limit: usize) -> Result<Page, StoreError> {
        let millis = |at: Option<Timestamp>, other: i64| at.map_or(other, Timestamp::as_millis);
        let behind = wanted.behind.map_or((i64::MAX, i64::MAX), |place| (place.created.as_millis(), place.id.get()));
        // The index is searched by one upper bound, which is to be the narrower one.
        let until = millis(wanted.until, i64::MAX).min(behind.0.saturating_add(1));
        let since = millis(wanted.since, i64::MIN);
        let Some(found) = &wanted.found else {
            let mut statement = self.0.prepare_cached(&format!("{LISTED} {NEWEST_FIRST}"))?;
            return page(statement.query(params![since, until, behind.0, behind.1])?, wanted, limit);
        };
        let sql = format!(
            "{LISTED} and verification_id in (
                 select verification_id from verification where number_hash in (?5, ?6)
                 union select verification_id from verification where request_id between ?7 and ?8
                 union select verification_id from event where event_id = ?9) {NEWEST_FIRST}"
        );
        // Of a key ring there are two at most.
        let [number, other] = [found.numbers.first(), found.numbers.last()].map(|hash| hash.map(Digest::as_slice));
        let requests = found.requests.as_ref();
        let [first, last] =
            [requests.map(|(first, _)| first), requests.map(|(_, last)| last)].map(|id| id.map(RequestId::as_bytes));
        let event = found.event.as_ref().map(EventId::as_bytes);
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = params![since, until, behind.0, behind.1, number, other, first, last, event];
        page(statement.query(rows)?, wanted, limit)
    }

    pub fn past_verification(&self, request: RequestId) -> Result<Option<PastVerification>, StoreError> {
        let sql = select_verification("where request_id = ?1");
        let id = [request.as_bytes().as_slice()];
        let Some(row) = self.0.prepare_cached(&sql)?.query_row(id, read_verification).optional()? else {
            return Ok(None);
        };
        let sql = "select name, api_key, reason from verification join account using (account_id)
                   where verification_id = ?1";
        let told = self
            .0
            .prepare_cached(sql)?
            .query_row([row.id.get()], |told| Ok((told.get(0)?, told.get(1)?, told.get(2)?)))?;
        let (account_name, account_key, reason) = told;
        Ok(Some(PastVerification { row, account_name, account_key, reason }))
    }

    pub fn past_attempts(&self, id: VerificationId) -> Result<Vec<PastAttempt>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select attempt_no, event_index, state, due_at, route, claimed_at, begun_at, finished_at, reason, report,
                 reported_at from attempt where verification_id = ?1 order by attempt_no",
        )?;
        let rows = statement.query_map([id.get()], |row| {
            let instant =
                |column: usize| row.get::<_, Option<i64>>(column).map(|millis| millis.map(Timestamp::from_millis));
            Ok(PastAttempt {
                number: row.get(0)?,
                event: row.get(1)?,
                state: row.get(2)?,
                due: Timestamp::from_millis(row.get(3)?),
                route: row.get(4)?,
                claimed: instant(5)?,
                begun: instant(6)?,
                finished: instant(7)?,
                reason: row.get(8)?,
                delivered: row.get::<_, Option<String>>(9)?.map(|report| report == "delivered"),
                reported: instant(10)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Countries of verifications that are kept, by name.
    pub fn countries_seen(&self) -> Result<Vec<String>, StoreError> {
        // The newest tell of all that matters.
        let sql =
            "select distinct country from (select country from verification order by verification_id desc limit ?1)
                   where country is not null order by country";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([LOOKED_THROUGH / 10], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn page(mut rows: rusqlite::Rows, wanted: &Wanted, limit: usize) -> Result<Page, StoreError> {
    let (mut page, mut last, mut looked) = (Page::default(), None, 0);
    while let Some(row) = rows.next()? {
        if page.rows.len() == limit || looked == LOOKED_THROUGH {
            page.next = last;
            break;
        }
        let row = listed(row)?;
        last = Some(Place { created: row.created, id: row.id });
        looked += 1;
        if wanted.takes(&row) {
            page.rows.push(row);
        }
    }
    Ok(page)
}

fn listed(row: &Row) -> rusqlite::Result<ListedRow> {
    Ok(ListedRow {
        id: VerificationId::new(row.get(0)?),
        request: RequestId::from_bytes(row.get(1)?),
        account: AccountId::new(row.get(2)?),
        number_sealed: row.get(3)?,
        country: row.get(4)?,
        brand: row.get(5)?,
        state: row.get(6)?,
        sent: row.get(7)?,
        created: Timestamp::from_millis(row.get(8)?),
        finalized: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_millis),
    })
}
