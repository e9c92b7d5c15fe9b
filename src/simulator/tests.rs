//! Dialogues with the pure core.

use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::testing::{Bench, converse};
use super::*;

/// `hellohello` with report request and validity period, to a number that ends in these four digits.
fn hello_to(ending: &str) -> String {
    let digits: Vec<char> = format!("4917000{ending}").chars().collect();
    let swapped: String = digits.chunks(2).map(|pair| format!("{}{}", pair.get(1).unwrap_or(&'F'), pair[0])).collect();
    format!("0031000B91{swapped}0000AA0AE8329BFD4697D9EC37")
}

fn quiet() -> Settings {
    Settings::default().with("echo", "never")
}

/// The whole dialogue of one message to that number, and of a minute after it.
fn send_to(ending: &str) -> String {
    converse(quiet(), &format!("> AT+CNMI=2,1,0,1,0\n> AT+CMGS=23\n>> {}\n+ 1000\n+ 64000", hello_to(ending)))
}

/// The whole dialogue of one call to that number, up to two minutes.
fn call_to(ending: &str) -> String {
    converse(quiet(), &format!("> ATD+4917000{ending};\n+ 600\n+ 2000\n+ 3000\n+ 120000\n> AT+CEER"))
}

fn shown(bytes: &str) -> String {
    bytes.escape_debug().to_string()
}

#[test]
fn a_message_goes_out_and_its_report_comes_back() {
    let script = format!("> AT\n> AT+CNMI=2,1,0,1,0\n> AT+CMGS=23\n>> {}\n+ 1000", hello_to("5555"));
    assert_snapshot!(converse(Settings::default(), &script), @"
    > AT
    < AT
    < OK
    > AT+CNMI=2,1,0,1,0
    < AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < 0031000B919471005055F50000AA0AE8329BFD4697D9EC37^Z
    < +CMGS: 1
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000100000
    ");
}

#[test]
fn answers_are_framed_as_the_line_was_set() {
    let mut bench = Bench::new(Settings::default());
    assert_snapshot!(shown(&bench.send(b"AT+CSQ\r")), @r"AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    assert_snapshot!(shown(&bench.send(b"ATE0\r")), @r"ATE0\r\r\nOK\r\n");
    assert_snapshot!(shown(&bench.send(b"AT+CSQ\r")), @r"\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    assert_snapshot!(shown(&bench.send(b"ATV0\r")), @r"0\r");
    assert_snapshot!(shown(&bench.send(b"AT+CSQ;+NONE\r")), @r"+CSQ: 20,99\r\n4\r");
    assert_snapshot!(shown(&bench.send(b"ATV1Q1\r")), @"");
    assert_snapshot!(shown(&bench.send(b"AT+CSQ\r")), @r"\r\n+CSQ: 20,99\r\n");
}

#[test]
fn line_ends_and_prompts_have_variants() {
    let send = |name: &str, value: &str, bytes: &[u8]| shown(&Bench::new(quiet().with(name, value)).send(bytes));
    assert_snapshot!(send("line-end", "lf", b"AT+CSQ\r"), @r"\n+CSQ: 20,99\n\nOK\n");
    assert_snapshot!(send("line-end", "cr", b"AT+CSQ\r"), @r"\r+CSQ: 20,99\r\rOK\r");
    assert_snapshot!(send("line-end", "crcrlf", b"AT+CSQ\r"), @r"\r\r\n+CSQ: 20,99\r\r\n\r\r\nOK\r\r\n");
    assert_snapshot!(send("prompt", "standard", b"AT+CMGS=20\r"), @r"\r\n>");
    assert_snapshot!(send("prompt", "bare", b"AT+CMGS=20\r"), @">");
    assert_snapshot!(send("prompt", "cr", b"AT+CMGS=20\r"), @r"> \r");
}

#[test]
fn a_chunked_answer_comes_in_pieces_with_pauses() {
    let mut bench = Bench::new(quiet().with("chunk", "4").with("chunk-gap", "10ms"));
    assert_eq!(shown(&bench.send(b"AT+CSQ\r")), "\\r\\n+C");
    bench.pass(Duration::from_millis(10));
    assert_eq!(shown(&String::from_utf8_lossy(&bench.written)), "SQ: ");
    bench.pass(Duration::from_millis(100));
    assert!(bench.written.ends_with(b"OK\r\n"));
}

#[test]
fn the_same_bytes_give_the_same_answers_however_they_are_cut() {
    let bytes = format!("ATE1\rAT+CMEE=2\rAT+CNMI=2,1,0,1,0;+CMGS=23\r{}\u{1a}AT+NONE\r", hello_to("5555"));
    let whole = Bench::new(Settings::default()).send(bytes.as_bytes());
    for size in [1, 3] {
        let mut bench = Bench::new(Settings::default());
        let pieces: String = bytes.as_bytes().chunks(size).map(|piece| bench.send(piece)).collect();
        assert_eq!(pieces, whole);
    }
}

#[test]
fn each_magic_number_does_to_a_message_what_its_row_says() {
    assert_snapshot!(send_to("0003"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F30000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    + 1000
    + 64000
    ");
    assert_snapshot!(send_to("0004"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F40000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    + 1000
    + 64000
    < +CDS: 25
    < 079194710167000006010B919471000000F4621010000000006210100010000000
    * SMS to +49170000004 (reference 1, 1 part): hellohello
    ");
    assert_snapshot!(send_to("0005"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000000F5621010000000006210100000100043
    + 64000
    ");
    assert_snapshot!(send_to("0007"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F70000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 1
    + 1000
    + 64000
    ");
    assert_snapshot!(send_to("0008"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F80000AA0AE8329BFD4697D9EC37
    + 1000
    + 64000
    ");
    assert_snapshot!(send_to("0010"), @r#"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F00000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170000010 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000010F0621010000000006210100000100000
    < +CMTI: "SM",1
    + 64000
    "#);
    assert_snapshot!(send_to("0012"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F20000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000010F2621010000000006210100000100020
    + 64000
    < +CDS: 25
    < 079194710167000006010B919471000010F2621010000000006210100000600000
    * SMS to +49170000012 (reference 1, 1 part): hellohello
    ");
    assert_snapshot!(send_to("0013"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F30000AA0AE8329BFD4697D9EC37
    * SMS to +49170000013 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000010F3621010000000006210100000100000
    + 64000
    ");
    assert_snapshot!(send_to("0014"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F40000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 332
    * SMS to +49170000014 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000010F4621010000000006210100000100000
    + 64000
    ");
    assert_snapshot!(send_to("0015"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170000015 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471000010F5621010000000006210100000100000
    < +CDS: 25
    < 079194710167000006010B919471000010F5621010000000006210100000100000
    + 64000
    ");
    assert_snapshot!(send_to("0016"), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471000010F60000AA0AE8329BFD4697D9EC37
    < +CDS: 25
    < 079194710167000006010B919471000010F6621010000000006210100000000000
    < +CMGS: 1
    < OK
    * SMS to +49170000016 (reference 1, 1 part): hellohello
    + 1000
    + 64000
    ");
}

#[test]
fn the_number_that_refuses_twice_takes_the_third_try() {
    let once = format!("> AT+CMGS=23\n>> {}\n", hello_to("0006"));
    assert_snapshot!(converse(quiet(), &once.repeat(4)), @"
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F60000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 38
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F60000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 38
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F60000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170000006 (reference 1, 1 part): hellohello
    > AT+CMGS=23
    < >
    >> 0031000B919471000000F60000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 38
    ");
}

#[test]
fn each_magic_number_does_to_a_call_what_its_row_says() {
    assert_snapshot!(call_to("5555"), @"
    > ATD+49170005555;
    < OK
    + 600
    * call to +49170005555: ringing
    + 2000
    * call to +49170005555: answered
    + 3000
    + 120000
    < NO CARRIER
    * call to +49170005555: ended after 120 s
    > AT+CEER
    < +CEER: Normal call clearing
    < OK
    ");
    assert_snapshot!(call_to("0001"), @"
    > ATD+49170000001;
    < OK
    + 600
    < BUSY
    * call to +49170000001: busy
    + 2000
    + 3000
    + 120000
    > AT+CEER
    < +CEER: User busy
    < OK
    ");
    assert_snapshot!(call_to("0002"), @"
    > ATD+49170000002;
    < OK
    + 600
    * call to +49170000002: ringing
    + 2000
    + 3000
    + 120000
    < NO ANSWER
    * call to +49170000002: missed
    > AT+CEER
    < +CEER: No answer from user
    < OK
    ");
    assert_snapshot!(call_to("0007"), @"
    > ATD+49170000007;
    < OK
    + 600
    < NO CARRIER
    * call to +49170000007: missed
    + 2000
    + 3000
    + 120000
    > AT+CEER
    < +CEER: Unassigned (unallocated) number
    < OK
    ");
    assert_snapshot!(call_to("0009"), @"
    > ATD+49170000009;
    < OK
    + 600
    * call to +49170000009: ringing
    + 2000
    < BUSY
    * call to +49170000009: rejected
    + 3000
    + 120000
    > AT+CEER
    < +CEER: Call rejected
    < OK
    ");
    assert_snapshot!(call_to("0017"), @"
    > ATD+49170000017;
    < OK
    + 600
    < NO CARRIER
    * call to +49170000017: missed
    + 2000
    + 3000
    + 120000
    > AT+CEER
    < +CEER: Temporary failure
    < OK
    ");
    assert_snapshot!(call_to("0018"), @"
    > ATD+49170000018;
    < OK
    + 600
    * call to +49170000018: ringing
    + 2000
    * call to +49170000018: answered
    + 3000
    < NO CARRIER
    * call to +49170000018: ended after 2 s
    + 120000
    > AT+CEER
    < +CEER: Normal call clearing
    < OK
    ");
}

#[test]
fn makes_tell_their_calls_in_their_own_way() {
    let script =
        "> AT+CLCC=1\n> AT+COLP=1\n> ATD+491701234567;\n+ 500\n> AT+CLCC\n+ 2000\n> AT+VTS=5\n+ 1000\n> AT+CHUP";
    assert_snapshot!(converse(quiet().with("profile", "sim7600"), script), @r#"
    > AT+CLCC=1
    < OK
    > AT+COLP=1
    < OK
    > ATD+491701234567;
    < +CLCC: 1,0,2,0,0,"+491701234567",145
    < OK
    + 500
    < +CLCC: 1,0,3,0,0,"+491701234567",145
    * call to +491701234567: ringing
    > AT+CLCC
    < +CLCC: 1,0,3,0,0,"+491701234567",145
    < OK
    + 2000
    < VOICE CALL: BEGIN
    < +CLCC: 1,0,0,0,0,"+491701234567",145
    < +COLP: "+491701234567",145
    * call to +491701234567: answered
    > AT+VTS=5
    < OK
    * call to +491701234567: key 5
    + 1000
    > AT+CHUP
    < +CLCC: 1,0,6,0,0,"+491701234567",145
    < VOICE CALL: END: 000001
    < OK
    * call to +491701234567: ended after 1 s
    "#);
    assert_snapshot!(converse(quiet().with("profile", "huawei"), script), @r#"
    > AT+CLCC=1
    < COMMAND NOT SUPPORT
    > AT+COLP=1
    < OK
    > ATD+491701234567;
    < ^ORIG:1,0
    < OK
    + 500
    < ^CONF:1
    * call to +491701234567: ringing
    > AT+CLCC
    < +CLCC: 1,0,3,0,0,"+491701234567",145
    < OK
    + 2000
    < ^CONN:1,0
    < +COLP: "+491701234567",145
    * call to +491701234567: answered
    > AT+VTS=5
    < OK
    * call to +491701234567: key 5
    + 1000
    > AT+CHUP
    < ^CEND:1,1,104,16
    < OK
    * call to +491701234567: ended after 1 s
    "#);
    let held = "> AT+COLP=1\n> ATD+491701234567;\n+ 2500\n> ATH\n> ATD+491700000001;\n+ 500\n> ATD+491701234567;\n> AT";
    assert_snapshot!(converse(quiet().with("profile", "sim800"), held), @r#"
    > AT+COLP=1
    < OK
    > ATD+491701234567;
    + 2500
    < +COLP: "+491701234567",145
    < OK
    * call to +491701234567: ringing
    * call to +491701234567: answered
    > ATH
    < OK
    * call to +491701234567: ended after 0 s
    > ATD+491700000001;
    + 500
    < BUSY
    * call to +491700000001: busy
    > ATD+491701234567;
    > AT
    < NO CARRIER
    * call to +491701234567: missed
    "#);
}

#[test]
fn the_phone_calls_the_modem() {
    let script = "> AT+CLIP=1\n! call +491701234567\n+ 3000\n> AT+CLCC\n> ATA\n+ 5000\n! hangup\n! call +49170\n> ATH";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CLIP=1
    < OK
    ! call +491701234567
    < RING
    < +CLIP: "+491701234567",145,"",0,"",0
    * call to +491701234567: ringing
    + 3000
    < RING
    < +CLIP: "+491701234567",145,"",0,"",0
    > AT+CLCC
    < +CLCC: 1,1,4,0,0,"+491701234567",145
    < OK
    > ATA
    < OK
    * call to +491701234567: answered
    + 5000
    ! hangup
    < NO CARRIER
    * call to +491701234567: ended after 5 s
    ! call +49170
    < RING
    < +CLIP: "+49170",145,"",0,"",0
    * call to +49170: ringing
    > ATH
    < OK
    * call to +49170: rejected
    "#);
    assert_snapshot!(converse(quiet(), "> AT+CRC=1\n! call +49170\n+ 31000"), @"
    > AT+CRC=1
    < OK
    ! call +49170
    < +CRING: VOICE
    * call to +49170: ringing
    + 31000
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < +CRING: VOICE
    < NO CARRIER
    * call to +49170: missed
    ");
}

#[test]
fn an_incoming_message_is_stored_listed_read_and_deleted() {
    let script = "> AT+CNMI=2,1,0,0,0\n! incoming +491701234567 Hello €\n> AT+CPMS?\n> AT+CMGL=4\n> AT+CMGR=1\n\
                  > AT+CMGF=1\n> AT+CMGL=\"ALL\"\n> AT+CMGD=1\n> AT+CMGR=1\n> AT+CMGL=\"ALL\"";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CNMI=2,1,0,0,0
    < OK
    ! incoming +491701234567 Hello €
    < +CMTI: "SM",1
    > AT+CPMS?
    < +CPMS: "SM",1,30,"SM",1,30,"SM",1,30
    < OK
    > AT+CMGL=4
    < +CMGL: 1,0,,26
    < 0791947101670000040C9194711032547600006210100000000008C8329BFD066DCA
    < OK
    > AT+CMGR=1
    < +CMGR: 1,,26
    < 0791947101670000040C9194711032547600006210100000000008C8329BFD066DCA
    < OK
    > AT+CMGF=1
    < OK
    > AT+CMGL="ALL"
    < +CMGL: 1,"REC READ","+491701234567",,"26/01/01,00:00:00+00"
    < Hello €
    < OK
    > AT+CMGD=1
    < OK
    > AT+CMGR=1
    < +CMS ERROR: 321
    > AT+CMGL="ALL"
    < OK
    "#);
}

#[test]
fn a_direct_message_must_be_acknowledged_or_comes_again() {
    let script = "> AT+CSMS=1\n> AT+CNMI=2,2,0,1,0\n! incoming +491701234567 one\n! incoming +491701234567 two\n\
                  > AT+CNMA\n> AT+CNMA\n> AT+CNMA\n! incoming +491701234567 three\n+ 15000\n> AT+CNMI?\n> AT+CPMS?";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CSMS=1
    < +CSMS: 1,1,1
    < OK
    > AT+CNMI=2,2,0,1,0
    < OK
    ! incoming +491701234567 one
    < +CMT: ,22
    < 0791947101670000040C91947110325476000062101000000000036F7719
    ! incoming +491701234567 two
    > AT+CNMA
    < +CMT: ,22
    < 0791947101670000040C9194711032547600006210100000000003F4FB1B
    < OK
    > AT+CNMA
    < OK
    > AT+CNMA
    < +CMS ERROR: 340
    ! incoming +491701234567 three
    < +CMT: ,24
    < 0791947101670000040C919471103254760000621010000000000574B4BC5C06
    + 15000
    > AT+CNMI?
    < +CNMI: 2,0,0,0,0
    < OK
    > AT+CPMS?
    < +CPMS: "SM",1,30,"SM",1,30,"SM",1,30
    < OK
    "#);
}

#[test]
fn a_long_text_comes_in_parts() {
    let text = "x".repeat(161);
    let script = format!("> AT+CMGF=1\n> AT+CNMI=2,1\n! incoming +49170 {text}\n> AT+CMGR=2");
    let dialogue = converse(quiet(), &script);
    assert!(dialogue.contains("< +CMTI: \"SM\",1\n< +CMTI: \"SM\",2\n"), "{dialogue}");
    assert!(dialogue.ends_with("< xxxxxxxx\n< OK\n"), "{dialogue}");
}

#[test]
fn parts_arrive_in_the_order_that_was_asked_for_and_pdus_as_they_are() {
    let text = "x".repeat(161);
    let script = format!(
        "> AT+CNMI=2,1,0,2,0\n! parts +49170 2,1,2,9 {text}\n! pdu 0004FF\n! pdu 000607\n> AT+CMGR=4\n> AT+CMGR=5"
    );
    let dialogue = converse(quiet(), &script).replace(&text, "x…");
    assert_snapshot!(dialogue, @r#"
    > AT+CNMI=2,1,0,2,0
    < OK
    ! parts +49170 2,1,2,9 x…
    < +CMTI: "SM",1
    < +CMTI: "SM",2
    < +CMTI: "SM",3
    ! pdu 0004FF
    < +CMTI: "SM",4
    ! pdu 000607
    < +CDSI: "SM",5
    > AT+CMGR=4
    < +CMGR: 0,,2
    < 0004FF
    < OK
    > AT+CMGR=5
    < +CMGR: 0,,2
    < 000607
    < OK
    "#);
}

#[test]
fn a_modem_without_storage_for_what_comes_in_delivers_directly() {
    let settings = quiet().with("direct-only", "on");
    let script = "> AT+CNMI=?\n> AT+CNMI=2,1,0,2,0\n> AT+CNMI=2,2,0,1,0\n> AT+CSMS=1\n! pdu 0004FF\n> AT+CNMA=2\n\
                  > AT+CNMI=2,2,0,1,0\n> AT+CNMA\n> AT+CNMA";
    assert_snapshot!(converse(settings, script), @"
    > AT+CNMI=?
    < +CNMI: (0,1,2),(0,2),(0,2),(0,1),(0,1)
    < OK
    > AT+CNMI=2,1,0,2,0
    < +CMS ERROR: 302
    > AT+CNMI=2,2,0,1,0
    < OK
    > AT+CSMS=1
    < +CSMS: 1,1,1
    < OK
    ! pdu 0004FF
    < +CMT: ,2
    < 0004FF
    > AT+CNMA=2
    < OK
    > AT+CNMI=2,2,0,1,0
    < +CMT: ,2
    < 0004FF
    < OK
    > AT+CNMA
    < OK
    > AT+CNMA
    < +CMS ERROR: 340
    ");
}

#[test]
fn a_modem_that_refuses_to_delete_keeps_the_message() {
    let script = "! set stores-in ME\n! incoming +49170 hi\n> AT+CPMS?\n> AT+CPMS=\"ME\"\n! set deletes off\n> AT+CMGD=1\n\
                  ! set deletes on\n> AT+CMGD=1\n> AT+CMGD=1";
    assert_snapshot!(converse(quiet(), script), @r#"
    ! set stores-in ME
    ! incoming +49170 hi
    > AT+CPMS?
    < +CPMS: "SM",0,30,"SM",0,30,"ME",1,30
    < OK
    > AT+CPMS="ME"
    < +CPMS: 1,30,0,30,1,30
    < OK
    ! set deletes off
    > AT+CMGD=1
    < +CMS ERROR: 500
    ! set deletes on
    > AT+CMGD=1
    < OK
    > AT+CMGD=1
    < +CMS ERROR: 321
    "#);
}

#[test]
fn a_full_storage_takes_no_message_until_there_is_room() {
    let script = "> AT+CNMI=2,1,0,2,0\n! set slots 2\n! fill\n> AT+CPMS?\n! incoming +491701234567 late\n> AT+CMGD=2";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CNMI=2,1,0,2,0
    < OK
    ! set slots 2
    ! fill
    > AT+CPMS?
    < +CPMS: "SM",2,2,"SM",2,2,"SM",2,2
    < OK
    ! incoming +491701234567 late
    > AT+CMGD=2
    < +CMTI: "SM",2
    < OK
    "#);
}

#[test]
fn a_full_storage_holds_up_no_direct_report() {
    let script = format!(
        "> AT+CNMI=2,1,0,1,0\n! fill\n! incoming +491701234567 late\n> AT+CMGS=23\n>> {}\n+ 1000\n> AT+CMGD=1",
        hello_to("5555")
    );
    assert_snapshot!(converse(quiet(), &script), @r#"
    > AT+CNMI=2,1,0,1,0
    < OK
    ! fill
    ! incoming +491701234567 late
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000100000
    > AT+CMGD=1
    < +CMTI: "SM",1
    < OK
    "#);
}

#[test]
fn reports_are_stored_where_that_was_asked_for() {
    let script = format!("> AT+CNMI=2,1,0,2,0\n> AT+CMGS=23\n>> {}\n+ 1000\n> AT+CMGR=1", hello_to("5555"));
    assert_snapshot!(converse(quiet(), &script), @r#"
    > AT+CNMI=2,1,0,2,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDSI: "SM",1
    > AT+CMGR=1
    < +CMGR: 0,,25
    < 079194710167000006010B919471005055F5621010000000006210100000100000
    < OK
    "#);
}

#[test]
fn text_mode_sends_too() {
    let script = "> AT+CMGF=1\n> AT+CSMP=49,167,0,0\n> AT+CNMI=2,1,0,1,0\n> AT+CMGS=\"+491701234567\"\n>> Code 1234\n+ 1000\n\
                  > AT+CSCS=\"UCS2\"\n> AT+CMGS=\"002B003400390031\"\n>> 017E20AC\n> AT+CMGW=\"002B0034\"\n>> 0041\n> AT+CMSS=1";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CMGF=1
    < OK
    > AT+CSMP=49,167,0,0
    < OK
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS="+491701234567"
    < >
    >> Code 1234
    < +CMGS: 1
    < OK
    * SMS to +491701234567 (reference 1, 1 part): Code 1234
    + 1000
    < +CDS: 6,1,"+491701234567",145,"26/01/01,00:00:00+00","26/01/01,00:00:01+00",0
    > AT+CSCS="UCS2"
    < OK
    > AT+CMGS="002B003400390031"
    < >
    >> 017E20AC
    < +CMGS: 2
    < OK
    * SMS to +491 (reference 2, 1 part): ž€
    > AT+CMGW="002B0034"
    < >
    >> 0041
    < +CMGW: 1
    < OK
    > AT+CMSS=1
    < +CMSS: 3
    < OK
    * SMS to +4 (reference 3, 1 part): A
    "#);
}

#[test]
fn escape_leaves_the_prompt() {
    assert_snapshot!(converse(quiet(), "> AT+CMGS=23\n>! 0031\\e\n> AT"), @r"
    > AT+CMGS=23
    < >
    >! 0031\e
    < OK
    > AT
    < OK
    ");
    let deaf = quiet().with("escape", "off");
    assert_snapshot!(converse(deaf, "> AT+CMGS=23\n>! 0031\\e\n> \n> AT"), @r"
    > AT+CMGS=23
    < >
    >! 0031\e
    >
    < +CMS ERROR: 304
    > AT
    < OK
    ");
}

#[test]
fn a_locked_sim_counts_its_tries_down_to_the_puk() {
    let script = "> AT+CMEE=1\n> AT+CREG=1\n> AT+CPIN?\n> AT+CIMI\n> AT+CMGF=0\n> AT+CMGS=23\n> AT+CPIN=0000\n> AT+CPINC?\n\
                  > AT+CPIN=\"1234\"\n> AT+CPIN?\n> AT+CPINC?\n> AT+CIMI";
    assert_snapshot!(converse(quiet().with("pin", "1234"), script), @r#"
    > AT+CMEE=1
    < OK
    > AT+CREG=1
    < OK
    > AT+CPIN?
    < +CPIN: SIM PIN
    < OK
    > AT+CIMI
    < +CME ERROR: 11
    > AT+CMGF=0
    < OK
    > AT+CMGS=23
    < +CMS ERROR: 311
    > AT+CPIN=0000
    < +CME ERROR: 16
    > AT+CPINC?
    < +CPINC: 2,3,10,10
    < OK
    > AT+CPIN="1234"
    < +CREG: 1
    < OK
    > AT+CPIN?
    < +CPIN: READY
    < OK
    > AT+CPINC?
    < +CPINC: 3,3,10,10
    < OK
    > AT+CIMI
    < 001010123456789
    < OK
    "#);
    let script = "> AT+CMEE=2\n> AT+CPIN=1\n> AT+CPIN=1\n> AT+SPIC\n> AT+CPIN=1\n> AT+CPIN?\n> AT+CPIN=12345678,4321\n> AT+CPIN?";
    assert_snapshot!(converse(quiet().with("pin", "1234").with("profile", "sim800"), script), @"
    > AT+CMEE=2
    < OK
    > AT+CPIN=1
    < +CME ERROR: incorrect password
    > AT+CPIN=1
    < +CME ERROR: incorrect password
    > AT+SPIC
    < +SPIC: 1,10,3,10
    < OK
    > AT+CPIN=1
    < +CME ERROR: SIM PUK required
    > AT+CPIN?
    < +CPIN: SIM PUK
    < OK
    > AT+CPIN=12345678,4321
    < OK
    > AT+CPIN?
    < +CPIN: READY
    < OK
    ");
    assert_snapshot!(converse(quiet().with("sim", "missing"), "> AT+CMEE=1\n> AT+CPIN?\n> AT+CMGS=1\n> AT+CREG?"), @"
    > AT+CMEE=1
    < OK
    > AT+CPIN?
    < +CME ERROR: 10
    > AT+CMGS=1
    < +CMS ERROR: 310
    > AT+CREG?
    < +CREG: 0,0
    < OK
    ");
}

#[test]
fn registration_changes_are_told_to_whoever_asked() {
    let script = "> AT+CREG=2\n> AT+CREG?\n! register 2\n> AT+COPS?\n> AT+CMGS=23\n>> 00\n! register 5\n> AT+CFUN=4\n> AT+CSQ\n\
                  > AT+CFUN=1\n! signal 7\n> AT+CSQ";
    assert_snapshot!(converse(quiet(), script), @r#"
    > AT+CREG=2
    < OK
    > AT+CREG?
    < +CREG: 2,1,"1A2B","00C0FFEE",7
    < OK
    ! register 2
    < +CREG: 2
    > AT+COPS?
    < +COPS: 0
    < OK
    > AT+CMGS=23
    < >
    >> 00
    < +CMS ERROR: 304
    ! register 5
    < +CREG: 5,"1A2B","00C0FFEE",7
    > AT+CFUN=4
    < +CREG: 0
    < OK
    > AT+CSQ
    < +CSQ: 99,99
    < OK
    > AT+CFUN=1
    < +CREG: 5,"1A2B","00C0FFEE",7
    < OK
    ! signal 7
    > AT+CSQ
    < +CSQ: 7,99
    < OK
    "#);
}

#[test]
fn a_modem_without_network_refuses_and_keeps_what_waits_for_it() {
    let script = format!(
        "> AT+CNMI=2,1\n! register 0\n! incoming +491701234567 early\n> AT+CMGS=23\n>> {}\n! register 1",
        hello_to("5555")
    );
    assert_snapshot!(converse(quiet(), &script), @r#"
    > AT+CNMI=2,1
    < OK
    ! register 0
    ! incoming +491701234567 early
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 331
    ! register 1
    < +CMTI: "SM",1
    "#);
}

#[test]
fn errors_follow_the_form_that_was_asked_for() {
    let script = "> AT+NONE\n> AT+CMEE=1\n> AT+NONE\n> AT+CMEE=2\n> AT+NONE\n> AT+CMGR=9\n> AT+CMEE=3\n> ATE9";
    assert_snapshot!(converse(quiet(), script), @"
    > AT+NONE
    < ERROR
    > AT+CMEE=1
    < OK
    > AT+NONE
    < +CME ERROR: 4
    > AT+CMEE=2
    < OK
    > AT+NONE
    < +CME ERROR: operation not supported
    > AT+CMGR=9
    < +CMS ERROR: invalid memory index
    > AT+CMEE=3
    < +CME ERROR: incorrect parameters
    > ATE9
    < ERROR
    ");
    assert_snapshot!(converse(quiet().with("profile", "huawei"), "> AT+CMEE=1\n> AT+NONE"), @"
    > AT+CMEE=1
    < OK
    > AT+NONE
    < COMMAND NOT SUPPORT
    ");
}

#[test]
fn a_restart_is_silent_and_then_says_so() {
    let script = "> AT+CMEE=1\n> AT+CFUN=1,1\n> AT\n+ 1000\n> AT\n+ 1000\n> AT+CMEE?";
    assert_snapshot!(converse(Settings::default().with("profile", "sim800"), script), @"
    > AT+CMEE=1
    < AT+CMEE=1
    < OK
    > AT+CFUN=1,1
    < AT+CFUN=1,1
    < OK
    > AT
    + 1000
    > AT
    + 1000
    < RDY
    < +CFUN: 1
    < +CPIN: READY
    < Call Ready
    < SMS Ready
    > AT+CMEE?
    < AT+CMEE?
    < +CMEE: 0
    < OK
    ");
}

#[test]
fn submissions_meet_the_faults_that_were_asked_for() {
    let once = format!("> AT+CMGS=23\n>> {}\n", hello_to("5555"));
    let script = format!(
        "! fault cms 500 x2\n{once}{once}{once}! fault silence\n{once}> AT\n! fault no-prompt\n> AT+CMGS=23\n> AT"
    );
    assert_snapshot!(converse(quiet(), &script), @"
    ! fault cms 500 x2
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 500
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 500
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 1
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    ! fault silence
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    > AT
    < OK
    ! fault no-prompt
    > AT+CMGS=23
    > AT
    < OK
    ");
    let script = format!("! fault reboot\n{once}+ 2000\n! fault unplug\n{once}+ 3000\n+ 2000\n> AT");
    assert_snapshot!(converse(quiet(), &script), @"
    ! fault reboot
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    + 2000
    < RDY
    < +CPIN: READY
    ! fault unplug
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    = Unplugged
    + 3000
    = PluggedIn
    + 2000
    < RDY
    < +CPIN: READY
    > AT
    < OK
    ");
}

#[test]
fn a_hung_modem_says_nothing_until_its_time_is_over() {
    let script = "! hang 5\n> AT\n! incoming +491701234567 hi\n+ 4000\n> AT\n+ 1000\n> AT\n> AT+CPMS?";
    assert_snapshot!(converse(quiet(), script), @r#"
    ! hang 5
    > AT
    ! incoming +491701234567 hi
    + 4000
    > AT
    + 1000
    > AT
    < OK
    > AT+CPMS?
    < +CPMS: "SM",1,30,"SM",1,30,"SM",1,30
    < OK
    "#);
    assert_snapshot!(converse(quiet().with("hang-after", "1"), "> AT\n> AT\n+ 100000\n> AT\n! reboot\n+ 2000\n> AT"), @"
    > AT
    < OK
    > AT
    + 100000
    > AT
    ! reboot
    + 2000
    < RDY
    < +CPIN: READY
    > AT
    < OK
    ");
}

#[test]
fn a_silence_may_return_after_each_so_many_commands() {
    let settings = quiet().with("hang-after", "2").with("hang-for", "1s");
    assert_snapshot!(converse(settings, "> AT\n> AT\n> AT\n+ 1000\n> AT\n> AT\n> AT"), @"
    > AT
    < OK
    > AT
    < OK
    > AT
    + 1000
    > AT
    < OK
    > AT
    < OK
    > AT
    ");
}

#[test]
fn latencies_are_kept_to_the_millisecond() {
    let settings = quiet().with("latency", "20ms").with("submit-latency", "3s").with("report-delay", "0");
    let script = format!(
        "> AT+CNMI=2,1,0,1,0\n+ 19\n+ 1\n> AT+CMGS=23\n+ 20\n>> {}\n+ 2999\n+ 1\n> AT\n> AT+CSQ\n+ 20\n+ 20",
        hello_to("5555")
    );
    assert_snapshot!(converse(settings, &script), @"
    > AT+CNMI=2,1,0,1,0
    + 19
    + 1
    < OK
    > AT+CMGS=23
    + 20
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    + 2999
    + 1
    < +CMGS: 1
    < OK
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000300000
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    > AT
    > AT+CSQ
    + 20
    < OK
    + 20
    < +CSQ: 20,99
    < OK
    ");
}

#[test]
fn other_deviations_of_the_submit_answer() {
    let once = format!("> AT+CNMI=2,1,0,1,0\n> AT+CMGS=23\n>> {}\n+ 1000", hello_to("5555"));
    assert_snapshot!(converse(quiet().with("reference", "missing"), &once), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000100000
    ");
    assert_snapshot!(converse(quiet().with("reference", "zero"), &once), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMGS: 0
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006000B919471005055F5621010000000006210100000100000
    ");
    assert_snapshot!(converse(quiet().with("report-first", "on"), &once), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000000000
    < +CMGS: 1
    < OK
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    ");
    assert_snapshot!(converse(quiet().with("silent-after-submit", "on"), &once), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    * SMS to +49170005555 (reference 1, 1 part): hellohello
    + 1000
    < +CDS: 25
    < 079194710167000006010B919471005055F5621010000000006210100000100000
    ");
    assert_snapshot!(converse(quiet().with("refuse-validity", "on"), &once), @"
    > AT+CNMI=2,1,0,1,0
    < OK
    > AT+CMGS=23
    < >
    >> 0031000B919471005055F50000AA0AE8329BFD4697D9EC37
    < +CMS ERROR: 304
    + 1000
    ");
    assert_snapshot!(converse(quiet().with("refuse", "AT,+CNMI"), "> AT\n> ATE0\n> AT+CNMI=2,1\n> AT+CMGF=0;+CNMI=2,1"), @"
    > AT
    < ERROR
    > ATE0
    < OK
    > AT+CNMI=2,1
    < ERROR
    > AT+CMGF=0;+CNMI=2,1
    < ERROR
    ");
}

#[test]
fn references_wrap_at_256() {
    let mut bench = Bench::new(quiet());
    let mut last = String::new();
    for _ in 0..256 {
        bench.send(b"AT+CMGS=23\r");
        last = bench.send(format!("{}\u{1a}", hello_to("5555")).as_bytes());
    }
    assert_eq!(shown(&last), "\\r\\n+CMGS: 0\\r\\n\\r\\nOK\\r\\n");
}

#[test]
fn a_flood_comes_at_its_interval() {
    let settings = quiet().with("profile", "huawei").with("flood", "500ms");
    assert_snapshot!(converse(settings, "+ 1000\n> AT\n! set flood 0\n+ 5000"), @"
    + 1000
    < ^RSSI:18
    < ^RSSI:18
    > AT
    < OK
    ! set flood 0
    + 5000
    ");
}

#[test]
fn garbage_surrounds_the_answers() {
    let mut bench = Bench::new(quiet().with("garbage", "8"));
    bench.modem.receive(b"AT\r", Duration::ZERO);
    bench.pass(Duration::ZERO);
    assert_eq!(bench.written.len(), 8 + b"\r\nOK\r\n".len());
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_a_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let mut bench = Bench::new(Settings::default());
        for piece in pieces {
            bench.send(&piece);
            bench.pass(Duration::from_millis(500));
        }
    }

    #[test]
    fn any_command_gets_an_answer(commands in prop::collection::vec("(\\+C[A-Z]{2,3}|E|V|D|\\^ICCID|&F)(=|\\?|=\\?)?[0-9,\"]{0,6}", 1..8)) {
        let mut bench = Bench::new(quiet());
        for command in commands {
            bench.send(b"\x1bATV1Q0E0\r");
            let answer = bench.send(format!("AT{command}\r").as_bytes());
            prop_assert!(!answer.is_empty() || command.starts_with("Q"), "{command}");
        }
    }
}
