//! Looking back at verifications, for the operator: lists, and one with all that happened to it.

use std::str::FromStr;

use super::App;
use super::blocklist::{BlocklistEntry, block, hashes_of};
use super::search::number_of;
use super::types::{Internal, Progress};
use crate::channel::Board;
use crate::channel::routing::{Health, RouteKind, RouteView};
use crate::clock::Timestamp;
use crate::phone::{Country, PhoneNumber};
use crate::secrets::{Digest, Secrets};
use crate::store::{
    AccountRow, EventRecord, Found, ListedRow, PastAttempt, PastVerification, Place, Store, StoreError, TryRecord, Tx,
    Wanted,
};
use crate::verification::{
    AccountId, AttemptState, Course, End, EventId, EventKind, Money, Outage, PastEvent, PastTry, RequestId, Sending,
    State, Upcoming, Verification, VerificationId, Workflow,
};

/// Digits of a request id by which it may be searched for.
const ID_DIGITS_MIN: usize = 4;

/// Which verifications are asked for. `None`: whatever it is.
#[derive(Clone, Debug, Default)]
pub struct PastQuery {
    pub progress: Option<Progress>,
    pub account: Option<AccountId>,
    pub country: Option<Country>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub search: Option<Search>,
    /// Those of one number.
    pub number: Option<NumberToken>,
    /// Only what is behind this one in the list.
    pub behind: Option<PastCursor>,
}

/// A place in the list, as pages hand it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastCursor(Place);

/// What a person types in to find a verification: a number however written, a request id or its beginning, an event's id.
/// Digits may be the one and the other.
#[derive(Clone, PartialEq, Eq)]
pub struct Search {
    number: Option<PhoneNumber>,
    requests: Option<(RequestId, RequestId)>,
    event: Option<EventId>,
}

/// Stands for a number where the number itself must not: in an address line. Only this installation's key makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberToken(Vec<Digest>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number such as +447700900123, or a request id or its first {ID_DIGITS_MIN} digits at least")]
pub struct InvalidSearch;

/// A verification in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub request: RequestId,
    pub account: String,
    /// None once it is wiped.
    pub number: Option<PhoneNumber>,
    pub country: Option<String>,
    pub brand: String,
    pub progress: Progress,
    /// Something was sent, or may have been.
    pub sent: bool,
    pub created: Timestamp,
    pub finalized: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct PastPage {
    pub listed: Vec<Listed>,
    /// Where to go on; `None`: there is nothing behind.
    pub next: Option<PastCursor>,
}

/// A verification with all that happened to it.
#[derive(Clone, Debug)]
pub struct Past {
    pub request: RequestId,
    pub account: String,
    pub account_key: String,
    pub number: Option<PhoneNumber>,
    pub country: Option<String>,
    /// The payee where there is an amount.
    pub brand: String,
    pub amount_cents: Option<u64>,
    pub sender_id: String,
    pub language: String,
    pub code_length: u8,
    pub own_pin: bool,
    pub workflow: Workflow,
    pub progress: Progress,
    pub price: Money,
    pub currency: String,
    pub is_refunded: bool,
    /// What its messages cost.
    pub cost: Money,
    pub tries_left: u8,
    pub course: Course,
}

impl FromStr for Search {
    type Err = InvalidSearch;

    fn from_str(text: &str) -> Result<Self, InvalidSearch> {
        let text = text.trim();
        let id = text.to_ascii_lowercase();
        let is_id = (ID_DIGITS_MIN..=32).contains(&id.len()) && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        let filled = |with: &str| format!("{id}{}", with.repeat(32 - id.len())).parse().ok();
        let requests = if is_id { filled("0").zip(filled("f")) } else { None };
        let search = Self { number: PhoneNumber::parse(text, None).ok(), requests, event: id.parse().ok() };
        if search.number.is_none() && search.requests.is_none() { Err(InvalidSearch) } else { Ok(search) }
    }
}

/// A number is nobody's business.
impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Search(***)")
    }
}

/// `MILLISECONDS-ROW`.
impl std::fmt::Display for PastCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.created.as_millis(), self.0.id)
    }
}

/// Hex digits, with a point between those of two keys.
impl std::fmt::Display for NumberToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, hash) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "." })?;
            hash.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        }
        Ok(())
    }
}

impl NumberToken {
    /// `None` unless it is one of ours.
    pub fn read(text: &str) -> Option<Self> {
        let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let digest = |text: &str| -> Option<Digest> {
            let octets: Option<Vec<u8>> = text.as_bytes().chunks(2).map(octet).collect();
            octets?.try_into().ok()
        };
        text.split('.').map(digest).collect::<Option<_>>().map(Self)
    }
}

impl Search {
    pub fn number(&self) -> Option<&PhoneNumber> {
        self.number.as_ref()
    }

    /// By ids alone.
    #[must_use]
    pub fn without_number(&self) -> Self {
        Self { number: None, ..self.clone() }
    }
}

impl PastCursor {
    /// `None` unless it is one of ours.
    pub fn read(text: &str) -> Option<Self> {
        let (created, id) = text.split_once('-')?;
        let created = Timestamp::from_millis(created.parse().ok()?);
        Some(Self(Place { created, id: VerificationId::new(id.parse().ok()?) }))
    }
}

impl Progress {
    pub const ALL: [Self; 5] = [Self::InProgress, Self::Success, Self::Failed, Self::Expired, Self::Cancelled];

    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn of(end: Option<End>) -> Self {
        match end {
            None => Self::InProgress,
            Some(End::Success) => Self::Success,
            Some(End::Failed) => Self::Failed,
            Some(End::Expired) => Self::Expired,
            Some(End::Cancelled) => Self::Cancelled,
        }
    }

    /// The database's words for it.
    fn states(self) -> Vec<&'static str> {
        match self {
            Self::InProgress => vec!["queued", "sending", "doubtful", "resending", "waiting", "closing"],
            Self::Success | Self::Failed | Self::Expired | Self::Cancelled => vec![self.as_str()],
        }
    }

    fn of_state(state: &str) -> Self {
        let ended = Self::ALL.into_iter().find(|progress| progress.as_str() == state);
        ended.unwrap_or(Self::InProgress)
    }
}

/// The newest first, at most `limit`. A page may be short of that and still have a next one: it looked through enough.
pub async fn past_verifications(
    store: &Store,
    secrets: &Secrets,
    query: PastQuery,
    limit: usize,
) -> Result<PastPage, StoreError> {
    let by_token = query.number.map(|token| Found { numbers: token.0, ..Found::default() });
    let found = query.search.map(|search| Found {
        numbers: search.number.map(|number| secrets.number_hashes(number.digits())).unwrap_or_default(),
        requests: search.requests,
        event: search.event,
    });
    let wanted = Wanted {
        states: query.progress.map(Progress::states).unwrap_or_default(),
        account: query.account,
        country: query.country.map(|country| country.to_string()),
        since: query.since,
        until: query.until,
        behind: query.behind.map(|cursor| cursor.0),
        found: found.or(by_token),
    };
    let under = secrets.check_value();
    let (page, accounts) = store
        .read(move |tx: &Tx| {
            tx.must_be_under(&under)?;
            Ok::<_, StoreError>((tx.past_verifications(&wanted, limit)?, tx.accounts()?))
        })
        .await?;
    let name = |id: AccountId| accounts.iter().find(|account| account.id == id).map(|account| account.name.clone());
    let listed = |row: ListedRow| Listed {
        number: super::search::opened_number(secrets, row.request, &row.number_sealed).ok(),
        account: name(row.account).unwrap_or_default(),
        progress: Progress::of_state(&row.state),
        request: row.request,
        country: row.country,
        brand: row.brand,
        sent: row.sent,
        created: row.created,
        finalized: row.finalized,
    };
    Ok(PastPage { listed: page.rows.into_iter().map(listed).collect(), next: page.next.map(PastCursor) })
}

/// One verification of any account. `None`: there is none of this id. `board`: the routes as they are, if that is known.
///
/// # Errors
///
/// A row that cannot be read.
pub async fn past_verification(
    store: &Store,
    secrets: &Secrets,
    board: Option<&Board>,
    request: RequestId,
    now: Timestamp,
) -> Result<Option<Past>, Internal> {
    let secrets_there = secrets.clone();
    let found = store.read(move |tx: &Tx| {
        tx.must_be_under(&secrets_there.check_value())?;
        let Some(found) = tx.past_verification(request)? else { return Ok(None) };
        let id = found.row.id;
        let is_blocked = match number_of(&secrets_there, &found.row) {
            Ok(number) => tx.is_blocked(&hashes_of(&secrets_there, &number))?,
            Err(_) => false,
        };
        let record = (tx.past_attempts(id)?, tx.events_of(id)?, tx.tries_of(id)?, tx.cost_of(id)?);
        Ok::<_, StoreError>(Some((found, is_blocked, record)))
    });
    let Some((found, is_blocked, (attempts, events, tries, cost))) = found.await? else { return Ok(None) };
    let routes = board.map(Board::routes);
    let outages = |routes: &Vec<RouteView>| {
        let down = routes.iter().filter_map(|route| Some((route, route.health.since()?)));
        let reason = |name: &str| board.and_then(|board| board.reason(name));
        down.map(|(route, since)| Outage { route: route.name.clone(), since, reason: reason(&route.name) }).collect()
    };
    let machine = &found.row.machine;
    let course = Course {
        now,
        plan: machine.plan.clone(),
        created: machine.created,
        finalized: machine.finalized,
        end: machine.end(),
        sent: machine.sent,
        pin_end: machine.pin_end(),
        upcoming: upcoming(machine),
        sendings: sendings(attempts, machine.plan.workflow, routes.as_deref().unwrap_or_default()),
        events: events.into_iter().map(past_event).collect(),
        tries: tries.into_iter().map(past_try).collect(),
        reason: found.reason.clone(),
        is_blocked,
        outages: routes.as_ref().map(outages).unwrap_or_default(),
        any_ready: routes.is_none_or(|routes| routes.iter().any(|route| route.health == Health::Ready)),
    };
    Ok(Some(told(secrets, found, Money::from_units(cost), course)))
}

fn told(secrets: &Secrets, found: PastVerification, cost: Money, course: Course) -> Past {
    let PastVerification { row, account_name, account_key, .. } = found;
    let machine = &row.machine;
    Past {
        request: row.fixed.request,
        number: number_of(secrets, &row).ok(),
        progress: Progress::of(machine.end()),
        workflow: machine.plan.workflow,
        tries_left: machine.plan.tries_max.saturating_sub(machine.tries),
        account: account_name,
        account_key,
        price: Money::from_units(row.fixed.price),
        is_refunded: row.refunded,
        cost,
        course,
        country: row.fixed.country,
        brand: row.fixed.brand,
        amount_cents: row.fixed.amount_cents,
        sender_id: row.fixed.sender_id,
        language: row.fixed.language,
        code_length: row.fixed.code_length,
        own_pin: row.fixed.own_pin,
        currency: row.fixed.currency,
    }
}

fn upcoming(machine: &Verification) -> Option<(Timestamp, Upcoming)> {
    let next = machine.plan.workflow.events().get(machine.event + 1);
    let upcoming = match (machine.state, next) {
        (State::Queued { .. }, _) => Upcoming::GiveUp,
        (State::Waiting { .. } | State::Doubtful { .. }, Some(kind)) => Upcoming::Event(*kind),
        (State::Waiting { .. } | State::Doubtful { .. } | State::Closing, _) => Upcoming::Expiry,
        (State::Sending { .. } | State::Resending { .. } | State::Ended(_), _) => return None,
    };
    machine.deadline().map(|at| (at, upcoming))
}

fn sendings(attempts: Vec<PastAttempt>, workflow: Workflow, routes: &[RouteView]) -> Vec<Sending> {
    let is_provider = |route: &Option<String>| {
        let known = |view: &&RouteView| Some(&view.name) == route.as_ref();
        routes.iter().find(known).is_some_and(|view| view.kind == RouteKind::Provider)
    };
    let sending = |attempt: PastAttempt| Sending {
        event: attempt.event,
        kind: workflow.events().get(attempt.event).copied().unwrap_or(EventKind::Sms),
        // Words of ours; a later version's would be of its own schema.
        state: attempt.state.parse().unwrap_or(AttemptState::Withdrawn),
        due: attempt.due,
        is_provider: is_provider(&attempt.route),
        route: attempt.route,
        claimed: attempt.claimed,
        begun: attempt.begun,
        finished: attempt.finished,
        reason: attempt.reason,
        delivered: attempt.delivered,
        reported: attempt.reported,
    };
    attempts.into_iter().map(sending).collect()
}

fn past_event(event: EventRecord) -> PastEvent {
    PastEvent { kind: event.kind, skipped: event.skipped, handed_over: event.handed_over }
}

fn past_try(record: TryRecord) -> PastTry {
    PastTry { at: record.received, right: record.valid }
}

impl App {
    /// The newest first.
    pub async fn past_verifications(&self, query: PastQuery, limit: usize) -> Result<PastPage, Internal> {
        Ok(past_verifications(&self.store, &self.keys().secrets, query, limit).await?)
    }

    /// One verification of any account.
    pub async fn past_verification(&self, request: RequestId) -> Result<Option<Past>, Internal> {
        past_verification(&self.store, &self.keys().secrets, Some(&self.board), request, self.clock.now()).await
    }

    pub fn number_token(&self, number: &PhoneNumber) -> NumberToken {
        NumberToken(self.keys().secrets.number_hashes(number.digits()))
    }

    /// Blocks the number of a verification. Says whether it was not blocked before; `None`: there is no such verification,
    /// or its number is wiped.
    pub async fn block_number_of(&self, request: RequestId) -> Result<Option<bool>, Internal> {
        let found = self.store.read(move |tx: &Tx| tx.past_verification(request)).await?;
        let (secrets, now) = (self.keys().secrets.clone(), self.clock.now());
        let Some(number) = found.and_then(|found| number_of(&secrets, &found.row).ok()) else { return Ok(None) };
        let entry = BlocklistEntry::Number(number);
        Ok(Some(block(&self.store, &secrets, &self.random, now, &entry).await?))
    }

    /// All accounts.
    pub async fn account_rows(&self) -> Result<Vec<AccountRow>, Internal> {
        Ok(self.store.read(|tx: &Tx| tx.accounts()).await?)
    }

    /// Countries of verifications of late.
    pub async fn countries_seen(&self) -> Result<Vec<String>, Internal> {
        Ok(self.store.read(|tx: &Tx| tx.countries_seen()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_a_number_an_id_or_both() {
        let search =
            |text: &str| text.parse::<Search>().map(|found| (found.number.is_some(), found.requests.is_some()));
        for text in ["+44 7700 900123", "0044 (7700) 900-123"] {
            assert_eq!(search(text), Ok((true, false)), "{text}");
        }
        assert_eq!(search("447700900123"), Ok((true, true)));
        for text in ["0123abcd", "AB12", &"ab".repeat(16)] {
            assert!(search(text).is_ok_and(|(_, by_id)| by_id), "{text}");
        }
        for text in ["", "abc", "xyzw", &"ab".repeat(17), "hello world"] {
            assert_eq!(search(text), Err(InvalidSearch), "{text}");
        }
        let ends = "ab1".parse::<Search>().is_err() && "ab12".parse::<Search>().is_ok();
        assert!(ends);
        let (first, last) = "ab123".parse::<Search>().expect("an id").requests.expect("a range");
        assert!(first.to_string().starts_with("ab1230000") && last.to_string().starts_with("ab123ffff"));
    }

    #[test]
    fn a_cursor_reads_what_it_writes() {
        let cursor =
            PastCursor(Place { created: Timestamp::from_millis(1_772_366_400_000), id: VerificationId::new(7) });
        assert_eq!(PastCursor::read(&cursor.to_string()), Some(cursor));
        for text in ["", "1", "a-b", "1-"] {
            assert_eq!(PastCursor::read(text), None);
        }
    }

    #[test]
    fn a_token_reads_what_it_writes() {
        let token = NumberToken(vec![[0xab; 32], [7; 32]]);
        assert_eq!(NumberToken::read(&token.to_string()), Some(token));
        for text in ["", ".", "ab", &"zz".repeat(32), &"é".repeat(32)] {
            assert_eq!(NumberToken::read(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_number() {
        assert_eq!(format!("{:?}", "+447700900123".parse::<Search>().expect("a number")), "Search(***)");
    }
}
