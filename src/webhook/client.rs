//! The HTTP client of webhooks.
//!
//! A name is looked up here and every address of it is checked, and the connection goes to an address that was checked: a
//! name that leads elsewhere a moment later is of no use to anybody. No redirect is followed, no proxy is used but the
//! configured one, no cookie is kept, and each request has a connection of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Proxy, Response};
use zeroize::Zeroizing;

use super::Delivery;
use super::address::{AddressRules, Scheme};
use crate::authorities;
use crate::channel::provider::reason_of;

const NAME: &str = concat!("simverify/", env!("CARGO_PKG_VERSION"));

/// What requests are made with.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    pub rules: AddressRules,
    /// For a whole request.
    pub timeout: Duration,
    /// PEM: authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<Zeroizing<String>>,
}

/// What came of a request.
pub enum Exchange {
    Answered {
        status: u16,
        retry_after: Option<String>,
        /// The beginning, if it was to be read.
        body: Vec<u8>,
    },
    Failed {
        reason: String,
    },
}

pub struct Client {
    rules: AddressRules,
    https: reqwest::Client,
    http: reqwest::Client,
}

impl Client {
    /// # Errors
    ///
    /// A file of authorities that cannot be read, a proxy that is none.
    pub fn new(config: &ClientConfig) -> Result<Self, String> {
        let tls = authorities::client_config(config.ca_file.as_deref())?;
        let of = |scheme| {
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .no_proxy()
                .referer(false)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .pool_max_idle_per_host(0)
                .timeout(config.timeout);
            builder = match &config.proxy {
                // The proxy looks names up, and it is the operator's.
                Some(proxy) => builder
                    .proxy(Proxy::all(proxy.as_str()).map_err(|_| "proxy must be an address with host and port")?),
                None => builder.dns_resolver(Arc::new(Guard { rules: config.rules.clone(), scheme })),
            };
            builder.build().map_err(reason_of)
        };
        Ok(Self { rules: config.rules.clone(), https: of(Scheme::Https)?, http: of(Scheme::Http)? })
    }

    /// Sends a request; reads so many octets of what is answered.
    pub async fn send(&self, delivery: &Delivery, body_max: usize) -> Exchange {
        let target = &delivery.target;
        if let Err(refused) = target.check(&self.rules) {
            return Exchange::Failed { reason: refused.to_string() };
        }
        let client = match target.scheme() {
            Scheme::Https => &self.https,
            Scheme::Http => &self.http,
        };
        let request = client
            .post(target.url().clone())
            .header(USER_AGENT, NAME)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", delivery.timestamp.to_string())
            .header("webhook-signature", &delivery.signature)
            .body(delivery.body.clone());
        match request.send().await {
            Ok(response) => answered(response, body_max).await,
            Err(error) => Exchange::Failed { reason: reason_of(error) },
        }
    }
}

async fn answered(mut response: Response, body_max: usize) -> Exchange {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = vec![];
    // The status tells all; what is lost of the body is not missed.
    while body.len() < body_max
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = body_max - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Exchange::Answered { status, retry_after, body }
}

/// Looks a name up, and gives its addresses only if a request may go to each of them.
struct Guard {
    rules: AddressRules,
    scheme: Scheme,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, scheme) = (self.rules.clone(), self.scheme);
        Box::pin(async move {
            // The port is put in its place by who connects.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &addresses {
                rules.check(address.ip(), scheme)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
