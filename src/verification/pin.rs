//! The secret that a person reads from an SMS or hears in a call.

use std::fmt;

use zeroize::Zeroizing;

/// 4–10 characters of A–Z, a–z and 0–9. Wiped from memory when dropped; `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// The fewest and the most characters of a PIN.
    pub const LENGTH_MIN: usize = 4;
    pub const LENGTH_MAX: usize = 10;

    /// `None` if the text is no PIN.
    pub fn new(text: &str) -> Option<Self> {
        let length_fits = (Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&text.len());
        let characters_fit = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (length_fits && characters_fit).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The PIN itself, for those who hash, seal or send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// How many digits a generated PIN has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLength {
    Four,
    Six,
}

impl CodeLength {
    pub fn digits(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Six => 6,
        }
    }
}

/// What a user typed as PIN: any text of letters and digits, whatever its length.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// `None` if the text has other characters.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The code as a PIN, if it has a PIN's length; any other length is wrong without a comparison.
    pub fn as_pin(&self) -> Option<Pin> {
        Pin::new(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_four_to_ten_letters_and_digits() {
        for text in ["0000", "123456", "aBc9", "ABCDEFGHIJ"] {
            assert_eq!(Pin::new(text).expect("a PIN").reveal(), text);
        }
        for text in ["", "123", "12345678901", "12 34", "12-4", "été1", "１２３４"] {
            assert_eq!(Pin::new(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_pin() {
        let pin = Pin::new("4711").expect("a PIN");
        let code = Code::new("4711").expect("a code");
        assert_eq!(format!("{pin:?} {code:?}"), "Pin(***) Code(***)");
    }

    #[test]
    fn a_code_of_another_length_is_no_pin() {
        for text in ["1", "123", "12345678901"] {
            assert_eq!(Code::new(text).expect("a code").as_pin(), None);
        }
        assert!(Code::new("12 34").is_none());
    }
}
