//! Numbers and prefixes that are never verified, by their hashes.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// A row of `blocklist`.
#[derive(Clone, Debug)]
pub struct BlockRow {
    pub hash: Digest,
    pub sealed: Vec<u8>,
    pub created: Timestamp,
    pub origin: BlockOrigin,
}

/// Who made an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockOrigin {
    Operator,
    /// The number's owner, by an SMS; may take it back by another.
    OptOut,
}

impl BlockOrigin {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::OptOut => "opt_out",
        }
    }

    fn read(text: &str) -> Self {
        // The table holds no other words.
        if text == Self::OptOut.as_str() { Self::OptOut } else { Self::Operator }
    }
}

impl Tx<'_> {
    /// Says whether the entry is new. The operator takes over what an opt-out made; an opt-out never what is the
    /// operator's.
    pub fn insert_block(&self, row: &BlockRow) -> Result<bool, StoreError> {
        let known = self.is_blocked(&[row.hash])?;
        let mut statement = self.0.prepare_cached(
            "insert into blocklist (entry_hash, entry_sealed, created_at, origin) values (?1, ?2, ?3, ?4)
             on conflict do update set origin = excluded.origin where excluded.origin = 'operator'",
        )?;
        statement.execute(params![row.hash.as_slice(), row.sealed, row.created.as_millis(), row.origin.as_str()])?;
        Ok(!known)
    }

    /// Takes back an entry that an opt-out made, and no other. Says whether there was one.
    pub fn delete_opt_out(&self, hash: &Digest) -> Result<bool, StoreError> {
        let mut statement =
            self.0.prepare_cached("delete from blocklist where entry_hash = ?1 and origin = 'opt_out'")?;
        Ok(statement.execute([hash.as_slice()])? > 0)
    }

    /// Says whether there was such an entry.
    pub fn delete_block(&self, hash: &Digest) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("delete from blocklist where entry_hash = ?1")?;
        Ok(statement.execute([hash.as_slice()])? > 0)
    }

    /// All entries, oldest first.
    pub fn blocks(&self) -> Result<Vec<BlockRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select entry_hash, entry_sealed, created_at, origin from blocklist order by created_at, entry_hash",
        )?;
        let rows = statement.query_map([], read_block)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn block_by_hash(&self, hash: &Digest) -> Result<Option<BlockRow>, StoreError> {
        let sql = "select entry_hash, entry_sealed, created_at, origin from blocklist where entry_hash = ?1";
        Ok(self.0.prepare_cached(sql)?.query_row([hash.as_slice()], read_block).optional()?)
    }

    /// How many entries there are, or of one origin.
    pub fn block_count(&self, origin: Option<BlockOrigin>) -> Result<u64, StoreError> {
        let sql = "select count(*) from blocklist where ?1 is null or origin = ?1";
        Ok(self.0.prepare_cached(sql)?.query_row([origin.map(BlockOrigin::as_str)], |row| row.get(0))?)
    }

    /// Some entries, the latest first.
    pub fn latest_blocks(
        &self,
        origin: Option<BlockOrigin>,
        (skip, take): (u64, u32),
    ) -> Result<Vec<BlockRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select entry_hash, entry_sealed, created_at, origin from blocklist where ?1 is null or origin = ?1
             order by created_at desc, entry_hash limit ?3 offset ?2",
        )?;
        let rows = statement.query_map(params![origin.map(BlockOrigin::as_str), skip, take], read_block)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether one of the hashes is an entry's.
    pub fn is_blocked(&self, hashes: &[Digest]) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("select 1 from blocklist where entry_hash = ?1")?;
        for hash in hashes {
            if statement.exists([hash.as_slice()])? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn read_block(row: &Row) -> rusqlite::Result<BlockRow> {
    Ok(BlockRow {
        hash: row.get(0)?,
        sealed: row.get(1)?,
        created: Timestamp::from_millis(row.get(2)?),
        origin: BlockOrigin::read(&row.get::<_, String>(3)?),
    })
}
