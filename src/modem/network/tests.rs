use super::super::at::Unsolicited;
use super::super::at::transcript::{ByTable, Machine, Want, play};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct Driven(Network);

impl Machine for Driven {
    fn want(&mut self) -> Want {
        match self.0.poll() {
            NetworkStep::Submit(command) => Want::Submit(command),
            NetworkStep::Wait(deadline) => Want::Wait(deadline),
        }
    }

    fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        self.0.replied(result, now);
    }

    fn timeout(&mut self, now: Duration) {
        self.0.handle_timeout(now);
    }

    fn unsolicited(&mut self, event: &Event, now: Duration) {
        self.0.unsolicited(event, now);
    }
}

fn watch(seconds: u32, table: &[(&str, &[&str])]) -> (String, NetworkStatus) {
    let mut driven = Driven(Network::new(Duration::ZERO, true));
    let text = play(&mut driven, &mut ByTable::new(table), SECOND * seconds);
    let status = driven.0.status(SECOND * seconds);
    (text, status)
}

#[test]
fn a_registered_modem_is_asked_rarely_and_is_ready() {
    let (text, status) = watch(
        65,
        &[
            ("AT+CREG?", &["+CREG: 2,0|OK"]),
            ("AT+CGREG?", &["ERROR"]),
            ("AT+CEREG?", &["+CEREG: 2,1,\"1F00\",\"79D903\",7|OK"]),
            ("AT+COPS?", &["+COPS: 0,0,\"Test\",7|OK"]),
            ("AT+CSQ", &["+CSQ: 20,99|OK"]),
            ("AT+CPMS?", &["+CPMS: \"SM\",41,50,\"SM\",41,50,\"SM\",41,50|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CREG? → +CREG: 2,0|OK
    AT+CGREG? → ERROR
    AT+CEREG? → +CEREG: 2,1,"1F00","79D903",7|OK
    AT+CSQ → +CSQ: 20,99|OK
    AT+CPMS? → +CPMS: "SM",41,50,"SM",41,50,"SM",41,50|OK
    AT+COPS? → +COPS: 0,0,"Test",7|OK
    + 29975 ms
    AT+CREG? → +CREG: 2,0|OK
    AT+CEREG? → +CEREG: 2,1,"1F00","79D903",7|OK
    + 29995 ms
    AT+CREG? → +CREG: 2,0|OK
    AT+CEREG? → +CEREG: 2,1,"1F00","79D903",7|OK
    AT+CSQ → +CSQ: 20,99|OK
    AT+CPMS? → +CPMS: "SM",41,50,"SM",41,50,"SM",41,50|OK
    "#);
    assert!(status.ready && !status.silent);
    assert_eq!(status.unregistered_for, None);
    assert_eq!(status.operator.map(|operator| operator.name).as_deref(), Some("Test"));
    assert_eq!(status.storage.map(|storage| storage.percent_used()), Some(82));
    assert_eq!(status.signal, Some(Signal { dbm: -73 }));
}

#[test]
fn a_modem_that_cannot_tell_counts_as_registered_and_is_asked_for_attention() {
    let refused: &[&str] = &["ERROR"];
    let (text, status) = watch(31, &[("AT+CREG?", refused), ("AT+CGREG?", refused), ("AT+CEREG?", refused)]);
    insta::assert_snapshot!(text, @r"
    AT+CREG? → ERROR
    AT+CGREG? → ERROR
    AT+CEREG? → ERROR
    AT+CSQ → OK
    AT+CPMS? → OK
    + 29980 ms
    AT → OK
    ");
    assert!(status.ready);
}

#[test]
fn lost_registration_is_counted_and_after_five_minutes_selection_is_asked_for() {
    let searching: &[&str] = &["+CREG: 0,2|OK"];
    let (text, status) = watch(400, &[("AT+CREG?", searching)]);
    assert_eq!(text.matches("AT+COPS=0").count(), 1, "{text}");
    assert!(!text.contains("COPS=?"));
    assert!(!status.ready);
    assert_eq!(status.unregistered_for, Some(400 * SECOND));
}

#[test]
fn a_network_that_denies_is_not_hammered() {
    let (text, status) = watch(2000, &[("AT+CREG?", &["+CREG: 0,3|OK"])]);
    assert!(!text.contains("AT+COPS=0"), "{text}");
    assert!(!status.ready);
}

#[test]
fn what_keeps_a_modem_from_its_network_is_told_apart() {
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("denied", &["+CREG: 0,3|OK"], &["+CEREG: 0,2|OK"]),
        ("roaming", &["+CREG: 0,3|OK"], &["+CEREG: 0,5|OK"]),
        ("roaming, SMS only", &["+CREG: 0,7|OK"], &["ERROR"]),
        ("emergency calls", &["+CREG: 0,8|OK"], &["ERROR"]),
        ("searching", &["+CREG: 0,2|OK"], &["+CEREG: 0,0|OK"]),
        ("home", &["+CREG: 0,3|OK"], &["+CEREG: 0,1|OK"]),
    ];
    let mut told = String::new();
    for (case, circuit, lte) in cases {
        let mut driven = Driven(Network::new(Duration::ZERO, false));
        let table = [("AT+CREG?", circuit), ("AT+CGREG?", &["ERROR"][..]), ("AT+CEREG?", lte)];
        play(&mut driven, &mut ByTable::new(&table), SECOND);
        let trouble = driven.0.status(SECOND).trouble.map_or("none".to_owned(), |trouble| trouble.to_string());
        told += &format!("{case}: {trouble}\n");
    }
    insta::assert_snapshot!(told, @r"
    denied: the network denies this SIM: ask its operator whether it is active, paid and not blocked
    roaming: only a foreign network is there, and roaming is forbidden: set roaming = true, or move the antenna
    roaming, SMS only: only a foreign network is there, and roaming is forbidden: set roaming = true, or move the antenna
    emergency calls: the network grants emergency calls only: check the SIM and its contract
    searching: the modem is not registered with a network; waiting for it
    home: none
    ");
}

#[test]
fn a_sim_that_vanished_without_a_word_is_found_out_by_asking() {
    let (_, status) = watch(40, &[("AT+CREG?", &["+CREG: 0,0|OK"]), ("AT+CPIN?", &["+CME ERROR: 10"])]);
    assert!(status.sim_gone);
    let (text, status) = watch(40, &[("AT+CREG?", &["+CREG: 0,2|OK"]), ("AT+CPIN?", &["+CPIN: READY|OK"])]);
    assert!(!status.sim_gone && text.contains("AT+CPIN?"));
}

#[test]
fn two_unanswered_polls_are_silence_and_an_answer_ends_it() {
    let (_, status) = watch(22, &[("AT+CREG?", &["-"]), ("AT+CGREG?", &["-"]), ("AT+CEREG?", &["-"])]);
    assert!(status.silent);
    let (_, status) = watch(25, &[("AT+CREG?", &["-"]), ("AT+CGREG?", &["-"]), ("AT+CEREG?", &["OK"])]);
    assert!(!status.silent);
}

#[test]
fn unsolicited_lines_change_the_registration_at_once() {
    let mut network = Network::new(Duration::ZERO, true);
    let event = |line: &str| Unsolicited { line: line.to_owned(), second: None, restart: false }.event();
    network.unsolicited(&event("+CREG: 1"), SECOND);
    assert!(network.status(SECOND).ready);
    network.unsolicited(&event("+CREG: 2"), 5 * SECOND);
    let status = network.status(9 * SECOND);
    assert!(!status.ready);
    assert_eq!(status.unregistered_for, Some(4 * SECOND));
    network.unsolicited(&event("+CGREG: 6,\"8B37\",\"0A265185\",7"), 10 * SECOND);
    assert!(network.status(10 * SECOND).ready);
}
