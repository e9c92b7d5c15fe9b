//! The store on real files: what is committed, who may read it, and what happens when the disk says no.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, geteuid, setgid, setuid};
use rusqlite::Connection;
use simverify::clock::Timestamp;
use simverify::store::{
    self, AccountDefaults, BackupError, NewAccount, NewBudgetUse, NewModemEvent, NewPart, Store, StoreError, Tx,
};
use simverify::verification::{AccountId, AttemptId, EventKind};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];
const NOBODY: u32 = 65_534;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self) -> PathBuf {
        self.file("simverify.db")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> Store {
        Store::open(&self.path(), &KEY).expect("a database")
    }
}

fn account(key: &str) -> NewAccount {
    NewAccount {
        name: "shop".to_owned(),
        api_key: key.to_owned(),
        credits: None,
        rate: None,
        created: Timestamp::from_millis(0),
        defaults: AccountDefaults::default(),
    }
}

fn add(key: &'static str) -> impl FnOnce(&Tx) -> Result<(), StoreError> + Send + 'static {
    move |tx| tx.insert_account(&account(key)).map(|_| ())
}

async fn keys(store: &Store) -> Vec<String> {
    let accounts = store.read(|tx| tx.accounts()).await.expect("accounts");
    accounts.into_iter().map(|account| account.api_key).collect()
}

/// A job that the writer is busy with until the sender is used or dropped.
fn busy_writer(store: &Store) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
    let (release, released) = mpsc::channel();
    let store = store.clone();
    let job = tokio::spawn(async move {
        store
            .write(move |_| {
                let _ = released.recv();
                Ok::<_, StoreError>(())
            })
            .await
    });
    (release, job)
}

#[tokio::test]
async fn a_job_that_fails_takes_back_its_own_writes_and_no_others() {
    let place = Place::new();
    let store = place.open();
    let (release, _) = busy_writer(&store);
    // All three wait meanwhile, and share the next transaction.
    let failing = |tx: &Tx| {
        tx.insert_account(&account("b"))?;
        tx.insert_account(&account("a")).map(|_| ())
    };
    let jobs = async { tokio::join!(store.write(add("a")), store.write(failing), store.write(add("c"))) };
    let (jobs, ()) = tokio::join!(jobs, async { drop(release) });
    assert!(matches!(jobs, (Ok(()), Err(StoreError::Exists), Ok(()))), "{jobs:?}");
    assert_eq!(keys(&store).await, ["a", "c"]);
}

#[tokio::test]
async fn many_writers_at_once_all_have_their_writes_on_disk() {
    let place = Place::new();
    let store = place.open();
    let writes = (0..500).map(|number: u32| {
        let store = store.clone();
        tokio::spawn(async move { store.write(move |tx| tx.insert_account(&account(&format!("k{number}")))).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.expect("no panic").expect("written");
    }
    drop(store);
    assert_eq!(keys(&place.open()).await.len(), 500);
}

#[tokio::test]
async fn a_reader_sees_what_is_committed_and_nothing_else() {
    let place = Place::new();
    let store = place.open();
    let (written, writing) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let job = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    tx.insert_account(&account("a"))?;
                    let _ = written.send(());
                    let _ = released.recv();
                    Ok::<_, StoreError>(())
                })
                .await
        }
    });
    writing.await.expect("the row is written, not committed");
    assert!(keys(&store).await.is_empty());
    drop(release);
    job.await.expect("no panic").expect("committed");
    assert_eq!(keys(&store).await, ["a"]);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let place = Place::new();
    let store = place.open();
    assert!(store.read(add("a")).await.is_err());
    assert!(keys(&store).await.is_empty());
}

#[tokio::test]
async fn a_job_that_panics_ends_the_writer_and_nothing_of_it_is_written() {
    let place = Place::new();
    let store = place.open();
    let panicking = |tx: &Tx| -> Result<(), StoreError> {
        tx.insert_account(&account("a"))?;
        panic!("a fault of ours");
    };
    assert!(matches!(store.write(panicking).await, Err(StoreError::Closed)));
    store.closed().await;
    assert!(matches!(store.write(add("b")).await, Err(StoreError::Closed)));
    drop(store);
    assert!(keys(&place.open()).await.is_empty());
}

#[tokio::test]
async fn database_and_journals_are_their_owners_alone_whatever_the_umask() {
    let place = Place::new();
    fs::write(place.path(), "").expect("an empty file with another mode");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o666)).expect("permissions");
    let store = place.open();
    store.write(add("a")).await.expect("written");
    for name in ["simverify.db", "simverify.db-wal", "simverify.db-shm"] {
        let mode = fs::metadata(place.file(name)).expect(name).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[test]
fn a_database_of_a_newer_version_or_another_key_is_refused() {
    let place = Place::new();
    drop(place.open());
    assert!(matches!(Store::open(&place.path(), &[8; 32]), Err(StoreError::WrongKey)));
    set_version(&place.path(), 99);
    let Err(error) = Store::open(&place.path(), &KEY) else { panic!("opened") };
    insta::assert_snapshot!(error, @"the database has schema 99, this program knows up to 11: install the newer version again, or restore a backup made before the upgrade");
    assert!(matches!(store::inspect(&place.path(), &[]), Err(StoreError::Newer { .. })));
}

fn set_version(path: &Path, version: u32) {
    let connection = Connection::open(path).expect("a database");
    connection.execute_batch(&format!("pragma user_version = {version}")).expect("a version");
}

#[test]
fn what_is_not_our_database_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let garbage = "not a database, but long enough to have a header ".repeat(30);
    fs::write(place.path(), &garbage).expect("a file");
    assert!(matches!(Store::open(&place.path(), &KEY), Err(StoreError::NotADatabase)));
    assert_eq!(fs::read_to_string(place.path()).expect("the file"), garbage);
    let foreign = place.file("foreign.db");
    Connection::open(&foreign).expect("a database").execute_batch("create table t (x)").expect("a table");
    assert!(matches!(Store::open(&foreign, &KEY), Err(StoreError::NotADatabase)));
    assert!(matches!(store::inspect(&foreign, &[]), Err(StoreError::NotADatabase)));
    assert!(matches!(Store::open(&place.file("none/simverify.db"), &KEY), Err(StoreError::CannotOpen)));
}

#[test]
fn the_schema_from_nothing_is_this_one() {
    let place = Place::new();
    drop(place.open());
    let connection = Connection::open(place.path()).expect("the database");
    let list = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let tables = list(
        "select t.name || ': ' || (select group_concat(c.name || ' ' || c.type || iif(c.\"notnull\", '', '?'), ', ')
                                   from pragma_table_info(t.name) as c)
         from sqlite_schema as t where t.type = 'table' order by t.name",
    );
    let indexes = list("select name from sqlite_schema where type = 'index' and sql is not null order by name");
    let not_strict =
        list("select name from pragma_table_list where schema = 'main' and not strict and name not like 'sqlite_%'");
    assert!(not_strict.is_empty(), "{not_strict:?}");
    insta::assert_snapshot!(format!("{}\n{}", tables.join("\n"), indexes.join("\n")), @"
    account: account_id INTEGER?, name TEXT, api_key TEXT, barred INTEGER, credits INTEGER?, rate INTEGER?, created_at INTEGER, sender_id TEXT?, workflow INTEGER?, language TEXT?, origin_domain TEXT?, app_hash TEXT?
    account_secret: account_secret_id INTEGER?, account_id INTEGER, secret_hash BLOB, secret_sealed BLOB, created_at INTEGER
    admin_failure: subject_hash BLOB, failures INTEGER, failed_at INTEGER, held_until INTEGER
    admin_session: session_hash BLOB, admin_user_id INTEGER, origin_hash BLOB, created_at INTEGER, used_at INTEGER, ended_at INTEGER?
    admin_user: admin_user_id INTEGER?, name TEXT, password_hash BLOB, created_at INTEGER, password_at INTEGER, login_at INTEGER?
    attempt: attempt_id INTEGER?, verification_id INTEGER, attempt_no INTEGER, event_index INTEGER, state TEXT, due_at INTEGER, route TEXT?, claimed_at INTEGER?, begun_at INTEGER?, finished_at INTEGER?, reason TEXT?, report TEXT?, reported_at INTEGER?, lane TEXT, reference BLOB?, message_id TEXT?, cost INTEGER
    awaited_report: awaited_report_id INTEGER?, attempt_id INTEGER, route TEXT, reference INTEGER?, sent_at INTEGER, delivered INTEGER
    blocklist: entry_hash BLOB, entry_sealed BLOB, created_at INTEGER, origin TEXT
    breaker: prefix_hash BLOB, prefix_sealed BLOB, level TEXT, counts_from INTEGER, open_until INTEGER?, next_probe_at INTEGER, finding TEXT, reason TEXT, tripped_at INTEGER
    budget_use: budget_use_id INTEGER?, route TEXT, kind TEXT, amount INTEGER, attempt_id INTEGER?, used_at INTEGER?, cost INTEGER
    event: event_id BLOB, verification_id INTEGER, event_index INTEGER, kind TEXT, generation INTEGER, skipped INTEGER, handed_over_at INTEGER?
    guess: number_hash BLOB, failures INTEGER, failed_at INTEGER
    inbox: inbox_id INTEGER?, message_id INTEGER, route TEXT, part_hash BLOB, sender_sealed BLOB, sender_hash BLOB, kind TEXT, pdu_sealed BLOB, reference INTEGER?, reference_bits INTEGER?, parts INTEGER, part INTEGER, sent_at INTEGER?, received_at INTEGER, reaction TEXT?
    meta: name TEXT, value BLOB
    modem_event: modem_event_id INTEGER?, modem TEXT, kind TEXT, at INTEGER, times INTEGER, last_at INTEGER, rung INTEGER?, detail TEXT, helped INTEGER?, down_ms INTEGER?
    prefix_tally: prefix_hash BLOB, bucket_at INTEGER, requests INTEGER, beside INTEGER, sent INTEGER, verified INTEGER, voice_seconds INTEGER
    seen_number: number_hash BLOB, seen_at INTEGER
    sim_pin: sim_pin_hash BLOB, tried_at INTEGER
    tallied: verification_id INTEGER?, country_hash BLOB?, range_hash BLOB?, block_hash BLOB?
    try: try_id INTEGER?, verification_id INTEGER, received_at INTEGER, valid INTEGER?, ip_address TEXT
    velocity: scope TEXT, subject_hash BLOB, used_at INTEGER, total INTEGER, amount INTEGER
    verdict: verdict_id INTEGER?, hour_at INTEGER, rule TEXT, verdict TEXT, scope TEXT, subject_hash BLOB, subject_sealed BLOB?, reason TEXT, times INTEGER, first_at INTEGER, last_at INTEGER
    verification: verification_id INTEGER?, request_id BLOB, account_id INTEGER, number_sealed BLOB, number_hash BLOB, country TEXT?, brand TEXT, sender_id TEXT, language TEXT, code_length INTEGER, own_pin INTEGER, credits INTEGER, price INTEGER, currency TEXT, refunded INTEGER, pin_hash BLOB?, pin_sealed BLOB?, workflow INTEGER, next_event_wait_ms INTEGER?, pin_life_ms INTEGER, cancel_after_ms INTEGER, tries_max INTEGER, send_timeout_ms INTEGER, state TEXT, state_flag INTEGER, state_until INTEGER?, event_index INTEGER, attempt_no INTEGER, submitted_no INTEGER, retries INTEGER, generation INTEGER, pin_started_at INTEGER?, tries INTEGER, undecided INTEGER, second_started INTEGER, sent INTEGER, price_open INTEGER, wait_end_at INTEGER?, handled_at INTEGER, created_at INTEGER, finalized_at INTEGER?, deadline_at INTEGER?, reason TEXT?, amount_cents INTEGER?, pin_key BLOB?
    webhook: account_id INTEGER?, url_sealed BLOB, secret_sealed BLOB, old_secret_sealed BLOB?, old_secret_until INTEGER?, events TEXT, whole_numbers INTEGER, created_at INTEGER, disabled_at INTEGER?, failing_since INTEGER?, failure TEXT?, held_until INTEGER?, delivered_at INTEGER?
    webhook_event: webhook_event_id INTEGER?, account_id INTEGER, verification_id INTEGER, sequence INTEGER, type TEXT, facts TEXT, occurred_at INTEGER, state TEXT, message_id BLOB?, queued_at INTEGER, due_at INTEGER, attempts INTEGER, attempted_at INTEGER?, status INTEGER?, failure TEXT?, settled_at INTEGER?
    account_secret_by_account
    admin_failure_by_age
    admin_session_by_age
    admin_session_by_user
    attempt_by_lane
    attempt_by_message_id
    attempt_by_reference
    attempt_due
    attempt_unfinished
    awaited_report_by_attempt
    awaited_report_by_route
    budget_use_by_cost
    budget_use_by_route
    budget_use_in_hand
    guess_by_age
    inbox_by_message
    inbox_by_receipt
    inbox_by_sender
    modem_event_by_age
    modem_event_by_modem
    prefix_tally_by_age
    seen_number_by_age
    try_by_verification
    try_with_address
    velocity_by_age
    verdict_by_age
    verdict_by_subject
    verification_by_deadline
    verification_by_end
    verification_by_number
    verification_by_start
    verification_in_progress
    verification_with_number
    webhook_event_dead
    webhook_event_due
    webhook_event_open
    webhook_event_pending
    webhook_event_sending
    webhook_event_settled
    ");
}

/// A database as schema 2 left it: one SMS sent in two parts, one refused by sim1 and due again, one that was leaving
/// and one of long ago.
fn database_of_schema_2(path: &Path) {
    let connection = Connection::open(path).expect("a database");
    let run = |sql: &str| connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    run(include_str!("../migrations/0001_first.sql"));
    run(include_str!("../migrations/0002_contract.sql"));
    run(&format!("pragma application_id = {}; pragma user_version = 2;", 0x536d_7666));
    run("insert into account (account_id, name, api_key, created_at) values (1, 'shop', 'a', 0)");
    connection.execute("insert into meta values ('key_check', ?1)", [KEY.as_slice()]).expect("a row");
    for id in 1..=4 {
        run(&format!(
            "insert into verification (verification_id, request_id, account_id, number_sealed, number_hash, country,
                 brand, sender_id, language, code_length, own_pin, credits, price, currency, workflow, pin_life_ms,
                 cancel_after_ms, tries_max, send_timeout_ms, state, state_flag, state_until, event_index, attempt_no,
                 submitted_no, retries, generation, tries, undecided, second_started, sent, price_open, handled_at,
                 created_at)
             values ({id}, x'{id:032x}', 1, x'00', x'{id:02x}', iif({id} = 3, null, 'GB'), 'Acme', '', 'en-us', 4, 0, 0,
                 0, 'USD', 4, 300000, 30000, 3, 240000, 'queued', 0, 240000, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
             insert into event (event_id, verification_id, event_index, kind, generation)
             values (x'{id:016x}', {id}, 0, 'sms', 1);"
        ));
    }
    run("insert into attempt (attempt_id, verification_id, attempt_no, event_index, state, due_at, route, finished_at)
         values (1, 1, 1, 0, 'sent', 0, 'sim1', 900000000), (2, 2, 1, 0, 'other_route', 0, 'sim1', 900000000),
                (3, 2, 2, 0, 'due', 5, null, null), (4, 3, 1, 0, 'sending', 6, 'sim2', null),
                (5, 4, 1, 0, 'sent', 0, 'sim1', 1000)");
    run("insert into awaited_report (attempt_id, route, reference, sent_at, delivered)
         values (1, 'sim1', 7, 900000000, 1), (1, 'sim1', 8, 900000000, 0)");
}

#[test]
fn an_upgrade_counts_what_was_sent_before_and_keeps_what_waits() {
    let place = Place::new();
    database_of_schema_2(&place.path());
    drop(place.open());
    let connection = Connection::open(place.path()).expect("the database");
    let list = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let uses = list("select concat_ws(' ', route, kind, amount, attempt_id, used_at) from budget_use order by 1");
    assert_eq!(uses, ["sim1 sms 2 900000000", "sim2 sms 1 4"]);
    let lanes = list("select attempt_id || ' ' || lane from attempt where lane <> '' order by attempt_id");
    assert_eq!(lanes, ["3 first sms GB ~sim1 !sim1", "4 first sms -"]);
}

/// The share of an attempt of one part.
fn share(attempt: i64) -> NewBudgetUse {
    NewBudgetUse {
        route: "sim1".to_owned(),
        kind: EventKind::Sms,
        amount: 1,
        cost: 3,
        attempt: AttemptId::new(attempt),
    }
}

/// Takes a share as a claim does.
fn take(tx: &Tx, share: &NewBudgetUse, windows: &[(Duration, u32)], now: Timestamp) -> Result<bool, StoreError> {
    let has = tx.has_budget(share, windows, now)?;
    if has {
        tx.take_budget(share, now)?;
    }
    Ok(has)
}

#[tokio::test]
async fn ten_thousand_claims_at_once_never_take_one_share_too_many() {
    let place = Place::new();
    let store = place.open();
    let now = Timestamp::from_millis(1_772_366_400_000);
    let day = Duration::from_secs(86_400);
    // Of the month 100 are used already: it binds sooner than the day.
    let windows = [(day, 777), (day * 31, 700)];
    store.write(move |tx| tx.add_budget_use("sim1", EventKind::Sms, (100, 0), now - day * 10)).await.expect("written");
    let claims: Vec<_> = (0..10_000)
        .map(|attempt| {
            let store = store.clone();
            tokio::spawn(async move { store.write(move |tx| take(tx, &share(attempt), &windows, now)).await })
        })
        .collect();
    let mut taken = 0;
    for claim in claims {
        taken += usize::from(claim.await.expect("no panic").expect("written"));
    }
    assert_eq!(taken, 600);
    let uses = store.read(move |tx| tx.budget_uses(now - day)).await.expect("uses");
    assert_eq!(uses.iter().map(|used| used.amount).sum::<u32>(), 600);
}

#[tokio::test]
async fn ten_thousand_claims_at_once_never_spend_a_cent_too_many() {
    let place = Place::new();
    let store = place.open();
    let now = Timestamp::from_millis(1_772_366_400_000);
    let month = Duration::from_secs(31 * 86_400);
    store.write(move |tx| tx.add_budget_use("sim1", EventKind::Tts, (1, 40), now - month / 2)).await.expect("written");
    let claims: Vec<_> = (0..10_000)
        .map(|attempt| {
            let store = store.clone();
            let pay = move |tx: &Tx| {
                let has = tx.has_money(&share(attempt), &[(month, 1000)], now)?;
                if has { take(tx, &share(attempt), &[], now) } else { Ok(false) }
            };
            tokio::spawn(async move { store.write(pay).await })
        })
        .collect();
    let mut taken = 0;
    for claim in claims {
        taken += usize::from(claim.await.expect("no panic").expect("written"));
    }
    assert_eq!(taken, 320, "of 1000 the call of before took 40, and each costs 3");
    let uses = store.read(move |tx| tx.budget_uses(now - month)).await.expect("uses");
    assert_eq!(uses.iter().map(|used| used.cost).sum::<u64>(), 1000);
}

#[tokio::test]
async fn a_share_counts_from_its_outcome_on_and_a_deleted_attempts_number_may_come_again() {
    let place = Place::new();
    let store = place.open();
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
    let minute = [(Duration::from_secs(60), 2)];
    let taken = store.write(move |tx| {
        let mut taken = vec![take(tx, &share(1), &minute, at(0))?, take(tx, &share(2), &minute, at(0))?];
        // In hand for however long.
        taken.push(take(tx, &share(3), &minute, at(900))?);
        tx.count_budget(AttemptId::new(1), at(900))?;
        tx.give_back_budget(AttemptId::new(2))?;
        taken.push(take(tx, &share(1), &minute, at(930))?);
        tx.give_back_budget(AttemptId::new(1))?;
        taken.push(take(tx, &share(4), &minute, at(959))?);
        taken.push(take(tx, &share(5), &minute, at(959))?);
        taken.push(take(tx, &share(5), &minute, at(960))?);
        Ok::<_, StoreError>(taken)
    });
    assert_eq!(taken.await.expect("written"), [true, true, false, true, true, false, true]);
}

#[tokio::test]
async fn uses_that_no_window_holds_are_purged_and_the_others_are_kept() {
    let place = Place::new();
    let store = place.open();
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
    let (purged, left) = store
        .write(move |tx| {
            for second in [1, 2, 3] {
                tx.add_budget_use("sim1", EventKind::Tts, (1, 0), at(second))?;
            }
            tx.take_budget(&share(1), at(1))?;
            Ok::<_, StoreError>((tx.purge_budget(at(2))?, tx.budget_uses(at(0))?))
        })
        .await
        .expect("written");
    assert_eq!(purged, 2);
    let left: Vec<_> = left.iter().map(|used| (used.attempt.map(AttemptId::get), used.used)).collect();
    assert_eq!(left, [(Some(1), None), (None, Some(at(3)))]);
}

fn part(number: u8, sender: u8) -> NewPart {
    NewPart {
        route: "sim1".to_owned(),
        hash: [number; 32],
        sender_sealed: vec![],
        sender_hash: [sender; 32],
        kind: "text",
        pdu_sealed: vec![],
        place: None,
        sent: None,
        received: Timestamp::from_millis(i64::from(number)),
        reaction: None,
    }
}

#[tokio::test]
async fn a_full_inbox_loses_its_oldest_and_no_sender_pushes_out_the_others() {
    let place = Place::new();
    let store = place.open();
    let kept = |senders: &'static [u8]| {
        let store = store.clone();
        async move {
            let work = move |tx: &Tx| {
                tx.clear_inbox()?;
                for (number, sender) in (1..).zip(senders) {
                    tx.make_room(&[*sender; 32], 5, 3)?;
                    tx.insert_part(&part(number, *sender), None)?;
                }
                Ok::<_, StoreError>(tx.parts()?.iter().map(|row| row.hash[0]).collect::<Vec<_>>())
            };
            store.write(work).await.expect("parts")
        }
    };
    assert_eq!(kept(&[1, 2, 2, 2, 2, 2, 2]).await, [1, 5, 6, 7]);
    assert_eq!(kept(&[1, 2, 3, 4, 5, 6, 7]).await, [3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn a_backup_of_a_database_that_is_written_to_is_consistent() {
    let place = Place::new();
    let store = place.open();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..200_u32 {
                // Each pair in one transaction.
                let pair = move |tx: &Tx| {
                    tx.insert_account(&account(&format!("a{number}")))?;
                    tx.insert_account(&account(&format!("b{number}")))
                };
                store.write(pair).await.expect("written");
            }
        }
    });
    for number in 0..5 {
        let (from, to) = (place.path(), place.file(&format!("copy{number}.db")));
        let copied =
            tokio::task::spawn_blocking(move || store::backup(&from, &to, Timestamp::from_millis(5)).map(|_| to)).await;
        let copy = copied.expect("no panic").expect("a copy");
        assert_eq!(fs::metadata(&copy).expect("the copy").permissions().mode() & 0o777, 0o600);
        assert_eq!(store::inspect(&copy, &[KEY]).expect("a database").accounts % 2, 0);
    }
    writer.await.expect("no panic");
}

#[test]
fn damage_is_found_and_not_copied() {
    let place = Place::new();
    drop(place.open());
    // One file without journals.
    let damaged = place.file("damaged.db");
    store::backup(&place.path(), &damaged, Timestamp::from_millis(5)).expect("a copy");
    assert_eq!(store::inspect(&damaged, &[KEY]).expect("a database").damage, None);
    assert!(matches!(store::inspect(&damaged, &[[8; 32]]), Err(StoreError::WrongKey)));
    let mut octets = fs::read(&damaged).expect("the file");
    // Every page but the first.
    octets[4096..].fill(0xa5);
    fs::write(&damaged, octets).expect("a damaged file");
    match store::inspect(&damaged, &[]) {
        Ok(inspection) => assert!(inspection.damage.is_some()),
        Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{error}"),
    }
    let error = store::backup(&damaged, &place.file("copy.db"), Timestamp::from_millis(5)).expect_err("damaged");
    assert!(matches!(error, BackupError::Store(StoreError::Corrupt(_))), "{error}");
    assert_eq!(fs::read_dir(place.0.path()).expect("a directory").flatten().filter(is_copy).count(), 0);
}

fn is_copy(file: &fs::DirEntry) -> bool {
    file.file_name().to_string_lossy().starts_with("copy")
}

/// Runs `work` in a process of its own, whose limits and user it may change: this program with this test alone.
fn in_own_process(test: &str, work: impl Future<Output = ()>) {
    const NAME: &str = "SIMVERIFY_TEST_IN_OWN_PROCESS";
    if std::env::var_os(NAME).is_some_and(|name| name == test) {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(work);
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let output = std::process::Command::new(program)
        .args([test, "--exact", "--nocapture"])
        .env(NAME, test)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_database_that_may_only_be_read_is_refused() {
    in_own_process("a_database_that_may_only_be_read_is_refused", async {
        let place = Place::new();
        drop(place.open());
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o444)).expect("permissions");
        fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
        // To root nothing is read-only.
        if geteuid().is_root() {
            setgid(Gid::from_raw(NOBODY)).and_then(|()| setuid(Uid::from_raw(NOBODY))).expect("another user");
        }
        let Err(error) = Store::open(&place.path(), &KEY) else { panic!("opened") };
        assert!(matches!(error, StoreError::ReadOnly | StoreError::CannotOpen), "{error:?}");
        assert!(error.to_string().contains("check"), "{error}");
        let Err(error) = Store::open(&place.file("new.db"), &KEY) else { panic!("made") };
        assert!(matches!(error, StoreError::CannotOpen), "{error:?}");
    });
}

#[test]
fn the_database_of_another_user_is_refused_even_where_journals_could_be_made() {
    in_own_process("the_database_of_another_user_is_refused_even_where_journals_could_be_made", async {
        // Only root can be two users.
        if !geteuid().is_root() {
            return;
        }
        let place = Place::new();
        drop(place.open());
        chown(place.0.path(), Some(NOBODY), None).expect("another owner");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).expect("permissions");
        setgid(Gid::from_raw(NOBODY)).and_then(|()| setuid(Uid::from_raw(NOBODY))).expect("another user");
        let Err(error) = Store::open(&place.path(), &KEY) else { panic!("opened") };
        assert!(matches!(error, StoreError::ReadOnly), "{error:?}");
    });
}

#[test]
fn a_full_disk_fails_the_write_and_no_later_one() {
    in_own_process("a_full_disk_fails_the_write_and_no_later_one", async {
        // A signal says that a file is too large, and ends a process that does not listen for it.
        let kind = tokio::signal::unix::SignalKind::from_raw(nix::sys::signal::Signal::SIGXFSZ as i32);
        let _listening = tokio::signal::unix::signal(kind).expect("a signal");
        let place = Place::new();
        let store = place.open();
        store.write(add("before")).await.expect("written");
        let journal = fs::metadata(place.file("simverify.db-wal")).expect("the journal").len();
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
        setrlimit(Resource::RLIMIT_FSIZE, journal + 4096, hard).expect("a lower limit");
        let mut large = account("large");
        large.name = "x".repeat(100_000);
        let half = move |tx: &Tx| {
            tx.insert_account(&account("half"))?;
            tx.insert_account(&large).map(|_| ())
        };
        let error = store.write(half).await.expect_err("no room");
        assert!(matches!(error, StoreError::Full | StoreError::Io(_)), "{error:?}");
        assert!(error.to_string().contains("disk"), "{error}");
        assert_eq!(keys(&store).await, ["before"], "reading goes on, nothing half is there");
        setrlimit(Resource::RLIMIT_FSIZE, 8192, hard).expect("a lower limit");
        assert!(store::backup(&place.path(), &place.file("copy.db"), Timestamp::from_millis(5)).is_err());
        assert_eq!(fs::read_dir(place.0.path()).expect("a directory").flatten().filter(is_copy).count(), 0);
        setrlimit(Resource::RLIMIT_FSIZE, hard, hard).expect("room again");
        store.write(add("after")).await.expect("written by itself");
        drop(store);
        assert_eq!(keys(&place.open()).await, ["before", "after"]);
        assert_eq!(store::inspect(&place.path(), &[KEY]).expect("a database").damage, None);
    });
}

/// The store of a database whose deleted rows leave a great part of it unused.
async fn mostly_unused(place: &Place) -> Store {
    let store = place.open();
    for group in 0..20 {
        let filled = store.write(move |tx| {
            (0..100).try_for_each(|number| {
                let key = format!("{group}-{number}");
                tx.insert_account(&NewAccount { name: "x".repeat(6_000), ..account(&key) }).map(|_| ())
            })
        });
        filled.await.expect("written");
    }
    let emptied = store.write(|tx| (2..=2_000).try_for_each(|row| tx.delete_account(AccountId::new(row))));
    emptied.await.expect("deleted");
    store
}

#[tokio::test]
async fn a_database_gives_what_is_deleted_back_to_the_disk_in_small_steps() {
    let place = Place::new();
    let store = mostly_unused(&place).await;
    let before = store::inspect(&place.path(), &[]).expect("a database");
    assert!(before.unused > before.size / 2, "{before:?}");
    let mut steps = 0;
    while store.read(|tx| tx.has_pages_to_give_back()).await.expect("a look") {
        store.write(|tx| tx.give_back_pages(64)).await.expect("a step");
        steps += 1;
    }
    assert!(store::empty_log(&place.path()).expect("the log"), "beside the open store");
    let after = store::inspect(&place.path(), &[]).expect("a database");
    assert!(steps > 20 && after.size < before.size / 2, "{steps} steps: {before:?} {after:?}");
    assert_eq!((after.damage, after.accounts), (None, 1));
}

#[tokio::test]
async fn a_database_of_an_earlier_version_gives_its_space_back_once_it_is_compacted() {
    let place = Place::new();
    let old = Connection::open(place.path()).expect("a database");
    old.execute_batch("pragma auto_vacuum = none; pragma journal_mode = wal; create table t (x); drop table t;")
        .expect("a file");
    drop(old);
    let store = mostly_unused(&place).await;
    assert!(!store.read(|tx| tx.has_pages_to_give_back()).await.expect("a look"));
    drop(store);
    let (before, after) = store::compact(&place.path()).expect("compacted");
    assert!(after < before / 10, "{after} of {before}");
    let vacuum: i64 = Connection::open(place.path())
        .and_then(|database| database.query_row("pragma auto_vacuum", [], |row| row.get(0)))
        .expect("a mode");
    assert_eq!(vacuum, 2);
    assert_eq!(keys(&place.open()).await, ["0-0"]);
}

#[tokio::test]
async fn an_outage_however_long_is_few_rows_and_the_rows_of_a_modem_are_bounded() {
    let place = Place::new();
    let store = place.open();
    let event = |kind: &'static str, at: i64| NewModemEvent {
        modem: "sim1".to_owned(),
        kind,
        at: Timestamp::from_millis(at),
        rung: (kind == "step").then_some(2),
        ..NewModemEvent::default()
    };
    let outage = store.write(move |tx| {
        for at in 0..1000 {
            tx.note_modem_event(&event("step", at))?;
            tx.end_modem_step("sim1", 2, false)?;
        }
        tx.end_modem_step("sim1", 2, true)?;
        tx.note_modem_event(&event("ready", 1000))?;
        tx.note_modem_event(&event("step", 1001))?;
        tx.modem_events("sim1", 10)
    });
    let rows = outage.await.expect("rows");
    let told: Vec<_> =
        rows.iter().map(|row| (row.kind.as_str(), row.times, row.last_at.as_millis(), row.helped)).collect();
    assert_eq!(told, [("step", 1, 1001, None), ("ready", 1, 1000, None), ("step", 1000, 999, Some(true))]);
    let flapping = store.write(move |tx| {
        for at in 0..600 {
            tx.note_modem_event(&event("ready", at))?;
        }
        tx.purge_modem_events(Timestamp::from_millis(599))?;
        tx.modem_events("sim1", 1000)
    });
    let left = flapping.await.expect("rows").len();
    assert_eq!(left, 500 - 256, "the newest 500 stay, of which one purge takes 256");
}
