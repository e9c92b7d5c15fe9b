//! The command line: one file for each subcommand.
//!
//! Reads arguments, runs one command, turns its failure into one line and an exit code. A new command is a file here
//! with its arguments and a `run`, and a variant of [`Command`]. Never prints a stack trace, a PIN or a secret.

mod account;
mod account_defaults;
mod account_webhook;
mod admin;
mod backup;
mod blocklist;
mod budget;
mod bundle;
mod compact;
mod completions;
mod config;
mod demo;
mod doctor;
mod exit;
mod forget;
mod guard;
mod healthcheck;
mod inbox;
mod key;
mod live;
mod man;
mod modem;
mod modem_history;
mod modem_trace;
mod open;
mod openapi;
mod pdu;
mod postman;
mod provider;
mod restore;
mod route;
mod serve;
mod simulate;
mod speak;
mod table;
mod verification;
mod webhook;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Configuration, Flag, Sources};

pub use exit::{Exit, Failure, OrExit, Outcome};

/// Phone verification on your own SIM card.
#[derive(Debug, Parser)]
#[command(name = "simverify", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What is not of one command alone.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Configuration file, before or after the command [default: /etc/simverify/simverify.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, above file and environment; before the command; may be repeated
    // Not global: clap would drop those before the command if there are any after it.
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = setting)]
    pub set: Vec<Flag>,
}

impl Global {
    /// The settings of this run: all layers, read and checked.
    pub fn configuration(&self) -> Result<Configuration, Failure> {
        self.configuration_with(Vec::new())
    }

    /// The same with settings from flags of the command, which win over `--set`.
    pub fn configuration_with(&self, flags: Vec<Flag>) -> Result<Configuration, Failure> {
        let flags = self.set.iter().cloned().chain(flags).collect();
        Ok(Configuration::load(&Sources::of_system(self.config.clone(), flags))?)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Serve(serve::Arguments),
    /// Run the daemon on a throwaway database with a virtual modem and a demo account
    Demo(demo::Arguments),
    /// Make, list, change, bar, credit and remove accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Who may log in to the admin listener
    #[command(subcommand)]
    Admin(admin::Command),
    /// Numbers and prefixes that are never verified
    #[command(subcommand)]
    Blocklist(blocklist::Command),
    /// Toll fraud and guessing: what is blocked, what was held up and why, and letting go
    #[command(subcommand)]
    Guard(guard::Command),
    /// Look for verifications, and why one did not arrive
    #[command(subcommand)]
    Verification(verification::Command),
    /// What accounts were told, what is still to be sent, and what could not be
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Messages that came in to the SIMs
    Inbox(inbox::Arguments),
    /// Delete everything about a number
    Forget(forget::Arguments),
    /// Copy the database while the daemon runs
    Backup(backup::Arguments),
    /// Put a backup in the database's place, or check one; the daemon must not run
    Restore(restore::Arguments),
    /// Give unused space of the database back to the disk; the daemon must not run
    Compact(compact::Arguments),
    /// The master key: show which it is, check that it fits, put another in its place
    #[command(subcommand)]
    Key(key::Command),
    /// Check configuration, database, key file, modems, speech: one page, exit code 69 if anything is wrong
    Doctor(doctor::Arguments),
    /// Ask the running daemon whether it is ready: exit code 0 or 69, for containers
    Healthcheck(healthcheck::Arguments),
    /// List modems and ports, ask what is on a port, send an SMS by hand
    #[command(subcommand)]
    Modem(modem::Command),
    /// Which route a message to a number would take, and why not the others; sends nothing
    Route(route::Arguments),
    /// List providers and ready-made ones, send an SMS or a call through one by hand
    #[command(subcommand)]
    Provider(provider::Command),
    /// Check, show or print the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// A virtual modem on a pseudo-terminal, for any program to talk to
    Simulate(Box<simulate::Args>),
    /// Read and make SMS PDUs by hand
    #[command(subcommand)]
    Pdu(pdu::Command),
    /// Write what a call would say as a WAV file
    Speak(speak::Arguments),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print the Postman collection and its environment
    Postman(postman::Arguments),
    /// Print a shell's completion script
    Completions(completions::Arguments),
    /// Write the manual pages into a directory
    Man(man::Arguments),
}

/// Runs the program with `arguments`, the first of which is its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            // Nobody is left to tell if the terminal is gone.
            let _ = error.print();
            return exit.into();
        }
    };
    match run(cli) {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "simverify: {failure}");
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let Cli { global, command } = cli;
    match command {
        Command::Serve(arguments) => serve::run(&arguments, &global),
        Command::Demo(arguments) => demo::run(&arguments, &global),
        Command::Account(command) => account::run(command, &global),
        Command::Admin(command) => admin::run(command, &global),
        Command::Blocklist(command) => blocklist::run(command, &global),
        Command::Guard(command) => guard::run(command, &global),
        Command::Verification(command) => verification::run(&command, &global),
        Command::Webhook(command) => webhook::run(command, &global),
        Command::Inbox(arguments) => inbox::run(arguments, &global),
        Command::Forget(arguments) => forget::run(&arguments, &global),
        Command::Backup(arguments) => backup::run(&arguments, &global),
        Command::Restore(arguments) => restore::run(&arguments, &global),
        Command::Compact(arguments) => compact::run(&arguments, &global),
        Command::Key(command) => key::run(command, &global),
        Command::Doctor(arguments) => doctor::run(&arguments, &global),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments, &global),
        Command::Modem(command) => modem::run(&command, &global),
        Command::Route(arguments) => route::run(&arguments, &global),
        Command::Provider(command) => provider::run(&command, &global),
        Command::Config(command) => config::run(&command, &global),
        Command::Simulate(arguments) => simulate::run(*arguments),
        Command::Pdu(command) => pdu::run(&command),
        Command::Speak(arguments) => speak::run(&arguments, &global),
        Command::Openapi => openapi::run(),
        Command::Postman(arguments) => postman::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}

/// Runs a command's work to its end on this thread.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.or_exit(Exit::Io, "cannot start")?.block_on(work)
}

/// The whole command line, for completions and manual pages.
fn command_line() -> clap::Command {
    Cli::command()
}

/// Writes `text` to standard output. A reader that has gone (`| head`) wants no more: that is no failure.
pub fn print(text: &str) -> Outcome {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Exit::Io.because(anyhow::Error::new(error).context("cannot write to standard output")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes `value` to standard output as indented JSON.
pub fn print_json(value: &serde_json::Value) -> Outcome {
    print(&format!("{value:#}\n"))
}

fn setting(text: &str) -> Result<Flag, &'static str> {
    match text.split_once('=') {
        Some((key, value)) if key.contains('.') => {
            Ok(Flag { flag: "--set", key: key.to_owned(), value: value.to_owned() })
        }
        Some(_) | None => Err("write it as SECTION.KEY=VALUE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn the_configuration_file_may_stand_on_both_sides_of_the_command() {
        for arguments in [
            ["simverify", "--config", "a.toml", "config", "check"],
            ["simverify", "config", "check", "--config", "a.toml"],
        ] {
            let cli = Cli::try_parse_from(arguments).expect("a valid command line");
            assert_eq!(cli.global.config, Some("a.toml".into()));
        }
    }
}
