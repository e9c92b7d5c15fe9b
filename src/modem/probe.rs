//! Asks a modem what it is and what it can do, without changing it.
//!
//! ```text
//!  ESC, AT ×3 ── silent: quiet (ATQ1)? ── who are you ── SIM, PIN tries ── network, signal ── messages, calls ── undo
//!     │ nothing at all                                                                                        ▲
//!     ▼                                                                         Ctrl-C, silence in the middle ┘
//!  the next speed of a UART, or Silent
//! ```
//!
//! It never enters a PIN, never switches the radio on, never starts a call. Where an answer cannot be had without a
//! setting (`ATQ0`, `AT+CMEE=1`) that setting is put back, also when the questions end early.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::at::{self, AtError, Command, ModemError, Operator, Registration, Reply, Signal, SimState, Storage};
use super::line::{Line, Said};
use super::profile::{GENERIC, Profile};

mod questions;

/// How long a port may take to show that a modem is on it.
struct Patience {
    /// Of `AT`: autobaud needs one to three.
    tries: usize,
    each: Duration,
    /// For the answer of a modem that gives no results; none: not asked.
    quiet: Option<Duration>,
}

const FIRST_RATE: Patience = Patience { tries: 3, each: Duration::from_secs(1), quiet: Some(Duration::from_secs(2)) };
/// A right speed answers at once.
const OTHER_RATE: Patience = Patience { tries: 2, each: Duration::from_millis(500), quiet: None };
/// Speeds that modems are set to, the usual ones first.
const RATES: [u32; 8] = [115_200, 9_600, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600];
/// Questions in a row that may stay unanswered: a modem that stops in the middle costs seconds.
const SILENCE_MAX: usize = 3;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// `positions`: what came was NMEA 0183.
    #[error("no modem answers: check baud_rate, cable and power supply")]
    Silent { positions: bool },
    #[error("the modem stopped answering in the middle: check its power supply, then try again")]
    FellSilent,
    #[error("the port was lost: check cable and power, then try again")]
    PortLost(#[from] io::Error),
    #[error("interrupted")]
    Interrupted,
}

/// What a modem says of itself. Holds whole numbers of modem and SIM: show them masked.
#[derive(Debug)]
pub struct Probed {
    /// The one that its make chooses.
    pub profile: &'static Profile,
    pub maker: Option<String>,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub imei: Option<String>,
    pub sim: SimState,
    pub pin_tries: Option<u8>,
    pub iccid: Option<String>,
    pub registration: Option<Registration>,
    pub operator: Option<Operator>,
    /// Of the whole band.
    pub signal: Option<Signal>,
    /// Of LTE's reference signal.
    pub reference_power: Option<Signal>,
    pub has_service_centre: bool,
    pub sms: Ability,
    pub voice: Ability,
    /// Each memory for messages once.
    pub storages: Vec<Storage>,
    /// Whether the modem shows a sound card on USB; `None`: it has none to show, or does not tell.
    pub sound_card: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    Able,
    Unable,
    /// The modem could, but where it is registered the network offers it on its own terms only (VoLTE).
    ByNetwork,
    NotTold,
}

/// Asks at `rate`, and while nothing answers at the other speeds that modems are set to. `open` opens the port at a speed.
/// Gives the speed that was answered at.
///
/// # Errors
///
/// [`ProbeError`], or what `open` fails with.
pub async fn at_any_rate<P, E>(
    rate: u32,
    open: impl AsyncFn(u32) -> Result<P, E>,
    stop: &CancellationToken,
) -> Result<(u32, Probed), E>
where
    P: AsyncRead + AsyncWrite + Unpin,
    E: From<ProbeError>,
{
    let first = probe(open(rate).await?, stop).await;
    let Err(ProbeError::Silent { positions: false }) = first else { return Ok((rate, first?)) };
    for other in RATES.into_iter().filter(|other| *other != rate) {
        let dialogue = Dialogue::new(open(other).await?, stop);
        match dialogue.run(OTHER_RATE).await {
            Err(ProbeError::Silent { .. }) => {}
            probed => return Ok((other, probed?)),
        }
    }
    Ok((rate, first?))
}

/// Asks the modem on `port` what it is. `stop` ends it early, its settings put back.
///
/// # Errors
///
/// See [`ProbeError`].
pub async fn probe<P: AsyncRead + AsyncWrite + Unpin>(port: P, stop: &CancellationToken) -> Result<Probed, ProbeError> {
    Dialogue::new(port, stop).run(FIRST_RATE).await
}

fn within(line: &str, seconds: u64) -> Command {
    Command::new(line).within(Duration::from_secs(seconds))
}

/// One question after the other.
struct Dialogue<'a, P> {
    line: Line<P>,
    stop: &'a CancellationToken,
    /// What puts the settings back, in the order of the changes.
    undo: Vec<String>,
    unanswered: usize,
    heard_positions: bool,
}

impl<'a, P: AsyncRead + AsyncWrite + Unpin> Dialogue<'a, P> {
    fn new(port: P, stop: &'a CancellationToken) -> Self {
        let line = Line::new(port, GENERIC.engine_settings(), Instant::now());
        Self { line, stop, undo: Vec::new(), unanswered: 0, heard_positions: false }
    }

    async fn run(mut self, patience: Patience) -> Result<Probed, ProbeError> {
        let asked = async {
            self.wake(&patience).await?;
            self.questions().await
        };
        let probed = asked.await;
        while let Some(setting) = self.undo.pop() {
            // Nothing can be put back through a port that is gone.
            if self.say(within(&setting, 2)).await.is_err() {
                break;
            }
        }
        probed
    }

    async fn wake(&mut self, patience: &Patience) -> Result<(), ProbeError> {
        let _ = self.ask(Command::wake()).await?;
        for _ in 0..patience.tries {
            match self.ask(Command::new("AT").within(patience.each)).await? {
                Err(error) if error.is_silence() => {}
                // A refusal is an answer too.
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        // A modem that was told to give no results (ATQ1) still answers questions.
        let signal = Command::new("AT+CSQ").with_optional_final();
        if let Some(quiet) = patience.quiet
            && self.ask(signal.within(quiet)).await?.is_ok()
        {
            self.undo.push("ATQ1".to_owned());
            if self.ask(within("ATQ0", 2)).await?.is_ok() {
                return Ok(());
            }
        }
        self.unanswered = 0;
        Err(ProbeError::Silent { positions: self.heard_positions })
    }

    /// The state of the SIM. Without numbers an error does not say whether a card is missing or locked.
    async fn sim(&mut self) -> Result<SimState, ProbeError> {
        let question = || within("AT+CPIN?", 10).with_optional_final();
        let told = self.ask(question()).await?;
        if !matches!(told, Err(AtError::Refused(ModemError::Plain))) {
            return Ok(at::sim_state(&told));
        }
        let form = self.ask(within("AT+CMEE?", 2)).await?;
        let form = form.ok().and_then(|reply| reply.values("+CMEE").last()?.trim().parse::<u8>().ok());
        let Some(form) = form.filter(|form| *form == 0) else { return Ok(at::sim_state(&told)) };
        self.undo.push(format!("AT+CMEE={form}"));
        let _ = self.ask(within("AT+CMEE=1", 2)).await?;
        Ok(at::sim_state(&self.ask(question()).await?))
    }

    /// The answer, unless the questions are to end.
    async fn ask(&mut self, command: Command) -> Result<Result<Reply, AtError>, ProbeError> {
        if self.stop.is_cancelled() {
            return Err(ProbeError::Interrupted);
        }
        let stop = self.stop;
        let asked = async {
            match self.say(command.clone()).await? {
                // Perhaps only a line that Huawei sticks repeat.
                Err(AtError::Rebooted { .. }) => self.say(command).await,
                answer => Ok(answer),
            }
        };
        let answer = tokio::select! {
            answer = asked => answer?,
            () = stop.cancelled() => return Err(ProbeError::Interrupted),
        };
        self.unanswered = match &answer {
            Err(error) if error.is_silence() => self.unanswered + 1,
            Ok(_) | Err(_) => 0,
        };
        Ok(answer)
    }

    async fn say(&mut self, command: Command) -> io::Result<Result<Reply, AtError>> {
        let asked = self.line.submit(command);
        loop {
            match self.line.next(None).await? {
                Said::Reply { id, result } if id == asked => return Ok(result),
                Said::Unsolicited(said) => self.heard_positions |= said.line.starts_with("$G"),
                Said::Reply { .. } | Said::Prompt { .. } | Said::Time => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
