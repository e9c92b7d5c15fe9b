//! Other people's SMS daemons at the same modem, where they are installed: from queueing to `AT+CMGS`.
//!
//! Each runs twice, as its package installs it and tuned as far as its settings go without keeping a core busy all the
//! time (gammu-smsd without any pause does). All four run at once, each at a modem of its own, because they mostly sleep.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use simverify::simulator::Settings;
use tempfile::TempDir;

use crate::modem::{Modem, What};
use crate::table::{Against, Sample, Table, millis};

/// Messages for a peer that looks every 30 s, and for a quick one.
const FEW: usize = 3;
const MANY: usize = 10;

/// For the daemon to find its modem and to go idle.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
enum Program {
    Gammu,
    Smstools,
}

struct Peer {
    name: &'static str,
    program: Program,
    settings: &'static str,
    messages: usize,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "gammu-smsd, tuned",
        program: Program::Gammu,
        settings: "commtimeout = 1\nloopsleep = 1\ncheckbattery = 0\nchecksignal = 0\nchecknetwork = 0\n\
                   checksecurity = 0\nreceivefrequency = 0\nstatusfrequency = 0\nresetfrequency = 0\n",
        messages: MANY,
    },
    Peer { name: "gammu-smsd, as installed", program: Program::Gammu, settings: "", messages: FEW },
    Peer {
        name: "smstools, tuned",
        program: Program::Smstools,
        settings: "delaytime = 1\ndelaytime_mainprocess = 1\n",
        messages: MANY,
    },
    Peer { name: "smstools, as installed", program: Program::Smstools, settings: "", messages: FEW },
];

pub fn figures(table: &mut Table) -> anyhow::Result<()> {
    let measuring: Vec<_> = PEERS
        .iter()
        .filter_map(|peer| match peer.program.find() {
            Some(path) => Some((peer, std::thread::spawn(move || measure(peer, &path)))),
            None => {
                eprintln!("  {}: {} is not installed", peer.name, peer.program.file_name());
                None
            }
        })
        .collect();
    for (peer, thread) in measuring {
        let sample = thread.join().map_err(|_| anyhow::anyhow!("{} failed", peer.name))??;
        table.sample(format!("{}: queue to `AT+CMGS`", peer.name), &sample, Against::Word("peer".to_owned()));
    }
    Ok(())
}

fn measure(peer: &Peer, path: &Path) -> anyhow::Result<Sample> {
    let modem = Modem::start(Settings::default().with("reports", "off"))?;
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let base = directory.path();
    for name in ["outgoing", "checked", "failed", "incoming", "sent"] {
        fs::create_dir_all(base.join(name))?;
    }
    let config = base.join("config");
    fs::write(&config, peer.program.config(base, &modem.path, peer.settings))?;
    let _running = Running(peer.program.command(path, &config).spawn()?);
    std::thread::sleep(SETTLE);
    let mut waits = vec![];
    for index in 0..peer.messages {
        let queued = Instant::now();
        peer.program.queue(base, index)?;
        waits.push(millis(modem.wait(What::Submit).with_context(|| peer.name)? - queued));
        modem.wait(What::Accepted)?;
        std::thread::sleep(pause(index));
    }
    Sample::new(waits)
}

/// From one message's end to the next one's queueing: out of step with a program that looks every second.
fn pause(index: usize) -> Duration {
    Duration::from_millis([1050, 1350, 1650, 1950, 1200, 1500, 1800][index % 7])
}

/// Ended when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    fn file_name(self) -> &'static str {
        match self {
            Self::Gammu => "gammu-smsd",
            Self::Smstools => "smsd",
        }
    }

    fn find(self) -> Option<PathBuf> {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/bin";
        path.split(':').map(|directory| Path::new(directory).join(self.file_name())).find(|path| path.exists())
    }

    fn config(self, base: &Path, modem: &Path, settings: &str) -> String {
        let (base, modem) = (base.display(), modem.display());
        match self {
            Self::Gammu => format!(
                "[gammu]\nport = {modem}\nconnection = at115200\n\
                 [smsd]\nservice = files\nlogfile = {base}/log\n\
                 inboxpath = {base}/incoming/\noutboxpath = {base}/outgoing/\n\
                 sentsmspath = {base}/sent/\nerrorsmspath = {base}/failed/\n{settings}"
            ),
            Self::Smstools => format!(
                "devices = GSM1\nlogfile = {base}/log\ninfofile = {base}/working\npidfile = {base}/pid\n\
                 outgoing = {base}/outgoing\nchecked = {base}/checked\nfailed = {base}/failed\n\
                 incoming = {base}/incoming\nsent = {base}/sent\nreceive_before_send = no\nautosplit = 3\n{settings}\
                 [GSM1]\ndevice = {modem}\nincoming = yes\n"
            ),
        }
    }

    fn command(self, path: &Path, config: &Path) -> Command {
        let mut command = Command::new(path);
        match self {
            Self::Gammu => command.arg("-c").arg(config),
            Self::Smstools => command.arg("-t").arg(format!("-c{}", config.display())),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Puts a message into the queue: written beside it, then moved, so that nobody finds half of it.
    fn queue(self, base: &Path, index: usize) -> anyhow::Result<()> {
        let (name, text) = match self {
            Self::Gammu => {
                (format!("OUTC20260101_000000_{index:02}_+491701234599_sms0.txt"), "Your code is 1234".to_owned())
            }
            Self::Smstools => (format!("message{index}"), "To: 491701234599\n\nYour code is 1234".to_owned()),
        };
        let beside = base.join(&name);
        fs::write(&beside, text)?;
        fs::rename(beside, base.join("outgoing").join(name))?;
        Ok(())
    }
}
