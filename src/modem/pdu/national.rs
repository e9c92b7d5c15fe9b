//! The national language tables of the 7-bit alphabet (3GPP TS 23.038 Annex A), for reading only.
//!
//! A header's locking shift replaces the default alphabet, its single shift the extension table. No text leaves this
//! house under them: too many phones show rubbish.
//!
//! The scripts of India and Urdu share one layout. Codes of a fixed frame are Latin; the others are letters of one
//! Unicode block, given as their offsets from its beginning in order of code: two hexadecimal digits each, `..`
//! where the standard leaves a gap.

use super::gsm7::{self, table};

/// A language by its national language identifier (3GPP TS 23.038 §6.2.1.2.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Language {
    Turkish,
    Spanish,
    Portuguese,
    Bengali,
    Gujarati,
    Hindi,
    Kannada,
    Malayalam,
    Oriya,
    Punjabi,
    Tamil,
    Telugu,
    Urdu,
}

impl Language {
    /// The language of an identifier; nothing for a reserved one, which then means the default tables.
    pub fn from_identifier(identifier: u8) -> Option<Self> {
        const ALL: [Language; 13] = [
            Language::Turkish,
            Language::Spanish,
            Language::Portuguese,
            Language::Bengali,
            Language::Gujarati,
            Language::Hindi,
            Language::Kannada,
            Language::Malayalam,
            Language::Oriya,
            Language::Punjabi,
            Language::Tamil,
            Language::Telugu,
            Language::Urdu,
        ];
        ALL.get(usize::from(identifier.checked_sub(1)?)).copied()
    }

    fn tables(self) -> Tables {
        match self {
            Self::Turkish => Tables::Latin { locking: Some(&TURKISH), single: &TURKISH_SINGLE },
            Self::Spanish => Tables::Latin { locking: None, single: &SPANISH_SINGLE },
            Self::Portuguese => Tables::Latin { locking: Some(&PORTUGUESE), single: &PORTUGUESE_SINGLE },
            Self::Bengali => Tables::Script(&BENGALI),
            Self::Gujarati => Tables::Script(&GUJARATI),
            Self::Hindi => Tables::Script(&HINDI),
            Self::Kannada => Tables::Script(&KANNADA),
            Self::Malayalam => Tables::Script(&MALAYALAM),
            Self::Oriya => Tables::Script(&ORIYA),
            Self::Punjabi => Tables::Script(&PUNJABI),
            Self::Tamil => Tables::Script(&TAMIL),
            Self::Telugu => Tables::Script(&TELUGU),
            Self::Urdu => Tables::Script(&URDU),
        }
    }
}

/// The tables of one language.
enum Tables {
    /// A locking shift table of its own, or the default alphabet; what the single shift adds to the extension table.
    Latin {
        locking: Option<&'static [char; 128]>,
        single: &'static [(u8, char)],
    },
    Script(&'static Script),
}

/// The character of a code under a locking shift; nothing where the default alphabet holds. A gap in a table reads as
/// a space.
pub(super) fn locking(language: Language, code: u8) -> Option<char> {
    match language.tables() {
        Tables::Latin { locking, .. } => locking?.get(usize::from(code)).copied(),
        Tables::Script(script) => Some(frame(code).or_else(|| script.letter(code)).unwrap_or(' ')),
    }
}

/// The character of a code behind an escape under a single shift; nothing for a gap.
pub(super) fn single(language: Language, code: u8) -> Option<char> {
    match language.tables() {
        Tables::Latin { single, .. } => gsm7::find(single, code).or_else(|| gsm7::find(&gsm7::EXTENSION, code)),
        Tables::Script(script) => extension_frame(code).or_else(|| script.extension(code)),
    }
}

static TURKISH: [char; 128] = table(concat!(
    "@£$¥€éùıòÇ\nĞğ\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\u{1B}ŞşßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "İABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "çabcdefghijklmno",
    "pqrstuvwxyzäöñüà",
));

static PORTUGUESE: [char; 128] = table(concat!(
    "@£$¥êéúíóç\nÔô\rÁá",
    "Δ_ªÇÀ∞^\\€Ó|\u{1B}ÂâÊÉ",
    " !\"#º%&'()*+,-./",
    "0123456789:;<=>?",
    "ÍABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÃÕÚÜ§",
    "~abcdefghijklmno",
    "pqrstuvwxyzãõ`üà",
));

// What the single shift tables have beside the default extension table.

const TURKISH_SINGLE: [(u8, char); 7] =
    [(0x47, 'Ğ'), (0x49, 'İ'), (0x53, 'Ş'), (0x63, 'ç'), (0x67, 'ğ'), (0x69, 'ı'), (0x73, 'ş')];

const SPANISH_SINGLE: [(u8, char); 9] = [
    (0x09, 'ç'),
    (0x41, 'Á'),
    (0x49, 'Í'),
    (0x4F, 'Ó'),
    (0x55, 'Ú'),
    (0x61, 'á'),
    (0x69, 'í'),
    (0x6F, 'ó'),
    (0x75, 'ú'),
];

#[rustfmt::skip]
const PORTUGUESE_SINGLE: [(u8, char); 27] = [
    (0x05, 'ê'), (0x09, 'ç'), (0x0B, 'Ô'), (0x0C, 'ô'), (0x0E, 'Á'), (0x0F, 'á'), (0x12, 'Φ'), (0x13, 'Γ'), (0x15, 'Ω'),
    (0x16, 'Π'), (0x17, 'Ψ'), (0x18, 'Σ'), (0x19, 'Θ'), (0x1F, 'Ê'), (0x41, 'À'), (0x49, 'Í'), (0x4F, 'Ó'), (0x55, 'Ú'),
    (0x5B, 'Ã'), (0x5C, 'Õ'), (0x61, 'Â'), (0x69, 'í'), (0x6F, 'ó'), (0x75, 'ú'), (0x7B, 'ã'), (0x7C, 'õ'), (0x7F, 'â'),
];

/// The tables of one script: offsets into a Unicode block.
struct Script {
    block: u32,
    locking: &'static str,
    single: &'static str,
}

impl Script {
    fn letter(&self, code: u8) -> Option<char> {
        let index = (0..code).filter(|code| frame(*code).is_none() && *code != gsm7::ESCAPE).count();
        self.at(self.locking, index)
    }

    fn extension(&self, code: u8) -> Option<char> {
        let places = [0x19..=0x1A, 0x1C..=0x27, 0x2A..=0x2E, 0x30..=0x3B, 0x3F..=0x3F];
        let index = places.into_iter().flatten().position(|place| place == code)?;
        self.at(self.single, index)
    }

    fn at(&self, offsets: &str, index: usize) -> Option<char> {
        let offset = offsets.get(2 * index..2 * index + 2)?;
        match offset {
            // The dandas of all scripts of India are those of Devanagari (The Unicode Standard, §12.1).
            "64" => Some('\u{0964}'),
            "65" => Some('\u{0965}'),
            _ => char::from_u32(self.block + u32::from_str_radix(offset, 16).ok()?),
        }
    }
}

/// The Latin codes that the locking shift tables of all scripts share.
fn frame(code: u8) -> Option<char> {
    match code {
        b'\n' | b'\r' | b' ' | b'!' | b',' | b'.' | b'0'..=b';' | b'?' | b'a'..=b'z' => Some(char::from(code)),
        0x28 => Some(')'),
        0x29 => Some('('),
        _ => None,
    }
}

/// The Latin codes that the single shift tables of all scripts share.
fn extension_frame(code: u8) -> Option<char> {
    static BEGINNING: [char; 25] = table("@£$¥¿\"¤%&'\u{0C}*+\r-/<=>¡^¡_#*");
    match code {
        0x00..=0x18 => BEGINNING.get(usize::from(code)).copied(),
        b'A'..=b'Z' => Some(char::from(code)),
        _ => gsm7::find(&gsm7::EXTENSION, code),
    }
}

const BENGALI: Script = Script {
    block: 0x0980,
    locking: concat!(
        "01020305060708090a0b0c....0f10....131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30..32......363738393c3d3e3f40414243",
        "44....4748....4b4c4d4e575c5d7071",
    ),
    single: "666768696a6b6c6d6e6f5f6061626372737475767778797a",
};
const GUJARATI: Script = Script {
    block: 0x0A80,
    locking: concat!(
        "01020305060708090a0b0c0d..0f1011..131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30..3233..35363738393c3d3e3f40414243",
        "4445..474849..4b4c4d506061626371",
    ),
    single: "6465666768696a6b6c6d6e6f",
};
const HINDI: Script = Script {
    block: 0x0900,
    locking: concat!(
        "01020305060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021",
        "22232425262728292a2b2c2d2e2f303132333435363738393c3d3e3f40414243",
        "4445464748494a4b4c4d50727b7c7e7f",
    ),
    single: "6465666768696a6b6c6d6e6f5152535458595a5b5c5d5e5f606162637071",
};
const KANNADA: Script = Script {
    block: 0x0C80,
    locking: concat!(
        "..020305060708090a0b0c..0e0f10..12131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30313233..35363738393c3d3e3f40414243",
        "44..464748..4a4b4c4d555660616263",
    ),
    single: "6465666768696a6b6c6d6e6f5e7172",
};
const MALAYALAM: Script = Script {
    block: 0x0D00,
    locking: concat!(
        "..020305060708090a0b0c..0e0f10..12131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30313233343536373839..3d3e3f40414243",
        "44..464748..4a4b4c4d576061626379",
    ),
    single: "6465666768696a6b6c6d6e6f7071727374757a7b7c7d7e7f",
};
const ORIYA: Script = Script {
    block: 0x0B00,
    locking: concat!(
        "01020305060708090a0b0c....0f10....131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30..3233..35363738393c3d3e3f40414243",
        "44....4748....4b4c4d565760616263",
    ),
    single: "6465666768696a6b6c6d6e6f5c5d5f7071",
};
const PUNJABI: Script = Script {
    block: 0x0A00,
    locking: concat!(
        "01020305060708090a........0f10....131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30..3233..3536..38393c..3e3f404142..",
        "......4748....4b4c4d517071727374",
    ),
    single: "6465666768696a6b6c6d6e6f595a5b5c5e75",
};
const TAMIL: Script = Script {
    block: 0x0B80,
    locking: concat!(
        "..020305060708090a......0e0f10..12131415......191a..1c..1e1f....",
        "..2324......28292a......2e2f30313233343536373839....3e3f404142..",
        "....464748..4a4b4c4d505770717279",
    ),
    single: "6465666768696a6b6c6d6e6f7374757677787a",
};
const TELUGU: Script = Script {
    block: 0x0C00,
    locking: concat!(
        "01020305060708090a0b0c..0e0f10..12131415161718191a1b1c1d1e1f2021",
        "22232425262728..2a2b2c2d2e2f30313233..3536373839..3d3e3f40414243",
        "44..464748..4a4b4c4d555660616263",
    ),
    single: "....666768696a6b6c6d6e6f585978797a7b7c7d7e7f",
};
const URDU: Script = Script {
    block: 0x0600,
    locking: concat!(
        "2722287b807ea62ac27f797d7a7c2b2c8184838586872d2e2f8c88898a8f8d30",
        "319193993296989a333435363738394142a9aaabafb3b1444546babbbc48c4d5",
        "c1be21ccd0d24d504f57545551535670",
    ),
    single: "0001f0f1f2f3f4f5f6f7f8f90c0d0e0f10111213141b1f4052586b6c7273cdd4",
};
#[cfg(test)]
mod tests {
    use super::*;

    fn read(septets: &[u8], language: u8) -> String {
        let language = Language::from_identifier(language);
        gsm7::decode(septets, language, language)
    }

    /// All codes of a locking shift table, the escape left out.
    fn locking_table(language: u8) -> String {
        (0..128).filter(|code| *code != gsm7::ESCAPE).map(|code| read(&[code], language)).collect()
    }

    /// All codes that a single shift table has of its own, beside the shared Latin ones.
    fn single_table(language: u8) -> String {
        let language = Language::from_identifier(language).unwrap();
        (0..128).filter(|code| extension_frame(*code).is_none()).filter_map(|code| single(language, code)).collect()
    }

    #[test]
    fn turkish_spanish_and_portuguese_have_their_letters() {
        assert_eq!(read(&[0x40, 0x73, 0x74, 0x61, 0x6E, 0x62, 0x75, 0x6C, 0x1B, 0x65], 1), "İstanbul€");
        assert_eq!(read(&[0x07, 0x1C, 0x1D, 0x60, 0x1B, 0x69], 1), "ıŞşçı");
        assert_eq!(read(&[0x1B, 0x41, 0x1B, 0x09, 0x1B, 0x75, 0x09], 2), "ÁçúÇ");
        assert_eq!(read(&[0x53, 0x7B, 0x6F, 0x20, 0x09, 0x1B, 0x1F, 0x1B, 0x5C, 0x15], 3), "São çÊÕ∞");
    }

    #[test]
    fn a_reserved_language_means_the_default_alphabet() {
        assert_eq!(read(&[0x00, 0x60, 0x1B, 0x65], 14), "@¿€");
        assert_eq!(Language::from_identifier(0), None);
    }

    #[test]
    fn every_script_fills_its_tables() {
        for identifier in 4..=13 {
            let language = Language::from_identifier(identifier).unwrap();
            let Tables::Script(script) = language.tables() else { panic!("{language:?} is a script") };
            assert_eq!(script.locking.len(), 160, "{language:?}");
            assert!(script.single.len() <= 64, "{language:?}");
            assert_eq!(locking_table(identifier).chars().count(), 127, "{language:?}");
        }
    }

    #[test]
    fn hindi_reads_as_the_standard_prints_it() {
        assert_eq!(
            locking_table(6).replace(['\n', '\r'], ""),
            concat!(
                "\u{901}\u{902}\u{903}अआइईउऊऋऌऍऎएऐऑऒओऔकखगघङचछजझञ !टठडढणत)(थद,ध.न0123456789:;ऩपफ?बभमयरऱलळऴवशषसह",
                "\u{93C}\u{93D}\u{93E}\u{93F}\u{940}\u{941}\u{942}\u{943}\u{944}\u{945}\u{946}\u{947}\u{948}",
                "\u{949}\u{94A}\u{94B}\u{94C}\u{94D}\u{950}abcdefghijklmnopqrstuvwxyzॲॻॼॾॿ",
            )
        );
        assert_eq!(
            single_table(6),
            concat!(
                "।॥०१२३४५६७८९\u{951}\u{952}\u{953}\u{954}\u{958}\u{959}\u{95A}",
                "\u{95B}\u{95C}\u{95D}\u{95E}\u{95F}\u{960}\u{961}\u{962}\u{963}\u{970}\u{971}",
            )
        );
    }

    #[test]
    fn urdu_reads_in_both_tables() {
        assert_eq!(read(&[0x4D, 0x00, 0x00, 0x56, 0x53, 0x25], 13), "\u{644}\u{627}\u{627}\u{6C1}\u{648}\u{631}");
        assert_eq!(read(&[0x1B, 0x1C, 0x1B, 0x3F, 0x7F], 13), "\u{6F0}\u{6D4}\u{670}");
        assert_eq!(single_table(13).chars().count(), 32);
    }

    #[test]
    fn a_gap_reads_as_a_space_or_as_the_main_table_has_it() {
        assert_eq!(read(&[0x0C, 0x15], 4), " \u{995}");
        assert_eq!(read(&[0x1B, 0x6B, 0x1B, 0x35], 4), "k5");
    }
}
