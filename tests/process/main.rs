//! The daemon as the process that an operator runs: killed, stopped, unplugged, out of disk.
//!
//! Each test starts `simverify serve` and, where it needs a modem, `simverify simulate` on a pty. What happens is read
//! from the daemon's log and from what the phone shows; a test waits for such a line, never for a time to pass.

mod calling;
#[path = "../support/certificates.rs"]
mod certificates;
mod child;
mod client;
mod confined;
mod daemon;
mod disk;
mod documentation;
mod drain;
mod installation;
mod kill;
mod listening;
mod log;
mod modem;
mod ports;
mod providers;
mod receive;
mod secrecy;
mod secrecy_of_routes;
mod service;
mod sound;
mod start;
mod tls;
mod trace;
