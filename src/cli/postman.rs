//! `simverify postman`: the Postman collection with its environment.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Outcome, print_json};
use crate::api::docs::{postman_collection, postman_environment};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print one of the two alone, as Postman and newman read it
    #[arg(long)]
    only: Option<Part>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Collection,
    Environment,
}

pub fn run(arguments: &Arguments) -> Outcome {
    print_json(&match arguments.only {
        None => json!({"collection": postman_collection(), "environment": postman_environment()}),
        Some(Part::Collection) => postman_collection(),
        Some(Part::Environment) => postman_environment(),
    })
}
