//! What a modem, or whoever sends to its number, could break.

use std::collections::BTreeMap;
use std::time::Duration;

use simverify::modem::at::{
    self, Command, CommandId, Domain, Engine, Output, PinCounter, Registration, Reply, Unsolicited,
};
use simverify::modem::pdu::{self, Address, Body, Direction, Pdu, Submit, SubmitOptions, SubmitPart};
use simverify::modem::profile::GENERIC;

/// The body of the submits that are permitted.
const BODY: &str = "0001000191F1000001B1";

/// In `line`: the byte after this one says how many tenths of a second pass.
const TIME_PASSES: u8 = 0xFE;

/// Steps after the last byte; each command ends in a few.
const STEPS_MAX: usize = 1000;

/// Lines through the engine. The first byte chooses the command that runs.
///
/// The chunks in which bytes come make no difference, and each command gets one reply however the modem babbles.
pub fn line(bytes: &[u8]) {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let whole = heard(choice, bytes, bytes.len().max(1));
    assert_eq!(whole, heard(choice, bytes, 1), "byte by byte");
    assert_eq!(whole, heard(choice, bytes, 3), "in chunks of three");
    babble(choice, bytes);
}

fn command(choice: u8) -> Option<Command> {
    match choice % 8 {
        0 => None,
        1 => Some(Command::submit(9, GENERIC.submit_timeout)),
        2 => Some(Command::new("AT+CREG?")),
        3 => Some(Command::new("AT+CMGL=4")),
        4 => Some(Command::new("ATD+15551234567;")),
        5 => Some(Command::new("ATI").answered_by_any_line()),
        6 => Some(Command::new("AT+CPIN?").with_optional_final()),
        _ => Some(Command::wake()),
    }
}

/// What the engine says to bytes that come at once, in chunks.
fn heard(choice: u8, bytes: &[u8], chunk: usize) -> Vec<Output> {
    let mut engine = Engine::new(GENERIC.engine_settings());
    if let Some(command) = command(choice) {
        engine.submit(command, Duration::ZERO);
    }
    bytes.chunks(chunk).for_each(|chunk| engine.receive(chunk, Duration::ZERO));
    std::iter::from_fn(|| match engine.poll() {
        Output::Wait(_) => None,
        output => Some(output),
    })
    .collect()
}

/// Commands and bytes in turn, with time between; every other submit is permitted.
fn babble(choice: u8, bytes: &[u8]) {
    let mut engine = Engine::new(GENERIC.engine_settings());
    let mut replies = BTreeMap::new();
    let mut now = Duration::ZERO;
    for (turn, piece) in bytes.split(|byte| *byte == TIME_PASSES).enumerate() {
        if let Some(command) = command(choice.wrapping_add(u8::try_from(turn % 8).unwrap_or(0))) {
            replies.insert(engine.submit(command, now), 0);
        }
        if let Some((&tenths, piece)) = piece.split_first() {
            now += Duration::from_millis(100 * u64::from(tenths));
            engine.receive(piece, now);
        }
        drain(&mut engine, now, &mut replies);
    }
    for _ in 0..STEPS_MAX {
        let Some(next) = drain(&mut engine, now, &mut replies) else { break };
        now = now.max(next);
        engine.handle_timeout(now);
    }
    assert_eq!(engine.pending(), 0, "commands that never end");
    assert!(replies.values().all(|count| *count == 1), "{replies:?}");
}

/// Takes every output; gives the instant that the engine waits for.
fn drain(engine: &mut Engine, now: Duration, replies: &mut BTreeMap<CommandId, u32>) -> Option<Duration> {
    loop {
        match engine.poll() {
            Output::Wait(until) => return until,
            Output::Reply { id, result } => {
                *replies.entry(id).or_default() += 1;
                let _ = format!("{result:?}");
            }
            Output::Prompt { id } => {
                if replies.len().is_multiple_of(2) {
                    engine.proceed(id, BODY, now);
                } else {
                    engine.abandon(id, now);
                }
            }
            Output::Unsolicited(unsolicited) => {
                let _ = format!("{unsolicited:?} {:?}", unsolicited.event());
            }
            Output::Write(wire) => assert!(!wire.bytes.is_empty()),
        }
    }
}

/// The parsers of answers and unsolicited lines, each with the lines as they are and behind the prefix it looks for.
pub fn reply(bytes: &[u8]) {
    const PREFIXES: [&str; 20] = [
        "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CPIN", "+CSIM", "+SPIC", "+QPINC", "+UPINCNT", "^CPIN", "#PCT",
        "^SPIC", "+CSQ", "+COPS", "+CPMS", "+CNMI", "+CSCA", "+CMGS", "+CMGL", "+CMGR",
    ];
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    parse(&Reply { lines: lines.clone() });
    for prefix in PREFIXES {
        parse(&Reply { lines: lines.iter().map(|line| format!("{prefix}: {line}")).collect() });
    }
    // A list: every other line is a PDU.
    let listed = lines
        .iter()
        .enumerate()
        .map(|(index, line)| if index % 2 == 0 { format!("+CMGL: {line}") } else { line.clone() });
    parse(&Reply { lines: listed.collect() });
    for (index, line) in lines.iter().enumerate() {
        for line in [
            line.clone(),
            format!("+CMTI: {line}"),
            format!("+CMT: {line}"),
            format!("+CDS: {line}"),
            format!("+CREG: {line}"),
        ] {
            let unsolicited = Unsolicited { line, second: lines.get(index + 1).cloned(), restart: false };
            shows_no_number(&unsolicited.line, &format!("{unsolicited:?}"));
            let _ = format!("{:?}", unsolicited.event());
        }
    }
}

fn parse(reply: &Reply) {
    shows_no_number(&reply.lines.concat(), &format!("{reply:?}"));
    for domain in Domain::ALL {
        Registration::answer(domain, reply);
    }
    for counter in [
        PinCounter::Csim,
        PinCounter::Spic,
        PinCounter::Qpinc,
        PinCounter::Upincnt,
        PinCounter::HuaweiCpin,
        PinCounter::Pct,
        PinCounter::CinterionSpic,
    ] {
        at::pin_tries_left(counter, reply);
    }
    at::sim_state(&Ok(reply.clone()));
    assert!(at::iccid(reply).is_none_or(|iccid| (18..=20).contains(&iccid.len())));
    assert!(at::imei(reply).is_none_or(|imei| imei.bytes().all(|byte| byte.is_ascii_digit())));
    assert!(at::imsi(reply).is_none_or(|imsi| imsi.len() <= 15));
    assert!(at::identity_line(reply, "+CGMM").is_none_or(|name| !name.is_empty() && !name.contains(char::is_control)));
    at::service_centre(reply);
    at::signal(reply);
    at::operator(reply);
    assert!(at::storage_used(reply).iter().all(|storage| storage.percent_used() <= 100));
    assert!(at::storages_offered(reply).iter().flatten().all(|name| !name.is_empty()));
    let ranges = at::routing_ranges(reply);
    let routings = at::choose_routing(ranges.as_ref());
    assert!(!routings.is_empty());
    routings.iter().for_each(|routing| assert_eq!(routing.to_string().split(',').count(), 5));
    at::submit_reference(reply);
    let stored = at::listed_messages(reply);
    assert!(stored.len() <= reply.lines.len());
    for message in stored.into_iter().chain(at::read_message(reply)) {
        let _ = (format!("{message:?}"), pdu::decode(&message.pdu, Direction::Received));
    }
}

/// Of a modem's line nothing may be shown that could be a number or a PIN of five digits and more.
fn shows_no_number(line: &str, shown: &str) {
    // Anything else is escaped, and its escape has digits of its own.
    if line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && line.len() < 10_000 {
        let digits = shown.as_bytes().windows(5).any(|window| window.iter().all(u8::is_ascii_digit));
        assert!(!digits, "{shown}");
    }
}

/// PDUs of both directions: what can be read can be shown, and what it says can be sent and read again.
pub fn pdu(bytes: &[u8]) {
    let [received, sent] = [Direction::Received, Direction::Sent].map(|direction| pdu::decode_octets(bytes, direction));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    if bytes.len() <= 512 {
        assert_eq!(received, pdu::decode(&hex, Direction::Received));
        assert_eq!(received, pdu::decode(&hex.to_lowercase(), Direction::Received));
        let any = pdu::decode_any(&hex);
        assert!(any == received || any == sent, "{any:?}");
        assert!(any.is_ok() || received.is_err());
    }
    for length in [bytes.len().saturating_sub(1), bytes.len(), bytes.len() + 1] {
        let _ = pdu::decode_announced(&hex, length, Direction::Received);
    }
    for bare in [pdu::decode_bare(bytes, Direction::Received), pdu::decode_bare(bytes, Direction::Sent)] {
        let _ = bare.map(|pdu| exercise(&pdu, bytes));
    }
    for read in [received, sent] {
        match read {
            Ok(pdu) => exercise(&pdu, bytes),
            Err(error) => assert!(error.offset <= bytes.len() && !error.to_string().is_empty(), "{error}"),
        }
    }
    let recipient = Address::international("15551234567");
    send_text(&recipient, &String::from_utf8_lossy(bytes), &options(bytes));
    send_octets(&recipient, bytes, &options(bytes));
}

/// Asks for everything that is worked out only when asked, and sends the content on.
fn exercise(pdu: &Pdu, bytes: &[u8]) {
    let _ = format!("{pdu:?}");
    let (number, body) = match pdu {
        Pdu::Deliver(deliver) => {
            let _ = deliver.timestamp.map(|time| (time.to_string(), time.as_unix_millis()));
            (&deliver.originator, Some(&deliver.body))
        }
        Pdu::Submit(submit) => (&submit.recipient, Some(&submit.body)),
        Pdu::StatusReport(report) => {
            assert!(!report.reason().is_empty());
            report.verdict();
            (&report.recipient, report.body.as_ref())
        }
    };
    number.is_subscriber("15551234567");
    let Some(body) = body else { return };
    body.header.ports();
    if let Some(concat) = body.header.concat() {
        assert!((1..=concat.parts).contains(&concat.part), "{concat:?}");
    }
    match body.text() {
        Some(text) => send_text(number, &text, &options(bytes)),
        None => send_octets(number, &body.content, &options(bytes)),
    }
}

fn options(bytes: &[u8]) -> SubmitOptions {
    let [first, second] = [0, 1].map(|place| bytes.get(place).copied().unwrap_or(0));
    SubmitOptions {
        status_report: first & 0x01 != 0,
        validity: (first & 0x02 != 0).then(|| Duration::from_secs(u64::from(second) * 3600)),
        concat_reference: second,
        wide_concat_reference: (first & 0x04 != 0).then(|| u16::from_be_bytes([first, second])),
        class: (first & 0x08 != 0).then_some(second & 0x03),
    }
}

/// What is sent reads as it was meant; a text that is too long, or for nobody, is refused.
fn send_text(recipient: &Address, text: &str, options: &SubmitOptions) {
    let Ok(parts) = pdu::encode_submit_to(recipient, text, options) else { return };
    let parts = read_back(recipient, &parts, options);
    assert_eq!(Body::join(parts.iter().map(|part| &part.body)).as_deref(), Some(text));
    assert_eq!(parts.iter().filter_map(Submit::text).collect::<String>(), text, "each part is a text by itself");
}

fn send_octets(recipient: &Address, octets: &[u8], options: &SubmitOptions) {
    let Ok(parts) = pdu::encode_submit_octets(recipient, octets, options) else { return };
    let parts = read_back(recipient, &parts, options);
    assert_eq!(parts.iter().flat_map(|part| part.body.content.clone()).collect::<Vec<_>>(), octets);
}

fn read_back(recipient: &Address, parts: &[SubmitPart], options: &SubmitOptions) -> Vec<Submit> {
    let count = parts.len();
    let read = parts.iter().enumerate().map(|(index, part)| {
        let Ok(Pdu::Submit(submit)) = pdu::decode_any(&part.hex) else { panic!("our own submit cannot be read") };
        assert_eq!(part.hex.len(), 2 * (part.length + 1));
        assert_eq!(&submit.recipient, recipient);
        assert_eq!((submit.status_report, submit.class), (options.status_report, options.class));
        assert_eq!(submit.validity.is_some(), options.validity.is_some());
        let place = submit.concat.map(|concat| (usize::from(concat.parts), usize::from(concat.part)));
        assert_eq!(place, (count > 1).then_some((count, index + 1)));
        submit
    });
    read.collect()
}
