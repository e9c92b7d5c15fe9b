//! Limits, wrong codes, countries of a channel, and breakers, over HTTP.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, Reply, TestApp, spawn_app};

const CALLS: &str = "workflow_id";

fn options(toml: &str) -> Options {
    Options::one_modem().toml(toml)
}

async fn asked(app: &TestApp, number: &str, further: &[(&str, &str)]) -> String {
    let form: Vec<_> = [("number", number), ("brand", "Acme")].iter().chain(further).copied().collect();
    let credentials = [("api_key", app.account.key.as_str()), ("api_secret", app.account.secret.as_str())];
    let form: Vec<_> = credentials.into_iter().chain(form).collect();
    let response = app.http().post(app.url("/verify")).form(&form).send().await.expect("a reply");
    let again = response.headers().get("retry-after").map(|value| value.to_str().expect("digits").to_owned());
    let again = again.map(|seconds| format!(", again in {seconds} s")).unwrap_or_default();
    let reply = Reply::read(response).await;
    format!("{} status {}{again}", reply.http, reply.field("status"))
}

/// A request that ends at once, so that the next one is not concurrent.
async fn verified(app: &TestApp, number: &str) -> String {
    let reply = app.request(number, &[("pin_code", "739105"), ("workflow_id", "6")]).await;
    if reply.field("status") == "0" {
        let checked = app.check(&reply.field("request_id"), "739105").await;
        assert_eq!(checked.field("status"), "0", "{checked}");
    }
    reply.field("status")
}

#[tokio::test]
async fn a_number_is_held_up_by_each_of_its_limits_until_it_has_room_again() {
    let app = spawn_app(options("limits.mode = \"block\"\nlimits.per_prefix = []")).await;
    assert_eq!(verified(&app, NUMBER).await, "0");
    assert_eq!(asked(&app, NUMBER, &[]).await, "403 status 7, again in 30 s");
    let mut told = vec![];
    for _ in 0..2 {
        app.advance(30);
        told.push(verified(&app, NUMBER).await);
    }
    app.advance(30);
    told.push(asked(&app, NUMBER, &[]).await);
    app.advance(510);
    told.push(verified(&app, NUMBER).await);
    assert_snapshot!(told.join("\n"), @"
    0
    0
    403 status 7, again in 510 s
    0
    ");
    assert_eq!(verified(&app, "447700900124").await, "0", "another number");
    let nexmo = app.request(NUMBER, &[]).await;
    assert_snapshot!(nexmo.to_string(), @r#"{"request_id":"","status":"7","error_text":"The number you are trying to verify is blacklisted for verification"}"#);
    app.finish().await;
}

#[tokio::test]
async fn an_end_users_address_is_counted_however_it_is_passed_on() {
    let app = spawn_app(options(
        "limits.mode = \"block\"\nlimits.per_address = [\"2/h\"]\nlimits.allowed_addresses = [\"192.0.2.1\"]",
    ))
    .await;
    let from = |address| [("ip_address", address)];
    assert_eq!(asked(&app, "447700900101", &from("2001:db8::1")).await, "201 status 0");
    let header = app.http().post(app.url("/verify")).header("X-End-User-IP", "2001:db8::2");
    let form = [
        ("api_key", app.account.key.as_str()),
        ("api_secret", &app.account.secret),
        ("number", "447700900102"),
        ("brand", "Acme"),
    ];
    assert_eq!(app.send(header.form(&form)).await.field("status"), "0");
    assert_eq!(asked(&app, "447700900103", &from("2001:db8::3")).await, "403 status 7, again in 3600 s");
    assert_eq!(asked(&app, "447700900103", &from("2001:db8:0:1::3")).await, "201 status 0");
    for (index, address) in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "not an address", ""].into_iter().enumerate() {
        assert_eq!(asked(&app, &format!("44770090011{index}"), &from(address)).await, "201 status 0", "{address}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_prefix_is_held_up_and_an_allowed_number_never() {
    let app = spawn_app(options(
        "limits.mode = \"block\"\nlimits.per_prefix = [\"2/h\"]\nlimits.allowed_numbers = [\"+447700900199\"]",
    ))
    .await;
    for (number, status) in [
        ("447700900101", "0"),
        ("447700900102", "0"),
        ("447700900103", "7"),
        ("447700900199", "0"),
        ("447700901103", "0"),
    ] {
        assert_eq!(app.request(number, &[]).await.field("status"), status, "{number}");
    }
    let verdicts = app.command(&["guard", "show", "+447700900103"]).await;
    assert!(verdicts.contains("nothing holds it up"), "{verdicts}");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_refused_unless_it_is_asked_for() {
    let app = spawn_app(Options::one_modem()).await;
    for _ in 0..12 {
        assert_eq!(verified(&app, NUMBER).await, "0");
    }
    assert_eq!(app.value::<i64>("select count(*) from velocity where scope <> 'guess'"), 0);
    app.finish().await;
}

/// Three wrong codes for one request.
async fn guess(app: &TestApp, tries: usize) -> Vec<String> {
    let reply = app.request(NUMBER, &[("pin_code", "739105"), ("workflow_id", "6")]).await;
    if reply.field("status") != "0" {
        return vec![format!("request {}", reply.field("status"))];
    }
    // Its life counts from when it is sent.
    app.at_rest().await;
    let mut statuses = vec![];
    for _ in 0..tries {
        statuses.push(app.check(&reply.field("request_id"), "000000").await.field("status"));
    }
    statuses
}

#[tokio::test]
async fn wrong_codes_hold_a_number_up_across_its_requests_until_a_right_one() {
    let mut app = spawn_app(options("guessing.mode = \"block\"")).await;
    assert_eq!(guess(&app, 3).await, ["16", "16", "17"]);
    assert_eq!(asked(&app, NUMBER, &[]).await, "403 status 7, again in 30 s");
    app.advance(30);
    assert_eq!(guess(&app, 2).await, ["16", "1"], "the second is not looked at");
    assert_eq!(app.value::<i64>("select failures from guess"), 4);
    app.stop().await;
    app.start_again().await;
    app.all_ready().await;
    app.advance(59);
    assert_eq!(asked(&app, NUMBER, &[]).await, "403 status 7, again in 1 s", "a restart forgets nothing");
    app.advance(300);
    app.at_rest().await;
    assert_eq!(verified(&app, NUMBER).await, "0");
    assert_eq!(app.value::<i64>("select count(*) from guess"), 0, "a right code ends the row");
    app.finish().await;
}

#[tokio::test]
async fn at_the_end_of_the_row_a_number_is_locked_until_an_operator_lets_it_go() {
    let app = spawn_app(options("guessing.mode = \"block\"\nguessing.failures_in_a_row = 2")).await;
    assert_eq!(guess(&app, 3).await, ["16", "16", "17"], "the third is not looked at");
    assert_eq!(app.value::<i64>("select failures from guess"), 2);
    app.advance(86_400);
    app.at_rest().await;
    assert_eq!(asked(&app, NUMBER, &[]).await, "403 status 7", "nobody knows when");
    assert_eq!(app.value::<i64>("select failures from guess"), 2);
    let shown = app.command(&["guard", "release", &format!("+{NUMBER}")]).await;
    assert_eq!(shown, format!("exit 0\n+{NUMBER} is released\n"));
    assert_eq!(verified(&app, NUMBER).await, "0");
    let again = app.command(&["guard", "release", &format!("+{NUMBER}")]).await;
    assert!(again.starts_with("exit 65"), "{again}");
    app.finish().await;
}

#[tokio::test]
async fn by_default_wrong_codes_are_counted_and_answered_as_ever() {
    let app = spawn_app(Options::one_modem()).await;
    for _ in 0..3 {
        assert_eq!(guess(&app, 3).await, ["16", "16", "17"]);
    }
    assert_eq!(app.value::<i64>("select failures from guess"), 9);
    assert_eq!(
        app.lines("select rule || ' ' || verdict || ' ' || times from verdict order by verdict_id"),
        ["guess monitored 8"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_channel_that_is_closed_to_a_country_is_skipped() {
    let toml = "numbers.countries_sms = { default = \"allow\", FR = \"block\" }\n\
                numbers.countries_voice = { default = \"block\", DE = \"allow\" }";
    let mut app =
        spawn_app(options(toml).keys("sim1", "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"modem-tts\" }"))
            .await;
    let request = app.start(NUMBER, &[("workflow_id", "5")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.pass(120).await;
    assert_eq!(app.events(&request).await, ["sms"], "the call is skipped");
    assert_eq!(
        app.lines("select reason from attempt where state = 'unroutable'"),
        ["its country is closed to this channel"]
    );
    assert_eq!(asked(&app, "447700900124", &[(CALLS, "7")]).await, "403 status 15");
    assert_eq!(asked(&app, "33612345678", &[(CALLS, "5")]).await, "403 status 15", "closed to both");
    app.finish().await;
}

#[tokio::test]
async fn the_strict_profile_wants_long_pins_and_answers_a_satellite_phone_as_any_does() {
    let app = spawn_app(options("verify.profile = \"strict\"")).await;
    for (further, status) in [("code_length=4", "3"), ("pin_code=1234", "3"), ("code_length=6", "0")] {
        let (name, value) = further.split_once('=').expect("a pair");
        let number = format!("4477009001{}", 10 + status.len() + value.len());
        assert_eq!(app.request(&number, &[(name, value)]).await.field("status"), status, "{further}");
    }
    assert_eq!(app.value::<i64>("select max(code_length) from verification"), 6);
    app.finish().await;
    let app = spawn_app(Options::one_modem()).await;
    for number in ["870773111632", "881612345678", "979123456789"] {
        assert_eq!(app.request(number, &[]).await.field("status"), "15", "{number}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_prefix_that_nobody_verifies_is_blocked_shown_and_released_at_once() {
    let app = spawn_app(options("breaker.mode = \"block\"\nbreaker.block_sends = 5\nbreaker.sequence = 0")).await;
    for index in 0..5 {
        app.start(&format!("44770090010{index}"), &[("workflow_id", "6")]).await;
        app.at_rest().await;
    }
    assert_eq!(
        app.request("447700900110", &[("workflow_id", "6")]).await.field("status"),
        "0",
        "they may still answer"
    );
    app.at_rest().await;
    app.advance(421);
    assert_eq!(asked(&app, "447700900111", &[]).await, "403 status 7, again in 43200 s");
    app.advance(60);
    assert_eq!(asked(&app, "447700900112", &[]).await, "403 status 7, again in 43140 s");
    assert_eq!(app.request("447700901112", &[("workflow_id", "6")]).await.field("status"), "0", "another block");
    let listed = app.command(&["guard", "list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(listed.trim_start_matches("exit 0\n")).expect("JSON");
    assert_eq!(listed[0]["prefix"], "+447700900*");
    // The commands go by the system's clock, which is not the test's.
    assert_eq!(listed[0]["reason"], "0 of 6 sent in 6 h were verified, 0 %; below 35 %");
    let released = app.command(&["guard", "release", "+447700900*"]).await;
    assert_eq!(released, "exit 0\n+447700900* is released\n");
    assert_eq!(app.request("447700900113", &[("workflow_id", "6")]).await.field("status"), "0");
    assert_eq!(
        app.lines("select rule || ' ' || verdict || ' ' || scope || ' ' || times from verdict order by verdict_id"),
        ["breaker tripped block 1", "breaker refused block 2", "breaker released block 1"]
    );
    app.finish().await;
}
