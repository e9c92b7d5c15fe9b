//! Cancel and trigger_next_event.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, eventually, quick_modem, spawn_app};

#[tokio::test]
async fn a_verification_can_be_cancelled_from_the_thirtieth_second_on() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    assert_snapshot!(app.control(&request, "cancel").await, @r#"{"request_id":"","status":"19","error_text":"Verification request ['<request>'] can't be cancelled within the first 30 seconds."}"#);
    app.pass(29).await;
    assert_eq!(app.control(&request, "cancel").await.field("status"), "19");
    app.pass(1).await;
    assert_snapshot!(app.control(&request, "cancel").await, @r#"{"status":"0","command":"cancel"}"#);
    assert_eq!(app.status(&request).await, "CANCELLED");
    assert_snapshot!(app.control(&request, "cancel").await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    assert_snapshot!(app.control(&request, "explode").await, @r#"{"request_id":"","status":"3","error_text":"Invalid value for parameter: cmd"}"#);
    app.finish().await;
}

#[tokio::test]
async fn the_text_of_an_early_cancel_names_the_configured_figure() {
    let mut app = spawn_app(Options::one_modem().toml("verify.cancel_after_seconds = 5")).await;
    let request = app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    assert_snapshot!(app.control(&request, "cancel").await, @r#"{"request_id":"","status":"19","error_text":"Verification request ['<request>'] can't be cancelled within the first 5 seconds."}"#);
    app.pass(5).await;
    assert_eq!(app.control(&request, "cancel").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_cancelled_once_the_second_event_has_started() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.phone.sms().await;
    app.pass(120).await;
    app.phone.sms().await;
    assert_snapshot!(app.control(&request, "cancel").await, @r#"{"request_id":"","status":"19","error_text":"Verification request ['<request>'] can't be cancelled now. Too many attempts to re-deliver have already been made."}"#);
    app.finish().await;
}

#[tokio::test]
async fn the_next_event_comes_at_once_when_it_is_triggered() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let first = app.phone.sms().await;
    app.at_rest().await;
    assert_snapshot!(app.control(&request, "trigger_next_event").await, @r#"{"status":"0","command":"trigger_next_event"}"#);
    let second = app.phone.sms().await;
    assert_eq!(second.pin(), first.pin());
    app.at_rest().await;
    assert_snapshot!(app.control(&request, "trigger_next_event").await, @r#"{"request_id":"","status":"19","error_text":"No more events are left to execute for the request ['<request>']"}"#);
    assert_eq!(app.events(&request).await, ["sms", "sms"]);
    assert_eq!(app.check(&request, first.pin()).await.field("status"), "0");
    assert_snapshot!(app.control(&request, "trigger_next_event").await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_is_still_queued_is_withdrawn_for_the_next() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    assert_eq!(app.control(&request, "trigger_next_event").await.field("status"), "0");
    assert_eq!(app.control(&request, "trigger_next_event").await.field("status"), "19");
    app.modem("sim1", "register 1").await;
    let sms = app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.events(&request).await, ["sms"], "the withdrawn one is not told");
    assert_eq!(app.lines("select event_index, state from attempt"), ["0 withdrawn", "1 sent"]);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_is_being_sent_is_followed_by_the_next_once_its_outcome_is_known() {
    let slow = quick_modem().with("submit-latency", "300ms");
    let mut app = spawn_app(Options::without_modem().modem("sim1", slow)).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let sending = "select count(*) from attempt where state = 'sending'";
    eventually("it is being sent", || (app.value::<i64>(sending) == 1).then_some(())).await;
    assert_eq!(app.control(&request, "trigger_next_event").await.field("status"), "0");
    let first = app.phone.sms().await;
    let second = app.phone.sms().await;
    assert_eq!(first.pin(), second.pin());
    app.at_rest().await;
    assert_eq!(app.lines("select event_index, state from attempt"), ["0 sent", "1 sent"]);
    assert_eq!(app.events(&request).await, ["sms", "sms"]);
    app.finish().await;
}

#[tokio::test]
async fn the_price_of_a_message_that_leaves_during_a_cancel_waits_for_its_outcome() {
    for (control, credits) in [("fault cms 1", 1205), ("set signal 20", 0)] {
        let slow = quick_modem().with("submit-latency", "2s");
        let options = Options::without_modem().modem("sim1", slow).toml("verify.cancel_after_seconds = 0");
        let app = spawn_app(options.credits(1205)).await;
        app.modem("sim1", control).await;
        let request = app.start(NUMBER, &[]).await;
        let sending = "select count(*) from attempt where state = 'sending'";
        eventually("it is being sent", || (app.value::<i64>(sending) == 1).then_some(())).await;
        assert_eq!(app.control(&request, "cancel").await.field("status"), "0");
        assert_eq!(app.credits(), 0, "nobody knows yet");
        app.at_rest().await;
        assert_eq!(app.credits(), credits, "{control}");
        assert_eq!(app.status(&request).await, "CANCELLED");
        app.finish().await;
    }
}
