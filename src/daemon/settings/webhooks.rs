//! Webhooks, as the configuration asks for them.

use zeroize::Zeroizing;

use crate::app::WebhookRules;
use crate::config::Settings;
use crate::webhook::address::AddressRules;
use crate::webhook::client::ClientConfig;
use crate::webhook::schedule::Schedule;

pub(super) fn rules(settings: &Settings) -> WebhookRules {
    let webhooks = &settings.webhooks;
    WebhookRules {
        schedule: Schedule { first: webhooks.first_wait, longest: webhooks.longest_wait, give_up: webhooks.give_up },
        concurrency: webhooks.concurrency,
        per_account: webhooks.concurrency_per_account,
        delivered_kept: webhooks.delivered_retention,
        dead_kept: webhooks.dead_retention,
    }
}

/// What requests to accounts' servers are made with.
pub fn webhook_client(settings: &Settings) -> ClientConfig {
    let webhooks = &settings.webhooks;
    ClientConfig {
        rules: AddressRules { networks: webhooks.allow_networks.clone(), http: webhooks.allow_http },
        timeout: webhooks.timeout,
        ca_file: webhooks.ca_file.clone(),
        proxy: webhooks.proxy.as_ref().map(|proxy| Zeroizing::new(proxy.expose().to_owned())),
    }
}
