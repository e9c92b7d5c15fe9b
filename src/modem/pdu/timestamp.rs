//! The time stamps of a service centre (3GPP TS 23.040 §9.2.3.11): local time and its distance from UTC.
//!
//! Networks send nonsense here now and then. It never costs the message: an unreadable time is an absent one.

use std::fmt;

/// Seven swapped decimal octets, read: a valid date and time of day, to the second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NetworkTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Local time minus UTC, in quarters of an hour.
    offset_quarters: i8,
}

impl NetworkTime {
    /// Reads the seven octets; nothing if they are no date, no time of day or no distance from UTC.
    ///
    /// Years 70 to 99 are of the 20th century.
    pub fn from_octets(octets: [u8; 7]) -> Option<Self> {
        let [year, month, day, hour, minute, second, offset] = octets;
        let year = u16::from(swapped_decimal(year)?);
        let time = Self {
            year: if year < 70 { 2000 + year } else { 1900 + year },
            month: swapped_decimal(month)?,
            day: swapped_decimal(day)?,
            hour: swapped_decimal(hour)?,
            minute: swapped_decimal(minute)?,
            second: swapped_decimal(second)?,
            offset_quarters: quarters(offset)?,
        };
        time.is_valid().then_some(time)
    }

    /// Milliseconds since 1970-01-01 00:00:00 UTC.
    pub fn as_unix_millis(&self) -> i64 {
        let days = days_from_civil(i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        (days * 86_400 + seconds - i64::from(self.offset_quarters) * 900) * 1000
    }

    fn is_valid(&self) -> bool {
        let leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }
}

/// RFC 3339, in the local time that the network gave.
impl fmt::Display for NetworkTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, offset_quarters } = self;
        let sign = if *offset_quarters < 0 { '-' } else { '+' };
        let minutes = u32::from(offset_quarters.unsigned_abs()) * 15;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Two decimal digits, the first one in the low half.
pub(super) fn swapped_decimal(octet: u8) -> Option<u8> {
    let (tens, units) = (octet & 0x0F, octet >> 4);
    (tens < 10 && units < 10).then_some(tens * 10 + units)
}

/// As [`swapped_decimal`], with the sign in the highest bit of the first digit.
fn quarters(octet: u8) -> Option<i8> {
    let quarters = i8::try_from(swapped_decimal(octet & !0x08)?).ok()?;
    Some(if octet & 0x08 != 0 { -quarters } else { quarters })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::pdu::hex::from_hex;

    fn read(hex: &str) -> Option<NetworkTime> {
        NetworkTime::from_octets(from_hex(hex).unwrap().try_into().unwrap())
    }

    #[test]
    fn time_stamps_read_with_their_zone() {
        let cases = [
            ("07101010203000", "1970-01-01T01:02:03+00:00", 3_723_000),
            ("99211332959518", "1999-12-31T23:59:59-00:15", 946_685_699_000),
            ("00211332959510", "2000-12-31T23:59:59+00:15", 978_306_299_000),
            ("71801311124523", "2017-08-31T11:21:54+08:00", 1_504_149_714_000),
            ("42209200000000", "2024-02-29T00:00:00+00:00", 1_709_164_800_000),
            ("5221013154424A", "2025-12-10T13:45:24-06:00", 1_765_395_924_000),
        ];
        for (hex, text, millis) in cases {
            let time = read(hex).unwrap();
            assert_eq!((time.to_string().as_str(), time.as_unix_millis()), (text, millis), "{hex}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let cases = [
            "A1801311124500",
            "718013111245A0",
            "00000000000000",
            "FFFFFFFFFFFFFF",
            "52209200000000",
            "71801342124523",
        ];
        for hex in cases {
            assert_eq!(read(hex), None, "{hex}");
        }
    }
}
