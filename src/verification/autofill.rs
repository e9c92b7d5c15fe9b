//! What lets a phone hand the PIN to the page or the app that asked for it.

use std::fmt;
use std::str::FromStr;

use super::Pin;

/// The host of the pages that may read the PIN out of the message: the origin-bound one-time codes of WICG. Lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginDomain(String);

/// The hash of an Android app, for the SMS Retriever: 11 characters of base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHash(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAutofill {
    #[error("a host name such as shop.example: labels of letters, digits and hyphens, joined by dots, no scheme")]
    Domain,
    #[error("the 11 characters of an app's hash: letters, digits, + and /")]
    AppHash,
}

/// What a message carries for the account's page and app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autofill {
    pub domain: Option<OriginDomain>,
    pub app_hash: Option<AppHash>,
}

impl Autofill {
    /// The line that phones look for; it must be the last one. Browsers take what stands between `#` and a space and
    /// leave the rest to others (WICG, origin-bound one-time codes §2.2), so the app's hash may follow.
    pub(super) fn last_line(&self, pin: &Pin) -> Option<String> {
        match (&self.domain, &self.app_hash) {
            (Some(domain), Some(hash)) => Some(format!("@{domain} #{} {hash}", pin.reveal())),
            (Some(domain), None) => Some(format!("@{domain} #{}", pin.reveal())),
            (None, Some(hash)) => Some(hash.to_string()),
            (None, None) => None,
        }
    }
}

impl OriginDomain {
    /// Little enough to leave room for a text in one part.
    const OCTETS_MAX: usize = 63;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OriginDomain {
    type Err = InvalidAutofill;

    /// RFC 1123 §2.1, two labels at least; an international name in its ASCII form (`xn--…`).
    fn from_str(text: &str) -> Result<Self, InvalidAutofill> {
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = text.len() <= Self::OCTETS_MAX && text.contains('.') && text.split('.').all(is_label);
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(InvalidAutofill::Domain) }
    }
}

impl AppHash {
    pub const CHARACTERS: usize = 11;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppHash {
    type Err = InvalidAutofill;

    fn from_str(text: &str) -> Result<Self, InvalidAutofill> {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        let fits = text.len() == Self::CHARACTERS && text.bytes().all(is_base64);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidAutofill::AppHash) }
    }
}

impl fmt::Display for OriginDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AppHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_bare_host_name() {
        assert_eq!("Shop.Example".parse::<OriginDomain>().map(|domain| domain.to_string()), Ok("shop.example".into()));
        assert!("xn--bcher-kva.example".parse::<OriginDomain>().is_ok());
        for text in [
            "",
            "localhost",
            "https://a.example",
            "a.example/",
            "a..example",
            ".a",
            "a.",
            "-a.b",
            "a b.c",
            "bücher.example",
        ] {
            assert_eq!(text.parse::<OriginDomain>(), Err(InvalidAutofill::Domain), "{text}");
        }
        assert!(format!("{}.example", "a".repeat(60)).parse::<OriginDomain>().is_err());
    }

    #[test]
    fn an_app_hash_has_eleven_characters() {
        assert!("FA+9qCX9VSu".parse::<AppHash>().is_ok());
        for text in ["", "FA+9qCX9VS", "FA+9qCX9VSuu", "FA-9qCX9VSu"] {
            assert_eq!(text.parse::<AppHash>(), Err(InvalidAutofill::AppHash), "{text}");
        }
    }
}
