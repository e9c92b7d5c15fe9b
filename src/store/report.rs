//! Parts whose delivery report is awaited.

use rusqlite::params;

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::verification::AttemptId;

/// One part that was, or may have been, handed to the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedReport {
    pub id: i64,
    pub attempt: AttemptId,
    pub reference: Option<u8>,
    pub sent: Timestamp,
}

impl Tx<'_> {
    pub fn insert_awaited_report(
        &self,
        attempt: AttemptId,
        route: &str,
        reference: Option<u8>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into awaited_report (attempt_id, route, reference, sent_at)
             values (?1, ?2, ?3, ?4)",
        )?;
        statement.execute(params![attempt.get(), route, reference, now.as_millis()])?;
        Ok(())
    }

    /// Parts sent by a route since `since` whose report has not come, with that reference or with none.
    pub fn awaited_reports(
        &self,
        route: &str,
        reference: u8,
        since: Timestamp,
    ) -> Result<Vec<AwaitedReport>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select awaited_report_id, attempt_id, reference, sent_at from awaited_report
             where route = ?1 and (reference = ?2 or reference is null) and sent_at >= ?3 and delivered = 0
             order by awaited_report_id",
        )?;
        let rows = statement.query_map(params![route, reference, since.as_millis()], |row| {
            Ok(AwaitedReport {
                id: row.get(0)?,
                attempt: AttemptId::new(row.get(1)?),
                reference: row.get(2)?,
                sent: Timestamp::from_millis(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Marks a part as delivered; says whether all parts of its attempt are.
    pub fn part_delivered(&self, report: &AwaitedReport) -> Result<bool, StoreError> {
        let mark = "update awaited_report set delivered = 1 where awaited_report_id = ?1";
        self.0.prepare_cached(mark)?.execute([report.id])?;
        let left = "select count(*) from awaited_report where attempt_id = ?1 and delivered = 0";
        let left: i64 = self.0.prepare_cached(left)?.query_row([report.attempt.get()], |row| row.get(0))?;
        Ok(left == 0)
    }

    pub fn delete_awaited_reports(&self, attempt: AttemptId) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from awaited_report where attempt_id = ?1")?.execute([attempt.get()])?;
        Ok(())
    }
}
