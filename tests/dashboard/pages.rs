//! Every page, for everybody.

use serde_json::json;
use simverify::app::WebhookChange;

use crate::harness::{Options, TestApp};
use crate::{browse, with_admin};

/// The pages that the navigation leads to, and what is behind them.
const PAGES: [&str; 8] = [
    "/",
    "/verifications",
    "/verifications?state=failed&country=GB",
    "/modems",
    "/modems/sim1",
    "/modems/sim1/trace",
    "/webhooks",
    "/phone",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_of_use_to_everybody() {
    let budget = "sms_per_day = 9\nspend_per_month = \"12.50\"\nsms_price = \"0.09\"";
    let mut app = with_admin(Options::one_modem().keys("sim1", budget)).await;
    // Nothing is ever sent there.
    app.set_webhook(&app.account, "https://10.0.0.1/", WebhookChange::default()).await;
    let requests = past(&mut app).await;
    app.damage("update webhook_event set state = 'dead', settled_at = 1 where type = 'verification.started'");
    let details = requests.iter().map(|request| format!("/verifications/{request}"));
    let pages: Vec<_> = PAGES.iter().map(|page| (*page).to_owned()).chain(details).collect();
    let seen = browse(&app, "pages.cjs", &json!({ "pages": pages })).await;
    // What axe finds against WCAG 2.2 A and AA, pages wider than their screen, and what has no effect without a script.
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    assert_eq!(seen["pages"], json!(3 * pages.len()), "{seen:#}");
    app.finish().await;
}

/// Verifications that went in different ways; gives those of which the pages are looked at.
async fn past(app: &mut TestApp) -> [String; 3] {
    let verified = app.start("447700900123", &[]).await;
    let sms = app.phone.sms().await;
    app.pass(12).await;
    assert_eq!(app.check(&verified, sms.pin()).await.field("status"), "0");
    app.pass(600).await;
    let unobtainable = app.start("447700900007", &[("workflow_id", "6")]).await;
    app.at_rest().await;
    let unreported = app.start("447700900003", &[("workflow_id", "4")]).await;
    app.at_rest().await;
    for number in ["447700900124", "447700900125", "491511234567"] {
        app.start(number, &[("workflow_id", "6")]).await;
        app.phone.sms().await;
    }
    app.pass(90).await;
    [verified, unobtainable, unreported]
}
