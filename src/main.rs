//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    simverify::cli::main(std::env::args_os())
}
