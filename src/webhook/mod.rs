//! Telling an account's own server what becomes of its verifications, by the Standard Webhooks scheme.
//!
//! ```text
//!  state change ──► webhook_event (same transaction) ──► worker ──► client ──► the account's server
//!                   waiting → due → sending → delivered | dead
//! ```
//!
//! What is told is `event`, how it is signed `signature`, when it is tried again `schedule`, where it may go `target` and
//! `address`: these are pure. `client` speaks HTTP, and `worker` is the task that sends what is due.
//!
//! At least once, in order for each verification: an event is sent once the one before it was taken or given up.
//! Nothing here shows a secret, a whole number or the path of an address in a log line or a reason.

pub mod address;
pub mod client;
pub mod event;
pub mod schedule;
pub mod signature;
pub mod target;
pub mod worker;

/// One request to an account's server.
#[derive(Clone)]
pub struct Delivery {
    pub target: target::Target,
    /// `webhook-id`: the same at every attempt.
    pub id: String,
    /// `webhook-timestamp`: of this attempt, in seconds.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
    pub body: String,
}

impl Delivery {
    /// Signed with every secret that a receiver may have.
    pub fn new(
        target: target::Target,
        id: String,
        body: String,
        secrets: &[signature::SigningSecret],
        now: crate::clock::Timestamp,
    ) -> Self {
        let timestamp = now.as_millis().div_euclid(1000);
        let signature = signature::header(secrets, &id, timestamp, &body);
        Self { target, id, timestamp, signature, body }
    }
}

/// `webhook-id` of random octets. No full stop, which parts what is signed.
pub fn message_id(octets: &[u8; 16]) -> String {
    octets.iter().fold("msg_".to_owned(), |id, octet| id + &format!("{octet:02x}"))
}
