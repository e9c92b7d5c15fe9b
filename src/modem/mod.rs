//! GSM modems: the driver that owns a port, and the pure machines that it feeds.

pub mod at;
pub mod pdu;
