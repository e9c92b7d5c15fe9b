//! The validity period, TP-VP (3GPP TS 23.040 §9.2.3.12): how long the network keeps trying.
//!
//! Going out it is always relative, one octet: the form that every modem takes.

use std::time::Duration;

use super::error::DecodeError;
use super::reader::Reader;
use super::timestamp::{NetworkTime, swapped_decimal};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A validity period, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validity {
    /// From the moment when the service centre takes the message.
    Relative(Duration),
    Absolute(NetworkTime),
}

/// The octet of the longest period that is not longer than `period`, so that the network never delivers what its
/// sender no longer wants. Nothing is shorter than five minutes, octet 0.
pub(super) fn relative_octet(period: Duration) -> u8 {
    (0..=u8::MAX).rev().find(|octet| relative_period(*octet) <= period).unwrap_or(0)
}

/// The period of a relative octet: 5 minutes to 63 weeks.
pub(super) fn relative_period(octet: u8) -> Duration {
    let value = u64::from(octet);
    Duration::from_secs(match octet {
        0..=143 => (value + 1) * 5 * MINUTE,
        144..=167 => 12 * HOUR + (value - 143) * 30 * MINUTE,
        168..=196 => (value - 166) * DAY,
        197..=255 => (value - 192) * 7 * DAY,
    })
}

/// Reads the period in the format that bits 4 and 3 of a SUBMIT's first octet name; what it says may be nothing.
pub(super) fn read(reader: &mut Reader<'_>, first_octet: u8) -> Result<Option<Validity>, DecodeError> {
    match first_octet >> 3 & 0x03 {
        0 => Ok(None),
        1 => Ok(enhanced(reader.array("TP-VP")?)),
        2 => Ok(Some(Validity::Relative(relative_period(reader.octet("TP-VP")?)))),
        _ => Ok(NetworkTime::from_octets(reader.array("TP-VP")?).map(Validity::Absolute)),
    }
}

/// The enhanced format: a functionality indicator, perhaps continued by further ones, then a value by its low bits.
fn enhanced(octets: [u8; 7]) -> Option<Validity> {
    let extensions = octets.iter().take_while(|octet| **octet & 0x80 != 0).count();
    let value = |index: usize| octets.get(extensions + 1 + index).copied();
    let seconds = match octets[0] & 0x07 {
        1 => relative_period(value(0)?).as_secs(),
        2 => u64::from(value(0)?),
        3 => {
            let decimal = |index| value(index).and_then(swapped_decimal).map(u64::from);
            decimal(0)? * HOUR + decimal(1)? * MINUTE + decimal(2)?
        }
        _ => return None,
    };
    Some(Validity::Relative(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::modem::pdu::hex::from_hex;

    fn read_hex(hex: &str, format: u8) -> Option<Validity> {
        read(&mut Reader::new(&from_hex(hex).unwrap()), format << 3).unwrap()
    }

    #[test]
    fn the_octets_of_the_standard_have_their_periods() {
        let minutes =
            [(0, 5), (11, 60), (143, 720), (144, 750), (167, 1440), (168, 2880), (196, 43_200), (255, 635_040)];
        for (octet, minutes) in minutes {
            assert_eq!(relative_period(octet), Duration::from_secs(minutes * 60), "octet {octet}");
        }
    }

    #[test]
    fn a_period_is_rounded_down() {
        let seconds =
            [(0, 0), (299, 0), (300, 0), (599, 0), (600, 1), (3600, 11), (86_399, 166), (86_400, 167), (u64::MAX, 255)];
        for (seconds, octet) in seconds {
            assert_eq!(relative_octet(Duration::from_secs(seconds)), octet, "{seconds} s");
        }
    }

    #[test]
    fn every_format_is_read() {
        let relative = |seconds| Some(Validity::Relative(Duration::from_secs(seconds)));
        assert_eq!(read_hex("", 0), None);
        assert_eq!(read_hex("A5", 2), relative(23 * HOUR));
        let Some(Validity::Absolute(time)) = read_hex("71801311124523", 3) else { panic!("an absolute period") };
        assert_eq!(time.to_string(), "2017-08-31T11:21:54+08:00");
        assert_eq!(read_hex("00000000000000", 1), None);
        assert_eq!(read_hex("01010000000000", 1), relative(600));
        assert_eq!(read_hex("42FF0000000000", 1), relative(255));
        assert_eq!(read_hex("03302154000000", 1), relative(3 * HOUR + 12 * MINUTE + 45));
        assert_eq!(read_hex("8200FF00000000", 1), relative(255));
        assert_eq!(read_hex("07012D54000000", 1), None);
        assert_eq!(read_hex("FFFFFFFFFFFFFF", 1), None);
    }

    proptest! {
        #[test]
        fn a_message_never_outlives_the_period_asked_for(seconds in 300u64..100_000_000) {
            let asked = Duration::from_secs(seconds);
            prop_assert!(relative_period(relative_octet(asked)) <= asked);
        }
    }
}
