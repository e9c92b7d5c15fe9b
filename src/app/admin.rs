//! Admin users: who may look after this installation. Their logins and sessions.
//!
//! A failure is counted, durably, before the password is compared: however many try at the same time, and however often
//! the daemon restarts, no try is free. An unknown name costs the same as a wrong password.

mod own;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use super::App;
use super::lockout::{self, Lockout};
use super::types::Internal;
use crate::clock::Timestamp;
use crate::origin::Origin;
use crate::random::Random;
use crate::secrets::{Argon2Hash, Digest, PasswordError, PasswordHasher, Secrets, same};
use crate::store::{AdminRow, FailureRow, SessionRow, Store, StoreError, Tx};

/// A session that is not used for so long is over, and every session after the second.
const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
pub const SESSION_ABSOLUTE: Duration = Duration::from_secs(12 * 3600);

/// Sessions are remembered for so long, for the sake of the places that they began at.
const SESSION_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A session's last use is written down this often at most.
const USE_NOTED: Duration = Duration::from_secs(60);

/// Subjects of failures that are remembered.
const SUBJECTS_MAX: u32 = 10_000;

/// Characters of a name at most, and of a password. One factor alone must be long.
const NAME_MAX: usize = 64;
const PASSWORD_MIN: usize = 12;
const PASSWORD_MAX: usize = 256;

/// An admin user, as the operator sees one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    pub name: String,
    pub created: Timestamp,
    pub password_at: Timestamp,
    pub login_at: Option<Timestamp>,
}

/// A session that a browser has proved.
#[derive(Clone, Debug)]
pub struct Session {
    pub name: String,
}

/// What a browser gets that has logged in: the cookie that proves its session.
pub struct Login {
    pub token: SecretString,
}

pub use own::{ChangeError, OwnLogin, OwnSession};

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("name or password is wrong")]
    Wrong,
    #[error("too many failures")]
    Held(Duration),
    #[error("too many logins at the same time")]
    Busy,
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<StoreError> for LoginError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("the name must have 1 to {NAME_MAX} characters, and no control characters")]
    Name,
    #[error("the password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")]
    Length,
    #[error("the password must not be the name")]
    SameAsName,
    #[error(transparent)]
    Hash(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes an admin user.
///
/// # Errors
///
/// [`StoreError::Exists`] if there is one of this name; a name or a password that will not do.
pub async fn add_admin(
    store: &Store,
    random: &Random,
    now: Timestamp,
    name: &str,
    password: &SecretString,
) -> Result<(), AdminError> {
    let hash = checked_hash(random, name, password).await?;
    let name = name.to_owned();
    Ok(store.write(move |tx| tx.insert_admin(&name, &hash, now)).await?)
}

/// Sets another password, ends the sessions under the old one, and forgets whatever failed. `false`: no such user.
pub async fn set_admin_password(
    store: &Store,
    random: &Random,
    now: Timestamp,
    name: &str,
    password: &SecretString,
) -> Result<bool, AdminError> {
    let hash = checked_hash(random, name, password).await?;
    let name = name.to_owned();
    let work = move |tx: &Tx| {
        let found = tx.set_admin_password(&name, &hash, now)?;
        if found {
            tx.end_admin_sessions_of(&name, now)?;
            // Whoever may do this sits at the machine, and is not to wait for what strangers did.
            tx.delete_admin_failures(Timestamp::from_millis(i64::MAX), 0)?;
        }
        Ok::<_, StoreError>(found)
    };
    Ok(store.write(work).await?)
}

/// All admin users, by name.
pub async fn admins(store: &Store) -> Result<Vec<Admin>, StoreError> {
    let rows = store.read(|tx| tx.admins()).await?;
    let admin = |AdminRow { name, created, password_at, login_at, .. }| Admin { name, created, password_at, login_at };
    Ok(rows.into_iter().map(admin).collect())
}

/// Removes an admin user with the sessions. `false`: no such user.
pub async fn remove_admin(store: &Store, name: &str) -> Result<bool, StoreError> {
    let name = name.to_owned();
    store.write(move |tx| tx.delete_admin(&name)).await
}

async fn checked_hash(random: &Random, name: &str, password: &SecretString) -> Result<Vec<u8>, AdminError> {
    let length = name.chars().count();
    if !(1..=NAME_MAX).contains(&length) || name.trim() != name || name.chars().any(char::is_control) {
        return Err(AdminError::Name);
    }
    if !(PASSWORD_MIN..=PASSWORD_MAX).contains(&password.expose_secret().chars().count()) {
        return Err(AdminError::Length);
    }
    if password.expose_secret().eq_ignore_ascii_case(name) {
        return Err(AdminError::SameAsName);
    }
    Ok(PasswordHasher::default().hash(random, password).await?.to_bytes())
}

impl App {
    /// Compares a password and begins a session; ends the one of `replaced`, the cookie that came along.
    pub async fn admin_login(
        &self,
        name: &str,
        password: &SecretString,
        origin: Origin,
        replaced: Option<&str>,
    ) -> Result<Login, LoginError> {
        let login = self.try_admin_login(name, password, origin, replaced).await;
        match &login {
            Err(LoginError::Wrong) => self.metrics().login_failed("admin", "wrong"),
            Err(LoginError::Held(_) | LoginError::Busy) => self.metrics().login_failed("admin", "held"),
            Ok(_) | Err(LoginError::Internal(_)) => {}
        }
        login
    }

    async fn try_admin_login(
        &self,
        name: &str,
        password: &SecretString,
        origin: Origin,
        replaced: Option<&str>,
    ) -> Result<Login, LoginError> {
        let now = self.clock.now();
        let subjects = Subjects::new(&self.keys().secrets, name, origin);
        let admin = self.proven(name, password, &subjects, now).await?;
        let token = URL_SAFE_NO_PAD.encode(self.random.bytes::<32>());
        let session = self.session_hash(&token);
        let replaced = replaced.map(|token| self.session_hash(token));
        self.store
            .write(move |tx| {
                // The password may have been changed, or the user removed, meanwhile.
                let present = tx.admin_by_name(&admin.name)?;
                if present.is_none_or(|present| present.password_hash != admin.password_hash) {
                    return Err(LoginError::Wrong);
                }
                subjects.forget(tx)?;
                if let Some(replaced) = replaced {
                    tx.end_admin_session(&replaced, now)?;
                }
                tx.delete_admin_sessions(now - SESSION_KEPT)?;
                tx.insert_admin_session(&session, admin.id, &subjects.origin, now)?;
                tx.set_admin_login(admin.id, now)?;
                Ok::<_, LoginError>(())
            })
            .await?;
        Ok(Login { token: token.into() })
    }

    /// The user whose password this is. Counted as a failure until [`Subjects::forget`].
    async fn proven(
        &self,
        name: &str,
        password: &SecretString,
        subjects: &Subjects,
        now: Timestamp,
    ) -> Result<AdminRow, LoginError> {
        let (name_of_try, counted) = (name.to_owned(), subjects.clone());
        let found = self.store.write(move |tx| {
            let admin = tx.admin_by_name(&name_of_try)?;
            let knows_origin = match &admin {
                Some(admin) => tx.admin_knows_origin(admin.id, &counted.origin)?,
                None => tx.admin_knows_origin(0, &counted.origin)?,
            };
            counted.count(tx, now, knows_origin)?;
            Ok::<_, LoginError>(admin)
        });
        let found = found.await?;
        let hash = found.as_ref().and_then(|admin| Argon2Hash::from_bytes(&admin.password_hash));
        let too_long = password.expose_secret().len() > 4 * PASSWORD_MAX;
        let right = match too_long {
            true => false,
            false => self.passwords.matches(hash, password).await.map_err(|error| match error {
                PasswordError::Busy => LoginError::Busy,
                PasswordError::Hasher(error) => LoginError::Internal(error.into()),
            })?,
        };
        found.filter(|_| right).ok_or(LoginError::Wrong)
    }

    /// The session that a cookie proves. Notes that it is used.
    pub async fn admin_session(&self, token: &str) -> Result<Option<Session>, Internal> {
        let (hash, now) = (self.session_hash(token), self.clock.now());
        let Some(row) = self.live_session(hash, now).await? else { return Ok(None) };
        if now.since(row.used) >= USE_NOTED {
            // A disk that is full is no reason to keep the admin out.
            let _ = self.store.write(move |tx| tx.use_admin_session(&hash, now)).await;
        }
        Ok(Some(Session { name: row.name }))
    }

    /// The same, for what a browser asks by itself: that does not keep a session alive.
    pub async fn admin_session_unused(&self, token: &str) -> Result<Option<Session>, Internal> {
        let row = self.live_session(self.session_hash(token), self.clock.now()).await?;
        Ok(row.map(|row| Session { name: row.name }))
    }

    async fn live_session(&self, hash: Digest, now: Timestamp) -> Result<Option<SessionRow>, Internal> {
        let row: Option<SessionRow> = self.store.read(move |tx| tx.admin_session(&hash)).await?;
        let is_over =
            |row: &SessionRow| now.since(row.used) >= SESSION_IDLE || now.since(row.created) >= SESSION_ABSOLUTE;
        Ok(row.filter(|row| !is_over(row)))
    }

    pub async fn admin_logout(&self, token: &str) -> Result<(), Internal> {
        let (hash, now) = (self.session_hash(token), self.clock.now());
        Ok(self.store.write(move |tx| tx.end_admin_session(&hash, now)).await?)
    }

    /// What a form of the browser with this cookie must carry, so that no other site's form does.
    pub fn form_token(&self, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.keys().secrets.admin_hash("form", cookie))
    }

    pub fn is_form_token(&self, cookie: &str, given: &str) -> bool {
        let given = URL_SAFE_NO_PAD.decode(given).ok().and_then(|octets| Digest::try_from(octets).ok());
        given.is_some_and(|given| same(&given, &self.keys().secrets.admin_hash("form", cookie)))
    }

    fn session_hash(&self, token: &str) -> Digest {
        self.keys().secrets.admin_hash("session", token)
    }
}

/// Whose failures a login counts as.
#[derive(Clone)]
struct Subjects {
    name: Digest,
    origin: Digest,
    both: Digest,
}

impl Subjects {
    fn new(secrets: &Secrets, name: &str, origin: Origin) -> Self {
        Self {
            name: secrets.admin_hash("failures of name", name),
            origin: secrets.admin_hash("origin", &origin.to_string()),
            both: secrets.admin_hash("failures of both", &format!("{origin} {name}")),
        }
    }

    /// # Errors
    ///
    /// [`LoginError::Held`], and nothing is counted, if one of them has to wait.
    fn count(&self, tx: &Tx, now: Timestamp, knows_origin: bool) -> Result<(), LoginError> {
        let subjects: [(&Digest, Lockout, bool); 3] = [
            (&self.both, lockout::OF_NAME_AND_ORIGIN, true),
            (&self.origin, lockout::OF_ORIGIN, true),
            (&self.name, lockout::OF_NAME, !knows_origin),
        ];
        let mut counted = vec![];
        for (subject, lockout, holds) in subjects {
            let before = tx.admin_failure(subject)?.map(|row| lockout::Failures {
                count: row.failures,
                last: row.failed_at,
                held_until: row.held_until,
            });
            let left = before.map_or(Duration::ZERO, |before| lockout.left(before, now));
            if holds && !left.is_zero() {
                return Err(LoginError::Held(left));
            }
            counted.push((subject, lockout.count(before, now)));
        }
        tx.delete_admin_failures(now - lockout::FORGOTTEN_AFTER, SUBJECTS_MAX)?;
        for (subject, lockout::Failures { count, last, held_until }) in counted {
            tx.set_admin_failure(subject, FailureRow { failures: count, failed_at: last, held_until })?;
        }
        Ok(())
    }

    fn forget(&self, tx: &Tx) -> Result<(), StoreError> {
        [&self.both, &self.origin, &self.name].into_iter().try_for_each(|subject| tx.delete_admin_failure(subject))
    }
}
