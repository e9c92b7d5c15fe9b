//! `GET /metrics`, for Prometheus. Without a login, which scrapers have none of, and without a secret; who wants to know
//! who scrapes gives them a token.
//!
//! What parts have counted is shown as it stands. What is read at this instant is read in parts, each for a while at
//! most: one that hangs, such as the database on a dead disk, is left out and said to be missing, and is not asked again
//! before it has come back. So a scrape always answers, and many of them cost no more than one at a time.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{Desk, said};
use crate::app::{RouteVitals, Space, Vitals};
use crate::clock::Timestamp;
use crate::metrics::{Form, Process, Readings, catalogue, write};

/// How long a part may take: a scraper waits for ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// What all scrapes share.
pub struct Scrapes {
    is_on: bool,
    token: Option<String>,
    /// One reading of each part at a time.
    pub(super) database: Arc<Semaphore>,
    disk: Arc<Semaphore>,
    process: Arc<Semaphore>,
}

impl Default for Scrapes {
    fn default() -> Self {
        Self::new(true, None)
    }
}

impl Scrapes {
    /// `token`: what a scraper must show.
    pub fn new(is_on: bool, token: Option<String>) -> Self {
        let [database, disk, process] = std::array::from_fn(|_| Arc::new(Semaphore::new(1)));
        Self { is_on, token, database, disk, process }
    }

    fn admits(&self, http: &HttpRequest) -> bool {
        let Some(token) = &self.token else { return true };
        let shown = http.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown =
            shown.and_then(|value| value.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
        shown.is_some_and(|(_, shown)| shown.trim().as_bytes().ct_eq(token.as_bytes()).into())
    }
}

/// `GET /metrics`.
pub(super) async fn scrape(http: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    let scrapes = &desk.scrapes;
    if !scrapes.is_on {
        return said(HttpResponse::NotFound(), "metrics are turned off: set admin.metrics\n");
    }
    if !scrapes.admits(&http) {
        let mut response = HttpResponse::Unauthorized();
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        return said(response, "the token of admin.metrics_token is needed\n");
    }
    let accept = http.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = Form::accepted(accept);
    match write(desk.app.metrics(), &desk.readings().await, form) {
        Ok(text) => HttpResponse::Ok().insert_header((CONTENT_TYPE, form.content_type())).body(text),
        Err(error) => said(HttpResponse::InternalServerError(), format!("{error}\n")),
    }
}

impl Desk {
    /// The same desk with other conditions for scrapers.
    pub fn scraped_by(self, scrapes: Scrapes) -> Self {
        Self { scrapes: Arc::new(scrapes), ..self }
    }

    async fn readings(&self) -> Readings {
        let (app, disk_app) = (Arc::clone(&self.app), Arc::clone(&self.app));
        let database = async move { app.vitals().await.ok() };
        let disk = async { tokio::task::spawn_blocking(move || disk_app.space().ok()).await.ok().flatten() };
        let process = async { tokio::task::spawn_blocking(|| Process::read().ok()).await.ok().flatten() };
        let (database, disk, process) = tokio::join!(
            in_time(&self.scrapes.database, database),
            in_time(&self.scrapes.disk, disk),
            in_time(&self.scrapes.process, process),
        );
        let mut readings = Readings::default();
        let parts = [database.is_some(), disk.is_some(), process.is_some()];
        for (part, is_up) in catalogue::SCRAPE_PARTS.iter().copied().zip(parts) {
            readings.set(&catalogue::SCRAPE_PART_UP, [part], f64::from(u8::from(is_up)));
            if !is_up {
                self.app.metrics().scrape_failed(part);
            }
        }
        if let Some(vitals) = database {
            show_vitals(&mut readings, &vitals);
        }
        if let Some(space) = disk {
            show_space(&mut readings, space);
        }
        if let Some(process) = process {
            readings.process(&process, unix_seconds(self.started));
        }
        if let Some(end) = self.app.metrics().certificate_end() {
            readings.set(&catalogue::CERTIFICATE_END, [], unix_seconds(end));
        }
        let currency = &self.app.rules().currency;
        self.app.route_vitals().iter().for_each(|route| show_route(&mut readings, route, currency));
        readings
    }
}

/// What a part comes to; `None`: it did not come, or not in time. It goes on all the same, and until its end nobody else
/// begins it.
pub(super) async fn in_time<T: Send + 'static>(
    turn: &Arc<Semaphore>,
    reading: impl Future<Output = Option<T>> + Send + 'static,
) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    let turn = timeout_at(deadline, Arc::clone(turn).acquire_owned()).await.ok()?.ok()?;
    let task = tokio::spawn(async move {
        let _turn = turn;
        reading.await
    });
    timeout_at(deadline, task).await.ok()?.ok()?
}

fn unix_seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

fn show_vitals(readings: &mut Readings, vitals: &Vitals) {
    readings.set(&catalogue::VERIFICATIONS_IN_PROGRESS, [], vitals.outcomes.in_progress as f64);
    if let Some(conversion) = vitals.outcomes.conversion() {
        readings.set(&catalogue::CONVERSION, [], conversion);
    }
    readings.set(&catalogue::QUEUE_LENGTH, [], vitals.queue_length as f64);
    readings.set(&catalogue::QUEUE_OLDEST_AGE, [], vitals.oldest_age_seconds);
    for level in catalogue::GUARD_LEVELS {
        let open = vitals.breakers_open.iter().find(|(of, _)| of == level).map_or(0, |(_, open)| *open);
        readings.set(&catalogue::GUARD_BREAKERS_OPEN, [level], open as f64);
    }
    let webhooks = &vitals.webhooks;
    for (state, events) in [("waiting", webhooks.waiting), ("due", webhooks.due), ("dead", webhooks.dead)] {
        readings.set(&catalogue::WEBHOOK_EVENTS, [state], events as f64);
    }
    readings.set(&catalogue::WEBHOOK_OLDEST, [], webhooks.oldest_age_seconds);
}

fn show_space(readings: &mut Readings, space: Space) {
    readings.set(&catalogue::DATABASE_SIZE, ["database"], space.database as f64);
    readings.set(&catalogue::DATABASE_SIZE, ["log"], space.log as f64);
    readings.set(&catalogue::DATABASE_DISK_FREE, [], space.free as f64);
}

fn show_route(readings: &mut Readings, route: &RouteVitals, currency: &str) {
    let name = route.name.as_str();
    readings.set(&catalogue::ROUTE_UP, [name, route.kind], f64::from(u8::from(route.is_ready)));
    readings.set(&catalogue::ROUTE_IN_HAND, [name, "sms"], route.sms_in_hand as f64);
    readings.set(&catalogue::ROUTE_IN_HAND, [name, "voice"], route.calls_in_hand as f64);
    for share in &route.budgets {
        let labels = [name, share.channel, share.period];
        readings.set(&catalogue::ROUTE_BUDGET_LIMIT, labels, f64::from(share.limit));
        readings.set(&catalogue::ROUTE_BUDGET_LEFT, labels, f64::from(share.left));
    }
    for share in &route.spending {
        let labels = [name, share.period, currency];
        readings.set(&catalogue::ROUTE_SPEND_LIMIT, labels, share.limit);
        readings.set(&catalogue::ROUTE_SPEND_LEFT, labels, share.left);
    }
    if route.is_modem() {
        let reception = route.reception.as_ref();
        let registration = reception.and_then(|it| it.registration).map_or("unknown", |it| it.as_str());
        readings.state(&catalogue::MODEM_REGISTRATION, name, catalogue::REGISTRATION_STATES, registration);
        if let Some(dbm) = reception.and_then(|it| it.signal_dbm) {
            readings.set(&catalogue::MODEM_SIGNAL, [name], f64::from(dbm));
        }
    } else {
        let breaker = route.breaker.unwrap_or("closed");
        readings.state(&catalogue::PROVIDER_BREAKER, name, catalogue::BREAKER_STATES, breaker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_left_out_and_begun_once() {
        let turn = Arc::new(Semaphore::new(1));
        let (release, released) = tokio::sync::oneshot::channel::<u8>();
        assert_eq!(in_time(&turn, async { released.await.ok() }).await, None);
        // A second one waits for the first, in vain.
        assert_eq!(in_time(&turn, async { Some(2) }).await, None);
        release.send(1).expect("it still waits");
        assert_eq!(in_time(&turn, async { Some(3) }).await, Some(3));
        assert_eq!(in_time(&turn, async { None::<u8> }).await, None, "an error is no value");
    }

    #[test]
    fn who_shows_the_token_may_scrape() {
        let scrapes = Scrapes::new(true, Some("s3cret".to_owned()));
        let admits = |value: Option<&str>| {
            let request = value.map_or_else(actix_web::test::TestRequest::get, |value| {
                actix_web::test::TestRequest::get().insert_header((AUTHORIZATION, value))
            });
            scrapes.admits(&request.to_http_request())
        };
        assert!(admits(Some("Bearer s3cret")) && admits(Some("bearer  s3cret")));
        for value in [None, Some("Bearer"), Some("Bearer s3cre"), Some("Basic s3cret"), Some("s3cret")] {
            assert!(!admits(value), "{value:?}");
        }
    }
}
