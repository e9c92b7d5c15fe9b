use proptest::prelude::*;

use super::super::at::transcript::{ByTable, Machine, Want, play};
use super::super::profile::Profile;
use super::*;

struct Driven {
    startup: Startup,
    permits: bool,
    ended: bool,
}

impl Machine for Driven {
    fn want(&mut self) -> Want {
        match self.startup.poll() {
            StartupStep::Submit(command) => Want::Submit(command),
            StartupStep::AskPinPermission { sim, tries_left } => {
                self.startup.permit_pin(self.permits);
                Want::Note(format!("may {sim} have the PIN? {tries_left:?}"))
            }
            StartupStep::PinAccepted { sim } => Want::Note(format!("{sim} accepted the PIN")),
            StartupStep::Wait(deadline) => Want::Wait(deadline),
            StartupStep::Done(ended) => {
                assert!(!self.ended, "two ends");
                self.ended = true;
                Want::Note(match ended {
                    Ended::Ready(identity) => told(&identity),
                    Ended::Blocked(blocked) => format!("blocked: {blocked}"),
                    Ended::Dead => "dead".to_owned(),
                })
            }
        }
    }

    fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        self.startup.replied(result, now);
    }

    fn timeout(&mut self, now: Duration) {
        self.startup.handle_timeout(now);
    }
}

fn told(identity: &Identity) -> String {
    let Identity { profile, maker, model, firmware, imei, imsi, iccid, service_centre, storage, routing, signal } =
        identity;
    format!(
        "ready: {} {maker:?} {model:?} {firmware:?}\n  {imei:?} {imsi:?} {iccid:?} {service_centre:?}\n  {storage:?} {routing:?} {signal:?}",
        profile.name
    )
}

fn start_with(
    pin: Option<&str>,
    permits: bool,
    profile: Option<&'static Profile>,
    table: &[(&str, &[&str])],
) -> String {
    let pin = pin.map(|pin| SimPin::parse(pin).expect("a PIN"));
    let mut driven = Driven { startup: Startup::new(profile, pin), permits, ended: false };
    let text = play(&mut driven, &mut ByTable::new(table), Duration::from_secs(900));
    assert!(driven.ended, "no end:\n{text}");
    text
}

pub(super) fn start(table: &[(&str, &[&str])]) -> String {
    start_with(None, false, None, table)
}

/// From the question for the SIM on, without what comes before.
fn from_sim(text: &str) -> &str {
    &text[text.find("AT+CPIN?").expect("a question for the SIM")..]
}

#[test]
fn a_well_behaved_modem_is_set_up_in_one_pass() {
    insta::assert_snapshot!(start(&[
        ("AT+CGMI", &["SIMCOM INCORPORATED|OK"]),
        ("AT+CGMM", &["SIMCOM_SIM7600G-H|OK"]),
        ("AT+CGMR", &["+CGMR: LE20B04SIM7600G22|OK"]),
        ("AT+CGSN", &["860000000000001|OK"]),
        ("AT+CFUN?", &["+CFUN: 1|OK"]),
        ("AT+CPIN?", &["+CPIN: READY|OK"]),
        ("AT+CIMI", &["001010000000001|OK"]),
        ("AT+CICCID", &["+ICCID: 8901000000000000001F|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 3,50,3,50,3,50|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK"]),
        ("AT+CSCA?", &["+CSCA: \"+10000000000\",145|OK"]),
        ("AT+CSQ", &["+CSQ: 20,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → SIMCOM INCORPORATED|OK
    AT+CGMM → SIMCOM_SIM7600G-H|OK
    AT+CGMR → +CGMR: LE20B04SIM7600G22|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CICCID → +ICCID: 8901000000000000001F|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 3,50,3,50,3,50|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CVHU=0 → OK
    AT+CSQ → +CSQ: 20,99|OK
    ready: sim7600 Some("SIMCOM INCORPORATED") Some("SIMCOM_SIM7600G-H") Some("LE20B04SIM7600G22")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 3, total: 50 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -73 })
    "#);
}

#[test]
fn a_modem_that_refuses_everything_optional_is_ready_all_the_same() {
    const REFUSED: &[&str] = &["ERROR"];
    let commands = [
        "AT",
        "ATE0",
        "ATV1",
        "AT+CMEE=1",
        "AT+CGMI",
        "AT+CGMM",
        "AT+CGMR",
        "AT+CGSN",
        "ATI",
        "AT+CFUN?",
        "AT+CIMI",
        "AT+CCID",
        "AT+CSCS=\"GSM\"",
        "AT+CREG=2",
        "AT+CREG=1",
        "AT+CGREG=2",
        "AT+CGREG=1",
        "AT+CEREG=2",
        "AT+CEREG=1",
        "AT+CSMS=?",
        "AT+CPMS=\"SM\",\"SM\",\"SM\"",
        "AT+CPMS=\"SM\",\"SM\"",
        "AT+CPMS=\"SM\"",
        "AT+CPMS=\"ME\",\"ME\",\"ME\"",
        "AT+CNMI=?",
        "AT+CNMI=2,1,0,2,0",
        "AT+CNMI=2,1,2,2,0",
        "AT+CNMI=2,1,0,1,0",
        "AT+CNMI=2,1,0,0,0",
        "AT+CNMI=1,2,0,1,0",
        "AT+CSCA?",
        "AT+CSQ",
        "AT+CPIN?",
    ];
    let table: Vec<(&str, &[&str])> = commands.iter().map(|command| (*command, REFUSED)).collect();
    insta::assert_snapshot!(start(&table), @r#"
    \u{1b} → OK
    AT → ERROR
    ATE0 → ERROR
    ATV1 → ERROR
    AT+CMEE=1 → ERROR
    AT+CGMI → ERROR
    AT+CGMM → ERROR
    AT+CGMR → ERROR
    AT+CGSN → ERROR
    ATI → ERROR
    AT+CFUN? → ERROR
    AT+CPIN? → ERROR
    AT+CIMI → ERROR
    AT+CCID → ERROR
    AT+CSCS=\"GSM\" → ERROR
    AT+CREG=2 → ERROR
    AT+CREG=1 → ERROR
    AT+CGREG=2 → ERROR
    AT+CGREG=1 → ERROR
    AT+CEREG=2 → ERROR
    AT+CEREG=1 → ERROR
    AT+CMGF=0 → OK
    AT+CSMS=? → ERROR
    AT+CPMS=\"SM\",\"SM\",\"SM\" → ERROR
    AT+CPMS=\"SM\",\"SM\" → ERROR
    AT+CPMS=\"SM\" → ERROR
    AT+CPMS=\"ME\",\"ME\",\"ME\" → ERROR
    AT+CNMI=? → ERROR
    AT+CNMI=2,1,0,2,0 → ERROR
    AT+CNMI=2,1,2,2,0 → ERROR
    AT+CNMI=2,1,0,1,0 → ERROR
    AT+CNMI=2,1,0,0,0 → ERROR
    AT+CNMI=1,2,0,1,0 → ERROR
    AT+CSCA? → ERROR
    AT+CSQ → ERROR
    ready: generic None None None
      None None None None
      None None None
    "#);
}

#[test]
fn a_silent_port_is_dead_after_five_tries() {
    insta::assert_snapshot!(start(&[("AT", &["-"]), ("ATQ0", &["-"])]), @r"
    \u{1b} → OK
    AT → -
    + 1305 ms
    AT → -
    + 1305 ms
    AT → -
    + 3305 ms
    ATQ0 → -
    + 3305 ms
    ATQ0 → -
    dead
    ");
}

#[test]
fn a_modem_that_falls_silent_in_the_middle_is_dead() {
    let text = start(&[("AT+CGMI", &["-"]), ("AT+CGMM", &["-"]), ("AT+CGMR", &["-"])]);
    assert!(text.ends_with("AT+CGMR → -\ndead\n"), "{text}");
}

#[test]
fn a_restart_in_the_middle_starts_again() {
    let text = start(&[("AT+CGMI", &["RDY|+CFUN: 1|+CPIN: READY", "ACME|OK"]), ("AT+CPIN?", &["+CPIN: READY|OK"])]);
    assert_eq!(text.matches("AT+CGMI").count(), 2, "{text}");
    assert!(text.contains("ready: generic Some(\"ACME\")"), "{text}");
}

#[test]
fn a_sim_that_is_not_up_yet_is_waited_for() {
    let text = start(&[("AT+CPIN?", &["+CME ERROR: 14", "+CPIN: NOT READY|OK", "+CPIN: READY"])]);
    insta::assert_snapshot!(from_sim(&text).lines().take(6).collect::<Vec<_>>().join("\n"), @r"
    AT+CPIN? → +CME ERROR: 14
    + 1000 ms
    AT+CPIN? → +CPIN: NOT READY|OK
    + 1000 ms
    AT+CPIN? → +CPIN: READY
    + 1005 ms
    ");
}

#[test]
fn sims_that_let_nothing_be_sent_say_why() {
    let mut shown = String::new();
    for answer in ["+CME ERROR: 10", "+CME ERROR: 13", "+CPIN: SIM PUK|OK", "+CPIN: PH-NET PIN|OK", "+CPIN: SIM PIN|OK"]
    {
        let text = start(&[("AT+CPIN?", &[answer])]);
        shown += &format!("{answer} → {}\n", text.lines().last().expect("an end"));
    }
    insta::assert_snapshot!(shown, @r"
    +CME ERROR: 10 → blocked: no SIM in the modem; insert one
    +CME ERROR: 13 → blocked: SIM does not answer; take it out, clean and insert it
    +CPIN: SIM PUK|OK → blocked: SIM is locked and wants its PUK; unlock it in a phone
    +CPIN: PH-NET PIN|OK → blocked: modem is locked (PH-NET PIN); unlock it with its provider's tools
    +CPIN: SIM PIN|OK → blocked: SIM wants a PIN and none is configured; set sim_pin
    ");
}

#[test]
fn a_pin_is_given_once_with_permission_and_its_acceptance_awaited() {
    let text = start_with(
        Some("4711"),
        true,
        None,
        &[
            ("AT+CGSN", &["860000000000001|OK"]),
            ("AT+CPIN?", &["+CPIN: SIM PIN|OK", "+CPIN: SIM PIN|OK", "+CME ERROR: 14", "+CPIN: READY|OK"]),
            ("AT+CCID", &["+CCID: 8901000000000000001F|OK"]),
            ("AT+CSIM=10,\"0020000100\"", &["+CSIM: 4,\"63C3\"|OK"]),
        ],
    );
    insta::assert_snapshot!(from_sim(&text).lines().take(14).collect::<Vec<_>>().join("\n"), @r#"
    AT+CPIN? → +CPIN: SIM PIN|OK
    AT+CCID → +CCID: 8901000000000000001F|OK
    AT+CSIM=10,\"0020000100\" → +CSIM: 4,"63C3"|OK
    may 8901000000000000001 have the PIN? Some(3)
    AT+CPIN=\"4711\" → OK
    + 1000 ms
    AT+CPIN? → +CPIN: SIM PIN|OK
    + 1000 ms
    AT+CPIN? → +CME ERROR: 14
    + 1000 ms
    AT+CPIN? → +CPIN: READY|OK
    8901000000000000001 accepted the PIN
    + 1000 ms
    AT+CPIN? → +CPIN: READY|OK
    "#);
}

#[test]
fn a_refused_pin_is_not_given_again() {
    for refusal in ["+CME ERROR: 16", "ERROR", "OK", "+CME ERROR: 14", "-"] {
        let text = start_with(
            Some("4711"),
            true,
            None,
            &[
                ("AT+CPIN?", &["+CPIN: SIM PIN|OK"]),
                ("AT+CSIM=10,\"0020000100\"", &["ERROR"]),
                ("AT+CPIN=\"4711\"", &[refusal]),
            ],
        );
        assert_eq!(text.matches("AT+CPIN=").count(), 1, "{text}");
        assert!(text.ends_with("blocked: SIM refused the PIN; correct sim_pin before it is tried again\n"), "{text}");
    }
}

#[test]
fn no_pin_is_given_without_permission_or_with_one_try_left() {
    let forbidden = start_with(Some("4711"), false, None, &[("AT+CPIN?", &["+CPIN: SIM PIN|OK"])]);
    insta::assert_snapshot!(from_sim(&forbidden), @r#"
    AT+CPIN? → +CPIN: SIM PIN|OK
    AT+CCID → OK
    AT+CSIM=10,\"0020000100\" → OK
    may unknown have the PIN? None
    blocked: SIM refused this PIN before; correct sim_pin
    "#);
    for (left, spelled) in [("63C1", "1 PIN try"), ("63C0", "0 PIN tries"), ("6983", "0 PIN tries")] {
        let answer = format!("+CSIM: 4,\"{left}\"|OK");
        let text = start_with(
            Some("4711"),
            true,
            None,
            &[("AT+CPIN?", &["+CPIN: SIM PIN|OK"]), ("AT+CSIM=10,\"0020000100\"", &[answer.as_str()])],
        );
        assert!(!text.contains("AT+CPIN="), "{text}");
        assert!(text.contains(&format!("blocked: SIM has {spelled} left")), "{text}");
    }
}

#[test]
fn an_unlocked_sim_is_never_given_the_configured_pin() {
    let text = start_with(Some("4711"), true, None, &[("AT+CPIN?", &["+CPIN: READY|OK"])]);
    assert!(!text.contains("4711"), "{text}");
}

#[test]
fn a_configured_profile_is_not_guessed() {
    let text = start_with(
        None,
        false,
        Profile::named("generic"),
        &[("AT+CGMI", &["Quectel|OK"]), ("AT+CPIN?", &["+CPIN: READY|OK"])],
    );
    assert!(text.contains("ready: generic Some(\"Quectel\")"), "{text}");
}

#[test]
fn a_modem_without_pdu_mode_is_told_from_a_slow_one() {
    let slow = start(&[("AT+CPIN?", &["+CPIN: READY|OK"]), ("AT+CMGF=0", &["ERROR", "+CMS ERROR: 515", "OK"])]);
    assert!(slow.contains("ready: "), "{slow}");
    let without = start(&[("AT+CPIN?", &["+CPIN: READY|OK"]), ("AT+CMGF=0", &["ERROR"])]);
    assert!(without.ends_with("blocked: modem has no PDU mode; it cannot send messages for us\n"), "{without}");
}

#[test]
fn a_pin_is_four_to_eight_digits_and_shows_itself_to_nobody() {
    for text in ["", "123", "123456789", "12a4", "1234\"", "١٢٣٤"] {
        assert_eq!(SimPin::parse(text), None, "{text}");
    }
    assert_eq!(format!("{:?}", Startup::new(None, SimPin::parse("4711"))).find("4711"), None);
}

#[test]
fn a_restart_after_the_pin_was_given_does_not_give_it_again() {
    let text =
        start_with(Some("4711"), true, None, &[("AT+CPIN?", &["+CPIN: SIM PIN|OK"]), ("AT+CPIN=\"4711\"", &["RDY"])]);
    assert_eq!(text.matches("AT+CPIN=").count(), 1, "{text}");
    assert!(text.contains("blocked: SIM refused the PIN"), "{text}");
}

const ANSWERS: [&str; 18] = [
    "OK",
    "ERROR",
    "-",
    "+CPIN: SIM PIN|OK",
    "+CPIN: READY|OK",
    "+CPIN: READY",
    "+CME ERROR: 14",
    "+CME ERROR: 16",
    "+CPIN: SIM PUK|OK",
    "RDY",
    "+CSIM: 4,\"63C3\"|OK",
    "+CSIM: 4,\"63C1\"|OK",
    "+CFUN: 4|OK",
    "+CMS ERROR: 515",
    "860000000000001|OK",
    "+CSMS: (0,1)|OK",
    "+CNMI: (2),(1),(0),(2),(0)|OK",
    "> ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_modem_says_the_pin_is_given_once_and_there_is_an_end(
        said in prop::collection::vec(prop::sample::select(ANSWERS.to_vec()), 1..60),
    ) {
        let startup = Startup::new(None, SimPin::parse("4711"));
        let mut driven = Driven { startup, permits: true, ended: false };
        let text = play(&mut driven, &mut ByTable::saying(said), Duration::from_secs(3600));
        prop_assert!(driven.ended, "no end:\n{}", text);
        let given = text.matches("AT+CPIN=").count();
        prop_assert!(given <= 1 + text.matches("accepted the PIN").count(), "{}", text);
    }
}
