//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1).
//!
//! Encoding uses these two tables alone: every phone reads them. Decoding knows the national tables of [`super::national`]
//! besides. A septet that no table explains is shown as the standard says, and never refused.

use super::national::{self, Language};

pub(super) const ESCAPE: u8 = 0x1B;

/// The default alphabet, in the order of its codes. U+001B stands at the place of the escape.
pub(super) static DEFAULT: [char; 128] = table(concat!(
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\u{1B}ÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
));

/// The extension table: what an escape and a code mean together.
pub(super) const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// One character as septets: the second one is the code behind an escape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Septets {
    One(u8),
    Escaped(u8),
}

/// The septets of a character, or nothing if the alphabet lacks it.
pub(super) fn encode(character: char) -> Option<Septets> {
    if character == char::from(ESCAPE) {
        return None;
    }
    if let Some(code) = DEFAULT.iter().position(|candidate| *candidate == character) {
        return u8::try_from(code).ok().map(Septets::One);
    }
    EXTENSION.iter().find(|(_, candidate)| *candidate == character).map(|(code, _)| Septets::Escaped(*code))
}

/// The text of septets, under the tables that a header has chosen.
///
/// A code that the extension table lacks shows as in the main table, a doubled escape as a space (3GPP TS 23.038
/// §6.2.1.1, notes), an escape at the very end not at all: its other half is in the next part.
pub(super) fn decode(septets: &[u8], locking: Option<Language>, single: Option<Language>) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut codes = septets.iter().map(|septet| septet & 0x7F);
    while let Some(code) = codes.next() {
        if code != ESCAPE {
            text.push(main(code, locking));
            continue;
        }
        match codes.next() {
            None => {}
            Some(ESCAPE) => text.push(' '),
            Some(code) => text.push(extension(code, single).unwrap_or_else(|| main(code, locking))),
        }
    }
    text
}

fn main(code: u8, language: Option<Language>) -> char {
    language.and_then(|language| national::locking(language, code)).unwrap_or(DEFAULT[usize::from(code)])
}

fn extension(code: u8, language: Option<Language>) -> Option<char> {
    if let Some(language) = language {
        return national::single(language, code);
    }
    find(&EXTENSION, code)
}

/// The character of a code in a list of pairs.
pub(super) fn find(pairs: &[(u8, char)], code: u8) -> Option<char> {
    pairs.iter().find(|(candidate, _)| *candidate == code).map(|(_, character)| *character)
}

/// The characters of a string literal as a table; a literal of another length does not compile.
pub(super) const fn table<const N: usize>(literal: &str) -> [char; N] {
    let octets = literal.as_bytes();
    let mut table = [' '; N];
    let (mut from, mut to) = (0, 0);
    while from < octets.len() {
        let (length, mut scalar) = match octets[from] {
            first @ 0x00..=0x7F => (1, first as u32),
            first @ 0x80..=0xDF => (2, (first & 0x1F) as u32),
            first => (3, (first & 0x0F) as u32),
        };
        let end = from + length;
        from += 1;
        while from < end {
            scalar = scalar << 6 | (octets[from] & 0x3F) as u32;
            from += 1;
        }
        table[to] = char::from_u32(scalar).expect("no character here takes four octets");
        to += 1;
    }
    assert!(to == N, "a table has as many characters as codes");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn septets(text: &str) -> Vec<u8> {
        text.chars()
            .flat_map(|character| match encode(character).unwrap() {
                Septets::One(code) => vec![code],
                Septets::Escaped(code) => vec![ESCAPE, code],
            })
            .collect()
    }

    #[test]
    fn the_default_alphabet_has_one_character_a_code() {
        for code in (0..128).filter(|code| *code != ESCAPE) {
            assert_eq!(encode(DEFAULT[usize::from(code)]), Some(Septets::One(code)), "code {code:#04x}");
        }
    }

    #[test]
    fn landmarks_of_the_default_alphabet_stand_where_the_standard_puts_them() {
        assert_eq!(septets("@$\n\r_ Aa§àΔ"), [0x00, 0x02, 0x0A, 0x0D, 0x11, 0x20, 0x41, 0x61, 0x5F, 0x7F, 0x10]);
        assert_eq!(septets("€[]"), [0x1B, 0x65, 0x1B, 0x3C, 0x1B, 0x3E]);
    }

    #[test]
    fn characters_outside_the_alphabet_have_no_septets() {
        for character in ['ç', 'š', 'ő', '’', '`', '\t', '\u{1B}', 'α', 'Α', '😁', '\0'] {
            assert_eq!(encode(character), None, "{character:?}");
        }
    }

    #[test]
    fn odd_escapes_read_as_the_standard_says() {
        assert_eq!(decode(&[0x1B, 0x1B, 0x41], None, None), " A");
        assert_eq!(decode(&[0x1B, 0x41], None, None), "A");
        assert_eq!(decode(&[0x41, 0x1B], None, None), "A");
        assert_eq!(decode(&[0x1B, 0x0D], None, None), "\r");
    }

    #[test]
    fn decoding_gives_back_every_character_of_the_alphabet() {
        let text: String =
            DEFAULT.iter().copied().filter(|c| *c != '\u{1B}').chain(EXTENSION.iter().map(|(_, c)| *c)).collect();
        assert_eq!(decode(&septets(&text), None, None), text);
    }
}
