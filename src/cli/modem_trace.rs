//! `simverify modem trace`: what a modem and the running daemon say to each other, line by line.
//!
//! Numbers, messages and identities are shown as their length unless `--reveal` is given; a SIM's PIN never is shown.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure, OrExit, Outcome};
use crate::daemon::DatabaseLock;
use crate::modem::tap::Direction;
use crate::socket::{self, ConnectError, Connection, Record, Refusal, Request};

/// The longest trace that ends by itself: a week.
const SECONDS_MAX: u64 = 7 * 24 * 3600;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configured modem's name
    name: String,
    /// Show numbers, messages and identities too (never a SIM's PIN): keep the output to yourself
    #[arg(long)]
    reveal: bool,
    /// Show what the daemon kept of the last ten minutes, and end
    #[arg(long, conflicts_with_all = ["reveal", "for_seconds"])]
    last: bool,
    /// End after this time
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    for_seconds: Option<u64>,
    /// Print JSON, one object a line: {"at": …, "direction": "to_modem"|"from_modem", "text": …}, or {"lost": N}
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments, database: &Path) -> Outcome {
    let modem = arguments.name.clone();
    let request =
        if arguments.last { Request::TraceLast { modem } } else { Request::Trace { modem, reveal: arguments.reveal } };
    // Listened for before anything is shown: whoever sees that it runs may end it.
    let mut interrupted = signal(SignalKind::interrupt()).or_exit(Exit::Io, "cannot listen for signals")?;
    let mut connection = ask(database, &request).await?;
    let time_is_up = async {
        match arguments.for_seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = show_all(&mut connection, arguments) => outcome,
        () = time_is_up => Ok(()),
        _ = interrupted.recv() => Ok(()),
    }
}

/// Asks the daemon that works on `database`, and waits until it has taken the request.
///
/// # Errors
///
/// 69 if none runs, 77 if this user may not ask, 64 for a modem that it does not have.
pub async fn ask(database: &Path, request: &Request) -> Result<Connection, Failure> {
    let path = socket::path(database);
    let mut connection = Connection::ask(&path, request).await.map_err(|error| not_connected(error, database))?;
    match connection.next().await.or_exit(Exit::Unavailable, "the daemon's answer cannot be read")? {
        Some(Record::Begin) => Ok(connection),
        Some(Record::Refused { refusal }) => Err(refused(refusal, request)),
        Some(Record::Stopping) => Err(ended()),
        None => Err(dropped()),
        Some(
            Record::Line { .. } | Record::Lost { .. } | Record::Rotated { .. } | Record::End | Record::Board { .. },
        ) => Err(other_version()),
    }
}

async fn show_all(connection: &mut Connection, arguments: &Arguments) -> Outcome {
    if !arguments.last {
        eprintln!("simverify: listening to modem {}; Ctrl-C ends it", arguments.name);
    }
    loop {
        let text = match connection.next().await.or_exit(Exit::Unavailable, "the daemon's answer cannot be read")? {
            Some(Record::Line { at, direction, text }) if arguments.json => {
                format!("{}\n", json!({ "at": at, "direction": direction, "text": text }))
            }
            Some(Record::Line { at, direction, text }) => to_text(&at, direction, &text),
            Some(Record::Lost { lines }) if arguments.json => format!("{}\n", json!({ "lost": lines })),
            Some(Record::Lost { lines }) => format!("… {lines} lines not shown: this reader is too slow\n"),
            Some(Record::End) => return Ok(()),
            Some(Record::Stopping) => return Err(ended()),
            None => return Err(dropped()),
            Some(Record::Begin | Record::Rotated { .. } | Record::Refused { .. } | Record::Board { .. }) => {
                return Err(other_version());
            }
        };
        if !written(&text)? {
            return Ok(());
        }
    }
}

/// One line for a person.
pub fn to_text(at: &str, direction: Direction, text: &str) -> String {
    let sign = match direction {
        Direction::ToModem => '>',
        Direction::FromModem => '<',
    };
    // Nothing that a modem says may steer the terminal, whatever the daemon's version lets through.
    format!("{at} {sign} {}\n", text.replace(char::is_control, "?"))
}

/// Whether somebody still reads standard output.
fn written(text: &str) -> Result<bool, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Exit::Io.because(anyhow::Error::new(error).context("cannot write to standard output"))),
    }
}

fn not_connected(error: ConnectError, database: &Path) -> Failure {
    let (exit, advice) = match &error {
        ConnectError::Absent(_) if DatabaseLock::is_held(database) => (
            Exit::Unavailable,
            "a daemon runs but has no socket: its log says why (`there is no local socket`); restart it if it is older \
             than this program",
        ),
        ConnectError::Absent(_) => (
            Exit::Unavailable,
            "start it (`simverify serve`, `systemctl start simverify`), or name its configuration with --config",
        ),
        ConnectError::Permission(_) => {
            (Exit::Permission, "run this as the daemon's user (`sudo -u simverify simverify …`) or as root")
        }
        ConnectError::Silent(_) => (Exit::Unavailable, "look at its log, and restart it"),
        ConnectError::Io { .. } => (Exit::Io, "check storage.path"),
    };
    exit.because(anyhow::anyhow!("{error}: {advice}"))
}

pub fn refused(refusal: Refusal, request: &Request) -> Failure {
    let modem = match request {
        Request::Trace { modem, .. } | Request::TraceLast { modem } => modem.as_str(),
        Request::Board | Request::RotateKey | Request::Webhooks => "",
    };
    match refusal {
        Refusal::UnknownModem { modems } if modems.is_empty() => {
            Exit::Usage.because(anyhow::anyhow!("no modem is named {modem}: the running daemon has none"))
        }
        Refusal::UnknownModem { modems } => Exit::Usage
            .because(anyhow::anyhow!("no modem is named {modem}; the running daemon has: {}", modems.join(", "))),
        Refusal::Busy => Exit::Unavailable.because(anyhow::anyhow!(
            "the daemon has as many listeners as it takes: end another `simverify modem trace`"
        )),
        Refusal::NotRotated { cause } => Exit::Unavailable.because(anyhow::anyhow!("{cause}")),
        Refusal::UnknownRequest => other_version(),
    }
}

pub fn other_version() -> Failure {
    Exit::Unavailable.because(anyhow::anyhow!("the running daemon is of another version: restart it"))
}

pub fn ended() -> Failure {
    Exit::Unavailable.because(anyhow::anyhow!("the daemon has ended"))
}

/// Without a last word.
pub fn dropped() -> Failure {
    Exit::Unavailable
        .because(anyhow::anyhow!("the daemon was killed, or dropped this listener because it took nothing"))
}
