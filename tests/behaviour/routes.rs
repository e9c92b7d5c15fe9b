//! Whether a request has a route at all, and how several modems share the work.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, quick_modem, spawn_app, spawn_app_at_once};

#[tokio::test]
async fn without_any_modem_a_request_is_refused_at_once() {
    let app = spawn_app(Options::without_modem().credits(1205)).await;
    assert_snapshot!(app.request(NUMBER, &[]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: no route is configured for this number"}"#);
    assert_snapshot!(app.post("/verify", &[("number", NUMBER), ("brand", "Acme")]).await, @r#"HTTP 503 {"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: no route is configured for this number"}"#);
    assert_eq!(app.credits(), 1205);
    assert_eq!(app.lines("select * from verification"), Vec::<String>::new());
    app.finish().await;
}

#[tokio::test]
async fn workflows_of_calls_alone_are_refused_without_a_voice_modem() {
    let app = spawn_app(Options::one_modem()).await;
    for workflow in ["3", "7"] {
        let reply = app.request(NUMBER, &[("workflow_id", workflow)]).await;
        assert_eq!((reply.http, reply.field("status")), (200, "6".to_owned()), "workflow {workflow}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_modem_that_is_down_may_return_within_the_send_time_out_and_not_later() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "unplug 3600").await;
    app.down("sim1").await;
    app.advance(240);
    app.start(NUMBER, &[]).await;
    app.advance(1);
    assert_snapshot!(app.request("447700900124", &[]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: every route to this number is down"}"#);
    let portal = [("number", "447700900124"), ("brand", "Acme")];
    assert_eq!(app.post("/verify", &portal).await.http, 503);
    app.modem("sim1", "unplug 0").await;
    app.phone.sms().await;
    app.start("447700900124", &[]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_modem_that_is_absent_at_the_start_does_not_keep_the_daemon_from_starting() {
    let mut app = spawn_app_at_once(Options::one_modem()).await;
    app.modem("sim1", "unplug 3600").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[]).await;
    app.modem("sim1", "unplug 0").await;
    let sms = app.phone.sms().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_queue_that_cannot_be_sent_in_time_is_not_made_longer() {
    let app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    for index in 0..61 {
        app.start(&format!("4477009002{index:02}"), &[]).await;
    }
    assert_snapshot!(app.request(NUMBER, &[]).await, @r#"{"request_id":"","status":"6","error_text":"The Nexmo platform was unable to process this message for the following reason: the queue to this number is too long"}"#);
    app.finish().await;
}

#[tokio::test]
async fn two_modems_share_a_burst_and_each_message_goes_out_once() {
    let slow = || quick_modem().with("submit-latency", "40ms");
    let mut app = spawn_app(Options::without_modem().modem("sim1", slow()).modem("sim2", slow())).await;
    let numbers: Vec<_> = (0..20).map(|index| format!("4477009001{index:02}")).collect();
    for number in &numbers {
        app.start(number, &[]).await;
    }
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let mut received = vec![];
    for _ in &numbers {
        let sms = app.phone.sms().await;
        *sent.entry(sms.modem).or_default() += 1;
        received.push(sms.number.trim_start_matches('+').to_owned());
    }
    app.at_rest().await;
    received.sort();
    assert_eq!(received, numbers);
    assert_eq!(app.phone.unread(), 0);
    assert!(sent.len() == 2 && sent.values().all(|count| *count >= 5), "{sent:?}");
    app.finish().await;
}
