//! Delivery reports: what they say, and the ways in which they come.

use crate::harness::{NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};

/// A report of the first message that the modem sent, to 447700900123.
fn report(status: u8) -> String {
    format!("0006010C91447700091032{time}{time}{status:02X}", time = "62301021000000")
}

fn without_reports() -> Options {
    Options::without_modem().modem("sim1", quick_modem().with("reports", "off"))
}

async fn reported(app: &TestApp, report: &str) {
    let count = format!("select count(*) from attempt where report = '{report}'");
    eventually("the report", || (app.value::<i64>(&count) == 1).then_some(())).await;
}

/// Nothing is recorded by what came so far: a message behind it is kept.
async fn nothing_reported(app: &TestApp) {
    let messages = app.inbox().await.len();
    app.incoming("sim1", "+447700900321", &format!("marker {messages}")).await;
    app.inbox_of(messages + 1).await;
    assert_eq!(app.value::<i64>("select count(*) from attempt where report is not null"), 0);
}

#[tokio::test]
async fn a_report_that_the_centre_keeps_trying_changes_nothing_until_the_final_one() {
    for direct in ["off", "on"] {
        for (last, recorded) in [(0x00, "delivered"), (0x02, "delivered"), (0x46, "undelivered"), (0x65, "undelivered")]
        {
            let settings = quick_modem().with("reports", "off").with("direct-only", direct);
            let mut app = spawn_app(Options::without_modem().modem("sim1", settings)).await;
            app.start(NUMBER, &[("workflow_id", "6")]).await;
            app.phone.sms().await;
            app.at_rest().await;
            app.incoming_pdus("sim1", &[&report(0x20), &report(0x25), &report(0x30)]).await;
            nothing_reported(&app).await;
            app.incoming_pdus("sim1", &[&report(last)]).await;
            reported(&app, recorded).await;
            app.finish().await;
        }
    }
}

#[tokio::test]
async fn a_report_that_came_while_the_daemon_was_down_is_used_at_its_start() {
    for direct in ["off", "on"] {
        let settings = quick_modem().with("reports", "off").with("direct-only", direct);
        let mut app = spawn_app(Options::without_modem().modem("sim1", settings)).await;
        app.start(NUMBER, &[("workflow_id", "6")]).await;
        app.phone.sms().await;
        app.at_rest().await;
        app.stop().await;
        app.incoming_pdus("sim1", &[&report(0x00)]).await;
        app.start_again().await;
        reported(&app, "delivered").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn a_report_that_comes_while_the_modem_starts_is_not_lost() {
    for direct in ["off", "on"] {
        let settings = quick_modem().with("reports", "off").with("direct-only", direct).with("latency", "20ms");
        let mut app = spawn_app(Options::without_modem().modem("sim1", settings)).await;
        app.start(NUMBER, &[("workflow_id", "6")]).await;
        app.phone.sms().await;
        app.at_rest().await;
        app.stop().await;
        app.start_again().await;
        app.incoming_pdus("sim1", &[&report(0x00)]).await;
        reported(&app, "delivered").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn a_report_that_comes_while_the_modem_is_blocked_is_not_lost() {
    let settings = quick_modem().with("reports", "off").with("direct-only", "on");
    let mut app = spawn_app(Options::without_modem().modem("sim1", settings)).await;
    app.start(NUMBER, &[("workflow_id", "6")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.modem("sim1", "fault cms 310").await;
    app.start("447700900124", &[("workflow_id", "6")]).await;
    app.down("sim1").await;
    app.incoming_pdus("sim1", &[&report(0x00)]).await;
    reported(&app, "delivered").await;
    app.finish().await;
}

#[tokio::test]
async fn a_report_for_nobody_is_taken_off_the_storage_and_changes_nothing() {
    let app = spawn_app(without_reports().tapped()).await;
    app.incoming_pdus("sim1", &[&report(0x00)]).await;
    eventually("it is deleted", || app.wire().contains("AT+CMGD=1\r").then_some(())).await;
    assert_eq!(app.inbox().await.len(), 0, "a report is no message");
    app.finish().await;
}
