//! The end of a certificate's validity (RFC 5280 §4.1.2.5), read from its DER. Pure.
//!
//! Reads one field and believes nothing else: whether a certificate is good is for clients to judge.

use crate::clock::Timestamp;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed: the version.
const VERSION: u8 = 0xa0;

/// `None` if the field is not where a certificate has it.
pub fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (to_be_signed, _) = element(certificate, SEQUENCE)?;
    let rest = element(to_be_signed, VERSION).map_or(to_be_signed, |(_, rest)| rest);
    let (_serial_number, rest) = element(rest, INTEGER)?;
    let (_signature, rest) = element(rest, SEQUENCE)?;
    let (_issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_not_before, rest) = time(validity)?;
    Some(time(rest)?.0)
}

/// The content of the first element, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    if first != tag {
        return None;
    }
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        // The length itself has a length: four octets are 4 GiB.
        0x81..=0x84 => {
            let (octets, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    if let Some((text, rest)) = element(der, UTC_TIME) {
        let year = decimal(text.get(..2)?)?;
        let century = if year < 50 { 2000 } else { 1900 };
        return Some((date_time(century + year, text.get(2..)?)?, rest));
    }
    let (text, rest) = element(der, GENERALIZED_TIME)?;
    Some((date_time(decimal(text.get(..4)?)?, text.get(4..)?)?, rest))
}

fn date_time(year: i64, text: &[u8]) -> Option<Timestamp> {
    let (digits, b"Z") = text.split_at_checked(10)? else { return None };
    let field = |at: usize| decimal(&digits[at..at + 2]);
    Timestamp::from_date_time([year, field(0)?, field(2)?], [field(4)?, field(6)?, field(8)?])
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::daemon::tls::tests::certificate_until;

    #[test]
    fn the_end_is_found_in_either_form_of_a_date() {
        let cases = [
            ((2026, 11, 30), "2026-11-30 00:00:00"),
            ((2049, 12, 31), "2049-12-31 00:00:00"),
            ((2050, 1, 1), "2050-01-01 00:00:00"),
            ((9999, 12, 31), "9999-12-31 00:00:00"),
        ];
        for ((year, month, day), expected) in cases {
            let (certificate, _) = certificate_until(year, month, day);
            assert_eq!(not_after(certificate.der()).expect("an end").to_date_time(), expected);
        }
    }

    #[test]
    fn a_certificate_that_is_cut_off_has_no_end() {
        let (certificate, _) = certificate_until(2026, 11, 30);
        for length in 0..certificate.der().len() {
            assert_eq!(not_after(&certificate.der()[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = not_after(&bytes);
        }

        #[test]
        fn a_damaged_certificate_is_read_without_panic(at: prop::sample::Index, octet: u8) {
            let (certificate, _) = certificate_until(2026, 11, 30);
            let mut der = certificate.der().to_vec();
            let at = at.index(der.len());
            der[at] = octet;
            let _ = not_after(&der);
        }
    }
}
