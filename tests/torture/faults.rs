//! What is done to the daemon, its disk, its database, its clock and its modems.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use rusqlite::Connection;
use tokio::time::Instant;

use crate::course::Course;
use crate::daemon::Daemon;
use crate::ledger::Ledger;
use crate::modem::Modem;
use crate::site::Site;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Kill,
    Stop,
    Pause,
    DiskFull,
    FileLimit,
    Locked,
    LongRead,
    ClockJump,
    Modem,
    Reload,
    Backup,
}

/// How far the clock may be from the machine's, in seconds.
pub const FAR: i64 = 7200;

/// Of a hundred faults in a stretch with kills.
const KILLS: u64 = 30;

/// The others, each as often as it stands here.
const ALL: [Fault; 16] = [
    Fault::Stop,
    Fault::Pause,
    Fault::DiskFull,
    Fault::FileLimit,
    Fault::Locked,
    Fault::LongRead,
    Fault::ClockJump,
    Fault::Modem,
    Fault::Modem,
    Fault::Modem,
    Fault::Modem,
    Fault::Modem,
    Fault::Modem,
    Fault::Modem,
    Fault::Reload,
    Fault::Backup,
];

impl Fault {
    pub fn draw(course: &Course, kills: bool) -> Self {
        if kills && course.chance(KILLS) {
            return Self::Kill;
        }
        loop {
            let index = usize::try_from(course.below(ALL.len() as u64)).expect("small");
            let fault = ALL[index];
            if kills || fault != Self::Stop {
                return fault;
            }
        }
    }
}

/// What ends a fault that lasts.
enum End {
    Continue,
    Space,
    Limit,
    /// The lock goes with the connection.
    Connection(#[expect(dead_code, reason = "it is held")] Connection),
    Registration(usize),
    Latency(usize),
}

/// Faults that last at present.
#[derive(Default)]
pub struct Lasting(Vec<(Instant, End)>);

/// What faults act on.
pub struct Scene<'a> {
    pub course: &'a Course,
    pub site: &'a Site,
    pub ledger: &'a Ledger,
    pub modems: &'a mut [Modem],
}

impl Lasting {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push(&mut self, lasts: Duration, end: End) {
        self.0.push((Instant::now() + lasts, end));
    }

    /// Ends those whose time is over.
    pub fn end_due(&mut self, scene: &mut Scene, daemon: Option<&Daemon>) {
        let now = Instant::now();
        for (_, end) in self.0.extract_if(.., |(at, _)| *at <= now) {
            end.act(scene, daemon);
        }
    }

    pub fn end_all(&mut self, scene: &mut Scene, daemon: Option<&Daemon>) {
        for (_, end) in self.0.drain(..) {
            end.act(scene, daemon);
        }
    }
}

impl End {
    fn act(self, scene: &mut Scene, daemon: Option<&Daemon>) {
        match self {
            Self::Continue => {
                if let Some(daemon) = daemon {
                    daemon.signal(Signal::SIGCONT);
                }
            }
            Self::Space => scene.site.free_disk(),
            Self::Limit => {
                if let Some(daemon) = daemon {
                    limit_files(daemon, "unlimited");
                }
            }
            Self::Connection(_) => {}
            Self::Registration(modem) => scene.modems[modem].control("register 1"),
            Self::Latency(modem) => scene.modems[modem].control("set submit-latency 60ms"),
        }
    }
}

/// Strikes with a fault that leaves the daemon alive.
pub fn strike(fault: Fault, scene: &mut Scene, daemon: &Daemon, lasting: &mut Lasting) {
    let (course, ledger) = (scene.course, scene.ledger);
    let lasts = if course.is_long() { course.millis(500..7000) } else { course.millis(200..900) };
    match fault {
        Fault::Kill | Fault::Stop => unreachable!("the run does these itself"),
        Fault::Pause => {
            daemon.signal(Signal::SIGSTOP);
            ledger.count("fault: SIGSTOP, SIGCONT later");
            lasting.push(lasts, End::Continue);
        }
        Fault::DiskFull => {
            // The fewer pages are left, the earlier a commit fails; some fail in the middle.
            if scene.site.fill_disk(course.below(40)) {
                ledger.count("fault: disk full");
                lasting.push(lasts, End::Space);
            } else {
                strike(Fault::FileLimit, scene, daemon, lasting);
            }
        }
        Fault::FileLimit => {
            let limit = [1, 100_000, 300_000][usize::try_from(course.below(3)).expect("small")];
            limit_files(daemon, &limit.to_string());
            ledger.count("fault: file size limited");
            lasting.push(lasts, End::Limit);
        }
        Fault::Locked => {
            let Some(connection) = holding(scene.site, "begin immediate") else { return };
            ledger.count("fault: database locked by another process");
            lasting.push(lasts, End::Connection(connection));
        }
        Fault::LongRead => {
            let Some(connection) = holding(scene.site, "begin; select count(*) from account") else { return };
            ledger.count("fault: database read for a long time, so that the log grows");
            lasting.push(lasts, End::Connection(connection));
        }
        Fault::ClockJump => jump(scene),
        Fault::Modem => strike_modem(scene, lasting, lasts),
        Fault::Reload => {
            daemon.signal(Signal::SIGHUP);
            ledger.count("fault: configuration read again");
        }
        Fault::Backup => back_up(scene),
    }
}

/// The soft limit of the size of files that the daemon writes.
fn limit_files(daemon: &Daemon, limit: &str) {
    let status = Command::new("prlimit")
        .args(["--pid", &daemon.id().to_string(), &format!("--fsize={limit}:")])
        .status()
        .expect("prlimit of util-linux");
    assert!(status.success());
}

/// A connection that holds what the statement takes; `None` while the daemon or a full disk is in the way.
fn holding(site: &Site, sql: &str) -> Option<Connection> {
    let connection = site.database().ok()?;
    connection.execute_batch(sql).ok()?;
    Some(connection)
}

/// An hour forward or back, never more than two from the truth.
fn jump(scene: &mut Scene) {
    if !scene.site.has_clock() {
        return;
    }
    let before = scene.site.clock();
    let hour = if scene.course.chance(50) { 3600 } else { -3600 };
    let offset = (before + hour).clamp(-FAR, FAR);
    if offset == before {
        return;
    }
    scene.ledger.jumps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    scene.site.set_clock(offset);
    scene.ledger.count(if offset > before { "fault: clock an hour forward" } else { "fault: clock an hour back" });
}

fn strike_modem(scene: &mut Scene, lasting: &mut Lasting, lasts: Duration) {
    let course = scene.course;
    let index = usize::try_from(course.below(scene.modems.len() as u64)).expect("small");
    let modem = &mut scene.modems[index];
    let brief = format!("{}ms", course.millis(200..3000).as_millis());
    // Those that take a modem away for half a minute come less often, or nothing would be sent at all.
    let kinds = if course.is_long() && course.chance(25) { 18 } else { 14 };
    let control = match course.below(kinds) {
        0 | 1 => format!("unplug {brief}"),
        2 => "reboot".to_owned(),
        3 => format!("garbage {}", 1 + course.below(400)),
        4 => "fault error".to_owned(),
        5 => "fault cms 38 x2".to_owned(),
        6 => "fault cms 332".to_owned(),
        7 => "fault cms 500".to_owned(),
        8 => "fault no-prompt".to_owned(),
        9 => "fault reboot".to_owned(),
        10 => "fault unplug".to_owned(),
        11 => "fill".to_owned(),
        12 => {
            lasting.push(lasts, End::Registration(index));
            "register 0".to_owned()
        }
        13 => {
            lasting.push(lasts, End::Latency(index));
            "set submit-latency 900ms".to_owned()
        }
        14 => "fault reply-lost".to_owned(),
        15 => "fault silence".to_owned(),
        16 => format!("hang {}s", 1 + course.below(20)),
        _ => format!("unplug {}s", 5 + course.below(25)),
    };
    let mut words = control.split(' ');
    let kind: Vec<_> = words.by_ref().take(if control.starts_with("fault") { 2 } else { 1 }).collect();
    scene.ledger.count(format!("fault: modem: {}", kind.join(" ")));
    modem.control(&control);
}

/// A backup beside the running daemon is whole, or there is none.
fn back_up(scene: &mut Scene) {
    let file = scene.site.directory.join("backup.db");
    let _ = std::fs::remove_file(&file);
    let output = scene.site.command(&["backup"]).arg(&file).output().expect("it runs");
    if !output.status.success() {
        return scene.ledger.count("fault: backup, refused");
    }
    scene.ledger.count("fault: backup, made");
    let verdict = Connection::open(&file)
        .and_then(|copy| copy.query_row("pragma integrity_check", [], |row| row.get::<_, String>(0)));
    if verdict.as_deref() != Ok("ok") {
        scene.ledger.violation(format!("a backup is not whole: {verdict:?}"));
    }
}
