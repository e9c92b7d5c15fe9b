//! `simverify admin`: who may log in to the admin listener. A running daemon sees each change at once.
//!
//! A password never stands on a command line: it is asked for on the terminal without echo, or read from standard input.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::open::{Opened, open, open_existing, store_failure};
use super::table::aligned;
use super::{Exit, Failure, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::{self, Admin, AdminError};
use crate::clock::Clock;
use crate::config::Settings;
use crate::random::Random;
use crate::store::StoreError;

/// Octets of a line that may be a password.
const LINE_MAX: u64 = 4096;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a user; asks for the password, or reads it from standard input
    Add(One),
    /// List all users
    List(List),
    /// Remove a user and end the sessions
    Remove(One),
    /// Set another password, end the sessions, and forget failed logins
    Passwd(One),
}

#[derive(Debug, Args)]
pub struct One {
    /// As it is typed at the login
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct List {
    /// Print JSON: a list of users
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    block_on(async {
        match command {
            Command::Add(arguments) => add(&arguments, &settings).await,
            Command::List(arguments) => list(&arguments, &settings).await,
            Command::Remove(arguments) => remove(&arguments, &settings).await,
            Command::Passwd(arguments) => passwd(&arguments, &settings).await,
        }
    })
}

async fn add(arguments: &One, settings: &Settings) -> Outcome {
    let store = open(settings)?.store;
    let name = &arguments.name;
    let admins = app::admins(&store).await.map_err(|error| store_failure(error, &settings.storage.path))?;
    if admins.iter().any(|admin| admin.name == *name) {
        return Err(exists(name));
    }
    let password = password()?;
    let now = Clock::System.now();
    let added = app::add_admin(&store, &Random::System, now, name, &password).await;
    added.map_err(|error| match error {
        AdminError::Store(StoreError::Exists) => exists(name),
        other => failed(other, settings),
    })?;
    told(arguments, "added", &format!("{name} can log in\n"))
}

async fn list(arguments: &List, settings: &Settings) -> Outcome {
    let Opened { store, .. } = open_existing(settings)?;
    let admins = app::admins(&store).await.map_err(|error| store_failure(error, &settings.storage.path))?;
    if arguments.json {
        let admins = admins.iter().map(|admin| {
            json!({
                "name": admin.name,
                "created": admin.created.to_string(),
                "password_changed": admin.password_at.to_string(),
                "last_login": admin.login_at.map(|at| at.to_string()),
            })
        });
        return print_json(&Value::Array(admins.collect()));
    }
    let header = ["NAME", "CREATED", "PASSWORD OF", "LAST LOGIN"].map(str::to_owned);
    let row = |Admin { name, created, password_at, login_at }: Admin| {
        let login_at = login_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        [name, created.to_string(), password_at.to_string(), login_at]
    };
    let rows: Vec<_> = [header].into_iter().chain(admins.into_iter().map(row)).collect();
    print(&aligned(&rows))
}

async fn remove(arguments: &One, settings: &Settings) -> Outcome {
    let Opened { store, .. } = open_existing(settings)?;
    let name = &arguments.name;
    let removed = app::remove_admin(&store, name).await;
    match removed.map_err(|error| store_failure(error, &settings.storage.path))? {
        true => told(arguments, "removed", &format!("{name} can log in no more\n")),
        false => Err(unknown(name)),
    }
}

async fn passwd(arguments: &One, settings: &Settings) -> Outcome {
    let store = open_existing(settings)?.store;
    let name = &arguments.name;
    let admins = app::admins(&store).await.map_err(|error| store_failure(error, &settings.storage.path))?;
    if !admins.iter().any(|admin| admin.name == *name) {
        return Err(unknown(name));
    }
    let (password, now) = (password()?, Clock::System.now());
    let set = app::set_admin_password(&store, &Random::System, now, name, &password).await;
    match set.map_err(|error| failed(error, settings))? {
        true => told(arguments, "password_changed", &format!("{name} has another password; the sessions have ended\n")),
        false => Err(unknown(name)),
    }
}

fn told(arguments: &One, fact: &str, text: &str) -> Outcome {
    if arguments.json { print_json(&json!({ "name": arguments.name, fact: true })) } else { print(text) }
}

/// From the terminal twice, without echo; or the first line of standard input.
fn password() -> Result<SecretString, Failure> {
    let cannot = "cannot read the password";
    if !std::io::stdin().is_terminal() {
        return first_line(std::io::stdin().lock()).or_exit(Exit::Io, cannot);
    }
    let first = SecretString::from(rpassword::prompt_password("Password: ").or_exit(Exit::Io, cannot)?);
    let second = SecretString::from(rpassword::prompt_password("Once more: ").or_exit(Exit::Io, cannot)?);
    match first.expose_secret() == second.expose_secret() {
        true => Ok(first),
        false => Err(Exit::Data.because(anyhow::anyhow!("the two are not the same: nothing was changed"))),
    }
}

fn first_line(input: impl BufRead) -> std::io::Result<SecretString> {
    let mut line = String::new();
    input.take(LINE_MAX).read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line.into())
}

fn exists(name: &str) -> Failure {
    Exit::Data.because(anyhow::anyhow!(
        "there is an admin user {name} already: `simverify admin passwd {name}` sets another password"
    ))
}

fn unknown(name: &str) -> Failure {
    Exit::Data.because(anyhow::anyhow!("there is no admin user {name}: `simverify admin list` shows who there is"))
}

fn failed(error: AdminError, settings: &Settings) -> Failure {
    match error {
        AdminError::Store(error) => store_failure(error, &settings.storage.path),
        error @ (AdminError::Name | AdminError::Length | AdminError::SameAsName) => Exit::Data.because(error),
        error @ AdminError::Hash(_) => Exit::Unavailable.because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_without_its_end() {
        let read = |text: &str| first_line(text.as_bytes()).expect("text").expose_secret().to_owned();
        assert_eq!(read("two words \r\nmore\n"), "two words ");
        assert_eq!(read("without an end"), "without an end");
        assert_eq!(read(""), "");
        assert!(first_line([0xff].as_slice()).is_err());
    }
}
