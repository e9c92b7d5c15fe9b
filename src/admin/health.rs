//! `/livez` and `/readyz`, for whoever watches the daemon from outside. Without a login, and without a secret.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

use super::metrics::in_time;
use super::{Desk, said};
use crate::app::{Queue, Route};
use crate::clock::Timestamp;

/// A write tells of so long: those who ask without a login are not to wear out an SD card.
const WRITE_TELLS: Duration = Duration::from_secs(10);

/// A disk that takes longer for one write is none.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// So much longer than a message may wait at all it waits only if nobody looks at it: the dispatcher gives it up at the
/// instant itself.
const QUEUE_GRACE: Duration = Duration::from_secs(10);

/// When the database took a write last.
#[derive(Debug, Default)]
pub(super) struct Written(Mutex<Option<Timestamp>>);

/// `GET /livez`: the listener answers.
pub(super) async fn live() -> HttpResponse {
    said(HttpResponse::Ok(), "ok\n")
}

/// `GET /readyz`: requests can be accepted and sent. With `?verbose` one line for each part.
pub(super) async fn ready(http: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    let database = desk.is_writable_in_time().await;
    let app = Arc::clone(&desk.app);
    let readiness = Readiness {
        database,
        routes: desk.app.routes(),
        queue: in_time(&desk.scrapes.database, async move { app.queue().await.ok() }).await,
        wait_max: desk.app.rules().send_timeout + QUEUE_GRACE,
        now: desk.app.clock().now(),
    };
    let response = if readiness.is_ready() { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let is_verbose = form_urlencoded::parse(http.query_string().as_bytes()).any(|(name, _)| name == "verbose");
    said(response, if is_verbose { readiness.to_text() } else { readiness.verdict().to_owned() })
}

impl Desk {
    /// A disk that does not answer counts as one that takes nothing.
    pub(super) async fn is_writable_in_time(&self) -> bool {
        tokio::time::timeout(WRITE_TIMEOUT, self.is_writable()).await.unwrap_or(false)
    }

    async fn is_writable(&self) -> bool {
        let now = self.app.clock().now();
        let written = |written: &Written| *written.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written(&self.written).is_some_and(|at| now >= at && now.since(at) < WRITE_TELLS) {
            return true;
        }
        let is_writable = self.app.prove_writable().await.is_ok();
        *self.written.0.lock().unwrap_or_else(PoisonError::into_inner) = is_writable.then_some(now);
        is_writable
    }
}

struct Readiness {
    database: bool,
    routes: Vec<Route>,
    /// `None`: the database does not say.
    queue: Option<Queue>,
    /// A queue whose oldest waits longer is not worked on.
    wait_max: Duration,
    now: Timestamp,
}

impl Readiness {
    /// One route is enough: the others' messages go over it.
    fn is_ready(&self) -> bool {
        self.database && self.queue_moves() && self.routes_ready() > 0
    }

    fn routes_ready(&self) -> usize {
        self.routes.iter().filter(|route| route.down_since.is_none()).count()
    }

    fn queue_moves(&self) -> bool {
        self.queue.is_some_and(|queue| self.age(queue) <= self.wait_max)
    }

    /// How long the oldest waits.
    fn age(&self, queue: Queue) -> Duration {
        queue.oldest_due.map_or(Duration::ZERO, |due| self.now.since(due))
    }

    fn verdict(&self) -> &'static str {
        if self.is_ready() { "ready\n" } else { "not ready\n" }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        text += if self.database { "ok    database: takes writes\n" } else { "fail  database: takes no write\n" };
        for route in &self.routes {
            match route.down_since {
                None => text += &format!("ok    route {}: ready\n", route.name),
                Some(since) => {
                    let reason = route.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                    let line = format!("fail  route {}: not ready since {since}{reason}", route.name);
                    text += &(line.replace(char::is_control, "?") + "\n");
                }
            }
        }
        match (self.routes_ready(), self.routes.len()) {
            (_, 0) => text += "fail  routes: none is configured\n",
            (0, all) => text += &format!("fail  routes: none of {all} is ready\n"),
            (ready, all) => text += &format!("ok    routes: {ready} of {all} ready\n"),
        }
        match self.queue {
            None => text += "fail  queue: not known\n",
            Some(queue) => {
                let (word, why) = if self.queue_moves() { ("ok  ", "") } else { ("fail", ": nobody works on it") };
                let (length, age) = (queue.length, self.age(queue).as_secs());
                text += &format!("{word}  queue: {length}, oldest waits for {age} s{why}\n");
            }
        }
        text + self.verdict()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str, down_since: Option<Timestamp>, reason: Option<&str>) -> Route {
        let reason = reason.map(str::to_owned);
        Route { name: name.to_owned(), sms: true, down_since, reason, ..Route::default() }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

    #[test]
    fn one_route_is_enough_and_each_part_says_how_it_is() {
        let down = route("sim2", Some(NOW - Duration::from_secs(90)), Some("the SIM asks for\nits PUK"));
        let mut readiness = Readiness {
            database: true,
            routes: vec![route("sim1", None, None), down],
            queue: Some(Queue { length: 3, oldest_due: Some(NOW - Duration::from_secs(7)) }),
            wait_max: Duration::from_secs(250),
            now: NOW,
        };
        insta::assert_snapshot!(readiness.to_text(), @"
        ok    database: takes writes
        ok    route sim1: ready
        fail  route sim2: not ready since 2026-03-01T11:58:30.000Z: the SIM asks for?its PUK
        ok    routes: 1 of 2 ready
        ok    queue: 3, oldest waits for 7 s
        ready
        ");
        readiness.queue = Some(Queue { length: 3, oldest_due: Some(NOW - Duration::from_secs(251)) });
        readiness.routes.remove(0);
        insta::assert_snapshot!(readiness.to_text(), @"
        ok    database: takes writes
        fail  route sim2: not ready since 2026-03-01T11:58:30.000Z: the SIM asks for?its PUK
        fail  routes: none of 1 is ready
        fail  queue: 3, oldest waits for 251 s: nobody works on it
        not ready
        ");
        readiness.routes.push(route("sim1", None, None));
        assert!(!readiness.is_ready(), "a queue that stands still");
    }

    #[test]
    fn without_a_database_or_a_route_nothing_is_ready() {
        let wait_max = Duration::from_secs(250);
        let mut readiness = Readiness { database: false, routes: vec![], queue: None, wait_max, now: NOW };
        insta::assert_snapshot!(readiness.to_text(), @"
        fail  database: takes no write
        fail  routes: none is configured
        fail  queue: not known
        not ready
        ");
        readiness.routes.push(route("sim1", None, None));
        assert!(!readiness.is_ready());
    }
}
