//! What an application asks for: typed values, nothing left to check.

use std::time::Duration;

use crate::fraud::address::EndUserAddress;
use crate::phone::PhoneNumber;

use super::{CodeLength, Language, Pin, Purpose, Workflow};

/// The sender that providers show: 1–11 letters and digits, or up to 15 digits. A SIM sends under its own number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderId(String);

impl SenderId {
    pub fn new(text: &str) -> Option<Self> {
        let alphanumeric = (1..=11).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let digits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        (alphanumeric || digits).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SenderId {
    fn default() -> Self {
        Self("VERIFY".to_owned())
    }
}

/// A request to verify a number. `None` stands for what the request does not say; settings and account fill it in.
#[derive(Clone, Debug)]
pub struct StartRequest {
    pub number: PhoneNumber,
    pub purpose: Purpose,
    pub sender_id: Option<SenderId>,
    pub code_length: Option<CodeLength>,
    pub language: Option<Language>,
    /// 60–3600 s.
    pub pin_expiry: Option<Duration>,
    /// 60–900 s.
    pub next_event_wait: Option<Duration>,
    pub workflow: Option<Workflow>,
    /// The caller's own PIN: every generation carries it.
    pub pin: Option<Pin>,
    /// Of the person in front of the application.
    pub end_user: Option<EndUserAddress>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_11_letters_and_digits_or_15_digits() {
        for text in ["A", "VERIFY", "ABCDEFGHIJK", "123456789012345"] {
            assert!(SenderId::new(text).is_some(), "{text}");
        }
        for text in ["", "ABCDEFGHIJKL", "A B", "+49151", "1234567890123456"] {
            assert!(SenderId::new(text).is_none(), "{text}");
        }
    }
}
