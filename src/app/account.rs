//! Accounts: who is calling, and what the operator does with them.

use secrecy::{ExposeSecret, SecretString};

use super::App;
use super::types::{Account, AccountDefaults, Internal};
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secrets::{Secrets, same};
use crate::store::{self, AccountRow, NewAccount, SecretRow, Store, StoreError, Tx};
use crate::verification::{Autofill, SenderId, Workflow};

/// Secrets that are live at once: the present one and the one it replaces.
const SECRETS_LIVE: u32 = 2;

/// Characters of a generated key and secret: 46 and 140 bits.
const KEY_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 24;

/// An API key and its secret; the secret is shown once.
pub struct Credentials {
    pub api_key: String,
    pub api_secret: SecretString,
}

/// A secret that was made for an account.
pub struct NewSecret(pub SecretString);

impl App {
    /// The account of a key, if the secret is one of its live secrets. An unknown key costs the same as a wrong secret.
    pub async fn account_by_secret(
        &self,
        api_key: &str,
        api_secret: &SecretString,
    ) -> Result<Option<Account>, Internal> {
        let given = self.keys().secrets.api_secret_hashes(api_secret.expose_secret());
        let Some((row, secrets)) = self.account_and_secrets(api_key).await? else {
            // Compares with itself's inverse, so that this path does the same work.
            let _ = given.iter().any(|given| same(given, &given.map(|octet| !octet)));
            return Ok(None);
        };
        let pairs = secrets.iter().flat_map(|secret| given.iter().map(|given| (given, &secret.hash)));
        let right = pairs.fold(false, |right, (given, hash)| right | same(given, hash));
        Ok(right.then(|| Account::from(row)))
    }

    /// The account of a key, if `is_right` holds for one of its live secrets: what was signed with it. An unknown key
    /// costs the same as a wrong signature.
    pub async fn account_by_signature(
        &self,
        api_key: &str,
        is_right: impl Fn(&SecretString) -> bool,
    ) -> Result<Option<Account>, Internal> {
        let Some((row, secrets)) = self.account_and_secrets(api_key).await? else {
            let _ = is_right(&SecretString::from(api_key));
            return Ok(None);
        };
        let mut right = false;
        for secret in &secrets {
            right |= is_right(&self.open_secret(secret, api_key)?);
        }
        Ok(right.then(|| Account::from(row)))
    }

    async fn account_and_secrets(&self, api_key: &str) -> Result<Option<(AccountRow, Vec<SecretRow>)>, Internal> {
        let key = api_key.to_owned();
        let found = self.store.read(move |tx| -> Result<_, StoreError> {
            let Some(row) = tx.account_by_key(&key)? else { return Ok(None) };
            let secrets = tx.secrets_of(row.id)?;
            Ok(Some((row, secrets)))
        });
        Ok(found.await?)
    }

    fn open_secret(&self, row: &SecretRow, api_key: &str) -> Result<SecretString, Internal> {
        let broken = || StoreError::Row(format!("a secret of account {api_key} cannot be opened"));
        let plain = self.keys().secrets.open(&row.sealed, &secret_binding(api_key)).map_err(|_| broken())?;
        let text = std::str::from_utf8(&plain).map_err(|_| broken())?;
        Ok(SecretString::from(text))
    }
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        let defaults = AccountDefaults::from(&row.defaults);
        Self { id: row.id, name: row.name, api_key: row.api_key, barred: row.barred, rate: row.rate, defaults }
    }
}

/// A stored value that is none of ours, from another version, is as good as none.
impl From<&store::AccountDefaults> for AccountDefaults {
    fn from(stored: &store::AccountDefaults) -> Self {
        let text = |stored: &Option<String>| stored.clone().unwrap_or_default();
        Self {
            sender_id: SenderId::new(&text(&stored.sender_id)),
            workflow: stored.workflow.and_then(Workflow::new),
            language: text(&stored.language).parse().ok(),
            autofill: Autofill {
                domain: text(&stored.origin_domain).parse().ok(),
                app_hash: text(&stored.app_hash).parse().ok(),
            },
        }
    }
}

impl From<&AccountDefaults> for store::AccountDefaults {
    fn from(defaults: &AccountDefaults) -> Self {
        Self {
            sender_id: defaults.sender_id.as_ref().map(|sender| sender.as_str().to_owned()),
            workflow: defaults.workflow.map(Workflow::id),
            language: defaults.language.map(|language| language.as_str().to_owned()),
            origin_domain: defaults.autofill.domain.as_ref().map(ToString::to_string),
            app_hash: defaults.autofill.app_hash.as_ref().map(ToString::to_string),
        }
    }
}

/// Makes an account, with the credentials of an existing client if given.
///
/// # Errors
///
/// [`StoreError::Exists`] if another account has the key.
pub async fn add_account(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    mut account: NewAccount,
    secret: Option<SecretString>,
) -> Result<Credentials, StoreError> {
    if account.api_key.is_empty() {
        account.api_key = random.token(KEY_LENGTH);
    }
    let api_key = account.api_key.clone();
    let api_secret = secret.unwrap_or_else(|| SecretString::from(random.token(SECRET_LENGTH)));
    let row = seal_secret(secrets, random, &api_key, &api_secret);
    let under = secrets.check_value();
    store
        .write(move |tx| {
            tx.must_be_under(&under)?;
            let id = tx.insert_account(&account)?;
            tx.insert_secret(id, &row, now)
        })
        .await?;
    Ok(Credentials { api_key, api_secret })
}

/// Makes a new secret; the one before it stays live, older ones end. `None`: no such account.
pub async fn rotate_secret(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    api_key: &str,
) -> Result<Option<NewSecret>, StoreError> {
    let api_secret = SecretString::from(random.token(SECRET_LENGTH));
    let row = seal_secret(secrets, random, api_key, &api_secret);
    let key = api_key.to_owned();
    let under = secrets.check_value();
    let found = store
        .write(move |tx| {
            tx.must_be_under(&under)?;
            let Some(account) = tx.account_by_key(&key)? else { return Ok::<_, StoreError>(false) };
            tx.insert_secret(account.id, &row, now)?;
            tx.delete_old_secrets(account.id, SECRETS_LIVE)?;
            Ok(true)
        })
        .await?;
    Ok(found.then_some(NewSecret(api_secret)))
}

/// Removes an account with all its verifications. `None`: no such account; otherwise how many verifications went.
pub async fn remove_account(store: &Store, api_key: &str) -> Result<Option<usize>, StoreError> {
    let key = api_key.to_owned();
    store
        .write(move |tx| {
            let Some(account) = tx.account_by_key(&key)? else { return Ok(None) };
            let verifications = tx.delete_verifications_of(account.id)?;
            tx.delete_account(account.id)?;
            Ok(Some(verifications))
        })
        .await
}

/// Keeps an account from starting verifications. `None`: no such account; otherwise the account as it is then.
pub async fn bar_account(store: &Store, api_key: &str) -> Result<Option<AccountRow>, StoreError> {
    change(store, api_key, |tx, key| tx.set_account_barred(key, true)).await
}

/// Lets an account start verifications again.
pub async fn unbar_account(store: &Store, api_key: &str) -> Result<Option<AccountRow>, StoreError> {
    change(store, api_key, |tx, key| tx.set_account_barred(key, false)).await
}

/// Changes an account's rate and defaults. `None`: no such account; otherwise the account as it is then.
pub async fn set_account(
    store: &Store,
    api_key: &str,
    change_it: impl FnOnce(&mut Option<u32>, &mut AccountDefaults) + Send + 'static,
) -> Result<Option<AccountRow>, StoreError> {
    change(store, api_key, move |tx, key| {
        let Some(mut row) = tx.account_by_key(key)? else { return Ok(false) };
        let mut defaults = AccountDefaults::from(&row.defaults);
        change_it(&mut row.rate, &mut defaults);
        tx.set_account_defaults(key, row.rate, &store::AccountDefaults::from(&defaults))
    })
    .await
}

/// Adds credits, or takes them away if negative; an account without a limit gets one, from zero.
pub async fn add_credits(store: &Store, api_key: &str, credits: i64) -> Result<Option<AccountRow>, StoreError> {
    change(store, api_key, move |tx, key| tx.add_account_credits(key, credits)).await
}

/// Runs `work`, which says whether there is such an account, and gives the account after it.
async fn change(
    store: &Store,
    api_key: &str,
    work: impl FnOnce(&Tx, &str) -> Result<bool, StoreError> + Send + 'static,
) -> Result<Option<AccountRow>, StoreError> {
    let key = api_key.to_owned();
    store.write(move |tx| if work(tx, &key)? { tx.account_by_key(&key) } else { Ok(None) }).await
}

pub(super) fn seal_secret(secrets: &Secrets, random: &Random, api_key: &str, secret: &SecretString) -> SecretRow {
    SecretRow {
        hash: secrets.api_secret_hash(secret.expose_secret()),
        sealed: secrets.seal(random, secret.expose_secret().as_bytes(), &secret_binding(api_key)),
    }
}

/// A sealed secret opens only for its account's key.
pub(super) fn secret_binding(api_key: &str) -> Vec<u8> {
    format!("api secret of {api_key}").into_bytes()
}

/// Accounts by their rows, for the command line.
pub async fn account_rows(store: &Store) -> Result<Vec<AccountRow>, StoreError> {
    store.read(|tx| tx.accounts()).await
}

/// An account's row by its key.
pub async fn account_row(store: &Store, api_key: &str) -> Result<Option<AccountRow>, StoreError> {
    let key = api_key.to_owned();
    store.read(move |tx| tx.account_by_key(&key)).await
}
