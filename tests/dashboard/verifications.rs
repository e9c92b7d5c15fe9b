//! Looking for a verification as a person does it.

use serde_json::json;

use crate::harness::{NUMBER, Options};
use crate::{browse, with_admin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_is_found_looked_at_and_moved_on_and_the_page_follows() {
    let mut app = with_admin(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    let what = json!({ "number": "+44 7700 900 123", "digits": format!("+{NUMBER}"), "request": request });
    let seen = browse(&app, "verifications.cjs", &what).await;
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    app.phone.sms().await;
    assert_eq!(app.events(&request).await, ["sms", "sms"]);
    app.finish().await;
}
