//! The types of single settings: each parses once and cannot be wrong afterwards.
//!
//! Their errors are clauses that begin with "must"; the reader adds layer, key and value.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer};

use crate::phone::Country;
use crate::verification::{LANGUAGES, Language};

/// Text that is never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::error::MASK)
    }
}

/// A country that has a numbering plan, by its ISO 3166-1 alpha-2 code in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(pub Country);

impl TryFrom<String> for CountryCode {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        const ALLOWED: &str = "must be an ISO 3166-1 country code of two capital letters";
        let country: Country = code.parse().map_err(|_| ALLOWED)?;
        if country.as_str() == code { Ok(Self(country)) } else { Err(ALLOWED) }
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Countries, all of them if none is named.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "BTreeSet<CountryCode>")]
pub enum Countries {
    All,
    Only(BTreeSet<CountryCode>),
}

impl Countries {
    /// The countries named; an empty list stands for all.
    pub fn to_list(&self) -> Vec<Country> {
        match self {
            Self::All => vec![],
            Self::Only(countries) => countries.iter().map(|country| country.0).collect(),
        }
    }
}

impl From<BTreeSet<CountryCode>> for Countries {
    fn from(countries: BTreeSet<CountryCode>) -> Self {
        if countries.is_empty() { Self::All } else { Self::Only(countries) }
    }
}

/// A language of the API's list, such as `en-us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageTag(pub Language);

impl TryFrom<String> for LanguageTag {
    type Error = String;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        match tag.parse::<Language>() {
            Ok(language) if language.as_str() == tag && !language.is_psd2_only() => Ok(Self(language)),
            Ok(_) | Err(_) => Err(format!("must be one of {}, or empty", LANGUAGES.join(" "))),
        }
    }
}

/// An ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency(String);

impl Currency {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err("must be a currency code of three capital letters")
        }
    }
}

/// What one credit is worth, in units of 10⁻⁸ of the currency: the eight decimals of a price, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditValue(pub u64);

impl TryFrom<String> for CreditValue {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Price::try_from(text).map(|price| Self(price.0))
    }
}

/// What a message costs, in units of 10⁻⁸ of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(pub u64);

impl TryFrom<String> for Price {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        units_of(&text, 1000)
            .map(Self)
            .ok_or("must be a decimal in quotes from 0 to 1000 with at most eight places, such as \"0.0001\"")
    }
}

/// What may be spent, in units of 10⁻⁸ of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum(pub u64);

impl TryFrom<String> for Sum {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        units_of(&text, 1_000_000_000)
            .map(Self)
            .ok_or("must be a decimal in quotes from 0 to 1000000000 with at most eight places, such as \"20\"")
    }
}

fn units_of(text: &str, whole_max: u64) -> Option<u64> {
    const DECIMALS: usize = 8;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    let units_per_whole = 10_u64.pow(8);
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<8}").parse().ok()?;
    let units = whole.saturating_mul(units_per_whole).saturating_add(fraction);
    (units <= whole_max * units_per_whole).then_some(units)
}

/// The address under which others reach the public API, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let sane = |byte: u8| byte.is_ascii_graphic() && !b"?#@\"<>\\^`{|}".contains(&byte);
        if rest.is_some_and(|rest| rest.bytes().all(sane) && !rest.is_empty() && !rest.starts_with(['/', ':'])) {
            Ok(Self(url.trim_end_matches('/').to_owned()))
        } else {
            Err("must be an address such as \"https://verify.example\", without \"?\", or empty")
        }
    }
}

/// The name of a modem or provider: it stands in logs, metrics and commands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteName(String);

impl RouteName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RouteName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=32).contains(&name.len())
            && name.bytes().all(sane)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        {
            Ok(Self(name))
        } else {
            Err("must be 1 to 32 letters, digits, \".\", \"_\" or \"-\", the first a letter or digit")
        }
    }
}

impl fmt::Debug for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes a type readable by its `TryFrom<String>`.
macro_rules! read_from_string {
    ($($type:ty)*) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::config::fields::from_text(deserializer)
            }
        })*
    };
}
pub(super) use read_from_string;
read_from_string! { Secret CountryCode LanguageTag Currency CreditValue Price Sum RouteName PublicUrl }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credit_value_is_exact_to_eight_places() {
        let cases = [
            ("0.0001", Some(10_000)),
            ("0", Some(0)),
            ("1", Some(100_000_000)),
            ("0.00000001", Some(1)),
            ("1000", Some(100_000_000_000)),
            ("1000.00000001", None),
            ("0.000000001", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("-1", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ];
        for (text, units) in cases {
            assert_eq!(CreditValue::try_from(text.to_owned()).ok().map(|value| value.0), units, "{text:?}");
        }
    }

    #[test]
    fn a_secret_prints_as_stars() {
        assert_eq!(format!("{:?}", Some(Secret::from("4711".to_owned()))), "Some(***)");
    }

    #[test]
    fn a_country_is_one_of_the_list() {
        for code in ["US", "XK", "ZW", "AC"] {
            assert_eq!(CountryCode::try_from(code.to_owned()).expect("a country").0.as_str(), code);
        }
        for code in ["us", "UK", "USA", "", " ", "AC AD"] {
            assert!(CountryCode::try_from(code.to_owned()).is_err(), "{code:?}");
        }
        let countries = Countries::from(BTreeSet::from([CountryCode("DE".parse().expect("a country"))]));
        assert_eq!(countries.to_list(), ["DE".parse().expect("a country")]);
        assert_eq!(Countries::All.to_list(), []);
    }
}
