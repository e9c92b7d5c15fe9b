//! What the network says to a message, and what follows from it.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, eventually, quick_modem, spawn_app};

/// Each attempt with its event, state and route.
const ATTEMPTS: &str = "select event_index, state, route from attempt order by attempt_id";

#[tokio::test]
async fn a_temporary_error_is_tried_again_after_two_and_five_seconds() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start("447700900006", &[("workflow_id", "6")]).await;
    app.pass(1).await;
    assert_eq!(app.lines(ATTEMPTS), ["0 temporary sim1", "0 due -"]);
    app.pass(1).await;
    app.pass(4).await;
    assert_eq!(app.lines(ATTEMPTS), ["0 temporary sim1", "0 temporary sim1", "0 due -"]);
    app.pass(1).await;
    assert_eq!(app.lines(ATTEMPTS), ["0 temporary sim1", "0 temporary sim1", "0 sent sim1"]);
    let sms = app.phone.sms().await;
    assert_eq!(app.events(&request).await, ["sms"]);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_number_that_nobody_has_fails_the_verification_and_costs_nothing() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    let request = app.start("447700900007", &[]).await;
    app.at_rest().await;
    let found = app.search(&request).await;
    assert_eq!((found.field("status"), found.field("price")), ("FAILED".to_owned(), "0.00000000".to_owned()));
    assert_eq!(app.credits(), 1205);
    assert_eq!(app.lines(ATTEMPTS), ["0 final sim1", "1 unroutable -", "2 unroutable -"]);
    assert_snapshot!(app.value::<String>("select reason from verification"), @"no route takes it; last refusal: modem refused: CMS 1, unassigned number");
    assert_eq!(app.lines("select pin_hash, pin_sealed from verification"), ["- -"]);
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}

#[tokio::test]
async fn what_no_other_route_takes_is_over_for_this_event() {
    let app = spawn_app(Options::one_modem().credits(1205)).await;
    app.modem("sim1", "fault cms 21 x2").await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.at_rest().await;
    assert_snapshot!(app.lines(ATTEMPTS).join("\n"), @"
    0 other_route sim1
    0 unroutable -
    1 other_route sim1
    1 unroutable -
    ");
    assert_eq!(app.status(&request).await, "FAILED");
    assert_eq!(app.credits(), 1205);
    app.finish().await;
}

#[tokio::test]
async fn what_one_modem_cannot_send_another_one_sends() {
    let mut app = spawn_app(Options::one_modem().modem("sim2", quick_modem())).await;
    app.modem("sim1", "fault cms 21").await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    assert_eq!(sms.modem, "sim2");
    app.at_rest().await;
    assert_eq!(app.lines(ATTEMPTS), ["0 other_route sim1", "0 sent sim2"]);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn after_a_temporary_error_another_modem_is_tried_first() {
    let mut app = spawn_app(Options::one_modem().modem("sim2", quick_modem())).await;
    app.modem("sim1", "fault cms 42").await;
    app.start(NUMBER, &[]).await;
    app.pass(2).await;
    assert_eq!(app.phone.sms().await.modem, "sim2");
    assert_eq!(app.lines(ATTEMPTS), ["0 temporary sim1", "0 sent sim2"]);
    app.finish().await;
}

#[tokio::test]
async fn an_uncertain_sms_is_sent_once_more_after_ten_seconds_and_never_a_third_time() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    app.modem("sim1", "fault cms 332 x2").await;
    let request = app.start(NUMBER, &[("workflow_id", "4"), ("pin_code", "2468")]).await;
    app.pass(9).await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 due -"]);
    app.pass(1).await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 uncertain sim1"]);
    app.pass(109).await;
    assert_eq!(app.lines(ATTEMPTS).len(), 2);
    assert_eq!(app.phone.unread(), 0);
    app.pass(1).await;
    let sms = app.phone.sms().await;
    assert_eq!(sms.pin(), "2468");
    assert_eq!(app.lines(ATTEMPTS)[2], "1 sent sim1", "the wait ran from when it became uncertain");
    assert_eq!(app.check(&request, "2468").await.field("status"), "0");
    assert_eq!(app.credits(), 0, "an uncertain attempt counts as sent");
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_report_settles_an_uncertain_sms() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start("447700900014", &[("workflow_id", "4")]).await;
    let sms = app.phone.sms().await;
    let reported = "select count(*) from attempt where report = 'delivered'";
    eventually("the report", || (app.value::<i64>(reported) == 1).then_some(())).await;
    app.pass(60).await;
    assert_eq!(app.phone.unread(), 0);
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 withdrawn -"]);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_modem_that_vanishes_after_ctrl_z_leaves_the_sms_uncertain() {
    let mut app = spawn_app(Options::without_modem().modem("sim1", quick_modem().with("reports", "off"))).await;
    app.modem("sim1", "fault unplug").await;
    let request = app.start(NUMBER, &[]).await;
    let first = app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 due -"]);
    assert_eq!(app.check(&request, &first.wrong_code()).await.field("status"), "16");
    app.advance(10);
    let second = app.phone.sms().await;
    assert_eq!(second.pin(), first.pin());
    app.at_rest().await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 sent sim1"]);
    assert_eq!(app.check(&request, first.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_modem_that_restarts_at_ctrl_z_leaves_the_sms_uncertain() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "fault reboot").await;
    let request = app.start(NUMBER, &[]).await;
    app.at_rest().await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 due -"]);
    app.advance(10);
    let sms = app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 sent sim1"]);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_right_code_drops_the_second_submission_of_an_uncertain_sms() {
    let mut app = spawn_app(Options::without_modem().modem("sim1", quick_modem().with("reports", "off"))).await;
    let request = app.start("447700900014", &[]).await;
    let sms = app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.pass(60).await;
    assert_eq!(app.phone.unread(), 0);
    assert_eq!(app.lines(ATTEMPTS), ["0 uncertain sim1", "0 withdrawn -"]);
    app.finish().await;
}
