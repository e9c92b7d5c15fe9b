//! Blocklist, limits, breakers and the inbox on the pages of the admin listener.

use reqwest::StatusCode;

use crate::admin_accounts::logged_in;
use crate::harness::{NUMBER, Options};

const LIST: &str = "/protection/blocklist";

#[tokio::test]
async fn the_blocklist_is_masked_unless_asked_and_takes_entries_back() {
    let (app, mut browser) = logged_in(Options::one_modem()).await;
    // The placeholder of the field is another one.
    let number = "447700900188";
    app.never_logged(number);
    let page = browser.submit(&app, LIST, LIST, &[("entry", "+44 7700 900188")]).await;
    assert!(page.text.contains("+44…88 is blocked.") && !page.text.contains(number), "{}", page.text);
    let page = browser.submit(&app, LIST, LIST, &[("entry", "+44909*")]).await;
    assert!(page.text.contains("+44909* is blocked."), "{}", page.text);
    assert_eq!(app.request(number, &[]).await.field("status"), "7");
    assert!(browser.get(&app, "/protection/blocklist?reveal=yes").await.text.contains(number));
    for wrong in ["", "0770", "*", "<script>alert(1)</script>"] {
        let page = browser.submit(&app, LIST, LIST, &[("entry", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
    }
    let page = browser.get(&app, LIST).await;
    let ids: Vec<_> = page.text.split("name=\"id\" value=\"").skip(1).map(|rest| &rest[..64]).collect();
    assert_eq!(ids.len(), 2);
    for id in ids {
        let page = browser.submit(&app, LIST, "/protection/blocklist/remove", &[("id", id)]).await;
        assert!(page.text.contains("is not blocked any more"), "{}", page.text);
    }
    let page = browser.submit(&app, LIST, "/protection/blocklist/remove", &[("id", "zz")]).await;
    assert!(page.text.contains("There is no such entry"), "{}", page.text);
    assert_eq!(app.request(number, &[("workflow_id", "6")]).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn who_has_to_wait_is_shown_with_the_reason_and_released() {
    let toml = "limits.mode = \"block\"\nlimits.per_number = [\"1/h\"]\nlimits.per_prefix = []";
    let (app, mut browser) = logged_in(Options::one_modem().toml(toml)).await;
    let ask = async || app.request(NUMBER, &[("pin_code", "739105"), ("workflow_id", "6")]).await;
    let reply = ask().await;
    assert_eq!(app.check(&reply.field("request_id"), "739105").await.field("status"), "0");
    assert_eq!(ask().await.field("status"), "7");
    let page = browser.get(&app, "/protection").await.text;
    for part in ["+44…23", "requests for the number: 1/h is used up", "2026-03-01 13:00:00"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let verdicts = browser.get(&app, "/protection/verdicts").await.text;
    assert!(verdicts.contains("More was asked for than a limit allows: refused."), "{verdicts}");
    // A number is looked up by a form, and stands in no address.
    let looked = browser.submit(&app, "/protection", "/protection/look", &[("target", "+44 7700 900123")]).await;
    assert!(looked.status == StatusCode::OK && looked.text.contains("Its codes are compared"), "{}", looked.text);
    let (_, rest) = page.split_once("name=\"subject\" value=\"").expect("something to release");
    let subject = rest.split_once('"').expect("its end").0;
    let said = browser.submit(&app, "/protection", "/protection/release", &[("subject", subject)]).await.text;
    assert!(said.contains("Released: +44…23."), "{said}");
    let said = browser.submit(&app, "/protection", "/protection/release", &[("subject", subject)]).await.text;
    assert!(said.contains("Nothing holds up"), "{said}");
    assert_eq!(ask().await.field("status"), "0");
    for wrong in [[("target", "x")], [("subject", "n12")]] {
        assert!(browser.submit(&app, "/protection", "/protection/release", &wrong).await.text.contains("notice bad"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_breaker_is_shown_with_its_reason_and_closed() {
    let toml = "breaker.mode = \"block\"\nbreaker.block_sends = 5\nbreaker.sequence = 0\nlimits.mode = \"off\"";
    let (app, mut browser) = logged_in(Options::one_modem().toml(toml)).await;
    for index in 0..5 {
        app.start(&format!("44770090012{index}"), &[("workflow_id", "6")]).await;
    }
    app.at_rest().await;
    app.advance(600);
    app.at_rest().await;
    assert_eq!(app.request("447700900128", &[]).await.field("status"), "7");
    let page = browser.get(&app, "/protection").await.text;
    for part in ["+447700900*", "0 of 5 sent in 6 h were verified", "open"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let said = browser.submit(&app, "/protection", "/protection/release", &[("target", "+447700900*")]).await.text;
    assert!(said.contains("Released: +447700900*."), "{said}");
    assert_eq!(app.request("447700900128", &[("workflow_id", "6")]).await.field("status"), "0");
    assert_eq!(app.logged(&["an admin released what was held up", "+447700900*"]).len(), 1);
    let said = browser.submit(&app, "/protection", "/protection/release-all", &[("sure", "yes")]).await.text;
    assert!(said.contains("Prefixes released: 0."), "{said}");
    app.finish().await;
}

#[tokio::test]
async fn the_inbox_masks_its_list_searches_by_form_and_deletes() {
    let (app, mut browser) = logged_in(Options::one_modem()).await;
    for (sender, text) in
        [("+447700900123", "STOP"), ("+447700900124", "The parcel is here"), ("Bank", "Your <b>card</b> is blocked")]
    {
        let before = app.inbox().await.len();
        app.incoming("sim1", sender, text).await;
        app.inbox_of(before + 1).await;
    }
    let list = browser.get(&app, "/inbox").await.text;
    for part in ["+44…23", "+44…24", "Bank", "opted out", "18 characters"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(!list.contains("parcel") && !list.contains("447700900124"), "{list}");
    let reactions = browser.get(&app, "/inbox?only=opt-outs").await.text;
    assert!(reactions.contains("+44…23") && !reactions.contains("Bank"), "{reactions}");
    for (words, found) in [("PARCEL", "+44…24"), ("+44 7700 900124", "+44…24"), ("card", "Bank")] {
        let page = browser.submit(&app, "/inbox", "/inbox/search", &[("words", words)]).await.text;
        assert!(page.contains("1 found") && page.contains(found), "{words}: {page}");
    }
    let number = app.inbox().await.into_iter().find(|message| message.sender == "Bank").expect("a message").number;
    let path = format!("/inbox/{number}");
    let message = browser.get(&app, &path).await.text;
    assert!(message.contains("Your &#60;b&#62;card&#60;/b&#62; is blocked"), "{message}");
    let said = browser.submit(&app, &path, &format!("{path}/delete"), &[]).await.text;
    assert!(said.contains(&format!("Message {number} is deleted.")), "{said}");
    assert_eq!(browser.get(&app, &path).await.status, StatusCode::NOT_FOUND);
    assert!(browser.submit(&app, "/inbox", "/inbox/clear", &[]).await.text.contains("the box was not ticked"));
    let said = browser.submit(&app, "/inbox", "/inbox/clear", &[("sure", "yes")]).await.text;
    assert!(said.contains("Messages deleted: 2."), "{said}");
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7", "the opt-out stays");
    app.finish().await;
}
