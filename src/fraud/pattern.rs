//! Numbers that an operator names: one, or all that begin alike. Pure.

use std::fmt;
use std::str::FromStr;

use crate::phone::PhoneNumber;

/// A whole number, or with a star behind it what numbers begin with; calling code first.
#[derive(Clone, PartialEq, Eq)]
pub struct NumberPattern {
    digits: String,
    is_prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number such as \"+447700900123\", or a prefix with a star such as \"+4477009*\"")]
pub struct InvalidPattern;

impl FromStr for NumberPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim();
        let Some(prefix) = text.strip_suffix('*') else {
            let number = PhoneNumber::parse(text, None).map_err(|_| InvalidPattern)?;
            return Ok(Self { digits: number.digits().to_owned(), is_prefix: false });
        };
        let digits: String = prefix.chars().filter(|character| !" -()".contains(*character)).collect();
        let digits = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")).unwrap_or(&digits);
        let fits = (1..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(Self { digits: digits.to_owned(), is_prefix: true }) } else { Err(InvalidPattern) }
    }
}

impl NumberPattern {
    pub fn matches(&self, number: &PhoneNumber) -> bool {
        if self.is_prefix { number.digits().starts_with(&self.digits) } else { number.digits() == self.digits }
    }
}

impl fmt::Debug for NumberPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_prefix { "NumberPattern(***…)" } else { "NumberPattern(***)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_number_or_what_it_begins_with() {
        let number = PhoneNumber::parse("+447700900123", None).expect("a number");
        for (text, expected) in [
            ("+44 7700 900123", true),
            ("447700900124", false),
            ("+447700*", true),
            ("0044 77*", true),
            ("+45*", false),
        ] {
            assert_eq!(text.parse::<NumberPattern>().map(|pattern| pattern.matches(&number)), Ok(expected), "{text}");
        }
        for text in ["", "*", "07700*", "+44x*", "123"] {
            assert_eq!(text.parse::<NumberPattern>(), Err(InvalidPattern), "{text}");
        }
    }
}
