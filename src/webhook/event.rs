//! What is told: the types of events, why something happened, and the body of a request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::verification::{EventKind, RequestId};

/// Sent by hand, to try a receiver.
pub const TEST: &str = "webhook.test";

/// What happened to a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    Started,
    Sent,
    Delivered,
    Undelivered,
    Answered,
    Verified,
    Failed,
    Expired,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one of started, sent, delivered, undelivered, answered, verified, failed, expired, cancelled")]
pub struct UnknownEvent;

impl EventType {
    pub const ALL: [Self; 9] = [
        Self::Started,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Answered,
        Self::Verified,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "verification.started",
            Self::Sent => "verification.sent",
            Self::Delivered => "verification.delivered",
            Self::Undelivered => "verification.undelivered",
            Self::Answered => "verification.answered",
            Self::Verified => "verification.verified",
            Self::Failed => "verification.failed",
            Self::Expired => "verification.expired",
            Self::Cancelled => "verification.cancelled",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = UnknownEvent;

    /// With or without `verification.`.
    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let word = |kind: &Self| kind.as_str().trim_start_matches("verification.");
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text || word(kind) == text);
        found.ok_or(UnknownEvent)
    }
}

/// Why, for the account: what the operator is told of routes and modems is none of its business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Uncertain,
    ReportedUndelivered,
    NotAnswered,
    NotSent,
    WrongCodes,
    NoRightCode,
    Restored,
    Fault,
}

impl Reason {
    /// In plain words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Uncertain => "the network did not say whether it took the message",
            Self::ReportedUndelivered => "the network reported that the message did not arrive",
            Self::NotAnswered => "the line was busy or nobody answered",
            Self::NotSent => "no route could send it",
            Self::WrongCodes => "too many wrong codes",
            Self::NoRightCode => "no right code came in time",
            Self::Restored => "the service was restored from a backup",
            Self::Fault => "an internal fault",
        }
    }
}

/// What is on record of an event, without anything that must not stand in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// As search calls it.
    pub status: String,
    pub step: Option<Step>,
    pub reason: Option<Reason>,
    pub price: String,
    pub currency: String,
    pub estimated_price_messages_sent: String,
    pub submitted_at: String,
    pub finalized_at: Option<String>,
}

impl Facts {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// One SMS or call of the workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the workflow, from 1.
    pub number: usize,
    /// Its name in the events of search.
    pub event_id: Option<String>,
    /// As search calls it: `sms` or `tts`.
    pub channel: String,
    /// `modem` or `provider`; none where none took it, or it is gone.
    pub route: Option<String>,
}

impl Step {
    pub fn new(index: usize, kind: EventKind) -> Self {
        Self { number: index + 1, event_id: None, channel: kind.as_str().to_owned(), route: None }
    }
}

/// An event with all that its body tells.
#[derive(Clone, Debug)]
pub struct Told {
    pub kind: String,
    pub occurred: Timestamp,
    pub request: RequestId,
    /// The account's API key.
    pub account: String,
    /// Within the verification, from 1.
    pub sequence: u32,
    /// Masked unless the account asks for the whole; none once it was wiped.
    pub number: Option<String>,
    pub country: Option<String>,
    pub facts: Facts,
}

#[derive(Serialize)]
struct Body<'a, T> {
    r#type: &'a str,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
struct Data<'a> {
    request_id: String,
    account_id: &'a str,
    sequence: u32,
    status: &'a str,
    number: Option<&'a str>,
    country: Option<&'a str>,
    step: Option<&'a Step>,
    reason_code: Option<Reason>,
    reason: Option<&'static str>,
    price: &'a str,
    currency: &'a str,
    estimated_price_messages_sent: &'a str,
    submitted_at: &'a str,
    finalized_at: Option<&'a str>,
}

impl Told {
    /// The body of the request: the same octets at every attempt, as long as the number is there.
    pub fn body(&self) -> String {
        let Facts { status, step, reason, price, currency, estimated_price_messages_sent, submitted_at, finalized_at } =
            &self.facts;
        let data = Data {
            request_id: self.request.to_string(),
            account_id: &self.account,
            sequence: self.sequence,
            status,
            number: self.number.as_deref(),
            country: self.country.as_deref(),
            step: step.as_ref(),
            reason_code: *reason,
            reason: reason.map(Reason::text),
            price,
            currency,
            estimated_price_messages_sent,
            submitted_at,
            finalized_at: finalized_at.as_deref(),
        };
        to_json(&Body { r#type: &self.kind, timestamp: self.occurred.to_string(), data })
    }
}

/// The body of a test.
pub fn test_body(account: &str, now: Timestamp) -> String {
    #[derive(Serialize)]
    struct Test<'a> {
        account_id: &'a str,
    }
    to_json(&Body { r#type: TEST, timestamp: now.to_string(), data: Test { account_id: account } })
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("text and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_by_its_whole_and_its_short_name() {
        for kind in EventType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.as_str().trim_start_matches("verification.").parse(), Ok(kind));
        }
        for text in ["", "verification.", "verification.verification.sent", "webhook.test", "SENT"] {
            assert_eq!(text.parse::<EventType>(), Err(UnknownEvent), "{text}");
        }
    }

    #[test]
    fn a_body_has_the_same_fields_whatever_it_tells() {
        let told = Told {
            kind: EventType::Undelivered.to_string(),
            occurred: Timestamp::from_millis(1_772_366_400_123),
            request: RequestId::from_bytes([0xab; 16]),
            account: "abcdef01".to_owned(),
            sequence: 3,
            number: Some("+44…23".to_owned()),
            country: Some("GB".to_owned()),
            facts: Facts {
                status: "IN PROGRESS".to_owned(),
                step: Some(Step { route: Some("modem".to_owned()), ..Step::new(1, EventKind::Tts) }),
                reason: Some(Reason::NotAnswered),
                price: "0.12050000".to_owned(),
                currency: "USD".to_owned(),
                estimated_price_messages_sent: "0.00000000".to_owned(),
                submitted_at: "2026-03-01T11:58:00.000Z".to_owned(),
                finalized_at: None,
            },
        };
        insta::assert_snapshot!(told.body(), @r#"{"type":"verification.undelivered","timestamp":"2026-03-01T12:00:00.123Z","data":{"request_id":"abababababababababababababababab","account_id":"abcdef01","sequence":3,"status":"IN PROGRESS","number":"+44…23","country":"GB","step":{"number":2,"event_id":null,"channel":"tts","route":"modem"},"reason_code":"not_answered","reason":"the line was busy or nobody answered","price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"2026-03-01T11:58:00.000Z","finalized_at":null}}"#);
        assert_eq!(serde_json::from_str::<Facts>(&told.facts.to_json()).expect("the same"), told.facts);
        insta::assert_snapshot!(test_body("abcdef01", told.occurred), @r#"{"type":"webhook.test","timestamp":"2026-03-01T12:00:00.123Z","data":{"account_id":"abcdef01"}}"#);
    }
}
