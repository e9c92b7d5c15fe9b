//! What is served under `/docs/`.

use insta::assert_snapshot;
use reqwest::Method;

use crate::harness::{Options, TestApp, spawn_app};

/// Status, the headers that matter, and the length of the body.
async fn head_of(app: &TestApp, method: Method, path: &str) -> String {
    // The client is built with TLS and without a choice of cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let response = client.expect("a client").request(method, app.url(path)).send().await.expect("a reply");
    let mut text = response.status().to_string();
    for name in [
        "content-type",
        "location",
        "allow",
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
        "cache-control",
    ] {
        if let Some(value) = response.headers().get(name) {
            text += &format!("\n{name}: {}", value.to_str().expect("ASCII"));
        }
    }
    let announced = response.headers().get("content-length").is_some_and(|length| length != "0");
    let body = response.bytes().await.expect("a body");
    text + &format!("\nbody: {} announced, {} sent", if announced { "one" } else { "none" }, body.len().min(1))
}

#[tokio::test]
async fn a_page_of_ours_may_load_nothing_from_elsewhere() {
    let app = spawn_app(Options::without_modem()).await;
    assert_snapshot!(head_of(&app, Method::GET, "/docs/").await, @"
    200 OK
    content-type: text/html; charset=utf-8
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    x-content-type-options: nosniff
    referrer-policy: no-referrer
    cache-control: no-cache
    body: one announced, 1 sent
    ");
    assert_snapshot!(head_of(&app, Method::HEAD, "/docs/").await, @"
    200 OK
    content-type: text/html; charset=utf-8
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    x-content-type-options: nosniff
    referrer-policy: no-referrer
    cache-control: no-cache
    body: one announced, 0 sent
    ");
    assert_snapshot!(head_of(&app, Method::GET, "/docs").await, @"
    302 Found
    location: /docs/
    body: none announced, 0 sent
    ");
    assert_snapshot!(head_of(&app, Method::HEAD, "/docs/openapi.json").await, @"
    200 OK
    content-type: application/json
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    x-content-type-options: nosniff
    referrer-policy: no-referrer
    cache-control: no-cache
    body: one announced, 0 sent
    ");
    assert_snapshot!(head_of(&app, Method::POST, "/docs/").await, @"
    405 Method Not Allowed
    allow: GET, HEAD
    body: none announced, 0 sent
    ");
    for path in ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/page.js", "/docs/swagger-ui-license.txt"]
    {
        let head = head_of(&app, Method::GET, path).await;
        assert!(head.starts_with("200 OK") && head.contains("default-src 'none'"), "{path}: {head}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_printed() {
    let app = spawn_app(Options::without_modem()).await;
    let served = app.http().get(app.url("/docs/openapi.json")).send().await.expect("a reply");
    let served: serde_json::Value = served.json().await.expect("JSON");
    let printed =
        std::process::Command::new(env!("CARGO_BIN_EXE_simverify")).arg("openapi").output().expect("the program");
    assert_eq!(served, serde_json::from_slice::<serde_json::Value>(&printed.stdout).expect("JSON"));
    app.finish().await;
}
