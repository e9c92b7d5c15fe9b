//! One modem's driver with a virtual modem on its port, and everything that it tells the daemon: outcomes, the route's
//! health, the log.
//!
//! Time is tokio's own and paused: it passes when nothing else is to be done, so an hour of a broken modem takes no time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use simverify::channel::routing::{Health, RouteKind, RouteView};
use simverify::channel::{Board, Message, MessageText, Notice, Outcome};
use simverify::clock::{Clock, Timestamp};
use simverify::metrics::Metrics;
use simverify::modem::calling::Voice;
use simverify::modem::driver::{self, HELD, ModemConfig, Surroundings};
use simverify::modem::port::PortAddress;
use simverify::modem::tap::Tap;
use simverify::phone::PhoneNumber;
use simverify::simulator::{Control, Settings, Simulator, Simulators};
use simverify::speech::{Engine, Speech};
use simverify::telemetry::{Form, Lines};
use simverify::verification::{AttemptId, EventKind};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

/// How long the world may take for one thing; no time at all where time is paused.
const PATIENCE: Duration = Duration::from_secs(3600);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

pub const NAME: &str = "sim1";

pub struct Bench {
    pub board: Board,
    pub modem: Simulator,
    pub started: Instant,
    log: Log,
    messages: mpsc::Sender<Message>,
    outcomes: mpsc::UnboundedReceiver<(AttemptId, Outcome)>,
    phone: broadcast::Receiver<simverify::simulator::PhoneEvent>,
    sent: i64,
    /// Where in the log to look next.
    read: usize,
    stop: CancellationToken,
    driver: JoinHandle<()>,
    _ping: mpsc::Sender<oneshot::Sender<()>>,
    _guard: DefaultGuard,
}

/// A modem that boots at once, with delivery reports at once.
pub fn quick() -> Settings {
    Settings::default().with("boot", "50ms").with("report-delay", "0")
}

pub fn config() -> ModemConfig {
    ModemConfig {
        name: NAME.to_owned(),
        address: PortAddress::Simulator(NAME.to_owned()),
        baud_rate: 115_200,
        profile: None,
        sim_pin: None,
        roaming: true,
        delivery_reports: true,
        voice: Voice::None,
        readings: 3,
    }
}

impl Bench {
    /// A driver whose modem is ready.
    pub async fn start(settings: Settings) -> Self {
        let mut bench = Self::start_at_once(config(), settings);
        bench.ready().await;
        bench
    }

    pub fn start_at_once(config: ModemConfig, settings: Settings) -> Self {
        let simulators = Simulators::default();
        let modem = simulators.start(NAME, settings);
        Self::with(config, modem, simulators)
    }

    pub fn with(config: ModemConfig, modem: Simulator, simulators: Simulators) -> Self {
        let log = Log::default();
        let kept = log.clone();
        let lines = Lines::new(Form::Text { coloured: false }, Timestamp::default, move |line| kept.keep(&line));
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(LevelFilter::DEBUG));
        let guard = tracing::subscriber::set_default(subscriber);
        let clock = Clock::System;
        let board = Board::new(vec![RouteView {
            sms: true,
            health: Health::Down { since: clock.now() },
            room: HELD,
            ..RouteView::new(NAME, RouteKind::Modem)
        }]);
        let (notices, received) = mpsc::channel(64);
        let (finished, outcomes) = mpsc::unbounded_channel();
        tokio::spawn(serve(received, finished));
        let (messages, queue) = mpsc::channel(HELD);
        let (ping, pings) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let phone = modem.events();
        let tap = Tap::new(clock.clone());
        let surroundings = Surroundings {
            board: board.clone(),
            notices,
            clock,
            metrics: Metrics::default(),
            simulators,
            tap,
            speech: Arc::new(Speech::new(Engine::EspeakNg)),
            stop: stop.clone(),
        };
        let driver = tokio::spawn(driver::run(config, surroundings, queue, pings));
        Self {
            board,
            modem,
            started: Instant::now(),
            log,
            messages,
            outcomes,
            phone,
            sent: 0,
            read: 0,
            stop,
            driver,
            _ping: ping,
            _guard: guard,
        }
    }

    pub async fn control(&self, control: &str) {
        let control = Control::parse(control).unwrap_or_else(|error| panic!("{error}"));
        self.modem.control(control).await;
    }

    /// Hands a message over, to a number of its own.
    pub async fn begin(&mut self) -> AttemptId {
        let number = format!("4477009001{:02}", 20 + self.sent);
        self.begin_to(&number).await
    }

    pub async fn begin_to(&mut self, number: &str) -> AttemptId {
        self.sent += 1;
        let attempt = AttemptId::new(self.sent);
        let message = Message {
            attempt,
            request: None,
            kind: EventKind::Sms,
            number: PhoneNumber::parse(number, None).expect("a number"),
            text: MessageText::new("Your code is 4711".to_owned()),
            call: None,
            particulars: None,
            pin_end: None,
            validity: Duration::from_secs(300),
        };
        self.messages.send(message).await.expect("the driver runs");
        attempt
    }

    /// How the message went that was handed over first.
    pub async fn outcome(&mut self) -> Outcome {
        let outcome = tokio::time::timeout(PATIENCE, self.outcomes.recv()).await;
        outcome.unwrap_or_else(|_| panic!("no outcome:\n{}", self.log.text())).expect("the driver runs").1
    }

    pub async fn send(&mut self) -> Outcome {
        self.begin().await;
        self.outcome().await
    }

    /// Sends a message that arrives.
    pub async fn sends(&mut self) {
        let outcome = self.send().await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}\n{}", self.log.text());
    }

    /// SMS that the phone has received and nobody has counted yet.
    pub fn received(&mut self) -> usize {
        let mut count = 0;
        while let Ok(event) = self.phone.try_recv() {
            count += usize::from(matches!(event, simverify::simulator::PhoneEvent::Sms { .. }));
        }
        count
    }

    pub fn is_ready(&self) -> bool {
        self.board.routes()[0].health == Health::Ready
    }

    pub async fn ready(&mut self) {
        self.eventually("it is ready", |bench| bench.is_ready()).await;
    }

    pub async fn down(&mut self) {
        self.eventually("it is down", |bench| !bench.is_ready()).await;
    }

    /// The next line of the log with this text.
    pub async fn says(&mut self, text: &str) -> String {
        self.eventually(text, |bench| bench.log.text()[bench.read..].contains(text)).await;
        let log = self.log.text();
        let at = self.read + log[self.read..].find(text).expect("it was found");
        let begin = log[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = at + log[at..].find('\n').unwrap_or(log.len() - at);
        self.read = end;
        log[begin..end].trim().to_owned()
    }

    /// How many lines of the log have this text.
    pub fn said(&self, text: &str) -> usize {
        self.log.text().lines().filter(|line| line.contains(text)).count()
    }

    pub fn log(&self) -> String {
        self.log.text()
    }

    async fn eventually(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < end, "waited in vain: {what}\n{}", self.log.text());
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Ends the driver as the daemon does.
    pub async fn finish(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.driver).await.expect("it ends").expect("no panic");
        for secret in ["4711", "447700900"] {
            assert!(!self.log.text().contains(secret), "{}", self.log.text());
        }
    }
}

/// What the daemon does about a driver's notices: everything is allowed.
async fn serve(mut notices: mpsc::Receiver<Notice>, finished: mpsc::UnboundedSender<(AttemptId, Outcome)>) {
    while let Some(notice) = notices.recv().await {
        match notice {
            // Whoever asked, or listens, may have ended.
            Notice::Begin { go, .. } | Notice::TrySimPin { go, .. } => drop(go.send(true)),
            Notice::Finished { attempt, outcome, .. } => drop(finished.send((attempt, outcome))),
            Notice::Report { done, .. } | Notice::Received { done, .. } => drop(done.send(true)),
            Notice::Settled { .. } | Notice::SimPinDone { .. } => {}
        }
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A line without its time.
    fn keep(&self, line: &[u8]) {
        let line = std::str::from_utf8(line).expect("text");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(line.split_once(' ').expect("a time").1);
    }
}
