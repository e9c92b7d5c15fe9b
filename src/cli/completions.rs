//! `simverify completions`: the completion script of a shell.

use clap::Args;
use clap_complete::Shell;

use super::{Outcome, command_line, print};

#[derive(Debug, Args)]
pub struct Arguments {
    shell: Shell,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command_line(), "simverify", &mut script);
    print(&String::from_utf8_lossy(&script))
}
