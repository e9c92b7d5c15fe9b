//! Octets as a modem writes them: pairs of hexadecimal digits.

use super::error::{DecodeError, Reason};

/// An SMS-DELIVER takes 175 octets at most; a longer line is no PDU, and is not worth memory.
const OCTETS_MAX: usize = 512;

/// Upper case, as every modem takes it.
pub(super) fn to_hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0x0F)]);
    octets.iter().flat_map(|&octet| [digit(octet >> 4), digit(octet)]).collect()
}

/// Either case, blanks and line ends around it ignored.
pub(super) fn from_hex(text: &str) -> Result<Vec<u8>, DecodeError> {
    let digits = text.trim().as_bytes();
    if digits.len() > 2 * OCTETS_MAX {
        return Err(DecodeError { field: "PDU", offset: OCTETS_MAX, reason: Reason::TooLong });
    }
    octets(digits, "PDU")
}

/// The octets of digits that are those of `field`.
pub(super) fn octets(digits: &[u8], field: &'static str) -> Result<Vec<u8>, DecodeError> {
    let pairs = digits.chunks(2).enumerate();
    pairs.map(|(offset, pair)| octet(pair).map_err(|reason| DecodeError { field, offset, reason })).collect()
}

fn octet(pair: &[u8]) -> Result<u8, Reason> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(Reason::NotHex);
    pair.iter().try_fold(0, |value, next| Ok(value << 4 | digit(*next)?)).and_then(|value| match pair {
        [_, _] => Ok(value),
        _ => Err(Reason::HalfOctet),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_are_read_and_upper_case_is_written() {
        assert_eq!(from_hex(" 00fFaB\r\n").unwrap(), [0x00, 0xFF, 0xAB]);
        assert_eq!(to_hex(&[0x00, 0xFF, 0xAB]), "00FFAB");
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused_with_its_place() {
        let error = |text| from_hex(text).unwrap_err().to_string();
        assert_eq!(error("00F"), "PDU at octet 1: one hexadecimal digit, and the other one of the octet is missing");
        assert_eq!(error("00g"), "PDU at octet 1: not a pair of hexadecimal digits");
        assert_eq!(error("0x00"), "PDU at octet 0: not a pair of hexadecimal digits");
        assert_eq!(error("00+1"), "PDU at octet 1: not a pair of hexadecimal digits");
        assert_eq!(error("00é"), "PDU at octet 1: not a pair of hexadecimal digits");
        assert_eq!(error(&"0".repeat(1026)), "PDU at octet 512: longer than any PDU can be");
    }
}
