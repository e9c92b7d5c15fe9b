//! The count itself is tried: each rule finds what it is there for.

use rusqlite::Connection;

use crate::audit::{ALWAYS, AT_THE_END};
use crate::harness::{NUMBER, Options, spawn_app};

/// For each rule, in its order, what breaks it in the database of one verification that succeeded.
const DAMAGES: [&str; ALWAYS.len() + AT_THE_END.len()] = [
    "insert into try (verification_id, received_at, valid, ip_address)
     select 1, 0, 0, '' from (values (1), (2), (3))",
    "insert into try (verification_id, received_at, valid, ip_address) values (1, 0, 1, '')",
    "update verification set state = 'expired'",
    "insert into attempt (verification_id, attempt_no, event_index, state, due_at) values (1, 2, 0, 'sent', 0)",
    "update verification set refunded = 1",
    "update verification set pin_hash = x'00'",
    "insert into awaited_report (attempt_id, route, sent_at) values (99, 'sim1', 0)",
    "update attempt set state = 'claimed'",
    "update verification set finalized_at = null",
    "update attempt set state = 'withdrawn'; update verification set state = 'expired'",
    "update verification set state = 'failed', tries = 0",
    "update attempt set state = 'uncertain'",
    "insert into budget_use (route, kind, amount, attempt_id) values ('sim1', 'sms', 1, 1)",
];

#[tokio::test]
async fn every_rule_of_the_count_finds_what_it_is_there_for() {
    let mut app = spawn_app(Options::one_modem()).await;
    let request = app.start(NUMBER, &[("workflow_id", "6")]).await;
    let sms = app.phone.sms().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.at_rest().await;
    let directory = tempfile::tempdir().expect("a directory");
    let copy = directory.path().join("copy.db");
    let made = app.command(&["backup", copy.to_str().expect("UTF-8")]).await;
    assert!(made.starts_with("exit 0"), "{made}");
    let connection = Connection::open(copy).expect("a database");
    connection.execute_batch("pragma foreign_keys = off").expect("a setting");
    let found = |sql: &str| {
        let mut statement = connection.prepare(sql).expect("a query");
        statement.exists([]).expect("rows")
    };
    for ((what, sql), damage) in ALWAYS.iter().chain(&AT_THE_END).zip(DAMAGES) {
        assert!(!found(sql), "{what}, in a database that is in order");
        connection.execute_batch(&format!("begin; {damage};")).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(found(sql), "{what}");
        connection.execute_batch("rollback").expect("a rollback");
    }
    app.finish().await;
}
