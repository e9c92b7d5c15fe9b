//! `simverify inbox`: messages that came in to the SIMs.
//!
//! A list goes over a shoulder easily, so it shows senders masked and no text unless asked to. `show` is asked for one
//! message and shows it whole.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::open::{Opened, open_existing, store_failure};
use super::table::{aligned, printable};
use super::{Exit, Failure, Global, Outcome, block_on, print, print_json};
use crate::app::{self, InboxMessage, Internal};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::modem::received;
use crate::store::StoreError;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List all messages, oldest first; a long message whose parts are missing appears a day after it began
    List(List),
    /// Show one message whole
    Show(Show),
    /// Delete messages
    Delete(Delete),
    /// Delete all messages
    Clear(Clear),
}

#[derive(Debug, Clone, Copy, Args)]
struct List {
    /// Show whole numbers, and texts
    #[arg(long)]
    reveal: bool,
    /// Print JSON: a list of messages
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// As `simverify inbox` lists it
    id: i64,
    /// Print JSON; with the PDU of each part
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Delete {
    /// As `simverify inbox` lists them
    #[arg(required = true)]
    ids: Vec<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Clear {
    /// Without it nothing is deleted
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match arguments.command {
            None => list(arguments.list, &settings).await,
            Some(Command::List(own)) => {
                // Flags may stand on both sides of the word.
                let reveal = own.reveal || arguments.list.reveal;
                list(List { reveal, json: own.json || arguments.list.json }, &settings).await
            }
            Some(Command::Show(own)) => show(own.id, own.json || arguments.list.json, &settings).await,
            Some(Command::Delete(own)) => delete(own.ids, own.json || arguments.list.json, &settings).await,
            Some(Command::Clear(own)) => clear(own.yes, own.json || arguments.list.json, &settings).await,
        }
    })
}

async fn list(arguments: List, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let messages = app::inbox(&store, &secrets, Clock::System.now(), received::join).await;
    let messages = messages.map_err(|error| failure(error, settings))?;
    if arguments.json {
        return print_json(&Value::Array(messages.iter().map(|message| listed(message, arguments.reveal)).collect()));
    }
    if messages.is_empty() {
        return print("the inbox is empty\n");
    }
    let header = ["ID", "RECEIVED", "MODEM", "SENDER", "KIND", "TEXT"].map(str::to_owned);
    let rows: Vec<_> =
        [header].into_iter().chain(messages.iter().map(|message| row(message, arguments.reveal))).collect();
    print(&aligned(&rows))
}

async fn show(id: i64, json: bool, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let message = app::inbox_message(&store, &secrets, id, received::join).await;
    let message = message.map_err(|error| failure(error, settings))?.ok_or_else(|| unknown(&[id]))?;
    if json {
        let mut value = listed(&message, true);
        value["pdus"] = json!(message.pdus);
        return print_json(&value);
    }
    let rows = [
        ("id", message.number.to_string()),
        ("modem", message.route.clone()),
        ("sender", sender(&message, true)),
        ("kind", kind(&message)),
        ("sent", message.sent.map_or_else(|| "unknown".to_owned(), |sent| sent.to_string())),
        ("received", message.received.to_string()),
        ("followed", message.reaction.as_deref().map_or("nothing", followed).to_owned()),
    ];
    let fields = aligned(&rows.map(|(name, value)| [name.to_owned(), value]));
    let body = match &message.text {
        Some(text) => printable(text),
        None => message.pdus.iter().map(|pdu| printable(pdu)).collect::<Vec<_>>().join("\n"),
    };
    print(&format!("{fields}\n{body}\n"))
}

async fn delete(ids: Vec<i64>, json: bool, settings: &Settings) -> Outcome {
    let Opened { store, .. } = open_existing(settings)?;
    let deleted = ids.clone();
    let missing = app::delete_from_inbox(&store, ids).await;
    let missing = missing.map_err(|error| store_failure(error, &settings.storage.path))?;
    if !missing.is_empty() {
        return Err(unknown(&missing));
    }
    if json {
        return print_json(&json!({ "deleted": deleted }));
    }
    print(&format!("deleted {}\n", count(deleted.len())))
}

async fn clear(yes: bool, json: bool, settings: &Settings) -> Outcome {
    if !yes {
        return Err(Exit::Usage.because(anyhow::anyhow!("this deletes every message of the inbox: add --yes")));
    }
    let Opened { store, .. } = open_existing(settings)?;
    let deleted = app::clear_inbox(&store).await.map_err(|error| store_failure(error, &settings.storage.path))?;
    if json {
        return print_json(&json!({ "deleted": deleted }));
    }
    print(&format!("deleted {}\n", count(deleted)))
}

fn count(messages: usize) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

fn unknown(ids: &[i64]) -> Failure {
    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
    Exit::Data
        .because(anyhow::anyhow!("no message {}: `simverify inbox` lists them; nothing was changed", ids.join(", ")))
}

fn failure(error: Internal, settings: &Settings) -> Failure {
    match error {
        Internal::Store(error) => store_failure(error, &settings.storage.path),
        other => store_failure(StoreError::Row(other.to_string()), &settings.storage.path),
    }
}

fn row(message: &InboxMessage, reveal: bool) -> [String; 6] {
    let text = match &message.text {
        None => "-".to_owned(),
        Some(text) if reveal => text.replace(['\r', '\n'], " "),
        Some(text) => format!("{} characters", text.chars().count()),
    };
    let received = message.received.to_string();
    [message.number.to_string(), received, message.route.clone(), sender(message, reveal), kind(message), text]
}

fn listed(message: &InboxMessage, reveal: bool) -> Value {
    let time = |time: Timestamp| time.to_string();
    json!({
        "id": message.number,
        "modem": message.route,
        "sender": sender(message, reveal),
        "kind": message.kind,
        "text": message.text.as_ref().filter(|_| reveal),
        "characters": message.text.as_ref().map(|text| text.chars().count()),
        "parts": message.parts,
        "received_parts": message.received_parts,
        "sent": message.sent.map(time),
        "received": time(message.received),
        "reaction": message.reaction,
    })
}

fn sender(message: &InboxMessage, reveal: bool) -> String {
    if reveal { message.whole_sender() } else { message.masked_sender() }
}

fn kind(message: &InboxMessage) -> String {
    let missing = usize::from(message.parts).saturating_sub(message.received_parts);
    match (missing, message.reaction.as_deref()) {
        (0, None) => message.kind.clone(),
        (0, Some(reaction)) => format!("{}, {reaction}", message.kind),
        (_, _) => format!("{}, {} of {} parts", message.kind, message.received_parts, message.parts),
    }
}

fn followed(reaction: &str) -> &str {
    match reaction {
        "opt_out" => "its sender is on the blocklist",
        "opt_in" => "its sender's opt-out was taken back",
        other => other,
    }
}
