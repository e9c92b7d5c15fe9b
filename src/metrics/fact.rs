//! What happens within a transaction and is to be counted once that is durable.

use std::time::Duration;

use super::{Shared, Value, name};

/// Names of routes come from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A verification was accepted. The country is that of the number, as ISO 3166 writes it.
    Started { country: Option<String> },
    /// A verification has ended.
    Ended { outcome: &'static str, country: Option<String> },
    /// The guard said something.
    Verdict { rule: &'static str, verdict: &'static str, scope: &'static str },
    /// A route was given an attempt, so long after it was due.
    Claimed { route: String, channel: &'static str, waited: Duration },
    /// An attempt has its outcome. `took`: from the claim to the network's acceptance, where there was one.
    Finished { route: String, channel: &'static str, result: &'static str, took: Option<Duration> },
    /// No route takes an event.
    Unroutable { channel: &'static str },
    /// A report says what became of a message. `took`: from its acceptance to its delivery.
    Reported { route: String, channel: &'static str, result: &'static str, took: Option<Duration> },
    /// A message came in.
    Received { route: String, kind: &'static str },
    /// An attempt to tell an account's server came to this.
    WebhookSettled { result: &'static str },
}

impl Fact {
    pub(super) fn count(self, shared: &Shared) {
        match self {
            Self::Started { country } => shared.started.count([country_name(country)]),
            Self::Ended { outcome, country } => shared.ended.count([outcome.into(), country_name(country)]),
            Self::Verdict { rule, verdict, scope } => {
                shared.verdicts.count([rule.into(), verdict.into(), scope.into()]);
            }
            Self::Claimed { route, channel, waited } => {
                shared.queue_wait.observe([route.into(), channel.into()], waited);
            }
            Self::Finished { route, channel, result, took } => {
                shared.sends.count([name(&route), channel.into(), result.into()]);
                if let Some(took) = took {
                    shared.send_duration.observe([route.into(), channel.into()], took);
                }
            }
            Self::Unroutable { channel } => shared.unroutable.count([channel.into()]),
            Self::Reported { route, channel, result, took } => {
                shared.deliveries.count([name(&route), channel.into(), result.into()]);
                if let Some(took) = took {
                    shared.delivery_duration.observe([route.into(), channel.into()], took);
                }
            }
            Self::Received { route, kind } => shared.received.count([route.into(), kind.into()]),
            Self::WebhookSettled { result } => shared.webhook_deliveries.count([result.into()]),
        }
    }
}

fn country_name(country: Option<String>) -> Value {
    country.filter(|country| !country.is_empty()).map_or("unknown".into(), Value::Owned)
}
