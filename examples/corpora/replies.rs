//! Cases of what modems say: each reply goes through the engine as the answer to its command, each unsolicited line
//! through it while it is idle and while another command runs.

use std::time::Duration;

use serde_json::{Value, json};
use simverify::modem::at::{
    self, Access, AtError, Command, Domain, Engine, Event, ModemError, Output, PinCounter, Registration,
    RegistrationState, Reply, SimState, Unsolicited,
};
use simverify::modem::pdu::{self, Direction};
use simverify::modem::profile::GENERIC;

use crate::{Verdict, same};

pub fn kind(case: &Value) -> String {
    let command = text(&case["cmd"]).split('=').next().unwrap_or_default();
    format!("at {}", command.trim_start_matches("AT"))
}

pub fn check(case: &Value) -> Verdict {
    let (command, reply, expected) = (text(&case["cmd"]), text(&case["reply"]), &case["expect"]);
    if text(&case["id"]).starts_with("pygsm.") {
        return if command == "ATD" { call(expected) } else { whole_reply(command, reply, expected) };
    }
    match command {
        "+CxREG" => registration(case, reply, expected),
        "+CREG" | "AT+CREG?" => creg(reply, expected),
        "+CMGL" => listed(at::listed_messages(&answer("AT+CMGL=4", reply)?), expected, true),
        "+CMGR" => listed(at::read_message(&answer("AT+CMGR=1", reply)?).as_slice(), expected, false),
        "+CPMS=?" | "AT+CPMS=?" => storages_offered(reply, expected),
        "+CPMS?" => storages_used(reply, expected),
        "+CSIM" => tries_left(PinCounter::Csim, "AT+CSIM=10,\"0020000100\"", reply, &expected["retries"]),
        "+UPINCNT" => answer("AT+UPINCNT", reply)
            .and_then(|it| at::pin_tries_left(PinCounter::Upincnt, &it).map(drop).ok_or_else(|| "no tries".to_owned())),
        "+CPIN?" => sim(reply, expected),
        "+COPS" => same("operator", at::operator(&answer("AT+COPS?", reply)?).map(|it| it.name), owned(expected)),
        "AT+CNMI=?" => routing(reply, expected),
        "AT+CSCA?" => same("number", at::service_centre(&answer(command, reply)?), owned(&expected["number"])),
        "AT+CGMM" => {
            same("model", at::identity_line(&answer(command, reply)?, "+CGMM"), shortened(&expected["model_line"]))
        }
        "(echo removal)" => echo(reply, text(&expected["without_echo"])),
        "(final result)" => final_result(reply, expected),
        "+CDS" => report(reply, expected),
        "+CMTI" => stored(reply, expected),
        "+CLIP" | "+CCWA" | "+CLCC urc" | "VOICE CALL" | "MISSED_CALL" | "+CRING" | "+RXDTMF" | "^SLCC urc"
        | "^HCSQ" | "^NWTIME" | "+CUSD" | "+CUSD urc" => unasked(reply),
        // Nobody parses these: they must reach whoever asked, whole.
        _ => kept(command, reply),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Names are kept up to eighty characters.
fn shortened(value: &Value) -> Option<String> {
    value.as_str().map(|name| name.chars().take(80).collect())
}

fn line_of(command: &str) -> String {
    if command.starts_with("AT") { command.to_owned() } else { format!("AT{command}") }
}

/// What the engine makes of a reply; nothing if it waits for more.
fn result(command: Command, reply: &str) -> (Option<Result<Reply, AtError>>, Vec<Unsolicited>) {
    let mut engine = Engine::new(GENERIC.engine_settings());
    engine.submit(command, Duration::ZERO);
    engine.receive(reply.as_bytes(), Duration::ZERO);
    let (mut result, mut unsolicited) = (None, Vec::new());
    loop {
        match engine.poll() {
            Output::Reply { result: found, .. } => result = Some(found),
            Output::Unsolicited(found) => unsolicited.push(found),
            Output::Write(_) | Output::Prompt { .. } => {}
            Output::Wait(_) => return (result, unsolicited),
        }
    }
}

/// The answer, with the `OK` that most cases leave out.
fn answer(line: &str, reply: &str) -> Result<Reply, String> {
    match result(Command::new(line), &format!("{reply}\r\nOK\r\n")).0 {
        Some(Ok(reply)) => Ok(reply),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("no final result".to_owned()),
    }
}

fn idle(reply: &str) -> Vec<Unsolicited> {
    let mut engine = Engine::new(GENERIC.engine_settings());
    engine.receive(format!("{reply}\r\n").as_bytes(), Duration::ZERO);
    let outputs = std::iter::from_fn(|| match engine.poll() {
        Output::Wait(_) => None,
        output => Some(output),
    });
    outputs
        .filter_map(|output| match output {
            Output::Unsolicited(unsolicited) => Some(unsolicited),
            Output::Write(_) | Output::Prompt { .. } | Output::Reply { .. } | Output::Wait(_) => None,
        })
        .collect()
}

fn registration(case: &Value, reply: &str, expected: &Value) -> Verdict {
    let is = |name: &str| expected[name] == true;
    let domain = match (is("is_cgreg"), is("is_cereg"), is("is_c5greg")) {
        (true, _, _) => Domain::Packet,
        (_, true, _) => Domain::Lte,
        (_, _, true) => Domain::FiveG,
        _ => Domain::Circuit,
    };
    let found = if case["form"] == "urc" {
        idle(reply).first().and_then(|unsolicited| Registration::unsolicited(&unsolicited.line))
    } else {
        Registration::answer(domain, &answer(&format!("AT{}?", domain.name()), reply)?)
    };
    let found = found.ok_or("no registration")?;
    let state = match found.state {
        RegistrationState::Idle => "IDLE",
        RegistrationState::Home => "HOME",
        RegistrationState::Searching => "SEARCHING",
        RegistrationState::Denied => "DENIED",
        RegistrationState::Unknown => "UNKNOWN",
        RegistrationState::Roaming => "ROAMING",
        RegistrationState::HomeSmsOnly => "HOME_SMS_ONLY",
        RegistrationState::RoamingSmsOnly => "ROAMING_SMS_ONLY",
        RegistrationState::EmergencyOnly => "EMERGENCY_ONLY",
        RegistrationState::HomeCsfbNotPreferred => "HOME_CSFB_NOT_PREFERRED",
        RegistrationState::RoamingCsfbNotPreferred => "ROAMING_CSFB_NOT_PREFERRED",
        RegistrationState::Restricted => "RLOS",
    };
    let access = match found.access {
        None => "UNKNOWN",
        Some(Access::Gsm) => "GSM",
        Some(Access::Edge) => "EDGE",
        Some(Access::Umts) => "UMTS",
        Some(Access::Lte | Access::NarrowBand) => "LTE",
        Some(Access::FiveG) => "5GNR",
    };
    same("domain", found.domain, domain)?;
    same("state", state, text(&expected["state"]))?;
    same("area", Some(u64::from(found.area.unwrap_or(0))), expected["lac"].as_u64())?;
    same("cell", Some(found.cell.unwrap_or(0)), expected["ci"].as_u64())?;
    same("access", access, text(&expected["act"]))
}

/// `[…, stat, area, cell]` of one project, or an object of another.
fn creg(reply: &str, expected: &Value) -> Verdict {
    let found = Registration::answer(Domain::Circuit, &answer("AT+CREG?", reply)?);
    let code = |value: &Value| value.as_str().and_then(|code| u64::from_str_radix(code, 16).ok());
    let (state, area, cell) = match expected {
        Value::Array(values) => (&values[2], code(&values[3]), code(&values[4])),
        _ => (&expected["stat"], code(&expected["lac"]), code(&expected["ci"])),
    };
    let Some(found) = found else { return same("state", None, state.as_u64()) };
    same("state", Some(found.state as u64), state.as_u64())?;
    if !expected["ci"].is_null() || expected.is_array() {
        same("area", found.area.map(u64::from), area)?;
        same("cell", found.cell, cell)?;
    }
    Ok(())
}

fn listed(found: impl AsRef<[at::StoredMessage]>, expected: &Value, with_index: bool) -> Verdict {
    let show = |index: Value, status: Value, pdu: Value| json!([index, status, pdu]);
    let found = found.as_ref();
    let complete: Vec<String> = found.iter().filter(|it| it.complete).map(|it| it.pdu.clone()).collect();
    let found: Vec<Value> = found
        .iter()
        .map(|message| {
            let index = if with_index { json!(message.index) } else { json!(0) };
            show(index, json!(message.status), json!(message.pdu))
        })
        .collect();
    let expected = expected.as_array().into_iter().flatten();
    let expected: Vec<Value> =
        expected.map(|it| show(it["index"].clone(), it["status"].clone(), it["pdu"].clone())).collect();
    same("messages", &found, &expected)?;
    // One that is not complete is asked for again.
    for hex in complete {
        pdu::decode_any(&hex).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn storages_offered(reply: &str, expected: &Value) -> Verdict {
    let mut found = at::storages_offered(&answer("AT+CPMS=?", reply)?);
    if expected.get("mem1").is_none() {
        return Ok(());
    }
    found.resize(3, Vec::new());
    let wanted = ["mem1", "mem2", "mem3"].map(|name| {
        expected[name].as_array().into_iter().flatten().map(|memory| text(memory).to_owned()).collect::<Vec<_>>()
    });
    same("memories", found.as_slice(), wanted.as_slice())
}

fn storages_used(reply: &str, expected: &Value) -> Verdict {
    let found = at::storage_used(&answer("AT+CPMS?", reply)?);
    same("storages", found.len(), 3)?;
    for (storage, name) in found.iter().zip(["mem1", "mem2"]) {
        // The other parser knows only some names.
        if expected[name] != "?" {
            same(name, storage.memory.as_deref(), expected[name].as_str())?;
        }
    }
    Ok(())
}

fn tries_left(counter: PinCounter, line: &str, reply: &str, expected: &Value) -> Verdict {
    let found = at::pin_tries_left(counter, &answer(line, reply)?);
    same("tries", found.map(u64::from), expected.as_u64())
}

fn sim(reply: &str, expected: &Value) -> Verdict {
    let (found, _) = result(Command::new("AT+CPIN?"), &format!("{reply}\r\nOK\r\n"));
    let found = at::sim_state(&found.ok_or("no final result")?);
    let wanted = match text(&expected["lock"]) {
        "SIM_PIN" => SimState::Pin,
        "SIM_PUK" => SimState::Puk,
        // They guard things that this program never asks for.
        "SIM_PIN2" | "SIM_PUK2" => SimState::Ready,
        // CME 100 right after power-on: asked again.
        "UNKNOWN" => SimState::Busy,
        other => SimState::Locked(other.replacen('_', "-", 1).replace('_', " ")),
    };
    same("state", found, wanted)
}

fn routing(reply: &str, expected: &Value) -> Verdict {
    let found = at::routing_ranges(&answer("AT+CNMI=?", reply)?).ok_or("no ranges")?;
    let number = |text: &str| text.parse::<u8>().unwrap_or(u8::MAX);
    for (found, ranges) in found.iter().zip(expected["ranges"].as_array().into_iter().flatten()) {
        let wanted: Vec<u8> = text(ranges)
            .split(',')
            .flat_map(|range| {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                number(from)..=number(to)
            })
            .collect();
        same("range", found, &wanted)?;
    }
    Ok(())
}

/// What is echo is what was sent: the part before the first line end.
fn echo(reply: &str, without: &str) -> Verdict {
    let sent = if without.len() < reply.len() { &reply[..reply.len() - without.len()] } else { "AT+CSQ" };
    let command = Command::new(sent).answered_by_any_line();
    let lines = |text: &str| -> Vec<String> {
        text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let (found, unsolicited) = result(command, &format!("{reply}\r\nOK\r\n"));
    let Some(Ok(found)) = found else { return Err("no OK".to_owned()) };
    let lines_found: Vec<String> = found.lines.into_iter().chain(unsolicited.into_iter().map(|it| it.line)).collect();
    same("lines", lines_found, lines(without))
}

/// Words of calls are final results only of a dialling command.
fn final_result(reply: &str, expected: &Value) -> Verdict {
    let (found, _) = result(Command::new("ATD+15551234567;"), reply);
    let found = found.map(|found| found.is_err());
    let wanted = (expected["final_found"] == true).then(|| expected["is_error"] == true);
    same("error", found, wanted)
}

fn report(reply: &str, expected: &Value) -> Verdict {
    match idle(reply).first().map(Unsolicited::event) {
        Some(Event::StatusReport { pdu }) => {
            same("PDU", pdu.as_str(), text(&expected["pdu"]))?;
            let length = usize::try_from(expected["tpdu_len"].as_u64().unwrap_or(0)).unwrap_or(0);
            pdu::decode_announced(&pdu, length, Direction::Received).map(drop).map_err(|error| error.to_string())
        }
        other => Err(format!("{other:?}")),
    }
}

fn stored(reply: &str, expected: &Value) -> Verdict {
    let found = match idle(reply).first().map(Unsolicited::event) {
        Some(Event::MessageStored { index, .. }) => Some(i64::from(index)),
        // Without an index the storage is listed.
        Some(Event::Damaged) => Some(-1),
        _ => None,
    };
    same("index", found, expected.as_i64())
}

/// Every line comes out as unsolicited, and none gets into the answer to another command.
fn unasked(reply: &str) -> Verdict {
    let lines = reply.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).count();
    same("lines while idle", idle(reply).len(), lines)?;
    let (found, unsolicited) = result(Command::new("AT+CSQ"), &format!("{reply}\r\n+CSQ: 17,99\r\nOK\r\n"));
    let Some(Ok(found)) = found else { return Err("ends another command".to_owned()) };
    same("answer to another command", found.lines, vec!["+CSQ: 17,99".to_owned()])?;
    same("lines during another command", unsolicited.len(), lines)
}

/// A reply with its final result.
fn whole_reply(command: &str, reply: &str, expected: &Value) -> Verdict {
    let asked = Command::new(command);
    let asked = if command.starts_with("AT+CPIN") { asked.with_optional_final() } else { asked };
    let (found, _) = result(asked, reply);
    let found = found.map(|found| match found {
        Ok(_) => "OK",
        Err(AtError::Refused(ModemError::NotSupported)) => "COMMAND NOT SUPPORT",
        Err(_) => "ERROR",
    });
    same("final", found, expected["final"].as_str())?;
    let reply = answer(command, reply.trim_end().trim_end_matches("OK")).unwrap_or_default();
    match command {
        "AT+CIMI" => same("IMSI", at::imsi(&reply).as_deref(), Some("111111111111111")),
        "AT+CGSN" => same("IMEI", at::imei(&reply).as_deref(), Some("111111111111111")),
        "AT+CGMI" | "AT+CGMM" if found == Some("OK") => {
            at::identity_line(&reply, &command[2..]).map(drop).ok_or_else(|| "no name".to_owned())
        }
        "AT+CPIN?" => same("state", at::sim_state(&Ok(reply)), SimState::Ready),
        "AT+CPMS=\"SM\",\"SM\"" if found == Some("OK") => same("storages", at::storage_used(&reply).len(), 2),
        _ => Ok(()),
    }
}

/// The lines of a call go by without breaking the exchange that runs.
fn call(expected: &Value) -> Verdict {
    for name in ["call_init", "hangup", "rejected", "incoming"] {
        for line in expected[name].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if line.trim() != "OK" {
                unasked(line).map_err(|difference| format!("{name} {line:?}: {difference}"))?;
            }
        }
    }
    Ok(())
}

fn kept(command: &str, reply: &str) -> Verdict {
    let line = line_of(command);
    let is_line = |line: &&str| !line.trim().is_empty() && line.trim() != "OK" && line.trim() != command;
    let lines = reply.split(['\r', '\n']).filter(is_line).count();
    let body = reply.trim_end().strip_suffix("OK").unwrap_or(reply);
    let found = match result(Command::new(line).answered_by_any_line(), &format!("{body}\r\nOK\r\n")).0 {
        Some(Ok(found)) => found.lines.len(),
        Some(Err(_)) => 0,
        None => return Err("no final result".to_owned()),
    };
    let is_error = reply.contains("ERROR");
    same("lines", found, if is_error { 0 } else { lines })
}
