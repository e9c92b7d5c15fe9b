//! What may be asked of the service: each operation with its paths, its parameters, and examples of both directions.
//!
//! The replies of the examples are written by the functions that write every reply.

use serde_json::{Value, json};

use crate::api::v1::control::Command;
use crate::api::v1::endpoint::{Endpoint, Face, Format, Operation};
use crate::api::v1::reply::Reply;
use crate::api::v1::search::Search;
use crate::api::v1::{check, control, request, search};
use crate::app::{CheckRow, Checked, EventRow, Found, Progress};
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::verification::{Credits, EventId, EventKind, Money, RequestId, SenderId};

use super::parameter::{self, NUMBER, Parameter};

/// Request ids as examples.
pub(super) const REQUEST: &str = "935bd55df0fa505f4ddcc4d0fa8981e0";
const OTHER_REQUEST: &str = "0b6bd14c2a3f4e8d9c7a5f1e2d3c4b5a";

/// Event ids as examples: of an SMS, and of the next one.
const EVENT: &str = "8ea9cee1963813b1";

/// The PIN of the examples.
pub(super) const PIN: &str = "7391";

/// What the account of the examples is called.
const ACCOUNT: &str = "abcd1234";

/// 2026-03-01 12:00:00 UTC.
const START: Timestamp = Timestamp::from_millis(1_772_366_400_000);

pub(super) struct Service {
    pub operation: Operation,
    /// As the Postman collection calls it.
    pub title: &'static str,
    /// The word in operation ids.
    pub id: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// The name of its parameters' schema.
    pub schema: &'static str,
    pub parameters: Vec<Parameter>,
    pub asked: Vec<Asked>,
    /// The parameters that the examples of refusals name.
    pub missing: &'static str,
    pub invalid: &'static str,
    portal: Option<&'static str>,
    nexmo: fn(Format) -> &'static str,
}

/// Parameters as an example.
pub(super) struct Asked {
    pub name: &'static str,
    pub summary: &'static str,
    pub body: Value,
}

/// A success as an example.
pub(super) struct Done {
    pub name: &'static str,
    pub summary: &'static str,
    pub schema: &'static str,
    pub reply: Reply,
}

impl Service {
    /// All that this program serves.
    pub fn all() -> Vec<Self> {
        let served: Vec<&str> = Endpoint::all().flat_map(Endpoint::paths).copied().collect();
        let all = [request(), check(), search(), control(), payment()];
        all.into_iter().filter(|service| served.contains(&(service.nexmo)(Format::Json))).collect()
    }

    /// Its path at a face, if it is there.
    pub fn path(&self, face: Face) -> Option<&'static str> {
        match face {
            Face::Portal => self.portal,
            Face::Nexmo(format) => Some((self.nexmo)(format)),
        }
    }

    pub fn done(&self, face: Face) -> Vec<Done> {
        match self.operation {
            Operation::Request | Operation::Psd2 => vec![Done {
                name: "accepted",
                summary: "Accepted: the message is on its way",
                schema: "Started",
                reply: request::reply(id(REQUEST)),
            }],
            Operation::Check => vec![Done {
                name: "right",
                summary: "The right code",
                schema: "Checked",
                reply: check::reply(id(REQUEST), checked()),
            }],
            Operation::Search => found(),
            Operation::Control => Command::ALL.map(|command| obeyed(face, command)).into(),
        }
    }
}

fn request() -> Service {
    Service {
        operation: Operation::Request,
        title: "Verify Request",
        id: "Request",
        summary: "Send a PIN to a phone number",
        description: "Starts a verification: a PIN goes out by SMS, and, if no answer comes, as the workflow says. Ask \
                      the user for it, and check it with the `request_id` of the reply.",
        schema: "VerifyRequest",
        parameters: parameter::request(),
        asked: vec![
            Asked {
                name: "brand_and_number",
                summary: "Number and brand are enough",
                body: json!({"number": NUMBER, "brand": "Acme"}),
            },
            Asked {
                name: "national_number",
                summary: "A number in national format",
                body: json!({"number": "07700 900123", "country": "GB", "brand": "Acme"}),
            },
            Asked {
                name: "every_parameter",
                summary: "Every parameter",
                body: json!({
                    "number": "+44 7700 900123", "brand": "Acme", "country": "GB", "sender_id": "ACME",
                    "code_length": 6, "lg": "en-gb", "pin_expiry": 600, "next_event_wait": 300, "workflow_id": 4,
                    "pin_code": PIN,
                }),
            },
        ],
        missing: "brand",
        invalid: "number",
        portal: Some("/verify"),
        nexmo: |format| match format {
            Format::Json => "/verify/json",
            Format::Xml => "/verify/xml",
        },
    }
}

fn payment() -> Service {
    Service {
        operation: Operation::Psd2,
        title: "Verify Payment",
        id: "Payment",
        summary: "Send a PIN that confirms a payment",
        description: "Starts a verification whose message names payee and amount, as the second payment services \
                      directive (PSD2) asks.",
        schema: "VerifyPayment",
        parameters: parameter::payment(),
        asked: vec![Asked {
            name: "payment",
            summary: "A payment of 48 euros",
            body: json!({"number": NUMBER, "payee": "Acme Ltd", "amount": "48.00"}),
        }],
        missing: "payee",
        portal: None,
        nexmo: |format| match format {
            Format::Json => "/verify/psd2/json",
            Format::Xml => "/verify/psd2/xml",
        },
        ..request()
    }
}

fn check() -> Service {
    Service {
        operation: Operation::Check,
        title: "Verify Check",
        id: "Check",
        summary: "Check the code that the user typed",
        description: "A right code ends the verification. Three wrong ones end it too, and a new PIN starts the count \
                      again.",
        schema: "VerifyCheck",
        parameters: parameter::check(),
        asked: vec![
            Asked { name: "code", summary: "A code", body: json!({"request_id": REQUEST, "code": PIN}) },
            Asked {
                name: "with_ip_address",
                summary: "A code with the user's address",
                body: json!({"request_id": REQUEST, "code": PIN, "ip_address": "192.0.2.7"}),
            },
        ],
        missing: "code",
        invalid: "code",
        portal: Some("/verify/check"),
        nexmo: |format| match format {
            Format::Json => "/verify/check/json",
            Format::Xml => "/verify/check/xml",
        },
    }
}

fn search() -> Service {
    Service {
        operation: Operation::Search,
        title: "Verify Search",
        id: "Search",
        summary: "Look verifications up",
        description: "Tells where one verification stands, or several. Codes are not kept: each is shown as `****`.",
        schema: "VerifySearch",
        parameters: parameter::search(),
        asked: vec![
            Asked { name: "one", summary: "One verification", body: json!({"request_id": REQUEST}) },
            Asked {
                name: "several",
                summary: "Several verifications",
                body: json!({"request_ids": [REQUEST, OTHER_REQUEST]}),
            },
        ],
        missing: "request_id",
        invalid: "request_id",
        portal: Some("/verify/search"),
        nexmo: |format| match format {
            Format::Json => "/verify/search/json",
            Format::Xml => "/verify/search/xml",
        },
    }
}

fn control() -> Service {
    Service {
        operation: Operation::Control,
        title: "Verify Control",
        id: "Control",
        summary: "Cancel a verification, or start its next event",
        description: "A verification can be cancelled once it is 30 seconds old, unless the service is configured \
                      otherwise, and until its second event has started.",
        schema: "VerifyControl",
        parameters: parameter::control(),
        asked: vec![
            Asked {
                name: "cancel",
                summary: "Stop the verification",
                body: json!({"request_id": REQUEST, "cmd": Command::Cancel.as_str()}),
            },
            Asked {
                name: "trigger_next_event",
                summary: "Start the next event at once",
                body: json!({"request_id": REQUEST, "cmd": Command::TriggerNextEvent.as_str()}),
            },
        ],
        missing: "cmd",
        invalid: "cmd",
        portal: Some("/verify/control"),
        nexmo: |format| match format {
            Format::Json => "/verify/control/json",
            Format::Xml => "/verify/control/xml",
        },
    }
}

fn id(text: &str) -> RequestId {
    text.parse().expect("a request id")
}

fn event() -> EventId {
    EVENT.parse().expect("an event id")
}

/// What a verification costs where the number's country has no price of its own.
fn price() -> Money {
    Money::from_units(10_000).times(Credits(1205))
}

fn checked() -> Checked {
    Checked { event: event(), price: price(), currency: "USD".to_owned(), estimated_price_messages_sent: Money::ZERO }
}

fn found() -> Vec<Done> {
    let reply = |search: &Search, found: &[Found]| search::reply(search, found, ACCOUNT).expect("something is found");
    let first = verification(REQUEST, true);
    let both = [verification(REQUEST, true), verification(OTHER_REQUEST, false)];
    vec![
        Done {
            name: "one",
            summary: "One verification",
            schema: "Verification",
            reply: reply(&Search::One(Some(first.request)), std::slice::from_ref(&first)),
        },
        Done {
            name: "several",
            summary: "Several verifications",
            schema: "VerificationList",
            reply: reply(&Search::Several(both.iter().map(|found| found.request).collect()), &both),
        },
    ]
}

/// One in progress, with or without a wrong code 42 seconds after its SMS.
fn verification(request: &str, tried: bool) -> Found {
    let try_at = Timestamp::from_millis(START.as_millis() + 42_000);
    let check = CheckRow { received: try_at, valid: false, ip_address: "192.0.2.7".to_owned() };
    let number = if tried { NUMBER } else { "447700900456" };
    Found {
        request: id(request),
        progress: Progress::InProgress,
        number: PhoneNumber::parse(number, None).ok(),
        price: price(),
        currency: "USD".to_owned(),
        sender_id: SenderId::default().as_str().to_owned(),
        submitted: START,
        finalized: None,
        first_event: Some(START),
        last_event: Some(START),
        checks: tried.then_some(check).into_iter().collect(),
        events: vec![EventRow { kind: EventKind::Sms, id: event() }],
        estimated_price_messages_sent: Money::ZERO,
    }
}

fn obeyed(face: Face, command: Command) -> Done {
    let schema = match face {
        Face::Portal => "ControlledPortal",
        Face::Nexmo(_) => "Controlled",
    };
    let (name, summary) = match command {
        Command::Cancel => ("cancelled", "Cancelled"),
        Command::TriggerNextEvent => ("next_event", "The next event is due"),
    };
    Done { name, summary, schema, reply: control::reply(face, id(REQUEST), command) }
}
