//! Delivery callbacks of providers, over HTTP. The provider's side of an attempt is played by hand: its route takes no
//! message by itself, and the one modem never gets ready.

use simverify::app::Claim;
use simverify::channel::Outcome;
use simverify::verification::AttemptId;

use crate::harness::{NUMBER, Options, TestApp, quick_modem, spawn_app_at_once};

const SECRET: &str = "behind-the-callbacks";
const REFERENCE: &str = "0123456789abcdef";
const CALLED: &str = "/callbacks/backup?secret=behind-the-callbacks";

/// Of a country that is not the number's.
const PROVIDERS: &str = r#"
[[providers]]
name = "backup"
countries = ["NZ"]
url = "https://sms.example/send"
callback_secret = "behind-the-callbacks"
[providers.callback]
id = "/id"
status = "/status"
accepted = ["sent"]
delivered = ["delivered", 1]
failed = ["failed", 2]
reply = "ACK"
call = { id = "/call", status = "/call_status", answered = ["completed"], unanswered = ["busy"], failed = ["lost"] }

[[providers]]
name = "silent"
countries = ["NZ"]
url = "https://sms.example/send"
"#;

async fn spawn() -> TestApp {
    let modem = quick_modem().with("boot", "3600s");
    let options = Options::without_modem().modem("sim1", modem).toml(PROVIDERS);
    let app =
        spawn_app_at_once(options.keys("sim1", "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"modem-tts\" }"));
    let app = app.await;
    app.never_logged(SECRET);
    app
}

/// A verification whose first attempt has gone out to the provider; its reply is not there yet.
async fn leaving(app: &TestApp, workflow: &str) -> (String, AttemptId) {
    let request = app.start(NUMBER, &[("workflow_id", workflow)]).await;
    let attempt = AttemptId::new(app.value("select max(attempt_id) from attempt"));
    leave(app, attempt, REFERENCE).await;
    (request, attempt)
}

async fn leave(app: &TestApp, attempt: AttemptId, reference: &str) {
    let claim = app.operations().claim(attempt, "backup").await.expect("a database");
    assert!(matches!(claim, Claim::Message(_)), "{claim:?}");
    assert!(app.operations().begin(attempt).await.expect("a database"));
    app.damage(&format!("update attempt set reference = x'{reference}' where attempt_id = {attempt}"));
}

async fn finished(app: &TestApp, attempt: AttemptId, outcome: Outcome) {
    app.operations().finished(attempt, "backup".to_owned(), outcome).await.expect("a database");
}

async fn sent(app: &TestApp, workflow: &str) -> (String, AttemptId) {
    let (request, attempt) = leaving(app, workflow).await;
    finished(app, attempt, Outcome::Taken { message_id: Some("sm1".to_owned()) }).await;
    (request, attempt)
}

async fn uncertain(app: &TestApp, workflow: &str) -> (String, AttemptId) {
    let (request, attempt) = leaving(app, workflow).await;
    finished(app, attempt, Outcome::Uncertain { references: vec![], reason: "no reply".to_owned() }).await;
    (request, attempt)
}

async fn get(app: &TestApp, rest: &str) -> String {
    whole(app.http().get(app.url(&format!("{CALLED}&{rest}")))).await
}

/// A whole reply, but for what differs each time; its headers in the order of their names.
async fn whole(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.expect("a reply");
    let of_interest = |name: &str| !["x-trace-id", "date", "connection"].contains(&name);
    let headers = response.headers().iter().filter(|(name, _)| of_interest(name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| format!("\n{name}: {}", value.to_str().expect("ASCII"))).collect();
    headers.sort();
    let status = response.status();
    format!("{status}{}\n\n{}", headers.concat(), response.text().await.expect("a body"))
}

/// Attempts as number, event, state, report. One that is due may be on its way to the modem and back.
fn attempts(app: &TestApp) -> String {
    let lines = app.lines("select attempt_no, event_index, state, report from attempt order by attempt_id");
    lines.join("\n").replace("claimed", "due")
}

/// A callback that is taken.
async fn yes(app: &TestApp, rest: &str) {
    let reply = get(app, rest).await;
    assert!(reply.starts_with("200 OK"), "{rest}: {reply}");
}

#[tokio::test]
async fn a_delivery_is_recorded_by_reference_and_by_the_providers_own_name() {
    for rest in ["reference=0123456789abcdef&status=delivered", "id=sm1&status=1", "call=sm1&call_status=completed"] {
        let app = spawn().await;
        sent(&app, "4").await;
        let reply = get(&app, rest).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply, @"
            200 OK
            cache-control: no-store
            content-length: 3
            content-type: text/plain; charset=utf-8
            x-content-type-options: nosniff

            ACK
            ");
        }
        assert_eq!(attempts(&app), "1 0 sent delivered", "{rest}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_failure_brings_the_next_event_at_once_and_once() {
    let app = spawn().await;
    sent(&app, "4").await;
    for _ in 0..3 {
        yes(&app, "reference=0123456789abcdef&status=failed").await;
        assert_eq!(attempts(&app), "1 0 sent undelivered\n2 1 due -");
    }
    let now_due = "select count(*) from attempt where attempt_no = 2 and due_at = \
                   (select reported_at from attempt where attempt_no = 1)";
    assert_eq!(app.value::<i64>(now_due), 1, "at once");
    app.finish().await;
}

#[tokio::test]
async fn a_failure_after_the_arrival_is_not_believed_and_an_arrival_after_a_failure_is() {
    let app = spawn().await;
    sent(&app, "4").await;
    yes(&app, "id=sm1&status=delivered").await;
    yes(&app, "id=sm1&status=failed").await;
    assert_eq!(attempts(&app), "1 0 sent delivered");
    app.finish().await;

    let app = spawn().await;
    sent(&app, "4").await;
    yes(&app, "id=sm1&status=failed").await;
    yes(&app, "id=sm1&status=delivered").await;
    assert_eq!(attempts(&app), "1 0 sent delivered\n2 1 due -");
    app.finish().await;
}

#[tokio::test]
async fn forms_json_and_lists_are_read_and_numbers_are_words() {
    let app = spawn().await;
    sent(&app, "4").await;
    let second = app.start("447700900124", &[("workflow_id", "4")]).await;
    let attempt = AttemptId::new(app.value("select max(attempt_id) from attempt"));
    leave(&app, attempt, "fedcba9876543210").await;
    finished(&app, attempt, Outcome::Taken { message_id: Some("sm2".to_owned()) }).await;
    let list = r#"[{"id": "sm1", "status": 1}, {"id": "sm2", "status": "FAILED"}, {"id": "sm3", "status": "queued"}]"#;
    let reply = whole(app.http().post(app.url(CALLED)).body(list)).await;
    assert!(reply.starts_with("200 OK"), "{reply}");
    assert_eq!(attempts(&app), "1 0 sent delivered\n1 0 sent undelivered\n2 1 due -");
    let form = [("id", "sm2"), ("status", "delivered")];
    let reply = whole(app.http().post(app.url(CALLED)).form(&form)).await;
    assert!(reply.starts_with("200 OK"), "{reply}");
    assert_eq!(attempts(&app), "1 0 sent delivered\n1 0 sent delivered\n2 1 due -");
    assert_eq!(app.status(&second).await, "IN PROGRESS");
    app.finish().await;
}

#[tokio::test]
async fn an_uncertain_attempt_that_arrived_or_was_taken_is_not_sent_again() {
    for (status, report) in [("delivered", "delivered"), ("sent", "-")] {
        let app = spawn().await;
        uncertain(&app, "4").await;
        assert_eq!(attempts(&app), "1 0 uncertain -\n2 0 due -");
        yes(&app, &format!("reference=0123456789abcdef&status={status}")).await;
        assert_eq!(attempts(&app), format!("1 0 uncertain {report}\n2 0 withdrawn -"));
        app.finish().await;
    }
}

#[tokio::test]
async fn an_uncertain_attempt_that_failed_goes_on_with_the_next_event() {
    let app = spawn().await;
    uncertain(&app, "4").await;
    yes(&app, "reference=0123456789abcdef&status=failed").await;
    assert_eq!(attempts(&app), "1 0 uncertain undelivered\n2 0 withdrawn -\n3 1 due -");
    app.finish().await;
}

#[tokio::test]
async fn a_callback_that_overtakes_the_reply_is_heeded_once_the_reply_is_there() {
    let taken = || Outcome::Taken { message_id: Some("sm1".to_owned()) };
    let lost = || Outcome::Uncertain { references: vec![], reason: "no reply".to_owned() };
    for (rest, outcome, after) in [
        ("status=delivered", taken(), "1 0 sent delivered"),
        ("status=failed", taken(), "1 0 sent undelivered\n2 1 due -"),
        ("status=delivered", lost(), "1 0 uncertain delivered\n2 0 withdrawn -"),
        ("status=failed", lost(), "1 0 uncertain undelivered\n2 0 withdrawn -\n3 1 due -"),
        // The name that it told proves that the provider has it.
        ("status=sent&id=sm1", lost(), "1 0 uncertain -\n2 0 withdrawn -"),
    ] {
        let app = spawn().await;
        let (_, attempt) = leaving(&app, "4").await;
        yes(&app, &format!("reference=0123456789abcdef&{rest}")).await;
        assert!(attempts(&app).starts_with("1 0 sending"), "{}", attempts(&app));
        finished(&app, attempt, outcome).await;
        assert_eq!(attempts(&app), after, "{rest}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_callback_that_overtakes_a_crash_is_heeded_at_the_start() {
    let mut app = spawn().await;
    leaving(&app, "4").await;
    yes(&app, "reference=0123456789abcdef&status=delivered").await;
    app.stop().await;
    app.start_again().await;
    assert_eq!(attempts(&app), "1 0 uncertain delivered\n2 0 withdrawn -");
    app.finish().await;
}

#[tokio::test]
async fn a_message_of_which_nothing_is_on_record_is_not_found_so_that_the_provider_tries_again() {
    let app = spawn().await;
    let (_, attempt) = leaving(&app, "4").await;
    // Without the reference only the reply's name leads to it, and the reply is not there.
    insta::assert_snapshot!(get(&app, "id=sm1&status=delivered").await, @"
    404 Not Found
    cache-control: no-store
    content-length: 16
    content-type: text/plain; charset=utf-8
    x-content-type-options: nosniff

    no such message
    ");
    finished(&app, attempt, Outcome::Taken { message_id: Some("sm1".to_owned()) }).await;
    yes(&app, "id=sm1&status=delivered").await;
    assert_eq!(attempts(&app), "1 0 sent delivered");
    for rest in ["status=delivered", "reference=fedcba9876543210&status=failed", "reference=x&id=sm9&status=failed"] {
        assert!(get(&app, rest).await.starts_with("404 Not Found"), "{rest}");
    }
    app.finish().await;
}

#[tokio::test]
async fn another_routes_message_and_one_of_long_ago_are_not_found() {
    let app = spawn().await;
    let (_, attempt) = sent(&app, "6").await;
    app.damage("update attempt set route = 'sim1'");
    for rest in ["reference=0123456789abcdef&status=delivered", "id=sm1&status=delivered"] {
        assert!(get(&app, rest).await.starts_with("404 Not Found"), "{rest}");
    }
    app.damage("update attempt set route = 'backup'");
    app.damage(&format!("update attempt set begun_at = begun_at - 172800001 where attempt_id = {attempt}"));
    assert!(get(&app, "id=sm1&status=delivered").await.starts_with("404 Not Found"));
    assert_eq!(attempts(&app), "1 0 sent -");
    app.finish().await;
}

#[tokio::test]
async fn what_is_said_on_the_way_is_acknowledged_whether_the_message_is_known_or_not() {
    let app = spawn().await;
    sent(&app, "4").await;
    for rest in ["id=sm1&status=queued", "id=sm9&status=queued", "", "id=sm1", "status="] {
        yes(&app, rest).await;
    }
    assert_eq!(attempts(&app), "1 0 sent -");
    app.finish().await;
}

#[tokio::test]
async fn after_the_end_a_report_is_recorded_and_changes_nothing_else() {
    for (status, report) in [("delivered", "delivered"), ("failed", "undelivered")] {
        let app = spawn().await;
        let (request, _) = sent(&app, "4").await;
        app.advance(31);
        assert_eq!(app.control(&request, "cancel").await.field("status"), "0");
        yes(&app, &format!("id=sm1&status={status}")).await;
        assert_eq!(attempts(&app), format!("1 0 sent {report}"));
        assert_eq!(app.status(&request).await, "CANCELLED");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_call_that_nobody_answered_counts_as_sent_and_one_that_could_not_be_made_does_not() {
    for (status, after) in [
        ("completed", "1 0 sent delivered"),
        ("busy", "1 0 unanswered -"),
        ("lost", "1 0 sent undelivered\n2 1 due -"),
        ("ringing", "1 0 sent -"),
    ] {
        let app = spawn().await;
        sent(&app, "3").await;
        yes(&app, &format!("reference=0123456789abcdef&call_status={status}")).await;
        assert_eq!(attempts(&app), after, "{status}");
        app.finish().await;
    }
}

#[tokio::test]
async fn an_uncertain_call_that_was_busy_is_not_made_again() {
    let app = spawn().await;
    uncertain(&app, "3").await;
    yes(&app, "reference=0123456789abcdef&call_status=busy").await;
    assert_eq!(attempts(&app), "1 0 unanswered -\n2 0 withdrawn -");
    app.finish().await;
}

#[tokio::test]
async fn without_the_secret_nothing_is_said_or_recorded() {
    let app = spawn().await;
    sent(&app, "4").await;
    let wrong = [
        app.http().get(app.url("/callbacks/backup?id=sm1&status=failed")),
        app.http().get(app.url("/callbacks/backup?id=sm1&status=failed&secret=behind-the-callback")),
        app.http().post(app.url("/callbacks/backup")).bearer_auth("wrong").body("id=sm1&status=failed"),
        app.http().post(app.url("/callbacks/backup")).body(format!("secret={SECRET}&id=sm1&status=failed")),
        app.http().get(app.url("/callbacks/backup?id=sm9&status=failed")),
    ];
    for request in wrong {
        let reply = whole(request).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply, @r#"
            401 Unauthorized
            cache-control: no-store
            content-length: 13
            content-type: text/plain; charset=utf-8
            www-authenticate: Basic realm="simverify", charset="UTF-8"
            x-content-type-options: nosniff

            unauthorized
            "#);
        }
    }
    assert_eq!(attempts(&app), "1 0 sent -");
    for right in [
        app.http().post(app.url("/callbacks/backup")).bearer_auth(SECRET).body("id=sm1&status=delivered"),
        app.http().post(app.url("/callbacks/backup")).basic_auth("any", Some(SECRET)).body("id=sm1&status=delivered"),
    ] {
        let reply = whole(right).await;
        assert!(reply.starts_with("200 OK"), "{reply}");
    }
    assert_eq!(attempts(&app), "1 0 sent delivered");
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_or_takes_no_callbacks_is_not_found() {
    let app = spawn().await;
    for path in ["/callbacks/nobody", "/callbacks/silent", "/callbacks/sim1", "/callbacks/BACKUP", "/callbacks/"] {
        let reply = whole(app.http().get(app.url(&format!("{path}?secret={SECRET}&status=failed")))).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply.replace("\ncache-control: no-store", ""), @"
            404 Not Found
            content-length: 10
            content-type: text/plain; charset=utf-8
            x-content-type-options: nosniff

            not found
            ");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_reason() {
    let app = spawn().await;
    let url = app.url(CALLED);
    insta::assert_snapshot!(whole(app.http().post(&url).body("{\"id\":")).await, @"
    400 Bad Request
    cache-control: no-store
    content-length: 28
    content-type: text/plain; charset=utf-8
    x-content-type-options: nosniff

    no JSON at line 1, column 6
    ");
    insta::assert_snapshot!(whole(app.http().post(&url).body("a".repeat(65537))).await, @"
    413 Payload Too Large
    cache-control: no-store
    content-length: 29
    content-type: text/plain; charset=utf-8
    x-content-type-options: nosniff

    at most 65536 bytes are read
    ");
    insta::assert_snapshot!(whole(app.http().put(&url).body("id=sm1")).await, @"
    405 Method Not Allowed
    allow: GET, POST
    content-length: 0
    x-content-type-options: nosniff
    ");
    app.finish().await;
}
