//! `simverify account`: who may use the API. A running daemon sees each change at once.
//!
//! A secret is shown once, when it is made, and need never stand in a process list: `--secret -` reads it from standard
//! input, `--secret-file` from a file.

use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::account_defaults::Defaults;
use super::open::{Opened, open, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Failure, Global, OrExit, Outcome, account_webhook, block_on, print, print_json};
use crate::app::{self, CREDITS_MAX, RATE_MAX, SECRET_MAX};
use crate::clock::Clock;
use crate::config::Settings;
use crate::random::Random;
use crate::store::{AccountDefaults, AccountRow, NewAccount, StoreError};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account; prints its key and, this once, its secret
    Add(Add),
    /// List all accounts
    List(List),
    /// Show one account
    Show(One),
    /// Change an account's rate and what holds for requests that do not say otherwise
    Set(Set),
    /// Keep an account from starting verifications; those in progress go on
    Bar(One),
    /// Let a barred account start verifications again
    Unbar(One),
    /// Add credits to an account, or take some away
    Credit(Credit),
    /// Make a new secret; the one before it stays valid until the next rotation
    RotateSecret(One),
    /// Remove an account with all its verifications
    Remove(One),
    /// Tell an account's own server what happens to its verifications
    #[command(subcommand)]
    Webhook(account_webhook::Command),
}

#[derive(Debug, Args)]
pub struct Add {
    /// Who it is for
    #[arg(value_parser = app::account_name)]
    name: String,
    /// The API key of an existing client [default: a new one]
    #[arg(long, value_parser = app::account_key)]
    key: Option<String>,
    /// The secret of an existing client; "-" reads it from standard input [default: a new one]
    #[arg(long, value_parser = |text: &str| Ok::<_, Infallible>(SecretString::from(text)))]
    secret: Option<SecretString>,
    /// The same from a file
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
    /// Credits to begin with [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=CREDITS_MAX))]
    credits: Option<i64>,
    /// Requests a second [default: verify.requests_per_second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_MAX)))]
    rate: Option<u32>,
    #[command(flatten)]
    defaults: Defaults,
    /// Print JSON: {"api_key": …, "api_secret": …}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Set {
    /// The account's API key
    key: String,
    /// Requests a second; 0 takes verify.requests_per_second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(RATE_MAX)))]
    rate: Option<u32>,
    #[command(flatten)]
    defaults: Defaults,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON: a list of accounts
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
pub struct Credit {
    /// The account's API key
    key: String,
    /// How many; a negative number takes away
    #[arg(value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-CREDITS_MAX..=CREDITS_MAX))]
    credits: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::Add(arguments) => add(arguments, &settings).await,
            Command::List(arguments) => list(&arguments, &settings).await,
            Command::Show(One { key, json }) => {
                let Opened { store, .. } = open_existing(&settings)?;
                show(app::account_row(&store, &key).await, &key, json, &settings)
            }
            Command::Set(arguments) => set(arguments, &settings).await,
            Command::Bar(One { key, json }) => {
                let Opened { store, .. } = open_existing(&settings)?;
                show(app::bar_account(&store, &key).await, &key, json, &settings)
            }
            Command::Unbar(One { key, json }) => {
                let Opened { store, .. } = open_existing(&settings)?;
                show(app::unbar_account(&store, &key).await, &key, json, &settings)
            }
            Command::Credit(Credit { key, credits, json }) => {
                let Opened { store, .. } = open_existing(&settings)?;
                show(app::add_credits(&store, &key, credits).await, &key, json, &settings)
            }
            Command::RotateSecret(arguments) => rotate_secret(&arguments, &settings).await,
            Command::Remove(arguments) => remove(&arguments, &settings).await,
            Command::Webhook(command) => account_webhook::run(command, &settings).await,
        }
    })
}

async fn add(arguments: Add, settings: &Settings) -> Outcome {
    let secret = given_secret(arguments.secret, arguments.secret_file)?;
    let Opened { store, secrets } = open(settings)?;
    let now = Clock::System.now();
    let mut defaults = app::AccountDefaults::default();
    arguments.defaults.apply(&mut defaults);
    let account = NewAccount {
        name: arguments.name,
        api_key: arguments.key.unwrap_or_default(),
        credits: arguments.credits,
        rate: arguments.rate,
        created: now,
        defaults: AccountDefaults::from(&defaults),
    };
    let key = account.api_key.clone();
    let made = app::add_account(&store, &secrets, &Random::System, now, account, secret).await;
    let credentials = made.map_err(|error| match error {
        StoreError::Exists => Exit::Data.because(anyhow::anyhow!(
            "another account has the key {key}: choose another key, or remove that account first"
        )),
        other => failed(other, settings),
    })?;
    print_secret(&credentials.api_key, &credentials.api_secret, arguments.json)
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    let Opened { store, .. } = open_existing(settings)?;
    let accounts = app::account_rows(&store).await.map_err(|error| failed(error, settings))?;
    if arguments.json {
        return print_json(&Value::Array(accounts.iter().map(to_json).collect()));
    }
    let header = ["KEY", "NAME", "STATE", "CREDITS", "RATE", "CREATED"].map(str::to_owned);
    let rows: Vec<_> = [header].into_iter().chain(accounts.iter().map(cells)).collect();
    print(&aligned(&rows))
}

/// Prints an account as it is after `result`.
fn show(result: Result<Option<AccountRow>, StoreError>, key: &str, json: bool, settings: &Settings) -> Outcome {
    let account = result.map_err(|error| failed(error, settings))?.ok_or_else(|| unknown(key))?;
    if json {
        return print_json(&to_json(&account));
    }
    let names = ["key", "name", "state", "credits", "rate", "created"].map(str::to_owned);
    let mut rows: Vec<_> = names.into_iter().zip(cells(&account)).map(|(name, cell)| [name, cell]).collect();
    let defaults = default_cells(&account.defaults);
    rows.extend(defaults.into_iter().map(|(name, cell)| [name.to_owned(), cell.unwrap_or_else(|| "none".to_owned())]));
    print(&aligned(&rows))
}

async fn set(arguments: Set, settings: &Settings) -> Outcome {
    let Set { key, rate, defaults, json } = arguments;
    let Opened { store, .. } = open_existing(settings)?;
    let change = move |its_rate: &mut Option<u32>, its_defaults: &mut app::AccountDefaults| {
        if let Some(rate) = rate {
            *its_rate = (rate > 0).then_some(rate);
        }
        defaults.apply(its_defaults);
    };
    show(app::set_account(&store, &key, change).await, &key, json, settings)
}

async fn rotate_secret(arguments: &One, settings: &Settings) -> Outcome {
    let Opened { store, secrets } = open_existing(settings)?;
    let made = app::rotate_secret(&store, &secrets, &Random::System, Clock::System.now(), &arguments.key).await;
    let secret = made.map_err(|error| failed(error, settings))?.ok_or_else(|| unknown(&arguments.key))?;
    print_secret(&arguments.key, &secret.0, arguments.json)
}

async fn remove(arguments: &One, settings: &Settings) -> Outcome {
    let key = &arguments.key;
    let Opened { store, .. } = open_existing(settings)?;
    let removed = app::remove_account(&store, key).await.map_err(|error| failed(error, settings))?;
    let verifications = removed.ok_or_else(|| unknown(key))?;
    if arguments.json {
        return print_json(&json!({ "api_key": key, "verifications_removed": verifications }));
    }
    print(&format!("account {key} removed, and its verifications: {verifications}\n"))
}

/// The one place where a secret is shown.
fn print_secret(key: &str, secret: &SecretString, json: bool) -> Outcome {
    let secret = secret.expose_secret();
    if json {
        return print_json(&json!({ "api_key": key, "api_secret": secret }));
    }
    print(&format!("api_key     {key}\napi_secret  {secret}\nThe secret is not shown again.\n"))
}

fn given_secret(argument: Option<SecretString>, file: Option<PathBuf>) -> Result<Option<SecretString>, Failure> {
    let secret = match (argument, file) {
        (Some(argument), _) if argument.expose_secret() == "-" => secret_of(Path::new("-"))?,
        (Some(argument), _) => argument,
        (None, Some(file)) => secret_of(&file)?,
        (None, None) => return Ok(None),
    };
    let checked = app::account_secret(secret);
    checked.map(Some).map_err(|allowed| Exit::Usage.because(anyhow::anyhow!("the secret must be {allowed}")))
}

/// What a file holds, or standard input where it is called `-`.
pub(super) fn secret_of(file: &Path) -> Result<SecretString, Failure> {
    if file == Path::new("-") {
        return read_secret(std::io::stdin().lock()).or_exit(Exit::Io, "cannot read the secret from standard input");
    }
    let what = format!("cannot read {}", file.display());
    let opened = std::fs::File::open(file)
        .map_err(|error| Exit::of_io(&error).because(anyhow::Error::new(error).context(what.clone())))?;
    read_secret(opened).or_exit(Exit::Io, what)
}

/// All that there is, without its line end.
fn read_secret(from: impl Read) -> std::io::Result<SecretString> {
    let mut text = Zeroizing::new(String::new());
    // Room for four octets a character, and one more to see that it is too long.
    from.take(SECRET_MAX as u64 * 4 + 3).read_to_string(&mut text)?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

fn unknown(key: &str) -> Failure {
    Exit::Data.because(anyhow::anyhow!("no account has the key {key}: see `simverify account list`"))
}

fn failed(error: StoreError, settings: &Settings) -> Failure {
    store_failure(error, &settings.storage.path)
}

fn cells(account: &AccountRow) -> [String; 6] {
    [
        account.api_key.clone(),
        account.name.clone(),
        if account.barred { "barred" } else { "active" }.to_owned(),
        account.credits.map_or_else(|| "no limit".to_owned(), |credits| credits.to_string()),
        account.rate.map_or_else(|| "default".to_owned(), |rate| format!("{rate}/s")),
        account.created.to_string(),
    ]
}

fn default_cells(defaults: &AccountDefaults) -> [(&'static str, Option<String>); 5] {
    [
        ("sender_id", defaults.sender_id.clone()),
        ("workflow", defaults.workflow.map(|workflow| workflow.to_string())),
        ("language", defaults.language.clone()),
        ("origin_domain", defaults.origin_domain.clone()),
        ("app_hash", defaults.app_hash.clone()),
    ]
}

fn to_json(account: &AccountRow) -> Value {
    json!({
        "api_key": account.api_key,
        "name": account.name,
        "barred": account.barred,
        "credits": account.credits,
        "rate": account.rate,
        "sender_id": account.defaults.sender_id,
        "workflow": account.defaults.workflow,
        "language": account.defaults.language,
        "origin_domain": account.defaults.origin_domain,
        "app_hash": account.defaults.app_hash,
        "created": account.created.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(subcommand)]
        command: Command,
    }

    fn parse(arguments: &[&str]) -> Result<Command, clap::Error> {
        CommandLine::try_parse_from(["account"].iter().chain(arguments)).map(|line| line.command)
    }

    #[test]
    fn a_secret_on_the_command_line_is_not_shown_by_debug() {
        let command = parse(&["add", "shop", "--secret", "geheim"]).expect("valid");
        assert!(!format!("{command:?}").contains("geheim"));
    }

    #[test]
    fn wrong_names_keys_and_numbers_are_refused() {
        let wrong: [&[&str]; 9] = [
            &["add", " "],
            &["add", "a\nb"],
            &["add", "shop", "--key", "a:b"],
            &["add", "shop", "--key", ""],
            &["add", "shop", "--credits", "-1"],
            &["add", "shop", "--rate", "0"],
            &["add", "shop", "--secret", "x", "--secret-file", "y"],
            &["credit", "k", "9999999999999"],
            &["credit", "k", "many"],
        ];
        for arguments in wrong {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
        assert!(matches!(parse(&["credit", "k", "-5"]), Ok(Command::Credit(Credit { credits: -5, .. }))));
    }

    #[test]
    fn a_secret_that_is_read_loses_its_line_end_and_has_a_length() {
        let read = |text: &str| read_secret(text.as_bytes()).map(|secret| secret.expose_secret().to_owned());
        assert_eq!(read("geheim\r\n").expect("text"), "geheim");
        assert_eq!(read("two words").expect("text"), "two words");
        assert!(read_secret([0xff].as_slice()).is_err());
        for text in ["", "a\nb", &"x".repeat(257)] {
            assert!(given_secret(Some(SecretString::from(text)), None).is_err(), "{} characters", text.len());
        }
        assert!(given_secret(Some(SecretString::from("ü".repeat(256))), None).is_ok());
    }
}
