//! The user data of a message, TP-UD (3GPP TS 23.040 §9.2.3.24): header, alphabet and content.
//!
//! Kept as septets or octets until the text is asked for, so that a character which a sender cut in two at the end of
//! a part is whole again once the parts are joined. `Debug` must never show the content.

use std::fmt;

use super::coding::{Alphabet, Coding};
use super::error::{DecodeError, Reason};
use super::gsm7;
use super::header::Header;
use super::reader::Reader;
use super::septets;

/// TP-UDHI, a bit of the first octet: the user data begins with a header.
pub(super) const HEADER_INDICATOR: u8 = 0x40;

#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    pub alphabet: Alphabet,
    pub header: Header,
    /// Septets, one in each octet, if the alphabet is GSM 7-bit; else octets as they came.
    pub content: Vec<u8>,
}

impl Body {
    /// The text; nothing if the content is 8-bit data. What cannot be read becomes U+FFFD.
    pub fn text(&self) -> Option<String> {
        match self.alphabet {
            Alphabet::Gsm7 => {
                Some(gsm7::decode(&self.content, self.header.locking_shift(), self.header.single_shift()))
            }
            Alphabet::Ucs2 => Some(from_utf16(&self.content)),
            Alphabet::EightBit => None,
        }
    }

    /// The text of the parts of one message, in their order; nothing if none of them holds text.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<String> {
        let mut text: Option<String> = None;
        let mut run: Option<Self> = None;
        for part in parts {
            match &mut run {
                Some(run) if run.continues_in(part) => run.content.extend(&part.content),
                _ => {
                    append(&mut text, run.take());
                    run = Some(part.clone());
                }
            }
        }
        append(&mut text, run);
        text
    }

    /// Reads TP-UDL and TP-UD. Octets behind the announced length are left alone; one that is missing is an error, for
    /// a PIN without its last digit is worse than none.
    pub(super) fn read(reader: &mut Reader<'_>, coding: Coding, has_header: bool) -> Result<Self, DecodeError> {
        let length = usize::from(reader.octet("TP-UDL")?);
        let alphabet = coding.alphabet;
        let start = reader.clone();
        let octets = match alphabet {
            Alphabet::Gsm7 => reader.take(octets_of_septets(reader, length, has_header), "TP-UD")?,
            Alphabet::EightBit | Alphabet::Ucs2 => reader.take(length, "TP-UD")?,
        };
        let header_octets = if has_header { octets.first().map_or(1, |length| usize::from(*length) + 1) } else { 0 };
        let Some((header, content)) = octets.split_at_checked(header_octets) else {
            return Err(start.error("TP-UDHL", Reason::HeaderTooLong));
        };
        let content = match alphabet {
            Alphabet::Gsm7 => {
                let count = length.saturating_sub(septets::header_septets(header_octets));
                septets::unpack(content, septets::fill_bits(header_octets), count)
            }
            Alphabet::EightBit | Alphabet::Ucs2 => content.to_vec(),
        };
        let header = header.get(1..).map(Header::from_octets).unwrap_or_default();
        Ok(Self { alphabet, header, content })
    }

    fn continues_in(&self, next: &Self) -> bool {
        self.alphabet == next.alphabet
            && self.header.locking_shift() == next.header.locking_shift()
            && self.header.single_shift() == next.header.single_shift()
    }
}

/// The octets that `length` septets take up. Behind a header and no text nobody needs the fill bits, and some senders
/// leave them out.
fn octets_of_septets(reader: &Reader<'_>, length: usize, has_header: bool) -> usize {
    let header = reader.clone().octet("TP-UDHL").map_or(0, |octets| usize::from(octets) + 1);
    if has_header && length == septets::header_septets(header) { header } else { (length * 7).div_ceil(8) }
}

fn append(text: &mut Option<String>, run: Option<Body>) {
    if let Some(more) = run.and_then(|run| run.text()) {
        text.get_or_insert_default().push_str(&more);
    }
}

fn from_utf16(octets: &[u8]) -> String {
    let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("alphabet", &self.alphabet)
            .field("header", &self.header.elements.len())
            .field("content", &self.content.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::pdu::hex::from_hex;

    fn read(hex: &str, coding: u8, has_header: bool) -> Result<Body, DecodeError> {
        Body::read(&mut Reader::new(&from_hex(hex).unwrap()), Coding::from_octet(coding), has_header)
    }

    fn text(hex: &str, coding: u8, has_header: bool) -> String {
        read(hex, coding, has_header).unwrap().text().unwrap()
    }

    #[test]
    fn each_alphabet_is_read() {
        assert_eq!(text("0AE8329BFD4697D9EC37", 0x00, false), "hellohello");
        assert_eq!(text("06004100DF20AC", 0x08, false), "Aß€");
        assert_eq!(text("04D83DDE01", 0x08, false), "😁");
        assert_eq!(read("03010203", 0x04, false).unwrap().text(), None);
        assert_eq!(read("03010203", 0x04, false).unwrap().content, [1, 2, 3]);
        assert_eq!(text("00", 0x00, false), "");
    }

    #[test]
    fn a_text_behind_a_header_begins_at_a_septet() {
        assert_eq!(text("090500030102010031", 0x00, true), "@1");
        assert_eq!(text("07050003010202", 0x00, true), "", "no text, and no octet for its fill bits");
        assert_eq!(text("080500030102010041", 0x08, true), "A");
    }

    #[test]
    fn lengths_that_are_a_little_wrong_are_tolerated() {
        assert_eq!(text("0AE8329BFD4697D9EC3700FF", 0x00, false), "hellohello", "octets behind the end");
        assert_eq!(text("050041004200", 0x08, false), "AB", "half a unit at the end");
    }

    #[test]
    fn a_text_without_its_last_octet_loses_no_character_silently() {
        let error = read("0AE8329BFD4697D9EC", 0x00, false).unwrap_err();
        assert_eq!((error.field, error.offset, error.reason), ("TP-UD", 1, Reason::Truncated { missing: 1 }));
    }

    #[test]
    fn a_header_longer_than_its_user_data_is_an_error() {
        let error = read("0305000301", 0x04, true).unwrap_err();
        assert_eq!(error.to_string(), "TP-UDHL at octet 1: the header is longer than the user data that holds it");
    }

    #[test]
    fn characters_cut_between_parts_are_whole_again_when_joined() {
        let gsm7 =
            |content: &[u8]| Body { alphabet: Alphabet::Gsm7, header: Header::default(), content: content.to_vec() };
        let ucs2 = |content: &[u8]| Body { alphabet: Alphabet::Ucs2, ..gsm7(content) };
        assert_eq!(Body::join([&gsm7(&[0x41, 0x1B]), &gsm7(&[0x65, 0x42])]).unwrap(), "A€B");
        assert_eq!(Body::join([&ucs2(&[0xD8, 0x3D]), &ucs2(&[0xDE, 0x01])]).unwrap(), "😁");
        assert_eq!(Body::join([&gsm7(&[0x41]), &ucs2(&[0x00, 0x42])]).unwrap(), "AB");
        assert_eq!(Body::join([]), None);
    }

    #[test]
    fn debug_shows_no_content() {
        let body = read("0AE8329BFD4697D9EC37", 0x00, false).unwrap();
        assert_eq!(format!("{body:?}"), "Body { alphabet: Gsm7, header: 0, content: 10 }");
    }
}
