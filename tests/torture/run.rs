//! One run: load, faults, recovery, the count.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use simverify::clock::Clock;
use simverify::random::Random;
use tokio::time::Instant;

use crate::audit;
use crate::caller::{ACTORS, ASKERS, Address, Crowd};
use crate::course::Course;
use crate::daemon::Daemon;
use crate::faults::{FAR, Fault, Lasting, Scene, strike};
use crate::ledger::Ledger;
use crate::modem::Modem;
use crate::provider::Provider;
use crate::site::{Gate, MODEMS, PROVIDERS, Site, on_small_disk};
use crate::vitals::{self, OpenFiles, Stretch, TERMINALS, Vitals};

/// How often the run looks at the daemon.
const TICK: Duration = Duration::from_millis(50);

/// Starts in a row that may come to nothing while no fault lasts.
const STARTS_MAX: usize = 3;

/// From the end of the faults until every verification has its end: a modem's silence of 45 s, its recovery, a message
/// sent again, and the lives of its PIN.
const SETTLE: Duration = Duration::from_secs(600);

/// Until a daemon has opened its modems, on a busy machine.
const MODEMS_OPEN: Duration = Duration::from_secs(20);

/// Daemons' logs that are kept.
const LOGS: usize = 30;

struct Run<'a> {
    course: &'a Course,
    site: &'a Site,
    ledger: &'a Arc<Ledger>,
    crowd: &'a Crowd,
    modems: Vec<Modem>,
    daemon: Option<Daemon>,
    lives: usize,
    failed_starts: usize,
    lasting: Lasting,
    /// Of the first idle daemon.
    idle: Option<(Vitals, OpenFiles)>,
    figures: Vec<String>,
}

#[test]
fn nothing_accepted_is_lost_whatever_is_done_to_the_daemon() {
    let course = Course::from_environment();
    let test = "run::nothing_accepted_is_lost_whatever_is_done_to_the_daemon";
    if let Some(mut command) = on_small_disk(&course, test) {
        let status = command.status().expect("it starts");
        return assert!(status.success(), "TORTURE_SEED={}: see above", course.seed);
    }
    println!("TORTURE_SEED={} TORTURE_SECONDS={} TORTURE_RATE={}", course.seed, course.seconds, course.rate);
    let ledger = Arc::new(Ledger::default());
    let (sender, turns) = mpsc::channel();
    let provider = PROVIDERS.then(|| Provider::start(course.seed, Arc::clone(&ledger), sender.clone()));
    let site = Site::new(&course, provider.as_ref());
    let modems = MODEMS.map(|name| Modem::start(name, &site, Arc::clone(&ledger), sender.clone())).into();
    drop(sender);
    let crowd = Crowd {
        address: Address::default(),
        ledger: Arc::clone(&ledger),
        gate: Gate::default(),
        pause: Mutex::new(true),
        is_long: course.is_long(),
        fresh: course.pin_expiry() / 2,
    };
    let turns = Mutex::new(turns);
    let run = Run {
        course: &course,
        site: &site,
        ledger: &ledger,
        crowd: &crowd,
        modems,
        daemon: None,
        lives: 0,
        failed_starts: 0,
        lasting: Lasting::default(),
        idle: None,
        figures: vec![],
    };
    let figures = std::thread::scope(|scope| {
        for thread in 0..ASKERS {
            let random = Random::seeded(course.seed ^ (1 + thread));
            let (crowd, course) = (&crowd, &course);
            scope.spawn(move || crowd.ask(course, &random));
        }
        for thread in 0..ACTORS {
            let random = Random::seeded(course.seed ^ (100 + thread));
            let (crowd, turns) = (&crowd, &turns);
            scope.spawn(move || crowd.act(turns, &random));
        }
        // A panic here must not leave the others waiting for ever.
        let _close = Close(&crowd.gate);
        run.whole()
    });
    audit::at_the_end(&site, &ledger);
    print(&ledger, &figures, site.has_clock());
    let violations = ledger.violations();
    if violations.is_empty() {
        return site.delete();
    }
    let place = site.keep();
    panic!(
        "{} violations, TORTURE_SEED={}, evidence in {}:\n{}",
        violations.len(),
        course.seed,
        place.display(),
        violations.join("\n")
    );
}

struct Close<'a>(&'a Gate);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn print(ledger: &Ledger, figures: &[String], has_clock: bool) {
    println!("figures:");
    if !has_clock {
        println!("  the daemon's clock stood with the machine's: libfaketime is not there");
    }
    for line in figures {
        println!("  {line}");
    }
    for (what, count) in ledger.counts() {
        println!("  {count:>8}  {what}");
    }
}

impl Run<'_> {
    fn whole(mut self) -> Vec<String> {
        let begin = Instant::now();
        let end = begin + Duration::from_secs(self.course.seconds);
        self.idle = self.begin();
        let mut kills = true;
        while Instant::now() < end {
            self.stretch(kills, end.min(Instant::now() + self.course.stretch()));
            kills = !kills;
        }
        self.settle();
        self.figures.push(format!("{} s, {} lives of the daemon", begin.elapsed().as_secs(), self.lives));
        self.figures
    }

    /// A daemon that has opened its modems; then the load begins.
    fn begin(&mut self) -> Option<(Vitals, OpenFiles)> {
        self.start();
        let end = Instant::now() + MODEMS_OPEN;
        let mut open = OpenFiles::default();
        while open.terminals < MODEMS.len() * TERMINALS && Instant::now() < end {
            self.tick();
            open = OpenFiles::of(self.daemon.as_ref()?.id());
        }
        let vitals = self.vitals();
        *self.crowd.pause.lock().expect("no panic") = false;
        Some((vitals?, open))
    }

    /// Faults, with or without the end of the process, until then.
    fn stretch(&mut self, kills: bool, end: Instant) {
        let mut stretch = Stretch::default();
        let mut second = Instant::now();
        let mut next = Instant::now() + self.pause();
        let mut looked = Instant::now();
        let mut lives = self.lives;
        while Instant::now() < end {
            self.tick();
            if Instant::now() >= next {
                next = Instant::now() + self.pause();
                self.fault(kills);
            }
            if Instant::now() >= second {
                second = Instant::now() + Duration::from_secs(1);
                // Only one process tells of growth.
                if lives != self.lives {
                    (stretch, lives) = (Stretch::default(), self.lives);
                }
                if let Some(vitals) = self.vitals() {
                    stretch.note(vitals);
                }
            }
            if looked.elapsed() > Duration::from_secs(20) {
                looked = Instant::now();
                self.look();
            }
        }
        if !kills {
            self.judge(&stretch);
        }
    }

    fn pause(&self) -> Duration {
        if self.course.is_long() { self.course.millis(200..4000) } else { self.course.millis(50..500) }
    }

    fn judge(&mut self, stretch: &Stretch) {
        let Some(growth) = stretch.growth() else { return };
        let line = format!(
            "one daemon for {} s under load: {} KiB, {} files in the middle; {} KiB, {} files at the end",
            growth.seconds,
            growth.before.resident_kib,
            growth.before.files,
            growth.after.resident_kib,
            growth.after.files
        );
        if self.course.is_long() && growth.is_too_much() {
            self.ledger.violation(format!("{line}: grown by {} KiB", growth.resident_kib()));
        }
        self.figures.push(line);
    }

    /// Ends what is over, and keeps a daemon running.
    fn tick(&mut self) {
        self.end_due();
        let ended = self.daemon.as_mut().and_then(Daemon::has_ended);
        if let Some(status) = ended {
            let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
            self.ledger.violation(format!("the daemon ended by itself ({status}):\n{log}"));
            self.gone();
        }
        if self.daemon.is_none() {
            self.start();
        }
        self.crowd.gate.closes_within(TICK);
    }

    fn end_due(&mut self) {
        let mut scene = Scene { course: self.course, site: self.site, ledger: self.ledger, modems: &mut self.modems };
        self.lasting.end_due(&mut scene, self.daemon.as_ref());
    }

    fn gone(&mut self) {
        self.crowd.address.set(None);
        self.daemon = None;
    }

    fn start(&mut self) {
        self.lives += 1;
        match Daemon::start(self.site, self.lives, self.ledger) {
            Ok((daemon, address)) => {
                self.daemon = Some(daemon);
                self.crowd.address.set(Some(address));
                self.failed_starts = 0;
                self.ledger.count("starts");
                if self.lasting.is_empty() {
                    self.look();
                }
            }
            Err(not_started) => {
                self.ledger.count(format!("starts refused ({})", not_started.status));
                self.failed_starts = if self.lasting.is_empty() { self.failed_starts + 1 } else { 0 };
                if self.failed_starts >= STARTS_MAX {
                    self.ledger.violation(format!("it does not start: {}", not_started.log));
                    self.failed_starts = 0;
                }
                self.crowd.gate.closes_within(Duration::from_millis(300));
            }
        }
        if self.lives > LOGS {
            let _ = std::fs::remove_file(self.site.log(self.lives - LOGS));
        }
    }

    fn fault(&mut self, kills: bool) {
        let fault = Fault::draw(self.course, kills);
        let Some(daemon) = &mut self.daemon else { return };
        match fault {
            Fault::Kill => {
                // Nobody connects to a port that another may take.
                self.crowd.address.set(None);
                daemon.kill();
                self.ledger.count("fault: kill -9");
                self.gone();
                self.crowd.gate.closes_within(self.course.millis(0..1500));
            }
            Fault::Stop => {
                // A stopped process hears no signal, and one without a disk cannot end well.
                if self.lasting.is_empty() {
                    let status = daemon.stop();
                    self.ledger.count("fault: SIGTERM");
                    if status.code() != Some(0) {
                        self.ledger.violation(format!("a stop ended with {status}:\n{}", daemon.log()));
                    }
                    self.gone();
                }
            }
            other => {
                let mut scene =
                    Scene { course: self.course, site: self.site, ledger: self.ledger, modems: &mut self.modems };
                strike(other, &mut scene, daemon, &mut self.lasting);
            }
        }
    }

    fn vitals(&self) -> Option<Vitals> {
        vitals::read(self.daemon.as_ref()?.id())
    }

    /// What holds at any time; a database that is full or locked is not asked.
    fn look(&self) {
        if self.lasting.is_empty() && audit::at_any_time(self.site, self.ledger).is_ok() {
            self.ledger.count("looks into the database beside the daemon");
        }
    }

    /// Ends every fault and waits until every verification has its end.
    fn settle(&mut self) {
        *self.crowd.pause.lock().expect("no panic") = true;
        let mut scene = Scene { course: self.course, site: self.site, ledger: self.ledger, modems: &mut self.modems };
        self.lasting.end_all(&mut scene, self.daemon.as_ref());
        let end = Instant::now() + SETTLE;
        while Instant::now() < end && self.count(&self.in_hand()) > 0 {
            self.tick();
        }
        // After a jump back a life lasts an hour more, and so does a wait.
        self.site.set_clock(FAR + 600);
        let unfinished = "select count(*) from verification where finalized_at is null";
        while Instant::now() < end && self.count(unfinished) > 0 {
            self.tick();
        }
        let jumps = self.ledger.jumps.load(Ordering::Relaxed);
        self.figures.push(format!("{jumps} jumps of the clock, {} requests asked for", self.asked()));
        self.crowd.gate.close();
        // What is left open is no load's.
        let rest = Gate::default();
        rest.closes_within(Duration::from_secs(1));
        if let (Some((idle, new)), Some(left), Some(daemon)) = (self.idle, self.vitals(), &self.daemon) {
            let open = OpenFiles::of(daemon.id());
            self.figures.push(format!("idle when new: {} KiB, {new:?}", idle.resident_kib));
            self.figures.push(format!("idle at the end: {} KiB, {open:?}", left.resident_kib));
            if open.is_too_much_after(new, MODEMS.len()) {
                self.ledger.violation(format!("files stay open: {open:?}, of a new daemon {new:?}"));
            }
        }
        if let Some(mut daemon) = self.daemon.take() {
            let status = daemon.stop();
            if status.code() != Some(0) {
                self.ledger.violation(format!("the last stop ended with {status}:\n{}", daemon.log()));
            }
        }
        for modem in std::mem::take(&mut self.modems) {
            modem.stop();
        }
    }

    fn asked(&self) -> usize {
        self.ledger.asked.lock().expect("no panic").len()
    }

    /// Counts attempts that are due by the daemon's clock, or in a route's hands.
    fn in_hand(&self) -> String {
        let now = Clock::System.now().as_millis() + self.site.clock() * 1000;
        format!(
            "select count(*) from attempt where state in ('claimed', 'sending') or (state = 'due' and due_at <= {now})"
        )
    }

    /// One number of the database; many if it cannot be read.
    fn count(&self, sql: &str) -> i64 {
        let count = self.site.database().and_then(|database| database.query_row(sql, [], |row| row.get(0)));
        count.unwrap_or(i64::MAX)
    }
}
