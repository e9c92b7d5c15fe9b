//! A pumping attack replayed beside legitimate traffic: how many messages are lost, and who is refused by mistake.
//!
//! The replay runs the operations on a real database and a clock of its own; a route takes every message at once. Pumped
//! numbers never come back; of the others four out of five are verified within two minutes.

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use simverify::app::{Account, App, Claim, StartError, Step, add_account};
use simverify::channel::routing::{RouteKind, RouteView};
use simverify::channel::{Board, Outcome};
use simverify::clock::{Clock, ManualClock, Timestamp};
use simverify::config::{Configuration, Flag, Sources};
use simverify::daemon::rules;
use simverify::phone::PhoneNumber;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{self, NewAccount, Store};
use simverify::verification::{Brand, Code, Pin, Purpose, RequestId, StartRequest, Workflow};

const START: Timestamp = Timestamp::from_millis(1_772_366_400_000);
const PIN: &str = "739105";

/// Numbers without a seed of the system's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's linear congruential generator; its upper bits are good enough for a replay.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    accepted: u32,
    refused: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Losses {
    attack: Count,
    /// Of the country that is attacked.
    neighbours: Count,
    others: Count,
}

struct World {
    app: App,
    clock: ManualClock,
    account: Account,
    dice: Dice,
    /// Who will type the code, and when.
    answers: Vec<(Timestamp, RequestId)>,
    result: Losses,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new(settings: &[(&str, &str)]) -> Self {
        // Much is written, and what a power cut would do is not in question.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = tempfile::tempdir_in(place).expect("a directory");
        let flag =
            |(key, value): &(&str, &str)| Flag { flag: "--set", key: (*key).to_owned(), value: (*value).to_owned() };
        let cheap = [("verify.argon2.memory_kib", "1024"), ("verify.argon2.iterations", "1")];
        let flags = cheap.iter().chain(settings).map(flag).collect();
        let sources = Sources { file: None, directory: directory.path().to_owned(), environment: vec![], flags };
        let settings = Configuration::load(&sources).unwrap_or_else(|error| panic!("{error}")).settings;
        let random = Random::seeded(7);
        let secrets = Secrets::new(&MasterKey::generate(&random));
        let path = directory.path().join("simverify.db");
        let store = Store::open(&path, &secrets.check_value()).expect("a database");
        let new = NewAccount {
            name: "shop".to_owned(),
            api_key: String::new(),
            credits: None,
            rate: None,
            created: START,
            defaults: store::AccountDefaults::default(),
        };
        let made = add_account(&store, &secrets, &random, START, new, None).await.expect("an account");
        let send_time = Duration::from_millis(1);
        let route = RouteView { sms: true, tts: true, room: 2, send_time, ..RouteView::new("sim1", RouteKind::Modem) };
        let clock = ManualClock::at(START);
        let board = Board::new(vec![route]);
        let app = App::new(store, Clock::Manual(clock.clone()), random, secrets, board, rules(&settings));
        let account = {
            let app = app.as_ref().expect("an app");
            let secret = made.api_secret.clone();
            app.account_by_secret(&made.api_key, &secret).await.expect("a database").expect("the account")
        };
        Self {
            app: app.expect("an app"),
            clock,
            account,
            dice: Dice(1),
            answers: vec![],
            result: Losses::default(),
            _directory: directory,
        }
    }

    /// Asks for a number; says whether it was sent.
    async fn request(&mut self, digits: &str) -> Option<RequestId> {
        let id = self.start(digits, 6).await?;
        self.send(Outcome::Accepted { references: vec![] }).await;
        Some(id)
    }

    /// Asks for a number; says whether it was accepted.
    async fn start(&mut self, digits: &str, workflow: u8) -> Option<RequestId> {
        let request = StartRequest {
            number: PhoneNumber::parse(digits, None).expect("a number"),
            purpose: Purpose::Number { brand: Brand::new("Acme").expect("a brand") },
            sender_id: None,
            code_length: None,
            language: None,
            pin_expiry: None,
            next_event_wait: None,
            workflow: Workflow::new(workflow),
            pin: Pin::new(PIN),
            end_user: None,
        };
        match self.app.start(&self.account, request).await {
            Ok(id) => Some(id),
            Err(StartError::Held { .. } | StartError::InProgress { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Has the route take everything that is due; gives why something is skipped.
    async fn send(&mut self, outcome: Outcome) -> Vec<&'static str> {
        let now = self.clock.now();
        let steps = self.app.due(now, self.app.board().routes_at(now)).await.expect("a database").steps;
        let mut skipped = vec![];
        for Step { due, route } in steps {
            if let Err(reason) = route {
                skipped.push(reason);
                self.app.unroutable(due.attempt, reason).await.expect("a database");
                continue;
            }
            match self.app.claim(due.attempt, "sim1").await.expect("a claim") {
                Claim::Message(message) => {
                    assert!(self.app.begin(message.attempt).await.expect("a database"));
                    let (attempt, route) = (message.attempt, "sim1".to_owned());
                    self.app.finished(attempt, route, outcome.clone()).await.expect("a database");
                }
                Claim::Closed(reason) => {
                    skipped.push(reason);
                    self.app.unroutable(due.attempt, reason).await.expect("a database");
                }
                other => panic!("{other:?}"),
            }
        }
        skipped
    }

    /// A person's request, four out of five of whom type the code.
    async fn person(&mut self, digits: &str) -> bool {
        let Some(id) = self.request(digits).await else { return false };
        if self.dice.below(5) > 0 {
            let after = Duration::from_secs(15 + self.dice.below(90));
            self.answers.push((self.clock.now() + after, id));
        }
        true
    }

    async fn minute(&mut self) {
        self.clock.advance(Duration::from_secs(60));
        let now = self.clock.now();
        let (due, later) = std::mem::take(&mut self.answers).into_iter().partition(|(at, _)| *at <= now);
        self.answers = later;
        let due: Vec<_> = due;
        for (_, id) in due {
            let code = Code::new(PIN).expect("a code");
            self.app.check(&self.account, id, code, None).await.expect("the right code");
        }
        while self.app.run_deadlines().await.expect("a database") > 0 {}
    }

    /// Half an hour of traffic, and as many `minutes` in which `attack` gives the numbers that are pumped, ten a minute.
    async fn replay(mut self, attack: fn(&mut Dice, u64) -> String, minutes: u64) -> Losses {
        let mut pumped = 0;
        for minute in 0..30 + minutes {
            self.minute().await;
            let home = format!("4474{:08}", self.dice.below(100_000_000));
            let sent = self.person(&home).await;
            add(&mut self.result.others, sent);
            if minute % 4 == 0 {
                let abroad = format!("49151{:08}", self.dice.below(100_000_000));
                let sent = self.person(&abroad).await;
                add(&mut self.result.neighbours, sent);
            }
            if minute >= 30 {
                for _ in 0..10 {
                    let digits = attack(&mut self.dice, pumped);
                    pumped += 1;
                    let sent = self.request(&digits).await.is_some();
                    add(&mut self.result.attack, sent);
                }
            }
        }
        self.result
    }
}

fn add(count: &mut Count, sent: bool) {
    if sent {
        count.accepted += 1;
    } else {
        count.refused += 1;
    }
}

/// One number after the other of one block.
fn in_sequence(_: &mut Dice, pumped: u64) -> String {
    format!("4915123456{:03}", pumped % 1000)
}

/// Any numbers of one range.
fn in_a_range(dice: &mut Dice, _: u64) -> String {
    format!("4915123{:06}", dice.below(1_000_000))
}

/// Any mobile numbers of the country.
fn in_a_country(dice: &mut Dice, _: u64) -> String {
    format!("49151{:08}", dice.below(100_000_000))
}

fn told(name: &str, result: &Losses) -> String {
    let Losses { attack, neighbours, others } = result;
    format!(
        "{name}: lost {} of {}; refused by mistake {} of {} in the attacked country, {} of {} elsewhere",
        attack.accepted,
        attack.accepted + attack.refused,
        neighbours.refused,
        neighbours.accepted + neighbours.refused,
        others.refused,
        others.accepted + others.refused,
    )
}

const BLOCK: [(&str, &str); 1] = [("breaker.mode", "block")];

#[tokio::test]
async fn a_block_that_is_pumped_in_sequence_is_shut_after_few_messages_and_nobody_else_is() {
    let result = World::new(&BLOCK).await.replay(in_sequence, 40).await;
    assert_snapshot!(told("sequence", &result), @"sequence: lost 40 of 400; refused by mistake 0 of 18 in the attacked country, 0 of 70 elsewhere");
    assert!(result.attack.accepted <= 60, "{result:?}");
    assert_eq!((result.neighbours.refused, result.others.refused), (0, 0), "{result:?}");
}

#[tokio::test]
async fn a_range_that_is_pumped_at_random_is_shut_and_nobody_elsewhere_is() {
    let result = World::new(&BLOCK).await.replay(in_a_range, 40).await;
    assert_snapshot!(told("range", &result), @"range: lost 60 of 400; refused by mistake 0 of 18 in the attacked country, 0 of 70 elsewhere");
    assert!(result.attack.accepted <= 120, "{result:?}");
    assert!(result.neighbours.refused <= 2, "{result:?}");
    assert_eq!(result.others.refused, 0, "{result:?}");
}

#[tokio::test]
async fn a_country_that_is_pumped_at_random_is_shut_and_no_other_is() {
    let result = World::new(&BLOCK).await.replay(in_a_country, 40).await;
    assert_snapshot!(told("country", &result), @"country: lost 250 of 400; refused by mistake 4 of 18 in the attacked country, 0 of 70 elsewhere");
    assert!(result.attack.accepted <= 400, "{result:?}");
    assert_eq!(result.others.refused, 0, "{result:?}");
}

#[tokio::test]
async fn the_strict_profile_shuts_it_as_early() {
    let result = World::new(&[("verify.profile", "strict")]).await.replay(in_sequence, 40).await;
    assert_snapshot!(told("strict", &result), @"strict: lost 20 of 400; refused by mistake 0 of 18 in the attacked country, 0 of 70 elsewhere");
    assert!(result.attack.accepted <= 30, "{result:?}");
    assert_eq!((result.neighbours.refused, result.others.refused), (0, 0), "{result:?}");
}

#[tokio::test]
async fn by_default_nobody_is_refused_and_the_attack_is_on_record() {
    let world = World::new(&[]).await;
    let store = world.app.store().clone();
    let result = world.replay(in_sequence, 40).await;
    assert_snapshot!(told("default", &result), @"default: lost 400 of 400; refused by mistake 0 of 18 in the attacked country, 0 of 70 elsewhere");
    let verdicts = store.read(|tx: &store::Tx| tx.verdicts(START, 10_000)).await.expect("verdicts");
    let words: std::collections::BTreeSet<_> =
        verdicts.iter().map(|row| format!("{} {} {}", row.rule, row.verdict, row.scope)).collect();
    assert_snapshot!(words.into_iter().collect::<Vec<_>>().join("\n"), @"
    breaker monitored block
    breaker tripped block
    ");
}

#[tokio::test]
async fn once_the_minutes_of_calls_are_used_up_calls_are_skipped_and_nothing_but_calls_is_refused() {
    let settings =
        [("limits.mode", "block"), ("limits.per_number", "[]"), ("limits.voice_minutes_per_number", "[\"1/h\"]")];
    let mut world = World::new(&settings).await;
    let spoken =
        |seconds: u64| Outcome::Spoken { rang: Duration::ZERO, talked: Duration::from_millis(seconds * 1000 - 1) };
    let number = "447400123456";
    for seconds in [59, 1] {
        assert!(world.start(number, 7).await.is_some());
        assert!(world.send(spoken(seconds)).await.is_empty());
        world.clock.advance(Duration::from_secs(301));
        while world.app.run_deadlines().await.expect("a database") > 0 {}
    }
    assert_eq!(world.start(number, 7).await, None, "sixty seconds are a minute");
    assert!(world.start("447400123457", 7).await.is_some(), "another number");
    world.send(spoken(10)).await;
    assert!(world.start(number, 5).await.is_some(), "an SMS is left");
    assert!(world.send(Outcome::Accepted { references: vec![] }).await.is_empty());
    world.clock.advance(Duration::from_secs(120));
    while world.app.run_deadlines().await.expect("a database") > 0 {}
    assert_eq!(world.send(spoken(10)).await, ["calls to it have used up their minutes"]);
    world.clock.advance(Duration::from_secs(3600));
    while world.app.run_deadlines().await.expect("a database") > 0 {}
    assert!(world.start(number, 7).await.is_some(), "an hour later");
}
