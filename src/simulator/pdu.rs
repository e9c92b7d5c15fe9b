//! The few TPDUs that pass between the modem and its network: SMS-SUBMIT read, SMS-DELIVER and SMS-STATUS-REPORT
//! written (3GPP TS 23.040 §9.2).
//!
//! Reads strictly, so that a sloppy sender is told by `+CMS ERROR: 304`. Must not use the product's own codec.

use super::text;

/// Octets of user data that fit one message (3GPP TS 23.040 §9.2.3.24).
const USER_DATA_MAX: usize = 140;
const INTERNATIONAL: u8 = 0x91;
const UNKNOWN: u8 = 0x81;
const ALPHANUMERIC: u8 = 0xD0;

/// One part of a long message (3GPP TS 23.040 §9.2.3.24.1 and §9.2.3.24.8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Concatenation {
    pub reference: u16,
    pub parts: u8,
    pub part: u8,
}

/// What the modem's owner asks the network to send.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Submit {
    /// With `+` where the type of address is international.
    pub number: String,
    pub text: String,
    pub wants_report: bool,
    pub has_validity: bool,
    pub concatenation: Option<Concatenation>,
}

/// Octets with the part that names the service centre in front, and the length that AT commands speak of: without it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pdu {
    octets: Vec<u8>,
    pub length: usize,
}

impl Pdu {
    pub(super) fn new(octets: Vec<u8>) -> Self {
        let centre = 1 + usize::from(octets.first().copied().unwrap_or(0));
        Self { length: octets.len().saturating_sub(centre), octets }
    }

    pub(super) fn hex(&self) -> String {
        text::to_hex(&self.octets)
    }
}

/// Reads a PDU as it follows the prompt; `length` is the number that the command announced, in octets.
pub(super) fn read_submit(octets: &[u8], length: usize) -> Result<Submit, &'static str> {
    let mut reader = Reader { octets };
    let centre = usize::from(reader.octet("service centre length")?);
    reader.take(centre, "service centre")?;
    if reader.octets.len() != length {
        return Err("announced length differs from the octets that came");
    }
    let first = reader.octet("first octet")?;
    if first & 0x03 != 0x01 {
        return Err("message type is not SUBMIT");
    }
    reader.octet("message reference")?;
    let number = read_address(&mut reader)?;
    reader.octet("protocol identifier")?;
    let alphabet = Alphabet::of_coding(reader.octet("data coding scheme")?)?;
    let validity_octets = match first >> 3 & 0x03 {
        0 => 0,
        2 => 1,
        _ => 7,
    };
    reader.take(validity_octets, "validity period")?;
    let user_data_length = usize::from(reader.octet("user data length")?);
    let (text, concatenation) = read_user_data(reader.octets, user_data_length, alphabet, first & 0x40 != 0)?;
    Ok(Submit { number, text, wants_report: first & 0x20 != 0, has_validity: validity_octets > 0, concatenation })
}

/// The PDU of a text-mode message, for storages that are read in PDU mode.
pub(super) fn write_submit(submit: &Submit) -> Pdu {
    let mut octets = vec![0, if submit.wants_report { 0x21 } else { 0x01 }, 0];
    octets.extend(write_address(&submit.number));
    octets.push(0);
    let (coding, length, body) = match text::to_septets(&submit.text) {
        Some(septets) => (0x00, septets.len(), text::pack(&septets, 0)),
        None => {
            let body = text::to_ucs2(&submit.text);
            (0x08, body.len(), body)
        }
    };
    octets.extend([coding, u8::try_from(length).unwrap_or(u8::MAX)]);
    octets.extend(body);
    Pdu::new(octets)
}

/// A message on its way to the modem.
pub(super) struct Deliver<'a> {
    pub sender: &'a str,
    pub text: &'a str,
    pub concatenation: Option<Concatenation>,
    /// Seven octets, see [`timestamp`].
    pub timestamp: [u8; 7],
    pub centre: &'a str,
}

pub(super) fn write_deliver(deliver: &Deliver) -> Pdu {
    let header: Vec<u8> = deliver.concatenation.map_or(Vec::new(), |concatenation| {
        vec![5, 0, 3, concatenation.reference.to_be_bytes()[1], concatenation.parts, concatenation.part]
    });
    let mut octets = write_centre(deliver.centre);
    octets.push(if header.is_empty() { 0x04 } else { 0x44 });
    octets.extend(write_address(deliver.sender));
    octets.push(0);
    let (coding, length, body) = match text::to_septets(deliver.text) {
        Some(septets) => {
            let skip = (7 - header.len() * 8 % 7) % 7;
            let length = (header.len() * 8).div_ceil(7) + septets.len();
            (0x00, length, text::pack(&septets, skip))
        }
        None => {
            let body = text::to_ucs2(deliver.text);
            (0x08, header.len() + body.len(), body)
        }
    };
    octets.push(coding);
    octets.extend(deliver.timestamp);
    octets.push(u8::try_from(length).unwrap_or(u8::MAX));
    octets.extend(header);
    octets.extend(body);
    Pdu::new(octets)
}

/// Cuts a text into what single messages hold: 160 septets or 70 UCS-2 units, in parts 153 or 67.
pub(super) fn split(whole: &str) -> Vec<String> {
    let gsm = text::to_septets(whole).is_some();
    let size =
        |part: &str| if gsm { text::to_septets(part).map_or(0, |s| s.len()) } else { part.encode_utf16().count() };
    let (single, part_max) = if gsm { (160, 153) } else { (70, 67) };
    if size(whole) <= single {
        return vec![whole.to_owned()];
    }
    let mut parts = vec![String::new()];
    for character in whole.chars() {
        let last = parts.last_mut().expect("there is always a part");
        last.push(character);
        if size(last) > part_max {
            last.pop();
            parts.push(character.to_string());
        }
    }
    parts
}

/// What became of a message that the modem sent.
pub(super) struct StatusReport<'a> {
    pub reference: u8,
    pub number: &'a str,
    pub submitted: [u8; 7],
    pub discharged: [u8; 7],
    /// TP-ST, 3GPP TS 23.040 §9.2.3.15.
    pub status: u8,
    pub centre: &'a str,
}

pub(super) fn write_status_report(report: &StatusReport) -> Pdu {
    let mut octets = write_centre(report.centre);
    octets.extend([0x06, report.reference]);
    octets.extend(write_address(report.number));
    octets.extend(report.submitted);
    octets.extend(report.discharged);
    octets.push(report.status);
    Pdu::new(octets)
}

/// Service centre time stamp in UTC (3GPP TS 23.040 §9.2.3.11) of seconds since 1970.
pub(super) fn timestamp(seconds: i64) -> [u8; 7] {
    let (year, month, day, second) = civil(seconds);
    let swapped = |value: i64| u8::try_from(value % 10 * 16 + value / 10 % 10).unwrap_or(0);
    [
        swapped(year % 100),
        swapped(month),
        swapped(day),
        swapped(second / 3600),
        swapped(second / 60 % 60),
        swapped(second % 60),
        0,
    ]
}

/// The same instant as text mode and the clock command write it: `yy/MM/dd,hh:mm:ss+00`.
pub(super) fn timestamp_text(seconds: i64) -> String {
    let (year, month, day, second) = civil(seconds);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{:02}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}+00", year % 100)
}

/// Year, month, day and second of the day, by the Gregorian calendar.
fn civil(seconds: i64) -> (i64, i64, i64, i64) {
    let mut days = seconds.div_euclid(86_400).max(0);
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_year = |year| if leap(year) { 366 } else { 365 };
    while days >= days_of_year(year) && year < 9999 {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    for length in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1, seconds.rem_euclid(86_400))
}

struct Reader<'a> {
    octets: &'a [u8],
}

impl<'a> Reader<'a> {
    fn octet(&mut self, what: &'static str) -> Result<u8, &'static str> {
        Ok(self.take(1, what)?[0])
    }

    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.octets.split_at_checked(count).ok_or(what)?;
        self.octets = rest;
        Ok(taken)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Alphabet {
    Gsm7,
    Octets,
    Ucs2,
}

impl Alphabet {
    /// 3GPP TS 23.038 §4.
    fn of_coding(coding: u8) -> Result<Self, &'static str> {
        match (coding >> 4, coding >> 2 & 0x03) {
            (0x0..=0x3, 0) => Ok(Self::Gsm7),
            (0x0..=0x3, 1) => Ok(Self::Octets),
            (0x0..=0x3, 2) => Ok(Self::Ucs2),
            (0xF, 0 | 2) => Ok(Self::Gsm7),
            (0xF, _) => Ok(Self::Octets),
            _ => Err("data coding scheme is reserved"),
        }
    }
}

fn read_address(reader: &mut Reader) -> Result<String, &'static str> {
    let digits = usize::from(reader.octet("address length")?);
    if digits == 0 || digits > 20 {
        return Err("address length is not within 1 to 20 digits");
    }
    let kind = reader.octet("type of address")?;
    let octets = reader.take(digits.div_ceil(2), "address")?;
    let nibbles: Vec<u8> = octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]).collect();
    if digits % 2 == 1 && nibbles[digits] != 0x0F {
        return Err("address of odd length lacks its filler");
    }
    let mut number = String::from(if kind & 0x70 == 0x10 { "+" } else { "" });
    for nibble in &nibbles[..digits] {
        number.push(*b"0123456789*#abc".get(usize::from(*nibble)).ok_or("address holds a filler")? as char);
    }
    Ok(number)
}

fn read_user_data(
    octets: &[u8],
    length: usize,
    alphabet: Alphabet,
    has_header: bool,
) -> Result<(String, Option<Concatenation>), &'static str> {
    let expected = if alphabet == Alphabet::Gsm7 { (length * 7).div_ceil(8) } else { length };
    if octets.len() != expected {
        return Err("user data length differs from the octets that came");
    }
    if octets.len() > USER_DATA_MAX {
        return Err("user data exceeds 140 octets");
    }
    let header_octets = match octets.first() {
        Some(first) if has_header => usize::from(*first) + 1,
        None if has_header => return Err("user data header is missing"),
        _ => 0,
    };
    let header = octets.get(..header_octets).ok_or("user data header exceeds the user data")?;
    let text = match alphabet {
        Alphabet::Gsm7 => {
            let header_septets = (header_octets * 8).div_ceil(7);
            let count = length.checked_sub(header_septets).ok_or("user data header exceeds the user data")?;
            text::from_septets(&text::unpack(octets, header_septets * 7, count).ok_or("user data is too short")?)
        }
        Alphabet::Octets => text::to_hex(&octets[header_octets..]),
        Alphabet::Ucs2 if (length - header_octets) % 2 == 1 => return Err("UCS-2 text has an odd number of octets"),
        Alphabet::Ucs2 => text::from_ucs2(&octets[header_octets..]),
    };
    Ok((text, read_header(header)?))
}

fn read_header(header: &[u8]) -> Result<Option<Concatenation>, &'static str> {
    let mut reader = Reader { octets: header.get(1..).unwrap_or_default() };
    let mut found = None;
    while !reader.octets.is_empty() {
        let element = reader.octet("header element")?;
        let length = usize::from(reader.octet("header element length")?);
        let body = reader.take(length, "header element")?;
        let (reference, parts, part) = match (element, body) {
            (0x00, [reference, parts, part]) => (u16::from(*reference), *parts, *part),
            (0x08, [high, low, parts, part]) => (u16::from_be_bytes([*high, *low]), *parts, *part),
            (0x00 | 0x08, _) => return Err("concatenation header has a wrong length"),
            _ => continue,
        };
        if part == 0 || part > parts {
            return Err("concatenation header names a part that cannot be");
        }
        found = Some(Concatenation { reference, parts, part });
    }
    Ok(found)
}

fn write_centre(centre: &str) -> Vec<u8> {
    let digits = semi_octets(centre);
    let mut octets = vec![u8::try_from(digits.len() + 1).unwrap_or(0), kind_of(centre)];
    octets.extend(digits);
    octets
}

fn write_address(number: &str) -> Vec<u8> {
    if number.chars().any(|character| !"+0123456789*#".contains(character)) {
        // A name in place of a number: its length counts semi-octets (3GPP TS 23.040 §9.1.2.5).
        let septets: Vec<u8> = text::to_septets(number).unwrap_or_default().into_iter().take(11).collect();
        let length = u8::try_from((septets.len() * 7).div_ceil(4)).unwrap_or(0);
        return [vec![length, ALPHANUMERIC], text::pack(&septets, 0)].concat();
    }
    let digits = u8::try_from(number.trim_start_matches('+').len()).unwrap_or(0);
    [vec![digits, kind_of(number)], semi_octets(number)].concat()
}

fn kind_of(number: &str) -> u8 {
    if number.starts_with('+') { INTERNATIONAL } else { UNKNOWN }
}

fn semi_octets(number: &str) -> Vec<u8> {
    let nibble =
        |digit: u8| "0123456789*#".find(char::from(digit)).and_then(|at| u8::try_from(at).ok()).unwrap_or(0x0F);
    let digits = number.trim_start_matches('+').as_bytes();
    digits.chunks(2).map(|pair| nibble(pair[0]) | pair.get(1).map_or(0x0F, |digit| nibble(*digit)) << 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(hex: &str) -> Result<Submit, &'static str> {
        let octets = text::from_hex(hex.as_bytes()).unwrap();
        let length = octets.len() - 1 - usize::from(octets[0]);
        read_submit(&octets, length)
    }

    #[test]
    fn a_submit_with_validity_and_report_request_is_read() {
        let submit = read("0031000B915121551532F40000AA0AE8329BFD4697D9EC37").unwrap();
        assert_eq!(submit.number, "+15125551234");
        assert_eq!(submit.text, "hellohello");
        assert!(submit.wants_report && submit.has_validity);
        assert_eq!(submit.concatenation, None);
    }

    #[test]
    fn a_part_of_a_long_message_starts_at_the_septet_boundary_after_its_header() {
        let submit = read("0041000B915121551532F4000008050003CC020186").unwrap();
        assert_eq!(submit.concatenation, Some(Concatenation { reference: 0xCC, parts: 2, part: 1 }));
        assert_eq!(submit.text, "C");
    }

    #[test]
    fn what_the_standard_forbids_is_refused_with_its_reason() {
        let cases = [
            ("0031000B915121551532F40000AA0BE8329BFD4697D9EC37", "user data length differs from the octets that came"),
            ("0030000B915121551532F40000AA0AE8329BFD4697D9EC37", "message type is not SUBMIT"),
            ("0001000B915121551532040000", "address of odd length lacks its filler"),
            ("0001000091", "address length is not within 1 to 20 digits"),
            ("0001000B915121551532F400080141", "UCS-2 text has an odd number of octets"),
            ("0001000B915121551532F400", "data coding scheme"),
        ];
        for (hex, reason) in cases {
            assert_eq!(read(hex).err(), Some(reason), "{hex}");
        }
    }

    #[test]
    fn a_deliver_is_written_as_modems_print_it() {
        let deliver = Deliver {
            sender: "+491701234567",
            text: "STOP",
            concatenation: None,
            timestamp: timestamp(1_767_225_600),
            centre: "+491710760000",
        };
        let pdu = write_deliver(&deliver);
        assert_eq!(pdu.hex(), "0791947101670000040C919471103254760000621010000000000453EA130A");
        assert_eq!(pdu.length, 23);
    }

    #[test]
    fn a_status_report_is_written_as_modems_print_it() {
        let report = StatusReport {
            reference: 7,
            number: "+491701234567",
            submitted: timestamp(0),
            discharged: timestamp(1_767_225_600),
            status: 0,
            centre: "+491710760000",
        };
        let pdu = write_status_report(&report);
        assert_eq!(pdu.hex(), "079194710167000006070C919471103254760710100000000062101000000000".to_owned() + "00");
    }

    #[test]
    fn a_long_text_is_split_without_cutting_a_character() {
        assert_eq!(split(&"x".repeat(160)).len(), 1);
        assert_eq!(split(&"€".repeat(153)).iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [76, 76, 1]);
        assert_eq!(split(&"😀".repeat(36)).iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [33, 3]);
    }

    #[test]
    fn the_calendar_knows_leap_years() {
        assert_eq!(timestamp_text(951_782_400), "00/02/29,00:00:00+00");
        assert_eq!(timestamp_text(1_798_761_599), "26/12/31,23:59:59+00");
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(octets in prop::collection::vec(any::<u8>(), 0..200), length in 0usize..200) {
            let _ = read_submit(&octets, length);
        }
    }
}
