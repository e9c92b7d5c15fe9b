use super::super::at::Priority;
use super::super::at::transcript::{ByTable, Machine, Want, play};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// The conversation with a database that keeps everything, or nothing.
struct Driven {
    incoming: Incoming,
    keeps: bool,
    kept: Vec<String>,
    answer: bool,
    now: Duration,
}

impl Machine for Driven {
    fn want(&mut self) -> Want {
        if std::mem::take(&mut self.answer) {
            self.incoming.kept(self.keeps, self.now);
        }
        match self.incoming.poll() {
            IncomingStep::Submit(command) => Want::Submit(command),
            IncomingStep::Keep(RawMessage(pdu)) => {
                self.answer = true;
                let note = if self.keeps { format!("keep {pdu}") } else { format!("cannot keep {pdu}") };
                self.kept.push(pdu);
                Want::Note(note)
            }
            IncomingStep::Tell(trouble) => Want::Note(format!("tell {trouble:?}")),
            IncomingStep::Wait(deadline) => Want::Wait(deadline),
        }
    }

    fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        self.now = now;
        if let Ok(reply) = &result {
            self.incoming.storage_told(&at::storage_used(reply), now);
        }
        self.incoming.replied(result, now);
    }

    fn timeout(&mut self, now: Duration) {
        self.now = now;
        self.incoming.handle_timeout(now);
    }

    fn unsolicited(&mut self, event: &Event, now: Duration) {
        self.now = now;
        self.incoming.unsolicited(event, None, now);
    }
}

fn driven(keeps: bool) -> Driven {
    let routing = at::choose_routing(None).first().copied();
    let incoming = Incoming::new(routing, Duration::ZERO);
    Driven { incoming, keeps, kept: vec![], answer: false, now: Duration::ZERO }
}

fn converse(seconds: u32, table: &[(&str, &[&str])]) -> String {
    play(&mut driven(true), &mut ByTable::new(table), SECOND * seconds)
}

const ONE_MEMORY: (&str, &[&str]) = ("AT+CPMS=?", &["+CPMS: (\"SM\"),(\"SM\"),(\"SM\")|OK"]);

#[test]
fn what_lies_there_at_start_is_kept_and_then_deleted_in_each_memory() {
    let text = converse(
        1,
        &[
            ("AT+CPMS=?", &["+CPMS: (\"SM\",\"ME\",\"MT\"),(\"SM\"),(\"SM\")|OK"]),
            (
                "AT+CMGL=4",
                &[
                    "+CMGL: 3,1,,3|0004FF01|+CMGL: 4,2,,3|0001FF02|+CMGL: 7,0,\"\",3|0006FF03|OK",
                    "+CMGL: 0,0,,3|0004FF04|OK",
                ],
            ),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM","ME","MT"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → +CMGL: 3,1,,3|0004FF01|+CMGL: 4,2,,3|0001FF02|+CMGL: 7,0,"",3|0006FF03|OK
    keep 0004FF01
    AT+CMGD=3 → OK
    keep 0006FF03
    AT+CMGD=7 → OK
    AT+CPMS=\"ME\" → OK
    AT+CMGL=4 → +CMGL: 0,0,,3|0004FF04|OK
    keep 0004FF04
    AT+CMGD=0 → OK
    "#);
}

#[test]
fn an_announced_message_is_read_alone_and_deleted_once_it_is_kept() {
    let text = converse(
        2,
        &[
            ONE_MEMORY,
            ("AT+CMGL=4", &["OK|+CMTI: \"SM\",5|+CDSI: \"ME\",2"]),
            ("AT+CMGR=5", &["+CMGR: 0,,3|0004FF01|OK"]),
            ("AT+CMGR=2", &["+CMGR: 0,,3|0006FF02|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK|+CMTI: "SM",5|+CDSI: "ME",2
    AT+CMGR=5 → +CMGR: 0,,3|0004FF01|OK
    keep 0004FF01
    AT+CMGD=5 → OK
    AT+CPMS=\"ME\" → OK
    AT+CMGR=2 → +CMGR: 0,,3|0006FF02|OK
    keep 0006FF02
    AT+CMGD=2 → OK
    "#);
}

#[test]
fn a_direct_message_is_acknowledged_once_it_is_kept() {
    let text = converse(
        2,
        &[
            ONE_MEMORY,
            ("AT+CMGL=4", &["OK|+CMT: ,3|0004FF01|+CDS: 3|0006FF02"]),
            ("AT+CNMA", &["OK", "+CMS ERROR: 340"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK|+CMT: ,3|0004FF01|+CDS: 3|0006FF02
    keep 0004FF01
    AT+CNMA → OK
    keep 0006FF02
    AT+CNMA → +CMS ERROR: 340
    "#);
}

#[test]
fn what_cannot_be_kept_stays_and_the_network_is_told_to_keep_it() {
    let mut driven = driven(false);
    let mut modem = ByTable::new(&[
        ONE_MEMORY,
        (
            "AT+CMGL=4",
            &["+CMGL: 1,0,,3|0004FF01|+CMGL: 2,0,,3|0004FF02|OK|+CMT: ,3|0004FF03", "+CMGL: 1,0,,3|0004FF01|OK"],
        ),
    ]);
    let text = play(&mut driven, &mut modem, SECOND * 61);
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → +CMGL: 1,0,,3|0004FF01|+CMGL: 2,0,,3|0004FF02|OK|+CMT: ,3|0004FF03
    cannot keep 0004FF01
    cannot keep 0004FF03
    AT+CNMA=2 → OK
    AT+CNMI=2,1,0,2,0 → OK
    + 59990 ms
    AT+CMGL=4 → +CMGL: 1,0,,3|0004FF01|OK
    cannot keep 0004FF01
    "#);
}

#[test]
fn a_missed_acknowledgement_has_the_routing_set_again_once_a_minute() {
    let text =
        converse(2, &[ONE_MEMORY, ("AT+CMGL=4", &["OK|+CMT: ,3|0004FF01|+CMT: ,3|0004FF02"]), ("AT+CNMA", &["ERROR"])]);
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK|+CMT: ,3|0004FF01|+CMT: ,3|0004FF02
    keep 0004FF01
    AT+CNMA → ERROR
    AT+CNMI=2,1,0,2,0 → OK
    keep 0004FF02
    AT+CNMA → ERROR
    "#);
}

#[test]
fn a_message_whose_pdu_is_damaged_is_read_again_and_then_kept_as_it_is() {
    let text = converse(
        2,
        &[
            ONE_MEMORY,
            ("AT+CMGL=4", &["+CMGL: 1,0,,9|0004FF|+CMGL: 2,1,,9|OK"]),
            ("AT+CMGR=1", &["+CMGR: 0,,9|0004|OK", "+CMGR: 0,,9|0004FF|OK"]),
            ("AT+CMGR=2", &["+CMGR: 1,,9|?!?|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → +CMGL: 1,0,,9|0004FF|+CMGL: 2,1,,9|OK
    AT+CMGR=1 → +CMGR: 0,,9|0004|OK
    AT+CMGR=1 → +CMGR: 0,,9|0004FF|OK
    keep 0004FF
    AT+CMGD=1 → OK
    AT+CMGR=2 → +CMGR: 1,,9|?!?|OK
    AT+CMGR=2 → +CMGR: 1,,9|?!?|OK
    keep ?!?
    AT+CMGD=2 → OK
    "#);
}

#[test]
fn an_empty_place_and_a_refused_reading_end_quietly() {
    let text = converse(
        2,
        &[
            ONE_MEMORY,
            ("AT+CMGL=4", &["OK|+CMTI: \"SM\",1|+CMTI: \"SM\",2|+CMTI: \"SM\",3|+CMTI: \"SM\",3"]),
            ("AT+CMGR=1", &["OK"]),
            ("AT+CMGR=2", &["+CMS ERROR: 321"]),
            ("AT+CMGR=3", &["+CMGR: 3,,3|0001FF02|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK|+CMTI: "SM",1|+CMTI: "SM",2|+CMTI: "SM",3|+CMTI: "SM",3
    AT+CMGR=1 → OK
    AT+CMGR=2 → +CMS ERROR: 321
    AT+CMGR=3 → +CMGR: 3,,3|0001FF02|OK
    "#);
}

#[test]
fn a_modem_that_lets_no_memory_be_chosen_is_read_as_it_is() {
    let text = converse(
        2,
        &[
            ("AT+CPMS=?", &["ERROR"]),
            ("AT+CPMS=\"ME\"", &["ERROR"]),
            ("AT+CMGL=4", &["OK|+CMTI: \"ME\",1"]),
            ("AT+CMGR=1", &["+CMGR: 0,,3|0004FF01|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → ERROR
    AT+CMGL=4 → OK|+CMTI: "ME",1
    AT+CPMS=\"ME\" → ERROR
    AT+CMGR=1 → +CMGR: 0,,3|0004FF01|OK
    keep 0004FF01
    AT+CMGD=1 → OK
    "#);
}

#[test]
fn nothing_is_deleted_in_another_memory_than_it_was_read_from() {
    let text = converse(
        2,
        &[
            ("AT+CPMS=?", &["+CPMS: \"SM\",\"ME\"|OK", "OK"]),
            ("AT+CPMS=\"SM\"", &["OK", "+CMS ERROR: 500"]),
            ("AT+CMGL=4", &["+CMGL: 1,0,,3|0004FF01|+CMGL: 2,0,,3|0004FF03|OK|+CMTI: \"ME\",1"]),
            ("AT+CMGR=1", &["+CMGR: 0,,3|0004FF02|OK"]),
        ],
    );
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: "SM","ME"|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → +CMGL: 1,0,,3|0004FF01|+CMGL: 2,0,,3|0004FF03|OK|+CMTI: "ME",1
    keep 0004FF01
    AT+CMGD=1 → OK
    AT+CPMS=\"ME\" → OK
    AT+CMGR=1 → +CMGR: 0,,3|0004FF02|OK
    keep 0004FF02
    AT+CMGD=1 → OK
    keep 0004FF03
    AT+CPMS=\"SM\" → +CMS ERROR: 500
    "#);
}

#[test]
fn a_storage_that_is_nearly_full_is_listed_at_once_and_others_messages_are_told_of() {
    let mut driven = driven(true);
    let others = "+CMGL: 1,3,,3|0001FF01|OK";
    let mut modem = ByTable::new(&[ONE_MEMORY, ("AT+CMGL=4", &["OK", others])]);
    play(&mut driven, &mut modem, SECOND);
    let told = |used| [Storage { memory: Some("SM".into()), used, total: 10 }];
    driven.incoming.storage_told(&told(7), SECOND);
    assert_eq!(driven.incoming.poll(), IncomingStep::Wait(Some(SCAN_INTERVAL)));
    driven.incoming.storage_told(&told(8), SECOND);
    match driven.incoming.poll() {
        IncomingStep::Submit(command) => assert_eq!(command.priority, Priority::Sms),
        other => panic!("{other:?}"),
    }
    let reply = Reply { lines: vec!["+CMGL: 1,3,,3".into(), "0001FF01".into()] };
    driven.incoming.replied(Ok(reply), SECOND);
    driven.incoming.storage_told(&told(8), SECOND * 2);
    assert_eq!(driven.incoming.poll(), IncomingStep::Tell(Trouble::FullOfOthers));
    driven.incoming.storage_told(&told(9), SECOND * 120);
    assert_eq!(
        driven.incoming.poll(),
        IncomingStep::Wait(Some(SECOND + SCAN_INTERVAL)),
        "told once, and listed as ever"
    );
}

#[test]
fn the_storage_is_listed_every_ten_minutes_when_nothing_else_waits() {
    let text = converse(1201, &[ONE_MEMORY]);
    insta::assert_snapshot!(text, @r#"
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK
    + 599990 ms
    AT+CMGL=4 → OK
    + 600000 ms
    AT+CMGL=4 → OK
    "#);
}

#[test]
fn a_storage_that_fills_up_again_is_listed_once_a_minute_at_most() {
    let mut driven = driven(true);
    play(&mut driven, &mut ByTable::new(&[ONE_MEMORY]), SECOND);
    let full = [Storage { memory: Some("SM".into()), used: 9, total: 10 }];
    let listings = |driven: &mut Driven, second: u32| {
        driven.incoming.storage_told(&full, SECOND * second);
        play(driven, &mut ByTable::new(&[]), SECOND * second).matches("AT+CMGL=4").count()
    };
    assert_eq!([1, 2, 30, 61].map(|second| listings(&mut driven, second)), [1, 0, 0, 1]);
}

#[test]
fn a_listing_that_hangs_is_not_asked_for_again_within_the_hour() {
    let text = converse(3700, &[ONE_MEMORY, ("AT+CMGL=4", &["-", "OK"])]);
    assert_eq!(text.matches("AT+CMGL=4").count(), 2, "{text}");
}

#[test]
fn what_came_directly_while_nobody_was_here_is_asked_for_again() {
    let routing = Some(Routing { mode: 1, messages: 2, broadcasts: 0, reports: 1, buffer: 0 });
    let mut driven = Driven { incoming: Incoming::new(routing, Duration::ZERO), ..driven(true) };
    let text = play(&mut driven, &mut ByTable::new(&[ONE_MEMORY, ("AT+CNMA=2", &["OK|+CMT: ,3|0004FF01"])]), SECOND);
    insta::assert_snapshot!(text, @r#"
    AT+CNMA=2 → OK|+CMT: ,3|0004FF01
    AT+CNMI=1,2,0,1,0 → OK
    keep 0004FF01
    AT+CNMA → OK
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK
    "#);
}

#[test]
fn a_direct_message_that_stays_damaged_is_kept_as_it_came() {
    let routing = Some(Routing { mode: 1, messages: 2, broadcasts: 0, reports: 1, buffer: 0 });
    let mut driven = Driven { incoming: Incoming::new(routing, Duration::ZERO), ..driven(true) };
    let mut text = String::new();
    for second in 1..=4 {
        driven.incoming.unsolicited(&Event::Damaged, Some("0004FF"), SECOND * second);
        text += &format!("damaged\n{}", play(&mut driven, &mut ByTable::new(&[ONE_MEMORY]), SECOND * second));
    }
    insta::assert_snapshot!(text, @r#"
    damaged
    AT+CNMA=2 → OK
    AT+CNMI=1,2,0,1,0 → OK
    AT+CPMS=? → +CPMS: ("SM"),("SM"),("SM")|OK
    AT+CPMS=\"SM\" → OK
    AT+CMGL=4 → OK
    damaged
    AT+CNMA=2 → OK
    damaged
    keep 0004FF
    AT+CNMA → OK
    damaged
    keep 0004FF
    AT+CNMA → OK
    "#);
}

#[test]
fn one_command_at_a_time_is_out_however_much_waits() {
    let mut incoming = driven(true).incoming;
    for index in 0..50 {
        incoming.unsolicited(&Event::MessageStored { storage: "SM".into(), index }, None, SECOND);
        incoming.unsolicited(&Event::Message { pdu: "0004FF01".into() }, None, SECOND);
    }
    let mut commands = 0;
    for _ in 0..500 {
        match incoming.poll() {
            IncomingStep::Submit(command) => {
                commands += 1;
                assert!(command.priority >= Priority::Sms, "a hang-up goes first");
                let reply = Reply { lines: vec!["+CMGR: 0,,3".into(), "0004FF02".into()] };
                assert_eq!(incoming.poll(), IncomingStep::Wait(None));
                incoming.replied(Ok(reply), SECOND);
            }
            IncomingStep::Keep(_) => {
                assert_eq!(incoming.poll(), IncomingStep::Wait(None), "nor while the database works");
                incoming.kept(true, SECOND);
            }
            IncomingStep::Tell(trouble) => panic!("{trouble:?}"),
            IncomingStep::Wait(_) => break,
        }
    }
    assert!(commands > 150, "{commands}");
}

#[test]
fn a_flood_of_announcements_becomes_one_listing() {
    let mut driven = driven(true);
    let mut modem = ByTable::new(&[ONE_MEMORY]);
    play(&mut driven, &mut modem, SECOND);
    for index in 0..1000 {
        let event = Event::MessageStored { storage: "SM".into(), index };
        driven.incoming.unsolicited(&event, None, SECOND);
    }
    assert!(driven.incoming.announced.len() <= ANNOUNCED_MAX);
    let text = play(&mut driven, &mut ByTable::new(&[]), SECOND);
    assert!(text.matches("AT+CMGR").count() <= ANNOUNCED_MAX, "{text}");
    assert!(text.contains("AT+CMGL=4"), "{text}");
}

#[test]
fn a_flood_of_direct_messages_fills_no_memory_and_is_told_of_once() {
    let mut driven = driven(true);
    for _ in 0..10_000 {
        driven.incoming.unsolicited(&Event::Message { pdu: "0004FF01".into() }, None, SECOND);
    }
    assert_eq!(driven.incoming.direct.len(), DIRECT_MAX);
    let text = play(&mut driven, &mut ByTable::new(&[ONE_MEMORY]), SECOND * 5);
    assert_eq!(text.matches("tell Flooded").count(), 1);
    assert_eq!(driven.kept.len(), DIRECT_MAX);
}

#[test]
fn what_came_directly_is_given_out_at_the_end() {
    let mut driven = driven(true);
    driven.incoming.unsolicited(&Event::Message { pdu: "0004FF01".into() }, None, SECOND);
    assert_eq!(driven.incoming.take_direct(), [RawMessage("0004FF01".into())]);
    assert_eq!(driven.incoming.take_direct(), []);
}

#[test]
fn debug_shows_no_message() {
    let mut driven = driven(true);
    driven.incoming.unsolicited(&Event::Message { pdu: "0004FF01".into() }, None, SECOND);
    let mut shown = format!("{:?}", driven.incoming);
    shown += &format!("{:?} {:?}", driven.incoming.poll(), driven.incoming);
    assert!(!shown.contains("FF01"), "{shown}");
}
