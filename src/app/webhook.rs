//! Webhooks: what an account is told (`telling`), what is sent of it and what came of that (`delivering`), and what an
//! operator does with it all (`operator`).

mod delivering;
mod operator;
mod telling;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Timestamp;
use crate::random::Random;
use crate::secrets::{Secrets, Unsealable};
use crate::store::WebhookRow;
use crate::webhook::signature::SigningSecret;
use crate::webhook::target::Target;

pub use delivering::{InFlight, Sending, Settled};
pub use operator::{
    SetWebhook, ShownEvent, ShownWebhook, UndeliveredEvent, WebhookChange, WebhookError, WebhooksAtAGlance,
    remove_webhook, replay_webhook_events, rotate_webhook_secret, set_webhook, webhook, webhook_event, webhook_events,
    webhook_test, webhooks,
};
pub(super) use telling::{Arrival, Left, Via, ended, handed_over, not_sent, reported, set_aside, started, was_leaving};

/// What is sealed of a webhook, opened.
struct Endpoint {
    target: Target,
    secret: SigningSecret,
    old_secret: Option<(SigningSecret, Timestamp)>,
}

impl Endpoint {
    fn open(secrets: &Secrets, row: &WebhookRow) -> Result<Self, Unsealable> {
        let url = secrets.open(&row.url_sealed, &url_binding(&row.api_key))?;
        let url = std::str::from_utf8(&url).map_err(|_| Unsealable)?;
        let secret = |sealed: &[u8]| {
            let octets = secrets.open(sealed, &secret_binding(&row.api_key))?;
            SigningSecret::from_octets(&octets).map_err(|_| Unsealable)
        };
        let old_secret = match &row.old_secret {
            Some((sealed, until)) => Some((secret(sealed)?, *until)),
            None => None,
        };
        Ok(Self { target: Target::new(url).map_err(|_| Unsealable)?, secret: secret(&row.secret_sealed)?, old_secret })
    }

    /// The secrets that a receiver may have at `now`, the newest first.
    fn secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let old = self.old_secret.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(old).cloned().collect()
    }
}

fn seal_url(secrets: &Secrets, random: &Random, api_key: &str, target: &Target) -> Vec<u8> {
    secrets.seal(random, target.url().as_str().as_bytes(), &url_binding(api_key))
}

fn seal_secret(secrets: &Secrets, random: &Random, api_key: &str, secret: &SigningSecret) -> Vec<u8> {
    secrets.seal(random, secret.octets(), &secret_binding(api_key))
}

/// The same row under the current key. `None`: it is already.
pub(super) fn resealed(secrets: &Secrets, random: &Random, row: &WebhookRow) -> Result<Option<WebhookRow>, Unsealable> {
    let is_current = |sealed: &[u8]| secrets.is_current(sealed, &secret_binding(&row.api_key));
    // One may have been changed meanwhile, and the others not.
    if secrets.is_current(&row.url_sealed, &url_binding(&row.api_key))
        && is_current(&row.secret_sealed)
        && row.old_secret.as_ref().is_none_or(|(sealed, _)| is_current(sealed))
    {
        return Ok(None);
    }
    let endpoint = Endpoint::open(secrets, row)?;
    let seal = |secret: &SigningSecret| seal_secret(secrets, random, &row.api_key, secret);
    Ok(Some(WebhookRow {
        url_sealed: seal_url(secrets, random, &row.api_key, &endpoint.target),
        secret_sealed: seal(&endpoint.secret),
        old_secret: endpoint.old_secret.as_ref().map(|(secret, until)| (seal(secret), *until)),
        ..row.clone()
    }))
}

/// What is sealed opens only for its account's key.
fn url_binding(api_key: &str) -> Vec<u8> {
    format!("webhook url of {api_key}").into_bytes()
}

fn secret_binding(api_key: &str) -> Vec<u8> {
    format!("webhook secret of {api_key}").into_bytes()
}

/// A secret as an operator gives or gets it.
fn shown(secret: &SigningSecret) -> SecretString {
    SecretString::from(secret.to_text().expose_secret())
}
