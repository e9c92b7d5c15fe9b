//! What an account is and has of its own: secrets, signatures, rate, defaults. Each change holds at once.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use insta::assert_snapshot;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use simverify::verification::{SenderId, Workflow};

use crate::harness::{Account, NUMBER, Options, TestApp, spawn_app};

/// 2026-03-01 12:00:00 UTC, where the clock of every test stands.
const NOW: i64 = 1_772_366_400;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn keyed<M: Mac + KeyInit>(text: &str, secret: &str) -> String {
    let mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).expect("a key");
    hex(&mac.chain_update(text).finalize().into_bytes())
}

/// A request for a number, signed as the older clients do it.
fn signed(account: &Account, number: &str, timestamp: i64, method: &str) -> Vec<(String, String)> {
    let timestamp = timestamp.to_string();
    let mut pairs = vec![("api_key", account.key.as_str()), ("brand", "A&B=C"), ("number", number)];
    pairs.push(("timestamp", &timestamp));
    let text: String =
        pairs.iter().map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect();
    let secret = account.secret.as_str();
    let sig = match method {
        "md5" => hex(&Md5::new().chain_update(&text).chain_update(secret).finalize()),
        "hmac-md5" => keyed::<Hmac<Md5>>(&text, secret),
        "hmac-sha1" => keyed::<Hmac<Sha1>>(&text, secret),
        "hmac-sha256" => keyed::<Hmac<Sha256>>(&text, secret),
        "hmac-sha512" => keyed::<Hmac<Sha512>>(&text, secret),
        _ => unreachable!("{method}"),
    };
    let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    pairs.chain([("sig".to_owned(), sig)]).collect()
}

async fn status(app: &TestApp, pairs: &[(String, String)]) -> String {
    let form = app.send(app.http().post(app.url("/verify/json")).form(pairs)).await;
    form.field("status")
}

#[tokio::test]
async fn a_signed_request_needs_no_secret() {
    let app = spawn_app(Options::one_modem()).await;
    for (index, method) in ["md5", "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512"].into_iter().enumerate() {
        let number = format!("4477009001{index:02}");
        let query = signed(&app.account, &number, NOW, method);
        let reply = app.send(app.http().get(app.url("/verify/json")).query(&query)).await;
        assert_eq!(reply.field("status"), "0", "{method}");
    }
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_signature_that_is_wrong_or_old_is_refused_even_beside_the_secret() {
    let app = spawn_app(Options::one_modem()).await;
    let stale = signed(&app.account, NUMBER, NOW - 301, "md5");
    assert_eq!(status(&app, &stale).await, "4");
    let stranger = Account { key: app.account.key.clone(), secret: "another".to_owned() };
    let mut wrong = signed(&stranger, NUMBER, NOW, "hmac-sha256");
    assert_eq!(status(&app, &wrong).await, "4");
    wrong.push(("api_secret".to_owned(), app.account.secret.clone()));
    assert_eq!(status(&app, &wrong).await, "4");
    let unknown = Account { key: "nobody".to_owned(), secret: app.account.secret.clone() };
    assert_eq!(status(&app, &signed(&unknown, NUMBER, NOW, "md5")).await, "4");
    let mut changed = signed(&app.account, NUMBER, NOW, "md5");
    changed.push(("workflow_id".to_owned(), "6".to_owned()));
    assert_eq!(status(&app, &changed).await, "4");
    app.finish().await;
}

#[tokio::test]
async fn two_secrets_are_live_while_one_takes_the_others_place() {
    let app = spawn_app(Options::one_modem()).await;
    let search = [("request_id", "x")];
    let known = |reply: crate::harness::Reply| reply.field("status") == "101";
    let second = app.rotate_secret().await;
    for account in [&app.account, &second] {
        assert!(known(app.post_as(account, "/verify/search/json", &search).await));
    }
    let signed_with_old = signed(&app.account, "447700900101", NOW, "md5");
    assert_eq!(status(&app, &signed_with_old).await, "0");
    assert_eq!(status(&app, &signed(&second, "447700900102", NOW, "md5")).await, "0");
    let third = app.rotate_secret().await;
    assert!(!known(app.post_as(&app.account, "/verify/search/json", &search).await), "the first has ended");
    for account in [&second, &third] {
        assert!(known(app.post_as(account, "/verify/search/json", &search).await));
    }
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn an_account_may_have_a_rate_of_its_own() {
    let app = spawn_app(Options::one_modem()).await;
    app.set_account(|rate, _| *rate = Some(1)).await;
    let search = [("request_id", "x")];
    assert_eq!(app.post("/verify/search/json", &search).await.field("status"), "101");
    assert_snapshot!(app.post("/verify/search/json", &search).await, @r#"{"request_id":"","status":"1","error_text":"Throttled"}"#);
    app.set_account(|rate, _| *rate = None).await;
    for _ in 0..3 {
        assert_eq!(app.post("/verify/search/json", &search).await.field("status"), "101");
    }
    app.finish().await;
}

#[tokio::test]
async fn no_second_takes_more_requests_than_the_rate() {
    let app = spawn_app(Options::one_modem().rate(2)).await;
    let search = [("request_id", "x")];
    for _ in 0..2 {
        for status in ["101", "101", "1", "1"] {
            assert_eq!(app.post("/verify/search/json", &search).await.field("status"), status);
        }
        app.advance(1);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_a_request_leaves_open_the_account_fills_in() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.set_account(|_, defaults| {
        defaults.sender_id = SenderId::new("SHOP");
        defaults.workflow = Workflow::new(4);
    })
    .await;
    let request = app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    app.pass(120).await;
    app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.events(&request).await, ["sms", "sms"]);
    assert_eq!(app.search(&request).await.field("sender_id"), "SHOP");
    let request = app.start("447700900124", &[("workflow_id", "6"), ("sender_id", "OTHER")]).await;
    app.phone.sms().await;
    app.pass(125).await;
    assert_eq!(app.events(&request).await, ["sms"]);
    assert_eq!(app.search(&request).await.field("sender_id"), "OTHER");
    app.finish().await;
}

#[tokio::test]
async fn a_number_or_its_prefix_on_the_blocklist_is_not_verified() {
    let app = spawn_app(Options::one_modem().credits(5000)).await;
    app.block("+44 7700 900101").await;
    app.block("4479*").await;
    for number in ["447700900101", "447900900102"] {
        assert_eq!(app.request(number, &[]).await.field("status"), "7", "{number}");
    }
    let national = [("country", "GB")];
    assert_eq!(app.request("07700 900101", &national).await.field("status"), "7", "however it is written");
    assert_eq!(app.credits(), 5000);
    assert_eq!(app.request("447700900102", &[]).await.field("status"), "0");
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_payment_is_confirmed_with_its_payee_and_amount() {
    let mut app = spawn_app(Options::one_modem()).await;
    let form = [("number", NUMBER), ("payee", "Söhne & Co"), ("amount", "25.5"), ("pin_code", "471100")];
    let reply = app.post("/verify/psd2/json", &form).await;
    assert_snapshot!(reply, @r#"{"request_id":"<request>","status":"0"}"#);
    let sms = app.phone.sms().await;
    assert!(sms.text.starts_with("471100 ") && sms.text.contains("Söhne & Co"), "the payee is told");
    assert!(sms.text.contains("25.50"), "and the amount");
    assert_eq!(app.check(&reply.field("request_id"), "471100").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn the_last_line_lets_the_accounts_page_and_app_fill_in_the_pin() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.set_account(|_, defaults| defaults.autofill.domain = "shop.example".parse().ok()).await;
    app.start("447700900101", &[("pin_code", "471100")]).await;
    let sms = app.phone.sms().await;
    assert!(sms.text.starts_with("471100 "), "the PIN comes first");
    assert_eq!(sms.text.lines().last(), Some("@shop.example #471100"));
    app.set_account(|_, defaults| defaults.autofill.app_hash = "FA+9qCX9VSu".parse().ok()).await;
    app.start("447700900102", &[("pin_code", "471100")]).await;
    assert_eq!(app.phone.sms().await.text.lines().last(), Some("@shop.example #471100 FA+9qCX9VSu"));
    app.set_account(|_, defaults| defaults.autofill.domain = None).await;
    app.start("447700900103", &[("pin_code", "471100")]).await;
    assert_eq!(app.phone.sms().await.text.lines().last(), Some("FA+9qCX9VSu"));
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn an_accounts_language_comes_before_that_of_the_numbers_country() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.start("4915123456789", &[]).await;
    assert!(app.phone.sms().await.text.contains("Code"), "German");
    app.set_account(|_, defaults| defaults.language = "fr-fr".parse().ok()).await;
    app.start("4915123456780", &[]).await;
    let french = app.phone.sms().await.text;
    app.start("4915123456781", &[("lg", "en-us")]).await;
    assert_ne!(app.phone.sms().await.text.split_once(' '), french.split_once(' '));
    insta::assert_snapshot!(french.split_once(' ').expect("words").1, @"est votre code Acme. Ne le partagez avec personne.");
    app.at_rest().await;
    app.finish().await;
}
