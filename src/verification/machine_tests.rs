//! Conversations with the machine, written as `second: what happens`; whole dialogues are compared.

use std::fmt::Write as _;

use insta::assert_snapshot;

use super::super::workflow::Workflow;
use super::*;

const START: Timestamp = Timestamp::from_millis(1_000_000_000);

fn plan(workflow: u8) -> Plan {
    Plan {
        workflow: Workflow::new(workflow).expect("1 to 7"),
        next_event_wait: None,
        pin_life: Duration::from_secs(300),
        cancel_after: Duration::from_secs(30),
        tries_max: 3,
        send_timeout: Duration::from_secs(240),
    }
}

fn seconds(instant: Timestamp) -> f64 {
    (instant.as_millis() - START.as_millis()) as f64 / 1000.0
}

/// One line a step: what happened, what is to be done, where the machine stands, when it is due.
fn converse(plan: Plan, script: &str) -> String {
    let (mut verification, effects) = Verification::start(plan, START);
    let mut text = String::new();
    writeln!(text, "0 start: {} | {}", show(&effects), state(&verification)).expect("a string");
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (second, words) = line.split_once(' ').expect("a second and an event");
        let now = START + Duration::from_secs_f64(second.parse().expect("a number of seconds"));
        let before = verification.clone();
        let result = match verification.handle(event(words, &verification), now) {
            Ok(effects) => show(&effects),
            Err(refusal) => {
                assert_eq!(verification, before, "a refusal leaves the verification as it was");
                format!("refused: {refusal:?}")
            }
        };
        writeln!(text, "{second} {words}: {result} | {}", state(&verification)).expect("a string");
    }
    text
}

/// An attempt is the present one unless `#n` stands behind the event.
fn event(words: &str, verification: &Verification) -> Event {
    let (words, attempt) = match words.split_once(" #") {
        Some((words, attempt)) => (words, attempt.parse().expect("an attempt's number")),
        None => (words, verification.attempt),
    };
    let generation = verification.generation;
    let finished = |outcome| Event::Finished { attempt, outcome };
    match words {
        "claimed" => Event::Claimed { attempt },
        "begun" => Event::Begun { attempt },
        "sent" => finished(Outcome::HandedOver),
        "unanswered" => finished(Outcome::Unanswered),
        "uncertain" => finished(Outcome::Uncertain),
        "temporary" => finished(Outcome::Temporary),
        "other route" => finished(Outcome::OtherRoute),
        "final" => finished(Outcome::Final),
        "returned" => finished(Outcome::Returned),
        "no route" => Event::Unroutable { attempt },
        "delivered" => Event::Delivered { attempt },
        "undelivered" => Event::Undelivered { attempt },
        "due" => Event::Due,
        "next" => Event::NextAsked,
        "cancel" => Event::CancelAsked,
        "try" => Event::TryCounted,
        "right" => Event::Compared { generation, right: true },
        "wrong" => Event::Compared { generation, right: false },
        "old wrong" => Event::Compared { generation: generation - 1, right: false },
        "restart" => Event::Restarted,
        other => panic!("no such event: {other}"),
    }
}

fn show(effects: &[Effect]) -> String {
    let shown: Vec<_> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Send { attempt, event, due } => format!("send #{attempt} of event {event} at {}", seconds(*due)),
            Effect::Requeue { attempt, due } => format!("requeue #{attempt} at {}", seconds(*due)),
            Effect::Withdraw { attempt } => format!("withdraw #{attempt}"),
            Effect::Compare { generation, alive } => {
                format!("compare with {}{generation}", if *alive { "" } else { "dead " })
            }
            Effect::Answer(answer) => format!("{answer:?}"),
            Effect::Granted | Effect::RenewPin | Effect::WipeSealedPin | Effect::WipePin | Effect::Refund => {
                format!("{effect:?}")
            }
        })
        .collect();
    if shown.is_empty() { "·".to_owned() } else { shown.join(", ") }
}

fn state(verification: &Verification) -> String {
    let state = match verification.state {
        State::Queued { claimed: false, .. } => "Queued".to_owned(),
        State::Queued { claimed: true, .. } => "Queued (claimed)".to_owned(),
        State::Sending { next, .. } => format!("Sending{}", if next { ", then next" } else { "" }),
        State::Doubtful { claimed: false, .. } => "Doubtful".to_owned(),
        State::Doubtful { claimed: true, .. } => "Doubtful (claimed)".to_owned(),
        State::Resending { next, .. } => format!("Resending{}", if next { ", then next" } else { "" }),
        State::Waiting { .. } => "Waiting".to_owned(),
        State::Closing => "Closing".to_owned(),
        State::Ended(end) => format!("Ended({end:?})"),
    };
    match verification.deadline() {
        Some(deadline) => format!("{state} due {}", seconds(deadline)),
        None => state,
    }
}

#[test]
fn the_pin_of_the_first_sms_verifies() {
    assert_snapshot!(converse(plan(1), "
        0.1 claimed
        0.2 begun
        3 sent
        20 try
        20 right
        21 try
        130 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0.1 claimed: Granted | Queued (claimed) due 240
    0.2 begun: Granted | Sending
    3 sent: · | Waiting due 128
    20 try: compare with 1 | Waiting due 128
    20 right: Right, WipePin | Ended(Success)
    21 try: refused: Ended | Ended(Success)
    130 due: · | Ended(Success)
    ");
}

#[test]
fn without_an_answer_every_event_comes_in_turn_and_the_verification_expires() {
    assert_snapshot!(converse(plan(1), "
        0 claimed
        0 begun
        1 sent
        125 due
        126 due
        126 claimed
        126 begun
        160 unanswered
        340 due
        340 claimed
        340 begun
        380 sent
        680 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 sent: · | Waiting due 126
    125 due: · | Waiting due 126
    126 due: send #2 of event 1 at 126 | Queued due 366
    126 claimed: Granted | Queued (claimed) due 366
    126 begun: Granted | Sending
    160 unanswered: · | Waiting due 340
    340 due: send #3 of event 2 at 340 | Queued due 580
    340 claimed: Granted, RenewPin | Queued (claimed) due 580
    340 begun: Granted | Sending
    380 sent: WipeSealedPin | Waiting due 680
    680 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn a_sim_without_voice_skips_the_calls_and_waits_for_the_pin_to_end() {
    assert_snapshot!(converse(plan(1), "
        0 claimed
        0 begun
        2 sent
        127 due
        127 no route
        127 no route
        127 next
        301 due
        302 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    2 sent: · | Waiting due 127
    127 due: send #2 of event 1 at 127 | Queued due 367
    127 no route: withdraw #2, send #3 of event 2 at 127 | Queued due 367
    127 no route: withdraw #3, WipeSealedPin | Closing due 302
    127 next: refused: NoEventLeft | Closing due 302
    301 due: · | Closing due 302
    302 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn with_360_and_120_all_three_attempts_carry_one_pin() {
    let plan = Plan { next_event_wait: Some(Duration::from_secs(120)), pin_life: Duration::from_secs(360), ..plan(1) };
    assert_snapshot!(converse(plan, "
        0 claimed
        0 begun
        0 sent
        120 due
        120 claimed
        120 begun
        120 sent
        240 due
        240 claimed
        240 begun
        240 sent
        360 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    0 sent: · | Waiting due 120
    120 due: send #2 of event 1 at 120 | Queued due 360
    120 claimed: Granted | Queued (claimed) due 360
    120 begun: Granted | Sending
    120 sent: · | Waiting due 240
    240 due: send #3 of event 2 at 240 | Queued due 480
    240 claimed: Granted | Queued (claimed) due 480
    240 begun: Granted | Sending
    240 sent: WipeSealedPin | Waiting due 360
    360 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn with_240_and_120_the_third_attempt_carries_a_new_pin() {
    let plan = Plan { next_event_wait: Some(Duration::from_secs(120)), pin_life: Duration::from_secs(240), ..plan(1) };
    assert_snapshot!(converse(plan, "
        0 claimed
        0 begun
        0 sent
        120 due
        120 claimed
        120 begun
        120 sent
        200 try
        200 wrong
        240 due
        239 try
        240 claimed
        240 old wrong
        240 begun
        241 sent
        360 due
        481 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    0 sent: · | Waiting due 120
    120 due: send #2 of event 1 at 120 | Queued due 360
    120 claimed: Granted | Queued (claimed) due 360
    120 begun: Granted | Sending
    120 sent: · | Waiting due 240
    200 try: compare with 1 | Waiting due 240
    200 wrong: Wrong | Waiting due 240
    240 due: send #3 of event 2 at 240 | Queued due 480
    239 try: compare with dead 1 | Queued due 480
    240 claimed: Granted, RenewPin | Queued (claimed) due 480
    240 old wrong: Wrong | Queued (claimed) due 480
    240 begun: Granted | Sending
    241 sent: WipeSealedPin | Waiting due 481
    360 due: · | Waiting due 481
    481 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn with_120_and_120_each_attempt_carries_its_own_pin() {
    let plan = Plan { next_event_wait: Some(Duration::from_secs(120)), pin_life: Duration::from_secs(120), ..plan(4) };
    assert_snapshot!(converse(plan, "
        0 claimed
        0 begun
        5 sent
        125 try
        125 wrong
        125 due
        125 claimed
        125 begun
        130 sent
        250 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    5 sent: · | Waiting due 125
    125 try: compare with dead 1 | Waiting due 125
    125 wrong: Wrong | Waiting due 125
    125 due: send #2 of event 1 at 125 | Queued due 365
    125 claimed: Granted, RenewPin | Queued (claimed) due 365
    125 begun: Granted | Sending
    130 sent: WipeSealedPin | Waiting due 250
    250 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn the_third_wrong_try_fails_the_verification() {
    assert_snapshot!(converse(plan(4), "
        1 try
        1 wrong
        2 try
        2 wrong
        3 try
        3 try
        3 wrong
        4 try
        4 right
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 try: compare with 1 | Queued due 240
    1 wrong: Wrong | Queued due 240
    2 try: compare with 1 | Queued due 240
    2 wrong: Wrong | Queued due 240
    3 try: compare with 1 | Queued due 240
    3 try: refused: Ended | Queued due 240
    3 wrong: WrongTooOften, withdraw #1, WipePin, Refund | Ended(Failed)
    4 try: refused: Ended | Ended(Failed)
    4 right: refused: Ended | Ended(Failed)
    ");
}

#[test]
fn three_tries_at_once_are_decided_by_the_last_comparison() {
    assert_snapshot!(converse(plan(4), "
        1 try
        1 try
        1 try
        1 wrong
        1 wrong
        1 right
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 try: compare with 1 | Queued due 240
    1 try: compare with 1 | Queued due 240
    1 try: compare with 1 | Queued due 240
    1 wrong: Wrong | Queued due 240
    1 wrong: Wrong | Queued due 240
    1 right: Right, withdraw #1, WipePin, Refund | Ended(Success)
    ");
}

#[test]
fn cancel_is_refused_at_first_and_after_the_second_event_has_started() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        1 sent
        29.9 cancel
        30 next
        31 next
        32 claimed
        33 cancel
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 sent: · | Waiting due 121
    29.9 cancel: refused: TooSoon | Waiting due 121
    30 next: send #2 of event 1 at 30 | Queued due 270
    31 next: refused: NoEventLeft | Queued due 270
    32 claimed: Granted | Queued (claimed) due 270
    33 cancel: refused: TooLate | Queued (claimed) due 270
    ");
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        1 sent
        30 cancel
        31 cancel
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 sent: · | Waiting due 121
    30 cancel: WipePin | Ended(Cancelled)
    31 cancel: refused: Ended | Ended(Cancelled)
    ");
}

#[test]
fn a_cancelled_verification_that_sent_nothing_costs_nothing() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        30 cancel
        30 begun
        31 returned
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    30 cancel: withdraw #1, WipePin, Refund | Ended(Cancelled)
    30 begun: refused: Stale | Ended(Cancelled)
    31 returned: · | Ended(Cancelled)
    ");
}

#[test]
fn the_price_of_an_attempt_that_leaves_at_the_end_waits_for_its_outcome() {
    assert_snapshot!(converse(plan(4), "
        29 claimed
        30 begun
        30 cancel
        31 temporary
        32 temporary
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    29 claimed: Granted | Queued (claimed) due 240
    30 begun: Granted | Sending
    30 cancel: withdraw #1, WipePin | Ended(Cancelled)
    31 temporary: Refund | Ended(Cancelled)
    32 temporary: · | Ended(Cancelled)
    ");
    assert_snapshot!(converse(plan(4), "
        29 claimed
        30 begun
        30 cancel
        31 sent
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    29 claimed: Granted | Queued (claimed) due 240
    30 begun: Granted | Sending
    30 cancel: withdraw #1, WipePin | Ended(Cancelled)
    31 sent: · | Ended(Cancelled)
    ");
}

#[test]
fn the_next_event_takes_the_place_of_a_queued_one() {
    assert_snapshot!(converse(plan(4), "
        1 claimed
        2 next
        2 begun #1
        2 returned #1
        3 next
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 claimed: Granted | Queued (claimed) due 240
    2 next: withdraw #1, send #2 of event 1 at 2 | Queued due 242
    2 begun #1: refused: Stale | Queued due 242
    2 returned #1: · | Queued due 242
    3 next: refused: NoEventLeft | Queued due 242
    ");
}

#[test]
fn the_next_event_waits_for_the_outcome_of_one_that_is_leaving() {
    assert_snapshot!(converse(plan(4), "
        1 claimed
        1 begun
        2 next
        2 next
        3 sent
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 claimed: Granted | Queued (claimed) due 240
    1 begun: Granted | Sending
    2 next: · | Sending, then next
    2 next: · | Sending, then next
    3 sent: send #2 of event 1 at 3 | Queued due 243
    ");
    assert_snapshot!(converse(plan(4), "
        1 claimed
        1 begun
        2 next
        3 uncertain
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 claimed: Granted | Queued (claimed) due 240
    1 begun: Granted | Sending
    2 next: · | Sending, then next
    3 uncertain: send #2 of event 1 at 3 | Queued due 243
    ");
}

#[test]
fn temporary_errors_are_tried_again_until_the_event_gives_up() {
    let plan = Plan { send_timeout: Duration::from_secs(60), ..plan(4) };
    assert_snapshot!(converse(plan, "
        0 claimed
        0 begun
        1 temporary
        3 claimed
        3 begun
        3 temporary
        8 claimed
        8 begun
        8 other route
        8 claimed
        8 begun
        8 temporary
        18 claimed
        18 begun
        40 temporary
        60 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 60
    0 claimed: Granted | Queued (claimed) due 60
    0 begun: Granted | Sending
    1 temporary: send #2 of event 0 at 3 | Queued due 60
    3 claimed: Granted | Queued (claimed) due 60
    3 begun: Granted | Sending
    3 temporary: send #3 of event 0 at 8 | Queued due 60
    8 claimed: Granted | Queued (claimed) due 60
    8 begun: Granted | Sending
    8 other route: send #4 of event 0 at 8 | Queued due 60
    8 claimed: Granted | Queued (claimed) due 60
    8 begun: Granted | Sending
    8 temporary: send #5 of event 0 at 18 | Queued due 60
    18 claimed: Granted | Queued (claimed) due 60
    18 begun: Granted | Sending
    40 temporary: send #6 of event 1 at 40 | Queued due 100
    60 due: · | Queued due 100
    ");
}

#[test]
fn when_nothing_could_be_sent_the_verification_fails_and_costs_nothing() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        1 final
        1 no route
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 final: send #2 of event 1 at 1 | Queued due 241
    1 no route: withdraw #2, WipePin, Refund | Ended(Failed)
    ");
    assert_snapshot!(converse(plan(6), "240 due"), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    240 due: withdraw #1, WipePin, Refund | Ended(Failed)
    ");
}

#[test]
fn a_report_of_failure_makes_the_next_event_due_at_once() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        1 sent
        5 undelivered
        5 undelivered #1
        5 claimed
        5 begun
        6 sent
        7 undelivered #1
        8 undelivered
        186 due
        306 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 sent: · | Waiting due 121
    5 undelivered: send #2 of event 1 at 5 | Queued due 245
    5 undelivered #1: · | Queued due 245
    5 claimed: Granted | Queued (claimed) due 245
    5 begun: Granted | Sending
    6 sent: WipeSealedPin | Waiting due 301
    7 undelivered #1: · | Waiting due 301
    8 undelivered: · | Waiting due 301
    186 due: · | Waiting due 301
    306 due: WipePin | Ended(Expired)
    ");
}

#[test]
fn an_uncertain_attempt_is_sent_once_more_and_never_a_third_time() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        45 uncertain
        55 claimed
        55 begun
        100 uncertain
        165 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    45 uncertain: send #2 of event 0 at 55 | Doubtful due 165
    55 claimed: Granted | Doubtful (claimed) due 165
    55 begun: Granted | Resending
    100 uncertain: · | Waiting due 165
    165 due: send #3 of event 1 at 165 | Queued due 405
    ");
}

#[test]
fn a_delivery_report_settles_an_uncertain_attempt() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        45 uncertain
        50 delivered #1
        55 claimed
        165 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    45 uncertain: send #2 of event 0 at 55 | Doubtful due 165
    50 delivered #1: withdraw #2 | Waiting due 165
    55 claimed: refused: Stale | Waiting due 165
    165 due: send #3 of event 1 at 165 | Queued due 405
    ");
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        45 uncertain
        50 undelivered #1
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    45 uncertain: send #2 of event 0 at 55 | Doubtful due 165
    50 undelivered #1: withdraw #2, send #3 of event 1 at 50 | Queued due 290
    ");
}

#[test]
fn the_next_event_and_the_end_void_a_resend() {
    let short = Plan { next_event_wait: Some(Duration::from_secs(12)), ..plan(4) };
    assert_snapshot!(converse(short, "
        0 claimed
        0 begun
        1 uncertain
        13 due
        13 begun #2
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 uncertain: send #2 of event 0 at 11 | Doubtful due 13
    13 due: withdraw #2, send #3 of event 1 at 13 | Queued due 253
    13 begun #2: refused: Stale | Queued due 253
    ");
    let short_lived = Plan { pin_life: Duration::from_secs(12), ..plan(6) };
    assert_snapshot!(converse(short_lived, "
        0 claimed
        0 begun
        1 uncertain
        12 claimed
        13 begun
        13 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 uncertain: send #2 of event 0 at 11 | Doubtful due 13
    12 claimed: Granted | Doubtful (claimed) due 13
    13 begun: withdraw #2, WipeSealedPin | Waiting due 13
    13 due: WipePin | Ended(Expired)
    ");
    assert_snapshot!(converse(plan(6), "
        0 claimed
        0 begun
        1 uncertain
        11 claimed
        11 begun
        12 temporary
        14 claimed
        15 try
        15 right
        15 begun
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 uncertain: send #2 of event 0 at 11 | Doubtful due 301
    11 claimed: Granted | Doubtful (claimed) due 301
    11 begun: Granted | Resending
    12 temporary: send #3 of event 0 at 14 | Doubtful due 301
    14 claimed: Granted | Doubtful (claimed) due 301
    15 try: compare with 1 | Doubtful (claimed) due 301
    15 right: Right, withdraw #3, WipePin | Ended(Success)
    15 begun: refused: Stale | Ended(Success)
    ");
}

#[test]
fn after_a_restart_what_was_leaving_is_uncertain_and_what_was_claimed_is_due_again() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        1 restart
        11 claimed
        12 restart
        13 claimed
        13 begun
        14 restart
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    1 restart: send #2 of event 0 at 11 | Doubtful due 121
    11 claimed: Granted | Doubtful (claimed) due 121
    12 restart: requeue #2 at 12 | Doubtful due 121
    13 claimed: Granted | Doubtful (claimed) due 121
    13 begun: Granted | Resending
    14 restart: · | Waiting due 121
    ");
    assert_snapshot!(converse(plan(4), "
        0 claimed
        300 restart
        600 due
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    300 restart: withdraw #1, WipePin, Refund | Ended(Expired)
    600 due: · | Ended(Expired)
    ");
}

#[test]
fn a_daemon_that_crashes_again_and_again_keeps_no_event_alive_for_ever() {
    for workflow in 1..=7 {
        let (mut verification, _) = Verification::start(plan(workflow), START);
        let mut now = START;
        let life = plan(workflow).waits_from(0) + 2 * plan(workflow).send_timeout;
        while verification.end().is_none() {
            // Never up for long enough to send anything or to look at a deadline.
            now = now + Duration::from_secs(20);
            verification.handle(Event::Restarted, now).expect("never refused");
            assert!(now < START + life, "workflow {workflow}: {:?}", verification.state);
        }
        assert_eq!(verification.end(), Some(End::Expired));
    }
}

#[test]
fn after_a_restart_an_overdue_event_is_due_once_and_past_waits_expire() {
    assert_snapshot!(converse(plan(1), "
        0 claimed
        0 begun
        0 sent
        400 restart
        400 due
        401 claimed
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    0 sent: · | Waiting due 125
    400 restart: · | Waiting due 400
    400 due: send #2 of event 1 at 400 | Queued due 640
    401 claimed: Granted, RenewPin | Queued (claimed) due 640
    ");
    assert_snapshot!(converse(plan(1), "
        0 claimed
        0 begun
        0 sent
        605 restart
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    0 sent: · | Waiting due 125
    605 restart: WipePin | Ended(Expired)
    ");
    assert_snapshot!(converse(plan(4), "300 restart"), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    300 restart: withdraw #1, WipePin, Refund | Ended(Expired)
    ");
}

#[test]
fn a_try_that_was_never_compared_stays_counted() {
    assert_snapshot!(converse(plan(4), "
        1 try
        1 wrong
        2 try
        2 wrong
        3 try
        4 restart
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    1 try: compare with 1 | Queued due 240
    1 wrong: Wrong | Queued due 240
    2 try: compare with 1 | Queued due 240
    2 wrong: Wrong | Queued due 240
    3 try: compare with 1 | Queued due 240
    4 restart: withdraw #1, WipePin, Refund | Ended(Failed)
    ");
}

#[test]
fn a_pin_that_dies_in_the_queue_is_replaced_before_it_is_sent() {
    let plan = Plan { next_event_wait: Some(Duration::from_secs(100)), pin_life: Duration::from_secs(110), ..plan(4) };
    assert_snapshot!(converse(plan, "
        0 claimed
        0 begun
        0 sent
        100 due
        105 claimed
        111 begun
        111 returned
        111 claimed
        112 begun
        113 sent
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    0 sent: · | Waiting due 100
    100 due: send #2 of event 1 at 100 | Queued due 340
    105 claimed: Granted | Queued (claimed) due 340
    111 begun: refused: Stale | Queued (claimed) due 340
    111 returned: requeue #2 at 100 | Queued due 340
    111 claimed: Granted, RenewPin | Queued (claimed) due 340
    112 begun: Granted | Sending
    113 sent: WipeSealedPin | Waiting due 223
    ");
}

#[test]
fn the_bytes_of_one_attempt_may_be_asked_for_again_while_they_are_wanted() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        2 begun
        2 begun #2
        3 next
        3 begun
        3 returned
        4 claimed
        4 begun
        5 uncertain
        15 claimed
        15 begun
        304 begun
        305 begun
        305 returned
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    2 begun: Granted | Sending
    2 begun #2: refused: Stale | Sending
    3 next: · | Sending, then next
    3 begun: refused: Stale | Sending, then next
    3 returned: send #2 of event 1 at 3 | Queued due 243
    4 claimed: Granted | Queued (claimed) due 243
    4 begun: Granted | Sending
    5 uncertain: send #3 of event 1 at 15 | Doubtful due 305
    15 claimed: Granted | Doubtful (claimed) due 305
    15 begun: Granted | Resending
    304 begun: Granted | Resending
    305 begun: refused: Stale | Resending
    305 returned: requeue #3 at 305 | Doubtful due 305
    ");
}

#[test]
fn time_never_runs_backwards() {
    assert_snapshot!(converse(plan(4), "
        100 claimed
        50 begun
        60 sent
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    100 claimed: Granted | Queued (claimed) due 240
    50 begun: Granted | Sending
    60 sent: · | Waiting due 220
    ");
}

#[test]
fn after_a_long_stop_nothing_that_may_have_been_sent_is_sent_again() {
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        301 restart
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    301 restart: WipePin | Ended(Expired)
    ");
    assert_snapshot!(converse(plan(4), "
        0 claimed
        0 begun
        45 uncertain
        345 restart
    "), @"
    0 start: send #1 of event 0 at 0 | Queued due 240
    0 claimed: Granted | Queued (claimed) due 240
    0 begun: Granted | Sending
    45 uncertain: send #2 of event 0 at 55 | Doubtful due 165
    345 restart: withdraw #2, WipePin | Ended(Expired)
    ");
}
