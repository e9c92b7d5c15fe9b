//! Accounts: who may use the API, and what it may cost them.
//!
//! A secret is shown once, on the page that answers the form that made it; it stands in no address, cookie or line of the
//! log. Sending that form again makes nothing: the key is taken then, or the secret is not the newest any more.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};

use super::frame::{Frame, Section};
use super::visitor::{Act, Form, Visitor};
use super::words::{grouped, moment, percent};
use super::{Desk, acts, page, reads, reads_and_acts};
use crate::app::{
    AccountOpened, AccountPage, AccountSeen, CREDITS_MAX, Internal, KEY_MAX, NAME_MAX, NewCustomer, OpenError, Prices,
    RATE_MAX, SECRET_MAX, WrittenDefaults, account_key, account_name, account_secret,
};

const UNKNOWN: &str = "There is no account with this key.";

pub(super) fn pages(config: &mut web::ServiceConfig) {
    config
        .service(reads_and_acts("/accounts", list, add))
        .service(reads("/accounts/{key}", show))
        .service(acts("/accounts/{key}/credit", credit))
        .service(acts("/accounts/{key}/credits", set_credits))
        .service(acts("/accounts/{key}/bar", bar))
        .service(acts("/accounts/{key}/unbar", unbar))
        .service(acts("/accounts/{key}/settings", set))
        .service(acts("/accounts/{key}/secret", rotate))
        .service(acts("/accounts/{key}/remove", remove));
}

#[derive(Template)]
#[template(path = "accounts.html", config = "src/admin/askama.toml")]
struct ListPage {
    frame: Frame,
    accounts: Vec<AccountSeen>,
    prices: Prices,
    form: AddForm,
}

/// What the form for a new account shows.
#[derive(Default)]
struct AddForm {
    trouble: Option<String>,
    name: String,
    key: String,
    credits: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "account.html", config = "src/admin/askama.toml")]
struct OnePage {
    frame: Frame,
    page: AccountPage,
    prices: Prices,
}

#[derive(Template)]
#[template(path = "secret.html", config = "src/admin/askama.toml")]
struct SecretPage<'a> {
    frame: Frame,
    key: &'a str,
    /// `None`: it was given, and is known.
    secret: Option<&'a str>,
    /// Another one stays valid for a while.
    is_rotated: bool,
}

/// `GET /accounts`.
async fn list(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let form = AddForm { key: desk.app.unused_key(), ..AddForm::default() };
    list_page(&visitor, &desk, StatusCode::OK, form).await
}

async fn list_page(visitor: &Visitor, desk: &Desk, status: StatusCode, form: AddForm) -> HttpResponse {
    match desk.app.accounts().await {
        Ok(accounts) => {
            let (frame, prices) = (visitor.frame(Section::Accounts), desk.app.prices());
            visitor.show_with(status, &ListPage { frame, accounts, prices, form })
        }
        Err(error) => page::failed(&error),
    }
}

/// `POST /accounts`.
async fn add(mut act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let secret = act.form.take("secret");
    let form = AddForm {
        trouble: None,
        name: act.form.text("name").to_owned(),
        key: act.form.text("key").trim().to_owned(),
        credits: act.form.text("credits").to_owned(),
        rate: act.form.text("rate").to_owned(),
    };
    let new = match form.read(secret) {
        Ok(new) => new,
        Err(trouble) => return refused_add(&act, &desk, form, trouble).await,
    };
    match desk.app.open_account(new).await {
        Ok(AccountOpened { key, secret }) => {
            tracing::info!(name: "admin.account_added", admin = act.visitor.admin, account = key, "an admin added an account");
            secret_page(&act, &key, secret.as_ref(), false)
        }
        Err(OpenError::Exists) => {
            let trouble = format!("Another account has the key {}: choose another one.", form.key);
            refused_add(&act, &desk, form, trouble).await
        }
        Err(OpenError::Internal(error)) => page::failed(&error),
    }
}

async fn refused_add(act: &Act, desk: &Desk, form: AddForm, trouble: String) -> HttpResponse {
    let form = AddForm { trouble: Some(trouble), ..form };
    list_page(&act.visitor, desk, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

impl AddForm {
    fn read(&self, secret: String) -> Result<NewCustomer, String> {
        let secret = match secret.is_empty() {
            true => None,
            false => {
                let secret = account_secret(SecretString::from(secret));
                Some(secret.map_err(|allowed| format!("The secret must be {allowed}."))?)
            }
        };
        Ok(NewCustomer {
            name: account_name(&self.name).map_err(|allowed| format!("The name must be {allowed}."))?,
            key: account_key(&self.key).map_err(|allowed| format!("The key must be {allowed}"))?,
            secret,
            credits: credits(&self.credits, 0)?,
            rate: rate(&self.rate)?,
        })
    }
}

/// `None`: nothing is written.
fn credits(text: &str, least: i64) -> Result<Option<i64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let credits = text.parse().ok().filter(|credits| (least..=CREDITS_MAX).contains(credits));
    let allowed = || format!("Credits must be a whole number from {least} to {CREDITS_MAX}.");
    credits.map(Some).ok_or_else(allowed)
}

/// `None`: the configuration's.
fn rate(text: &str) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let rate = text.parse().ok().filter(|rate| (1..=RATE_MAX).contains(rate));
    rate.map(Some).ok_or_else(|| format!("The rate must be a whole number from 1 to {RATE_MAX}."))
}

/// `GET /accounts/KEY`.
async fn show(visitor: Visitor, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    match desk.app.account_page(&key).await {
        Ok(Some(page)) => {
            let (frame, prices) = (visitor.frame(Section::Accounts), desk.app.prices());
            visitor.show(&OnePage { frame, page, prices })
        }
        Ok(None) => page::missing(&visitor, Section::Accounts, UNKNOWN),
        Err(error) => page::failed(&error),
    }
}

/// `POST /accounts/KEY/credit`.
async fn credit(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let added = match credits(act.form.text("credits"), -CREDITS_MAX) {
        Ok(Some(added)) if added != 0 => added,
        Ok(_) => return back_refused(&act, &key, "Say how many credits."),
        Err(trouble) => return back_refused(&act, &key, trouble),
    };
    let changed = desk.app.add_credits(&key, added).await;
    done(&act, &key, changed, |account| {
        tracing::info!(name: "admin.credits_added", admin = act.visitor.admin, account = account.key, added, "an admin changed credits");
        let (verb, count) = if added > 0 { ("Added", added) } else { ("Took away", -added) };
        format!("{verb} {} credits: the account has {}.", grouped(&count), balance(account, &desk.app.prices()))
    })
}

/// `POST /accounts/KEY/credits`.
async fn set_credits(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let credits = match credits(act.form.text("credits"), 0) {
        Ok(credits) => credits,
        Err(trouble) => return back_refused(&act, &key, trouble),
    };
    let changed = desk.app.set_credits(&key, credits).await;
    done(&act, &key, changed, |account| {
        tracing::info!(name: "admin.credits_set", admin = act.visitor.admin, account = account.key, credits, "an admin set credits");
        format!("The account has {}.", balance(account, &desk.app.prices()))
    })
}

fn balance(account: &AccountSeen, prices: &Prices) -> String {
    match (account.credits, &account.worth) {
        (Some(credits), Some(worth)) => format!("{} credits ({worth} {})", grouped(&credits), prices.currency),
        _ => "no limit of credits".to_owned(),
    }
}

/// `POST /accounts/KEY/bar`.
async fn bar(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let changed = desk.app.set_barred(&key, true).await;
    done(&act, &key, changed, |account| {
        tracing::info!(name: "admin.account_barred", admin = act.visitor.admin, account = account.key, "an admin barred an account");
        format!("{} is barred: it starts no verifications.", account.name)
    })
}

/// `POST /accounts/KEY/unbar`.
async fn unbar(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let changed = desk.app.set_barred(&key, false).await;
    done(&act, &key, changed, |account| {
        tracing::info!(name: "admin.account_unbarred", admin = act.visitor.admin, account = account.key, "an admin let an account in again");
        format!("{} may start verifications again.", account.name)
    })
}

/// `POST /accounts/KEY/settings`.
async fn set(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let rate = match rate(act.form.text("rate")) {
        Ok(rate) => rate,
        Err(trouble) => return back_refused(&act, &key, trouble),
    };
    let defaults = match written(&act.form).read() {
        Ok(defaults) => defaults,
        Err((what, allowed)) => return back_refused(&act, &key, format!("The {what} must be {allowed}.")),
    };
    let changed = desk.app.set_account(&key, rate, defaults).await;
    done(&act, &key, changed, |account| {
        tracing::info!(name: "admin.account_changed", admin = act.visitor.admin, account = account.key, "an admin changed an account's settings");
        format!("The settings of {} are changed.", account.name)
    })
}

fn written(form: &Form) -> WrittenDefaults {
    let text = |name: &str| form.text(name).to_owned();
    WrittenDefaults {
        sender_id: text("sender_id"),
        workflow: text("workflow"),
        language: text("language"),
        origin_domain: text("origin_domain"),
        app_hash: text("app_hash"),
    }
}

/// `POST /accounts/KEY/secret`.
async fn rotate(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    let Ok(newest) = act.form.text("newest").parse::<i64>() else {
        return back_refused(&act, &key, "Say which secret is to be replaced.");
    };
    match desk.app.rotate_account_secret(&key, newest).await {
        Ok(Some(secret)) => {
            tracing::info!(name: "admin.secret_rotated", admin = act.visitor.admin, account = *key, "an admin made an account another secret");
            secret_page(&act, &key, Some(&secret), true)
        }
        Ok(None) => back_refused(&act, &key, "The secret was replaced meanwhile; nothing was changed."),
        Err(error) => page::failed(&error),
    }
}

fn secret_page(act: &Act, key: &str, secret: Option<&SecretString>, is_rotated: bool) -> HttpResponse {
    let frame = act.visitor.frame(Section::Accounts);
    act.visitor.show(&SecretPage { frame, key, secret: secret.map(ExposeSecret::expose_secret), is_rotated })
}

/// `POST /accounts/KEY/remove`.
async fn remove(act: Act, desk: web::Data<Desk>, key: web::Path<String>) -> HttpResponse {
    if !act.form.is_ticked("sure") {
        return back_refused(&act, &key, "Nothing was removed: the box was not ticked.");
    }
    match desk.app.remove_account(&key).await {
        Ok(Some(verifications)) => {
            tracing::info!(name: "admin.account_removed", admin = act.visitor.admin, account = *key, verifications, "an admin removed an account");
            let went = grouped(&i64::try_from(verifications).unwrap_or(i64::MAX));
            act.done("/accounts", format!("The account {key} is removed; verifications that went with it: {went}."))
        }
        Ok(None) => act.refused("/accounts", UNKNOWN),
        Err(error) => page::failed(&error),
    }
}

/// Back to the account after a change.
fn done(
    act: &Act,
    key: &str,
    changed: Result<Option<AccountSeen>, Internal>,
    say: impl FnOnce(&AccountSeen) -> String,
) -> HttpResponse {
    match changed {
        Ok(Some(account)) => {
            let said = say(&account);
            act.done(&path(key), said)
        }
        Ok(None) => act.refused("/accounts", UNKNOWN),
        Err(error) => page::failed(&error),
    }
}

fn back_refused(act: &Act, key: &str, text: impl Into<String>) -> HttpResponse {
    act.refused(&path(key), text)
}

/// What is no key leads to the list.
fn path(key: &str) -> String {
    account_key(key).map_or_else(|_| "/accounts".to_owned(), |key| format!("/accounts/{key}"))
}
