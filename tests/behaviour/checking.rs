//! Checks: wrong ones, right ones, many at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use insta::assert_snapshot;
use tokio::task::JoinSet;

use crate::harness::{NUMBER, Options, TestApp, spawn_app};

#[tokio::test]
async fn the_third_wrong_code_ends_the_verification() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    let wrong = sms.wrong_code();
    assert_snapshot!(app.check(&request, &wrong).await, @r#"{"request_id":"","status":"16","error_text":"The code inserted does not match the expected value"}"#);
    assert_snapshot!(app.check(&request, &wrong).await, @r#"{"request_id":"","status":"16","error_text":"The code inserted does not match the expected value"}"#);
    assert_snapshot!(app.check(&request, &wrong).await, @r#"{"request_id":"","status":"17","error_text":"The wrong code was provided too many times"}"#);
    assert_snapshot!(app.check(&request, sms.pin()).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    assert_eq!(app.status(&request).await, "FAILED");
    app.finish().await;
}

#[tokio::test]
async fn a_code_that_cannot_be_a_pin_is_refused_uncounted_and_one_of_a_wrong_length_is_counted() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    for code in ["12-4", "12 4", "١٢٣٤"] {
        assert_eq!(app.check(&request, code).await.field("error_text"), "Invalid value for parameter: code", "{code}");
    }
    assert_snapshot!(app.check(&request, "").await, @r#"{"request_id":"","status":"2","error_text":"Your request is incomplete and missing the mandatory parameter: code"}"#);
    assert_eq!(app.check(&request, "1").await.field("status"), "16");
    assert_eq!(app.check(&request, "12345678901").await.field("status"), "16");
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.value::<i64>("select count(*) from try"), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_pin_can_be_checked_while_its_sms_is_still_queued() {
    let app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[("pin_code", "7391")]).await;
    assert_eq!(app.check(&request, "7392").await.field("status"), "16");
    assert_snapshot!(app.check(&request, "7391").await, @r#"{"request_id":"<request>","status":"0","event_id":"<event>","price":"0.00000000","currency":"USD","estimated_price_messages_sent":"0.00000000"}"#);
    assert_eq!(app.lines("select state, route from attempt"), ["withdrawn -"]);
    app.finish().await;
}

#[tokio::test]
async fn another_accounts_request_is_not_found() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    let other = app.add_account("other", None).await;
    assert_snapshot!(app.post_as(&other, "/verify/check/json", &[("request_id", &request), ("code", sms.pin())]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    assert_snapshot!(app.post_as(&other, "/verify/search/json", &[("request_id", &request)]).await, @r#"{"request_id":"","status":"101","error_text":"No request found"}"#);
    assert_snapshot!(app.post_as(&other, "/verify/control/json", &[("request_id", &request), ("cmd", "trigger_next_event")]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: Request '<request>' was not found or it has been verified already."}"#);
    assert_eq!(app.value::<i64>("select count(*) from try"), 0);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

/// The statuses of `count` checks with one code at once, counted; and the application again.
async fn at_once(app: TestApp, request: &str, code: &str, count: usize) -> (BTreeMap<String, usize>, TestApp) {
    let app = Arc::new(app);
    let mut checks = JoinSet::new();
    for _ in 0..count {
        let (app, request, code) = (Arc::clone(&app), request.to_owned(), code.to_owned());
        checks.spawn(async move { app.check(&request, &code).await.field("status") });
    }
    let mut statuses = BTreeMap::new();
    while let Some(status) = checks.join_next().await {
        *statuses.entry(status.expect("a status")).or_default() += 1;
    }
    (statuses, Arc::into_inner(app).expect("all checks are done"))
}

#[tokio::test]
async fn hundreds_of_wrong_checks_at_once_get_three_comparisons() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let wrong = app.phone.sms().await.wrong_code();
    let (statuses, app) = at_once(app, &request, &wrong, 300).await;
    assert_eq!(format!("{statuses:?}"), r#"{"16": 2, "17": 1, "6": 297}"#);
    app.finish().await;
}

#[tokio::test]
async fn of_hundreds_of_right_checks_at_once_one_is_right() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    let (statuses, app) = at_once(app, &request, sms.pin(), 300).await;
    assert_eq!(format!("{statuses:?}"), r#"{"0": 1, "6": 299}"#);
    assert_eq!(app.value::<i64>("select count(*) from try"), 1);
    app.finish().await;
}

#[tokio::test]
async fn no_pin_is_left_in_the_row_of_a_verification_that_has_ended() {
    let mut app = spawn_app(Options::one_modem()).await;
    let pins = "select state, pin_hash is null, pin_sealed is null from verification order by verification_id";
    let right = app.start("447700900101", &[]).await;
    let sms = app.phone.sms().await;
    let failed = app.start("447700900102", &[]).await;
    let wrong = app.phone.sms().await.wrong_code();
    app.start("447700900103", &[("workflow_id", "6")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines(pins), ["waiting 0 0", "waiting 0 0", "waiting 0 1"], "workflow 6 sends its PIN once");
    app.check(&right, sms.pin()).await;
    for _ in 0..3 {
        app.check(&failed, &wrong).await;
    }
    app.pass(300).await;
    assert_eq!(app.lines(pins), ["success 1 1", "failed 1 1", "expired 1 1"]);
    app.finish().await;
}
