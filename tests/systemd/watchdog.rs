//! The watchdog under a service manager that listens: a part that hangs is not covered up by those that work.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use simverify::clock::Clock;
use simverify::config::{Configuration, Settings, Sources};
use simverify::daemon::{Daemon, DatabaseLock, Parts};
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::service::Service;
use simverify::simulator::Simulators;
use simverify::store::Store;

/// Asked twice in this time, a part has a quarter of it to answer.
const PERIOD: Duration = Duration::from_millis(800);

/// How long the world may take for one thing, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Signs of life from before a hang, of which one is due twice in each period: those of four seconds.
const SIGNS_MAX: usize = 10;

fn settings(directory: &Path) -> Settings {
    let file = directory.join("simverify.toml");
    let toml = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"\"\n\
         storage.path = \"{0}/simverify.db\"\nstorage.key_file = \"{0}/master.key\"\n\
         [[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\n",
        directory.display()
    );
    std::fs::write(&file, toml).expect("a configuration file");
    let sources = Sources { file: Some(file), directory: directory.to_owned(), environment: vec![], flags: vec![] };
    Configuration::load(&sources).expect("a configuration").settings
}

async fn daemon(directory: &Path) -> Daemon {
    let settings = settings(directory);
    let lock = DatabaseLock::take(&settings.storage.path).expect("no other daemon");
    let key = MasterKey::create(&settings.storage.key_file, &Random::System).expect("a key file");
    let secrets = Secrets::new(&key);
    let store = Store::open(&settings.storage.path, &secrets.check_value()).expect("a database");
    let simulators = Simulators::default();
    let parts = Parts { store, secrets, clock: Clock::System, random: Random::System, simulators, lock };
    Daemon::start(&settings, parts).await.expect("a daemon that starts")
}

/// A service manager that hears.
struct Manager(UnixDatagram);

impl Manager {
    /// What it hears within `patience`.
    fn hears_within(&self, patience: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(patience)).expect("a time-out");
        let mut buffer = [0; 64];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// Whether it hears nothing for twice the time of the watchdog. At first signs of life may be under way.
    fn loses_patience(&self) -> bool {
        (0..SIGNS_MAX).any(|_| self.hears_within(PERIOD * 2).is_none())
    }
}

/// Feeds the watchdog as `serve` does.
async fn feed(daemon: &Daemon, socket: &Path) -> tokio::task::JoinHandle<()> {
    let (probe, service) = (daemon.probe(), Service::at(Some(socket.into())));
    let ask = move || {
        let probe = probe.clone();
        async move {
            probe.answered().await;
            true
        }
    };
    tokio::spawn(async move { service.feed_watchdog(PERIOD, ask).await })
}

#[test]
fn a_dispatcher_that_hangs_starves_the_watchdog_until_it_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&socket).expect("a socket"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let daemon = runtime.block_on(daemon(directory.path()));
    let feeding = runtime.block_on(feed(&daemon, &socket));
    assert_eq!(manager.hears_within(PATIENCE).as_deref(), Some("WATCHDOG=1"));

    // The dispatcher needs the board for its next look. Whoever holds the board holds its thread.
    let app = Arc::clone(daemon.app());
    app.board().update("sim1", |_| {
        app.wake().notify_one();
        assert!(manager.loses_patience(), "signs of life while the dispatcher hangs");
    });
    assert_eq!(manager.hears_within(PATIENCE).as_deref(), Some("WATCHDOG=1"));
    feeding.abort();
    runtime.block_on(daemon.stop());
}
