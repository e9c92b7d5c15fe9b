//! What the person is asked to confirm: that a number is theirs, or a payment.

use std::fmt;

/// The most characters of a name in a message.
const NAME_CHARACTERS_MAX: usize = 18;

/// The name that the message carries: 1–18 characters of any script, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand(String);

impl Brand {
    pub const CHARACTERS_MAX: usize = NAME_CHARACTERS_MAX;

    pub fn new(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom a payment goes to: 1–18 characters of any script, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee(String);

impl Payee {
    pub const CHARACTERS_MAX: usize = NAME_CHARACTERS_MAX;

    pub fn new(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An amount of euros: more than nothing, less than a billion. Displays with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    cents: u64,
}

impl Amount {
    const CENTS_MAX: u64 = 99_999_999_999;

    pub fn from_cents(cents: u64) -> Option<Self> {
        (1..=Self::CENTS_MAX).contains(&cents).then_some(Self { cents })
    }

    /// A decimal with a point and at most two decimals: `25`, `25.5`, `25.50`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
            lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, 1..=9) || !digits(decimals, 1..=2) {
            return None;
        }
        let cents: u64 = decimals.parse().ok()?;
        let cents = if decimals.len() == 1 { cents * 10 } else { cents };
        Self::from_cents(whole.parse::<u64>().ok()? * 100 + cents)
    }

    pub fn cents(self) -> u64 {
        self.cents
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The number is the person's: a request of `brand`.
    Number { brand: Brand },
    /// A payment, as the second payment services directive asks it to be confirmed.
    Payment { payee: Payee, amount: Amount },
}

fn is_name(text: &str) -> bool {
    let shows = |character: char| !character.is_whitespace() && !is_invisible(character);
    (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count())
        && !text.chars().any(|character| character.is_control() || rearranges(character))
        && text.chars().any(shows)
}

/// Breaks a line, or turns the direction of what follows: a name could so write a message of its own.
fn rearranges(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Joiners and marks of direction, which scripts need between letters and nothing shows alone.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_18_characters_of_any_script() {
        for text in ["A", "Acme & Söhne GmbH!", "株式会社", "123456789012345678", "🙂"] {
            assert!(Brand::new(text).is_some() && Payee::new(text).is_some(), "{text}");
        }
        let hidden = [" ", "\u{200b}", "a\u{2028}@evil.example #1", "a\u{202e}b"];
        for text in ["", "1234567890123456789", "a\nb", "a\u{7f}"].into_iter().chain(hidden) {
            assert!(Brand::new(text).is_none() && Payee::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn an_amount_is_a_decimal_above_zero() {
        let cents = |text| Amount::parse(text).map(Amount::cents);
        assert_eq!(cents("25"), Some(2500));
        assert_eq!(cents("25.5"), Some(2550));
        assert_eq!(cents("0.01"), Some(1));
        assert_eq!(cents("999999999.99"), Some(99_999_999_999));
        for text in ["", "0", "0.00", "-1", "+1", "1,50", "1.234", "1.", ".5", "1e3", "1000000000", "١", "1.5€", " 1"]
        {
            assert_eq!(cents(text), None, "{text}");
        }
        assert_eq!(Amount::parse("7.5").map(|amount| amount.to_string()), Some("7.50".to_owned()));
    }
}
