//! The AT dialogue: line reader, engine, typed commands and answers, errors. Pure.
//!
//! ```text
//!  conversations (sms, network, startup)      one Command ─►          ─► one Result<Reply, AtError>
//!  ──────────────────────────────────────────────────────────────────────────────────────────────
//!  engine      queue, echo, prompt, time-outs, resynchronisation       ─► Unsolicited
//!  classify    what a line is: final result, known unsolicited line, something else
//!  line        bytes ─► lines, partial line
//! ```
//!
//! Nothing in this folder reads a clock, draws a random number or touches a port: `now` is the [`std::time::Duration`]
//! since the driver started, handed in by the driver.

mod call;
mod classify;
mod command;
mod engine;
mod error;
mod error_text;
mod fields;
mod line;
mod message;
mod radio;
mod registration;
mod sim;
mod storage;
#[cfg(test)]
pub(crate) mod transcript;
mod unsolicited;

pub use call::{CallState, Ending, ListedCall, call_listed, calls_listed, ending_of, ending_told};
pub use command::{Command, Priority, Reply, Wire, is_final_result, names_a_secret, shown_line};
pub use engine::{CommandId, Engine, EngineSettings, Output};
pub use error::{AtError, ErrorClass, ModemError};
pub use message::{Pdu, StoredMessage, listed_messages, read_message, submit_reference};
pub use radio::{Operator, Signal, operator, reference_power, signal};
pub use registration::{Access, Domain, Registration, RegistrationState};
pub use sim::{PinCounter, SimState, iccid, identity_line, imei, imsi, pin_tries_left, service_centre, sim_state};
pub use storage::{Routing, Storage, choose_routing, routing_ranges, storage_used, storages_offered};
pub use unsolicited::{Event, Unsolicited};
