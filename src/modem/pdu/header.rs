//! The user data header (3GPP TS 23.040 §9.2.3.24): what stands in front of a text.
//!
//! An element that makes no sense is ignored, as the standard asks of a receiver; of a repeated one the last counts.

use super::national::Language;

const CONCATENATION_8: u8 = 0x00;
const PORTS_8: u8 = 0x04;
const PORTS_16: u8 = 0x05;
const CONCATENATION_16: u8 = 0x08;
const SINGLE_SHIFT: u8 = 0x24;
const LOCKING_SHIFT: u8 = 0x25;

/// Which part of which long message this is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Concat {
    pub reference: u16,
    /// Whether the reference was written with 16 bits; the same value with 8 bits is another message.
    pub wide: bool,
    /// 1 to 255.
    pub parts: u8,
    /// 1 to `parts`.
    pub part: u8,
}

/// Application ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ports {
    pub destination: u16,
    pub source: u16,
}

/// One information element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    pub identifier: u8,
    pub octets: Vec<u8>,
}

/// The elements of a header, in their order; none if the message has no header.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    pub elements: Vec<Element>,
}

impl Header {
    /// Reads the octets behind the length octet. An element that ends outside the header ends the reading.
    pub(super) fn from_octets(mut octets: &[u8]) -> Self {
        let mut elements = Vec::new();
        while let [identifier, length, rest @ ..] = octets {
            let Some((element, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
            elements.push(Element { identifier: *identifier, octets: element.to_vec() });
            octets = rest;
        }
        Self { elements }
    }

    /// The place in a long message; ignored if the part is none of its parts (§9.2.3.24.1).
    pub fn concat(&self) -> Option<Concat> {
        self.last(|element| {
            let (reference, wide, parts, part) = match (element.identifier, element.octets.as_slice()) {
                (CONCATENATION_8, &[reference, parts, part]) => (u16::from(reference), false, parts, part),
                (CONCATENATION_16, &[high, low, parts, part]) => (u16::from_be_bytes([high, low]), true, parts, part),
                _ => return None,
            };
            (1..=parts).contains(&part).then_some(Concat { reference, wide, parts, part })
        })
    }

    pub fn ports(&self) -> Option<Ports> {
        self.last(|element| match (element.identifier, element.octets.as_slice()) {
            (PORTS_8, &[destination, source]) => {
                Some(Ports { destination: u16::from(destination), source: u16::from(source) })
            }
            (PORTS_16, &[high, low, source_high, source_low]) => Some(Ports {
                destination: u16::from_be_bytes([high, low]),
                source: u16::from_be_bytes([source_high, source_low]),
            }),
            _ => None,
        })
    }

    /// The language whose table replaces the default alphabet.
    pub fn locking_shift(&self) -> Option<Language> {
        self.language(LOCKING_SHIFT)
    }

    /// The language whose table replaces the extension table.
    pub fn single_shift(&self) -> Option<Language> {
        self.language(SINGLE_SHIFT)
    }

    fn language(&self, wanted: u8) -> Option<Language> {
        self.last(|element| match (element.identifier, element.octets.as_slice()) {
            (identifier, &[language]) if identifier == wanted => Language::from_identifier(language),
            _ => None,
        })
    }

    fn last<T>(&self, read: impl Fn(&Element) -> Option<T>) -> Option<T> {
        self.elements.iter().rev().find_map(read)
    }
}

/// The header of one part of a long message, its length octet included.
pub(super) fn concatenation(concat: Concat) -> Vec<u8> {
    let Concat { reference, wide, parts, part } = concat;
    let [high, low] = reference.to_be_bytes();
    if wide {
        vec![6, CONCATENATION_16, 4, high, low, parts, part]
    } else {
        vec![5, CONCATENATION_8, 3, low, parts, part]
    }
}

/// The octets of [`concatenation`]: a wide reference takes one more.
pub(super) fn concatenation_octets(wide: bool) -> usize {
    if wide { 7 } else { 6 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concat(octets: &[u8]) -> Option<Concat> {
        Header::from_octets(octets).concat()
    }

    #[test]
    fn both_sizes_of_reference_are_read() {
        let narrow = Concat { reference: 0xAB, wide: false, parts: 3, part: 2 };
        assert_eq!(concat(&[0x00, 3, 0xAB, 3, 2]), Some(narrow));
        let wide = Concat { reference: 0x01AB, wide: true, parts: 3, part: 3 };
        assert_eq!(concat(&[0x08, 4, 0x01, 0xAB, 3, 3]), Some(wide));
        for written in [narrow, wide] {
            let octets = concatenation(written);
            assert_eq!(octets.len(), concatenation_octets(written.wide));
            assert_eq!((usize::from(octets[0]), concat(&octets[1..])), (octets.len() - 1, Some(written)));
        }
    }

    #[test]
    fn a_part_that_is_none_of_its_parts_is_ignored() {
        for octets in [[0x00, 3, 1, 0, 0], [0x00, 3, 1, 2, 0], [0x00, 3, 1, 2, 3], [0x00, 3, 1, 0, 1]] {
            assert_eq!(concat(&octets), None, "{octets:?}");
        }
        assert_eq!(concat(&[0x00, 2, 1, 2]), None);
    }

    #[test]
    fn of_repeated_elements_the_last_counts() {
        let header = Header::from_octets(&[0x24, 1, 1, 0x70, 2, 9, 9, 0x24, 1, 3, 0x25, 1, 13]);
        assert_eq!((header.single_shift(), header.locking_shift()), (Some(Language::Portuguese), Some(Language::Urdu)));
        assert_eq!(header.elements.len(), 4);
    }

    #[test]
    fn ports_are_read_in_both_sizes() {
        let ports = |octets: &[u8]| Header::from_octets(octets).ports();
        assert_eq!(ports(&[0x05, 4, 0x0B, 0x84, 0x23, 0xF0]), Some(Ports { destination: 2948, source: 9200 }));
        assert_eq!(ports(&[0x04, 2, 240, 241]), Some(Ports { destination: 240, source: 241 }));
    }

    #[test]
    fn an_element_that_ends_outside_the_header_is_left_out() {
        let header = Header::from_octets(&[0x24, 1, 1, 0x00, 3, 1, 2]);
        assert_eq!(header.elements.len(), 1);
        assert_eq!(Header::from_octets(&[0x00]), Header::default());
    }
}
