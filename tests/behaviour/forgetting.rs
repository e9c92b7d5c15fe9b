//! Numbers that are forgotten, and what is kept for less long than the rest.

use simverify::app::{Entry, ForgetError, Forgetting, Forgotten, forget};
use simverify::phone::PhoneNumber;

use crate::harness::{NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};

const OTHER: &str = "447700900101";

async fn forgotten(app: &TestApp, how: Forgetting) -> Result<Forgotten, ForgetError> {
    let number = PhoneNumber::parse(&format!("+{NUMBER}"), None).expect("a number");
    forget(app.operations().store(), &app.secrets(), app.now(), &number, how).await
}

#[tokio::test]
async fn a_forgotten_number_leaves_no_trace_and_others_keep_theirs() {
    let mut app = spawn_app(Options::one_modem()).await;
    let mut requests = vec![];
    for number in [NUMBER, OTHER] {
        let request = app.start(number, &[]).await;
        let pin = app.phone.sms().await.pin().to_owned();
        let ip = [("request_id", request.as_str()), ("code", pin.as_str()), ("ip_address", "192.0.2.7")];
        assert_eq!(app.post("/verify/check/json", &ip).await.field("status"), "0");
        app.incoming("sim1", &format!("+{number}"), "Good morning to all of you").await;
        app.block(number).await;
        requests.push(request);
    }
    app.inbox_of(2).await;
    app.at_rest().await;
    let kept = forgotten(&app, Forgetting { keep_blocked: true, ..Forgetting::default() }).await.expect("forgotten");
    let all = Forgotten {
        verifications: 1,
        cancelled: 0,
        attempts: 1,
        tries: 1,
        message_parts: 1,
        counts: 1,
        entry: Entry::Kept,
    };
    assert_eq!(kept, all);
    assert_eq!(app.request(NUMBER, &[]).await.field("status"), "7");
    let rest = forgotten(&app, Forgetting::default()).await.expect("forgotten");
    assert_eq!(rest, Forgotten { entry: Entry::Removed, ..Forgotten::default() });
    assert_eq!(app.search(&requests[0]).await.field("status"), "101");
    assert_eq!(app.search(&requests[1]).await.field("number"), OTHER);
    for (table, left) in [("verification", 1), ("event", 1), ("attempt", 1), ("try", 1), ("inbox", 1), ("blocklist", 1)]
    {
        assert_eq!(app.value::<i64>(&format!("select count(*) from {table}")), left, "{table}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_verification_in_progress_stands_in_the_way_unless_it_is_to_end() {
    let modem = quick_modem().with("reports", "off");
    let mut app = spawn_app(Options::without_modem().modem("sim1", modem).credits(50_000)).await;
    let credits = app.credits();
    app.modem("sim1", "register 0").await;
    app.down("sim1").await;
    let request = app.start(NUMBER, &[]).await;
    assert!(matches!(forgotten(&app, Forgetting::default()).await, Err(ForgetError::InProgress(1))));
    assert_eq!(app.status(&request).await, "IN PROGRESS");
    app.advance(31);
    let gone = forgotten(&app, Forgetting { cancel: true, ..Forgetting::default() }).await.expect("forgotten");
    assert_eq!((gone.verifications, gone.cancelled), (1, 1));
    assert_eq!(app.search(&request).await.field("status"), "101");
    assert_eq!(app.credits(), credits, "nothing was sent, nothing is charged");
    app.modem("sim1", "register 1").await;
    app.all_ready().await;
    app.pass(300).await;
    assert_eq!(app.phone.unread(), 0, "nothing is sent");
    let again = app.start(NUMBER, &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&again, &pin).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn addresses_and_numbers_go_before_the_rest_where_that_is_set() {
    let days = "storage.ip_address_retention_days = 1\nstorage.number_retention_days = 2\nstorage.retention_days = 3";
    let mut app = spawn_app(Options::one_modem().toml(days)).await;
    let request = app.start(NUMBER, &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    let ip = [("request_id", request.as_str()), ("code", pin.as_str()), ("ip_address", "192.0.2.7")];
    assert_eq!(app.post("/verify/check/json", &ip).await.field("status"), "0");
    app.at_rest().await;
    assert_eq!(app.search(&request).await.json()["checks"][0]["ip_address"], "192.0.2.7");
    app.advance(24 * 3600 + 3600);
    eventually("the address goes", || (app.value::<String>("select ip_address from try").is_empty()).then_some(()))
        .await;
    assert_eq!(app.search(&request).await.field("number"), NUMBER);
    app.advance(24 * 3600 + 3600);
    let sealed = "select length(number_sealed) from verification";
    eventually("the number goes", || (app.value::<i64>(sealed) == 0).then_some(())).await;
    let reply = app.search(&request).await;
    assert_eq!((reply.field("number"), reply.field("status")), (String::new(), "SUCCESS".to_owned()));
    assert_eq!(app.rotate_key().await, Ok(0), "a wiped number is in nobody's way");
    app.advance(24 * 3600 + 3600);
    let count = "select count(*) from verification";
    eventually("the verification goes", || (app.value::<i64>(count) == 0).then_some(())).await;
    app.finish().await;
}

#[tokio::test]
async fn what_limits_and_wrong_codes_kept_of_a_number_is_forgotten_with_it() {
    let toml = "limits.mode = \"monitor\"\nlimits.per_number = [\"1/day\"]\nguessing.mode = \"monitor\"\nbreaker.mode = \"monitor\"";
    let app = spawn_app(Options::one_modem().toml(toml)).await;
    for number in [NUMBER, OTHER] {
        for _ in 0..2 {
            let form = [("pin_code", "739105"), ("workflow_id", "6")];
            let request = app.request(number, &form).await.field("request_id");
            for status in ["16", "16", "17"] {
                assert_eq!(app.check(&request, "000000").await.field("status"), status);
            }
        }
    }
    app.at_rest().await;
    let kept = || {
        ["guess", "seen_number", "velocity where scope in ('number', 'guess')", "verdict where scope = 'number'"]
            .map(|from| app.value::<i64>(&format!("select count(*) from {from}")))
    };
    let both = kept();
    assert!(both.iter().all(|rows| *rows >= 2), "{both:?}");
    let gone = forgotten(&app, Forgetting::default()).await.expect("forgotten");
    assert_eq!(i64::try_from(gone.counts).expect("few"), both.iter().sum::<i64>() / 2);
    assert_eq!(kept(), both.map(|rows| rows / 2), "of the other number all is there");
    app.finish().await;
}
