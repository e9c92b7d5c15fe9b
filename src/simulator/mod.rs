//! A virtual modem, and the virtual phone behind it.
//!
//! [`VirtualModem`] is pure; [`Simulator`] runs it, in process or on a pty. [`magic`] tells which numbers are busy, lose
//! an SMS or answer late. Nothing here uses the product's AT or PDU code, so that a fault there is not mirrored.

mod agenda;
mod calls;
mod commands;
mod control;
mod event;
mod host;
pub mod magic;
mod messages;
mod named;
mod pdu;
mod phone;
mod power;
mod profile;
mod pty;
mod settings;
mod sim;
mod storage;
mod submission;
mod terminal;
pub mod testing;
mod text;
mod virtual_modem;

#[cfg(test)]
mod tests;

pub use control::{Control, HELP as CONTROL_HELP};
pub use event::{CallState, PhoneEvent};
pub use host::{PtyTask, Simulator};
pub use named::Simulators;
pub use profile::{CallReports, PROFILES, PinCounter, Profile, Unknown, profile};
pub use settings::{Echo, KEYS, Key, LineEnd, Prompt, Reference, Settings, SubmitFault};
pub use virtual_modem::{Output, PortChange, VirtualModem};
