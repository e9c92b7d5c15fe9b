//! What a SIM may send, which SIM is taken, and who goes first.

use std::sync::Arc;

use insta::assert_snapshot;
use simverify::app::Claim;
use simverify::channel::Outcome;
use simverify::verification::{AttemptId, EventKind};

use crate::harness::{Account, NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};

/// What the network and the modem are done with.
const USES: &str = "select route, kind, amount, attempt_id is null from budget_use order by budget_use_id";

fn number(index: usize) -> String {
    format!("447700900{:03}", 200 + index)
}

fn one_modem(keys: &str) -> Options {
    Options::one_modem().keys("sim1", keys)
}

fn two_modems() -> Options {
    Options::one_modem().modem("sim2", quick_modem())
}

/// Sends some SMS one after the other; gives the modems that they went through.
async fn send(app: &mut TestApp, numbers: std::ops::Range<usize>) -> String {
    let mut modems = vec![];
    for index in numbers {
        app.start(&number(index), &[("workflow_id", "6")]).await;
        modems.push(app.phone.sms().await.modem);
        app.at_rest().await;
    }
    modems.join(" ")
}

/// Makes every message of an account one of two parts: 70 characters of Cyrillic are one, and the host has 60 of them.
async fn write_long(app: &TestApp, account: &Account) {
    let domain = format!("{}.example", "a".repeat(52));
    let changed = simverify::app::set_account(app.operations().store(), &account.key, move |_, defaults| {
        defaults.autofill.domain = domain.parse().ok();
        defaults.language = "ru-ru".parse().ok();
    });
    changed.await.expect("a database").expect("the account");
}

/// Nothing goes out, however often the dispatcher looks.
async fn nothing_more(app: &mut TestApp) {
    app.looked().await;
    assert_eq!(app.phone.unread(), 0);
    assert_eq!(app.lines("select state from attempt where state in ('claimed', 'sending')"), Vec::<String>::new());
}

#[tokio::test]
async fn once_a_budget_is_spent_the_next_route_is_taken() {
    let mut app = spawn_app(two_modems().keys("sim1", "sms_per_day = 2")).await;
    assert_eq!(send(&mut app, 0..7).await, "sim1 sim2 sim1 sim2 sim2 sim2 sim2");
    app.advance(24 * 60 * 60);
    assert_eq!(send(&mut app, 7..9).await, "sim1 sim2", "a day later the day counts no more");
    app.finish().await;
}

#[tokio::test]
async fn the_modem_that_sent_least_comes_first() {
    let mut app = spawn_app(two_modems().modem("sim3", quick_modem())).await;
    assert_eq!(send(&mut app, 0..7).await, "sim1 sim2 sim3 sim1 sim2 sim3 sim1");
    app.stop().await;
    app.start_again().await;
    app.all_ready().await;
    assert_eq!(send(&mut app, 7..9).await, "sim2 sim3", "a restart forgets nothing");
    app.finish().await;
}

#[tokio::test]
async fn a_sim_of_the_numbers_country_comes_first() {
    let mut app = spawn_app(two_modems().keys("sim2", "countries = [\"GB\"]")).await;
    assert_eq!(send(&mut app, 0..3).await, "sim2 sim2 sim2");
    app.start("4915123456789", &[("workflow_id", "6")]).await;
    assert_eq!(app.phone.sms().await.modem, "sim1");
    app.modem("sim2", "register 0").await;
    app.down("sim2").await;
    assert_eq!(send(&mut app, 3..4).await, "sim1");
    app.finish().await;
}

#[tokio::test]
async fn a_message_waits_for_the_minute_of_the_only_sim_and_goes_out_as_soon_as_it_may() {
    let mut app = spawn_app(one_modem("sms_per_minute = 2")).await;
    send(&mut app, 0..1).await;
    app.advance(20);
    send(&mut app, 1..2).await;
    app.start(&number(2), &[]).await;
    app.start(&number(3), &[]).await;
    app.start(&number(4), &[]).await;
    nothing_more(&mut app).await;
    app.advance(39);
    nothing_more(&mut app).await;
    app.advance(1);
    assert_eq!(app.phone.sms().await.number, format!("+{}", number(2)));
    nothing_more(&mut app).await;
    app.advance(20);
    assert_eq!(app.phone.sms().await.number, format!("+{}", number(3)));
    nothing_more(&mut app).await;
    app.advance(40);
    assert_eq!(app.phone.sms().await.number, format!("+{}", number(4)));
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_restart_keeps_the_count_and_a_spent_day_refuses_at_once() {
    let mut app = spawn_app(one_modem("sms_per_day = 2").credits(5000)).await;
    send(&mut app, 0..2).await;
    app.stop().await;
    app.advance(3600);
    app.start_again().await;
    app.all_ready().await;
    let credits = app.credits();
    assert_snapshot!(app.request(NUMBER, &[]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: every route to this number has sent what it may in a day or a month"}"#);
    assert_eq!(app.credits(), credits);
    // From the send time-out before the end on a request may still be in time.
    app.advance(24 * 60 * 60 - 3600 - 240);
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "6");
    app.advance(1);
    app.start(NUMBER, &[]).await;
    nothing_more(&mut app).await;
    app.advance(239);
    assert_eq!(app.phone.sms().await.number, format!("+{NUMBER}"));
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn what_was_not_sent_gives_its_share_back_and_what_may_have_been_does_not() {
    let mut app = spawn_app(one_modem("sms_per_day = 2")).await;
    app.modem("sim1", "fault cms 21 x2").await;
    app.start(&number(0), &[("workflow_id", "4")]).await;
    app.at_rest().await;
    assert_eq!(app.lines("select state from attempt where route is not null"), ["other_route", "other_route"]);
    assert_eq!(app.lines(USES), Vec::<String>::new());
    app.modem("sim1", "fault cms 332").await;
    app.start(&number(1), &[("workflow_id", "6")]).await;
    app.at_rest().await;
    assert_eq!(app.lines(USES), ["sim1 sms 1 1"]);
    app.advance(10);
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(USES), ["sim1 sms 1 1", "sim1 sms 1 1"], "the second submission counts as the first did");
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "6");
    app.finish().await;
}

#[tokio::test]
async fn an_attempt_that_is_withdrawn_or_lost_by_a_stop_gives_its_share_back() {
    let mut app = spawn_app(one_modem("sms_per_day = 3")).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let first = app.start(&number(0), &[("workflow_id", "6")]).await;
    app.start(&number(1), &[("workflow_id", "6")]).await;
    // A crash finds one attempt claimed and another withdrawn while a channel has it.
    let claim = |app: &TestApp, id| {
        let operations = Arc::clone(app.operations());
        async move { operations.claim(AttemptId::new(id), "sim1").await.expect("a database") }
    };
    for id in [1, 2] {
        assert!(matches!(claim(&app, id).await, Claim::Message(_)));
    }
    app.advance(30);
    assert_eq!(app.control(&first, "cancel").await.field("status"), "0");
    assert_eq!(app.lines(USES), ["sim1 sms 1 0", "sim1 sms 1 0"]);
    app.stop().await;
    app.modem("sim1", "register 1").await;
    app.start_again().await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(USES), ["sim1 sms 1 1"]);
    app.all_ready().await;
    assert_eq!(send(&mut app, 2..4).await, "sim1 sim1");
    app.finish().await;
}

#[tokio::test]
async fn a_message_of_two_parts_counts_two_and_is_not_overtaken_by_shorter_ones() {
    let mut app = spawn_app(one_modem("sms_per_minute = 3")).await;
    let long = app.add_account("long", None).await;
    write_long(&app, &long).await;
    app.request_as(&long, &number(0), &[]).await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(USES), ["sim1 sms 2 1"]);
    app.advance(30);
    assert_eq!(app.request_as(&long, &number(1), &[]).await.field("status"), "0");
    app.start(&number(2), &[]).await;
    nothing_more(&mut app).await;
    app.advance(30);
    let sent = [app.phone.sms().await.number, app.phone.sms().await.number];
    assert_eq!(sent, [1, 2].map(|index| format!("+{}", number(index))));
    app.at_rest().await;
    assert_eq!(app.lines(USES), ["sim1 sms 2 1", "sim1 sms 2 1", "sim1 sms 1 1"]);
    app.finish().await;
}

#[tokio::test]
async fn a_message_longer_than_the_whole_budget_fails_at_once() {
    let app = spawn_app(one_modem("sms_per_minute = 1")).await;
    write_long(&app, &app.account).await;
    let request = app.start(&number(0), &[]).await;
    app.at_rest().await;
    assert_eq!(app.status(&request).await, "FAILED");
    app.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_neither_sticks_a_budget_nor_doubles_it() {
    let mut app = spawn_app(one_modem("sms_per_minute = 2")).await;
    send(&mut app, 0..2).await;
    app.set_back(3600);
    app.start(&number(2), &[]).await;
    nothing_more(&mut app).await;
    app.advance(59);
    nothing_more(&mut app).await;
    app.advance(1);
    app.phone.sms().await;
    app.at_rest().await;
    app.set_back(24 * 60 * 60);
    app.stop().await;
    app.start_again().await;
    app.all_ready().await;
    app.start(&number(3), &[]).await;
    nothing_more(&mut app).await;
    app.advance(60);
    app.phone.sms().await;
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_doubles_no_budget() {
    let mut app = spawn_app(one_modem("sms_per_minute = 1")).await;
    send(&mut app, 0..1).await;
    app.advance(3600);
    assert_eq!(send(&mut app, 1..2).await, "sim1");
    app.set_back(3600);
    app.start(&number(2), &[]).await;
    nothing_more(&mut app).await;
    app.advance(60);
    app.phone.sms().await;
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_claims_come_at_once_the_budget_holds() {
    let mut app = spawn_app(patient()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    // More than the budget, which holds from the next start on.
    for index in 0..200 {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    app.stop().await;
    app.set_keys("sim1", "sms_per_day = 50");
    app.start_again().await;
    let claims: Vec<_> = (1..=200)
        .cycle()
        .take(2000)
        .map(|id| {
            let (operations, id) = (Arc::clone(app.operations()), AttemptId::new(id));
            tokio::spawn(async move { (id, operations.claim(id, "sim1").await.expect("a database")) })
        })
        .collect();
    let mut granted = vec![];
    let mut spent = 0;
    for claim in claims {
        match claim.await.expect("no panic") {
            (id, Claim::Message(_)) => granted.push(id),
            (_, Claim::Spent) => spent += 1,
            (_, Claim::Gone) => {}
            (id, Claim::Blocked | Claim::Closed(_)) => panic!("{id} is not to be sent"),
        }
    }
    assert_eq!((granted.len(), app.lines(USES).len()), (50, 50));
    assert!(spent >= 150, "{spent}");
    for id in granted {
        app.operations().finished(id, "sim1".to_owned(), Outcome::Returned).await.expect("a database");
    }
    assert_eq!(app.lines(USES), Vec::<String>::new());
    app.finish().await;
}

#[tokio::test]
async fn the_board_knows_what_is_left() {
    let mut app = spawn_app(one_modem("sms_per_minute = 5\nsms_per_day = 9\ncalls_per_day = 3")).await;
    send(&mut app, 0..2).await;
    app.advance(60);
    send(&mut app, 2..3).await;
    let board = app.operations().board().routes_at(app.operations().clock().now());
    let budget = &board[0].budget;
    let left = [budget.sms.minute, budget.sms.day, budget.calls.day].map(|share| share.expect("a limit").left);
    assert_eq!((left, budget.sms.used), ([4, 6, 3], 3));
    app.finish().await;
}

#[tokio::test]
async fn a_queue_longer_than_the_minutes_of_its_time_out_is_not_made_longer() {
    let app = spawn_app(one_modem("sms_per_minute = 2")).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    for index in 0..9 {
        app.start(&number(index), &[]).await;
    }
    let refused = app.request(NUMBER, &[]).await;
    assert!(refused.text.contains("the queue to this number is too long"), "{refused}");
    app.finish().await;
}

/// A verification whose second SMS became due before the first ones of `others` were asked for, while nothing could be
/// sent. Gives its number.
async fn second_event_before(app: &mut TestApp, others: usize) -> String {
    app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    app.advance(120);
    let second = "select count(*) from attempt where event_index = 1 and state = 'due'";
    eventually("the second event is due", || (app.value::<i64>(second) == 1).then_some(())).await;
    app.advance(1);
    for index in 0..others {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    format!("+{NUMBER}")
}

/// The numbers of all SMS that go out once the modem is back, in their order.
async fn order(app: &mut TestApp, count: usize) -> Vec<String> {
    app.modem("sim1", "register 1").await;
    let mut numbers = vec![];
    for _ in 0..count {
        numbers.push(app.phone.sms().await.number);
    }
    app.at_rest().await;
    numbers
}

fn patient() -> Options {
    Options::one_modem().toml("verify.send_timeout_seconds = 3600")
}

#[tokio::test]
async fn who_sits_in_front_of_a_form_goes_before_later_events_that_became_due_earlier() {
    let mut app = spawn_app(patient()).await;
    let later = second_event_before(&mut app, 100).await;
    let order = order(&mut app, 101).await;
    assert_eq!(order.iter().position(|number| *number == later), Some(100));
    let firsts: Vec<_> = (0..100).map(|index| format!("+{}", number(index))).collect();
    assert_eq!(order[..100], firsts, "among equals the order of due time holds");
    app.finish().await;
}

#[tokio::test]
async fn a_later_event_is_not_starved() {
    let mut app = spawn_app(patient()).await;
    let later = second_event_before(&mut app, 5).await;
    app.advance(28);
    for index in 5..10 {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    app.advance(1);
    assert_eq!(order(&mut app, 11).await[0], later, "after half a minute it counts as a first one");
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_a_person_asked_for_goes_as_a_first_one_again_and_again() {
    let mut app = spawn_app(patient()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.modem("sim1", "fault cms 42").await;
    assert_eq!(app.control(&request, "trigger_next_event").await.field("status"), "0");
    app.at_rest().await;
    assert_eq!(
        app.lines("select state, lane from attempt where event_index = 1"),
        ["temporary first sms GB", "due first sms GB ~sim1"]
    );
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    app.advance(2);
    app.looked().await;
    app.advance(1);
    for index in 0..5 {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    assert_eq!(order(&mut app, 6).await[0], format!("+{NUMBER}"));
    app.finish().await;
}

#[tokio::test]
async fn what_no_route_takes_does_not_wait_behind_what_waits_for_one() {
    let mut app = spawn_app(patient().credits(1_000_000)).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    for index in 0..150 {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    app.advance(1);
    let request = app.start(NUMBER, &[("workflow_id", "5")]).await;
    assert_eq!(app.control(&request, "trigger_next_event").await.field("status"), "0");
    app.looked().await;
    assert_eq!(app.status(&request).await, "FAILED", "no modem speaks");
    order(&mut app, 150).await;
    app.finish().await;
}

#[tokio::test]
async fn numbers_of_one_country_do_not_wait_behind_those_of_another() {
    let options = two_modems().keys("sim1", "countries = [\"GB\"]").keys("sim2", "countries = [\"DE\"]");
    let mut app = spawn_app(options.toml("verify.send_timeout_seconds = 3600")).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    for index in 0..150 {
        app.start(&number(index), &[("workflow_id", "6")]).await;
    }
    app.advance(1);
    app.start("4915123456789", &[("workflow_id", "6")]).await;
    assert_eq!(app.phone.sms().await.modem, "sim2");
    order(&mut app, 150).await;
    app.finish().await;
}

#[tokio::test]
async fn what_a_route_may_spend_in_a_month_holds_across_kinds_restarts_and_days() {
    let keys = "sms_price = \"0.05\"\ncall_price = \"0.20\"\nspend_per_month = \"0.12\"";
    let mut app = spawn_app(one_modem(keys).credits(5000)).await;
    send(&mut app, 0..2).await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "6", "0.02 are left");
    app.stop().await;
    app.advance(2 * 86_400);
    app.start_again().await;
    app.all_ready().await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "6");
    app.advance(29 * 86_400);
    send(&mut app, 2..4).await;
    assert_eq!(app.lines("select cost || ' ' || (used_at is not null) from budget_use"), ["5000000 1"; 4]);
    app.finish().await;
}

#[tokio::test]
async fn the_log_tells_once_how_much_of_a_budget_is_used() {
    let mut app = spawn_app(one_modem("sms_per_day = 613")).await;
    let take = |attempt| app.operations().board().take_budget("sim1", EventKind::Sms, AttemptId::new(attempt), 1);
    let percents: Vec<_> = (1000..1612).flat_map(take).map(|alarm| alarm.percent).collect();
    assert_eq!(percents, [50, 80], "of 612 of 613");
    send(&mut app, 0..1).await;
    let told = app.logged(&["WARN", "100 % of a route's budget are used", "613"]);
    assert_eq!(told.len(), 1, "{told:?}");
    app.finish().await;
}
