//! The task that owns one modem's port: opens it, starts the modem, sends, watches, recovers.
//!
//! ```text
//!  open ──► start-up ──► at work ◄──► a message
//!   ▲          │ dead       │ silent, port gone, restarted
//!   └──────────┴── recovery ◄┘
//! ```
//!
//! It alone reads and writes the port, and it alone feeds the machines. While the modem is not at work it stands as down
//! on the board, and messages that were handed to it go back untouched, so that another route can take them.
//!
//! It never decides whether a message may be sent (it asks), and never drops one without an outcome.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use super::at::Command;
use super::line::{Line, Said};
use super::port::{self, Port, PortAddress, PortError};
use super::profile::{GENERIC, Profile};
use super::recovery::{Recovery, Rung};
use super::startup::{Identity, SimPin};
use super::tap::Tap;
use crate::channel::routing::Health;
use crate::channel::{Board, Message, Notice, Outcome};
use crate::clock::Clock;
use crate::simulator::Simulators;
use crate::verification::AttemptId;

/// Messages that a modem holds: one in hand and one ready, so that the next begins when the last ends.
pub const HELD: usize = 2;

/// After a panic of the driver.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A SIM that blocks the modem is looked at again after this.
const BLOCKED_PAUSE: Duration = Duration::from_secs(60);

/// A port that another program holds, or that may not be opened, is tried again after this.
const HELD_PAUSE: Duration = Duration::from_secs(10);

/// One modem's settings.
#[derive(Clone)]
pub struct ModemConfig {
    pub name: String,
    pub address: PortAddress,
    pub baud_rate: u32,
    /// `None`: chosen by what the modem says that it is.
    pub profile: Option<&'static Profile>,
    pub sim_pin: Option<Zeroizing<String>>,
    pub delivery_reports: bool,
}

/// What a driver works with.
pub struct Surroundings {
    pub board: Board,
    pub notices: mpsc::Sender<Notice>,
    pub clock: Clock,
    pub simulators: Simulators,
    pub tap: Tap,
    /// Ends the driver once the message in hand has its outcome.
    pub stop: CancellationToken,
}

/// What comes to a driver from outside.
pub(super) struct Mail {
    pub messages: mpsc::Receiver<Message>,
    pub pings: mpsc::Receiver<oneshot::Sender<()>>,
    pub stop: CancellationToken,
}

/// The attempt in hand, for the case that the driver panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct InHand {
    pub attempt: AttemptId,
    /// Permission was asked: its bytes may have left.
    pub begun: bool,
}

/// Why a session with a modem ended.
#[derive(Debug)]
pub(super) enum SessionEnd {
    /// Asked to stop; nothing is in hand.
    Stopped,
    /// The port is gone.
    PortLost(std::io::Error),
    /// The modem does not answer.
    Silent,
    /// The modem answers but its SIM lets nothing be sent.
    Blocked,
    /// The modem began anew.
    Restarted,
}

pub(super) struct Driver {
    pub config: ModemConfig,
    pub surroundings: Arc<Surroundings>,
    pub in_hand: Arc<Mutex<Option<InHand>>>,
    pub zero: Instant,
    pub recovery: Recovery,
    /// What was said last about not being at work; said once.
    pub complaint: Option<String>,
    pub profile: &'static Profile,
    pub concat_reference: u8,
    pub last_uncertain: Option<AttemptId>,
}

/// Runs a modem until `stop`. A panic is logged and the driver starts again; the message it had in hand is uncertain.
pub async fn run(
    config: ModemConfig,
    surroundings: Surroundings,
    messages: mpsc::Receiver<Message>,
    pings: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let surroundings = Arc::new(surroundings);
    let stop = surroundings.stop.clone();
    let mail = Arc::new(tokio::sync::Mutex::new(Mail { messages, pings, stop }));
    let in_hand = Arc::new(Mutex::new(None));
    loop {
        let driver = Driver {
            config: config.clone(),
            surroundings: Arc::clone(&surroundings),
            in_hand: Arc::clone(&in_hand),
            zero: Instant::now(),
            recovery: Recovery::new(),
            complaint: None,
            profile: config.profile.unwrap_or(&GENERIC),
            concat_reference: 0,
            last_uncertain: None,
        };
        let mail = Arc::clone(&mail);
        let task = tokio::spawn(async move { driver.run(&mut *mail.lock().await).await });
        let Err(panic) = task.await else { return };
        error!(modem = config.name, %panic, "the modem's driver failed; it starts again");
        down(&surroundings, &config.name);
        let lost = in_hand.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(InHand { attempt, begun }) = lost {
            let outcome = if begun {
                Outcome::Uncertain { references: vec![], reason: "the modem's driver failed".to_owned() }
            } else {
                Outcome::Returned
            };
            finish(&surroundings, &config.name, attempt, outcome).await;
        }
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

/// The modem is not at work.
pub(super) fn down(surroundings: &Surroundings, name: &str) {
    let now = surroundings.clock.now();
    surroundings.board.update(name, |route| {
        if route.health == Health::Ready {
            route.health = Health::Down { since: now };
        }
    });
}

pub(super) async fn finish(surroundings: &Surroundings, name: &str, attempt: AttemptId, outcome: Outcome) {
    let notice = Notice::Finished { attempt, route: name.to_owned(), outcome };
    // Without a reader the process is ending, and the row tells the next start what it needs.
    let _ = surroundings.notices.send(notice).await;
}

impl Driver {
    async fn run(mut self, mail: &mut Mail) {
        let mut lost_tries = 0;
        loop {
            let port = match self.open(mail).await {
                Some(Ok(port)) => port,
                Some(Err(error)) => {
                    self.wait_for_port(mail, &error, lost_tries).await;
                    lost_tries += 1;
                    continue;
                }
                None => return self.give_back(mail),
            };
            lost_tries = 0;
            let tap = self.surroundings.tap.clone();
            let mut line = Line::new(port, self.profile.engine_settings(), self.zero).tapped(tap);
            let rung = loop {
                let end = self.session(&mut line, mail).await;
                down(&self.surroundings, &self.config.name);
                match self.after(end, &mut line, mail).await {
                    Next::Stop => return self.give_back(mail),
                    Next::SamePort => {}
                    Next::OpenAgain { wait_for_port } => break wait_for_port,
                }
            };
            drop(line);
            if !rung.is_zero() {
                let returned = self.returned(rung);
                mail.meanwhile(&self, returned).await;
            }
        }
    }

    async fn open(&self, mail: &mut Mail) -> Option<Result<Port, PortError>> {
        let opened = port::open(&self.config.address, self.config.baud_rate, &self.surroundings.simulators);
        mail.meanwhile(self, opened).await
    }

    /// Waits until opening is worth another try.
    async fn wait_for_port(&mut self, mail: &mut Mail, error: &PortError, tries: u32) {
        self.complain(&error.to_string());
        // What is absent comes back when somebody plugs it in; the other reasons last longer.
        let absent = matches!(error, PortError::NotFound { .. } | PortError::Simulator { .. });
        let pause = if absent { self.recovery.port_lost(tries).pause } else { HELD_PAUSE };
        let returned = self.returned(pause);
        mail.meanwhile(self, returned).await;
    }

    /// Until the port is there, or for `longest`.
    fn returned(&self, longest: Duration) -> impl Future<Output = ()> + use<> {
        let path = match &self.config.address {
            PortAddress::Device(path) if !path.exists() => Some(path.clone()),
            PortAddress::Device(_) | PortAddress::Tcp { .. } | PortAddress::Simulator(_) => None,
        };
        async move {
            match path {
                Some(path) => port::returned(&path).await,
                None => tokio::time::sleep(longest).await,
            }
        }
    }

    async fn after<P>(&mut self, end: SessionEnd, line: &mut Line<P>, mail: &mut Mail) -> Next
    where
        P: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        match end {
            SessionEnd::Stopped => Next::Stop,
            SessionEnd::PortLost(error) => {
                self.complain(&format!("the port is gone ({error}); waiting for it to come back"));
                Next::OpenAgain { wait_for_port: self.recovery.port_lost(0).pause }
            }
            SessionEnd::Restarted => {
                warn!(modem = self.config.name, "the modem has restarted; starting it up again");
                Next::SamePort
            }
            SessionEnd::Blocked => {
                let until = line.now() + BLOCKED_PAUSE;
                self.rest(line, mail, until, true).await
            }
            SessionEnd::Silent => self.climb(line, mail).await,
        }
    }

    /// One rung of the recovery ladder.
    async fn climb<P>(&mut self, line: &mut Line<P>, mail: &mut Mail) -> Next
    where
        P: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let attempt = self.recovery.failed(line.now(), self.profile.reset_lasts);
        let name = &self.config.name;
        if attempt.alarm {
            error!(modem = name, "the modem does not answer whatever is tried; check its power, cable and SIM");
        }
        warn!(modem = name, rung = ?attempt.rung, pause = ?attempt.pause, "the modem does not answer; recovering");
        let until = line.now() + attempt.pause;
        match self.rest(line, mail, until, false).await {
            Next::SamePort => {}
            other => return other,
        }
        match attempt.rung {
            Rung::Wake => Next::SamePort,
            Rung::Reopen => Next::OpenAgain { wait_for_port: Duration::ZERO },
            Rung::Reinitialise => {
                self.command(line, mail, "ATZ").await;
                Next::SamePort
            }
            Rung::Reset => {
                self.command(line, mail, self.profile.reset_line).await;
                Next::OpenAgain { wait_for_port: attempt.wait_for_port }
            }
        }
    }

    /// Sends a command whose answer matters to nobody.
    async fn command<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, text: &str)
    where
        P: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let id = line.submit(Command::new(text));
        let driver = &*self;
        let answered = async {
            while let Ok(said) = line.next(None).await {
                match said {
                    Said::Reply { id: replied, .. } if replied == id => return,
                    Said::Unsolicited(said) => driver.take_directly(&said).await,
                    Said::Reply { .. } | Said::Prompt { .. } | Said::Time => {}
                }
            }
        };
        mail.meanwhile(driver, answered).await;
    }

    /// Listens until the instant, or until the SIM says something if `for_sim`.
    async fn rest<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, until: Duration, for_sim: bool) -> Next
    where
        P: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let driver = &*self;
        let rested = async {
            loop {
                match line.next(Some(until)).await {
                    Err(error) => return Err(error),
                    Ok(Said::Time) => return Ok(()),
                    Ok(Said::Unsolicited(said)) => {
                        use super::at::Event;
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
            Some(Err(error)) => {
                self.complain(&format!("the port is gone ({error}); waiting for it to come back"));
                Next::OpenAgain { wait_for_port: self.recovery.port_lost(0).pause }
            }
        }
    }

    /// Says once why the modem is not at work.
    pub(super) fn complain(&mut self, complaint: &str) {
        if self.complaint.as_deref() != Some(complaint) {
            warn!(modem = self.config.name, port = %self.config.address, "{complaint}");
            self.complaint = Some(complaint.to_owned());
        }
    }

    /// The start-up has ended well.
    pub(super) fn praise(&mut self, identity: &Identity) {
        self.complaint = None;
        info!(
            modem = self.config.name,
            port = %self.config.address,
            maker = identity.maker.as_deref().unwrap_or_default(),
            model = identity.model.as_deref().unwrap_or_default(),
            profile = identity.profile.name,
            "the modem is started"
        );
    }

    pub(super) fn sim_pin(&self) -> Option<SimPin> {
        self.config.sim_pin.as_deref().and_then(|pin| SimPin::parse(pin))
    }

    /// Nothing will be sent any more: what waits goes back untouched.
    fn give_back(&self, mail: &mut Mail) {
        mail.messages.close();
        while let Ok(message) = mail.messages.try_recv() {
            let notice = Notice::Finished {
                attempt: message.attempt,
                route: self.config.name.clone(),
                outcome: Outcome::Returned,
            };
            // A full queue means that the process ends while claimed rows stand; the next start makes them due again.
            let _ = self.surroundings.notices.try_send(notice);
        }
    }
}

/// Where to go on after a session.
enum Next {
    Stop,
    SamePort,
    OpenAgain { wait_for_port: Duration },
}

impl Mail {
    /// Waits for `work` while the modem is not at work: messages go back, the watchdog is answered. `None`: asked to
    /// stop.
    pub(super) async fn meanwhile<T>(&mut self, driver: &Driver, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                done = &mut work => return Some(done),
                Some(ping) = self.pings.recv() => {
                    // The watchdog may have given up meanwhile.
                    let _ = ping.send(());
                }
                Some(message) = self.messages.recv() => {
                    finish(&driver.surroundings, &driver.config.name, message.attempt, Outcome::Returned).await;
                }
            }
        }
    }
}
