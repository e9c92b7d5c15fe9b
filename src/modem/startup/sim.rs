//! The SIM: present, unlocked, or unlocked by us once.

use std::time::Duration;

use super::super::at::{self, AtError, Command, ModemError, Reply, SimState};
use super::setup::Setup;
use super::{Blocked, Ended, Startup, StartupStep, told_sim_state, within};

/// A SIM takes seconds after power-on, and some after its PIN.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A missing SIM is not there yet for this much of the patience; then it is missing.
const MISSING_PATIENCE: Duration = Duration::from_secs(3);
/// An accepted PIN may take this long to show; a SIM that still wants it then has refused it.
const PIN_SHOWS_WITHIN: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(1);
/// Below this no PIN is risked: the last try stays with the SIM's owner.
pub const PIN_TRIES_MIN: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sim {
    /// Until `patience` ends a SIM that is not up yet is asked again.
    State {
        patience: Duration,
    },
    NumberBeforePin,
    PinCounter,
    PinPermission,
    EnterPin,
    /// `settled`: it has said that it is ready, and time has passed since.
    AfterPin {
        patience: Duration,
        settled: bool,
    },
}

impl Sim {
    pub(super) fn from(now: Duration) -> Self {
        Self::State { patience: now + PATIENCE }
    }
}

impl Startup {
    pub(super) fn sim_command(&self, stage: Sim) -> Option<Command> {
        match stage {
            Sim::State { .. } | Sim::AfterPin { .. } => Some(within("AT+CPIN?", 10).with_optional_final()),
            Sim::NumberBeforePin => Some(self.sim_number_command()),
            Sim::PinCounter => Some(within(self.identity.profile.pin_counter.command(), 10)),
            Sim::PinPermission => None,
            Sim::EnterPin => self.pin.as_ref().map(|pin| Command::enter_pin(&pin.0)),
        }
    }

    pub(super) fn sim_replied(&mut self, stage: Sim, result: &Result<Reply, AtError>, now: Duration) {
        match stage {
            Sim::State { patience } => self.sim_told(told_sim_state(result), patience, now),
            Sim::NumberBeforePin => {
                self.identity.iccid = result.as_ref().ok().and_then(at::iccid);
                self.enter(Sim::PinCounter);
            }
            Sim::PinCounter => {
                let counter = self.identity.profile.pin_counter;
                match result.as_ref().ok().and_then(|reply| at::pin_tries_left(counter, reply)) {
                    Some(left) if left < PIN_TRIES_MIN => self.blocked(Blocked::PinTriesLow { left }),
                    tries_left => {
                        self.enter(Sim::PinPermission);
                        let sim = self.sim_name();
                        self.steps.push_back(StartupStep::AskPinPermission { sim, tries_left });
                    }
                }
            }
            // Asked of the driver, not of the modem.
            Sim::PinPermission => {}
            Sim::EnterPin => self.pin_entered(result, now),
            Sim::AfterPin { patience, settled } => {
                self.sim_told_after_pin(told_sim_state(result), patience, settled, now);
            }
        }
    }

    fn sim_told(&mut self, state: Option<SimState>, patience: Duration, now: Duration) {
        match state {
            Some(SimState::Ready | SimState::NotTold) => self.enter(Setup::Imsi { tries: 1 }),
            Some(SimState::Pin) if self.pin.is_none() => self.blocked(Blocked::PinMissing),
            // The modem restarted before it was known what became of the PIN.
            Some(SimState::Pin) if self.pin_is_out => self.pin_refused(),
            Some(SimState::Pin) => self.enter(Sim::NumberBeforePin),
            Some(SimState::Puk) => self.blocked(Blocked::Puk),
            Some(SimState::Locked(lock)) => self.blocked(Blocked::Locked(lock)),
            Some(SimState::Missing) if now + PATIENCE >= patience + MISSING_PATIENCE => {
                self.blocked(Blocked::SimMissing)
            }
            Some(SimState::Missing | SimState::Failure | SimState::Busy) | None if now < patience => {
                self.later(Sim::State { patience }, now + INTERVAL);
            }
            Some(SimState::Missing | SimState::Failure | SimState::Busy) | None => self.blocked(Blocked::SimFailure),
        }
    }

    /// The PIN is never given again, whatever came back: only the SIM's state tells what became of it.
    fn pin_entered(&mut self, result: &Result<Reply, AtError>, now: Duration) {
        match result {
            Err(AtError::Refused(ModemError::Cme(12 | 18) | ModemError::Cms(316))) => self.blocked(Blocked::Puk),
            Err(AtError::Refused(error)) if !error.is_busy() => self.pin_refused(),
            Ok(_) | Err(_) => {
                let stage = Sim::AfterPin { patience: now + PATIENCE, settled: false };
                self.later(stage, now + INTERVAL);
            }
        }
    }

    fn sim_told_after_pin(&mut self, state: Option<SimState>, patience: Duration, settled: bool, now: Duration) {
        match state {
            Some(SimState::Ready) if settled => self.enter(Setup::Imsi { tries: 1 }),
            Some(SimState::Ready) => {
                self.pin_is_out = false;
                self.steps.push_back(StartupStep::PinAccepted { sim: self.sim_name() });
                let settle = self.identity.profile.settle_after_pin;
                self.later(Sim::AfterPin { patience, settled: true }, now + settle);
            }
            Some(SimState::Puk) => self.blocked(Blocked::Puk),
            Some(SimState::Pin) if now + PATIENCE >= patience + PIN_SHOWS_WITHIN => self.pin_refused(),
            Some(SimState::Locked(lock)) => self.blocked(Blocked::Locked(lock)),
            Some(SimState::Pin | SimState::NotTold | SimState::Missing | SimState::Failure | SimState::Busy) | None
                if now < patience =>
            {
                self.later(Sim::AfterPin { patience, settled }, now + INTERVAL);
            }
            Some(SimState::Pin | SimState::NotTold | SimState::Missing | SimState::Failure | SimState::Busy) | None => {
                self.blocked(Blocked::SimFailure);
            }
        }
    }

    fn pin_refused(&mut self) {
        let sim = self.sim_name();
        self.blocked(Blocked::PinRefused { sim });
    }

    pub(super) fn blocked(&mut self, blocked: Blocked) {
        self.end(Ended::Blocked(blocked));
    }
}
