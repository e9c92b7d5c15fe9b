//! A virtual modem, and the virtual phone behind it.
//!
//! ```text
//!  host (pty, in process) ── bytes, time, controls ──► VirtualModem ── SMS, calls ──► phone
//!                                                        │ commands   a line taken apart and performed
//!                                                        │ submission what the network does with an SMS
//!                                                        │ calls      what it does with a call
//!                                                        │ sound      what is heard of it, recorded by `recording`
//!                                                        │ messages   storages, modes, what comes back
//! ```
//!
//! [`VirtualModem`] is pure; only `host`, `line`, `pty`, `recorder`, `screen` and `named` know a runtime, a device or a file. [`magic`] tells which numbers are
//! busy, lose an SMS or answer late, [`KEYS`] what can be set, [`CONTROL_HELP`] what can be done while it runs.
//! [`testing`] plays dialogues. Nothing here uses the product's AT or PDU code, so that a fault there is not mirrored.

mod agenda;
mod call_reports;
mod calls;
mod commands;
mod control;
mod event;
mod host;
mod keys;
mod line;
pub mod magic;
mod messages;
mod named;
mod pdu;
mod phone;
mod power;
mod profile;
mod pty;
mod recorder;
mod recording;
mod screen;
mod settings;
mod sim;
mod sound;
mod speech;
mod state;
mod storage;
mod submission;
mod terminal;
pub mod testing;
mod text;
mod virtual_modem;

#[cfg(test)]
mod make_tests;
#[cfg(test)]
mod sound_tests;
#[cfg(test)]
mod tests;

pub use control::{Control, HELP as CONTROL_HELP};
pub use event::{CallState, PhoneEvent, ReportEvent, ReportFate};
pub use host::{PtyTask, Simulator};
pub use keys::KeyLine;
pub use named::Simulators;
pub use profile::{
    CallReports, DialOk, Network, PROFILES, PinCounter, Profile, SoundCommands, SpeechCommands, Unknown, profile,
};
pub use recording::RecordedCall;
pub use screen::{Shown, ShownWhat};
pub use settings::{Echo, KEYS, Key, LineEnd, Prompt, Reference, Settings, SubmitFault};
pub use virtual_modem::{Output, PortChange, VirtualModem};
