//! `[[providers]]`: one table for each HTTP provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use zeroize::Zeroizing;

use super::error::without_url_secrets;
use super::fields::{limit, seconds, unless_empty, whole};
use super::modems::{ChannelKind, channels};
use super::values::{Countries, Price, RouteName, Secret, Sum, read_from_string};
use crate::channel::provider::template::{Method, TemplateSource};

/// What a provider's table need not say.
pub(super) const PROVIDER_DEFAULTS: &str = r#"
preset = ""
channels = ["sms"]
countries = []
method = "POST"
headers = {}
variables = {}
secret = ""
secret_file = ""
content_type = "application/json"
body = '{"to": {{ number | json }}, "text": {{ text | json }}}'
success_status = [200, 201, 202]
success_path = ""
success_value = ""
success_pattern = ""
message_id_path = ""
refusal_path = ""
final_codes = []
temporary_codes = []
retry_after_path = ""
timeout_seconds = 10
concurrency = 4
sms_per_minute = 0
sms_per_day = 0
sms_per_month = 0
calls_per_day = 0
calls_per_month = 0
sms_price = "0"
call_price = "0"
spend_per_day = "0"
spend_per_month = "0"
proxy = ""
ca_file = ""
callback_secret = ""
callback_secret_file = ""
callback = {}
"#;

/// The keys of a request and its reply, which the sub-table `voice` may say again for calls.
pub(super) const REQUEST_KEYS: [&str; 14] = [
    "method",
    "url",
    "headers",
    "content_type",
    "body",
    "success_status",
    "success_path",
    "success_value",
    "success_pattern",
    "message_id_path",
    "refusal_path",
    "final_codes",
    "temporary_codes",
    "retry_after_path",
];

/// A struct with the keys of a request and its reply beside fields of its own: serde cannot both flatten a struct and
/// refuse unknown keys.
macro_rules! with_request_keys {
    ($(#[$attribute:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($own)*
            pub method: HttpMethod,
            pub url: UrlTemplate,
            /// Templates; an operator may have written the secret itself into them.
            #[serde(deserialize_with = "headers")]
            pub headers: BTreeMap<String, Secret>,
            #[serde(deserialize_with = "content_type")]
            pub content_type: String,
            /// A template, and as the headers are.
            pub body: Secret,
            #[serde(deserialize_with = "statuses")]
            pub success_status: BTreeSet<u16>,
            pub success_path: JsonPointer,
            pub success_value: String,
            #[serde(deserialize_with = "unless_empty")]
            pub success_pattern: Option<Pattern>,
            pub message_id_path: JsonPointer,
            pub refusal_path: JsonPointer,
            pub final_codes: BTreeSet<Code>,
            pub temporary_codes: BTreeSet<Code>,
            pub retry_after_path: JsonPointer,
        }
    };
}

with_request_keys! {
    pub struct ProviderSettings {
        pub name: RouteName,
        /// The ready-made provider whose values lie under this table's; empty for none.
        pub preset: String,
        #[serde(deserialize_with = "channels")]
        pub channels: BTreeSet<ChannelKind>,
        pub countries: Countries,
        /// What templates may name beside the built-in variables.
        #[serde(deserialize_with = "variables")]
        pub variables: BTreeMap<String, Secret>,
        /// From `secret` or the file of `secret_file`.
        #[serde(deserialize_with = "unless_empty")]
        pub secret: Option<Secret>,
        #[serde(deserialize_with = "unless_empty")]
        pub(super) secret_file: Option<PathBuf>,
        #[serde(rename = "timeout_seconds", deserialize_with = "seconds::<_, 1, 120>")]
        pub timeout: Duration,
        /// Requests in flight at most.
        #[serde(deserialize_with = "whole::<_, _, 1, 64>")]
        pub concurrency: usize,
        /// None: no limit.
        #[serde(deserialize_with = "limit::<_, 100000>")]
        pub sms_per_minute: Option<NonZeroU32>,
        /// None: no budget.
        #[serde(deserialize_with = "limit::<_, 1000000>")]
        pub sms_per_day: Option<NonZeroU32>,
        /// None: no budget.
        #[serde(deserialize_with = "limit::<_, 10000000>")]
        pub sms_per_month: Option<NonZeroU32>,
        /// None: no budget.
        #[serde(deserialize_with = "limit::<_, 1000000>")]
        pub calls_per_day: Option<NonZeroU32>,
        /// None: no budget.
        #[serde(deserialize_with = "limit::<_, 10000000>")]
        pub calls_per_month: Option<NonZeroU32>,
        /// Of one part of an SMS.
        pub sms_price: Price,
        pub call_price: Price,
        /// On both; 0: no budget.
        pub spend_per_day: Sum,
        pub spend_per_month: Sum,
        #[serde(deserialize_with = "unless_empty")]
        pub proxy: Option<ProxyUrl>,
        /// PEM: authorities that are trusted beside the system's.
        #[serde(deserialize_with = "unless_empty")]
        pub ca_file: Option<PathBuf>,
        /// From `callback_secret` or the file of `callback_secret_file`; none: `/callbacks/NAME` is not there.
        #[serde(deserialize_with = "unless_empty")]
        pub callback_secret: Option<CallbackSecret>,
        #[serde(deserialize_with = "unless_empty")]
        pub(super) callback_secret_file: Option<PathBuf>,
        pub callback: CallbackSettings,
        /// The request of a call, where it is not that of an SMS. What the sub-table leaves out is as around it.
        pub voice: Option<RequestSettings>,
    }
}

with_request_keys! {
    /// A request and how its reply is read.
    pub struct RequestSettings {}
}

impl ProviderSettings {
    /// The request of an SMS.
    pub fn sms_request(&self) -> RequestSettings {
        RequestSettings {
            method: self.method,
            url: self.url.clone(),
            headers: self.headers.clone(),
            content_type: self.content_type.clone(),
            body: self.body.clone(),
            success_status: self.success_status.clone(),
            success_path: self.success_path.clone(),
            success_value: self.success_value.clone(),
            success_pattern: self.success_pattern.clone(),
            message_id_path: self.message_id_path.clone(),
            refusal_path: self.refusal_path.clone(),
            final_codes: self.final_codes.clone(),
            temporary_codes: self.temporary_codes.clone(),
            retry_after_path: self.retry_after_path.clone(),
        }
    }

    /// The request of a call.
    pub fn call_request(&self) -> RequestSettings {
        self.voice.clone().unwrap_or_else(|| self.sms_request())
    }
}

impl RequestSettings {
    /// The templates with what a provider's table gives them.
    pub fn template_source(&self, provider: &ProviderSettings) -> TemplateSource {
        let copied = |text: &Secret| Zeroizing::new(text.expose().to_owned());
        let all =
            |texts: &BTreeMap<String, Secret>| texts.iter().map(|(name, text)| (name.clone(), copied(text))).collect();
        TemplateSource {
            method: match self.method {
                HttpMethod::Get => Method::Get,
                HttpMethod::Post => Method::Post,
                HttpMethod::Put => Method::Put,
            },
            url: Zeroizing::new(self.url.as_str().to_owned()),
            headers: all(&self.headers),
            content_type: self.content_type.clone(),
            body: copied(&self.body),
            secret: provider.secret.as_ref().map(copied),
            variables: all(&provider.variables),
        }
    }
}

/// How a delivery callback is read. A form is read as an object of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackSettings {
    /// Where the message's id stands.
    pub id: JsonPointer,
    /// Where its state stands.
    pub status: JsonPointer,
    /// The states that mean: it arrived.
    pub delivered: BTreeSet<Code>,
    /// The states that mean: it will not arrive.
    pub failed: BTreeSet<Code>,
    /// The states that mean: the provider has it, whatever its reply was.
    pub accepted: BTreeSet<Code>,
    /// Where `{{ reference }}` comes back, if it does and the address does not tell.
    pub reference: JsonPointer,
    /// The body of the answer; some providers send a callback again until it is a certain one.
    pub reply: String,
    pub call: CallCallbackSettings,
}

/// How a callback about a call is read where it is not as one about an SMS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallCallbackSettings {
    pub id: JsonPointer,
    pub status: JsonPointer,
    pub answered: BTreeSet<Code>,
    /// Busy, or nobody answered.
    pub unanswered: BTreeSet<Code>,
    /// It could not be made.
    pub failed: BTreeSet<Code>,
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
        // A variable may hold the beginning: what it makes is looked at when it is filled in.
        let host = host || url.starts_with("{{");
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

/// A word by which a provider tells what became of a message. A number is written as text or as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(String);

impl Code {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a set of codes is asked with a word from a reply.
impl std::borrow::Borrow<str> for Code {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodeVisitor;

        impl Visitor<'_> for CodeVisitor {
            type Value = Code;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a whole number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }
        }

        deserializer.deserialize_any(CodeVisitor)
    }
}

/// A regular expression that is looked for in a reply.
#[derive(Debug, Clone)]
pub struct Pattern(pub Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, Self::Error> {
        // A pattern of a reply is a line; more would be a slip, and take memory for as long as the daemon runs.
        const SIZE_MAX: usize = 1 << 20;
        match RegexBuilder::new(&pattern).size_limit(SIZE_MAX).build() {
            // The text by which a type is asked for its rule.
            Ok(_) if pattern.contains('\0') => Err("must be a regular expression, or empty".to_owned()),
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err("must be a smaller regular expression".to_owned()),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(format!("must be a regular expression: {reason}"))
            }
        }
    }
}

/// The proxy through which a provider is reached. It may hold a name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// The whole address, for the HTTP client alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_url_secrets(&self.0))
    }
}

impl TryFrom<String> for ProxyUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let rest =
            ["http://", "https://", "socks5://", "socks5h://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let authority = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        let sane = |byte: u8| byte.is_ascii_graphic() && !b"/?#".contains(&byte);
        match (authority, host) {
            (Some(authority), Some(host))
                if authority.bytes().all(sane) && !host.is_empty() && !host.starts_with(':') =>
            {
                Ok(Self(url))
            }
            _ => Err("must be http://, https://, socks5:// or socks5h:// with HOST:PORT, or empty"),
        }
    }
}

/// What a provider must know to say that a message arrived.
#[derive(Debug, Clone)]
pub struct CallbackSecret(pub Secret);

impl TryFrom<String> for CallbackSecret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // It stands in an address, and whoever guesses it may end other people's verifications.
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        if (16..=128).contains(&text.len()) && text.bytes().all(sane) {
            Ok(Self(Secret::from(text)))
        } else {
            Err("must be 16 to 128 letters, digits, \".\", \"_\", \"~\" or \"-\", or empty")
        }
    }
}

read_from_string! { UrlTemplate JsonPointer }

/// Names that templates have anyway. `sender` may be given: it then stands for the request's own.
const BUILT_IN_VARIABLES: [&str; 18] = [
    "number",
    "digits",
    "text",
    "spoken",
    "pin",
    "language",
    "locale",
    "valid_until",
    "secret",
    "brand",
    "country",
    "request_id",
    "reference",
    "callback_url",
    "validity_seconds",
    "unicode",
    "parts",
    "kind",
];

fn variables<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Secret>, D::Error> {
    let variables = BTreeMap::<String, Code>::deserialize(deserializer)?;
    let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    for name in variables.keys() {
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(in_name) {
            return Err(de::Error::custom("must have names of small letters, digits and \"_\", the first a letter"));
        }
        if BUILT_IN_VARIABLES.contains(&name.as_str()) {
            return Err(de::Error::custom(format_args!("must not name {name}, which templates have anyway")));
        }
    }
    Ok(variables.into_iter().map(|(name, value)| (name, Secret::from(value.0))).collect())
}

/// It becomes a header.
fn content_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let sane = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if text.bytes().all(sane) { Ok(text) } else { Err(de::Error::custom("must be a media type, or empty")) }
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Secret>, D::Error> {
    let headers = BTreeMap::<String, Secret>::deserialize(deserializer)?;
    // RFC 9110 §5.6.2.
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut seen = BTreeSet::new();
    for (name, value) in &headers {
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(de::Error::custom(format_args!("must name {name} once; letters of either case are the same")));
        }
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
