//! Requests as the older clients put them on the wire, byte by byte, and what HTTP itself allows on top.

use insta::assert_snapshot;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Options, Reply, TestApp, spawn_app};

/// Sends these bytes, with credentials filled in, and reads until the server closes. Gives the replies without date and
/// trace id, their header lines in the order of the alphabet.
async fn exchange(app: &TestApp, request: &str) -> Reply {
    let (key, secret) = (&app.account.key, &app.account.secret);
    let request = request.replace("KEY", key).replace("SECRET", secret);
    let host = app.url("").replace("http://", "");
    let mut stream = TcpStream::connect(&host).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.expect("a reply in text");
    let reply = reply.replace("\r\n", "\n").replace(key.as_str(), "<key>");
    let parts = reply.split("\n\n").map(|part| if part.starts_with("HTTP/") { sorted(part) } else { part.to_owned() });
    Reply { http: 200, text: parts.collect::<Vec<_>>().join("\n\n") }
}

/// A reply's head. HTTP gives the lines behind the first no order.
fn sorted(head: &str) -> String {
    let is_shown = |line: &&str| !line.starts_with("date: ") && !line.starts_with("x-trace-id: ");
    let mut lines: Vec<&str> = head.lines().filter(is_shown).collect();
    lines[1..].sort_unstable();
    lines.join("\n")
}

/// A request of HTTP/1.1 after which the server closes, its body with its length.
fn framed(head: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("{}\r\nhost: sms.example\r\nconnection: close\r\n{length}\r\n{body}", head.trim_end())
}

/// The body of the reply.
async fn body(app: &TestApp, head: &str, body: &str) -> String {
    let reply = exchange(app, &framed(head, body)).await;
    let (head, body) = reply.text.split_once("\n\n").expect("head and body");
    assert!(head.starts_with("HTTP/1.1 200 OK\n"), "{head}");
    Reply { http: 200, text: body.to_owned() }.to_string()
}

const FORM: &str = "POST /verify/json HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
const ACCEPTED: &str = r#"{"request_id":"<request>","status":"0"}"#;

#[tokio::test]
async fn everything_in_the_query_of_a_get_as_from_php() {
    let app = spawn_app(Options::one_modem()).await;
    let get = "GET /verify/json?number=447700900123&brand=Acme+Inc.&country=&sender_id=ACME&code_length=6&lg=en-gb\
               &pin_expiry=300&next_event_wait=300&workflow_id=&api_key=KEY&api_secret=SECRET HTTP/1.1\r\n\
               user-agent: vonage-php/4.0\r\naccept: application/json";
    assert_snapshot!(exchange(&app, &framed(get, "")).await, @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 62
    content-type: application/json
    x-content-type-options: nosniff

    {"request_id":"<request>","status":"0"}
    "#);
    let form = "number=447700900124&brand=Acme%20%26%20Co&api_key=KEY&api_secret=SECRET&";
    assert_eq!(body(&app, FORM, &app_form(&app, form)).await, ACCEPTED);
    app.finish().await;
}

/// Credentials filled in, so that the length is right.
fn app_form(app: &TestApp, form: &str) -> String {
    form.replace("KEY", &app.account.key).replace("SECRET", &app.account.secret)
}

#[tokio::test]
async fn every_default_spelt_out_as_from_java() {
    let app = spawn_app(Options::one_modem()).await;
    let form = app_form(
        &app,
        "api_key=KEY&api_secret=SECRET&number=447700900123&brand=Acme&sender_id=VERIFY&code_length=4&pin_expiry=300\
         &next_event_wait=300&workflow_id=1",
    );
    let head = "POST /verify/json HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
                User-Agent: vonage-java-sdk/8.0\r\nAccept-Encoding: gzip,deflate";
    assert_eq!(body(&app, head, &form).await, ACCEPTED);
    let form = form.replace("0123", "0124");
    let head = head.replace("/json", "/xml").replace("\r\nAccept-Encoding: gzip,deflate", "");
    assert_snapshot!(exchange(&app, &framed(&head, &form)).await, @r#"
    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 149
    content-type: text/xml; charset=utf-8
    x-content-type-options: nosniff

    <?xml version="1.0" encoding="UTF-8"?>
    <verify_response><request_id><request></request_id><status>0</status></verify_response>
    "#);
    app.finish().await;
}

#[tokio::test]
async fn a_search_by_post_as_from_go() {
    let mut app = spawn_app(Options::one_modem()).await;
    let start = app_form(&app, "api_key=KEY&api_secret=SECRET&brand=Acme&number=447700900123");
    assert_eq!(body(&app, FORM, &start).await, ACCEPTED);
    app.phone.sms().await;
    app.at_rest().await;
    let request = app.lines("select lower(hex(request_id)) from verification").remove(0);
    let search = "POST /verify/search/json HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    let form = app_form(&app, &format!("api_key=KEY&api_secret=SECRET&request_id={request}"));
    let found = body(&app, search, &form).await;
    assert_snapshot!(found, @r#"{"request_id":"<request>","account_id":"<key>","status":"IN PROGRESS","number":"447700900123","price":"0.12050000","currency":"USD","sender_id":"VERIFY","date_submitted":"2026-03-01 12:00:00","date_finalized":"","first_event_date":"2026-03-01 12:00:00","last_event_date":"2026-03-01 12:00:00","checks":[],"events":[{"type":"sms","id":"<event>"}],"estimated_price_messages_sent":"0.00000000"}"#);
    let json = app_form(&app, &format!(r#"{{"api_key":"KEY","api_secret":"SECRET","request_id":"{request}"}}"#));
    let search = "POST /verify/search/json HTTP/1.1\r\ncontent-type: application/json";
    assert_eq!(body(&app, search, &json).await, found);
    app.finish().await;
}

#[tokio::test]
async fn several_ids_as_an_array_and_as_repeats() {
    let app = spawn_app(Options::one_modem()).await;
    let ids = [app.start("447700900123", &[]).await, app.start("447700900124", &[]).await];
    app.at_rest().await;
    let repeats = format!("api_key=KEY&api_secret=SECRET&request_ids={}&request_ids={}", ids[0], ids[1]);
    let array = format!(r#"{{"api_key":"KEY","api_secret":"SECRET","request_ids":["{}","{}"]}}"#, ids[0], ids[1]);
    let get = format!("GET /verify/search/json?{repeats} HTTP/1.1");
    let post = "POST /verify/search/json HTTP/1.1";
    let found = body(&app, &get, "").await;
    assert!(found.starts_with(r#"{"verification_requests":[{"request_id":"<request>""#), "{found}");
    assert_eq!(found.matches("<request>").count(), 2, "{found}");
    assert_eq!(body(&app, post, &app_form(&app, &repeats)).await, found);
    assert_eq!(body(&app, post, &app_form(&app, &array)).await, found);
    app.finish().await;
}

#[tokio::test]
async fn labels_do_not_matter() {
    let app = spawn_app(Options::one_modem()).await;
    let labels = [
        "application/json",
        "Application/X-WWW-Form-URLEncoded;Charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "not a type",
    ];
    let forms = [
        "api_key=KEY&api_secret=SECRET&brand=Acme&number=NUMBER",
        r#"{"api_key":"KEY","api_secret":"SECRET","brand":"Acme","number":NUMBER,"code_length":4,"workflow_id":6}"#,
        "\u{feff}{\"api_key\":\"KEY\",\"api_secret\":\"SECRET\",\"brand\":\"Acme\",\"number\":\"NUMBER\"}",
        " \r\n\t{\"api_key\":\"KEY\",\"api_secret\":\"SECRET\",\"brand\":\"Acme\",\"number\":\"NUMBER\",\"lg\":null}",
    ];
    for (index, (label, form)) in labels.iter().flat_map(|label| forms.map(|form| (label, form))).enumerate() {
        let head = format!("POST /verify/json HTTP/1.1\r\nCONTENT-TYPE: {label}");
        let form = app_form(&app, form).replace("NUMBER", &format!("4477009001{index:02}"));
        assert_eq!(body(&app, &head, &form).await, ACCEPTED, "{label}: {form}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_first_given_value_counts_and_the_body_before_the_query() {
    let app = spawn_app(Options::one_modem()).await;
    let head = "POST /verify/json?number=1&brand=Query&lg=de-de&lg=xx HTTP/1.1";
    let form = "api_key=KEY&api_secret=SECRET&number=&number=447700900123&number=2&brand=&workflow_id=6&unknown=1&=&&";
    assert_eq!(body(&app, head, &app_form(&app, form)).await, ACCEPTED);
    let of_verification = "select brand, language, workflow from verification";
    assert_eq!(app.lines(of_verification), ["Query de-de 6"]);
    app.finish().await;
}

#[tokio::test]
async fn a_scheme_in_any_case_before_parameters() {
    use base64::Engine as _;
    let app = spawn_app(Options::one_modem()).await;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", app.account.key, app.account.secret));
    for (index, scheme) in ["basic", "BASIC", "Basic", "bAsIc"].iter().enumerate() {
        let head = format!("POST /verify/json HTTP/1.1\r\nauthorization: {scheme} {pair}");
        let form = format!("api_key=other&api_secret=other&brand=Acme&number=44770090012{index}");
        assert_eq!(body(&app, &head, &form).await, ACCEPTED, "{scheme}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_body_in_chunks() {
    let app = spawn_app(Options::one_modem()).await;
    let form = app_form(&app, "api_key=KEY&api_secret=SECRET&brand=Acme&number=447700900123");
    let chunks: String = form
        .as_bytes()
        .chunks(7)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).expect("ASCII")))
        .collect();
    let head = "POST /verify/json HTTP/1.1\r\nhost: sms.example\r\nconnection: close\r\ntransfer-encoding: chunked";
    let reply = exchange(&app, &format!("{head}\r\n\r\n{chunks}0\r\n\r\n")).await;
    assert!(reply.to_string().ends_with(ACCEPTED), "{reply}");
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends() {
    let app = spawn_app(Options::one_modem()).await;
    let form = app_form(&app, "api_key=KEY&api_secret=SECRET&brand=Acme&number=447700900123");
    let head = format!("{FORM}\r\nexpect: 100-continue");
    assert_snapshot!(exchange(&app, &framed(&head, &form)).await, @r#"
    HTTP/1.1 100 Continue

    HTTP/1.1 200 OK
    cache-control: no-store
    connection: close
    content-length: 62
    content-type: application/json
    x-content-type-options: nosniff

    {"request_id":"<request>","status":"0"}
    "#);
    app.finish().await;
}

#[tokio::test]
async fn requests_one_behind_the_other_on_a_connection() {
    let app = spawn_app(Options::one_modem()).await;
    let request = |number: &str, last: bool| {
        let form = app_form(&app, &format!("api_key=KEY&api_secret=SECRET&brand=Acme&number={number}"));
        let end = if last { "connection: close\r\n" } else { "" };
        format!("{FORM}\r\nhost: sms.example\r\n{end}content-length: {}\r\n\r\n{form}", form.len())
    };
    let requests = request("447700900123", false) + &request("447700900123", false) + &request("4477", true);
    let replies = exchange(&app, &requests).await.to_string();
    let bodies: Vec<&str> = replies
        .match_indices('{')
        .map(|(at, _)| &replies[at..=at + replies[at..].find('}').expect("an end")])
        .collect();
    assert_snapshot!(bodies.join("\n"), @r#"
    {"request_id":"<request>","status":"0"}
    {"request_id":"<request>","status":"10","error_text":"Concurrent verifications to the same number are not allowed"}
    {"request_id":"","status":"3","error_text":"Invalid value for parameter: number"}
    "#);
    app.finish().await;
}

#[tokio::test]
async fn http_1_0_without_a_host() {
    let app = spawn_app(Options::one_modem()).await;
    let get = "GET /verify/json?api_key=KEY&api_secret=SECRET&brand=Acme&number=447700900123 HTTP/1.0\r\n\r\n";
    let reply = exchange(&app, get).await.to_string();
    assert!(reply.starts_with("HTTP/1.0 200 OK\n") && reply.ends_with(ACCEPTED), "{reply}");
    app.finish().await;
}
