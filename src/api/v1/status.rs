//! Outcomes and what they are called outside: status numbers, texts and the portal's HTTP statuses.
//!
//! The only place that knows numbers and texts. The texts are those of the Nexmo Verify API, word for word, because
//! clients compare them.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::channel::admission::NoRoute;
use crate::verification::RequestId;

use super::endpoint::{Endpoint, Face, Operation};
use super::params::BODY_OCTETS_MAX;
use crate::api::gate::{HEAD_OCTETS_MAX, URI_OCTETS_MAX};

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    Throttled,
    /// Wrong credentials too often; these are not looked at for a while.
    TooManyFailures {
        wait: Duration,
    },
    /// A mandatory parameter is missing.
    Missing(&'static str),
    /// A parameter's value is not one that the contract takes.
    Invalid(&'static str),
    /// The body is no JSON from this place on.
    MalformedJson {
        line: usize,
        column: usize,
    },
    InvalidCredentials,
    Internal,
    /// More is under way than can be answered in time.
    Overloaded,
    NoRoute(NoRoute),
    /// No such request in progress for this account. The id is the caller's own word.
    RequestNotFound {
        request: String,
    },
    Blocked,
    /// The number, or somebody beside it, has to wait; `None`: not by itself, or nobody knows how long.
    Held {
        retry_after: Option<Duration>,
    },
    /// No code of the number is compared now.
    CheckHeld {
        retry_after: Duration,
    },
    Barred,
    QuotaExceeded,
    InProgress {
        request: RequestId,
    },
    UnsupportedNetwork,
    WrongCode,
    WrongTooOften,
    TooManyRequestIds,
    CancelTooSoon {
        request: RequestId,
        cancel_after: Duration,
    },
    CancelTooLate {
        request: RequestId,
    },
    NoEventLeft {
        request: RequestId,
    },
    NothingFound,
    UnknownPath,
    MethodNotAllowed,
    BodyTooLarge,
    BodyTooSlow,
    BodyCutOff,
    UriTooLong,
    HeadTooLarge,
}

impl Status {
    /// The number in `status`.
    pub fn number(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Throttled | Self::TooManyFailures { .. } | Self::CheckHeld { .. } => 1,
            Self::Missing(_) => 2,
            Self::Invalid(_)
            | Self::MalformedJson { .. }
            | Self::UnknownPath
            | Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::BodyTooSlow
            | Self::BodyCutOff
            | Self::UriTooLong
            | Self::HeadTooLarge => 3,
            Self::InvalidCredentials => 4,
            Self::Internal | Self::Overloaded => 5,
            Self::NoRoute(_) | Self::RequestNotFound { .. } => 6,
            Self::Blocked | Self::Held { .. } => 7,
            Self::Barred => 8,
            Self::QuotaExceeded => 9,
            Self::InProgress { .. } => 10,
            Self::UnsupportedNetwork => 15,
            Self::WrongCode => 16,
            Self::WrongTooOften => 17,
            Self::TooManyRequestIds => 18,
            Self::CancelTooSoon { .. } | Self::CancelTooLate { .. } | Self::NoEventLeft { .. } => 19,
            Self::NothingFound => 101,
        }
    }

    /// The sentence in `error_text`; empty for a success, whose reply carries none.
    pub fn text(&self) -> String {
        match self {
            Self::Done => String::new(),
            Self::Throttled | Self::TooManyFailures { .. } | Self::CheckHeld { .. } => "Throttled".to_owned(),
            Self::Missing(parameter) => {
                format!("Your request is incomplete and missing the mandatory parameter: {parameter}")
            }
            Self::Invalid(parameter) => format!("Invalid value for parameter: {parameter}"),
            Self::MalformedJson { line, column } => {
                format!("Invalid value for parameter: body (no JSON at line {line}, column {column})")
            }
            Self::InvalidCredentials => "Invalid credentials were provided".to_owned(),
            Self::Internal | Self::Overloaded => "Internal Error".to_owned(),
            Self::NoRoute(no_route) => not_processed(no_route.reason()),
            Self::RequestNotFound { request } => {
                not_processed(&format!("Request '{request}' was not found or it has been verified already."))
            }
            Self::Blocked | Self::Held { .. } => {
                "The number you are trying to verify is blacklisted for verification".to_owned()
            }
            Self::Barred => {
                "The api_key you supplied is for an account that has been barred from submitting messages".to_owned()
            }
            Self::QuotaExceeded => "Partner quota exceeded".to_owned(),
            Self::InProgress { .. } => "Concurrent verifications to the same number are not allowed".to_owned(),
            Self::UnsupportedNetwork => "The destination number is not in a supported network".to_owned(),
            Self::WrongCode => "The code inserted does not match the expected value".to_owned(),
            Self::WrongTooOften => "The wrong code was provided too many times".to_owned(),
            Self::TooManyRequestIds => "Too many request_ids provided".to_owned(),
            Self::CancelTooSoon { request, cancel_after } => {
                let seconds = cancel_after.as_secs();
                format!("Verification request ['{request}'] can't be cancelled within the first {seconds} seconds.")
            }
            Self::CancelTooLate { request } => format!(
                "Verification request ['{request}'] can't be cancelled now. \
                 Too many attempts to re-deliver have already been made."
            ),
            Self::NoEventLeft { request } => {
                format!("No more events are left to execute for the request ['{request}']")
            }
            Self::NothingFound => "No request found".to_owned(),
            Self::UnknownPath => "Facility not allowed".to_owned(),
            Self::MethodNotAllowed => "Method not allowed".to_owned(),
            Self::BodyTooLarge => format!("Body too large: at most {BODY_OCTETS_MAX} bytes are read"),
            Self::BodyTooSlow => "Body not received in time".to_owned(),
            Self::BodyCutOff => "Body not received whole".to_owned(),
            Self::UriTooLong => format!("URI too long: at most {URI_OCTETS_MAX} bytes are read"),
            Self::HeadTooLarge => format!("Header fields too large: at most {HEAD_OCTETS_MAX} bytes are read"),
        }
    }

    /// The HTTP status at an endpoint: 200 on the Nexmo face, except where the request could not be read as one.
    pub fn http(&self, endpoint: Endpoint) -> StatusCode {
        match endpoint.face {
            Face::Nexmo(_) => self.transport().unwrap_or(StatusCode::OK),
            Face::Portal => self.portal(endpoint.operation),
        }
    }

    /// The HTTP status of what fails below the API, whatever the face.
    pub fn transport(&self) -> Option<StatusCode> {
        match self {
            Self::UnknownPath => Some(StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => Some(StatusCode::METHOD_NOT_ALLOWED),
            Self::BodyTooLarge => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::BodyTooSlow => Some(StatusCode::REQUEST_TIMEOUT),
            Self::BodyCutOff => Some(StatusCode::BAD_REQUEST),
            Self::UriTooLong => Some(StatusCode::URI_TOO_LONG),
            Self::HeadTooLarge => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Self::Overloaded => Some(StatusCode::SERVICE_UNAVAILABLE),
            Self::Done
            | Self::Throttled
            | Self::TooManyFailures { .. }
            | Self::Missing(_)
            | Self::Invalid(_)
            | Self::MalformedJson { .. }
            | Self::InvalidCredentials
            | Self::Internal
            | Self::NoRoute(_)
            | Self::RequestNotFound { .. }
            | Self::Blocked
            | Self::Held { .. }
            | Self::CheckHeld { .. }
            | Self::Barred
            | Self::QuotaExceeded
            | Self::InProgress { .. }
            | Self::UnsupportedNetwork
            | Self::WrongCode
            | Self::WrongTooOften
            | Self::TooManyRequestIds
            | Self::CancelTooSoon { .. }
            | Self::CancelTooLate { .. }
            | Self::NoEventLeft { .. }
            | Self::NothingFound => None,
        }
    }

    fn portal(&self, operation: Operation) -> StatusCode {
        match self {
            Self::Done => match operation {
                Operation::Request | Operation::Psd2 => StatusCode::CREATED,
                Operation::Check | Operation::Search => StatusCode::OK,
                Operation::Control => StatusCode::ACCEPTED,
            },
            Self::Throttled | Self::TooManyFailures { .. } | Self::CheckHeld { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Missing(_)
            | Self::Invalid(_)
            | Self::MalformedJson { .. }
            | Self::WrongCode
            | Self::TooManyRequestIds
            | Self::BodyCutOff => StatusCode::BAD_REQUEST,
            Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoRoute(NoRoute::ProvidersFailing) => StatusCode::BAD_GATEWAY,
            Self::NoRoute(NoRoute::NotConfigured | NoRoute::Down | NoRoute::BudgetSpent | NoRoute::QueueTooLong) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::RequestNotFound { .. } | Self::NothingFound | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Blocked
            | Self::Held { .. }
            | Self::Barred
            | Self::QuotaExceeded
            | Self::UnsupportedNetwork
            | Self::WrongTooOften => StatusCode::FORBIDDEN,
            Self::InProgress { .. }
            | Self::CancelTooSoon { .. }
            | Self::CancelTooLate { .. }
            | Self::NoEventLeft { .. } => StatusCode::PRECONDITION_FAILED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

fn not_processed(reason: &str) -> String {
    format!("The Nexmo platform was unable to process this message for the following reason: {reason}")
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Format;
    use super::*;

    /// One value of each, in the order of the numbers.
    fn every_status() -> Vec<Status> {
        let request = RequestId::from_bytes([0xab; 16]);
        vec![
            Status::Done,
            Status::Throttled,
            Status::TooManyFailures { wait: Duration::from_millis(41_200) },
            Status::CheckHeld { retry_after: Duration::from_secs(30) },
            Status::Missing("number"),
            Status::Invalid("number"),
            Status::MalformedJson { line: 2, column: 7 },
            Status::UnknownPath,
            Status::MethodNotAllowed,
            Status::BodyTooLarge,
            Status::BodyTooSlow,
            Status::BodyCutOff,
            Status::UriTooLong,
            Status::HeadTooLarge,
            Status::InvalidCredentials,
            Status::Internal,
            Status::Overloaded,
            Status::NoRoute(NoRoute::NotConfigured),
            Status::NoRoute(NoRoute::Down),
            Status::NoRoute(NoRoute::BudgetSpent),
            Status::NoRoute(NoRoute::QueueTooLong),
            Status::NoRoute(NoRoute::ProvidersFailing),
            Status::RequestNotFound { request: "x".to_owned() },
            Status::Blocked,
            Status::Held { retry_after: None },
            Status::Barred,
            Status::QuotaExceeded,
            Status::InProgress { request },
            Status::UnsupportedNetwork,
            Status::WrongCode,
            Status::WrongTooOften,
            Status::TooManyRequestIds,
            Status::CancelTooSoon { request, cancel_after: Duration::from_secs(30) },
            Status::CancelTooLate { request },
            Status::NoEventLeft { request },
            Status::NothingFound,
        ]
    }

    #[test]
    fn each_status_has_its_number_its_http_status_and_its_text() {
        let portal = Endpoint { operation: Operation::Request, face: Face::Portal };
        let table: Vec<String> = every_status()
            .iter()
            .map(|status| format!("{:>3} {} {:?}", status.number(), status.http(portal).as_u16(), status.text()))
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r#"
          0 201 ""
          1 429 "Throttled"
          1 429 "Throttled"
          1 429 "Throttled"
          2 400 "Your request is incomplete and missing the mandatory parameter: number"
          3 400 "Invalid value for parameter: number"
          3 400 "Invalid value for parameter: body (no JSON at line 2, column 7)"
          3 404 "Facility not allowed"
          3 405 "Method not allowed"
          3 413 "Body too large: at most 65536 bytes are read"
          3 408 "Body not received in time"
          3 400 "Body not received whole"
          3 414 "URI too long: at most 8192 bytes are read"
          3 431 "Header fields too large: at most 32768 bytes are read"
          4 401 "Invalid credentials were provided"
          5 500 "Internal Error"
          5 503 "Internal Error"
          6 503 "The Nexmo platform was unable to process this message for the following reason: no route is configured for this number"
          6 503 "The Nexmo platform was unable to process this message for the following reason: every route to this number is down"
          6 503 "The Nexmo platform was unable to process this message for the following reason: every route to this number has sent what it may in a day or a month"
          6 503 "The Nexmo platform was unable to process this message for the following reason: the queue to this number is too long"
          6 502 "The Nexmo platform was unable to process this message for the following reason: every provider for this number is failing"
          6 404 "The Nexmo platform was unable to process this message for the following reason: Request 'x' was not found or it has been verified already."
          7 403 "The number you are trying to verify is blacklisted for verification"
          7 403 "The number you are trying to verify is blacklisted for verification"
          8 403 "The api_key you supplied is for an account that has been barred from submitting messages"
          9 403 "Partner quota exceeded"
         10 412 "Concurrent verifications to the same number are not allowed"
         15 403 "The destination number is not in a supported network"
         16 400 "The code inserted does not match the expected value"
         17 403 "The wrong code was provided too many times"
         18 400 "Too many request_ids provided"
         19 412 "Verification request ['abababababababababababababababab'] can't be cancelled within the first 30 seconds."
         19 412 "Verification request ['abababababababababababababababab'] can't be cancelled now. Too many attempts to re-deliver have already been made."
         19 412 "No more events are left to execute for the request ['abababababababababababababababab']"
        101 404 "No request found"
        "#);
    }

    #[test]
    fn the_nexmo_face_answers_200_unless_the_request_could_not_be_read() {
        let nexmo = Endpoint { operation: Operation::Request, face: Face::Nexmo(Format::Json) };
        let other: Vec<(Status, u16)> = every_status()
            .into_iter()
            .map(|status| (status.http(nexmo).as_u16(), status))
            .filter(|(http, _)| *http != 200)
            .map(|(http, status)| (status, http))
            .collect();
        assert_eq!(
            other,
            [
                (Status::UnknownPath, 404),
                (Status::MethodNotAllowed, 405),
                (Status::BodyTooLarge, 413),
                (Status::BodyTooSlow, 408),
                (Status::BodyCutOff, 400),
                (Status::UriTooLong, 414),
                (Status::HeadTooLarge, 431),
                (Status::Overloaded, 503),
            ]
        );
    }

    #[test]
    fn a_success_on_the_portal_tells_the_operation() {
        let http =
            Operation::ALL.map(|operation| Status::Done.http(Endpoint { operation, face: Face::Portal }).as_u16());
        assert_eq!(http, [201, 201, 200, 200, 202]);
    }
}
