//! Accounts and their credits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

use super::super::account::{
    add_account, add_credits, bar_account, remove_account, rotate_secret_after, set_account, set_credits, unbar_account,
};
use super::super::terms::WrittenDefaults;
use super::super::types::{AccountDefaults, Internal};
use super::super::{App, Credentials, NewSecret, Rules};
use super::short;
use crate::clock::Timestamp;
use crate::store::{self, AccountRow, AccountUse, NewAccount, StoreError, Tx, Used};
use crate::verification::{AccountId, Credits};

/// The spans that an account's use is told of.
const RECENT: Duration = Duration::from_secs(24 * 3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// What accounts asked for is counted anew so often: it reads every verification of a month.
const COUNTED_FOR: Duration = Duration::from_secs(60);

/// What accounts asked for, as it was counted last.
#[derive(Default)]
pub(in crate::app) struct Counted(Mutex<Option<(Timestamp, Arc<Uses>)>>);

/// An account in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSeen {
    pub key: String,
    pub name: String,
    pub barred: bool,
    /// `None`: no limit.
    pub credits: Option<i64>,
    /// What they are worth, in the currency.
    pub worth: Option<String>,
    /// Its own requests a second.
    pub rate: Option<u32>,
    pub created: Timestamp,
    pub day: Usage,
    pub month: Usage,
}

/// What an account asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub started: u64,
    pub verified: u64,
    pub credits: i64,
}

/// An account by itself.
#[derive(Clone, Debug)]
pub struct AccountPage {
    pub account: AccountSeen,
    pub defaults: WrittenDefaults,
    /// When each live secret was made, the newest first.
    pub secrets: Vec<Timestamp>,
    /// Says which is the newest.
    pub newest_secret: i64,
    pub in_progress: u64,
}

/// What credits are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    pub currency: String,
    /// One credit, in the currency.
    pub credit: String,
    /// A verification of a number of no particular country.
    pub default_credits: i64,
    pub default_worth: String,
    /// Requests a second of an account without a rate of its own.
    pub default_rate: u32,
}

/// An account to be made.
#[derive(Default)]
pub struct NewCustomer {
    pub name: String,
    pub key: String,
    /// Of an existing client; otherwise one is made.
    pub secret: Option<SecretString>,
    pub credits: Option<i64>,
    pub rate: Option<u32>,
}

/// An account that was made.
pub struct AccountOpened {
    pub key: String,
    /// `None`: it was given.
    pub secret: Option<SecretString>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another account has the key")]
    Exists,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl App {
    pub fn prices(&self) -> Prices {
        let rules = self.rules();
        Prices {
            currency: rules.currency.clone(),
            credit: short(rules.credit_value),
            default_credits: rules.default_credits.0,
            default_worth: short(rules.credit_value.times(rules.default_credits)),
            default_rate: rules.requests_per_second,
        }
    }

    /// A key that no account has yet.
    pub fn unused_key(&self) -> String {
        self.random.token(super::super::account::KEY_LENGTH)
    }

    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<AccountSeen>, Internal> {
        let (rules, uses) = (self.rules(), self.account_uses().await?);
        let rows: Vec<AccountRow> = self.store.read(|tx: &Tx| tx.accounts()).await?;
        Ok(rows.into_iter().map(|row| seen(row, &uses, &rules)).collect())
    }

    async fn account_uses(&self) -> Result<Arc<Uses>, Internal> {
        let now = self.clock.now();
        let counted = self.counted.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, uses)) = counted.filter(|(at, _)| now >= *at && now.since(*at) < COUNTED_FOR) {
            return Ok(uses);
        }
        let counted = self.store.read(move |tx: &Tx| tx.account_uses(now - MONTH, now - RECENT)).await?;
        let uses = Arc::new(counted.into_iter().map(|used| (used.account, used)).collect());
        *self.counted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&uses)));
        Ok(uses)
    }

    pub async fn account_page(&self, key: &str) -> Result<Option<AccountPage>, Internal> {
        let (rules, key, uses) = (self.rules(), key.to_owned(), self.account_uses().await?);
        let found = self.store.read(move |tx: &Tx| {
            let Some(row) = tx.account_by_key(&key)? else { return Ok(None) };
            let secrets = tx.secret_times(row.id)?;
            Ok::<_, StoreError>(Some(AccountPage {
                defaults: written(&AccountDefaults::from(&row.defaults)),
                newest_secret: secrets.first().map_or(0, |(row, _)| *row),
                secrets: secrets.into_iter().map(|(_, made)| made).collect(),
                in_progress: tx.in_progress_of(row.id)?,
                account: seen(row, &uses, &rules),
            }))
        });
        Ok(found.await?)
    }

    pub async fn open_account(&self, new: NewCustomer) -> Result<AccountOpened, OpenError> {
        let (keys, now) = (self.keys(), self.clock.now());
        let NewCustomer { name, key, secret, credits, rate } = new;
        let given = secret.is_some();
        let defaults = store::AccountDefaults::default();
        let account = NewAccount { name, api_key: key, credits, rate, created: now, defaults };
        let made = add_account(&self.store, &keys.secrets, &self.random, now, account, secret).await;
        match made {
            Ok(Credentials { api_key, api_secret }) => {
                Ok(AccountOpened { key: api_key, secret: (!given).then_some(api_secret) })
            }
            Err(StoreError::Exists) => Err(OpenError::Exists),
            Err(error) => Err(Internal::from(error).into()),
        }
    }

    /// Makes a new secret in the place of the newest, if that is still `newest`; the one before stays live.
    pub async fn rotate_account_secret(&self, key: &str, newest: i64) -> Result<Option<SecretString>, Internal> {
        let (keys, now) = (self.keys(), self.clock.now());
        let made = rotate_secret_after(&self.store, &keys.secrets, &self.random, now, (key, Some(newest))).await?;
        Ok(made.map(|NewSecret(secret)| secret))
    }

    /// Adds credits, or takes them away if negative. `None`: no such account; otherwise as it is then.
    pub async fn add_credits(&self, key: &str, credits: i64) -> Result<Option<AccountSeen>, Internal> {
        self.after(add_credits(&self.store, key, credits).await)
    }

    /// Sets the credits; `None`: no limit.
    pub async fn set_credits(&self, key: &str, credits: Option<i64>) -> Result<Option<AccountSeen>, Internal> {
        self.after(set_credits(&self.store, key, credits).await)
    }

    pub async fn set_barred(&self, key: &str, barred: bool) -> Result<Option<AccountSeen>, Internal> {
        let changed = match barred {
            true => bar_account(&self.store, key).await,
            false => unbar_account(&self.store, key).await,
        };
        self.after(changed)
    }

    pub async fn set_account(
        &self,
        key: &str,
        rate: Option<u32>,
        defaults: AccountDefaults,
    ) -> Result<Option<AccountSeen>, Internal> {
        let change = move |its_rate: &mut Option<u32>, its_defaults: &mut AccountDefaults| {
            *its_rate = rate;
            *its_defaults = defaults;
        };
        self.after(set_account(&self.store, key, change).await)
    }

    /// Removes an account with all its verifications; says how many.
    pub async fn remove_account(&self, key: &str) -> Result<Option<usize>, Internal> {
        Ok(remove_account(&self.store, key).await?)
    }

    fn after(&self, changed: Result<Option<AccountRow>, StoreError>) -> Result<Option<AccountSeen>, Internal> {
        let rules = self.rules();
        Ok(changed?.map(|row| seen(row, &BTreeMap::new(), &rules)))
    }
}

type Uses = BTreeMap<AccountId, AccountUse>;

fn seen(row: AccountRow, uses: &Uses, rules: &Rules) -> AccountSeen {
    let used = uses.get(&row.id);
    let usage = |Used { started, verified, credits }| Usage { started, verified, credits };
    AccountSeen {
        key: row.api_key,
        name: row.name,
        barred: row.barred,
        worth: row.credits.map(|credits| short(rules.credit_value.times(Credits(credits)))),
        credits: row.credits,
        rate: row.rate,
        created: row.created,
        day: used.map(|used| usage(used.recent)).unwrap_or_default(),
        month: used.map(|used| usage(used.all)).unwrap_or_default(),
    }
}

fn written(defaults: &AccountDefaults) -> WrittenDefaults {
    let store::AccountDefaults { sender_id, workflow, language, origin_domain, app_hash } = defaults.into();
    WrittenDefaults {
        sender_id: sender_id.unwrap_or_default(),
        workflow: workflow.map(|workflow| workflow.to_string()).unwrap_or_default(),
        language: language.unwrap_or_default(),
        origin_domain: origin_domain.unwrap_or_default(),
        app_hash: app_hash.unwrap_or_default(),
    }
}
