//! `/callbacks/NAME`: where HTTP providers say what became of a message.
//!
//! A provider proves itself by the secret of its table: the parameter `secret` of the address that it was given, a
//! bearer token, or the password of a Basic header. What it says is read by [`crate::channel::callback`] and recorded by
//! [`crate::app`]. Neither the address nor the body is ever logged: both hold secrets.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tracing::{Instrument, Span};

use super::Api;
use super::v1::BODY_TIMEOUT;
use super::v1::credentials::BASE64;
use super::v1::params::BODY_OCTETS_MAX;
use super::v1::reply::CHALLENGE;
use crate::channel::callback::{self, Reading, SECRET};

/// The providers that may report, by their names.
#[derive(Clone, Debug, Default)]
pub struct Callbacks(Arc<BTreeMap<String, Reporter>>);

/// A provider that may report.
pub struct Reporter {
    pub secret: SecretString,
    pub reading: Reading,
    /// The body of an answer that is a yes; some want a certain one.
    pub reply: String,
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("reading", &self.reading).finish_non_exhaustive()
    }
}

impl Callbacks {
    pub fn new(reporters: BTreeMap<String, Reporter>) -> Self {
        Self(Arc::new(reporters))
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/callbacks/{provider}")
            .route(web::get().to(receive))
            .route(web::post().to(receive))
            .default_service(web::to(|| async {
                HttpResponse::MethodNotAllowed().insert_header(("Allow", "GET, POST")).finish()
            })),
    );
}

async fn receive(http: HttpRequest, payload: web::Payload) -> HttpResponse {
    Span::current().record("operation", "callback");
    let api = http.app_data::<web::Data<Api>>().expect("the site has its state").clone();
    let name = http.match_info().get("provider").unwrap_or_default().to_owned();
    let callbacks = api.callbacks.clone();
    let Some(reporter) = callbacks.0.get(&name) else { return said(StatusCode::NOT_FOUND, "not found\n") };
    // Before the body is read: whoever does not know the secret costs nothing.
    if !is_proved(&reporter.secret, http.headers(), http.query_string()) {
        let mut response = said(StatusCode::UNAUTHORIZED, "unauthorized\n");
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        return response;
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(BODY_OCTETS_MAX)).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return said(StatusCode::BAD_REQUEST, "the body was cut off\n"),
        Ok(Err(_)) => return said(StatusCode::PAYLOAD_TOO_LARGE, "at most 65536 bytes are read\n"),
        Err(_) => return said(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"),
    };
    let reports = match callback::read(&reporter.reading, http.query_string().as_bytes(), &body) {
        Ok(reports) => reports,
        Err(malformed) => return said(StatusCode::BAD_REQUEST, format!("{malformed}\n")),
    };
    let telling = reports.iter().filter(|report| report.fate.is_some()).count();
    tracing::debug!(
        name: "callback.received",
        route = name, reports = reports.len(), telling,
        "a provider called back"
    );
    // To its end even if the provider goes away meanwhile: what is recorded wakes the dispatcher.
    let app = Arc::clone(&api.app);
    let record = async move { app.provider_reports(&name, reports).await };
    match tokio::spawn(record.instrument(Span::current())).await {
        Ok(Ok(true)) => said(StatusCode::OK, reporter.reply.clone()),
        Ok(Ok(false)) => said(StatusCode::NOT_FOUND, "no such message\n"),
        Ok(Err(internal)) => {
            tracing::error!(
                name: "callback.failed",
                error = &internal as &dyn Error,
                "a callback failed by a fault of ours"
            );
            said(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
        }
        Err(_) => {
            tracing::error!(name: "callback.panicked", "a callback panicked");
            said(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
        }
    }
}

fn said(status: StatusCode, body: impl Into<String>) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"));
    response.insert_header((CACHE_CONTROL, "no-store"));
    response.body(body.into())
}

/// Whether the secret stands in one of the three places.
fn is_proved(secret: &SecretString, headers: &HeaderMap, query: &str) -> bool {
    let in_header = headers.get(AUTHORIZATION).and_then(|value| from_header(value.as_bytes()));
    let in_query = callback::parameter(query.as_bytes(), SECRET);
    let is_secret = |given: &[u8]| bool::from(given.ct_eq(secret.expose_secret().as_bytes()));
    in_header.is_some_and(|given| is_secret(&given)) || in_query.is_some_and(|given| is_secret(given.as_bytes()))
}

/// A bearer token (RFC 6750), or the password of a Basic header (RFC 7617), whatever the name.
fn from_header(header: &[u8]) -> Option<Vec<u8>> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&header[..space], header[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.to_vec());
    }
    let decoded = scheme.eq_ignore_ascii_case(b"basic").then(|| BASE64.decode(rest).ok())??;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    const KEY: &str = "a-secret-of-length";

    fn proved(authorization: &str, query: &str) -> bool {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            let value = HeaderValue::from_str(authorization).expect("a header");
            headers.insert(HeaderName::from_static("authorization"), value);
        }
        is_proved(&KEY.into(), &headers, query)
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", BASE64.encode(credentials))
    }

    #[test]
    fn a_secret_is_taken_from_the_address_a_bearer_token_or_a_basic_password() {
        assert!(proved("", &format!("secret={KEY}")));
        assert!(proved("", &format!("status=1&secret={KEY}&reference=x")));
        assert!(proved(&format!("Bearer {KEY}"), ""));
        assert!(proved(&format!("bearer  {KEY}"), ""));
        for name in ["", "anybody", "simverify"] {
            assert!(proved(&basic(&format!("{name}:{KEY}")), ""));
        }
        assert!(proved(&basic("theirs:own"), &format!("secret={KEY}")), "one right place is enough");
    }

    #[test]
    fn nothing_else_is_the_secret() {
        let longer = format!("{KEY}x");
        for given in ["", "secret", &KEY[1..], &longer, &KEY.to_uppercase()] {
            assert!(!proved("", &format!("secret={given}")), "{given}");
            assert!(!proved(&format!("Bearer {given}"), ""), "{given}");
            assert!(!proved(&basic(&format!("x:{given}")), ""), "{given}");
        }
        for header in [KEY, "Basic", "Basic !", "Basic ", "Bearer", &format!("Digest {KEY}"), &basic(KEY)] {
            assert!(!proved(header, ""), "{header}");
        }
        assert!(!proved("", &format!("Secret={KEY}")));
        assert!(!proved("", &format!("secret=x&secret={KEY}")), "the first counts");
    }

    #[test]
    fn a_reporter_does_not_show_its_secret() {
        let reporter = Reporter { secret: KEY.into(), reading: Reading::default(), reply: String::new() };
        assert!(!format!("{reporter:?}").contains(KEY));
    }
}
