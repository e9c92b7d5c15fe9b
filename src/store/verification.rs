//! Verifications with their machine's state, their events and their tries.

use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};

use super::{StoreError, Tx};
use crate::clock::Timestamp;
use crate::secrets::{Digest, KeyId};
use crate::verification::{
    AccountId, End, EventId, EventKind, Plan, RequestId, State, Verification, VerificationId, Workflow,
};

/// What is stored once, at acceptance.
#[derive(Clone, Debug)]
pub struct NewVerification {
    pub request: RequestId,
    pub account: AccountId,
    pub number_sealed: Vec<u8>,
    pub number_hash: Digest,
    pub country: Option<String>,
    /// The payee where there is an amount.
    pub brand: String,
    pub amount_cents: Option<u64>,
    pub sender_id: String,
    pub language: String,
    pub code_length: u8,
    pub own_pin: bool,
    pub credits: i64,
    /// 10⁻⁸ of `currency`.
    pub price: i64,
    pub currency: String,
}

/// A row of `verification`.
#[derive(Clone, Debug)]
pub struct VerificationRow {
    pub id: VerificationId,
    pub fixed: NewVerification,
    pub refunded: bool,
    pub pin_hash: Option<Vec<u8>>,
    pub pin_sealed: Option<Vec<u8>>,
    /// Whose pepper is in the hash; none on record of one from before there could be two.
    pub pin_key: Option<KeyId>,
    pub machine: Verification,
}

/// A PIN as it is stored.
#[derive(Clone)]
pub struct StoredPin {
    pub hash: Vec<u8>,
    pub sealed: Vec<u8>,
    /// Whose pepper is in the hash.
    pub key: KeyId,
}

/// A row of `event`.
#[derive(Clone, Debug)]
pub struct EventRecord {
    pub id: EventId,
    pub index: usize,
    pub kind: EventKind,
    pub generation: u32,
    pub skipped: bool,
    pub handed_over: Option<Timestamp>,
}

/// A row of `try`.
#[derive(Clone, Debug)]
pub struct TryRecord {
    pub received: Timestamp,
    pub valid: Option<bool>,
    pub ip_address: String,
}

/// Of a verification whose machine cannot be read.
#[derive(Clone, Debug)]
pub struct VerificationRemains {
    pub account: AccountId,
    /// 10⁻⁸ of `currency`.
    pub price: i64,
    pub currency: String,
    pub created: Timestamp,
}

const COLUMNS: &str = "verification_id, request_id, account_id, number_sealed, number_hash, country, brand, sender_id, \
    language, code_length, own_pin, credits, price, currency, refunded, pin_hash, pin_sealed, workflow, \
    next_event_wait_ms, pin_life_ms, cancel_after_ms, tries_max, send_timeout_ms, state, state_flag, state_until, \
    event_index, attempt_no, submitted_no, retries, generation, pin_started_at, tries, undecided, second_started, \
    sent, price_open, wait_end_at, handled_at, created_at, finalized_at, amount_cents, pin_key";

impl Tx<'_> {
    /// # Errors
    ///
    /// [`StoreError::Exists`] if the account has a verification of the number in progress.
    pub fn insert_verification(
        &self,
        new: &NewVerification,
        pin: &StoredPin,
        machine: &Verification,
    ) -> Result<VerificationId, StoreError> {
        let plan = &machine.plan;
        let mut statement = self.0.prepare_cached(
            "insert into verification (request_id, account_id, number_sealed, number_hash, country, brand, sender_id,
                 language, code_length, own_pin, credits, price, currency, pin_hash, pin_sealed, workflow,
                 next_event_wait_ms, pin_life_ms, cancel_after_ms, tries_max, send_timeout_ms, created_at,
                 state, state_flag, event_index, attempt_no, submitted_no, retries, generation, tries, undecided,
                 second_started, sent, price_open, handled_at, amount_cents, pin_key)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                 ?22, 'queued', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?22, ?23, ?24)",
        )?;
        statement.execute(params![
            new.request.as_bytes().as_slice(),
            new.account.get(),
            new.number_sealed,
            new.number_hash.as_slice(),
            new.country,
            new.brand,
            new.sender_id,
            new.language,
            new.code_length,
            new.own_pin,
            new.credits,
            new.price,
            new.currency,
            pin.hash,
            pin.sealed,
            plan.workflow.id(),
            plan.next_event_wait.map(millis),
            millis(plan.pin_life),
            millis(plan.cancel_after),
            plan.tries_max,
            millis(plan.send_timeout),
            machine.created.as_millis(),
            new.amount_cents,
            pin.key.as_bytes().as_slice(),
        ])?;
        let id = VerificationId::new(self.0.last_insert_rowid());
        self.update_machine(id, machine)?;
        Ok(id)
    }

    pub fn update_machine(&self, id: VerificationId, machine: &Verification) -> Result<(), StoreError> {
        let (state, flag, until) = state_columns(machine.state);
        let mut statement = self.0.prepare_cached(
            "update verification set state = ?2, state_flag = ?3, state_until = ?4, event_index = ?5, attempt_no = ?6,
                 submitted_no = ?7, retries = ?8, generation = ?9, pin_started_at = ?10, tries = ?11, undecided = ?12,
                 second_started = ?13, sent = ?14, price_open = ?15, wait_end_at = ?16, handled_at = ?17,
                 finalized_at = ?18, deadline_at = ?19
             where verification_id = ?1",
        )?;
        statement.execute(params![
            id.get(),
            state,
            flag,
            until.map(Timestamp::as_millis),
            machine.event,
            machine.attempt,
            machine.submitted,
            machine.retries,
            machine.generation,
            machine.pin_started.map(Timestamp::as_millis),
            machine.tries,
            machine.undecided,
            machine.second_started,
            machine.sent,
            machine.price_open,
            machine.wait_end.map(Timestamp::as_millis),
            machine.handled.as_millis(),
            machine.finalized.map(Timestamp::as_millis),
            machine.deadline().map(Timestamp::as_millis),
        ])?;
        Ok(())
    }

    pub fn verification(&self, id: VerificationId) -> Result<Option<VerificationRow>, StoreError> {
        let sql = select_verification("where verification_id = ?1");
        Ok(self.0.prepare_cached(&sql)?.query_row([id.get()], read_verification).optional()?)
    }

    pub fn verification_by_request(
        &self,
        account: AccountId,
        request: RequestId,
    ) -> Result<Option<VerificationRow>, StoreError> {
        let sql = select_verification("where request_id = ?1 and account_id = ?2");
        let mut statement = self.0.prepare_cached(&sql)?;
        Ok(statement.query_row(params![request.as_bytes().as_slice(), account.get()], read_verification).optional()?)
    }

    pub fn request_in_progress(
        &self,
        account: AccountId,
        number_hashes: &[Digest],
    ) -> Result<Option<RequestId>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select request_id from verification
             where account_id = ?1 and number_hash = ?2 and finalized_at is null",
        )?;
        for hash in number_hashes {
            let row = statement.query_row(params![account.get(), hash.as_slice()], |row| row.get(0)).optional()?;
            if let Some(request) = row {
                return Ok(Some(RequestId::from_bytes(request)));
            }
        }
        Ok(None)
    }

    /// Verifications whose deadline has come, earliest first.
    pub fn overdue_verifications(&self, now: Timestamp, limit: u32) -> Result<Vec<VerificationId>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select verification_id from verification where deadline_at <= ?1 order by deadline_at limit ?2",
        )?;
        let rows = statement.query_map(params![now.as_millis(), limit], |row| row.get(0).map(VerificationId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn earliest_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "select min(deadline_at) from verification where deadline_at is not null";
        let at: Option<i64> = self.0.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(at.map(Timestamp::from_millis))
    }

    /// What a start after a crash or a stop has to look at: everything in progress, and ended verifications whose
    /// price waits for an outcome or of which a channel had an attempt in its hands.
    pub fn unfinished_verifications(&self) -> Result<Vec<VerificationId>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select verification_id from verification where finalized_at is null or price_open = 1
             union select verification_id from attempt where state in ('claimed', 'sending')
             order by verification_id",
        )?;
        let rows = statement.query_map([], |row| row.get(0).map(VerificationId::new))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn set_pin(&self, id: VerificationId, pin: &StoredPin) -> Result<(), StoreError> {
        let sql = "update verification set pin_hash = ?2, pin_sealed = ?3, pin_key = ?4 where verification_id = ?1";
        let StoredPin { hash, sealed, key } = pin;
        self.0.prepare_cached(sql)?.execute(params![id.get(), hash, sealed, key.as_bytes().as_slice()])?;
        Ok(())
    }

    pub fn wipe_sealed_pin(&self, id: VerificationId) -> Result<(), StoreError> {
        let sql = "update verification set pin_sealed = null where verification_id = ?1";
        self.0.prepare_cached(sql)?.execute([id.get()])?;
        Ok(())
    }

    pub fn wipe_pin(&self, id: VerificationId) -> Result<(), StoreError> {
        let sql = "update verification set pin_sealed = null, pin_hash = null where verification_id = ?1";
        self.0.prepare_cached(sql)?.execute([id.get()])?;
        Ok(())
    }

    pub fn set_refunded(&self, id: VerificationId) -> Result<(), StoreError> {
        self.0
            .prepare_cached("update verification set refunded = 1 where verification_id = ?1")?
            .execute([id.get()])?;
        Ok(())
    }

    pub fn set_reason(&self, id: VerificationId, reason: &str) -> Result<(), StoreError> {
        let sql = "update verification set reason = ?2 where verification_id = ?1";
        self.0.prepare_cached(sql)?.execute(params![id.get(), reason])?;
        Ok(())
    }

    /// What can be read of a row that cannot be read whole.
    pub fn remains_of(&self, id: VerificationId) -> Result<Option<VerificationRemains>, StoreError> {
        let sql = "select account_id, price, currency, created_at from verification where verification_id = ?1";
        let read = |row: &Row| {
            Ok(VerificationRemains {
                account: AccountId::new(row.get(0)?),
                price: row.get(1)?,
                currency: row.get(2)?,
                created: Timestamp::from_millis(row.get(3)?),
            })
        };
        Ok(self.0.prepare_cached(sql)?.query_row([id.get()], read).optional()?)
    }

    /// Ends a verification whose row cannot be read, with the reason: it holds up nothing and keeps no PIN.
    /// Gives its public name.
    pub fn set_aside_verification(
        &self,
        id: VerificationId,
        reason: &str,
        now: Timestamp,
    ) -> Result<RequestId, StoreError> {
        let sql = "update verification set deadline_at = null, finalized_at = coalesce(finalized_at, ?3),
                   price_open = 0, pin_hash = null, pin_sealed = null, reason = ?2 where verification_id = ?1
                   returning request_id";
        let mut statement = self.0.prepare_cached(sql)?;
        let request = statement.query_row(params![id.get(), reason, now.as_millis()], |row| row.get(0))?;
        Ok(RequestId::from_bytes(request))
    }

    /// Deletes finished verifications that ended before `before`; says how many.
    pub fn purge_verifications(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(
            "delete from verification where verification_id in (
                 select verification_id from verification where finalized_at < ?1 order by finalized_at limit ?2)",
        )?;
        Ok(statement.execute(params![before.as_millis(), limit])?)
    }

    pub fn insert_event(
        &self,
        verification: VerificationId,
        id: EventId,
        index: usize,
        kind: EventKind,
        generation: u32,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "insert into event (event_id, verification_id, event_index, kind, generation) values (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute(params![id.as_bytes().as_slice(), verification.get(), index, kind.as_str(), generation])?;
        Ok(())
    }

    pub fn set_event_generation(&self, id: VerificationId, index: usize, generation: u32) -> Result<(), StoreError> {
        let sql = "update event set generation = ?3 where verification_id = ?1 and event_index = ?2";
        self.0.prepare_cached(sql)?.execute(params![id.get(), index, generation])?;
        Ok(())
    }

    pub fn skip_event(&self, id: VerificationId, index: usize) -> Result<(), StoreError> {
        let sql = "update event set skipped = 1 where verification_id = ?1 and event_index = ?2";
        self.0.prepare_cached(sql)?.execute(params![id.get(), index])?;
        Ok(())
    }

    /// Keeps the first hand-over if there were two.
    pub fn event_handed_over(&self, id: VerificationId, index: usize, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update event set handed_over_at = coalesce(handed_over_at, ?3)
                   where verification_id = ?1 and event_index = ?2";
        self.0.prepare_cached(sql)?.execute(params![id.get(), index, now.as_millis()])?;
        Ok(())
    }

    /// All events that came up so far, in order.
    pub fn events_of(&self, id: VerificationId) -> Result<Vec<EventRecord>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select event_id, event_index, kind, generation, skipped, handed_over_at from event
             where verification_id = ?1 order by event_index",
        )?;
        let rows = statement.query_map([id.get()], |row| {
            let kind: String = row.get(2)?;
            Ok(EventRecord {
                id: EventId::from_bytes(row.get(0)?),
                index: row.get(1)?,
                kind: if kind == "tts" { EventKind::Tts } else { EventKind::Sms },
                generation: row.get(3)?,
                skipped: row.get(4)?,
                handed_over: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records a try before it is compared; gives its row.
    pub fn insert_try(&self, id: VerificationId, now: Timestamp, ip_address: &str) -> Result<i64, StoreError> {
        let sql = "insert into try (verification_id, received_at, ip_address) values (?1, ?2, ?3)";
        self.0.prepare_cached(sql)?.execute(params![id.get(), now.as_millis(), ip_address])?;
        Ok(self.0.last_insert_rowid())
    }

    pub fn set_try_valid(&self, try_id: i64, valid: bool) -> Result<(), StoreError> {
        self.0.prepare_cached("update try set valid = ?2 where try_id = ?1")?.execute(params![try_id, valid])?;
        Ok(())
    }

    pub fn tries_of(&self, id: VerificationId) -> Result<Vec<TryRecord>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "select received_at, valid, ip_address from try where verification_id = ?1 order by try_id",
        )?;
        let rows = statement.query_map([id.get()], |row| {
            Ok(TryRecord { received: Timestamp::from_millis(row.get(0)?), valid: row.get(1)?, ip_address: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn select_verification(which: &str) -> String {
    format!("select {COLUMNS} from verification {which}")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn state_columns(state: State) -> (&'static str, bool, Option<Timestamp>) {
    match state {
        State::Queued { claimed, give_up } => ("queued", claimed, Some(give_up)),
        State::Sending { give_up, next } => ("sending", next, Some(give_up)),
        State::Doubtful { claimed, until } => ("doubtful", claimed, Some(until)),
        State::Resending { until, next } => ("resending", next, Some(until)),
        State::Waiting { until } => ("waiting", false, Some(until)),
        State::Closing => ("closing", false, None),
        State::Ended(end) => (end.as_str(), false, None),
    }
}

fn read_state(name: &str, flag: bool, until: Option<Timestamp>) -> Option<State> {
    Some(match name {
        "queued" => State::Queued { claimed: flag, give_up: until? },
        "sending" => State::Sending { give_up: until?, next: flag },
        "doubtful" => State::Doubtful { claimed: flag, until: until? },
        "resending" => State::Resending { until: until?, next: flag },
        "waiting" => State::Waiting { until: until? },
        "closing" => State::Closing,
        "success" => State::Ended(End::Success),
        "failed" => State::Ended(End::Failed),
        "expired" => State::Ended(End::Expired),
        "cancelled" => State::Ended(End::Cancelled),
        _ => return None,
    })
}

pub(super) fn read_verification(row: &Row) -> rusqlite::Result<VerificationRow> {
    let fixed = NewVerification {
        request: RequestId::from_bytes(row.get("request_id")?),
        account: AccountId::new(row.get("account_id")?),
        number_sealed: row.get("number_sealed")?,
        number_hash: row.get("number_hash")?,
        country: row.get("country")?,
        brand: row.get("brand")?,
        amount_cents: row.get("amount_cents")?,
        sender_id: row.get("sender_id")?,
        language: row.get("language")?,
        code_length: row.get("code_length")?,
        own_pin: row.get("own_pin")?,
        credits: row.get("credits")?,
        price: row.get("price")?,
        currency: row.get("currency")?,
    };
    Ok(VerificationRow {
        id: VerificationId::new(row.get("verification_id")?),
        fixed,
        refunded: row.get("refunded")?,
        pin_hash: row.get("pin_hash")?,
        pin_sealed: row.get("pin_sealed")?,
        pin_key: row.get::<_, Option<_>>("pin_key")?.map(KeyId::from_bytes),
        machine: read_machine(row)?,
    })
}

fn read_machine(row: &Row) -> rusqlite::Result<Verification> {
    let instant = |name: &str| row.get::<_, Option<i64>>(name).map(|at| at.map(Timestamp::from_millis));
    let malformed = |column: usize, reason: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("malformed {reason}").into())
    };
    let plan = Plan {
        workflow: Workflow::new(row.get("workflow")?).ok_or_else(|| malformed(17, "workflow"))?,
        next_event_wait: row.get::<_, Option<i64>>("next_event_wait_ms")?.map(duration),
        pin_life: duration(row.get("pin_life_ms")?),
        cancel_after: duration(row.get("cancel_after_ms")?),
        tries_max: row.get("tries_max")?,
        send_timeout: duration(row.get("send_timeout_ms")?),
    };
    let state = row.get::<_, String>("state")?;
    let state = read_state(&state, row.get("state_flag")?, instant("state_until")?);
    let event: usize = row.get("event_index")?;
    if event >= plan.workflow.events().len() {
        return Err(malformed(26, "event index"));
    }
    Ok(Verification {
        plan,
        state: state.ok_or_else(|| malformed(23, "state"))?,
        created: Timestamp::from_millis(row.get("created_at")?),
        finalized: instant("finalized_at")?,
        event,
        attempt: row.get("attempt_no")?,
        submitted: row.get("submitted_no")?,
        retries: row.get("retries")?,
        generation: row.get("generation")?,
        pin_started: instant("pin_started_at")?,
        tries: row.get("tries")?,
        undecided: row.get("undecided")?,
        second_started: row.get("second_started")?,
        sent: row.get("sent")?,
        price_open: row.get("price_open")?,
        wait_end: instant("wait_end_at")?,
        handled: Timestamp::from_millis(row.get("handled_at")?),
    })
}
