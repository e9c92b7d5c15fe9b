//! `simverify pdu`: read and make SMS PDUs by hand.
//!
//! A PDU may hold a message body, which `ps` and a shell's history would show: both commands read it from standard input
//! if `-` stands in its place. What is wrong is named by field and octet, and nothing of the content is repeated.

mod show;

use std::io::Read;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::table::aligned;
use super::{Exit, Failure, OrExit, Outcome, print, print_json};
use crate::modem::pdu::{self, Address, NumberType, Pdu, SubmitOptions, SubmitPart};
use crate::phone::PhoneNumber;

/// The longest message has 255 parts of 153 characters; this is as much with room for any writing of it.
const INPUT_OCTETS_MAX: u64 = 1 << 20;

/// Numbers of E.164 have seven digits at least; what is shorter is a service of one network.
const SHORT_CODE_DIGITS_MAX: usize = 6;

/// The limits of a relative validity period (3GPP TS 23.040 §9.2.3.12.1).
const VALIDITY_MIN: Duration = Duration::from_secs(5 * 60);
const VALIDITY_MAX: Duration = Duration::from_secs(63 * 7 * 86_400);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what a PDU holds: a message that came in, one to send, or a delivery report
    Decode(Decode),
    /// Make the PDUs that send a text: one line a part, the PDU and the length for AT+CMGS
    Encode(Encode),
}

#[derive(Debug, Args)]
pub struct Decode {
    /// The PDU in hexadecimal as a modem prints it, its service centre part first (00 if it has none); blanks and line
    /// ends do not matter. It may hold a message: "-" reads it from standard input, where no other user sees it
    #[arg(required = true, value_name = "HEX")]
    hex: Vec<String>,
    /// HEX begins behind the service centre part, as standards print it
    #[arg(long)]
    without_smsc: bool,
    /// Print JSON: an object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Encode {
    /// An international number with or without + or 00, or a short code of up to 6 digits; spaces, dashes and brackets
    /// do not matter. A number that begins with one 0, or has * or #, is sent as it is dialled at home
    number: String,
    /// The text, or "-" to read it from standard input, where no other user sees it; one line end behind it is left out
    text: String,
    /// Ask for a delivery report
    #[arg(long)]
    status_report: bool,
    /// How long the network may try: 300, 5m, 12h, 3d or 2w, rounded down to what a PDU can say [default: the network
    /// decides]
    #[arg(long, value_name = "TIME", value_parser = validity)]
    validity: Option<Duration>,
    /// Show the text at once on the phone, which does not keep it (class 0)
    #[arg(long)]
    flash: bool,
    /// What tells the parts of this message from those of others to the same number, 0 to 255 [default: from the text]
    #[arg(long, value_name = "NUMBER")]
    reference: Option<u16>,
    /// A reference of 16 bits, 0 to 65535; each part holds a little less
    #[arg(long)]
    wide_reference: bool,
    /// TEXT is data in hexadecimal, to be sent as 8-bit octets
    #[arg(long)]
    data: bool,
    /// Print JSON: a list of parts, each with "hex", "length" and what `decode` says of it
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command) -> Outcome {
    match command {
        Command::Decode(arguments) => decode(arguments),
        Command::Encode(arguments) => encode(arguments),
    }
}

fn decode(arguments: &Decode) -> Outcome {
    let pdu = read_pdu(&given(&arguments.hex.concat())?, arguments.without_smsc)?;
    if arguments.json {
        return print_json(&show::json(&pdu));
    }
    print(&aligned(&show::rows(&pdu)))
}

fn read_pdu(hex: &str, without_smsc: bool) -> Result<Pdu, Failure> {
    let hex: String = hex.split_whitespace().collect();
    let pdu = if without_smsc { pdu::decode_any_bare(&hex) } else { pdu::decode_any(&hex) };
    pdu.or_exit(Exit::Data, "cannot read the PDU")
}

fn encode(arguments: &Encode) -> Outcome {
    let recipient = recipient(&arguments.number).ok_or_else(|| {
        Exit::Data.because(anyhow::anyhow!(
            "NUMBER is no number to send to: 1 to 20 digits, * and #, with or without a leading +; spaces, dashes, dots, \
             slashes and brackets do not matter"
        ))
    })?;
    let text = given(&arguments.text)?;
    let options = options(arguments, &text)?;
    let parts = if arguments.data {
        let digits: String = text.split_whitespace().collect();
        let octets = pdu::user_data(&digits).or_exit(Exit::Data, "TEXT is no data in hexadecimal")?;
        pdu::encode_submit_octets(&recipient, &octets, &options)
    } else {
        pdu::encode_submit_to(&recipient, &text, &options)
    };
    let parts = parts.or_exit(Exit::Data, "cannot make a PDU")?;
    if !arguments.json {
        let lines: String = parts.iter().map(|part| format!("{} {}\n", part.hex, part.length)).collect();
        return print(&lines);
    }
    print_json(&Value::Array(parts.iter().map(part_json).collect::<Result<_, _>>()?))
}

fn part_json(part: &SubmitPart) -> Result<Value, Failure> {
    let mut object = show::json(&read_pdu(&part.hex, false)?);
    object["hex"] = part.hex.clone().into();
    object["length"] = part.length.into();
    Ok(object)
}

fn options(arguments: &Encode, text: &str) -> Result<SubmitOptions, Failure> {
    // The same text gives the same PDUs, and two texts hardly ever parts that mix.
    let sum = text.bytes().fold(0, |sum: u16, octet| sum.wrapping_mul(31).wrapping_add(u16::from(octet)));
    let wide = arguments.wide_reference;
    let reference = arguments.reference.unwrap_or(if wide { sum } else { sum & 0xFF });
    let Some(narrow) = u8::try_from(reference).ok().or(wide.then_some(0)) else {
        let error = anyhow::anyhow!("--reference {reference}: 255 is the most without --wide-reference");
        return Err(Exit::Usage.because(error));
    };
    Ok(SubmitOptions {
        status_report: arguments.status_report,
        validity: arguments.validity,
        concat_reference: narrow,
        wide_concat_reference: wide.then_some(reference),
        class: arguments.flash.then_some(0),
    })
}

/// A number as people write it; nothing if it is none. Digits alone are of E.164, but short codes and numbers that begin
/// with a zero cannot be.
fn recipient(text: &str) -> Option<Address> {
    let is_separator = |character: char| character.is_whitespace() || "-./()".contains(character);
    let dialled: String = text.chars().filter(|character| !is_separator(*character)).collect();
    let marked = dialled.strip_prefix('+').or_else(|| dialled.strip_prefix("00"));
    let digits = marked.unwrap_or(&dialled);
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit() || "*#".contains(digit)) {
        return None;
    }
    let is_local = digits.len() <= SHORT_CODE_DIGITS_MAX || digits.starts_with('0') || digits.contains(['*', '#']);
    if marked.is_none() && is_local {
        return Some(Address { number_type: NumberType::Unknown, value: dialled });
    }
    // The zero of +44 (0)7700 is for calls at home, that of +39 (0)6 for all: the country decides.
    let number = text.contains("(0)").then(|| PhoneNumber::parse(&format!("+{digits}"), None).ok()).flatten();
    Some(Address::international(number.as_ref().map_or(digits, PhoneNumber::digits)))
}

/// The argument itself, or standard input without the line end that a shell or an editor puts behind it.
fn given(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut octets = Vec::new();
    let input = std::io::stdin().lock().take(INPUT_OCTETS_MAX + 1).read_to_end(&mut octets);
    input.or_exit(Exit::Io, "cannot read standard input")?;
    if octets.len() as u64 > INPUT_OCTETS_MAX {
        return Err(Exit::Data.because(anyhow::anyhow!("standard input is longer than any message")));
    }
    let text = String::from_utf8(octets).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Exit::Data.because(anyhow::anyhow!("standard input is no UTF-8 at octet {place}"))
    })?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.unwrap_or(&text).to_owned())
}

fn validity(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        "w" => Some(7 * 86_400),
        _ => None,
    };
    let seconds = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let period = seconds.map(Duration::from_secs).filter(|period| (VALIDITY_MIN..=VALIDITY_MAX).contains(period));
    period.ok_or_else(|| "must be 5m to 63w; units are s, m, h, d, w, and s if there is none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        recipient(text).map_or("none".to_owned(), |address| format!("{:?} {}", address.number_type, address.value))
    }

    #[test]
    fn a_number_is_understood_however_it_is_written() {
        for text in [
            "+447700900123",
            "447700900123",
            "00447700900123",
            "+44 7700 900123",
            "+44 (0)7700-900.123",
            "0044 / 7700 900 123",
            " +44\u{a0}7700\u{a0}900123 ",
        ] {
            assert_eq!(read(text), "International 447700900123", "{text}");
        }
        assert_eq!(read("+39 06 1234 5678"), "International 390612345678");
        assert_eq!(read("+39 (0)6 1234 5678"), "International 390612345678");
        assert_eq!(read("+5215512345678"), "International 5215512345678", "digits are left as they are");
        assert_eq!(read("15551234567"), "International 15551234567");
        assert_eq!(read("+1234"), "International 1234", "a plus sign is the user's word");
        assert_eq!(read("1234"), "Unknown 1234");
        assert_eq!(read("700-700"), "Unknown 700700");
        assert_eq!(read("0171 1234567"), "Unknown 01711234567");
        assert_eq!(read("*100#"), "Unknown *100#");
        for text in ["", "+", "00", "Vodafone", "+44x", "１２３", "abc", "-"] {
            assert_eq!(read(text), "none", "{text}");
        }
    }

    #[test]
    fn a_validity_period_has_units() {
        let seconds = |text| validity(text).map(|period| period.as_secs());
        assert_eq!(seconds("300"), Ok(300));
        assert_eq!(seconds("300s"), Ok(300));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("3d"), Ok(259_200));
        assert_eq!(seconds("63w"), Ok(38_102_400));
        for text in ["", "m", "4m", "299", "64w", "1y", "-5m", "5 m", "5mm", "99999999999999999999w", "1é"] {
            assert!(validity(text).is_err(), "{text}");
        }
    }
}
