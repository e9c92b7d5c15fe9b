//! What the operations take and give.

use std::time::Duration;

use crate::channel::admission::NoRoute;
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::store::StoreError;
use crate::verification::{
    AccountId, Autofill, EventId, EventKind, Language, Money, RequestId, SenderId, StartRequest, Workflow,
};

/// An account whose credentials were right.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub api_key: String,
    /// May no longer start verifications; may still check, search and control what is in progress.
    pub barred: bool,
    /// Requests a second; the configuration's if `None`.
    pub rate: Option<u32>,
    pub defaults: AccountDefaults,
}

/// What holds for a request of the account that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDefaults {
    pub sender_id: Option<SenderId>,
    pub workflow: Option<Workflow>,
    pub language: Option<Language>,
    /// For its pages and its app.
    pub autofill: Autofill,
}

impl AccountDefaults {
    /// Fills in what `request` leaves open.
    pub(super) fn fill(&self, request: &mut StartRequest) {
        request.sender_id = request.sender_id.take().or_else(|| self.sender_id.clone());
        request.workflow = request.workflow.or(self.workflow);
        request.language = request.language.or(self.language);
    }
}

/// A fault of ours. The cause is logged where it is turned into a reply.
#[derive(Debug, thiserror::Error)]
pub enum Internal {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hasher(#[from] crate::secrets::HasherError),
    #[error("row of request {request}: {reason}")]
    Row { request: RequestId, reason: &'static str },
}

/// Why no verification was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the account is barred")]
    Barred,
    #[error("the number's country or kind is not allowed")]
    UnsupportedNetwork,
    #[error("the number is on the blocklist")]
    Blocked,
    /// A limit, wrong codes, or a breaker. `None`: not by itself, or nobody knows when.
    #[error("the number, or somebody beside it, has to wait")]
    Held { retry_after: Option<Duration> },
    /// A PIN that is too short for this installation.
    #[error("{0} asks for too short a PIN")]
    ShortPin(&'static str),
    #[error("request {request} to the same number is in progress")]
    InProgress { request: RequestId },
    #[error("the account's credits are fewer than the price")]
    QuotaExceeded,
    #[error("no route: {0:?}")]
    NoRoute(NoRoute),
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// A right code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The event whose PIN it was.
    pub event: EventId,
    pub price: Money,
    pub currency: String,
    /// What the messages sent so far cost.
    pub estimated_price_messages_sent: Money,
}

/// Why a code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("no such request, or it has ended")]
    NotFound,
    #[error("the code is wrong")]
    Wrong,
    #[error("the code was wrong too often")]
    WrongTooOften,
    /// Nothing was counted or compared: the number had too many wrong codes lately. `None`: not by itself.
    #[error("the number has to wait")]
    Held { retry_after: Option<Duration> },
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a verification was not cancelled or moved on.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("no such request, or it has ended")]
    NotFound,
    #[error("too early to cancel")]
    TooSoon { cancel_after: Duration },
    #[error("the second event has started")]
    TooLate,
    #[error("no event is left")]
    NoEventLeft,
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Where a verification stands, as search tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    InProgress,
    Success,
    Failed,
    Expired,
    Cancelled,
}

/// A verification as search shows it to its account.
#[derive(Clone, Debug)]
pub struct Found {
    pub request: RequestId,
    pub progress: Progress,
    /// None once it is wiped.
    pub number: Option<PhoneNumber>,
    pub price: Money,
    /// ISO 4217.
    pub currency: String,
    pub sender_id: String,
    pub submitted: Timestamp,
    pub finalized: Option<Timestamp>,
    /// When the first and the latest event were handed over.
    pub first_event: Option<Timestamp>,
    pub last_event: Option<Timestamp>,
    pub checks: Vec<CheckRow>,
    pub events: Vec<EventRow>,
    pub estimated_price_messages_sent: Money,
}

/// One counted try.
#[derive(Clone, Debug)]
pub struct CheckRow {
    pub received: Timestamp,
    pub valid: bool,
    /// As the caller passed it; empty if it did not.
    pub ip_address: String,
}

#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    pub id: EventId,
    pub kind: EventKind,
}
