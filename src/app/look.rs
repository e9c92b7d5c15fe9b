//! A look at the outbox: what is due, and where each of it goes.
//!
//! The lanes are read side by side, so that attempts come up in the order in which they are to be handed over, whatever
//! their lanes. Each is given its place on the [`Prospects`]: a route takes it, or it waits for one and lengthens the
//! wait of those behind it. The look ends where no lane is left of which anything could go on. So it reads as many rows
//! as there is room on the routes, and where one kind of route overflows to the next, as many as wait for the first one
//! until then.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use super::budget::Amounts;
use super::types::Internal;
use super::{App, Rules};
use crate::channel::admission::Waiting;
use crate::channel::lane::{Lane, counts_as_first};
use crate::channel::routing::{Choice, Need, Prospects, RouteView};
use crate::clock::Timestamp;
use crate::store::{DueAttempt, StoreError, Tx};
use crate::verification::{AttemptId, EventKind};

/// Rows of a lane that are read at once: at first few, because there may be as many lanes as countries.
const CHUNK_FIRST: u32 = 4;
const CHUNK: u32 = 64;

/// Attempts of a lane that one look passes by: those that wait for a route which is quick enough for them. What is
/// behind them has its turn when they are fewer.
const LOOK: u32 = 2048;

/// Why an attempt is skipped.
const NO_ROUTE: &str = "no route takes it";
const CLOSED: &str = "its country is closed to this channel";

/// Attempts that are skipped, of one lane in one look.
const SKIPPED: u32 = 64;

/// An attempt that is due, with what routing asks.
#[derive(Clone, Debug)]
pub struct Due {
    pub attempt: AttemptId,
    pub due: Timestamp,
    pub lane: Lane,
    /// What it takes of a budget.
    pub amount: u32,
    /// When its PIN is dead.
    pub pin_end: Option<Timestamp>,
}

impl Due {
    fn need(&self) -> Need<'_> {
        need(&self.lane, self.amount, self.pin_end)
    }
}

fn need(lane: &Lane, amount: u32, pin_end: Option<Timestamp>) -> Need<'_> {
    let Lane { kind, country, excluded, avoided, .. } = lane;
    Need { kind: *kind, country: *country, excluded, avoided: avoided.as_deref(), amount, pin_end }
}

/// What one look at the outbox shows.
#[derive(Debug, Default)]
pub struct Outlook {
    /// In the order in which it is to be done.
    pub steps: Vec<Step>,
    /// When the look may come to something else by time alone.
    pub until: Option<Timestamp>,
    /// Rows that were read.
    pub rows: u32,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub due: Due,
    /// The route that takes it, or why it is skipped: none ever will.
    pub route: Result<String, &'static str>,
}

impl App {
    /// What can be done at `now` about what is due. Those for which somebody waits come first, then by the instant at
    /// which they became due.
    pub async fn due(&self, now: Timestamp, routes: Vec<RouteView>) -> Result<Outlook, Internal> {
        let rules = self.rules();
        let outlook = self.store.read(move |tx: &Tx| Look::new(tx, &rules, routes, now)?.outlook());
        Ok(outlook.await?)
    }
}

/// How many messages wait in each lane that is not to be skipped.
pub(super) fn waiting(tx: &Tx, rules: &Rules, now: Timestamp) -> Result<Vec<Waiting>, StoreError> {
    let lanes = tx.due_by_lane(now)?;
    let waiting = lanes.into_iter().map(|(lane, count)| Waiting { lane: Lane::read(&lane), count });
    Ok(waiting.filter(|waiting| !is_closed(rules, &waiting.lane)).collect())
}

fn is_closed(rules: &Rules, lane: &Lane) -> bool {
    rules.protection.countries.closes(lane.kind, lane.country)
}

struct Look<'a> {
    tx: &'a Tx<'a>,
    now: Timestamp,
    send_timeout: Duration,
    prospects: Prospects,
    /// `None`: no route has a budget, so that it does not matter how long a message is.
    amounts: Option<Amounts<'a>>,
    lanes: Vec<OpenLane>,
}

/// A lane that may have something to say.
struct OpenLane {
    text: String,
    lane: Lane,
    /// Its channel is closed to its country: all of it is skipped.
    skipped: bool,
    /// Read and not looked at yet.
    rows: VecDeque<DueAttempt>,
    /// The last that was read.
    last: Option<(Timestamp, AttemptId)>,
    /// How many are to be read next.
    chunk: u32,
    /// Nothing is left to be read.
    exhausted: bool,
    /// What is left decides nothing.
    closed: bool,
    passed: u32,
    skipped_count: u32,
}

/// The place of a lane's next attempt in the order: those for which somebody waits come first, then the due time decides.
type Place = Reverse<(bool, Timestamp, AttemptId, usize)>;

impl<'a> Look<'a> {
    fn new(tx: &'a Tx<'a>, rules: &'a Rules, routes: Vec<RouteView>, now: Timestamp) -> Result<Self, StoreError> {
        let limited = routes.iter().any(|route| !route.budget.sms.limits().windows().is_empty());
        let amounts = limited.then(|| Amounts { tx, rules, autofill: BTreeMap::new() });
        let prospects = Prospects::new(routes, &rules.routing, now);
        let lanes = tx.due_lanes(now)?.into_iter().map(|text| OpenLane::new(text, rules)).collect();
        Ok(Self { tx, now, send_timeout: rules.send_timeout, prospects, amounts, lanes })
    }

    fn outlook(mut self) -> Result<Outlook, StoreError> {
        let mut outlook = Outlook::default();
        let mut heads = BinaryHeap::new();
        let mut worth_while = self.is_worth_while();
        for index in 0..self.lanes.len() {
            if worth_while {
                heads.extend(self.head(index, &mut outlook)?);
            }
        }
        while let Some(Reverse((.., index))) = heads.pop()
            && worth_while
        {
            let Some(row) = self.lanes[index].rows.pop_front() else { continue };
            let steps = outlook.steps.len();
            let goes_on = self.place(index, row, &mut outlook)?;
            self.lanes[index].closed |= !goes_on;
            let head = if goes_on { self.head(index, &mut outlook)? } else { None };
            heads.extend(head);
            if head.is_none() || outlook.steps.len() > steps {
                worth_while = self.is_worth_while();
            }
        }
        for lane in self.lanes.iter().filter(|lane| !lane.is_over() && !lane.skipped) {
            if let Choice::Queue { until, .. } = self.prospects.choose(&need(&lane.lane, 1, None)) {
                outlook.until = outlook.until.into_iter().chain(until).min();
            }
        }
        Ok(outlook)
    }

    /// Whether anything of a lane that is still open could go on.
    fn is_worth_while(&self) -> bool {
        self.lanes.iter().filter(|lane| !lane.is_over()).any(|lane| {
            let need = need(&lane.lane, 1, None);
            lane.skipped || self.prospects.may_go(&need) || !self.prospects.is_routable(&need)
        })
    }

    /// The place of the lane's next attempt.
    fn head(&mut self, index: usize, outlook: &mut Outlook) -> Result<Option<Place>, StoreError> {
        let lane = &mut self.lanes[index];
        if lane.rows.is_empty() && !lane.exhausted {
            let rows = self.tx.due_attempts(&lane.text, self.now, lane.last, lane.chunk)?;
            let read = u32::try_from(rows.len()).unwrap_or(CHUNK);
            outlook.rows += read;
            lane.exhausted = read < lane.chunk;
            lane.chunk = CHUNK;
            lane.last = rows.last().map(|row| (row.due, row.id)).or(lane.last);
            lane.rows = rows.into();
        }
        let place = |row: &DueAttempt| {
            let later = !counts_as_first(&lane.lane, row.due, self.send_timeout, self.now);
            Reverse((later, row.due, row.id, index))
        };
        Ok(lane.rows.front().map(place))
    }

    /// Gives an attempt its place. Says whether its lane has anything further to say.
    fn place(&mut self, index: usize, row: DueAttempt, outlook: &mut Outlook) -> Result<bool, StoreError> {
        let lane = &mut self.lanes[index];
        let amount = match &mut self.amounts {
            Some(amounts) if lane.lane.kind == EventKind::Sms => amounts.of(&row)?,
            Some(_) | None => 1,
        };
        // Of a PIN that is dead already another one takes the place.
        let pin_end = row.pin_end.filter(|end| *end > self.now);
        let due = Due { attempt: row.id, due: row.due, lane: lane.lane.clone(), amount, pin_end };
        if lane.skipped {
            return Ok(lane.skip(due, CLOSED, outlook));
        }
        let choice = self.prospects.choose(&due.need());
        self.prospects.note(&due.need(), &choice);
        match choice {
            Choice::Take(route) => {
                let route = Ok(self.prospects.route(route).name.clone());
                outlook.steps.push(Step { due, route });
                Ok(true)
            }
            Choice::Queue { until, .. } => {
                outlook.until = outlook.until.into_iter().chain(until).min();
                lane.passed += 1;
                let need = need(&lane.lane, 1, None);
                // What cannot go on anyhow counts for others only as far as it decides something for them.
                let counts = self.prospects.may_go(&need) || !self.prospects.is_past_overflow(&need);
                Ok(counts && lane.passed < LOOK)
            }
            // All of the lane ask the same.
            Choice::Wait => Ok(false),
            Choice::Nothing => Ok(lane.skip(due, NO_ROUTE, outlook)),
        }
    }
}

impl OpenLane {
    fn new(text: String, rules: &Rules) -> Self {
        let lane = Lane::read(&text);
        Self {
            skipped: is_closed(rules, &lane),
            lane,
            text,
            rows: VecDeque::new(),
            last: None,
            chunk: CHUNK_FIRST,
            exhausted: false,
            closed: false,
            passed: 0,
            skipped_count: 0,
        }
    }

    /// Says whether the look goes on with the lane.
    fn skip(&mut self, due: Due, reason: &'static str, outlook: &mut Outlook) -> bool {
        outlook.steps.push(Step { due, route: Err(reason) });
        self.skipped_count += 1;
        self.skipped_count < SKIPPED
    }

    fn is_over(&self) -> bool {
        self.closed || (self.exhausted && self.rows.is_empty())
    }
}
