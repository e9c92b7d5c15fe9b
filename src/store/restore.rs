//! A backup back in the database's place.
//!
//! Everything is done to a copy beside the target, which takes the target's name when it is whole. What was in progress
//! when the backup was made has ended since, one way or the other: it is not sent, checked or charged once more.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};

use super::upkeep::{BACKUP_AT, Unfinished, copy_pages, suffixed};
use super::{NewWebhookEvent, StoreError, Tx, migration};
use crate::clock::Timestamp;
use crate::secrets::Digest;
use crate::verification::{AccountId, Money, VerificationId};
use crate::webhook::event::{EventType, Facts, Reason};

/// Journals of a database, which belong to it alone.
const JOURNALS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Version of the schema in the file, and of what becomes of it.
    pub schema: u32,
    pub schema_known: u32,
    /// When it was made; `None`: it is a plain copy of a database.
    pub made: Option<Timestamp>,
    pub accounts: u32,
    pub verifications: u32,
    /// Those of them that were in progress.
    pub ended: u32,
    /// The key that it is under.
    pub key_check: Digest,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("cannot read {}: {cause}", path.display())]
    Source { path: PathBuf, cause: io::Error },
    #[error("cannot write {}: {cause}", path.display())]
    Target { path: PathBuf, cause: io::Error },
    #[error("{} is no database of Simverify: name a file that `simverify backup` wrote", .0.display())]
    Foreign(PathBuf),
    #[error("{} cannot be restored: {error}", path.display())]
    Unfit { path: PathBuf, error: StoreError },
    #[error("{} is damaged ({damage}): take another backup", path.display())]
    Damaged { path: PathBuf, damage: String },
}

/// A copy that is ready to take the database's place; goes if it does not.
pub struct Prepared {
    copy: Unfinished,
    pub restored: Restored,
}

/// Copies `from` beside `to`, checks it whole, brings it up to date and ends what was in progress. Changes neither.
///
/// # Errors
///
/// It is no database of this program, of a later version, damaged, or under none of the keys.
pub fn prepare_restore(
    from: &Path,
    to: &Path,
    key_checks: &[Digest],
    now: Timestamp,
) -> Result<Prepared, RestoreError> {
    let source_error = |cause| RestoreError::Source { path: from.to_owned(), cause };
    // SQLite's own words for these say less.
    if File::open(from).and_then(|file| file.metadata()).map_err(source_error)?.len() == 0 {
        return Err(RestoreError::Foreign(from.to_owned()));
    }
    let copy = Unfinished(suffixed(to, &format!(".{}.restore", std::process::id())));
    let _ = fs::remove_file(&copy.0);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy.0);
    made.map_err(|cause| RestoreError::Target { path: copy.0.clone(), cause })?;
    let unfit = |error| match error {
        StoreError::NotADatabase => RestoreError::Foreign(from.to_owned()),
        StoreError::Corrupt(damage) => RestoreError::Damaged { path: from.to_owned(), damage },
        error => RestoreError::Unfit { path: from.to_owned(), error },
    };
    let (connection, schema) = copied(from, &copy.0).map_err(unfit)?;
    if let Some(damage) = damage(&connection).map_err(unfit)? {
        return Err(RestoreError::Damaged { path: from.to_owned(), damage });
    }
    let restored = settled(&connection, schema, key_checks, now).map_err(unfit)?;
    drop(connection);
    let synced = File::open(&copy.0).and_then(|file| file.sync_all());
    synced.map_err(|cause| RestoreError::Target { path: copy.0.clone(), cause })?;
    Ok(Prepared { copy, restored })
}

fn copied(from: &Path, to: &Path) -> Result<(Connection, u32), StoreError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (schema, _) = migration::check_origin(&source)?;
    Ok((copy_pages(&source, to)?, schema))
}

/// Everything that SQLite can find, where a backup in use only has the time for the coarse look.
fn damage(connection: &Connection) -> Result<Option<String>, StoreError> {
    let found: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let mut statement = connection.prepare("select \"table\", \"parent\" from pragma_foreign_key_check limit 1")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(format!("a row of {} has no {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
}

fn settled(
    connection: &Connection,
    schema: u32,
    key_checks: &[Digest],
    now: Timestamp,
) -> Result<Restored, StoreError> {
    connection.execute_batch("pragma foreign_keys = on; pragma secure_delete = on; pragma trusted_schema = off;")?;
    migration::migrate(connection)?;
    let tx = Tx::on(connection);
    let key_check = tx.key_check()?.filter(|found| key_checks.contains(found)).ok_or(StoreError::WrongKey)?;
    let made = tx.meta(BACKUP_AT)?.and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    tx.set_meta(BACKUP_AT, None)?;
    let ended = tx.end_what_is_in_progress(now)?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
    let restored = Restored {
        schema,
        schema_known: migration::known(),
        made: made.map(Timestamp::from_millis),
        accounts: count("select count(*) from account")?,
        verifications: count("select count(*) from verification")?,
        ended,
        key_check,
    };
    // It gives what is deleted back to the disk from here on, whatever version made it.
    connection.execute_batch("pragma auto_vacuum = incremental; vacuum;")?;
    Ok(restored)
}

impl Tx<'_> {
    /// Ends every verification that a backup caught in progress; says how many. Credits stay as they were.
    fn end_what_is_in_progress(&self, now: Timestamp) -> Result<u32, StoreError> {
        let now = now.as_millis();
        let uncertain = "update attempt set state = 'uncertain', finished_at = ?1,
                         reason = 'the backup was made while it was being sent' where state = 'sending'";
        self.0.execute(uncertain, [now])?;
        let withdrawn = "update attempt set state = 'withdrawn', finished_at = ?1 where state in ('due', 'claimed')";
        self.0.execute(withdrawn, [now])?;
        self.0.execute("update verification set price_open = 0, pin_hash = null, pin_sealed = null", [])?;
        self.tell_that_it_is_over(Timestamp::from_millis(now))?;
        let ended = self.0.execute(
            "update verification set state = 'expired', state_flag = 0, state_until = null, finalized_at = ?1,
                 deadline_at = null, undecided = 0, reason = ?2
             where finalized_at is null",
            params![now, "it was in progress when the backup was made that was restored"],
        )?;
        self.0.execute("update verification set deadline_at = null where deadline_at is not null", [])?;
        Ok(u32::try_from(ended).unwrap_or(u32::MAX))
    }

    /// Accounts that want to be told of an end are told of these.
    fn tell_that_it_is_over(&self, now: Timestamp) -> Result<(), StoreError> {
        let kind = EventType::Expired.as_str();
        let mut statement = self.0.prepare(
            "select account_id, verification_id, iif(refunded, 0, price), currency, verification.created_at
             from verification join webhook using (account_id)
             where finalized_at is null and (events = '' or instr(',' || events || ',', ',' || ?1 || ',') > 0)",
        )?;
        let mut rows = statement.query([kind])?;
        while let Some(row) = rows.next()? {
            let verification = VerificationId::new(row.get(1)?);
            let facts = Facts {
                status: "EXPIRED".to_owned(),
                step: None,
                reason: Some(Reason::Restored),
                price: Money::from_units(row.get(2)?).to_string(),
                currency: row.get(3)?,
                estimated_price_messages_sent: Money::from_units(self.cost_of(verification)?).to_string(),
                submitted_at: Timestamp::from_millis(row.get(4)?).to_string(),
                finalized_at: Some(now.to_string()),
            };
            let account = AccountId::new(row.get(0)?);
            self.insert_webhook_event(&NewWebhookEvent { account, verification, kind, facts: facts.to_json(), now })?;
        }
        Ok(())
    }
}

impl Prepared {
    /// Takes the database's place; what is there gets the name `aside` first, with its journals. The caller holds the
    /// database's lock.
    pub fn put_in_place(self, to: &Path, aside: Option<&Path>) -> Result<(), RestoreError> {
        let target = |cause| RestoreError::Target { path: to.to_owned(), cause };
        if let Some(aside) = aside {
            // A second name, so that the first is never without a file.
            fs::hard_link(to, aside).map_err(target)?;
            for journal in JOURNALS {
                if let Err(error) = fs::hard_link(suffixed(to, journal), suffixed(aside, journal))
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(target(error));
                }
            }
        }
        // A journal that stayed would be played into the database that comes.
        for journal in JOURNALS {
            if let Err(error) = fs::remove_file(suffixed(to, journal))
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(target(error));
            }
        }
        fs::rename(&self.copy.0, to).map_err(target)?;
        let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(target)
    }
}
