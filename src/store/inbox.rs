//! Messages that came in, one row for each part.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// A part to be kept.
#[derive(Clone, Debug)]
pub struct NewPart {
    pub route: String,
    pub hash: Digest,
    pub sender_sealed: Vec<u8>,
    pub sender_hash: Digest,
    pub kind: &'static str,
    pub pdu_sealed: Vec<u8>,
    pub place: Option<PartPlace>,
    pub sent: Option<Timestamp>,
    pub received: Timestamp,
    pub reaction: Option<&'static str>,
}

/// The place of a part in a long message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPlace {
    pub reference: u16,
    pub reference_bits: u8,
    pub parts: u8,
    pub part: u8,
}

/// A row of `inbox`.
#[derive(Clone, Debug)]
pub struct PartRow {
    pub message: i64,
    pub route: String,
    pub hash: Digest,
    pub sender_sealed: Vec<u8>,
    pub kind: String,
    pub pdu_sealed: Vec<u8>,
    pub parts: u8,
    pub part: u8,
    pub sent: Option<Timestamp>,
    pub received: Timestamp,
    pub reaction: Option<String>,
}

const COLUMNS: &str = "message_id, route, part_hash, sender_sealed, kind, pdu_sealed, parts, part, sent_at, received_at, \
    reaction";

impl Tx<'_> {
    /// Whether a part is there already, under one of its hashes.
    pub fn has_part(&self, hashes: &[Digest]) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("select 1 from inbox where part_hash = ?1")?;
        for hash in hashes {
            if statement.exists([hash.as_slice()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The message that lacks this part and was begun since `since`; the latest, because references begin again.
    /// `senders`: its sender under every key.
    pub fn message_without_part(
        &self,
        senders: &[Digest],
        place: PartPlace,
        since: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select message_id from inbox
             where sender_hash = ?1 and reference = ?2 and reference_bits = ?3 and parts = ?4
             group by message_id
             having max(part = ?5) = 0 and min(received_at) >= ?6
             order by message_id desc limit 1",
        )?;
        let PartPlace { reference, reference_bits, parts, part } = place;
        for sender in senders {
            let values = params![sender.as_slice(), reference, reference_bits, parts, part, since.as_millis()];
            if let Some(message) = statement.query_row(values, |row| row.get(0)).optional()? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Keeps a part; without a `message` it begins one. Gives the message's number.
    pub fn insert_part(&self, new: &NewPart, message: Option<i64>) -> Result<i64, StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into inbox (message_id, route, part_hash, sender_sealed, sender_hash, kind, pdu_sealed, reference,
                 reference_bits, parts, part, sent_at, received_at, reaction)
             values (coalesce(?1, (select coalesce(max(inbox_id), 0) + 1 from inbox)), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
                 ?10, ?11, ?12, ?13, ?14)
             returning message_id",
        )?;
        let place = new.place;
        let values = params![
            message,
            new.route,
            new.hash.as_slice(),
            new.sender_sealed,
            new.sender_hash.as_slice(),
            new.kind,
            new.pdu_sealed,
            place.map(|place| place.reference),
            place.map(|place| place.reference_bits),
            place.map_or(1, |place| place.parts),
            place.map_or(1, |place| place.part),
            new.sent.map(Timestamp::as_millis),
            new.received.as_millis(),
            new.reaction,
        ];
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    /// All parts, message by message, the parts of each in their order.
    pub fn parts(&self) -> Result<Vec<PartRow>, StoreError> {
        let mut statement =
            self.0.prepare_cached(&format!("select {COLUMNS} from inbox order by message_id, part, inbox_id"))?;
        let rows = statement.query_map([], read_part)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The messages that are whole or have waited since `waited` for the rest, the latest first; of those with a reaction
    /// alone if asked.
    pub fn messages(&self, reacted: bool, waited: Timestamp) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select message_id from inbox where reaction is not null or not ?1 group by message_id
             having count(*) >= max(parts) or min(received_at) <= ?2
             order by max(received_at) desc, message_id desc",
        )?;
        let rows = statement.query_map(params![reacted, waited.as_millis()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The parts of one message in their order.
    pub fn parts_of(&self, message: i64) -> Result<Vec<PartRow>, StoreError> {
        let sql = format!("select {COLUMNS} from inbox where message_id = ?1 order by part, inbox_id");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([message], read_part)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says whether there was such a message.
    pub fn delete_message(&self, message: i64) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("delete from inbox where message_id = ?1")?.execute([message])? > 0)
    }

    /// Deletes everything; says how many messages.
    pub fn clear_inbox(&self) -> Result<usize, StoreError> {
        let messages = "select count(distinct message_id) from inbox";
        let messages = self.0.prepare_cached(messages)?.query_row([], |row| row.get(0))?;
        self.0.prepare_cached("delete from inbox")?.execute([])?;
        Ok(messages)
    }

    /// Deletes parts that came before `before`, oldest first; says how many.
    pub fn purge_inbox(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(
            "delete from inbox where inbox_id in (
                 select inbox_id from inbox where received_at < ?1 order by received_at limit ?2)",
        )?;
        Ok(statement.execute(params![before.as_millis(), limit])?)
    }

    /// Makes room for one part more: with it there are at most `most` of all, and `most_of_sender` of one sender. The
    /// oldest go.
    pub fn make_room(&self, sender: &Digest, most: u32, most_of_sender: u32) -> Result<(), StoreError> {
        let count = "select count(*) from inbox where sender_hash = ?1";
        let of_sender: u32 = self.0.prepare_cached(count)?.query_row([sender.as_slice()], |row| row.get(0))?;
        if of_sender >= most_of_sender {
            let oldest = "delete from inbox where inbox_id in (
                 select inbox_id from inbox where sender_hash = ?1 order by inbox_id limit ?2)";
            self.0.prepare_cached(oldest)?.execute(params![sender.as_slice(), of_sender - most_of_sender + 1])?;
        }
        let all: u32 = self.0.prepare_cached("select count(*) from inbox")?.query_row([], |row| row.get(0))?;
        if all >= most {
            let oldest = "delete from inbox where inbox_id in (select inbox_id from inbox order by inbox_id limit ?1)";
            self.0.prepare_cached(oldest)?.execute([all - most + 1])?;
        }
        Ok(())
    }
}

fn read_part(row: &Row) -> rusqlite::Result<PartRow> {
    Ok(PartRow {
        message: row.get(0)?,
        route: row.get(1)?,
        hash: row.get(2)?,
        sender_sealed: row.get(3)?,
        kind: row.get(4)?,
        pdu_sealed: row.get(5)?,
        parts: row.get(6)?,
        part: row.get(7)?,
        sent: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        received: Timestamp::from_millis(row.get(9)?),
        reaction: row.get(10)?,
    })
}
