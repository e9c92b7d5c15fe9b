//! Languages of SMS and speech, as the Nexmo Verify API names them.

use std::fmt;
use std::str::FromStr;

use super::country_languages::COUNTRIES;
use crate::phone::Country;

/// The values of `lg`, in lower case.
pub const LANGUAGES: [&str; 39] = [
    "ar-xa", "cs-cz", "cy-cy", "cy-gb", "da-dk", "de-de", "el-gr", "en-au", "en-gb", "en-in", "en-us", "es-es",
    "es-mx", "es-us", "fi-fi", "fil-ph", "fr-ca", "fr-fr", "hi-in", "hu-hu", "id-id", "is-is", "it-it", "ja-jp",
    "ko-kr", "nb-no", "nl-nl", "pl-pl", "pt-br", "pt-pt", "ro-ro", "ru-ru", "sv-se", "th-th", "tr-tr", "vi-vn",
    "yue-cn", "zh-cn", "zh-tw",
];

/// The further values that PSD2 requests take.
pub const PSD2_LANGUAGES: [&str; 8] = ["bg-bg", "ee-et", "ga-ie", "lv-lv", "lt-lt", "mt-mt", "sk-sk", "sl-si"];

/// One of [`LANGUAGES`] or [`PSD2_LANGUAGES`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language of the API, such as en-us")]
pub struct UnknownLanguage;

impl Language {
    pub const ENGLISH: Self = Self("en-us");
    pub const BRITISH_ENGLISH: Self = Self("en-gb");

    /// Every language, those of PSD2 requests last.
    pub fn all() -> impl Iterator<Item = Self> {
        LANGUAGES.into_iter().chain(PSD2_LANGUAGES).map(Self)
    }

    /// The language that most people in a country read; none where the API has no language for it.
    pub fn of_country(country: Country) -> Option<Self> {
        let is_there = |countries: &str| countries.split(' ').any(|code| code == country.as_str());
        COUNTRIES.iter().find(|(_, countries)| is_there(countries)).map(|(language, _)| Self(language))
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Only PSD2 requests may ask for it.
    pub fn is_psd2_only(self) -> bool {
        PSD2_LANGUAGES.contains(&self.0)
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Any case.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        Self::all().find(|language| language.0.eq_ignore_ascii_case(text)).ok_or(UnknownLanguage)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn countries() -> impl Iterator<Item = Country> {
        let codes = (b'A'..=b'Z').flat_map(|first| (b'A'..=b'Z').map(move |second| [first, second]));
        codes.filter_map(|code| std::str::from_utf8(&code).ok()?.parse().ok())
    }

    #[test]
    fn a_country_has_the_language_that_is_read_there() {
        let tell = |code: &str| {
            let country = code.parse().expect("a country");
            format!("{code} {}", Language::of_country(country).map_or("-", Language::as_str))
        };
        let codes =
            ["DE", "AT", "CH", "BE", "GB", "IE", "US", "CA", "AU", "IN", "MX", "ES", "BR", "PT", "HK", "TW", "CN"];
        insta::assert_snapshot!(codes.map(tell).join(", "), @"DE de-de, AT de-de, CH de-de, BE nl-nl, GB en-gb, IE en-gb, US en-us, CA en-us, AU en-au, IN en-in, MX es-mx, ES es-es, BR pt-br, PT pt-pt, HK yue-cn, TW zh-tw, CN zh-cn");
        insta::assert_snapshot!(["BG", "SK", "UA", "MY", "PH", "IL", "IR", "GE"].map(tell).join(", "), @"BG en-gb, SK en-gb, UA en-gb, MY en-gb, PH en-us, IL -, IR -, GE -");
    }

    #[test]
    fn the_table_names_languages_that_every_request_may_have_and_countries_that_numbers_have() {
        let mut seen = BTreeSet::new();
        for (language, list) in COUNTRIES {
            assert!(LANGUAGES.contains(&language), "{language}");
            for code in list.split(' ') {
                assert!(code.parse::<Country>().is_ok_and(|country| country.as_str() == code), "{code:?}");
                assert!(seen.insert(code), "{code} stands once");
            }
        }
        let missing: Vec<_> =
            countries().filter(|country| Language::of_country(*country).is_none()).map(|c| c.to_string()).collect();
        insta::assert_snapshot!(missing.join(" "), @"AF AM AQ AZ BT BV ET GE GS HM IL IR KH LA MM MN NP PN TF TJ TM UM UZ");
    }

    #[test]
    fn a_language_is_known_in_any_case() {
        assert_eq!("EN-us".parse::<Language>(), Ok(Language::ENGLISH));
        assert_eq!("xx-yy".parse::<Language>(), Err(UnknownLanguage));
        assert_eq!("en".parse::<Language>(), Err(UnknownLanguage));
        assert!("sk-sk".parse::<Language>().is_ok_and(Language::is_psd2_only));
    }
}
