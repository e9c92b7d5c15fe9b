//! What an operator sees of breakers, limits and guesses, and lets go.

use std::fmt;
use std::str::FromStr;

use super::super::types::Internal;
use super::rekeying::Keyed;
use super::{BINDING, Subject, guesses, state_of};
use crate::clock::Timestamp;
use crate::fraud::breaker::{BUCKET, BreakerRules};
use crate::fraud::guess::{Failures, GuessRules};
use crate::fraud::limit::Scope;
use crate::fraud::prefix::{Level, Prefix};
use crate::phone::PhoneNumber;
use crate::random::Random;
use crate::secrets::{Digest, Secrets};
use crate::store::{BreakerRow, NewVerdict, Store, StoreError, TallySum, Tx, VerdictRow};

/// Verdicts that are shown at most.
const VERDICTS_MAX: u32 = 1000;

/// Whom a command is about.
#[derive(Clone, PartialEq, Eq)]
pub enum GuardTarget {
    /// A country, or a prefix with a star, as they are shown.
    Prefix(String),
    Number(PhoneNumber),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a number such as +447700900123, a prefix as `guard list` shows it such as +447700900*, or a country such as GB"
)]
pub struct InvalidTarget;

impl FromStr for GuardTarget {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        match Prefix::read(text) {
            Some(prefix) => Ok(Self::Prefix(prefix)),
            None => PhoneNumber::parse(text, None).map(Self::Number).map_err(|_| InvalidTarget),
        }
    }
}

/// For the operator who wrote it.
impl fmt::Display for GuardTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => f.write_str(prefix),
            Self::Number(number) => write!(f, "+{}", number.digits()),
        }
    }
}

impl GuardTarget {
    /// For a page, and for the log.
    pub fn masked(&self) -> String {
        match self {
            Self::Prefix(prefix) => prefix.clone(),
            Self::Number(number) => number.masked(),
        }
    }
}

impl fmt::Debug for GuardTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardTarget(***)")
    }
}

/// A prefix and its breaker.
pub struct ShownBreaker {
    pub level: &'static str,
    /// `GB`, `+447700*`, `+447700900*`.
    pub prefix: String,
    /// `closed`, `open` or `half open`.
    pub state: &'static str,
    pub until: Option<Timestamp>,
    /// Of its latest trip; empty if it never tripped.
    pub reason: String,
    pub tripped: Option<Timestamp>,
    /// Of the window, or since it was released.
    pub tally: TallySum,
}

/// What the guard knows of a number by itself.
pub struct ShownNumber {
    pub failures: u32,
    /// When its codes are compared again; `None` if they are.
    pub held: Option<String>,
}

/// A verdict as the operator sees it.
pub struct ShownVerdict {
    /// What `release_subject` takes; `None`: there is nothing to let go.
    pub subject_id: Option<String>,
    pub rule: String,
    pub verdict: String,
    pub scope: String,
    /// A masked number, a prefix, an address, an account's key; empty if it is not known.
    pub subject: String,
    pub reason: String,
    pub times: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Breakers that are open or half open; with `all` those that are closed again too.
pub async fn breakers(
    store: &Store,
    secrets: &Secrets,
    rules: &BreakerRules,
    all: bool,
    now: Timestamp,
) -> Result<Vec<ShownBreaker>, Internal> {
    let (secrets, rules) = (secrets.clone(), rules.clone());
    let shown = store.read(move |tx: &Tx| {
        let rows = tx.breakers()?.into_iter().filter(|row| all || row.open_until.is_some());
        rows.map(|row| shown(tx, &secrets, &rules, row, now)).collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(shown.await?)
}

/// The prefixes of a number, or a prefix at each level at which it was counted.
pub async fn show(
    store: &Store,
    secrets: &Secrets,
    (breaker, guessing): (&BreakerRules, &GuessRules),
    target: &GuardTarget,
    now: Timestamp,
) -> Result<(Vec<ShownBreaker>, Option<ShownNumber>), Internal> {
    let prefixes = prefixes(secrets, target);
    let number = match target {
        GuardTarget::Number(number) => Some(Keyed::new(secrets, number.digits())),
        GuardTarget::Prefix(_) => None,
    };
    let is_number = number.is_some();
    let (secrets, breaker, guessing) = (secrets.clone(), breaker.clone(), guessing.clone());
    let found = store.read(move |tx: &Tx| {
        let mut found = vec![];
        for (level, text, keyed) in prefixes {
            let mut rows = vec![];
            for hash in keyed.all() {
                rows.push(match tx.breaker(hash)? {
                    Some(row) => shown(tx, &secrets, &breaker, row, now)?,
                    None => never_tripped(tx, &breaker, level, text.clone(), hash, now)?,
                });
            }
            // Under each key, or where there is nothing, once.
            let says = |row: &ShownBreaker| row.tripped.is_some() || row.tally != TallySum::default();
            let is_counted = rows.iter().any(says);
            rows.truncate(if is_counted { rows.len() } else { usize::from(is_number) });
            found.extend(rows.into_iter().filter(|row| !is_counted || says(row)));
        }
        let number = match number {
            Some(keyed) => {
                let shown = keyed.all().map(|hash| shown_number(tx, &guessing, hash, now));
                let shown = shown.collect::<Result<Vec<_>, StoreError>>()?;
                shown.into_iter().max_by_key(|shown| (shown.held.is_some(), shown.failures))
            }
            None => None,
        };
        Ok::<_, StoreError>((found, number))
    });
    Ok(found.await?)
}

fn prefixes(secrets: &Secrets, target: &GuardTarget) -> Vec<(Level, String, Keyed)> {
    let of = |level: Level| match target {
        GuardTarget::Number(number) => {
            let prefix = Prefix::of(number, level);
            (level, prefix.to_string(), Keyed::new(secrets, &prefix.key()))
        }
        GuardTarget::Prefix(text) => (level, text.clone(), Keyed::new(secrets, &Prefix::key_of(level, text))),
    };
    Level::ALL.map(of).into()
}

fn shown(
    tx: &Tx,
    secrets: &Secrets,
    rules: &BreakerRules,
    row: BreakerRow,
    now: Timestamp,
) -> Result<ShownBreaker, StoreError> {
    let state = state_of(&row);
    let (word, until) = match row.open_until {
        None => ("closed", None),
        Some(until) if now < until => ("open", Some(until)),
        Some(_) => ("half open", Some(row.next_probe)),
    };
    let level = Level::ALL.into_iter().find(|level| level.as_str() == row.level).unwrap_or(Level::Block);
    Ok(ShownBreaker {
        level: level.as_str(),
        prefix: opened(secrets, Some(&row.sealed)),
        state: word,
        until,
        reason: row.reason,
        tripped: Some(row.tripped),
        tally: tx.tally(&row.prefix, rules.spans(Some(&state), now).since, now + BUCKET)?,
    })
}

fn never_tripped(
    tx: &Tx,
    rules: &BreakerRules,
    level: Level,
    prefix: String,
    hash: &Digest,
    now: Timestamp,
) -> Result<ShownBreaker, StoreError> {
    let tally = tx.tally(hash, rules.spans(None, now).since, now + BUCKET)?;
    let (level, reason) = (level.as_str(), String::new());
    Ok(ShownBreaker { level, prefix, state: "closed", until: None, reason, tripped: None, tally })
}

fn shown_number(tx: &Tx, rules: &GuessRules, number: &Digest, now: Timestamp) -> Result<ShownNumber, StoreError> {
    let failures = tx.guesses(number)?.map(|(in_a_row, last)| Failures { in_a_row, last });
    let held = guesses::hold(tx, rules, number, now)?.map(|hold| hold.reason(now));
    Ok(ShownNumber { failures: failures.map_or(0, |failures| failures.in_a_row), held })
}

/// Closes the breakers of a prefix, or ends what a number has to wait for; says how much there was.
pub async fn release(
    store: &Store,
    secrets: &Secrets,
    random: &Random,
    target: &GuardTarget,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let under = secrets.check_value();
    match target {
        GuardTarget::Number(number) => {
            let keyed = Keyed::new(secrets, number.digits());
            let subject = Subject::new(secrets, random, keyed, &number.masked());
            let released = store.write(move |tx: &Tx| {
                tx.must_be_under(&under)?;
                subject.keyed.rekey(tx)?;
                release_number(tx, subject.shown(), now)
            });
            released.await
        }
        GuardTarget::Prefix(text) => {
            let subject = |(level, _, keyed)| (level, Subject::new(secrets, random, keyed, text));
            let subjects: Vec<_> = prefixes(secrets, target).into_iter().map(subject).collect();
            let released = store.write(move |tx: &Tx| {
                tx.must_be_under(&under)?;
                subjects.iter().try_for_each(|(_, subject)| subject.keyed.rekey(tx))?;
                let released =
                    subjects.iter().map(|(level, subject)| release_prefix(tx, level.as_str(), subject.shown(), now));
                released.sum::<Result<usize, StoreError>>()
            });
            released.await
        }
    }
}

/// Closes every breaker; says how many there were.
pub async fn release_all(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let released = store.write(move |tx: &Tx| {
        let mut released = 0;
        for row in tx.breakers()? {
            let level = Level::ALL.into_iter().find(|level| level.as_str() == row.level).unwrap_or(Level::Block);
            released += release_prefix(tx, level.as_str(), (&row.prefix, &row.sealed), now)?;
        }
        Ok::<_, StoreError>(released)
    });
    released.await
}

/// What stands for a number or a prefix that a verdict is about. An address or an account has nothing to let go but its
/// limits, which the configuration sets.
pub fn subject_id(scope: &str, subject: &Digest) -> Option<String> {
    let kind = match scope {
        "number" | "voice_number" => 'n',
        "prefix" | "voice_prefix" | "country" | "range" | "block" => 'p',
        _ => return None,
    };
    Some(format!("{kind}{}", hex(subject)))
}

pub fn hex(hash: &Digest) -> String {
    hash.iter().map(|octet| format!("{octet:02x}")).collect()
}

pub fn read_hex(text: &str) -> Option<Digest> {
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let octets: Option<Vec<u8>> = text.as_bytes().chunks(2).map(octet).collect();
    Digest::try_from(octets?).ok()
}

fn read_subject_id(id: &str) -> Option<(bool, Digest)> {
    match id.split_at_checked(1)? {
        ("n", hex) => Some((true, read_hex(hex)?)),
        ("p", hex) => Some((false, read_hex(hex)?)),
        _ => None,
    }
}

/// Lets go of what a verdict is about, as [`release`] does of what is written out; says how much there was, and of whom.
pub async fn release_subject(
    store: &Store,
    secrets: &Secrets,
    id: &str,
    now: Timestamp,
) -> Result<(usize, String), StoreError> {
    let Some((is_number, subject)) = read_subject_id(id) else { return Ok((0, String::new())) };
    let secrets = secrets.clone();
    let released = store.write(move |tx: &Tx| {
        let sealed = tx.sealed_subject(&subject)?.unwrap_or_default();
        let shown = (&subject, sealed.as_slice());
        let released = match is_number {
            true => release_number(tx, shown, now)?,
            false => release_prefix(tx, level_of(tx, &subject)?, shown, now)?,
        };
        Ok((released, opened(&secrets, Some(&sealed))))
    });
    released.await
}

fn level_of(tx: &Tx, prefix: &Digest) -> Result<&'static str, StoreError> {
    let row = tx.breaker(prefix)?;
    let level = row.and_then(|row| Level::ALL.into_iter().find(|level| level.as_str() == row.level));
    Ok(level.unwrap_or(Level::Block).as_str())
}

type Shown<'a> = (&'a Digest, &'a [u8]);

impl Subject {
    fn shown(&self) -> Shown<'_> {
        (&self.hash, &self.sealed)
    }
}

fn release_prefix(tx: &Tx, level: &'static str, subject: Shown, now: Timestamp) -> Result<usize, StoreError> {
    let mut released = usize::from(tx.close_breaker(subject.0, now)?);
    for scope in [Scope::Prefix, Scope::VoicePrefix, Scope::Country] {
        released += usize::from(tx.forget_velocity(scope.as_str(), subject.0)?);
    }
    if released > 0 {
        tx.insert_verdict(&released_verdict("breaker", level, subject), now)?;
    }
    Ok(released)
}

fn release_number(tx: &Tx, subject: Shown, now: Timestamp) -> Result<usize, StoreError> {
    let mut released = usize::from(tx.forget_guesses(subject.0)?);
    for scope in [guesses::SCOPE, Scope::Number.as_str(), Scope::VoiceNumber.as_str()] {
        released += usize::from(tx.forget_velocity(scope, subject.0)?);
    }
    if released > 0 {
        tx.insert_verdict(&released_verdict("guess", "number", subject), now)?;
    }
    Ok(released)
}

fn released_verdict(rule: &'static str, scope: &'static str, (hash, sealed): Shown) -> NewVerdict {
    let (sealed, reason) = ((!sealed.is_empty()).then(|| sealed.to_vec()), "by the operator".to_owned());
    NewVerdict { rule, verdict: "released", scope, subject: *hash, sealed, reason }
}

/// What happened since an instant, the latest first.
pub async fn verdicts(store: &Store, secrets: &Secrets, since: Timestamp) -> Result<Vec<ShownVerdict>, StoreError> {
    let rows = store.read(move |tx: &Tx| tx.verdicts(since, VERDICTS_MAX)).await?;
    let shown = |row: VerdictRow| ShownVerdict {
        subject_id: subject_id(&row.scope, &row.subject),
        subject: opened(secrets, row.sealed.as_deref()),
        rule: row.rule,
        verdict: row.verdict,
        scope: row.scope,
        reason: row.reason,
        times: row.times,
        first: row.first,
        last: row.last,
    };
    Ok(rows.into_iter().map(shown).collect())
}

pub fn opened(secrets: &Secrets, sealed: Option<&[u8]>) -> String {
    let plain = sealed.and_then(|sealed| secrets.open(sealed, BINDING).ok());
    plain.and_then(|plain| std::str::from_utf8(&plain).map(str::to_owned).ok()).unwrap_or_default()
}
