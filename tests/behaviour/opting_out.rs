//! People who ask to be left alone.

use crate::harness::{NUMBER, Options, TestApp, spawn_app};

async fn write(app: &TestApp, text: &str) {
    let before = app.inbox().await.len();
    app.incoming("sim1", &format!("+{NUMBER}"), text).await;
    app.inbox_of(before + 1).await;
}

#[tokio::test]
async fn stop_blocks_its_sender_and_start_takes_that_back() {
    let app = spawn_app(Options::one_modem()).await;
    for (stop, start) in
        [("STOP", "START"), ("Stopp!", "anmelden"), ("СТОП", "старт"), ("停止", "开始"), ("arrêt", "Début")]
    {
        write(&app, stop).await;
        assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7", "{stop}");
        write(&app, start).await;
        let reply = app.request(NUMBER, &[("workflow_id", "6")]).await;
        assert_eq!(reply.field("status"), "0", "{start}");
        app.at_rest().await;
        app.advance(31);
        assert_eq!(app.control(&reply.field("request_id"), "cancel").await.field("status"), "0");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_longer_message_blocks_nobody() {
    let app = spawn_app(Options::one_modem()).await;
    write(&app, "please stop").await;
    write(&app, "STOP 4711").await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn an_operators_entry_stays_whatever_its_number_writes() {
    let app = spawn_app(Options::one_modem()).await;
    app.block(NUMBER).await;
    write(&app, "STOP").await;
    write(&app, "START").await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7");
    assert_eq!(app.lines("select origin from blocklist"), ["operator"]);
    app.finish().await;
}

#[tokio::test]
async fn an_opt_out_that_the_operator_adds_too_is_the_operators() {
    let app = spawn_app(Options::one_modem()).await;
    write(&app, "STOP").await;
    assert_eq!(app.lines("select origin from blocklist"), ["opt_out"]);
    app.block(NUMBER).await;
    write(&app, "START").await;
    assert_eq!(app.lines("select origin from blocklist"), ["operator"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_queued_for_a_number_is_not_sent_once_it_is_blocked() {
    let mut app = spawn_app(Options::one_modem().credits(1205)).await;
    app.modem("sim1", "fault cms 42").await;
    let request = app.start(NUMBER, &[("workflow_id", "6")]).await;
    app.at_rest().await;
    write(&app, "STOP").await;
    app.pass(2).await;
    assert_eq!(app.phone.unread(), 0);
    assert_eq!(app.status(&request).await, "FAILED");
    assert_eq!(app.credits(), 1205, "nothing was sent, nothing is paid");
    let attempts = app.lines("select state, reason from attempt order by attempt_id");
    assert_eq!(attempts[1], "final its number is on the blocklist");
    app.finish().await;
}

#[tokio::test]
async fn no_further_event_of_a_running_verification_is_sent_but_its_pin_still_counts() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let sms = app.phone.sms().await;
    app.at_rest().await;
    write(&app, "STOP").await;
    app.pass(120).await;
    assert_eq!(app.phone.unread(), 0);
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn the_sandbox_number_that_answers_stop_is_blocked_from_then_on() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start("447700900010", &[("workflow_id", "6")]).await;
    let sms = app.phone.sms().await;
    app.inbox_of(1).await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.request("447700900010", &[]).await.field("status"), "7");
    app.finish().await;
}

#[tokio::test]
async fn a_switch_turns_it_off_and_further_words_are_the_operators() {
    let app = spawn_app(Options::one_modem().toml("inbox.opt_out = false")).await;
    write(&app, "STOP").await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "0");
    app.finish().await;
    let app = spawn_app(Options::one_modem().toml("inbox.opt_out_words = [\"Lass das\"]")).await;
    write(&app, "lass das!").await;
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7");
    app.finish().await;
}
