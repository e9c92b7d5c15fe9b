//! From a port that has just been opened to a modem that sends messages.
//!
//! ```text
//!  Wake ─ Attention ×5 ─ echo, results, errors ─ who are you ─ function ─ SIM ─┬─ ready ───────────► setting up
//!                │ silent                                                      ├─ PIN: number, counter,
//!                ▼                                                             │  permission, once ─► setting up
//!               Dead                                                           └─ else ─► Blocked
//!  setting up: IMSI, ICCID ─ character set ─ registration lines ─ PDU mode ─ phase 2+ ─ storage ─ routing
//!              ─ service centre ─ the profile's lines ─ signal ─► Ready
//! ```
//!
//! Everything but the SIM and PDU mode may be refused. Nothing is saved in the modem (`AT&W`): it wears the flash and
//! surprises other programs.
//!
//! **PIN.** A wrong PIN three times locks the SIM, so: none is given while fewer than two tries are left, each start-up
//! gives one at most until the SIM has accepted it, and before it asks with [`StartupStep::AskPinPermission`]. The
//! driver commits "this PIN was given to this SIM" before it permits and takes that back at
//! [`StartupStep::PinAccepted`]. While such a record of the same PIN stands it permits nothing, unless the SIM says that
//! all three tries are left (then the PIN was not refused: the program died in between). A crash loop so costs one try
//! and not three. A PUK is never given.
//!
//! It must never send `AT+CFUN=0`, `AT+COPS=?` or `AT+CLCK`.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::at::{self, AtError, Command, Reply, Routing, Signal, SimState, Storage};
use super::profile::Profile;

mod introduction;
mod setup;
mod sim;

use introduction::Introduction;
use setup::Setup;
pub use sim::PIN_TRIES_MIN;
use sim::Sim;

/// Commands in a row that may stay unanswered.
const SILENCE_MAX: u8 = 3;
/// Restarts of the modem during one start-up.
const RESTARTS_MAX: u8 = 3;
/// After a restart, until the modem is spoken to again.
const RESTART_PAUSE: Duration = Duration::from_secs(2);

/// A SIM PIN: four to eight digits (3GPP TS 31.101 §9.3). Shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct SimPin(Zeroizing<String>);

impl SimPin {
    /// `None`: not four to eight digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for SimPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What the start-up wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartupStep {
    /// Hand to the engine, and its reply to [`Startup::replied`].
    Submit(Command),
    /// May the PIN be given to this SIM (its number, or the modem's where it does not tell)? Answer with
    /// [`Startup::permit_pin`]. `tries_left`: where the modem tells.
    AskPinPermission { sim: String, tries_left: Option<u8> },
    /// The SIM accepted the PIN: no refusal to remember.
    PinAccepted { sim: String },
    /// Nothing until a reply or this instant.
    Wait(Option<Duration>),
    /// The end; said once.
    Done(Ended),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Ready(Box<Identity>),
    /// The modem answers, but its SIM lets nothing be sent. Start again in a while, or at [`at::Event::Sim`].
    Blocked(Blocked),
    /// No answer: the recovery ladder's turn.
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    #[error("no SIM in the modem; insert one")]
    SimMissing,
    #[error("SIM does not answer; take it out, clean and insert it")]
    SimFailure,
    #[error("SIM wants a PIN and none is configured; set sim_pin")]
    PinMissing,
    #[error("SIM refused this PIN before; correct sim_pin")]
    PinForbidden { sim: String },
    #[error("SIM refused the PIN; correct sim_pin before it is tried again")]
    PinRefused { sim: String },
    #[error("SIM has {left} PIN {} left; none is risked, enter the PIN in a phone once", if *left == 1 { "try" } else { "tries" })]
    PinTriesLow { left: u8 },
    #[error("SIM is locked and wants its PUK; unlock it in a phone")]
    Puk,
    #[error("modem is locked ({0}); unlock it with its provider's tools")]
    Locked(String),
    #[error("modem has no PDU mode; it cannot send messages for us")]
    NoPduMode,
}

/// What is known about modem and SIM after a start-up.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub profile: &'static Profile,
    pub maker: Option<String>,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub imei: Option<String>,
    pub imsi: Option<String>,
    pub iccid: Option<String>,
    /// The service centre's number; `None`: none set, or not told.
    pub service_centre: Option<String>,
    pub storage: Option<Storage>,
    /// How messages and reports arrive; `None`: the modem announces nothing, storage must be listed.
    pub routing: Option<Routing>,
    pub signal: Option<Signal>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("profile", &self.profile.name)
            .field("maker", &self.maker)
            .field("model", &self.model)
            .field("firmware", &self.firmware)
            .field("routing", &self.routing)
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}

/// Where the start-up stands: which command is out or next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Introduction(Introduction),
    Sim(Sim),
    Setup(Setup),
    Ended,
}

#[derive(Debug)]
pub struct Startup {
    pin: Option<SimPin>,
    profile_is_given: bool,
    identity: Identity,
    routings: Vec<Routing>,
    stage: Stage,
    /// The PIN was given, and the SIM has not accepted it so far.
    pin_is_out: bool,
    sleeps_until: Option<Duration>,
    silence: u8,
    restarts: u8,
    steps: VecDeque<StartupStep>,
}

impl Startup {
    /// `profile`: the configured one; `None` chooses it by what the modem says that it is.
    pub fn new(profile: Option<&'static Profile>, pin: Option<SimPin>) -> Self {
        let mut startup = Self {
            pin,
            profile_is_given: profile.is_some(),
            identity: Identity {
                profile: profile.unwrap_or(&super::profile::GENERIC),
                maker: None,
                model: None,
                firmware: None,
                imei: None,
                imsi: None,
                iccid: None,
                service_centre: None,
                storage: None,
                routing: None,
                signal: None,
            },
            routings: Vec::new(),
            stage: Stage::Introduction(Introduction::Wake),
            pin_is_out: false,
            sleeps_until: None,
            silence: 0,
            restarts: 0,
            steps: VecDeque::new(),
        };
        startup.enter(Introduction::Wake);
        startup
    }

    /// The profile in force so far; the engine's settings follow from it once the modem has said what it is.
    pub fn profile(&self) -> &'static Profile {
        self.identity.profile
    }

    pub fn poll(&mut self) -> StartupStep {
        self.steps.pop_front().unwrap_or(StartupStep::Wait(self.sleeps_until))
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        if self.sleeps_until.is_some_and(|until| until <= now) {
            self.sleeps_until = None;
            self.enter(self.stage);
        }
    }

    /// The answer to [`StartupStep::AskPinPermission`].
    pub fn permit_pin(&mut self, allowed: bool) {
        if self.stage != Stage::Sim(Sim::PinPermission) {
            return;
        }
        if allowed {
            self.pin_is_out = true;
            self.enter(Sim::EnterPin);
        } else {
            self.end(Ended::Blocked(Blocked::PinForbidden { sim: self.sim_name() }));
        }
    }

    /// The engine's reply to the last [`StartupStep::Submit`].
    pub fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        if self.stage == Stage::Sim(Sim::PinPermission) {
            return;
        }
        match &result {
            Err(AtError::Closed { .. }) => return self.end(Ended::Dead),
            Err(AtError::Rebooted { .. }) => return self.restarted(now),
            Err(error) if error.is_silence() => {
                self.silence += 1;
                if self.silence >= SILENCE_MAX
                    && !matches!(self.stage, Stage::Introduction(Introduction::Attention { .. }))
                {
                    return self.end(Ended::Dead);
                }
            }
            Ok(_) | Err(_) => self.silence = 0,
        }
        match self.stage {
            Stage::Introduction(stage) => self.introduced(stage, &result, now),
            Stage::Sim(stage) => self.sim_replied(stage, &result, now),
            Stage::Setup(stage) => self.set_up(stage, &result, now),
            Stage::Ended => {}
        }
    }

    /// The modem restarted in the middle: from the beginning, a few times.
    fn restarted(&mut self, now: Duration) {
        self.restarts += 1;
        self.silence = 0;
        if self.restarts > RESTARTS_MAX {
            self.end(Ended::Dead);
        } else {
            self.later(Introduction::Wake, now + RESTART_PAUSE);
        }
    }

    fn enter(&mut self, stage: impl Into<Stage>) {
        self.stage = stage.into();
        if let Some(command) = self.command() {
            self.steps.push_back(StartupStep::Submit(command));
        }
    }

    /// Enters `stage` at that instant.
    fn later(&mut self, stage: impl Into<Stage>, at: Duration) {
        self.stage = stage.into();
        self.sleeps_until = Some(at);
    }

    fn end(&mut self, ended: Ended) {
        self.stage = Stage::Ended;
        self.steps.push_back(StartupStep::Done(ended));
    }

    /// What the current stage sends.
    fn command(&self) -> Option<Command> {
        match self.stage {
            Stage::Introduction(stage) => Some(stage.command()),
            Stage::Sim(stage) => self.sim_command(stage),
            Stage::Setup(stage) => self.setup_command(stage),
            Stage::Ended => None,
        }
    }

    fn sim_number_command(&self) -> Command {
        let command = Command::new(self.identity.profile.iccid_line);
        command.answered_by("+ICCID").answered_by("+CCID").answered_by("^ICCID")
    }

    /// Names the SIM for the record of refused PINs.
    fn sim_name(&self) -> String {
        let modem = || self.identity.imei.as_ref().map(|imei| format!("imei:{imei}"));
        self.identity.iccid.clone().or_else(modem).unwrap_or_else(|| "unknown".to_owned())
    }
}

impl From<Introduction> for Stage {
    fn from(stage: Introduction) -> Self {
        Self::Introduction(stage)
    }
}

impl From<Sim> for Stage {
    fn from(stage: Sim) -> Self {
        Self::Sim(stage)
    }
}

impl From<Setup> for Stage {
    fn from(stage: Setup) -> Self {
        Self::Setup(stage)
    }
}

/// A command with its time-out in seconds.
fn within(line: &str, seconds: u64) -> Command {
    Command::new(line).within(Duration::from_secs(seconds))
}

/// Whether asking once more may help.
fn is_busy(result: &Result<Reply, AtError>) -> bool {
    matches!(result, Err(AtError::Refused(error)) if error.is_busy())
}

/// The state of the SIM, or `None` while the modem cannot tell it yet.
fn told_sim_state(result: &Result<Reply, AtError>) -> Option<SimState> {
    match at::sim_state(result) {
        SimState::Busy => None,
        state => Some(state),
    }
}

#[cfg(test)]
mod makes;
#[cfg(test)]
mod tests;
