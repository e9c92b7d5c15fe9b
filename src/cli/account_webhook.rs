//! `simverify account webhook`: where an account is told of its verifications. A running daemon sees each change at once.
//!
//! A secret is shown once, when it is made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::open::{Opened, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Failure, Outcome, account, print, print_json, webhook};
use crate::app::{self, SetWebhook, ShownWebhook, WebhookChange, WebhookError};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::daemon::webhook_client;
use crate::random::Random;
use crate::webhook::client::{Client, Exchange};
use crate::webhook::event::{EventType, TEST};
use crate::webhook::schedule::Verdict;
use crate::webhook::signature::SigningSecret;
use crate::webhook::target::Target;

/// Of the reply to a test so many octets are shown.
const SHOWN_MAX: usize = 1024;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the account at a URL what happens to its verifications; prints a new webhook's secret, this once
    Set(Set),
    /// Show the webhook and how it does
    Show(One),
    /// Remove the webhook with all that is still to be sent
    Remove(One),
    /// Make a new secret; the one before it signs too for a while
    RotateSecret(Rotate),
    /// Send an event of type webhook.test and print what is answered
    Test(One),
}

#[derive(Debug, Args)]
pub struct Set {
    /// The account's API key
    key: String,
    /// https://HOST/PATH [default: as it is]
    #[arg(value_parser = |text: &str| Target::new(text))]
    url: Option<Target>,
    /// Which events: started, sent, delivered, undelivered, answered, verified, failed, expired, cancelled, or all
    #[arg(long, value_name = "EVENT,…", value_parser = events)]
    events: Option<Events>,
    /// Whether numbers are told whole, instead of as +44…23
    #[arg(long, value_name = "true|false")]
    whole_numbers: Option<bool>,
    /// A file with the secret of an existing receiver, whsec_…; "-" is standard input [default: a new one]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct One {
    /// The account's API key
    key: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Rotate {
    /// The account's API key
    key: String,
    /// How long both secrets sign; 0: the one before ends at once
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=8784))]
    overlap_hours: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Empty: all.
#[derive(Clone, Debug)]
struct Events(Vec<EventType>);

fn events(text: &str) -> Result<Events, String> {
    if text == "all" {
        return Ok(Events(vec![]));
    }
    let events: Result<Vec<EventType>, _> = text.split(',').map(|event| event.trim().parse()).collect();
    let mut events = events.map_err(|error: crate::webhook::event::UnknownEvent| format!("{error}, or all"))?;
    events.sort();
    events.dedup();
    Ok(Events(events))
}

pub async fn run(command: Command, settings: &Settings) -> Outcome {
    match command {
        Command::Set(arguments) => set(arguments, settings).await,
        Command::Show(One { key, json }) => {
            let Opened { store, secrets } = open_existing(settings)?;
            let found = app::account_webhook(&store, &secrets, Clock::System.now(), &key).await;
            show(&found.map_err(|error| failure(error, settings))?, None, json)
        }
        Command::Remove(arguments) => remove(&arguments, settings).await,
        Command::RotateSecret(arguments) => rotate(&arguments, settings).await,
        Command::Test(arguments) => test(&arguments, settings).await,
    }
}

async fn set(arguments: Set, settings: &Settings) -> Outcome {
    let Set { key, url, events, whole_numbers, secret_file, json } = arguments;
    if let Some(target) = &url {
        let refused = target.check(&webhook_client(settings).rules);
        refused.map_err(|refused| Exit::Config.because(anyhow::anyhow!("{refused}")))?;
    }
    let secret = secret_file.as_deref().map(secret_in).transpose()?;
    let Opened { store, secrets } = open_existing(settings)?;
    let change = WebhookChange { target: url, events: events.map(|events| events.0), whole_numbers, secret };
    let set = app::set_webhook(&store, &secrets, &Random::System, Clock::System.now(), &key, change).await;
    let SetWebhook { webhook, secret } = set.map_err(|error| failure(error, settings))?;
    webhook::wake(settings).await;
    show(&webhook, secret.as_ref(), json)
}

fn secret_in(file: &Path) -> Result<SigningSecret, Failure> {
    let text = account::secret_of(file)?;
    SigningSecret::from_text(text.expose_secret())
        .map_err(|error| Exit::Usage.because(anyhow::anyhow!("the secret {error}")))
}

async fn remove(arguments: &One, settings: &Settings) -> Outcome {
    let key = &arguments.key;
    let Opened { store, .. } = open_existing(settings)?;
    let counts = app::remove_webhook(&store, key).await.map_err(|error| failure(error, settings))?;
    if arguments.json {
        return print_json(&json!({ "api_key": key, "pending_removed": counts.pending, "dead_removed": counts.dead }));
    }
    print(&format!(
        "the webhook of account {key} is removed, and its events: {} that were still to be sent, {} given up\n",
        counts.pending, counts.dead
    ))
}

async fn rotate(arguments: &Rotate, settings: &Settings) -> Outcome {
    let Rotate { key, overlap_hours, json } = arguments;
    let Opened { store, secrets } = open_existing(settings)?;
    let overlap = Duration::from_secs(overlap_hours * 3600);
    let now = Clock::System.now();
    let made = app::rotate_webhook_secret(&store, &secrets, &Random::System, now, key, overlap).await;
    let secret = made.map_err(|error| failure(error, settings))?;
    let secret = secret.expose_secret();
    if *json {
        return print_json(
            &json!({ "api_key": key, "secret": secret, "old_secret_until": (now + overlap).to_string() }),
        );
    }
    let before = match overlap_hours {
        0 => "The one before it signs no more.".to_owned(),
        hours => format!("The one before it signs too for {hours} h."),
    };
    print(&format!("secret  {secret}\nThe secret is not shown again. {before}\n"))
}

async fn test(arguments: &One, settings: &Settings) -> Outcome {
    let key = &arguments.key;
    let Opened { store, secrets } = open_existing(settings)?;
    let delivery = app::webhook_test(&store, &secrets, &Random::System, Clock::System.now(), key).await;
    let delivery = delivery.map_err(|error| failure(error, settings))?;
    let client = Client::new(&webhook_client(settings))
        .map_err(|reason| Exit::Config.because(anyhow::anyhow!("webhooks: {reason}")))?;
    let (status, reason, body) = match client.send(&delivery, SHOWN_MAX).await {
        Exchange::Failed { reason } => (None, Some(reason), String::new()),
        Exchange::Answered { status, body, .. } => {
            let reason = match Verdict::of(status, None) {
                Verdict::Delivered => None,
                Verdict::Failed { reason, .. } => Some(reason),
                Verdict::Gone => Some("HTTP status 410: an event would turn the webhook off".to_owned()),
            };
            (Some(status), reason, printable(&body))
        }
    };
    if arguments.json {
        print_json(&json!({
            "id": delivery.id, "type": TEST, "status": status, "body": body, "delivered": reason.is_none(),
            "failure": reason,
        }))?;
    } else if let Some(status) = status {
        let body = if body.is_empty() { String::new() } else { format!("{body}\n") };
        print(&format!(
            "{TEST} {} was sent to {}: HTTP status {status}\n{body}",
            delivery.id,
            delivery.target.place()
        ))?;
    }
    match reason {
        None => Ok(()),
        Some(reason) => Err(Exit::Unavailable.because(anyhow::anyhow!("the receiver did not take it: {reason}"))),
    }
}

/// What a receiver says, without what would move the cursor.
fn printable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.trim_end().chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn show(webhook: &ShownWebhook, secret: Option<&SecretString>, json: bool) -> Outcome {
    if json {
        let mut value = to_json(webhook);
        if let Some(secret) = secret {
            value["secret"] = secret.expose_secret().into();
        }
        return print_json(&value);
    }
    let instant = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let mut rows = vec![
        ["account", webhook.api_key.as_str()].map(str::to_owned),
        ["url".to_owned(), webhook.target.url().to_string()],
        ["state".to_owned(), state(webhook)],
        ["events".to_owned(), if webhook.events.is_empty() { "all".to_owned() } else { webhook.events.join(", ") }],
        ["numbers", if webhook.whole_numbers { "whole" } else { "masked" }].map(str::to_owned),
        ["pending".to_owned(), pending(webhook)],
        ["dead".to_owned(), webhook.counts.dead.to_string()],
        ["last delivery".to_owned(), instant(webhook.delivered)],
    ];
    if let Some(until) = webhook.old_secret_until {
        rows.push(["old secret".to_owned(), format!("signs too until {until}")]);
    }
    if let Some(secret) = secret {
        rows.push(["secret", secret.expose_secret()].map(str::to_owned));
    }
    let once = if secret.is_some() { "The secret is not shown again.\n" } else { "" };
    print(&format!("{}{once}", aligned(&rows)))
}

fn state(webhook: &ShownWebhook) -> String {
    let failure = webhook.failure.as_deref().unwrap_or_default();
    let state = match (webhook.disabled, webhook.failing_since) {
        (Some(since), _) => format!("turned off since {since}: {failure}"),
        (None, Some(since)) => format!("failing since {since}: {failure}"),
        (None, None) => "active".to_owned(),
    };
    match webhook.held_until {
        Some(until) => format!("{state}; the receiver asked for a pause until {until}"),
        None => state,
    }
}

fn pending(webhook: &ShownWebhook) -> String {
    match webhook.counts.oldest_pending {
        Some(oldest) => format!("{}, the oldest of {oldest}", webhook.counts.pending),
        None => "0".to_owned(),
    }
}

fn to_json(webhook: &ShownWebhook) -> Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "api_key": webhook.api_key,
        "url": webhook.target.url().as_str(),
        "events": webhook.events,
        "whole_numbers": webhook.whole_numbers,
        "created": webhook.created.to_string(),
        "disabled_since": instant(webhook.disabled),
        "failing_since": instant(webhook.failing_since),
        "failure": webhook.failure,
        "held_until": instant(webhook.held_until),
        "last_delivery": instant(webhook.delivered),
        "old_secret_until": instant(webhook.old_secret_until),
        "pending": webhook.counts.pending,
        "oldest_pending": instant(webhook.counts.oldest_pending),
        "dead": webhook.counts.dead,
    })
}

pub(super) fn failure(error: WebhookError, settings: &Settings) -> Failure {
    match error {
        WebhookError::Store(error) => store_failure(error, &settings.storage.path),
        other => Exit::Data.because(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_named_in_any_order_and_once_each() {
        let parsed = |text| events(text).map(|events| events.0);
        assert_eq!(parsed("all"), Ok(vec![]));
        assert_eq!(parsed("verified, verification.sent,sent"), Ok(vec![EventType::Sent, EventType::Verified]));
        for text in ["", "sent,", "everything", "sent,all"] {
            assert!(parsed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_receiver_says_does_not_move_the_cursor() {
        assert_eq!(printable(b"ok\x1b[2J\nthere\r\n\n"), "ok [2J\nthere");
        assert_eq!(printable(&[0xff, b'x']), "\u{fffd}x");
    }
}
