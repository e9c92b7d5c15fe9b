use super::super::budget::{Allowance, Share};
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn route(name: &str) -> RouteView {
    RouteView { sms: true, room: 2, ..RouteView::new(name, RouteKind::Modem) }
}

fn provider(name: &str) -> RouteView {
    RouteView { sms: true, tts: true, room: 4, concurrency: 4, ..RouteView::new(name, RouteKind::Provider) }
}

fn share(limit: u32, left: u32, frees: u64) -> Option<Share> {
    Some(Share { limit, left, frees: Some(NOW + seconds(frees)) })
}

/// A route of which so much of a minute's budget and of a day's is left until so many seconds have passed.
fn budgeted(name: &str, minute: Option<Share>, day: Option<Share>) -> RouteView {
    let sms = Allowance { minute, day, ..Allowance::default() };
    RouteView { budget: Budget { sms, ..Budget::default() }, ..route(name) }
}

fn need() -> Need<'static> {
    Need { kind: EventKind::Sms, country: "DE".parse().ok(), excluded: &[], avoided: None, amount: 1, pin_end: None }
}

fn call() -> Need<'static> {
    Need { kind: EventKind::Tts, ..need() }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn down(since: u64) -> Health {
    Health::Down { since: NOW - seconds(since) }
}

fn policy() -> Policy {
    Policy { order: vec![RouteKind::Modem, RouteKind::Provider], overflow_after: seconds(20) }
}

fn prospects(routes: &[RouteView]) -> Prospects {
    Prospects::new(routes.to_vec(), &policy(), NOW)
}

/// The choice in few words: `take a`, `wait for a`, `wait for a until +40 s`, `wait`, `nothing`.
fn told(prospects: &Prospects, choice: &Choice) -> String {
    match choice {
        Choice::Take(index) => format!("take {}", prospects.route(*index).name),
        Choice::Queue { route, until } => {
            let until = until.map(|until| format!(" until +{} s", until.since(NOW).as_secs()));
            format!("wait for {}{}", prospects.route(*route).name, until.unwrap_or_default())
        }
        Choice::Wait => "wait".to_owned(),
        Choice::Nothing => "nothing".to_owned(),
    }
}

fn choose(routes: &[RouteView], need: Need) -> String {
    let prospects = prospects(routes);
    told(&prospects, &prospects.choose(&need))
}

/// What becomes of messages one after the other, the same ones in a row counted.
fn course(routes: &[RouteView], needs: &[Need]) -> String {
    let mut prospects = prospects(routes);
    let mut course: Vec<(String, usize)> = vec![];
    for need in needs {
        let choice = prospects.choose(need);
        prospects.note(need, &choice);
        let told = told(&prospects, &choice);
        match course.last_mut() {
            Some((last, count)) if *last == told => *count += 1,
            Some(_) | None => course.push((told, 1)),
        }
    }
    course.iter().map(|(told, count)| format!("{count} {told}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_shortest_wait_is_chosen_and_the_first_of_equals() {
    let mut routes = vec![route("a"), route("b"), route("c")];
    assert_eq!(choose(&routes, need()), "take a");
    routes[0].held = 1;
    assert_eq!(choose(&routes, need()), "take b");
    routes[1].held = 1;
    routes[1].send_time = seconds(1);
    routes[2].held = 1;
    assert_eq!(choose(&routes, need()), "take b");
    routes[1].held_calls = 1;
    assert_eq!(choose(&routes, need()), "take a", "a call in hand takes longer than an SMS");
}

#[test]
fn a_full_or_absent_route_makes_a_message_wait_and_an_unfit_one_does_not() {
    let mut routes = vec![route("a")];
    routes[0].held = 2;
    assert_eq!(choose(&routes, need()), "wait for a");
    routes[0].held = 0;
    routes[0].health = down(1);
    assert_eq!(choose(&routes, need()), "wait");
    assert_eq!(choose(&routes, call()), "nothing");
    routes[0].countries = vec!["FR".parse().expect("a country")];
    assert_eq!(choose(&routes, need()), "nothing");
    assert_eq!(choose(&routes, Need { country: None, ..need() }), "nothing");
    assert_eq!(choose(&[], need()), "nothing");
}

#[test]
fn another_route_comes_first_after_a_failure_where_one_is_ready() {
    let mut routes = vec![route("a"), route("b")];
    let retry = Need { avoided: Some("a"), ..need() };
    routes[1].held = 1;
    assert_eq!(choose(&routes, retry), "take b");
    routes[1].held = 2;
    assert_eq!(choose(&routes, retry), "wait for b");
    routes[1].health = down(1);
    assert_eq!(choose(&routes, retry), "take a");
    let excluded = ["a".to_owned()];
    assert_eq!(choose(&routes, Need { excluded: &excluded, ..need() }), "wait");
    let excluded = ["a".to_owned(), "b".to_owned()];
    assert_eq!(choose(&routes, Need { excluded: &excluded, ..need() }), "nothing");
    let routes = [route("a"), provider("p")];
    assert_eq!(choose(&routes, retry), "take p", "of whatever kind it is");
    assert_eq!(choose(&routes, Need { avoided: Some("p"), ..need() }), "take a");
}

#[test]
fn kinds_come_in_their_order_and_one_that_is_left_out_is_not_used() {
    let routes = [provider("p"), route("a")];
    let choose = |order: &[RouteKind], need: Need| {
        let prospects = Prospects::new(routes.to_vec(), &Policy { order: order.to_vec(), ..policy() }, NOW);
        told(&prospects, &prospects.choose(&need))
    };
    assert_eq!(choose(&[RouteKind::Modem, RouteKind::Provider], need()), "take a");
    assert_eq!(choose(&[RouteKind::Provider, RouteKind::Modem], need()), "take p");
    assert_eq!(choose(&[RouteKind::Modem], call()), "nothing");
    assert_eq!(choose(&[RouteKind::Modem, RouteKind::Provider], call()), "take p", "the modem has no voice");
    assert_eq!(choose(&[RouteKind::Provider], Need { avoided: Some("p"), ..need() }), "take p");
}

#[test]
fn a_modem_that_is_down_or_has_spent_its_day_leaves_the_message_to_a_provider() {
    let absent = RouteView { health: down(1), ..route("a") };
    assert_eq!(choose(&[absent, provider("p")], need()), "take p");
    let spent = budgeted("a", None, share(9, 0, 7000));
    assert_eq!(choose(&[spent.clone(), provider("p")], need()), "take p");
    let full = RouteView { held: 4, ..provider("p") };
    assert_eq!(choose(&[spent, full], need()), "wait for p until +7000 s");
    let failing = RouteView { health: Health::Failing { since: NOW }, ..provider("p") };
    assert_eq!(choose(&[RouteView { held: 2, ..route("a") }, failing], need()), "wait for a");
}

#[test]
fn what_would_wait_for_the_modem_for_too_long_goes_to_the_provider() {
    // 4 s an SMS: the sixth after two in hand waits for 20 s, the seventh for 24.
    let burst = vec![need(); 100];
    let taken = "2 take a, 4 wait for a, 4 take p";
    assert_eq!(course(&[route("a"), provider("p")], &burst[..10]), taken);
    // A provider that is busy is waited for where that is shorter than the modem's queue.
    assert_eq!(course(&[route("a"), provider("p")], &burst), format!("{taken}, 90 wait for p"));
    let slow = RouteView { send_time: seconds(10), ..provider("p") };
    assert_eq!(course(&[route("a"), slow], &burst[..22]), format!("{taken}, 9 wait for p, 1 wait for a, 2 wait for p"));
    assert_eq!(course(&[route("a")], &burst), "2 take a, 98 wait for a");
    let quick = RouteView { send_time: Duration::from_millis(300), ..route("a") };
    assert_eq!(course(&[quick, provider("p")], &burst[..60]), "2 take a, 58 wait for a");
    let two = [route("a"), route("b"), provider("p")];
    assert_eq!(
        course(&two, &burst[..16]),
        "1 take a, 1 take b, 1 take a, 1 take b, 1 wait for a, 1 wait for b, 1 wait for a, 1 wait for b, \
         1 wait for a, 1 wait for b, 1 wait for a, 1 wait for b, 4 take p"
    );
}

#[test]
fn a_call_waits_behind_calls_for_as_long_as_they_take() {
    let speaks = RouteView { tts: true, ..route("a") };
    let routes = [speaks.clone(), provider("p")];
    assert_eq!(course(&routes, &[call(), call()]), "1 take a, 1 take p");
    assert_eq!(course(&routes, &[call(), need()]), "1 take a, 1 take p", "an SMS behind a call too");
    assert_eq!(course(&routes, &[need(), call()]), "2 take a");
    let short = RouteView { call_time: seconds(15), ..speaks };
    assert_eq!(course(&[short, provider("p")], &[call(); 3]), "2 take a, 1 take p");
}

#[test]
fn a_pin_that_would_be_dead_before_its_turn_goes_another_way() {
    let dies_in = |life: u64| Need { pin_end: Some(NOW + seconds(life)), ..need() };
    let busy = RouteView { held: 2, ..route("a") };
    let routes = [busy.clone(), provider("p")];
    assert_eq!(choose(&routes, dies_in(9)), "wait for a");
    assert_eq!(choose(&routes, dies_in(8)), "take p");
    assert_eq!(choose(&[busy], dies_in(8)), "wait for a", "with no other way it gets another PIN at its turn");
}

#[test]
fn a_modem_that_stands_still_loses_what_waits_for_it() {
    let still = |since: u64| RouteView { held: 2, busy_since: Some(NOW - seconds(since)), ..route("a") };
    // 8 s are expected, and from the fourth second on it is late.
    assert_eq!(choose(&[still(0), provider("p")], need()), "wait for a until +16 s");
    assert_eq!(choose(&[still(4), provider("p")], need()), "wait for a until +12 s");
    assert_eq!(choose(&[still(16), provider("p")], need()), "wait for a until +0 s");
    assert_eq!(choose(&[still(17), provider("p")], need()), "take p");
    assert_eq!(choose(&[still(17)], need()), "wait for a", "where there is no other");
    let idle = RouteView { held: 0, ..still(1000) };
    assert_eq!(choose(&[idle, provider("p")], need()), "take a");
}

#[test]
fn of_routes_that_wait_equally_long_one_that_names_the_country_comes_first_then_the_least_used() {
    let mut routes = vec![route("a"), route("b"), route("c"), route("d")];
    for (route, used) in routes.iter_mut().zip([3, 2, 9, 8]) {
        route.budget.sms.used = used;
    }
    assert_eq!(choose(&routes, need()), "take b");
    for index in [2, 3] {
        routes[index].countries = vec!["FR".parse().expect("a country"), "DE".parse().expect("a country")];
    }
    assert_eq!(choose(&routes, need()), "take d");
    assert_eq!(choose(&routes, Need { country: "GB".parse().ok(), ..need() }), "take b");
    assert_eq!(choose(&routes, Need { country: None, ..need() }), "take b");
    routes[3].budget.sms.used = 9;
    assert_eq!(choose(&routes, need()), "take c", "of equals the first");
    routes[2].held = 1;
    routes[3].held = 1;
    assert_eq!(choose(&routes, need()), "take b", "the shortest wait comes before the country");
    routes[1].tts = true;
    routes[0].tts = true;
    routes[0].budget.sms.used = 100;
    routes[1].budget.calls.used = 1;
    assert_eq!(choose(&routes, call()), "take a", "each kind by itself");
}

#[test]
fn a_route_whose_budget_is_spent_is_passed_over_and_waited_for_where_it_is_the_only_one() {
    let spent = budgeted("a", share(9, 0, 40), None);
    assert_eq!(choose(&[spent.clone(), route("b")], need()), "take b");
    assert_eq!(choose(std::slice::from_ref(&spent), need()), "wait for a until +40 s");
    let day = budgeted("b", share(9, 5, 10), share(9, 0, 7000));
    assert_eq!(choose(&[spent.clone(), day.clone()], need()), "wait for a until +40 s");
    assert_eq!(choose(std::slice::from_ref(&day), need()), "wait for b until +7000 s");
    let absent = RouteView { health: down(1), ..spent.clone() };
    assert_eq!(choose(&[absent, day.clone()], need()), "wait for b until +7000 s", "who is down says when it returns");
    let full = RouteView { held: 2, ..route("c") };
    assert_eq!(choose(&[full, day], need()), "wait for c until +7000 s");
    let retry = Need { avoided: Some("b"), ..need() };
    assert_eq!(choose(&[spent, route("b")], retry), "take b", "rather the same route than wait for a budget");
}

#[test]
fn a_minute_that_is_over_soon_is_waited_for_and_a_longer_wait_is_not() {
    let frees = |seconds| [budgeted("a", share(9, 0, seconds), None), provider("p")];
    assert_eq!(choose(&frees(20), need()), "wait for a until +20 s");
    assert_eq!(choose(&frees(21), need()), "take p");
    // 6 a minute: each that waits for it makes the next wait for 10 s more.
    assert_eq!(
        course(&[budgeted("a", share(6, 0, 5), None), provider("p")], &[need(); 4]),
        "2 wait for a until +5 s, 2 take p"
    );
}

#[test]
fn a_message_of_two_parts_needs_two_and_a_budget_that_never_holds_two_does_not_fit() {
    let two = Need { amount: 2, ..need() };
    let one_left = budgeted("a", share(9, 1, 40), None);
    assert_eq!(choose(std::slice::from_ref(&one_left), need()), "take a");
    assert_eq!(choose(std::slice::from_ref(&one_left), two), "wait for a until +40 s");
    assert_eq!(choose(&[budgeted("a", share(9, 2, 40), share(9, 2, 40))], two), "take a");
    for tiny in [budgeted("a", share(1, 1, 40), None), budgeted("a", None, share(1, 1, 40))] {
        assert_eq!(choose(std::slice::from_ref(&tiny), need()), "take a");
        assert_eq!(choose(std::slice::from_ref(&tiny), two), "nothing");
    }
}

#[test]
fn the_minute_that_a_longer_message_waits_for_is_kept_for_it() {
    let two = Need { amount: 2, ..need() };
    let short = budgeted("a", share(9, 1, 40), share(9, 5, 7000));
    assert_eq!(course(std::slice::from_ref(&short), &[two, need()]), "1 wait for a until +40 s, 1 wait for a");
    let full = RouteView { held: 2, ..route("b") };
    assert_eq!(course(&[short.clone(), full], &[two, need()]), "1 wait for b until +40 s, 1 wait for b");
    assert_eq!(course(&[short, route("b")], &[two, need()]), "1 take b, 1 take a", "nothing waits for the minute");
    let day_short = budgeted("a", share(9, 1, 40), share(9, 1, 7000));
    assert_eq!(
        course(&[day_short], &[two, need()]),
        "1 wait for a until +7000 s, 1 take a",
        "what is left of a day may be used up"
    );
}

#[test]
fn whatever_the_routes_are_like_a_choice_is_made_and_never_of_one_that_cannot_take_it() {
    // Every combination of a few states of three routes.
    let states: [fn(&mut RouteView); 6] = [
        |_| {},
        |route| route.held = route.room,
        |route| route.health = down(5),
        |route| route.sms = false,
        |route| {
            route.budget = Budget {
                sms: Allowance { minute: share(5, 0, 30), used: 5, ..Allowance::default() },
                ..Budget::default()
            }
        },
        |route| route.busy_since = Some(NOW - seconds(100)),
    ];
    for combination in 0..states.len().pow(3) {
        let mut routes = vec![route("a"), route("b"), provider("p")];
        let mut rest = combination;
        for route in &mut routes {
            states[rest % states.len()](route);
            rest /= states.len();
        }
        let prospects = prospects(&routes);
        let carried = routes.iter().any(|route| route.sms);
        let ready = |route: &RouteView| route.sms && route.health == Health::Ready;
        match prospects.choose(&need()) {
            Choice::Take(index) => {
                assert!(ready(&routes[index]) && routes[index].free_room() > 0, "{routes:#?}");
                assert!(prospects.may_go(&need()), "{routes:#?}");
            }
            Choice::Queue { route, .. } => assert!(ready(&routes[route]), "{routes:#?}"),
            Choice::Wait => assert!(carried && !routes.iter().any(ready), "{routes:#?}"),
            Choice::Nothing => assert!(!carried, "{routes:#?}"),
        }
    }
}
