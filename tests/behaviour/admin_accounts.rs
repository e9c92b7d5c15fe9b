//! Accounts on the pages of the admin listener.

use reqwest::{Method, StatusCode};

use crate::harness::browser::{Browser, Page};
use crate::harness::{Account, NUMBER, Options, TestApp, spawn_app};

pub const NAME: &str = "alex";
pub const PASSWORD: &str = "correct horse battery";

pub async fn logged_in(options: Options) -> (TestApp, Browser) {
    let app = spawn_app(options.admin()).await;
    app.add_admin(NAME, PASSWORD).await;
    let browser = Browser::logged_in(&app, NAME, PASSWORD).await;
    (app, browser)
}

/// Sends a form and stays on the reply.
async fn send(browser: &mut Browser, app: &TestApp, page: &str, path: &str, fields: &[(&str, &str)]) -> Page {
    let token = browser.get(app, page).await.form_token().to_owned();
    let form: Vec<_> = [("form_token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.go(app, Method::POST, path, &form).await
}

/// The value of a hidden field.
fn hidden(page: &Page, name: &str) -> String {
    let (_, rest) = page.text.split_once(&format!("name=\"{name}\" value=\"")).expect("a hidden field");
    rest.split_once('"').expect("its end").0.to_owned()
}

fn shown_secret(page: &Page) -> String {
    let (_, rest) = page.text.split_once("<code id=\"secret\">").expect("a secret");
    rest.split_once('<').expect("its end").0.to_owned()
}

/// The status of a request that nothing is wrong with but perhaps the account.
async fn asked_as(app: &TestApp, key: &str, secret: &str) -> String {
    let account = Account { key: key.to_owned(), secret: secret.to_owned() };
    app.request_as(&account, NUMBER, &[("workflow_id", "6")]).await.field("status")
}

#[tokio::test]
async fn an_account_is_made_on_a_page_that_shows_its_secret_once() {
    let (app, mut browser) = logged_in(Options::one_modem()).await;
    let list = browser.get(&app, "/accounts").await;
    let key = hidden_key(&list);
    let made = [("name", "Shop & Co"), ("key", key.as_str()), ("credits", "5000"), ("rate", "20")];
    let reply = send(&mut browser, &app, "/accounts", "/accounts", &made).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let secret = shown_secret(&reply);
    app.never_logged(&secret);
    assert!(browser.cookies.iter().all(|(_, value)| !value.contains(&secret)), "a secret in a cookie");
    assert_eq!(asked_as(&app, &key, &secret).await, "0");

    let page = browser.get(&app, &format!("/accounts/{key}")).await;
    for part in ["Shop &#38; Co", "3\u{202f}795", "0.3795 USD", "value=\"20\""] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    for path in ["/accounts", &format!("/accounts/{key}"), "/", "/settings"] {
        assert!(!browser.get(&app, path).await.text.contains(&secret), "{path}");
    }
    // Sent again, as by a reload, it makes nothing.
    let again = send(&mut browser, &app, "/accounts", "/accounts", &made).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("Another account has the key") && again.text.contains("value=\"Shop &#38; Co\""));
    assert_eq!(app.value::<i64>("select count(*) from account"), 2);
    assert_eq!(app.logged(&["an admin added an account", NAME, &key]).len(), 1);
    app.finish().await;
}

fn hidden_key(page: &Page) -> String {
    let (_, rest) = page.text.split_once("id=\"key\" name=\"key\" type=\"text\" value=\"").expect("a key");
    rest.split_once('"').expect("its end").0.to_owned()
}

#[tokio::test]
async fn what_is_wrong_in_the_form_is_said_beside_what_was_typed() {
    let (app, mut browser) = logged_in(Options::without_modem()).await;
    for (fields, said) in [
        ([("name", " "), ("key", "k1"), ("credits", ""), ("rate", ""), ("secret", "")], "The name must be"),
        ([("name", "n"), ("key", "a/b"), ("credits", ""), ("rate", ""), ("secret", "")], "The key must be"),
        ([("name", "n"), ("key", "k1"), ("credits", "-1"), ("rate", ""), ("secret", "")], "Credits must be"),
        ([("name", "n"), ("key", "k1"), ("credits", "x"), ("rate", ""), ("secret", "")], "Credits must be"),
        ([("name", "n"), ("key", "k1"), ("credits", ""), ("rate", "0"), ("secret", "")], "The rate must be"),
        ([("name", "n"), ("key", "k1"), ("credits", ""), ("rate", ""), ("secret", "geheim\n")], "The secret must be"),
    ] {
        let reply = send(&mut browser, &app, "/accounts", "/accounts", &fields).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(reply.text.contains(said), "{said}: {}", reply.text);
        assert!(!reply.text.contains("geheim"), "a secret comes back");
    }
    // The credentials of an existing client, with a price that is typed later.
    app.never_logged("geheimes-wort-1");
    let fields = [("name", "old"), ("key", "old-key"), ("secret", "geheimes-wort-1")];
    let reply = send(&mut browser, &app, "/accounts", "/accounts", &fields).await;
    assert!(reply.status == StatusCode::OK && !reply.text.contains("geheimes-wort-1"), "{}", reply.text);
    assert!(browser.get(&app, "/accounts/old-key").await.text.contains("No limit."));
    assert_eq!(browser.get(&app, "/accounts/nobody").await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

#[tokio::test]
async fn credits_bar_and_settings_are_changed_as_the_command_changes_them() {
    let (app, mut browser) = logged_in(Options::one_modem().credits(100)).await;
    let (key, secret) = (app.account.key.clone(), app.account.secret.clone());
    let page = format!("/accounts/{key}");
    let at = |action: &str| format!("{page}/{action}");
    let mut does =
        async |action: &str, fields: &[(&str, &str)]| browser.submit(&app, &page, &at(action), fields).await.text;

    let said = does("credit", &[("credits", "2900")]).await;
    assert!(said.contains("Added 2\u{202f}900 credits: the account has 3\u{202f}000 credits (0.30 USD)."), "{said}");
    let said = does("credit", &[("credits", "-1000")]).await;
    assert!(said.contains("Took away 1\u{202f}000 credits"), "{said}");
    for wrong in ["", "0", "1.5", "9999999999999"] {
        let said = does("credit", &[("credits", wrong)]).await;
        assert!(said.contains("notice bad") && app.credits() == 2000, "{wrong}: {said}");
    }
    assert!(does("credits", &[("credits", "7")]).await.contains("has 7 credits"));
    assert_eq!(app.credits(), 7);
    assert!(does("credits", &[("credits", "")]).await.contains("no limit of credits"));

    does("bar", &[]).await;
    assert_eq!(asked_as(&app, &key, &secret).await, "8");
    does("unbar", &[]).await;

    let settings = [("rate", "3"), ("workflow", "6"), ("language", "de-de"), ("origin_domain", "shop.example")];
    assert!(does("settings", &settings).await.contains("are changed"));
    let shown = app.command(&["account", "show", &key]).await;
    for part in ["3/s", "de-de", "shop.example"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(does("settings", &[("workflow", "8")]).await.contains("The workflow must be 1 to 7."));
    assert!(does("settings", &[("sender_id", "äöü")]).await.contains("The sender must be"));
    assert_eq!(app.command(&["account", "show", &key]).await, shown, "nothing of a wrong form is taken");
    app.finish().await;
}

#[tokio::test]
async fn a_secret_is_rotated_once_however_often_its_form_is_sent() {
    let (app, mut browser) = logged_in(Options::one_modem()).await;
    let (key, old) = (app.account.key.clone(), app.account.secret.clone());
    let page = format!("/accounts/{key}");
    let newest = hidden(&browser.get(&app, &page).await, "newest");
    let form = [("newest", newest.as_str())];
    let reply = send(&mut browser, &app, &page, &format!("{page}/secret"), &form).await;
    let new = shown_secret(&reply);
    app.never_logged(&new);
    let reply = send(&mut browser, &app, &page, &format!("{page}/secret"), &form).await;
    assert_eq!(reply.location(), page);
    assert!(browser.get(&app, &page).await.text.contains("replaced meanwhile"));
    assert_eq!(asked_as(&app, &key, &new).await, "0");
    assert_eq!(asked_as(&app, &key, &old).await, "10", "the old one is live: the number is in progress");
    app.finish().await;
}

#[tokio::test]
async fn an_account_goes_with_its_verifications_once_the_box_is_ticked() {
    let (app, mut browser) = logged_in(Options::one_modem()).await;
    app.start(NUMBER, &[]).await;
    app.at_rest().await;
    let (key, page) = (app.account.key.clone(), format!("/accounts/{}", app.account.key));
    assert!(browser.get(&app, &page).await.text.contains("1 of them in progress"));
    let said = browser.submit(&app, &page, &format!("{page}/remove"), &[]).await.text;
    assert!(said.contains("the box was not ticked"), "{said}");
    let said = browser.submit(&app, &page, &format!("{page}/remove"), &[("sure", "yes")]).await.text;
    assert!(said.contains(&format!("The account {key} is removed; verifications that went with it: 1.")), "{said}");
    assert_eq!(app.value::<i64>("select count(*) from verification"), 0);
    assert_eq!(browser.get(&app, &page).await.status, StatusCode::NOT_FOUND);
    app.finish().await;
}

#[tokio::test]
async fn an_admin_changes_the_own_password_and_ends_sessions_elsewhere() {
    let (app, mut browser) = logged_in(Options::without_modem()).await;
    let mut elsewhere = Browser::logged_in(&app, NAME, PASSWORD).await;
    const PAGE: &str = "/own-login";
    assert!(browser.get(&app, PAGE).await.text.contains("another browser"));
    let said = browser.submit(&app, PAGE, "/own-login/sessions", &[]).await.text;
    assert!(said.contains("Sessions ended: 1.") && !said.contains("another browser"), "{said}");
    assert!(!elsewhere.is_logged_in(&app).await);

    elsewhere.log_in(&app, NAME, PASSWORD).await;
    let other = "another long password";
    app.never_logged(other);
    for (present, other, again, said) in [
        ("a wrong password", other, other, "The present password is wrong."),
        (PASSWORD, other, "another", "The two are not the same"),
        (PASSWORD, "short", "short", "must have 12 to 256 characters"),
    ] {
        let fields = [("present", present), ("other", other), ("again", again)];
        let page = browser.submit(&app, PAGE, "/own-login/password", &fields).await;
        assert!(page.text.contains(said) && !page.text.contains(present), "{said}: {}", page.text);
    }
    assert!(elsewhere.is_logged_in(&app).await, "nothing was changed");
    let fields = [("present", PASSWORD), ("other", other), ("again", other)];
    let page = browser.submit(&app, PAGE, "/own-login/password", &fields).await;
    assert!(page.text.contains("Your password is changed"), "{}", page.text);
    assert!(browser.is_logged_in(&app).await && !elsewhere.is_logged_in(&app).await);
    assert_eq!(elsewhere.log_in(&app, NAME, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(elsewhere.log_in(&app, NAME, other).await.status, StatusCode::SEE_OTHER);
    app.finish().await;
}
