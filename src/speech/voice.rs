//! Which of espeak-ng's voices speaks a language, and which word stands for a digit where the figure would be misread.

use crate::verification::Language;

/// By language, in the order of their tags. None: espeak-ng does not speak it, so the call is in English.
const VOICES: [(&str, Option<&str>); 47] = [
    ("ar-xa", Some("ar")),
    ("bg-bg", Some("bg")),
    ("cs-cz", Some("cs")),
    ("cy-cy", Some("cy")),
    ("cy-gb", Some("cy")),
    ("da-dk", Some("da")),
    ("de-de", Some("de")),
    ("ee-et", Some("et")),
    ("el-gr", Some("el")),
    ("en-au", Some("en-gb")),
    ("en-gb", Some("en-gb")),
    ("en-in", Some("en-gb")),
    ("en-us", Some("en-us")),
    ("es-es", Some("es")),
    ("es-mx", Some("es-419")),
    ("es-us", Some("es-419")),
    ("fi-fi", Some("fi")),
    ("fil-ph", None),
    ("fr-ca", Some("fr-fr")),
    ("fr-fr", Some("fr-fr")),
    ("ga-ie", Some("ga")),
    ("hi-in", Some("hi")),
    ("hu-hu", Some("hu")),
    ("id-id", Some("id")),
    ("is-is", Some("is")),
    ("it-it", Some("it")),
    ("ja-jp", Some("ja")),
    ("ko-kr", Some("ko")),
    ("lt-lt", Some("lt")),
    ("lv-lv", Some("lv")),
    ("mt-mt", Some("mt")),
    ("nb-no", Some("nb")),
    ("nl-nl", Some("nl")),
    ("pl-pl", Some("pl")),
    ("pt-br", Some("pt-br")),
    ("pt-pt", Some("pt")),
    ("ro-ro", Some("ro")),
    ("ru-ru", Some("ru")),
    ("sk-sk", Some("sk")),
    ("sl-si", Some("sl")),
    ("sv-se", Some("sv")),
    ("th-th", Some("th")),
    ("tr-tr", Some("tr")),
    ("vi-vn", Some("vi")),
    ("yue-cn", Some("yue")),
    // `cmn` spells the pinyin that it makes of the characters with the names of English letters.
    ("zh-cn", Some("cmn-latn-pinyin")),
    ("zh-tw", Some("cmn-latn-pinyin")),
];

/// What is said instead of a digit: where the figure alone is read with a word that a telephone blurs, or read wrongly.
const WORDS: [(&str, char, &str); 17] = [
    // espeak-ng reads the figure with a vowel that Welsh lacks.
    ("cy-cy", '1', "un"),
    ("cy-gb", '1', "un"),
    // On the telephone: shi, shichi and ichi are too much alike, and ku is short.
    ("ja-jp", '0', "ぜろ"),
    ("ja-jp", '1', "いち"),
    ("ja-jp", '2', "に"),
    ("ja-jp", '3', "さん"),
    ("ja-jp", '4', "よん"),
    ("ja-jp", '5', "ご"),
    ("ja-jp", '7', "なな"),
    ("ja-jp", '8', "はち"),
    ("ja-jp", '9', "きゅう"),
    // As telephone numbers are read.
    ("ko-kr", '0', "공"),
    // Of a figure alone it makes ir, chir and par.
    ("ko-kr", '1', "일"),
    ("ko-kr", '7', "칠"),
    ("ko-kr", '8', "팔"),
    // espeak-ng says something that is no Maltese.
    ("mt-mt", '9', "disgħa"),
    // yāo, as numbers are read out on the mainland: yī and qī are too much alike.
    ("zh-cn", '1', "幺"),
];

/// The language that espeak-ng speaks in for one that was asked for, and its voice.
pub(super) fn espeak_ng(language: Language) -> (Language, &'static str) {
    match named(language) {
        Some(voice) => (language, voice),
        None => (Language::ENGLISH, named(Language::ENGLISH).unwrap_or("en-us")),
    }
}

/// What a synthesiser is given for a digit.
pub(super) fn digit(language: Language, digit: char) -> String {
    let word = WORDS.iter().find(|(tag, figure, _)| *tag == language.as_str() && *figure == digit);
    word.map_or_else(|| digit.to_string(), |(_, _, word)| (*word).to_owned())
}

fn named(language: Language) -> Option<&'static str> {
    VOICES.iter().find(|(tag, _)| *tag == language.as_str()).and_then(|(_, voice)| *voice)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    #[test]
    fn every_language_stands_in_the_table_once() {
        let all: BTreeSet<_> = Language::all().map(Language::as_str).collect();
        let listed: Vec<_> = VOICES.iter().map(|(tag, _)| *tag).collect();
        assert!(listed.is_sorted());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), all);
        assert!(WORDS.iter().all(|(tag, digit, _)| all.contains(tag) && digit.is_ascii_digit()));
    }

    #[test]
    fn espeak_ng_has_every_voice_and_lacks_the_languages_that_speak_english() {
        let listed = Command::new("espeak-ng").arg("--voices").output().expect("espeak-ng is installed");
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        // Priority, language, age and gender, name, file …
        let voices: BTreeSet<_> = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
        for (tag, voice) in VOICES {
            match voice {
                Some(voice) => assert!(voices.contains(voice), "{tag}: espeak-ng has no voice {voice}"),
                None => {
                    let own = tag.split('-').next().expect("a language");
                    assert!(!voices.contains(own), "{tag}: espeak-ng does speak it");
                }
            }
        }
    }

    #[test]
    fn what_espeak_ng_lacks_it_speaks_in_english() {
        let of = |tag: &str| espeak_ng(tag.parse().expect("a language"));
        assert_eq!(of("fil-ph"), (Language::ENGLISH, "en-us"));
        assert_eq!(of("en-au"), ("en-au".parse().expect("a language"), "en-gb"));
    }

    #[test]
    fn a_digit_is_given_as_a_figure_or_as_the_word_of_the_telephone() {
        let of =
            |tag: &str| ('0'..='9').map(|figure| digit(tag.parse().expect("a language"), figure)).collect::<String>();
        assert_eq!(of("de-de"), "0123456789");
        assert_eq!(of("ko-kr"), "공일23456칠팔9");
        assert_eq!(of("ja-jp"), "ぜろいちにさんよんご6ななはちきゅう");
    }
}
