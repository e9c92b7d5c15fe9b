//! What comes in: messages and delivery reports, from their announcement until the modem needs to keep them no longer.
//!
//! ```text
//!  start, every 10 min, 80 % full, damaged ─► memories ─► CPMS ─► CMGL ─┐
//!  +CMTI, +CDSI ────────────────────────────────────────► CPMS ─► CMGR ─┼─► Keep ─┬─ kept ──► CMGD (stored), CNMA (direct)
//!  +CMT, +CDS ──────────────────────────────────────────────────────────┘         └─ failed ► it stays; CNMA=2
//! ```
//!
//! One command, or one message on its way to the database, at a time: a flood costs an outgoing message one command's
//! wait and this program no memory. What was announced goes out at the priority of messages, because a report may settle
//! an uncertain one in time; the listing that is only a safety net waits until nothing else does.
//!
//! It must never delete or acknowledge what is not on record, never read and delete in one, and never delete in another
//! memory than the one it read from.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::at::{self, AtError, Command, Event, Reply, Routing, Storage, StoredMessage};

mod question;

use question::{Question, Task, memories_to_list};

/// Announcements get lost; a listing finds what they told of.
const SCAN_INTERVAL: Duration = Duration::from_secs(600);
/// After messages that could not be read or kept, or a listing that was asked for in a hurry.
const SCAN_PAUSE: Duration = Duration::from_secs(60);
/// After a listing that was not answered: some modems hang in it now and then.
const SILENT_SCAN_INTERVAL: Duration = Duration::from_secs(3600);
/// From here on a storage is emptied at once: a full one takes neither messages nor reports.
const PERCENT_FULL: u8 = 80;
/// Announced messages that wait to be read one by one; beyond that a listing is quicker.
const ANNOUNCED_MAX: usize = 64;
/// Messages that came directly and wait to be kept. A modem that awaits acknowledgements sends one at a time.
const DIRECT_MAX: usize = 256;
/// Between two repairs of the routing.
const ROUTE_INTERVAL: Duration = Duration::from_secs(60);
/// So often in a row the network is asked to deliver a damaged message again; then it is kept as it came.
const DAMAGED_MAX: u8 = 2;
/// `+CMS ERROR: 340`, no acknowledgement expected: the modem runs without them.
const NONE_EXPECTED: u16 = 340;

/// What the conversation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncomingStep {
    /// Hand to the engine, and its reply to [`Incoming::replied`].
    Submit(Command),
    /// Put on record, or use; then [`Incoming::kept`].
    Keep(RawMessage),
    /// For the operator; each is said once a session.
    Tell(Trouble),
    /// Nothing until a reply, an unsolicited line or this instant.
    Wait(Option<Duration>),
}

/// A PDU as the modem printed it, in hex; empty if the modem had nothing to show. Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct RawMessage(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Messages came faster than they could be kept, from a modem that waits for no acknowledgement.
    Flooded,
    /// The storage stays nearly full of what is not ours to delete.
    FullOfOthers,
}

/// Where a message lies. `memory`: the one chosen when it was read; none: whichever the modem begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    memory: Option<String>,
    index: u16,
}

/// Where the message came from that is being kept.
#[derive(Debug)]
enum Origin {
    Direct,
    Stored(Place),
}

/// A listing that is wanted.
#[derive(Debug)]
struct Scan {
    memory: Option<String>,
    hurry: bool,
}

pub struct Incoming {
    routing: Option<Routing>,
    /// Those to list; none until the modem was asked.
    memories: Option<Vec<String>>,
    /// The memory that `AT+CMGR`, `AT+CMGL` and `AT+CMGD` work on, once it was chosen.
    selected: Option<String>,
    /// Memories that the modem does not let us choose.
    unselectable: BTreeSet<String>,
    direct: VecDeque<String>,
    damaged: u8,
    announced: VecDeque<Place>,
    /// What was read alone.
    read: Option<(Place, String)>,
    listed: VecDeque<(Place, String)>,
    deletions: VecDeque<Place>,
    replies: VecDeque<Question>,
    scans: VecDeque<Scan>,
    next_scan: Duration,
    next_hurry: Duration,
    next_route: Duration,
    asked: Option<Question>,
    keeping: Option<Origin>,
    /// The last hurried listing left messages that are not ours.
    others_left: bool,
    telling: VecDeque<Trouble>,
    told: BTreeSet<Trouble>,
}

impl Incoming {
    /// Begins with a listing: messages came while nobody was here. One that came directly then is refused, so that the
    /// network delivers it again. `routing` is the one in force.
    pub fn new(routing: Option<Routing>, now: Duration) -> Self {
        let refusal = delivers_directly(routing).then_some(Question::Acknowledge { kept: false });
        Self {
            routing,
            memories: None,
            selected: None,
            unselectable: BTreeSet::new(),
            direct: VecDeque::new(),
            damaged: 0,
            announced: VecDeque::new(),
            read: None,
            listed: VecDeque::new(),
            deletions: VecDeque::new(),
            replies: refusal.into_iter().collect(),
            scans: VecDeque::new(),
            next_scan: now + SCAN_INTERVAL,
            next_hurry: now,
            next_route: now,
            asked: None,
            keeping: None,
            others_left: false,
            telling: VecDeque::new(),
            told: BTreeSet::new(),
        }
    }

    pub fn poll(&mut self) -> IncomingStep {
        if let Some(trouble) = self.telling.pop_front() {
            return IncomingStep::Tell(trouble);
        }
        if self.asked.is_some() || self.keeping.is_some() {
            return IncomingStep::Wait(None);
        }
        if let Some(question) = self.replies.pop_front() {
            return self.ask(question);
        }
        while let Some(Place { memory, index }) = self.deletions.pop_front() {
            // Elsewhere the same index is another message.
            if memory == self.selected || memory.as_ref().is_some_and(|memory| !self.unselectable.contains(memory)) {
                return self.on(memory, Task::Delete { index });
            }
        }
        if let Some(pdu) = self.direct.pop_front() {
            return self.keep(Origin::Direct, pdu);
        }
        if let Some((place, pdu)) = self.read.take() {
            return self.keep(Origin::Stored(place), pdu);
        }
        if let Some(place) = self.announced.pop_front() {
            return self.on(place.memory, Task::Read { index: place.index, again: false });
        }
        if let Some((place, pdu)) = self.listed.pop_front() {
            return self.keep(Origin::Stored(place), pdu);
        }
        if self.memories.is_none() {
            return self.ask(Question::Memories);
        }
        match self.scans.pop_front() {
            Some(Scan { memory, hurry }) => self.on(memory, Task::List { hurry }),
            None => IncomingStep::Wait(Some(self.next_scan)),
        }
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        if now >= self.next_scan {
            self.next_scan = now + SCAN_INTERVAL;
            // What could not be chosen may have been busy.
            self.unselectable.clear();
            self.plan_scan(false);
        }
    }

    /// `second`: the line behind that of the event, for what is left of a damaged message.
    pub fn unsolicited(&mut self, event: &Event, second: Option<&str>, now: Duration) {
        match event {
            Event::Message { pdu } | Event::StatusReport { pdu } => {
                self.damaged = 0;
                self.came_directly(pdu);
            }
            Event::MessageStored { storage, index } | Event::StatusReportStored { storage, index } => {
                self.was_announced(storage, *index, now);
            }
            Event::StorageFull => self.hurry(now),
            Event::Damaged => self.came_damaged(second, now),
            Event::Restarted
            | Event::PowerFailing
            | Event::Registration(_)
            | Event::Sim(_)
            | Event::LateSubmit { .. }
            | Event::LateRefusal(_)
            | Event::Ring
            | Event::Other => {}
        }
    }

    /// How full the modem says that its storages are.
    pub fn storage_told(&mut self, storages: &[Storage], now: Duration) {
        if !storages.iter().any(|storage| storage.percent_used() >= PERCENT_FULL) {
            self.others_left = false;
            return;
        }
        if self.others_left {
            // Listing it more often would not empty it.
            return self.tell(Trouble::FullOfOthers);
        }
        self.hurry(now);
    }

    /// The engine's reply to the last [`IncomingStep::Submit`].
    pub fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        match self.asked.take() {
            Some(Question::Memories) => {
                self.memories = Some(result.as_ref().map(memories_to_list).unwrap_or_default());
                self.plan_scan(false);
            }
            Some(Question::Select { memory, task }) => self.chosen(memory, task, result.is_ok()),
            Some(Question::Task(Task::List { hurry })) => self.list(result, hurry, now),
            Some(Question::Task(Task::Read { index, again })) => self.read(result, index, again, now),
            Some(Question::Task(Task::Delete { .. })) => {
                // The next listing finds it, and it is known by then; there is no hurry to read it again.
                if result.is_err() {
                    self.next_hurry = now + SCAN_INTERVAL;
                }
            }
            Some(Question::Route) | None => {}
            Some(Question::Acknowledge { kept }) => {
                let expected = result != Err(AtError::Refused(at::ModemError::Cms(NONE_EXPECTED)));
                if !kept || (result.is_err() && expected) {
                    self.repair_routing(now);
                }
            }
        }
    }

    /// The answer to [`IncomingStep::Keep`]: whether it is on record, or was used.
    pub fn kept(&mut self, kept: bool, now: Duration) {
        match self.keeping.take() {
            Some(Origin::Direct) => self.replies.push_back(Question::Acknowledge { kept }),
            Some(Origin::Stored(place)) if kept => {
                // Once deleted, its place may hold another message.
                self.listed.retain(|(other, _)| *other != place);
                self.deletions.push_back(place);
            }
            Some(Origin::Stored(_)) => {
                // The others would fare no better; all of them lie where they are.
                self.listed.clear();
                self.announced.clear();
                self.next_scan = self.next_scan.min(now + SCAN_PAUSE);
            }
            None => {}
        }
    }

    /// The session ends: what came directly and lies nowhere else.
    pub fn take_direct(&mut self) -> Vec<RawMessage> {
        self.direct.drain(..).map(RawMessage).collect()
    }

    fn came_directly(&mut self, pdu: &str) {
        if self.direct.len() < DIRECT_MAX {
            self.direct.push_back(pdu.to_owned());
        } else {
            self.tell(Trouble::Flooded);
        }
    }

    /// An announcement that cannot be read: a listing finds what it was about. A message that came directly lies nowhere:
    /// the network has it, and a better line may bring it whole.
    fn came_damaged(&mut self, pdu: Option<&str>, now: Duration) {
        self.hurry(now);
        if !delivers_directly(self.routing) {
            return;
        }
        self.damaged = self.damaged.saturating_add(1);
        if self.damaged > DAMAGED_MAX {
            self.came_directly(pdu.unwrap_or_default());
        } else if self.replies.is_empty() {
            self.replies.push_back(Question::Acknowledge { kept: false });
        }
    }

    fn was_announced(&mut self, storage: &str, index: u16, now: Duration) {
        let place = Place { memory: Some(storage.to_owned()), index };
        if self.announced.contains(&place) {
            return;
        }
        if self.announced.len() >= ANNOUNCED_MAX {
            self.announced.clear();
            return self.hurry(now);
        }
        self.announced.push_back(place);
    }

    fn hurry(&mut self, now: Duration) {
        if now >= self.next_hurry {
            self.next_hurry = now + SCAN_PAUSE;
            self.next_scan = now + SCAN_INTERVAL;
            self.plan_scan(true);
        } else {
            self.next_scan = self.next_scan.min(self.next_hurry);
        }
    }

    fn plan_scan(&mut self, hurry: bool) {
        let Some(memories) = &self.memories else { return };
        self.scans = match memories.as_slice() {
            [] => [Scan { memory: None, hurry }].into(),
            memories => memories.iter().map(|memory| Scan { memory: Some(memory.clone()), hurry }).collect(),
        };
    }

    /// Does a task on a memory, which has to be chosen first if another one is.
    fn on(&mut self, memory: Option<String>, task: Task) -> IncomingStep {
        match memory {
            Some(memory) if self.selected.as_ref() != Some(&memory) && !self.unselectable.contains(&memory) => {
                self.ask(Question::Select { memory, task })
            }
            Some(_) | None => self.ask(Question::Task(task)),
        }
    }

    fn chosen(&mut self, memory: String, task: Task, chosen: bool) {
        if chosen {
            self.selected = Some(memory);
        } else {
            // A modem that refuses the choice may have one memory only: it is read from, but what was read from another
            // place is not deleted here.
            self.unselectable.insert(memory);
            if matches!(task, Task::Delete { .. }) {
                return;
            }
        }
        self.replies.push_front(Question::Task(task));
    }

    fn list(&mut self, result: Result<Reply, AtError>, hurry: bool, now: Duration) {
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => {
                if error.is_silence() {
                    self.next_scan = now + SILENT_SCAN_INTERVAL;
                }
                return;
            }
        };
        let mut others = false;
        for message in at::listed_messages(&reply) {
            let Some(index) = message.index else { continue };
            let place = Place { memory: self.selected.clone(), index };
            if !message.was_received() {
                others = true;
            } else if message.complete {
                self.listed.push_back((place, message.pdu));
            } else {
                // Read alone it may come whole.
                self.announced.push_back(place);
            }
        }
        if hurry {
            self.others_left |= others;
        }
    }

    fn read(&mut self, result: Result<Reply, AtError>, index: u16, again: bool, now: Duration) {
        let Ok(reply) = result else {
            // The SIM may have been busy.
            self.next_scan = self.next_scan.min(now + SCAN_PAUSE);
            return;
        };
        let place = Place { memory: self.selected.clone(), index };
        match at::read_message(&reply) {
            Some(message) if !message.was_received() => {}
            Some(StoredMessage { complete: false, .. }) if !again => {
                self.replies.push_front(Question::Task(Task::Read { index, again: true }));
            }
            Some(message) => self.read = Some((place, message.pdu)),
            // An empty place.
            None => {}
        }
    }

    /// A command is under way.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Something was announced, listed or read that is not on record yet.
    pub fn has_more(&self) -> bool {
        let (listed, read) = (!self.listed.is_empty(), self.read.is_some() || self.keeping.is_some());
        !self.announced.is_empty() || !self.replies.is_empty() || listed || read
    }

    /// An acknowledgement that was missed ends direct delivery until it is asked for again (3GPP TS 27.005 §3.4.4).
    fn repair_routing(&mut self, now: Duration) {
        if self.routing.is_some() && now >= self.next_route {
            self.next_route = now + ROUTE_INTERVAL;
            self.replies.push_back(Question::Route);
        }
    }

    fn keep(&mut self, origin: Origin, pdu: String) -> IncomingStep {
        self.keeping = Some(origin);
        IncomingStep::Keep(RawMessage(pdu))
    }

    fn ask(&mut self, question: Question) -> IncomingStep {
        let command = question.command(self.routing);
        self.asked = Some(question);
        IncomingStep::Submit(command)
    }

    fn tell(&mut self, trouble: Trouble) {
        if self.told.insert(trouble) {
            self.telling.push_back(trouble);
        }
    }
}

fn delivers_directly(routing: Option<Routing>) -> bool {
    routing.is_some_and(|routing| routing.messages >= 2 || routing.reports == 1)
}

impl std::fmt::Debug for RawMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawMessage <{} octets>", self.0.len() / 2)
    }
}

impl std::fmt::Debug for Incoming {
    /// Without what came in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("asked", &self.asked)
            .field("keeping", &self.keeping)
            .field("direct", &self.direct.len())
            .field("announced", &self.announced.len())
            .field("listed", &self.listed.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
