//! The interactive documentation: every example is true, and the page loads nothing from elsewhere.
//!
//! What other people's programs make of it is tested with the daemon as a process: `tests/process/documentation.rs`.

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the tests of the behaviour use more of it")]
mod harness;

mod examples;
mod page;
mod postman;
