//! `simverify serve`: the daemon.

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::config::check_certificate;
use super::open::{Opened, open};
use super::{Exit, Failure, Global, OrExit, Outcome};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::{Daemon, DatabaseLock, LockError, Parts, Probe, warn_of_texts};
use crate::random::Random;
use crate::service::{Service, watchdog_period};
use crate::simulator::Simulators;
use crate::telemetry;

/// Stack of a thread that serves HTTP or drives modems: a quarter of the default is plenty.
const STACK: usize = 512 * 1024;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address to listen on, in place of server.listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let configuration = global.configuration_with(flags(arguments))?;
    let _log = telemetry::start(&configuration.settings.log).or_exit(Exit::Io, "cannot start the log")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(2))
        .max_blocking_threads(16)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .or_exit(Exit::Io, "cannot start")?;
    runtime.block_on(serve(&configuration, arguments, global))
}

fn flags(arguments: &Arguments) -> Vec<crate::config::Flag> {
    let listen = arguments.listen.iter().map(|listen| crate::config::Flag {
        flag: "--listen",
        key: "server.listen".to_owned(),
        value: listen.clone(),
    });
    listen.collect()
}

async fn serve(configuration: &Configuration, arguments: &Arguments, global: &Global) -> Outcome {
    let mut terminated = signal(SignalKind::terminate()).or_exit(Exit::Io, "cannot listen for signals")?;
    let mut hung_up = signal(SignalKind::hangup()).or_exit(Exit::Io, "cannot listen for signals")?;
    // Its default action ends the process. Once listened for, it stays harmless, and the write fails like any other.
    let _ = signal(SignalKind::from_raw(Signal::SIGXFSZ as i32)).or_exit(Exit::Io, "cannot listen for signals")?;
    let settings = &configuration.settings;
    check_certificate(settings)?;
    let lock = DatabaseLock::take(&settings.storage.path).map_err(not_locked)?;
    let Opened { store, secrets } = open(settings)?;
    let parts =
        Parts { store, secrets, clock: Clock::System, random: Random::System, simulators: Simulators::default(), lock };
    let mut daemon = Daemon::start(settings, parts).await.or_exit(Exit::Unavailable, "cannot start")?;
    daemon.show(configuration);
    let addresses: Vec<_> = daemon.addresses().iter().map(ToString::to_string).collect();
    let scheme = if settings.server.tls().is_some() { "https" } else { "http" };
    info!(name: "daemon.listening", address = addresses.join(", "), scheme, "listening");
    let service = Service::of_environment();
    service.ready();
    let watchdog = tokio::spawn(feed_watchdog(daemon.probe()));

    let outcome = loop {
        tokio::select! {
            _ = terminated.recv() => break Ok(()),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.or_exit(Exit::Io, "cannot listen for signals")?;
                break Ok(());
            }
            _ = hung_up.recv() => {
                service.reloading();
                reload(&daemon, arguments, global);
                service.ready();
            }
            failure = daemon.failed() => {
                error!(name: "daemon.failed", error = format!("{failure:#}"), "the daemon cannot go on");
                break Err(Exit::Io.because(failure));
            }
        }
    };
    service.stopping();
    info!(name: "daemon.stopping", "stopping: what is in a modem's hands finishes, the rest stays in the outbox");
    // A drain may take longer than the watchdog's patience: it goes on being fed.
    daemon.stop().await;
    watchdog.abort();
    info!(name: "daemon.stopped", "stopped");
    outcome
}

fn not_locked(error: LockError) -> Failure {
    let exit = match &error {
        LockError::Held(_) => Exit::Unavailable,
        LockError::Io { cause, .. } => Exit::of_io(cause),
    };
    exit.because(anyhow::Error::new(error).context("cannot start"))
}

/// Feeds systemd's watchdog for as long as every part of the daemon answers.
async fn feed_watchdog(probe: Probe) {
    let Some(period) = watchdog_period() else { return };
    let service = Service::of_environment();
    service
        .feed_watchdog(period, move || {
            let probe = probe.clone();
            async move {
                probe.answered().await;
                true
            }
        })
        .await;
}

/// Reads the configuration again. A broken one changes nothing.
fn reload(daemon: &Daemon, arguments: &Arguments, global: &Global) {
    match global.configuration_with(flags(arguments)) {
        Ok(configuration) => {
            warn_of_texts(&configuration.settings);
            daemon.reload(&configuration);
            info!(
                name: "config.reloaded",
                "configuration read again: verify, messages, numbers and pricing hold from here on; \
                 server, storage, modems and log need a restart"
            );
        }
        Err(failure) => {
            error!(name: "config.not_reloaded", error = %failure, "configuration not read again; the old one stays")
        }
    }
}
