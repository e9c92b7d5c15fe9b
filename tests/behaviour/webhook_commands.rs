//! `simverify account webhook` and `simverify webhook`, beside a running daemon.

use insta::assert_snapshot;
use simverify::app::WebhookChange;

use crate::harness::browser::Browser;
use crate::harness::{NUMBER, Options, TestApp, eventually, spawn_app};
use crate::provider::{FakeProvider, reply};

const ALLOWED: &str = "webhooks.allow_networks = ['127.0.0.0/8']";

async fn told(app: &TestApp, receiver: &FakeProvider, arguments: &[&str]) -> String {
    let mut text = app.command(arguments).await.replace(&app.account.key, "KEY");
    text = text.replace(&receiver.port().to_string(), "PORT");
    for id in app.lines("select lower(hex(request_id)) from verification") {
        text = text.replace(&id, "REQUEST");
    }
    for (pattern, name) in [
        (r"whsec_[A-Za-z0-9+/=]+", "SECRET"),
        (r"msg_[0-9a-f]{32}", "MESSAGE"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "DATE"),
        (" +\n", "\n"),
    ] {
        text = regex::Regex::new(pattern).expect("a pattern").replace_all(&text, name).into_owned();
    }
    text
}

/// What the doctor says of webhooks.
async fn diagnosis(app: &TestApp, receiver: &FakeProvider) -> String {
    let page = told(app, receiver, &["doctor"]).await;
    page.lines().filter(|line| line.contains("  webhooks ")).collect()
}

#[tokio::test]
async fn a_webhook_is_set_shown_tried_and_removed() {
    let receiver = FakeProvider::start().await;
    let app = spawn_app(Options::without_modem().toml(ALLOWED)).await;
    let key = app.account.key.clone();
    let url = receiver.url("/hook?token=x");
    let webhook = |command| vec!["account", "webhook", command, &key];
    assert_snapshot!(told(&app, &receiver, &webhook("show")).await, @"
    exit 65
    simverify: account KEY has no webhook: `simverify account webhook set KEY URL` makes one
    ");
    assert_eq!(diagnosis(&app, &receiver).await, "", "there is none");
    assert_snapshot!(told(&app, &receiver, &["account", "webhook", "set", &key, "http://10.0.0.1/"]).await, @"
    exit 78
    simverify: 10.0.0.1 is a private address, and webhooks.allow_networks does not name it
    ");
    assert_snapshot!(told(&app, &receiver, &["account", "webhook", "set", &key, "ftp://example.com/"]).await, @"
    exit 64
    error: invalid value 'ftp://example.com/' for '[URL]': must be https://HOST/PATH or http://HOST/PATH, at most 2000 characters, port 80, 443 or from 1024 up, without name, password and fragment

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&app, &receiver, &["account", "webhook", "set", &key, &url]).await, @"
    exit 0
    account        KEY
    url            http://127.0.0.1:PORT/hook?token=x
    state          active
    events         all
    numbers        masked
    pending        0
    dead           0
    last delivery  never
    secret         SECRET
    The secret is not shown again.
    ");
    assert_snapshot!(told(&app, &receiver, &["account", "webhook", "set", &key, "--events", "sent,verified", "--whole-numbers", "true"]).await, @"
    exit 0
    account        KEY
    url            http://127.0.0.1:PORT/hook?token=x
    state          active
    events         verification.sent, verification.verified
    numbers        whole
    pending        0
    dead           0
    last delivery  never
    ");
    assert_snapshot!(diagnosis(&app, &receiver).await, @"ok    webhooks       accounts: 1, events pending: 0");
    assert_snapshot!(told(&app, &receiver, &webhook("test")).await, @r#"
    exit 0
    webhook.test MESSAGE was sent to http://127.0.0.1:PORT: HTTP status 200
    {"id": "SM1"}
    "#);
    receiver.acts([reply(500, "", "out of order\x1b[2J")]);
    assert_snapshot!(told(&app, &receiver, &webhook("test")).await, @"
    exit 69
    webhook.test MESSAGE was sent to http://127.0.0.1:PORT: HTTP status 500
    out of order [2J
    simverify: the receiver did not take it: HTTP status 500
    ");
    assert_snapshot!(told(&app, &receiver, &webhook("rotate-secret")).await, @"
    exit 0
    secret  SECRET
    The secret is not shown again. The one before it signs too for 24 h.
    ");
    let shown = told(&app, &receiver, &["account", "webhook", "show", &key, "--json"]).await;
    assert_snapshot!(shown, @r#"
    exit 0
    {
      "api_key": "KEY",
      "created": "DATE",
      "dead": 0,
      "disabled_since": null,
      "events": [
        "verification.sent",
        "verification.verified"
      ],
      "failing_since": null,
      "failure": null,
      "held_until": null,
      "last_delivery": null,
      "old_secret_until": "DATE",
      "oldest_pending": null,
      "pending": 0,
      "url": "http://127.0.0.1:PORT/hook?token=x",
      "whole_numbers": true
    }
    "#);
    assert_snapshot!(told(&app, &receiver, &webhook("remove")).await, @"
    exit 0
    the webhook of account KEY is removed, and its events: 0 that were still to be sent, 0 given up
    ");
    app.finish().await;
}

#[tokio::test]
async fn events_are_listed_shown_and_sent_again() {
    let receiver = FakeProvider::start().await;
    let kept = "storage.retention_days = 36500\nwebhooks.dead_retention_days = 36500";
    let app = spawn_app(Options::one_modem().toml(&format!("{ALLOWED}\n{kept}"))).await;
    let set =
        app.command(&["account", "webhook", "set", &app.account.key, &receiver.url("/"), "--events", "started"]).await;
    assert!(set.starts_with("exit 0"), "{set}");
    receiver.acts([reply(410, "", "")]);
    app.start(NUMBER, &[("workflow_id", "6")]).await;
    let dead = "select count(*) from webhook_event where state = 'dead'";
    eventually("it is given up", || (app.value::<i64>(dead) == 1).then_some(())).await;
    assert_snapshot!(told(&app, &receiver, &["webhook", "list", "--dead"]).await, @"
    exit 0
    ID  ACCOUNT   REQUEST                           NO  TYPE                  HAPPENED                  STATE  TRIES  NEXT  LAST FAILURE
    1   KEY  REQUEST  1   verification.started  DATE  dead   1      -     HTTP status 410: the receiver wants nothing any more
    ");
    assert_snapshot!(diagnosis(&app, &receiver).await, @"warn  webhooks       turned off, as the receiver answered 410: KEY; `simverify account webhook set` turns one on; events given up: 1; see `simverify webhook list --dead`");
    assert_snapshot!(told(&app, &receiver, &["webhook", "list", "--pending", "--json"]).await, @"
    exit 0
    []
    ");
    assert_snapshot!(told(&app, &receiver, &["webhook", "show", "1"]).await, @r#"
    exit 0
    account       KEY
    webhook-id    MESSAGE
    state         dead
    tries         1
    last try      DATE
    next try      -
    last failure  HTTP status 410: the receiver wants nothing any more
    settled       DATE
    {"type":"verification.started","timestamp":"DATE","data":{"request_id":"REQUEST","account_id":"KEY","sequence":1,"status":"IN PROGRESS","number":"+44…23","country":"GB","step":null,"reason_code":null,"reason":null,"price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"DATE","finalized_at":null}}
    "#);
    assert_snapshot!(told(&app, &receiver, &["account", "webhook", "show", &app.account.key]).await, @"
    exit 0
    account        KEY
    url            http://127.0.0.1:PORT/
    state          turned off since DATE: HTTP status 410: the receiver wants nothing any more
    events         verification.started
    numbers        masked
    pending        0
    dead           1
    last delivery  never
    ");
    assert_snapshot!(told(&app, &receiver, &["webhook", "show", "99"]).await, @"
    exit 65
    simverify: there is no event 99: see `simverify webhook list`
    ");
    let set = app.command(&["account", "webhook", "set", &app.account.key]).await;
    assert!(set.starts_with("exit 0"), "{set}");
    assert_snapshot!(told(&app, &receiver, &["webhook", "replay", "--all"]).await, @"
    exit 0
    events that are sent again: 1
    ");
    // The command goes by the machine's clock, which is years behind the daemon's from here on.
    app.advance(3650 * 86_400);
    eventually("it is delivered", || (app.value::<i64>(dead) == 0 && receiver.asked().len() == 2).then_some(())).await;
    let delivered = "select count(*) from webhook_event where state = 'delivered'";
    eventually("it is on record", || (app.value::<i64>(delivered) == 1).then_some(())).await;
    app.finish().await;
}

#[tokio::test]
async fn the_dashboard_shows_how_webhooks_do_and_sends_again_what_was_given_up() {
    let receiver = FakeProvider::start().await;
    let app = spawn_app(Options::one_modem().toml(ALLOWED).admin()).await;
    app.add_admin("alex", "correct horse battery").await;
    let mut browser = Browser::logged_in(&app, "alex", "correct horse battery").await;
    assert!(browser.get(&app, "/webhooks").await.text.contains("No account has a webhook."));
    receiver.acts([reply(410, "", "")]);
    let events = Some(vec!["started".parse().expect("an event")]);
    let url = receiver.url("/hook?token=geheim");
    app.set_webhook(&app.account, &url, WebhookChange { events, ..WebhookChange::default() }).await;
    app.start(NUMBER, &[("workflow_id", "6")]).await;
    let dead = "select count(*) from webhook_event where state = 'dead'";
    eventually("it is given up", || (app.value::<i64>(dead) == 1).then_some(())).await;
    let page = browser.get(&app, "/webhooks").await.text;
    for text in ["turned off", "HTTP status 410: the receiver wants nothing any more", "verification.started"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("geheim"), "a path may hold a token");
    let page = browser.get(&app, "/").await.text;
    for text in ["Webhooks are turned off", "1 event of a webhook was given up", "href=\"/webhooks\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    app.set_webhook(&app.account, &url, WebhookChange::default()).await;
    let key = app.account.key.clone();
    let page = browser.submit(&app, "/webhooks", "/webhooks/replay", &[("account", &key)]).await;
    assert!(page.text.contains("1 event is sent again."), "{}", page.text);
    let delivered = "select count(*) from webhook_event where state = 'delivered'";
    eventually("it is delivered", || (app.value::<i64>(delivered) == 1).then_some(())).await;
    app.damage("update webhook_event set state = 'dead'");
    let page = browser.submit(&app, "/webhooks", "/webhooks/replay", &[("event", "1")]).await;
    assert!(page.text.contains("1 event is sent again."), "{}", page.text);
    eventually("it is delivered again", || (app.value::<i64>(delivered) == 1).then_some(())).await;
    assert_eq!(receiver.asked().len(), 3);
    app.finish().await;
}
