//! A trace id for each request: in its log lines, in the reply's header, and in the body of a status 5.
//!
//! The id is always ours, so that it is found in the log once. A caller that traces its own work names it by `traceparent`
//! or `x-trace-id`; a well-formed id of the caller's stands beside ours in the log, and nothing else that a caller writes
//! there does.

use std::fmt;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use super::Api;
use crate::clock::millis;
use crate::random::Random;

const HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// Names one request: 16 hex digits. Kept in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceId([u8; 8]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Gives a request its id and its span. The route's own code fills in the span's other fields.
pub(super) async fn trace(
    random: web::Data<Random>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let trace_id = TraceId(random.bytes());
    request.extensions_mut().insert(trace_id);
    // At the highest level, so that an error's line has the id whatever the log's filter.
    let span = tracing::error_span!(
        "request",
        %trace_id,
        caller_trace_id = Empty,
        operation = Empty,
        face = Empty,
        account = Empty,
        request_id = Empty,
        status = Empty,
    );
    if let Some(callers) = callers_id(request.headers()) {
        span.record("caller_trace_id", callers);
    }
    let began = Instant::now();
    let metrics = request.app_data::<web::Data<Api>>().map(|api| api.app.metrics().clone());
    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Some(metrics) = metrics {
        metrics.replied(response.status().as_u16());
    }
    let header = HeaderValue::try_from(trace_id.to_string()).expect("hex digits make a header");
    response.headers_mut().insert(HEADER, header);
    let (http_status, duration_ms) = (response.status().as_u16(), millis(began.elapsed()));
    span.in_scope(|| tracing::debug!(name: "request.answered", http_status, duration_ms, "answered a request"));
    Ok(response)
}

/// The caller's own id: that of `traceparent`, or else of `x-trace-id`.
fn callers_id(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    text("traceparent").and_then(trace_of_parent).or_else(|| text(HEADER.as_str()).filter(|id| is_id(id)))
}

/// The trace id within a parent (W3C Trace Context §3.2.2): version, trace id, span id, flags, in lower-case hex.
fn trace_of_parent(parent: &str) -> Option<&str> {
    let mut fields = parent.trim().split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |field: &str, length: usize| {
        field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_given = |field: &str| field.bytes().any(|byte| byte != b'0');
    // Later versions may have more fields; this one has not, and `ff` is none.
    let is_version = is_hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
    let is_well_formed = is_version && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    (is_well_formed && is_given(trace) && is_given(span)).then_some(trace)
}

/// 16 to 32 hex digits, dashes between them as in a UUID. Shorter ones may be a phone number.
fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    (16..=32).contains(&digits) && text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)]) -> Option<String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        callers_id(&headers).map(str::to_owned)
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_callers_well_formed_id_is_taken() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert_eq!(found(&[("traceparent", parent)]).as_deref(), Some(TRACE));
        assert_eq!(found(&[("traceparent", later)]).as_deref(), Some(TRACE));
        assert_eq!(found(&[("traceparent", parent), ("x-trace-id", "0123456789abcdef")]).as_deref(), Some(TRACE));
        assert_eq!(found(&[("traceparent", "no"), ("x-trace-id", TRACE)]).as_deref(), Some(TRACE));
        for id in ["0123456789ABCDEF", "8f14e45f-ceea-467f-a8e2-1b2c3d4e5f60"] {
            assert_eq!(found(&[("x-trace-id", id)]).as_deref(), Some(id));
        }
    }

    #[test]
    fn what_is_no_id_stays_out_of_the_log() {
        assert_eq!(found(&[]), None);
        for parent in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(found(&[("traceparent", parent)]), None, "{parent}");
        }
        let long = "0123456789abcdef0123456789abcdef0";
        for id in ["", "447700900123", "+447700900123", "0123456789abcdef\"", "my request", long] {
            assert_eq!(found(&[("x-trace-id", id)]), None, "{id}");
        }
    }
}
