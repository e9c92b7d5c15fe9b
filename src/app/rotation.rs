//! Another master key in the present one's place, while verifications go on.
//!
//! ```text
//!  key file │ database │ what is done next
//!  old      │ old      │ a new key goes into the file, before the old one
//!  new, old │ old      │ everybody here reads under both; the database goes under the new key
//!  new, old │ new      │ what is sealed and hashed under the old key is made anew under the new one, in small steps;
//!           │          │ then the last PIN hashed with the old pepper is waited for
//!  new      │ new      │ nothing
//! ```
//!
//! Every line is durable before the next begins, and where a crash leaves it the next start goes on: file and database say
//! what is to be done. A PIN's hash cannot be made anew without its PIN, and most PINs are gone once they are sent:
//! that is why the old key waits for them.
//!
//! One process works at it: the daemon, or a command that holds the database's lock.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use tracing::warn;
use zeroize::Zeroizing;

use super::account::{seal_secret, secret_binding};
use super::guard::rekeying::{Beside, Keyed, Renewed};
use super::report::SIM_PIN_KEY;
use super::transition::{number_binding, pin_binding};
use super::types::Internal;
use super::{App, blocklist, inbox, webhook};
use crate::random::Random;
use crate::secrets::{Digest, KeyFileError, KeyRing, MasterKey, Secrets, Unsealable};
use crate::store::{
    BlockRow, ResealedPart, SealedPart, SealedSecret, SealedText, SealedVerification, Store, StoreError, Tx, WebhookRow,
};

/// Rows that one step looks at: few, so that its transaction never holds up the writer.
const STEP: u32 = 128;

/// Passes over everything. The second finds nothing but what was being written during the first.
const PASSES: usize = 8;

/// Reads the sender of a message from its PDU; the codec is the channel's.
pub type SenderOf = fn(&str) -> String;

/// The means of a rotation.
pub struct Rotation {
    pub store: Store,
    pub random: Random,
    pub key_file: PathBuf,
    /// The operations that go on meanwhile.
    pub app: Option<Arc<App>>,
    pub sender_of: SenderOf,
}

/// How many rows were made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub rows: usize,
    /// Left as they are, because no key of the file opens them.
    pub unreadable: usize,
}

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// One key is in the file.
    Done(Resealed),
    /// Everything is under the new key but the PINs of so many verifications.
    Waiting { pins: u32, resealed: Resealed },
}

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error(
        "a rotation is under way: it ends with the last PIN that was sent before it began; see `simverify key show`"
    )]
    UnderWay,
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl Rotation {
    /// Puts a new key into the key file. [`Self::go_on`] does the rest.
    ///
    /// # Errors
    ///
    /// [`RotationError::UnderWay`] if there are several keys already.
    pub async fn begin(&self) -> Result<(), RotationError> {
        let ring = self.ring().await?;
        if ring.keys().len() > 1 {
            return Err(RotationError::UnderWay);
        }
        let ring = ring.with_newest(MasterKey::generate(&self.random)).ok_or(RotationError::UnderWay)?;
        self.replace(ring).await
    }

    /// Whether the key file asks for anything to be done.
    pub async fn is_under_way(&self) -> Result<bool, RotationError> {
        Ok(self.ring().await?.keys().len() > 1)
    }

    /// Does what can be done now.
    pub async fn go_on(&self) -> Result<Stand, RotationError> {
        let ring = self.ring().await?;
        if ring.keys().len() == 1 {
            return Ok(Stand::Done(Resealed::default()));
        }
        let target = ring.newest().check_value();
        let under = self.store.read(|tx: &Tx| tx.key_check()).await?.unwrap_or(target);
        // Before anybody writes under the new key, everybody reads what is.
        self.change_keys(&ring, &under).await?;
        if under != target {
            self.begin_sim_pin_key(&ring, &under).await?;
            self.store.write(move |tx: &Tx| tx.set_key_check(&target)).await?;
            self.change_keys(&ring, &target).await?;
        }
        let secrets = Secrets::of_ring(&ring, &target).ok_or(StoreError::WrongKey)?;
        let mut resealed = Resealed::default();
        for _ in 0..PASSES {
            let pass = self.pass(&secrets).await?;
            resealed = Resealed { rows: resealed.rows + pass.rows, unreadable: pass.unreadable };
            if pass.rows == 0 {
                break;
            }
        }
        let key = secrets.key_id();
        let pins = self.store.read(move |tx: &Tx| tx.pins_under_other_keys(key)).await?;
        if pins > 0 {
            return Ok(Stand::Waiting { pins, resealed });
        }
        self.keep_sim_pin_key(&secrets).await?;
        let one = KeyRing::new(vec![ring.newest().clone()]);
        self.replace(one.clone()).await?;
        self.change_keys(&one, &target).await?;
        if resealed.unreadable > 0 {
            warn!(
                name: "rotation.unreadable",
                rows = resealed.unreadable,
                "some rows of the database open with no key of the key file"
            );
        }
        Ok(Stand::Done(resealed))
    }

    async fn change_keys(&self, ring: &KeyRing, under: &Digest) -> Result<(), RotationError> {
        if let Some(app) = &self.app {
            app.change_keys(Secrets::of_ring(ring, under).ok_or(StoreError::WrongKey)?).await;
        }
        Ok(())
    }

    async fn ring(&self) -> Result<KeyRing, RotationError> {
        let path = self.key_file.clone();
        Ok(spawn_blocking(move || KeyRing::read(&path)).await.map_err(joined)??)
    }

    async fn replace(&self, ring: KeyRing) -> Result<(), RotationError> {
        let (path, random) = (self.key_file.clone(), self.random.clone());
        Ok(spawn_blocking(move || ring.replace(&path, &random)).await.map_err(joined)??)
    }

    /// Looks at every row and makes anew what is not under the current key.
    async fn pass(&self, secrets: &Secrets) -> Result<Resealed, Internal> {
        let mut pass = Resealed::default();
        let mut after = 0;
        loop {
            let rows = self.store.read(move |tx: &Tx| tx.sealed_verifications(after, STEP)).await?;
            let Some(last) = rows.last() else { break };
            after = last.id.get();
            self.step(&mut pass, rows, |row| self.verification(secrets, row)).await?;
        }
        let rows = self.store.read(|tx: &Tx| tx.sealed_secrets()).await?;
        self.in_steps(&mut pass, rows, |row| self.secret(secrets, row)).await?;
        let rows = self.store.read(|tx: &Tx| tx.webhooks()).await?;
        self.in_steps(&mut pass, rows, |row| self.webhook(secrets, row)).await?;
        let rows = self.store.read(|tx: &Tx| tx.blocks()).await?;
        self.in_steps(&mut pass, rows, |row| self.block(secrets, row)).await?;
        let mut after = 0;
        loop {
            let rows = self.store.read(move |tx: &Tx| tx.sealed_parts(after, STEP)).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            self.step(&mut pass, rows, |row| self.part(secrets, row)).await?;
        }
        let rows = self.store.read(|tx: &Tx| tx.sealed_breakers()).await?;
        self.in_steps(&mut pass, rows, |row| self.shown(secrets, row)).await?;
        let mut after = 0;
        loop {
            let rows = self.store.read(move |tx: &Tx| tx.sealed_verdicts(after, STEP)).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            self.step(&mut pass, rows, |row| self.shown(secrets, row)).await?;
        }
        self.accounts(secrets).await?;
        Ok(pass)
    }

    /// What is counted of accounts, of which there is no row to tell that it is under the current key.
    async fn accounts(&self, secrets: &Secrets) -> Result<(), Internal> {
        let accounts: Vec<_> = self.store.read(|tx: &Tx| tx.accounts()).await?;
        for group in accounts.chunks(STEP as usize) {
            let keyed: Vec<_> = group.iter().map(|account| Keyed::account(secrets, account.id)).collect();
            self.store.write(move |tx: &Tx| keyed.iter().try_for_each(|keyed| keyed.rekey(tx))).await?;
        }
        Ok(())
    }

    async fn in_steps<T>(
        &self,
        pass: &mut Resealed,
        mut rows: Vec<T>,
        work: impl Fn(T) -> Result<Option<Change>, Unsealable>,
    ) -> Result<(), Internal> {
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(STEP as usize));
            self.step(pass, std::mem::replace(&mut rows, rest), &work).await?;
        }
        Ok(())
    }

    /// Makes rows anew outside the transaction, which only writes.
    async fn step<T>(
        &self,
        pass: &mut Resealed,
        rows: Vec<T>,
        work: impl Fn(T) -> Result<Option<Change>, Unsealable>,
    ) -> Result<(), Internal> {
        let mut changes = vec![];
        for row in rows {
            match work(row) {
                Ok(change) => changes.extend(change),
                Err(Unsealable) => pass.unreadable += 1,
            }
        }
        // A look without a change must not keep other tasks of this thread waiting.
        tokio::task::yield_now().await;
        if changes.is_empty() {
            return Ok(());
        }
        let write = move |tx: &Tx| {
            changes.iter().try_fold(0, |done, change| Ok::<_, StoreError>(done + usize::from(change.write(tx)?)))
        };
        pass.rows += self.store.write(write).await?;
        Ok(())
    }

    /// `None`: it is under the current key.
    fn verification(&self, secrets: &Secrets, row: SealedVerification) -> Result<Option<Change>, Unsealable> {
        let seal = |sealed: &[u8], binding: &[u8]| {
            if sealed.is_empty() || secrets.is_current(sealed, binding) {
                return Ok(None);
            }
            let plain = secrets.open(sealed, binding)?;
            let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
            Ok(Some((secrets.seal(&self.random, &plain, binding), Zeroizing::new(text.to_owned()))))
        };
        let number = seal(&row.number_sealed, &number_binding(row.request))?.map(|(sealed, digits)| {
            let (hash, beside) = (secrets.number_hash(&digits), Beside::of(secrets, &digits).map(Box::new));
            ResealedNumber { sealed, hash, beside }
        });
        let pin = row.pin_sealed.as_deref().unwrap_or_default();
        let pin = seal(pin, &pin_binding(row.request, row.generation))?.map(|(pin, _)| pin);
        if number.is_none() && pin.is_none() { Ok(None) } else { Ok(Some(Change::Verification { row, number, pin })) }
    }

    fn secret(&self, secrets: &Secrets, row: SealedSecret) -> Result<Option<Change>, Unsealable> {
        let binding = secret_binding(&row.api_key);
        if secrets.is_current(&row.secret.sealed, &binding) {
            return Ok(None);
        }
        let plain = secrets.open(&row.secret.sealed, &binding)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Unsealable)?;
        let new = seal_secret(secrets, &self.random, &row.api_key, &text.to_owned().into());
        Ok(Some(Change::Secret { row, new }))
    }

    fn webhook(&self, secrets: &Secrets, row: WebhookRow) -> Result<Option<Change>, Unsealable> {
        let new = webhook::resealed(secrets, &self.random, &row)?;
        Ok(new.map(|new| Change::Webhook { row: Box::new(row), new: Box::new(new) }))
    }

    fn block(&self, secrets: &Secrets, row: BlockRow) -> Result<Option<Change>, Unsealable> {
        if secrets.is_current(&row.sealed, &blocklist::binding(&row.hash)) {
            return Ok(None);
        }
        let entry = blocklist::opened(secrets, &row).map_err(|_| Unsealable)?.parse().map_err(|_| Unsealable)?;
        let new = blocklist::row(secrets, &self.random, row.created, &entry, row.origin);
        Ok(Some(Change::Block { row, new }))
    }

    /// What the operator is shown of a breaker or a verdict.
    fn shown(&self, secrets: &Secrets, row: SealedText) -> Result<Option<Change>, Unsealable> {
        let renewed = Renewed::of(secrets, &self.random, &row.sealed, &row.scope)?;
        Ok(renewed.map(|new| Change::Shown { row, new }))
    }

    fn part(&self, secrets: &Secrets, row: SealedPart) -> Result<Option<Change>, Unsealable> {
        if secrets.is_current(&row.pdu_sealed, &inbox::binding(inbox::PDU, &row.hash)) {
            return Ok(None);
        }
        let sender = secrets.open(&row.sender_sealed, &inbox::binding(inbox::SENDER, &row.hash))?;
        let pdu = secrets.open(&row.pdu_sealed, &inbox::binding(inbox::PDU, &row.hash))?;
        let raw = std::str::from_utf8(&pdu).map_err(|_| Unsealable)?;
        let hash = secrets.message_hash(&row.route, raw);
        let new = ResealedPart {
            hash,
            sender_sealed: secrets.seal(&self.random, &sender, &inbox::binding(inbox::SENDER, &hash)),
            sender_hash: secrets.number_hash(&(self.sender_of)(raw)),
            pdu_sealed: secrets.seal(&self.random, &pdu, &inbox::binding(inbox::PDU, &hash)),
        };
        Ok(Some(Change::Part { row, new }))
    }

    /// Hashes of SIM PINs cannot be made anew. A PIN that a SIM refused must not be forgotten, so that the key of those
    /// hashes, which opens nothing, outlives the master key that it came from.
    async fn begin_sim_pin_key(&self, ring: &KeyRing, under: &Digest) -> Result<(), Internal> {
        let secrets = Secrets::of_ring(ring, under).ok_or(StoreError::WrongKey)?;
        let random = self.random.clone();
        let kept = move |tx: &Tx| match tx.sim_pin_key()? {
            Some(_) => Ok(()),
            None => tx.set_sim_pin_key(Some(&secrets.seal(&random, secrets.sim_pin_key(), SIM_PIN_KEY))),
        };
        Ok(self.store.write(kept).await?)
    }

    /// That key under the new master key, for as long as there is a hash made with it.
    async fn keep_sim_pin_key(&self, secrets: &Secrets) -> Result<(), Internal> {
        let (secrets, random) = (secrets.clone(), self.random.clone());
        let kept = move |tx: &Tx| {
            let key = tx.sim_pin_key()?.and_then(|sealed| secrets.open(&sealed, SIM_PIN_KEY).ok());
            match key {
                Some(key) if tx.has_sim_pin_tries()? => {
                    tx.set_sim_pin_key(Some(&secrets.seal(&random, &key, SIM_PIN_KEY)))
                }
                Some(_) | None => tx.set_sim_pin_key(None),
            }
        };
        Ok(self.store.write(kept).await?)
    }
}

/// A row and what it becomes.
enum Change {
    Verification { row: SealedVerification, number: Option<ResealedNumber>, pin: Option<Vec<u8>> },
    Secret { row: SealedSecret, new: crate::store::SecretRow },
    Webhook { row: Box<WebhookRow>, new: Box<WebhookRow> },
    Block { row: BlockRow, new: BlockRow },
    Part { row: SealedPart, new: ResealedPart },
    Shown { row: SealedText, new: Renewed },
}

struct ResealedNumber {
    sealed: Vec<u8>,
    hash: Digest,
    /// What is counted of the number and its prefixes.
    beside: Option<Box<Beside>>,
}

impl Change {
    /// Says whether the row was still what it was.
    fn write(&self, tx: &Tx) -> Result<bool, StoreError> {
        match self {
            Self::Verification { row, number, pin } => {
                let mut changed = false;
                if let Some(ResealedNumber { sealed, hash, beside }) = number {
                    changed |= tx.reseal_number(row, sealed, hash)?;
                    beside.as_ref().map_or(Ok(()), |beside| beside.write(tx, row.id))?;
                }
                if let Some(sealed) = pin {
                    changed |= tx.reseal_pin(row, sealed)?;
                }
                Ok(changed)
            }
            Self::Secret { row, new } => tx.reseal_secret(row, new),
            Self::Webhook { row, new } => tx.reseal_webhook(row, new),
            Self::Block { row, new } => tx.reseal_block(row, new),
            Self::Part { row, new } => tx.reseal_part(row, new),
            Self::Shown { row, new } => {
                let changed = tx.reseal_text(row, &new.sealed)?;
                new.rekey(tx)?;
                Ok(changed)
            }
        }
    }
}

fn joined(error: tokio::task::JoinError) -> Internal {
    Internal::Store(StoreError::Other(error.to_string()))
}
