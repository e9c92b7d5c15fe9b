//! `[[providers]]`: one table for each HTTP provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::error::without_url_secrets;
use super::fields::{seconds, unless_empty, whole};
use super::modems::{ChannelKind, channels};
use super::values::{Countries, RouteName, Secret, read_from_string};

/// What a provider's table need not say.
pub(super) const PROVIDER_DEFAULTS: &str = r#"
channels = ["sms"]
countries = []
method = "POST"
headers = {}
secret = ""
secret_file = ""
content_type = "application/json"
body = '{"to": {{ number | json }}, "text": {{ text | json }}}'
success_status = [200, 201, 202]
success_path = ""
success_value = ""
message_id_path = ""
timeout_seconds = 10
"#;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    pub name: RouteName,
    #[serde(deserialize_with = "channels")]
    pub channels: BTreeSet<ChannelKind>,
    pub countries: Countries,
    pub method: HttpMethod,
    pub url: UrlTemplate,
    /// Templates; an operator may have written the secret itself into them.
    #[serde(deserialize_with = "headers")]
    pub headers: BTreeMap<String, Secret>,
    /// From `secret` or the file of `secret_file`.
    #[serde(deserialize_with = "unless_empty")]
    pub secret: Option<Secret>,
    #[serde(deserialize_with = "unless_empty")]
    pub(super) secret_file: Option<PathBuf>,
    pub content_type: String,
    /// A template, and as the headers are.
    pub body: Secret,
    #[serde(deserialize_with = "statuses")]
    pub success_status: BTreeSet<u16>,
    pub success_path: JsonPointer,
    pub success_value: String,
    pub message_id_path: JsonPointer,
    #[serde(rename = "timeout_seconds", deserialize_with = "seconds::<_, 1, 120>")]
    pub timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    Get,
    Post,
    Put,
}

/// An address of http or https with `{{ … }}` in it.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

impl UrlTemplate {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_url_secrets(&self.0))
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty());
        if host && !url.chars().any(char::is_control) {
            Ok(Self(url))
        } else {
            Err("must be an address that begins with https:// or http:// and a host")
        }
    }
}

/// A JSON pointer (RFC 6901); empty for none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonPointer(String);

impl JsonPointer {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JsonPointer {
    type Error = &'static str;

    fn try_from(pointer: String) -> Result<Self, Self::Error> {
        if pointer.is_empty() || pointer.starts_with('/') {
            Ok(Self(pointer))
        } else {
            Err("must be a JSON pointer such as \"/messages/0/status\", or empty")
        }
    }
}

read_from_string! { UrlTemplate JsonPointer }

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Secret>, D::Error> {
    let headers = BTreeMap::<String, Secret>::deserialize(deserializer)?;
    // RFC 9110 §5.6.2.
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    for (name, value) in &headers {
        if name.is_empty() || !name.bytes().all(in_token) || value.expose().chars().any(char::is_control) {
            return Err(de::Error::custom("must be a table of header names and values without line breaks"));
        }
    }
    Ok(headers)
}

fn statuses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<u16>, D::Error> {
    #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Status(#[serde(deserialize_with = "whole::<_, _, 100, 599>")] u16);

    let statuses = BTreeSet::<Status>::deserialize(deserializer)?;
    if statuses.is_empty() {
        return Err(de::Error::custom("must name at least one HTTP status"));
    }
    Ok(statuses.into_iter().map(|Status(status)| status).collect())
}
