//! Admin users, their sessions, and logins that failed.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;

/// A row of `admin_user`.
#[derive(Clone)]
pub struct AdminRow {
    pub id: i64,
    pub name: String,
    pub password_hash: Vec<u8>,
    pub created: Timestamp,
    pub password_at: Timestamp,
    pub login_at: Option<Timestamp>,
}

/// A session that has not ended by itself, with its user's name.
#[derive(Clone)]
pub struct SessionRow {
    pub admin_id: i64,
    pub name: String,
    pub created: Timestamp,
    pub used: Timestamp,
}

/// Logins of a subject that failed in a row.
#[derive(Clone, Copy)]
pub struct FailureRow {
    pub failures: u32,
    pub failed_at: Timestamp,
    pub held_until: Timestamp,
}

const COLUMNS: &str = "admin_user_id, name, password_hash, created_at, password_at, login_at";

impl Tx<'_> {
    /// # Errors
    ///
    /// [`StoreError::Exists`] if there is one of this name.
    pub fn insert_admin(&self, name: &str, password_hash: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into admin_user (name, password_hash, created_at, password_at) values (?1, ?2, ?3, ?3)",
        )?;
        statement.execute(params![name, password_hash, now.as_millis()])?;
        Ok(())
    }

    pub fn admin_by_name(&self, name: &str) -> Result<Option<AdminRow>, StoreError> {
        let sql = format!("select {COLUMNS} from admin_user where name = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([name], read_admin).optional()?)
    }

    /// All of them, by name.
    pub fn admins(&self) -> Result<Vec<AdminRow>, StoreError> {
        let sql = format!("select {COLUMNS} from admin_user order by name");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([], read_admin)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says whether there was one.
    pub fn delete_admin(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.0.prepare_cached("delete from admin_user where name = ?1")?.execute([name])? > 0)
    }

    /// Says whether there was one.
    pub fn set_admin_password(&self, name: &str, password_hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
        let sql = "update admin_user set password_hash = ?2, password_at = ?3 where name = ?1";
        Ok(self.0.prepare_cached(sql)?.execute(params![name, password_hash, now.as_millis()])? > 0)
    }

    pub fn set_admin_login(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update admin_user set login_at = ?2 where admin_user_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id, now.as_millis()])?;
        Ok(())
    }

    pub fn insert_admin_session(
        &self,
        hash: &Digest,
        admin: i64,
        origin: &Digest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into admin_session (session_hash, admin_user_id, origin_hash, created_at, used_at)
             values (?1, ?2, ?3, ?4, ?4)",
        )?;
        statement.execute(params![hash.as_slice(), admin, origin.as_slice(), now.as_millis()])?;
        Ok(())
    }

    pub fn admin_session(&self, hash: &Digest) -> Result<Option<SessionRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select admin_user_id, name, admin_session.created_at, used_at
             from admin_session join admin_user using (admin_user_id)
             where session_hash = ?1 and ended_at is null",
        )?;
        let read = |row: &Row| {
            Ok(SessionRow {
                admin_id: row.get(0)?,
                name: row.get(1)?,
                created: Timestamp::from_millis(row.get(2)?),
                used: Timestamp::from_millis(row.get(3)?),
            })
        };
        Ok(statement.query_row([hash.as_slice()], read).optional()?)
    }

    /// Whether the admin has logged in from there, as far as it is remembered.
    pub fn admin_knows_origin(&self, admin: i64, origin: &Digest) -> Result<bool, StoreError> {
        let sql = "select exists (select 1 from admin_session where admin_user_id = ?1 and origin_hash = ?2)";
        Ok(self.0.prepare_cached(sql)?.query_row(params![admin, origin.as_slice()], |row| row.get(0))?)
    }

    pub fn use_admin_session(&self, hash: &Digest, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update admin_session set used_at = ?2 where session_hash = ?1";
        self.0.prepare_cached(sql)?.execute(params![hash.as_slice(), now.as_millis()])?;
        Ok(())
    }

    pub fn end_admin_session(&self, hash: &Digest, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update admin_session set ended_at = ?2 where session_hash = ?1 and ended_at is null";
        self.0.prepare_cached(sql)?.execute(params![hash.as_slice(), now.as_millis()])?;
        Ok(())
    }

    pub fn end_admin_sessions_of(&self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update admin_session set ended_at = ?2 where ended_at is null
                   and admin_user_id = (select admin_user_id from admin_user where name = ?1)";
        self.0.prepare_cached(sql)?.execute(params![name, now.as_millis()])?;
        Ok(())
    }

    /// The sessions of a user that nobody has ended, with when each began and was used; the latest use first.
    pub fn admin_sessions_of(&self, admin: i64) -> Result<Vec<(Digest, Timestamp, Timestamp)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select session_hash, created_at, used_at from admin_session
             where admin_user_id = ?1 and ended_at is null order by used_at desc, session_hash",
        )?;
        let rows = statement.query_map([admin], |row| {
            Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?), Timestamp::from_millis(row.get(2)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ends a user's sessions but this one; says how many.
    pub fn end_other_admin_sessions(&self, admin: i64, this: &Digest, now: Timestamp) -> Result<usize, StoreError> {
        let sql = "update admin_session set ended_at = ?3
                   where ended_at is null and admin_user_id = ?1 and session_hash <> ?2";
        Ok(self.0.prepare_cached(sql)?.execute(params![admin, this.as_slice(), now.as_millis()])?)
    }

    /// Forgets sessions that began before this.
    pub fn delete_admin_sessions(&self, before: Timestamp) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from admin_session where created_at < ?1")?.execute([before.as_millis()])?;
        Ok(())
    }

    pub fn admin_failure(&self, subject: &Digest) -> Result<Option<FailureRow>, StoreError> {
        let sql = "select failures, failed_at, held_until from admin_failure where subject_hash = ?1";
        let read = |row: &Row| {
            Ok(FailureRow {
                failures: row.get(0)?,
                failed_at: Timestamp::from_millis(row.get(1)?),
                held_until: Timestamp::from_millis(row.get(2)?),
            })
        };
        Ok(self.0.prepare_cached(sql)?.query_row([subject.as_slice()], read).optional()?)
    }

    pub fn set_admin_failure(&self, subject: &Digest, row: FailureRow) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into admin_failure (subject_hash, failures, failed_at, held_until) values (?1, ?2, ?3, ?4)
             on conflict do update set failures = ?2, failed_at = ?3, held_until = ?4",
        )?;
        let (failed_at, held_until) = (row.failed_at.as_millis(), row.held_until.as_millis());
        statement.execute(params![subject.as_slice(), row.failures, failed_at, held_until])?;
        Ok(())
    }

    pub fn delete_admin_failure(&self, subject: &Digest) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from admin_failure where subject_hash = ?1")?.execute([subject.as_slice()])?;
        Ok(())
    }

    /// Forgets failures from before this, and beyond that all but the newest `keep`.
    pub fn delete_admin_failures(&self, before: Timestamp, keep: u32) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from admin_failure where failed_at < ?1")?.execute([before.as_millis()])?;
        let mut statement = self.0.prepare_cached(
            "delete from admin_failure where failed_at < (
                 select failed_at from admin_failure order by failed_at desc limit 1 offset ?1)",
        )?;
        statement.execute([keep])?;
        Ok(())
    }
}

fn read_admin(row: &Row) -> rusqlite::Result<AdminRow> {
    Ok(AdminRow {
        id: row.get(0)?,
        name: row.get(1)?,
        password_hash: row.get(2)?,
        created: Timestamp::from_millis(row.get(3)?),
        password_at: Timestamp::from_millis(row.get(4)?),
        login_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
    })
}
