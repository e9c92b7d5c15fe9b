//! The admin listener: logins, sessions, what a hostile page or caller gets, and health.

use reqwest::{Method, StatusCode};

use crate::harness::browser::{Browser, Page};
use crate::harness::{Options, TestApp, spawn_app};

const NAME: &str = "alex";
const PASSWORD: &str = "correct horse battery";

async fn with_admin(options: Options) -> TestApp {
    let app = spawn_app(options.admin()).await;
    app.add_admin(NAME, PASSWORD).await;
    app
}

#[tokio::test]
async fn an_admin_logs_in_sees_how_things_are_and_logs_out() {
    let app = with_admin(Options::one_modem()).await;
    app.start("447700900123", &[]).await;
    app.at_rest().await;
    let mut browser = Browser::default();
    let page = browser.get(&app, "/").await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/login"));
    let page = browser.log_in(&app, NAME, PASSWORD).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"), "{}", page.text);
    app.never_logged(browser.session().expect("a session"));
    let page = browser.get(&app, "/").await;
    let (_, main) = page.text.split_once("<main id=\"main\" tabindex=\"-1\">").expect("a main part");
    let figures = main.split_once("<dl class=\"figures\">").expect("figures").1.split_once("</dl>").expect("an end").0;
    insta::assert_snapshot!(figures.trim(), @r#"
    <div><dt>To be sent</dt><dd>0</dd></div>
    <div><dt>Oldest waits for</dt><dd>–</dd></div>
    <div><dt>Until all is sent</dt><dd>–</dd></div>
    <div><dt>Verifications in progress</dt><dd><a href="/verifications?state=in_progress">1</a></dd></div>
    "#);
    assert!(main.contains("<strong>sim1</strong> <span class=\"quiet\">modem, SMS</span>"), "{main}");
    assert!(!main.contains("Needs attention"), "{main}");
    assert_eq!(browser.get(&app, "/login").await.location(), "/", "who is logged in needs no form");

    let before = browser.clone();
    let form = [("form_token", page.form_token())];
    assert_eq!(browser.go(&app, Method::POST, "/logout", &form).await.location(), "/login");
    assert_eq!(browser.session(), None);
    assert!(!before.clone().is_logged_in(&app).await, "a cookie that was kept proves nothing any more");
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_name_is_told_what_a_wrong_password_is() {
    let app = with_admin(Options::without_modem()).await;
    let wrong = Browser::default().log_in(&app, NAME, "a wrong password").await;
    let unknown = Browser::default().log_in(&app, "nobody", PASSWORD).await;
    assert_eq!((wrong.status, unknown.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    let masked = |page: &Page, name| page.text.replace(page.form_token(), "TOKEN").replace(name, "NAME");
    assert_eq!(masked(&wrong, NAME), masked(&unknown, "nobody"));
    insta::assert_snapshot!(masked(&wrong, NAME), @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>Log in · Simverify</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
    <script src="/script.js" defer></script>
    </head>
    <body>

    <main class="narrow">
    <h1>Simverify</h1>

    <p class="trouble" role="alert" id="trouble">Name or password is wrong.</p>

    <form method="post" action="/login">
    <input type="hidden" name="form_token" value="TOKEN">
    <label for="name">Name</label>
    <input id="name" name="name" type="text" value="NAME" required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="trouble">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" required maxlength="256" autocomplete="current-password" autofocus aria-describedby="trouble">
    <button type="submit">Log in</button>
    </form>
    <p class="quiet">Users are made on the machine itself: <code>simverify admin add NAME</code></p>
    </main>

    </body>
    </html>
    "#);
    app.finish().await;
}

#[tokio::test]
async fn a_form_wants_the_token_of_its_own_browser_and_a_page_of_this_site() {
    let app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::default();
    let own = browser.get(&app, "/login").await.form_token().to_owned();
    let others = Browser::default().get(&app, "/login").await.form_token().to_owned();
    for token in ["", "x", others.as_str()] {
        let form = [("form_token", token), ("name", NAME), ("password", PASSWORD)];
        assert_eq!(browser.go(&app, Method::POST, "/login", &form).await.status, StatusCode::FORBIDDEN);
    }
    let form = [("form_token", own.as_str()), ("name", NAME), ("password", PASSWORD)];
    for header in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let page = browser.clone().go_with(&app, Method::POST, "/login", &form, &[header]).await;
        assert_eq!((page.status, page.text.as_str()), (StatusCode::FORBIDDEN, "this form came from another site\n"));
    }
    let page = browser.go_with(&app, Method::GET, "/", &[], &[("host", "evil.example")]).await;
    assert_eq!(page.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(browser.go(&app, Method::POST, "/login", &form).await.status, StatusCode::SEE_OTHER);
    // The session has a token of its own.
    let form = [("form_token", own.as_str())];
    assert_eq!(browser.go(&app, Method::POST, "/logout", &form).await.status, StatusCode::FORBIDDEN);
    assert!(browser.is_logged_in(&app).await);
    app.finish().await;
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_ends_by_itself() {
    let mut app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::default();
    browser.log_in(&app, NAME, PASSWORD).await;
    app.stop().await;
    app.start_again().await;
    assert!(browser.is_logged_in(&app).await);
    let mut idle = browser.clone();
    for _ in 0..25 {
        app.advance(29 * 60);
        if !browser.is_logged_in(&app).await {
            break;
        }
    }
    assert!(!browser.is_logged_in(&app).await, "twelve hours are enough for anybody");
    browser.log_in(&app, NAME, PASSWORD).await;
    idle.cookies = browser.cookies.clone();
    app.advance(30 * 60);
    assert!(!idle.is_logged_in(&app).await, "half an hour unused");
    app.finish().await;
}

#[tokio::test]
async fn a_page_that_is_left_open_does_not_keep_the_session_alive() {
    let app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    for _ in 0..2 {
        app.advance(14 * 60);
        let live = browser.go_with(&app, Method::GET, "/", &[], &[("x-simverify-live", "1")]).await;
        assert_eq!(live.status, StatusCode::OK);
    }
    app.advance(2 * 60);
    let live = browser.go_with(&app, Method::GET, "/", &[], &[("x-simverify-live", "1")]).await;
    assert_eq!((live.status, live.location()), (StatusCode::SEE_OTHER, "/login"));
    app.finish().await;
}

#[tokio::test]
async fn the_login_leads_to_the_page_that_was_asked_for() {
    let app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::default();
    let page = browser.get(&app, "/?from=a%20link").await;
    assert_eq!(page.location(), "/login?then=%2F%3Ffrom%3Da%2520link");
    let form = browser.get(&app, page.location()).await;
    assert!(form.text.contains("name=\"then\" value=\"/?from=a%20link\""), "{}", form.text);
    let send = async |then: &str| {
        let mut browser = browser.clone();
        let form = [("form_token", form.form_token()), ("name", NAME), ("password", PASSWORD), ("then", then)];
        browser.go(&app, Method::POST, "/login", &form).await.location().to_owned()
    };
    assert_eq!(send("/?from=a%20link").await, "/?from=a%20link");
    assert_eq!(send("//evil.example").await, "/");
    app.finish().await;
}

#[tokio::test]
async fn a_login_makes_another_session_and_ends_the_one_before() {
    let app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::default();
    browser.log_in(&app, NAME, PASSWORD).await;
    let before = browser.clone();
    let token = browser.session().expect("a session").to_owned();
    // A second form that was open meanwhile.
    let mut form_cookie = Browser::default();
    let form_token = form_cookie.get(&app, "/login").await.form_token().to_owned();
    browser.cookies.extend(form_cookie.cookies);
    let form = [("form_token", form_token.as_str()), ("name", NAME), ("password", PASSWORD)];
    browser.go(&app, Method::POST, "/login", &form).await;
    assert_ne!(browser.session(), Some(token.as_str()));
    assert!(browser.is_logged_in(&app).await);
    assert!(!before.clone().is_logged_in(&app).await);
    let rows: i64 = app.value("select count(*) from admin_session where length(session_hash) = 32");
    assert_eq!(rows, 2);
    let bytes = app.database_bytes();
    assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "a cookie at rest");
    app.finish().await;
}

#[tokio::test]
async fn another_password_or_a_removed_user_ends_the_sessions() {
    let app = with_admin(Options::without_modem()).await;
    let mut browser = Browser::default();
    browser.log_in(&app, NAME, PASSWORD).await;
    app.never_logged("another long password");
    let said = app.command_with(&["admin", "passwd", NAME], "another long password\n").await;
    assert_eq!(said, "exit 0\nalex has another password; the sessions have ended\n");
    assert!(!browser.is_logged_in(&app).await);
    assert_eq!(browser.log_in(&app, NAME, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    browser.log_in(&app, NAME, "another long password").await;
    assert!(browser.is_logged_in(&app).await);
    assert_eq!(app.command(&["admin", "remove", NAME]).await, "exit 0\nalex can log in no more\n");
    assert!(!browser.is_logged_in(&app).await);
    app.finish().await;
}

#[tokio::test]
async fn users_are_made_by_command_with_a_password_from_standard_input() {
    let app = spawn_app(Options::without_modem().admin()).await;
    for password in ["a password of sam", "short"] {
        app.never_logged(password);
    }
    assert_eq!(app.command_with(&["admin", "add", "sam"], "a password of sam\n").await, "exit 0\nsam can log in\n");
    insta::assert_snapshot!(app.command_with(&["admin", "add", "sam"], "a password of sam\n").await, @"
    exit 65
    simverify: there is an admin user sam already: `simverify admin passwd sam` sets another password
    ");
    insta::assert_snapshot!(app.command_with(&["admin", "add", "kim"], "short\n").await, @"
    exit 65
    simverify: the password must have 12 to 256 characters
    ");
    insta::assert_snapshot!(app.command_with(&["admin", "add", "kim"], "").await, @"
    exit 65
    simverify: the password must have 12 to 256 characters
    ");
    insta::assert_snapshot!(app.command_with(&["admin", "add", "long name of kim"], "Long name of Kim\n").await, @"
    exit 65
    simverify: the password must not be the name
    ");
    insta::assert_snapshot!(app.command_with(&["admin", "passwd", "kim"], "a password of kim\n").await, @"
    exit 65
    simverify: there is no admin user kim: `simverify admin list` shows who there is
    ");
    assert_eq!(Browser::default().log_in(&app, "sam", "a password of sam").await.status, StatusCode::SEE_OTHER);
    let list = app.command(&["admin", "list", "--json"]).await;
    let (_, json) = list.split_once('\n').expect("an exit code");
    let list: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!((list[0]["name"].as_str(), list.as_array().map(Vec::len)), (Some("sam"), Some(1)));
    assert!(list[0]["last_login"].is_string(), "{list}");
    app.finish().await;
}

#[tokio::test]
async fn failures_hold_up_the_next_try_across_restarts_and_not_the_real_admin_elsewhere() {
    let options = Options::without_modem().toml("server.trusted_proxies = [\"127.0.0.1\"]");
    let mut app = with_admin(options).await;
    let mut home = Browser::at("192.0.2.1");
    assert_eq!(home.log_in(&app, NAME, PASSWORD).await.status, StatusCode::SEE_OTHER);

    let mut attacker = Browser::at("198.51.100.66");
    for _ in 0..5 {
        assert_eq!(attacker.log_in(&app, NAME, "a guess of many").await.status, StatusCode::UNAUTHORIZED);
    }
    let page = attacker.log_in(&app, NAME, PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "right or wrong, it is not looked at");
    assert_eq!(page.headers["retry-after"], "2");
    app.stop().await;
    app.start_again().await;
    assert_eq!(attacker.log_in(&app, NAME, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);

    // From everywhere, until the name itself is held up.
    for address in ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "2001:db8:1::1", "2001:db8:2::1"] {
        for _ in 0..4 {
            Browser::at(address).log_in(&app, NAME, "a guess of many").await;
        }
    }
    let page = Browser::at("203.0.113.9").log_in(&app, NAME, PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    let mut again = Browser::at("192.0.2.1");
    assert_eq!(again.log_in(&app, NAME, PASSWORD).await.status, StatusCode::SEE_OTHER, "where the admin was before");
    app.advance(31);
    assert_eq!(Browser::at("203.0.113.9").log_in(&app, NAME, PASSWORD).await.status, StatusCode::SEE_OTHER);
    app.finish().await;
}

#[tokio::test]
async fn every_reply_has_the_headers_that_keep_it_to_itself() {
    let app = with_admin(Options::without_modem()).await;
    for path in ["/", "/login", "/style.css", "/script.js", "/livez", "/readyz", "/nothing"] {
        let page = Browser::default().get(&app, path).await;
        let header = |name: &str| page.headers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        let attributes = page.text.split([' ', '\n']).filter(|word| word.contains("=\""));
        let inline = attributes.filter(|word| word.starts_with("on") || word.starts_with("style=")).count();
        let scripts =
            page.text.matches("<script").count() - page.text.matches("<script src=\"/script.js\" defer>").count();
        assert_eq!((scripts, inline), (0, 0), "{path}: {}", page.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn nothing_of_it_is_on_the_public_listener_and_nothing_of_the_api_on_it() {
    let app = with_admin(Options::without_modem()).await;
    for path in ["/login", "/logout", "/style.css", "/livez", "/readyz", "/readyz?verbose", "/admin", "/admin/login"] {
        for method in [Method::GET, Method::POST] {
            let reply = app.send(app.http().request(method, app.url(path))).await;
            assert_eq!(reply.http, 404, "{path}");
        }
    }
    for path in ["/verify", "/verify/json", "/verify/check/json", "/docs/", "/callbacks/x"] {
        assert_eq!(Browser::default().get(&app, path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(Browser::default().go(&app, Method::POST, path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(Browser::default().go(&app, Method::PUT, "/login", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    app.finish().await;
}

#[tokio::test]
async fn health_is_told_without_a_login() {
    let app = with_admin(Options::one_modem()).await;
    let mut watcher = Browser::default();
    assert_eq!(watcher.get(&app, "/livez").await.text, "ok\n");
    let page = watcher.get(&app, "/readyz?verbose").await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!(page.text, @"
    ok    database: takes writes
    ok    route sim1: ready
    ok    routes: 1 of 1 ready
    ok    queue: 0, oldest waits for 0 s
    ready
    ");
    app.modem("sim1", "unplug 2m").await;
    app.down("sim1").await;
    let page = watcher.get(&app, "/readyz").await;
    assert_eq!((page.status, page.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"));
    assert!(watcher.get(&app, "/readyz?verbose").await.text.contains("\nfail  route sim1: not ready since "));
    assert_eq!(watcher.get(&app, "/livez").await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_is_too_large_is_not_read() {
    let app = with_admin(Options::without_modem()).await;
    let long = "x".repeat(9000);
    let page = Browser::default().go(&app, Method::POST, "/login", &[("password", &long)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    app.finish().await;
}
