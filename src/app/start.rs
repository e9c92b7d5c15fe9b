//! Accepting a request to verify a number.

use std::sync::Arc;

use tracing::warn;

use super::acceptance::{Facts, judge};
use super::guard::{Judged, Subjects};
use super::transition::number_binding;
use super::types::{Account, Internal, StartError};
use super::{App, Rules};
use super::{blocklist, look, timeline, webhook};
use crate::channel::lane::Lane;
use crate::channel::routing::RouteView;
use crate::clock::Timestamp;
use crate::metrics::Fact;
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
    subjects: Option<Subjects>,
}

impl Candidate {
    /// What limits, wrong codes and breakers say.
    fn suspect(&self, tx: &Tx, now: Timestamp) -> Result<Judged, StoreError> {
        let Some(subjects) = &self.subjects else { return Ok(Judged::default()) };
        subjects.judge(tx, &self.rules.protection, self.plan.workflow.events(), now)
    }

    fn rekey(&self, tx: &Tx) -> Result<(), StoreError> {
        self.subjects.as_ref().map_or(Ok(()), |subjects| subjects.rekey(tx))
    }

    /// Puts on record what was suspicious. Says so in the log where a breaker tripped.
    fn note(&self, tx: &Tx, judged: &Judged, now: Timestamp) -> Result<(), StoreError> {
        let Some(subjects) = &self.subjects else { return Ok(()) };
        subjects.note(tx, &self.rules.protection, judged, now)?;
        if let Some((level, reason)) = judged.tripped() {
            let country = self.country.map(|country| country.to_string()).unwrap_or_default();
            let mode = self.rules.protection.breaker.mode;
            warn!(
                name: "breaker.tripped",
                breaker = level.as_str(), country, reason, ?mode,
                "a breaker tripped; `simverify guard list` names it"
            );
        }
        Ok(())
    }

    /// Reads the facts and judges. Says whether the account pays.
    fn judge(&self, tx: &Tx, judged: &Judged, now: Timestamp) -> Result<Payment, StartError> {
        let account = tx.account(self.account)?;
        let waiting = look::waiting(tx, &self.rules, now)?;
        let credits = account.as_ref().and_then(|account| account.credits).map(Credits);
        judge(&Facts {
            rules: &self.rules,
            plan: &self.plan,
            // An account that was removed meanwhile starts nothing.
            barred: account.is_none_or(|account| account.barred),
            country: self.country,
            kind: self.kind,
            blocked: tx.is_blocked(&self.block_hashes)?,
            held: judged.held,
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
        long_enough(&rules, &request)?;
        let candidate = self.candidate(&keys.secrets, &rules, account, &request);
        // Spares the hash of a PIN that would never be sent; the transaction that accepts judges again.
        let now = self.clock.now();
        let early = candidate.clone();
        let judged = self.store.read(move |tx: &Tx| early.judge(tx, &early.suspect(tx, now)?, now).map(|_| ())).await;
        if let Err(refusal) = judged {
            if matches!(refusal, StartError::Held { .. }) {
                let noted = self.store.write(move |tx: &Tx| {
                    candidate.rekey(tx)?;
                    candidate.note(tx, &candidate.suspect(tx, now)?, now)
                });
                noted.await?;
            }
            return Err(refusal);
        }

        let id = RequestId::from_bytes(self.random.bytes());
        let pin = request.pin.clone().unwrap_or_else(|| self.draw_pin(&rules, &request));
        let pin = self.prepare_pin(pin, id, 1).await?;
        let mut new = self.new_verification(&keys.secrets, &rules, account, &request, id);
        let event_id = EventId::from_bytes(self.random.bytes());
        let told = timeline::Start::of(account, &new, &candidate.plan);
        let now = self.clock.now();
        let tells = self
            .store
            .write(move |tx: &Tx| {
                candidate.rekey(tx)?;
                let judged = candidate.suspect(tx, now)?;
                match candidate.judge(tx, &judged, now) {
                    Err(held @ StartError::Held { .. }) => {
                        // What it was held for is kept, unlike anything that another refusal takes back.
                        candidate.note(tx, &judged, now)?;
                        return Ok(Err(held));
                    }
                    Err(refusal) => return Err(refusal),
                    Ok(Payment::Unlimited) => new.credits = 0,
                    Ok(Payment::Debited) if tx.debit_account(new.account, new.credits)? => {}
                    Ok(Payment::Debited) => return Err(StartError::QuotaExceeded),
                }
                let (machine, _) = Verification::start(candidate.plan.clone(), now);
                let row = tx.insert_verification(&new, &pin, &machine)?;
                tx.insert_event(row, event_id, 0, machine.current_event(), machine.generation)?;
                let (kind, country) = (machine.current_event(), candidate.country);
                let lane = Lane { first: true, kind, country, avoided: None, excluded: vec![] };
                tx.insert_attempt(row, machine.attempt, 0, now, &lane.to_string())?;
                tx.note(Fact::Started { country: new.country.clone() });
                candidate.note(tx, &judged, now)?;
                if let Some(subjects) = &candidate.subjects {
                    subjects.count(tx, &candidate.rules.protection, &judged, row, now)?;
                }
                Ok(Ok(webhook::started(tx, new.account, row, now)?))
            })
            .await??;
        timeline::tell_start(id, &told);
        self.wake.notify_one();
        self.wake_webhooks(tells);
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
            subjects: self.subjects(secrets, &rules.protection, account, number, request.end_user),
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

/// Whether the PIN that a request asks for is long enough.
fn long_enough(rules: &Rules, request: &StartRequest) -> Result<(), StartError> {
    let length_min = rules.protection.pin_length_min;
    match (&request.pin, request.code_length) {
        (Some(pin), _) if pin.reveal().len() < length_min => Err(StartError::ShortPin("pin_code")),
        (None, Some(length)) if length.digits() < length_min => Err(StartError::ShortPin("code_length")),
        (Some(_) | None, _) => Ok(()),
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Internal(Internal::Store(error))
    }
}
