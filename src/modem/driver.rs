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
use tracing::{Instrument, error, error_span, info, warn};
use zeroize::Zeroizing;

use super::calling::Voice;
use super::line::Line;
use super::port::{self, Port, PortAddress, PortError};
use super::profile::{GENERIC, Profile};
use super::recovery::{Recovery, Rung};
use super::startup::{Identity, SimPin};
use super::tap::Tap;
use crate::channel::register::{ModemFact, Recovered, Sheet};
use crate::channel::routing::Health;
use crate::channel::{Board, Message, Notice, Outcome};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::phone::PhoneNumber;
use crate::simulator::Simulators;
use crate::speech::Speech;
use crate::verification::AttemptId;

/// Messages that a modem holds: one in hand and one ready, so that the next begins when the last ends.
pub const HELD: usize = 2;

/// After a panic of the driver.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A SIM that blocks the modem is looked at again after this.
const BLOCKED_PAUSE: Duration = Duration::from_secs(60);

/// A port that another program holds, or that may not be opened, is tried again after this.
const HELD_PAUSE: Duration = Duration::from_secs(10);

/// What messages in a row that a modem did not send, by no fault of theirs, come to before it counts as broken: silence
/// and a refusal count two, and a refusal of the same number again counts one, for the number may be the cause after all.
pub(super) const FUTILE_MAX: u8 = 6;

/// A complaint that the modem itself repeats is passed on this often.
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(600);

/// One modem's settings.
#[derive(Clone)]
pub struct ModemConfig {
    pub name: String,
    pub address: PortAddress,
    pub baud_rate: u32,
    /// `None`: chosen by what the modem says that it is.
    pub profile: Option<&'static Profile>,
    pub sim_pin: Option<Zeroizing<String>>,
    /// Whether a network that is not the SIM's own counts as one.
    pub roaming: bool,
    pub delivery_reports: bool,
    pub voice: Voice,
    /// Readings of the PIN in one call.
    pub readings: u8,
}

/// What a driver works with.
pub struct Surroundings {
    pub board: Board,
    pub notices: mpsc::Sender<Notice>,
    pub clock: Clock,
    pub metrics: Metrics,
    pub simulators: Simulators,
    pub tap: Tap,
    pub speech: Arc<Speech>,
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
    /// Something was done to the SIM.
    SimChanged,
    /// The modem answers, and message after message is not sent.
    Futile,
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
    /// See [`FUTILE_MAX`].
    pub futile: u8,
    /// The number whose message was refused last.
    pub futile_number: Option<PhoneNumber>,
    pub last_power_warning: Option<Duration>,
    /// The rung that was tried last, until the modem is ready.
    pub(super) rung: Option<Rung>,
    /// When it was gone or restarted, the latest last.
    pub(super) falls: Vec<Duration>,
    /// The numbers of modem and SIM at the last start-up.
    last_seen: Option<Seen>,
}

/// What tells one modem, and one SIM, from another.
struct Seen {
    imei: Option<String>,
    iccid: Option<String>,
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
    surroundings.metrics.know_route(&config.name);
    surroundings.metrics.know_modem(&config.name, Rung::ALL.map(Rung::as_str));
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
            futile: 0,
            futile_number: None,
            last_power_warning: None,
            rung: None,
            falls: vec![],
            last_seen: None,
        };
        let mail = Arc::clone(&mail);
        let span = error_span!("modem", modem = config.name);
        let task = tokio::spawn(async move { driver.run(&mut *mail.lock().await).await }.instrument(span));
        let Err(panic) = task.await else { return };
        error!(name: "modem.panicked", modem = config.name, %panic, "the modem's driver failed; it starts again");
        surroundings.metrics.task_restarted(&config.name);
        surroundings.board.register().note(&config.name, surroundings.clock.now(), ModemFact::DriverFailed);
        at_rest(&surroundings, &config.name);
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

/// The session is over: nothing is known of the modem's network.
fn at_rest(surroundings: &Surroundings, name: &str) {
    down(surroundings, name);
    surroundings.board.register().on(name, Sheet::at_rest);
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
        loop {
            let port = match self.open(mail).await {
                Some(Ok(port)) => port,
                Some(Err(error)) => {
                    self.wait_for_port(mail, &error).await;
                    continue;
                }
                None => return self.give_back(mail),
            };
            let tap = self.surroundings.tap.clone();
            let mut line = Line::new(port, self.profile.engine_settings(), self.zero).tapped(tap);
            let pause = loop {
                let end = self.session(&mut line, mail).await;
                at_rest(&self.surroundings, &self.config.name);
                match self.after(end, &mut line, mail).await {
                    Next::Stop => return self.give_back(mail),
                    Next::SamePort => {}
                    Next::OpenAgain { wait_for_port } => break wait_for_port,
                }
            };
            drop(line);
            if !pause.is_zero() {
                let returned = self.returned(pause);
                mail.meanwhile(&self, returned).await;
            }
        }
    }

    async fn open(&self, mail: &mut Mail) -> Option<Result<Port, PortError>> {
        let opened = port::open(&self.config.address, self.config.baud_rate, &self.surroundings.simulators);
        mail.meanwhile(self, opened).await
    }

    /// Waits until opening is worth another try.
    async fn wait_for_port(&mut self, mail: &mut Mail, error: &PortError) {
        self.complain(&error.to_string());
        // What is absent comes back when somebody plugs it in; the other reasons last longer.
        let pause = if error.is_absent() { self.recovery.port_lost() } else { HELD_PAUSE };
        let returned = self.returned(pause);
        mail.meanwhile(self, returned).await;
    }

    /// Until the port is there, or for `longest`.
    fn returned(&self, longest: Duration) -> impl Future<Output = ()> + use<> {
        let path = match &self.config.address {
            PortAddress::Device(path) if !path.exists() => Some(path.clone()),
            PortAddress::Device(_)
            | PortAddress::Tcp { .. }
            | PortAddress::Rfc2217 { .. }
            | PortAddress::Simulator(_) => None,
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
            SessionEnd::PortLost(error) => self.lost(&error, line.now()),
            SessionEnd::Restarted => {
                warn!(
                    name: "modem.restarted",
                    modem = self.config.name,
                    "the modem has restarted; starting it up again"
                );
                self.surroundings.metrics.modem_restarted(&self.config.name);
                self.note(ModemFact::Restarted);
                self.fell(line.now());
                Next::SamePort
            }
            SessionEnd::SimChanged => {
                warn!(
                    name: "modem.sim_changed",
                    modem = self.config.name,
                    "the SIM was taken out, put in or locked; starting the modem up again"
                );
                self.note(ModemFact::SimChanged);
                Next::SamePort
            }
            SessionEnd::Futile => {
                let attempt = self.recovery.cannot_send(line.now(), self.profile.reset_lasts);
                self.climb(line, mail, attempt, "the modem answers and sends nothing").await
            }
            SessionEnd::Blocked => {
                let until = line.now() + BLOCKED_PAUSE;
                self.rest(line, mail, until, true).await
            }
            SessionEnd::Silent => {
                let attempt = self.recovery.failed(line.now(), self.profile.reset_lasts);
                self.climb(line, mail, attempt, "the modem does not answer").await
            }
        }
    }

    /// Says once why the modem is not at work.
    pub(super) fn complain(&mut self, complaint: &str) {
        self.surroundings.board.explain(&self.config.name, Some(complaint));
        if self.complaint.as_deref() != Some(complaint) {
            self.note(ModemFact::NotReady { reason: complaint.to_owned() });
            warn!(name: "modem.trouble", modem = self.config.name, port = %self.config.address, "{complaint}");
            self.complaint = Some(complaint.to_owned());
        }
    }

    /// The start-up has ended well.
    pub(super) fn praise(&mut self, identity: &Identity) {
        if let Some(rung) = self.rung.take() {
            info!(
                name: "modem.answers",
                modem = self.config.name, rung = rung.number(), step = %rung,
                "the modem answers again"
            );
            let recovered = Recovered { at: self.surroundings.clock.now(), step: rung.to_string() };
            self.surroundings.board.register().on(&self.config.name, |sheet| sheet.recovered = Some(recovered));
            self.note(ModemFact::StepEnded { rung: rung.number(), helped: true });
        }
        self.compare(identity);
        self.tell_identity(identity);
        info!(
            name: "modem.started",
            modem = self.config.name,
            port = %self.config.address,
            maker = identity.maker.as_deref().unwrap_or_default(),
            model = identity.model.as_deref().unwrap_or_default(),
            profile = identity.profile.name,
            "the modem is started"
        );
    }

    /// A port may lead to another modem after a re-enumeration, and somebody may have changed the SIM.
    fn compare(&mut self, identity: &Identity) {
        let seen = Seen { imei: identity.imei.clone(), iccid: identity.iccid.clone() };
        let differ = |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
        if let Some(before) = &self.last_seen {
            let (name, port) = (&self.config.name, &self.config.address);
            if differ(&before.imei, &seen.imei) {
                warn!(
                    name: "modem.exchanged",
                    modem = name, %port,
                    "another modem is on this port than before: name it by /dev/serial/by-id or by-path"
                );
                self.note(ModemFact::OtherModem);
            }
            if differ(&before.iccid, &seen.iccid) {
                warn!(
                    name: "modem.sim_exchanged",
                    modem = name, %port,
                    "another SIM is in the modem than before: check sim_pin, countries and contract"
                );
                self.note(ModemFact::OtherSim);
            }
        }
        self.last_seen = Some(seen);
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
pub(super) enum Next {
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
