//! Every page, for everybody.

use serde_json::json;

use crate::harness::Options;
use crate::{browse, with_admin};

/// The pages that the navigation leads to, and what is behind them.
const PAGES: [&str; 1] = ["/"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_of_use_to_everybody() {
    let app = with_admin(Options::one_modem()).await;
    for number in ["447700900123", "447700900124", "447700900125"] {
        app.start(number, &[]).await;
    }
    app.at_rest().await;
    let seen = browse(&app, "pages.cjs", &json!({ "pages": PAGES })).await;
    // What axe finds against WCAG 2.2 A and AA, pages wider than their screen, and what has no effect without a script.
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    assert_eq!(seen["pages"], json!(3 * PAGES.len()), "{seen:#}");
    app.finish().await;
}
