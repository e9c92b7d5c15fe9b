//! What happened to modems. Bounded: so many rows of a modem, and none older than its retention.

use std::time::Duration;

use rusqlite::{Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;

/// The newest rows of a modem that stay.
const ROWS_MAX: u32 = 500;

/// Rows that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 256;

/// The kind that ends an outage.
const READY: &str = "ready";

/// A row of `modem_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModemEventRow {
    pub modem: String,
    pub kind: String,
    pub at: Timestamp,
    pub times: u32,
    pub last_at: Timestamp,
    pub rung: Option<u32>,
    pub detail: String,
    pub helped: Option<bool>,
    pub down: Option<Duration>,
}

/// A row to be.
#[derive(Clone, Debug, Default)]
pub struct NewModemEvent {
    pub modem: String,
    pub kind: &'static str,
    pub at: Timestamp,
    pub rung: Option<u32>,
    pub detail: String,
    pub down: Option<Duration>,
}

impl Tx<'_> {
    /// Notes what happened. What happens again before the modem is ready is counted, so that no outage, however long,
    /// pushes out what was before it.
    pub fn note_modem_event(&self, new: &NewModemEvent) -> Result<(), StoreError> {
        let rung = new.rung.map(i64::from);
        let again = "update modem_event set times = times + 1, last_at = ?5, helped = null
             where modem_event_id = (
                 select max(modem_event_id) from modem_event
                 where modem = ?1 and kind = ?2 and rung is ?3 and detail = ?4 and kind <> ?6
                   and modem_event_id > coalesce(
                       (select max(modem_event_id) from modem_event where modem = ?1 and kind = ?6), 0))";
        let counted = self.0.prepare_cached(again)?.execute(params![
            new.modem,
            new.kind,
            rung,
            new.detail,
            new.at.as_millis(),
            READY
        ])?;
        if counted > 0 {
            return Ok(());
        }
        let down = new.down.map(|down| i64::try_from(down.as_millis()).unwrap_or(i64::MAX));
        let insert = "insert into modem_event (modem, kind, rung, detail, at, last_at, down_ms)
                      values (?1, ?2, ?3, ?4, ?5, ?5, ?6)";
        let row = params![new.modem, new.kind, rung, new.detail, new.at.as_millis(), down];
        self.0.prepare_cached(insert)?.execute(row)?;
        let bound = "delete from modem_event where modem = ?1 and modem_event_id <= (
                         select modem_event_id from modem_event where modem = ?1
                         order by modem_event_id desc limit 1 offset ?2)";
        self.0.prepare_cached(bound)?.execute(params![new.modem, ROWS_MAX])?;
        Ok(())
    }

    /// What came of the last time that a rung was taken.
    pub fn end_modem_step(&self, modem: &str, rung: u32, helped: bool) -> Result<(), StoreError> {
        let sql = "update modem_event set helped = ?3 where modem_event_id = (
                       select max(modem_event_id) from modem_event where modem = ?1 and kind = 'step' and rung = ?2)";
        self.0.prepare_cached(sql)?.execute(params![modem, rung, helped])?;
        Ok(())
    }

    /// What happened to a modem, the newest first.
    pub fn modem_events(&self, modem: &str, limit: u32) -> Result<Vec<ModemEventRow>, StoreError> {
        let sql = "select modem, kind, at, times, last_at, rung, detail, helped, down_ms from modem_event
                   where modem = ?1 order by modem_event_id desc limit ?2";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params![modem, limit], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The modems of which something is known.
    pub fn modems_with_events(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.0.prepare_cached("select distinct modem from modem_event order by modem")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Deletes some of what is older; says how many.
    pub fn purge_modem_events(&self, before: Timestamp) -> Result<usize, StoreError> {
        let sql = "delete from modem_event where modem_event_id in (
                       select modem_event_id from modem_event where last_at < ?1 order by last_at limit ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![before.as_millis(), PURGE])?)
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ModemEventRow> {
    let down: Option<i64> = row.get(8)?;
    Ok(ModemEventRow {
        modem: row.get(0)?,
        kind: row.get(1)?,
        at: Timestamp::from_millis(row.get(2)?),
        times: row.get(3)?,
        last_at: Timestamp::from_millis(row.get(4)?),
        rung: row.get(5)?,
        detail: row.get(6)?,
        helped: row.get(7)?,
        down: down.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
    })
}
