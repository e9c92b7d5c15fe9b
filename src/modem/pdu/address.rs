//! Addresses: who a message is from or for (3GPP TS 23.040 §9.1.2.5), and its service centre.
//!
//! `Debug` must never show a whole number.

use std::fmt;

use super::error::DecodeError;
use super::gsm7;
use super::reader::Reader;
use super::septets;

/// The semi-octets that an address field holds at most.
pub(super) const DIGITS_MAX: usize = 20;

/// The digits by the value of their semi-octet (3GPP TS 23.040 §9.1.2.3).
const DIGITS: [char; 15] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'a', 'b', 'c'];

/// Two numbers whose last digits agree are one subscriber, however much of a prefix each of them carries.
const SUFFIX_DIGITS_MIN: usize = 7;

/// The type of number: how an address is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NumberType {
    Unknown,
    International,
    National,
    NetworkSpecific,
    Subscriber,
    /// A name, written in the 7-bit alphabet.
    Alphanumeric,
    Abbreviated,
    Reserved,
}

impl NumberType {
    fn from_type_of_address(octet: u8) -> Self {
        match octet >> 4 & 0x07 {
            0 => Self::Unknown,
            1 => Self::International,
            2 => Self::National,
            3 => Self::NetworkSpecific,
            4 => Self::Subscriber,
            5 => Self::Alphanumeric,
            6 => Self::Abbreviated,
            _ => Self::Reserved,
        }
    }

    /// With the numbering plan of telephony (E.164), which is the only one that phones use.
    fn type_of_address(self) -> u8 {
        match self {
            Self::Unknown => 0x81,
            Self::International => 0x91,
            Self::National => 0xA1,
            Self::NetworkSpecific => 0xB1,
            Self::Subscriber => 0xC1,
            Self::Alphanumeric => 0xD0,
            Self::Abbreviated => 0xE1,
            Self::Reserved => 0xF1,
        }
    }
}

/// An address as it stands in a PDU.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub number_type: NumberType,
    /// Digits (`0-9*#abc`, no plus sign), or a name if the type is alphanumeric.
    pub value: String,
}

impl Address {
    /// A number in the digits of E.164, without `+`.
    pub fn international(digits: &str) -> Self {
        Self { number_type: NumberType::International, value: digits.to_owned() }
    }

    /// The address as a person writes it: `+` before an international number.
    pub fn to_number(&self) -> String {
        if self.number_type == NumberType::International { format!("+{}", self.value) } else { self.value.clone() }
    }

    /// Whether this is the subscriber of a number in E.164 digits, with or without `+`.
    ///
    /// A delivery report may name its recipient in national form, or with rubbish in front (seen from a ZTE stick),
    /// so one number may be the end of the other, as long as seven digits agree.
    pub fn is_subscriber(&self, number: &str) -> bool {
        if self.number_type == NumberType::Alphanumeric {
            return false;
        }
        let number = number.trim_start_matches('+');
        let value = self.value.trim_start_matches('0');
        if value == number {
            return !number.is_empty();
        }
        let (short, long) = if value.len() < number.len() { (value, number) } else { (number, value) };
        short.len() >= SUFFIX_DIGITS_MIN && long.ends_with(short)
    }

    /// An address whose length octet counts semi-octets, as originator and recipient have it.
    pub(super) fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, DecodeError> {
        let semi_octets = usize::from(reader.octet(field)?);
        let type_of_address = reader.octet(field)?;
        let octets = reader.take(semi_octets.div_ceil(2), field)?;
        Ok(Self::from_octets(type_of_address, octets, semi_octets))
    }

    /// The service centre in front of a PDU: its length octet counts octets; none if that is zero.
    pub(super) fn read_service_centre(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let length = usize::from(reader.octet("SMSC")?);
        let octets = reader.take(length, "SMSC")?;
        let Some((&type_of_address, octets)) = octets.split_first() else { return Ok(None) };
        Ok(Some(Self::from_octets(type_of_address, octets, 2 * octets.len())))
    }

    fn from_octets(type_of_address: u8, octets: &[u8], semi_octets: usize) -> Self {
        let number_type = NumberType::from_type_of_address(type_of_address);
        let value = if number_type == NumberType::Alphanumeric {
            name(octets, semi_octets)
        } else {
            digits(octets, semi_octets)
        };
        Self { number_type, value }
    }
}

/// The recipient of an outgoing message: a number of 1 to 20 digits, [`DIGITS`] all; nothing for anything else.
pub(super) fn encode(recipient: &Address) -> Option<Vec<u8>> {
    if recipient.number_type == NumberType::Alphanumeric {
        return None;
    }
    let place = |digit| DIGITS.iter().position(|known| *known == digit).and_then(|place| u8::try_from(place).ok());
    let digits = recipient.value.chars().map(place).collect::<Option<Vec<u8>>>()?;
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let pairs = digits.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0x0F) << 4);
    let length = u8::try_from(digits.len()).ok()?;
    Some([length, recipient.number_type.type_of_address()].into_iter().chain(pairs).collect())
}

/// Digits with the first of each pair in the low half; the filler F ends them wherever it stands.
fn digits(octets: &[u8], semi_octets: usize) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet & 0x0F, octet >> 4])
        .take(semi_octets)
        .map_while(|value| DIGITS.get(usize::from(value)).copied())
        .collect()
}

fn name(octets: &[u8], semi_octets: usize) -> String {
    gsm7::decode(&septets::unpack(octets, 0, semi_octets * 4 / 7), None, None)
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.value.chars().count();
        let unit = if self.number_type == NumberType::Alphanumeric { "characters" } else { "digits" };
        write!(f, "Address({:?}, {length} {unit})", self.number_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::pdu::hex::from_hex;

    fn read(hex: &str) -> Result<Address, DecodeError> {
        Address::read(&mut Reader::new(&from_hex(hex).unwrap()), "TP-OA")
    }

    fn number(hex: &str) -> String {
        read(hex).unwrap().to_number()
    }

    #[test]
    fn addresses_read_as_a_person_writes_them() {
        // An international and a short number, every digit there is, names of even and odd length, nothing.
        assert_eq!(number("0B911326880736F4"), "+31628870634");
        assert_eq!(number("04812143"), "1234");
        assert_eq!(number("0F911032547698BADCFE"), "+0123456789*#abc");
        assert_eq!(number("0ED0D637396C7EBBCB"), "Vodafone");
        assert_eq!(number("0DD1EDF27C1E3E9701"), "message");
        assert_eq!(number("0000"), "");
    }

    #[test]
    fn filler_that_is_missing_or_one_too_many_is_tolerated() {
        assert_eq!(number("0B91160489562609"), "+61409865629");
        assert_eq!(number("0C911604895697F7"), "+61409865797");
    }

    #[test]
    fn a_short_address_is_an_error_with_its_place() {
        assert_eq!(
            read("0B91160489").unwrap_err().to_string(),
            "TP-OA at octet 2: the PDU ends too early, octets missing: 3; read it again from the modem"
        );
    }

    #[test]
    fn a_recipient_is_recognised_however_the_network_writes_it() {
        let address = |number_type, value: &str| Address { number_type, value: value.to_owned() };
        let international = address(NumberType::International, "27829207025");
        assert!(international.is_subscriber("27829207025"));
        assert!(international.is_subscriber("+27829207025"));
        assert!(!international.is_subscriber("27829207026"));
        assert!(address(NumberType::Unknown, "0829207025").is_subscriber("27829207025"));
        assert!(address(NumberType::International, "#08427829207025").is_subscriber("27829207025"));
        assert!(!address(NumberType::Unknown, "7025").is_subscriber("27829207025"));
        assert!(!address(NumberType::Unknown, "").is_subscriber(""), "an empty address is nobody");
        assert!(!address(NumberType::Alphanumeric, "27829207025").is_subscriber("27829207025"));
    }

    #[test]
    fn only_digits_become_a_recipient() {
        let international = |number: &str| encode(&Address::international(number));
        assert_eq!(international("15551234567"), Some(from_hex("0B915155214365F7").unwrap()));
        assert_eq!(international("1234"), Some(from_hex("04912143").unwrap()));
        for wrong in ["", "+1234", "12d4", "1234 ", "１２３", "123456789012345678901"] {
            assert_eq!(international(wrong), None, "{wrong:?}");
        }
        let name = Address { number_type: NumberType::Alphanumeric, value: "1234".to_owned() };
        assert_eq!(encode(&name), None, "nobody can send to a name");
    }

    #[test]
    fn a_recipient_of_each_type_reads_as_it_was_written() {
        use NumberType::*;
        for number_type in [Unknown, International, National, NetworkSpecific, Subscriber, Abbreviated, Reserved] {
            let address = Address { number_type, value: "*100#".to_owned() };
            assert_eq!(Address::read(&mut Reader::new(&encode(&address).unwrap()), "TP-DA").unwrap(), address);
        }
    }

    #[test]
    fn debug_shows_no_digit_of_a_number() {
        assert_eq!(format!("{:?}", read("0B911326880736F4").unwrap()), "Address(International, 11 digits)");
        assert_eq!(format!("{:?}", read("0ED0D637396C7EBBCB").unwrap()), "Address(Alphanumeric, 8 characters)");
    }
}
