//! Ten thousand SMS through the driver and a virtual modem that fails at random: each gets exactly one outcome, the
//! outcome is true, nothing is sent twice for one permission, every delivery report that reached the modem's program is
//! told, and memory stays flat. Then some hundred through a real pty.
//!
//! The test stands where the dispatcher does: it hands messages over, gives permissions, hears outcomes and reports, and
//! compares them with what the phone got. In memory the clock is paused, so that hours of waits take no time.
//!
//! `ENDURANCE_SEED` chooses another course of events, `ENDURANCE_MESSAGES` another length (2,000 at least; 100,000 at
//! most).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use simverify::channel::routing::{Health, RouteKind, RouteView};
use simverify::channel::{Board, Message, MessageText, Notice, Outcome, RefusalClass};
use simverify::clock::{Clock, ManualClock, Timestamp};
use simverify::metrics::Metrics;
use simverify::modem::calling::Voice;
use simverify::modem::driver::{self, HELD, ModemConfig, Surroundings};
use simverify::modem::port::PortAddress;
use simverify::modem::tap::{Tap, View};
use simverify::phone::PhoneNumber;
use simverify::random::Random;
use simverify::simulator::{Control, PhoneEvent, ReportEvent, ReportFate, Settings, Simulator, Simulators};
use simverify::speech::{Engine, Speech};
use simverify::verification::{AttemptId, EventKind};
use tokio::runtime::Builder;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

const MESSAGES: usize = 10_000;
const SEED: u64 = 20_260_301;

/// Through a pty, in real time.
const PTY_MESSAGES: usize = 300;

/// Outcomes until everything that grows once has grown.
const WARM_UP: usize = 1_500;

/// The resident memory may differ by this much between the warm-up and the end: pages that the allocator keeps. A
/// kibibyte a message would be eight times as much.
const GROWTH_MAX: usize = 1024 * 1024;

/// How long a report may still be on its way when the last outcome is there: longer than any recovery.
const LAST_REPORTS: Duration = Duration::from_secs(1200);
const LAST_REPORTS_PTY: Duration = Duration::from_secs(20);

/// One test at a time: memory is measured for the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// Each strikes one message in a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    ReplyLost,
    Error,
    Temporary,
    Final,
    NoPrompt,
    NoPromptTwice,
    Silence,
    Reboot,
    Unplug,
    Garbage,
    Flood,
    PermissionRefused,
}

const ALL: [Fault; 12] = [
    Fault::ReplyLost,
    Fault::Error,
    Fault::Temporary,
    Fault::Final,
    Fault::NoPrompt,
    Fault::NoPromptTwice,
    Fault::Silence,
    Fault::Reboot,
    Fault::Unplug,
    Fault::Garbage,
    Fault::Flood,
    Fault::PermissionRefused,
];

/// Those that do not wait for a time-out, for a run in real time.
const QUICK: [Fault; 7] = [
    Fault::Error,
    Fault::Temporary,
    Fault::Final,
    Fault::Reboot,
    Fault::Garbage,
    Fault::Flood,
    Fault::PermissionRefused,
];

/// What is known of one message.
#[derive(Clone, Default)]
struct Record {
    permissions: u8,
    outcomes: u8,
    outcome: Option<Verdict>,
    reference: Option<u8>,
    /// How often the phone got it.
    received: u8,
    /// Reports that the modem showed or stored, that it threw away, and that the driver told.
    handed_over: u8,
    dropped: u8,
    told: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Accepted,
    Uncertain,
    Temporary,
    OtherRoute,
    Final,
}

struct Course {
    random: Random,
    faults: &'static [Fault],
    simulator: Simulator,
    records: Vec<Record>,
    struck: BTreeMap<Fault, usize>,
    refuse_next: bool,
    flooding: bool,
    given_back: usize,
    handed: usize,
    held: usize,
    again: Vec<usize>,
    done: usize,
    after_warm_up: Option<usize>,
}

/// The ends of the driver's queues.
struct Lines {
    messages: mpsc::Sender<Message>,
    notices: mpsc::Receiver<Notice>,
    phone: broadcast::Receiver<PhoneEvent>,
    reports: broadcast::Receiver<ReportEvent>,
    board: Board,
    bodies: watch::Receiver<usize>,
    stop: CancellationToken,
    driver: tokio::task::JoinHandle<()>,
}

fn number(index: usize) -> String {
    // None of them ends as a magic number does.
    format!("+49170{index:05}55")
}

fn index(number: &str) -> usize {
    let digits = number.trim_start_matches('+');
    digits[5..10].parse().expect("one of our numbers")
}

fn start(address: PortAddress, simulator: &Simulator, simulators: Simulators) -> Lines {
    let clock = Clock::Manual(ManualClock::at(Timestamp::from_millis(0)));
    let board = Board::new(vec![RouteView {
        sms: true,
        health: Health::Down { since: clock.now() },
        room: HELD,
        ..RouteView::new("sim1", RouteKind::Modem)
    }]);
    let config = ModemConfig {
        name: "sim1".to_owned(),
        address,
        baud_rate: 115_200,
        profile: None,
        sim_pin: None,
        delivery_reports: true,
        voice: Voice::None,
        readings: 3,
        roaming: true,
    };
    let tap = Tap::new(clock.clone());
    let (messages, queue) = mpsc::channel(HELD);
    let (sender, notices) = mpsc::channel(256);
    let (_, pings) = mpsc::channel::<oneshot::Sender<()>>(1);
    let stop = CancellationToken::new();
    let bodies = count_bodies(&tap);
    let surroundings = Surroundings {
        board: board.clone(),
        notices: sender,
        clock,
        metrics: Metrics::default(),
        simulators,
        tap,
        speech: Arc::new(Speech::new(Engine::EspeakNg)),
        stop: stop.clone(),
    };
    let (phone, reports) = (simulator.events(), simulator.reports());
    let driver = tokio::spawn(driver::run(config, surroundings, queue, pings));
    Lines { messages, notices, phone, reports, board, bodies, stop, driver }
}

/// Counts what was ended by Ctrl-Z on the line itself.
fn count_bodies(tap: &Tap) -> watch::Receiver<usize> {
    let mut lines = tap.listen(View::Redacted);
    let (sender, bodies) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            match lines.recv().await {
                Ok(line) if line.text.ends_with(" octets, Ctrl-Z>") => sender.send_modify(|bodies| *bodies += 1),
                Ok(_) => {}
                Err(RecvError::Lagged(lost)) => panic!("{lost} lines were not looked at"),
                Err(RecvError::Closed) => return,
            }
        }
    });
    bodies
}

impl Course {
    fn new(seed: u64, messages: usize, faults: &'static [Fault], simulator: &Simulator) -> Self {
        Self {
            random: Random::seeded(seed),
            faults,
            simulator: simulator.clone(),
            records: vec![Record::default(); messages],
            struck: BTreeMap::new(),
            refuse_next: false,
            flooding: false,
            given_back: 0,
            handed: 0,
            held: 0,
            again: Vec::with_capacity(HELD),
            done: 0,
            after_warm_up: None,
        }
    }

    /// `last_reports`: how long to wait for them once the last outcome is there.
    async fn run(mut self, mut lines: Lines, last_reports: Duration) -> Self {
        while self.done < self.records.len() {
            self.hand_over(&lines).await;
            tokio::select! {
                biased;
                event = lines.phone.recv() => self.phone(event.expect("no event is missed")),
                event = lines.reports.recv() => self.report(&event.expect("no event is missed")),
                notice = lines.notices.recv() => self.notice(notice.expect("the driver lives")),
                () = lines.board.changed() => {}
            }
        }
        let end = tokio::time::sleep(last_reports);
        tokio::pin!(end);
        while self.records.iter().any(|record| record.outcome == Some(Verdict::Accepted) && !record.is_reported()) {
            tokio::select! {
                biased;
                event = lines.phone.recv() => self.phone(event.expect("no event is missed")),
                event = lines.reports.recv() => self.report(&event.expect("no event is missed")),
                notice = lines.notices.recv() => self.notice(notice.expect("the driver lives")),
                () = lines.board.changed() => {}
                () = &mut end => break,
            }
        }
        let (before, after) = (self.after_warm_up.take(), resident());
        lines.stop.cancel();
        lines.driver.await.expect("no panic");
        let permissions: usize = self.records.iter().map(|record| usize::from(record.permissions)).sum();
        let bodies = *lines.bodies.borrow();
        assert!(bodies <= permissions, "{bodies} bodies for {permissions} permissions: {self}");
        self.after_warm_up = before.map(|before| after.saturating_sub(before));
        self
    }

    /// As many messages as the modem takes, each perhaps with a fault.
    async fn hand_over(&mut self, lines: &Lines) {
        let ready = lines.board.routes()[0].health == Health::Ready;
        while ready && self.held < HELD && (self.handed < self.records.len() || !self.again.is_empty()) {
            let index = self.again.pop().unwrap_or_else(|| {
                self.handed += 1;
                self.handed - 1
            });
            self.strike().await;
            let message = Message {
                attempt: AttemptId::new(i64::try_from(index).expect("small")),
                request: None,
                kind: EventKind::Sms,
                number: PhoneNumber::parse(&number(index), None).expect("a number"),
                text: MessageText::new(format!("{index:06} is your code")),
                call: None,
                particulars: None,
                pin_end: None,
                validity: Duration::from_secs(3600),
            };
            lines.messages.try_send(message).expect("there is room");
            self.held += 1;
        }
    }

    async fn strike(&mut self) {
        if std::mem::take(&mut self.flooding) {
            self.simulator.control(Control::set("flood", "0").expect("a setting")).await;
        }
        let [high, low] = self.random.bytes();
        let Some(&fault) = self.faults.get(usize::from(u16::from_be_bytes([high, low])) * 100 / 65_536) else { return };
        *self.struck.entry(fault).or_default() += 1;
        let [drawn] = self.random.bytes();
        let fault = match fault {
            Fault::ReplyLost => "fault reply-lost".to_owned(),
            Fault::Error => "fault error".to_owned(),
            // Network out of order, temporary failure, congestion, facility not subscribed: the same route later.
            Fault::Temporary => format!("fault cms {}", [38, 41, 42, 47][usize::from(drawn) % 4]),
            // Unassigned number, invalid short message transfer, …
            Fault::Final => format!("fault cms {}", [1, 28][usize::from(drawn) % 2]),
            Fault::NoPrompt => "fault no-prompt".to_owned(),
            Fault::NoPromptTwice => "fault no-prompt x2".to_owned(),
            Fault::Silence => "fault silence".to_owned(),
            Fault::Reboot => "fault reboot".to_owned(),
            Fault::Unplug => "fault unplug".to_owned(),
            Fault::Garbage => format!("garbage {}", 1 + u16::from(drawn)),
            Fault::Flood => {
                self.flooding = true;
                "set flood 5ms".to_owned()
            }
            Fault::PermissionRefused => return self.refuse_next = true,
        };
        self.simulator.control(Control::parse(&fault).expect("a control")).await;
    }

    fn phone(&mut self, event: PhoneEvent) {
        if let PhoneEvent::Sms { number, .. } = event {
            self.records[index(&number)].received += 1;
        }
    }

    fn report(&mut self, event: &ReportEvent) {
        let record = &mut self.records[index(&event.number)];
        match event.fate {
            ReportFate::Shown | ReportFate::Stored => record.handed_over += 1,
            ReportFate::Dropped => record.dropped += 1,
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Begin { attempt, go } => {
                let granted = !std::mem::take(&mut self.refuse_next);
                self.record(attempt).permissions += u8::from(granted);
                let _ = go.send(granted);
            }
            Notice::Finished { attempt, outcome, .. } => self.finished(attempt, outcome),
            Notice::Report { report, done, .. } => {
                assert!(report.delivered);
                let record = &mut self.records[index(&report.number)];
                record.told += 1;
                // One that came before its answer is told after the outcome.
                let other = record.reference.is_some_and(|reference| reference != report.reference);
                assert!(!other, "{}: a report of another reference", report.number);
                // A session that has ended has nobody to tell.
                let _ = done.send(true);
            }
            // An answer that came late.
            Notice::Settled { attempt, .. } => assert_eq!(self.record(attempt).outcome, Some(Verdict::Uncertain)),
            Notice::Received { .. } => panic!("nobody writes to this modem"),
            Notice::TrySimPin { .. } | Notice::SimPinDone { .. } => panic!("the SIM has no PIN"),
        }
    }

    fn finished(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.held -= 1;
        let verdict = match outcome {
            Outcome::Returned => {
                self.given_back += 1;
                return self.again.push(usize::try_from(attempt.get()).expect("ours"));
            }
            Outcome::Accepted { references } => {
                assert_eq!(references.len(), 1, "one part");
                self.record(attempt).reference = references[0];
                Verdict::Accepted
            }
            Outcome::Spoken { .. } | Outcome::Unanswered { .. } => panic!("nobody is called"),
            Outcome::Taken { .. } => panic!("no provider is asked"),
            Outcome::Uncertain { reason, .. } => Verdict::Uncertain.because(&reason),
            Outcome::Refused { class: RefusalClass::Temporary, reason } => Verdict::Temporary.because(&reason),
            Outcome::Refused { class: RefusalClass::OtherRoute, reason } => Verdict::OtherRoute.because(&reason),
            Outcome::Refused { class: RefusalClass::Final, reason } => Verdict::Final.because(&reason),
        };
        let record = self.record(attempt);
        record.outcomes += 1;
        record.outcome = Some(verdict);
        self.done += 1;
        if self.done == WARM_UP {
            self.after_warm_up = Some(resident());
        }
    }

    fn record(&mut self, attempt: AttemptId) -> &mut Record {
        &mut self.records[usize::try_from(attempt.get()).expect("ours")]
    }

    /// Compares what was said with what happened.
    fn assert_true(&self) {
        for (index, record) in self.records.iter().enumerate() {
            let wrong = record.wrong();
            assert!(wrong.is_none(), "message {index}: {}; {self}", wrong.unwrap_or_default());
        }
    }

    fn count(&self, fits: impl Fn(&Record) -> bool) -> usize {
        self.records.iter().filter(|record| fits(record)).count()
    }
}

impl Verdict {
    /// Whoever is told of a failure is told why.
    fn because(self, reason: &str) -> Self {
        assert!(!reason.is_empty(), "{self:?} without a reason");
        self
    }
}

impl Record {
    fn is_reported(&self) -> bool {
        self.dropped > 0 || (self.handed_over > 0 && self.told > 0)
    }

    fn wrong(&self) -> Option<String> {
        let Self { permissions, outcomes, outcome, received, handed_over, dropped, told, .. } = *self;
        let times = match outcome {
            Some(Verdict::Accepted) => 1..=1,
            Some(Verdict::Uncertain) => 0..=1,
            Some(Verdict::Temporary | Verdict::OtherRoute | Verdict::Final) => 0..=0,
            None => return Some("it has no outcome".to_owned()),
        };
        if outcomes != 1 {
            return Some(format!("{outcomes} outcomes"));
        }
        if !times.contains(&received) || received > permissions {
            return Some(format!("{outcome:?}, {permissions} permissions, but the phone got it {received} times"));
        }
        if handed_over + dropped != received {
            return Some(format!("received {received}, reports handed over {handed_over}, dropped {dropped}"));
        }
        ((told > 0) != (handed_over > 0))
            .then(|| format!("{handed_over} reports at the modem, {told} told; {outcome:?}"))
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut verdicts = BTreeMap::new();
        for record in &self.records {
            *verdicts.entry(record.outcome).or_insert(0) += 1;
        }
        let reports =
            |count: fn(&Record) -> u8| self.records.iter().map(|record| usize::from(count(record))).sum::<usize>();
        write!(
            f,
            "{} messages: {verdicts:?}; given back {}; reports at the modem {}, told {}, thrown away by a modem that had \
             just restarted {}; faults {:?}",
            self.records.len(),
            self.given_back,
            reports(|record| record.handed_over),
            reports(|record| record.told),
            reports(|record| record.dropped),
            self.struck
        )
    }
}

/// Octets of this process that are in memory (proc(5), `statm`).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4096
}

fn of_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

/// A network as networks are: seconds to take a message, some more until its report.
fn settings() -> Settings {
    Settings::default().with("submit-latency", "2s").with("report-delay", "3s").with("latency", "10ms")
}

async fn in_memory(seed: u64, messages: usize) -> Course {
    let simulators = Simulators::default();
    let simulator = simulators.start("sim1", settings());
    let lines = start(PortAddress::Simulator("sim1".to_owned()), &simulator, simulators);
    Course::new(seed, messages, &ALL, &simulator).run(lines, LAST_REPORTS).await
}

#[test]
fn ten_thousand_messages_survive_every_fault_with_one_true_outcome_each() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = of_environment("ENDURANCE_SEED", SEED);
    let messages: usize = of_environment("ENDURANCE_MESSAGES", MESSAGES);
    println!("seed {seed}, {messages} messages");
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let course = runtime.block_on(in_memory(seed, messages));
    println!("{course}");
    course.assert_true();
    for fault in ALL {
        assert!(course.struck.get(&fault) > Some(&(messages / 200)), "{fault:?} is rare: {course}");
    }
    let accepted = course.count(|record| record.outcome == Some(Verdict::Accepted));
    assert!(accepted > messages * 85 / 100, "{course}");
    // A modem that has just restarted asks for no reports and throws away those that are on their way: with the times of
    // `settings` the one of the message in hand and of two before it. What is more would be a modem that nobody set up.
    let restarts = course.struck[&Fault::Reboot] + course.struck[&Fault::Unplug];
    let dropped = course.count(|record| record.dropped > 0);
    assert!(dropped <= 3 * restarts, "{dropped} reports dropped at {restarts} restarts: {course}");
    let growth = course.after_warm_up.expect("the warm-up is over");
    println!("{} KiB more in memory than after {WARM_UP} messages", growth / 1024);
    assert!(growth < GROWTH_MAX, "{growth} octets more in memory than after {WARM_UP} messages");
}

async fn through_a_pty(link: &Path, seed: u64) -> Course {
    let settings = Settings::default().with("boot", "100ms").with("report-delay", "10ms");
    let (simulator, mut pty) = Simulator::start_on_pty(settings, link).expect("a pty");
    let lines = start(PortAddress::Device(link.to_owned()), &simulator, Simulators::default());
    let course = Course::new(seed, PTY_MESSAGES, &QUICK, &simulator).run(lines, LAST_REPORTS_PTY).await;
    simulator.stop().await;
    pty.ended().await.expect("a plain end");
    course
}

#[test]
fn hundreds_of_messages_pass_a_pty_in_real_time() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = of_environment("ENDURANCE_SEED", SEED);
    println!("seed {seed}, {PTY_MESSAGES} messages");
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let course = runtime.block_on(through_a_pty(&directory.path().join("modem"), seed));
    println!("{course}");
    course.assert_true();
    assert!(course.count(|record| record.outcome == Some(Verdict::Accepted)) > PTY_MESSAGES * 3 / 4, "{course}");
}
