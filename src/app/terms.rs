//! What an account may be called, and have: one rule for whoever writes it, on a command line or in a form.

use secrecy::{ExposeSecret, SecretString};

use super::types::AccountDefaults;
use crate::verification::{AppHash, Language, OriginDomain, SenderId, Workflow};

/// Characters of a name, a key, a secret at most.
pub const NAME_MAX: usize = 100;
pub const KEY_MAX: usize = 64;
pub const SECRET_MAX: usize = 256;

/// Sums of credits stay far from the ends of 64 bits.
pub const CREDITS_MAX: i64 = 1_000_000_000_000;

/// Requests a second of an account at most.
pub const RATE_MAX: u32 = 100_000;

/// # Errors
///
/// What is allowed; as everywhere here.
pub fn account_name(text: &str) -> Result<String, String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= NAME_MAX && !text.chars().any(char::is_control);
    if fits { Ok(text.trim().to_owned()) } else { Err(format!("1 to {NAME_MAX} characters, no control characters")) }
}

/// What stands in a path, in a query and before the colon of `Authorization: Basic` as it is.
pub fn account_key(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(plain) && !matches!(text, "." | "..");
    if fits { Ok(text.to_owned()) } else { Err(format!("1 to {KEY_MAX} of A-Z a-z 0-9 - _ .")) }
}

pub fn account_secret(secret: SecretString) -> Result<SecretString, String> {
    let text = secret.expose_secret();
    let fits = !text.is_empty() && text.chars().count() <= SECRET_MAX && !text.chars().any(char::is_control);
    if fits { Ok(secret) } else { Err(format!("1 to {SECRET_MAX} characters without control characters")) }
}

pub fn sender_id(text: &str) -> Result<SenderId, String> {
    SenderId::new(text).ok_or_else(|| "1 to 11 letters and digits, or up to 15 digits".to_owned())
}

pub fn workflow(text: &str) -> Result<Workflow, String> {
    text.parse().ok().and_then(Workflow::new).ok_or_else(|| "1 to 7".to_owned())
}

pub fn language(text: &str) -> Result<Language, String> {
    let language = text.parse::<Language>().map_err(|error| error.to_string())?;
    if language.is_psd2_only() { Err("a language of payments only".to_owned()) } else { Ok(language) }
}

pub fn origin_domain(text: &str) -> Result<OriginDomain, String> {
    text.parse().map_err(|error| format!("expected {error}"))
}

pub fn app_hash(text: &str) -> Result<AppHash, String> {
    text.parse().map_err(|error| format!("expected {error}"))
}

/// The defaults of an account as they are written; what is empty is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenDefaults {
    pub sender_id: String,
    pub workflow: String,
    pub language: String,
    pub origin_domain: String,
    pub app_hash: String,
}

impl WrittenDefaults {
    /// # Errors
    ///
    /// The name of what is wrong, and what is allowed.
    pub fn read(&self) -> Result<AccountDefaults, (&'static str, String)> {
        let mut defaults = AccountDefaults {
            sender_id: one(&self.sender_id, sender_id).map_err(|allowed| ("sender", allowed))?,
            workflow: one(&self.workflow, workflow).map_err(|allowed| ("workflow", allowed))?,
            language: one(&self.language, language).map_err(|allowed| ("language", allowed))?,
            ..AccountDefaults::default()
        };
        defaults.autofill.domain = one(&self.origin_domain, origin_domain).map_err(|allowed| ("host", allowed))?;
        defaults.autofill.app_hash = one(&self.app_hash, app_hash).map_err(|allowed| ("app hash", allowed))?;
        Ok(defaults)
    }
}

fn one<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_part_of_a_path_as_it_stands() {
        for key in ["a", "shop-1", "a.b_c", "..."] {
            assert_eq!(account_key(key).as_deref(), Ok(key));
        }
        for key in ["", ".", "..", "a/b", "a:b", "ä", " a", &"k".repeat(65)] {
            assert!(account_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn written_defaults_are_read_or_named() {
        assert_eq!(WrittenDefaults::default().read(), Ok(AccountDefaults::default()));
        let written =
            WrittenDefaults { workflow: " 4 ".to_owned(), language: "de-de".to_owned(), ..Default::default() };
        let read = written.read().expect("defaults");
        assert_eq!((read.workflow.map(Workflow::id), read.sender_id), (Some(4), None));
        let wrong = WrittenDefaults { workflow: "8".to_owned(), ..written };
        assert_eq!(wrong.read(), Err(("workflow", "1 to 7".to_owned())));
    }
}
