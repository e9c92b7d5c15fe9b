//! Proof that the virtual modem is one: programs that other people wrote for real modems work with it. And that a modem
//! is reached through a server of serial ports that other people wrote.
//!
//! They need Debian's packages `gammu`, `smstools` and `ser2net`; `make test` installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use simverify::channel::{Message, MessageText, Outcome};
use simverify::modem::by_hand;
use simverify::modem::calling::Voice;
use simverify::modem::driver::ModemConfig;
use simverify::modem::port::{self, PortAddress};
use simverify::phone::PhoneNumber;
use simverify::simulator::{Control, PhoneEvent, PtyTask, Settings, Simulator, Simulators};
use simverify::verification::{AttemptId, EventKind};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The slowest of these programs rests four seconds; more than this is a hang.
const PROGRAM_TIME: Duration = Duration::from_secs(180);

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

#[tokio::test(flavor = "multi_thread")]
async fn a_modem_behind_ser2net_sends_over_raw_tcp_and_over_rfc_2217() {
    for accepter in ["tcp", "telnet(rfc2217),tcp"] {
        let mut bench = Bench::start(Settings::default());
        let number = free_port();
        let config = bench.path("ser2net.yaml");
        let link = bench.link.display();
        // The version at the top and the spelling of the rest are ser2net's.
        let text = format!(
            "%YAML 1.1\n---\nconnection: &modem\n  accepter: {accepter},127.0.0.1,{number}\n  \
             connector: serialdev,{link},9600n81,local\n"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program("ser2net", "ser2net"));
        command.arg("-n").arg("-c").arg(&config).stdin(Stdio::null()).kill_on_drop(true);
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (host, port) = ("127.0.0.1".to_owned(), number);
        let address =
            if accepter == "tcp" { PortAddress::Tcp { host, port } } else { PortAddress::Rfc2217 { host, port } };
        let port = timeout(PROGRAM_TIME, served(&address)).await.expect("ser2net serves in time");
        let outcome = by_hand::send(port, &modem(address), &message(), 1, async |_| false).await.unwrap();
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{accepter}: {outcome:?}");
        assert_eq!(bench.next_event().await, "SMS to +491701234567 (reference 1, 1 part): Dein Code: 1234 €");
        server.kill().await.unwrap();
    }
}

/// A port for another program: below those that the system gives to whoever asks for any.
fn free_port() -> u16 {
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let free = (first..32_000).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}

/// The port, once its server listens.
async fn served(address: &PortAddress) -> port::Port {
    loop {
        match port::open(address, 9600, &Simulators::default()).await {
            Ok(port) => return port,
            Err(error) if error.is_absent() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn modem(address: PortAddress) -> ModemConfig {
    ModemConfig {
        name: "sim1".to_owned(),
        address,
        baud_rate: 9600,
        profile: None,
        sim_pin: None,
        roaming: true,
        delivery_reports: false,
        voice: Voice::None,
        readings: 3,
    }
}

fn message() -> Message {
    Message {
        attempt: AttemptId::new(1),
        request: None,
        kind: EventKind::Sms,
        number: PhoneNumber::parse("491701234567", None).unwrap(),
        text: MessageText::new("Dein Code: 1234 €".to_owned()),
        call: None,
        particulars: None,
        pin_end: None,
        validity: Duration::from_secs(300),
    }
}
