//! The prefixes of a number, and the numbers beside it. Pure.
//!
//! ```text
//!  +49 1512 3456789   country   DE
//!                     range     +4915123*      a million numbers: what a regulator gives an operator
//!                     block     +4915123456*   a thousand numbers: what a fraudster rents
//! ```

use std::fmt;

use crate::phone::PhoneNumber;

/// How wide a prefix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Country,
    Range,
    Block,
}

impl Level {
    /// From the widest to the narrowest.
    pub const ALL: [Self; 3] = [Self::Country, Self::Range, Self::Block];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Range => "range",
            Self::Block => "block",
        }
    }
}

/// Digits that the numbers of a range and of a block differ in.
const RANGE_DIGITS: usize = 6;
const BLOCK_DIGITS: usize = 3;

/// A country, or what numbers begin with; never a whole number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    pub level: Level,
    text: String,
}

impl Prefix {
    pub fn of(number: &PhoneNumber, level: Level) -> Self {
        let digits = number.digits();
        let code = number.calling_code().to_string().len();
        let first = |left_out: usize| format!("+{}*", &digits[..digits.len().saturating_sub(left_out).max(code)]);
        let text = match (level, number.country()) {
            (Level::Country, Some(country)) => country.to_string(),
            // Numbers of no country: satellites and the like have calling codes of their own.
            (Level::Country, None) => format!("+{}*", number.calling_code()),
            (Level::Range, _) => first(RANGE_DIGITS),
            (Level::Block, _) => first(BLOCK_DIGITS),
        };
        Self { level, text }
    }

    /// A prefix as an operator writes it, in the form in which it is shown.
    pub fn read(text: &str) -> Option<String> {
        let text = text.trim();
        if text.len() == 2 {
            return text.parse::<crate::phone::Country>().ok().map(|country| country.to_string());
        }
        let digits = text.strip_prefix('+').unwrap_or(text).strip_suffix('*')?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| format!("+{digits}*"))
    }

    /// What tells it from prefixes of another level that are written alike.
    pub fn key(&self) -> String {
        Self::key_of(self.level, &self.text)
    }

    /// The key of a prefix that is written so.
    pub fn key_of(level: Level, text: &str) -> String {
        format!("{} {text}", level.as_str())
    }
}

/// For the operator: `DE`, `+4915123*`.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({})", self.level.as_str())
    }
}

/// The digits of the numbers at most two beside this one, of the same length.
pub fn beside(digits: &str) -> Vec<String> {
    let Ok(number) = digits.parse::<u64>() else { return vec![] };
    let around = [number.checked_sub(2), number.checked_sub(1), number.checked_add(1), number.checked_add(2)];
    let beside = around.into_iter().flatten().map(|number| number.to_string());
    beside.filter(|other| other.len() == digits.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(text: &str) -> String {
        let number = PhoneNumber::parse(text, None).expect("a number");
        Level::ALL.map(|level| Prefix::of(&number, level).to_string()).join(" ")
    }

    #[test]
    fn a_number_has_a_country_a_range_and_a_block() {
        assert_eq!(prefixes("+4915123456789"), "DE +4915123* +4915123456*");
        assert_eq!(prefixes("+447400123456"), "GB +447400* +447400123*");
        assert_eq!(prefixes("+870773111632"), "+870* +870773* +870773111*");
        assert_eq!(prefixes("+29051234"), "SH +290* +29051*", "never less than the calling code");
    }

    #[test]
    fn an_operator_writes_a_prefix_as_it_is_shown() {
        for (text, expected) in [("+4915123*", Some("+4915123*")), ("4915123*", Some("+4915123*")), ("de", Some("DE"))]
        {
            assert_eq!(Prefix::read(text).as_deref(), expected, "{text}");
        }
        for text in ["", "*", "+49151", "XX", "+49a*"] {
            assert_eq!(Prefix::read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_beside_one_have_as_many_digits() {
        assert_eq!(beside("447400123456"), ["447400123454", "447400123455", "447400123457", "447400123458"]);
        assert_eq!(beside("99"), ["97", "98"]);
    }
}
