//! The texts that come with the program: one file a language, which an operator may also copy and change.

use crate::verification::Language;

macro_rules! files {
    ($($tag:literal)*) => {
        [$(($tag, include_str!(concat!("../../../config/messages/", $tag, ".toml")))),*]
    };
}

const FILES: [(&str, &str); 47] = files![
    "ar-xa" "bg-bg" "cs-cz" "cy-cy" "cy-gb" "da-dk" "de-de" "ee-et" "el-gr" "en-au" "en-gb" "en-in" "en-us" "es-es"
    "es-mx" "es-us" "fi-fi" "fil-ph" "fr-ca" "fr-fr" "ga-ie" "hi-in" "hu-hu" "id-id" "is-is" "it-it" "ja-jp" "ko-kr"
    "lt-lt" "lv-lv" "mt-mt" "nb-no" "nl-nl" "pl-pl" "pt-br" "pt-pt" "ro-ro" "ru-ru" "sk-sk" "sl-si" "sv-se" "th-th"
    "tr-tr" "vi-vn" "yue-cn" "zh-cn" "zh-tw"
];

/// The file of a language.
pub(super) fn file(language: Language) -> &'static str {
    let found = FILES.iter().find(|(tag, _)| *tag == language.as_str());
    found.expect("every language has a file").1
}
