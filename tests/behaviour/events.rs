//! When events come, which PIN they carry, and when a verification ends by itself.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, eventually, spawn_app};

#[tokio::test]
async fn calls_that_no_modem_can_make_are_skipped_and_the_pin_lives_its_time() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "1")]).await;
    app.phone.sms().await;
    for seconds in [125, 174] {
        app.pass(seconds).await;
        assert_eq!(app.status(&request).await, "IN PROGRESS");
        assert_eq!(app.events(&request).await, ["sms"]);
    }
    app.pass(1).await;
    assert_eq!(app.status(&request).await, "EXPIRED");
    assert_eq!(app.events(&request).await, ["sms"]);
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}

#[tokio::test]
async fn the_pin_is_right_until_its_last_second() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    app.pass(299).await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn both_sms_of_workflow_four_carry_one_pin_while_it_lives() {
    let mut app = spawn_app(Options::one_modem()).await;
    let further = [("workflow_id", "4"), ("pin_expiry", "240"), ("next_event_wait", "120")];
    let request = app.start(NUMBER, &further).await;
    let first = app.phone.sms().await;
    app.pass(119).await;
    assert_eq!(app.phone.unread(), 0);
    app.pass(1).await;
    assert_eq!(app.phone.sms().await.pin(), first.pin());
    app.pass(119).await;
    assert_eq!(app.status(&request).await, "IN PROGRESS");
    app.pass(1).await;
    assert_eq!(app.status(&request).await, "EXPIRED");
    app.finish().await;
}

#[tokio::test]
async fn an_event_at_the_pins_end_carries_a_new_pin_with_three_tries_of_its_own() {
    let mut app = spawn_app(Options::one_modem()).await;
    let further = [("workflow_id", "4"), ("pin_expiry", "120"), ("next_event_wait", "120"), ("code_length", "6")];
    let request = app.start(NUMBER, &further).await;
    let first = app.phone.sms().await;
    app.at_rest().await;
    for _ in 0..2 {
        assert_eq!(app.check(&request, &first.wrong_code()).await.field("status"), "16");
    }
    app.pass(120).await;
    let second = app.phone.sms().await;
    assert_ne!(second.pin(), first.pin());
    for _ in 0..2 {
        assert_eq!(app.check(&request, first.pin()).await.field("status"), "16");
    }
    let checked = app.check(&request, second.pin()).await;
    assert_eq!(checked.field("status"), "0");
    let events = app.search(&request).await.json();
    assert_eq!(events["events"][1]["id"], checked.field("event_id").as_str(), "the event whose PIN it was");
    app.finish().await;
}

#[tokio::test]
async fn a_pin_of_the_callers_own_is_carried_by_every_generation() {
    let mut app = spawn_app(Options::one_modem()).await;
    let further = [("workflow_id", "4"), ("pin_expiry", "120"), ("next_event_wait", "120"), ("pin_code", "R2D2C3PO")];
    let request = app.start(NUMBER, &further).await;
    assert_eq!(app.phone.sms().await.pin(), "R2D2C3PO");
    app.pass(120).await;
    assert_eq!(app.phone.sms().await.pin(), "R2D2C3PO");
    app.at_rest().await;
    assert_eq!(app.value::<i64>("select generation from verification"), 2);
    assert_eq!(app.check(&request, "R2D2C3PO").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_pin_that_has_ended_is_wrong_until_the_next_event() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4"), ("pin_expiry", "60")]).await;
    let first = app.phone.sms().await;
    app.pass(60).await;
    assert_eq!(app.check(&request, first.pin()).await.field("status"), "16");
    app.pass(60).await;
    let second = app.phone.sms().await;
    assert_eq!(app.check(&request, second.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_wait_begins_when_the_sms_was_handed_over() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.pass_while_down(100).await;
    app.modem("sim1", "register 1").await;
    app.phone.sms().await;
    app.pass(119).await;
    assert_eq!(app.phone.unread(), 0);
    app.pass(1).await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_snapshot!(app.search(&request).await.field("first_event_date"), @"2026-03-01 12:01:40");
    assert_snapshot!(app.search(&request).await.field("last_event_date"), @"2026-03-01 12:03:40");
    app.finish().await;
}

#[tokio::test]
async fn a_report_that_an_sms_failed_makes_the_next_event_due_at_once() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    let request = app.start("447700900005", &[("workflow_id", "4")]).await;
    let reported = "select count(*) from attempt where report = 'undelivered'";
    eventually("both reports", || (app.value::<i64>(reported) == 2).then_some(())).await;
    app.at_rest().await;
    assert_eq!(app.events(&request).await, ["sms", "sms"]);
    assert_eq!(
        app.lines("select event_index, state, report from attempt"),
        ["0 sent undelivered", "1 sent undelivered"]
    );
    app.pass(299).await;
    assert_eq!(app.status(&request).await, "IN PROGRESS", "with no event left it waits for its expiry");
    app.pass(1).await;
    assert_eq!(app.status(&request).await, "EXPIRED");
    assert_eq!(app.credits(), 0, "and keeps its price");
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}

#[tokio::test]
async fn one_modem_sends_in_the_order_in_which_messages_became_due() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let numbers: Vec<_> = (0..12).map(|index| format!("4477009001{:02}", (index * 7) % 12)).collect();
    for number in &numbers {
        app.start(number, &[]).await;
        app.advance(1);
    }
    app.modem("sim1", "register 1").await;
    for number in &numbers {
        assert_eq!(app.phone.sms().await.number, format!("+{number}"));
    }
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn what_becomes_due_during_a_look_is_done_by_the_next() {
    let app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    app.advance(5);
    app.start(NUMBER, &[]).await;
    assert_eq!(app.next_look(1).await, Some(1), "it became due after the look began");
    assert_eq!(app.next_look(0).await, Some(240), "it was due already, and waits for room");
    app.finish().await;
}
