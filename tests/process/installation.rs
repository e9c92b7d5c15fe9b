//! What a daemon needs on disk: configuration, key, database with one account.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rusqlite::{Connection, OpenFlags};
use secrecy::SecretString;
use simverify::app::add_account;
use simverify::clock::Clock;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{AccountDefaults, NewAccount, Store, backup};
use tempfile::TempDir;

use crate::child::PROGRAM;
use crate::daemon::Daemon;
use crate::modem::Modem;

/// The credentials of the account.
pub const KEY: &str = "process1";
pub const SECRET: &str = "Sq7uP2xWmB94tRkZ";

pub struct Installation {
    pub directory: TempDir,
}

impl Installation {
    /// With the account and a modem behind [`Installation::link`].
    pub fn new() -> Self {
        let installation = Self::empty();
        let key = MasterKey::create(&installation.path("master.key"), &Random::System).expect("a key file");
        let secrets = Secrets::new(&key);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let workshop = tempfile::tempdir().expect("a directory");
        runtime.block_on(async {
            let store = Store::open(&workshop.path().join("made.db"), &secrets.check_value()).expect("a database");
            let now = Clock::System.now();
            let account = NewAccount {
                name: "test".into(),
                api_key: KEY.into(),
                credits: None,
                rate: None,
                created: now,
                defaults: AccountDefaults::default(),
            };
            let secret = Some(SecretString::from(SECRET));
            add_account(&store, &secrets, &Random::System, now, account, secret).await.expect("an account");
        });
        // A store closes on a thread of its own, at some time; nobody has the copy open.
        backup(&workshop.path().join("made.db"), &installation.path("simverify.db"), Clock::System.now())
            .expect("a copy");
        installation
    }

    /// With a configuration only.
    pub fn empty() -> Self {
        let installation = Self { directory: tempfile::tempdir().expect("a directory") };
        installation.configure("code_length = 4", "simverify=debug,info", &installation.link());
        installation
    }

    /// `verify`: further lines of that section.
    pub fn configure(&self, verify: &str, level: &str, port: &std::path::Path) {
        let [database, key] = ["simverify.db", "master.key"].map(|name| self.path(name).display().to_string());
        let port = port.display();
        let text = format!(
            "[server]\nlisten = '127.0.0.1:0'\n\
             [admin]\nlisten = ''\n\
             [storage]\npath = '{database}'\nkey_file = '{key}'\n\
             [verify]\nsend_timeout_seconds = 3600\nrequests_per_second = 100000\n{verify}\n\
             [verify.argon2]\nmemory_kib = 1024\niterations = 1\n\
             [log]\nlevel = '{level}'\nformat = 'json'\n\
             [[modems]]\nname = 'sim1'\nport = '{port}'\nchannels = ['sms']\n"
        );
        fs::write(self.config(), text).expect("a configuration");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("simverify.toml")
    }

    /// The port of the modem.
    pub fn link(&self) -> PathBuf {
        self.path("modem")
    }

    /// `serve`, with nothing of this machine's environment.
    pub fn serve(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env_clear().args(["serve", "--config"]).arg(self.config()).stdin(Stdio::null());
        command
    }

    /// The page of `doctor`.
    pub fn doctor(&self) -> String {
        let mut command = Command::new(PROGRAM);
        command.env_clear().args(["doctor", "--config"]).arg(self.config()).stdin(Stdio::null());
        String::from_utf8(command.output().expect("it runs").stdout).expect("UTF-8")
    }

    /// A daemon that accepts requests.
    pub fn daemon(&self) -> Daemon {
        Daemon::listening(self.serve())
    }

    pub fn modem(&self, arguments: &[&str]) -> Modem {
        Modem::start(&self.link(), arguments)
    }

    /// The database as another process sees it.
    pub fn database(&self) -> Connection {
        let connection = Connection::open_with_flags(self.path("simverify.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .expect("a database");
        connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a time-out");
        connection
    }

    /// One number that a query gives.
    pub fn count(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).expect("a count")
    }

    pub fn assert_intact(&self) {
        let verdict: String =
            self.database().query_row("pragma integrity_check", [], |row| row.get(0)).expect("a verdict");
        assert_eq!(verdict, "ok");
    }
}

/// Attempts that are still to be done.
pub const OPEN_ATTEMPTS: &str = "select count(*) from attempt where state in ('due', 'claimed', 'sending')";
