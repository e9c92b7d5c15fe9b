//! Accounts and their secrets.

use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::Digest;
use crate::verification::AccountId;

/// A row of `account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: AccountId,
    pub name: String,
    pub api_key: String,
    pub barred: bool,
    /// `None`: no limit.
    pub credits: Option<i64>,
    /// Requests a second; `None`: the configuration's.
    pub rate: Option<u32>,
    pub created: Timestamp,
    pub defaults: AccountDefaults,
}

/// What holds for a request of the account that does not say otherwise, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDefaults {
    pub sender_id: Option<String>,
    pub workflow: Option<u8>,
    pub language: Option<String>,
    pub origin_domain: Option<String>,
    pub app_hash: Option<String>,
}

#[derive(Default)]
pub struct NewAccount {
    pub name: String,
    pub api_key: String,
    pub credits: Option<i64>,
    pub rate: Option<u32>,
    pub created: Timestamp,
    pub defaults: AccountDefaults,
}

/// One live secret: its keyed hash, and itself sealed.
#[derive(Clone)]
pub struct SecretRow {
    pub hash: Digest,
    pub sealed: Vec<u8>,
}

const COLUMNS: &str = "account_id, name, api_key, barred, credits, rate, created_at, sender_id, workflow, language, \
    origin_domain, app_hash";

impl Tx<'_> {
    /// # Errors
    ///
    /// [`StoreError::Exists`] if another account has the key.
    pub fn insert_account(&self, account: &NewAccount) -> Result<AccountId, StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into account (name, api_key, credits, rate, created_at, sender_id, workflow, language,
                 origin_domain, app_hash)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let defaults = &account.defaults;
        statement.execute(params![
            account.name,
            account.api_key,
            account.credits,
            account.rate,
            account.created.as_millis(),
            defaults.sender_id,
            defaults.workflow,
            defaults.language,
            defaults.origin_domain,
            defaults.app_hash,
        ])?;
        Ok(AccountId::new(self.0.last_insert_rowid()))
    }

    pub fn account_by_key(&self, api_key: &str) -> Result<Option<AccountRow>, StoreError> {
        let sql = format!("select {COLUMNS} from account where api_key = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([api_key], read_account).optional()?)
    }

    pub fn account(&self, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        let sql = format!("select {COLUMNS} from account where account_id = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([id.get()], read_account).optional()?)
    }

    /// All accounts, oldest first.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        let sql = format!("select {COLUMNS} from account order by account_id");
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map([], read_account)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says whether there was such an account.
    pub fn set_account_barred(&self, api_key: &str, barred: bool) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("update account set barred = ?2 where api_key = ?1")?;
        Ok(statement.execute(params![api_key, barred])? > 0)
    }

    /// Replaces rate and defaults. Says whether there was such an account.
    pub fn set_account_defaults(
        &self,
        api_key: &str,
        rate: Option<u32>,
        defaults: &AccountDefaults,
    ) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached(
            "update account set rate = ?2, sender_id = ?3, workflow = ?4, language = ?5, origin_domain = ?6,
                 app_hash = ?7
             where api_key = ?1",
        )?;
        let changed = statement.execute(params![
            api_key,
            rate,
            defaults.sender_id,
            defaults.workflow,
            defaults.language,
            defaults.origin_domain,
            defaults.app_hash,
        ])?;
        Ok(changed > 0)
    }

    /// Adds credits, or takes them away if negative; an account without a limit gets one, from zero.
    pub fn add_account_credits(&self, api_key: &str, credits: i64) -> Result<bool, StoreError> {
        let sql = "update account set credits = coalesce(credits, 0) + ?2 where api_key = ?1";
        Ok(self.0.prepare_cached(sql)?.execute(params![api_key, credits])? > 0)
    }

    /// Sets the credits; `None`: no limit.
    pub fn set_account_credits(&self, api_key: &str, credits: Option<i64>) -> Result<bool, StoreError> {
        let sql = "update account set credits = ?2 where api_key = ?1";
        Ok(self.0.prepare_cached(sql)?.execute(params![api_key, credits])? > 0)
    }

    /// Debits the price. Says whether the account could pay; one without a limit always can.
    pub fn debit_account(&self, id: AccountId, credits: i64) -> Result<bool, StoreError> {
        let sql = "update account set credits = credits - ?2
                   where account_id = ?1 and (credits is null or credits >= ?2)";
        Ok(self.0.prepare_cached(sql)?.execute(params![id.get(), credits])? > 0)
    }

    /// Gives a price back.
    pub fn credit_account(&self, id: AccountId, credits: i64) -> Result<(), StoreError> {
        let sql = "update account set credits = credits + ?2 where account_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), credits])?;
        Ok(())
    }

    /// Removes an account that has no verifications.
    pub fn delete_account(&self, id: AccountId) -> Result<(), StoreError> {
        self.0.prepare_cached("delete from account where account_id = ?1")?.execute([id.get()])?;
        Ok(())
    }

    /// Removes all verifications of an account; says how many.
    pub fn delete_verifications_of(&self, id: AccountId) -> Result<usize, StoreError> {
        Ok(self.0.prepare_cached("delete from verification where account_id = ?1")?.execute([id.get()])?)
    }

    pub fn insert_secret(&self, account: AccountId, secret: &SecretRow, now: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into account_secret (account_id, secret_hash, secret_sealed, created_at) values (?1, ?2, ?3, ?4)",
        )?;
        statement.execute(params![account.get(), secret.hash.as_slice(), secret.sealed, now.as_millis()])?;
        Ok(())
    }

    /// The live secrets of an account, newest first.
    pub fn secrets_of(&self, account: AccountId) -> Result<Vec<SecretRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select secret_hash, secret_sealed from account_secret where account_id = ?1
             order by account_secret_id desc",
        )?;
        let rows =
            statement.query_map([account.get()], |row| Ok(SecretRow { hash: row.get(0)?, sealed: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When each live secret of an account was made, newest first, with its row's number, which no later one has again.
    pub fn secret_times(&self, account: AccountId) -> Result<Vec<(i64, Timestamp)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select account_secret_id, created_at from account_secret where account_id = ?1
             order by account_secret_id desc",
        )?;
        let rows =
            statement.query_map([account.get()], |row| Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps the newest `keep` secrets of an account.
    pub fn delete_old_secrets(&self, account: AccountId, keep: u32) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "delete from account_secret where account_id = ?1 and account_secret_id not in (
                 select account_secret_id from account_secret where account_id = ?1
                 order by account_secret_id desc limit ?2)",
        )?;
        statement.execute(params![account.get(), keep])?;
        Ok(())
    }
}

fn read_account(row: &Row) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: AccountId::new(row.get(0)?),
        name: row.get(1)?,
        api_key: row.get(2)?,
        barred: row.get(3)?,
        credits: row.get(4)?,
        rate: row.get(5)?,
        created: Timestamp::from_millis(row.get(6)?),
        defaults: AccountDefaults {
            sender_id: row.get(7)?,
            workflow: row.get(8)?,
            language: row.get(9)?,
            origin_domain: row.get(10)?,
            app_hash: row.get(11)?,
        },
    })
}
