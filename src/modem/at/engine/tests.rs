use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Priority;
use super::super::transcript::converse;
use super::*;
use crate::modem::profile::GENERIC;

#[test]
fn an_answer_is_free_of_echo_blank_lines_and_unsolicited_lines() {
    insta::assert_snapshot!(converse("
        > AT+CSQ
        << AT+CSQ\\r\\r\\n^RSSI:17\\r\\n\\r\\n+CSQ: 17,99\\r\\n\\r\\nRING\\r\\n\\r\\n\\x00OK\\xff\\r\\n
    "), @r"
    > AT+CSQ
        write AT+CSQ\r
    << AT+CSQ\r\r\n^RSSI:17\r\n\r\n+CSQ: 17,99\r\n\r\nRING\r\n\r\n\x00OK\xff\r\n
        unsolicited Other
        unsolicited Ring
        0 ok +CSQ: 17,99
    ");
}

#[test]
fn what_can_be_the_answer_is_the_answer_and_else_it_is_unsolicited() {
    insta::assert_snapshot!(converse("
        > AT+CREG?
        < +CREG: 5
        < +CREG: 2,1
        < OK
        > AT+CSQ
        + 10
        < +CREG: 5
        < +CSQ: 3,99
        < OK
        < +CREG: 2
        < NO CARRIER
        < OK
    "), @r"
    > AT+CREG?
        write AT+CREG?\r
    < +CREG: 5
    < +CREG: 2,1
    < OK
        0 ok +CREG: 5 | +CREG: 2,1
    > AT+CSQ
    + 10
        write AT+CSQ\r
    < +CREG: 5
        unsolicited Registration { domain: Circuit, state: Roaming, area: None, cell: None, access: None }
    < +CSQ: 3,99
    < OK
        1 ok +CSQ: 3,99
    < +CREG: 2
        unsolicited Registration { domain: Circuit, state: Searching, area: None, cell: None, access: None }
    < NO CARRIER
        unsolicited Other
    < OK
    ");
}

#[test]
fn a_body_is_written_only_after_the_prompt_and_with_permission() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        > AT+CSQ
        << AT+CMGS=23\\r\\r\\n^RSSI:3\\r\\n\\r\\n>\\x20
        + 500
        ! proceed 0011000B91
        << 0011000B91\\x1a\\r\\n
        < +CDSI: \"SM\",3
        + 3000
        < +CMGS: 198
        <
        < OK
        + 5
        < +CSQ: 1,99
        < OK
    "), @r#"
    > AT+CMGS=23
        write AT+CMGS=23\r
    > AT+CSQ
    << AT+CMGS=23\r\r\n^RSSI:3\r\n\r\n>\x20
        unsolicited Other
        prompt of 0
    + 500
    ! proceed 0011000B91
        write 0011000B91\x1a
    << 0011000B91\x1a\r\n
    < +CDSI: "SM",3
        unsolicited StatusReportStored SM 3
    + 3000
    < +CMGS: 198
    <
    < OK
        0 ok +CMGS: 198
    + 5
        write AT+CSQ\r
    < +CSQ: 1,99
    < OK
        1 ok +CSQ: 1,99
    "#);
}

#[test]
fn every_known_prompt_is_seen_without_waiting_for_a_line_end() {
    for prompt in ["\\r\\n>\\x20", ">", ">\\x20\\r", "\\r\\n>\\r\\n", "AT+CMGS=23\\r\\n>", "AT+CMGS=23>", "\\x00>"] {
        let shown = converse(&format!("> AT+CMGS=23\n<< {prompt}\n! abandon"));
        assert!(shown.contains("prompt of 0\n"), "{prompt}: {shown}");
    }
}

#[test]
fn an_angle_bracket_in_an_unsolicited_line_is_no_prompt() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        << \\r\\n+CUSD: 0,\"a > b\"\\r\\n
        < +CMS ERROR: 38
    "), @r#"
    > AT+CMGS=23
        write AT+CMGS=23\r
    << \r\n+CUSD: 0,"a > b"\r\n
        unsolicited Other
    < +CMS ERROR: 38
        0 failed: modem refused: CMS 38, network out of order
    "#);
}

#[test]
fn a_message_taken_back_at_the_prompt_leaves_a_clean_line() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        > AT
        << >
        ! abandon
        < OK
        + 299
        + 6
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    > AT
    << >
        prompt of 0
    ! abandon
        write \x1b
        0 failed: message taken back before it was sent
    < OK
    + 299
    + 6
        write AT\r
    < OK
        1 ok
    ");
}

#[test]
fn where_esc_is_not_honoured_a_carriage_return_and_at_leave_the_prompt() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        > AT
        << >
        ! abandon
        + 300
        < +CMS ERROR: 304
        < OK
        + 305
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    > AT
    << >
        prompt of 0
    ! abandon
        write \x1b
        0 failed: message taken back before it was sent
    + 300
        write \rAT\r
    < +CMS ERROR: 304
    < OK
    + 305
        write AT\r
    < OK
        1 ok
    ");
}

#[test]
fn a_prompt_that_does_not_come_is_asked_for_once_more() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        + 10000
        < OK
        + 300
        + 10000
        < ERROR
        + 300
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    + 10000
        write \x1b
    < OK
    + 300
        write AT+CMGS=23\r
    + 10000
        write \x1b
        0 failed: modem gave no prompt for the message
    < ERROR
    + 300
    ");
}

#[test]
fn silence_after_ctrl_z_is_uncertain_and_a_late_answer_is_told_apart() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        << >
        ! proceed 0011
        + 45000
        + 2000
        > AT+CREG?
        < +CMGS: 12
        < OK
        < +CREG: 0,1
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    << >
        prompt of 0
    ! proceed 0011
        write 0011\x1a
    + 45000
        write \x1b
        0 failed: no answer from the modem in time; the message may have been sent
    + 2000
        write \rAT\r
    > AT+CREG?
        write AT+CREG?\r
    < +CMGS: 12
        unsolicited LateSubmit Some(12)
    < OK
    < +CREG: 0,1
    < OK
        1 ok +CREG: 0,1
    ");
}

#[test]
fn a_late_refusal_of_a_message_does_not_end_the_next_command() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        << >
        ! proceed 0011
        + 47000
        > AT+CREG?
        < +CMS ERROR: 38
        < +CREG: 0,1
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    << >
        prompt of 0
    ! proceed 0011
        write 0011\x1a
    + 47000
        write \x1b
        0 failed: no answer from the modem in time; the message may have been sent
        write \rAT\r
    > AT+CREG?
        write AT+CREG?\r
    < +CMS ERROR: 38
        unsolicited LateRefusal CMS 38, network out of order
    < +CREG: 0,1
    < OK
        1 ok +CREG: 0,1
    ");
}

#[test]
fn a_late_result_belongs_to_the_command_before() {
    insta::assert_snapshot!(converse("
        > AT+CIMI
        > AT+CSQ
        + 5000
        + 200
        < ERROR
        + 299
        + 6
        < +CSQ: 5,99
        < OK
    "), @r"
    > AT+CIMI
        write AT+CIMI\r
    > AT+CSQ
    + 5000
        0 failed: no answer from the modem in time
    + 200
    < ERROR
    + 299
    + 6
        write AT+CSQ\r
    < +CSQ: 5,99
    < OK
        1 ok +CSQ: 5,99
    ");
}

#[test]
fn answers_that_come_late_shift_no_later_ones() {
    // Each answer comes after the time-out, and after the pause that follows it.
    insta::assert_snapshot!(converse("
        > AT+CIMI
        > AT+CSQ
        > AT
        > AT+CREG?
        + 5000
        + 400
        < 001010123456789
        < OK
        + 900
        < +CSQ: 5,99
        < OK
        + 900
        < OK
        + 900
        < +CREG: 0,1
        < OK
    "), @r"
    > AT+CIMI
        write AT+CIMI\r
    > AT+CSQ
    > AT
    > AT+CREG?
    + 5000
        0 failed: no answer from the modem in time
    + 400
        write AT+CSQ\r
    < 001010123456789
    < OK
    + 900
    < +CSQ: 5,99
    < OK
        1 ok +CSQ: 5,99
    + 900
        write AT\r
    < OK
        2 ok 
    + 900
        write AT+CREG?\r
    < +CREG: 0,1
    < OK
        3 ok +CREG: 0,1
    ");
    // What may be its own answer counts after a while without another.
    insta::assert_snapshot!(converse("
        > AT+CIMI
        > AT
        + 5000
        + 400
        < OK
        + 2000
    "), @r"
    > AT+CIMI
        write AT+CIMI\r
    > AT
    + 5000
        0 failed: no answer from the modem in time
    + 400
        write AT\r
    < OK
    + 2000
        1 ok
    ");
    insta::assert_snapshot!(converse("
        > AT+CIMI
        > AT+CMGF=0
        > AT
        + 5000
        + 400
        < ERROR
        + 100
        < OK
        < OK
    "), @r"
    > AT+CIMI
        write AT+CIMI\r
    > AT+CMGF=0
    > AT
    + 5000
        0 failed: no answer from the modem in time
    + 400
        write AT+CMGF=0\r
    < ERROR
    + 100
    < OK
        1 ok 
    < OK
    ");
}

#[test]
fn a_restart_fails_everything_at_once_and_counts_once() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        > AT+CSQ
        << >
        ! proceed 0011
        < RDY
        + 500
        < +CFUN: 1
        < +CPIN: READY
        < Call Ready
        + 20000
        > AT+CFUN?
        < +CFUN: 1
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    > AT+CSQ
    << >
        prompt of 0
    ! proceed 0011
        write 0011\x1a
    < RDY
        0 failed: modem restarted; the message may have been sent
        1 failed: modem restarted
        unsolicited Restarted
    + 500
    < +CFUN: 1
        unsolicited Other
    < +CPIN: READY
        unsolicited Ready
    < Call Ready
        unsolicited Other
    + 20000
    > AT+CFUN?
        write AT+CFUN?\r
    < +CFUN: 1
    < OK
        2 ok +CFUN: 1
    ");
}

#[test]
fn a_modem_that_restarts_twice_in_a_row_has_restarted_twice() {
    insta::assert_snapshot!(converse("
        < RDY
        < +CFUN: 1
        + 3000
        < +CFUN: 1
        < RDY
        < +CFUN: 1
    "), @r"
    < RDY
        unsolicited Restarted
    < +CFUN: 1
        unsolicited Other
    + 3000
    < +CFUN: 1
        unsolicited Other
    < RDY
        unsolicited Restarted
    < +CFUN: 1
        unsolicited Other
    ");
}

#[test]
fn a_boot_line_that_is_repeated_is_one_restart_and_another_number_is_another() {
    insta::assert_snapshot!(converse("
        < ^BOOT:26417135,0,0,0,20
        + 20000
        > AT+CSQ
        < ^BOOT:26417135,0,0,0,6
        < OK
        < ^BOOT:99417135,0,0,0,6
    "), @r"
    < ^BOOT:26417135,0,0,0,20
        unsolicited Restarted
    + 20000
    > AT+CSQ
        write AT+CSQ\r
    < ^BOOT:26417135,0,0,0,6
        unsolicited Other
    < OK
        0 ok 
    < ^BOOT:99417135,0,0,0,6
        unsolicited Restarted
    ");
}

#[test]
fn the_first_boot_line_raises_no_doubt_about_a_message_unless_none_came_for_a_minute() {
    insta::assert_snapshot!(converse("
        > AT+CMGS=23
        << >
        ! proceed 0011
        < ^BOOT:26417135,0,0,0,20
        < +CMGS: 7
        < OK
    "), @r"
    > AT+CMGS=23
        write AT+CMGS=23\r
    << >
        prompt of 0
    ! proceed 0011
        write 0011\x1a
    < ^BOOT:26417135,0,0,0,20
        unsolicited Other
    < +CMGS: 7
    < OK
        0 ok +CMGS: 7
    ");
    insta::assert_snapshot!(converse("
        > AT
        < OK
        + 61000
        > AT+CMGS=23
        << >
        ! proceed 0011
        < ^BOOT:26417135,0,0,0,20
    "), @r"
    > AT
        write AT\r
    < OK
        0 ok 
    + 61000
    > AT+CMGS=23
        write AT+CMGS=23\r
    << >
        prompt of 1
    ! proceed 0011
        write 0011\x1a
    < ^BOOT:26417135,0,0,0,20
        1 failed: modem restarted; the message may have been sent
        unsolicited Restarted
    ");
}

#[test]
fn a_report_between_a_list_header_and_its_pdu_reaches_its_own_place() {
    insta::assert_snapshot!(converse("
        > AT+CMGL=4
        < +CMGL: 1,1,,5
        < +CDS: 3
        < ^RSSI:4
        < 0006FF00
        < 0004FF000102
        < +CMGL: 2,1,,3
        < 0004FF00
        < OK
    "), @r"
    > AT+CMGL=4
        write AT+CMGL=4\r
    < +CMGL: 1,1,,5
    < +CDS: 3
    < ^RSSI:4
        unsolicited Other
    < 0006FF00
        unsolicited StatusReport <4 octets>
    < 0004FF000102
    < +CMGL: 2,1,,3
    < 0004FF00
    < OK
        0 ok +CMGL: 1,1,,5 | 0004FF000102 | +CMGL: 2,1,,3 | 0004FF00
    ");
}

#[test]
fn a_pdu_that_is_lost_or_damaged_is_said_to_be() {
    insta::assert_snapshot!(converse("
        < +CDS: 24
        < 0006FF0011
        < +CDS: 24
        < RING
        < OK
        < +CMT: ,24
        < +CMTI: \"SM\",1
        < +CMT: ,3
        < 0004FF00
    "), @r#"
    < +CDS: 24
    < 0006FF0011
        unsolicited Damaged
    < +CDS: 24
    < RING
        unsolicited Ring
    < OK
        unsolicited Damaged
    < +CMT: ,24
    < +CMTI: "SM",1
        unsolicited MessageStored SM 1
    < +CMT: ,3
        unsolicited Damaged
    < 0004FF00
        unsolicited Message <4 octets>
    "#);
}

#[test]
fn an_answer_without_a_final_result_ends_in_silence() {
    insta::assert_snapshot!(converse("
        > AT+CPIN?
        < +CPIN: READY
        + 1000
        > AT+CSQ
        + 5000
    "), @r"
    > AT+CPIN?
        write AT+CPIN?\r
    < +CPIN: READY
    + 1000
        0 ok +CPIN: READY
    > AT+CSQ
    + 5000
        write AT+CSQ\r
    ");
}

#[test]
fn numeric_results_end_commands_too() {
    insta::assert_snapshot!(converse("
        > AT
        << 0\\r
        > ATZ
        + 5
        << 4\\r
        > ATD123;
        + 5
        << 3\\r
    "), @r"
    > AT
        write AT\r
    << 0\r
        0 ok 
    > ATZ
    + 5
        write ATZ\r
    << 4\r
        1 failed: modem refused: ERROR
    > ATD123;
    + 5
        write ATD123;\r
    << 3\r
        2 failed: modem refused: no carrier
    ");
}

#[test]
fn a_closed_port_answers_for_everything() {
    insta::assert_snapshot!(converse("
        > AT+CSQ
        > AT+CREG?
        ! close
        > AT
        + 5
        < OK
    "), @r"
    > AT+CSQ
        write AT+CSQ\r
    > AT+CREG?
    ! close
        0 failed: port closed
        1 failed: port closed
    > AT
        write AT\r
    + 5
    < OK
        2 ok
    ");
}

#[test]
fn call_control_goes_first_and_polls_last() {
    let mut engine = Engine::new(GENERIC.engine_settings());
    let now = Duration::ZERO;
    for (line, priority) in
        [("AT", Priority::Poll), ("AT+CSQ", Priority::Poll), ("AT+CMMS=1", Priority::Sms), ("ATH", Priority::Call)]
    {
        engine.submit(Command::new(line).at_priority(priority), now);
    }
    let mut written = Vec::new();
    for step in 0..4 {
        let now = Duration::from_millis(10 * step);
        engine.handle_timeout(now);
        while let output @ (Output::Write(_) | Output::Reply { .. }) = engine.poll() {
            if let Output::Write(wire) = output {
                written.push(wire.bytes.escape_ascii().to_string());
            }
        }
        engine.receive(b"OK\r\n", now);
    }
    assert_eq!(written, ["AT\\r", "ATH\\r", "AT+CMMS=1\\r", "AT+CSQ\\r"]);
}

#[test]
fn a_full_queue_refuses_polls_before_messages() {
    let mut engine = Engine::new(GENERIC.engine_settings());
    let mut poll = None;
    for _ in 0..=QUEUE_MAX {
        poll = Some(engine.submit(Command::new("AT").at_priority(Priority::Poll), Duration::ZERO));
    }
    engine.submit(Command::new("ATH").at_priority(Priority::Call), Duration::ZERO);
    assert!(matches!(engine.poll(), Output::Write(_)));
    assert_eq!(engine.poll(), Output::Reply { id: poll.expect("a poll"), result: Err(AtError::QueueFull) });
}

#[derive(Debug, Clone)]
enum Move {
    Submit(u8),
    Receive(Vec<u8>),
    Pass(u64),
    Proceed,
    Abandon,
    Close,
}

fn babble() -> impl Strategy<Value = Vec<u8>> {
    let sensible = prop::sample::select(vec![
        "OK\r\n",
        "ERROR\r\n",
        "\r\n> ",
        ">",
        "+CMGS: 3\r\n",
        "+CREG: 1\r\n",
        "+CDS: 3\r\n",
        "0006FF00\r\n",
        "RDY\r\n",
        "+CMGL: 1,1,,3\r\n",
        "+CMS ERROR: 38\r\n",
        "^BOOT:1,2\r\n",
        "+CPIN: READY\r\n",
        "AT+CREG?\r\r\n",
        "RING\r",
        "0\r",
        "\x1a\x1b",
    ]);
    prop_oneof![
        4 => sensible.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (0u8..5).prop_map(Move::Submit),
        8 => babble().prop_map(Move::Receive),
        4 => (0u64..12_000).prop_map(Move::Pass),
        2 => Just(Move::Proceed),
        1 => Just(Move::Abandon),
        1 => Just(Move::Close),
    ]
}

/// An engine with a book of what it owes.
struct Audited {
    engine: Engine,
    now: Duration,
    replies: BTreeMap<CommandId, u32>,
    prompt: Option<CommandId>,
    permitted: Vec<CommandId>,
}

impl Audited {
    fn new() -> Self {
        Self {
            engine: Engine::new(GENERIC.engine_settings()),
            now: Duration::ZERO,
            replies: BTreeMap::new(),
            prompt: None,
            permitted: Vec::new(),
        }
    }

    fn make(&mut self, a_move: Move) {
        match a_move {
            Move::Submit(kind) => {
                let command = match kind {
                    0 => Command::submit(3, GENERIC.submit_timeout),
                    1 => Command::wake(),
                    2 => Command::new("AT+CPIN?").with_optional_final(),
                    3 => Command::new("AT+CMGL=4").at_priority(Priority::Poll),
                    _ => Command::new("AT+CREG?").at_priority(Priority::Call),
                };
                let id = self.engine.submit(command, self.now);
                self.replies.insert(id, 0);
            }
            Move::Receive(bytes) => self.engine.receive(&bytes, self.now),
            Move::Pass(millis) => {
                self.now += Duration::from_millis(millis);
                self.engine.handle_timeout(self.now);
            }
            Move::Proceed => {
                if let Some(id) = self.prompt.take()
                    && self.engine.proceed(id, "0011FF00", self.now)
                {
                    self.permitted.push(id);
                }
            }
            Move::Abandon => {
                if let Some(id) = self.prompt.take() {
                    self.engine.abandon(id, self.now);
                }
            }
            Move::Close => self.engine.close(self.now),
        }
        self.drain();
    }

    fn drain(&mut self) -> Option<Duration> {
        loop {
            match self.engine.poll() {
                Output::Wait(deadline) => return deadline,
                Output::Prompt { id } => self.prompt = Some(id),
                Output::Reply { id, result } => {
                    *self.replies.get_mut(&id).expect("a submitted command") += 1;
                    let submitted = matches!(
                        result,
                        Err(AtError::TimedOut { submitted: true }
                            | AtError::Rebooted { submitted: true }
                            | AtError::Closed { submitted: true })
                    );
                    assert!(!submitted || self.permitted.contains(&id), "uncertain without permission");
                }
                Output::Write(wire) => {
                    let has_body = wire.bytes.contains(&super::super::line::CTRL_Z);
                    assert!(!has_body || !self.permitted.is_empty(), "a body without permission");
                }
                Output::Unsolicited(_) => {}
            }
            assert!(self.replies.values().all(|replies| *replies <= 1), "two replies to one command");
        }
    }

    /// Lets the modem fall silent for good: everything comes to its end.
    fn settle(&mut self) {
        const FUEL: usize = 2000;
        for _ in 0..FUEL {
            match self.drain() {
                Some(deadline) => {
                    assert!(deadline < self.now + Duration::from_secs(200), "a deadline out of reach");
                    self.now = self.now.max(deadline);
                    self.engine.handle_timeout(self.now);
                }
                None => return,
            }
        }
        panic!("the engine's deadline does not move");
    }
}

proptest! {
    #[test]
    fn however_the_modem_babbles_each_command_gets_exactly_one_reply(moves in prop::collection::vec(a_move(), 0..120)) {
        let mut audited = Audited::new();
        for a_move in moves {
            audited.make(a_move);
        }
        audited.settle();
        prop_assert!(audited.replies.values().all(|replies| *replies == 1), "{:?}", audited.replies);
        prop_assert_eq!(audited.engine.pending(), 0);
    }

    #[test]
    fn chunks_make_no_difference(texts in prop::collection::vec(babble(), 0..30), chunk in 1usize..7) {
        let run = |chunk: usize| {
            let mut engine = Engine::new(GENERIC.engine_settings());
            engine.submit(Command::submit(3, GENERIC.submit_timeout), Duration::ZERO);
            let mut outputs = Vec::new();
            for text in texts.iter().flat_map(|text| text.chunks(chunk)) {
                engine.receive(text, Duration::ZERO);
                loop {
                    match engine.poll() {
                        Output::Wait(_) => break,
                        output => outputs.push(output),
                    }
                }
            }
            outputs
        };
        prop_assert_eq!(run(usize::MAX), run(chunk));
    }
}

#[test]
fn a_flood_that_nobody_polls_stays_bounded() {
    let mut engine = Engine::new(GENERIC.engine_settings());
    engine.submit(Command::new("AT+CMGL=4"), Duration::ZERO);
    for _ in 0..3000 {
        engine.receive(
            b"^RSSI:3\r\n+CMGL: 1,1,,3\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
            Duration::ZERO,
        );
        engine.receive(b"RING\r\n", Duration::ZERO);
    }
    assert!(engine.outputs.len() <= OUTPUTS_MAX);
    let State::Running(running) = &engine.state else { panic!("the command runs") };
    assert!(running.lines.len() <= 1024);
}
