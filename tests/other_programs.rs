//! Proof that the virtual modem is one: programs that other people wrote for real modems work with it.
//!
//! They need Debian's packages `gammu` and `smstools`; `make test` installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use simverify::simulator::{Control, PhoneEvent, PtyTask, Settings, Simulator};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The slowest of these programs rests four seconds; more than this is a hang.
const PROGRAM_TIME: Duration = Duration::from_secs(60);

struct Bench {
    simulator: Simulator,
    events: broadcast::Receiver<PhoneEvent>,
    directory: TempDir,
    link: PathBuf,
    _task: PtyTask,
}

impl Bench {
    fn start(settings: Settings) -> Self {
        let directory = TempDir::new().unwrap();
        let link = directory.path().join("modem");
        let (simulator, task) = Simulator::start_on_pty(settings, &link).unwrap();
        Self { events: simulator.events(), simulator, directory, link, _task: task }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs gammu on the virtual modem and returns what it printed.
    async fn gammu(&self, arguments: &[&str]) -> String {
        let output = self.run_gammu(arguments).await;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "gammu {arguments:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    async fn run_gammu(&self, arguments: &[&str]) -> Output {
        let config = self.path("gammurc");
        fs::write(&config, format!("[gammu]\ndevice = {}\nconnection = at115200\n", self.link.display())).unwrap();
        let mut command = Command::new(program("gammu", "gammu"));
        command.arg("-c").arg(&config).args(arguments).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).kill_on_drop(true);
        timeout(PROGRAM_TIME, command.output()).await.expect("gammu ends in time").unwrap()
    }

    async fn next_event(&mut self) -> String {
        timeout(PROGRAM_TIME, self.events.recv()).await.expect("the phone receives in time").unwrap().to_string()
    }
}

/// Finds a program as a shell of root would.
fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/bin";
    let found = path.split(':').map(|directory| Path::new(directory).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is missing: `make test` installs it, or `apt-get install {package}`"))
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_identifies_each_make() {
    let makes = [
        ("generic", "Simverify"),
        ("sim800", "SIMCOM"),
        ("sim7600", "SIMCOM"),
        ("quectel", "Quectel"),
        ("huawei", "Huawei"),
        ("a7670", "SIMCOM"),
        ("quectel-m", "Quectel"),
        ("huawei-lte", "Huawei"),
        ("telit", "Telit"),
        ("zte", "ZTE"),
    ];
    let mut running = JoinSet::new();
    for (profile, maker) in makes {
        running.spawn(async move {
            let bench = Bench::start(Settings::default().with("profile", profile));
            let printed = bench.gammu(&["identify"]).await;
            assert!(printed.contains(maker), "{profile}: {printed}");
            assert!(printed.contains("SIM IMSI             : 001010123456789"), "{profile}: {printed}");
        });
    }
    running.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_sends_a_short_text() {
    let mut bench = Bench::start(Settings::default());
    bench.gammu(&["sendsms", "TEXT", "+491701234567", "-text", "Your code is 1234."]).await;
    assert_eq!(bench.next_event().await, "SMS to +491701234567 (reference 1, 1 part): Your code is 1234.");
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_sends_an_accented_text() {
    let mut bench = Bench::start(Settings::default());
    bench.gammu(&["sendsms", "TEXT", "+491701234567", "-unicode", "-text", "žluťoučký kůň €"]).await;
    assert_eq!(bench.next_event().await, "SMS to +491701234567 (reference 1, 1 part): žluťoučký kůň €");
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_sends_a_long_text() {
    let mut bench = Bench::start(Settings::default());
    let long = "This text is longer than one message can hold. ".repeat(5) + "End.";
    bench.gammu(&["sendsms", "TEXT", "+491701234567", "-len", "400", "-text", &long]).await;
    assert_eq!(bench.next_event().await, format!("SMS to +491701234567 (reference 2, 2 parts): {long}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_reads_what_the_phone_sent() {
    let bench = Bench::start(Settings::default());
    let text = "Grüße von unterwegs".to_owned();
    bench.simulator.control(Control::Incoming { number: "+491701234567".into(), text }).await;
    let printed = bench.gammu(&["getallsms"]).await;
    assert!(printed.contains("+491701234567") && printed.contains("Grüße von unterwegs"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gammu_is_told_of_a_refused_number() {
    let bench = Bench::start(Settings::default());
    let output = bench.run_gammu(&["sendsms", "TEXT", "+491700000007", "-text", "lost"]).await;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("error 1,"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn smsd_of_smstools_sends_a_message() {
    let mut bench = Bench::start(Settings::default());
    let smsd = program("smsd", "smstools");
    let spool = bench.path("spool");
    for directory in ["outgoing", "checked", "failed", "incoming", "sent"] {
        fs::create_dir_all(spool.join(directory)).unwrap();
    }
    let config = bench.path("smsd.conf");
    fs::write(&config, smsd_config(&bench, &spool)).unwrap();
    fs::write(spool.join("outgoing/message"), "To: 491701234567\nAlphabet: UTF-8\n\nDein Code: 1234 €").unwrap();
    let mut command = Command::new(smsd);
    command.arg("-t").arg(format!("-c{}", config.display()));
    let mut running =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let event = timeout(PROGRAM_TIME, bench.events.recv()).await;
    running.kill().await.unwrap();
    let log = fs::read_to_string(bench.path("smsd.log")).unwrap_or_default();
    let event = event.unwrap_or_else(|_| panic!("smsd sent nothing: {log}")).unwrap();
    assert_eq!(event.to_string(), "SMS to +491701234567 (reference 1, 1 part): Dein Code: 1234 €");
}

fn smsd_config(bench: &Bench, spool: &Path) -> String {
    let (base, spool, link) = (bench.directory.path().display(), spool.display(), bench.link.display());
    format!(
        "devices = GSM1\n\
         logfile = {base}/smsd.log\n\
         infofile = {base}/smsd.working\n\
         pidfile = {base}/smsd.pid\n\
         loglevel = 7\n\
         outgoing = {spool}/outgoing\n\
         checked = {spool}/checked\n\
         failed = {spool}/failed\n\
         incoming = {spool}/incoming\n\
         sent = {spool}/sent\n\
         delaytime = 1\n\
         errorsleeptime = 1\n\
         [GSM1]\n\
         device = {link}\n\
         incoming = no\n\
         baudrate = 115200\n"
    )
}
