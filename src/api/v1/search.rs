//! The operation that tells where verifications stand: its parameters and its reply. Pure.

use crate::app::{CheckRow, EventRow, Found, Progress};
use crate::clock::Timestamp;
use crate::phone::PhoneNumber;
use crate::verification::RequestId;

use super::document::{Document, Fields};
use super::params::{Parameters, REQUEST_IDS};
use super::reply::Reply;
use super::status::Status;

/// The most ids of one search.
pub const REQUEST_IDS_MAX: usize = 10;

/// What is shown in place of a code: right or wrong, none is kept.
pub const MASKED_CODE: &str = "****";

/// What is looked for. A text that is no request id names no request and is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    One(Option<RequestId>),
    Several(Vec<RequestId>),
}

impl Search {
    pub fn requests(&self) -> Vec<RequestId> {
        match self {
            Self::One(request) => request.iter().copied().collect(),
            Self::Several(requests) => requests.clone(),
        }
    }
}

/// Reads the parameters of a search.
///
/// # Errors
///
/// [`Status::Missing`], [`Status::Invalid`] or [`Status::TooManyRequestIds`].
pub fn parse(parameters: &Parameters) -> Result<Search, Status> {
    if let Some(request) = parameters.text("request_id")? {
        return Ok(Search::One(request.parse().ok()));
    }
    match parameters.list(REQUEST_IDS)?.as_slice() {
        [] => Err(Status::Missing("request_id")),
        [request] => Ok(Search::One(request.parse().ok())),
        requests if requests.len() > REQUEST_IDS_MAX => Err(Status::TooManyRequestIds),
        requests => Ok(Search::Several(requests.iter().filter_map(|request| request.parse().ok()).collect())),
    }
}

/// The reply to a search that found `found`.
///
/// # Errors
///
/// [`Status::NothingFound`] if that is nothing.
pub fn reply(search: &Search, found: &[Found], account: &str) -> Result<Reply, Status> {
    let [first, ..] = found else { return Err(Status::NothingFound) };
    Ok(Reply::done(match search {
        Search::One(_) => Document::Object { root: "verify_request", fields: fields(first, account) },
        Search::Several(_) => Document::List {
            root: "verification_requests",
            element: "verify_request",
            rows: found.iter().map(|found| fields(found, account)).collect(),
        },
    }))
}

fn fields(found: &Found, account: &str) -> Fields {
    Fields::new()
        .text("request_id", found.request.to_string())
        .text("account_id", account)
        .text("status", progress(found.progress))
        .text("number", found.number.as_ref().map_or("", PhoneNumber::digits))
        .text("price", found.price.to_string())
        .text("currency", found.currency.as_str())
        .text("sender_id", found.sender_id.as_str())
        .text("date_submitted", found.submitted.to_date_time())
        .text("date_finalized", date(found.finalized))
        .text("first_event_date", date(found.first_event))
        .text("last_event_date", date(found.last_event))
        .rows("checks", "check", found.checks.iter().map(check).collect())
        .rows("events", "event", found.events.iter().map(event).collect())
        .text("estimated_price_messages_sent", found.estimated_price_messages_sent.to_string())
}

fn check(row: &CheckRow) -> Fields {
    Fields::new()
        .text("date_received", row.received.to_date_time())
        .text("code", MASKED_CODE)
        .text("status", if row.valid { "VALID" } else { "INVALID" })
        .text("ip_address", row.ip_address.as_str())
}

fn event(row: &EventRow) -> Fields {
    Fields::new().text("type", row.kind.as_str()).text("id", row.id.to_string())
}

pub fn progress(progress: Progress) -> &'static str {
    match progress {
        Progress::InProgress => "IN PROGRESS",
        Progress::Success => "SUCCESS",
        Progress::Failed => "FAILED",
        Progress::Expired => "EXPIRED",
        Progress::Cancelled => "CANCELLED",
    }
}

/// A date that is not reached yet is empty.
fn date(date: Option<Timestamp>) -> String {
    date.map(Timestamp::to_date_time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Format;
    use super::*;
    use crate::verification::{EventId, EventKind, Money};

    fn id(octet: u8) -> RequestId {
        RequestId::from_bytes([octet; 16])
    }

    fn parsed(query: &str) -> Result<Search, Status> {
        parse(&Parameters::gather(query, b""))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis((1_700_000_000 + seconds) * 1000)
    }

    /// A success with a wrong and a right code.
    fn finished() -> Found {
        Found {
            currency: "USD".to_owned(),
            request: id(0xab),
            progress: Progress::Success,
            number: PhoneNumber::parse("447400123456", None).ok(),
            price: Money::from_units(12_050_000),
            sender_id: "VERIFY".to_owned(),
            submitted: at(0),
            finalized: Some(at(60)),
            first_event: Some(at(2)),
            last_event: Some(at(2)),
            checks: vec![
                CheckRow { received: at(50), valid: false, ip_address: String::new() },
                CheckRow { received: at(60), valid: true, ip_address: "123.0.0.255".to_owned() },
            ],
            events: vec![EventRow { id: EventId::from_bytes([0xcd; 8]), kind: EventKind::Sms }],
            estimated_price_messages_sent: Money::from_units(12_050_000),
        }
    }

    fn queued() -> Found {
        Found {
            request: id(0xac),
            progress: Progress::InProgress,
            finalized: None,
            first_event: None,
            last_event: None,
            checks: vec![],
            events: vec![],
            ..finished()
        }
    }

    #[test]
    fn one_id_or_up_to_ten_are_looked_for() {
        let (one, other) = (id(0xab), id(0xac));
        assert_eq!(parsed(&format!("request_id={one}")), Ok(Search::One(Some(one))));
        assert_eq!(parsed(&format!("request_ids={one}")), Ok(Search::One(Some(one))));
        assert_eq!(parsed(&format!("request_ids={one}&request_ids={other}")), Ok(Search::Several(vec![one, other])));
        assert_eq!(parsed(&format!("request_ids={one}&request_id={other}")), Ok(Search::One(Some(other))));
        assert_eq!(parsed(&format!("request_ids={one}&request_ids=1267899")), Ok(Search::Several(vec![one])));
        assert_eq!(parsed("request_id=1267899"), Ok(Search::One(None)));
        let many = |count: usize| vec![format!("request_ids={one}"); count].join("&");
        assert_eq!(parsed(&many(10)), Ok(Search::Several(vec![one; 10])));
        assert_eq!(parsed(&many(11)), Err(Status::TooManyRequestIds));
        for query in ["", "request_id=", "request_ids=&request_id="] {
            assert_eq!(parsed(query), Err(Status::Missing("request_id")), "{query}");
        }
    }

    #[test]
    fn one_request_is_told_as_the_object_itself() {
        let reply = reply(&Search::One(None), &[finished()], "abcdef01").expect("a reply");
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"abababababababababababababababab","account_id":"abcdef01","status":"SUCCESS","number":"447400123456","price":"0.12050000","currency":"USD","sender_id":"VERIFY","date_submitted":"2023-11-14 22:13:20","date_finalized":"2023-11-14 22:14:20","first_event_date":"2023-11-14 22:13:22","last_event_date":"2023-11-14 22:13:22","checks":[{"date_received":"2023-11-14 22:14:10","code":"****","status":"INVALID","ip_address":""},{"date_received":"2023-11-14 22:14:20","code":"****","status":"VALID","ip_address":"123.0.0.255"}],"events":[{"type":"sms","id":"cdcdcdcdcdcdcdcd"}],"estimated_price_messages_sent":"0.12050000"}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verify_request><request_id>abababababababababababababababab</request_id><account_id>abcdef01</account_id><status>SUCCESS</status><number>447400123456</number><price>0.12050000</price><currency>USD</currency><sender_id>VERIFY</sender_id><date_submitted>2023-11-14 22:13:20</date_submitted><date_finalized>2023-11-14 22:14:20</date_finalized><first_event_date>2023-11-14 22:13:22</first_event_date><last_event_date>2023-11-14 22:13:22</last_event_date><checks><check><date_received>2023-11-14 22:14:10</date_received><code>****</code><status>INVALID</status><ip_address></ip_address></check><check><date_received>2023-11-14 22:14:20</date_received><code>****</code><status>VALID</status><ip_address>123.0.0.255</ip_address></check></checks><events><event><type>sms</type><id>cdcdcdcdcdcdcdcd</id></event></events><estimated_price_messages_sent>0.12050000</estimated_price_messages_sent></verify_request>
        "#);
    }

    #[test]
    fn several_requests_are_told_as_a_list() {
        let found = [queued()];
        let reply = reply(&Search::Several(vec![]), &found, "abcdef01").expect("a reply");
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"verification_requests":[{"request_id":"acacacacacacacacacacacacacacacac","account_id":"abcdef01","status":"IN PROGRESS","number":"447400123456","price":"0.12050000","currency":"USD","sender_id":"VERIFY","date_submitted":"2023-11-14 22:13:20","date_finalized":"","first_event_date":"","last_event_date":"","checks":[],"events":[],"estimated_price_messages_sent":"0.12050000"}]}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verification_requests><verify_request><request_id>acacacacacacacacacacacacacacacac</request_id><account_id>abcdef01</account_id><status>IN PROGRESS</status><number>447400123456</number><price>0.12050000</price><currency>USD</currency><sender_id>VERIFY</sender_id><date_submitted>2023-11-14 22:13:20</date_submitted><date_finalized></date_finalized><first_event_date></first_event_date><last_event_date></last_event_date><checks></checks><events></events><estimated_price_messages_sent>0.12050000</estimated_price_messages_sent></verify_request></verification_requests>
        "#);
    }

    #[test]
    fn nothing_found_has_a_status_of_its_own() {
        for search in [Search::One(None), Search::Several(vec![])] {
            assert_eq!(reply(&search, &[], "abcdef01"), Err(Status::NothingFound));
        }
    }

    #[test]
    fn every_progress_has_its_word() {
        let words = [Progress::InProgress, Progress::Success, Progress::Failed, Progress::Expired, Progress::Cancelled]
            .map(progress);
        assert_eq!(words, ["IN PROGRESS", "SUCCESS", "FAILED", "EXPIRED", "CANCELLED"]);
    }
}
