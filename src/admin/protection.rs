//! What keeps numbers from being verified: the blocklist, limits, wrong codes and breakers, and how to let go.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::pager::Pager;
use super::visitor::{Act, Visitor};
use super::words::moment;
use super::{Desk, acts, page, reads, reads_and_acts};
use crate::app::{
    BLOCKLIST_PAGE, Blocked, BlocklistEntry, BlocklistPage, GuardTarget, ProtectionSeen, ShownVerdict, TargetSeen,
};

/// Verdicts of a page.
const VERDICTS_PAGE: usize = 50;

/// The spans that verdicts are listed of.
const SPANS: [(u32, &str); 3] = [(24, "24 hours"), (7 * 24, "7 days"), (30 * 24, "30 days")];

pub(super) fn pages(config: &mut web::ServiceConfig) {
    config
        .service(reads("/protection", now))
        .service(acts("/protection/look", look))
        .service(acts("/protection/release", release))
        .service(acts("/protection/release-all", release_all))
        .service(reads("/protection/verdicts", verdicts))
        .service(reads_and_acts("/protection/blocklist", blocklist, block))
        .service(acts("/protection/blocklist/remove", unblock));
}

#[derive(Template)]
#[template(path = "protection.html", config = "src/admin/askama.toml")]
struct NowPage<'a> {
    frame: Frame,
    seen: ProtectionSeen,
    /// What was looked up.
    target: Option<Looked<'a>>,
}

struct Looked<'a> {
    /// As it was written, for the admin who wrote it.
    text: &'a str,
    seen: TargetSeen,
}

#[derive(Template)]
#[template(path = "verdicts.html", config = "src/admin/askama.toml")]
struct VerdictsPage {
    frame: Frame,
    verdicts: Vec<ShownVerdict>,
    count: usize,
    hours: u32,
    spans: [(u32, &'static str); 3],
    pager: Pager,
}

#[derive(Template)]
#[template(path = "blocklist.html", config = "src/admin/askama.toml")]
struct ListPage<'a> {
    frame: Frame,
    entries: Vec<(String, Blocked)>,
    count: u64,
    only_opt_outs: bool,
    reveal: bool,
    pager: Pager,
    trouble: Option<String>,
    typed: &'a str,
}

/// `GET /protection`.
async fn now(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    match desk.app.protection().await {
        Ok(seen) => visitor.show(&NowPage { frame: visitor.frame(Section::Protection), seen, target: None }),
        Err(error) => page::failed(&error),
    }
}

/// `POST /protection/look`: a form, because a number does not belong into an address.
async fn look(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let text = act.form.text("target").trim();
    let target = match text.parse::<GuardTarget>() {
        Ok(target) => target,
        Err(_) => return act.refused("/protection", NO_TARGET),
    };
    let looked = async { Ok((desk.app.protection().await?, desk.app.look_at_target(&target).await?)) };
    match looked.await {
        Ok((seen, found)) => {
            let target = Some(Looked { text, seen: found });
            act.visitor.show(&NowPage { frame: act.visitor.frame(Section::Protection), seen, target })
        }
        Err(error) => page::failed(&error),
    }
}

const NO_TARGET: &str = "Write a number such as +447700900123, a prefix such as +447700900*, or a country such as GB.";

/// `POST /protection/release`.
async fn release(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let back = if act.form.is_ticked("verdicts") { "/protection/verdicts" } else { "/protection" };
    let id = act.form.text("subject");
    let (released, what) = if id.is_empty() {
        let Ok(target) = act.form.text("target").trim().parse::<GuardTarget>() else {
            return act.refused(back, NO_TARGET);
        };
        (desk.app.release(&target).await, target.masked())
    } else {
        match desk.app.release_subject(id).await {
            Ok((released, shown)) => (Ok(released), shown),
            Err(error) => (Err(error), String::new()),
        }
    };
    let what = if what.is_empty() { "it".to_owned() } else { what };
    match released {
        Ok(0) => act.refused(back, format!("Nothing holds up {what}.")),
        Ok(_) => {
            tracing::info!(name: "admin.released", admin = act.visitor.admin, subject = what, "an admin released what was held up");
            act.done(back, format!("Released: {what}."))
        }
        Err(error) => page::failed(&error),
    }
}

/// `POST /protection/release-all`.
async fn release_all(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    if !act.form.is_ticked("sure") {
        return act.refused("/protection", "Nothing was released: the box was not ticked.");
    }
    match desk.app.release_all().await {
        Ok(released) => {
            tracing::info!(name: "admin.all_released", admin = act.visitor.admin, released, "an admin closed every breaker");
            act.done("/protection", format!("Prefixes released: {released}."))
        }
        Err(error) => page::failed(&error),
    }
}

/// `GET /protection/verdicts`.
async fn verdicts(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    let asked = visitor.query("hours").and_then(|hours| hours.parse().ok());
    let hours = asked.filter(|asked| SPANS.iter().any(|(hours, _)| hours == asked)).unwrap_or(SPANS[0].0);
    let number = Pager::asked(&visitor);
    match desk.app.verdicts(hours).await {
        Ok(verdicts) => {
            let count = verdicts.len();
            let pager = Pager::new(number, count, VERDICTS_PAGE, &format!("/protection/verdicts?hours={hours}&"));
            let skipped = number.saturating_mul(VERDICTS_PAGE);
            let verdicts = verdicts.into_iter().skip(skipped).take(VERDICTS_PAGE).collect();
            let frame = visitor.frame(Section::Protection);
            visitor.show(&VerdictsPage { frame, verdicts, count, hours, spans: SPANS, pager })
        }
        Err(error) => page::failed(&error),
    }
}

/// `GET /protection/blocklist`.
async fn blocklist(visitor: Visitor, desk: web::Data<Desk>) -> HttpResponse {
    list_page(&visitor, &desk, StatusCode::OK, ("", None)).await
}

async fn list_page(
    visitor: &Visitor,
    desk: &Desk,
    status: StatusCode,
    (typed, trouble): (&str, Option<String>),
) -> HttpResponse {
    let only_opt_outs = visitor.query("only").as_deref() == Some("opt-outs");
    let reveal = visitor.query("reveal").is_some();
    let number = Pager::asked(visitor);
    match desk.app.blocklist(only_opt_outs, u64::try_from(number).unwrap_or(u64::MAX)).await {
        Ok(BlocklistPage { entries, count }) => {
            let mut base = "/protection/blocklist?".to_owned();
            base += if only_opt_outs { "only=opt-outs&" } else { "" };
            base += if reveal { "reveal=yes&" } else { "" };
            let pages = usize::try_from(count).unwrap_or(usize::MAX);
            let pager = Pager::new(number, pages, BLOCKLIST_PAGE as usize, &base);
            let frame = visitor.frame(Section::Protection);
            visitor.show_with(status, &ListPage { frame, entries, count, only_opt_outs, reveal, pager, trouble, typed })
        }
        Err(error) => page::failed(&error),
    }
}

/// `POST /protection/blocklist`.
async fn block(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    let typed = act.form.text("entry").trim();
    let entry = match typed.parse::<BlocklistEntry>() {
        Ok(entry) => entry,
        Err(error) => {
            let typed = (typed, Some(format!("Write {error}.")));
            return list_page(&act.visitor, &desk, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
        }
    };
    match desk.app.block(&entry).await {
        Ok(added) => {
            let shown = entry.masked();
            tracing::info!(name: "admin.blocked", admin = act.visitor.admin, entry = shown, added, "an admin blocked a number or a prefix");
            let said = if added { format!("{shown} is blocked.") } else { format!("{shown} was blocked already.") };
            act.done("/protection/blocklist", said)
        }
        Err(error) => page::failed(&error),
    }
}

/// `POST /protection/blocklist/remove`.
async fn unblock(act: Act, desk: web::Data<Desk>) -> HttpResponse {
    const LIST: &str = "/protection/blocklist";
    match desk.app.unblock(act.form.text("id")).await {
        Ok(Some(entry)) => {
            let shown = entry.masked();
            tracing::info!(name: "admin.unblocked", admin = act.visitor.admin, entry = shown, "an admin took an entry off the blocklist");
            act.done(LIST, format!("{shown} is not blocked any more."))
        }
        Ok(None) => act.refused(LIST, "There is no such entry: it may have been taken back."),
        Err(error) => page::failed(&error),
    }
}

/// What a verdict means, in a sentence.
fn explained(verdict: &ShownVerdict) -> &'static str {
    match (verdict.rule.as_str(), verdict.verdict.as_str()) {
        ("limit", "refused") => "More was asked for than a limit allows: refused.",
        ("limit", _) => "More was asked for than a limit allows: only put on record.",
        ("guess", "refused") => "Too many wrong codes: no code of the number was compared.",
        ("guess", "monitored") => "Too many wrong codes: only put on record.",
        ("breaker", "tripped") => "It looks like pumping: the breaker opened.",
        ("breaker", "refused") => "Its breaker is open: refused.",
        ("breaker", "monitored") => "Its breaker is open: only put on record.",
        ("breaker", "closed") => "What was let through to try was verified: the breaker closed.",
        ("country", _) => "A country that is watched: only put on record.",
        (_, "released") => "An operator let go.",
        _ => "",
    }
}

/// What a scope is, for a person.
fn scope(name: &str) -> &'static str {
    match name {
        "number" => "number",
        "address" => "end user's address",
        "account" => "account",
        "prefix" | "block" => "prefix of a thousand numbers",
        "range" => "prefix of a million numbers",
        "country" => "country",
        "voice_number" => "number, calls",
        "voice_prefix" => "prefix, calls",
        "voice_account" => "account, calls",
        _ => "",
    }
}

/// How a mode looks.
fn mode_class(mode: &str) -> &'static str {
    match mode {
        "block" => "good",
        "monitor" => "warn",
        _ => "",
    }
}
