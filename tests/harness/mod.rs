//! The whole daemon in the test's own process: real HTTP, real SQLite files, virtual modems, and a clock that the test
//! moves.
//!
//! [`spawn_app`] starts what `serve` starts. Wall time stands still until [`TestApp::advance`] moves it; modems and
//! sockets live in real time. Between two moves a test waits for the world with [`TestApp::at_rest`], never for a
//! while. Every test ends with [`TestApp::finish`], which looks for what must never be: an attempt that nobody works on,
//! a PIN, a secret or a whole number in the log, an error in it.

pub mod browser;
mod database;
mod log;
mod phone;
mod reply;
mod tap;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use simverify::app::{
    AccountDefaults, App, InboxMessage, WebhookChange, add_account, block, inbox, rotate_secret, set_account,
    set_webhook,
};
use simverify::channel::routing::Health;
use simverify::clock::{Clock, ManualClock, Timestamp};
use simverify::config::{ConfigError, Configuration, Sources};
use simverify::daemon::{Daemon, DatabaseLock, Parts};
use simverify::modem::received;
use simverify::random::Random;
use simverify::secrets::{KeyRing, MasterKey, Secrets};
use simverify::simulator::{Control, ReportEvent, Settings, Simulator, Simulators};
use simverify::socket::{self, Connection, Record, Refusal, Request};
use simverify::store::{self, NewAccount, Store};
use simverify::webhook::target::Target;

pub use phone::{Phone, Sms};
pub use reply::Reply;
use tap::Tap;

/// A number that belongs to nobody: Ofcom keeps it for films and examples.
pub const NUMBER: &str = "447700900123";

/// 2026-03-01 12:00:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// How long the world may take for one thing, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(3);

/// What a test's daemon is like.
pub struct Options {
    modems: Vec<(&'static str, Settings)>,
    /// Further keys of modems' tables.
    keys: BTreeMap<&'static str, String>,
    toml: String,
    credits: Option<i64>,
    /// Requests a second of an account.
    rate: u32,
    tapped: bool,
    admin: bool,
}

impl Options {
    /// No modem, no limit of credits.
    pub fn without_modem() -> Self {
        Self {
            modems: vec![],
            keys: BTreeMap::new(),
            toml: String::new(),
            credits: None,
            rate: 100_000,
            tapped: false,
            admin: false,
        }
    }

    /// One quick modem called `sim1`.
    pub fn one_modem() -> Self {
        Self::without_modem().modem("sim1", quick_modem())
    }

    pub fn modem(mut self, name: &'static str, settings: Settings) -> Self {
        self.modems.push((name, settings));
        self
    }

    /// Further keys of a modem's table.
    pub fn keys(mut self, modem: &'static str, toml: &str) -> Self {
        self.keys.insert(modem, format!("{toml}\n"));
        self
    }

    /// Further settings as dotted keys, one a line.
    pub fn toml(mut self, toml: &str) -> Self {
        self.toml = format!("{toml}\n");
        self
    }

    pub fn credits(mut self, credits: i64) -> Self {
        self.credits = Some(credits);
        self
    }

    pub fn rate(mut self, requests_per_second: u32) -> Self {
        self.rate = requests_per_second;
        self
    }

    /// Opens the admin listener.
    pub fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Puts a tap on the lines, so that [`TestApp::wire`] tells what was written to the modems.
    pub fn tapped(mut self) -> Self {
        self.tapped = true;
        self
    }
}

/// A modem that boots at once, with delivery reports at once.
pub fn quick_modem() -> Settings {
    Settings::default().with("boot", "50ms").with("report-delay", "0")
}

/// Credentials of an account.
#[derive(Clone)]
pub struct Account {
    pub key: String,
    pub secret: String,
}

pub struct TestApp {
    pub phone: Phone,
    pub account: Account,
    clock: ManualClock,
    daemon: Option<Daemon>,
    simulators: Simulators,
    modems: BTreeMap<String, Simulator>,
    taps: Vec<Tap>,
    options: Options,
    directory: tempfile::TempDir,
    /// Which start of the daemon this is: the seed of what it draws.
    starts: u64,
    log: log::Watch,
    finished: bool,
}

/// Starts a daemon; its modems are ready when this returns.
pub async fn spawn_app(options: Options) -> TestApp {
    let app = spawn_app_at_once(options).await;
    app.all_ready().await;
    app
}

/// Starts a daemon without waiting for its modems.
pub async fn spawn_app_at_once(options: Options) -> TestApp {
    let log = log::Watch::begin();
    let simulators = Simulators::default();
    let mut phone = Phone::default();
    let mut modems = BTreeMap::new();
    let mut taps = vec![];
    for (name, settings) in &options.modems {
        let simulator = simulators.start(name, settings.clone());
        phone.listen(name, &simulator);
        if options.tapped {
            taps.push(Tap::start(simulator.clone()).await);
        }
        modems.insert((*name).to_owned(), simulator);
    }
    // Clients are built with TLS and without a choice of cryptography; `main` makes the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut app = TestApp {
        phone,
        account: Account { key: String::new(), secret: String::new() },
        clock: ManualClock::at(START),
        daemon: None,
        simulators,
        modems,
        taps,
        options,
        directory: tempfile::tempdir().expect("a directory"),
        starts: 0,
        log,
        finished: false,
    };
    app.start_daemon().await;
    app.account = app.add_account("tester", app.options.credits).await;
    app
}

impl TestApp {
    async fn start_daemon(&mut self) {
        self.starts += 1;
        let configuration = self.load().unwrap_or_else(|error| panic!("{error}"));
        let settings = &configuration.settings;
        let lock = DatabaseLock::take(&settings.storage.path).expect("no other daemon");
        let random = Random::seeded(self.starts);
        let key_file = &settings.storage.key_file;
        if !key_file.exists() {
            MasterKey::create(key_file, &random).expect("a key file");
        }
        let ring = KeyRing::read(key_file).expect("a key file");
        let (store, under) = Store::open_under(&settings.storage.path, &ring.check_values()).expect("a database");
        let secrets = Secrets::of_ring(&ring, &under).expect("a key of the ring");
        let clock = Clock::Manual(self.clock.clone());
        let parts = Parts { store, secrets, clock, random, simulators: self.simulators.clone(), lock };
        let daemon = Daemon::start(settings, parts).await.expect("a daemon that starts");
        daemon.show(&configuration);
        self.daemon = Some(daemon);
    }

    fn load(&self) -> Result<Configuration, ConfigError> {
        let file = self.directory.path().join("simverify.toml");
        std::fs::write(&file, self.configuration()).expect("a configuration file");
        Configuration::load(&Sources {
            file: Some(file),
            directory: self.directory.path().to_owned(),
            environment: vec![],
            flags: vec![],
        })
    }

    /// Reads the configuration again, as SIGHUP does; a broken one changes nothing.
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.daemon().reload(&self.load()?);
        Ok(())
    }

    /// Makes a file in the folder of `messages.directory`.
    pub fn write_texts(&self, name: &str, text: &str) {
        std::fs::write(self.messages().join(name), text).expect("a file of texts");
    }

    fn messages(&self) -> PathBuf {
        let directory = self.directory.path().join("messages");
        std::fs::create_dir_all(&directory).expect("a directory");
        directory
    }

    fn configuration(&self) -> String {
        let directory = self.directory.path().display();
        let mut toml = format!(
            "server.listen = \"127.0.0.1:0\"\n\
             admin.listen = \"{}\"\n\
             storage.path = \"{directory}/simverify.db\"\n\
             storage.key_file = \"{directory}/master.key\"\n\
             verify.argon2.memory_kib = 1024\n\
             verify.argon2.iterations = 1\n\
             verify.requests_per_second = {}\n\
             messages.directory = \"{}\"\n",
            if self.options.admin { "127.0.0.1:0" } else { "" },
            self.options.rate,
            self.messages().display()
        );
        toml.push_str(&self.options.toml);
        for (index, (name, _)) in self.options.modems.iter().enumerate() {
            let port = self.taps.get(index).map_or_else(|| format!("simulator:{name}"), Tap::address);
            toml.push_str(&format!("\n[[modems]]\nname = \"{name}\"\nport = \"{port}\"\n"));
            let keys = self.options.keys.get(name).map_or("", String::as_str);
            if !keys.contains("channels") {
                toml.push_str("channels = [\"sms\"]\n");
            }
            toml.push_str(keys);
        }
        toml
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("the daemon runs")
    }

    /// Stops the daemon as SIGTERM does; until then it must not have ended by itself.
    pub async fn stop(&mut self) {
        let mut daemon = self.daemon.take().expect("the daemon runs");
        tokio::select! {
            biased;
            failure = daemon.failed() => panic!("the daemon could not go on: {failure:#}"),
            () = std::future::ready(()) => daemon.stop().await,
        }
    }

    /// Changes further keys of a modem's table, for the next start.
    pub fn set_keys(&mut self, modem: &'static str, toml: &str) {
        self.options.keys.insert(modem, format!("{toml}\n"));
    }

    /// Starts it again on the same files.
    pub async fn start_again(&mut self) {
        self.start_daemon().await;
    }

    /// Makes a further account.
    pub async fn add_account(&self, name: &str, credits: Option<i64>) -> Account {
        let app = self.daemon().app();
        let new = NewAccount {
            name: name.to_owned(),
            api_key: String::new(),
            credits,
            rate: None,
            created: self.clock.now(),
            defaults: store::AccountDefaults::default(),
        };
        let random = Random::System;
        let made = add_account(app.store(), &self.secrets(), &random, self.clock.now(), new, None).await;
        let made = made.expect("an account");
        let secret = made.api_secret.expose_secret().to_owned();
        self.log.never(&secret);
        Account { key: made.api_key, secret }
    }

    /// Bars the account, or lets it in again, as the operator does.
    pub async fn bar(&self, barred: bool) {
        let key = self.account.key.clone();
        let store = self.daemon().app().store();
        store.write(move |tx| tx.set_account_barred(&key, barred)).await.expect("a written account");
    }

    /// Blocks a number or a prefix, as the operator does.
    pub async fn block(&self, entry: &str) {
        let entry = entry.parse().unwrap_or_else(|error| panic!("{error}"));
        let (store, now) = (self.daemon().app().store(), self.clock.now());
        block(store, &self.secrets(), &Random::System, now, &entry).await.expect("a written entry");
    }

    /// Changes the account's rate and defaults, as the operator does.
    pub async fn set_account(&self, change: impl FnOnce(&mut Option<u32>, &mut AccountDefaults) + Send + 'static) {
        let changed = set_account(self.daemon().app().store(), &self.account.key, change).await;
        changed.expect("a written account").expect("the account");
    }

    /// Makes or changes an account's webhook, as the operator does. Gives its secret if that is new.
    pub async fn set_webhook(&self, account: &Account, url: &str, change: WebhookChange) -> Option<SecretString> {
        let change = WebhookChange { target: Some(Target::new(url).expect("a target")), ..change };
        let (store, now) = (self.daemon().app().store(), self.clock.now());
        let set = set_webhook(store, &self.secrets(), &Random::System, now, &account.key, change).await;
        let secret = set.unwrap_or_else(|error| panic!("{error}")).secret;
        if let Some(secret) = &secret {
            self.log.never(secret.expose_secret());
        }
        self.wake_webhooks();
        secret
    }

    /// Tells the daemon to look at the webhooks, as each command does.
    pub fn wake_webhooks(&self) {
        self.daemon().app().webhook_wake().notify_one();
    }

    /// Makes another secret for the account, as the operator does; the one before stays live.
    pub async fn rotate_secret(&self) -> Account {
        let (store, now) = (self.daemon().app().store(), self.clock.now());
        let made = rotate_secret(store, &self.secrets(), &Random::System, now, &self.account.key).await;
        let secret = made.expect("a written secret").expect("the account").0.expose_secret().to_owned();
        self.log.never(&secret);
        Account { key: self.account.key.clone(), secret }
    }

    pub fn secrets(&self) -> Secrets {
        let under: Vec<u8> = self.value("select value from meta where name = 'key_check'");
        let under = under.try_into().expect("32 octets");
        Secrets::of_ring(&self.ring(), &under).expect("a key of the ring")
    }

    /// The keys of the key file.
    pub fn ring(&self) -> KeyRing {
        KeyRing::read(&self.file("master.key")).expect("a key file")
    }

    /// A file beside the database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Asks the daemon for another master key, as `simverify key rotate` does. Gives the verifications whose PIN needs
    /// the old key for a while.
    pub async fn rotate_key(&self) -> Result<u32, Refusal> {
        let path = socket::path(&self.file("simverify.db"));
        let mut connection = Connection::ask(&path, &Request::RotateKey).await.expect("a daemon");
        loop {
            match connection.next().await.expect("a record").expect("an answer") {
                Record::Begin => {}
                Record::Rotated { pins, unreadable: 0, .. } => return Ok(pins),
                Record::Refused { refusal } => return Err(refusal),
                other => panic!("{other:?}"),
            }
        }
    }

    /// What is left of the account's credits.
    pub fn credits(&self) -> i64 {
        self.value(&format!("select credits from account where api_key = '{}'", self.account.key))
    }

    // ---- HTTP

    /// Sends a form with the account's credentials.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.post_as(&self.account, path, form).await
    }

    pub async fn post_as(&self, account: &Account, path: &str, form: &[(&str, &str)]) -> Reply {
        let credentials = [("api_key", account.key.as_str()), ("api_secret", account.secret.as_str())];
        let form: Vec<_> = credentials.iter().chain(form).copied().collect();
        self.send(self.http().post(self.url(path)).form(&form)).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon().addresses()[0])
    }

    /// The same of the admin listener.
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon().admin_addresses()[0])
    }

    /// Makes an admin user, as the operator does.
    pub async fn add_admin(&self, name: &str, password: &str) {
        self.log.never(password);
        let (store, now) = (self.daemon().app().store(), self.clock.now());
        let added = simverify::app::add_admin(store, &Random::System, now, name, &password.into()).await;
        added.expect("an admin user");
    }

    /// One for all tests: it reads the certificates of this machine once.
    pub fn http(&self) -> &'static reqwest::Client {
        static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
            reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().expect("a client")
        });
        &CLIENT
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.expect("a reply");
        Reply::read(response).await
    }

    /// Asks for a verification of a number.
    pub async fn request(&self, number: &str, further: &[(&str, &str)]) -> Reply {
        self.request_as(&self.account, number, further).await
    }

    pub async fn request_as(&self, account: &Account, number: &str, further: &[(&str, &str)]) -> Reply {
        self.log.never(number);
        let brand = if further.iter().any(|(name, _)| *name == "brand") { None } else { Some(&("brand", "Acme")) };
        let form: Vec<_> = [("number", number)].iter().chain(brand).chain(further).copied().collect();
        self.post_as(account, "/verify/json", &form).await
    }

    /// Asks for a verification that is accepted; gives its request id.
    pub async fn start(&self, number: &str, further: &[(&str, &str)]) -> String {
        let reply = self.request(number, further).await;
        assert_eq!(reply.field("status"), "0", "{reply}");
        reply.field("request_id")
    }

    pub async fn check(&self, request: &str, code: &str) -> Reply {
        self.post("/verify/check/json", &[("request_id", request), ("code", code)]).await
    }

    pub async fn search(&self, request: &str) -> Reply {
        self.post("/verify/search/json", &[("request_id", request)]).await
    }

    pub async fn control(&self, request: &str, command: &str) -> Reply {
        self.post("/verify/control/json", &[("request_id", request), ("cmd", command)]).await
    }

    /// What search calls the verification's status.
    pub async fn status(&self, request: &str) -> String {
        self.search(request).await.field("status")
    }

    /// The types of the verification's events, as search tells them.
    pub async fn events(&self, request: &str) -> Vec<String> {
        let reply = self.search(request).await.json();
        let events = reply["events"].as_array().expect("a list of events");
        events.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
    }

    // ---- the modems

    /// A control line, as `simulate` reads it, to a modem.
    pub async fn modem(&self, name: &str, control: &str) {
        let control = Control::parse(control).unwrap_or_else(|error| panic!("{error}"));
        self.modems[name].control(control).await;
    }

    /// The phone sends a text to a modem. Neither may stand in the log.
    pub async fn incoming(&self, name: &str, sender: &str, text: &str) {
        self.never_written(sender, text);
        let (number, text) = (sender.to_owned(), text.to_owned());
        self.modems[name].control(Control::Incoming { number, text }).await;
    }

    /// The same in parts, in this order.
    pub async fn incoming_parts(&self, name: &str, sender: &str, order: &str, text: &str) {
        self.never_written(sender, text);
        self.modem(name, &format!("parts {sender} {order} {text}")).await;
    }

    /// The network hands over PDUs, in hex.
    pub async fn incoming_pdus(&self, name: &str, pdus: &[&str]) {
        for pdu in pdus {
            if pdu.len() > 16 {
                self.log.never(pdu);
            }
            self.modem(name, &format!("pdu {pdu}")).await;
        }
    }

    fn never_written(&self, sender: &str, text: &str) {
        if sender.len() >= 8 {
            self.log.never(sender.trim_start_matches('+'));
        }
        // A shorter one may be any word of the log.
        if text.len() >= 8 {
            self.log.never_text(text);
        }
    }

    /// This may not stand in the log.
    pub fn never_logged(&self, text: &str) {
        self.log.never(text);
    }

    /// As [`log::Watch::lines_with`].
    pub fn logged(&self, words: &[&str]) -> Vec<String> {
        self.log.lines_with(words)
    }

    /// What the operator finds in the inbox.
    pub async fn inbox(&self) -> Vec<InboxMessage> {
        let inbox = inbox(self.daemon().app().store(), &self.secrets(), self.clock.now(), received::join).await;
        inbox.expect("an inbox")
    }

    /// The same once there are so many messages; more are too many.
    pub async fn inbox_of(&self, count: usize) -> Vec<InboxMessage> {
        let found = async {
            loop {
                let inbox = self.inbox().await;
                if inbox.len() >= count {
                    return inbox;
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        let inbox = tokio::time::timeout(PATIENCE, found).await;
        let inbox = inbox.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {count} messages"));
        assert_eq!(inbox.len(), count);
        inbox
    }

    /// Returns once so many parts of messages are on record.
    pub async fn kept_parts(&self, count: i64) {
        let parts = "select count(*) from inbox";
        eventually("parts on record", || (self.value::<i64>(parts) >= count).then_some(())).await;
    }

    /// What becomes of delivery reports at a modem from here on.
    pub fn reports(&self, name: &str) -> tokio::sync::broadcast::Receiver<ReportEvent> {
        self.modems[name].reports()
    }

    pub fn is_ready(&self, name: &str) -> bool {
        let routes = self.daemon().app().board().routes();
        routes.iter().any(|route| route.name == name && route.health == Health::Ready)
    }

    pub async fn ready(&self, name: &str) {
        eventually(&format!("{name} is ready"), || self.is_ready(name).then_some(())).await;
    }

    pub async fn down(&self, name: &str) {
        eventually(&format!("{name} is down"), || (!self.is_ready(name)).then_some(())).await;
    }

    pub async fn all_ready(&self) {
        for (name, _) in &self.options.modems {
            self.ready(name).await;
        }
    }

    /// What was written to the modems so far.
    pub fn wire(&self) -> String {
        self.taps.iter().map(Tap::written).collect()
    }

    /// Forbids a text in the log.
    pub fn never(&self, text: &str) {
        self.log.never(text);
    }

    // ---- time

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn set_back(&self, seconds: u64) {
        self.clock.set(self.clock.now() - Duration::from_secs(seconds));
    }

    /// Returns once the dispatcher has looked at what is due now and does nothing any more.
    pub async fn looked(&self) {
        // It answers between two looks: the second answer comes after one that began after the first.
        for _ in 0..2 {
            self.daemon().probe().answered().await;
        }
    }

    /// The operations, for what no caller can do.
    pub fn operations(&self) -> &std::sync::Arc<App> {
        self.daemon().app()
    }

    /// Returns once everything that is due by now is done.
    pub async fn at_rest(&self) {
        let now = self.clock.now().as_millis();
        let undone = format!(
            "select (select count(*) from attempt where state in ('claimed', 'sending') \
             or (state = 'due' and due_at <= {now})) \
             + (select count(*) from verification where deadline_at <= {now})"
        );
        eventually("what is due is done", || (self.value::<i64>(&undone) == 0).then_some(())).await;
    }

    /// When the dispatcher would look again after a look `ago` seconds before the present, in seconds from then.
    pub async fn next_look(&self, ago: u64) -> Option<u64> {
        let looked = self.clock.now() - Duration::from_secs(ago);
        let next = self.daemon().app().next_due(looked).await.expect("a database");
        next.map(|next| next.since(looked).as_secs())
    }

    /// Moves the clock while nothing can be sent, and returns once every deadline that has come is handled.
    pub async fn pass_while_down(&self, seconds: u64) {
        self.advance(seconds);
        let now = self.clock.now().as_millis();
        let overdue = format!("select count(*) from verification where deadline_at <= {now}");
        eventually("deadlines are handled", || (self.value::<i64>(&overdue) == 0).then_some(())).await;
    }

    /// Moves the clock, and returns once everything that is due by then is done.
    pub async fn pass(&self, seconds: u64) {
        self.at_rest().await;
        self.advance(seconds);
        self.at_rest().await;
    }

    /// The database as it lies on the disk.
    pub fn database_bytes(&self) -> Vec<u8> {
        std::fs::read(self.database()).expect("a database")
    }

    /// What `simverify ARGUMENTS` says beside the running daemon: exit code, standard output, standard error.
    pub async fn command(&self, arguments: &[&str]) -> String {
        self.command_with(arguments, "").await
    }

    /// The same with this on its standard input.
    pub async fn command_with(&self, arguments: &[&str], input: &str) -> String {
        let file = self.directory.path().join("simverify.toml");
        let mut command = assert_cmd::Command::cargo_bin("simverify").expect("the program is built");
        command.env_clear().arg("--config").arg(file).args(arguments).write_stdin(input);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread");
        let output = output.expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("exit {}\n{}{}", output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    // ---- the end

    fn database(&self) -> PathBuf {
        self.directory.path().join("simverify.db")
    }

    /// Stops the daemon and looks for what must never be.
    pub async fn finish(mut self) {
        if self.daemon.is_some() {
            self.stop().await;
        }
        self.finished = true;
        let open = self.lines("select state, attempt_id from attempt where state in ('claimed', 'sending')");
        assert_eq!(open, Vec::<String>::new(), "attempts that nobody works on");
        for sms in self.phone.all() {
            self.log.never_sms(&sms);
        }
        self.log.check();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log.print_tail();
        } else {
            assert!(self.finished, "a test ends with finish()");
        }
    }
}

/// Waits until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for: {what}"))
}
