//! SQLite, and nothing else. No type of the database library leaves this folder.
//!
//! One thread owns the one writing connection and commits what waits for it in groups: under load many requests share
//! one `fsync`. Readers have connections of their own and are never blocked by the writer (WAL). A caller hands over a
//! closure on a [`Tx`] and gets its result after the commit, so that a reply that went out is on the disk.
//!
//! Nothing is sent, waited for, drawn or decided inside a transaction.

mod account;
mod admin;
mod attempt;
mod blocklist;
mod breaker;
mod budget;
mod connection;
mod error;
mod guess;
mod inbox;
mod keeping;
mod migration;
mod modem_event;
mod overview;
mod past;
mod readers;
mod rekey;
mod report;
mod reseal;
mod restore;
mod sim_pin;
mod upkeep;
mod usage;
mod velocity;
mod verdict;
mod verification;
mod webhook;
mod webhook_event;
mod writer;

use std::path::{Path, PathBuf};

pub use crate::verification::AttemptState;
pub use account::{AccountDefaults, AccountRow, NewAccount, SecretRow};
pub use admin::{AdminRow, FailureRow, SessionRow};
pub use attempt::{AttemptReport, AttemptRow, DueAttempt, due_by_lane};
pub use blocklist::{BlockOrigin, BlockRow};
pub use breaker::{BreakerRow, Tallied, TallyEvent, TallySum};
pub use budget::{BudgetUse, NewBudgetUse, budget_uses};
pub use connection::Tx;
pub use error::StoreError;
pub use inbox::{NewPart, PartPlace, PartRow};
pub use keeping::VerificationTraces;
pub use modem_event::{ModemEventRow, NewModemEvent};
pub use overview::{Conversion, Ended, Queue, Space, Started};
pub use past::{Found, ListedRow, Page, PastAttempt, PastVerification, Place, Wanted};
pub use rekey::PrefixHashes;
pub use report::AwaitedReport;
pub use reseal::{ResealedPart, SealedPart, SealedSecret, SealedText, SealedVerification};
pub use restore::{Prepared, RestoreError, Restored, prepare_restore};
pub use upkeep::{BackupError, Inspection, backup, compact, database_key, empty_log, free_space, inspect};
pub use usage::{AccountUse, RouteResult, Used};
pub use verdict::{NewVerdict, VerdictRow};
pub use verification::{EventRecord, NewVerification, StoredPin, TryRecord, VerificationRemains, VerificationRow};
pub use webhook::{Subscription, WebhookRow};
pub use webhook_event::{
    DueAccount, NewWebhookEvent, Replayed, WebhookAttempt, WebhookCounts, WebhookEventFilter, WebhookEventRow,
    WebhookEventState, WebhookTotals, webhook_totals,
};

use readers::Readers;
use writer::Writer;

use crate::metrics::Metrics;
use crate::secrets::Digest;

/// The database of one installation.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
    metrics: Metrics,
}

impl Store {
    /// Opens the database, makes it if there is none, and brings its schema up to date.
    ///
    /// `key_check` says which master key the database belongs to; a new database takes it over.
    pub fn open(path: &Path, key_check: &Digest) -> Result<Self, StoreError> {
        Self::open_under(path, &[*key_check]).map(|(store, _)| store)
    }

    /// The same with a key file of several keys. Says under which of them the database is; a new one takes the first.
    pub fn open_under(path: &Path, key_checks: &[Digest]) -> Result<(Self, Digest), StoreError> {
        let connection = connection::open_writer(path)?;
        migration::migrate(&connection)?;
        let under = connection::check_key(&connection, key_checks)?;
        let readers = Readers::open(path)?;
        let metrics = Metrics::default();
        let writer = Writer::start(connection, metrics.clone())?;
        Ok((Self { path: path.to_owned(), writer, readers, metrics }, under))
    }

    /// Whether there is a database that was sealed with some key already.
    pub fn exists(path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the database takes. Asks the file system, which may be slow.
    pub fn space(&self) -> std::io::Result<Space> {
        Space::of(&self.path)
    }

    /// Where everything that works with this database counts what it does, the writer too.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Runs `work` in a transaction and returns once it is durable. An error takes back what `work` wrote.
    pub async fn write<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run(work).await
    }

    /// Runs `work` on a consistent snapshot.
    pub async fn read<T, E>(&self, work: impl FnOnce(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.run(work).await
    }

    /// Returns when the writer's thread has ended; a daemon must not outlive it.
    pub async fn closed(&self) {
        self.writer.closed().await;
    }
}
