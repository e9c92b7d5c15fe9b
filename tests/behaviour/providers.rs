//! What goes through an HTTP provider, and what becomes of a message for each way in which that fails.

use std::path::Path;

use insta::assert_snapshot;
use simverify::channel::routing::Health;

use crate::certificates::Authority;
use crate::harness::{NUMBER, Options, TestApp, eventually, spawn_app};
use crate::provider::{Act, FakeProvider, reply, text};

/// Each attempt with its state, route and reason.
const ATTEMPTS: &str = "select state, route, reason from attempt order by attempt_id";
const STATES: &str = "select state, route from attempt order by attempt_id";

const FAILED: &str = "select 1 from attempt where state = 'temporary'";

/// Takes a short while, so that a test that waits for a time-out does not.
const QUICK: &str = "timeout_seconds = 1";

const ONE_SMS: &[(&str, &str)] = &[("workflow_id", "6")];

async fn app_with(provider: &FakeProvider, keys: &str) -> TestApp {
    spawn_app(Options::without_modem().toml(&provider.table("backup", keys))).await
}

#[tokio::test]
async fn a_provider_sends_what_no_modem_does() {
    let provider = FakeProvider::start().await;
    let keys = "secret = 'geheimes-wort'\nheaders = { Authorization = 'Bearer {{ secret }}', Idempotency-Key = '{{ reference }}' }\n\
                message_id_path = '/id'";
    let app = app_with(&provider, keys).await;
    app.never("geheimes-wort");
    let request = app.start(NUMBER, &[]).await;
    let asked = provider.request(0).await;
    let (pin, text) = (asked.pin(), asked.json()["text"].to_string());
    app.never(&text);
    let reference: String = app.value("select lower(hex(reference)) from attempt");
    let head = format!("{}\n{}\n\n{}", asked.line, asked.head.replace("\r\n", "\n"), asked.body);
    let head = head.replace(&pin, "PIN").replace(&reference, "REFERENCE").replace(&provider.port().to_string(), "PORT");
    assert_snapshot!(head, @r#"
    POST /send HTTP/1.1
    user-agent: simverify/0.1.0
    authorization: Bearer geheimes-wort
    idempotency-key: REFERENCE
    content-type: application/json
    accept: */*
    host: 127.0.0.1:PORT
    content-length: 87

    {"to": "+447700900123", "text": "PIN is your Acme code. Do not share it with anyone."}
    "#);
    app.at_rest().await;
    assert_eq!(app.lines("select state, route, message_id, cost from attempt"), ["sent backup SM1 0"]);
    assert_eq!(app.check(&request, &pin).await.field("status"), "0");
    assert_eq!(provider.asked().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_verification_by_call_alone_goes_through_a_provider() {
    let provider = FakeProvider::start().await;
    let call = format!(
        "channels = ['voice']\nvoice = {{ url = '{}', body = '{{\"to\": {{{{ number | json }}}}, \"say\": {{{{ spoken | json }}}}, \
         \"language\": \"{{{{ language }}}}\"}}' }}",
        provider.url("/call")
    );
    let app = app_with(&provider, &call).await;
    let request = app.start("4915112345678", &[("workflow_id", "7")]).await;
    let asked = provider.request(0).await;
    assert_eq!((asked.line.as_str(), &asked.json()["language"]), ("POST /call HTTP/1.1", &"de-de".into()));
    let said = asked.json()["say"].as_str().expect("a phrase").to_owned();
    let spelled = said.split(": ").nth(1).expect("a PIN").split('.').next().expect("a PIN").to_owned();
    app.never(&spelled);
    assert_eq!(said.matches(&spelled).count(), 3, "as tts.repeat says");
    app.at_rest().await;
    assert_eq!(app.lines(STATES), ["sent backup"]);
    assert_eq!(app.events(&request).await, ["tts"]);
    assert_eq!(app.check(&request, &spelled.replace(", ", "")).await.field("status"), "0");
    app.finish().await;
}

impl TestApp {
    /// Returns once so many attempts have failed and are on record.
    async fn failed_attempts(&self, count: usize) {
        eventually("attempts have failed", || (self.lines(FAILED).len() == count).then_some(())).await;
    }
}

/// What becomes of a message for one act of the provider: its attempt, and what search says.
async fn after(keys: &str, act: Act) -> String {
    let provider = FakeProvider::start().await;
    provider.acts([act]);
    let app = app_with(&provider, &format!("{QUICK}\n{keys}")).await;
    let request = app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    let status = app.status(&request).await;
    let attempt = app.lines(&format!("{ATTEMPTS} limit 1")).concat();
    app.finish().await;
    format!("{attempt}; {status}\n")
}

#[tokio::test]
async fn each_way_to_say_no_has_its_consequence() {
    let body = r#"{"code": "no credit for +447700900123"}"#;
    let refusals = [
        ("", reply(400, "", body)),
        ("refusal_path = '/code'", reply(400, "", body)),
        ("", reply(401, "", "")),
        ("", reply(404, "", "")),
        ("final_codes = [404]", reply(404, "", "")),
        ("", reply(500, "", "")),
        ("", reply(503, "", "")),
        ("", reply(302, "Location: /elsewhere\r\n", "")),
        ("", reply(307, "Location: http://127.0.0.2:9/\r\n", "")),
        ("", reply(307, "Location: https://127.0.0.1:9/\r\n", "")),
        ("success_path = '/ok'\nsuccess_value = 'true'", reply(200, "", r#"{"ok": false}"#)),
        ("success_path = '/ok'", reply(200, "", "<html>Please sign in</html>")),
    ];
    let mut said = String::new();
    for (keys, act) in refusals {
        said += &after(keys, act).await;
    }
    assert_snapshot!(said, @"
    other_route backup HTTP 400; FAILED
    other_route backup HTTP 400: no credit for ***; FAILED
    other_route backup HTTP 401; FAILED
    other_route backup HTTP 404; FAILED
    final backup HTTP 404; FAILED
    temporary backup HTTP 500; IN PROGRESS
    temporary backup HTTP 503; IN PROGRESS
    other_route backup HTTP 302: it redirects, and the message is not sent after it; FAILED
    other_route backup HTTP 307: it redirects, and the message is not sent after it; FAILED
    other_route backup HTTP 307: it redirects, and the message is not sent after it; FAILED
    other_route backup HTTP 200, and the reply says no; FAILED
    other_route backup HTTP 200, and the reply says no; FAILED
    ");
}

#[tokio::test]
async fn a_request_without_a_whole_reply_is_uncertain_unless_its_head_says_enough() {
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{\"ok\": true,";
    let mut said = String::new();
    for keys in ["success_path = '/ok'", "message_id_path = '/ok'", ""] {
        for act in [Act::Reset(begun.to_owned()), Act::Drip(begun.to_owned()), Act::Flood(begun.to_owned())] {
            said += &after(keys, act).await;
        }
    }
    for act in [Act::Silence, Act::Close, Act::Reset(String::new()), Act::Say("nonsense\r\n\r\n".to_owned())] {
        said += &after("", act).await;
    }
    said += &after("", reply(504, "", "")).await;
    assert_snapshot!(said, @"
    uncertain backup HTTP 200, and the reply broke off; IN PROGRESS
    uncertain backup HTTP 200, and the reply broke off; IN PROGRESS
    uncertain backup HTTP 200, and the reply is too long to be read; IN PROGRESS
    sent backup -; IN PROGRESS
    sent backup -; IN PROGRESS
    sent backup -; IN PROGRESS
    sent backup -; IN PROGRESS
    sent backup -; IN PROGRESS
    sent backup -; IN PROGRESS
    uncertain backup no reply: it took too long; IN PROGRESS
    uncertain backup no reply: connection closed before message completed; IN PROGRESS
    uncertain backup no reply: Connection reset by peer (os error 104); IN PROGRESS
    uncertain backup no reply: invalid HTTP version parsed; IN PROGRESS
    uncertain backup HTTP 504; IN PROGRESS
    ");
}

#[tokio::test]
async fn a_refused_connection_sends_nothing_and_is_tried_again() {
    let mut provider = FakeProvider::start().await;
    let app = app_with(&provider, QUICK).await;
    provider.down().await;
    app.start(NUMBER, ONE_SMS).await;
    app.pass(1).await;
    assert_snapshot!(app.lines(ATTEMPTS).join("\n"), @"
    temporary backup no connection: Connection refused (os error 111)
    due - -
    ");
    provider.up().await;
    app.pass(1).await;
    assert_eq!(app.lines(STATES), ["temporary backup", "sent backup"]);
    app.finish().await;
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_told_as_such() {
    let provider = FakeProvider::start().await;
    let app = app_with(&provider, &format!("{QUICK}\nurl = 'http://nowhere.invalid/send'")).await;
    app.start(NUMBER, ONE_SMS).await;
    app.pass(1).await;
    let reason: String = app.value("select reason from attempt");
    assert!(reason.starts_with("no connection: "), "{reason}");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_asks_for_a_pause_gets_it() {
    for header in ["Retry-After: 30\r\n", "Retry-After: Sun, 01 Mar 2026 12:00:30 GMT\r\n"] {
        let provider = FakeProvider::start().await;
        provider.acts([reply(429, header, "")]);
        let app = app_with(&provider, "").await;
        app.start(NUMBER, ONE_SMS).await;
        app.down("backup").await;
        eventually("the refusal is on record", || (app.lines(STATES).len() == 2).then_some(())).await;
        app.advance(29);
        app.looked().await;
        assert_eq!(app.lines(STATES), ["temporary backup", "due -"]);
        app.advance(1);
        app.ready("backup").await;
        app.at_rest().await;
        assert_eq!(app.lines(STATES), ["temporary backup", "sent backup"]);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_reply_lost_after_the_message_was_taken_means_one_more_by_another_provider_and_no_third() {
    let (first, second) = (FakeProvider::start().await, FakeProvider::start().await);
    for provider in [&first, &second] {
        provider.acts([Act::Close]);
    }
    let tables = first.table("a", QUICK) + &second.table("b", QUICK);
    let app = spawn_app(Options::without_modem().toml(&tables)).await;
    let request = app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    app.pass(9).await;
    assert_eq!(first.asked().len() + second.asked().len(), 1);
    app.pass(1).await;
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    let [one, other] = [&first, &second].map(|provider| provider.asked()[0].clone());
    assert_eq!(one.pin(), other.pin(), "the same PIN");
    app.pass(60).await;
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1), "never a third time");
    assert_eq!(app.check(&request, &one.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn the_only_provider_is_asked_a_second_time_after_a_lost_reply_under_another_reference() {
    let provider = FakeProvider::start().await;
    provider.acts([Act::Close]);
    let app = app_with(&provider, "headers = { Idempotency-Key = '{{ reference }}' }").await;
    app.start(NUMBER, ONE_SMS).await;
    app.pass(10).await;
    app.pass(60).await;
    assert_eq!(app.lines(STATES), ["uncertain backup", "sent backup"]);
    let keys: Vec<_> =
        provider.asked().iter().map(|asked| asked.header("idempotency-key").map(str::to_owned)).collect();
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_gone_for_a_minute_is_out_after_three_failures_and_soon_back() {
    let mut provider = FakeProvider::start().await;
    let app = app_with(&provider, &format!("{QUICK}\nconcurrency = 1")).await;
    provider.down().await;
    for (failures, number) in ["447700900124", "447700900125", "447700900126"].into_iter().enumerate() {
        assert!(app.is_ready("backup"));
        app.start(number, ONE_SMS).await;
        app.failed_attempts(failures + 1).await;
    }
    app.down("backup").await;
    let health = app.operations().board().routes()[0].health;
    assert!(matches!(health, Health::Failing { .. }), "{health:?}");
    let refused = app.request("447700900127", ONE_SMS).await;
    assert_snapshot!(refused.field("error_text"), @"The Nexmo platform was unable to process this message for the following reason: every provider for this number is failing");
    for _ in 0..12 {
        app.advance(5);
        app.looked().await;
    }
    assert_eq!(app.lines(FAILED).len(), 3, "no message is spent on a host that is not there");
    provider.up().await;
    // The longest pause between two tries of a connection.
    app.advance(20);
    app.ready("backup").await;
    for index in 0..3 {
        provider.request(index).await;
    }
    app.at_rest().await;
    assert_eq!(app.lines("select 1 from attempt where state = 'sent'").len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_answers_badly_gets_one_message_to_prove_itself() {
    let provider = FakeProvider::start().await;
    provider.acts([reply(500, "", ""), reply(500, "", ""), reply(500, "", ""), Act::Hold(text(200, "", "{}"))]);
    let app = app_with(&provider, "concurrency = 3").await;
    for number in ["447700900124", "447700900125", "447700900126"] {
        app.start(number, ONE_SMS).await;
    }
    app.failed_attempts(3).await;
    app.down("backup").await;
    app.advance(10);
    provider.request(3).await;
    app.looked().await;
    assert_eq!(provider.asked().len(), 4, "one alone");
    provider.release();
    provider.request(5).await;
    app.at_rest().await;
    assert_eq!(app.lines("select 1 from attempt where state = 'sent'").len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_configured() {
    let provider = FakeProvider::start().await;
    provider.acts((0..6).map(|_| Act::Hold(text(200, "", "{}"))));
    let app = app_with(&provider, "concurrency = 2").await;
    for number in 124..130 {
        app.start(&format!("447700900{number}"), ONE_SMS).await;
    }
    for index in 0..6 {
        provider.request(index).await;
        if index >= 1 {
            provider.release();
        }
    }
    provider.release();
    app.at_rest().await;
    assert_eq!((provider.most(), provider.asked().len()), (2, 6));
    app.finish().await;
}

#[tokio::test]
async fn a_budget_of_the_provider_is_kept() {
    let provider = FakeProvider::start().await;
    let app = app_with(&provider, "sms_per_minute = 1").await;
    app.start("447700900124", ONE_SMS).await;
    app.at_rest().await;
    app.start("447700900125", ONE_SMS).await;
    app.looked().await;
    assert_eq!(provider.asked().len(), 1);
    app.advance(61);
    provider.request(1).await;
    app.at_rest().await;
    app.finish().await;
}

#[tokio::test]
async fn a_redirect_of_the_same_request_at_the_same_place_is_followed_three_times() {
    let provider = FakeProvider::start().await;
    let onward = || reply(307, "Location: /v2/send\r\n", "");
    provider.acts([onward(), reply(308, &format!("Location: {}\r\n", provider.url("/v3")), ""), onward()]);
    let app = app_with(&provider, "").await;
    app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    assert_eq!(app.lines(STATES), ["sent backup"]);
    let asked = provider.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(lines, ["POST /send HTTP/1.1", "POST /v2/send HTTP/1.1", "POST /v3 HTTP/1.1", "POST /v2/send HTTP/1.1"]);
    assert_eq!(asked[3].body, asked[0].body);
    provider.acts([onward(), onward(), onward(), onward()]);
    app.start("447700900124", ONE_SMS).await;
    app.at_rest().await;
    assert_eq!(provider.asked().len(), 8, "and no fourth time");
    app.finish().await;
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_configured() {
    let proxy = FakeProvider::start().await;
    let address = proxy.url("").replace("http://", "http://me:geheimes-wort@");
    let app = app_with(&proxy, &format!("url = 'http://sms.example/send'\nproxy = '{address}'")).await;
    app.never("geheimes-wort");
    app.start(NUMBER, ONE_SMS).await;
    let asked = proxy.request(0).await;
    assert_eq!(asked.line, "POST http://sms.example/send HTTP/1.1");
    assert_eq!(asked.header("proxy-authorization"), Some("Basic bWU6Z2VoZWltZXMtd29ydA=="));
    app.at_rest().await;
    assert_eq!(app.lines(STATES), ["sent backup"]);
    app.finish().await;
}

/// A provider with a certificate of an authority that no system knows, and that authority's file.
async fn certified(address: &str, directory: &Path) -> (FakeProvider, String) {
    let authority = Authority::new();
    let [chain, key, ca] = ["chain.pem", "key.pem", "ca.pem"].map(|name| directory.join(name));
    authority.certify(2100).write(&chain, &key);
    std::fs::write(&ca, authority.pem()).expect("a file");
    (FakeProvider::with_tls(address, &chain, &key).await, format!("ca_file = '{}'", ca.display()))
}

#[tokio::test]
async fn only_a_good_certificate_is_sent_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let (own, ca) = certified("127.0.0.1:0", directory.path()).await;
    let app = app_with(&own, &format!("{QUICK}\n{ca}")).await;
    app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    assert_eq!(app.lines(STATES), ["sent backup"]);
    app.finish().await;

    let mut said = String::new();
    let unknown = app_with(&own, QUICK).await;
    unknown.start(NUMBER, ONE_SMS).await;
    unknown.at_rest().await;
    said += &unknown.lines(ATTEMPTS)[0];
    unknown.finish().await;

    // Its certificate is for another address.
    let (other, ca) = certified("127.0.0.2:0", directory.path()).await;
    let app = app_with(&other, &format!("{QUICK}\n{ca}")).await;
    app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    said += &format!("\n{}", app.lines(ATTEMPTS)[0]);
    app.finish().await;

    // No TLS at all.
    let plain = FakeProvider::start().await;
    let url = plain.url("/send").replace("http://", "https://");
    let app = app_with(&plain, &format!("{QUICK}\nurl = '{url}'")).await;
    app.start(NUMBER, ONE_SMS).await;
    app.at_rest().await;
    said += &format!("\n{}", app.lines(ATTEMPTS)[0]);
    app.finish().await;
    assert_snapshot!(said, @r#"
    temporary backup no connection: invalid peer certificate: UnknownIssuer
    temporary backup no connection: invalid peer certificate: certificate not valid for name "127.0.0.2"; certificate is only valid for DnsName("localhost") or IpAddress(127.0.0.1)
    temporary backup no connection: it took too long
    "#);
    assert_eq!((own.asked().len(), other.asked().len(), plain.asked().len()), (1, 0, 0), "nothing was sent");
}

#[tokio::test]
async fn a_stop_waits_for_the_request_in_flight_and_gives_back_the_others() {
    let provider = FakeProvider::start().await;
    provider.acts([Act::Hold(text(200, "", "{}"))]);
    let mut app = app_with(&provider, "concurrency = 1").await;
    app.start("447700900124", ONE_SMS).await;
    provider.request(0).await;
    app.start("447700900125", ONE_SMS).await;
    eventually("the second is with the provider's worker", || {
        (app.lines("select 1 from attempt where state = 'claimed'").len() == 1).then_some(())
    })
    .await;
    tokio::join!(app.stop(), async {
        tokio::task::yield_now().await;
        provider.release();
    });
    assert_eq!(app.lines("select state from attempt order by attempt_id"), ["sent", "due"]);
    app.start_again().await;
    provider.request(1).await;
    app.at_rest().await;
    assert_eq!(app.lines(STATES), ["sent backup", "sent backup"]);
    app.finish().await;
}

#[tokio::test]
async fn what_was_withdrawn_before_its_turn_is_not_sent() {
    let provider = FakeProvider::start().await;
    provider.acts([Act::Hold(text(200, "", "{}"))]);
    let app = app_with(&provider, "concurrency = 1").await;
    app.start("447700900124", ONE_SMS).await;
    provider.request(0).await;
    let second = app.start("447700900125", ONE_SMS).await;
    eventually("the second is with the provider's worker", || {
        (app.lines("select 1 from attempt where state = 'claimed'").len() == 1).then_some(())
    })
    .await;
    app.advance(30);
    assert_eq!(app.control(&second, "cancel").await.field("status"), "0");
    provider.release();
    app.at_rest().await;
    assert_eq!(provider.asked().len(), 1);
    app.finish().await;
}
