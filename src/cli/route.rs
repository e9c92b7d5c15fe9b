//! `simverify route`: which route would be taken for a number, and why not the others. Sends nothing.
//!
//! Decides as the daemon does, with the same functions, on the daemon's own board. Messages that are due already are
//! given their places first.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::live::Routes;
use super::table::aligned;
use super::{Exit, Global, OrExit, Outcome, block_on, print, print_json};
use crate::app::Rules;
use crate::channel::admission::{Asked, NoRoute, Waiting, admit};
use crate::channel::lane::Lane;
use crate::channel::routing::{Choice, Health, Need, Prospects, RouteKind, RouteView, Standing};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::daemon::rules;
use crate::phone::PhoneNumber;
use crate::store::{self, Store};
use crate::verification::EventKind;

/// Messages before this one that are given their places one by one.
const PLACES_MAX: u32 = 100_000;

#[derive(Debug, Args)]
pub struct Arguments {
    /// In international form: +447700900123; it is shown masked
    number: String,
    /// The route of a call, not of an SMS
    #[arg(long)]
    call: bool,
    /// Print JSON: {"routes": […], "choice": …, "route": …, "request": {"status": …}, …}
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let number = PhoneNumber::parse(&arguments.number, None).or_exit(Exit::Data, "wrong number")?;
    let settings = global.configuration()?.settings;
    let kind = if arguments.call { EventKind::Tts } else { EventKind::Sms };
    block_on(async {
        let explanation = Explanation::new(&settings, &number, kind).await;
        if arguments.json { print_json(&explanation.to_json()) } else { print(&explanation.to_text()) }
    })
}

struct Explanation {
    number: PhoneNumber,
    kind: EventKind,
    now: Timestamp,
    rules: Rules,
    live: Routes,
    waiting: Vec<Waiting>,
    /// The queue could not be read.
    queue_unknown: Option<String>,
    standings: Vec<Standing>,
    choice: Choice,
    /// The wait on the route that is chosen.
    wait: Duration,
    request: Request,
}

/// What a request for the default workflow is told.
enum Request {
    Accepted,
    /// Status 15.
    Unsupported,
    /// Status 6.
    NoRoute(NoRoute),
}

impl Explanation {
    async fn new(settings: &Settings, number: &PhoneNumber, kind: EventKind) -> Self {
        let (now, rules) = (Clock::System.now(), rules(settings));
        let mut live = Routes::of(settings, now).await;
        if live.unknown.is_some() {
            // As if all were well: else every route would be one that is not ready.
            live.routes.iter_mut().for_each(|route| route.health = Health::Ready);
        }
        let queue = queue(settings, now);
        let (waiting, queue_unknown) = match queue {
            Ok(waiting) => (waiting, None),
            Err(error) => (vec![], Some(error)),
        };
        let country = number.country();
        let need = Need { kind, country, excluded: &[], avoided: None, amount: 1, pin_end: None };
        let mut prospects = Prospects::new(live.routes.clone(), &rules.routing, now);
        give_places(&mut prospects, &waiting);
        let (standings, choice) = (prospects.standings(&need), prospects.choose(&need));
        let wait = match &choice {
            Choice::Take(index) | Choice::Queue { route: index, .. } => match standings[*index] {
                Standing::After(wait) => wait,
                _ => Duration::ZERO,
            },
            Choice::Wait | Choice::Nothing => Duration::ZERO,
        };
        let asked = Asked { kinds: rules.default_workflow.events(), country, send_timeout: rules.send_timeout };
        let request = if rules.allows(country, number.kind()) {
            match admit(&live.routes, &rules.routing, asked, &waiting, now) {
                Ok(()) => Request::Accepted,
                Err(no_route) => Request::NoRoute(no_route),
            }
        } else {
            Request::Unsupported
        };
        let number = number.clone();
        Self { number, kind, now, rules, live, waiting, queue_unknown, standings, choice, wait, request }
    }

    fn to_text(&self) -> String {
        let country = self.number.country().map_or("no country".to_owned(), |country| country.to_string());
        let mut text = format!("{} to {} ({country})\n", self.what(), self.number.masked());
        if let Some(why) = &self.live.unknown {
            text += &format!("by configuration and database alone, as if every route were ready: {why}\n");
        }
        if let Some(why) = &self.queue_unknown {
            text += &format!("the queue is not known: {why}\n");
        }
        text += &format!("messages due before it: {}\n\n", self.before());
        let head = ["ROUTE", "KIND", "COUNTRIES", "BUDGET LEFT", "HEALTH", "WAIT", "PRICE", "VERDICT"];
        let mut rows = vec![head.map(str::to_owned)];
        for (index, route) in self.live.routes.iter().enumerate() {
            rows.push([
                route.name.clone(),
                route.kind.as_str().to_owned(),
                countries(route),
                self.budget_left(route),
                self.live.health(route, self.now),
                self.wait_of(index).map_or("-".to_owned(), |wait| format!("{:.1} s", wait.as_secs_f64())),
                self.price(route),
                self.verdict(index),
            ]);
        }
        text += &if self.live.routes.is_empty() { "no route is configured\n".to_owned() } else { aligned(&rows) };
        text + &format!("\n{}\n{}\n", self.told_choice(), self.told_request())
    }

    fn to_json(&self) -> Value {
        let route = |(index, route): (usize, &RouteView)| {
            let since = route.health.since().filter(|_| self.live.unknown.is_none());
            json!({
                "name": route.name,
                "kind": route.kind.as_str(),
                "channels": channels(route),
                "countries": route.countries.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "state": if self.live.unknown.is_some() { "unknown" } else { route.health.as_str() },
                "state_seconds": since.map(|since| self.now.since(since).as_secs()),
                "reason": self.live.reason(route),
                "held": route.held,
                "expected_wait_seconds": self.wait_of(index).map(|wait| wait.as_secs_f64()),
                "price": route.price(self.kind, 1).to_string(),
                "budget": super::budget::to_json(&route.budget),
                "verdict": self.verdict(index),
            })
        };
        let (choice, chosen) = match &self.choice {
            Choice::Take(index) => ("take", Some(*index)),
            Choice::Queue { route, .. } => ("queue", Some(*route)),
            Choice::Wait => ("wait", None),
            Choice::Nothing => ("nothing", None),
        };
        let (status, reason) = match &self.request {
            Request::Accepted => ("0", None),
            Request::Unsupported => ("15", Some("the number's country or kind is not allowed")),
            Request::NoRoute(no_route) => ("6", Some(no_route.reason())),
        };
        json!({
            "number": self.number.masked(),
            "country": self.number.country().map(|country| country.to_string()),
            "channel": if self.kind == EventKind::Sms { "sms" } else { "voice" },
            "daemon": self.live.unknown.is_none(),
            "note": self.live.unknown,
            "waiting": self.before(),
            "currency": self.rules.currency,
            "routes": self.live.routes.iter().enumerate().map(route).collect::<Vec<_>>(),
            "choice": choice,
            "route": chosen.map(|index| self.live.routes[index].name.as_str()),
            "request": { "workflow": self.rules.default_workflow.id(), "status": status, "reason": reason },
        })
    }

    fn what(&self) -> &'static str {
        match self.kind {
            EventKind::Sms => "SMS",
            EventKind::Tts => "call",
        }
    }

    fn before(&self) -> u32 {
        self.waiting.iter().fold(0, |sum, waiting| sum.saturating_add(waiting.count))
    }

    fn wait_of(&self, index: usize) -> Option<Duration> {
        match self.standings[index] {
            Standing::After(wait) => Some(wait),
            Standing::Unused
            | Standing::OtherChannel
            | Standing::OtherCountry
            | Standing::Excluded
            | Standing::TooLong
            | Standing::NotReady
            | Standing::Avoided => None,
        }
    }

    fn budget_left(&self, route: &RouteView) -> String {
        let allowance = route.budget.of(self.kind);
        let shares = [
            ("a minute", allowance.minute),
            ("a day", allowance.day),
            ("a month", allowance.month),
            ("that its money pays", allowance.paid),
        ];
        let told = shares.into_iter().filter_map(|(of, share)| Some((of, share?)));
        let told: Vec<_> = told
            .map(|(of, share)| {
                let percent = if of == "a minute" { 0 } else { share.percent_used() };
                format!("{} of {} {of}{}", share.left, share.limit, super::budget::alarm(percent))
            })
            .collect();
        if told.is_empty() { "no limit".to_owned() } else { told.join(", ") }
    }

    fn price(&self, route: &RouteView) -> String {
        format!("{} {}", route.price(self.kind, 1), self.rules.currency)
    }

    fn verdict(&self, index: usize) -> String {
        let route = &self.live.routes[index];
        let overflow = self.rules.routing.overflow_after;
        match self.standings[index] {
            Standing::Unused => format!("not used: routing.order leaves {}s out", route.kind.as_str()),
            Standing::OtherChannel => match self.kind {
                EventKind::Sms => "sends no SMS: channels".to_owned(),
                EventKind::Tts if route.kind == RouteKind::Modem => "makes no calls: channels, voice".to_owned(),
                EventKind::Tts => "makes no calls: channels".to_owned(),
            },
            Standing::OtherCountry => "does not serve the number's country: countries".to_owned(),
            Standing::Excluded => "refused it".to_owned(),
            Standing::TooLong => "its budget never holds the message".to_owned(),
            Standing::NotReady => "not ready".to_owned(),
            Standing::Avoided => "another one first".to_owned(),
            Standing::After(_) if self.choice == Choice::Take(index) => "takes it".to_owned(),
            Standing::After(_) if matches!(self.choice, Choice::Queue { route, .. } if route == index) => {
                "takes it once there is room and budget".to_owned()
            }
            Standing::After(_) if !route.budget.of(self.kind).has(1) => "its budget is spent".to_owned(),
            Standing::After(wait) if wait > overflow => {
                format!("too long: routing.overflow_after_seconds = {}", overflow.as_secs())
            }
            Standing::After(_) => "behind the one that is taken".to_owned(),
        }
    }

    fn told_choice(&self) -> String {
        let what = self.what();
        match &self.choice {
            Choice::Take(index) => format!("the {what} would go to {} at once", self.live.routes[*index].name),
            Choice::Queue { route, .. } => {
                let name = &self.live.routes[*route].name;
                format!("the {what} would wait for {name}, about {:.0} s", self.wait.as_secs_f64())
            }
            Choice::Wait => format!("the {what} would wait until one of its routes is ready"),
            Choice::Nothing => format!("no route takes the {what}: the event would be skipped"),
        }
    }

    fn told_request(&self) -> String {
        let workflow = self.rules.default_workflow.id();
        match &self.request {
            Request::Accepted => format!("a request with workflow {workflow} would be accepted"),
            Request::Unsupported => format!(
                "a request with workflow {workflow} would be refused with status 15: [numbers] does not allow the \
                 number's country or kind"
            ),
            Request::NoRoute(no_route) => {
                format!("a request with workflow {workflow} would be refused with status 6: {}", no_route.reason())
            }
        }
    }
}

fn countries(route: &RouteView) -> String {
    let names: Vec<_> = route.countries.iter().map(ToString::to_string).collect();
    if names.is_empty() { "all".to_owned() } else { names.join(" ") }
}

fn channels(route: &RouteView) -> Vec<&'static str> {
    [(route.sms, "sms"), (route.tts, "voice")].into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
}

fn queue(settings: &Settings, now: Timestamp) -> Result<Vec<Waiting>, String> {
    let path = &settings.storage.path;
    if !Store::exists(path) {
        return Ok(vec![]);
    }
    let lanes = store::due_by_lane(path, now).map_err(|error| error.to_string())?;
    Ok(lanes.into_iter().map(|(lane, count)| Waiting { lane: Lane::read(&lane), count }).collect())
}

/// First ones before later ones, as the daemon has them but for those that have waited for long.
fn give_places(prospects: &mut Prospects, waiting: &[Waiting]) {
    let mut places = 0;
    for first in [true, false] {
        for Waiting { lane, count } in waiting.iter().filter(|waiting| waiting.lane.first == first) {
            let Lane { kind, country, avoided, excluded, .. } = lane;
            let (kind, country, avoided) = (*kind, *country, avoided.as_deref());
            let need = Need { kind, country, excluded, avoided, amount: 1, pin_end: None };
            for _ in 0..*count {
                places += 1;
                if places > PLACES_MAX {
                    return;
                }
                let choice = prospects.choose(&need);
                prospects.note(&need, &choice);
            }
        }
    }
}
