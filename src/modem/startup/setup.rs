//! With an unlocked SIM: how messages are written, kept and announced.

use std::time::Duration;

use super::super::at::{self, AtError, Command, Domain, Reply};
use super::{Blocked, Ended, Startup, is_busy, within};

/// Some modems refuse PDU mode and storage for some seconds after power-on.
const TRIES_MAX: u8 = 10;
/// The SIM's subscriber number may be busy for a moment after the PIN.
const IMSI_TRIES_MAX: u8 = 5;
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    Imsi { tries: u8 },
    SimNumber,
    CharacterSet,
    RegistrationLines { domain: Domain, value: u8 },
    PduMode { tries: u8 },
    PhaseQuery,
    Phase,
    Storage { choice: usize, tries: u8 },
    RoutingQuery,
    Routing { choice: usize },
    ServiceCentre,
    ProfileLine { index: usize },
    Signal,
}

impl Startup {
    pub(super) fn setup_command(&self, stage: Setup) -> Option<Command> {
        Some(match stage {
            Setup::Imsi { .. } => within("AT+CIMI", 20),
            Setup::SimNumber => self.sim_number_command(),
            Setup::CharacterSet => within("AT+CSCS=\"GSM\"", 3),
            Setup::RegistrationLines { domain, value } => within(&format!("AT{}={value}", domain.name()), 3),
            Setup::PduMode { .. } => within("AT+CMGF=0", 3),
            Setup::PhaseQuery => within("AT+CSMS=?", 3),
            Setup::Phase => within("AT+CSMS=1", 3),
            Setup::Storage { choice, .. } => {
                within(&format!("AT+CPMS={}", self.identity.profile.storages.get(choice)?), 10).with_optional_final()
            }
            Setup::RoutingQuery => within("AT+CNMI=?", 10),
            Setup::Routing { choice } => within(&format!("AT+CNMI={}", self.routings.get(choice)?), 10),
            Setup::ServiceCentre => within("AT+CSCA?", 10),
            Setup::ProfileLine { index } => within(self.identity.profile.startup_lines.get(index)?, 10),
            Setup::Signal => within("AT+CSQ", 2),
        })
    }

    pub(super) fn set_up(&mut self, stage: Setup, result: &Result<Reply, AtError>, now: Duration) {
        let reply = result.as_ref().ok();
        match stage {
            Setup::Imsi { tries } if is_busy(result) && tries < IMSI_TRIES_MAX => {
                self.later(Setup::Imsi { tries: tries + 1 }, now + INTERVAL);
            }
            Setup::Imsi { .. } => {
                self.identity.imsi = reply.and_then(at::imsi);
                self.enter(Setup::SimNumber);
            }
            Setup::SimNumber => {
                self.identity.iccid = reply.and_then(at::iccid).or(self.identity.iccid.take());
                self.enter(Setup::CharacterSet);
            }
            Setup::CharacterSet => match self.identity.profile.domains.first() {
                Some(&domain) => self.enter(Setup::RegistrationLines { domain, value: 2 }),
                None => self.enter(Setup::PduMode { tries: 1 }),
            },
            Setup::RegistrationLines { domain, value } => self.registration_lines(result, domain, value),
            Setup::PduMode { tries } => match result {
                Ok(_) => self.enter(Setup::PhaseQuery),
                Err(_) if tries < TRIES_MAX => self.later(Setup::PduMode { tries: tries + 1 }, now + INTERVAL),
                Err(_) => self.blocked(Blocked::NoPduMode),
            },
            Setup::PhaseQuery => {
                let offers_phase_2 = reply.is_some_and(|reply| reply.values("+CSMS").any(|value| value.contains('1')));
                self.enter(if offers_phase_2 { Setup::Phase } else { Setup::Storage { choice: 0, tries: 1 } });
            }
            Setup::Phase => self.enter(Setup::Storage { choice: 0, tries: 1 }),
            Setup::Storage { choice, tries } => self.storage_set(result, choice, tries, now),
            Setup::RoutingQuery => {
                let ranges = reply.and_then(at::routing_ranges);
                self.routings = at::choose_routing(ranges.as_ref());
                self.enter(Setup::Routing { choice: 0 });
            }
            Setup::Routing { choice } => self.routing_set(result, choice),
            Setup::ServiceCentre => {
                self.identity.service_centre = reply.and_then(at::service_centre);
                self.profile_line(0);
            }
            Setup::ProfileLine { index } => self.profile_line(index + 1),
            Setup::Signal => {
                self.identity.signal = reply.and_then(at::signal);
                self.end(Ended::Ready(Box::new(self.identity.clone())));
            }
        }
    }

    /// `=2` tells the cell too; a modem that refuses it may know `=1`; what refuses both is polled.
    fn registration_lines(&mut self, result: &Result<Reply, AtError>, domain: Domain, value: u8) {
        let next = self.identity.profile.domains.iter().skip_while(|it| **it != domain).nth(1);
        match (result, value, next) {
            (Err(AtError::Refused(_)), 2, _) => self.enter(Setup::RegistrationLines { domain, value: 1 }),
            (_, _, Some(next)) => self.enter(Setup::RegistrationLines { domain: *next, value: 2 }),
            (_, _, None) => self.enter(Setup::PduMode { tries: 1 }),
        }
    }

    fn storage_set(&mut self, result: &Result<Reply, AtError>, choice: usize, tries: u8, now: Duration) {
        match result {
            Ok(reply) => {
                self.identity.storage = at::storage_used(reply).into_iter().next();
                self.enter(Setup::RoutingQuery);
            }
            Err(_) if is_busy(result) && tries < TRIES_MAX => {
                self.later(Setup::Storage { choice, tries: tries + 1 }, now + INTERVAL);
            }
            Err(_) if choice + 1 < self.identity.profile.storages.len() => {
                self.enter(Setup::Storage { choice: choice + 1, tries })
            }
            Err(_) => self.enter(Setup::RoutingQuery),
        }
    }

    fn routing_set(&mut self, result: &Result<Reply, AtError>, choice: usize) {
        if result.is_ok() {
            self.identity.routing = self.routings.get(choice).copied();
        } else if choice + 1 < self.routings.len() {
            return self.enter(Setup::Routing { choice: choice + 1 });
        }
        self.enter(Setup::ServiceCentre);
    }

    fn profile_line(&mut self, index: usize) {
        let has_line = index < self.identity.profile.startup_lines.len();
        self.enter(if has_line { Setup::ProfileLine { index } } else { Setup::Signal });
    }
}
