//! `simverify demo`: the daemon on a throwaway database with a virtual modem, for a first look.

use std::io::Write;
use std::net::SocketAddr;

use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::open::{Opened, open};
use super::{Exit, Global, OrExit, Outcome};
use crate::app::{add_account, add_admin};
use crate::clock::Clock;
use crate::config::{Configuration, Flag, Sources};
use crate::daemon::{Daemon, DatabaseLock, Parts};
use crate::random::Random;
use crate::simulator::{PhoneEvent, Settings as ModemSettings, Simulators};
use crate::store::{AccountDefaults, NewAccount};
use crate::telemetry;

/// The virtual modem's name.
const MODEM: &str = "demo";

/// Who may log in to the dashboard, and the characters of the password, which is made anew each time.
const ADMIN: &str = "demo";
const PASSWORD_LENGTH: usize = 12;

/// A number that belongs to nobody: Ofcom keeps it for films and examples.
const NUMBER: &str = "447700900123";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of the dashboard
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    admin_listen: SocketAddr,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let directory = Throwaway::make().or_exit(Exit::Io, "cannot make a directory for the demo")?;
    let configuration = configuration(arguments, global, &directory)?;
    let _log = telemetry::start(&configuration.settings.log).or_exit(Exit::Io, "cannot start the log")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.or_exit(Exit::Io, "cannot start")?.block_on(demo(&configuration))
}

/// The built-in defaults with a database and a modem of the demo's own: no file of the system is read.
fn configuration(
    arguments: &Arguments,
    global: &Global,
    directory: &Throwaway,
) -> Result<Configuration, super::Failure> {
    let file = directory.path().join("demo.toml");
    let text = format!(
        "storage.path = \"{0}/demo.db\"\nstorage.key_file = \"{0}/master.key\"\n\
         log.level = \"warn\"\n\n[[modems]]\nname = \"{MODEM}\"\nport = \"simulator:{MODEM}\"\n",
        directory.path().display()
    );
    std::fs::write(&file, text).or_exit(Exit::Io, format!("cannot write {}", file.display()))?;
    let listen = Flag { flag: "--listen", key: "server.listen".to_owned(), value: arguments.listen.to_string() };
    let admin = arguments.admin_listen.to_string();
    let admin = Flag { flag: "--admin-listen", key: "admin.listen".to_owned(), value: admin };
    let flags = global.set.iter().cloned().chain([listen, admin]).collect();
    Ok(Configuration::load(&Sources::of_system(Some(file), flags))?)
}

async fn demo(configuration: &Configuration) -> Outcome {
    let mut terminated = signal(SignalKind::terminate()).or_exit(Exit::Io, "cannot listen for signals")?;
    let settings = &configuration.settings;
    let lock = DatabaseLock::take(&settings.storage.path).or_exit(Exit::Unavailable, "cannot start")?;
    let Opened { store, secrets } = open(settings)?;
    let clock = Clock::System;
    let account = NewAccount {
        name: "demo".to_owned(),
        api_key: "demo".to_owned(),
        credits: None,
        rate: None,
        created: clock.now(),
        defaults: AccountDefaults::default(),
    };
    let credentials = add_account(&store, &secrets, &Random::System, clock.now(), account, None)
        .await
        .or_exit(Exit::Io, "cannot make the demo account")?;
    let password = SecretString::from(Random::System.token(PASSWORD_LENGTH));
    let added = add_admin(&store, &Random::System, clock.now(), ADMIN, &password).await;
    added.or_exit(Exit::Io, "cannot make the demo's admin user")?;
    let simulators = Simulators::default();
    let phone = simulators.start(MODEM, ModemSettings::default());
    let mut events = phone.events();
    let parts = Parts { store, secrets, clock, random: Random::System, simulators, lock };
    let mut daemon = Daemon::start(settings, parts).await.or_exit(Exit::Unavailable, "cannot start")?;
    daemon.show(configuration);
    let address = daemon.addresses().first().map(ToString::to_string).unwrap_or_default();
    let dashboard = daemon.admin_addresses().first().map(ToString::to_string);
    welcome(&address, &credentials.api_key, credentials.api_secret.expose_secret())?;
    lead_to_dashboard(dashboard.as_deref(), &password)?;
    let outcome = loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => show(&event)?,
                Err(RecvError::Lagged(missed)) => super::print(&format!("… {missed} messages not shown\n"))?,
                Err(RecvError::Closed) => break Ok(()),
            },
            _ = terminated.recv() => break Ok(()),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.or_exit(Exit::Io, "cannot listen for signals")?;
                break Ok(());
            }
            failure = daemon.failed() => break Err(Exit::Io.because(failure)),
        }
    };
    daemon.stop().await;
    outcome
}

fn welcome(address: &str, key: &str, secret: &str) -> Outcome {
    super::print(&format!(
        "Simverify demo: everything is real but the modem and the phone. Ctrl-C ends it and leaves nothing behind.\n\
         \n\
         1. Ask for a verification. Paste this into another terminal:\n\
         \n\
         curl http://{address}/verify/json -d api_key={key} -d api_secret={secret} -d number={NUMBER} -d brand=Acme\n\
         \n\
         2. The phone shows the SMS below.\n\
         \n\
         3. Check the PIN, with the request_id of step 1:\n\
         \n\
         curl http://{address}/verify/check/json -d api_key={key} -d api_secret={secret} -d request_id=… -d code=…\n\
         \n\
         Or try the API out in a browser: http://{address}/docs/ (Authorize: username {key}, the secret as password).\n"
    ))
}

/// `None`: another program has its address, and the log says so.
fn lead_to_dashboard(address: Option<&str>, password: &SecretString) -> Outcome {
    if let Some(address) = address {
        super::print(&format!(
            "Or watch it in the dashboard: http://{address}/ (name {ADMIN}, password {}). It shows the phone too.\n",
            password.expose_secret()
        ))?;
    }
    super::print("\nThe phone:\n")
}

fn show(event: &PhoneEvent) -> Outcome {
    let mut output = std::io::stdout().lock();
    let shown = writeln!(output, "  {event}").and_then(|()| output.flush());
    shown.or_exit(Exit::Io, "cannot write to standard output")
}

/// A directory that goes when the demo ends.
struct Throwaway(std::path::PathBuf);

impl Throwaway {
    fn make() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("simverify-demo-{}", Random::System.token(8)));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        // Nobody is left to tell; the system empties its temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
