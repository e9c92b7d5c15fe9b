use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::at::{CommandId, Engine, Output};
use super::super::profile::{GENERIC, Profile};
use super::*;

fn of(name: &str) -> &'static Calls {
    &Profile::named(name).expect("a profile").calls
}

const RING_TIMEOUT: Duration = Duration::from_secs(45);

/// A whole call as text: the script, with what machine and engine did in between, indented.
///
/// ```text
///  < line      the modem says a line       + 500          time passes, in ms: the list is answered by `calls`
///  ! verb      permit, refuse, reading, spoken, withdraw, mute, close
///  = lines     what `AT+CLCC` is answered from here on, `|` between lines; `-` is silence
///  @ COMMAND lines   what this command is answered from here on; unless told, the script answers it
/// ```
fn converse(family: &str, script: &str) -> String {
    let mut dialogue = Dialogue {
        engine: Engine::new(GENERIC.engine_settings()),
        call: Call::new(PhoneNumber::parse("447700900123", None).expect("a number"), of(family), RING_TIMEOUT),
        now: Duration::ZERO,
        submitted: None,
        family: of(family),
        calls: "OK".to_owned(),
        answers: BTreeMap::new(),
        text: String::new(),
    };
    dialogue.drain();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let _ = writeln!(dialogue.text, "{line}");
        let (verb, rest) = line.split_once(' ').expect("a verb");
        match verb {
            "<" => dialogue.hear(rest),
            "=" => rest.clone_into(&mut dialogue.calls),
            "@" => {
                let (command, answer) = rest.split_once(' ').expect("an answer");
                dialogue.answers.insert(format!("{command}\r"), answer.to_owned());
            }
            "+" => dialogue.pass(Duration::from_millis(rest.parse().expect("milliseconds"))),
            "!" => dialogue.act(rest),
            _ => panic!("unknown verb in {line:?}"),
        }
        dialogue.drain();
    }
    dialogue.text
}

struct Dialogue {
    engine: Engine,
    call: Call,
    now: Duration,
    submitted: Option<CommandId>,
    family: &'static Calls,
    calls: String,
    answers: BTreeMap<String, String>,
    text: String,
}

impl Dialogue {
    fn hear(&mut self, lines: &str) {
        let bytes: String = lines.split('|').map(|line| format!("\r\n{line}\r\n")).collect();
        self.engine.receive(bytes.as_bytes(), self.now);
    }

    fn act(&mut self, action: &str) {
        match action {
            "permit" => self.call.permit(self.now),
            "refuse" => self.call.refuse(self.now),
            "reading" => self.call.read_out(),
            "spoken" => self.call.spoken(self.now),
            "withdraw" => self.call.withdraw(self.now),
            "mute" => self.call.mute(self.now),
            "close" => {
                self.engine.close(self.now);
                self.drain();
                self.call.port_lost(self.now);
            }
            _ => panic!("cannot {action}"),
        }
    }

    fn pass(&mut self, duration: Duration) {
        const FUEL: usize = 10_000;
        let until = self.now + duration;
        for _ in 0..FUEL {
            match self.drain() {
                Some(due) if due <= until => self.now = self.now.max(due),
                Some(_) | None => {
                    self.now = until;
                    return self.tick();
                }
            }
            self.tick();
        }
        panic!("time stands still:\n{}", self.text);
    }

    fn tick(&mut self) {
        self.engine.handle_timeout(self.now);
        self.call.handle_timeout(self.now);
    }

    /// Until both wait. A list is answered at once and not shown unless it ends something.
    fn drain(&mut self) -> Option<Duration> {
        loop {
            let due = loop {
                match self.call.poll() {
                    CallStep::Submit(command) => self.submitted = Some(self.engine.submit(command, self.now)),
                    CallStep::Interrupt => {
                        let done = self.engine.interrupt(self.submitted.expect("a command"), self.now);
                        let _ = writeln!(self.text, "    interrupt: {done}");
                    }
                    CallStep::AskPermission => _ = writeln!(self.text, "    may it be dialled?"),
                    CallStep::Answered => _ = writeln!(self.text, "    answered"),
                    CallStep::Key(key) => _ = writeln!(self.text, "    key {key}"),
                    CallStep::Done(end) => {
                        let CallEnd { outcome, rang, talked, line_is_free } = end;
                        let free = if line_is_free { "" } else { ", the line is not free" };
                        let _ = writeln!(self.text, "    {outcome:?} rang {rang:?}, talked {talked:?}{free}");
                    }
                    CallStep::Wait(due) => break due,
                }
            };
            match self.engine.poll() {
                Output::Write(wire) if wire.bytes == b"AT+CLCC\r" => {
                    if self.calls != "-" {
                        let answer = self.calls.clone();
                        self.hear(&answer);
                    }
                }
                Output::Write(wire) => {
                    let _ = writeln!(self.text, "    write {}", wire.bytes.escape_ascii());
                    let written = String::from_utf8_lossy(&wire.bytes).into_owned();
                    let prepares = self.family.prepare.iter().chain(self.family.keys.listen);
                    if prepares.into_iter().any(|line| written.trim_end() == *line) {
                        self.hear("OK");
                    }
                    if let Some(answer) = self.answers.get(&String::from_utf8_lossy(&wire.bytes).into_owned()) {
                        self.hear(&answer.clone());
                    }
                }
                Output::Reply { id, result } => {
                    assert_eq!(Some(id), self.submitted);
                    self.call.replied(result, self.now);
                }
                Output::Unsolicited(said) => {
                    if let Some(sign) = sign(&said.line, self.family) {
                        self.call.sign(sign, self.now);
                    }
                }
                Output::Prompt { .. } => panic!("no prompt is expected"),
                Output::Wait(engine) => return engine.into_iter().chain(due).min(),
            }
        }
    }
}

#[test]
fn a_call_that_is_answered_and_heard_is_hung_up_and_the_line_is_free() {
    // Generic: nothing but the list tells anything.
    insta::assert_snapshot!(converse("generic", "
        ! permit
        < OK
        = +CLCC: 1,0,2,0,0,\"+447700900123\",145|OK
        + 1000
        = +CLCC: 1,0,3,0,0,\"+447700900123\",145|OK
        + 3000
        = +CLCC: 1,0,0,0,0,\"+447700900123\",145|OK
        + 600
        ! reading
        ! reading
        ! reading
        ! spoken
        < OK
        = OK
        + 1000
    "), @r#"
        may it be dialled?
    ! permit
        write ATD+447700900123;\r
    < OK
    = +CLCC: 1,0,2,0,0,"+447700900123",145|OK
    + 1000
    = +CLCC: 1,0,3,0,0,"+447700900123",145|OK
    + 3000
    = +CLCC: 1,0,0,0,0,"+447700900123",145|OK
    + 600
        answered
    ! reading
    ! reading
    ! reading
    ! spoken
        write AT+CHUP\r
    < OK
    = OK
    + 1000
        Spoken rang 4.1s, talked Some(500ms)
    "#);
}

#[test]
fn families_that_tell_more_are_followed_at_once() {
    let huawei = converse(
        "huawei",
        "
        + 100
        = ERROR
        ! permit
        + 10
        < OK
        < ^ORIG:1,0
        < ^CONF:1
        + 2000
        < ^CONN:1,0
        ! reading
        < ^DDTMF: 1
        < ^CEND:1,5,104,16
    ",
    );
    insta::assert_snapshot!(huawei, @r"
        write AT^DDTMFCFG=0,1\r
        may it be dialled?
    + 100
    = ERROR
    ! permit
        write ATD+447700900123;\r
    + 10
    < OK
    < ^ORIG:1,0
    < ^CONF:1
    + 2000
    < ^CONN:1,0
        answered
    ! reading
    < ^DDTMF: 1
        key 1
    < ^CEND:1,5,104,16
        Spoken rang 2.01s, talked Some(0ns)
    ");
    let sim7600 = converse(
        "sim7600",
        "
        + 100
        = -
        ! permit
        + 10
        < OK
        < +CLCC: 1,0,3,0,0,\"+447700900123\",145
        < VOICE CALL: BEGIN
        < +CLCC: 1,0,0,0,0,\"+447700900123\",145
        = OK
        < VOICE CALL: END: 000003
        + 2000
    ",
    );
    insta::assert_snapshot!(sim7600, @r#"
        write AT+CLCC=1\r
    + 100
        write AT+DDET=1\r
        may it be dialled?
    = -
    ! permit
        write ATD+447700900123;\r
    + 10
    < OK
    < +CLCC: 1,0,3,0,0,"+447700900123",145
    < VOICE CALL: BEGIN
        answered
    < +CLCC: 1,0,0,0,0,"+447700900123",145
    = OK
    < VOICE CALL: END: 000003
    + 2000
        Unanswered(HungUp) rang 10ms, talked Some(5ms)
    "#);
    let quectel = converse(
        "quectel",
        "
        + 100
        ! permit
        + 10
        < OK
        < +QIND: \"ccinfo\",1,0,3,0,0,\"+447700900123\",145
        < BUSY
    ",
    );
    insta::assert_snapshot!(quectel, @r#"
        write AT+QINDCFG=\"ccinfo\",1,0\r
    + 100
        write AT^DSCI=1\r
        write AT+QTONEDET=1\r
        may it be dialled?
    ! permit
        write ATD+447700900123;\r
    + 10
    < OK
    < +QIND: "ccinfo",1,0,3,0,0,"+447700900123",145
    < BUSY
        Unanswered(Busy) rang 10ms, talked None
    "#);
}

#[test]
fn where_ok_means_answered_the_dial_is_interrupted_when_nobody_wants_it_any_more() {
    insta::assert_snapshot!(converse("wavecom", "
        ! permit
        + 5000
        @ AT+CHUP OK
        < +COLP: \"+447700900123\",145|OK
        ! reading
        ! spoken
        + 100
    "), @r#"
        write AT+WIND=50\r
        may it be dialled?
    ! permit
    + 5000
        write ATD+447700900123;\r
    @ AT+CHUP OK
    < +COLP: "+447700900123",145|OK
        answered
    ! reading
    ! spoken
    + 100
        write ATH\r
    "#);
    insta::assert_snapshot!(converse("wavecom", "
        @ AT+CHUP OK
        ! permit
        + 5000
        ! withdraw
        + 1000
    "), @r"
        write AT+WIND=50\r
        may it be dialled?
    @ AT+CHUP OK
    ! permit
    + 5000
        write ATD+447700900123;\r
    ! withdraw
        interrupt: true
    + 1000
        write ATH\r
    ");
    insta::assert_snapshot!(converse("wavecom", "
        @ AT+CHUP OK
        ! permit
        + 50000
    "), @r"
        write AT+WIND=50\r
        may it be dialled?
    @ AT+CHUP OK
    ! permit
    + 50000
        write ATD+447700900123;\r
        write ATH\r
    ");
}

#[test]
fn the_end_of_an_unanswered_call_has_its_reason() {
    let ends = |last: &str| {
        let script = format!("! permit\n< OK\n= +CLCC: 1,0,3,0,0|OK\n+ 2000\n= OK\n{last}");
        let text = converse("generic", &script);
        text.lines().last().unwrap_or_default().trim().to_owned()
    };
    let told = [
        ends("< BUSY"),
        ends("< NO ANSWER"),
        ends("@ AT+CEER +CEER: 5,21|OK\n< NO CARRIER\n+ 100"),
        ends("@ AT+CEER +CEER: 1,1|OK\n< NO CARRIER\n+ 100"),
        ends("@ AT+CEER +CEER: 1,50|OK\n< NO CARRIER\n+ 100"),
        ends("@ AT+CEER +CEER: 1,41|OK\n< NO CARRIER\n+ 100"),
        ends("@ AT+CEER ERROR\n< NO CARRIER\n+ 100"),
        ends("< ^CEND:1,0,67,18"),
        // It just vanishes from the list.
        ends("@ AT+CEER ERROR\n+ 6000"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    Unanswered(Busy) rang 2s, talked None
    Unanswered(NoAnswer) rang 2s, talked None
    Unanswered(Rejected) rang 2.005s, talked None
    Refused { class: Final, reason: "number unobtainable (cause 1)" } rang 2.005s, talked None
    Refused { class: OtherRoute, reason: "call barred (cause 50)" } rang 2.005s, talked None
    Refused { class: Temporary, reason: "network ended the call (cause 41)" } rang 2.005s, talked None
    Unanswered(NoAnswer) rang 2.005s, talked None
    Unanswered(NoAnswer) rang 2s, talked None
    Unanswered(NoAnswer) rang 6.1s, talked None
    "#);
    let at_once = ["BUSY", "NO DIALTONE", "+CME ERROR: 3", "ERROR", "NO CARRIER"].map(|reply| {
        let text = converse("generic", &format!("@ AT+CEER ERROR\n! permit\n< {reply}\n+ 100"));
        format!("{reply}: {}", text.lines().rfind(|line| line.contains("rang")).unwrap_or_default().trim())
    });
    insta::assert_snapshot!(at_once.join("\n"), @r#"
    BUSY: Unanswered(Busy) rang 0ns, talked None
    NO DIALTONE: Refused { class: Temporary, reason: "modem refused: no dial tone" } rang 0ns, talked None
    +CME ERROR: 3: Refused { class: Temporary, reason: "modem refused: CME 3, operation not allowed" } rang 0ns, talked None
    ERROR: Refused { class: Temporary, reason: "modem refused: ERROR" } rang 0ns, talked None
    NO CARRIER: Refused { class: Temporary, reason: "network ended the call before it rang" } rang 0ns, talked None
    "#);
}

#[test]
fn no_carrier_during_a_fall_back_from_lte_does_not_end_a_call_that_is_listed() {
    insta::assert_snapshot!(converse("generic", "
        ! permit
        < OK
        = +CLCC: 1,0,2,0,0|OK
        + 1000
        < NO CARRIER
        + 4000
        = +CLCC: 1,0,0,0,0|OK
        + 1000
    "), @r"
        may it be dialled?
    ! permit
        write ATD+447700900123;\r
    < OK
    = +CLCC: 1,0,2,0,0|OK
    + 1000
    < NO CARRIER
    + 4000
    = +CLCC: 1,0,0,0,0|OK
    + 1000
        answered
    ");
}

#[test]
fn nobody_answers_and_the_modem_hangs_up_by_its_second_command() {
    insta::assert_snapshot!(converse("generic", "
        ! permit
        < OK
        = +CLCC: 1,0,3,0,0|OK
        @ AT+CHUP ERROR
        @ ATH OK
        + 45900
        = OK
        + 1000
    "), @r"
        may it be dialled?
    ! permit
        write ATD+447700900123;\r
    < OK
    = +CLCC: 1,0,3,0,0|OK
    @ AT+CHUP ERROR
    @ ATH OK
    + 45900
        write AT+CHUP\r
    = OK
    + 1000
        write ATH\r
        Unanswered(NoAnswer) rang 45s, talked None
    ");
}

#[test]
fn a_call_that_cannot_be_ended_is_told() {
    let text = converse(
        "generic",
        "
        @ AT+CHUP OK
        @ ATH OK
        ! permit
        < OK
        = +CLCC: 1,0,0,0,0|OK
        + 1000
        ! reading
        ! withdraw
        + 25000
    ",
    );
    insta::assert_snapshot!(text.lines().last().unwrap_or_default(), @"    Spoken rang 100ms, talked Some(900ms), the line is not free");
}

#[test]
fn what_is_taken_back_before_it_is_dialled_costs_nothing() {
    insta::assert_snapshot!(converse("generic", "! refuse"), @"
        may it be dialled?
    ! refuse
        Returned rang 0ns, talked None
    ");
    insta::assert_snapshot!(converse("generic", "! withdraw\n! permit"), @"
        may it be dialled?
    ! withdraw
        Returned rang 0ns, talked None
    ! permit
    ");
}

#[test]
fn a_port_that_is_lost_takes_the_call_with_it() {
    let lost = |script: &str| {
        let text = converse("generic", &format!("! permit\n{script}\n! close\n+ 5000"));
        text.lines().rfind(|line| line.contains("rang")).unwrap_or_default().trim().to_owned()
    };
    let told = [lost(""), lost("< OK\n= -\n+ 1000"), lost("< OK\n= +CLCC: 1,0,0,0,0|OK\n+ 600\n! reading\n= -\n+ 600")];
    insta::assert_snapshot!(told.join("\n"), @r#"
    Uncertain { reason: "port closed" } rang 0ns, talked None
    Uncertain { reason: "port closed" } rang 1s, talked None
    Spoken rang 100ms, talked Some(1.1s)
    "#);
}

#[test]
fn a_silent_modem_leaves_a_call_uncertain() {
    insta::assert_snapshot!(converse("generic", "
        = -
        ! permit
        + 60000
    "), @r#"
        may it be dialled?
    = -
    ! permit
        write ATD+447700900123;\r
    + 60000
        write AT+CHUP\r
        Uncertain { reason: "no answer from the modem in time" } rang 30s, talked None
    "#);
}

/// From the answer at the phone to the machine's word for it, with a modem that takes `latency` for each of its answers.
fn told_after(make: &str, answer_after: Duration, latency: Duration) -> Duration {
    use crate::simulator::{self, PhoneEvent, Settings, VirtualModem};

    const STEPS_MAX: usize = 10_000;
    let mut settings = Settings::default().with("profile", make).with("echo", "never");
    (settings.latency, settings.answer_after) = (latency, answer_after);
    let profile = Profile::of(settings.profile.maker, settings.profile.model);
    let mut modem = VirtualModem::new(settings);
    let mut engine = Engine::new(profile.engine_settings());
    let mut call = Call::new(PhoneNumber::parse("447700900123", None).expect("a number"), &profile.calls, RING_TIMEOUT);
    let (mut now, mut answered) = (Duration::ZERO, None);
    for line in profile.startup_lines {
        modem.receive(format!("{line}\r").as_bytes(), now);
        now += 2 * latency;
        modem.handle_timeout(now);
        while !matches!(modem.poll(), simulator::Output::Wait(_)) {}
    }
    for _ in 0..STEPS_MAX {
        let call_due = loop {
            match call.poll() {
                CallStep::Submit(command) => _ = engine.submit(command, now),
                CallStep::AskPermission => call.permit(now),
                CallStep::Answered => return now - answered.expect("an answer"),
                CallStep::Wait(due) => break due,
                step @ (CallStep::Interrupt | CallStep::Key(_) | CallStep::Done(_)) => panic!("{make}: {step:?}"),
            }
        };
        let modem_due = loop {
            match modem.poll() {
                simulator::Output::Write(bytes) => engine.receive(&bytes, now),
                simulator::Output::Phone(PhoneEvent::Call { state: simulator::CallState::Answered, .. }) => {
                    answered = Some(now);
                }
                simulator::Output::Wait(due) => break due,
                _ => {}
            }
        };
        let due = match engine.poll() {
            Output::Write(wire) => {
                modem.receive(&wire.bytes, now);
                continue;
            }
            Output::Reply { result, .. } => {
                call.replied(result, now);
                continue;
            }
            Output::Unsolicited(said) => {
                if let Some(sign) = sign(&said.line, &profile.calls) {
                    call.sign(sign, now);
                }
                continue;
            }
            Output::Prompt { .. } => panic!("no prompt is expected"),
            Output::Wait(engine_due) => [engine_due, call_due, modem_due].into_iter().flatten().min(),
        };
        now = now.max(due.expect("something is to come"));
        modem.handle_timeout(now);
        engine.handle_timeout(now);
        call.handle_timeout(now);
    }
    panic!("{make}: nobody hears of the answer");
}

/// Whoever answers must hear the first sound within 300 ms: half of that for the answer to be noticed.
#[test]
fn an_answer_is_noticed_at_once_by_lines_and_soon_by_the_list() {
    let mut table = String::new();
    for make in crate::simulator::PROFILES.iter().filter(|make| !make.lacks.contains(&"D")) {
        // Each moment between two lists.
        let moments = (0..40).map(|step| Duration::from_millis(900 + 7 * step));
        let latest = moments.map(|moment| told_after(make.name, moment, Duration::from_millis(30))).max();
        let latest = latest.expect("a moment");
        assert!(latest <= Duration::from_millis(150), "{}: {latest:?}", make.name);
        let _ = writeln!(table, "{}: {latest:?}", make.name);
    }
    insta::assert_snapshot!(table, @"
    generic: 129ms
    sim800: 129ms
    sim7600: 0ns
    a7670: 0ns
    quectel: 0ns
    quectel-ec200: 107ms
    quectel-m: 107ms
    huawei: 0ns
    u-blox: 0ns
    telit: 129ms
    zte: 0ns
    wavecom: 0ns
    ");
}

proptest! {
    #[test]
    fn however_modem_and_people_behave_a_call_ends_once_and_is_answered_once_at_most(
        when_answered in any::<bool>(),
        moves in prop::collection::vec(
            prop::sample::select(vec![
                "! permit", "! refuse", "! reading", "! spoken", "! withdraw", "! mute", "< OK", "< ERROR", "< BUSY",
                "< NO CARRIER", "< NO ANSWER", "< +CLCC: 1,0,3,0,0", "< +CLCC: 1,0,0,0,0", "< ^CEND:1,0,104,16",
                "< CONNECT", "< RING", "< +DTMF: 1", "= -", "= OK", "= ERROR", "= +CLCC: 1,0,3,0,0|OK",
                "= +CLCC: 1,0,0,0,0|OK", "= +CLCC: 1,1,4,0,0|OK", "+ 10", "+ 700", "+ 5000", "+ 50000", "! close",
            ]),
            0..24,
        ),
    ) {
        let family = if when_answered { "wavecom" } else { "generic" };
        let script = format!("{}\n= OK\n! permit\n+ 400000", moves.join("\n"));
        let text = converse(family, &script);
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        prop_assert_eq!(count(" rang "), 1, "{}", text);
        prop_assert!(count("    answered") <= 1, "{}", text);
        let ended = text.find(" rang ").unwrap_or_default();
        prop_assert!(!text[ended..].contains("    answered"), "{}", text);
    }
}
