//! GSM modems: the driver that owns a port, and the pure machines that it feeds.
//!
//! [`at`] and [`pdu`] are vocabulary. [`startup`], [`sms`], [`network`] and [`recovery`] are conversations: small
//! machines with the same verbs, each fed by the driver. They take `now` as the time since the driver started and give
//! back steps; none of them reads a clock, sleeps or touches a port. [`by_hand`] feeds them without a daemon.

pub mod at;
pub mod by_hand;
pub mod driver;
mod ladder;
pub mod line;
pub mod network;
pub mod pdu;
pub mod port;
pub mod profile;
pub mod recovery;
pub mod sending;
mod session;
pub mod sms;
mod starting;
pub mod startup;
