//! Accepting a request to verify a number.

use std::sync::Arc;

use super::acceptance::{Facts, judge};
use super::transition::number_binding;
use super::types::{Account, Internal, StartError};
use super::{App, Rules};
use super::{blocklist, look};
use crate::channel::lane::Lane;
use crate::channel::routing::RouteView;
use crate::clock::Timestamp;
use crate::phone::{Country, NumberKind};
use crate::secrets::{Digest, Secrets};
use crate::store::{NewVerification, StoreError, Tx};
use crate::verification::{
    AccountId, Credits, EventId, Language, Pin, Plan, Purpose, RequestId, StartRequest, Verification,
};

/// What stands before the facts are read.
#[derive(Clone)]
struct Candidate {
    account: AccountId,
    /// Of the number, under every key; the current one's first.
    number_hashes: Vec<Digest>,
    /// Of every entry of the blocklist that would hold the number.
    block_hashes: Vec<Digest>,
    country: Option<Country>,
    kind: NumberKind,
    price: Credits,
    plan: Plan,
    rules: Arc<Rules>,
    routes: Vec<RouteView>,
}

impl Candidate {
    /// Reads the facts and judges. Says whether the account pays.
    fn judge(&self, tx: &Tx, now: Timestamp) -> Result<Payment, StartError> {
        let account = tx.account(self.account)?;
        let waiting = look::waiting(tx, now)?;
        let credits = account.as_ref().and_then(|account| account.credits).map(Credits);
        judge(&Facts {
            rules: &self.rules,
            plan: &self.plan,
            // An account that was removed meanwhile starts nothing.
            barred: account.is_none_or(|account| account.barred),
            country: self.country,
            kind: self.kind,
            blocked: tx.is_blocked(&self.block_hashes)?,
            in_progress: tx.request_in_progress(self.account, &self.number_hashes)?,
            credits,
            price: self.price,
            routes: &self.routes,
            waiting: &waiting,
            now,
        })?;
        Ok(if credits.is_some() { Payment::Debited } else { Payment::Unlimited })
    }
}

enum Payment {
    Debited,
    /// Nothing is taken, so nothing is to be given back.
    Unlimited,
}

impl App {
    /// Accepts a request: from here on it is sent, or has a recorded reason why not.
    ///
    /// # Errors
    ///
    /// The first reason of the contract's order that applies.
    pub async fn start(&self, account: &Account, mut request: StartRequest) -> Result<RequestId, StartError> {
        account.defaults.fill(&mut request);
        let keys = self.keys();
        let rules = self.rules();
        let candidate = self.candidate(&keys.secrets, &rules, account, &request);
        // Spares the hash of a PIN that would never be sent; the transaction that accepts judges again.
        let now = self.clock.now();
        let early = candidate.clone();
        self.store.read(move |tx: &Tx| early.judge(tx, now).map(|_| ())).await?;

        let id = RequestId::from_bytes(self.random.bytes());
        let pin = request.pin.clone().unwrap_or_else(|| self.draw_pin(&rules, &request));
        let pin = self.prepare_pin(pin, id, 1).await?;
        let mut new = self.new_verification(&keys.secrets, &rules, account, &request, id);
        let event_id = EventId::from_bytes(self.random.bytes());
        let now = self.clock.now();
        self.store
            .write(move |tx: &Tx| {
                match candidate.judge(tx, now)? {
                    Payment::Unlimited => new.credits = 0,
                    Payment::Debited if tx.debit_account(new.account, new.credits)? => {}
                    Payment::Debited => return Err(StartError::QuotaExceeded),
                }
                let (machine, _) = Verification::start(candidate.plan, now);
                let row = tx.insert_verification(&new, &pin, &machine)?;
                tx.insert_event(row, event_id, 0, machine.current_event(), machine.generation)?;
                let (kind, country) = (machine.current_event(), candidate.country);
                let lane = Lane { first: true, kind, country, avoided: None, excluded: vec![] };
                tx.insert_attempt(row, machine.attempt, 0, now, &lane.to_string())?;
                Ok(())
            })
            .await?;
        self.wake.notify_one();
        Ok(id)
    }

    fn candidate(&self, secrets: &Secrets, rules: &Arc<Rules>, account: &Account, request: &StartRequest) -> Candidate {
        let number = &request.number;
        Candidate {
            account: account.id,
            number_hashes: secrets.number_hashes(number.digits()),
            block_hashes: blocklist::hashes_of(secrets, number),
            country: number.country(),
            kind: number.kind(),
            price: rules.credits(number.country()),
            plan: rules.plan(request),
            rules: Arc::clone(rules),
            routes: self.board.routes_at(self.clock.now()),
        }
    }

    fn draw_pin(&self, rules: &Rules, request: &StartRequest) -> Pin {
        let length = request.code_length.unwrap_or(rules.code_length).digits();
        Pin::new(&self.random.digits(length)).expect("four or six digits are a PIN")
    }

    fn new_verification(
        &self,
        secrets: &Secrets,
        rules: &Rules,
        account: &Account,
        request: &StartRequest,
        id: RequestId,
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
            number_sealed: secrets.seal(&self.random, number.digits().as_bytes(), &number_binding(id)),
            number_hash: secrets.number_hash(number.digits()),
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
