//! The clock jumps by an hour, forward and back, between requests, checks, restarts and faults of modems. Here the clock
//! is the test's own, so that lives and waits of hours pass too; in `run` the same is done to the real daemon's clock.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{ALWAYS, AT_THE_END};
use crate::course::Course;
use crate::harness::{Options, TestApp, eventually, quick_modem, spawn_app};

const STEPS: u64 = 60;

/// In a long run; every line of the log is kept until the end.
const STEPS_LONG: u64 = 600;

const HOUR: u64 = 3600;

/// What the account has: some requests are refused for want of it.
const CREDITS: i64 = 40 * 1205;

/// Faults that strike the next message or the modem, and are soon over.
const FAULTS: [&str; 7] =
    ["fault error", "fault cms 38", "fault cms 332", "fault cms 500", "fault no-prompt", "reboot", "unplug 100ms"];

const MODEMS: [&str; 2] = ["sim1", "sim2"];

struct Episode {
    course: Course,
    app: TestApp,
    /// Request ids by number.
    accepted: BTreeMap<String, String>,
    succeeded: BTreeSet<String>,
    numbers: u64,
}

#[tokio::test]
async fn jumps_of_the_clock_lose_nothing_and_revive_nothing() {
    let course = Course::from_environment();
    println!("TORTURE_SEED={}", course.seed);
    let options = MODEMS.into_iter().fold(Options::without_modem(), |options, name| options.modem(name, quick_modem()));
    let app = spawn_app(options.credits(CREDITS)).await;
    let steps = if course.is_long() { STEPS_LONG } else { STEPS };
    let mut episode = Episode { course, app, accepted: BTreeMap::new(), succeeded: BTreeSet::new(), numbers: 0 };
    for _ in 0..steps {
        episode.step().await;
        episode.look(&ALWAYS);
    }
    episode.end().await;
}

impl Episode {
    async fn step(&mut self) {
        match self.course.below(16) {
            0..5 => self.request().await,
            5..9 => self.check().await,
            9 => self.app.advance(1 + self.course.below(130)),
            10 => self.jump(true).await,
            11 => self.jump(false).await,
            12 => self.restart().await,
            13 => self.app.modem(self.modem(), "reboot").await,
            _ => {
                let fault = FAULTS[usize::try_from(self.course.below(7)).expect("small")];
                self.app.modem(self.modem(), fault).await;
            }
        }
    }

    fn modem(&self) -> &'static str {
        MODEMS[usize::try_from(self.course.below(2)).expect("small")]
    }

    fn number(&mut self) -> String {
        self.numbers += 1;
        format!("4915112{:02}{:04}", self.numbers / 9000, 1000 + self.numbers % 9000)
    }

    async fn request(&mut self) {
        let number = self.number();
        let workflow = ["6", "6", "4", "1", "2"][usize::try_from(self.course.below(5)).expect("small")];
        let reply = self.app.request(&number, &[("workflow_id", workflow)]).await;
        match reply.field("status").as_str() {
            "0" => {
                self.accepted.insert(number, reply.field("request_id"));
            }
            "9" => assert!(self.app.credits() < 1205, "{reply}"),
            // A modem that was down when the clock went forward has been down for an hour, as far as anybody can tell.
            "6" => assert!(reply.text.ends_with("every route to this number is down\"}"), "{reply}"),
            _ => panic!("{reply}"),
        }
    }

    /// The right or a wrong code of some message that a phone has.
    async fn check(&mut self) {
        let all = self.app.phone.all();
        if all.is_empty() {
            return;
        }
        let sms = &all[usize::try_from(self.course.below(all.len() as u64)).expect("small")];
        let request = self.accepted[sms.number.trim_start_matches('+')].clone();
        let wrong = sms.wrong_code();
        let code = if self.course.chance(60) { sms.pin() } else { &wrong };
        let reply = self.app.check(&request, code).await;
        match reply.field("status").as_str() {
            "0" => {
                assert_eq!(code, sms.pin(), "a wrong code was accepted");
                assert!(self.succeeded.insert(request), "a PIN was accepted twice");
            }
            "6" | "16" | "17" => {}
            _ => panic!("{reply}"),
        }
    }

    /// A jump; what is asked for after it goes out at once.
    async fn jump(&mut self, forward: bool) {
        if forward {
            self.app.advance(HOUR);
        } else {
            self.app.set_back(HOUR);
        }
        self.app.all_ready().await;
        if self.app.credits() < 1205 {
            return;
        }
        let number = self.number();
        let request = self.app.start(&number, &[("workflow_id", "6")]).await;
        self.accepted.insert(number.clone(), request.clone());
        let struck = format!(
            "select count(*) from attempt join verification using (verification_id)
             where lower(hex(request_id)) = '{request}' and attempt.reason is not null"
        );
        // A fault that waited for the next message may have struck this one, which then has its reason.
        eventually("the request after the jump is sent", || {
            let got = self.app.phone.all().iter().any(|sms| sms.number.ends_with(&number));
            (got || self.app.value::<i64>(&struck) > 0).then_some(())
        })
        .await;
    }

    async fn restart(&mut self) {
        self.app.stop().await;
        match self.course.below(3) {
            0 => self.app.advance(HOUR),
            1 => self.app.set_back(HOUR),
            _ => {}
        }
        self.app.start_again().await;
    }

    fn look(&self, rules: &[(&str, &str)]) {
        for (what, sql) in rules {
            assert_eq!(self.app.lines(sql), Vec::<String>::new(), "{what}, TORTURE_SEED={}", self.course.seed);
        }
        let spent = "select coalesce(sum(credits), 0) from verification where not refunded";
        assert_eq!(
            self.app.lines(&format!("select (select credits from account) + ({spent})")),
            [CREDITS.to_string()],
            "credits, TORTURE_SEED={}",
            self.course.seed
        );
    }

    async fn end(self) {
        self.app.all_ready().await;
        let unfinished = "select count(*) from verification where finalized_at is null";
        // As far as any jump went back, and the longest plan beside.
        for _ in 0..600 {
            if self.app.value::<i64>(unfinished) == 0 {
                break;
            }
            self.app.pass(900).await;
        }
        // What a modem still has of a verification that ended comes back by itself.
        let in_hand = "select count(*) from budget_use where attempt_id is not null";
        eventually("nothing is in a modem's hands", || (self.app.value::<i64>(in_hand) == 0).then_some(())).await;
        self.look(&ALWAYS);
        self.look(&AT_THE_END);
        assert_eq!(self.app.lines("pragma integrity_check"), ["ok"]);
        assert_eq!(self.app.value::<i64>("select count(*) from verification"), self.accepted.len() as i64);
        for (number, request) in &self.accepted {
            let got = self.app.phone.all().iter().filter(|sms| sms.number.ends_with(number)).count();
            let submitted = format!(
                "select count(*) from attempt join verification using (verification_id)
                 where lower(hex(request_id)) = '{request}' and attempt.state in ('sent', 'uncertain')"
            );
            let submitted: i64 = self.app.value(&submitted);
            assert!(
                got as i64 <= submitted,
                "{got} messages, {submitted} on record, TORTURE_SEED={}",
                self.course.seed
            );
            if self.succeeded.contains(request) {
                assert_eq!(self.app.status(request).await, "SUCCESS");
            }
        }
        println!("{} verifications, {} of them successful", self.accepted.len(), self.succeeded.len());
        self.app.finish().await;
    }
}
