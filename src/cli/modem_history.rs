//! `simverify modem history`: what happened to a modem, what was tried, and what helped. Reads the database, beside a
//! running daemon or without one.

use clap::Args;
use serde_json::{Value, json};

use super::live::time;
use super::open::{Opened, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Outcome, print, print_json};
use crate::app::{Internal, ModemEvent, modem_history, modems_with_history};
use crate::config::Settings;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The modem's name
    name: String,
    /// Print JSON: a list, the latest first, of {"at": …, "event": …, "times": …, "last_at": …, "rung": …, "detail": …,
    /// "helped": …, "down_seconds": …}
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments, settings: &Settings) -> Outcome {
    let Opened { store, .. } = open_existing(settings)?;
    let name = &arguments.name;
    let failure = |error: Internal| match error {
        Internal::Store(error) => store_failure(error, &settings.storage.path),
        error @ (Internal::Hasher(_) | Internal::Row { .. }) => Exit::Io.because(error),
    };
    let history = modem_history(&store, name).await.map_err(failure)?;
    if history.is_empty() && !settings.modems.iter().any(|modem| modem.name.as_str() == name) {
        let known = modems_with_history(&store).await.map_err(failure)?;
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Exit::Usage.because(anyhow::anyhow!("no modem is named {name}; with a history: {known}")));
    }
    if arguments.json {
        return print_json(&Value::Array(history.iter().map(to_json).collect()));
    }
    if history.is_empty() {
        return print("nothing has happened yet\n");
    }
    let header = ["AT (UTC)", "TIMES", "EVENT", "DETAIL"].map(str::to_owned);
    // In the order of time, as a log is read.
    let rows: Vec<_> = [header].into_iter().chain(history.iter().rev().map(row)).collect();
    print(&aligned(&rows))
}

fn row(event: &ModemEvent) -> [String; 4] {
    let mut title = event.kind.title().to_owned();
    if let Some(rung) = event.rung {
        title += &format!(" {rung}");
    }
    if let Some(down) = event.down {
        title += &format!(" after {}", time(down));
    }
    let result = match event.helped {
        Some(true) => ": it helped",
        Some(false) => ": it did not help",
        None => "",
    };
    let last = if event.times > 1 { format!(", at last {}", event.last_at.to_date_time()) } else { String::new() };
    [event.at.to_date_time(), event.times.to_string(), title + result + &last, event.detail.clone()]
}

fn to_json(event: &ModemEvent) -> Value {
    json!({
        "at": event.at.to_string(),
        "event": event.kind.as_str(),
        "times": event.times,
        "last_at": event.last_at.to_string(),
        "rung": event.rung,
        "detail": event.detail,
        "helped": event.helped,
        "down_seconds": event.down.map(|down| down.as_secs_f64()),
    })
}
