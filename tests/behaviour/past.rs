//! Verifications that an operator looks back at, in the dashboard and on the command line.

use insta::assert_snapshot;
use reqwest::{Method, StatusCode};

use crate::harness::browser::Browser;
use crate::harness::{NUMBER, Options, TestApp, eventually, spawn_app};

const NAME: &str = "alex";
const PASSWORD: &str = "correct horse battery";

async fn with_browser(options: Options) -> (TestApp, Browser) {
    let app = spawn_app(options.admin()).await;
    app.add_admin(NAME, PASSWORD).await;
    let browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    (app, browser)
}

/// The lines of a page's main part that say something, without their tags.
fn said(html: &str) -> String {
    let (_, main) = html.split_once("<main id=\"main\" tabindex=\"-1\">").expect("a main part");
    let mut text = String::new();
    let mut in_tag = false;
    for letter in main.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => text.push(letter),
            _ => {}
        }
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The part of `text` between two words of it.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {rest}")).0.trim()
}

fn rows(html: &str) -> usize {
    html.matches("<th scope=\"row\"").count()
}

#[tokio::test]
async fn the_overview_says_what_needs_attention_and_how_much_is_verified() {
    let keys = "sms_per_day = 5\nsms_price = \"0.05\"";
    let (mut app, mut browser) = with_browser(Options::one_modem().keys("sim1", keys)).await;
    for number in ["447700900123", "447700900124", "447700900125", "447700900126"] {
        let request = app.start(number, &[("workflow_id", "6")]).await;
        let sms = app.phone.sms().await;
        app.at_rest().await;
        if number.ends_with('3') {
            assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
        }
    }
    app.pass(301).await;
    let board = app.operations().board();
    let has_signal = || board.register().of("sim1", |sheet| sheet.reception.clone()?.signal_dbm).flatten();
    eventually("a signal", has_signal).await;
    let page = browser.get(&app, "/").await.text;
    let attention = between(&page, "<h2 id=\"attention\" class=\"first\">Needs attention</h2>", "</section>");
    assert!(attention.contains("sim1 has used 80 % of the SMS that it may send in a day."), "{attention}");
    let told = said(&page);
    assert!(told.contains("Last 1 h1 of 4 sent25 %"), "{told}");
    assert!(told.contains("SMS in 24 hours 1 of 5 left"), "{told}");
    assert!(told.contains("4 verifications began in the last 4 hours"), "{told}");
    assert!(page.contains("<title>2026-03-01 12:00:00 UTC: 1 verified, 3 expired</title>"), "{page}");
    // It is registered with the network of the virtual modem, and says how strong it is.
    assert!(told.contains("dBm, ") && told.contains(", registered"), "{told}");
    app.modem("sim1", "unplug 3600").await;
    app.down("sim1").await;
    let page = browser.get(&app, "/").await.text;
    let attention = between(&page, "<h2 id=\"attention\" class=\"first\">Needs attention</h2>", "</section>");
    assert!(attention.contains("No route is ready: nothing is sent until one is."), "{attention}");
    assert!(attention.contains("sim1 is not ready: "), "{attention}");
    app.finish().await;
}

#[tokio::test]
async fn verifications_are_found_by_number_and_by_id_and_the_number_is_in_no_address_line() {
    let (mut app, mut browser) = with_browser(Options::one_modem()).await;
    let request = app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    app.start("447700900124", &[]).await;
    app.phone.sms().await;
    app.at_rest().await;
    let token = browser.get(&app, "/verifications").await.form_token().to_owned();
    let mut find = async |what: &str| {
        let form = [("form_token", token.as_str()), ("what", what)];
        browser.go(&app, Method::POST, "/verifications/find", &form).await.location().to_owned()
    };
    let (by_number, by_id) = (find("+44 (7700) 900 123").await, find(&request[..9]).await);
    assert_eq!(by_id, format!("/verifications/{request}"));
    assert_eq!(find(&request.to_uppercase()).await, by_id);
    assert!(by_number.starts_with("/verifications?number=") && !by_number.contains("900123"), "{by_number}");
    assert_eq!(find("447700900199").await.len(), by_number.len(), "one of which nothing is known");
    assert_eq!(find("what?").await, "/verifications");
    let page = browser.get(&app, &by_number).await.text;
    assert_eq!(rows(&page), 1);
    assert!(page.contains("Of the number +44…23") && page.contains(&request) && !page.contains(NUMBER), "{page}");
    let page = browser.get(&app, "/verifications").await.text;
    assert!(rows(&page) == 2 && !page.contains("77009001"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn a_list_is_filtered_and_goes_on_page_by_page() {
    let (app, mut browser) = with_browser(Options::one_modem()).await;
    let other = app.add_account("other", None).await;
    for number in 0..53 {
        // They share instants, so that the order within one counts.
        if number % 20 == 0 {
            app.pass(1).await;
        }
        app.start(&format!("4477009001{number:02}"), &[("workflow_id", "6")]).await;
    }
    app.request_as(&other, "491511234567", &[]).await;
    app.at_rest().await;
    let first = browser.get(&app, "/verifications").await.text;
    assert_eq!(rows(&first), 50);
    let next = between(&first, "rel=\"next\" href=\"", "\"").to_owned();
    let second = browser.get(&app, &next).await.text;
    assert_eq!(rows(&second), 4);
    assert!(!second.contains("rel=\"next\""), "nothing is behind");
    let ids = |page: &str| -> Vec<String> {
        page.split("href=\"/verifications/").skip(1).map(|rest| rest[..32].to_owned()).collect()
    };
    let mut all = ids(&first);
    all.extend(ids(&second));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 54, "each stands on one page");
    for (filter, count) in [
        ("country=DE", 1),
        ("country=de", 1),
        ("state=in_progress", 50),
        ("state=failed", 0),
        ("since=2026-03-01T12:00", 50),
        ("until=2026-03-01T12:00", 0),
        (&format!("account={}", other.key), 1),
        (&format!("account={}&country=GB", other.key), 0),
    ] {
        let page = browser.get(&app, &format!("/verifications?{filter}")).await;
        assert_eq!((page.status, rows(&page.text)), (StatusCode::OK, count), "{filter}");
    }
    for filter in ["state=x", "account=x", "country=xyz", "since=yesterday", "id=ab", "number=1", "behind=x"] {
        let page = browser.get(&app, &format!("/verifications?{filter}")).await;
        assert_eq!((page.status, rows(&page.text)), (StatusCode::BAD_REQUEST, 0), "{filter}");
    }
    app.pass(301).await;
    app.finish().await;
}

#[tokio::test]
async fn a_verification_tells_what_happened_and_why_it_did_not_arrive() {
    let (app, mut browser) = with_browser(Options::one_modem()).await;
    let number = "447700900003";
    let request = app.start(number, &[("workflow_id", "6")]).await;
    app.at_rest().await;
    app.advance(90);
    let path = format!("/verifications/{request}");
    let page = browser.get(&app, &path).await.text;
    assert!(!page.contains("77009000"), "the number is masked");
    assert_snapshot!(said(&page).replace(&request, "<request>").replace(&request[..8], "<id>"), @"
    Verifications
    Verification <id>
    in progress +44…03
    Why did it not arrive?
    The network accepted the SMS, and no report of its delivery has come.
    Either the phone is off or out of reach, or its network sends no reports (then no message there is ever shown as delivered), or the number is not the person&#39;s. If it happens to many numbers of one network, that network may filter the messages.
    What happened
    Request accepted +0.0 s 2026-03-01 12:00:00 UTC
    SMS queued +0.0 s 2026-03-01 12:00:00 UTC
    Given to sim1 +0.0 s 2026-03-01 12:00:00 UTC
    sim1 sends +0.0 s 2026-03-01 12:00:00 UTC
    SMS accepted by the network +0.0 s 2026-03-01 12:00:00 UTC
    It expires without a code +5 min 0 s 2026-03-01 12:05:00 UTC
    Do something about it
    Show the number
    Cancel
    Block the number
    Whoever looks at a whole number is named in the log.
    Facts
    Request id<request>
    Accounttester
    Began2026-03-01 12:00:00 UTC
    BrandAcme
    CountryGB
    Languageen-gb
    SenderVERIFY
    Code4 digits, drawn here
    Workflow6 (sms)
    Codes typed innone, 3 left
    Price0.1205 USD
    Its messages cost0.00 USD
    ");
    assert_eq!(app.check(&request, "0000").await.field("status"), "16");
    app.pass(211).await;
    let page = browser.get(&app, &path).await.text;
    assert_snapshot!(between(&said(&page), "Did it arrive?", "Do something"), @"
    A wrong code was typed in: something did arrive.
    Most likely an older message was read: only the latest code counts. Ask for the latest one, or begin anew.
    What happened
    Request accepted +0.0 s 2026-03-01 12:00:00 UTC
    SMS queued +0.0 s 2026-03-01 12:00:00 UTC
    Given to sim1 +0.0 s 2026-03-01 12:00:00 UTC
    sim1 sends +0.0 s 2026-03-01 12:00:00 UTC
    SMS accepted by the network +0.0 s 2026-03-01 12:00:00 UTC
    A wrong code was typed in +1 min 30 s 2026-03-01 12:01:30 UTC
    Expired: no right code came in time +5 min 1 s 2026-03-01 12:05:01 UTC
    ");
    assert_eq!(browser.get(&app, "/verifications/0123").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&app, &format!("/verifications/{}", "0".repeat(32))).await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

/// Presses a button of the page at `path`; gives the page that it leads to.
async fn act(app: &TestApp, browser: &mut Browser, path: &str, action: &str) -> String {
    browser.submit(app, path, &format!("{path}/{action}"), &[]).await.text
}

#[tokio::test]
async fn an_operator_acts_on_a_verification_and_is_named_in_the_log() {
    let (mut app, mut browser) = with_browser(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "4")]).await;
    app.phone.sms().await;
    app.at_rest().await;
    let path = format!("/verifications/{request}");
    assert!(
        act(&app, &mut browser, &path, "cancel")
            .await
            .contains("It can be cancelled from 30 s after its beginning on.")
    );
    assert!(act(&app, &mut browser, &path, "next").await.contains("The next event begins."));
    app.phone.sms().await;
    app.at_rest().await;
    app.advance(30);
    assert!(act(&app, &mut browser, &path, "next").await.contains("No event is left."));
    assert!(act(&app, &mut browser, &path, "cancel").await.contains("its second event has begun"));
    assert!(act(&app, &mut browser, &path, "block").await.contains("The number is on the blocklist."));
    assert!(act(&app, &mut browser, &path, "block").await.contains("The number was on the blocklist already."));
    assert!(act(&app, &mut browser, &path, "number").await.contains(&format!("+{NUMBER}")), "asked for, it is shown");
    assert_eq!(app.logged(&["an admin looked at the whole number", NAME, &request]).len(), 1);
    assert_eq!(app.logged(&["an admin blocked the number", NAME, &request]).len(), 1);
    assert_eq!(app.logged(&["an admin asked for the next event", NAME, &request]).len(), 1);
    // A second one, in time.
    let request = app.start("447700900124", &[]).await;
    app.phone.sms().await;
    app.pass(30).await;
    let path = format!("/verifications/{request}");
    let page = act(&app, &mut browser, &path, "cancel").await;
    assert!(page.contains("The verification is cancelled."), "{page}");
    assert_eq!(app.status(&request).await, "CANCELLED");
    app.finish().await;
}

#[tokio::test]
async fn the_command_line_lists_verifications_and_explains_one() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start("447700900007", &[("workflow_id", "6")]).await;
    app.at_rest().await;
    app.start(NUMBER, &[]).await;
    app.phone.sms().await;
    app.at_rest().await;
    let told = app.command(&["verification", "list", "--state", "failed"]).await.replace(&request, "<request>");
    assert_snapshot!(told, @"
    exit 0
    REQUEST                           BEGAN                     NUMBER  COUNTRY  ACCOUNT  STATE
    <request>  2026-03-01T12:00:00.000Z  +44…07  GB       tester   failed, nothing sent
    ");
    let told = app.command(&["verification", "list", "--number", NUMBER]).await;
    assert!(told.contains("+44…23") && told.lines().count() == 3, "{told}");
    let told = app.command(&["verification", "list", "--reveal", "--json"]).await;
    assert!(told.contains(&format!("\"+{NUMBER}\"")), "{told}");
    let told = app.command(&["verification", "show", &request[..12]]).await.replace(&request, "<request>");
    assert_snapshot!(told.replace(&app.account.key, "<key>"), @"
    exit 0
    request id  <request>
    state       failed
    number      +44…07
    account     tester (<key>)
    brand       Acme
    language    en-gb
    workflow    6 (sms)
    price       0.12050000 USD, given back

    why did it not arrive?
      Nothing was sent: the network knows no such number.
      Ask the person to check the number, digit by digit.

    what happened
    2026-03-01T12:00:00.000Z  +0.0 s  Request accepted
    2026-03-01T12:00:00.000Z  +0.0 s  SMS queued
    2026-03-01T12:00:00.000Z  +0.0 s  Given to sim1
    2026-03-01T12:00:00.000Z  +0.0 s  sim1 sends
    2026-03-01T12:00:00.000Z  +0.0 s  Refused by sim1: modem refused: CMS 1, unassigned number (the network knows no such number)
    2026-03-01T12:00:00.000Z  +0.0 s  Failed
    ");
    let told = app.command(&["verification", "show", &request, "--json"]).await;
    assert!(told.contains("\"verdict\": \"not_sent\"") && told.contains("the network knows no such number"), "{told}");
    assert_snapshot!(app.command(&["verification", "show", "0123"]).await, @"
    exit 65
    simverify: no verification 0123 is on record
    ");
    assert_snapshot!(app.command(&["verification", "show", "what"]).await, @"
    exit 65
    simverify: no request id: a number such as +447700900123, or a request id or its first 4 digits at least
    ");
    assert_snapshot!(app.command(&["verification", "list", "--account", "nobody"]).await, @"
    exit 65
    simverify: no account nobody
    ");
    app.finish().await;
}
