//! `simverify config`: check, show and print the configuration. Starts nothing, changes nothing.

use clap::{Args, Subcommand};

use super::{Exit, Global, OrExit, Outcome, print, print_json};
use crate::config::{DEFAULT_TOML, Settings};
use crate::daemon::Pair;
use crate::verification::{Language, Texts};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all layers as a start would; exit code 78 if anything is wrong
    Check,
    /// Print the settings in effect and the layer of each; secrets are masked
    Show(Show),
    /// Print the built-in defaults with their explanations
    Default,
    /// Print the built-in texts of a language: the file to copy into messages.directory and to change
    Messages {
        /// As in a request, such as de-de
        #[arg(value_parser = str::parse::<Language>)]
        language: Language,
    },
}

#[derive(Debug, Args)]
pub struct Show {
    /// Print JSON: {"settings": {…}, "layers": {"section.key": "…"}}
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command, global: &Global) -> Outcome {
    match command {
        Command::Check => {
            let settings = global.configuration()?.settings;
            check_certificate(&settings)?;
            let (modems, providers) = (settings.modems.len(), settings.providers.len());
            for warning in &settings.messages.warnings {
                print(&format!("warning: {warning}\n"))?;
            }
            print(&format!("configuration is valid: modems: {modems}, providers: {providers}\n"))
        }
        Command::Show(Show { json: true }) => print_json(&global.configuration()?.effective.to_json()),
        Command::Show(Show { json: false }) => print(&global.configuration()?.effective.to_string()),
        Command::Default => print(DEFAULT_TOML),
        Command::Messages { language } => print(Texts::built_in_file(*language)),
    }
}

/// A certificate that cannot be used is a mistake in the configuration.
pub fn check_certificate(settings: &Settings) -> Outcome {
    match settings.server.tls() {
        Some(files) => Pair::read(&files).map(drop).or_exit(Exit::Config, "cannot serve HTTPS"),
        None => Ok(()),
    }
}
