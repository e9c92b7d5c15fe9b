//! The HTTP client of one provider.
//!
//! Each request has a connection of its own: one that the other side closes while it idles would make the next message
//! uncertain. Certificates are verified always. No proxy but the configured one, no cookies, no compression, and a
//! redirect is followed only where it asks for the same request (307, 308) at the same place.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Proxy, Response};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::ProviderConfig;
use super::template::{Method, Request};
use super::verdict::{Answer, BodyEnd, Exchange};
use crate::authorities;

/// More of a body is not read: no reply that tells what became of one message is longer.
const BODY_MAX: usize = 64 * 1024;

const REDIRECTS_MAX: usize = 3;

/// Of a reason, in characters.
const REASON_MAX: usize = 160;

const NAME: &str = concat!("simverify/", env!("CARGO_PKG_VERSION"));

pub(super) struct Client {
    http: reqwest::Client,
    tls: Arc<ClientConfig>,
    connect_timeout: Duration,
    proxy: Option<Url>,
}

impl Client {
    pub(super) fn new(config: &ProviderConfig) -> Result<Self, String> {
        let tls = authorities::client_config(config.ca_file.as_deref())?;
        // Less than the whole, so that it is known of every request that ends in time whether it had a connection.
        let connect_timeout = config.timeout / 2;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .no_proxy()
            .referer(false)
            .redirect(Policy::custom(redirect))
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(connect_timeout)
            .timeout(config.timeout);
        let unfit = |_| "proxy must be an address with host and port".to_owned();
        let mut proxy = None;
        if let Some(address) = &config.proxy {
            proxy = Some(Url::parse(address).map_err(|error| unfit(error.to_string()))?);
            builder = builder.proxy(Proxy::all(address.as_str()).map_err(|error| unfit(error.to_string()))?);
        }
        let http = builder.build().map_err(reason_of)?;
        Ok(Self { http, tls: Arc::new(tls), connect_timeout, proxy })
    }

    /// Sends a request and reads its reply; of the body only where its status says so.
    pub(super) async fn exchange(&self, request: Request, need_body: impl Fn(u16) -> bool) -> Exchange {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut builder = self.http.request(method, request.url).header(USER_AGENT, NAME);
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in &request.headers {
            let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()))
            else {
                return Exchange::Unsent { reason: format!("the header {name} cannot be sent") };
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        builder = builder.headers(headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        } else if request.method != Method::Get {
            builder = builder.body("");
        }
        match builder.send().await {
            Ok(response) => {
                let read = need_body(response.status().as_u16());
                Exchange::Answered(answer(response, read).await)
            }
            Err(error) if error.is_connect() || error.is_builder() => {
                Exchange::Unsent { reason: format!("no connection: {}", reason_of(error)) }
            }
            Err(error) => Exchange::Lost { reason: format!("no reply: {}", reason_of(error)) },
        }
    }

    /// Connects to the host, or to the proxy before it, and closes again.
    pub(super) async fn connect(&self, target: &Url) -> Result<(), String> {
        let reached = tokio::time::timeout(self.connect_timeout, self.reach(target)).await;
        reached.map_err(|_| format!("no connection within {} s", self.connect_timeout.as_secs_f64()))?
    }

    async fn reach(&self, target: &Url) -> Result<(), String> {
        let first = self.proxy.as_ref().unwrap_or(target);
        // An IPv6 address stands in brackets in a URL alone.
        let host = first.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = first.port_or_known_default().unwrap_or(1080);
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
        if self.proxy.is_none() && target.scheme() == "https" {
            let name = ServerName::try_from(host).map_err(|_| "its host's name cannot stand in a certificate")?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            connector.connect(name, stream).await.map_err(|error| deepest(&error))?;
        }
        Ok(())
    }
}

/// To the same place with the same request, or not at all: another place was not trusted with the message.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same_request = matches!(attempt.status().as_u16(), 307 | 308);
    let same_place = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if same_request && same_place && attempt.previous().len() <= REDIRECTS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

async fn answer(mut response: Response, read: bool) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = vec![];
    let end = loop {
        if !read {
            break BodyEnd::Whole;
        }
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = BODY_MAX - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    break BodyEnd::TooLong;
                }
            }
            Ok(None) => break BodyEnd::Whole,
            Err(_) => break BodyEnd::Lost,
        }
    };
    Answer { status, retry_after, body, end }
}

/// Without the address, which may hold secrets.
pub(crate) fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() { "it took too long".to_owned() } else { deepest(&error) }
}

/// The cause of all.
fn deepest(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_MAX).collect()
}
