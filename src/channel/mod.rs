//! How a PIN leaves the house: what a channel is given, what it gives back, and which one is chosen.

pub mod admission;
mod board;
pub mod budget;
pub mod callback;
pub mod lane;
pub mod provider;
mod received;
mod reception;
pub mod register;
pub mod routing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{Span, error_span, field};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::modem::pdu;
use crate::phone::PhoneNumber;
use crate::verification::{AttemptId, EventKind, Language, Pin, Purpose, Reference, RequestId, Texts};

pub use board::{Board, Used, When};
pub use received::{PartOf, Received, ReceivedKind};
pub use reception::{Reception, Registered, Signal};

/// One attempt for a channel to carry out.
#[derive(Clone, Debug)]
pub struct Message {
    pub attempt: AttemptId,
    /// For the log; a message sent by hand belongs to none.
    pub request: Option<RequestId>,
    pub kind: EventKind,
    pub number: PhoneNumber,
    /// Of a call too: for who cannot speak.
    pub text: MessageText,
    /// What a call says; of a call alone.
    pub call: Option<Script>,
    /// Of a message to a provider alone.
    pub particulars: Option<Box<Particulars>>,
    /// Not to be sent at this instant or later: the PIN is dead then.
    pub pin_end: Option<Timestamp>,
    /// How long the network may keep trying.
    pub validity: Duration,
}

impl Message {
    /// The span of its lines in the log, on its way through a route.
    pub fn span(&self, route: &str) -> Span {
        let Self { attempt, request, kind, .. } = self;
        let request_id = request.map(field::display);
        // At the highest level, so that its lines have its fields whatever the log's filter.
        error_span!("attempt", request_id, attempt = attempt.get(), route, kind = kind.as_str())
    }
}

/// What a call says.
#[derive(Clone, Debug)]
pub enum Script {
    Pin(CallScript),
    /// A sentence by hand, once.
    Text(Sentence),
}

/// What an operator has a number told. `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct Sentence {
    pub text: MessageText,
    pub language: Language,
    pub texts: Arc<Texts>,
}

/// What a call says that reads a PIN out. Holds the PIN; `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct CallScript {
    pub purpose: Purpose,
    pub pin: Pin,
    pub language: Language,
    pub texts: Arc<Texts>,
}

/// What a provider's request may name beside number and text. Holds the PIN; `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct Particulars {
    /// The same for each try of the attempt.
    pub reference: Reference,
    /// As the request gave it.
    pub sender_id: String,
    pub purpose: Purpose,
    pub pin: Pin,
    pub language: Language,
}

/// What the person is to read. Holds the PIN: wiped when dropped, never shown.
#[derive(Clone)]
pub struct MessageText(Zeroizing<String>);

impl MessageText {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageText(***)")
    }
}

/// How many messages the network counts when a text is sent.
pub fn sms_parts(text: &str) -> u32 {
    u32::try_from(pdu::part_count(text)).unwrap_or(u32::MAX)
}

/// Whether a text goes out in an alphabet that leaves 70 characters a message.
pub fn needs_unicode(text: &str) -> bool {
    pdu::alphabet_of(text) != pdu::Alphabet::Gsm7
}

/// How an attempt went. Reasons are for the operator: no number, no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The network took every part; its references for delivery reports, where the modem told them.
    Accepted { references: Vec<Option<u8>> },
    /// A provider took it; its own name for the message, where it told one.
    Taken { message_id: Option<String> },
    /// A call was answered and the PIN read out, once at least.
    Spoken { rang: Duration, talked: Duration },
    /// A call was busy or not answered, or ended before the PIN was read out.
    Unanswered { reason: String },
    /// Nothing was sent.
    Refused { class: RefusalClass, reason: String },
    /// Some of it may have been sent.
    Uncertain { references: Vec<Option<u8>>, reason: String },
    /// Given back untouched: withdrawn, the PIN died, or the channel is going away.
    Returned,
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Taken { .. } => "taken",
            Self::Spoken { .. } => "spoken",
            Self::Unanswered { .. } => "unanswered",
            Self::Refused { .. } => "refused",
            Self::Uncertain { .. } => "uncertain",
            Self::Returned => "returned",
        }
    }
}

/// What a refusal by the network or the modem means for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The same route may take it later.
    Temporary,
    /// Only another route may take it.
    OtherRoute,
    /// No route will take it.
    Final,
}

impl RefusalClass {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::OtherRoute => "other_route",
            Self::Final => "final",
        }
    }
}

/// A delivery report of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    pub reference: u8,
    /// The recipient's digits as the network wrote them.
    pub number: String,
    pub delivered: bool,
}

/// What a channel says unasked. One queue leads from all channels to the dispatcher.
pub enum Notice {
    /// The next bytes cannot be taken back. The answer comes once that is on record; `false`: do not send.
    Begin {
        attempt: AttemptId,
        go: oneshot::Sender<bool>,
    },
    Finished {
        attempt: AttemptId,
        route: String,
        outcome: Outcome,
    },
    /// An uncertain attempt was accepted after all: its answer came late.
    Settled {
        attempt: AttemptId,
        route: String,
    },
    /// A report that is final, one way or the other.
    Report {
        route: String,
        report: DeliveryReport,
        /// Told once it is on record; `false`: it could not be.
        done: oneshot::Sender<bool>,
    },
    /// A message that came in.
    Received {
        route: String,
        message: Box<Received>,
        /// As for a report.
        done: oneshot::Sender<bool>,
    },
    /// A SIM asks for its PIN; may this one be tried? On record before the answer.
    TrySimPin {
        sim: String,
        pin: Zeroizing<String>,
        tries_left: Option<u8>,
        go: oneshot::Sender<bool>,
    },
    /// The SIM took the PIN, or it never reached the SIM.
    SimPinDone {
        sim: String,
        pin: Zeroizing<String>,
    },
}
