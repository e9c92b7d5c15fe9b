//! GSM modems: the driver that owns a port, and the pure machines that it feeds.
//!
//! [`at`] and [`pdu`] are vocabulary. [`startup`], [`sms`], [`incoming`], [`ringing`], [`network`] and [`recovery`] are
//! conversations: small machines with the same verbs, each fed by the driver. They take `now` as the time since the
//! driver started and give back steps; none of them reads a clock, sleeps or touches a port. [`by_hand`] and
//! [`probe`] feed them without a daemon, [`tap`] lets somebody listen.

pub mod at;
pub mod audio;
pub mod by_hand;
pub mod call;
pub mod calling;
pub mod driver;
pub mod incoming;
mod ladder;
pub mod line;
pub mod network;
mod own_speech;
pub mod pdu;
pub mod port;
pub mod probe;
pub mod profile;
pub mod received;
pub mod recovery;
pub mod ringing;
pub mod sending;
mod session;
pub mod sms;
mod starting;
pub mod startup;
pub mod stick;
pub mod tap;
pub mod words;
