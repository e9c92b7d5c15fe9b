//! Messages that came in: kept, acted upon where they ask to be left alone, shown to the operator.

use std::time::Duration;

use super::App;
use super::blocklist::{self, BlocklistEntry};
use super::types::Internal;
use crate::channel::{Received, ReceivedKind};
use crate::clock::Timestamp;
use crate::metrics::Fact;
use crate::phone::PhoneNumber;
use crate::secrets::{Digest, Secrets};
use crate::store::{BlockOrigin, NewPart, PartPlace, PartRow, Store, StoreError, Tx};
use crate::verification::Wish;

/// Parts kept at most; then the oldest make room. Some ten megabytes on disk.
const PARTS_MAX: u32 = 10_000;

/// Parts of one sender kept at most, so that nobody pushes out what others wrote.
const PARTS_OF_SENDER_MAX: u32 = 1_000;

/// How long a message waits for its missing parts: networks try again for hours. Then it is shown with what is there.
pub(super) const PARTS_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Parts that one purge deletes: few, so that it never holds up the writer.
const PURGE: u32 = 256;

/// What a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    Kept,
    /// It was kept before: the modem or the network gave it once more.
    Known,
    /// Its sender is on the blocklist from here on.
    OptedOut,
    /// Its sender's own entry is off the blocklist.
    OptedIn,
}

impl Reaction {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Kept | Self::Known => None,
            Self::OptedOut => Some("opt_out"),
            Self::OptedIn => Some("opt_in"),
        }
    }
}

/// A message as the operator sees it.
pub struct InboxMessage {
    pub number: i64,
    /// The modem that it came to.
    pub route: String,
    /// Whole.
    pub sender: String,
    pub kind: String,
    /// Nothing if it is no text.
    pub text: Option<String>,
    /// Its parts as the modem printed them, in hex.
    pub pdus: Vec<String>,
    pub parts: u8,
    /// The parts that are there.
    pub received_parts: usize,
    /// By the service centre's clock.
    pub sent: Option<Timestamp>,
    /// When its last part came.
    pub received: Timestamp,
    /// `opt_out`, `opt_in`
    pub reaction: Option<String>,
}

/// Reads the text of a message from its parts as they came; the codec is the channel's.
pub type Join = fn(&[String]) -> Option<String>;

impl App {
    /// Puts a message on record, once however often it comes, with what follows from it.
    pub async fn receive(&self, route: &str, message: &Received) -> Result<Reaction, Internal> {
        let now = self.clock.now();
        let keys = self.keys();
        let secrets = &keys.secrets;
        let part = self.new_part(secrets, route, message, now);
        let known_as = secrets.message_hashes(route, &message.raw);
        let senders = secrets.number_hashes(sender_of(message));
        let wish = self.wish(message).map(|(wish, number)| {
            let entry = BlocklistEntry::Number(number);
            let hashes = entry.hashes(secrets);
            (wish, blocklist::row(secrets, &self.random, now, &entry, BlockOrigin::OptOut), hashes)
        });
        let reaction = self
            .store
            .write(move |tx: &Tx| {
                if tx.has_part(&known_as)? {
                    return Ok(Reaction::Known);
                }
                let reaction = match &wish {
                    None => Reaction::Kept,
                    Some((Wish::OptOut, row, hashes)) => {
                        if !tx.is_blocked(hashes)? {
                            tx.insert_block(row)?;
                        }
                        Reaction::OptedOut
                    }
                    Some((Wish::OptIn, _, hashes)) => {
                        let mut taken_back = false;
                        for hash in hashes {
                            taken_back |= tx.delete_opt_out(hash)?;
                        }
                        if taken_back { Reaction::OptedIn } else { Reaction::Kept }
                    }
                };
                tx.make_room(&part.sender_hash, PARTS_MAX, PARTS_OF_SENDER_MAX)?;
                let begun = match part.place {
                    Some(place) => tx.message_without_part(&senders, place, now - PARTS_WAIT)?,
                    None => None,
                };
                tx.note(Fact::Received { route: part.route.clone(), kind: part.kind });
                tx.insert_part(&NewPart { reaction: reaction.word(), ..part }, begun)?;
                Ok::<_, StoreError>(reaction)
            })
            .await?;
        Ok(reaction)
    }

    fn new_part(&self, secrets: &Secrets, route: &str, message: &Received, now: Timestamp) -> NewPart {
        let hash = secrets.message_hash(route, &message.raw);
        let seal = |what: &str, plain: &str| secrets.seal(&self.random, plain.as_bytes(), &binding(what, &hash));
        NewPart {
            route: route.to_owned(),
            hash,
            sender_sealed: seal(SENDER, &message.sender),
            sender_hash: secrets.number_hash(sender_of(message)),
            kind: message.kind.as_str(),
            pdu_sealed: seal(PDU, &message.raw),
            place: message.part.map(|part| PartPlace {
                reference: part.reference,
                reference_bits: if part.wide { 16 } else { 8 },
                parts: part.parts,
                part: part.part,
            }),
            sent: message.sent,
            received: now,
            reaction: None,
        }
    }

    /// What the sender of a text wants, where that is acted upon.
    fn wish(&self, message: &Received) -> Option<(Wish, PhoneNumber)> {
        let rules = self.rules();
        let words = rules.opt_out.as_ref()?;
        let is_whole_text = message.kind == ReceivedKind::Text && message.part.is_none();
        let text = message.text.as_deref().filter(|_| is_whole_text)?;
        Some((words.wish(text)?, message.number.clone()?))
    }

    /// Whether a number must not be written to.
    pub(super) async fn is_blocked(&self, number: &PhoneNumber) -> Result<bool, Internal> {
        let hashes = blocklist::hashes_of(&self.keys().secrets, number);
        Ok(self.store.read(move |tx: &Tx| tx.is_blocked(&hashes)).await?)
    }

    /// Deletes some parts that came long ago; says how many.
    pub async fn purge_inbox(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - self.rules().retention.inbox;
        Ok(self.store.write(move |tx: &Tx| tx.purge_inbox(before, PURGE)).await?)
    }
}

/// What its sender is known by: the digits of a number, otherwise what it calls itself.
fn sender_of(message: &Received) -> &str {
    message.number.as_ref().map_or(message.sender.as_str(), PhoneNumber::digits)
}

/// All messages, oldest first; those without all of their parts only once nothing more is to be expected.
pub async fn inbox(
    store: &Store,
    secrets: &Secrets,
    now: Timestamp,
    join: Join,
) -> Result<Vec<InboxMessage>, Internal> {
    let rows = store.read(|tx: &Tx| tx.parts()).await?;
    let mut messages = vec![];
    for rows in rows.chunk_by(|one, next| one.message == next.message) {
        let message = opened(secrets, rows, join)?;
        let first = rows.iter().map(|row| row.received).min().unwrap_or(now);
        if message.received_parts >= usize::from(message.parts) || first + PARTS_WAIT <= now {
            messages.push(message);
        }
    }
    Ok(messages)
}

/// One message, also while parts are missing.
pub async fn inbox_message(
    store: &Store,
    secrets: &Secrets,
    number: i64,
    join: Join,
) -> Result<Option<InboxMessage>, Internal> {
    let rows = store.read(move |tx: &Tx| tx.parts_of(number)).await?;
    if rows.is_empty() { Ok(None) } else { Ok(Some(opened(secrets, &rows, join)?)) }
}

/// Deletes messages; gives the numbers of those that are not there, and deletes none then.
pub async fn delete_from_inbox(store: &Store, numbers: Vec<i64>) -> Result<Vec<i64>, StoreError> {
    store
        .write(move |tx: &Tx| {
            let mut unknown = vec![];
            for number in &numbers {
                if tx.parts_of(*number)?.is_empty() {
                    unknown.push(*number);
                }
            }
            if unknown.is_empty() {
                for number in numbers {
                    tx.delete_message(number)?;
                }
            }
            Ok(unknown)
        })
        .await
}

/// Deletes everything that is there; says how many messages.
pub async fn clear_inbox(store: &Store) -> Result<usize, StoreError> {
    store.write(|tx: &Tx| tx.clear_inbox()).await
}

pub(super) fn opened(secrets: &Secrets, rows: &[PartRow], join: Join) -> Result<InboxMessage, Internal> {
    let open = |row: &PartRow, what: &str, sealed: &[u8]| {
        let broken = || StoreError::Row("a message of the inbox cannot be opened".to_owned());
        let plain = secrets.open(sealed, &binding(what, &row.hash)).map_err(|_| broken())?;
        std::str::from_utf8(&plain).map(str::to_owned).map_err(|_| broken())
    };
    let first = rows.first().ok_or_else(|| StoreError::Row("a message of the inbox has no part".to_owned()))?;
    let pdus = rows.iter().map(|row| open(row, PDU, &row.pdu_sealed)).collect::<Result<Vec<_>, _>>()?;
    Ok(InboxMessage {
        number: first.message,
        route: first.route.clone(),
        sender: open(first, SENDER, &first.sender_sealed)?,
        kind: first.kind.clone(),
        text: join(&pdus),
        parts: first.parts,
        received_parts: pdus.len(),
        pdus,
        sent: first.sent,
        received: rows.iter().map(|row| row.received).max().unwrap_or(first.received),
        reaction: first.reaction.clone(),
    })
}

pub(super) const SENDER: &str = "inbox sender";
pub(super) const PDU: &str = "inbox pdu";

/// What is sealed opens only for its part.
pub(super) fn binding(what: &str, hash: &Digest) -> Vec<u8> {
    [what.as_bytes(), hash].concat()
}
