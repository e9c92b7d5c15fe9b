//! The watch over a modem at rest: registration, signal, operator, storage.
//!
//! Unsolicited lines tell most of it; a poll every 30 s tells what they missed and shows that the modem still answers.
//! One question at a time, at the lowest priority. Where none of `+CREG`, `+CGREG`, `+CEREG` is understood the modem
//! counts as registered: it cannot say otherwise, and a submit will.
//!
//! A SIM that is not registered for a while is asked after, for a modem may lose it without a word.
//!
//! It must never ask `AT+COPS=?`: it blocks for minutes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::at::{
    self, AtError, Command, Domain, ErrorClass, Event, Operator, Priority, Registration, RegistrationState, Reply,
    Signal, SimState, Storage,
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
    /// Why messages cannot be sent.
    pub trouble: Option<Trouble>,
    /// Nothing more will be learnt of the operator at present.
    pub operator_known: bool,
    /// The SIM was asked after a while without a network, and it is not usable.
    pub sim_gone: bool,
}

/// Why a modem that answers has no network, by what the operator does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the network denies this SIM: ask its operator whether it is active, paid and not blocked")]
    Denied,
    #[error("only a foreign network is there, and roaming is forbidden: set roaming = true, or move the antenna")]
    RoamingForbidden,
    #[error("the network grants emergency calls only: check the SIM and its contract")]
    EmergencyOnly,
    #[error("the modem is not registered with a network; waiting for it")]
    Unregistered,
}

impl Trouble {
    /// Whether time alone does not mend it.
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Denied | Self::RoamingForbidden | Self::EmergencyOnly => true,
            Self::Unregistered => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Registration(Domain),
    Signal,
    Operator,
    Storage,
    Attention,
    Reselect,
    Sim,
}

#[derive(Debug)]
pub struct Network {
    roaming: bool,
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
    /// The operator was asked and has answered, or not.
    operator_known: bool,
    sim_gone: bool,
    questions: VecDeque<Question>,
    asked: Option<Question>,
}

impl Network {
    /// Begins to ask at once. Without `roaming` a foreign network counts as none.
    pub fn new(now: Duration, roaming: bool) -> Self {
        let mut network = Self {
            roaming,
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
            operator_known: false,
            sim_gone: false,
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
            // What lasts this long may be the SIM's fault, of which the modem said nothing.
            if self.unregistered_since.is_some_and(|since| now >= since + REGISTRATION_INTERVAL) {
                self.questions.push_back(Question::Sim);
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
            (Question::Operator, answer) => {
                self.operator = answer.ok().and_then(|reply| at::operator(&reply));
                self.operator_known = true;
            }
            (Question::Sim, answer) => {
                self.sim_gone = match at::sim_state(&answer) {
                    SimState::Ready | SimState::NotTold | SimState::Busy => false,
                    SimState::Pin | SimState::Puk | SimState::Locked(_) | SimState::Missing | SimState::Failure => true,
                };
            }
            (Question::Storage, Ok(reply)) => self.storage = at::storage_used(&reply).into_iter().next(),
            (Question::Attention | Question::Reselect, _) => {}
            (Question::Registration(_) | Question::Signal | Question::Storage, Err(_)) => {}
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
        // Where nothing is told nothing more will be.
        let operator_known = self.operator_known || self.tells_nothing();
        NetworkStatus {
            ready: self.is_ready(),
            registration: best.copied(),
            operator: self.operator.clone(),
            signal: self.signal,
            storage: self.storage.clone(),
            unregistered_for: self.unregistered_since.map(|since| now.saturating_sub(since)),
            silent: self.silent_polls >= SILENT_POLLS,
            trouble: self.trouble(),
            operator_known,
            sim_gone: self.sim_gone,
        }
    }

    fn is_ready(&self) -> bool {
        let usable = |state: RegistrationState| state.is_ready() && (self.roaming || !state.is_roaming());
        self.tells_nothing() || self.registrations.values().any(|registration| usable(registration.state))
    }

    fn trouble(&self) -> Option<Trouble> {
        if self.is_ready() {
            return None;
        }
        let any = |wanted: fn(RegistrationState) -> bool| self.registrations.values().any(|it| wanted(it.state));
        Some(if any(|state| state.is_ready() && state.is_roaming()) {
            Trouble::RoamingForbidden
        } else if any(|state| state == RegistrationState::Denied) {
            Trouble::Denied
        } else if any(|state| matches!(state, RegistrationState::EmergencyOnly | RegistrationState::Restricted)) {
            Trouble::EmergencyOnly
        } else {
            Trouble::Unregistered
        })
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
            self.operator_known = false;
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
            (self.operator, self.operator_known) = (None, false);
        }
    }

    /// A network that denies is not hammered.
    fn should_reselect(&self, now: Duration) -> bool {
        // Nor is one that is foreign left for another: the modem looks for its own by itself.
        let lasting = self.trouble().is_some_and(Trouble::is_lasting);
        self.unregistered_since.is_some() && !lasting && now >= self.next_reselect
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
            Self::Sim => Command::new("AT+CPIN?").within(seconds(10)).with_optional_final(),
            Self::Reselect => Command::new("AT+COPS=0").within(seconds(180)),
        };
        command.at_priority(Priority::Poll)
    }
}

#[cfg(test)]
mod tests;
