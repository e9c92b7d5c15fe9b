//! The place of a run: configuration, key, accounts, and the database on a small disk of its own where this user may
//! mount one. It is deleted when all went well, and kept as evidence where not.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use secrecy::SecretString;
use simverify::app::add_account;
use simverify::clock::Clock;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{AccountDefaults, NewAccount, Store, backup};

use crate::course::Course;
use crate::provider::Provider;

/// The program under test; `TORTURE_PROGRAM` names another build, such as the one that is to be installed.
pub fn program() -> OsString {
    std::env::var_os("TORTURE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_simverify").into())
}

/// Whether the fake provider is among the routes.
pub const PROVIDERS: bool = true;

/// The first may spend without limit, the second runs out of credits now and then, the third soon.
pub const ACCOUNTS: [(&str, Option<i64>); 3] =
    [("torture1", Some(1_000_000_000)), ("torture2", Some(1_000_000)), ("torture3", Some(25_000))];

pub const SECRET: &str = "Sq7uP2xWmB94tRkZ";

pub const MODEMS: [&str; 3] = ["sim1", "sim2", "sim3"];

/// Room of the small disk while there is no fault.
const DISK: &str = "1g";

/// Set in a run whose database lies on a small disk.
const ON_SMALL_DISK: &str = "TORTURE_ON_SMALL_DISK";

/// Makes the real daemon's wall clock follow a file. Monotonic time stays the machine's.
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

pub struct Site {
    pub directory: PathBuf,
    pub secrets: Secrets,
    /// Whether the database lies on a small disk: see [`on_small_disk`].
    has_disk: bool,
    faketime: Option<&'static str>,
}

impl Site {
    pub fn new(course: &Course, provider: Option<&Provider>) -> Self {
        let directory = directory(course);
        let key = MasterKey::create(&directory.join("master.key"), &Random::System).expect("a key file");
        let faketime = FAKETIME.into_iter().find(|library| Path::new(library).exists());
        let has_disk = std::env::var_os(ON_SMALL_DISK).is_some();
        let site = Self { directory, secrets: Secrets::new(&key), has_disk, faketime };
        site.set_clock(0);
        site.make_database();
        site.configure(course, provider);
        site
    }

    pub fn has_clock(&self) -> bool {
        self.faketime.is_some()
    }

    fn make_database(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let made = self.directory.join("made.db");
        runtime.block_on(async {
            let store = Store::open(&made, &self.secrets.check_value()).expect("a database");
            let now = Clock::System.now();
            for (key, credits) in ACCOUNTS {
                let account = NewAccount {
                    name: key.into(),
                    api_key: key.into(),
                    credits,
                    rate: None,
                    created: now,
                    defaults: AccountDefaults::default(),
                };
                let secret = Some(SecretString::from(SECRET));
                add_account(&store, &self.secrets, &Random::System, now, account, secret).await.expect("an account");
            }
        });
        // A store closes on a thread of its own, at some time; nobody has the copy open.
        backup(&made, &self.database_path(), Clock::System.now()).expect("a copy");
    }

    fn configure(&self, course: &Course, provider: Option<&Provider>) {
        let directory = self.directory.display();
        let mut text = format!(
            "[server]\nlisten = '127.0.0.1:0'\n\
             [admin]\nlisten = ''\n\
             [storage]\npath = '{directory}/disk/simverify.db'\nkey_file = '{directory}/master.key'\n\
             [verify]\nsend_timeout_seconds = 240\nrequests_per_second = 100000\ncancel_after_seconds = 0\n\
             pin_expiry_seconds = {}\nnext_event_wait_seconds = {}\n\
             [verify.argon2]\nmemory_kib = 1024\niterations = 1\n\
             [routing]\noverflow_after_seconds = 5\n\
             [log]\nlevel = 'simverify=debug,info'\nformat = 'json'\n",
            course.pin_expiry().as_secs(),
            course.event_wait().as_secs()
        );
        for name in MODEMS {
            let port = self.link(name);
            text.push_str(&format!("[[modems]]\nname = '{name}'\nport = '{}'\nchannels = ['sms']\n", port.display()));
            if provider.is_some() {
                // Other countries' numbers go through the provider alone.
                text.push_str("countries = ['DE']\n");
            }
        }
        if let Some(provider) = provider {
            text.push_str(&provider.configuration());
        }
        fs::write(self.config(), text).expect("a configuration");
    }

    pub fn config(&self) -> PathBuf {
        self.directory.join("simverify.toml")
    }

    pub fn link(&self, modem: &str) -> PathBuf {
        self.directory.join(modem)
    }

    pub fn log(&self, life: usize) -> PathBuf {
        self.directory.join(format!("logs/daemon-{life}.log"))
    }

    /// `simverify ARGUMENTS` beside the database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        if let Some(library) = self.faketime {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.directory.join("clock"));
            command.env("FAKETIME_CACHE_DURATION", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            command.env("NO_FAKE_STAT", "1");
        }
        command.arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Sets the daemon's wall clock to so many seconds beside the machine's.
    pub fn set_clock(&self, offset: i64) {
        let made = self.directory.join("clock.new");
        fs::write(&made, format!("{offset:+}\n")).expect("a file");
        fs::rename(made, self.directory.join("clock")).expect("a file");
    }

    /// What was set.
    pub fn clock(&self) -> i64 {
        let text = fs::read_to_string(self.directory.join("clock")).expect("a file");
        text.trim().parse().expect("seconds")
    }

    fn database_path(&self) -> PathBuf {
        self.directory.join("disk/simverify.db")
    }

    /// The database as another process sees it.
    pub fn database(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(self.database_path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(20))?;
        Ok(connection)
    }

    /// Takes all space away but for some pages; `false`: there is no disk to fill.
    pub fn fill_disk(&self, pages: u64) -> bool {
        if !self.has_disk {
            return false;
        }
        let status = nix::sys::statvfs::statvfs(&self.directory.join("disk")).expect("a file system");
        let used = (status.blocks() - status.blocks_free()) * status.fragment_size();
        self.resize(&format!("{}k", used / 1024 + pages * 4))
    }

    pub fn free_disk(&self) {
        assert!(self.resize(DISK), "the disk is given its space again");
    }

    fn resize(&self, size: &str) -> bool {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.directory.join("disk"))
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Leaves database and logs where a person finds them; says where.
    pub fn keep(&self) -> PathBuf {
        for suffix in ["", "-wal", "-shm"] {
            let mut from = self.database_path().into_os_string();
            from.push(suffix);
            // There may be no journal.
            let _ = fs::copy(from, self.directory.join(format!("evidence.db{suffix}")));
        }
        self.directory.clone()
    }

    pub fn delete(&self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where the run lives; what an earlier one with this seed left is taken away.
fn directory(course: &Course) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("torture-{}", course.seed));
    if std::env::var_os(ON_SMALL_DISK).is_none() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("disk")).expect("a directory");
        fs::create_dir_all(directory.join("logs")).expect("a directory");
    }
    directory
}

/// This test once more, with a small file system of its own where the database will lie, mounted for it alone. `None`:
/// it is there already, or this user may not mount.
pub fn on_small_disk(course: &Course, test: &str) -> Option<Command> {
    if std::env::var_os(ON_SMALL_DISK).is_some() {
        return None;
    }
    let disk = directory(course).join("disk");
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(&disk);
        command
    };
    let mount = format!("mount -t tmpfs -o size={DISK} tmpfs \"$1\"");
    if !unshared(&mount).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("this user may not mount a file system: the disk is never full, only the size of files is limited");
        return None;
    }
    let mut command = unshared(&format!("{mount} && shift && exec \"$@\""));
    command
        .arg(std::env::current_exe().expect("a path"))
        .args(["--exact", test, "--nocapture"])
        .env(ON_SMALL_DISK, "1");
    Some(command)
}

/// The end of the run, for which threads wait beside their pace.
#[derive(Default)]
pub struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    /// Waits for a time; `true` at once when the gate closes.
    pub fn closes_within(&self, time: Duration) -> bool {
        let closed = self.closed.lock().expect("no panic");
        *self.changed.wait_timeout_while(closed, time, |closed| !*closed).expect("no panic").0
    }

    pub fn close(&self) {
        *self.closed.lock().expect("no panic") = true;
        self.changed.notify_all();
    }
}

/// A file to which a process writes.
pub fn output_file(path: &Path) -> File {
    File::create(path).expect("a file")
}
