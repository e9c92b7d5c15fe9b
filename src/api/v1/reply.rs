//! What goes back: a status, a body, and the headers that belong to them. Pure.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::app::Internal;
use crate::verification::RequestId;

use super::document::{Document, Fields};
use super::endpoint::{Endpoint, Face, Operation};
use super::status::Status;

/// How one who has not proved himself may do so (RFC 7617).
pub const CHALLENGE: &str = "Basic realm=\"simverify\", charset=\"UTF-8\"";

/// After how many seconds a throttled caller may try again: its allowance is a second's.
const RETRY_AFTER_SECONDS: &str = "1";

/// What an operation could not do.
#[derive(Debug)]
pub enum Failure {
    /// The caller hears why.
    Refused(Status),
    /// A fault of ours: logged, and status 5 for the caller.
    Internal(Internal),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<Internal> for Failure {
    fn from(internal: Internal) -> Self {
        Self::Internal(internal)
    }
}

/// A whole reply, before it is written in a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: Status,
    pub document: Document,
    /// The request that a success made.
    made: Option<RequestId>,
}

impl Reply {
    pub fn done(document: Document) -> Self {
        Self { status: Status::Done, document, made: None }
    }

    pub fn made(request: RequestId, document: Document) -> Self {
        Self { status: Status::Done, document, made: Some(request) }
    }

    /// A refusal. `trace_id` is what a caller can tell the operator about a fault of ours.
    pub fn refused(operation: Operation, status: Status, trace_id: &str) -> Self {
        let request = match &status {
            Status::InProgress { request } => request.to_string(),
            _ => String::new(),
        };
        let mut fields = Fields::new()
            .text("request_id", request)
            .text("status", status.number().to_string())
            .text("error_text", status.text());
        if matches!(status, Status::Internal | Status::Overloaded) {
            fields = fields.text("trace_id", trace_id);
        }
        // A refused search has the root of a refused request: the clients that read XML know it by that.
        let root = match operation {
            Operation::Request | Operation::Psd2 | Operation::Check | Operation::Search => "verify_response",
            Operation::Control => "response",
        };
        Self { status, document: Document::Object { root, fields }, made: None }
    }

    pub fn http(&self, endpoint: Endpoint) -> StatusCode {
        self.status.http(endpoint)
    }

    /// The headers that belong to the status at this endpoint.
    pub fn headers(&self, endpoint: Endpoint) -> Vec<(HeaderName, String)> {
        let mut headers = Vec::new();
        if self.status == Status::MethodNotAllowed {
            headers.push((ALLOW, endpoint.methods().to_owned()));
        }
        if self.status == Status::Overloaded {
            headers.push((RETRY_AFTER, RETRY_AFTER_SECONDS.to_owned()));
        }
        if endpoint.face != Face::Portal {
            return headers;
        }
        if let Some(request) = self.made {
            headers.push((LOCATION, format!("/verify/search/json?request_id={request}")));
        }
        let in_seconds = |wait: &Duration| wait.as_millis().div_ceil(1000).max(1).to_string();
        let retry_after = match &self.status {
            Status::Throttled => Some(RETRY_AFTER_SECONDS.to_owned()),
            Status::CheckHeld { retry_after } | Status::Held { retry_after: Some(retry_after) } => {
                Some(in_seconds(retry_after))
            }
            Status::TooManyFailures { wait } => Some((wait.as_secs() + 1).to_string()),
            _ => None,
        };
        headers.extend(retry_after.map(|seconds| (RETRY_AFTER, seconds)));
        // RFC 9110 §15.5.2: a 401 names a scheme.
        if self.status == Status::InvalidCredentials {
            headers.push((WWW_AUTHENTICATE, CHALLENGE.to_owned()));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::endpoint::Format;
    use super::*;

    fn portal(operation: Operation) -> Endpoint {
        Endpoint { operation, face: Face::Portal }
    }

    #[test]
    fn a_refusal_has_an_empty_request_id() {
        let reply = Reply::refused(Operation::Request, Status::Missing("number"), "t1");
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"","status":"2","error_text":"Your request is incomplete and missing the mandatory parameter: number"}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verify_response><request_id></request_id><status>2</status><error_text>Your request is incomplete and missing the mandatory parameter: number</error_text></verify_response>
        "#);
    }

    #[test]
    fn a_concurrent_request_names_the_one_in_progress() {
        let request = RequestId::from_bytes([0xab; 16]);
        let reply = Reply::refused(Operation::Request, Status::InProgress { request }, "t1");
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"abababababababababababababababab","status":"10","error_text":"Concurrent verifications to the same number are not allowed"}"#);
        assert_eq!(reply.http(portal(Operation::Request)), 412);
    }

    #[test]
    fn a_fault_of_ours_names_its_log_line() {
        let reply = Reply::refused(Operation::Control, Status::Internal, "0123456789abcdef");
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"","status":"5","error_text":"Internal Error","trace_id":"0123456789abcdef"}"#);
        insta::assert_snapshot!(reply.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <response><request_id></request_id><status>5</status><error_text>Internal Error</error_text><trace_id>0123456789abcdef</trace_id></response>
        "#);
    }

    #[test]
    fn a_made_request_is_located_on_the_portal_only() {
        let request = RequestId::from_bytes([0xab; 16]);
        let document = Document::Object { root: "verify_response", fields: Fields::new() };
        let reply = Reply::made(request, document);
        let location = format!("/verify/search/json?request_id={request}");
        assert_eq!(reply.headers(portal(Operation::Request)), [(LOCATION, location)]);
        let nexmo = Endpoint { operation: Operation::Request, face: Face::Nexmo(Format::Json) };
        assert_eq!(reply.headers(nexmo), []);
    }

    #[test]
    fn throttled_callers_of_the_portal_hear_when_to_try_again() {
        let reply = Reply::refused(Operation::Check, Status::Throttled, "t1");
        assert_eq!(reply.headers(portal(Operation::Check)), [(RETRY_AFTER, "1".to_owned())]);
        let wait = Duration::from_millis(41_200);
        let reply = Reply::refused(Operation::Check, Status::TooManyFailures { wait }, "t1");
        assert_eq!(reply.headers(portal(Operation::Check)), [(RETRY_AFTER, "42".to_owned())]);
    }

    #[test]
    fn callers_of_both_faces_hear_when_to_come_again_to_a_busy_machine() {
        let reply = Reply::refused(Operation::Request, Status::Overloaded, "t1");
        let nexmo = Endpoint { operation: Operation::Request, face: Face::Nexmo(Format::Json) };
        for endpoint in [nexmo, portal(Operation::Request)] {
            assert_eq!(reply.headers(endpoint), [(RETRY_AFTER, "1".to_owned())]);
            assert_eq!(reply.http(endpoint), 503);
        }
        insta::assert_snapshot!(reply.document.write(Format::Json), @r#"{"request_id":"","status":"5","error_text":"Internal Error","trace_id":"t1"}"#);
    }
}
