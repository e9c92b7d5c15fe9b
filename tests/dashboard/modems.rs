//! A modem tried from its page.

use serde_json::json;

use crate::harness::Options;
use crate::{browse, with_admin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_modem_is_tried_by_keyboard_and_followed_without_a_reload() {
    let app = with_admin(Options::one_modem()).await;
    let what = json!({ "number": "+447700900123", "text": "Hello from the operator" });
    let seen = browse(&app, "modem.cjs", &what).await;
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    app.finish().await;
}
