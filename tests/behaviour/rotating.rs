//! Another master key in the present one's place, while verifications go on.

use std::time::Duration;

use rusqlite::Connection;
use simverify::app::{WebhookChange, rotate_webhook_secret};
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::socket::Refusal;

use crate::harness::{NUMBER, Options, Reply, TestApp, eventually, quick_modem, spawn_app};

const BLOCKED: &str = "447700900999";

/// What is sealed or hashed under the key of before, by the row that it is in.
fn under_another_key(app: &TestApp, secrets: &Secrets) -> Vec<String> {
    let mut found = vec![];
    let database = Connection::open(app.file("simverify.db")).expect("the database");
    let mut look = |sql: &str, binding: &dyn Fn(&rusqlite::Row) -> Vec<u8>| {
        let mut statement = database.prepare(sql).expect("a statement");
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let sealed: Option<Vec<u8>> = row.get(0).expect("octets");
            if sealed.is_some_and(|sealed| !secrets.is_current(&sealed, &binding(row))) {
                found.push(sql.to_owned());
            }
        }
    };
    let octets = |row: &rusqlite::Row, column: usize| row.get::<_, Vec<u8>>(column).expect("octets");
    look("select number_sealed, request_id from verification", &|row| [b"number".as_slice(), &octets(row, 1)].concat());
    look("select pin_sealed, request_id, generation from verification", &|row| {
        let generation: u32 = row.get(2).expect("a number");
        [b"pin".as_slice(), &octets(row, 1), &generation.to_be_bytes()].concat()
    });
    look("select secret_sealed, api_key from account_secret join account using (account_id)", &|row| {
        format!("api secret of {}", row.get::<_, String>(1).expect("a key")).into_bytes()
    });
    for (column, what) in [("url", "url"), ("secret", "secret"), ("old_secret", "secret")] {
        let sql = format!("select {column}_sealed, api_key from webhook join account using (account_id)");
        look(&sql, &|row| format!("webhook {what} of {}", row.get::<_, String>(1).expect("a key")).into_bytes());
    }
    look("select entry_sealed, entry_hash from blocklist", &|row| [b"blocklist".as_slice(), &octets(row, 1)].concat());
    look("select sender_sealed, part_hash from inbox", &|row| [b"inbox sender".as_slice(), &octets(row, 1)].concat());
    look("select pdu_sealed, part_hash from inbox", &|row| [b"inbox pdu".as_slice(), &octets(row, 1)].concat());
    look("select prefix_sealed from breaker", &|_| b"subject".to_vec());
    look("select subject_sealed from verdict", &|_| b"subject".to_vec());
    found
}

fn newest(app: &TestApp) -> Secrets {
    Secrets::new(app.ring().newest())
}

/// The old key leaves the key file as soon as nothing needs it.
async fn alone(app: &TestApp) {
    eventually("the old key leaves the file", || (app.ring().keys().len() == 1).then_some(())).await;
}

/// Verifications in every stand, a blocked number, an incoming message.
async fn filled() -> (TestApp, String, String, String) {
    let modem = quick_modem().with("reports", "off");
    let mut app = spawn_app(Options::without_modem().modem("sim1", modem)).await;
    app.block(BLOCKED).await;
    // Nothing is ever sent there.
    app.set_webhook(&app.account, "https://10.0.0.1/", WebhookChange::default()).await;
    let (store, now, overlap) = (app.operations().store(), app.now(), Duration::from_secs(86_400));
    let rotated = rotate_webhook_secret(store, &app.secrets(), &Random::System, now, &app.account.key, overlap).await;
    rotated.expect("another secret");
    let ended = app.start("447700900101", &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&ended, &pin).await.field("status"), "0");
    let waiting = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    app.incoming("sim1", "+447700900105", "Hello and good morning").await;
    app.inbox_of(1).await;
    app.at_rest().await;
    (app, ended, waiting, pin)
}

/// All that was there before is there, and goes on.
async fn goes_on(app: &mut TestApp, ended: &str, waiting: &str, pin: &str) {
    assert_eq!(app.request(BLOCKED, &[]).await.field("status"), "7");
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "10", "it is in progress, under whichever key");
    assert_eq!(app.search(ended).await.field("number"), "447700900101");
    assert_eq!(app.inbox().await[0].text.as_deref(), Some("Hello and good morning"));
    app.pass(125).await;
    assert_eq!(app.phone.sms().await.pin(), pin, "the second event carries the PIN of before");
    app.at_rest().await;
    assert_eq!(app.check(waiting, if pin == "0000" { "1111" } else { "0000" }).await.field("status"), "16");
    assert_eq!(app.check(waiting, pin).await.field("status"), "0");
    let fresh = app.start("447700900103", &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&fresh, &pin).await.field("status"), "0");
}

#[tokio::test]
async fn verifications_go_on_while_the_key_is_rotated_and_the_old_key_goes_with_the_last_of_them() {
    let (mut app, ended, waiting, pin) = filled().await;
    let old = Secrets::new(app.ring().newest());
    assert_eq!(app.rotate_key().await, Ok(1));
    assert_eq!(app.ring().keys().len(), 2);
    assert_ne!(newest(&app).key_id(), old.key_id());
    assert_eq!(under_another_key(&app, &newest(&app)), [""; 0], "all is under the new key while the old one is there");
    assert!(matches!(app.rotate_key().await, Err(Refusal::NotRotated { .. })), "one at a time");
    goes_on(&mut app, &ended, &waiting, &pin).await;
    app.advance(61);
    alone(&app).await;
    assert_eq!(app.rotate_key().await, Ok(0), "nothing is in progress");
    assert_eq!(app.ring().keys().len(), 1);
    assert_eq!(under_another_key(&app, &newest(&app)), [""; 0]);
    app.stop().await;
    app.start_again().await;
    app.all_ready().await;
    assert_eq!(app.request(BLOCKED, &[]).await.field("status"), "7");
    assert_eq!(app.status(&waiting).await, "SUCCESS");
    app.finish().await;
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_goes_on_at_the_next_start_wherever_it_was() {
    for is_under_new_key in [false, true] {
        let (mut app, ended, waiting, pin) = filled().await;
        app.stop().await;
        let ring = app.ring().with_newest(MasterKey::generate(&Random::System)).expect("room");
        ring.replace(&app.file("master.key"), &Random::System).expect("a key file");
        if is_under_new_key {
            let database = Connection::open(app.file("simverify.db")).expect("the database");
            let check = ring.newest().check_value();
            database
                .execute("update meta set value = ?1 where name = 'key_check'", [check.as_slice()])
                .expect("a written row");
        }
        app.start_again().await;
        app.all_ready().await;
        let secrets = Secrets::new(ring.newest());
        eventually("all is under the new key", || under_another_key(&app, &secrets).is_empty().then_some(())).await;
        goes_on(&mut app, &ended, &waiting, &pin).await;
        app.advance(61);
        alone(&app).await;
        assert_eq!(newest(&app).key_id(), secrets.key_id());
        app.finish().await;
    }
}

#[tokio::test]
async fn requests_during_a_rotation_are_neither_lost_nor_accepted_twice() {
    let mut app = spawn_app(Options::one_modem()).await;
    let numbers: Vec<_> = (100..130).map(|number| format!("447700900{number}")).collect();
    for round in 0..3 {
        let mut starts = tokio::task::JoinSet::new();
        for number in numbers.iter().chain(&numbers) {
            app.never_logged(number);
            let (key, secret) = (app.account.key.clone(), app.account.secret.clone());
            let form = [("api_key", key), ("api_secret", secret), ("number", number.clone()), ("brand", "Acme".into())];
            let request = app.http().post(app.url("/verify/json")).form(&form);
            starts.spawn(async move { Reply::read(request.send().await.expect("a reply")).await });
        }
        let (replies, rotated) = tokio::join!(starts.join_all(), app.rotate_key());
        assert!(rotated.is_ok() || round > 0, "{rotated:?}");
        let accepted: Vec<_> = replies.iter().filter(|reply| reply.field("status") == "0").collect();
        let statuses: Vec<_> = replies.iter().map(|reply| reply.to_string()).collect();
        let refused = replies.iter().filter(|reply| reply.field("status") == "10").count();
        assert_eq!((accepted.len(), refused), (numbers.len(), numbers.len()), "round {round}: {statuses:#?}");
        let mut pins = std::collections::BTreeMap::new();
        for _ in &numbers {
            let sms = app.phone.sms().await;
            pins.insert(sms.number.clone(), sms.pin().to_owned());
        }
        for reply in accepted {
            let request = reply.field("request_id");
            let number = app.search(&request).await.field("number");
            assert_eq!(app.check(&request, &pins[&format!("+{number}")]).await.field("status"), "0");
        }
        app.advance(61);
        alone(&app).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_sim_pin_that_was_refused_stays_refused_under_every_later_key() {
    let app = spawn_app(Options::without_modem()).await;
    let daemon = app.operations();
    assert!(daemon.may_try_sim_pin("8944", "1111", Some(2)).await.expect("asked"));
    for _ in 0..2 {
        assert_eq!(app.rotate_key().await, Ok(0));
        assert!(!daemon.may_try_sim_pin("8944", "1111", Some(2)).await.expect("asked"), "tried before");
    }
    assert!(daemon.may_try_sim_pin("8944", "2222", Some(2)).await.expect("asked"));
    assert_eq!(app.rotate_key().await, Ok(0));
    assert!(!daemon.may_try_sim_pin("8944", "2222", Some(2)).await.expect("asked"), "tried under the key before");
    daemon.sim_pin_done("8944", "1111").await.expect("written");
    assert!(daemon.may_try_sim_pin("8944", "1111", Some(2)).await.expect("asked"));
    app.finish().await;
}

#[tokio::test]
async fn what_was_counted_against_fraud_and_guessing_counts_on_under_the_new_key() {
    let options = Options::one_modem().toml(
        "guessing.mode = \"block\"\nguessing.failures_in_a_row = 2\nlimits.mode = \"block\"\n\
         limits.per_number = []\nlimits.per_prefix = []\nlimits.per_account = [\"7/day\"]\n\
         limits.per_address = [\"1/day\"]\nbreaker.mode = \"block\"\nbreaker.block_sends = 5\nbreaker.sequence = 0",
    );
    let app = spawn_app(options).await;
    let address = [("workflow_id", "6"), ("ip_address", "192.0.2.7")];
    let guessed = app.start("447700901101", &address).await;
    assert_eq!(app.request("447700901102", &address).await.field("status"), "7", "a second of its address");
    for _ in 0..2 {
        assert_eq!(app.check(&guessed, "000000").await.field("status"), "16");
    }
    for index in 0..5 {
        app.start(&format!("44770090010{index}"), &[("workflow_id", "6")]).await;
        app.at_rest().await;
    }
    app.advance(421);
    app.at_rest().await;
    assert_eq!(app.request("447700900111", &[]).await.field("status"), "7", "nobody verifies its block");
    let before = app.command(&["guard", "verdicts", "--json"]).await;
    assert_eq!(app.rotate_key().await, Ok(0), "nothing is in progress");
    assert_eq!(app.ring().keys().len(), 1);
    assert_eq!(under_another_key(&app, &newest(&app)), [""; 0]);
    assert_eq!(app.command(&["guard", "verdicts", "--json"]).await, before, "all of it can be read");
    for (number, further, why) in [
        ("447700900112", vec![], "its block is shut"),
        ("447700901101", vec![], "it is locked"),
        ("447700902101", address.to_vec(), "its address has had its one"),
    ] {
        assert_eq!(app.request(number, &further).await.field("status"), "7", "{why}");
    }
    let listed = app.command(&["guard", "list", "--json"]).await;
    assert!(listed.contains("+447700900*"), "{listed}");
    assert_eq!(app.request("447700903101", &[]).await.field("status"), "0", "the seventh of the account");
    assert_eq!(app.request("447700904101", &[]).await.field("status"), "7", "the eighth");
    app.finish().await;
}
