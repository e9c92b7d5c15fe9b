//! What a verification costs: credits by the number's country, and money in the account's currency.

use std::fmt;

/// Credits an account pays with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credits(pub i64);

/// An amount of some currency in units of 10⁻⁸, written with eight decimals.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Money(i64);

impl Money {
    pub const ZERO: Self = Self(0);

    /// From units of 10⁻⁸.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    pub const fn units(self) -> i64 {
        self.0
    }

    /// What `credits` are worth if one is worth `self`; the largest amount if it would not fit.
    pub fn times(self, credits: Credits) -> Self {
        Self(self.0.saturating_mul(credits.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:08}", units / 100_000_000, units % 100_000_000)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_eight_decimals() {
        let credit = Money::from_units(10_000);
        assert_eq!(credit.times(Credits(1205)).to_string(), "0.12050000");
        assert_eq!(credit.times(Credits(361)).to_string(), "0.03610000");
        assert_eq!(Money::ZERO.to_string(), "0.00000000");
        assert_eq!(Money::from_units(-123_456_789_012).to_string(), "-1234.56789012");
    }
}
