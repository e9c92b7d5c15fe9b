//! A trace id for each request: in its log lines, in the reply's header, and in the body of a status 5.

use std::fmt;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use tracing::Instrument;
use tracing::field::Empty;

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
        operation = Empty,
        face = Empty,
        account_id = Empty,
        request_id = Empty,
        status = Empty,
    );
    let mut response = next.call(request).instrument(span.clone()).await?;
    let header = HeaderValue::try_from(trace_id.to_string()).expect("hex digits make a header");
    response.headers_mut().insert(HEADER, header);
    span.in_scope(|| tracing::debug!(http_status = response.status().as_u16(), "answered a request"));
    Ok(response)
}
