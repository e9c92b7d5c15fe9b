//! An outgoing text: its alphabet and its parts.
//!
//! GSM 7-bit if every character fits, else UCS-2. A part never ends inside a character: neither between an escape and
//! its code nor between two surrogates.

use super::coding::Alphabet;
use super::gsm7::{self, Septets};
use super::header;
use super::septets;

/// The parts of a message that its header can count.
pub(super) const PARTS_MAX: usize = 255;

/// What one part holds: septets of GSM 7-bit, octets of the others.
struct Room {
    alone: usize,
    in_several: usize,
}

impl Room {
    /// `wide`: the parts of a long message have a 16-bit reference.
    fn of(alphabet: Alphabet, wide: bool) -> Self {
        let header = header::concatenation_octets(wide);
        match alphabet {
            Alphabet::Gsm7 => Self { alone: 160, in_several: 160 - septets::header_septets(header) },
            Alphabet::EightBit | Alphabet::Ucs2 => Self { alone: 140, in_several: 140 - header },
        }
    }
}

/// A message cut into parts; each holds septets or octets as its alphabet has it.
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
    split(text, false).parts.len()
}

/// Whether a text goes out as one message.
pub fn fits_one_part(text: &str) -> bool {
    part_count(text) == 1
}

/// Cuts a text. `wide`: its parts have a 16-bit reference.
pub(super) fn split(text: &str, wide: bool) -> Parts {
    let alphabet = alphabet_of(text);
    let room = Room::of(alphabet, wide);
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

/// Cuts 8-bit data.
pub(super) fn split_octets(octets: &[u8], wide: bool) -> Parts {
    let alphabet = Alphabet::EightBit;
    let room = Room::of(alphabet, wide);
    let parts = if octets.len() <= room.alone {
        vec![octets.to_vec()]
    } else {
        octets.chunks(room.in_several).map(<[u8]>::to_vec).collect()
    };
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
        split(text, false).parts.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_wide_reference_takes_its_room_from_the_text() {
        let lengths = |text: &str| split(text, true).parts.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&"a".repeat(160)), [160]);
        assert_eq!(lengths(&"a".repeat(305)), [152, 152, 1]);
        assert_eq!(lengths(&"я".repeat(133)), [132, 132, 2]);
    }

    #[test]
    fn octets_are_cut_where_a_part_is_full() {
        let lengths = |count, wide| split_octets(&vec![7; count], wide).parts.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(0, false), [0]);
        assert_eq!(lengths(140, false), [140]);
        assert_eq!(lengths(141, false), [134, 7]);
        assert_eq!(lengths(267, true), [133, 133, 1]);
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
            let parts = split(&text, false);
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
