//! An HTTP provider: takes over where no modem can.
//!
//! What is sent is a template filled in (`template`, `variables`); what the reply means is a table (`verdict`);
//! whether the provider is asked at all is a breaker's state (`breaker`). These are pure. `client` speaks HTTP, and
//! `worker` is the task that owns one provider as a driver owns one modem.
//!
//! Never shows a secret, a number, a text or a whole address: not in a reason, not in the log, not in `Debug`.

mod breaker;
mod client;
pub mod template;
mod variables;
mod verdict;
pub mod worker;

use std::path::PathBuf;
use std::time::Duration;

use url::Host;
use zeroize::Zeroizing;

use crate::channel::Message;
use crate::clock::Timestamp;
use crate::verification::EventKind;
use client::Client;
use template::{Request, TemplateFault, TemplateSource, Templates};

pub(crate) use client::reason_of;
pub use variables::Surrounding;
pub(crate) use verdict::retry_after;
pub use verdict::{Answer, Bearing, BodyEnd, Cause, Exchange, ReplyRules, Verdict};

/// One provider's settings.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    pub name: String,
    pub sms: RequestConfig,
    pub call: RequestConfig,
    pub timeout: Duration,
    /// Requests in flight at most.
    pub concurrency: usize,
    pub proxy: Option<Zeroizing<String>>,
    /// PEM: authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Where callbacks are taken, with the secret; what is left to add is the reference.
    pub callback_address: Option<Zeroizing<String>>,
    /// Readings of the PIN in one call.
    pub readings: u8,
}

/// A request and how its reply is read.
#[derive(Clone, Debug)]
pub struct RequestConfig {
    pub source: TemplateSource,
    pub rules: ReplyRules,
}

/// A provider that can be asked.
pub struct Provider {
    sms: Ready,
    call: Ready,
    client: Client,
    surrounding: Surrounding,
}

struct Ready {
    templates: Templates,
    rules: ReplyRules,
}

impl Ready {
    fn new(request: &RequestConfig) -> Result<Self, TemplateFault> {
        Ok(Self { templates: Templates::new(&request.source)?, rules: request.rules.clone() })
    }
}

/// Why a provider cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{0}")]
    Template(#[from] TemplateFault),
    #[error("{0}")]
    Client(String),
}

impl Provider {
    /// # Errors
    ///
    /// A template that cannot be rendered, a file of authorities that cannot be read.
    pub fn new(config: &ProviderConfig) -> Result<Self, ProviderError> {
        Ok(Self {
            sms: Ready::new(&config.sms)?,
            call: Ready::new(&config.call)?,
            client: Client::new(config).map_err(ProviderError::Client)?,
            surrounding: Surrounding { callback_address: config.callback_address.clone(), readings: config.readings },
        })
    }

    /// Sends a message and says what came of it. Asks nobody whether it may.
    pub async fn send(&self, message: &Message, now: Timestamp) -> Verdict {
        let ready = self.ready(message.kind);
        let values = self.surrounding.values(message, now);
        let request = match ready.templates.render(&values) {
            Ok(request) => request,
            Err(fault) => return Verdict::unrenderable(&fault),
        };
        let exchange = self.client.exchange(request, |status| ready.rules.need_body(status)).await;
        let hidden = values.hidden(ready.templates.secrets());
        ready.rules.judge(exchange, &hidden, now)
    }

    /// The request that a message makes, for a person to look at.
    ///
    /// # Errors
    ///
    /// What the message does not allow.
    pub fn request(&self, message: &Message, now: Timestamp) -> Result<Request, TemplateFault> {
        self.ready(message.kind).templates.render(&self.surrounding.values(message, now))
    }

    /// Whether the provider's host can be reached and shows a good certificate. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Why not, in words for the operator.
    pub async fn connect(&self, kind: EventKind) -> Result<(), String> {
        self.client.connect(self.ready(kind).templates.sample_url()).await
    }

    /// Host and port that the requests of a kind go to.
    pub fn host(&self, kind: EventKind) -> String {
        let url = self.ready(kind).templates.sample_url();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", url.host_str().unwrap_or_default())
    }

    /// Whether the requests of a kind cross a network that others may listen on without TLS.
    pub fn is_in_the_clear(&self, kind: EventKind) -> bool {
        let url = self.ready(kind).templates.sample_url();
        let own = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
            Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() == "http" && !own
    }

    fn ready(&self, kind: EventKind) -> &Ready {
        match kind {
            EventKind::Sms => &self.sms,
            EventKind::Tts => &self.call,
        }
    }
}
