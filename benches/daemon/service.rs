//! The daemon as a process: its directory, its start, what the system says of it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::SecretString;
use simverify::app::add_account;
use simverify::clock::Clock;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{AccountDefaults, NewAccount, Store};
use tempfile::TempDir;

use crate::client::{KEY, SECRET};

const PATIENCE: Duration = Duration::from_secs(30);

/// `[verify.argon2]` of the default, and one that costs next to nothing.
pub const DEFAULT_HASH: &str = "";
pub const CHEAP_HASH: &str = "[verify.argon2]\nmemory_kib = 1024\niterations = 1\n";

/// A database with one account, and a configuration with one modem.
pub struct Installation {
    directory: TempDir,
}

impl Installation {
    pub fn new(modem: &Path, hash: &str) -> anyhow::Result<Self> {
        Self::with(modem, hash, "")
    }

    /// With a modem whose calls sound at `sound`, and how late a call's sound was in the log.
    pub fn calling(modem: &Path, sound: &Path, hash: &str) -> anyhow::Result<Self> {
        let voice = format!(
            "channels = [\"sms\", \"voice\"]\nvoice = {{ kind = \"serial-pcm\", port = \"{}\" }}\n\
             [log]\nlevel = \"info,simverify::modem::session::speaking=debug\"\n",
            sound.display()
        );
        Self::with(modem, hash, &voice)
    }

    /// In the build directory, which lies on a disk. `further`: lines after the modem's.
    fn with(modem: &Path, hash: &str, further: &str) -> anyhow::Result<Self> {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let base = directory.path();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n\
             [admin]\nlisten = \"\"\n\
             [storage]\npath = \"{0}/simverify.db\"\nkey_file = \"{0}/master.key\"\n\
             [verify]\nrequests_per_second = 100000\nsend_timeout_seconds = 86400\n\
             {hash}\
             [[modems]]\nname = \"bench\"\nport = \"{1}\"\n{further}",
            base.display(),
            modem.display()
        );
        std::fs::write(base.join("simverify.toml"), config)?;
        tokio::runtime::Builder::new_current_thread().build()?.block_on(add_the_account(base))?;
        Ok(Self { directory })
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the daemon and returns once it listens.
    pub fn start(&self) -> anyhow::Result<Service> {
        let started = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_simverify"))
            .arg("serve")
            .arg("--config")
            .arg(self.directory().join("simverify.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = BufReader::new(process.stderr.take().context("standard error was asked for")?);
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut service = Service { process, log, started, address: ([127, 0, 0, 1], 0).into() };
        let listening = service.wait_for_log("listening address=")?;
        let address = listening.split("address=\"").nth(1).and_then(|rest| rest.split('"').next());
        service.address = address.context("the address is logged")?.parse()?;
        Ok(service)
    }
}

async fn add_the_account(base: &Path) -> anyhow::Result<()> {
    let key = MasterKey::create(&base.join("master.key"), &Random::System)?;
    let secrets = Secrets::new(&key);
    let store = Store::open(&base.join("simverify.db"), &secrets.check_value())?;
    let now = Clock::System.now();
    let account = NewAccount {
        name: KEY.to_owned(),
        api_key: KEY.to_owned(),
        credits: None,
        rate: None,
        created: now,
        defaults: AccountDefaults::default(),
    };
    add_account(&store, &secrets, &Random::System, now, account, Some(SecretString::from(SECRET))).await?;
    Ok(())
}

/// A daemon that runs; ended when dropped.
pub struct Service {
    process: Child,
    log: Receiver<String>,
    /// Just before its program was executed.
    pub started: Instant,
    pub address: SocketAddr,
}

impl Service {
    /// Waits until the modem takes messages.
    pub fn wait_for_modem(&self) -> anyhow::Result<()> {
        self.wait_for_log("the modem is ready").map(drop)
    }

    pub fn wait_for_log(&self, words: &str) -> anyhow::Result<String> {
        let mut last = String::new();
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            last = line.with_context(|| format!("the daemon does not log \"{words}\"; it ended with: {last}"))?;
            if last.contains(words) {
                return Ok(last);
            }
        }
    }

    /// A figure of `/proc/PID/status`; memory is in KiB.
    pub fn status(&self, field: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {field}"))?;
        Ok(value.parse()?)
    }

    /// See [`cpu_time`].
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(self.process.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Not SIGTERM: a full queue would have to be drained by a slow modem first.
        let _ = kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

/// Processor time that a process has used so far, in all its threads.
pub fn cpu_time(process: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // proc(5): the fields after the name, which stands in brackets, begin with the third; utime and stime are the 14th
    // and 15th, in ticks of 10 ms.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis(10 * (ticks(11) + ticks(12))))
}
