//! `simverify man`: the manual pages, one for each command.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Outcome, command_line};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Made if it does not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command_line(), directory)).map_err(
        |error| {
            let exit = Exit::of_io(&error);
            let context = format!("cannot write manual pages to {}", directory.display());
            exit.because(anyhow::Error::new(error).context(context))
        },
    )
}
