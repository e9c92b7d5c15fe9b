//! What goes to which kind of route, and when: the operations and the dispatcher with routes that the test plays, on a
//! clock that jumps from one end of a message to the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use simverify::app::{Account, AccountDefaults, App, Found, StartError, add_account};
use simverify::channel::admission::NoRoute;
use simverify::channel::routing::{Health, RouteKind, RouteView};
use simverify::channel::{Board, Message, Outcome, RefusalClass};
use simverify::clock::{Clock, ManualClock, Timestamp};
use simverify::config::{Configuration, Sources};
use simverify::daemon::rules;
use simverify::dispatcher::{Dispatcher, Queues};
use simverify::phone::PhoneNumber;
use simverify::random::Random;
use simverify::secrets::{MasterKey, Secrets};
use simverify::store::{self, NewAccount, Store};
use simverify::verification::{AttemptId, Brand, EventKind, Money, Purpose, RequestId, StartRequest, Workflow};
use tokio::sync::mpsc;

use crate::harness::{Options, eventually, quick_modem, spawn_app};
use crate::provider::FakeProvider;

const START: Timestamp = Timestamp::from_millis(1_772_366_400_000);

/// The operations and the dispatcher, and routes that the test plays.
struct Bench {
    app: Arc<App>,
    account: Account,
    clock: ManualClock,
    dispatcher: Dispatcher,
    queues: BTreeMap<String, mpsc::Receiver<Message>>,
    /// What routes have in hand: when it ends, on which route.
    in_hand: Vec<(Timestamp, String, Message)>,
    _directory: tempfile::TempDir,
}

/// One that sends an SMS in 4 s.
fn modem(name: &str) -> RouteView {
    RouteView { sms: true, room: 2, ..RouteView::new(name, RouteKind::Modem) }
}

/// One that takes four at a time, each for a second.
fn provider(name: &str) -> RouteView {
    let sms_price = Money::from_units(5_500_000);
    RouteView { sms: true, tts: true, room: 4, concurrency: 4, sms_price, ..RouteView::new(name, RouteKind::Provider) }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn number(index: usize) -> PhoneNumber {
    PhoneNumber::parse(&format!("+447700900{index:03}"), None).expect("a number")
}

impl Bench {
    async fn new(routes: Vec<RouteView>, toml: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("simverify.toml");
        let cheap = "verify.argon2.memory_kib = 1024\nverify.argon2.iterations = 1\n";
        std::fs::write(&file, format!("{cheap}{toml}")).expect("a configuration file");
        let sources =
            Sources { file: Some(file), directory: directory.path().to_owned(), environment: vec![], flags: vec![] };
        let settings = Configuration::load(&sources).unwrap_or_else(|error| panic!("{error}")).settings;
        let random = Random::seeded(1);
        let key = MasterKey::create(&directory.path().join("master.key"), &random).expect("a key file");
        let secrets = Secrets::new(&key);
        let store = Store::open(&directory.path().join("simverify.db"), &secrets.check_value()).expect("a database");
        let clock = ManualClock::at(START);
        let new = NewAccount {
            name: "tester".to_owned(),
            api_key: String::new(),
            credits: Some(1_000_000),
            rate: None,
            created: START,
            defaults: store::AccountDefaults::default(),
        };
        let made = add_account(&store, &secrets, &random, START, new, None).await.expect("an account");
        let key = made.api_key.clone();
        let row = store.read(move |tx| tx.account_by_key(&key)).await.expect("a database").expect("the account");
        let account = Account {
            id: row.id,
            name: row.name,
            api_key: row.api_key,
            barred: false,
            rate: None,
            defaults: AccountDefaults::default(),
        };
        let (mut senders, mut queues) = (Queues::new(), BTreeMap::new());
        for route in &routes {
            let (sender, queue) = mpsc::channel(route.room);
            senders.insert(route.name.clone(), sender);
            queues.insert(route.name.clone(), queue);
        }
        let board = Board::new(routes);
        let app = App::new(store, Clock::Manual(clock.clone()), random, secrets, board, rules(&settings));
        let app = Arc::new(app.expect("operations"));
        let dispatcher = Dispatcher::new(Arc::clone(&app), senders, mpsc::channel(1).1);
        Self { app, account, clock, dispatcher, queues, in_hand: vec![], _directory: directory }
    }

    async fn try_start(&self, index: usize, workflow: u8, pin_expiry: Option<u64>) -> Result<RequestId, StartError> {
        self.try_start_to(number(index), workflow, pin_expiry).await
    }

    async fn try_start_to(
        &self,
        number: PhoneNumber,
        workflow: u8,
        pin_expiry: Option<u64>,
    ) -> Result<RequestId, StartError> {
        let request = StartRequest {
            number,
            purpose: Purpose::Number { brand: Brand::new("Acme").expect("a brand") },
            sender_id: None,
            code_length: None,
            language: None,
            pin_expiry: pin_expiry.map(seconds),
            next_event_wait: None,
            workflow: Workflow::new(workflow),
            pin: None,
            end_user: None,
        };
        self.app.start(&self.account, request).await
    }

    async fn start(&self, index: usize, workflow: u8) -> RequestId {
        self.try_start(index, workflow, None).await.expect("an accepted request")
    }

    async fn found(&self, request: RequestId) -> Found {
        self.app.search(&self.account, vec![request]).await.expect("a database").remove(0)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The dispatcher looks; gives what it handed to a route, in order.
    async fn handed_to(&mut self, route: &str) -> Vec<Message> {
        self.dispatcher.look().await.expect("a database");
        let queue = self.queues.get_mut(route).expect("the route");
        std::iter::from_fn(|| queue.try_recv().ok()).collect()
    }

    /// How many it handed to each route.
    async fn handed(&mut self) -> String {
        self.dispatcher.look().await.expect("a database");
        let count = |(name, queue): (&String, &mut mpsc::Receiver<Message>)| {
            let count = std::iter::from_fn(|| queue.try_recv().ok()).count();
            (count > 0).then(|| format!("{name} {count}"))
        };
        self.queues.iter_mut().filter_map(count).collect::<Vec<_>>().join(", ")
    }

    /// A route is done with a message, as the notices task says it.
    async fn end(&self, route: &str, attempt: AttemptId, outcome: Outcome) {
        if !matches!(outcome, Outcome::Returned) {
            assert!(self.app.begin(attempt).await.expect("a database"), "it may not be sent");
        }
        self.app.finished(attempt, route.to_owned(), outcome).await.expect("a database");
        self.app.board().give_room(route, attempt, self.now());
    }

    /// Lets every route send what it is given, each message for as long as the route's view says, until nothing is in
    /// hand and nothing is due. Gives, in the order of time, the second, the route and the number of each message.
    async fn run(&mut self) -> Vec<(u64, String, String)> {
        let mut sent = vec![];
        loop {
            self.dispatcher.look().await.expect("a database");
            for route in self.app.board().routes() {
                let busy: Vec<_> = self.in_hand.iter().filter(|(_, name, _)| *name == route.name).collect();
                let mut free = route.concurrency - busy.len();
                let queue = self.queues.get_mut(&route.name).expect("the route");
                while free > 0
                    && let Ok(message) = queue.try_recv()
                {
                    self.in_hand.push((self.clock.now() + route.time_of(message.kind), route.name.clone(), message));
                    free -= 1;
                }
            }
            let Some(next) = (0..self.in_hand.len()).min_by_key(|index| self.in_hand[*index].0) else { return sent };
            let (end, route, message) = self.in_hand.remove(next);
            self.clock.set(end.max(self.now()));
            // The provider tells nothing of its own, the modem no reference.
            let taken = match self.app.board().is_provider(&route) {
                true => Outcome::Taken { message_id: None },
                false => Outcome::Accepted { references: vec![] },
            };
            let granted = self.app.begin(message.attempt).await.expect("a database");
            let outcome = if granted { taken } else { Outcome::Returned };
            self.app.finished(message.attempt, route.clone(), outcome).await.expect("a database");
            self.app.board().give_room(&route, message.attempt, self.now());
            if granted {
                sent.push((self.now().since(START).as_secs(), route, message.number.masked()));
            }
        }
    }

    async fn credits(&self) -> i64 {
        let key = self.account.api_key.clone();
        let row = self.app.store().read(move |tx| tx.account_by_key(&key)).await.expect("a database");
        row.and_then(|row| row.credits).expect("credits")
    }
}

fn refused(class: RefusalClass) -> Outcome {
    Outcome::Refused { class, reason: "no".to_owned() }
}

#[tokio::test]
async fn the_surplus_of_a_burst_overflows_to_the_provider_and_everybody_has_a_pin_soon() {
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], "").await;
    let mut requests = vec![];
    for index in 0..100 {
        requests.push(bench.start(index, 6).await);
    }
    let sent = bench.run().await;
    assert_eq!(sent.len(), 100);
    let last = |route: &str| sent.iter().filter(|(_, name, _)| name == route).map(|(second, ..)| *second).max();
    let by_modem = sent.iter().filter(|(_, route, _)| route == "sim1").count();
    // Those that wait for the provider while it is busy are asked for again whenever the modem has room.
    assert!((6..=12).contains(&by_modem), "{sent:?}");
    assert!(last("sim1") <= Some(44) && last("backup") <= Some(24), "{sent:?}");
    let mut cost = 0;
    for request in requests {
        let found = bench.found(request).await;
        cost += found.estimated_price_messages_sent.units();
        assert_eq!(found.price.to_string(), "0.12050000");
    }
    assert_eq!(cost, 5_500_000 * (100 - by_modem as i64));
}

#[tokio::test]
async fn without_a_provider_the_rest_of_a_burst_is_refused_at_once_and_what_is_accepted_is_sent_in_time() {
    let mut bench = Bench::new(vec![modem("sim1")], "").await;
    let before = bench.credits().await;
    let mut accepted = vec![];
    for index in 0..100 {
        match bench.try_start(index, 6, None).await {
            Ok(request) => accepted.push(request),
            Err(StartError::NoRoute(NoRoute::QueueTooLong)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    // Those before the last take 240 s, no longer than the send time-out; its own turn comes as that ends.
    assert_eq!(accepted.len(), 61);
    let sent = bench.run().await;
    assert!(sent.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!((sent.len(), sent.last().map(|(second, ..)| *second)), (60, Some(240)));
    assert_eq!(bench.credits().await, before - 60 * 1205);
}

#[tokio::test]
async fn what_a_slower_modem_cannot_send_in_time_fails_and_costs_nothing() {
    let mut bench = Bench::new(vec![modem("sim1")], "").await;
    let before = bench.credits().await;
    let mut requests = vec![];
    for index in 0..60 {
        requests.push(bench.start(index, 6).await);
    }
    // It takes twice as long as was expected.
    bench.app.board().measure("sim1", EventKind::Sms, seconds(8));
    let sent = bench.run().await;
    assert!((30..=32).contains(&sent.len()), "{sent:?}");
    bench.pass(seconds(1));
    bench.handed().await;
    let mut failed = 0;
    for request in requests {
        let found = bench.found(request).await;
        if found.finalized.is_some() {
            assert_eq!(
                (format!("{:?}", found.progress), found.price.to_string()),
                ("Failed".into(), "0.00000000".into())
            );
            failed += 1;
        }
    }
    assert_eq!(failed + sent.len(), 60);
    assert_eq!(bench.credits().await, before - 1205 * sent.len() as i64);
}

#[tokio::test]
async fn what_waits_is_asked_for_again_at_every_look() {
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], "").await;
    for index in 0..6 {
        bench.start(index, 6).await;
    }
    let held = bench.handed_to("sim1").await;
    assert_eq!(held.len(), 2);
    assert_eq!(bench.handed().await, "", "the others wait for 20 s at most");
    // The network has become slow: their turn would come too late.
    bench.app.board().measure("sim1", EventKind::Sms, seconds(9));
    assert_eq!(bench.handed().await, "backup 3");
    bench.app.board().update("backup", |route| route.health = Health::Failing { since: START });
    bench.start(6, 6).await;
    assert_eq!(bench.handed().await, "", "there is nobody else");
    bench.end("sim1", held[0].attempt, Outcome::Accepted { references: vec![] }).await;
    assert_eq!(bench.handed().await, "sim1 1");
}

#[tokio::test]
async fn a_modem_that_stands_still_loses_its_queue_without_any_other_sign() {
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], "").await;
    for index in 0..3 {
        bench.start(index, 6).await;
    }
    assert_eq!(bench.handed_to("sim1").await.len(), 2);
    let next = bench.dispatcher.look().await.expect("a database").expect("a next look");
    assert_eq!(next.since(START), Duration::from_millis(16_001));
    bench.clock.set(next);
    assert_eq!(bench.handed().await, "backup 1");
}

#[tokio::test]
async fn an_event_whose_pin_would_be_dead_before_its_turn_goes_another_way() {
    let toml = "routing.overflow_after_seconds = 3600\nverify.send_timeout_seconds = 3600";
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], toml).await;
    let request = bench.try_start(0, 4, Some(125)).await.expect("an accepted request");
    let first = bench.handed_to("sim1").await;
    bench.end("sim1", first[0].attempt, Outcome::Accepted { references: vec![] }).await;
    bench.pass(seconds(119));
    bench.start(1, 6).await;
    bench.start(2, 6).await;
    assert_eq!(bench.handed_to("sim1").await.len(), 2);
    // The second event is due, the PIN lives for 5 s more, and the modem is busy for 8 s.
    bench.pass(seconds(1));
    let second = bench.handed_to("backup").await;
    assert_eq!(second.len(), 1);
    bench.end("backup", second[0].attempt, Outcome::Taken { message_id: None }).await;
    assert_eq!(bench.found(request).await.estimated_price_messages_sent.to_string(), "0.05500000");
}

#[tokio::test]
async fn refusals_go_on_to_another_route_or_end_the_event_and_cost_nothing() {
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], "").await;
    let temporary = bench.start(0, 6).await;
    let message = bench.handed_to("sim1").await.remove(0);
    bench.end("sim1", message.attempt, refused(RefusalClass::Temporary)).await;
    assert_eq!(bench.handed().await, "", "it is tried again after two seconds");
    bench.pass(seconds(2));
    let message = bench.handed_to("backup").await.remove(0);
    bench.end("backup", message.attempt, refused(RefusalClass::Temporary)).await;
    bench.pass(seconds(5));
    let message = bench.handed_to("sim1").await.remove(0);
    bench.end("sim1", message.attempt, refused(RefusalClass::OtherRoute)).await;
    let message = bench.handed_to("backup").await.remove(0);
    bench.end("backup", message.attempt, Outcome::Uncertain { references: vec![], reason: "lost".to_owned() }).await;
    let found = bench.found(temporary).await;
    assert_eq!(found.estimated_price_messages_sent.to_string(), "0.05500000", "it may have been sent");

    let last = bench.start(1, 4).await;
    let message = bench.handed_to("sim1").await.remove(0);
    bench.end("sim1", message.attempt, refused(RefusalClass::Final)).await;
    let message = bench.handed_to("sim1").await.remove(0);
    bench.end("sim1", message.attempt, refused(RefusalClass::Final)).await;
    let found = bench.found(last).await;
    assert_eq!((format!("{:?}", found.progress), found.price), ("Failed".to_owned(), Money::ZERO));

    let lines = bench.app.store().read(|tx| tx.attempts_of(simverify::verification::VerificationId::new(1))).await;
    let told = lines.expect("a database").into_iter().map(|attempt| {
        let text = |text: Option<String>| text.unwrap_or_default();
        format!("{} {} {} {}", attempt.state, text(attempt.route), attempt.cost, text(attempt.reason))
    });
    assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
    temporary sim1 0 no
    temporary backup 0 no
    other_route sim1 0 no
    uncertain backup 5500000 lost
    due  0
    ");
}

#[tokio::test]
async fn a_kind_that_is_left_out_is_not_used() {
    let mut bench = Bench::new(vec![modem("sim1"), provider("backup")], "routing.order = ['modems']").await;
    bench.app.board().update("sim1", |route| route.health = Health::Down { since: START });
    bench.start(0, 6).await;
    assert_eq!(bench.handed().await, "");
    let error = bench.try_start(1, 7, None).await.expect_err("a refusal");
    assert!(matches!(error, StartError::NoRoute(NoRoute::NotConfigured)), "{error}");
    bench.app.board().update("sim1", |route| route.health = Health::Ready);
    assert_eq!(bench.handed().await, "sim1 1");
}

#[tokio::test]
async fn a_long_queue_for_one_country_holds_up_no_other() {
    let british = RouteView { countries: vec!["GB".parse().expect("a country")], ..modem("sim1") };
    let german = RouteView { countries: vec!["DE".parse().expect("a country")], ..modem("sim2") };
    let mut bench = Bench::new(vec![british, german], "verify.send_timeout_seconds = 86400").await;
    for index in 0..200 {
        bench.start(index, 6).await;
    }
    assert_eq!(bench.handed().await, "sim1 2");
    let german = PhoneNumber::parse("+4915123456789", None).expect("a number");
    bench.try_start_to(german, 6, None).await.expect("an accepted request");
    assert_eq!(bench.handed().await, "sim2 1");
}

#[tokio::test]
async fn only_the_failing_provider_is_named_and_a_modem_that_may_return_is_enough() {
    let routes = vec![modem("sim1"), provider("backup")];
    let bench = Bench::new(routes, "").await;
    bench.app.board().update("backup", |route| route.health = Health::Failing { since: START });
    bench.app.board().update("sim1", |route| route.sms = false);
    let error = bench.try_start(0, 6, None).await.expect_err("a refusal");
    assert!(matches!(error, StartError::NoRoute(NoRoute::ProvidersFailing)), "{error}");
    bench.app.board().update("sim1", |route| (route.sms, route.health) = (true, Health::Down { since: START }));
    bench.start(0, 6).await;
}

#[tokio::test]
async fn a_burst_on_one_sim_goes_out_through_the_sim_and_a_provider_and_every_pin_is_right() {
    let backup = FakeProvider::start().await;
    let table = backup.table("backup", "sms_price = \"0.055\"");
    let table = format!("routing.overflow_after_seconds = 4\n{table}");
    let slow = quick_modem().with("submit-latency", "1s");
    let options = Options::without_modem().modem("sim1", slow).toml(&table);
    let mut app = spawn_app(options).await;
    let mut requests = BTreeMap::new();
    // From 100 on: of the others some are magic, and the slower the machine, the more of them go to the modem.
    for index in 100..200 {
        let number = format!("447700900{index}");
        requests.insert(format!("+{number}"), app.start(&number, &[("workflow_id", "6")]).await);
    }
    app.at_rest().await;
    let asked = backup.asked();
    // What is on record as sent is on the phone a moment later.
    let by_modem = 100 - asked.len();
    eventually("the rest by the modem", || (app.phone.unread() >= by_modem).then_some(())).await;
    assert_eq!(app.phone.unread(), by_modem, "each number once");
    assert!(by_modem >= 2 && asked.len() >= 60, "{by_modem} by the modem");
    for asked in &asked {
        let (body, pin) = (asked.json(), asked.pin());
        app.never_logged(body["text"].as_str().expect("a text"));
        let request = requests.remove(body["to"].as_str().expect("a number")).expect("asked for once");
        let reply = app.check(&request, &pin).await.json();
        assert_eq!((&reply["status"], &reply["estimated_price_messages_sent"]), (&"0".into(), &"0.05500000".into()));
    }
    for _ in 0..by_modem {
        let sms = app.phone.sms().await;
        let request = requests.remove(&sms.number).expect("asked for once");
        let reply = app.check(&request, sms.pin()).await.json();
        assert_eq!((&reply["status"], &reply["estimated_price_messages_sent"]), (&"0".into(), &"0.00000000".into()));
    }
    let search = "select count(*) from attempt where state = 'sent'";
    assert_eq!(app.value::<i64>(search), 100, "no second attempt of any");
    app.finish().await;
}
