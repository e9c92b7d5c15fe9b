//! Fair use: what a message takes of a route's budget, and the ledgers on the board beside the table that decides.

use std::collections::BTreeMap;

use super::outbox::purpose_of;
use super::types::{Account, Internal};
use super::{App, Rules};
use crate::channel::budget::{Alarm, DAY};
use crate::channel::{Outcome, Used, When, sms_parts};
use crate::clock::Timestamp;
use crate::secrets::Secrets;
use crate::store::{BudgetUse, DueAttempt, NewBudgetUse, StoreError, Tx, VerificationRow};
use crate::verification::{AccountId, AttemptId, Autofill, EventKind, Language, Pin};

/// Uses are kept for longer than the longest window: a clock that jumped ahead and comes back finds them again.
const KEPT_BEYOND: std::time::Duration = DAY;

/// How many parts the text of a message has. Its PIN is one of the same length: the characters of a PIN are of one
/// septet or one UTF-16 unit each.
fn parts(
    rules: &Rules,
    (name, amount_cents): (&str, Option<u64>),
    language: &str,
    pin_length: usize,
    autofill: &Autofill,
) -> u32 {
    let pin = Pin::new(&"0".repeat(pin_length));
    // What has no text cannot be sent either; the claim finds that out.
    let (Some(purpose), Some(pin)) = (purpose_of(name, amount_cents), pin) else { return 1 };
    let language = language.parse().unwrap_or(Language::ENGLISH);
    sms_parts(&rules.texts.sms(&purpose, &pin, language, autofill))
}

fn pin_length(sealed: Option<usize>, code_length: u8) -> usize {
    sealed.map_or(usize::from(code_length), Secrets::plain_length)
}

/// What the present attempt of a verification takes.
pub(super) fn amount(rules: &Rules, row: &VerificationRow, autofill: &Autofill) -> u32 {
    match row.machine.current_event() {
        EventKind::Tts => 1,
        EventKind::Sms => {
            let fixed = &row.fixed;
            let pin_length = pin_length(row.pin_sealed.as_ref().map(Vec::len), fixed.code_length);
            parts(rules, (&fixed.brand, fixed.amount_cents), &fixed.language, pin_length, autofill)
        }
    }
}

/// The same of attempts that are due, whose accounts are looked up once.
pub(super) struct Amounts<'a> {
    pub tx: &'a Tx<'a>,
    pub rules: &'a Rules,
    pub autofill: BTreeMap<AccountId, Autofill>,
}

impl Amounts<'_> {
    pub fn of(&mut self, due: &DueAttempt) -> Result<u32, StoreError> {
        if !self.autofill.contains_key(&due.account) {
            let autofill = autofill_of(self.tx, due.account)?;
            self.autofill.insert(due.account, autofill);
        }
        let pin_length = pin_length(due.pin_sealed, due.code_length);
        let autofill = &self.autofill[&due.account];
        Ok(parts(self.rules, (&due.brand, due.amount_cents), &due.language, pin_length, autofill))
    }
}

pub(super) fn autofill_of(tx: &Tx, account: AccountId) -> Result<Autofill, StoreError> {
    let account = tx.account(account)?.map(Account::from);
    Ok(account.map(|account| account.defaults.autofill).unwrap_or_default())
}

/// Whether something of an attempt was sent, or may have been.
fn counts(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted { .. }
        | Outcome::Taken { .. }
        | Outcome::Spoken { .. }
        | Outcome::Unanswered { .. }
        | Outcome::Uncertain { .. } => true,
        Outcome::Refused { .. } | Outcome::Returned => false,
    }
}

/// What an outcome does to the share that its attempt took.
pub(super) fn settle(tx: &Tx, attempt: AttemptId, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    if counts(outcome) { tx.count_budget(attempt, now) } else { tx.give_back_budget(attempt) }
}

/// Tells the operator how much of a budget is used.
pub(super) fn warn(share: &NewBudgetUse, alarm: &Alarm) {
    let NewBudgetUse { route, kind, .. } = share;
    let Alarm { of, window, percent, left, limit } = alarm;
    let kind = kind.as_str();
    tracing::warn!(
        name: "budget.used",
        route, kind, of, window, left, limit, percent,
        "{percent} % of a route's budget are used"
    );
}

/// The database's words in the board's.
pub fn uses_of(uses: Vec<BudgetUse>) -> Vec<Used> {
    let used = |used: BudgetUse| {
        let when = used.attempt.map(When::InHand).or(used.used.map(When::At))?;
        let BudgetUse { route, kind, amount, cost, .. } = used;
        Some(Used { route, kind, amount, cost, when })
    };
    uses.into_iter().filter_map(used).collect()
}

impl App {
    /// The board's part of [`settle`].
    pub(super) fn show_settled(&self, attempt: AttemptId, outcome: &Outcome, now: Timestamp) {
        if counts(outcome) {
            self.board.count_budget(attempt, now);
        } else {
            self.board.give_back_budget(attempt);
        }
    }

    /// Brings the budgets up to the present. To be called before routes are chosen.
    ///
    /// # Errors
    ///
    /// A fault of the store, if the clock was set back.
    pub async fn follow_clock(&self, now: Timestamp) -> Result<(), Internal> {
        self.board.routes_at(now);
        if self.board.was_set_back() {
            self.store.write(move |tx: &Tx| tx.set_back_budget(now)).await?;
        }
        Ok(())
    }

    /// Fills the board's ledgers with what the database knows.
    pub(super) async fn load_budgets(&self) -> Result<(), Internal> {
        let now = self.clock.now();
        let since = now - self.board.longest_window();
        let uses = self.store.read(move |tx: &Tx| tx.budget_uses(since)).await?;
        self.board.load_budgets(&uses_of(uses));
        self.board.routes_at(now);
        Ok(())
    }

    /// Deletes some uses that no budget needs any more; says how many.
    pub async fn purge_budgets(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - (self.board.longest_window() + KEPT_BEYOND);
        Ok(self.store.write(move |tx: &Tx| tx.purge_budget(before)).await?)
    }
}
