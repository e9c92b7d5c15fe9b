//! What a scrape of the admin listener says, and that it always says something.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use simverify::metrics::catalogue::{self, Described, Kind};
use simverify::simulator::CallState;
use simverify::store::{StoreError, Tx};

use crate::harness::{NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};
use crate::provider::{Act, FakeProvider, reply};

/// A scrape in the form that every program reads.
pub async fn scrape(app: &TestApp) -> String {
    let (status, content_type, text) = scrape_with(app, "text/plain;version=0.0.4").await;
    assert_eq!((status, content_type.as_str()), (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8"), "{text}");
    text
}

async fn scrape_with(app: &TestApp, accept: &str) -> (StatusCode, String, String) {
    let response = app.http().get(app.admin_url("/metrics")).header(ACCEPT, accept).send().await.expect("a reply");
    let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.to_str().expect("ASCII").to_owned());
    (response.status(), content_type.unwrap_or_default(), response.text().await.expect("text"))
}

/// The series whose names begin so, in order, without the program's own prefix.
pub fn series(text: &str, names: &[&str]) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix("simverify_"));
    let mut found: Vec<_> = lines.filter(|line| names.iter().any(|name| line.starts_with(name))).collect();
    found.sort_unstable();
    found.join("\n")
}

/// The value of one series.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What `promtool` says, and whether it is content.
pub fn promtool(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's package prometheus");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Returns once all that was sent is reported.
async fn reported(app: &TestApp) {
    app.at_rest().await;
    let unreported = "select count(*) from attempt where report is null and state = 'sent'";
    eventually("a report", || (app.value::<i64>(unreported) == 0).then_some(())).await;
}

/// A verification in the course of which the PIN is mistyped once, and reported as delivered.
async fn verify(app: &mut TestApp, number: &str) {
    let request = app.start(number, &[("workflow_id", "6")]).await;
    let sms = app.phone.sms().await;
    reported(app).await;
    let wrong = if sms.pin() == "0000" { "1111" } else { "0000" };
    assert_eq!(app.check(&request, wrong).await.field("status"), "16");
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
}

#[tokio::test]
async fn the_whole_life_of_a_verification_moves_what_it_should() {
    let options = Options::one_modem().admin().keys("sim1", "sms_per_day = 20\nsms_per_month = 100");
    let mut app = spawn_app(options).await;
    let before = scrape(&app).await;
    insta::assert_snapshot!(series(&before, &["verifications", "sends", "api_requests", "conversion", "queue_l", "queue_o"]), @"
    queue_length 0.0
    queue_oldest_age_seconds 0.0
    verifications_in_progress 0.0
    ");
    verify(&mut app, NUMBER).await;
    app.advance(7);
    let open = app.start("447700900124", &[("workflow_id", "6")]).await;
    reported(&app).await;
    assert_eq!(app.control(&open, "cancel").await.field("status"), "19");
    let text = scrape(&app).await;
    let moved = ["verifications", "sends", "deliveries", "api_requests", "http", "conversion", "queue_l", "queue_o"];
    insta::assert_snapshot!(series(&text, &moved), @r#"
    api_requests_total{face="nexmo-json",operation="check",status="0"} 1
    api_requests_total{face="nexmo-json",operation="check",status="16"} 1
    api_requests_total{face="nexmo-json",operation="control",status="19"} 1
    api_requests_total{face="nexmo-json",operation="request",status="0"} 2
    conversion_ratio 1.0
    deliveries_total{route="sim1",channel="sms",result="delivered"} 2
    http_requests_total{code="200"} 5
    queue_length 0.0
    queue_oldest_age_seconds 0.0
    sends_total{route="sim1",channel="sms",result="sent"} 2
    verifications_ended_total{outcome="success",country="GB"} 1
    verifications_in_progress 1.0
    verifications_started_total{country="GB"} 2
    "#);
    // By the clock of the test no time has passed.
    let legs =
        ["queue_wait_seconds_c", "queue_wait_seconds_s", "send_duration_seconds_c", "delivery_duration_seconds_c"];
    insta::assert_snapshot!(series(&text, &legs), @r#"
    delivery_duration_seconds_count{route="sim1",channel="sms"} 2
    queue_wait_seconds_count{route="sim1",channel="sms"} 2
    queue_wait_seconds_sum{route="sim1",channel="sms"} 0.0
    send_duration_seconds_count{route="sim1",channel="sms"} 2
    "#);
    insta::assert_snapshot!(series(&text, &["route_", "modem_", "guard_breakers", "scrape", "build"]), @r#"
    build_info{version="0.1.0"} 1
    guard_breakers_open{level="block"} 0.0
    guard_breakers_open{level="country"} 0.0
    guard_breakers_open{level="range"} 0.0
    modem_port_losses_total{route="sim1"} 0
    modem_recovery_steps_total{route="sim1",rung="reinitialise"} 0
    modem_recovery_steps_total{route="sim1",rung="reopen"} 0
    modem_recovery_steps_total{route="sim1",rung="reset"} 0
    modem_recovery_steps_total{route="sim1",rung="wake"} 0
    modem_registration_state{route="sim1",state="denied"} 0.0
    modem_registration_state{route="sim1",state="emergency_only"} 0.0
    modem_registration_state{route="sim1",state="home"} 1.0
    modem_registration_state{route="sim1",state="idle"} 0.0
    modem_registration_state{route="sim1",state="restricted"} 0.0
    modem_registration_state{route="sim1",state="roaming"} 0.0
    modem_registration_state{route="sim1",state="searching"} 0.0
    modem_registration_state{route="sim1",state="unknown"} 0.0
    modem_restarts_total{route="sim1"} 0
    modem_signal_dbm{route="sim1"} -73.0
    route_budget_left{route="sim1",channel="sms",period="day"} 18.0
    route_budget_left{route="sim1",channel="sms",period="month"} 98.0
    route_budget_limit{route="sim1",channel="sms",period="day"} 20.0
    route_budget_limit{route="sim1",channel="sms",period="month"} 100.0
    route_in_hand{route="sim1",channel="sms"} 0.0
    route_in_hand{route="sim1",channel="voice"} 0.0
    route_task_restarts_total{route="sim1"} 0
    route_up{route="sim1",kind="modem"} 1.0
    scrape_errors_total{part="database"} 0
    scrape_errors_total{part="disk"} 0
    scrape_errors_total{part="process"} 0
    scrape_part_up{part="database"} 1.0
    scrape_part_up{part="disk"} 1.0
    scrape_part_up{part="process"} 1.0
    "#);
    for (name, least) in [
        ("simverify_database_commit_duration_seconds_count", 5.0),
        ("simverify_database_commit_jobs_sum", 5.0),
        ("simverify_pin_hash_wait_seconds_count", 4.0),
        ("simverify_database_size_bytes{file=\"database\"}", 4096.0),
        ("simverify_database_disk_free_bytes", 1e6),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
        ("process_cpu_seconds_total", 0.01),
    ] {
        assert!(value(&text, name).is_some_and(|value| value >= least), "{name}: {:?}", value(&text, name));
    }
    assert_eq!(value(&text, "process_start_time_seconds"), Some(1_772_366_400.0));
    app.finish().await;
}

/// A daemon that has seen something of everything.
async fn busy() -> (TestApp, FakeProvider) {
    const HUM: &str = "tts.engine = \"command\"\ntts.repeat = 1\ntts.command = [\"sh\", \"-c\", \
        \"cat > /dev/null; sox -q -n -r 8000 -b 16 -c 1 -t wav - synth 0.05 sine 700\"]";
    let provider = FakeProvider::start().await;
    let keys = "countries = [\"DE\"]\nsms_price = \"0.05\"\nspend_per_day = \"10\"\nspend_per_month = \"100\"";
    let voice = "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }\nsms_per_minute = 60\n\
                 calls_per_day = 5\ncountries = [\"GB\"]";
    let options = Options::without_modem()
        .modem("sim1", quick_modem().with("answer-after", "50ms"))
        .keys("sim1", voice)
        .toml(&format!(
            "{HUM}\nverify.profile = \"strict\"\nverify.code_length = 6\n{}",
            provider.table("backup", keys)
        ))
        .admin();
    let mut app = spawn_app(options).await;
    for index in 0..3 {
        verify(&mut app, &format!("44770090012{index}")).await;
    }
    let repeated = app.request("447700900122", &[]).await;
    assert_eq!(repeated.field("status"), "7", "one for a number in half a minute");
    app.modem("sim1", "fault cms 21 x1").await;
    app.start("447700900140", &[("workflow_id", "6")]).await;
    app.at_rest().await;
    let call = app.start("447700900130", &[("workflow_id", "7")]).await;
    app.phone.call_is(CallState::Ended, 1).await;
    app.at_rest().await;
    assert_eq!(app.status(&call).await, "IN PROGRESS");
    provider.acts([Act::Close, Act::Close, Act::Close, reply(200, "", "{}")]);
    app.start("4915123456789", &[("workflow_id", "6")]).await;
    provider.request(0).await;
    app.incoming("sim1", "+447700900321", "a word to you").await;
    app.inbox_of(1).await;
    app.post("/verify/json", &[("api_secret", "wrong")]).await;
    let stranger = crate::harness::Account { key: "nobody".to_owned(), secret: "wrong".to_owned() };
    app.post_as(&stranger, "/verify/json", &[]).await;
    (app, provider)
}

#[tokio::test]
async fn every_series_is_as_the_catalogue_says_and_promtool_has_nothing_to_say() {
    let (app, _provider) = busy().await;
    let text = scrape(&app).await;
    assert_eq!(promtool(&["check", "metrics"], &text), (true, String::new()), "{text}");
    let described: BTreeMap<String, &Described> =
        catalogue::ALL.iter().map(|described| (described.full_name(), *described)).collect();
    let mut seen = vec![];
    for (name, kind) in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')) {
        let described = described.get(name).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        assert_eq!(kind, described.type_name(), "{name}");
        assert!(text.contains(&format!("# HELP {name} {}", described.help)), "{name}");
        seen.push(name);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for line in lines.filter(|line| family_of(line, described) == name) {
            assert_eq!(labels_of(line), described.labels, "{line}");
        }
    }
    let absent: Vec<_> = described.keys().filter(|name| !seen.contains(&name.as_str())).collect();
    assert_eq!(absent, ["simverify_tls_certificate_end_timestamp_seconds"], "it has no certificate");
    // Nothing of whom it was about.
    for private in ["447700900", "4915123456", app.account.key.as_str(), app.account.secret.as_str(), "nobody"] {
        assert!(!text.contains(private), "{private}");
    }
    let requests: Vec<String> = app.lines("select lower(hex(request_id)) from verification");
    assert!(requests.iter().all(|request| !text.contains(request.as_str())));
    let (status, content_type, open) = scrape_with(&app, "application/openmetrics-text;version=1.0.0").await;
    let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((status, content_type.as_str()), (StatusCode::OK, expected));
    assert!(open.ends_with("\n# EOF\n") && open.contains("# TYPE simverify_sends counter\n"));
    app.finish().await;
}

/// The family that a line belongs to.
fn family_of<'a>(line: &'a str, described: &Described) -> &'a str {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    match described.kind {
        Kind::Histogram(_) => {
            ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
        }
        Kind::Counter | Kind::Gauge | Kind::Info => name,
    }
}

/// The names of its labels, but for that of a bucket.
fn labels_of(line: &str) -> Vec<&str> {
    let Some((_, rest)) = line.split_once('{') else { return vec![] };
    let (labels, _) = rest.rsplit_once('}').expect("an end of the labels");
    let names = labels.split("\",").filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
    names.filter(|name| *name != "le").collect()
}

#[tokio::test]
async fn a_scrape_answers_while_the_database_hangs_and_says_what_is_missing() {
    let app = spawn_app(Options::one_modem().admin()).await;
    assert!(scrape(&app).await.contains("simverify_scrape_part_up{part=\"database\"} 1"));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Arc::new(std::sync::Mutex::new(released));
    let store = app.operations().store().clone();
    // As many as there are readers.
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, released) = (store.clone(), std::sync::Arc::clone(&released));
            tokio::spawn(async move {
                let hang = move |_: &Tx| {
                    let _ = released.lock().expect("a lock").recv();
                    Ok::<_, StoreError>(())
                };
                store.read(hang).await
            })
        })
        .collect();
    let text = loop {
        let text = scrape(&app).await;
        if text.contains("simverify_scrape_part_up{part=\"database\"} 0") {
            break text;
        }
    };
    assert!(!text.contains("simverify_queue_length"));
    assert!(text.contains("simverify_route_up{route=\"sim1\",kind=\"modem\"} 1"), "the board is no database");
    assert!(text.contains("simverify_scrape_errors_total{part=\"database\"} 1"), "{text}");
    drop(release);
    for reader in readers {
        reader.await.expect("no panic").expect("a read");
    }
    while !scrape(&app).await.contains("simverify_scrape_part_up{part=\"database\"} 1") {}
    app.finish().await;
}

#[tokio::test]
async fn metrics_can_be_turned_off_or_wait_for_a_token() {
    let app = spawn_app(Options::without_modem().admin().toml("admin.metrics = false")).await;
    assert_eq!(scrape_with(&app, "").await.0, StatusCode::NOT_FOUND);
    app.finish().await;
    let app = spawn_app(Options::without_modem().admin().toml("admin.metrics_token = \"s3cret-of-scrapers\"")).await;
    app.never("s3cret-of-scrapers");
    assert_eq!(scrape_with(&app, "").await.0, StatusCode::UNAUTHORIZED);
    let with = |token: &str| app.http().get(app.admin_url("/metrics")).header(AUTHORIZATION, format!("Bearer {token}"));
    let statuses = [
        with("s3cret-of-scrapers").send().await.expect("a reply").status(),
        with("wrong").send().await.expect("a reply").status(),
        app.http().post(app.admin_url("/metrics")).send().await.expect("a reply").status(),
    ];
    assert_eq!(statuses, [StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED]);
    app.finish().await;
}
