//! Every reply that is no success: what it means, at which operations it comes, and what it looks like.

use std::time::Duration;

use crate::api::v1::endpoint::Operation;
use crate::api::v1::params::BODY_OCTETS_MAX;
use crate::api::v1::reply::Reply;
use crate::api::v1::status::Status;
use crate::channel::admission::NoRoute;
use crate::verification::RequestId;

use super::service::REQUEST;

/// A trace id as an example.
pub(super) const TRACE_ID: &str = "6f1c0d9be27a4385";

/// What each operation may refuse with, in the order of the numbers. `missing` and `invalid` are parameters of its own.
pub(super) fn of(operation: Operation, missing: &'static str, invalid: &'static str) -> Vec<Status> {
    let request: RequestId = REQUEST.parse().expect("a request id");
    let not_found = Status::RequestNotFound { request: REQUEST.to_owned() };
    let own = match operation {
        Operation::Request | Operation::Psd2 => vec![
            Status::NoRoute(NoRoute::NotConfigured),
            Status::NoRoute(NoRoute::Down),
            Status::NoRoute(NoRoute::BudgetSpent),
            Status::NoRoute(NoRoute::QueueTooLong),
            Status::NoRoute(NoRoute::ProvidersFailing),
            Status::Blocked,
            Status::Barred,
            Status::QuotaExceeded,
            Status::InProgress { request },
            Status::UnsupportedNetwork,
        ],
        Operation::Check => vec![not_found, Status::WrongCode, Status::WrongTooOften],
        Operation::Search => vec![Status::TooManyRequestIds, Status::NothingFound],
        Operation::Control => vec![
            not_found,
            Status::CancelTooSoon { request, cancel_after: Duration::from_secs(30) },
            Status::CancelTooLate { request },
            Status::NoEventLeft { request },
        ],
    };
    let any = [
        Status::Throttled,
        Status::TooManyFailures { wait: Duration::from_secs(30) },
        Status::Missing(missing),
        Status::Invalid(invalid),
        Status::MalformedJson { line: 1, column: 15 },
        Status::BodyTooLarge,
        Status::BodyTooSlow,
        Status::BodyCutOff,
        Status::InvalidCredentials,
        Status::Internal,
        Status::Overloaded,
        Status::UriTooLong,
        Status::HeadTooLarge,
    ];
    any.into_iter().chain(own).collect()
}

/// The reply's body at an operation.
pub(super) fn body(operation: Operation, status: &Status) -> Reply {
    Reply::refused(operation, status.clone(), TRACE_ID)
}

/// The example's name and what it means.
pub(super) fn words(status: &Status) -> (&'static str, String) {
    let (name, meaning) = match status {
        Status::Done => ("done", "done"),
        Status::Throttled => ("throttled", "more requests a second than the account may make"),
        Status::TooManyFailures { .. } => {
            ("too_many_failures", "wrong credentials too often; not looked at for a while")
        }
        Status::Missing(_) => ("missing_parameter", "a mandatory parameter is missing"),
        Status::Invalid(_) => ("invalid_parameter", "a parameter has a value that it does not take"),
        Status::MalformedJson { .. } => ("malformed_json", "the body begins as JSON and is none"),
        Status::InvalidCredentials => ("invalid_credentials", "unknown key, wrong secret, or none given"),
        Status::Internal => ("internal_error", "a fault of the service; its log has the `trace_id`"),
        Status::Overloaded => ("overloaded", "more is under way than can be answered in time; come again"),
        Status::NoRoute(NoRoute::NotConfigured) => ("no_route", "no modem and no provider serves this number"),
        Status::NoRoute(NoRoute::Down) => ("routes_down", "every route to this number has been down for too long"),
        Status::NoRoute(NoRoute::BudgetSpent) => {
            ("budget_spent", "every route to this number has sent what it may in a day or a month")
        }
        Status::NoRoute(NoRoute::QueueTooLong) => ("queue_too_long", "too many messages wait to be sent"),
        Status::NoRoute(NoRoute::ProvidersFailing) => ("providers_failing", "every provider for this number fails"),
        Status::RequestNotFound { .. } => ("request_not_found", "the account has no such request in progress"),
        Status::Blocked => ("number_blocked", "the number is on the blocklist"),
        Status::Held { .. } => ("number_held", "too much was asked for the number, or by somebody beside it"),
        Status::CheckHeld { .. } => ("check_held", "too many wrong codes for the number; this one was not looked at"),
        Status::Barred => ("account_barred", "the account may not start verifications"),
        Status::QuotaExceeded => ("quota_exceeded", "fewer credits are left than the verification costs"),
        Status::InProgress { .. } => {
            ("in_progress", "the number is being verified; `request_id` names that verification")
        }
        Status::UnsupportedNetwork => ("unsupported_network", "numbers of this country or kind are not served"),
        Status::WrongCode => ("wrong_code", "a wrong code"),
        Status::WrongTooOften => {
            ("wrong_too_often", "the wrong code that uses up the last try; the verification fails")
        }
        Status::TooManyRequestIds => ("too_many_request_ids", "more request ids than one search takes"),
        Status::CancelTooSoon { .. } => ("cancel_too_soon", "too early to cancel"),
        Status::CancelTooLate { .. } => ("cancel_too_late", "too late to cancel: the second event has started"),
        Status::NoEventLeft { .. } => ("no_event_left", "the last event has started"),
        Status::NothingFound => ("nothing_found", "the account has none of these requests"),
        Status::UnknownPath => ("unknown_path", "no such path"),
        Status::MethodNotAllowed => ("method_not_allowed", "another method"),
        Status::BodyTooLarge => return ("body_too_large", format!("a body over {BODY_OCTETS_MAX} bytes")),
        Status::BodyTooSlow => ("body_too_slow", "the body did not arrive in time"),
        Status::BodyCutOff => ("body_cut_off", "the body did not arrive whole"),
        Status::UriTooLong => ("uri_too_long", "a path with its query that is too long"),
        Status::HeadTooLarge => ("head_too_large", "header fields that are too long together"),
    };
    (name, meaning.to_owned())
}
