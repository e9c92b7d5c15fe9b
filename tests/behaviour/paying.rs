//! Credits.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, spawn_app};

#[tokio::test]
async fn a_verification_takes_its_price_once() {
    let mut app = spawn_app(Options::one_modem().credits(2000)).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    assert_eq!(app.credits(), 795);
    let sms = app.phone.sms().await;
    app.pass(120).await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("price"), "0.12050000");
    assert_eq!(app.credits(), 795);
    assert_snapshot!(app.request("447700900124", &[]).await, @r#"{"request_id":"","status":"9","error_text":"Partner quota exceeded"}"#);
    assert_eq!(app.start("12015550123", &[]).await.len(), 32, "361 credits to the US");
    assert_eq!(app.credits(), 434);
    app.finish().await;
}

#[tokio::test]
async fn what_was_cancelled_before_it_was_sent_costs_nothing() {
    let app = spawn_app(Options::one_modem().credits(1205)).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[]).await;
    assert_eq!(app.credits(), 0);
    app.advance(30);
    assert_eq!(app.control(&request, "cancel").await.field("status"), "0");
    assert_eq!(app.credits(), 1205);
    let found = app.search(&request).await;
    assert_eq!((found.field("status"), found.field("price")), ("CANCELLED".to_owned(), "0.00000000".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn what_was_cancelled_after_it_was_sent_keeps_its_price() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    let request = app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    app.pass(30).await;
    assert_eq!(app.control(&request, "cancel").await.field("status"), "0");
    assert_eq!(app.credits(), 0);
    assert_eq!(app.search(&request).await.field("price"), "0.12050000");
    app.finish().await;
}

#[tokio::test]
async fn an_sms_that_was_never_sent_in_time_fails_and_costs_nothing() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[("workflow_id", "6")]).await;
    app.advance(239);
    assert_eq!(app.status(&request).await, "IN PROGRESS");
    app.pass_while_down(1).await;
    assert_eq!(app.status(&request).await, "FAILED");
    assert_eq!(app.credits(), 1205);
    assert_snapshot!(app.value::<String>("select reason from verification"), @"it could not be handed over in time");
    app.modem("sim1", "register 1").await;
    app.ready("sim1").await;
    app.at_rest().await;
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}
