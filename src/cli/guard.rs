//! `simverify guard`: prefixes that are blocked, what was held up and why, and letting go. A running daemon sees each
//! release at once.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::open::{Opened, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Failure, Global, Outcome, block_on, print, print_json};
use crate::app::{self, GuardTarget, Internal, ShownBreaker, ShownVerdict};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::daemon::rules;
use crate::random::Random;
use crate::store::StoreError;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the prefixes whose breaker has tripped
    List(List),
    /// Show what is known of a number and its prefixes, or of a prefix
    Show(Target),
    /// What was refused, would have been, tripped or was released, and why; the latest first
    Verdicts(Verdicts),
    /// Close the breaker of a prefix, or end what a number has to wait for
    Release(Release),
}

#[derive(Debug, Args)]
pub struct List {
    /// Those that are closed again too
    #[arg(long)]
    all: bool,
    /// Print JSON: a list of prefixes
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Target {
    /// +447700900123, a prefix as `guard list` shows it, or a country
    #[arg(value_name = "NUMBER|PREFIX*|COUNTRY", value_parser = |text: &str| text.parse::<GuardTarget>())]
    target: GuardTarget,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Verdicts {
    /// Of so many hours
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8784))]
    hours: u32,
    /// Print JSON: a list of verdicts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Release {
    /// +447700900123, a prefix as `guard list` shows it, or a country
    #[arg(
        value_name = "NUMBER|PREFIX*|COUNTRY",
        value_parser = |text: &str| text.parse::<GuardTarget>(),
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    target: Option<GuardTarget>,
    /// Every breaker
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::List(arguments) => list(&arguments, &settings).await,
            Command::Show(arguments) => show(&arguments, &settings).await,
            Command::Verdicts(arguments) => verdicts(&arguments, &settings).await,
            Command::Release(arguments) => release(&arguments, &settings).await,
        }
    })
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let breaker = rules(settings).protection.breaker;
    let now = Clock::System.now();
    let shown = app::breakers(&store, &secrets, &breaker, arguments.all, now).await;
    let shown = shown.map_err(|error| failure(error, settings))?;
    if arguments.json {
        return print_json(&shown.iter().map(breaker_json).collect());
    }
    if shown.is_empty() {
        return print("no prefix is blocked\n");
    }
    print(&table(&shown))
}

async fn show(arguments: &Target, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let protection = rules(settings).protection;
    let now = Clock::System.now();
    let shown = app::show(&store, &secrets, (&protection.breaker, &protection.guessing), &arguments.target, now).await;
    let (prefixes, number) = shown.map_err(|error| failure(error, settings))?;
    if arguments.json {
        let number = number.map(|number| json!({ "wrong_codes_in_a_row": number.failures, "held": number.held }));
        let prefixes: Vec<Value> = prefixes.iter().map(breaker_json).collect();
        return print_json(&json!({ "number": number, "prefixes": prefixes }));
    }
    let mut text = String::new();
    if let Some(number) = number {
        let held = number.held.map_or("nothing holds it up".to_owned(), |reason| format!("held up: {reason}"));
        text += &format!("wrong codes in a row: {}; {held}\n", number.failures);
    }
    text += &if prefixes.is_empty() { "nothing was counted for it\n".to_owned() } else { table(&prefixes) };
    print(&text)
}

async fn verdicts(arguments: &Verdicts, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let since = Clock::System.now() - Duration::from_secs(u64::from(arguments.hours) * 3600);
    let verdicts = app::verdicts(&store, &secrets, since).await;
    let verdicts = verdicts.map_err(|error| store_failure(error, &settings.storage.path))?;
    if arguments.json {
        let verdict = |verdict: &ShownVerdict| {
            json!({
                "rule": verdict.rule, "verdict": verdict.verdict, "scope": verdict.scope, "subject": verdict.subject,
                "reason": verdict.reason, "times": verdict.times, "first": verdict.first.to_string(),
                "last": verdict.last.to_string(),
            })
        };
        return print_json(&verdicts.iter().map(verdict).collect());
    }
    let header = ["LAST", "TIMES", "VERDICT", "RULE", "SUBJECT", "REASON"].map(str::to_owned);
    let row = |verdict: ShownVerdict| {
        let subject = if verdict.subject.is_empty() { verdict.scope } else { verdict.subject };
        let times = verdict.times.to_string();
        [verdict.last.to_string(), times, verdict.verdict, verdict.rule, subject, verdict.reason]
    };
    let rows: Vec<_> = [header].into_iter().chain(verdicts.into_iter().map(row)).collect();
    print(&aligned(&rows))
}

async fn release(arguments: &Release, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let now = Clock::System.now();
    let released = match &arguments.target {
        Some(target) => app::release(&store, &secrets, &Random::System, target, now).await,
        None => app::release_all(&store, now).await,
    };
    let released = released.map_err(|error| store_failure(error, &settings.storage.path))?;
    let name = arguments.target.as_ref().map_or("all".to_owned(), ToString::to_string);
    if released == 0 && arguments.target.is_some() {
        return Err(Exit::Data.because(anyhow::anyhow!(
            "nothing holds up {name}: write it as `simverify guard list` shows it; `simverify guard show` tells more"
        )));
    }
    if arguments.json {
        return print_json(&json!({ "released": name, "count": released }));
    }
    match &arguments.target {
        Some(_) => print(&format!("{name} is released\n")),
        None => print(&format!("{released} released\n")),
    }
}

fn failure(error: Internal, settings: &Settings) -> Failure {
    match error {
        Internal::Store(error) => store_failure(error, &settings.storage.path),
        other => store_failure(StoreError::Row(other.to_string()), &settings.storage.path),
    }
}

fn table(shown: &[ShownBreaker]) -> String {
    let header = ["PREFIX", "LEVEL", "STATE", "UNTIL", "REQUESTS", "SENT", "VERIFIED", "REASON"].map(str::to_owned);
    let row = |breaker: &ShownBreaker| {
        [
            breaker.prefix.clone(),
            breaker.level.to_owned(),
            breaker.state.to_owned(),
            breaker.until.map(|until| until.to_string()).unwrap_or_default(),
            breaker.tally.requests.to_string(),
            breaker.tally.sent.to_string(),
            breaker.tally.verified.to_string(),
            breaker.reason.clone(),
        ]
    };
    let rows: Vec<_> = [header].into_iter().chain(shown.iter().map(row)).collect();
    aligned(&rows)
}

fn breaker_json(breaker: &ShownBreaker) -> Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "prefix": breaker.prefix, "level": breaker.level, "state": breaker.state, "until": instant(breaker.until),
        "reason": breaker.reason, "tripped": instant(breaker.tripped), "requests": breaker.tally.requests,
        "requests_beside": breaker.tally.beside, "sent": breaker.tally.sent, "verified": breaker.tally.verified,
        "voice_seconds": breaker.tally.voice_seconds,
    })
}
