//! What an account's own server is told, and what becomes of it when that server fails.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use secrecy::ExposeSecret;
use serde_json::json;
use simverify::app::{WebhookChange, remove_webhook, replay_webhook_events, rotate_webhook_secret};
use simverify::random::Random;
use simverify::simulator::CallState;
use simverify::webhook::signature::SigningSecret;

use crate::harness::{Account, NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};
use crate::metrics::{scrape, series};
use crate::provider::{Act, Asked, FakeProvider, reply};

/// A receiver on this machine is taken, and no busy machine is too slow for it.
const ALLOWED: &str = "webhooks.allow_networks = ['127.0.0.0/8']\nwebhooks.timeout_seconds = 60";

const ONE_SMS: &[(&str, &str)] = &[("workflow_id", "6"), ("pin_code", "4711")];

const OPEN: &str = "select count(*) from webhook_event where state in ('waiting', 'due', 'sending')";
const SENDING: &str = "select count(*) from webhook_event where state = 'sending'";
const FAILURES: &str = "select failure from webhook where failure is not null";

/// An application with a receiver for its account's events, and the secret that they share.
async fn told(options: Options) -> (TestApp, FakeProvider, SigningSecret) {
    let receiver = FakeProvider::start().await;
    let app = spawn_app(options.toml(ALLOWED)).await;
    let secret = set(&app, &app.account, &receiver.url("/hook"), WebhookChange::default()).await;
    (app, receiver, secret)
}

/// Makes an account's webhook; gives its secret.
async fn set(app: &TestApp, account: &Account, url: &str, change: WebhookChange) -> SigningSecret {
    let secret = app.set_webhook(account, url, change).await.expect("a new secret");
    SigningSecret::from_text(secret.expose_secret()).expect("a secret")
}

/// Returns once nothing is under way and what can go on by itself has done so.
async fn sent(app: &TestApp) {
    eventually("all events are delivered", || (app.value::<i64>(OPEN) == 0).then_some(())).await;
}

/// Returns once so many events have happened.
async fn happened(app: &TestApp, count: i64) {
    let events = "select count(*) from webhook_event";
    eventually(&format!("{count} events"), || (app.value::<i64>(events) >= count).then_some(())).await;
}

async fn failed(app: &TestApp, receiver: &FakeProvider, requests: usize) {
    receiver.request(requests - 1).await;
    eventually("the failure is on record", || (app.value::<i64>(SENDING) == 0).then_some(())).await;
}

/// What a scrape says of webhooks.
async fn counted(app: &TestApp) -> String {
    // What was committed before is counted by then.
    app.operations().prove_writable().await.expect("a write");
    let names = ["webhook_deliveries", "webhook_events", "webhook_oldest", "webhook_request_duration_seconds_count"];
    series(&scrape(app).await, &names)
}

fn kind(asked: &Asked) -> String {
    asked.json()["type"].as_str().expect("a type").trim_start_matches("verification.").to_owned()
}

fn kinds(receiver: &FakeProvider) -> Vec<String> {
    receiver.asked().iter().map(kind).collect()
}

fn is_signed(asked: &Asked, secret: &SigningSecret) -> bool {
    let header = |name| asked.header(name).unwrap_or_else(|| panic!("{name} in {}", asked.head));
    let timestamp = header("webhook-timestamp").parse().expect("seconds");
    let expected = secret.sign(header("webhook-id"), timestamp, &asked.body);
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

/// What differs each time.
fn masked(app: &TestApp, text: &str) -> String {
    let mut text = text.replace(&app.account.key, "KEY");
    for sql in ["select lower(hex(request_id)) from verification", "select lower(hex(event_id)) from event"] {
        for id in app.lines(sql) {
            text = text.replace(&id, "ID");
        }
    }
    text
}

#[tokio::test]
async fn a_verification_is_told_from_its_start_to_its_end() {
    let (mut app, receiver, secret) = told(Options::one_modem()).await;
    let request = app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    happened(&app, 3).await;
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    sent(&app).await;
    assert_eq!(kinds(&receiver), ["started", "sent", "delivered", "verified"]);
    let asked = receiver.asked();
    assert!(asked.iter().all(|asked| is_signed(asked, &secret)));
    let bodies: Vec<_> = asked.iter().map(|asked| masked(&app, &asked.body)).collect();
    assert_snapshot!(bodies.join("\n"), @r#"
    {"type":"verification.started","timestamp":"2026-03-01T12:00:00.000Z","data":{"request_id":"ID","account_id":"KEY","sequence":1,"status":"IN PROGRESS","number":"+44…23","country":"GB","step":null,"reason_code":null,"reason":null,"price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"2026-03-01T12:00:00.000Z","finalized_at":null}}
    {"type":"verification.sent","timestamp":"2026-03-01T12:00:00.000Z","data":{"request_id":"ID","account_id":"KEY","sequence":2,"status":"IN PROGRESS","number":"+44…23","country":"GB","step":{"number":1,"event_id":"ID","channel":"sms","route":"modem"},"reason_code":null,"reason":null,"price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"2026-03-01T12:00:00.000Z","finalized_at":null}}
    {"type":"verification.delivered","timestamp":"2026-03-01T12:00:00.000Z","data":{"request_id":"ID","account_id":"KEY","sequence":3,"status":"IN PROGRESS","number":"+44…23","country":"GB","step":{"number":1,"event_id":"ID","channel":"sms","route":"modem"},"reason_code":null,"reason":null,"price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"2026-03-01T12:00:00.000Z","finalized_at":null}}
    {"type":"verification.verified","timestamp":"2026-03-01T12:00:00.000Z","data":{"request_id":"ID","account_id":"KEY","sequence":4,"status":"SUCCESS","number":"+44…23","country":"GB","step":null,"reason_code":null,"reason":null,"price":"0.12050000","currency":"USD","estimated_price_messages_sent":"0.00000000","submitted_at":"2026-03-01T12:00:00.000Z","finalized_at":"2026-03-01T12:00:00.000Z"}}
    "#);
    let head = masked(&app, &format!("{}\n{}", asked[0].line, asked[0].head.replace("\r\n", "\n")));
    let head: Vec<_> = head.lines().filter(|line| !line.starts_with("webhook-") && !line.starts_with("host")).collect();
    assert_snapshot!(head.join("\n"), @"
    POST /hook HTTP/1.1
    user-agent: simverify/0.1.0
    content-type: application/json
    accept: */*
    content-length: 412
    ");
    assert_eq!(asked[0].header("webhook-timestamp"), Some("1772366400"));
    let mut ids: Vec<_> = asked.iter().map(|asked| asked.header("webhook-id").expect("an id")).collect();
    assert!(ids.iter().all(|id| id.starts_with("msg_") && id.len() == 36), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each has a name of its own");
    app.finish().await;
}

#[tokio::test]
async fn every_end_has_its_event_and_its_reason() {
    let (mut app, receiver, _) =
        told(Options::without_modem().modem("sim1", quick_modem().with("reports", "off"))).await;
    let wrong = app.start("447700900101", ONE_SMS).await;
    app.phone.sms().await;
    for status in ["16", "16", "17"] {
        assert_eq!(app.check(&wrong, "0000").await.field("status"), status);
    }
    let cancelled = app.start("447700900102", ONE_SMS).await;
    app.phone.sms().await;
    app.pass(31).await;
    assert_eq!(app.control(&cancelled, "cancel").await.field("status"), "0");
    app.start("447700900103", ONE_SMS).await;
    app.phone.sms().await;
    app.pass(301).await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    app.start("447700900104", &[("workflow_id", "4")]).await;
    app.pass_while_down(241).await;
    app.pass_while_down(241).await;
    sent(&app).await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for asked in receiver.asked() {
        let json = asked.json();
        let data = &json["data"];
        let number = ["request_id"].map(|key| data[key].as_str().expect("text").to_owned()).concat();
        let place = data["step"]["number"].as_u64().map(|number| format!(" of step {number}")).unwrap_or_default();
        let reason = data["reason_code"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        let list = told.entry(number).or_default();
        list.push(format!("{} {}{place}{reason}", data["sequence"], kind(&asked)));
    }
    let mut lines: Vec<_> = told.into_values().map(|list| list.join(", ")).collect();
    lines.sort();
    assert_snapshot!(lines.join("\n"), @"
    1 started, 2 sent of step 1, 3 cancelled
    1 started, 2 sent of step 1, 3 expired: no_right_code
    1 started, 2 sent of step 1, 3 failed: wrong_codes
    1 started, 2 undelivered of step 1: not_sent, 3 undelivered of step 2: not_sent, 4 failed: not_sent
    ");
    app.finish().await;
}

#[tokio::test]
async fn a_call_is_answered_or_not() {
    let hum = "tts.engine = 'command'\ntts.repeat = 1\ntts.command = ['sh', '-c', \
        'cat > /dev/null; sox -q -n -r 8000 -b 16 -c 1 -t wav - synth 0.05 sine 700']";
    let receiver = FakeProvider::start().await;
    let options = Options::without_modem()
        .modem("sim1", quick_modem().with("answer-after", "50ms"))
        .keys("sim1", "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }")
        .toml(&format!("{ALLOWED}\n{hum}"));
    let app = spawn_app(options).await;
    set(&app, &app.account, &receiver.url("/"), WebhookChange::default()).await;
    app.start("447700900001", &[("workflow_id", "7")]).await;
    app.phone.call_is(CallState::Busy, 1).await;
    app.at_rest().await;
    app.start(NUMBER, &[("workflow_id", "7"), ("pin_code", "4711")]).await;
    app.phone.call_is(CallState::Ended, 1).await;
    app.at_rest().await;
    sent(&app).await;
    assert_eq!(kinds(&receiver), ["started", "undelivered", "started", "answered"]);
    let steps: Vec<_> =
        receiver.asked().iter().map(|asked| asked.json()["data"]["step"]["channel"].to_string()).collect();
    assert_eq!(steps, ["null", "\"tts\"", "null", "\"tts\""]);
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_fails_for_a_minute_gets_every_event_once_it_is_back_in_order() {
    let (mut app, receiver, secret) = told(Options::one_modem()).await;
    receiver.otherwise(reply(500, "", "{}"));
    let mut requests = vec![];
    for number in ["447700900101", "447700900102", "447700900103"] {
        requests.push(app.start(number, ONE_SMS).await);
        app.phone.sms().await;
        happened(&app, 3 * i64::try_from(requests.len()).expect("few")).await;
        app.advance(10);
    }
    for request in &requests {
        assert_eq!(app.check(request, "4711").await.field("status"), "0");
    }
    for _ in 0..6 {
        app.advance(5);
        eventually("an attempt has ended", || (app.value::<i64>(SENDING) == 0).then_some(())).await;
    }
    assert_eq!(app.value::<i64>("select count(*) from webhook_event where state = 'delivered'"), 0);
    let in_vain = receiver.asked().len();
    receiver.otherwise(reply(200, "", "{}"));
    // Further than the longest wait so far, and no further: what waited longer comes with the first that is taken.
    app.advance(20);
    sent(&app).await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for asked in &receiver.asked()[in_vain..] {
        assert!(is_signed(asked, &secret));
        let request = asked.json()["data"]["request_id"].as_str().expect("an id").to_owned();
        told.entry(request).or_default().push(kind(asked));
        *ids.entry(asked.header("webhook-id").expect("an id").to_owned()).or_default() += 1;
    }
    assert_eq!(told.len(), 3);
    for request in &requests {
        assert_eq!(told[request], ["started", "sent", "delivered", "verified"]);
    }
    assert!(ids.values().all(|times| *times == 1) && ids.len() == 12, "each once: {ids:?}");
    let first = &receiver.asked()[0];
    let again =
        receiver.asked().iter().filter(|asked| asked.header("webhook-id") == first.header("webhook-id")).count();
    assert!(again > 1, "an attempt has the name of the one before");
    app.finish().await;
}

/// A verification that has ended, of which one event is still to be sent.
fn one_event(app: &TestApp) {
    let now = app.now().as_millis();
    app.damage(&format!(
        "insert into verification (request_id, account_id, number_sealed, number_hash, brand, sender_id, language,
             code_length, own_pin, credits, price, currency, workflow, pin_life_ms, cancel_after_ms, tries_max,
             send_timeout_ms, state, state_flag, event_index, attempt_no, submitted_no, retries, generation, tries,
             undecided, second_started, sent, price_open, handled_at, created_at, finalized_at)
         values (zeroblob(16), 1, x'', zeroblob(32), 'Acme', 'VERIFY', 'en-us', 4, 0, 0, 0, 'USD', 6, 1, 1, 3, 1,
             'failed', 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, {now}, {now}, {now})",
    ));
    let facts = json!({
        "status": "FAILED", "price": "0", "currency": "USD", "estimated_price_messages_sent": "0", "submitted_at": "-",
    });
    app.damage(&format!(
        "insert into webhook_event (account_id, verification_id, sequence, type, facts, occurred_at, state, queued_at,
             due_at) values (1, 1, 1, 'verification.failed', '{facts}', 1, 'due', {now}, {now})"
    ));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_or_an_octet_now_and_then_is_given_up_in_time() {
    for act in [Act::Silence, Act::Drip("HTTP/1.1 200 X\r\nX-Slow:".to_owned())] {
        let receiver = FakeProvider::start().await;
        let quick = "webhooks.allow_networks = ['127.0.0.0/8']\nwebhooks.timeout_seconds = 1";
        let app = spawn_app(Options::without_modem().toml(quick)).await;
        receiver.otherwise(act);
        set(&app, &app.account, &receiver.url("/"), WebhookChange::default()).await;
        one_event(&app);
        app.wake_webhooks();
        let failure = eventually("a failure", || app.lines(FAILURES).pop()).await;
        assert_eq!(failure, "it took too long");
        app.finish().await;
    }
}

#[tokio::test]
async fn what_is_no_success_is_tried_again_for_each_reason() {
    let (app, receiver, _) = told(Options::without_modem()).await;
    let elsewhere = format!("Location: {}\r\n", receiver.url("/elsewhere"));
    let cases = [
        (reply(302, &elsewhere, ""), "HTTP status 302: redirects are not followed, set the URL itself"),
        (reply(404, "", "{}"), "HTTP status 404"),
        (reply(500, "", "{}"), "HTTP status 500"),
        (Act::Close, "connection closed before message completed"),
        (Act::Say("SSH-2.0-nothing of HTTP\r\n\r\n".to_owned()), "invalid HTTP version parsed"),
    ];
    receiver.acts(cases.iter().map(|(act, _)| act.clone()));
    one_event(&app);
    app.wake_webhooks();
    for (index, (_, reason)) in cases.iter().enumerate() {
        failed(&app, &receiver, index + 1).await;
        let failure = app.lines("select attempts || ' ' || failure from webhook_event");
        assert_eq!(failure, [format!("{} {reason}", index + 1)]);
        assert_eq!(app.lines(FAILURES), [*reason]);
        let wait: i64 = app.value("select due_at - attempted_at from webhook_event");
        let expected = 5000 * (1 << index);
        assert!((expected * 8 / 10..=expected * 12 / 10).contains(&wait), "{wait} ms after {} tries", index + 1);
        app.advance(u64::try_from(wait).expect("a wait") / 1000 + 1);
    }
    receiver.acts([Act::Flood("HTTP/1.1 200 X\r\nContent-Type: text/plain\r\n\r\n".to_owned())]);
    sent(&app).await;
    assert!(receiver.asked().iter().all(|asked| asked.line == "POST /hook HTTP/1.1"), "no redirect was followed");
    assert_eq!(app.lines(FAILURES), [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_may_ask_for_a_pause_and_410_turns_the_webhook_off() {
    let (mut app, receiver, _) = told(Options::one_modem()).await;
    receiver.acts([reply(503, "Retry-After: 120\r\n", "")]);
    let request = app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    failed(&app, &receiver, 1).await;
    happened(&app, 3).await;
    app.start("447700900124", ONE_SMS).await;
    app.phone.sms().await;
    happened(&app, 6).await;
    app.advance(119);
    app.looked().await;
    assert_eq!(receiver.asked().len(), 1, "not for another verification either");
    receiver.acts([reply(410, "", "")]);
    app.advance(2);
    sent(&app).await;
    assert_eq!(receiver.asked().len(), 2);
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    let dead = "select count(*) from webhook_event where state = 'dead'";
    assert_eq!(app.value::<i64>(dead), 7, "also what happened after");
    assert_eq!(receiver.asked().len(), 2);
    assert_eq!(app.logged(&["410 Gone", &app.account.key]).len(), 1);
    let all = replay_webhook_events(app.operations().store(), app.now(), None, None).await;
    assert_eq!(all.expect("replayed"), 7);
    app.set_webhook(&app.account, &receiver.url("/hook"), WebhookChange::default()).await;
    sent(&app).await;
    assert_eq!(app.value::<i64>("select count(*) from webhook_event where state = 'delivered'"), 7);
    let of_first: Vec<_> = receiver.asked()[2..]
        .iter()
        .filter(|asked| asked.json()["data"]["request_id"] == request.as_str())
        .map(kind)
        .collect();
    assert_eq!(of_first, ["started", "sent", "delivered", "verified"]);
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_is_given_up_lets_the_next_one_go_and_comes_again_when_it_is_replayed() {
    let receiver = FakeProvider::start().await;
    let options = Options::one_modem().admin().toml(&format!("{ALLOWED}\nwebhooks.give_up_hours = 1"));
    let mut app = spawn_app(options).await;
    set(&app, &app.account, &receiver.url("/"), WebhookChange::default()).await;
    receiver.otherwise(reply(500, "", ""));
    let request = app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    failed(&app, &receiver, 1).await;
    happened(&app, 3).await;
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    assert_snapshot!(counted(&app).await, @r#"
    webhook_deliveries_total{result="dead"} 0
    webhook_deliveries_total{result="delivered"} 0
    webhook_deliveries_total{result="failed"} 1
    webhook_deliveries_total{result="gone"} 0
    webhook_events{state="dead"} 0.0
    webhook_events{state="due"} 1.0
    webhook_events{state="waiting"} 3.0
    webhook_oldest_seconds 0.0
    webhook_request_duration_seconds_count 1
    "#);
    app.advance(3601);
    eventually("all are given up", || (app.value::<i64>(OPEN) == 0).then_some(())).await;
    let all = ["started", "sent", "delivered", "verified"];
    assert_eq!(kinds(&receiver)[1..], all, "each had its try");
    assert_eq!(app.logged(&["was given up", &app.account.key]).len(), 1);
    assert_snapshot!(counted(&app).await, @r#"
    webhook_deliveries_total{result="dead"} 4
    webhook_deliveries_total{result="delivered"} 0
    webhook_deliveries_total{result="failed"} 1
    webhook_deliveries_total{result="gone"} 0
    webhook_events{state="dead"} 4.0
    webhook_events{state="due"} 0.0
    webhook_events{state="waiting"} 0.0
    webhook_oldest_seconds 0.0
    webhook_request_duration_seconds_count 5
    "#);
    receiver.otherwise(reply(204, "", ""));
    let first: i64 = app.value("select min(webhook_event_id) from webhook_event");
    for (event, count, told) in [(Some(first), 1, &all[..1]), (None, 3, &all[1..]), (Some(first), 0, &[])] {
        let before = receiver.asked().len();
        let replayed = replay_webhook_events(app.operations().store(), app.now(), event, None).await;
        assert_eq!(replayed.expect("replayed"), count);
        app.wake_webhooks();
        sent(&app).await;
        assert_eq!(kinds(&receiver)[before..], *told);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_private_address_is_refused_by_number_and_by_name_unless_it_is_allowed() {
    let receiver = FakeProvider::start().await;
    let mut app = spawn_app(Options::one_modem()).await;
    set(&app, &app.account, &receiver.url("/"), WebhookChange::default()).await;
    app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    let refused = eventually("a refusal", || app.lines(FAILURES).pop()).await;
    assert_eq!(refused, "127.0.0.1 is a loopback address, and webhooks.allow_networks does not name it");
    let named = format!("http://localhost:{}/", receiver.port());
    app.set_webhook(&app.account, &named, WebhookChange::default()).await;
    let refused = eventually("a refusal", || app.lines(FAILURES).pop()).await;
    assert!(refused.ends_with("is a loopback address, and webhooks.allow_networks does not name it"), "{refused}");
    assert_eq!(receiver.asked().len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn both_secrets_sign_while_one_takes_the_others_place() {
    let (mut app, receiver, old) = told(Options::one_modem()).await;
    let (store, now) = (app.operations().store(), app.now());
    let hour = std::time::Duration::from_secs(3600);
    let made = rotate_webhook_secret(store, &app.secrets(), &Random::System, now, &app.account.key, hour).await;
    let made = made.expect("another secret");
    app.never(made.expose_secret());
    let new = SigningSecret::from_text(made.expose_secret()).expect("a secret");
    app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    happened(&app, 3).await;
    sent(&app).await;
    let during = receiver.asked();
    assert!(during.iter().all(|asked| is_signed(asked, &old) && is_signed(asked, &new)));
    app.pass(3600).await;
    happened(&app, 4).await;
    sent(&app).await;
    let after = &receiver.asked()[during.len()..];
    assert!(!after.is_empty() && after.iter().all(|asked| is_signed(asked, &new) && !is_signed(asked, &old)));
    let stored = app.database_bytes();
    for secret in [&old, &new] {
        let text = STANDARD.encode(secret.octets());
        assert!(!stored.windows(32).any(|window| window == &text.as_bytes()[..32] || window == secret.octets()));
    }
    app.finish().await;
}

#[tokio::test]
async fn an_account_chooses_what_it_is_told_and_whether_numbers_are_whole() {
    let receiver = FakeProvider::start().await;
    let mut app = spawn_app(Options::one_modem().toml(ALLOWED)).await;
    let events = ["started", "verified"].map(|event| event.parse().expect("an event")).to_vec();
    let change = WebhookChange { events: Some(events), whole_numbers: Some(true), ..WebhookChange::default() };
    set(&app, &app.account, &receiver.url("/"), change).await;
    let request = app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    sent(&app).await;
    assert_eq!(kinds(&receiver), ["started", "verified"]);
    let numbers: Vec<_> = receiver.asked().iter().map(|asked| asked.json()["data"]["number"].to_string()).collect();
    assert_eq!(numbers, [format!("\"+{NUMBER}\""), format!("\"+{NUMBER}\"")]);
    assert!(!app.database_bytes().windows(NUMBER.len()).any(|window| window == NUMBER.as_bytes()));
    app.finish().await;
}

#[tokio::test]
async fn a_slow_receiver_holds_up_no_other_account() {
    let (slow, quick) = (FakeProvider::start().await, FakeProvider::start().await);
    let toml = "webhooks.allow_networks = ['127.0.0.0/8']\nwebhooks.timeout_seconds = 60\nwebhooks.concurrency = 3\n\
                webhooks.concurrency_per_account = 2";
    let mut app = spawn_app(Options::one_modem().toml(toml)).await;
    let other = app.add_account("other", None).await;
    set(&app, &app.account, &slow.url("/"), WebhookChange::default()).await;
    set(&app, &other, &quick.url("/"), WebhookChange::default()).await;
    slow.acts((0..2).map(|_| Act::Hold("HTTP/1.1 200 X\r\n\r\n".to_owned())));
    for number in ["447700900101", "447700900102", "447700900103"] {
        app.start(number, ONE_SMS).await;
        app.phone.sms().await;
    }
    happened(&app, 9).await;
    slow.request(1).await;
    assert_eq!(app.request_as(&other, NUMBER, ONE_SMS).await.field("status"), "0");
    app.phone.sms().await;
    quick.request(2).await;
    assert_eq!(kinds(&quick), ["started", "sent", "delivered"]);
    assert_eq!(slow.asked().len(), 2, "as many as an account may have");
    slow.release();
    slow.release();
    sent(&app).await;
    assert_eq!((slow.asked().len(), slow.most()), (9, 2));
    app.finish().await;
}

#[tokio::test]
async fn what_was_being_sent_when_the_daemon_ended_is_sent_again_under_its_name() {
    let (mut app, receiver, _) = told(Options::one_modem()).await;
    receiver.otherwise(reply(500, "", ""));
    app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    failed(&app, &receiver, 1).await;
    happened(&app, 3).await;
    app.stop().await;
    // As a kill leaves it.
    app.damage("update webhook_event set state = 'sending' where state = 'due'");
    receiver.otherwise(reply(200, "", ""));
    app.advance(10);
    app.start_again().await;
    app.all_ready().await;
    sent(&app).await;
    let id = |index: usize| receiver.asked()[index].header("webhook-id").expect("an id").to_owned();
    let tries = receiver.asked().iter().filter(|asked| kind(asked) == "started").count();
    assert_eq!(id(0), id(tries - 1));
    assert_eq!(kinds(&receiver)[tries..], ["sent", "delivered"]);
    app.finish().await;
}

#[tokio::test]
async fn events_go_with_their_verification_their_webhook_and_their_age() {
    let (mut app, receiver, _) = told(Options::one_modem()).await;
    let request = app.start(NUMBER, ONE_SMS).await;
    app.phone.sms().await;
    happened(&app, 3).await;
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    sent(&app).await;
    receiver.otherwise(reply(500, "", ""));
    app.start("447700900124", ONE_SMS).await;
    app.phone.sms().await;
    happened(&app, 7).await;
    let count = "select count(*) from webhook_event";
    app.pass(6 * 86_400).await;
    let kept: i64 = app.value(count);
    app.advance(2 * 86_400);
    eventually("what was delivered is purged", || (app.value::<i64>(count) < kept).then_some(())).await;
    let left = "select count(*) from webhook_event where state = 'delivered'";
    eventually("all of it", || (app.value::<i64>(left) == 0).then_some(())).await;
    let removed = remove_webhook(app.operations().store(), &app.account.key).await.expect("removed");
    assert_eq!(i64::from(removed.pending + removed.dead), kept - 4);
    assert_eq!(app.value::<i64>(count), 0);
    app.finish().await;
}
