use super::super::course::tests::{at, course, reported, sending};
use super::super::course::{Outage, PastTry};
use super::*;

/// The whole explanation as text.
fn told(course: &Course) -> String {
    let Explanation { verdict, what, advice, further } = course.explanation();
    let lines = [format!("[{}] {what}", verdict.as_str())];
    let advice = (!advice.is_empty()).then(|| format!("> {advice}"));
    lines
        .into_iter()
        .chain(advice)
        .chain(further.into_iter().map(|line| format!("+ {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}

fn ended(mut course: Course, end: End, reason: &str) -> Course {
    (course.end, course.finalized) = (Some(end), Some(at(900)));
    course.reason = (!reason.is_empty()).then(|| reason.to_owned());
    course
}

fn sent() -> Sending {
    sending(0, AttemptState::Sent, 0, "")
}

#[test]
fn the_right_code_says_that_it_arrived() {
    let course = ended(course(vec![sent()]), End::Success, "");
    insta::assert_snapshot!(told(&course), @"[arrived] It arrived: the right code was typed in.");
}

#[test]
fn a_wrong_code_says_that_something_arrived() {
    let mut course = ended(course(vec![sent()]), End::Failed, "");
    course.tries = vec![PastTry { at: at(20), right: Some(false) }; 3];
    insta::assert_snapshot!(told(&course), @"
    [arrived] 3 wrong codes were typed in, and so it failed: something did arrive.
    > Most likely an older message was read: only the latest code counts. Ask for the latest one, or begin anew.
    ");
    course.tries.truncate(1);
    (course.end, course.finalized) = (None, None);
    insta::assert_snapshot!(told(&course), @"
    [arrived] A wrong code was typed in: something did arrive.
    > Most likely an older message was read: only the latest code counts. Ask for the latest one, or begin anew.
    ");
}

#[test]
fn a_report_of_delivery_sends_the_person_to_look_for_it() {
    let course = ended(course(vec![reported(sent(), true, 8)]), End::Expired, "");
    insta::assert_snapshot!(told(&course), @"
    [arrived] The network reports that the SMS was delivered to the phone.
    > Ask the person whether the number is theirs, and to look among blocked and unknown senders, and in the phone's second inbox if it has two SIMs.
    ");
}

#[test]
fn a_report_of_failure_is_the_networks_word() {
    let course = ended(course(vec![reported(sent(), false, 8)]), End::Expired, "");
    insta::assert_snapshot!(told(&course), @"
    [not_delivered] sim1 sent the SMS, and it was reported as not delivered.
    > The phone was off or out of reach for too long, or the number is not in use. Ask the person to check the number, and begin anew.
    ");
}

#[test]
fn without_a_report_nobody_knows_and_a_young_message_is_on_its_way() {
    let mut course = course(vec![sent()]);
    insta::assert_snapshot!(told(&course), @"
    [unknown] The network accepted the SMS, and no report of its delivery has come.
    > Either the phone is off or out of reach, or its network sends no reports (then no message there is ever shown as delivered), or the number is not the person's. If it happens to many numbers of one network, that network may filter the messages.
    ");
    course.now = at(30);
    course.upcoming = Some((at(130), Upcoming::Event(EventKind::Tts)));
    insta::assert_snapshot!(told(&course), @"
    [underway] The network accepted the SMS a moment ago; a report of its delivery is still to come.
    + If no code is typed in, a further call follows by itself.
    ");
    let by_provider = Sending { is_provider: true, route: Some("twilio".to_owned()), ..sent() };
    (course.sendings, course.now) = (vec![by_provider], at(1000));
    insta::assert_snapshot!(told(&course), @"
    [unknown] twilio accepted the SMS, and no report of its delivery has come.
    > Either the phone is off or out of reach, or the provider's reports do not arrive here (docs/providers.md), or it is held up on the way: look it up at the provider.
    + If no code is typed in, a further call follows by itself.
    ");
}

#[test]
fn a_call_tells_how_it_went_beside_the_sms_before_it() {
    let mut lines = vec![];
    for (state, reason) in [
        (AttemptState::Sent, "rang 4.0 s, lasted 21.0 s"),
        (AttemptState::Unanswered, "busy"),
        (AttemptState::Unanswered, "nobody answered"),
        (AttemptState::Unanswered, "hung up before the PIN was read out"),
        (AttemptState::Final, "number unobtainable (cause 1)"),
    ] {
        let sendings = vec![
            sending(0, AttemptState::Final, 0, "modem refused: CMS 1, unassigned number"),
            sending(1, state, 6, reason),
        ];
        let course = ended(course(sendings), End::Expired, "");
        let told = told(&course);
        assert!(told.contains("sim1 did not send the SMS: the network knows no such number."), "{told}");
        lines.push(told.lines().next().unwrap_or_default().to_owned());
    }
    insta::assert_debug_snapshot!(lines, @r#"
    [
        "[arrived] The call was answered, and the code was read out.",
        "[not_delivered] The call did not reach the person: the line was busy.",
        "[not_delivered] The call did not reach the person: nobody answered the call.",
        "[not_delivered] The call did not reach the person: the person hung up before the code was read out.",
        "[not_sent] sim1 did not send the SMS: the network knows no such number.",
    ]
    "#);
}

#[test]
fn a_refusal_is_told_with_its_cause() {
    let reason = "modem refused: CMS 21, short message transfer rejected";
    let tried = course(vec![sending(0, AttemptState::OtherRoute, 0, reason)]);
    let course = ended(tried, End::Failed, &format!("no route takes it; last refusal: {reason}"));
    insta::assert_snapshot!(told(&course), @"
    [not_sent] Nothing was sent: the operator takes no message or call from this SIM: mostly its credit is used up, or the contract does not include it.
    > Top the SIM up, or ask its operator; until then another SIM or a provider can take over.
    ");
}

#[test]
fn an_uncertain_attempt_may_have_arrived() {
    let reason = "no answer from the modem in time; the message may have been sent";
    let course = ended(course(vec![sending(0, AttemptState::Uncertain, 0, reason)]), End::Expired, "");
    insta::assert_snapshot!(told(&course), @"
    [unknown] Nobody knows whether sim1 sent the SMS: the modem did not answer, restarted or was unplugged.
    > Check its power supply (up to 2 A; a powered hub) and its cable.
    ");
}

#[test]
fn what_waits_says_for_what() {
    let waiting = Sending { due: at(990), ..sending(0, AttemptState::Due, 0, "") };
    let mut course = course(vec![waiting]);
    insta::assert_snapshot!(told(&course), @"[underway] The SMS waits for its turn.");
    course.any_ready = false;
    course.outages =
        vec![Outage { route: "sim1".to_owned(), since: at(1), reason: Some("the SIM is locked".to_owned()) }];
    insta::assert_snapshot!(told(&course), @"
    [underway] The SMS waits for a route (not ready: sim1: the SIM is locked).
    > See what the modems need; it goes out as soon as one is ready.
    ");
    course.any_ready = true;
    let refused = sending(0, AttemptState::Temporary, 985, "modem refused: CMS 42, congestion");
    course.sendings = vec![refused, Sending { due: at(1010), ..sending(0, AttemptState::Due, 0, "") }];
    insta::assert_snapshot!(told(&course), @"[underway] The SMS is tried once more in a moment. The last time: the network was disturbed or too busy.");
    course.sendings = vec![sending(0, AttemptState::Claimed, 990, "")];
    insta::assert_snapshot!(told(&course), @"[underway] The SMS is with sim1, and leaves soon.");
    course.sendings = vec![sending(0, AttemptState::Sending, 990, "")];
    insta::assert_snapshot!(told(&course), @"[underway] sim1 is sending the SMS at this moment.");
}

#[test]
fn what_was_taken_back_says_why() {
    let withdrawn = |finished| Sending { finished: Some(at(finished)), ..sending(1, AttemptState::Withdrawn, 300, "") };
    let taken_back = |sending: Sending, end, pin_end: Option<u64>| {
        let mut course = course(vec![sent(), sending]);
        course.pin_end = pin_end.map(at);
        told(&if let Some(end) = end { ended(course, end, "") } else { course })
            .lines()
            .find_map(|line| line.split_once("taken back before it was sent: ").map(|(_, why)| why.to_owned()))
    };
    let why = [
        taken_back(withdrawn(900), Some(End::Success), None),
        taken_back(withdrawn(900), Some(End::Cancelled), None),
        taken_back(withdrawn(320), None, Some(310)),
        taken_back(withdrawn(545), None, None),
        taken_back(withdrawn(320), None, None),
    ];
    insta::assert_debug_snapshot!(why, @r#"
    [
        Some(
            "the right code had been typed in.",
        ),
        Some(
            "the verification was cancelled.",
        ),
        Some(
            "its code had expired while it waited.",
        ),
        Some(
            "it had waited for its turn for too long.",
        ),
        Some(
            "the next event took its place, or the daemon was stopped.",
        ),
    ]
    "#);
}

#[test]
fn without_a_message_the_end_says_why() {
    let skipped = |reason: &str| vec![sending(0, AttemptState::Unroutable, 0, reason)];
    let cases = [
        ("its number is on the blocklist", End::Failed),
        ("its country is closed to this channel", End::Failed),
        ("no route takes it", End::Failed),
        ("calls to it have used up their minutes", End::Failed),
        ("every wait was over at a start of the daemon", End::Expired),
    ];
    let lines: Vec<_> = cases
        .into_iter()
        .map(|(reason, end)| told(&ended(course(skipped(reason)), end, reason)).lines().next().map(str::to_owned))
        .collect();
    insta::assert_debug_snapshot!(lines, @r#"
    [
        Some(
            "[not_sent] Nothing was sent: the number is on the blocklist.",
        ),
        Some(
            "[not_sent] Nothing was sent: its country is closed to this kind of message.",
        ),
        Some(
            "[not_sent] Nothing was sent: no modem and no provider takes messages of this kind to this number.",
        ),
        Some(
            "[not_sent] Nothing was sent: calls to this number, or to its neighbours, have used up their minutes.",
        ),
        Some(
            "[not_sent] Nothing was sent: Simverify itself was not running.",
        ),
    ]
    "#);
}

#[test]
fn a_queue_that_was_too_long_names_the_modem_that_was_down() {
    let waited = Sending { finished: Some(at(240)), ..sending(0, AttemptState::Withdrawn, 0, "") };
    let mut course = ended(course(vec![waited]), End::Failed, "it could not be handed over in time");
    course.outages = vec![Outage { route: "sim1".to_owned(), since: at(1), reason: None }];
    course.is_blocked = true;
    insta::assert_snapshot!(told(&course), @"
    [not_sent] Nothing was sent: it waited for its turn for longer than it may: no modem was ready, or too many messages were before it.
    > See the modems' state for that time. More SIMs, or a provider, shorten the queue.
    + The SMS was taken back before it was sent: it had waited for its turn for too long.
    + The number is on the blocklist at present: nothing more is sent to it.
    + sim1 was not ready at that time, and still is not.
    ");
}

#[test]
fn a_verification_that_was_cancelled_or_of_which_nothing_is_known() {
    let withdrawn = Sending { finished: Some(at(900)), ..sending(0, AttemptState::Withdrawn, 0, "") };
    let cancelled = ended(course(vec![withdrawn]), End::Cancelled, "");
    insta::assert_snapshot!(told(&cancelled), @"
    [not_sent] It was cancelled before anything was sent.
    > The application asked for that, or somebody here did.
    + The SMS was taken back before it was sent: the verification was cancelled.
    ");
    insta::assert_snapshot!(told(&course(vec![])), @"[underway] Nothing was sent yet.");
    insta::assert_snapshot!(told(&ended(course(vec![]), End::Failed, "")), @"[not_sent] Nothing was sent, and nothing is on record of why.");
}
