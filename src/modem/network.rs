//! The watch over a modem at rest: registration, signal, operator, storage.
//!
//! Unsolicited lines tell most of it; a poll every 30 s tells what they missed and shows that the modem still answers.
//! One question at a time, at the lowest priority. Where none of `+CREG`, `+CGREG`, `+CEREG` is understood the modem
//! counts as registered: it cannot say otherwise, and a submit will.
//!
//! It must never ask `AT+COPS=?`: it blocks for minutes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::at::{
    self, AtError, Command, Domain, ErrorClass, Event, Operator, Priority, Registration, RegistrationState, Reply,
    Signal, Storage,
};

const REGISTRATION_INTERVAL: Duration = Duration::from_secs(30);
const SIGNAL_INTERVAL: Duration = Duration::from_secs(60);
/// Registration lost for this long: ask for automatic selection.
const RESELECT_AFTER: Duration = Duration::from_secs(300);
/// And not again before this: a selection takes up to three minutes.
const RESELECT_INTERVAL: Duration = Duration::from_secs(900);
/// A domain that the modem could not tell is asked again after this: it may have been asked too early.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(600);
/// Unanswered polls in a row after which the modem counts as silent.
const SILENT_POLLS: u32 = 2;

const DOMAINS: [Domain; 3] = [Domain::Circuit, Domain::Packet, Domain::Lte];

/// What the watch wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkStep {
    /// Hand to the engine, and its reply to [`Network::replied`].
    Submit(Command),
    /// Nothing until a reply, an unsolicited line or this instant.
    Wait(Option<Duration>),
}

/// What is known about the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkStatus {
    /// Messages can be sent.
    pub ready: bool,
    /// The best registration of all domains.
    pub registration: Option<Registration>,
    pub operator: Option<Operator>,
    pub signal: Option<Signal>,
    pub storage: Option<Storage>,
    /// How long no domain has been registered.
    pub unregistered_for: Option<Duration>,
    /// The modem does not answer polls: time for the recovery ladder.
    pub silent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Registration(Domain),
    Signal,
    Operator,
    Storage,
    Attention,
    Reselect,
}

#[derive(Debug)]
pub struct Network {
    registrations: BTreeMap<Domain, Registration>,
    /// Domains whose question is refused, or answered with nothing.
    unknown: BTreeSet<Domain>,
    next_unknown: Duration,
    operator: Option<Operator>,
    signal: Option<Signal>,
    storage: Option<Storage>,
    unregistered_since: Option<Duration>,
    next_registration: Duration,
    next_signal: Duration,
    next_reselect: Duration,
    silent_polls: u32,
    questions: VecDeque<Question>,
    asked: Option<Question>,
}

impl Network {
    /// Begins to ask at once.
    pub fn new(now: Duration) -> Self {
        let mut network = Self {
            registrations: BTreeMap::new(),
            unknown: BTreeSet::new(),
            next_unknown: now + UNKNOWN_INTERVAL,
            operator: None,
            signal: None,
            storage: None,
            unregistered_since: Some(now),
            next_registration: now,
            next_signal: now,
            next_reselect: now + RESELECT_AFTER,
            silent_polls: 0,
            questions: VecDeque::new(),
            asked: None,
        };
        network.handle_timeout(now);
        network
    }

    pub fn poll(&mut self) -> NetworkStep {
        if self.asked.is_none()
            && let Some(question) = self.questions.pop_front()
        {
            self.asked = Some(question);
            return NetworkStep::Submit(question.command());
        }
        let due = self.next_registration.min(self.next_signal);
        NetworkStep::Wait(self.asked.is_none().then_some(due))
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        if self.asked.is_some() {
            return;
        }
        if now >= self.next_registration {
            self.next_registration = now + REGISTRATION_INTERVAL;
            let asks_all = now >= self.next_unknown;
            if asks_all {
                self.next_unknown = now + UNKNOWN_INTERVAL;
            }
            for domain in DOMAINS.into_iter().filter(|domain| asks_all || !self.unknown.contains(domain)) {
                self.questions.push_back(Question::Registration(domain));
            }
            if self.tells_nothing() {
                self.questions.push_back(Question::Attention);
            }
            if self.should_reselect(now) {
                self.next_reselect = now + RESELECT_INTERVAL;
                self.questions.push_back(Question::Reselect);
            }
        }
        if now >= self.next_signal {
            self.next_signal = now + SIGNAL_INTERVAL;
            self.questions.extend([Question::Signal, Question::Storage]);
        }
    }

    /// The engine's reply to the last [`NetworkStep::Submit`].
    pub fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        let Some(question) = self.asked.take() else { return };
        self.silent_polls = match &result {
            Err(error) if error.is_silence() => self.silent_polls.saturating_add(1),
            Ok(_) | Err(_) => 0,
        };
        match (question, result) {
            (Question::Registration(domain), Ok(reply)) => match Registration::answer(domain, &reply) {
                Some(registration) => self.registered(registration, now),
                None => self.cannot_tell(domain, now),
            },
            (Question::Registration(domain), Err(AtError::Refused(error))) => match error.class() {
                // The SIM or the modem is not up: that says nothing about the question.
                ErrorClass::Busy | ErrorClass::NotReady => {}
                _ => self.cannot_tell(domain, now),
            },
            (Question::Signal, Ok(reply)) => self.signal = at::signal(&reply),
            (Question::Operator, Ok(reply)) => self.operator = at::operator(&reply),
            (Question::Storage, Ok(reply)) => self.storage = at::storage_used(&reply).into_iter().next(),
            (Question::Attention | Question::Reselect, _) => {}
            (Question::Registration(_) | Question::Signal | Question::Operator | Question::Storage, Err(_)) => {}
        }
        self.handle_timeout(now);
    }

    pub fn unsolicited(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Registration(registration) => self.registered(*registration, now),
            Event::StorageFull | Event::MessageStored { .. } | Event::StatusReportStored { .. } => {
                self.ask_soon(Question::Storage);
            }
            Event::Restarted
            | Event::PowerFailing
            | Event::Sim(_)
            | Event::Message { .. }
            | Event::StatusReport { .. }
            | Event::Damaged
            | Event::LateSubmit { .. }
            | Event::LateRefusal(_)
            | Event::Ring
            | Event::Other => {}
        }
    }

    pub fn status(&self, now: Duration) -> NetworkStatus {
        let best = self.registrations.values().max_by_key(|it| (it.state.is_ready(), it.access, it.domain));
        NetworkStatus {
            ready: self.is_ready(),
            registration: best.copied(),
            operator: self.operator.clone(),
            signal: self.signal,
            storage: self.storage.clone(),
            unregistered_for: self.unregistered_since.map(|since| now.saturating_sub(since)),
            silent: self.silent_polls >= SILENT_POLLS,
        }
    }

    fn is_ready(&self) -> bool {
        self.tells_nothing() || self.registrations.values().any(|registration| registration.state.is_ready())
    }

    /// Every question about registration is refused, and no line came unasked.
    fn tells_nothing(&self) -> bool {
        self.registrations.is_empty() && DOMAINS.iter().all(|domain| self.unknown.contains(domain))
    }

    fn registered(&mut self, registration: Registration, now: Duration) {
        self.unknown.remove(&registration.domain);
        let before = self.registrations.insert(registration.domain, registration);
        let is_news =
            before.is_none_or(|before| before.state != registration.state || before.area != registration.area);
        if is_news && registration.state.is_ready() {
            self.ask_soon(Question::Operator);
        }
        self.watch_readiness(now);
    }

    /// What was known of the domain stays: unsolicited lines may tell of it all the same.
    fn cannot_tell(&mut self, domain: Domain, now: Duration) {
        self.unknown.insert(domain);
        self.watch_readiness(now);
    }

    fn watch_readiness(&mut self, now: Duration) {
        if self.is_ready() {
            self.unregistered_since = None;
        } else if self.unregistered_since.is_none() {
            self.unregistered_since = Some(now);
            self.next_reselect = now + RESELECT_AFTER;
            self.operator = None;
        }
    }

    /// A network that denies is not hammered.
    fn should_reselect(&self, now: Duration) -> bool {
        let denied = self.registrations.values().any(|it| it.state == RegistrationState::Denied);
        self.unregistered_since.is_some() && !denied && now >= self.next_reselect
    }

    fn ask_soon(&mut self, question: Question) {
        if !self.questions.contains(&question) {
            self.questions.push_back(question);
        }
    }
}

impl Question {
    fn command(self) -> Command {
        let seconds = Duration::from_secs;
        let command = match self {
            Self::Registration(domain) => Command::new(format!("AT{}?", domain.name())).within(seconds(10)),
            Self::Signal => Command::new("AT+CSQ"),
            Self::Operator => Command::new("AT+COPS?").within(seconds(10)),
            Self::Storage => Command::new("AT+CPMS?").within(seconds(10)).with_optional_final(),
            Self::Attention => Command::new("AT"),
            Self::Reselect => Command::new("AT+COPS=0").within(seconds(180)),
        };
        command.at_priority(Priority::Poll)
    }
}

#[cfg(test)]
mod tests;
