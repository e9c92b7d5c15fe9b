//! Accounts: who is calling, and what the operator does with them.

use secrecy::{ExposeSecret, SecretString};

use super::App;
use super::types::{Account, Internal};
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secrets::{Secrets, same};
use crate::store::{AccountRow, NewAccount, SecretRow, Store, StoreError, Tx};

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
        let given = self.secrets.api_secret_hash(api_secret.expose_secret());
        let key = api_key.to_owned();
        let found = self
            .store
            .read(move |tx| -> Result<_, StoreError> {
                let Some(row) = tx.account_by_key(&key)? else { return Ok(None) };
                let secrets = tx.secrets_of(row.id)?;
                Ok(Some((row, secrets)))
            })
            .await?;
        let Some((row, secrets)) = found else {
            // Compares with itself's inverse, so that this path does the same work.
            let _ = same(&given, &given.map(|octet| !octet));
            return Ok(None);
        };
        let right = secrets.iter().fold(false, |right, secret| right | same(&given, &secret.hash));
        Ok(right.then(|| Account::from(row)))
    }
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self { id: row.id, name: row.name, api_key: row.api_key, barred: row.barred, rate: row.rate }
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
    store
        .write(move |tx| {
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
    let found = store
        .write(move |tx| {
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

fn seal_secret(secrets: &Secrets, random: &Random, api_key: &str, secret: &SecretString) -> SecretRow {
    SecretRow {
        hash: secrets.api_secret_hash(secret.expose_secret()),
        sealed: secrets.seal(random, secret.expose_secret().as_bytes(), &secret_binding(api_key)),
    }
}

/// A sealed secret opens only for its account's key.
fn secret_binding(api_key: &str) -> Vec<u8> {
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
