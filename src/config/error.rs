//! The one message that a bad configuration stops the start with.
//!
//! It names the layer (file and line, environment variable, flag), the key, the value and what is allowed. It never
//! holds a secret: a value is masked by its key's name, and by the name of the key that it was probably meant for.

use std::fmt;
use std::io;
use std::path::Path;

use config::{Value, ValueKind};

use super::path::{KeyName, KeyPath};

/// What is wrong with the configuration, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// A file or directory cannot be read.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self(format!("cannot read {}: {error}", path.display()))
    }

    /// A file, a variable or a flag as a whole is wrong.
    pub(super) fn layer(origin: &str, reason: impl fmt::Display) -> Self {
        Self(format!("{origin}: {reason}"))
    }

    /// `value`, found at `path`, is not what the key allows.
    pub(super) fn value(origin: &str, path: &KeyPath, value: Option<&Value>, reason: impl fmt::Display) -> Self {
        match value {
            Some(value) => Self(format!("{origin}: {path} = {}: {reason}", shortened(masked(path, value)))),
            None => Self(format!("{origin}: {path}: {reason}")),
        }
    }

    /// A key that does not exist.
    pub(super) fn unknown(origin: &str, path: &KeyPath, value: Option<&Value>, allowed: &[&str]) -> Self {
        let name = path.name().unwrap_or_default();
        let nearest = nearest(name, allowed);
        let meant_as_secret = nearest.is_some_and(|nearest| is_secret(&path.parent().key(nearest)));
        let shown = match value {
            Some(Value { kind: ValueKind::Table(_), .. }) | None => String::new(),
            Some(_) if meant_as_secret || sounds_secret(name) => format!(" = {MASK}"),
            Some(value) => format!(" = {}", shortened(masked(path, value))),
        };
        let hint = nearest.map(|nearest| format!("did you mean {nearest}? ")).unwrap_or_default();
        let place = path.parent();
        let place = if place.is_root() { "allowed sections are".to_owned() } else { format!("{place} allows") };
        Self(format!("{origin}: unknown key {path}{shown}: {hint}{place} {}", allowed.join(", ")))
    }
}

/// What stands in the place of a secret.
pub(super) const MASK: &str = "***";

/// Longest piece of a value that a message repeats, in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// Whether the value at `path` may hold a secret. Headers and bodies of providers are meant to name `{{ secret }}`, but
/// nothing keeps an operator from writing the secret itself there.
pub(super) fn is_secret(path: &KeyPath) -> bool {
    let in_provider = path.first() == Some("providers");
    // Text in the place of a whole table may hold the table's secrets.
    let in_place_of_table = matches!(path.first(), Some("modems" | "providers")) && path.names().count() == 1;
    let secret = |name: &str| {
        matches!(name, "sim_pin" | "secret" | "callback_secret" | "metrics_token" | "allowed_numbers")
            || in_provider && matches!(name, "headers" | "body")
    };
    let variable = in_provider && path.names().nth(1) == Some("variables");
    in_place_of_table || path.names().any(secret) || variable && path.names().nth(2).is_some_and(sounds_secret)
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pin", "secret", "pass", "pwd", "token", "key", "auth", "credential"].iter().any(|word| name.contains(word))
}

/// The value as TOML writes it, with [`MASK`] for what must not be seen.
pub(super) fn masked(path: &KeyPath, value: &Value) -> String {
    match &value.kind {
        ValueKind::Table(table) => {
            let mut keys: Vec<_> = table.keys().collect();
            keys.sort();
            let pairs =
                keys.into_iter().map(|key| format!("{} = {}", KeyName(key), masked(&path.key(key), &table[key])));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        ValueKind::Array(values) => {
            let values = values.iter().enumerate().map(|(index, value)| masked(&path.index(index), value));
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
        // An empty secret is none, and worth seeing.
        ValueKind::String(text) if text.is_empty() => "\"\"".to_owned(),
        _ if is_secret(path) => format!("\"{MASK}\""),
        ValueKind::String(url)
            if matches!(path.first(), Some("providers" | "webhooks"))
                && matches!(path.name(), Some("url" | "proxy")) =>
        {
            quoted(&without_url_secrets(url))
        }
        ValueKind::String(text) => quoted(text),
        ValueKind::Nil => "\"\"".to_owned(),
        ValueKind::Boolean(_) | ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
            value.kind.to_string()
        }
        // With its point, so that a float is told from a whole number.
        ValueKind::Float(number) => format!("{number:?}"),
    }
}

/// A basic string of TOML 1.0, which escapes as JSON does.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON").replace('\u{7f}', "\\u007f")
}

fn shortened(shown: String) -> String {
    match shown.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The URL without user name, password and query: providers take keys there.
pub(super) fn without_url_secrets(url: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) if !query.is_empty() => (base, format!("?{MASK}")),
        _ => (url, String::new()),
    };
    let base = match base.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            match authority.rsplit_once('@') {
                Some((user, _)) => format!("{scheme}://{MASK}{}", &rest[user.len()..]),
                None => base.to_owned(),
            }
        }
        None => base.to_owned(),
    };
    base + &query
}

/// The allowed key that `name` is most likely a slip of.
fn nearest<'a>(name: &str, allowed: &[&'a str]) -> Option<&'a str> {
    // Jaro-Winkler ranks slips of the keyboard above words that merely share letters; below this they share little.
    const ALIKE: f64 = 0.8;
    let name = name.to_ascii_lowercase();
    allowed
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(&name, candidate), candidate))
        .filter(|&(likeness, _)| likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        let allowed = ["listen", "tls_cert_file", "tls_key_file"];
        assert_eq!(nearest("lisen", &allowed), Some("listen"));
        assert_eq!(nearest("Listen", &allowed), Some("listen"));
        assert_eq!(nearest("tls_key", &allowed), Some("tls_key_file"));
        assert_eq!(nearest("workers", &allowed), None);
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_a_key() {
        let cases = [
            ("https://sms.example/send", "https://sms.example/send"),
            ("https://sms.example/send?key=geheim", "https://sms.example/send?***"),
            ("https://me:geheim@sms.example/send", "https://***@sms.example/send"),
            ("https://me:ge@heim@sms.example/a@b?x", "https://***@sms.example/a@b?***"),
            ("geheim@sms.example", "geheim@sms.example"),
        ];
        for (url, shown) in cases {
            assert_eq!(without_url_secrets(url), shown);
        }
    }

    #[test]
    fn a_value_meant_as_a_secret_is_masked_under_a_wrong_name() {
        let value = Value::new(None, "4711");
        let path = KeyPath::root().key("modems").index(0).key("sim_pn");
        let error = ConfigError::unknown("x.toml:3", &path, Some(&value), &["name", "sim_pin"]);
        insta::assert_snapshot!(
            error,
            @"x.toml:3: unknown key modems[0].sim_pn = ***: did you mean sim_pin? modems[0] allows name, sim_pin"
        );
    }
}
