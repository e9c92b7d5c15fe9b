//! What an operator sees of breakers, limits and guesses, and lets go.

use std::fmt;
use std::str::FromStr;

use super::super::types::Internal;
use super::{Subject, binding, guesses, prefix_hash, state_of};
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
        GuardTarget::Number(number) => Some(secrets.number_hash(number.digits())),
        GuardTarget::Prefix(_) => None,
    };
    let is_number = number.is_some();
    let (secrets, breaker, guessing) = (secrets.clone(), breaker.clone(), guessing.clone());
    let found = store.read(move |tx: &Tx| {
        let mut found = vec![];
        for (level, text, hash) in prefixes {
            let row = match tx.breaker(&hash)? {
                Some(row) => shown(tx, &secrets, &breaker, row, now)?,
                None => never_tripped(tx, &breaker, level, text, &hash, now)?,
            };
            if is_number || row.tripped.is_some() || row.tally != TallySum::default() {
                found.push(row);
            }
        }
        let number = number.map(|hash| shown_number(tx, &guessing, &hash, now)).transpose()?;
        Ok::<_, StoreError>((found, number))
    });
    Ok(found.await?)
}

fn prefixes(secrets: &Secrets, target: &GuardTarget) -> Vec<(Level, String, Digest)> {
    let of = |level: Level| match target {
        GuardTarget::Number(number) => {
            let prefix = Prefix::of(number, level);
            (level, prefix.to_string(), prefix_hash(secrets, &prefix))
        }
        GuardTarget::Prefix(text) => (level, text.clone(), secrets.number_hash(&Prefix::key_of(level, text))),
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
        prefix: opened(secrets, &row.prefix, Some(&row.sealed)),
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
    match target {
        GuardTarget::Number(number) => {
            let subject = Subject::new(secrets, random, secrets.number_hash(number.digits()), &number.masked());
            store.write(move |tx: &Tx| release_number(tx, &subject, now)).await
        }
        GuardTarget::Prefix(text) => {
            let subject = |(level, _, hash)| (level, Subject::new(secrets, random, hash, text));
            let subjects: Vec<_> = prefixes(secrets, target).into_iter().map(subject).collect();
            let released = store.write(move |tx: &Tx| {
                let released = subjects.iter().map(|(level, subject)| release_prefix(tx, level.as_str(), subject, now));
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
            let subject = Subject { hash: row.prefix, sealed: row.sealed };
            released += release_prefix(tx, level.as_str(), &subject, now)?;
        }
        Ok::<_, StoreError>(released)
    });
    released.await
}

fn release_prefix(tx: &Tx, level: &'static str, subject: &Subject, now: Timestamp) -> Result<usize, StoreError> {
    let mut released = usize::from(tx.close_breaker(&subject.hash, now)?);
    for scope in [Scope::Prefix, Scope::VoicePrefix, Scope::Country] {
        released += usize::from(tx.forget_velocity(scope.as_str(), &subject.hash)?);
    }
    if released > 0 {
        tx.insert_verdict(&released_verdict("breaker", level, subject), now)?;
    }
    Ok(released)
}

fn release_number(tx: &Tx, subject: &Subject, now: Timestamp) -> Result<usize, StoreError> {
    let mut released = usize::from(tx.forget_guesses(&subject.hash)?);
    for scope in [guesses::SCOPE, Scope::Number.as_str(), Scope::VoiceNumber.as_str()] {
        released += usize::from(tx.forget_velocity(scope, &subject.hash)?);
    }
    if released > 0 {
        tx.insert_verdict(&released_verdict("guess", "number", subject), now)?;
    }
    Ok(released)
}

fn released_verdict(rule: &'static str, scope: &'static str, subject: &Subject) -> NewVerdict {
    super::verdict(rule, "released", scope, subject, "by the operator")
}

/// What happened since an instant, the latest first.
pub async fn verdicts(store: &Store, secrets: &Secrets, since: Timestamp) -> Result<Vec<ShownVerdict>, StoreError> {
    let rows = store.read(move |tx: &Tx| tx.verdicts(since, VERDICTS_MAX)).await?;
    let shown = |row: VerdictRow| ShownVerdict {
        subject: opened(secrets, &row.subject, row.sealed.as_deref()),
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

fn opened(secrets: &Secrets, hash: &Digest, sealed: Option<&[u8]>) -> String {
    let plain = sealed.and_then(|sealed| secrets.open(sealed, &binding(hash)).ok());
    plain.and_then(|plain| std::str::from_utf8(&plain).map(str::to_owned).ok()).unwrap_or_default()
}
