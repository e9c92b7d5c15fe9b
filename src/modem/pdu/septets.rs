//! Septets packed into octets, low bits first (3GPP TS 23.038 §6.1.2.1).
//!
//! Text behind a header begins at a septet boundary, counted from the beginning of the user data: `fill_bits` zero bits
//! stand between the header and the first septet (3GPP TS 23.040 §9.2.3.24).

/// The fill bits behind a header of `header_octets` octets, its length octet included: 0 to 6.
pub(super) fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets * 8 % 7) % 7
}

/// How many septets of the user data `header_octets` octets and their fill bits take up.
pub(super) fn header_septets(header_octets: usize) -> usize {
    (header_octets * 8).div_ceil(7)
}

/// Packs septets behind `fill_bits` zero bits; the last octet is filled with zero bits.
pub(super) fn pack(septets: &[u8], fill_bits: usize) -> Vec<u8> {
    if septets.is_empty() {
        return Vec::new();
    }
    let mut octets = vec![0; (fill_bits + 7 * septets.len()).div_ceil(8)];
    for (index, &septet) in septets.iter().enumerate() {
        let bit = fill_bits + 7 * index;
        let shifted = u16::from(septet & 0x7F) << (bit % 8);
        let [low, high] = shifted.to_le_bytes();
        octets[bit / 8] |= low;
        if high != 0 {
            octets[bit / 8 + 1] |= high;
        }
    }
    octets
}

/// Unpacks `count` septets, or as many as are wholly there.
pub(super) fn unpack(octets: &[u8], fill_bits: usize, count: usize) -> Vec<u8> {
    let whole = (octets.len() * 8).saturating_sub(fill_bits) / 7;
    (0..count.min(whole))
        .map(|index| {
            let bit = fill_bits + 7 * index;
            let low = octets[bit / 8];
            let high = octets.get(bit / 8 + 1).copied().unwrap_or(0);
            (u16::from_le_bytes([low, high]) >> (bit % 8)) as u8 & 0x7F
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn eight_septets_take_seven_octets() {
        // "hellohello" of many introductions to the SMS PDU format.
        assert_eq!(pack(b"hellohello", 0), [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
        assert_eq!(unpack(&[0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37], 0, 10), b"hellohello");
    }

    #[test]
    fn a_concatenation_header_is_followed_by_one_fill_bit() {
        assert_eq!((fill_bits(6), header_septets(6)), (1, 7));
        assert_eq!((fill_bits(7), header_septets(7)), (0, 8));
        assert_eq!(pack(&[0x7F], 1), [0xFE]);
        assert_eq!(pack(&[0x7F], 6), [0xC0, 0x1F]);
    }

    proptest! {
        #[test]
        fn unpacking_gives_back_what_was_packed(septets in prop::collection::vec(0u8..128, 0..200), fill in 0usize..7) {
            prop_assert_eq!(unpack(&pack(&septets, fill), fill, septets.len()), septets);
        }

        #[test]
        fn no_octets_and_no_count_break_the_unpacking(octets: Vec<u8>, fill in 0usize..7, count in 0usize..300) {
            prop_assert!(unpack(&octets, fill, count).len() <= count);
        }
    }
}
