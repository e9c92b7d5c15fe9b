//! The alphabets of a short message, read and written for the virtual phone.
//!
//! Written apart from the product's own codec, so that a fault there is seen here. Knows nothing of PDUs.

/// GSM 7-bit default alphabet in code order (3GPP TS 23.038 §6.2.1); the escape stands at 0x1B.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Extension table (3GPP TS 23.038 §6.2.1.1): code after the escape, and character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0c}'),
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

const ESCAPE: u8 = 0x1B;

/// Text of unpacked septets. An escape without a known follower shows as a space, as handsets do.
pub(super) fn from_septets(septets: &[u8]) -> String {
    let mut text = String::new();
    let mut septets = septets.iter().map(|septet| septet & 0x7F);
    while let Some(septet) = septets.next() {
        if septet != ESCAPE {
            text.extend(BASIC.chars().nth(usize::from(septet)));
            continue;
        }
        let code = septets.next();
        let known = EXTENSION.iter().find(|(extended, _)| Some(*extended) == code);
        text.push(known.map_or(' ', |(_, character)| *character));
    }
    text
}

/// Septets of a text, or none if a character is outside the default alphabet and its extension.
pub(super) fn to_septets(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::new();
    for character in text.chars() {
        if let Some(code) = BASIC.chars().position(|basic| basic == character && basic != '\u{1b}') {
            septets.push(u8::try_from(code).ok()?);
        } else {
            let (code, _) = EXTENSION.iter().find(|(_, extended)| *extended == character)?;
            septets.extend([ESCAPE, *code]);
        }
    }
    Some(septets)
}

/// Takes `count` septets out of octets, the first of them after `skip` bits; none if the octets are too few.
pub(super) fn unpack(octets: &[u8], skip: usize, count: usize) -> Option<Vec<u8>> {
    let bit = |position: usize| octets.get(position / 8).map(|octet| octet >> (position % 8) & 1);
    (0..count)
        .map(|septet| (0..7).try_fold(0u8, |value, index| Some(value | bit(skip + septet * 7 + index)? << index)))
        .collect()
}

/// Packs septets into octets, the first of them after `skip` zero bits.
pub(super) fn pack(septets: &[u8], skip: usize) -> Vec<u8> {
    let bits = skip + septets.len() * 7;
    let mut octets = vec![0u8; bits.div_ceil(8)];
    for (number, septet) in septets.iter().enumerate() {
        for index in 0..7 {
            let position = skip + number * 7 + index;
            octets[position / 8] |= (septet >> index & 1) << (position % 8);
        }
    }
    octets
}

/// Text of UCS-2 octets, read as UTF-16 with the high octet first; a lone surrogate shows as U+FFFD.
pub(super) fn from_ucs2(octets: &[u8]) -> String {
    let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

pub(super) fn to_ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Octets of hexadecimal digits; none if the digits are odd in number or something else stands among them.
pub(super) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

pub(super) fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_alphabet_has_128_characters() {
        assert_eq!(BASIC.chars().count(), 128);
        assert_eq!(BASIC.chars().nth(0x1B), Some('\u{1b}'));
        assert_eq!(BASIC.chars().nth(0x40), Some('¡'));
        assert_eq!(BASIC.chars().nth(0x7F), Some('à'));
    }

    #[test]
    fn hellohello_packs_as_in_every_textbook() {
        let packed = pack(&to_septets("hellohello").unwrap(), 0);
        assert_eq!(to_hex(&packed), "E8329BFD4697D9EC37");
    }

    #[test]
    fn the_euro_sign_takes_two_septets() {
        assert_eq!(to_septets("€"), Some(vec![0x1B, 0x65]));
        assert_eq!(to_septets("š"), None);
    }

    proptest! {
        #[test]
        fn packing_and_unpacking_give_the_septets_back(
            septets in prop::collection::vec(0u8..128, 0..160), skip in 0usize..7,
        ) {
            prop_assert_eq!(unpack(&pack(&septets, skip), skip, septets.len()), Some(septets));
        }

        #[test]
        fn any_octets_are_read_without_a_panic(octets in prop::collection::vec(any::<u8>(), 0..50)) {
            from_septets(&octets);
            from_ucs2(&octets);
            from_hex(&octets);
        }
    }
}
