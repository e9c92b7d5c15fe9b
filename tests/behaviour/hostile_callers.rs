//! Callers that guess, flood, dawdle or send what no client sends.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Account, NUMBER, Options, Reply, TestApp, spawn_app};

async fn search_as(app: &TestApp, account: &Account, address: &str) -> Reply {
    let form = [("api_key", account.key.as_str()), ("api_secret", &account.secret), ("request_id", "0")];
    app.send(app.http().post(app.url("/verify/search")).header("x-forwarded-for", address).form(&form)).await
}

fn wrong(account: &Account) -> Account {
    Account { key: account.key.clone(), secret: "a wrong one".to_owned() }
}

#[tokio::test]
async fn a_secret_cannot_be_guessed_and_other_accounts_behind_the_address_go_on() {
    let app = spawn_app(Options::without_modem().toml("server.trusted_proxies = [\"127.0.0.1\"]")).await;
    let other = app.add_account("other", None).await;
    let guess = wrong(&app.account);
    for _ in 0..30 {
        assert_eq!(search_as(&app, &guess, "192.0.2.1").await.http, 401);
    }
    insta::assert_snapshot!(search_as(&app, &guess, "192.0.2.1").await, @r#"HTTP 429 {"request_id":"","status":"1","error_text":"Throttled"}"#);
    assert_eq!(search_as(&app, &app.account, "192.0.2.1").await.http, 429, "the right one is not looked at either");
    assert_eq!(search_as(&app, &other, "192.0.2.1").await.http, 404, "the request is not found: let in");
    assert_eq!(search_as(&app, &app.account, "192.0.2.2").await.http, 404);
    assert_eq!(search_as(&app, &app.account, "192.0.2.1, 192.0.2.2").await.http, 404, "the nearest counts");
    let response = app.http().post(app.url("/verify/search")).header("x-forwarded-for", "192.0.2.1");
    let form = [("api_key", guess.key.as_str()), ("api_secret", &guess.secret)];
    let response = response.form(&form).send().await.expect("a reply");
    assert_eq!(response.headers()["retry-after"], "61");
    app.advance(61);
    assert_eq!(search_as(&app, &app.account, "192.0.2.1").await.http, 404);
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_does_not_choose_the_address_that_he_is_counted_by() {
    let app = spawn_app(Options::without_modem()).await;
    let guess = wrong(&app.account);
    let mut https = vec![];
    for number in 0..32 {
        https.push(search_as(&app, &guess, &format!("192.0.2.{number}")).await.http);
    }
    assert_eq!(https, [vec![401; 30], vec![429; 2]].concat());
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_key_is_compared_as_often_as_a_wrong_secret() {
    let app = spawn_app(Options::without_modem()).await;
    let compared = async |key: &str| {
        let count = AtomicUsize::new(0);
        let account = app.operations().account_by_signature(key, |_| {
            count.fetch_add(1, Ordering::Relaxed);
            false
        });
        assert!(account.await.expect("a database").is_none());
        count.load(Ordering::Relaxed)
    };
    assert_eq!(compared(&app.account.key).await, 2);
    assert_eq!(compared("nobody").await, 2);
    app.rotate_secret().await;
    assert_eq!(compared(&app.account.key).await, 2);
    // What stands in for the secrets of an unknown key lets nobody in.
    assert!(app.operations().account_by_signature("nobody", |_| true).await.expect("a database").is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_flood_is_turned_away_with_503_and_the_rest_is_served() {
    let app = spawn_app(Options::without_modem().toml("server.requests_in_flight = 1")).await;
    let (mut refused, mut served) = (None, 0);
    while refused.is_none() {
        let form = [
            ("api_key", app.account.key.as_str()),
            ("api_secret", &app.account.secret),
            ("number", NUMBER),
            ("brand", "Acme"),
        ];
        let flood: Vec<_> =
            (0..64).map(|_| tokio::spawn(app.http().post(app.url("/verify/json")).form(&form).send())).collect();
        for reply in flood {
            let response = reply.await.expect("a task").expect("a reply");
            let retry_after = response.headers().get("retry-after").cloned();
            let reply = Reply::read(response).await;
            match reply.http {
                200 => served += 1,
                503 => refused = Some((reply, retry_after)),
                other => panic!("{other}"),
            }
        }
    }
    let (reply, retry_after) = refused.expect("one of them");
    assert!(served > 0);
    assert_eq!(retry_after.expect("a header"), "1");
    assert_eq!((reply.field("status"), reply.field("error_text")), ("5".to_owned(), "Internal Error".to_owned()));
    app.finish().await;
}

/// What comes back until the end of the connection.
async fn exchange(app: &TestApp, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address(app)).await.expect("a connection");
    // The daemon may have closed it in the middle.
    let _ = stream.write_all(request).await;
    let mut reply = vec![];
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

fn address(app: &TestApp) -> String {
    app.url("").trim_start_matches("http://").to_owned()
}

fn head(request_line: &str, headers: &str) -> Vec<u8> {
    format!("{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn a_head_that_is_too_much_is_refused_in_the_words_of_its_path() {
    let app = spawn_app(Options::without_modem()).await;
    let status = |reply: &str| reply.lines().next().unwrap_or_default().to_owned();
    let body = |reply: &str| reply.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    let long = "a".repeat(9000);
    let reply = exchange(&app, &head(&format!("GET /verify/json?brand={long}"), "")).await;
    insta::assert_snapshot!(status(&reply) + "\n" + &body(&reply), @r#"
    HTTP/1.1 414 URI Too Long
    {"request_id":"","status":"3","error_text":"URI too long: at most 8192 bytes are read"}
    "#);
    let reply = exchange(&app, &head(&format!("GET /docs/?{long}"), "")).await;
    insta::assert_snapshot!(status(&reply) + "\n" + &body(&reply), @"
    HTTP/1.1 414 URI Too Long
    URI too long: at most 8192 bytes are read
    ");
    let line = format!("x-a: {}\r\n", "a".repeat(8000)).repeat(5);
    let reply = exchange(&app, &head("POST /verify/xml", &line)).await;
    insta::assert_snapshot!(status(&reply) + "\n" + &body(&reply), @r#"
    HTTP/1.1 431 Request Header Fields Too Large
    <?xml version="1.0" encoding="UTF-8"?>
    <verify_response><request_id></request_id><status>3</status><error_text>Header fields too large: at most 32768 bytes are read</error_text></verify_response>
    "#);
    // The library's own bounds: it answers before a path is known.
    for headers in ["x: y\r\n".repeat(200), format!("x: {}\r\n", "a".repeat(200_000))] {
        let reply = exchange(&app, &head("GET /verify/json", &headers)).await;
        assert_eq!(status(&reply), "HTTP/1.1 431 Request Header Fields Too Large");
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /verify/json HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(status(&exchange(&app, garbage).await), "HTTP/1.1 400 Bad Request", "{garbage:?}");
    }
    assert_eq!(app.search("0").await.field("status"), "101", "it still answers");
    app.finish().await;
}

#[tokio::test]
async fn a_head_without_an_end_is_given_up() {
    let app = spawn_app(Options::without_modem()).await;
    let reply = exchange(&app, b"GET /verify/json HTTP/1.1\r\nHost: x\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{reply}");
    app.finish().await;
}

#[tokio::test]
async fn many_requests_on_one_connection_are_answered_one_after_the_other() {
    let app = spawn_app(Options::without_modem()).await;
    let one = "GET /verify/yaml HTTP/1.1\r\nHost: x\r\n\r\n";
    let reply = exchange(&app, &[one.repeat(200).into_bytes(), head("GET /verify/yaml", "")].concat()).await;
    assert_eq!(reply.matches("HTTP/1.1 404 Not Found").count(), 201);
    app.finish().await;
}
