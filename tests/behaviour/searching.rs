//! Search.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, spawn_app};

#[tokio::test]
async fn a_search_tells_everything_about_a_verification() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("sender_id", "Acme"), ("workflow_id", "4")]).await;
    let sms = app.phone.sms().await;
    app.pass(10).await;
    let wrong = sms.wrong_code();
    app.post("/verify/check/json", &[("request_id", &request), ("code", &wrong), ("ip_address", "192.0.2.7")]).await;
    let key = app.account.key.clone();
    let shown = |reply: String| reply.replace(&key, "<key>");
    assert_snapshot!(shown(app.search(&request).await.to_string()), @r#"{"request_id":"<request>","account_id":"<key>","status":"IN PROGRESS","number":"447700900123","price":"0.12050000","currency":"USD","sender_id":"Acme","date_submitted":"2026-03-01 12:00:00","date_finalized":"","first_event_date":"2026-03-01 12:00:00","last_event_date":"2026-03-01 12:00:00","checks":[{"date_received":"2026-03-01 12:00:10","code":"****","status":"INVALID","ip_address":"192.0.2.7"}],"events":[{"type":"sms","id":"<event>"}],"estimated_price_messages_sent":"0.00000000"}"#);
    app.pass(110).await;
    app.phone.sms().await;
    app.pass(3).await;
    app.check(&request, sms.pin()).await;
    assert_snapshot!(shown(app.search(&request).await.to_string()), @r#"{"request_id":"<request>","account_id":"<key>","status":"SUCCESS","number":"447700900123","price":"0.12050000","currency":"USD","sender_id":"Acme","date_submitted":"2026-03-01 12:00:00","date_finalized":"2026-03-01 12:02:03","first_event_date":"2026-03-01 12:00:00","last_event_date":"2026-03-01 12:02:00","checks":[{"date_received":"2026-03-01 12:00:10","code":"****","status":"INVALID","ip_address":"192.0.2.7"},{"date_received":"2026-03-01 12:02:03","code":"****","status":"VALID","ip_address":""}],"events":[{"type":"sms","id":"<event>"},{"type":"sms","id":"<event>"}],"estimated_price_messages_sent":"0.00000000"}"#);
    app.finish().await;
}

#[tokio::test]
async fn a_search_takes_up_to_ten_ids() {
    let app = spawn_app(Options::one_modem()).await;
    let mut requests = vec![];
    for number in ["447700900101", "447700900102"] {
        requests.push(app.start(number, &[]).await);
    }
    app.at_rest().await;
    let ids = |count: usize| -> Vec<(&str, &str)> {
        let absent = "00000000000000000000000000000000";
        let known = requests.iter().map(String::as_str).chain(std::iter::repeat(absent));
        known.take(count).map(|id| ("request_ids", id)).collect()
    };
    let several = app.post("/verify/search/json", &ids(10)).await.json();
    let found: Vec<_> = several["verification_requests"].as_array().expect("a list").iter().collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["request_id"], requests[0].as_str());
    assert_eq!(found[1]["number"], "447700900102");
    assert_snapshot!(app.post("/verify/search/json", &ids(11)).await, @r#"{"request_id":"","status":"18","error_text":"Too many request_ids provided"}"#);
    assert_snapshot!(app.post("/verify/search", &ids(11)).await, @r#"HTTP 400 {"request_id":"","status":"18","error_text":"Too many request_ids provided"}"#);
    assert_snapshot!(app.search("00000000000000000000000000000000").await, @r#"{"request_id":"","status":"101","error_text":"No request found"}"#);
    assert_snapshot!(app.post("/verify/search/json", &[]).await, @r#"{"request_id":"","status":"2","error_text":"Your request is incomplete and missing the mandatory parameter: request_id"}"#);
    let both: Vec<_> = ids(11).into_iter().chain([("request_id", requests[1].as_str())]).collect();
    assert_eq!(app.post("/verify/search/json", &both).await.field("request_id"), requests[1]);
    app.finish().await;
}
