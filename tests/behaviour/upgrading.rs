//! Databases of every earlier schema, filled as a daemon fills them, under the daemon of today.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use simverify::app::WebhookChange;
use simverify::random::Random;

use crate::harness::{NUMBER, Options, TestApp, quick_modem, spawn_app};

const BLOCKED: &str = "447700900999";

/// A webhook to which nothing is ever sent.
const REFUSED: &str = "https://10.0.0.1/";

/// Marks a database of the program.
const APPLICATION_ID: i64 = 0x536d_7666;

/// The migrations in their order.
fn migrations() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = fs::read_dir(directory).expect("migrations").flatten().map(|file| file.path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).expect("SQL")).collect()
}

fn names(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("names")
}

fn columns(database: &Connection, schema: &str, table: &str) -> Vec<String> {
    names(database, &format!("select name from pragma_table_info('{table}', '{schema}')"))
}

/// The database as a program that knew so many migrations would have it: what its tables and columns can hold. Says how
/// many rows each table has.
fn as_of(version: usize, migrations: &[String], file: &Path) -> Vec<(String, i64)> {
    let old_file = file.with_extension("old");
    let old = Connection::open(&old_file).expect("a database");
    for migration in &migrations[..version] {
        old.execute_batch(migration).expect("an earlier schema");
    }
    old.execute_batch(&format!(
        "pragma journal_mode = wal; pragma application_id = {APPLICATION_ID}; pragma user_version = {version};
         pragma foreign_keys = off; attach '{}' as newest; begin;",
        file.display()
    ))
    .expect("both");
    let mut rows = vec![];
    for table in names(&old, "select name from main.sqlite_schema where type = 'table' order by name") {
        let newest = columns(&old, "newest", &table);
        let known: Vec<_> =
            columns(&old, "main", &table).into_iter().filter(|column| newest.contains(column)).collect();
        let known = known.join(", ");
        old.execute(&format!("insert into main.{table} ({known}) select {known} from newest.{table}"), [])
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        let count = old.query_row(&format!("select count(*) from main.{table}"), [], |row| row.get(0));
        rows.push((table, count.expect("a count")));
    }
    old.execute_batch("commit; detach newest; pragma wal_checkpoint(truncate);").expect("filled");
    drop(old);
    for journal in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{journal}", file.display()));
        let _ = fs::remove_file(format!("{}{journal}", old_file.display()));
    }
    fs::rename(old_file, file).expect("in its place");
    rows
}

/// A row in every table of today: verifications that ended and that go on, tries, reports, an inbox, a blocklist, budgets,
/// a wrong code, a breaker, an admin, a webhook with events.
async fn filled() -> (TestApp, String, String, String) {
    let modem = quick_modem().with("reports", "off");
    let options = Options::without_modem().modem("sim1", modem).keys("sim1", "sms_per_day = 100").credits(50_000);
    let mut app = spawn_app(options).await;
    app.block(BLOCKED).await;
    app.set_webhook(&app.account, REFUSED, WebhookChange::default()).await;
    let ended = app.start("447700900101", &[]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    assert_eq!(app.check(&ended, if pin == "0000" { "1111" } else { "0000" }).await.field("status"), "16");
    assert_eq!(app.check(&ended, &pin).await.field("status"), "0");
    let waiting = app.start(NUMBER, &[("workflow_id", "4")]).await;
    let pin = app.phone.sms().await.pin().to_owned();
    let guessed = app.start("447700900124", &[("workflow_id", "6"), ("pin_code", "739105")]).await;
    app.phone.sms().await;
    for status in ["16", "16", "17"] {
        assert_eq!(app.check(&guessed, "000000").await.field("status"), status);
    }
    app.incoming("sim1", "+447700900105", "Hello and good morning").await;
    app.inbox_of(1).await;
    assert!(app.operations().may_try_sim_pin("8944", "1111", Some(2)).await.expect("asked"));
    app.at_rest().await;
    app.stop().await;
    let database = Connection::open(app.file("simverify.db")).expect("the database");
    // Of what trips only after hours, and of people who log in.
    database
        .execute_batch(
            "insert into verdict (hour_at, rule, verdict, scope, subject_hash, reason, first_at, last_at)
                 values (0, 'breaker', 'tripped', 'block', x'01', 'none verified', 1, 1);
             insert into admin_user (name, password_hash, created_at, password_at) values ('root', x'01', 1, 1);
             insert into admin_session (session_hash, admin_user_id, origin_hash, created_at, used_at)
                 values (x'01', 1, x'02', 1, 1);
             insert into admin_failure values (x'01', 1, 1, 1);
             insert into modem_event (modem, kind, at, last_at) values ('sim1', 'ready', 1, 1)",
        )
        .expect("written rows");
    let subject = app.secrets().seal(&Random::System, b"44770090XXXX", b"subject");
    database
        .execute(
            "insert into breaker values (x'01', ?1, 'block', 1, 2, 2, 'conversion', 'none verified', 1)",
            [subject],
        )
        .expect("a written row");
    for table in names(&database, "select name from sqlite_schema where type = 'table' order by name") {
        let count: i64 =
            database.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).expect("rows");
        assert!(count > 0, "{table} has a row");
    }
    (app, ended, waiting, pin)
}

#[tokio::test]
async fn a_database_of_every_earlier_schema_comes_up_with_all_that_is_in_it_and_goes_on() {
    let migrations = migrations();
    for version in 1..migrations.len() {
        let (mut app, ended, waiting, pin) = filled().await;
        let file = app.file("simverify.db");
        let before = as_of(version, &migrations, &file);
        let empty: Vec<_> = before.iter().filter(|(_, rows)| *rows == 0).map(|(table, _)| table.as_str()).collect();
        assert_eq!(empty, [""; 0], "every table of schema {version} has rows");
        let credits: i64 = app.value("select credits from account");
        app.start_again().await;
        for (table, rows) in before {
            assert!(app.value::<i64>(&format!("select count(*) from {table}")) >= rows, "{table} from {version}");
        }
        app.all_ready().await;
        assert_eq!(app.value::<i64>("pragma user_version"), i64::try_from(migrations.len()).expect("few"));
        assert_eq!(app.lines("pragma integrity_check"), ["ok"]);
        assert_eq!(app.lines("pragma foreign_key_check"), [""; 0]);
        assert_eq!(app.credits(), credits, "from {version}");
        assert_eq!(app.search(&ended).await.field("number"), "447700900101");
        assert_eq!(app.status(&ended).await, "SUCCESS");
        assert_eq!(app.request(NUMBER, &[]).await.field("status"), "10", "in progress, from {version}");
        if version >= 2 {
            assert_eq!(app.request(BLOCKED, &[]).await.field("status"), "7", "from {version}");
        }
        if version >= 3 {
            assert_eq!(app.inbox().await[0].text.as_deref(), Some("Hello and good morning"));
        }
        let sent = "select coalesce(sum(amount), 0) from budget_use where kind = 'sms'";
        assert_eq!(app.value::<i64>(sent), 3, "what was sent counts, from {version}");
        app.pass(125).await;
        assert_eq!(app.phone.sms().await.pin(), pin, "the second event, from {version}");
        app.at_rest().await;
        assert_eq!(app.check(&waiting, &pin).await.field("status"), "0", "from {version}");
        assert!(!app.operations().may_try_sim_pin("8944", "1111", Some(2)).await.expect("asked"));
        assert_eq!(app.rotate_key().await, Ok(0));
        assert_eq!(app.search(&ended).await.field("number"), "447700900101");
        app.finish().await;
    }
}
