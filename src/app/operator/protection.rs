//! The blocklist, and what limits, wrong codes and breakers hold up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::App;
use super::super::blocklist::{Blocked, BlocklistEntry, block, opened};
use super::super::guard::operator::{
    self, GuardTarget, ShownBreaker, ShownNumber, ShownVerdict, hex, read_hex, subject_id,
};
use super::super::guard::{excess, guesses};
use super::super::types::Internal;
use crate::clock::Timestamp;
use crate::fraud::guess::FORGOTTEN_AFTER;
use crate::fraud::limit::Scope;
use crate::fraud::{Mode, Protection};
use crate::secrets::{Digest, Secrets};
use crate::store::{BlockOrigin, BlockRow, StoreError, Tx, VerdictRow};

/// Verdicts that are looked through for what is held up now.
const VERDICTS_MAX: u32 = 1000;

/// Subjects that are told as held up.
const HOLDS_MAX: usize = 200;

/// Entries of a page of the blocklist.
pub const BLOCKLIST_PAGE: u32 = 50;

/// Everything that holds requests up now.
pub struct ProtectionSeen {
    pub at: Timestamp,
    pub modes: Modes,
    pub limits: Vec<LimitSeen>,
    pub breakers: Vec<ShownBreaker>,
    pub holds: Vec<Hold>,
    pub blocked: u64,
}

/// `off`, `monitor` or `block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    pub limits: &'static str,
    pub guessing: &'static str,
    pub breaker: &'static str,
}

/// The limits of one scope, as they are written: `3/10m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSeen {
    pub scope: &'static str,
    pub limits: Vec<String>,
}

/// Somebody who has to wait, or would have to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// A masked number, a prefix, an address, an account's key; empty if it is not known.
    pub subject: String,
    pub scope: String,
    pub reason: String,
    /// When it ends by itself, as far as it is known.
    pub until: Option<Timestamp>,
    pub since: Timestamp,
    /// Whether requests are refused; otherwise it is only put on record.
    pub refuses: bool,
    /// What lets it go.
    pub subject_id: Option<String>,
}

/// A page of the blocklist.
pub struct BlocklistPage {
    pub entries: Vec<(String, Blocked)>,
    pub count: u64,
}

/// What is known of a number or a prefix.
pub struct TargetSeen {
    pub breakers: Vec<ShownBreaker>,
    pub number: Option<ShownNumber>,
    /// Whether the blocklist holds a number.
    pub is_blocked: bool,
}

impl App {
    pub async fn protection(&self) -> Result<ProtectionSeen, Internal> {
        let (keys, now) = (self.keys(), self.clock.now());
        let protection = self.rules().protection.clone();
        let breakers = operator::breakers(&self.store, &keys.secrets, &protection.breaker, false, now).await?;
        let (modes, limits) = (Modes::of(&protection), limits(&protection));
        let secrets = keys.secrets.clone();
        let (holds, blocked) = self
            .store
            .read(move |tx: &Tx| Ok::<_, StoreError>((holds(tx, &protection, &secrets, now)?, tx.block_count(None)?)))
            .await?;
        Ok(ProtectionSeen { at: now, modes, limits, breakers, holds, blocked })
    }

    /// What happened in so many hours, the latest first.
    pub async fn verdicts(&self, hours: u32) -> Result<Vec<ShownVerdict>, Internal> {
        let since = self.clock.now() - Duration::from_secs(u64::from(hours) * 3600);
        Ok(operator::verdicts(&self.store, &self.keys().secrets, since).await?)
    }

    pub async fn look_at_target(&self, target: &GuardTarget) -> Result<TargetSeen, Internal> {
        let (keys, now, rules) = (self.keys(), self.clock.now(), self.rules());
        let watched = (&rules.protection.breaker, &rules.protection.guessing);
        let (breakers, number) = operator::show(&self.store, &keys.secrets, watched, target, now).await?;
        let is_blocked = match target {
            GuardTarget::Number(number) => self.is_blocked(number).await?,
            GuardTarget::Prefix(_) => false,
        };
        Ok(TargetSeen { breakers, number, is_blocked })
    }

    /// Lets go of a number or a prefix; says how much there was.
    pub async fn release(&self, target: &GuardTarget) -> Result<usize, Internal> {
        let (keys, now) = (self.keys(), self.clock.now());
        Ok(operator::release(&self.store, &keys.secrets, &self.random, target, now).await?)
    }

    /// The same of what a verdict is about; says what that is too.
    pub async fn release_subject(&self, id: &str) -> Result<(usize, String), Internal> {
        Ok(operator::release_subject(&self.store, &self.keys().secrets, id, self.clock.now()).await?)
    }

    /// Closes every breaker.
    pub async fn release_all(&self) -> Result<usize, Internal> {
        Ok(operator::release_all(&self.store, self.clock.now()).await?)
    }

    /// Some entries of the blocklist, the latest first; with `opt_outs` those alone that a number's owner made.
    pub async fn blocklist(&self, opt_outs: bool, page: u64) -> Result<BlocklistPage, Internal> {
        let keys = self.keys();
        let origin = opt_outs.then_some(BlockOrigin::OptOut);
        let skip = page.saturating_mul(u64::from(BLOCKLIST_PAGE));
        let (rows, count) = self
            .store
            .read(move |tx: &Tx| {
                Ok::<_, StoreError>((tx.latest_blocks(origin, (skip, BLOCKLIST_PAGE))?, tx.block_count(origin)?))
            })
            .await?;
        let entry = |row: BlockRow| {
            let entry = opened(&keys.secrets, &row)?;
            Ok::<_, StoreError>((hex(&row.hash), Blocked { entry, since: row.created, origin: row.origin }))
        };
        Ok(BlocklistPage { entries: rows.into_iter().map(entry).collect::<Result<_, _>>()?, count })
    }

    /// Blocks a number or a prefix. Says whether it was not blocked before.
    pub async fn block(&self, entry: &BlocklistEntry) -> Result<bool, Internal> {
        let (keys, now) = (self.keys(), self.clock.now());
        Ok(block(&self.store, &keys.secrets, &self.random, now, entry).await?)
    }

    /// Takes back the entry that [`BlocklistPage`] names so; gives it.
    pub async fn unblock(&self, id: &str) -> Result<Option<Blocked>, Internal> {
        let keys = self.keys();
        let Some(hash) = read_hex(id) else { return Ok(None) };
        let removed = self.store.write(move |tx: &Tx| {
            let Some(row) = tx.block_by_hash(&hash)? else { return Ok(None) };
            tx.delete_block(&hash)?;
            let entry = opened(&keys.secrets, &row)?;
            Ok::<_, StoreError>(Some(Blocked { entry, since: row.created, origin: row.origin }))
        });
        Ok(removed.await?)
    }
}

impl Blocked {
    /// By an SMS of the number's owner.
    pub fn is_opt_out(&self) -> bool {
        self.origin == BlockOrigin::OptOut
    }
}

impl Modes {
    fn of(protection: &Protection) -> Self {
        let word = |mode: Mode| match mode {
            Mode::Off => "off",
            Mode::Monitor => "monitor",
            Mode::Block => "block",
        };
        Self {
            limits: word(protection.limits.mode),
            guessing: word(protection.guessing.mode),
            breaker: word(protection.breaker.mode),
        }
    }
}

fn limits(protection: &Protection) -> Vec<LimitSeen> {
    let seen = |scope: Scope| {
        let limits: Vec<String> = protection.limits.of(scope).iter().map(ToString::to_string).collect();
        (!limits.is_empty()).then_some(LimitSeen { scope: scope.as_str(), limits })
    };
    Scope::ALL.into_iter().filter_map(seen).collect()
}

/// Of those whom verdicts are about, who has to wait at `now`: each is asked again, so that what has ended is not told.
fn holds(tx: &Tx, protection: &Protection, secrets: &Secrets, now: Timestamp) -> Result<Vec<Hold>, StoreError> {
    let mut asked: BTreeSet<(String, String, Digest)> = BTreeSet::new();
    let mut holds = vec![];
    for row in tx.verdicts(now - FORGOTTEN_AFTER, VERDICTS_MAX)? {
        let is_new = asked.insert((row.rule.clone(), row.scope.clone(), row.subject));
        if !is_new || holds.len() >= HOLDS_MAX {
            continue;
        }
        if let Some((reason, until, mode)) = held(tx, protection, &row, now)? {
            holds.push(Hold {
                subject: operator::opened(secrets, tx.sealed_subject(&row.subject)?.as_deref()),
                subject_id: subject_id(&row.scope, &row.subject),
                scope: row.scope,
                reason,
                until,
                since: row.first,
                refuses: mode.blocks(),
            });
        }
    }
    Ok(holds)
}

type Held = (String, Option<Timestamp>, Mode);

fn held(tx: &Tx, protection: &Protection, row: &VerdictRow, now: Timestamp) -> Result<Option<Held>, StoreError> {
    match row.rule.as_str() {
        "guess" => {
            let hold = guesses::hold(tx, &protection.guessing, &row.subject, now)?;
            Ok(hold.map(|hold| (hold.reason(now), hold.until(), protection.guessing.mode)))
        }
        "limit" => {
            let Some(scope) = Scope::ALL.into_iter().find(|scope| scope.as_str() == row.scope) else { return Ok(None) };
            if !protection.limits.counts(scope) {
                return Ok(None);
            }
            let excess = excess(tx, protection, scope, &row.subject, now)?;
            Ok(excess.map(|(excess, until)| (excess.to_string(), until, protection.limits.mode)))
        }
        _ => Ok(None),
    }
}
