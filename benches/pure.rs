//! How long the pure parts take: far below anything that a modem or a disk does, and this shows by how much.
//!
//! Each is run in batches for a while; the median batch counts. `make bench` prints them as a table in Markdown.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use simverify::clock::Timestamp;
use simverify::modem::at::{Command, Engine, Output};
use simverify::modem::pdu::{self, Direction, SubmitOptions};
use simverify::modem::profile::GENERIC;
use simverify::verification::{Event, Outcome, Plan, Verification, Workflow};

const BATCHES: usize = 101;
const BATCH_TIME: Duration = Duration::from_millis(5);

/// Our SMS with a PIN, for a brand that GSM 7-bit can write and for one that it cannot.
const PLAIN: &str = "Acme code: 1234. Valid for 5 minutes.";
const FOREIGN: &str = "Žluťoučký kůň: 1234. Platí 5 minut.";

/// A delivery report as a modem prints it.
const REPORT: &str = "07911326040000F006D60B911326880736F4111011719551401110117195714000";

fn main() {
    println!("| what | one takes | a second |\n| --- | --- | --- |");
    let validity = Some(Duration::from_secs(300));
    let options = SubmitOptions { status_report: true, validity, ..SubmitOptions::default() };
    let encode = |text: &str| pdu::encode_submit("491701234567", black_box(text), &options).expect("a text that fits");
    show("PDU: encode a PIN's SMS, GSM 7-bit", || encode(PLAIN));
    show("PDU: encode a PIN's SMS, UCS-2", || encode(FOREIGN));
    let submit = encode(PLAIN).remove(0).hex;
    let decode = |hex: &str, direction| pdu::decode(black_box(hex), direction).expect("a PDU");
    show("PDU: decode a PIN's SMS", || decode(&submit, Direction::Sent));
    show("PDU: decode a delivery report", || decode(REPORT, Direction::Received));
    command_and_answer();
    unsolicited_lines();
    show("state machine: a verification from start to success", verification);
}

/// Times `work`; the median of many batches.
fn show<T>(what: &str, mut work: impl FnMut() -> T) {
    let mut time = |count: u32| {
        let begun = Instant::now();
        for _ in 0..count {
            black_box(work());
        }
        begun.elapsed()
    };
    let mut count = 1;
    while time(count) < BATCH_TIME {
        count *= 2;
    }
    let mut batches: Vec<f64> = (0..BATCHES).map(|_| time(count).as_secs_f64() / f64::from(count)).collect();
    batches.sort_by(f64::total_cmp);
    let median = batches[BATCHES / 2];
    println!("| {what} | {:.2} µs | {:.0} |", median * 1e6, 1.0 / median);
}

fn command_and_answer() {
    let mut engine = Engine::new(GENERIC.engine_settings());
    let mut now = Duration::ZERO;
    show("AT engine: a command and its answer", || {
        now += GENERIC.rest;
        engine.submit(Command::new("AT+CSQ"), now);
        drain(&mut engine);
        engine.receive(black_box(b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"), now);
        drain(&mut engine);
    });
}

fn unsolicited_lines() {
    let mut engine = Engine::new(GENERIC.engine_settings());
    show("AT engine: a line that comes unasked", || {
        engine.receive(black_box(b"\r\n+CREG: 1,\"00C3\",\"A013\"\r\n"), Duration::ZERO);
        drain(&mut engine);
    });
}

fn drain(engine: &mut Engine) {
    while !matches!(black_box(engine.poll()), Output::Wait(_)) {}
}

fn verification() -> Verification {
    let plan = Plan {
        workflow: Workflow::DEFAULT,
        next_event_wait: None,
        pin_life: Duration::from_secs(300),
        cancel_after: Duration::from_secs(30),
        tries_max: 3,
        send_timeout: Duration::from_secs(240),
    };
    let now = Timestamp::from_millis(1_700_000_000_000);
    let (mut verification, _) = Verification::start(black_box(plan), now);
    let events = [
        Event::Claimed { attempt: 1 },
        Event::Begun { attempt: 1 },
        Event::Finished { attempt: 1, outcome: Outcome::HandedOver },
        Event::TryCounted,
        Event::Compared { generation: 1, right: true },
    ];
    for event in events {
        verification.handle(black_box(event), now).expect("the usual course");
    }
    verification
}
