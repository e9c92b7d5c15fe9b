//! What an operator looks after: accounts, protection, the inbox, providers and settings, with something on each page.

use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::{NUMBER, Options, eventually};
use crate::{NAME, PASSWORD, browse, with_admin};

const TOML: &str = "limits.mode = \"block\"
limits.per_number = [\"1/h\"]
limits.per_prefix = []
breaker.mode = \"block\"
breaker.block_sends = 5
breaker.sequence = 0
server.public_url = \"https://sms.example.com\"
[[providers]]
name = \"backup\"
url = \"http://127.0.0.1:9/send\"
body = '{\"to\": {{ number | json }}, \"text\": {{ text | json }}}'
secret = \"geheimes-wort\"
callback_secret = \"noch-ein-geheimes-wort\"
channels = [\"voice\"]
calls_per_day = 10
call_price = \"0.05\"
voice = { url = \"http://127.0.0.1:9/call\", body = '{\"to\": {{ number | json }}, \"say\": {{ spoken | json }}}' }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_with_something_on_it_is_of_use_to_everybody() {
    let app = with_admin(Options::one_modem().toml(TOML)).await;
    let mut browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    let shop = [("name", "Corner shop"), ("key", "corner-shop"), ("credits", "120500"), ("rate", "5")];
    browser.submit(&app, "/accounts", "/accounts", &shop).await;
    browser.submit(&app, "/accounts", "/accounts/corner-shop/bar", &[]).await;
    for entry in ["+447700900199", "+44909*"] {
        browser.submit(&app, "/protection/blocklist", "/protection/blocklist", &[("entry", entry)]).await;
    }
    for (sender, text) in
        [("+447700900177", "STOP"), ("Bank", "Your parcel: it waits for you at the corner shop until Friday.")]
    {
        let before = app.inbox().await.len();
        app.incoming("sim1", sender, text).await;
        app.inbox_of(before + 1).await;
    }
    let message = app.inbox().await.last().expect("a message").number;
    for index in 0..5 {
        app.start(&format!("44770090012{index}"), &[("workflow_id", "6")]).await;
    }
    app.at_rest().await;
    app.advance(600);
    app.at_rest().await;
    for number in ["447700900120", "447700900128"] {
        app.request(number, &[]).await;
    }
    for number in ["4915112345678", "4915112345679", "4915112345670"] {
        app.start(number, &[("workflow_id", "7")]).await;
    }
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7");
    eventually("the provider fails", || (!app.is_ready("backup")).then_some(())).await;
    let one = format!("/inbox/{message}");
    let pages = [
        "/accounts",
        "/accounts/corner-shop",
        "/protection",
        "/protection/verdicts",
        "/protection/blocklist",
        "/inbox",
        &one,
        "/providers",
        "/settings",
        "/own-login",
    ];
    let seen = browse(&app, "pages.cjs", &json!({ "pages": pages })).await;
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    let seen = browse(&app, "office.cjs", &json!({})).await;
    assert_eq!(seen["troubles"], json!([]), "{seen:#}");
    let said = "Added 1\u{202f}205 credits: the account has 1\u{202f}205 credits (0.1205 USD).";
    assert_eq!(seen["seen"], json!({ "desktop": said, "phone": said }));
    app.finish().await;
}
