//! The sound of calls, the modem's own speech and the keys of the person at the phone, by make.

use std::time::Duration;

use insta::assert_snapshot;

use super::profile::{PROFILES, SoundCommands, SpeechCommands};
use super::settings::Settings;
use super::testing::{Bench, converse};

const OPENERS: [&str; 3] = ["AT+CPCMREG=1", "AT^DDSETEX=2", "AT+QPCMV=1,2"];
const SPEAKERS: [&str; 2] = ["AT+CTTS=2,\"one\"", "AT+QTTS=2,\"one\""];

fn make(name: &str) -> Settings {
    Settings::default().with("profile", name).with("echo", "never")
}

/// A modem of this make in an answered call.
fn in_call(name: &str) -> Bench {
    let mut bench = Bench::new(make(name));
    bench.play("> ATD+491701234567;");
    bench.play("+ 2500");
    bench.take_dialogue();
    bench
}

fn frames_in(bench: &mut Bench, milliseconds: u64) -> usize {
    bench.frames.clear();
    bench.pass(Duration::from_millis(milliseconds));
    bench.frames.len()
}

/// Samples of the one recording, without its header.
fn recorded(bench: &Bench) -> &[u8] {
    assert_eq!(bench.recorded.len(), 1);
    &bench.recorded[0].wav[44..]
}

#[test]
fn each_make_opens_its_sound_by_its_own_command_and_no_other() {
    for profile in &PROFILES {
        if profile.lacks.contains(&"D") {
            continue;
        }
        for opener in OPENERS {
            let own = match profile.sound {
                SoundCommands::None => "",
                SoundCommands::Simcom => OPENERS[0],
                SoundCommands::Huawei => OPENERS[1],
                SoundCommands::Quectel => OPENERS[2],
            };
            let mut bench = in_call(profile.name);
            let answer = bench.send(format!("{opener}\r").as_bytes());
            assert_eq!(answer.contains("OK"), opener == own, "{} {opener}: {answer}", profile.name);
            let frames = if opener == own { 50 } else { 0 };
            assert_eq!(frames_in(&mut bench, 1000), frames, "{} {opener}", profile.name);
            assert!(bench.frames.iter().all(|frame| *frame == [0; 320]), "{}", profile.name);
        }
    }
}

#[test]
fn no_make_speaks_by_the_command_of_another() {
    for profile in &PROFILES {
        let own = match profile.speech {
            SpeechCommands::None => "",
            SpeechCommands::Simcom => SPEAKERS[0],
            SpeechCommands::Quectel => SPEAKERS[1],
        };
        for speaker in SPEAKERS {
            let answer = Bench::new(make(profile.name)).send(format!("{speaker}\r").as_bytes());
            assert_eq!(answer.contains("OK"), speaker == own, "{} {speaker}: {answer}", profile.name);
        }
    }
}

#[test]
fn simcom_opens_its_sound_only_while_a_call_is_active() {
    let script = "> AT+CPCMREG=?\n> AT+CPCMREG=1\n> AT+CPCMFRM=2\n> AT+CPCMFRM=0\n> ATD+491701234567;\n+ 1000\n> AT+CPCMREG=1\n\
                  + 1500\n> AT+CPCMREG=1\n> AT+CPCMREG?\n> AT+CPCMREG=0,1\n> AT+CPCMREG?\n> AT+CPCMREG=1\n> AT+CHUP\n\
                  > AT+CPCMREG?\n> AT+CPCMREG=0";
    assert_snapshot!(converse(make("sim7600"), script), @"
    > AT+CPCMREG=?
    < +CPCMREG: (0,1)
    < OK
    > AT+CPCMREG=1
    < ERROR
    > AT+CPCMFRM=2
    < ERROR
    > AT+CPCMFRM=0
    < OK
    > ATD+491701234567;
    < OK
    + 1000
    * call to +491701234567: ringing
    > AT+CPCMREG=1
    < ERROR
    + 1500
    < VOICE CALL: BEGIN
    * call to +491701234567: answered
    > AT+CPCMREG=1
    < OK
    > AT+CPCMREG?
    < +CPCMREG: 1
    < OK
    > AT+CPCMREG=0,1
    < OK
    > AT+CPCMREG?
    < +CPCMREG: 0
    < OK
    > AT+CPCMREG=1
    < OK
    > AT+CHUP
    < VOICE CALL: END: 000000
    < OK
    * call to +491701234567: ended after 0 s
    > AT+CPCMREG?
    < +CPCMREG: 0
    < OK
    > AT+CPCMREG=0
    < OK
    ");
}

#[test]
fn quectel_takes_the_command_before_the_call_and_forgets_it_after() {
    let script = "> AT+QPCMV=?\n> AT+QPCMV?\n> AT+QPCMV=1,3\n> AT+QPCMV=1,2\n> AT+QPCMV?\n> AT+QPCMV=0\n> AT+QPCMV?";
    assert_snapshot!(converse(make("quectel"), script), @"
    > AT+QPCMV=?
    < +QPCMV: (0,1),(0-2)
    < OK
    > AT+QPCMV?
    < +QPCMV: 0,0
    < OK
    > AT+QPCMV=1,3
    < ERROR
    > AT+QPCMV=1,2
    < OK
    > AT+QPCMV?
    < +QPCMV: 1,2
    < OK
    > AT+QPCMV=0
    < OK
    > AT+QPCMV?
    < +QPCMV: 0,0
    < OK
    ");
    let mut bench = Bench::new(make("quectel"));
    bench.send(b"AT+QPCMV=1,0\r");
    bench.play("> ATD+491701234567;");
    assert_eq!(frames_in(&mut bench, 2490), 0, "nothing flows before the answer");
    assert_eq!(frames_in(&mut bench, 1010), 50);
    bench.play("> AT+CHUP");
    assert_eq!(frames_in(&mut bench, 1000), 0);
    assert!(bench.send(b"AT+QPCMV?\r").contains("+QPCMV: 0,0"));
    bench.play("> ATD+491701234567;");
    assert_eq!(frames_in(&mut bench, 5000), 0, "the second call is silent without the command");
}

#[test]
fn huawei_takes_the_command_from_the_dialling_on() {
    let mut bench = Bench::new(make("huawei"));
    assert!(bench.send(b"AT^DDSETEX=2\r").contains("ERROR"), "without a call");
    bench.send(b"ATD+491701234567;\r");
    assert!(bench.send(b"AT^DDSETEX=1\r").contains("ERROR"));
    assert!(bench.send(b"AT^DDSETEX=2\r").contains("OK"));
    assert_eq!(frames_in(&mut bench, 2500), 0);
    assert_eq!(frames_in(&mut bench, 1000), 50);
}

#[test]
fn a_modem_without_power_or_wits_sends_no_sound() {
    for (control, after) in [("! unplug 1", 0), ("! reboot", 0), ("! hang 310ms", 35), ("! hangup", 0)] {
        let mut bench = in_call("sim7600");
        bench.send(b"AT+CPCMREG=1\r");
        bench.play(control);
        assert_eq!(frames_in(&mut bench, 1000), after, "{control}");
    }
}

#[test]
fn the_phone_hears_what_is_written_while_the_sound_flows() {
    let mut bench = Bench::new(make("sim7600"));
    bench.modem.records = true;
    bench.speak(&[1; 320]);
    bench.play("> ATD+491701234567;");
    bench.play("+ 2500");
    bench.speak(&[2; 320]);
    bench.send(b"AT+CPCMREG=1\r");
    bench.play("+ 100");
    bench.speak(&[3; 319]);
    bench.speak(&[3; 1]);
    bench.play("+ 100");
    bench.send(b"AT+CPCMREG=0\r");
    bench.speak(&[4; 320]);
    bench.play("+ 1800");
    bench.send(b"AT+CHUP\r");
    bench.speak(&[5; 320]);
    let mut expected = vec![0; 32_000];
    expected[1600..1920].fill(3);
    assert!(recorded(&bench) == expected, "two seconds with one frame after 100 ms");
    assert_eq!((bench.recorded[0].number.as_str(), bench.recorded[0].seconds), ("+491701234567", 2));
}

#[test]
fn sound_of_sixteen_kilohertz_is_heard_at_its_own_speed() {
    let mut bench = Bench::new(make("sim7600"));
    bench.modem.records = true;
    bench.play("> AT+CPCMFRM=1");
    bench.play("> ATD+491701234567;");
    bench.play("+ 2500");
    bench.send(b"AT+CPCMREG=1\r");
    for _ in 0..5 {
        bench.speak(&[6; 640]);
        assert_eq!(frames_in(&mut bench, 20), 1);
        assert_eq!(bench.frames[0].len(), 640);
    }
    bench.play("! hangup");
    assert_eq!(recorded(&bench), [6; 1600]);
}

#[test]
fn only_answered_calls_are_recorded_also_those_that_come_in_and_those_cut_off() {
    let mut bench = Bench::new(make("generic"));
    bench.modem.records = true;
    for act in ["> ATD+491700000001;", "+ 1000", "> ATD+491700000002;", "+ 1000", "> AT+CHUP"] {
        bench.play(act);
    }
    assert_eq!(bench.recorded.len(), 0);
    for act in ["! call +491701234567", "> ATA", "+ 1500", "! unplug 1"] {
        bench.play(act);
    }
    assert_eq!(recorded(&bench).len(), 24_000);
}

#[test]
fn simcom_speaks_into_the_call_once_that_is_chosen() {
    let mut bench = in_call("a7670");
    for act in [
        "> AT+CTTS=?",
        "> AT+CTTS=2,\"to the loudspeaker\"",
        "+ 2000",
        "> AT+CDTAM=1",
        "> AT+CTTS=2,\"Your code is 1, 2.\"",
        "> AT+CTTS=2,\"busy\"",
        "> AT+CTTS?",
        "+ 1259",
        "+ 1",
        "> AT+CTTS?",
        "> AT+CTTS=1,\"0043006F00F4\"",
        "+ 210",
        "> AT+CTTS=1,\"004\"",
        "> AT+CTTS=1,\"004300\"",
        "> AT+CTTS=2,\"\"",
        "> AT+CTTS=2,\"\u{e9}\"",
        "> AT+CTTS=3,\"no\"",
        "> AT+CTTS=2,\"stopped\"",
        "+ 140",
        "> AT+CTTS=0",
        "> AT+CTTS=2,\"cut off\"",
        "+ 220",
        "! hangup",
    ] {
        bench.play(act);
    }
    assert_snapshot!(bench.take_dialogue(), @"
    < +CTTS: (0-2)
    < OK
    < OK
    < +CTTS: 0
    < OK
    < OK
    < ERROR
    < +CTTS: 1
    < OK
    < +CTTS: 0
    < +CTTS: 0
    < OK
    < OK
    < +CTTS: 0
    < ERROR
    < ERROR
    < ERROR
    < ERROR
    < ERROR
    < OK
    < OK
    < OK
    < +CTTS: 0
    < VOICE CALL: END: 000003
    < NO CARRIER
    * call to +491701234567: the modem said: Your code is 1, 2.
    * call to +491701234567: the modem said: Coô
    * call to +491701234567: the modem said: st
    * call to +491701234567: the modem said: cut
    * call to +491701234567: ended after 3 s
    ");
}

#[test]
fn quectel_speaks_into_the_call() {
    let said = |profile| {
        let mut bench = in_call(profile);
        bench.play("> AT+QTTS=2,\"one\"");
        bench.play("> AT+QTTS=1,\"0074\"");
        bench.play("+ 210");
        bench.play("> AT+QTTS=1,\"00740077006F\"");
        bench.play("+ 210");
        bench.take_dialogue()
    };
    assert_snapshot!(said("quectel-ec200"), @"
    < OK
    < ERROR
    < +QTTS: 0
    < OK
    < +QTTS: 0
    * call to +491701234567: the modem said: one
    * call to +491701234567: the modem said: two
    ");
    assert_eq!(said("quectel-m"), said("quectel-ec200"));
}

#[test]
fn keys_are_told_in_the_words_of_the_make_to_whoever_asked() {
    let switches = ["AT+DDET=1", "AT+QTONEDET=1", "AT^DDTMFCFG=0,1", "AT+UDTMFD=1,2", "AT#DTMF=1"];
    let mut shown = String::new();
    for profile in PROFILES.iter().filter(|profile| !profile.lacks.contains(&"D")) {
        let mut bench = in_call(profile.name);
        bench.play("! key 1");
        assert_eq!(bench.take_dialogue(), "", "{} was not asked", profile.name);
        for switch in switches {
            bench.send(format!("{switch}\r").as_bytes());
        }
        bench.play("! key 1");
        bench.play("! key #");
        shown += &format!("{}\n{}", profile.name, bench.take_dialogue());
        bench.play("! hangup");
        bench.take_dialogue();
        bench.play("! key 1");
        assert_eq!(bench.take_dialogue(), "", "{} without a call", profile.name);
    }
    assert_snapshot!(shown, @"
    generic
    sim800
    < +DTMF: 1
    < +DTMF: #
    sim7600
    < +RXDTMF: 1
    < +RXDTMF: #
    a7670
    < +RXDTMF: 1
    < +RXDTMF: #
    quectel
    < +QTONEDET: 49
    < +QTONEDET: 35
    quectel-ec200
    < +QTONEDET: 49
    < +QTONEDET: 35
    quectel-m
    < +QTONEDET: 49
    < +QTONEDET: 35
    huawei
    < ^DDTMF:1
    < ^DDTMF:#
    u-blox
    < +UUDTMFD: 1
    < +UUDTMFD: #
    telit
    < #DTMFEV: 1
    < #DTMFEV: #
    zte
    wavecom
    ");
}

#[test]
fn huawei_is_asked_by_the_second_value() {
    let mut bench = in_call("huawei");
    bench.send(b"AT^DDTMFCFG=1,0\r");
    bench.play("! key 5");
    assert_eq!(bench.take_dialogue(), "");
}

#[test]
fn the_person_behind_a_magic_number_presses_a_key_five_seconds_after_the_answer() {
    let script = "> AT+DDET=1\n> ATD+491700000019;\n+ 500\n+ 2000\n+ 4999\n+ 1\n> AT+CHUP\n\
                  > ATD+491700000019;\n+ 1000\n! answer\n+ 4999\n+ 1\n> AT+CHUP\n> ATD+491700000019;\n+ 3000\n> AT+CHUP\n+ 9000";
    assert_snapshot!(converse(make("sim800"), script), @"
    > AT+DDET=1
    < OK
    > ATD+491700000019;
    < OK
    + 500
    * call to +491700000019: ringing
    + 2000
    * call to +491700000019: answered
    + 4999
    + 1
    < +DTMF: 1
    > AT+CHUP
    < OK
    * call to +491700000019: ended after 5 s
    > ATD+491700000019;
    < OK
    + 1000
    * call to +491700000019: ringing
    ! answer
    * call to +491700000019: answered
    + 4999
    + 1
    < +DTMF: 1
    > AT+CHUP
    < OK
    * call to +491700000019: ended after 5 s
    > ATD+491700000019;
    < OK
    + 3000
    * call to +491700000019: ringing
    * call to +491700000019: answered
    > AT+CHUP
    < OK
    * call to +491700000019: ended after 0 s
    + 9000
    ");
}

#[test]
fn huawei_sends_a_key_by_its_own_command_and_others_do_not_know_it() {
    let script = "> AT^DTMF=1,5\n> ATD+491701234567;\n+ 2500\n> AT^DTMF=1,5\n> AT^DTMF=1,#\n> AT^DTMF=2,5\n> AT^DTMF=5\n> AT^DTMF=1,x";
    assert_snapshot!(converse(make("huawei"), script), @"
    > AT^DTMF=1,5
    < ERROR
    > ATD+491701234567;
    < ^ORIG:1,0
    < OK
    + 2500
    < ^CONF:1
    < ^CONN:1,0
    * call to +491701234567: ringing
    * call to +491701234567: answered
    > AT^DTMF=1,5
    < OK
    * call to +491701234567: key 5
    > AT^DTMF=1,#
    < OK
    * call to +491701234567: key #
    > AT^DTMF=2,5
    < ERROR
    > AT^DTMF=5
    < ERROR
    > AT^DTMF=1,x
    < ERROR
    ");
    assert!(in_call("generic").send(b"AT^DTMF=1,5\r").contains("ERROR"));
}
