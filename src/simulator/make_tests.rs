//! Each make in its own dialect.

use super::profile::{CallReports, PROFILES};
use super::settings::Settings;
use super::testing::{Bench, converse};

fn make(name: &str) -> Settings {
    Settings::default().with("profile", name)
}

#[test]
fn each_make_counts_keeps_and_registers_in_its_own_way() {
    let mut shown = String::new();
    for profile in &PROFILES {
        let counter = ["AT+SPIC", "AT+QPINC=\"SC\"", "AT^CPIN?", "AT+UPINCNT", "AT#PCT", "AT+CPINC?"];
        let asked = ["AT+CPMS?", "AT+CREG?", "AT+CEREG?", "AT+CESQ"].into_iter().chain(counter);
        let mut bench = Bench::new(make(profile.name));
        bench.send(b"ATE0\r");
        shown += &format!("{}\n", profile.name);
        for line in asked {
            let answer = bench.send(format!("{line}\r").as_bytes());
            let lines: Vec<&str> = answer.split_ascii_whitespace().collect();
            let answer = lines.join(" ");
            if answer.ends_with("OK") {
                shown += &format!("  {line} → {}\n", answer.trim_end_matches(" OK"));
            }
        }
    }
    insta::assert_snapshot!(shown, @r#"
    generic
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+CPINC? → +CPINC: 3,3,10,10
    sim800
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+SPIC → +SPIC: 3,10,3,10
    sim7600
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+SPIC → +SPIC: 3,10,3,10
    sim7000
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,0
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+SPIC → +SPIC: 3,10,3,10
    a7670
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+SPIC → +SPIC: 3,10,3,10
    quectel
      AT+CPMS? → +CPMS: "ME",0,30,"ME",0,30,"ME",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+QPINC="SC" → +QPINC: "SC",3,10
    quectel-ec200
      AT+CPMS? → +CPMS: "ME",0,30,"ME",0,30,"ME",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+QPINC="SC" → +QPINC: "SC",3,10
    quectel-m
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
    quectel-bg
      AT+CPMS? → +CPMS: "ME",0,30,"ME",0,30,"ME",0,30
      AT+CREG? → +CREG: 0,0
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+QPINC="SC" → +QPINC: "SC",3,10
    huawei
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT^CPIN? → ^CPIN: READY,,10,3,10,3
    huawei-lte
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT^CPIN? → ^CPIN: READY,,10,3,10,3
    u-blox
      AT+CPMS? → +CPMS: "ME",0,30,"ME",0,30,"ME",0,30
      AT+CREG? → +CREG: 0,1
      AT+UPINCNT → +UPINCNT: 3,3,10,10
    u-blox-r
      AT+CPMS? → +CPMS: "ME",0,30,"ME",0,30,"ME",0,30
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+UPINCNT → +UPINCNT: 3,3,10,10
    telit
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT#PCT → #PCT: 3
    zte
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
    wavecom
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CPINC? → +CPINC: 3,3,10,10
    sierra
      AT+CPMS? → +CPMS: "SM",0,30,"SM",0,30,"SM",0,30
      AT+CREG? → +CREG: 0,1
      AT+CEREG? → +CEREG: 0,1
      AT+CESQ → +CESQ: 99,99,255,255,20,47
      AT+CPINC? → +CPINC: 3,3,10,10
    "#);
}

#[test]
fn a_make_does_not_know_the_commands_of_others() {
    let script =
        "> ATE0\n> AT^CURC=0\n> AT+QURCCFG=\"urcport\",\"all\"\n> AT+UPSV=0\n> AT+WIND=50\n> AT#DTMF=1\n> AT+CRESET";
    insta::assert_snapshot!(converse(make("sim800"), script), @r#"
    > ATE0
    < ATE0
    < OK
    > AT^CURC=0
    < ERROR
    > AT+QURCCFG="urcport","all"
    < ERROR
    > AT+UPSV=0
    < ERROR
    > AT+WIND=50
    < ERROR
    > AT#DTMF=1
    < ERROR
    > AT+CRESET
    < ERROR
    "#);
    insta::assert_snapshot!(converse(make("quectel"), script), @r#"
    > ATE0
    < ATE0
    < OK
    > AT^CURC=0
    < ERROR
    > AT+QURCCFG="urcport","all"
    < OK
    > AT+UPSV=0
    < ERROR
    > AT+WIND=50
    < ERROR
    > AT#DTMF=1
    < ERROR
    > AT+CRESET
    < ERROR
    "#);
}

#[test]
fn wavecom_names_two_memories_and_ends_the_state_of_the_pin_with_nothing() {
    let script = "> ATE0\n> AT+CPIN?\n> AT+CPMS=?\n> AT+CPMS=\"SM\",\"SM\",\"SR\"\n> AT+CPMS=\"SM\",\"SM\"\n> AT+CPMS?\n> AT+CGMR";
    insta::assert_snapshot!(converse(make("wavecom"), script), @r#"
    > ATE0
    < ATE0
    < OK
    > AT+CPIN?
    < +CPIN: READY
    > AT+CPMS=?
    < +CPMS: ("SM","SR"),("SM","SR")
    < OK
    > AT+CPMS="SM","SM","SR"
    < +CMS ERROR: 302
    > AT+CPMS="SM","SM"
    < +CPMS: 0,30,0,30
    < OK
    > AT+CPMS?
    < +CPMS: "SM",0,30,"SM",0,30
    < OK
    > AT+CGMR
    < ERROR
    "#);
}

#[test]
fn a_make_restarts_by_its_own_command() {
    for profile in &PROFILES {
        let mut bench = Bench::new(make(profile.name).with("boot", "1s"));
        bench.send(b"ATE0\r");
        let answer = bench.send(format!("AT{}\r", profile.reset).as_bytes());
        assert!(answer.contains("OK"), "{}: {answer}", profile.name);
        assert_eq!(bench.send(b"AT\r"), "", "{} is away", profile.name);
        bench.play("+ 1500");
        let boot = bench.take_dialogue();
        for line in profile.boot {
            assert!(boot.contains(line), "{}: {boot}", profile.name);
        }
        assert!(bench.send(b"AT\r").contains("AT\r"), "{} echoes again", profile.name);
    }
}

#[test]
fn calls_are_told_in_the_words_of_the_make() {
    let switches = "> ATE0\n> AT+QINDCFG=\"ccinfo\",1,0\n> AT^DSCI=1\n> AT+UCALLSTAT=1\n> AT+WIND=50\n";
    let call = "> ATD+491701234567;\n+ 500\n+ 2000\n> ATH\n";
    let mut shown = String::new();
    for profile in &PROFILES {
        if matches!(profile.calls, CallReports::Silent | CallReports::Simcom | CallReports::Huawei) {
            continue;
        }
        let dialogue = converse(make(profile.name), &format!("{switches}{call}"));
        let from = dialogue.find("> ATD").expect("a call");
        shown += &format!("{}\n{}", profile.name, &dialogue[from..]);
    }
    insta::assert_snapshot!(shown, @r#"
    quectel
    > ATD+491701234567;
    < +QIND: "ccinfo",1,0,2,0,0,"+491701234567",145
    < OK
    + 500
    < +QIND: "ccinfo",1,0,3,0,0,"+491701234567",145
    * call to +491701234567: ringing
    + 2000
    < +QIND: "ccinfo",1,0,0,0,0,"+491701234567",145
    * call to +491701234567: answered
    > ATH
    < +QIND: "ccinfo",1,0,-1,0,0,"+491701234567",145
    < OK
    * call to +491701234567: ended after 0 s
    quectel-ec200
    > ATD+491701234567;
    < ^DSCI: 1,0,2,0,"+491701234567",145
    < OK
    + 500
    < ^DSCI: 1,0,3,0,"+491701234567",145
    * call to +491701234567: ringing
    + 2000
    < ^DSCI: 1,0,0,0,"+491701234567",145
    * call to +491701234567: answered
    > ATH
    < ^DSCI: 1,0,6,0,"+491701234567",145
    < OK
    * call to +491701234567: ended after 0 s
    quectel-m
    > ATD+491701234567;
    < ^DSCI: 1,0,2,0,"+491701234567",145
    < OK
    + 500
    < ^DSCI: 1,0,3,0,"+491701234567",145
    * call to +491701234567: ringing
    + 2000
    < ^DSCI: 1,0,0,0,"+491701234567",145
    * call to +491701234567: answered
    > ATH
    < ^DSCI: 1,0,6,0,"+491701234567",145
    < OK
    * call to +491701234567: ended after 0 s
    u-blox
    > ATD+491701234567;
    < +UCALLSTAT: 1,2
    < OK
    + 500
    < +UCALLSTAT: 1,3
    * call to +491701234567: ringing
    + 2000
    < +UCALLSTAT: 1,0
    * call to +491701234567: answered
    > ATH
    < +UCALLSTAT: 1,6
    < OK
    * call to +491701234567: ended after 0 s
    zte
    > ATD+491701234567;
    < OK
    + 500
    * call to +491701234567: ringing
    + 2000
    < CONNECT
    * call to +491701234567: answered
    > ATH
    < HANGUP: 16
    < OK
    * call to +491701234567: ended after 0 s
    wavecom
    > ATD+491701234567;
    < +WIND: 5,1
    + 500
    < +WIND: 2
    * call to +491701234567: ringing
    + 2000
    < OK
    * call to +491701234567: answered
    > ATH
    < +WIND: 6,1
    < OK
    * call to +491701234567: ended after 0 s
    "#);
}
