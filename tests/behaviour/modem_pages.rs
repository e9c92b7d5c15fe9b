//! The dashboard's pages of modems and of the virtual phone: what they show, and a try by hand.

use std::time::Duration;

use reqwest::StatusCode;
use simverify::simulator::CallState;

use crate::harness::browser::{Browser, Page};
use crate::harness::{NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};

const NAME: &str = "alex";
const PASSWORD: &str = "correct horse battery";

/// How long a page may take to say something, on a busy machine, and the time between two looks.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A text that may stand on the phone alone.
const TEXT: &str = "Hello from the operator";

async fn with_admin(options: Options) -> (TestApp, Browser) {
    let app = spawn_app(options.admin()).await;
    app.add_admin(NAME, PASSWORD).await;
    let browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    (app, browser)
}

/// Has the modem try something, as its page's form does.
async fn try_modem(app: &TestApp, browser: &mut Browser, what: &str, number: &str, text: &str) -> Page {
    // Shorter ones may be any word of the log.
    for secret in [number.trim_start_matches('+'), text].into_iter().filter(|secret| secret.len() >= 8) {
        app.never(secret);
    }
    let fields = [("number", number), ("text", text), ("sure", "yes")];
    browser.submit(app, "/modems/sim1", &format!("/modems/sim1/{what}"), &fields).await
}

/// Loads a page until it says this.
async fn says(app: &TestApp, browser: &mut Browser, path: &str, words: &[&str]) -> String {
    let mut last = String::new();
    let said = async {
        loop {
            last = browser.get(app, path).await.text;
            if words.iter().all(|word| last.contains(word)) {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    let said = tokio::time::timeout(PATIENCE, said).await;
    assert!(said.is_ok(), "waited {PATIENCE:?} in vain for {words:?} on {path}: {last}");
    last
}

#[tokio::test]
async fn a_modem_shows_what_it_is_and_hides_its_numbers() {
    let (app, mut browser) = with_admin(Options::one_modem()).await;
    let list = browser.get(&app, "/modems").await.text;
    assert!(list.contains("href=\"/modems/sim1\"") && list.contains(">ready<"), "{list}");
    let words = ["Virtual Modem", "simulator:sim1", "registered", "dBm", "places are taken"];
    let page = says(&app, &mut browser, "/modems/sim1", &words).await;
    assert!(page.contains("<dt>IMEI (modem)</dt><dd>***********"), "{page}");
    assert_eq!(browser.get(&app, "/modems/sim9").await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

#[tokio::test]
async fn a_test_sms_is_followed_to_its_delivery_and_counts() {
    let options = Options::without_modem().modem("sim1", quick_modem()).keys("sim1", "sms_per_day = 2");
    let (mut app, mut browser) = with_admin(options).await;
    let page = try_modem(&app, &mut browser, "sms", "+447700900123", TEXT).await;
    assert!(page.text.contains("The message is on its way."), "{}", page.text);
    assert_eq!(app.phone.sms().await.text, TEXT);
    let page = says(&app, &mut browser, "/modems/sim1", &["SMS to +44…23", ">delivered<"]).await;
    assert!(!page.contains("447700900123</") && !page.contains(TEXT), "{page}");
    assert_eq!(app.lines("select route || ' ' || amount from budget_use"), ["sim1 1"]);
    try_modem(&app, &mut browser, "sms", "+447700900124", TEXT).await;
    app.phone.sms().await;
    says(&app, &mut browser, "/modems/sim1", &["SMS to +44…24", "0 of 2 left"]).await;
    let left = "select count(*) from budget_use where attempt_id is not null";
    eventually("nothing is in hand", || (app.value::<i64>(left) == 0).then_some(())).await;
    let page = try_modem(&app, &mut browser, "sms", "+447700900125", TEXT).await;
    assert!(page.text.contains("The budget of this SIM is spent"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn what_the_network_refuses_and_what_is_wrong_is_told_in_words() {
    let (app, mut browser) = with_admin(Options::one_modem()).await;
    try_modem(&app, &mut browser, "sms", "+447700900007", TEXT).await;
    says(&app, &mut browser, "/modems/sim1", &[">not sent<", "nassigned"]).await;
    app.block("+447700900105").await;
    for (number, text, words) in [
        ("0123", TEXT, "international form"),
        ("+447700900123", " ", "Write a text."),
        ("+447700900123", &"x".repeat(470), "too long"),
        ("+447700900105", TEXT, "blocklist"),
    ] {
        let page = try_modem(&app, &mut browser, "sms", number, text).await;
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let page = try_modem(&app, &mut browser, "call", "+447700900123", TEXT).await;
    assert!(page.text.contains("makes no calls"), "{}", page.text);
    let unsure = [("number", "+447700900123"), ("text", TEXT)];
    let page = browser.submit(&app, "/modems/sim1", "/modems/sim1/sms", &unsure).await;
    assert!(page.text.contains("Tick the box first"), "{}", page.text);
    let page = browser.go(&app, reqwest::Method::POST, "/modems/sim1/sms", &unsure).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "a form without its token");
    app.finish().await;
}

#[tokio::test]
async fn a_test_call_shows_how_far_it_is_and_can_be_hung_up() {
    let modem = quick_modem().with("answer-after", "50ms");
    let keys = "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }";
    let hum = "tts.engine = \"command\"\ntts.command = [\"sh\", \"-c\", \
               \"cat > /dev/null; sox -q -n -r 8000 -b 16 -c 1 -t wav - synth 0.05 sine 700\"]";
    let options = Options::without_modem().modem("sim1", modem).keys("sim1", keys).toml(hum);
    let (app, mut browser) = with_admin(options).await;
    try_modem(&app, &mut browser, "call", "+447700900123", TEXT).await;
    says(&app, &mut browser, "/modems/sim1", &["Call to +44…23", "Answered after"]).await;
    app.phone.call_is(CallState::Ended, 1).await;
    // Nobody answers this one.
    try_modem(&app, &mut browser, "call", "+447700900002", TEXT).await;
    let page = says(&app, &mut browser, "/modems/sim1", &["Call to +44…02", ">ringing<", "Hang up"]).await;
    let busy = try_modem(&app, &mut browser, "call", "+447700900123", TEXT).await;
    assert!(busy.text.contains("The modem is at work"), "{}", busy.text);
    let (_, rest) = page.split_once("name=\"trial\" value=\"").expect("a trial");
    let trial = rest.split_once('"').expect("its end").0;
    browser.submit(&app, "/modems/sim1", "/modems/sim1/hang-up", &[("trial", trial)]).await;
    says(&app, &mut browser, "/modems/sim1", &["Call to +44…02", ">hung up<"]).await;
    app.finish().await;
}

#[tokio::test]
async fn what_happened_to_a_modem_is_kept_over_a_restart() {
    let (mut app, mut browser) = with_admin(Options::one_modem()).await;
    app.modem("sim1", "unplug 200ms").await;
    says(&app, &mut browser, "/modems/sim1", &["Not ready", "the port is gone"]).await;
    app.ready("sim1").await;
    let outage = "select count(*) from modem_event where kind = 'ready'";
    eventually("the end of the outage is on record", || (app.value::<i64>(outage) == 2).then_some(())).await;
    app.stop().await;
    app.start_again().await;
    app.ready("sim1").await;
    eventually("the start is on record", || (app.value::<i64>(outage) == 3).then_some(())).await;
    let mut browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    says(&app, &mut browser, "/modems/sim1", &["Started up", "Ready after", "the port is gone"]).await;
    let told = app.command(&["modem", "history", "sim1", "--json"]).await;
    let json = told.strip_prefix("exit 0\n").expect("a history");
    let events: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let mut kinds: Vec<_> = events.as_array().expect("a list").iter().map(|event| event["event"].as_str()).collect();
    // A port that is looked for while it is away is a reason of its own.
    kinds.dedup();
    let expected = ["ready", "started", "ready", "started", "not_ready", "ready", "started"].map(Some);
    assert_eq!(kinds, expected, "{events:#}");
    let told = app.command(&["modem", "history", "sim9"]).await;
    assert!(told.contains("no modem is named sim9; with a history: sim1"), "{told}");
    app.finish().await;
}

#[tokio::test]
async fn a_modem_that_restarts_by_itself_says_so() {
    let (app, mut browser) = with_admin(Options::one_modem()).await;
    app.modem("sim1", "reboot").await;
    says(&app, &mut browser, "/modems/sim1", &["Restarted by itself", "Ready after"]).await;
    app.finish().await;
}

#[tokio::test]
async fn the_trace_is_redacted() {
    let (mut app, mut browser) = with_admin(Options::one_modem()).await;
    app.start(NUMBER, &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    app.at_rest().await;
    let page = browser.get(&app, "/modems/sim1/trace").await.text;
    assert!(page.contains("AT+CMGS=") && page.contains("Ctrl-Z") && page.contains(">Watch<"), "{page}");
    assert!(!page.contains(NUMBER) && !page.contains(&format!(">{pin}")) && !page.contains("http-equiv"), "{page}");
    let page = browser.get(&app, "/modems/sim1/trace?watch=2").await.text;
    assert!(page.contains("url=/modems/sim1/trace?watch=1") && page.contains("data-live"), "{page}");
    assert_eq!(browser.get(&app, "/modems/sim9/trace").await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

#[tokio::test]
async fn the_virtual_phone_shows_what_arrived_and_writes_back() {
    let (mut app, mut browser) = with_admin(Options::one_modem()).await;
    app.start(NUMBER, &[]).await;
    let text = app.phone.sms().await.text;
    let page = browser.get(&app, "/phone").await.text;
    assert!(page.contains(&text) && page.contains("SMS to +447700900123"), "{page}");
    app.at_rest().await;
    let fields = [("number", "+447700900123"), ("text", "STOP")];
    let page = browser.submit(&app, "/phone", "/phone/sim1/sms", &fields).await;
    assert!(page.text.contains("+447700900123 wrote"), "{}", page.text);
    eventually("the number is blocked", || (app.value::<i64>("select count(*) from blocklist") == 1).then_some(()))
        .await;
    app.finish().await;
}

#[tokio::test]
async fn an_installation_with_real_modems_has_no_phone() {
    let (app, mut browser) = with_admin(Options::one_modem().tapped()).await;
    assert_eq!(browser.get(&app, "/phone").await.status, StatusCode::NOT_FOUND);
    let page = browser.get(&app, "/modems/sim1").await.text;
    assert!(!page.contains("/phone"), "{page}");
    let fields = [("number", "+447700900123"), ("text", "STOP")];
    let page = browser.submit(&app, "/modems/sim1", "/phone/sim1/sms", &fields).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    app.finish().await;
}
