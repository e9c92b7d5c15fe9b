//! Providers and settings on the pages of the admin listener; and what holds for every form of them.

use std::path::Path;

use reqwest::{Method, StatusCode};

use crate::admin_accounts::logged_in;
use crate::harness::browser::Browser;
use crate::harness::{NUMBER, Options, eventually};
use crate::provider::{FakeProvider, reply};

#[tokio::test]
async fn the_settings_are_shown_with_their_layers_and_without_their_secrets() {
    let provider = FakeProvider::start().await;
    let keys =
        "secret = 'geheimes-wort'\ncallback_secret = 'noch-ein-geheimes-wort'\nheaders = { X = 'Bearer {{ secret }}' }";
    let toml = format!("server.public_url = \"https://sms.example.com\"\n{}", provider.table("backup", keys));
    let (app, mut browser) = logged_in(Options::without_modem().toml(&toml)).await;
    let page = browser.get(&app, "/settings").await.text;
    for part in [
        "<code>key_file</code>",
        "providers[0]",
        "simverify.toml",
        "The key file lies beside the database",
        "there, for its owner alone (mode 600)",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<code>patience_seconds</code>"), "nobody set it");
    let all = browser.get(&app, "/settings?all=yes").await.text;
    assert!(all.contains("<code>patience_seconds</code>") && !all.contains("geheimes-wort"), "{all}");
    let providers = browser.get(&app, "/providers").await.text;
    assert!(providers.contains("https://sms.example.com/callbacks/backup"), "{providers}");
    for path in ["/settings", "/providers", "/"] {
        assert!(!browser.get(&app, path).await.text.contains("geheimes-wort"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_reload_shows_on_the_page_of_the_settings() {
    let (mut app, mut browser) = logged_in(Options::one_modem()).await;
    app.set_keys("sim1", "sms_per_day = 77");
    app.advance(60);
    app.reload().expect("a configuration");
    let page = browser.get(&app, "/settings").await.text;
    assert!(page.contains("<code>77</code>") && page.contains("2026-03-01 12:01:00"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_is_shown_with_what_it_refused_what_is_left_and_why_it_waits() {
    let provider = FakeProvider::start().await;
    let keys = "sms_per_day = 4\nsms_price = '0.05'";
    let (app, mut browser) = logged_in(Options::without_modem().toml(&provider.table("backup", keys))).await;
    app.start(NUMBER, &[("workflow_id", "6")]).await;
    app.at_rest().await;
    provider.acts(vec![reply(500, "", "{}"); 3]);
    for index in 4..7 {
        app.start(&format!("44770090012{index}"), &[("workflow_id", "6")]).await;
    }
    eventually("its breaker opens", || (!app.is_ready("backup")).then_some(())).await;
    let page = browser.get(&app, "/providers").await.text;
    for part in
        ["failing", "Its breaker is open", "It is tried again at", "3 × refused for now", "in 24 hours", "0.05 USD"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    app.finish().await;
}

/// Every place in the source that takes a form.
fn forms() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin");
    let mut forms = vec![];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a source file");
        for part in text.split("acts(\"").skip(1) {
            let (path, _) = part.split_once('"').expect("the end of a path");
            let path = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
            forms.push(path.collect::<Vec<_>>().join("/"));
        }
    }
    forms
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_or_without_a_login() {
    let (app, mut browser) = logged_in(Options::without_modem()).await;
    let forms = forms();
    assert!(forms.len() > 15, "{forms:?}");
    for path in forms.iter().filter(|path| *path != "/login") {
        for form in [&[][..], &[("form_token", "x")], &[("sure", "yes")]] {
            let page = browser.go(&app, Method::POST, path, form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {}", page.text);
        }
        let page = Browser::default().go(&app, Method::POST, path, &[("sure", "yes")]).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/login"), "{path}");
    }
    assert!(browser.is_logged_in(&app).await);
    app.finish().await;
}
