//! The product's operations: the only place where a decision meets the store.
//!
//! Each operation reads the clock once, loads what the decision needs, lets the state machine decide, and stores state
//! and effects in one transaction. Nothing is sent here.

mod acceptance;
mod account;
mod admin;
mod attention;
mod blocklist;
mod budget;
mod by_hand;
mod callback;
mod check;
mod control;
mod deadlines;
mod forget;
mod guard;
mod history;
mod inbox;
mod keeping;
mod keys;
mod lockout;
mod look;
mod modems;
mod operator;
mod outbox;
mod overview;
mod past;
mod report;
mod rotation;
mod rules;
mod search;
mod start;
pub mod terms;
mod timeline;
mod transition;
mod types;
mod vitals;
mod webhook;

use std::sync::{Arc, RwLock};

use tokio::sync::Notify;

use crate::channel::Board;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::secrets::{PasswordHasher, Secrets};
use crate::store::Store;

pub use crate::store::AccountRow;
pub use account::{
    Credentials, NewSecret, account_row, account_rows, add_account, add_credits, bar_account, remove_account,
    rotate_secret, set_account, set_credits, unbar_account,
};
pub use admin::{
    Admin, AdminError, ChangeError, Login, LoginError, OwnLogin, OwnSession, SESSION_ABSOLUTE, Session, add_admin,
    admins, remove_admin, set_admin_password,
};
pub use attention::{Attention, SPACE_LOW, SPACE_NONE};
pub use blocklist::{Blocked, BlocklistEntry, InvalidEntry, block, blocked, unblock};
pub use budget::uses_of;
pub use by_hand::{NewTrial, Trial, TrialError, TrialState};
pub use forget::{Entry, ForgetError, Forgetting, Forgotten, forget};
pub use guard::operator::{
    GuardTarget, InvalidTarget, ShownBreaker, ShownNumber, ShownVerdict, breakers, release, release_all, show, verdicts,
};
pub use history::{ModemEvent, ModemEventKind, modem_history, modems_with_history};
pub use inbox::{InboxMessage, Join, Reaction, clear_inbox, delete_from_inbox, inbox, inbox_message};
use keys::Keys;
pub use look::{Due, Outlook, Step};
pub use modems::Modem;
pub use operator::{
    AccountOpened, AccountPage, AccountSeen, BLOCKLIST_PAGE, BlocklistPage, BudgetLeft, DatabaseSize, Hold, INBOX_PAGE,
    InboxFilter, InboxPage, LimitSeen, Modes, NewCustomer, OpenError, Prices, ProtectionSeen, ProviderSeen, ResultSeen,
    TargetSeen, Usage, budgets_left,
};
pub use outbox::Claim;
pub use overview::{Outcomes, Overview, Queue, Rate, Route, Traffic};
pub use past::{
    InvalidSearch, Listed, NumberToken, Past, PastCursor, PastPage, PastQuery, Search, past_verification,
    past_verifications,
};
pub use rotation::{Resealed, Rotation, RotationError, SenderOf, Stand};
pub use rules::{Retention, Rules, WebhookRules};
pub use terms::{
    CREDITS_MAX, KEY_MAX, NAME_MAX, RATE_MAX, SECRET_MAX, WrittenDefaults, account_key, account_name, account_secret,
};
pub use types::{
    Account, AccountDefaults, CheckError, CheckRow, Checked, ControlError, EventRow, Found, Internal, Progress,
    StartError,
};
pub use vitals::{BudgetShare, RouteVitals, SpendShare, Vitals};

pub use crate::channel::Signal;
pub use crate::store::Space;
pub use webhook::{
    InFlight, Sending, SetWebhook, Settled, ShownEvent, ShownWebhook, UndeliveredEvent, WebhookChange, WebhookError,
    WebhooksAtAGlance, remove_webhook, replay_webhook_events, rotate_webhook_secret, set_webhook,
    webhook as account_webhook, webhook_event, webhook_events, webhook_test, webhooks,
};

/// Everything the operations work with.
pub struct App {
    store: Store,
    clock: Clock,
    random: Random,
    keys: RwLock<Arc<Keys>>,
    passwords: PasswordHasher,
    board: Board,
    rules: RwLock<Arc<Rules>>,
    /// Tells the dispatcher that something may be due earlier than it thinks.
    wake: Arc<Notify>,
    /// Tells the webhooks' worker the same.
    webhook_wake: Arc<Notify>,
    checks: check::Turns,
    /// For the list of accounts.
    counted: operator::Counted,
    by_hand: by_hand::ByHand,
}

impl App {
    pub fn new(
        store: Store,
        clock: Clock,
        random: Random,
        secrets: Secrets,
        board: Board,
        rules: Rules,
    ) -> Result<Self, crate::secrets::HasherError> {
        let hasher = secrets.pin_hasher(rules.hash_cost)?.counting(store.metrics().clone());
        let keys = RwLock::new(Arc::new(Keys::new(secrets, hasher)));
        Ok(Self {
            store,
            clock,
            random,
            keys,
            passwords: PasswordHasher::default(),
            board,
            rules: RwLock::new(Arc::new(rules)),
            wake: Arc::new(Notify::new()),
            webhook_wake: Arc::new(Notify::new()),
            checks: check::Turns::default(),
            counted: operator::Counted::default(),
            by_hand: by_hand::ByHand::default(),
        })
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn metrics(&self) -> &Metrics {
        self.store.metrics()
    }

    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Woken whenever an operation made something due.
    pub fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Woken whenever there may be something to tell an account.
    pub fn webhook_wake(&self) -> &Arc<Notify> {
        &self.webhook_wake
    }

    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes other rules for what is accepted from here on; what is in progress keeps its plan. The hash cost stays.
    pub fn set_rules(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(rules);
    }
}
