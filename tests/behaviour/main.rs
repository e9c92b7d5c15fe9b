//! What the product does, through HTTP on one side and virtual modems on the other: whole replies, whole messages.

#[path = "../harness/mod.rs"]
mod harness;

mod checking;
mod controlling;
mod events;
mod languages;
mod modems;
mod outcomes;
mod paying;
mod requesting;
mod restarting;
mod routes;
mod searching;
