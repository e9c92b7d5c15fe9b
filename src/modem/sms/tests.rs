use proptest::prelude::*;

use super::super::at::transcript::{ByTable, Machine, Want, play};
use super::super::profile::GENERIC;
use super::*;

/// A driver's part of the conversation: what it says when it is asked.
struct Driven {
    sms: Sms,
    permits: bool,
}

impl Machine for Driven {
    fn want(&mut self) -> Want {
        match self.sms.poll() {
            SmsStep::Submit(command) => Want::Submit(command),
            SmsStep::AskPermission { part } => {
                if self.permits {
                    self.sms.permit();
                } else {
                    self.sms.refuse();
                }
                Want::Note(format!("may part {part} go out?"))
            }
            SmsStep::Proceed(pdu) => Want::Proceed(pdu),
            SmsStep::Abandon => Want::Abandon,
            SmsStep::Wait(deadline) => Want::Wait(deadline),
            SmsStep::Done(outcome) => Want::Note(format!("{outcome:?}")),
        }
    }

    fn prompted(&mut self) {
        self.sms.prompted();
    }

    fn replied(&mut self, result: Result<Reply, AtError>, now: Duration) {
        self.sms.replied(result, now);
    }

    fn timeout(&mut self, now: Duration) {
        self.sms.handle_timeout(now);
    }
}

fn part(last: u8, validity: bool) -> Part {
    let pdu = |bytes: &[u8]| Pdu::new(bytes).expect("a PDU");
    Part {
        pdu: pdu(&[0x00, 0x11, 0x00, 0xaa, last]),
        without_validity: validity.then(|| pdu(&[0x00, 0x01, 0x00, last])),
    }
}

fn send(parts: u8, permits: bool, table: &[(&str, &[&str])]) -> String {
    let parts = (1..=parts).map(|last| part(last, true)).collect();
    let mut driven = Driven { sms: Sms::new(parts, GENERIC.submit_timeout), permits };
    play(&mut driven, &mut ByTable::new(table), Duration::from_secs(600))
}

#[test]
fn a_message_of_one_part_is_submitted_and_accepted() {
    insta::assert_snapshot!(send(1, true, &[]), @r"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 7|OK
    Accepted { references: [Some(7)] }
    ");
}

#[test]
fn a_message_of_two_parts_keeps_the_link_open_and_has_two_references() {
    insta::assert_snapshot!(send(2, true, &[("AT+CMMS=1", &["ERROR"]), ("BODY", &["+CMGS: 255|OK", "+CMGS: 0|OK"])]), @r"
    AT+CMMS=1 → ERROR
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 255|OK
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → +CMGS: 0|OK
    Accepted { references: [Some(255), Some(0)] }
    ");
}

#[test]
fn an_ok_without_reference_is_an_acceptance() {
    insta::assert_snapshot!(send(1, true, &[("BODY", &["OK"])]), @r"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → OK
    Accepted { references: [None] }
    ");
}

#[test]
fn a_message_that_may_not_go_out_is_returned() {
    insta::assert_snapshot!(send(1, false, &[("\x1b", &["OK"])]), @r"
    AT+CMGS=4 → >
    may part 0 go out?
    \u{1b} → OK
    Returned
    ");
}

#[test]
fn a_refused_validity_period_is_left_out_once() {
    insta::assert_snapshot!(send(1, true, &[("BODY", &["+CMS ERROR: 304", "OK"])]), @r"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMS ERROR: 304
    AT+CMGS=3 → >
    may part 0 go out?
    00010001\u{1a} → OK
    Accepted { references: [None] }
    ");
    insta::assert_snapshot!(send(1, true, &[("BODY", &["+CMS ERROR: 304"])]), @r#"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMS ERROR: 304
    AT+CMGS=3 → >
    may part 0 go out?
    00010001\u{1a} → +CMS ERROR: 304
    Refused { class: Final, reason: "modem refused: CMS 304, invalid PDU mode parameter", futile: false }
    "#);
}

#[test]
fn a_busy_modem_gets_the_same_command_again_and_not_for_ever() {
    insta::assert_snapshot!(send(1, true, &[("AT+CMGS=4", &["+CMS ERROR: 515", ">"])]), @r"
    AT+CMGS=4 → +CMS ERROR: 515
    + 1500 ms
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 7|OK
    Accepted { references: [Some(7)] }
    ");
    insta::assert_snapshot!(send(1, true, &[("AT+CMGS=4", &["+CMS ERROR: 515"])]), @r#"
    AT+CMGS=4 → +CMS ERROR: 515
    + 1500 ms
    AT+CMGS=4 → +CMS ERROR: 515
    + 1500 ms
    AT+CMGS=4 → +CMS ERROR: 515
    + 1500 ms
    AT+CMGS=4 → +CMS ERROR: 515
    Refused { class: Temporary, reason: "modem refused: CMS 515, please wait, initialisation or command processing in progress", futile: false }
    "#);
}

#[test]
fn a_refusal_carries_its_class_and_reason() {
    insta::assert_snapshot!(send(1, true, &[("BODY", &["+CMS ERROR: 38"])]), @r#"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMS ERROR: 38
    Refused { class: Temporary, reason: "modem refused: CMS 38, network out of order", futile: false }
    "#);
    insta::assert_snapshot!(send(1, true, &[("AT+CMGS=4", &["+CMS ERROR: SIM not inserted"])]), @r#"
    AT+CMGS=4 → +CMS ERROR: SIM not inserted
    Refused { class: NotReady, reason: "modem refused: CMS 310, SIM not inserted", futile: false }
    "#);
}

#[test]
fn a_duplicate_is_as_good_as_sent_and_a_network_timeout_is_uncertain() {
    insta::assert_snapshot!(send(1, true, &[("BODY", &["+CMS ERROR: 197"])]), @r"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMS ERROR: 197
    Accepted { references: [None] }
    ");
    insta::assert_snapshot!(send(1, true, &[("BODY", &["+CMS ERROR: 332"])]), @r#"
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMS ERROR: 332
    Uncertain { references: [], reason: "modem refused: CMS 332, network timeout", futile: false }
    "#);
}

#[test]
fn silence_after_ctrl_z_is_uncertain_and_nothing_is_sent_again() {
    insta::assert_snapshot!(send(2, true, &[("BODY", &["+CMGS: 9|OK", "-"])]), @r#"
    AT+CMMS=1 → OK
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 9|OK
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → -
    + 45000 ms
    \u{1b} → -
    Uncertain { references: [Some(9)], reason: "no answer from the modem in time; the message may have been sent", futile: true }
    AT → OK
    "#);
}

#[test]
fn a_later_part_that_is_refused_is_tried_once_more_alone() {
    let table: &[(&str, &[&str])] = &[("BODY", &["+CMGS: 1|OK", "+CMS ERROR: 38", "+CMGS: 2|OK"])];
    insta::assert_snapshot!(send(2, true, table), @r"
    AT+CMMS=1 → OK
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 1|OK
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → +CMS ERROR: 38
    + 2000 ms
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → +CMGS: 2|OK
    Accepted { references: [Some(1), Some(2)] }
    ");
    let table: &[(&str, &[&str])] = &[("BODY", &["+CMGS: 1|OK", "+CMS ERROR: 38"])];
    insta::assert_snapshot!(send(2, true, table), @r#"
    AT+CMMS=1 → OK
    AT+CMGS=4 → >
    may part 0 go out?
    001100AA01\u{1a} → +CMGS: 1|OK
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → +CMS ERROR: 38
    + 2000 ms
    AT+CMGS=4 → >
    may part 1 go out?
    001100AA02\u{1a} → +CMS ERROR: 38
    Uncertain { references: [Some(1)], reason: "part 2 of 2: modem refused: CMS 38, network out of order", futile: false }
    "#);
}

#[test]
fn a_withdrawn_message_goes_no_further() {
    let mut sms = Sms::new(vec![part(1, false)], GENERIC.submit_timeout);
    assert!(matches!(sms.poll(), SmsStep::Submit(_)));
    sms.withdraw();
    sms.prompted();
    assert_eq!(sms.poll(), SmsStep::Abandon);
    sms.replied(Err(AtError::Abandoned), Duration::ZERO);
    assert_eq!(sms.poll(), SmsStep::Done(Outcome::Returned));

    let mut sms = Sms::new(vec![part(1, false), part(2, false)], GENERIC.submit_timeout);
    sms.withdraw();
    assert!(matches!(sms.poll(), SmsStep::Submit(_)));
    sms.replied(Ok(Reply::default()), Duration::ZERO);
    assert_eq!(sms.poll(), SmsStep::Done(Outcome::Returned));
}

#[test]
fn a_port_that_closes_at_the_prompt_refuses_and_after_ctrl_z_leaves_doubt() {
    for (submitted, shown) in [(false, "Refused { class: Temporary"), (true, "Uncertain { references: []")] {
        let mut sms = Sms::new(vec![part(1, false)], GENERIC.submit_timeout);
        let _ = sms.poll();
        sms.replied(Err(AtError::Closed { submitted }), Duration::ZERO);
        let SmsStep::Done(outcome) = sms.poll() else { panic!("the end") };
        assert!(format!("{outcome:?}").starts_with(shown), "{outcome:?}");
    }
}

const ANSWERS: [&str; 12] = [
    "OK",
    "ERROR",
    "-",
    ">",
    "> ",
    "+CMGS: 1|OK",
    "+CMS ERROR: 515",
    "+CMS ERROR: 38",
    "+CMS ERROR: 304",
    "RDY",
    "+CMS ERROR: 332",
    "+CDS: 3|0006FF00",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_modem_says_a_message_has_one_outcome_that_fits_what_was_sent(
        said in prop::collection::vec(prop::sample::select(ANSWERS.to_vec()), 1..40),
        parts in 1u8..4,
    ) {
        let message = (1..=parts).map(|last| part(last, true)).collect();
        let mut driven = Driven { sms: Sms::new(message, GENERIC.submit_timeout), permits: true };
        let text = play(&mut driven, &mut ByTable::saying(said), Duration::from_secs(3600));
        let outcomes = ["Accepted {", "Refused {", "Uncertain {", "Returned"];
        prop_assert_eq!(outcomes.iter().map(|it| text.matches(it).count()).sum::<usize>(), 1, "{}", text);
        let bodies = text.matches("\\u{1a}").count();
        prop_assert!(bodies <= usize::from(parts) * 6, "{}", text);
        prop_assert!(!text.contains("Accepted") || bodies >= usize::from(parts), "{}", text);
        prop_assert!(!text.contains("Refused") || !text.contains("\\u{1a} → +CMGS"), "{}", text);
    }
}
