//! Fraud and guessing at a request: what the pure rules of [`crate::fraud`] ask of the store, and what they leave there.
//!
//! A request is judged in the transaction that would accept it. What is accepted is counted there; what is held up is
//! counted nowhere but in the verdict, so that a flood of refusals neither prolongs itself nor costs more than one row.

pub(super) mod calls;
pub(super) mod guesses;
pub mod operator;
pub(super) mod rekeying;

use rekeying::Keyed;

use super::App;
use super::types::Account;
use crate::clock::Timestamp;
use crate::fraud::address::EndUserAddress;
use crate::fraud::breaker::{BUCKET, BreakerState, Finding, Observation, Tally, Verdict};
use crate::fraud::countries::CountryMode;
use crate::fraud::limit::{Excess, Scope};
use crate::fraud::prefix::{Level, Prefix, beside};
use crate::fraud::{Mode, Protection};
use crate::phone::{Country, PhoneNumber};
use crate::random::Random;
use crate::secrets::{Digest, Secrets};
use crate::store::{BreakerRow, NewVerdict, StoreError, Tallied, TallyEvent, TallySum, Tx, VerificationRow};
use crate::verification::{AccountId, End, EventKind, Verification, VerificationId};

/// Above this a limit does not say when it has room again: finding out would read as many rows.
const RETRY_COUNT_MAX: u64 = 10_000;

/// What a sealed text is for. Not for which subject: that one's hash changes with the master key.
const BINDING: &[u8] = b"subject";

/// Of whom something is counted: a hash to count by, and what the operator is shown, sealed.
#[derive(Clone)]
struct Subject {
    hash: Digest,
    keyed: Keyed,
    sealed: Vec<u8>,
}

impl Subject {
    fn new(secrets: &Secrets, random: &Random, keyed: Keyed, shown: &str) -> Self {
        Self { hash: keyed.hash, keyed, sealed: secrets.seal(random, shown.as_bytes(), BINDING) }
    }
}

fn account_text(account: AccountId) -> String {
    format!("account {}", account.get())
}

fn address_text(address: &str) -> String {
    format!("address {address}")
}

/// Everybody for whom a request counts.
#[derive(Clone)]
pub(super) struct Subjects {
    number: Subject,
    address: Option<Subject>,
    account: Subject,
    /// In the order of [`Level::ALL`].
    prefixes: [Subject; 3],
    /// Of the numbers next to it.
    beside: Vec<Digest>,
    country: Option<Country>,
    /// Neither limits nor breakers hold it up.
    allowed: bool,
}

/// A request that is not to be accepted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// `None`: not by itself, or nobody knows.
    pub until: Option<Timestamp>,
}

/// What a request comes to.
#[derive(Default)]
pub(super) struct Judged {
    pub held: Option<Held>,
    verdicts: Vec<NewVerdict>,
    trip: Option<(usize, Finding)>,
    probes: Vec<(usize, Timestamp)>,
    closes: Vec<usize>,
    /// Which of the prefixes are blocked, or would be.
    open: [bool; 3],
}

impl App {
    /// `None` if nothing is counted.
    pub(super) fn subjects(
        &self,
        secrets: &Secrets,
        protection: &Protection,
        account: &Account,
        number: &PhoneNumber,
        address: Option<EndUserAddress>,
    ) -> Option<Subjects> {
        if protection.is_off() {
            return None;
        }
        let random = &self.random;
        let subject = |text: &str, shown: &str| Subject::new(secrets, random, Keyed::new(secrets, text), shown);
        let limits = &protection.limits;
        let address = address.filter(|address| !limits.allowed_addresses.contains(address));
        Some(Subjects {
            number: subject(number.digits(), &number.masked()),
            address: address.map(|address| subject(&address_text(&address.to_string()), &address.to_string())),
            account: subject(&account_text(account.id), &account.api_key),
            prefixes: Level::ALL.map(|level| {
                let prefix = Prefix::of(number, level);
                subject(&prefix.key(), &prefix.to_string())
            }),
            beside: beside(number.digits()).iter().flat_map(|digits| secrets.number_hashes(digits)).collect(),
            country: number.country(),
            allowed: limits.allowed_numbers.iter().any(|pattern| pattern.matches(number)),
        })
    }
}

impl Subjects {
    fn of(&self, scope: Scope) -> Option<&Subject> {
        match scope {
            Scope::Number | Scope::VoiceNumber => Some(&self.number),
            Scope::Address => self.address.as_ref(),
            Scope::Account | Scope::VoiceAccount => Some(&self.account),
            Scope::Prefix | Scope::VoicePrefix => Some(&self.prefixes[2]),
            Scope::Country => Some(&self.prefixes[0]),
        }
    }

    /// Brings what was counted under another master key under the current one. To be called where something is counted or
    /// refused for good.
    pub fn rekey(&self, tx: &Tx) -> Result<(), StoreError> {
        let one = [&self.number, &self.account].into_iter().chain(&self.address).chain(&self.prefixes);
        one.map(|subject| &subject.keyed).try_for_each(|keyed| keyed.rekey(tx))
    }

    /// Judges a request whose workflow has events of these `kinds`.
    pub fn judge(
        &self,
        tx: &Tx,
        protection: &Protection,
        kinds: &[EventKind],
        now: Timestamp,
    ) -> Result<Judged, StoreError> {
        let mut judged = Judged::default();
        self.judge_countries(protection, kinds, &mut judged);
        if !self.allowed {
            self.judge_limits(tx, protection, kinds, now, &mut judged)?;
        }
        self.judge_guesses(tx, protection, now, &mut judged)?;
        if !self.allowed && judged.held.is_none() && !protection.breaker.mode.is_off() {
            self.judge_prefixes(tx, protection, now, &mut judged)?;
        }
        Ok(judged)
    }

    fn judge_countries(&self, protection: &Protection, kinds: &[EventKind], judged: &mut Judged) {
        let watched = |kind: &&EventKind| protection.countries.mode(**kind, self.country) == CountryMode::Monitor;
        if let Some(kind) = kinds.iter().find(watched) {
            let reason = format!("{} to a country that is watched", kind.as_str());
            judged.add("country", "monitored", "country", &self.prefixes[0], reason);
        }
    }

    fn judge_limits(
        &self,
        tx: &Tx,
        protection: &Protection,
        kinds: &[EventKind],
        now: Timestamp,
        judged: &mut Judged,
    ) -> Result<(), StoreError> {
        let mode = protection.limits.mode;
        // A workflow with an SMS goes on without its calls.
        let only_calls = kinds.iter().all(|kind| *kind == EventKind::Tts);
        let voice = Scope::VOICE.into_iter().filter(|_| only_calls);
        for scope in Scope::REQUESTS.into_iter().chain(voice).filter(|scope| protection.limits.counts(*scope)) {
            let Some(subject) = self.of(scope) else { continue };
            if let Some((excess, until)) = excess(tx, protection, scope, &subject.hash, now)? {
                judged.hold(mode, "limit", scope.as_str(), subject, excess.to_string(), until);
            }
        }
        Ok(())
    }

    fn judge_guesses(
        &self,
        tx: &Tx,
        protection: &Protection,
        now: Timestamp,
        judged: &mut Judged,
    ) -> Result<(), StoreError> {
        if let Some(hold) = guesses::hold(tx, &protection.guessing, &self.number.hash, now)? {
            let mode = protection.guessing.mode;
            judged.hold(mode, "guess", "number", &self.number, hold.reason(now), hold.until());
        }
        Ok(())
    }

    /// From the narrowest prefix to the widest: what a block explains says nothing about its country.
    fn judge_prefixes(
        &self,
        tx: &Tx,
        protection: &Protection,
        now: Timestamp,
        judged: &mut Judged,
    ) -> Result<(), StoreError> {
        let rules = &protection.breaker;
        for (index, level) in Level::ALL.into_iter().enumerate().rev() {
            let subject = &self.prefixes[index];
            let row = tx.breaker(&subject.hash)?;
            let state = row.as_ref().map(state_of);
            let seen = match &state {
                // Nothing is looked at while it is open.
                Some(state) if state.open_until.is_some_and(|until| now < until) => Observation::default(),
                state => observe(tx, protection, &subject.hash, state.as_ref(), now)?,
            };
            match rules.judge(level, state.as_ref(), &seen, now) {
                Verdict::Pass => {}
                Verdict::Probe { next } => judged.probes.push((index, next)),
                Verdict::Close => judged.closes.push(index),
                Verdict::Trip(finding) => {
                    judged.open[index] = true;
                    judged.trip = Some((index, finding));
                    let until = Some(now + rules.block_for);
                    judged.add("breaker", "tripped", level.as_str(), subject, finding.to_string());
                    judged.hold(rules.mode, "breaker", level.as_str(), subject, finding.to_string(), until);
                    return Ok(());
                }
                Verdict::Refuse { until } => {
                    judged.open[index] = true;
                    let reason = row.map(|row| row.reason).unwrap_or_default();
                    judged.hold(rules.mode, "breaker", level.as_str(), subject, reason, Some(until));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Puts on record what a request came to, whether it is accepted or not.
    pub fn note(&self, tx: &Tx, protection: &Protection, judged: &Judged, now: Timestamp) -> Result<(), StoreError> {
        for verdict in &judged.verdicts {
            tx.insert_verdict(verdict, now)?;
        }
        let Some((index, finding)) = &judged.trip else { return Ok(()) };
        let rules = &protection.breaker;
        let subject = &self.prefixes[*index];
        let open_until = now + rules.block_for;
        tx.put_breaker(&BreakerRow {
            prefix: subject.hash,
            sealed: subject.sealed.clone(),
            level: Level::ALL[*index].as_str().to_owned(),
            counts_from: now,
            open_until: Some(open_until),
            next_probe: open_until,
            finding: finding.as_str().to_owned(),
            reason: finding.to_string(),
            tripped: now,
        })?;
        for wider in &self.prefixes[..*index] {
            tx.tally_without(&wider.hash, &subject.hash, now - rules.window)?;
        }
        Ok(())
    }

    /// Counts a request that was accepted.
    pub fn count(
        &self,
        tx: &Tx,
        protection: &Protection,
        judged: &Judged,
        verification: VerificationId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.allowed {
            return Ok(());
        }
        for scope in Scope::REQUESTS.into_iter().filter(|scope| protection.limits.counts(*scope)) {
            if let Some(subject) = self.of(scope) {
                tx.count_velocity(scope.as_str(), &subject.hash, 1, now)?;
            }
        }
        let rules = &protection.breaker;
        if rules.mode.is_off() {
            return Ok(());
        }
        for (index, next) in &judged.probes {
            tx.set_next_probe(&self.prefixes[*index].hash, *next)?;
        }
        for index in &judged.closes {
            let subject = &self.prefixes[*index];
            tx.close_breaker(&subject.hash, now)?;
            let closed = verdict("breaker", "closed", Level::ALL[*index].as_str(), subject, "probes were verified");
            tx.insert_verdict(&closed, now)?;
        }
        let is_beside = tx.is_seen(&self.beside, now - rules.window)?;
        tx.see_number(&self.number.hash, now)?;
        let counted = |index: usize| !judged.open[index + 1..].contains(&true);
        let prefixes = [0, 1, 2].map(|index| counted(index).then_some(self.prefixes[index].hash));
        tx.tally_request(verification, &Tallied { prefixes, beside: is_beside }, bucket_of(now))
    }
}

impl Judged {
    fn add(&mut self, rule: &'static str, word: &'static str, scope: &'static str, subject: &Subject, reason: String) {
        self.verdicts.push(verdict(rule, word, scope, subject, &reason));
    }

    fn hold(
        &mut self,
        mode: Mode,
        rule: &'static str,
        scope: &'static str,
        subject: &Subject,
        reason: String,
        until: Option<Timestamp>,
    ) {
        self.add(rule, if mode.blocks() { "refused" } else { "monitored" }, scope, subject, reason);
        if mode.blocks() {
            let until = match self.held {
                // Unknown, or later than what is known.
                Some(held) => held.until.zip(until).map(|(one, other)| one.max(other)),
                None => until,
            };
            self.held = Some(Held { until });
        }
    }

    /// What an operator acts on, without a number: the level, the country and why.
    pub fn tripped(&self) -> Option<(Level, String)> {
        self.trip.as_ref().map(|(index, finding)| (Level::ALL[*index], finding.to_string()))
    }
}

fn verdict(rule: &'static str, word: &'static str, scope: &'static str, subject: &Subject, reason: &str) -> NewVerdict {
    let sealed = Some(subject.sealed.clone());
    NewVerdict { rule, verdict: word, scope, subject: subject.hash, sealed, reason: reason.to_owned() }
}

/// The limit of a scope that a subject has used up, of several the one that lasts longest, and until when.
pub(super) fn excess(
    tx: &Tx,
    protection: &Protection,
    scope: Scope,
    subject: &Digest,
    now: Timestamp,
) -> Result<Option<(Excess, Option<Timestamp>)>, StoreError> {
    let mut found: Option<(Excess, Option<Timestamp>)> = None;
    for limit in protection.limits.of(scope) {
        let since = now - limit.window;
        let used = tx.velocity_used(scope.as_str(), subject, since)?;
        let Some(excess) = Excess::of(scope, *limit, used) else { continue };
        let surplus = excess.surplus(used);
        let leaves = match surplus {
            _ if used > RETRY_COUNT_MAX => None,
            _ => tx.velocity_reached(scope.as_str(), subject, since, surplus)?,
        };
        let until = leaves.map(|at| at + limit.window);
        if found.is_none_or(|(_, other)| until.is_none() || other.is_some_and(|other| Some(other) < until)) {
            found = Some((excess, until));
        }
    }
    Ok(found)
}

fn state_of(row: &BreakerRow) -> BreakerState {
    BreakerState { counts_from: row.counts_from, open_until: row.open_until, next_probe: row.next_probe }
}

fn observe(
    tx: &Tx,
    protection: &Protection,
    prefix: &Digest,
    state: Option<&BreakerState>,
    now: Timestamp,
) -> Result<Observation, StoreError> {
    let spans = protection.breaker.spans(state, now);
    let sum = |since: Timestamp, until: Timestamp| {
        if since >= until { Ok(Tally::default()) } else { tx.tally(prefix, since, until).map(tally_of) }
    };
    // Of a clock that was set back a little, too.
    let whole = sum(spans.since, now + BUCKET)?;
    if whole == Tally::default() {
        return Ok(Observation::default());
    }
    // Of a long window only the end is read again.
    let end = |since: Timestamp| sum(spans.since.max(since), now + BUCKET);
    let (unripe, from_burst, unsettled) = (end(spans.mature_until)?, end(spans.burst_since)?, end(spans.burst_until)?);
    Ok(Observation {
        whole,
        mature: whole.without(unripe),
        burst: from_burst.without(unsettled),
        before: whole.without(from_burst),
    })
}

fn tally_of(sum: TallySum) -> Tally {
    let TallySum { requests, beside, sent, verified, voice_seconds } = sum;
    Tally { requests, beside, sent, verified, voice_seconds }
}

fn bucket_of(at: Timestamp) -> Timestamp {
    let length = i64::try_from(BUCKET.as_millis()).expect("a short time");
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(length))
}

/// Counts what a step of a verification means for its prefixes.
pub(super) fn tally(tx: &Tx, row: &VerificationRow, before: &Verification) -> Result<(), StoreError> {
    let bucket = bucket_of(row.machine.created);
    if row.machine.sent && !before.sent {
        tx.tally_event(row.id, TallyEvent::Sent, bucket)?;
    }
    if row.machine.end() == Some(End::Success) && before.end().is_none() {
        tx.tally_event(row.id, TallyEvent::Verified, bucket)?;
    }
    Ok(())
}

impl App {
    /// Deletes some counts that nothing looks at any more; says how many.
    pub async fn purge_guard(&self) -> Result<usize, super::types::Internal> {
        let now = self.clock.now();
        let rules = self.rules();
        let protection = &rules.protection;
        let limits = protection.limits.limits.iter().flat_map(|(_, limits)| limits).chain(&protection.guessing.limits);
        let longest = limits.map(|limit| limit.window).max().unwrap_or_default();
        let tallies = now - protection.breaker.window * 2 - BUCKET;
        let (forgotten, verdicts) = (now - crate::fraud::guess::FORGOTTEN_AFTER, now - rules.retention.verifications);
        let purged = self.store.write(move |tx: &Tx| {
            Ok::<_, StoreError>(
                tx.purge_velocity(now - longest)?
                    + tx.purge_tallies(tallies)?
                    + tx.purge_guesses(forgotten)?
                    + tx.purge_verdicts(verdicts)?,
            )
        });
        Ok(purged.await?)
    }
}
