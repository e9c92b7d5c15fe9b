//! Accounts: who is calling, and what the operator does with them.

use secrecy::{ExposeSecret, SecretString};

use super::types::{Account, AccountDefaults, Internal};
use super::{App, Keys};
use crate::clock::Timestamp;
use crate::random::Random;
use crate::secrets::{Secrets, same};
use crate::store::{self, AccountRow, NewAccount, SecretRow, Store, StoreError, Tx};
use crate::verification::{AccountId, Autofill, SenderId, Workflow};

/// Secrets that are live at once: the present one and the one it replaces.
const SECRETS_LIVE: u32 = 2;

/// Characters of a generated key and secret: 46 and 140 bits.
pub(super) const KEY_LENGTH: usize = 8;
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
        let keys = self.keys();
        let given = keys.secrets.api_secret_hashes(api_secret.expose_secret());
        let (row, secrets) = self.account_and_secrets(api_key, &keys).await?;
        let equals = |hash| given.iter().fold(false, |right, given| right | same(given, hash));
        let right = secrets.iter().fold(false, |right, secret| right | equals(&secret.row.hash) & secret.is_live);
        Ok(row.filter(|_| right).map(Account::from))
    }

    /// The account of a key, if `is_right` holds for one of its live secrets: what was signed with it. An unknown key
    /// costs the same as a wrong signature.
    pub async fn account_by_signature(
        &self,
        api_key: &str,
        is_right: impl Fn(&SecretString) -> bool,
    ) -> Result<Option<Account>, Internal> {
        let keys = self.keys();
        let (row, secrets) = self.account_and_secrets(api_key, &keys).await?;
        let mut right = false;
        for secret in &secrets {
            right |= is_right(&open_secret(&keys, secret)?) & secret.is_live;
        }
        Ok(row.filter(|_| right).map(Account::from))
    }

    /// The account, and always as many secrets to compare with: decoys where it has fewer, or is none.
    async fn account_and_secrets(
        &self,
        api_key: &str,
        keys: &Keys,
    ) -> Result<(Option<AccountRow>, Vec<Candidate>), Internal> {
        let key = api_key.to_owned();
        let found = self.store.read(move |tx| -> Result<_, StoreError> {
            let row = tx.account_by_key(&key)?;
            // No account has this id.
            let secrets = tx.secrets_of(row.as_ref().map_or(AccountId::new(0), |row| row.id))?;
            Ok((row, secrets))
        });
        let (row, secrets) = found.await?;
        let live = |row: SecretRow| Candidate { row, api_key: api_key.to_owned(), is_live: true };
        let mut candidates: Vec<_> = secrets.into_iter().map(live).collect();
        let decoys = SECRETS_LIVE.saturating_sub(u32::try_from(candidates.len()).unwrap_or(SECRETS_LIVE));
        candidates.extend((0..decoys).map(|_| Candidate {
            row: keys.decoy.clone(),
            api_key: String::new(),
            is_live: false,
        }));
        Ok((row, candidates))
    }
}

fn open_secret(keys: &Keys, candidate: &Candidate) -> Result<SecretString, Internal> {
    let Candidate { row, api_key, .. } = candidate;
    let broken = || StoreError::Row(format!("a secret of account {api_key} cannot be opened"));
    let plain = keys.secrets.open(&row.sealed, &secret_binding(api_key)).map_err(|_| broken())?;
    let text = std::str::from_utf8(&plain).map_err(|_| broken())?;
    Ok(SecretString::from(text))
}

/// What a given secret is compared with.
struct Candidate {
    row: SecretRow,
    /// What it is sealed for.
    api_key: String,
    /// `false`: a decoy, which nothing equals.
    is_live: bool,
}

/// A secret of no account, sealed as if it were one.
pub(super) fn decoy(secrets: &Secrets, random: &Random) -> SecretRow {
    seal_secret(secrets, random, "", &SecretString::from(random.token(SECRET_LENGTH)))
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
    rotate_secret_after(store, secrets, random, now, (api_key, None)).await
}

/// The same, and only if `newest` is the row of the newest secret: a form that is sent twice rotates once.
pub(super) async fn rotate_secret_after(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    now: Timestamp,
    (api_key, newest): (&str, Option<i64>),
) -> Result<Option<NewSecret>, StoreError> {
    let api_secret = SecretString::from(random.token(SECRET_LENGTH));
    let row = seal_secret(secrets, random, api_key, &api_secret);
    let key = api_key.to_owned();
    let under = secrets.check_value();
    let found = store
        .write(move |tx| {
            tx.must_be_under(&under)?;
            let Some(account) = tx.account_by_key(&key)? else { return Ok::<_, StoreError>(false) };
            let present = tx.secret_times(account.id)?.first().map(|(row, _)| *row);
            if newest.is_some() && newest != present {
                return Ok(false);
            }
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

/// Sets the credits; `None`: no limit.
pub async fn set_credits(store: &Store, api_key: &str, credits: Option<i64>) -> Result<Option<AccountRow>, StoreError> {
    change(store, api_key, move |tx, key| tx.set_account_credits(key, credits)).await
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
