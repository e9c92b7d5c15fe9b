//! `simverify verification`: look for verifications, and why one did not arrive. Changes nothing.
//!
//! A list goes over a shoulder easily, so numbers are shown masked unless asked for.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::live::Routes;
use super::open::{Opened, open_existing, store_failure};
use super::table::{aligned, printable};
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::{self, Internal, Listed, Past, PastQuery, Progress, Search};
use crate::channel::Board;
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::phone::{Country, PhoneNumber};
use crate::store::StoreError;
use crate::verification::{Entry, Explanation, RequestId};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List verifications, the newest first
    List(List),
    /// Show one with its timeline, and why it did not arrive
    Show(Show),
}

#[derive(Debug, Args)]
pub struct List {
    /// Those of one number: +447700900123
    #[arg(long)]
    number: Option<String>,
    /// Those whose request id begins so; four digits at least
    #[arg(long, conflicts_with = "number")]
    id: Option<String>,
    /// in_progress, success, failed, expired or cancelled
    #[arg(long, value_parser = progress)]
    state: Option<Progress>,
    /// Those of one account, by its key or its name
    #[arg(long)]
    account: Option<String>,
    /// Those to one country: GB
    #[arg(long)]
    country: Option<Country>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Show whole numbers
    #[arg(long)]
    reveal: bool,
    /// Print JSON: a list of verifications
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The request id, or as much of its beginning as names one
    id: String,
    /// Show the whole number
    #[arg(long)]
    reveal: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::List(arguments) => list(arguments, &settings).await,
            Command::Show(arguments) => show(arguments, &settings).await,
        }
    })
}

fn progress(text: &str) -> Result<Progress, String> {
    let found = Progress::ALL.into_iter().find(|progress| progress.as_str() == text);
    found.ok_or_else(|| format!("one of {}", Progress::ALL.map(Progress::as_str).join(", ")))
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    if let Some(number) = &arguments.number {
        PhoneNumber::parse(number, None).or_exit(Exit::Data, "wrong number")?;
    }
    let text = arguments.number.as_ref().or(arguments.id.as_ref());
    let search = text.map(|text| text.parse::<Search>()).transpose().or_exit(Exit::Data, "cannot search")?;
    let search = if arguments.id.is_some() { search.map(|search| search.without_number()) } else { search };
    let opened = open_existing(settings)?;
    let accounts = app::account_rows(&opened.store).await.map_err(|error| failure(error, settings))?;
    let account = match &arguments.account {
        None => None,
        Some(name) => {
            let found = accounts.iter().find(|account| account.api_key == *name || account.name == *name);
            Some(found.ok_or_else(|| Exit::Data.because(anyhow::anyhow!("no account {name}")))?.id)
        }
    };
    let query =
        PastQuery { progress: arguments.state, account, country: arguments.country, search, ..PastQuery::default() };
    let listed = collect(&opened, query, usize::from(arguments.limit)).await;
    let listed = listed.map_err(|error| failure(error, settings))?;
    if arguments.json {
        return print_json(&listed.iter().map(|listed| listed_json(listed, arguments.reveal)).collect());
    }
    if listed.is_empty() {
        return print("no verification is on record\n");
    }
    let header = ["REQUEST", "BEGAN", "NUMBER", "COUNTRY", "ACCOUNT", "STATE"].map(str::to_owned);
    let row = |listed: &Listed| {
        let sent = if listed.finalized.is_some() && !listed.sent { ", nothing sent" } else { "" };
        [
            listed.request.to_string(),
            listed.created.to_string(),
            number(listed.number.as_ref(), arguments.reveal),
            listed.country.clone().unwrap_or_else(|| "-".to_owned()),
            listed.account.clone(),
            format!("{}{sent}", listed.progress.as_str()),
        ]
    };
    let rows: Vec<_> = [header].into_iter().chain(listed.iter().map(row)).collect();
    print(&aligned(&rows))
}

/// A page may be short, because it looked through enough for one read.
async fn collect(opened: &Opened, mut query: PastQuery, limit: usize) -> Result<Vec<Listed>, StoreError> {
    let mut listed = vec![];
    loop {
        let left = limit - listed.len();
        let page = app::past_verifications(&opened.store, &opened.secrets, query.clone(), left).await?;
        listed.extend(page.listed);
        match page.next {
            Some(next) if listed.len() < limit => query.behind = Some(next),
            Some(_) | None => return Ok(listed),
        }
    }
}

async fn show(arguments: &Show, settings: &Settings) -> Outcome {
    let opened = open_existing(settings)?;
    let request = find(&opened, &arguments.id, settings).await?;
    let now = Clock::System.now();
    let live = Routes::of(settings, now).await;
    let board = live.unknown.is_none().then(|| board(&live));
    let past = app::past_verification(&opened.store, &opened.secrets, board.as_ref(), request, now).await;
    let past = past.map_err(|error| internal(error, settings))?.ok_or_else(|| unknown(&arguments.id))?;
    if arguments.json {
        return print_json(&past_json(&past, arguments.reveal));
    }
    print(&told(&past, arguments.reveal))
}

async fn find(opened: &Opened, id: &str, settings: &Settings) -> Result<RequestId, Failure> {
    let search = id.parse::<Search>().or_exit(Exit::Data, "no request id")?.without_number();
    let query = PastQuery { search: Some(search), ..PastQuery::default() };
    let found = app::past_verifications(&opened.store, &opened.secrets, query, 2).await;
    match found.map_err(|error| failure(error, settings))?.listed.as_slice() {
        [] => Err(unknown(id)),
        [only] => Ok(only.request),
        _ => Err(Exit::Data.because(anyhow::anyhow!("several verifications begin with {id}: write more of it"))),
    }
}

/// The routes as the running daemon has them.
fn board(live: &Routes) -> Board {
    let board = Board::new(live.routes.clone());
    for route in &live.routes {
        board.explain(&route.name, live.reason(route));
    }
    board
}

fn told(past: &Past, reveal: bool) -> String {
    let Explanation { what, advice, further, .. } = past.course.explanation();
    let kinds: Vec<_> = past.workflow.events().iter().map(|kind| kind.as_str()).collect();
    let rows = [
        ("request id", past.request.to_string()),
        ("state", past.progress.as_str().to_owned()),
        ("number", number(past.number.as_ref(), reveal)),
        ("account", format!("{} ({})", past.account, past.account_key)),
        ("brand", past.brand.clone()),
        ("language", past.language.clone()),
        ("workflow", format!("{} ({})", past.workflow.id(), kinds.join(", "))),
        ("price", format!("{} {}{}", past.price, past.currency, if past.is_refunded { ", given back" } else { "" })),
    ];
    let mut text = aligned(&rows.map(|(name, value)| [name.to_owned(), value]));
    text += &format!("\nwhy did it not arrive?\n  {what}\n");
    for line in [advice].into_iter().filter(|advice| !advice.is_empty()).chain(further) {
        text += &format!("  {}\n", printable(&line));
    }
    text += "\nwhat happened\n";
    let rows: Vec<_> = past.course.timeline().iter().map(|entry| row(past.course.created, entry)).collect();
    text + &aligned(&rows)
}

fn row(created: Timestamp, entry: &Entry) -> [String; 3] {
    let at = if entry.is_ahead { format!("({})", entry.at) } else { entry.at.to_string() };
    let said = entry.said.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
    let meaning = entry.cause.map(|cause| format!(" ({})", cause.meaning)).unwrap_or_default();
    [at, format!("+{:.1} s", entry.at.since(created).as_secs_f64()), format!("{}{said}{meaning}", entry.text)]
}

fn number(number: Option<&PhoneNumber>, reveal: bool) -> String {
    match number {
        None => "wiped".to_owned(),
        Some(number) if reveal => format!("+{}", number.digits()),
        Some(number) => number.masked(),
    }
}

fn listed_json(listed: &Listed, reveal: bool) -> Value {
    json!({
        "request_id": listed.request.to_string(),
        "created": listed.created.to_string(),
        "ended": listed.finalized.map(|at| at.to_string()),
        "number": number(listed.number.as_ref(), reveal),
        "country": listed.country,
        "account": listed.account,
        "brand": listed.brand,
        "state": listed.progress.as_str(),
        "sent": listed.sent,
    })
}

fn past_json(past: &Past, reveal: bool) -> Value {
    let Explanation { verdict, what, advice, further } = past.course.explanation();
    let entry = |entry: Entry| {
        json!({
            "at": entry.at.to_string(),
            "ahead": entry.is_ahead,
            "tone": entry.tone.as_str(),
            "text": entry.text,
            "said": entry.said,
            "meaning": entry.cause.map(|cause| cause.meaning),
            "advice": entry.cause.map(|cause| cause.advice).filter(|advice| !advice.is_empty()),
        })
    };
    json!({
        "request_id": past.request.to_string(),
        "state": past.progress.as_str(),
        "number": number(past.number.as_ref(), reveal),
        "country": past.country,
        "account": { "name": past.account, "api_key": past.account_key },
        "brand": past.brand,
        "language": past.language,
        "workflow": past.workflow.id(),
        "price": past.price.to_string(),
        "currency": past.currency,
        "refunded": past.is_refunded,
        "messages_cost": past.cost.to_string(),
        "created": past.course.created.to_string(),
        "ended": past.course.finalized.map(|at| at.to_string()),
        "tries": past.course.tries.len(),
        "explanation": { "verdict": verdict.as_str(), "what": what, "advice": advice, "further": further },
        "timeline": past.course.timeline().into_iter().map(entry).collect::<Value>(),
    })
}

fn unknown(id: &str) -> Failure {
    Exit::Data.because(anyhow::anyhow!("no verification {id} is on record"))
}

fn internal(error: Internal, settings: &Settings) -> Failure {
    match error {
        Internal::Store(error) => failure(error, settings),
        other => failure(StoreError::Row(other.to_string()), settings),
    }
}

fn failure(error: StoreError, settings: &Settings) -> Failure {
    store_failure(error, &settings.storage.path)
}
