//! Cases of PDUs. Parts of a PDU (addresses, times, headers, septets) are put into a whole one, for the parts of the
//! decoder are nobody's business.

use serde_json::Value;
use simverify::modem::pdu::{
    self, Address, Alphabet, Body, DecodeError, Direction, EncodeError, NumberType, Pdu, SubmitOptions, Validity,
};

use crate::{Verdict, same};

/// A time that goes into PDUs whose time does not matter.
const SOME_TIME: &str = "62116151740040";

pub fn kind(case: &Value) -> String {
    format!("pdu {}", text(&case["op"]))
}

pub fn check(case: &Value) -> Verdict {
    let expected = &case["expect"];
    match text(&case["op"]) {
        "decode" => decode(case),
        "encode_tpdu" if expected["error"].is_null() => decoded(text(&expected["pdu"]), &case["input"]),
        "encode_tpdu" => not_encoded(&case["input"]),
        "timestamp_decode" => timestamp(text(&case["input"]), &expected["value"], expected["error"].is_null()),
        "timestamp_encode" => timestamp(text(&expected["value"]), &case["input"], expected["error"].is_null()),
        "validity_period" => validity(&case["input"], expected["error"].is_null()),
        "encode_text" => encode_text(&case["input"], expected),
        "pdumode" => service_centre(text(&case["input"]), expected),
        "gsm7_pack" => septets(case, expected),
        "address" => address(&case["values"], expected["error"].is_null()),
        "udh" => header(&case["values"], expected["error"].is_null()),
        "count" => count(case, expected),
        other => Err(format!("a kind of case that nobody knows: {other}")),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn octets(hex: &str) -> Vec<u8> {
    pdu::user_data(hex).unwrap_or_default()
}

fn direction(value: &Value) -> Direction {
    if text(value).ends_with("MO") || value.as_u64() == Some(1) { Direction::Sent } else { Direction::Received }
}

fn read(hex: &str, has_smsc: bool, direction: Direction) -> Result<Pdu, DecodeError> {
    if has_smsc { pdu::decode(hex, direction) } else { pdu::decode_bare(&pdu::user_data(hex)?, direction) }
}

fn decode(case: &Value) -> Verdict {
    let hex = text(&case["pdu"]);
    let found = read(hex, case["has_smsc"] == true, direction(&case["direction"]));
    let error = &case["expect"]["error"];
    match found {
        Ok(pdu) if error.is_null() => fields(&pdu, &case["expect"]["tpdu"]),
        Ok(_) => Err(format!("is read, expected {error}")),
        Err(found) if error.is_null() => Err(found.to_string()),
        Err(found) => same_place(&found, text(error)),
    }
}

/// Whether an error names the field that the corpus names.
fn same_place(found: &DecodeError, expected: &str) -> Verdict {
    const FIELDS: [(&str, &str); 14] = [
        ("firstOctet", "TP-MTI"),
        (".oa.", "TP-OA"),
        (".da.", "TP-DA"),
        (".ra.", "TP-RA"),
        (".mr", "TP-MR"),
        (".pid", "TP-PID"),
        (".dcs", "TP-DCS"),
        (".scts", "TP-SCTS"),
        (".dt", "TP-DT"),
        (".st", "TP-ST"),
        (".vp", "TP-VP"),
        (".ud.udl", "TP-UDL"),
        (".ud.sm", "TP-UD"),
        ("hex.", "PDU"),
    ];
    let field = FIELDS.iter().find(|(theirs, _)| expected.contains(theirs)).map_or("SMSC", |(_, ours)| ours);
    let ours = if found.field == "TP-UD" && matches!(found.reason, pdu::Reason::NotHex) { "PDU" } else { found.field };
    same("field", ours, field)
}

/// What another encoder made is read as what went into it.
fn decoded(hex: &str, input: &Value) -> Verdict {
    match read(hex, false, direction(&input["Direction"])) {
        Ok(pdu) => fields(&pdu, input),
        Err(error) => Err(error.to_string()),
    }
}

/// What another encoder refuses is refused.
fn not_encoded(input: &Value) -> Verdict {
    let recipient = Address::international(text(&input["DA"]["Addr"]));
    match pdu::encode_submit_to(&recipient, "x", &SubmitOptions::default()) {
        Err(EncodeError::Number) if !recipient.value.is_empty() => Ok(()),
        Ok(_) | Err(_) => Err("nothing of this sort is encoded here".to_owned()),
    }
}

fn fields(pdu: &Pdu, expected: &Value) -> Verdict {
    let optional = |name: &str, found: Option<String>| match &expected[name]["Time"] {
        Value::String(time) => same(name, found, Some(time.clone())),
        _ => Ok(()),
    };
    let number = |name: &str, address: &Address| same(name, address.value.as_str(), text(&expected[name]["Addr"]));
    match pdu {
        Pdu::Deliver(deliver) => {
            number("OA", &deliver.originator)?;
            optional("SCTS", deliver.timestamp.map(|time| time.to_string()))?;
            content(&deliver.body, expected)
        }
        Pdu::Submit(submit) => {
            number("DA", &submit.recipient)?;
            same("MR", u64::from(submit.reference), expected["MR"].as_u64().unwrap_or(0))?;
            same("PID", u64::from(submit.protocol), expected["PID"].as_u64().unwrap_or(0))?;
            content(&submit.body, expected)
        }
        Pdu::StatusReport(report) => {
            number("RA", &report.recipient)?;
            same("MR", u64::from(report.reference), expected["MR"].as_u64().unwrap_or(0))?;
            same("ST", u64::from(report.status), expected["ST"].as_u64().unwrap_or(0))?;
            optional("SCTS", report.timestamp.map(|time| time.to_string()))?;
            optional("DT", report.discharge.map(|time| time.to_string()))?;
            report.body.as_ref().map_or(Ok(()), |body| content(body, expected))
        }
    }
}

/// The corpus has 7-bit text as septets, and the rest as octets.
fn content(body: &Body, expected: &Value) -> Verdict {
    same("content", body.content.clone(), octets(text(&expected["UD_hex"])))
}

/// A message from 1234 whose user data are the last argument, its length octet included.
fn deliver(first_octet: &str, coding: &str, time: &str, user_data: &str) -> Result<pdu::Deliver, String> {
    match read(
        &format!("{first_octet}048121 4300{coding}{time}{user_data}").replace(' ', ""),
        false,
        Direction::Received,
    ) {
        Ok(Pdu::Deliver(deliver)) => Ok(deliver),
        Ok(_) => Err("no DELIVER".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn timestamp(hex: &str, time: &Value, is_valid: bool) -> Verdict {
    let found = deliver("04", "00", hex, "00").ok().and_then(|deliver| deliver.timestamp);
    same("time", found.map(|time| time.to_string()), is_valid.then(|| text(&time["Time"]).to_owned()))
}

/// Either `[hex, format, length, period]` or `[period, hex]`.
fn validity(input: &Value, is_valid: bool) -> Verdict {
    let is_read = input.as_array().is_some_and(|values| values.len() == 4);
    let (hex, period) = if is_read { (&input[0], &input[3]) } else { (&input[1], &input[0]) };
    let format = text(if is_read { &input[1] } else { &period["Format"] });
    let first_octet = match format {
        "tpdu.VpfRelative" => "11",
        "tpdu.VpfAbsolute" => "19",
        "tpdu.VpfEnhanced" => "09",
        _ => "01",
    };
    let whole = format!("{first_octet}00048121430000{}{}", text(hex), if is_valid { "00" } else { "" });
    let found = match read(&whole, false, Direction::Sent) {
        Ok(Pdu::Submit(submit)) => submit.validity,
        Ok(_) => return Err("no SUBMIT".to_owned()),
        Err(_) if !is_valid => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let found = found.map(|validity| match validity {
        Validity::Relative(period) => period.as_secs().to_string(),
        Validity::Absolute(time) => time.to_string(),
    });
    let expected = match &period["Time"]["Time"] {
        Value::String(time) => Some(time.clone()),
        _ => seconds(&period["Duration"]).map(|seconds| seconds.to_string()),
    };
    same("period", found, expected)
}

/// A duration as the corpus writes it: units, numbers, sums and products.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(unit) => match unit.as_str() {
            "time.Second" => Some(1),
            "time.Minute" => Some(60),
            "time.Hour" => Some(3600),
            _ => None,
        },
        Value::Object(operation) => {
            let (left, right) = (seconds(&operation["a"])?, seconds(&operation["b"])?);
            Some(if operation["op"] == "+" { left + right } else { left * right })
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

fn encode_text(input: &Value, expected: &Value) -> Verdict {
    let message = text(&input["text"]);
    let options = input["options"].to_string();
    let Some(tpdus) = expected["tpdus"].as_array() else {
        return Err("a text is sent, expected none".to_owned());
    };
    // The corpus says `25` and means 25 hexadecimal.
    let shifts = tpdus[0]["UDH"].as_array().map_or(0, |elements| {
        elements.iter().filter(|element| matches!(element["id"].as_u64(), Some(24 | 25))).count()
    });
    if shifts > 0 {
        return national(message, &tpdus[0]);
    }
    let recipient = Address::international("1234");
    let parts = if options.contains("As8Bit") {
        pdu::encode_submit_octets(&recipient, message.as_bytes(), &SubmitOptions::default())
    } else {
        pdu::encode_submit_to(&recipient, message, &SubmitOptions::default())
    };
    let parts = parts.map_err(|error| error.to_string())?;
    same("parts", parts.len(), tpdus.len())?;
    for (part, tpdu) in parts.iter().zip(tpdus) {
        let Ok(Pdu::Submit(submit)) = pdu::decode(&part.hex, Direction::Sent) else {
            return Err("our own PDU is not read".to_owned());
        };
        content(&submit.body, tpdu)?;
        let concat = submit.concat.map(|concat| format!("{:02x}{:02x}", concat.parts, concat.part));
        let theirs = tpdu["UDH"].as_array().and_then(|elements| elements.iter().find(|element| element["id"] == 0));
        same("concat", concat, theirs.map(|element| text(&element["data"])[2..].to_owned()))?;
    }
    Ok(())
}

/// A text of a national table: nothing is sent so, but it is read.
fn national(message: &str, tpdu: &Value) -> Verdict {
    let elements = tpdu["UDH"].as_array().into_iter().flatten();
    let elements: String = elements.map(|element| format!("{}01{}", element["id"], text(&element["data"]))).collect();
    let content = octets(text(&tpdu["UD_hex"]));
    let header = format!("{:02X}{elements}", elements.len() / 2);
    let fill = (7 - header.len() / 2 * 8 % 7) % 7;
    let length = (header.len() / 2 * 8).div_ceil(7) + content.len();
    let packed: String = pack(&content, fill).iter().map(|octet| format!("{octet:02X}")).collect();
    let deliver = deliver("44", "00", SOME_TIME, &format!("{length:02X}{header}{packed}"))?;
    same("text", deliver.text().as_deref(), Some(message))
}

fn pack(septets: &[u8], fill: usize) -> Vec<u8> {
    let bits: Vec<bool> = std::iter::repeat_n(false, fill)
        .chain(septets.iter().flat_map(|septet| (0..7).map(move |bit| septet >> bit & 1 == 1)))
        .collect();
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |octet, bit| octet << 1 | u8::from(*bit))).collect()
}

/// The service centre part; what follows it in the corpus is no PDU.
fn service_centre(hex: &str, expected: &Value) -> Verdict {
    if !expected["error"].is_null() {
        return match pdu::decode(hex, Direction::Received) {
            Ok(_) => Err("is read".to_owned()),
            Err(_) => Ok(()),
        };
    }
    let part = hex.strip_suffix(text(&expected["tpdu"])).unwrap_or(hex);
    match pdu::decode(&format!("{part}040481214300 00{SOME_TIME}00").replace(' ', ""), Direction::Received) {
        Ok(Pdu::Deliver(deliver)) => {
            let number = expected["smsc"][0]["Addr"].as_str().map(str::to_owned);
            same("SMSC", deliver.smsc.map(|smsc| smsc.value), number)
        }
        Ok(_) => Err("no DELIVER".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Packed septets behind a header that leaves so many fill bits.
fn septets(case: &Value, expected: &Value) -> Verdict {
    let wanted = octets(text(&expected["septets_hex"]));
    let (indicator, header) = match case["padbits"].as_u64() {
        Some(0) => ("04", ""),
        Some(1) => ("44", "0570030000 00"),
        Some(2) => ("44", "0470020000"),
        Some(3) => ("44", "03700100"),
        Some(4) => ("44", "027000"),
        Some(5) => ("44", "0170"),
        _ => ("44", "00"),
    };
    let header = header.replace(' ', "");
    let packed = text(&expected["packed_hex"]);
    let length = (header.len() / 2 * 8).div_ceil(7) + wanted.len();
    let deliver = deliver(indicator, "00", SOME_TIME, &format!("{length:02X}{header}{packed}"))?;
    same("septets", deliver.body.content, wanted)
}

/// Either `[hex, address, length]` or `[address, hex]`.
fn address(values: &Value, is_valid: bool) -> Verdict {
    let is_read = values[0].is_string();
    let (hex, address) = if is_read { (&values[0], &values[1]) } else { (&values[1], &values[0]) };
    let (hex, value) = (text(hex), text(&address["Addr"]));
    if !is_read && !is_valid {
        return not_encoded(&serde_json::json!({ "DA": address }));
    }
    let found = match read(&format!("04{hex}0000{SOME_TIME}00"), false, Direction::Received) {
        Ok(Pdu::Deliver(deliver)) => deliver.originator,
        Ok(_) => return Err("no DELIVER".to_owned()),
        Err(_) if !is_valid => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if !is_valid {
        return Err(format!("is read as {}", found.value));
    }
    same("address", found.value.as_str(), value)?;
    if found.number_type == NumberType::Alphanumeric || found.value.is_empty() {
        return Ok(());
    }
    let parts = pdu::encode_submit_to(&found, "", &SubmitOptions::default()).map_err(|error| error.to_string())?;
    let encoded = parts[0].hex[6..].to_lowercase();
    if encoded.starts_with(&hex.to_lowercase()) { Ok(()) } else { Err("is encoded in another way".to_owned()) }
}

/// Either `[hex, elements, length]` or `[elements, hex]`.
fn header(values: &Value, is_valid: bool) -> Verdict {
    let is_read = values.as_array().is_some_and(|values| values.len() == 3);
    let (hex, elements) = if is_read { (&values[0], &values[1]) } else { (&values[1], &values[0]) };
    let hex = text(hex);
    let indicator = if hex.is_empty() && is_valid { "04" } else { "44" };
    let deliver = match deliver(indicator, "04", SOME_TIME, &format!("{:02X}{hex}", hex.len() / 2)) {
        Ok(deliver) if is_valid => deliver,
        Ok(deliver) => return Err(format!("is read with {} elements", deliver.body.header.elements.len())),
        Err(_) if !is_valid => return Ok(()),
        Err(error) => return Err(error),
    };
    let found: Vec<_> =
        deliver.body.header.elements.iter().map(|it| (u64::from(it.identifier), it.octets.clone())).collect();
    let expected = elements.as_array().into_iter().flatten();
    let expected = expected.map(|it| (it["ID"].as_u64().unwrap_or(0), octets(text(&it["Data"])))).collect();
    same("elements", found, expected)
}

/// `[alphabet, messages, …]`.
fn count(case: &Value, expected: &Value) -> Verdict {
    let message = text(&case["input"]["text"]);
    let alphabet = match pdu::alphabet_of(message) {
        Alphabet::Gsm7 => "7BIT",
        Alphabet::EightBit => "8BIT",
        Alphabet::Ucs2 => "UCS-2",
    };
    same("alphabet", alphabet, text(&expected[0]))?;
    same("messages", Some(pdu::part_count(message) as u64), expected[1].as_u64())
}
