//! A local door to the running daemon: a Unix socket beside its database, for the commands of the same machine.
//!
//! ```text
//!  command ── one request, a line of JSON ──► daemon
//!          ◄── records, a line of JSON each ──
//! ```
//!
//! One request a connection. Whoever may open the database may open the socket: it has mode 0600. It holds up nobody: a
//! reader that is slow misses records and is told how many, one that takes nothing at all is dropped, and connections
//! are counted.
//!
//! It must never give out what a request did not ask for, and never wait for a modem.

mod client;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

use crate::channel::routing::RouteView;
use crate::channel::{Board, Reception};
use crate::modem::tap::{Direction, Tap, TraceLine};

pub use client::{ConnectError, Connection};
pub use server::{BindError, Socket};

/// Octets that a socket's address has for its path (`sun_path` in unix(7) has 108, one of them ends it).
const PATH_MAX: usize = 107;

/// A request is a name and a few flags.
const REQUEST_OCTETS_MAX: u64 = 4096;

/// Where the daemon that works on `database` listens.
pub fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".socket");
    PathBuf::from(name)
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// A modem's line: from here on.
    Trace { modem: String, reveal: bool },
    /// A modem's line: the last minutes, redacted.
    TraceLast { modem: String },
    /// How all routes stand.
    Board,
    /// Another master key in the present one's place.
    RotateKey,
    /// Look at the webhooks: there is something to send, or one was changed.
    Webhooks,
}

/// What a socket gives access to.
#[derive(Clone)]
pub struct Doors {
    /// The lines of the modems, by name.
    pub taps: BTreeMap<String, Tap>,
    pub board: Board,
    pub rotations: mpsc::Sender<AskedRotation>,
    /// Wakes the webhooks' worker.
    pub webhooks: Arc<Notify>,
}

/// A rotation that was asked for: whoever does it answers with the record.
pub type AskedRotation = tokio::sync::oneshot::Sender<Record>;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// What is asked for comes from here on.
    Begin,
    Line {
        /// RFC 3339, with milliseconds.
        at: String,
        direction: Direction,
        text: String,
    },
    /// How all routes stand, in their order.
    Board {
        routes: Vec<RouteView>,
        /// Why a route is not ready, by its name.
        reasons: BTreeMap<String, String>,
        /// How each modem at work stands with its network.
        #[serde(default)]
        receptions: BTreeMap<String, Reception>,
    },
    /// So many lines are left out, because the reader was slow.
    Lost {
        lines: u64,
    },
    /// What the rotation came to so far: rows that are under the new key by it, rows that no key opens, and
    /// verifications for whose PIN the old key stays a while.
    Rotated {
        rows: usize,
        unreadable: usize,
        pins: u32,
    },
    /// All that was asked for has been said.
    End,
    /// The daemon ends.
    Stopping,
    Refused {
        refusal: Refusal,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// No modem has that name; these are there.
    UnknownModem { modems: Vec<String> },
    /// As many connections as there may be are open.
    Busy,
    /// The rotation is not begun, or goes on later.
    NotRotated { cause: String },
    /// This daemon does not know the request: it is of another version.
    UnknownRequest,
}

impl From<&TraceLine> for Record {
    fn from(line: &TraceLine) -> Self {
        Self::Line { at: line.at.to_string(), direction: line.direction, text: line.text.clone() }
    }
}

#[cfg(test)]
mod tests;
