//! What goes before its verification does, and space that is of no use any more.

use super::App;
use super::types::Internal;
use crate::store::Tx;

/// Rows that one step wipes: few, so that it never holds up the writer.
const WIPE: u32 = 64;

/// Pages that one step gives back, 256 KiB: each costs the copy of another at most.
const PAGES: u32 = 64;

impl App {
    /// Wipes some numbers and addresses that are to go before the rest; says how many.
    pub async fn wipe_numbers_and_addresses(&self) -> Result<usize, Internal> {
        let (now, retention) = (self.clock.now(), self.rules().retention);
        let mut wiped = 0;
        if let Some(kept) = retention.ip_addresses {
            wiped += self.store.write(move |tx: &Tx| tx.wipe_addresses(now - kept, WIPE)).await?;
        }
        if let Some(kept) = retention.numbers {
            wiped += self.store.write(move |tx: &Tx| tx.wipe_numbers(now - kept, WIPE)).await?;
        }
        Ok(wiped)
    }

    /// Gives some unused pages of the database back to the disk, if there are many; says how many.
    pub async fn give_back_pages(&self) -> Result<usize, Internal> {
        if self.store.read(|tx: &Tx| tx.has_pages_to_give_back()).await? {
            Ok(self.store.write(|tx: &Tx| tx.give_back_pages(PAGES)).await?)
        } else {
            Ok(0)
        }
    }
}
