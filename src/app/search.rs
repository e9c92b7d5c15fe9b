//! What an account may see of its verifications.

use super::App;
use super::transition::number_binding;
use super::types::{Account, CheckRow, EventRow, Found, Internal, Progress};
use crate::phone::PhoneNumber;
use crate::secrets::Secrets;
use crate::store::{EventRecord, StoreError, TryRecord, VerificationRow};
use crate::verification::{Money, RequestId};

impl App {
    /// In the order asked for; what is not found, or belongs to another account, is left out.
    pub async fn search(&self, account: &Account, requests: Vec<RequestId>) -> Result<Vec<Found>, Internal> {
        let account = account.id;
        let rows = self
            .store
            .read(move |tx| {
                let mut rows = vec![];
                for request in requests {
                    if let Some(row) = tx.verification_by_request(account, request)? {
                        let (tries, events, cost) = (tx.tries_of(row.id)?, tx.events_of(row.id)?, tx.cost_of(row.id)?);
                        rows.push((row, tries, events, cost));
                    }
                }
                Ok::<_, StoreError>(rows)
            })
            .await?;
        let found = |(row, tries, events, cost)| self.found(&row, tries, events, Money::from_units(cost));
        rows.into_iter().map(found).collect()
    }

    fn found(
        &self,
        row: &VerificationRow,
        tries: Vec<TryRecord>,
        events: Vec<EventRecord>,
        cost: Money,
    ) -> Result<Found, Internal> {
        let handed_over = || events.iter().filter_map(|event| event.handed_over);
        Ok(Found {
            request: row.fixed.request,
            progress: Progress::of(row.machine.end()),
            number: if row.fixed.number_sealed.is_empty() { None } else { Some(self.open_number(row)?) },
            price: if row.refunded { Money::ZERO } else { Money::from_units(row.fixed.price) },
            currency: row.fixed.currency.clone(),
            sender_id: row.fixed.sender_id.clone(),
            submitted: row.machine.created,
            finalized: row.machine.finalized,
            first_event: handed_over().min(),
            last_event: handed_over().max(),
            checks: tries
                .into_iter()
                .map(|record| CheckRow {
                    received: record.received,
                    valid: record.valid.unwrap_or(false),
                    ip_address: record.ip_address,
                })
                .collect(),
            events: events
                .iter()
                .filter(|event| !event.skipped)
                .map(|event| EventRow { id: event.id, kind: event.kind })
                .collect(),
            estimated_price_messages_sent: cost,
        })
    }

    pub(super) fn open_number(&self, row: &VerificationRow) -> Result<PhoneNumber, Internal> {
        number_of(&self.keys().secrets, row)
    }
}

pub(super) fn number_of(secrets: &Secrets, row: &VerificationRow) -> Result<PhoneNumber, Internal> {
    opened_number(secrets, row.fixed.request, &row.fixed.number_sealed)
}

pub(super) fn opened_number(secrets: &Secrets, request: RequestId, sealed: &[u8]) -> Result<PhoneNumber, Internal> {
    let broken = |reason| Internal::Row { request, reason };
    let plain =
        secrets.open(sealed, &number_binding(request)).map_err(|_| broken("its sealed number cannot be opened"))?;
    let digits = std::str::from_utf8(&plain).map_err(|_| broken("its sealed number is malformed"))?;
    PhoneNumber::parse(&format!("+{digits}"), None).map_err(|_| broken("its sealed number is malformed"))
}
