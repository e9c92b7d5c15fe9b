//! `simverify config`: check, show and print the configuration. Starts nothing, changes nothing.

use std::path::Path;

use clap::{Args, Subcommand};

use super::{Exit, Global, OrExit, Outcome, print, print_json};
use crate::config::{Configuration, DEFAULT_TOML, SYSTEM_DIRECTORY, Settings};
use crate::daemon::Pair;
use crate::verification::{Language, Texts};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check all layers as a start would; exit code 78 if anything is wrong
    Check,
    /// Whether there is anything to send with: exit code 69 without modem and provider. The systemd unit asks it
    HasRoute,
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
        Command::HasRoute => has_route(global),
        Command::Show(Show { json: true }) => print_json(&global.configuration()?.effective.to_json()),
        Command::Show(Show { json: false }) => print(&global.configuration()?.effective.to_string()),
        Command::Default => print(DEFAULT_TOML),
        Command::Messages { language } => print(Texts::built_in_file(*language)),
    }
}

/// A configuration that cannot be read is left to `serve`, whose failure shows: a unit that is skipped does not.
fn has_route(global: &Global) -> Outcome {
    match global.configuration() {
        Ok(Configuration { settings, .. }) if settings.modems.is_empty() && settings.providers.is_empty() => {
            let file = global.config.clone().unwrap_or(Path::new(SYSTEM_DIRECTORY).join("simverify.toml"));
            Err(Exit::Unavailable.because(anyhow::anyhow!(
                "not configured yet: no modem and no provider to send with; put the [[modems]] table that \
                 `simverify modem probe` prints into {}",
                file.display()
            )))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A certificate that cannot be used is a mistake in the configuration.
pub fn check_certificate(settings: &Settings) -> Outcome {
    match settings.server.tls() {
        Some(files) => Pair::read(&files).map(drop).or_exit(Exit::Config, "cannot serve HTTPS"),
        None => Ok(()),
    }
}
