//! Cancel, and the next event at once.

use super::App;
use super::transition::step;
use super::types::{Account, ControlError, Internal};
use crate::store::{StoreError, Tx};
use crate::verification::{Event, Refusal, RequestId};

impl App {
    pub async fn cancel(&self, account: &Account, request: RequestId) -> Result<(), ControlError> {
        self.control(account, request, Event::CancelAsked).await
    }

    pub async fn trigger_next_event(&self, account: &Account, request: RequestId) -> Result<(), ControlError> {
        self.control(account, request, Event::NextAsked).await
    }

    async fn control(&self, account: &Account, request: RequestId, event: Event) -> Result<(), ControlError> {
        let account = account.id;
        let now = self.clock.now();
        let prepared = self.prepared();
        let step = self
            .store
            .write(move |tx: &Tx| {
                let Some(mut row) = tx.verification_by_request(account, request)? else {
                    return Err(ControlError::NotFound);
                };
                step(tx, &mut row, event, &prepared, now)?.map_err(|refusal| match refusal {
                    Refusal::TooSoon => ControlError::TooSoon { cancel_after: row.machine.plan.cancel_after },
                    Refusal::TooLate => ControlError::TooLate,
                    Refusal::NoEventLeft => ControlError::NoEventLeft,
                    Refusal::Ended | Refusal::Stale => ControlError::NotFound,
                })
            })
            .await?;
        self.wake_after(&step);
        Ok(())
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        Self::Internal(Internal::Store(error))
    }
}
