//! What an admin user does with the own login: another password, an end of other sessions.

use secrecy::SecretString;

use super::super::App;
use super::super::types::Internal;
use super::{AdminError, LoginError, SESSION_ABSOLUTE, SESSION_IDLE, Subjects, checked_hash};
use crate::clock::Timestamp;
use crate::origin::Origin;
use crate::store::{StoreError, Tx};

/// A user's own login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLogin {
    pub password_at: Timestamp,
    /// The latest use first.
    pub sessions: Vec<OwnSession>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnSession {
    pub began: Timestamp,
    pub used: Timestamp,
    /// The one that asks.
    pub is_this: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The present password was wrong, or has to wait.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The other one will not do.
    #[error(transparent)]
    Password(#[from] AdminError),
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Login(error.into())
    }
}

impl App {
    /// `None`: the user was removed. `token`: the cookie of the session that asks.
    pub async fn own_login(&self, name: &str, token: &str) -> Result<Option<OwnLogin>, Internal> {
        let (name, this, now) = (name.to_owned(), self.session_hash(token), self.clock.now());
        let found = self.store.read(move |tx: &Tx| {
            let Some(admin) = tx.admin_by_name(&name)? else { return Ok(None) };
            let live = tx
                .admin_sessions_of(admin.id)?
                .into_iter()
                .filter(|(_, began, used)| now.since(*used) < SESSION_IDLE && now.since(*began) < SESSION_ABSOLUTE);
            let session = |(hash, began, used)| OwnSession { began, used, is_this: hash == this };
            let sessions = live.map(session).collect();
            Ok::<_, StoreError>(Some(OwnLogin { password_at: admin.password_at, sessions }))
        });
        Ok(found.await?)
    }

    /// Sets another password for who knows the present one, and ends the other sessions. Tries count as those of a login.
    pub async fn change_own_password(
        &self,
        (name, token): (&str, &str),
        present: &SecretString,
        other: &SecretString,
        origin: Origin,
    ) -> Result<(), ChangeError> {
        let now = self.clock.now();
        let subjects = Subjects::new(&self.keys().secrets, name, origin);
        let before = self.proven(name, present, &subjects, now).await?.password_hash;
        let hash = checked_hash(&self.random, name, other).await?;
        let (name, this) = (name.to_owned(), self.session_hash(token));
        self.store
            .write(move |tx: &Tx| {
                // It may have been changed, or the user removed, meanwhile.
                let present = tx.admin_by_name(&name)?.ok_or(LoginError::Wrong)?;
                if present.password_hash != before {
                    return Err(LoginError::Wrong.into());
                }
                tx.set_admin_password(&name, &hash, now)?;
                tx.end_other_admin_sessions(present.id, &this, now)?;
                subjects.forget(tx)?;
                Ok::<_, ChangeError>(())
            })
            .await
    }

    /// Ends the user's sessions but the one that asks; says how many there were.
    pub async fn end_other_sessions(&self, name: &str, token: &str) -> Result<usize, Internal> {
        let (name, this, now) = (name.to_owned(), self.session_hash(token), self.clock.now());
        let ended = self.store.write(move |tx: &Tx| match tx.admin_by_name(&name)? {
            Some(admin) => tx.end_other_admin_sessions(admin.id, &this, now),
            None => Ok(0),
        });
        Ok(ended.await?)
    }
}
