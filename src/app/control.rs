//! Cancel, and the next event at once.

use super::App;
use super::transition::step;
use super::types::{Account, ControlError, Internal};
use crate::store::{StoreError, Tx};
use crate::verification::{AccountId, Event, Refusal, RequestId};

/// Whose verification may be meant.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Of(AccountId),
    /// For the operator.
    Anybodys,
}

impl App {
    pub async fn cancel(&self, account: &Account, request: RequestId) -> Result<(), ControlError> {
        self.control(Whose::Of(account.id), request, Event::CancelAsked).await
    }

    pub async fn trigger_next_event(&self, account: &Account, request: RequestId) -> Result<(), ControlError> {
        self.control(Whose::Of(account.id), request, Event::NextAsked).await
    }

    /// The same of any account's verification, with the rules that hold for its account.
    pub async fn cancel_any(&self, request: RequestId) -> Result<(), ControlError> {
        self.control(Whose::Anybodys, request, Event::CancelAsked).await
    }

    pub async fn trigger_next_event_of_any(&self, request: RequestId) -> Result<(), ControlError> {
        self.control(Whose::Anybodys, request, Event::NextAsked).await
    }

    async fn control(&self, whose: Whose, request: RequestId, event: Event) -> Result<(), ControlError> {
        let now = self.clock.now();
        let prepared = self.prepared();
        let step = self
            .store
            .write(move |tx: &Tx| {
                let found = match whose {
                    Whose::Of(account) => tx.verification_by_request(account, request)?,
                    Whose::Anybodys => tx.past_verification(request)?.map(|found| found.row),
                };
                let Some(mut row) = found else { return Err(ControlError::NotFound) };
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
