//! Telephone numbers (ITU-T E.164): parse once at the border, then carry a value that cannot be wrong. Pure.
//!
//! Parsing, countries and kinds of numbers come from the metadata of libphonenumber. `Debug` and [`PhoneNumber::masked`]
//! show the calling code and the last two digits; only [`PhoneNumber::digits`] gives the whole number, to those who send
//! to it, seal it or answer its owner.

mod ranges;

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber as Parsed, PhoneNumberFormat, PhoneNumberType, Region,
};

/// The most digits of a number, calling code included (E.164 §6.1).
const DIGITS_MAX: usize = 15;

/// Digits by which two ways to write a number are taken for the same.
const COMMON_DIGITS: usize = 7;

/// The longest text that is looked at: 15 digits with every separator doubled.
const TEXT_MAX: usize = 64;

/// The countries of ISO 3166-1 that have no numbering plan: hardly anybody lives there, under others' numbers.
const WITHOUT_PLAN: [&str; 7] = ["AQ", "BV", "GS", "HM", "PN", "TF", "UM"];

/// An ISO 3166-1 alpha-2 country, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two ASCII letters")
    }

    fn region(self) -> Option<Region> {
        Region::from_str(self.as_str()).ok()
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    /// Any case.
    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        let &[first, second] = text.as_bytes() else { return Err(UnknownCountry) };
        if !first.is_ascii_alphabetic() || !second.is_ascii_alphabetic() {
            return Err(UnknownCountry);
        }
        let country = Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]);
        let has_plan = |region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some();
        let is_country = country.region().is_some_and(has_plan) || WITHOUT_PLAN.contains(&country.as_str());
        if is_country { Ok(country) } else { Err(UnknownCountry) }
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownCountry;

    fn try_from(text: String) -> Result<Self, UnknownCountry> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 3166-1 alpha-2 country")]
pub struct UnknownCountry;

/// What a number is for, as far as its digits tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    Mobile,
    FixedLine,
    FixedLineOrMobile,
    TollFree,
    PremiumRate,
    SharedCost,
    Voip,
    PersonalNumber,
    Pager,
    Uan,
    Voicemail,
    /// Of satellites and of networks of no country, whose calls cost as much.
    Satellite,
    Unknown,
}

impl NumberKind {
    pub const ALL: [Self; 13] = [
        Self::Mobile,
        Self::FixedLine,
        Self::FixedLineOrMobile,
        Self::TollFree,
        Self::PremiumRate,
        Self::SharedCost,
        Self::Voip,
        Self::PersonalNumber,
        Self::Pager,
        Self::Uan,
        Self::Voicemail,
        Self::Satellite,
        Self::Unknown,
    ];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::FixedLine => "fixed_line",
            Self::FixedLineOrMobile => "fixed_line_or_mobile",
            Self::TollFree => "toll_free",
            Self::PremiumRate => "premium_rate",
            Self::SharedCost => "shared_cost",
            Self::Voip => "voip",
            Self::PersonalNumber => "personal_number",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::Satellite => "satellite",
            Self::Unknown => "unknown",
        }
    }
}

impl From<PhoneNumberType> for NumberKind {
    fn from(kind: PhoneNumberType) -> Self {
        match kind {
            PhoneNumberType::Mobile => Self::Mobile,
            PhoneNumberType::FixedLine => Self::FixedLine,
            PhoneNumberType::FixedLineOrMobile => Self::FixedLineOrMobile,
            PhoneNumberType::TollFree => Self::TollFree,
            PhoneNumberType::PremiumRate => Self::PremiumRate,
            PhoneNumberType::SharedCost => Self::SharedCost,
            PhoneNumberType::VoIP => Self::Voip,
            PhoneNumberType::PersonalNumber => Self::PersonalNumber,
            PhoneNumberType::Pager => Self::Pager,
            PhoneNumberType::UAN => Self::Uan,
            PhoneNumberType::VoiceMail => Self::Voicemail,
            PhoneNumberType::Unknown => Self::Unknown,
        }
    }
}

/// A possible telephone number in its one normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber {
    /// Calling code and national number, no `+`.
    digits: String,
    calling_code: u16,
    country: Option<Country>,
    kind: NumberKind,
}

/// Why a text is no telephone number. Nobody branches on the reason; the text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    #[error("only digits, spaces, dashes and brackets, with or without a leading + or 00")]
    Characters,
    #[error("at most 15 digits with the country's calling code")]
    Length,
    #[error("not a possible number of its country")]
    Impossible,
}

impl PhoneNumber {
    /// Parses E.164 digits with or without `+` or `00`, with spaces, dashes and brackets anywhere.
    ///
    /// With a `country`, the national format of that country is understood first; not so where it has to begin with a
    /// prefix that is not there, and the digits begin with the country's calling code: 491511234567 in Germany is the
    /// mobile number, not a number behind the area code 04915.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, PhoneNumberError> {
        let (international, digits) = strip(text)?;
        if !international && let Some(number) = country.and_then(|country| Self::national(&digits, country)) {
            return Ok(number);
        }
        if digits.len() > DIGITS_MAX {
            return Err(PhoneNumberError::Length);
        }
        let parsed = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).map_err(|_| PhoneNumberError::Impossible)?;
        Self::if_possible(&parsed).ok_or(PhoneNumberError::Impossible)
    }

    fn national(digits: &str, country: Country) -> Option<Self> {
        let region = country.region()?;
        let parsed = PHONE_NUMBER_UTIL.parse(digits, Some(region)).ok()?;
        let national = PHONE_NUMBER_UTIL.format(&parsed, PhoneNumberFormat::National);
        let is_written_so = national.bytes().filter(u8::is_ascii_digit).eq(digits.bytes());
        if !is_written_so || !PHONE_NUMBER_UTIL.is_valid_number(&parsed) {
            let with_code = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok();
            let same_code = with_code.filter(|number| number.country_code == parsed.country_code);
            if let Some(number) = same_code.filter(|number| PHONE_NUMBER_UTIL.is_valid_number(number)) {
                return Self::if_possible(&number);
            }
        }
        Self::if_possible(&parsed).filter(|number| number.digits.len() <= DIGITS_MAX)
    }

    fn if_possible(parsed: &Parsed) -> Option<Self> {
        let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(parsed).ok()?;
        if length != NumberLengthType::IsPossible {
            return None;
        }
        let calling_code = u16::try_from(parsed.country_code).ok()?;
        let national = parsed.get_national_significant_number();
        let region = PHONE_NUMBER_UTIL
            .get_region_for_number(parsed)
            .or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(parsed.country_code));
        Some(Self {
            digits: format!("{calling_code}{national}"),
            calling_code,
            country: region.and_then(|region| region.as_region_str().parse().ok()),
            kind: ranges::kind_of(calling_code).unwrap_or_else(|| PHONE_NUMBER_UTIL.get_number_type(parsed).into()),
        })
    }

    /// The whole number: digits without `+`.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The number's country; `None` for numbers of no country, such as satellite networks.
    pub fn country(&self) -> Option<Country> {
        self.country
    }

    pub fn kind(&self) -> NumberKind {
        self.kind
    }

    pub fn calling_code(&self) -> u16 {
        self.calling_code
    }

    /// Whether `text` may be this number as a network writes it: with or without calling code, with or without `+`.
    pub fn is_written_as(&self, text: &str) -> bool {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let common = self.digits.len().min(COMMON_DIGITS);
        digits.len() >= common && self.digits[self.digits.len() - common..] == digits[digits.len() - common..]
    }

    /// The calling code and the last two digits: `+44…23`.
    pub fn masked(&self) -> String {
        format!("+{}…{}", self.calling_code, &self.digits[self.digits.len().saturating_sub(2)..])
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Takes separators away. Says whether the number was marked as international.
fn strip(text: &str) -> Result<(bool, String), PhoneNumberError> {
    if text.len() > TEXT_MAX {
        return Err(PhoneNumberError::Length);
    }
    let mut plus = false;
    let mut digits = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '0'..='9' => digits.push(character),
            // Before all digits, also within brackets: (+44).
            '+' if digits.is_empty() && !plus => plus = true,
            ' ' | '\u{a0}' | '-' | '\u{2010}'..='\u{2013}' | '(' | ')' | '[' | ']' => {}
            _ => return Err(PhoneNumberError::Characters),
        }
    }
    match digits.strip_prefix("00") {
        Some(rest) if !plus => Ok((true, rest.to_owned())),
        _ => Ok((plus, digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, country: Option<&str>) -> Result<(String, String, &'static str), PhoneNumberError> {
        let country = country.map(|country| country.parse().expect("a country"));
        let number = PhoneNumber::parse(text, country)?;
        let country = number.country().map_or("-".to_owned(), |country| country.to_string());
        Ok((number.digits().to_owned(), country, number.kind().as_str()))
    }

    fn ok(digits: &str, country: &str, kind: &'static str) -> Result<(String, String, &'static str), PhoneNumberError> {
        Ok((digits.to_owned(), country.to_owned(), kind))
    }

    #[test]
    fn every_way_to_write_a_number_gives_the_same_digits() {
        let expected = ok("420602123456", "CZ", "mobile");
        for text in [
            "420602123456",
            "+420602123456",
            "00420602123456",
            " +420 602 123 456 ",
            "+420 (602) 123-456",
            "+420-602-123-456",
            "[420]602123456",
            "(+420) 602 123 456",
            "(00420) 602 123 456",
            "+420\u{a0}602\u{a0}123\u{2013}456",
        ] {
            assert_eq!(parse(text, None), expected, "{text}");
            assert_eq!(parse(text, Some("CZ")), expected, "{text} with its country");
        }
        assert_eq!(parse("602 123 456", Some("cz")), expected);
        assert_eq!(parse("0151 23456789", Some("DE")), ok("4915123456789", "DE", "mobile"));
        assert_eq!(parse("07400 123456", Some("GB")), ok("447400123456", "GB", "mobile"));
        assert_eq!(parse("(415) 555-2671", Some("US")), ok("14155552671", "US", "fixed_line_or_mobile"));
    }

    #[test]
    fn a_number_with_its_calling_code_stands_beside_its_country() {
        for (text, country) in [("4915112345678", "DE"), ("491701234567", "DE"), ("4366412345678", "AT")] {
            assert_eq!(parse(text, Some(country)), ok(text, country, "mobile"), "{text}");
        }
        assert_eq!(parse("62812345678", Some("ID")), ok("62812345678", "ID", "mobile"));
        assert_eq!(parse("04915 123456", Some("DE")).map(|number| number.0), Ok("494915123456".to_owned()));
        assert_eq!(parse("393 1234567", Some("IT")), ok("393931234567", "IT", "mobile"), "no prefix: national");
    }

    #[test]
    fn every_countrys_mobile_numbers_are_known_with_calling_code_and_in_national_format() {
        let mut seen = 0;
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, PhoneNumberType::Mobile)
            else {
                continue;
            };
            let country: Country = region.as_region_str().parse().expect("a country");
            let expected = format!("{}{}", example.country_code, example.get_national_significant_number());
            let national = PHONE_NUMBER_UTIL.format(&example, PhoneNumberFormat::National);
            let national: String = national.chars().filter(char::is_ascii_digit).collect();
            for text in [&expected, &national] {
                let digits = PhoneNumber::parse(text, Some(country)).map(|number| number.digits().to_owned());
                assert_eq!(digits.as_ref(), Ok(&expected), "{text} in {country}");
            }
            seen += 1;
        }
        assert!(seen > 200, "{seen} countries");
    }

    #[test]
    fn an_international_number_stands_beside_another_country() {
        assert_eq!(parse("+447400123456", Some("US")), ok("447400123456", "GB", "mobile"));
        assert_eq!(parse("447400123456", Some("US")), ok("447400123456", "GB", "mobile"));
        assert_eq!(parse("00447400123456", Some("US")), ok("447400123456", "GB", "mobile"));
    }

    #[test]
    fn a_possible_number_outside_every_known_range_keeps_the_country_of_its_calling_code() {
        assert_eq!(parse("447700900123", None), ok("447700900123", "GB", "unknown"));
    }

    #[test]
    fn numbers_of_no_country_have_none() {
        assert_eq!(parse("+870773111632", None).map(|number| number.1), Ok("-".to_owned()));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        use PhoneNumberError::{Characters, Impossible, Length};
        for (text, expected) in [
            ("", Impossible),
            ("+", Impossible),
            ("00", Impossible),
            ("abc", Characters),
            ("+44 7400 12345x", Characters),
            ("4.47e11", Characters),
            ("447400123456.0", Characters),
            ("++447400123456", Characters),
            ("44+7400123456", Characters),
            ("4474001234567890", Length),
            ("44740", Impossible),
            ("4474001234567", Impossible),
            ("999123456789", Impossible),
            ("0000447400123456", Impossible),
            ("٤٤٧٤٠٠١٢٣٤٥٦", Characters),
            ("447400123456;ext=5", Characters),
        ] {
            assert_eq!(parse(text, None), Err(expected), "{text}");
        }
        assert_eq!(parse(&"4".repeat(1000), None), Err(Length));
        assert_eq!(parse("123", Some("DE")), Err(Impossible));
    }

    #[test]
    fn only_countries_of_iso_3166_1_are_countries() {
        for text in ["", "D", "DEU", "1A", "ZZ", "XX", "UK", "EU", "é"] {
            assert_eq!(text.parse::<Country>(), Err(UnknownCountry), "{text}");
        }
        assert_eq!("de".parse::<Country>().map(|country| country.to_string()), Ok("DE".to_owned()));
        assert_eq!(parse("+447400123456", Some("AQ")), ok("447400123456", "GB", "mobile"));
        assert_eq!(parse("7400123456", Some("AQ")), Err(PhoneNumberError::Impossible));
    }

    #[test]
    fn a_number_is_known_with_and_without_calling_code() {
        let number = PhoneNumber::parse("+4915123456789", None).expect("a number");
        for text in ["4915123456789", "015123456789", "+49 1512 3456789"] {
            assert!(number.is_written_as(text), "{text}");
        }
        for text in ["4915123456780", "789", ""] {
            assert!(!number.is_written_as(text), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_whole_number() {
        let number = PhoneNumber::parse("+447400123456", None).expect("a number");
        assert_eq!(format!("{number:?}"), "+44…56");
    }
}
