//! What the product does, through HTTP on one side and virtual modems on the other: whole replies, whole messages.

#[path = "../harness/mod.rs"]
mod harness;

mod accounts;
mod calling;
mod checking;
mod contract;
mod controlling;
mod events;
mod fair_use;
mod guard;
mod inbox_command;
mod languages;
mod modems;
mod opting_out;
mod outcomes;
mod paying;
mod pumping;
mod receiving;
mod reports;
mod requesting;
mod restarting;
mod routes;
mod searching;
mod soup;
mod wire_forms;
