//! The SIM: present, unlocked, or unlocked by us once.

use std::time::Duration;

use super::super::at::{self, AtError, ModemError, Reply, SimState};
use super::{Blocked, Ended, Stage, Startup, told_sim_state};

/// A SIM takes seconds after power-on, and some after its PIN.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A missing SIM is not there yet for this much of the patience; then it is missing.
const MISSING_PATIENCE: Duration = Duration::from_secs(3);
/// An accepted PIN may take this long to show; a SIM that still wants it then has refused it.
const PIN_SHOWS_WITHIN: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(1);
/// Below this no PIN is risked: the last try stays with the SIM's owner.
const PIN_TRIES_MIN: u8 = 2;

impl Startup {
    pub(super) fn sim_replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        match self.stage {
            Stage::Sim { patience } => self.sim_told(told_sim_state(&result), patience, now),
            Stage::SimNumberBeforePin => {
                self.identity.iccid = result.as_ref().ok().and_then(at::iccid);
                self.enter(Stage::PinCounter);
            }
            Stage::PinCounter => {
                let counter = self.identity.profile.pin_counter;
                match result.as_ref().ok().and_then(|reply| at::pin_tries_left(counter, reply)) {
                    Some(left) if left < PIN_TRIES_MIN => self.blocked(Blocked::PinTriesLow { left }),
                    Some(_) | None => {
                        self.stage = Stage::PinPermission;
                        let sim = self.sim_name();
                        self.steps.push_back(super::StartupStep::AskPinPermission { sim });
                    }
                }
            }
            Stage::EnterPin => self.pin_entered(&result, now),
            Stage::SimAfterPin { patience, settled } => {
                self.sim_told_after_pin(told_sim_state(&result), patience, settled, now);
            }
            _ => {}
        }
    }

    fn sim_told(&mut self, state: Option<SimState>, patience: Duration, now: Duration) {
        match state {
            Some(SimState::Ready | SimState::NotTold) => self.enter(Stage::Imsi { tries: 1 }),
            Some(SimState::Pin) if self.pin.is_none() => self.blocked(Blocked::PinMissing),
            Some(SimState::Pin) => self.enter(Stage::SimNumberBeforePin),
            Some(SimState::Puk) => self.blocked(Blocked::Puk),
            Some(SimState::Locked(lock)) => self.blocked(Blocked::Locked(lock)),
            Some(SimState::Missing) if now + PATIENCE >= patience + MISSING_PATIENCE => {
                self.blocked(Blocked::SimMissing)
            }
            Some(SimState::Missing | SimState::Failure | SimState::Busy) | None if now < patience => {
                self.later(Stage::Sim { patience }, now + INTERVAL);
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
                let stage = Stage::SimAfterPin { patience: now + PATIENCE, settled: false };
                self.later(stage, now + INTERVAL);
            }
        }
    }

    fn sim_told_after_pin(&mut self, state: Option<SimState>, patience: Duration, settled: bool, now: Duration) {
        match state {
            Some(SimState::Ready | SimState::NotTold) if settled => self.enter(Stage::Imsi { tries: 1 }),
            Some(SimState::Ready | SimState::NotTold) => {
                let settle = self.identity.profile.settle_after_pin;
                self.later(Stage::SimAfterPin { patience, settled: true }, now + settle);
            }
            Some(SimState::Puk) => self.blocked(Blocked::Puk),
            Some(SimState::Pin) if now + PATIENCE >= patience + PIN_SHOWS_WITHIN => self.pin_refused(),
            Some(SimState::Locked(lock)) => self.blocked(Blocked::Locked(lock)),
            Some(SimState::Pin | SimState::Missing | SimState::Failure | SimState::Busy) | None if now < patience => {
                self.later(Stage::SimAfterPin { patience, settled }, now + INTERVAL);
            }
            Some(SimState::Pin | SimState::Missing | SimState::Failure | SimState::Busy) | None => {
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
