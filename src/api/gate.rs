//! What every request passes first: bounds on its head and on the requests of one connection, and the headers that every
//! reply has.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CONTENT_TYPE, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpResponse};

use super::connection::{Connection, Stream};
use super::trace::TraceId;
use super::v1;
use super::v1::status::Status;

/// Octets of path and query. The parameters of a request take a few hundred.
pub const URI_OCTETS_MAX: usize = 8 * 1024;

/// Octets of all header fields, names and values. The library reads four times as many of HTTP/1.1, and 96 fields.
pub const HEAD_OCTETS_MAX: usize = 32 * 1024;

/// Browsers that have seen the pages over TLS ask for them so for a year. Other names and ports are not spoken for.
const SECURE_FOR: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(super) async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let stream = request.conn_data::<Connection>().map(Connection::begin);
    let secure = request.app_config().secure();
    let mut response = match refusal(&request) {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, SECURE_FOR);
    }
    Ok(response.map_body(|_, body| BoxBody::new(Counted { body, _stream: stream })))
}

fn refusal(request: &ServiceRequest) -> Option<HttpResponse> {
    let uri = request.uri();
    let uri_length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    let status = if uri_length > URI_OCTETS_MAX {
        Status::UriTooLong
    } else if octets(request.headers()) > HEAD_OCTETS_MAX {
        Status::HeadTooLarge
    } else {
        return None;
    };
    let trace_id = request.extensions().get::<TraceId>().map(ToString::to_string).unwrap_or_default();
    let (http, text) = (status.transport()?, status.text());
    Some(v1::refuse_head(request.path(), status, &trace_id).unwrap_or_else(|| {
        HttpResponse::build(http).insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text + "\n")
    }))
}

fn octets(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// A reply that counts as its connection's until it is written.
struct Counted {
    body: BoxBody,
    _stream: Option<Stream>,
}

impl MessageBody for Counted {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
