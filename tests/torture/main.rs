//! The durability torture: the real daemon under load is killed, stopped, starved of disk, locked out of its database and
//! served by failing modems, at random; its clock jumps. Then every promise is counted.
//!
//! `make torture` runs it for `TORTURE_SECONDS`; the test suite for some seconds. `TORTURE_SEED` chooses what is done,
//! `TORTURE_RATE` how many requests a second are asked for. docs/reliability.md says what a run of it showed.

mod audit;
mod caller;
mod clock;
mod course;
mod daemon;
mod faults;
#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "this run needs little of it")]
mod harness;
mod ledger;
mod modem;
mod provider;
mod rules;
mod run;
mod site;
mod vitals;
