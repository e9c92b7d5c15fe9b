//! Languages of SMS and speech, as the Nexmo Verify API names them.

use std::fmt;
use std::str::FromStr;

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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(&'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language of the API, such as en-us")]
pub struct UnknownLanguage;

impl Language {
    pub const ENGLISH: Self = Self("en-us");
    pub const BRITISH_ENGLISH: Self = Self("en-gb");

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
        LANGUAGES
            .iter()
            .chain(&PSD2_LANGUAGES)
            .find(|language| language.eq_ignore_ascii_case(text))
            .map(|language| Self(language))
            .ok_or(UnknownLanguage)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_in_any_case() {
        assert_eq!("EN-us".parse::<Language>(), Ok(Language::ENGLISH));
        assert_eq!("xx-yy".parse::<Language>(), Err(UnknownLanguage));
        assert_eq!("en".parse::<Language>(), Err(UnknownLanguage));
        assert!("sk-sk".parse::<Language>().is_ok_and(Language::is_psd2_only));
    }
}
