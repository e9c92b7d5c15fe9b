//! The whole start-up of each make, with the answers that the make gives.

use super::tests::start;

const HOME: &str = "+10000000000";

/// A modem's own answers, and what any modem answers to the rest.
fn start_of(own: &[(&str, &[&str])]) -> String {
    let centre = format!("+CSCA: \"{HOME}\",145|OK");
    let any: [(&str, &[&str]); 5] = [
        ("AT+CGSN", &["860000000000001|OK"]),
        ("AT+CFUN?", &["+CFUN: 1|OK"]),
        ("AT+CPIN?", &["+CPIN: READY|OK"]),
        ("AT+CIMI", &["001010000000001|OK"]),
        ("AT+CSCA?", &[&centre]),
    ];
    let rest = any.into_iter().filter(|(command, _)| own.iter().all(|(owned, _)| owned != command));
    let table: Vec<(&str, &[&str])> = own.iter().copied().chain(rest).collect();
    start(&table)
}

#[test]
fn a_sim800_that_has_just_been_switched_on() {
    insta::assert_snapshot!(start_of(&[
        ("AT", &["-", "RDY|+CFUN: 1", "AT|OK"]),
        ("AT+CGMI", &["SIMCOM_Ltd|OK"]),
        ("AT+CGMM", &["SIMCOM_SIM800L|OK"]),
        ("AT+CGMR", &["Revision:1418B05SIM800L24|OK"]),
        ("AT+CPIN?", &["+CME ERROR: 14", "+CPIN: READY|OK"]),
        ("AT+CCID", &["8901000000000000001f|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CMS ERROR: 314", "Call Ready|SMS Ready|+CPMS: 2,25,2,25,2,25|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2,3),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 14,0|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → -
    + 1305 ms
    AT → RDY|+CFUN: 1
    + 2000 ms
    \u{1b} → OK
    AT → AT|OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → SIMCOM_Ltd|OK
    AT+CGMM → SIMCOM_SIM800L|OK
    AT+CGMR → Revision:1418B05SIM800L24|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CME ERROR: 14
    + 1000 ms
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → 8901000000000000001f|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CMS ERROR: 314
    + 1000 ms
    AT+CPMS=\"SM\",\"SM\",\"SM\" → Call Ready|SMS Ready|+CPMS: 2,25,2,25,2,25|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2,3),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 14,0|OK
    ready: simcom Some("SIMCOM_Ltd") Some("SIMCOM_SIM800L") Some("Revision:1418B05SIM800L24")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 2, total: 25 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -85 })
    "#);
}

#[test]
fn a_sim7000_on_lte_alone() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["SIMCOM_Ltd|OK"]),
        ("AT+CGMM", &["SIMCOM_SIM7000E|OK"]),
        ("AT+CGMR", &["Revision:1351B06SIM7000E|OK"]),
        ("AT+CCID", &["8901000000000000001f|OK"]),
        ("AT+CREG=2", &["ERROR"]),
        ("AT+CREG=1", &["ERROR"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 0,10,0,10,0,10|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0-3),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 21,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → SIMCOM_Ltd|OK
    AT+CGMM → SIMCOM_SIM7000E|OK
    AT+CGMR → Revision:1351B06SIM7000E|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → 8901000000000000001f|OK
    AT+CSCS=\"GSM\" → OK
    AT+CEREG=2 → OK
    AT+CREG=2 → ERROR
    AT+CREG=1 → ERROR
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 0,10,0,10,0,10|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0-3),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 21,99|OK
    ready: sim7000 Some("SIMCOM_Ltd") Some("SIMCOM_SIM7000E") Some("Revision:1351B06SIM7000E")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 10 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -71 })
    "#);
}

#[test]
fn an_a7670_on_cat_1() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["SIMCOM INCORPORATED|OK"]),
        ("AT+CGMM", &["A7670E-FASE|OK"]),
        ("AT+CGMR", &["+CGMR: A011B07A7670M7|OK"]),
        ("AT+CICCID", &["+ICCID: 8901000000000000001F|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 1,40,1,40,1,40|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 23,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → SIMCOM INCORPORATED|OK
    AT+CGMM → A7670E-FASE|OK
    AT+CGMR → +CGMR: A011B07A7670M7|OK
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
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 1,40,1,40,1,40|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CVHU=0 → OK
    AT+CEMODE=1 → OK
    AT+CSQ → +CSQ: 23,99|OK
    ready: a7670 Some("SIMCOM INCORPORATED") Some("A7670E-FASE") Some("A011B07A7670M7")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 1, total: 40 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -67 })
    "#);
}

#[test]
fn a_quectel_ec25_whose_lines_come_to_the_port_in_use() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Quectel|OK"]),
        ("AT+CGMM", &["EC25|OK"]),
        ("AT+CGMR", &["EC25EFAR06A03M4G|OK"]),
        ("AT+QCCID", &["+QCCID: 89010000000000000001|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", &["+CPMS: 0,255,0,255,0,255|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK"]),
        ("AT+QURCCFG=\"urcport\",\"all\"", &["ERROR"]),
        ("AT+CSQ", &["+QIND: SMS DONE|+CSQ: 27,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Quectel|OK
    AT+CGMM → EC25|OK
    AT+CGMR → EC25EFAR06A03M4G|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+QCCID → +QCCID: 89010000000000000001|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"ME\",\"ME\",\"ME\" → +CPMS: 0,255,0,255,0,255|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+QURCCFG=\"urcport\",\"usbat\" → OK
    AT+QURCCFG=\"urcport\",\"all\" → ERROR
    AT+CSQ → +QIND: SMS DONE|+CSQ: 27,99|OK
    ready: quectel Some("Quectel") Some("EC25") Some("EC25EFAR06A03M4G")
      Some("860000000000001") Some("001010000000001") Some("89010000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 255 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -59 })
    "#);
}

#[test]
fn a_quectel_m95_on_gsm() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Quectel_Ltd|OK"]),
        ("AT+CGMM", &["Quectel_M95|OK"]),
        ("AT+CGMR", &["Revision: M95FAR02A08|OK"]),
        ("AT+QCCID", &["8901000000000000001f|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 4,50,4,50,4,50|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-3),(0-3),(0,2,3),(0,1),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 18,0|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Quectel_Ltd|OK
    AT+CGMM → Quectel_M95|OK
    AT+CGMR → Revision: M95FAR02A08|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+QCCID → 8901000000000000001f|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 4,50,4,50,4,50|OK
    AT+CNMI=? → +CNMI: (0-3),(0-3),(0,2,3),(0,1),(0,1)|OK
    AT+CNMI=2,1,0,1,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 18,0|OK
    ready: quectel-m Some("Quectel_Ltd") Some("Quectel_M95") Some("Revision: M95FAR02A08")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 4, total: 50 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 1, buffer: 0 }) Some(Signal { dbm: -77 })
    "#);
}

#[test]
fn a_quectel_bg96_that_knows_lte_alone() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Quectel|OK"]),
        ("AT+CGMM", &["BG96|OK"]),
        ("AT+CGMR", &["BG96MAR02A07M1G|OK"]),
        ("AT+QCCID", &["+QCCID: 8901000000000000001F|OK"]),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", &["+CPMS: 0,255,0,255,0,255|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 16,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Quectel|OK
    AT+CGMM → BG96|OK
    AT+CGMR → BG96MAR02A07M1G|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+QCCID → +QCCID: 8901000000000000001F|OK
    AT+CSCS=\"GSM\" → OK
    AT+CEREG=2 → OK
    AT+CREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → OK
    AT+CPMS=\"ME\",\"ME\",\"ME\" → +CPMS: 0,255,0,255,0,255|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+QURCCFG=\"urcport\",\"usbat\" → OK
    AT+QURCCFG=\"urcport\",\"all\" → OK
    AT+CSQ → +CSQ: 16,99|OK
    ready: quectel-bg Some("Quectel") Some("BG96") Some("BG96MAR02A07M1G")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 255 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -81 })
    "#);
}

#[test]
fn a_huawei_e1752_that_repeats_its_boot_line() {
    insta::assert_snapshot!(start_of(&[
        ("AT", &["^BOOT:35323129,0,0,0,26|OK"]),
        ("AT+CGMI", &["huawei|OK"]),
        ("AT+CGMM", &["^RSSI:18|E1752|OK"]),
        ("AT+CGMR", &["11.126.13.00.00|OK"]),
        ("AT^ICCID?", &["COMMAND NOT SUPPORT"]),
        ("AT+CGREG=2", &["^BOOT:35323129,0,0,0,6|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["^DSFLOWRPT:0000,00|+CPMS: 0,50,0,50,0,50|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 15,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → ^BOOT:35323129,0,0,0,26|OK
    + 2000 ms
    \u{1b} → OK
    AT → ^BOOT:35323129,0,0,0,26|OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → huawei|OK
    AT+CGMM → ^RSSI:18|E1752|OK
    AT+CGMR → 11.126.13.00.00|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT^ICCID? → COMMAND NOT SUPPORT
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → ^BOOT:35323129,0,0,0,6|OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → ^DSFLOWRPT:0000,00|+CPMS: 0,50,0,50,0,50|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT^PORTSEL=1 → OK
    AT^CURC=1 → OK
    AT+CSQ → +CSQ: 15,99|OK
    ready: huawei Some("huawei") Some("E1752") Some("11.126.13.00.00")
      Some("860000000000001") Some("001010000000001") None Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 50 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -83 })
    "#);
}

#[test]
fn a_huawei_e3372_in_stick_mode() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["huawei|OK"]),
        ("AT+CGMM", &["E3372|OK"]),
        ("AT+CGMR", &["21.180.01.00.00|OK"]),
        ("AT^ICCID?", &["^ICCID: 98100000000000000010|OK"]),
        ("AT+CREG=2", &["^HCSQ:\"LTE\",46,40,151,24|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 0,20,0,20,0,20|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK"]),
        ("AT^PORTSEL=1", &["ERROR"]),
        ("AT+CSQ", &["+CSQ: 19,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → huawei|OK
    AT+CGMM → E3372|OK
    AT+CGMR → 21.180.01.00.00|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT^ICCID? → ^ICCID: 98100000000000000010|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → ^HCSQ:"LTE",46,40,151,24|OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 0,20,0,20,0,20|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT^PORTSEL=1 → ERROR
    AT^CURC=0 → OK
    AT+CSQ → +CSQ: 19,99|OK
    ready: huawei-lte Some("huawei") Some("E3372") Some("21.180.01.00.00")
      Some("860000000000001") Some("001010000000001") Some("98100000000000000010") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 20 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -75 })
    "#);
}

#[test]
fn a_u_blox_sara_with_its_own_memory() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["u-blox|OK"]),
        ("AT+CGMM", &["SARA-U201|OK"]),
        ("AT+CGMR", &["23.60|OK"]),
        ("AT+CCID", &["+CCID: 8901000000000000001|OK"]),
        ("AT+CEREG=2", &["+CME ERROR: operation not supported"]),
        ("AT+CEREG=1", &["+CME ERROR: 4"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", &["+CPMS: 0,350,0,350,0,350|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 11,2|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → u-blox|OK
    AT+CGMM → SARA-U201|OK
    AT+CGMR → 23.60|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → +CCID: 8901000000000000001|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → +CME ERROR: operation not supported
    AT+CEREG=1 → +CME ERROR: 4
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"ME\",\"ME\",\"ME\" → +CPMS: 0,350,0,350,0,350|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+UPSV=0 → OK
    AT+CSQ → +CSQ: 11,2|OK
    ready: u-blox Some("u-blox") Some("SARA-U201") Some("23.60")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 350 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -91 })
    "#);
}

#[test]
fn a_u_blox_sara_r4_that_refuses_what_gsm_had() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["u-blox|OK"]),
        ("AT+CGMM", &["SARA-R410M-02B|OK"]),
        ("AT+CGMR", &["L0.0.00.00.05.08|OK"]),
        ("AT+CCID", &["+CCID: 8901000000000000001|OK"]),
        ("AT+CREG=2", &["+CME ERROR: 3"]),
        ("AT+CREG=1", &["+CME ERROR: 3"]),
        ("AT+CSMS=?", &["+CME ERROR: 4"]),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", &["+CPMS: 0,100,0,100,0,100|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK"]),
        ("AT+UPSV=0", &["+CME ERROR: 4"]),
        ("AT+CSQ", &["+CSQ: 12,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → u-blox|OK
    AT+CGMM → SARA-R410M-02B|OK
    AT+CGMR → L0.0.00.00.05.08|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → +CCID: 8901000000000000001|OK
    AT+CSCS=\"GSM\" → OK
    AT+CEREG=2 → OK
    AT+CREG=2 → +CME ERROR: 3
    AT+CREG=1 → +CME ERROR: 3
    AT+CMGF=0 → OK
    AT+CSMS=? → +CME ERROR: 4
    AT+CPMS=\"ME\",\"ME\",\"ME\" → +CPMS: 0,100,0,100,0,100|OK
    AT+CNMI=? → +CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+UPSV=0 → +CME ERROR: 4
    AT+CSQ → +CSQ: 12,99|OK
    ready: u-blox-r Some("u-blox") Some("SARA-R410M-02B") Some("L0.0.00.00.05.08")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 100 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -89 })
    "#);
}

#[test]
fn a_telit_le910() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Telit|OK"]),
        ("AT+CGMM", &["LE910-EUG|OK"]),
        ("AT+CGMR", &["17.00.503|OK"]),
        ("AT#CCID", &["#CCID: 8901000000000000001|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 5,30,5,30,5,30|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 20,0|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Telit|OK
    AT+CGMM → LE910-EUG|OK
    AT+CGMR → 17.00.503|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT#CCID → #CCID: 8901000000000000001|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 5,30,5,30,5,30|OK
    AT+CNMI=? → +CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 20,0|OK
    ready: telit Some("Telit") Some("LE910-EUG") Some("17.00.503")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 5, total: 30 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -73 })
    "#);
}

#[test]
fn a_zte_stick_whose_sim_lines_go_on_in_between() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["+ZUSIMR:2|ZTE INCORPORATED|OK"]),
        ("AT+CGMM", &["K3565-Z|OK"]),
        ("AT+CGMR", &["BD_P673A2V1.0.0B09|OK"]),
        ("AT+CFUN?", &["+CFUN: (0-1,4-7),(0-1)|OK"]),
        ("AT+CCID", &["+ZUSIMR:2|ERROR"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 0,15,0,15,0,15|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 9,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → +ZUSIMR:2|ZTE INCORPORATED|OK
    AT+CGMM → K3565-Z|OK
    AT+CGMR → BD_P673A2V1.0.0B09|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: (0-1,4-7),(0-1)|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → +ZUSIMR:2|ERROR
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 0,15,0,15,0,15|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+ZOPRT=5 → OK
    AT+CSQ → +CSQ: 9,99|OK
    ready: zte Some("ZTE INCORPORATED") Some("K3565-Z") Some("BD_P673A2V1.0.0B09")
      Some("860000000000001") Some("001010000000001") None Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 15 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -95 })
    "#);
}

#[test]
fn a_wavecom_that_names_two_memories_and_forgets_an_ok() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &[" WAVECOM MODEM|OK"]),
        ("AT+CGMM", &[" MULTIBAND  900E  1800|OK"]),
        ("AT+CGMR", &["ERROR"]),
        ("AT+CPIN?", &["+CPIN: READY"]),
        ("AT+CCID", &["+CCID: \"8901000000000000001F\"|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0,1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\"", &["+CPMS: 14,50,14,50|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,1,2,3),(0,1,2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 15,0|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI →  WAVECOM MODEM|OK
    AT+CGMM →  MULTIBAND  900E  1800|OK
    AT+CGMR → ERROR
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY
    + 1005 ms
    AT+CIMI → 001010000000001|OK
    AT+CCID → +CCID: "8901000000000000001F"|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0,1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\" → +CPMS: 14,50,14,50|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,1,2,3),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 15,0|OK
    ready: wavecom Some("WAVECOM MODEM") Some("MULTIBAND  900E  1800") None
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 14, total: 50 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -83 })
    "#);
}

#[test]
fn a_sierra_card() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Sierra Wireless, Incorporated|OK"]),
        ("AT+CGMM", &["MC7455|OK"]),
        ("AT+CGMR", &["SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09|OK"]),
        ("AT+ICCID", &["+ICCID: 8901000000000000001|OK"]),
        ("AT+CSMS=?", &["+CSMS: (0-1)|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["+CPMS: 0,30,0,30,0,30|OK"]),
        ("AT+CNMI=?", &["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK"]),
        ("AT+CSQ", &["+CSQ: 22,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Sierra Wireless, Incorporated|OK
    AT+CGMM → MC7455|OK
    AT+CGMR → SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+ICCID → +ICCID: 8901000000000000001|OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → +CSMS: (0-1)|OK
    AT+CSMS=1 → OK
    AT+CPMS=\"SM\",\"SM\",\"SM\" → +CPMS: 0,30,0,30,0,30|OK
    AT+CNMI=? → +CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)|OK
    AT+CNMI=2,1,0,2,0 → OK
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 22,99|OK
    ready: sierra Some("Sierra Wireless, Incorporated") Some("MC7455") Some("SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09")
      Some("860000000000001") Some("001010000000001") Some("8901000000000000001") Some("+10000000000")
      Some(Storage { memory: None, used: 0, total: 30 }) Some(Routing { mode: 2, messages: 1, broadcasts: 0, reports: 2, buffer: 0 }) Some(Signal { dbm: -69 })
    "#);
}

#[test]
fn a_phone_of_nokia_without_messages_on_the_sim() {
    insta::assert_snapshot!(start_of(&[
        ("AT+CGMI", &["Nokia|OK"]),
        ("AT+CGMM", &["Nokia N79|OK"]),
        ("AT+CGMR", &["V ICPR72_08w44.1|24-11-08|RM-348|(c) Nokia|11.049|OK"]),
        ("AT+CPMS=\"SM\",\"SM\",\"SM\"", &["ERROR"]),
        ("AT+CPMS=\"SM\",\"SM\"", &["ERROR"]),
        ("AT+CPMS=\"SM\"", &["ERROR"]),
        ("AT+CPMS=\"ME\",\"ME\",\"ME\"", &["ERROR"]),
        ("AT+CNMI=?", &["ERROR"]),
        ("AT+CNMI=2,1,0,2,0", &["ERROR"]),
        ("AT+CNMI=2,1,2,2,0", &["ERROR"]),
        ("AT+CNMI=2,1,0,1,0", &["ERROR"]),
        ("AT+CNMI=2,1,0,0,0", &["ERROR"]),
        ("AT+CNMI=1,2,0,1,0", &["ERROR"]),
        ("AT+CSQ", &["+CSQ: 24,99|OK"]),
    ]), @r#"
    \u{1b} → OK
    AT → OK
    ATE0 → OK
    ATV1 → OK
    AT+CMEE=1 → OK
    AT+CGMI → Nokia|OK
    AT+CGMM → Nokia N79|OK
    AT+CGMR → V ICPR72_08w44.1|24-11-08|RM-348|(c) Nokia|11.049|OK
    AT+CGSN → 860000000000001|OK
    AT+CFUN? → +CFUN: 1|OK
    AT+CPIN? → +CPIN: READY|OK
    AT+CIMI → 001010000000001|OK
    AT+CCID → OK
    AT+CSCS=\"GSM\" → OK
    AT+CREG=2 → OK
    AT+CGREG=2 → OK
    AT+CEREG=2 → OK
    AT+CMGF=0 → OK
    AT+CSMS=? → OK
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
    AT+CSCA? → +CSCA: "+10000000000",145|OK
    AT+CSQ → +CSQ: 24,99|OK
    ready: generic Some("Nokia") Some("Nokia N79") Some("V ICPR72_08w44.1")
      Some("860000000000001") Some("001010000000001") None Some("+10000000000")
      None None Some(Signal { dbm: -65 })
    "#);
}
