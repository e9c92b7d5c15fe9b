//! `simverify webhook`: what accounts were told, what is still to be sent, what could not be. A running daemon sends what is
//! replayed at once.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::account_webhook::failure;
use super::open::{Opened, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Global, Outcome, block_on, print, print_json};
use crate::app::{self, ShownEvent};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::socket::{self, Connection, Request};
use crate::store::{WebhookEventFilter, WebhookEventRow};
use crate::webhook::message_id;

/// A daemon that works answers at once; one that does not looks by itself when it is back.
const WAKE_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List events, the latest first
    List(List),
    /// Show one event with its body
    Show(Show),
    /// Send events again that were given up
    Replay(Replay),
}

#[derive(Debug, Args)]
pub struct List {
    /// Those that were given up
    #[arg(long, conflicts_with = "pending")]
    dead: bool,
    /// Those that are still to be sent
    #[arg(long)]
    pending: bool,
    /// Of one account, by its API key
    #[arg(long, value_name = "KEY")]
    account: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON: a list of events
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The event's number in `webhook list`
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The event's number in `webhook list`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<i64>,
    /// All that were given up
    #[arg(long)]
    all: bool,
    /// Of one account, by its API key
    #[arg(long, value_name = "KEY", requires = "all")]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::List(arguments) => list(arguments, &settings).await,
            Command::Show(arguments) => show(&arguments, &settings).await,
            Command::Replay(arguments) => replay(arguments, &settings).await,
        }
    })
}

async fn list(arguments: List, settings: &Settings) -> Outcome {
    let List { dead, pending, account, limit, json } = arguments;
    let Opened { store, .. } = open_existing(settings)?;
    let filter = match (dead, pending) {
        (true, _) => WebhookEventFilter::Dead,
        (false, true) => WebhookEventFilter::Pending,
        (false, false) => WebhookEventFilter::All,
    };
    let events = app::webhook_events(&store, filter, account, limit).await;
    let events = events.map_err(|error| failure(error, settings))?;
    if json {
        return print_json(&events.iter().map(to_json).collect());
    }
    let header = ["ID", "ACCOUNT", "REQUEST", "NO", "TYPE", "HAPPENED", "STATE", "TRIES", "NEXT", "LAST FAILURE"];
    let rows: Vec<_> = [header.map(str::to_owned)].into_iter().chain(events.iter().map(cells)).collect();
    print(&aligned(&rows))
}

async fn show(arguments: &Show, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let found = app::webhook_event(&store, &secrets, arguments.id).await;
    let found = found.map_err(|error| store_failure(error, &settings.storage.path))?;
    let ShownEvent { row, body } = found.ok_or_else(|| {
        Exit::Data.because(anyhow::anyhow!("there is no event {}: see `simverify webhook list`", arguments.id))
    })?;
    let body = body.map_err(|reason| Exit::Data.because(anyhow::anyhow!("event {}: {reason}", row.id)))?;
    if arguments.json {
        let mut value = to_json(&row);
        value["body"] = serde_json::from_str(&body).unwrap_or_default();
        return print_json(&value);
    }
    let instant = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let rows = [
        ["account".to_owned(), row.api_key.clone()],
        ["webhook-id".to_owned(), id_of(&row).unwrap_or_else(|| "-".to_owned())],
        ["state".to_owned(), row.state.clone()],
        ["tries".to_owned(), row.attempts.to_string()],
        ["last try".to_owned(), instant(row.attempted)],
        ["next try".to_owned(), next(&row)],
        ["last failure".to_owned(), row.failure.clone().unwrap_or_else(|| "-".to_owned())],
        ["settled".to_owned(), instant(row.settled)],
    ];
    print(&format!("{}{body}\n", aligned(&rows)))
}

async fn replay(arguments: Replay, settings: &Settings) -> Outcome {
    let Replay { id, account, json, .. } = arguments;
    let Opened { store, .. } = open_existing(settings)?;
    let replayed = app::replay_webhook_events(&store, Clock::System.now(), id, account).await;
    let replayed = replayed.map_err(|error| failure(error, settings))?;
    if let (0, Some(id)) = (replayed, id) {
        let problem = anyhow::anyhow!("event {id} was not given up: see `simverify webhook list --dead`");
        return Err(Exit::Data.because(problem));
    }
    wake(settings).await;
    if json {
        return print_json(&json!({ "replayed": replayed }));
    }
    print(&format!("events that are sent again: {replayed}\n"))
}

/// Lets a running daemon look at once. Where none runs, the next one does.
pub(super) async fn wake(settings: &Settings) {
    let asked = async {
        let path = socket::path(&settings.storage.path);
        if let Ok(mut connection) = Connection::ask(&path, &Request::Webhooks).await {
            let _ = connection.next().await;
        }
    };
    let _ = tokio::time::timeout(WAKE_WITHIN, asked).await;
}

fn cells(event: &WebhookEventRow) -> [String; 10] {
    [
        event.id.to_string(),
        event.api_key.clone(),
        event.request.to_string(),
        event.sequence.to_string(),
        event.kind.clone(),
        event.occurred.to_string(),
        event.state.clone(),
        event.attempts.to_string(),
        next(event),
        event.failure.clone().unwrap_or_default(),
    ]
}

fn next(event: &WebhookEventRow) -> String {
    match event.state.as_str() {
        "due" => event.due.to_string(),
        "waiting" => "after the one before".to_owned(),
        "sending" => "under way".to_owned(),
        _ => "-".to_owned(),
    }
}

fn id_of(event: &WebhookEventRow) -> Option<String> {
    event.message_id.as_ref().map(message_id)
}

fn to_json(event: &WebhookEventRow) -> Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": event.id,
        "webhook_id": id_of(event),
        "api_key": event.api_key,
        "request_id": event.request.to_string(),
        "sequence": event.sequence,
        "type": event.kind,
        "occurred": event.occurred.to_string(),
        "state": event.state,
        "attempts": event.attempts,
        "last_attempt": instant(event.attempted),
        "next_attempt": (event.state == "due").then(|| event.due.to_string()),
        "status": event.status,
        "failure": event.failure,
        "settled": instant(event.settled),
    })
}
