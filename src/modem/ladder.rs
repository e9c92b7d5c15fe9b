//! What the driver does with a modem that is not at work: the rungs of the recovery ladder, rests, falls.
//!
//! [`super::recovery`] plans, this carries out, and the log has what was tried and how that ended. It never touches a
//! message: none is in hand here, and what comes goes back.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{error, info, warn};

use super::at::{Command, Event};
use super::driver::{Driver, Mail, Next};
use super::line::{Line, Said};
use super::port::PortAddress;
use super::recovery::{Attempt, Rung};
use crate::channel::register::ModemFact;
use crate::clock::millis;

/// So many times gone or restarted within this time: the power supply is named as the likely cause.
const FALLS_MAX: usize = 3;
const FALLS_WITHIN: Duration = Duration::from_secs(600);

impl Driver {
    /// One rung of the recovery ladder; the log has what was tried and how that ended.
    pub(super) async fn climb<P>(
        &mut self,
        line: &mut Line<P>,
        mail: &mut Mail,
        attempt: Attempt,
        trouble: &str,
    ) -> Next
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let Attempt { rung, pause, wait_for_port, alarm } = attempt;
        let name = self.config.name.clone();
        if alarm {
            error!(name: "modem.lost", modem = name, "{trouble} whatever is tried; check its power, cable and SIM");
            self.note(ModemFact::Exhausted { reason: trouble.to_owned() });
        }
        if let Some(before) = self.rung.replace(rung) {
            warn!(
                name: "modem.step_failed",
                modem = name, rung = before.number(), step = %before,
                "the last step did not help"
            );
            self.note(ModemFact::StepEnded { rung: before.number(), helped: false });
        }
        self.surroundings.board.explain(&name, Some(trouble));
        self.surroundings.metrics.recovery_step(&name, rung.as_str());
        warn!(
            name: "modem.recovering",
            modem = name,
            rung = rung.number(),
            pause_ms = millis(pause),
            step = %rung,
            failures = self.recovery.failures(),
            "{trouble}; recovering"
        );
        self.note(ModemFact::Step { rung: rung.number(), step: rung.to_string(), reason: trouble.to_owned() });
        let until = line.now() + pause;
        match self.rest(line, mail, until, false).await {
            Next::SamePort => {}
            other => return other,
        }
        match rung {
            Rung::Wake => Next::SamePort,
            Rung::Reopen => Next::OpenAgain { wait_for_port },
            Rung::Reinitialise => {
                let answer = self.command(line, mail, "ATZ").await;
                info!(name: "modem.reinitialised", modem = name, rung = rung.number(), answer, "ATZ was sent");
                Next::SamePort
            }
            Rung::Reset => {
                let answer = self.command(line, mail, self.profile.reset_line).await;
                let command = self.profile.reset_line;
                info!(
                    name: "modem.reset",
                    modem = name, rung = rung.number(), answer, command, wait_ms = millis(wait_for_port),
                    "the reset was sent"
                );
                self.reset_lasts(line, mail, wait_for_port).await
            }
        }
    }

    /// A modem that resets leaves its port, or stays and says that it has restarted, or is back without a word.
    async fn reset_lasts<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, longest: Duration) -> Next
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let until = line.now() + longest;
        match self.rest(line, mail, until, false).await {
            Next::SamePort => Next::OpenAgain { wait_for_port: Duration::ZERO },
            other => other,
        }
    }

    /// Sends a command; says how it was answered.
    async fn command<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, text: &str) -> String
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let id = line.submit(Command::new(text));
        let driver = &*self;
        let answered = async {
            loop {
                match line.next(None).await {
                    Ok(Said::Reply { id: replied, result }) if replied == id => {
                        return result.map_or_else(|error| error.to_string(), |_| "OK".to_owned());
                    }
                    Ok(Said::Unsolicited(said)) => driver.take_directly(&said).await,
                    Ok(Said::Reply { .. } | Said::Prompt { .. } | Said::Time) => {}
                    Err(error) => return format!("the port is gone ({error})"),
                }
            }
        };
        mail.meanwhile(driver, answered).await.unwrap_or_else(|| "the daemon stops".to_owned())
    }

    pub(super) fn lost(&mut self, error: &std::io::Error, now: Duration) -> Next {
        self.complain(&format!("the port is gone ({error}); waiting for it to come back"));
        self.surroundings.metrics.port_lost(&self.config.name);
        self.fell(now);
        Next::OpenAgain { wait_for_port: self.recovery.port_lost() }
    }

    /// The modem was gone or restarted, by itself.
    pub(super) fn fell(&mut self, now: Duration) {
        self.falls.retain(|fall| now < *fall + FALLS_WITHIN);
        self.falls.push(now);
        if self.falls.len() >= FALLS_MAX {
            let advice = match self.config.address {
                PortAddress::Device(_) | PortAddress::Simulator(_) => {
                    "check its power supply (up to 2 A; a powered hub) and its cable"
                }
                PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } => {
                    "check whether another program takes the port from this one, the network, and the modem's power supply"
                }
            };
            warn!(
                name: "modem.unstable",
                modem = self.config.name,
                times = self.falls.len(),
                "the modem vanishes or restarts again and again: {advice}"
            );
            self.note(ModemFact::Unstable { times: self.falls.len() });
            self.falls.clear();
        }
    }

    /// Listens until the instant, or until the SIM says something if `for_sim`.
    pub(super) async fn rest<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, until: Duration, for_sim: bool) -> Next
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let driver = &*self;
        let rested = async {
            loop {
                match line.next(Some(until)).await {
                    Err(error) => return Err(error),
                    Ok(Said::Time) => return Ok(()),
                    Ok(Said::Unsolicited(said)) => {
                        driver.take_directly(&said).await;
                        let event = said.event();
                        if matches!(event, Event::Restarted) || (for_sim && matches!(event, Event::Sim(_))) {
                            return Ok(());
                        }
                    }
                    Ok(Said::Reply { .. } | Said::Prompt { .. }) => {}
                }
            }
        };
        match mail.meanwhile(driver, rested).await {
            None => Next::Stop,
            Some(Ok(())) => Next::SamePort,
            Some(Err(error)) => self.lost(&error, line.now()),
        }
    }
}
