//! What the operator sees and does on the pages of the admin listener, with the daemon's own keys and clock.
//!
//! The commands do the same with a store of their own; what both do has one operation. Values come ready to be shown: a
//! page names no store, no channel and no key.

mod accounts;
mod inbox;
mod left;
mod protection;
mod providers;

pub(super) use accounts::Counted;
pub use accounts::{AccountOpened, AccountPage, AccountSeen, NewCustomer, OpenError, Prices, Usage};
pub use inbox::{INBOX_PAGE, InboxFilter, InboxPage};
pub use left::{BudgetLeft, budgets_left};
pub use protection::{BLOCKLIST_PAGE, BlocklistPage, Hold, LimitSeen, Modes, ProtectionSeen, TargetSeen};
pub use providers::{ProviderSeen, ResultSeen};

use super::App;
use super::types::Internal;
use crate::verification::Money;

/// Money with two decimals, and more where it has more.
fn short(money: Money) -> String {
    let text = money.to_string();
    let digits = text.trim_end_matches('0').len();
    let point = text.find('.').unwrap_or(text.len());
    text[..digits.max(point + 3).min(text.len())].to_owned()
}

/// How much the database takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseSize {
    pub octets: u64,
    /// Of them, what holds nothing.
    pub unused: u64,
}

impl App {
    pub async fn database_size(&self) -> Result<DatabaseSize, Internal> {
        let (octets, unused) = self.store.read(|tx| tx.size()).await?;
        Ok(DatabaseSize { octets, unused })
    }

    /// Keys of the key file that are in use; more than one while a rotation is under way.
    pub fn key_count(&self) -> usize {
        self.keys().secrets.key_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_in_as_few_decimals_as_it_needs() {
        let told = |units| short(Money::from_units(units));
        assert_eq!(
            [0, 12_050_000, 100_000_000, 150_000_000, -1, 10_000].map(told),
            ["0.00", "0.1205", "1.00", "1.50", "-0.00000001", "0.0001"]
        );
    }
}
