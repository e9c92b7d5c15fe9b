//! Sends one message by hand, without a daemon: starts the modem up as the daemon does. Wants a port of its own.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::at::{AtError, CommandId};
use super::calling::{self, Calling, CallingStep, Studio, Voice};
use super::driver::ModemConfig;
use super::line::{Line, Said};
use super::network::{Network, NetworkStep, Trouble};
use super::profile::{GENERIC, Profile};
use super::sending;
use super::sms::{Sms, SmsStep};
use super::startup::{Blocked, Ended, SimPin, Startup, StartupStep};
use crate::channel::{Message, Outcome};
use crate::phone::PhoneNumber;

/// How long a modem may take to find its network before a message is given up.
const REGISTRATION_PATIENCE: Duration = Duration::from_secs(60);

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    #[error("no modem answers: try the device's other ports, check baud_rate and the power supply")]
    Silent,
    #[error("the port was lost: check cable and power, then try again")]
    PortLost(#[from] io::Error),
    #[error("{0}")]
    Blocked(Blocked),
    #[error("the modem finds no network within 60 s: check antenna, SIM and contract")]
    NoNetwork,
    #[error("{0}")]
    Network(Trouble),
    #[error("the message cannot be encoded: {0}")]
    Encoding(String),
}

/// What a start-up asks and tells about the SIM's PIN, for the record that keeps a refused PIN from being tried again.
#[derive(Clone, Debug)]
pub enum PinQuestion {
    /// May the PIN be given to this SIM?
    MayTry { sim: String, tries_left: Option<u8> },
    /// The SIM took it. The answer does not matter.
    Accepted { sim: String },
}

/// Starts the modem on `port` up and sends `message`, without a delivery report, which nobody would wait for.
///
/// # Errors
///
/// See [`ByHandError`]; nothing has been sent then. What the network says is in the [`Outcome`].
pub async fn send<P: AsyncRead + AsyncWrite + Unpin>(
    port: P,
    config: &ModemConfig,
    message: &Message,
    concat_reference: u8,
    pin_record: impl AsyncFn(PinQuestion) -> bool,
) -> Result<Outcome, ByHandError> {
    let parts = sending::parts(message, false, concat_reference).map_err(ByHandError::Encoding)?;
    let settings = config.profile.unwrap_or(&GENERIC).engine_settings();
    let mut line = Line::new(port, settings, Instant::now());
    let profile = start_up(&mut line, config, pin_record).await?;
    line.configure(profile.engine_settings());
    wait_for_network(&mut line, config).await?;
    Ok(carry_out(&mut line, Sms::new(parts, profile.submit_timeout)).await)
}

/// Starts the modem on `port` up, calls the number and says what is to be said.
///
/// # Errors
///
/// See [`ByHandError`]; nobody has been called then. How the call went is in the [`Outcome`].
pub async fn call<P: AsyncRead + AsyncWrite + Unpin>(
    port: P,
    config: &ModemConfig,
    number: PhoneNumber,
    said: calling::Said,
    studio: Studio,
    pin_record: impl AsyncFn(PinQuestion) -> bool,
) -> Result<Outcome, ByHandError> {
    let settings = config.profile.unwrap_or(&GENERIC).engine_settings();
    let mut line = Line::new(port, settings, Instant::now());
    let profile = start_up(&mut line, config, pin_record).await?;
    line.configure(profile.engine_settings());
    wait_for_network(&mut line, config).await?;
    let mut calling = Calling::new(number, &profile.calls, config.voice.clone(), said, studio);
    loop {
        let due = match calling.poll(&mut line) {
            CallingStep::AskPermission => {
                calling.permitted(true, line.now());
                continue;
            }
            CallingStep::Done(end, fault) => return Ok(calling::outcome(&end, fault)),
            CallingStep::Wait(due) => due,
        };
        tokio::select! {
            news = calling.news() => calling.hear(news, line.now()),
            said = line.next(due) => match said {
                Ok(Said::Reply { id, result }) => {
                    // What ends the sound path has no further reader.
                    let _ = calling.replied(id, result, line.now());
                }
                Ok(Said::Unsolicited(said)) => calling.unsolicited(&said.line, line.now()),
                Ok(Said::Time) => calling.handle_timeout(line.now()),
                Ok(Said::Prompt { .. }) => {}
                Err(_) => {
                    line.close();
                    calling.port_lost(line.now());
                }
            },
        }
    }
}

async fn carry_out<P: AsyncRead + AsyncWrite + Unpin>(line: &mut Line<P>, mut machine: Sms) -> Outcome {
    let mut submit = None;
    let mut lost = false;
    loop {
        match machine.poll() {
            SmsStep::Done(outcome) => return sending::outcome(outcome).0,
            SmsStep::Submit(_) if lost => machine.replied(Err(AtError::Closed { submitted: false }), line.now()),
            SmsStep::Wait(_) if lost => {
                return Outcome::Uncertain { references: vec![], reason: "the port was lost".to_owned() };
            }
            SmsStep::Submit(command) => submit = Some(line.submit(command)),
            SmsStep::AskPermission { .. } => machine.permit(),
            SmsStep::Proceed(pdu) => {
                // A submit that has ended meanwhile says so with its reply.
                let _ = submit.is_some_and(|id| line.proceed(id, pdu.hex()));
            }
            SmsStep::Abandon => {
                let _ = submit.is_some_and(|id| line.abandon(id));
            }
            SmsStep::Wait(until) => match line.next(until).await {
                Ok(said) => hear(&mut machine, submit, said, line.now()),
                Err(_) => {
                    // What is out gets its reply: the machine knows whether it may be on its way.
                    lost = true;
                    line.close();
                    while let Some(said) = line.take() {
                        hear(&mut machine, submit, said, line.now());
                    }
                    machine.withdraw();
                }
            },
        }
    }
}

fn hear(machine: &mut Sms, submit: Option<CommandId>, said: Said, now: Duration) {
    match said {
        Said::Reply { id, result } if Some(id) == submit => machine.replied(result, now),
        Said::Prompt { .. } => machine.prompted(),
        Said::Time => machine.handle_timeout(now),
        Said::Reply { .. } | Said::Unsolicited(_) => {}
    }
}

async fn start_up<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    config: &ModemConfig,
    pin_record: impl AsyncFn(PinQuestion) -> bool,
) -> Result<&'static Profile, ByHandError> {
    let pin = config.sim_pin.as_ref().and_then(|pin| SimPin::parse(pin));
    let mut startup = Startup::new(config.profile, pin);
    if config.voice != Voice::None {
        startup.hang_up_first();
    }
    loop {
        match startup.poll() {
            StartupStep::Submit(command) => {
                line.submit(command);
            }
            StartupStep::AskPinPermission { sim, tries_left } => {
                startup.permit_pin(pin_record(PinQuestion::MayTry { sim, tries_left }).await);
            }
            StartupStep::PinAccepted { sim } => {
                pin_record(PinQuestion::Accepted { sim }).await;
            }
            StartupStep::Wait(until) => match line.next(until).await? {
                Said::Reply { result, .. } => startup.replied(result, line.now()),
                Said::Time => startup.handle_timeout(line.now()),
                Said::Unsolicited(_) | Said::Prompt { .. } => {}
            },
            StartupStep::Done(Ended::Ready(identity)) => return Ok(identity.profile),
            StartupStep::Done(Ended::Blocked(blocked)) => return Err(ByHandError::Blocked(blocked)),
            StartupStep::Done(Ended::Dead) => return Err(ByHandError::Silent),
        }
    }
}

async fn wait_for_network<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    config: &ModemConfig,
) -> Result<(), ByHandError> {
    let mut network = Network::new(line.now(), config.roaming);
    let deadline = line.now() + REGISTRATION_PATIENCE;
    let mut asked = None;
    loop {
        let due = match network.poll() {
            NetworkStep::Submit(command) => {
                asked = Some(line.submit(command));
                continue;
            }
            NetworkStep::Wait(due) => due,
        };
        let now = line.now();
        let status = network.status(now);
        // Its questions end before the message begins.
        if status.ready && asked.is_none() {
            return Ok(());
        }
        if now >= deadline || status.silent {
            let lasting = status.trouble.filter(|trouble| trouble.is_lasting());
            return Err(lasting.map_or(ByHandError::NoNetwork, ByHandError::Network));
        }
        match line.next(Some(due.unwrap_or(deadline).min(deadline))).await? {
            Said::Reply { id, result } if Some(id) == asked => {
                asked = None;
                network.replied(result, line.now());
            }
            Said::Unsolicited(said) => network.unsolicited(&said.event(), line.now()),
            Said::Time => network.handle_timeout(line.now()),
            Said::Reply { .. } | Said::Prompt { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::MessageText;
    use crate::modem::port::PortAddress;
    use crate::phone::PhoneNumber;
    use crate::simulator::{Settings, Simulator};
    use crate::verification::{AttemptId, EventKind};

    fn config() -> ModemConfig {
        ModemConfig {
            name: "sim1".to_owned(),
            address: PortAddress::Simulator("sim1".to_owned()),
            baud_rate: 115_200,
            profile: None,
            sim_pin: None,
            roaming: true,
            delivery_reports: true,
            voice: Voice::None,
            readings: 3,
        }
    }

    fn message(number: &str, text: &str) -> Message {
        Message {
            attempt: AttemptId::new(0),
            request: None,
            kind: EventKind::Sms,
            number: PhoneNumber::parse(number, None).expect("a number"),
            text: MessageText::new(text.to_owned()),
            call: None,
            particulars: None,
            pin_end: None,
            validity: Duration::from_secs(3600),
        }
    }

    async fn never(_: PinQuestion) -> bool {
        panic!("no PIN is asked for")
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_by_hand_reaches_the_phone() {
        let simulator = Simulator::start(Settings::default());
        let mut events = simulator.events();
        let port = simulator.open().await.expect("a port");
        let outcome = send(port, &config(), &message("447700900123", "Grüße"), 1, never).await.expect("started");
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        let sms = events.recv().await.expect("an event").to_string();
        assert!(sms.starts_with("SMS to +447700900123") && sms.ends_with(": Grüße"), "{sms}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pin_is_given_only_with_permission() {
        for (permitted, expected) in [(true, true), (false, false)] {
            let simulator = Simulator::start(Settings::default().with("pin", "1234"));
            let port = simulator.open().await.expect("a port");
            let config = ModemConfig { sim_pin: Some("1234".to_owned().into()), ..config() };
            let sent = send(port, &config, &message("447700900123", "x"), 1, async |_| permitted).await;
            assert_eq!(sent.is_ok(), expected);
        }
    }
}
