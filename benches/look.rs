//! What a long queue costs: a look at the outbox, and the admission of a request, with 10,000 messages that are due.
//!
//! Each is run some times on a database in a temporary directory; the median counts. `make bench` prints them as a table
//! in Markdown.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use simverify::app::{Account, AccountDefaults, App, add_account};
use simverify::channel::Board;
use simverify::channel::budget::{Budget, Limits, SpendLimits};
use simverify::channel::routing::{RouteKind, RouteView};
use simverify::clock::{Clock, ManualClock, Timestamp};
use simverify::config::{Configuration, Sources};
use simverify::daemon::rules;
use simverify::phone::PhoneNumber;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{self, NewAccount, Store};
use simverify::verification::{Brand, Purpose, StartRequest};

const MESSAGES: usize = 10_000;
const RUNS: usize = 101;
const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

const SETTINGS: &str =
    "verify.argon2.memory_kib = 1024\nverify.argon2.iterations = 1\nverify.send_timeout_seconds = 86400\n";

/// As many countries as there are lanes in the last rows of the table.
const LANES: &str = "update attempt set lane = 'first sms ' || char(65 + attempt_id % 20, 65 + attempt_id / 20 % 10)";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let (app, account) = operations(directory.path()).await?;
    fill(&app, &account).await?;
    println!("| {MESSAGES} messages are due | rows read | median of {RUNS} |\n| --- | --- | --- |");
    let full = RouteView { sms: true, room: 2, held: 2, ..RouteView::new("sim1", RouteKind::Modem) };
    let ready = RouteView { held: 1, ..full.clone() };
    let provider = RouteView { sms: true, room: 4, concurrency: 4, ..RouteView::new("backup", RouteKind::Provider) };
    let quick = RouteView { send_time: Duration::from_millis(10), ..full.clone() };
    let limits = Limits { per_minute: Some(30), per_day: Some(1000), per_month: None };
    let limited = RouteView { budget: Budget::new(limits, Limits::default(), SpendLimits::default()), ..full.clone() };
    look(&app, "a look: a modem without room", std::slice::from_ref(&full)).await?;
    look(&app, "a look: a modem with room for one", &[ready]).await?;
    look(&app, "a look: the surplus to a provider with room for four", &[full.clone(), provider.clone()]).await?;
    look(&app, "the same, the modem with budgets", &[limited, provider.clone()]).await?;
    look(&app, "the same, 2000 messages fit into the modem's 20 s", &[quick, provider.clone()]).await?;
    admission(&app).await?;
    rusqlite::Connection::open(directory.path().join("simverify.db"))?.execute(LANES, [])?;
    look(&app, "in 200 lanes: a modem without room", std::slice::from_ref(&full)).await?;
    look(&app, "in 200 lanes: the surplus to a provider with room for four", &[full, provider]).await?;
    admission(&app).await
}

async fn operations(directory: &std::path::Path) -> anyhow::Result<(Arc<App>, Account)> {
    let file = directory.join("simverify.toml");
    std::fs::write(&file, SETTINGS)?;
    let sources = Sources { file: Some(file), directory: directory.to_owned(), environment: vec![], flags: vec![] };
    let settings = Configuration::load(&sources)?.settings;
    let random = Random::seeded(1);
    let secrets = Secrets::new(&MasterKey::create(&directory.join("master.key"), &random)?);
    let store = Store::open(&directory.join("simverify.db"), &secrets.check_value())?;
    let new = NewAccount {
        name: "bench".to_owned(),
        api_key: "bench".to_owned(),
        credits: None,
        rate: None,
        created: NOW,
        defaults: store::AccountDefaults::default(),
    };
    add_account(&store, &secrets, &random, NOW, new, None).await?;
    let row = store.read(|tx| tx.account_by_key("bench")).await?.ok_or_else(|| anyhow::anyhow!("no account"))?;
    let defaults = AccountDefaults::default();
    let account = Account { id: row.id, name: row.name, api_key: row.api_key, barred: false, rate: None, defaults };
    // Ready, so that requests are accepted.
    let board = Board::new(vec![RouteView { sms: true, ..RouteView::new("sim1", RouteKind::Modem) }]);
    let app = App::new(store, Clock::Manual(ManualClock::at(NOW)), random, secrets, board, rules(&settings))?;
    Ok((Arc::new(app), account))
}

async fn fill(app: &Arc<App>, account: &Account) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for begin in 0..64 {
        let (app, account) = (Arc::clone(app), account.clone());
        tasks.spawn(async move {
            for index in (begin..MESSAGES).step_by(64) {
                app.start(&account, request(index)?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(filled) = tasks.join_next().await {
        filled??;
    }
    Ok(())
}

fn request(index: usize) -> anyhow::Result<StartRequest> {
    Ok(StartRequest {
        end_user: None,
        number: PhoneNumber::parse(&format!("+491701{index:06}"), None)?,
        purpose: Purpose::Number { brand: Brand::new("Bench").ok_or_else(|| anyhow::anyhow!("no brand"))? },
        sender_id: None,
        code_length: None,
        language: None,
        pin_expiry: None,
        next_event_wait: None,
        workflow: None,
        pin: None,
    })
}

async fn look(app: &App, what: &str, routes: &[RouteView]) -> anyhow::Result<()> {
    let (mut times, mut rows) = (vec![], 0);
    for _ in 0..RUNS {
        let begun = Instant::now();
        rows = app.due(NOW, routes.to_vec()).await?.rows;
        times.push(begun.elapsed());
    }
    show(what, &rows.to_string(), times);
    Ok(())
}

/// What the acceptance of a request reads of the queue; it is read twice.
async fn admission(app: &App) -> anyhow::Result<()> {
    let mut times = vec![];
    for _ in 0..RUNS {
        let begun = Instant::now();
        app.store().read(|tx| tx.due_by_lane(NOW)).await?;
        times.push(begun.elapsed());
    }
    show("the queue's length by lane, as a request asks for it", "index", times);
    Ok(())
}

fn show(what: &str, rows: &str, mut times: Vec<Duration>) {
    times.sort();
    println!("| {what} | {rows} | {:.2} ms |", times[RUNS / 2].as_secs_f64() * 1e3);
}
