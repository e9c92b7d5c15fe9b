//! A backup taken under load, and the daemon that starts on it again.

use std::path::Path;

use rusqlite::Connection;
use simverify::app::WebhookChange;
use simverify::store;

use crate::harness::{NUMBER, Options, TestApp, quick_modem, spawn_app};

fn backup(app: &TestApp, name: &str) {
    store::backup(&app.file("simverify.db"), &app.file(name), app.now()).expect("a backup");
}

/// What `simverify restore --force` does.
fn restore(app: &TestApp, name: &str) -> store::Restored {
    let keys = app.ring().check_values();
    let target = app.file("simverify.db");
    let prepared = store::prepare_restore(&app.file(name), &target, &keys, app.now()).expect("a fit backup");
    let restored = prepared.restored.clone();
    prepared.put_in_place(&target, Some(&app.file("simverify.db.before"))).expect("in its place");
    restored
}

fn holds_a_pin(path: &Path) -> bool {
    let database = Connection::open(path).expect("a database");
    let sql = "select count(*) > 0 from verification where pin_sealed is not null or pin_hash is not null";
    database.query_row(sql, [], |row| row.get(0)).expect("a count")
}

#[tokio::test]
async fn what_was_in_progress_at_the_backup_is_over_after_its_restore_and_nothing_of_it_is_sent() {
    let modem = quick_modem().with("reports", "off");
    let mut app = spawn_app(Options::without_modem().modem("sim1", modem).credits(50_000)).await;
    let ended = app.start("447700900101", &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&ended, &pin).await.field("status"), "0");
    let waiting = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    app.at_rest().await;
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let queued = app.start("447700900102", &[]).await;
    let credits = app.credits();
    // Nothing is ever sent there.
    app.set_webhook(&app.account, "https://10.0.0.1/", WebhookChange::default()).await;
    backup(&app, "backup.db");
    assert!(holds_a_pin(&app.file("simverify.db")) && !holds_a_pin(&app.file("backup.db")));

    app.modem("sim1", "register 1").await;
    app.phone.sms().await;
    let later = app.start("447700900103", &[]).await;
    app.phone.sms().await;
    app.at_rest().await;
    app.stop().await;
    app.advance(86_400);
    let restored = restore(&app, "backup.db");
    assert_eq!((restored.verifications, restored.ended), (3, 2));
    assert!(app.file("simverify.db.before").exists());
    let told = "select distinct type, json_extract(facts, '$.reason') from webhook_event";
    assert_eq!(app.lines(told), ["verification.expired restored"]);
    assert_eq!(app.value::<i64>("select count(*) from webhook_event"), 2, "their accounts are told");
    app.start_again().await;
    app.all_ready().await;
    app.pass(600).await;
    assert_eq!(app.phone.unread(), 0, "nothing is sent again");
    assert_eq!(app.credits(), credits, "as they were then");
    assert_eq!(app.status(&ended).await, "SUCCESS");
    assert_eq!((app.status(&waiting).await, app.status(&queued).await), ("EXPIRED".into(), "EXPIRED".into()));
    assert_eq!(app.search(&later).await.field("status"), "101", "made after the backup");
    assert_eq!(app.check(&waiting, &pin).await.field("status"), "6");
    let fresh = app.start(NUMBER, &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&fresh, &pin).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_backup_of_before_a_rotation_comes_under_the_newest_key_once_its_own_key_is_there() {
    let mut app = spawn_app(Options::one_modem()).await;
    let ended = app.start(NUMBER, &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&ended, &pin).await.field("status"), "0");
    app.at_rest().await;
    backup(&app, "backup.db");
    let old = app.ring().newest().clone();
    assert_eq!(app.rotate_key().await, Ok(0));
    app.stop().await;
    let target = app.file("simverify.db");
    let unfit = store::prepare_restore(&app.file("backup.db"), &target, &app.ring().check_values(), app.now());
    assert!(unfit.is_err_and(|error| error.to_string().contains("key file does not belong")));
    let ring = app.ring().with_older(old).expect("room");
    ring.replace(&app.file("master.key"), &simverify::random::Random::System).expect("a key file");
    restore(&app, "backup.db");
    app.start_again().await;
    app.all_ready().await;
    assert_eq!(app.search(&ended).await.field("number"), NUMBER);
    crate::harness::eventually("the old key is gone again", || (app.ring().keys().len() == 1).then_some(())).await;
    assert_eq!(app.ring().newest().id(), ring.newest().id());
    assert_eq!(app.search(&ended).await.field("number"), NUMBER);
    app.finish().await;
}
