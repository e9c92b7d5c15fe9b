//! Accepting a request to verify a number.

use super::transition::number_binding;
use super::types::{Account, Internal, StartError};
use super::{App, Rules};
use crate::channel::routing;
use crate::store::{NewVerification, StoreError, Tx};
use crate::verification::{EventId, Language, Pin, Purpose, RequestId, StartRequest, Verification};

impl App {
    /// Accepts a request: from here on it is sent, or has a recorded reason why not.
    ///
    /// # Errors
    ///
    /// The first reason of the contract's order that applies.
    pub async fn start(&self, account: &Account, request: StartRequest) -> Result<RequestId, StartError> {
        if account.barred {
            return Err(StartError::Barred);
        }
        let rules = self.rules();
        let number = &request.number;
        if !rules.allows(number.country(), number.kind()) {
            return Err(StartError::UnsupportedNetwork);
        }
        let number_hash = self.secrets.number_hash(number.digits());
        self.refuse_concurrent(account, number_hash).await?;

        let id = RequestId::from_bytes(self.random.bytes());
        let pin = request.pin.clone().unwrap_or_else(|| self.draw_pin(&rules, &request));
        let pin = self.prepare_pin(pin, id, 1).await?;
        let mut new = self.new_verification(&rules, account, &request, id, number_hash);
        let country = number.country();
        let plan = rules.plan(&request);
        let board = self.board.routes();
        let event_id = EventId::from_bytes(self.random.bytes());
        let now = self.clock.now();
        let priced = account.id;

        self.store
            .write(move |tx: &Tx| {
                if let Some(request) = tx.request_in_progress(new.account, &new.number_hash)? {
                    return Err(StartError::InProgress { request });
                }
                let limited = tx.account(priced)?.is_some_and(|account| account.credits.is_some());
                if !limited {
                    // Nothing is taken, so nothing is to be given back.
                    new.credits = 0;
                } else if !tx.debit_account(priced, new.credits)? {
                    return Err(StartError::QuotaExceeded);
                }
                let kinds = plan.workflow.events();
                let waiting = tx.queue_length(now)?;
                routing::admit(&board, kinds, country, waiting, plan.send_timeout, now).map_err(StartError::NoRoute)?;
                let (machine, _) = Verification::start(plan, now);
                let row = tx.insert_verification(&new, &pin.hash, &pin.sealed, &machine)?;
                tx.insert_event(row, event_id, 0, machine.current_event(), machine.generation)?;
                tx.insert_attempt(row, machine.attempt, 0, now)?;
                Ok(())
            })
            .await?;
        self.wake.notify_one();
        Ok(id)
    }

    /// Spares the hash of a PIN that would never be sent; the transaction looks again.
    async fn refuse_concurrent(&self, account: &Account, number_hash: [u8; 32]) -> Result<(), StartError> {
        let account = account.id;
        let found = self.store.read(move |tx| tx.request_in_progress(account, &number_hash)).await;
        match found.map_err(Internal::from)? {
            Some(request) => Err(StartError::InProgress { request }),
            None => Ok(()),
        }
    }

    fn draw_pin(&self, rules: &Rules, request: &StartRequest) -> Pin {
        let length = request.code_length.unwrap_or(rules.code_length).digits();
        Pin::new(&self.random.digits(length)).expect("four or six digits are a PIN")
    }

    fn new_verification(
        &self,
        rules: &Rules,
        account: &Account,
        request: &StartRequest,
        id: RequestId,
        number_hash: [u8; 32],
    ) -> NewVerification {
        let number = &request.number;
        let (name, amount_cents) = match &request.purpose {
            Purpose::Number { brand } => (brand.as_str(), None),
            Purpose::Payment { payee, amount } => (payee.as_str(), Some(amount.cents())),
        };
        let credits = rules.credits(number.country());
        let length = request.code_length.unwrap_or(rules.code_length).digits();
        let of_country = number.country().and_then(Language::of_country);
        NewVerification {
            request: id,
            account: account.id,
            number_sealed: self.secrets.seal(&self.random, number.digits().as_bytes(), &number_binding(id)),
            number_hash,
            country: number.country().map(|country| country.to_string()),
            brand: name.to_owned(),
            amount_cents,
            sender_id: request.sender_id.clone().unwrap_or_default().as_str().to_owned(),
            language: request
                .language
                .or(rules.default_language)
                .or(of_country)
                .unwrap_or(Language::ENGLISH)
                .as_str()
                .to_owned(),
            code_length: u8::try_from(length).expect("four or six"),
            own_pin: request.pin.is_some(),
            credits: credits.0,
            price: rules.credit_value.times(credits).units(),
            currency: rules.currency.clone(),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Internal(Internal::Store(error))
    }
}
