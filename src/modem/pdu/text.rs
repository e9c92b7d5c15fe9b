//! An outgoing text: its alphabet and its parts.
//!
//! GSM 7-bit if every character fits, else UCS-2. A part never ends inside a character: neither between an escape and
//! its code nor between two surrogates.

use super::coding::Alphabet;
use super::gsm7::{self, Septets};

/// The parts of a message that its header can count.
pub(super) const PARTS_MAX: usize = 255;

/// What one part holds: septets of GSM 7-bit, octets of UCS-2. A header of six octets takes seven septets.
struct Room {
    alone: usize,
    in_several: usize,
}

/// A text cut into parts; each holds septets or octets as its alphabet has it.
pub(super) struct Parts {
    pub(super) alphabet: Alphabet,
    pub(super) parts: Vec<Vec<u8>>,
}

/// The alphabet that a text is sent in.
pub fn alphabet_of(text: &str) -> Alphabet {
    if text.chars().all(|character| gsm7::encode(character).is_some()) { Alphabet::Gsm7 } else { Alphabet::Ucs2 }
}

/// How many messages a text costs: 160, then 153 septets each; or 70, then 67 UTF-16 units each.
pub fn part_count(text: &str) -> usize {
    split(text).parts.len()
}

/// Whether a text goes out as one message.
pub fn fits_one_part(text: &str) -> bool {
    part_count(text) == 1
}

pub(super) fn split(text: &str) -> Parts {
    let alphabet = alphabet_of(text);
    let room = match alphabet {
        Alphabet::Gsm7 => Room { alone: 160, in_several: 153 },
        Alphabet::EightBit | Alphabet::Ucs2 => Room { alone: 140, in_several: 134 },
    };
    let characters = text.chars().map(|character| units(character, alphabet));
    let whole: Vec<u8> = characters.clone().flatten().collect();
    if whole.len() <= room.alone {
        return Parts { alphabet, parts: vec![whole] };
    }
    let mut parts = vec![Vec::with_capacity(room.in_several)];
    for units in characters {
        match parts.last_mut() {
            Some(part) if part.len() + units.len() <= room.in_several => part.extend(units),
            _ => parts.push(units),
        }
    }
    Parts { alphabet, parts }
}

fn units(character: char, alphabet: Alphabet) -> Vec<u8> {
    match (alphabet, gsm7::encode(character)) {
        (Alphabet::Gsm7, Some(Septets::One(code))) => vec![code],
        (Alphabet::Gsm7, Some(Septets::Escaped(code))) => vec![gsm7::ESCAPE, code],
        _ => character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths(text: &str) -> Vec<usize> {
        split(text).parts.iter().map(Vec::len).collect()
    }

    #[test]
    fn one_character_decides_the_alphabet() {
        assert_eq!(alphabet_of("Ihr PIN lautet 1234. Grüße € {}"), Alphabet::Gsm7);
        assert_eq!(alphabet_of(""), Alphabet::Gsm7);
        assert_eq!(alphabet_of("Váš kód je 1234"), Alphabet::Ucs2);
        assert_eq!(alphabet_of("code 1234 ✓"), Alphabet::Ucs2);
    }

    #[test]
    fn parts_are_as_long_as_the_standard_allows() {
        let cases = [
            ("a", 160, vec![160]),
            ("a", 161, vec![153, 8]),
            ("a", 306, vec![153, 153]),
            ("a", 307, vec![153, 153, 1]),
            ("€", 80, vec![160]),
            ("€", 153, vec![152, 152, 2]),
            ("я", 70, vec![140]),
            ("я", 71, vec![134, 8]),
            ("я", 134, vec![134, 134]),
            ("😁", 35, vec![140]),
            ("😁", 36, vec![132, 12]),
            ("", 1, vec![0]),
        ];
        for (character, count, expected) in cases {
            assert_eq!(lengths(&character.repeat(count)), expected, "{count} of {character}");
        }
    }

    #[test]
    fn an_escape_pair_moves_to_the_next_part_whole() {
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(20));
        assert_eq!(lengths(&text), [152, 22]);
        let text = format!("{}😁{}", "я".repeat(66), "я".repeat(20));
        assert_eq!(lengths(&text), [132, 44]);
    }

    #[test]
    fn a_pin_message_is_one_part_in_either_alphabet() {
        assert!(fits_one_part("Your Acme PIN is 1234"));
        assert!(fits_one_part("Váš kód Acme je 1234"));
        assert!(!fits_one_part(&"x".repeat(161)));
    }

    proptest! {
        #[test]
        fn no_part_is_too_long_or_ends_inside_a_character(text in ".{0,400}") {
            let parts = split(&text);
            let limit = match (parts.alphabet, parts.parts.len()) {
                (Alphabet::Gsm7, 1) => 160,
                (Alphabet::Gsm7, _) => 153,
                (_, 1) => 140,
                _ => 134,
            };
            for part in &parts.parts {
                prop_assert!(part.len() <= limit);
                match parts.alphabet {
                    Alphabet::Gsm7 => prop_assert_ne!(part.last(), Some(&gsm7::ESCAPE)),
                    _ => {
                        let units: Vec<u16> = part.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                        prop_assert!(String::from_utf16(&units).is_ok());
                    }
                }
            }
        }
    }
}
