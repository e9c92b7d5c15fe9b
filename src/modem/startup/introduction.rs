//! From the first byte to a modem that is on and has said what it is.

use std::time::Duration;

use super::super::at::{self, AtError, Command, Reply};
use super::super::profile::Profile;
use super::sim::Sim;
use super::{Ended, Startup, within};

/// Tries of `AT` until the modem counts as dead. Autobaud needs one to three.
const ATTENTION_TRIES_MAX: u8 = 5;

/// What ends a call before the make is known: 3GPP TS 27.007 §6.5, else ITU-T V.250 §6.3.6.
const HANG_UP: [&str; 2] = ["AT+CHUP", "ATH"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Introduction {
    Wake,
    Attention {
        tries: u8,
    },
    /// The command at this place of [`HANG_UP`].
    HangUp {
        line: usize,
    },
    EchoOff,
    Verbose,
    ErrorNumbers,
    Maker,
    Model,
    Firmware,
    Imei,
    Information,
    FunctionQuery,
    FunctionOn,
}

impl Introduction {
    pub(super) fn command(self) -> Command {
        match self {
            Self::Wake => Command::wake(),
            // A modem that was told to be quiet (ATQ1) is told to speak on the last tries.
            Self::Attention { tries } if tries + 1 >= ATTENTION_TRIES_MAX => within("ATQ0", 3),
            // Autobaud eats the first ones; after them a modem may be slow.
            Self::Attention { tries: 1 | 2 } => within("AT", 1),
            Self::Attention { .. } => within("AT", 3),
            Self::HangUp { line } => within(HANG_UP[line], 5),
            Self::EchoOff => within("ATE0", 2),
            Self::Verbose => within("ATV1", 2),
            Self::ErrorNumbers => within("AT+CMEE=1", 2),
            Self::Maker => within("AT+CGMI", 5),
            Self::Model => within("AT+CGMM", 5),
            Self::Firmware => within("AT+CGMR", 5),
            Self::Imei => within("AT+CGSN", 5),
            Self::Information => within("ATI", 5).answered_by_any_line(),
            Self::FunctionQuery => within("AT+CFUN?", 10),
            Self::FunctionOn => within("AT+CFUN=1", 15),
        }
    }
}

impl Startup {
    pub(super) fn introduced(&mut self, stage: Introduction, result: &Result<Reply, AtError>, now: Duration) {
        let reply = result.as_ref().ok();
        match stage {
            Introduction::Wake => self.enter(Introduction::Attention { tries: 1 }),
            // A refusal is an answer too: some peers do not know a bare AT.
            Introduction::Attention { tries } => match result {
                Err(error) if error.is_silence() && tries >= ATTENTION_TRIES_MAX => self.end(Ended::Dead),
                Err(error) if error.is_silence() => self.enter(Introduction::Attention { tries: tries + 1 }),
                Ok(_) | Err(_) if self.hangs_up => self.enter(Introduction::HangUp { line: 0 }),
                Ok(_) | Err(_) => self.enter(Introduction::EchoOff),
            },
            // A modem that knows none of them makes no calls.
            Introduction::HangUp { line } if result.is_err() && line + 1 < HANG_UP.len() => {
                self.enter(Introduction::HangUp { line: line + 1 });
            }
            Introduction::HangUp { .. } => self.enter(Introduction::EchoOff),
            Introduction::EchoOff => self.enter(Introduction::Verbose),
            Introduction::Verbose => self.enter(Introduction::ErrorNumbers),
            Introduction::ErrorNumbers => self.enter(Introduction::Maker),
            Introduction::Maker => {
                self.identity.maker = reply.and_then(|reply| at::identity_line(reply, "+CGMI"));
                self.enter(Introduction::Model);
            }
            Introduction::Model => {
                self.identity.model = reply.and_then(|reply| at::identity_line(reply, "+CGMM"));
                self.enter(Introduction::Firmware);
            }
            Introduction::Firmware => {
                self.identity.firmware = reply.and_then(|reply| at::identity_line(reply, "+CGMR"));
                self.enter(Introduction::Imei);
            }
            Introduction::Imei => {
                self.identity.imei = reply.and_then(at::imei);
                match self.identity.model {
                    None => self.enter(Introduction::Information),
                    Some(_) => self.identified(),
                }
            }
            Introduction::Information => {
                self.identity.model = reply.and_then(|reply| at::identity_line(reply, "ATI"));
                self.identified();
            }
            Introduction::FunctionQuery => match reply.and_then(function) {
                None | Some(1) => self.enter(Sim::from(now)),
                Some(_) => self.enter(Introduction::FunctionOn),
            },
            Introduction::FunctionOn => self.enter(Sim::from(now)),
        }
    }

    fn identified(&mut self) {
        if !self.profile_is_given {
            let maker = self.identity.maker.as_deref().unwrap_or_default();
            let model = self.identity.model.as_deref().unwrap_or_default();
            self.identity.profile = Profile::of(maker, model);
        }
        self.enter(Introduction::FunctionQuery);
    }
}

/// `+CFUN: 1[,…]`; 1 is full function. Setting it needlessly costs seconds and drops some modems off the bus.
fn function(reply: &Reply) -> Option<u8> {
    reply.values("+CFUN").last()?.split(',').next()?.trim().parse().ok()
}
