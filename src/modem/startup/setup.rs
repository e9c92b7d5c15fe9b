//! With an unlocked SIM: how messages are written, kept and announced.

use std::time::Duration;

use super::super::at::{self, AtError, Command, Domain, Reply};
use super::{Blocked, Ended, Stage, Startup, is_busy};

/// Some modems refuse PDU mode and storage for some seconds after power-on.
const TRIES_MAX: u8 = 10;
/// The SIM's subscriber number may be busy for a moment after the PIN.
const IMSI_TRIES_MAX: u8 = 5;
const INTERVAL: Duration = Duration::from_secs(1);

/// The domains whose changes are to be told unasked, in the order in which they are set up.
const DOMAINS: [Domain; 3] = [Domain::Circuit, Domain::Packet, Domain::Lte];

/// Three memories; Wavecom knows two; some know one; phones without messages on the SIM have their own.
const STORAGES: [&str; 4] = ["\"SM\",\"SM\",\"SM\"", "\"SM\",\"SM\"", "\"SM\"", "\"ME\",\"ME\",\"ME\""];

pub(super) fn storage_command(choice: usize) -> Command {
    let memories = STORAGES.get(choice).copied().unwrap_or(STORAGES[0]);
    Command::new(format!("AT+CPMS={memories}")).within(Duration::from_secs(10)).with_optional_final()
}

impl Startup {
    pub(super) fn set_up(&mut self, result: Result<Reply, AtError>, now: Duration) {
        let reply = result.as_ref().ok();
        match self.stage {
            Stage::Imsi { tries } if is_busy(&result) && tries < IMSI_TRIES_MAX => {
                self.later(Stage::Imsi { tries: tries + 1 }, now + INTERVAL);
            }
            Stage::Imsi { .. } => {
                self.identity.imsi = reply.and_then(at::imsi);
                self.enter(Stage::SimNumber);
            }
            Stage::SimNumber => {
                self.identity.iccid = reply.and_then(at::iccid).or(self.identity.iccid.take());
                self.enter(Stage::CharacterSet);
            }
            Stage::CharacterSet => self.enter(Stage::RegistrationLines { domain: DOMAINS[0], value: 2 }),
            Stage::RegistrationLines { domain, value } => self.registration_lines(&result, domain, value),
            Stage::PduMode { tries } => match result {
                Ok(_) => self.enter(Stage::PhaseQuery),
                Err(_) if tries < TRIES_MAX => self.later(Stage::PduMode { tries: tries + 1 }, now + INTERVAL),
                Err(_) => self.blocked(Blocked::NoPduMode),
            },
            Stage::PhaseQuery => {
                let offers_phase_2 = reply.is_some_and(|reply| reply.values("+CSMS").any(|value| value.contains('1')));
                self.enter(if offers_phase_2 { Stage::Phase } else { Stage::Storage { choice: 0, tries: 1 } });
            }
            Stage::Phase => self.enter(Stage::Storage { choice: 0, tries: 1 }),
            Stage::Storage { choice, tries } => self.storage_set(&result, choice, tries, now),
            Stage::RoutingQuery => {
                let ranges = reply.and_then(at::routing_ranges);
                self.routings = at::choose_routing(ranges.as_ref());
                self.enter(Stage::Routing { choice: 0 });
            }
            Stage::Routing { choice } => self.routing_set(&result, choice),
            Stage::ServiceCentre => {
                self.identity.service_centre = reply.and_then(at::service_centre);
                self.profile_line(0);
            }
            Stage::ProfileLine { index } => self.profile_line(index + 1),
            Stage::Signal => {
                self.identity.signal = reply.and_then(at::signal);
                self.end(Ended::Ready(Box::new(self.identity.clone())));
            }
            _ => {}
        }
    }

    /// `=2` tells the cell too; a modem that refuses it may know `=1`; what refuses both is polled.
    fn registration_lines(&mut self, result: &Result<Reply, AtError>, domain: Domain, value: u8) {
        let next = DOMAINS.iter().skip_while(|it| **it != domain).nth(1);
        match (result, value, next) {
            (Err(AtError::Refused(_)), 2, _) => self.enter(Stage::RegistrationLines { domain, value: 1 }),
            (_, _, Some(next)) => self.enter(Stage::RegistrationLines { domain: *next, value: 2 }),
            (_, _, None) => self.enter(Stage::PduMode { tries: 1 }),
        }
    }

    fn storage_set(&mut self, result: &Result<Reply, AtError>, choice: usize, tries: u8, now: Duration) {
        match result {
            Ok(reply) => {
                self.identity.storage = at::storage_used(reply).into_iter().next();
                self.enter(Stage::RoutingQuery);
            }
            Err(_) if is_busy(result) && tries < TRIES_MAX => {
                self.later(Stage::Storage { choice, tries: tries + 1 }, now + INTERVAL);
            }
            Err(_) if choice + 1 < STORAGES.len() => self.enter(Stage::Storage { choice: choice + 1, tries }),
            Err(_) => self.enter(Stage::RoutingQuery),
        }
    }

    fn routing_set(&mut self, result: &Result<Reply, AtError>, choice: usize) {
        if result.is_ok() {
            self.identity.routing = self.routings.get(choice).copied();
        } else if choice + 1 < self.routings.len() {
            return self.enter(Stage::Routing { choice: choice + 1 });
        }
        self.enter(Stage::ServiceCentre);
    }

    fn profile_line(&mut self, index: usize) {
        let has_line = index < self.identity.profile.startup_lines.len();
        self.enter(if has_line { Stage::ProfileLine { index } } else { Stage::Signal });
    }
}
