use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_772_366_400_000);

fn at(seconds: u64) -> Timestamp {
    NOON + Duration::from_secs(seconds)
}

fn ledger(per_minute: u32, per_day: u32) -> Ledger {
    let limit = |limit: u32| (limit > 0).then_some(limit);
    Ledger::new(Limits { per_minute: limit(per_minute), per_day: limit(per_day), per_month: None })
}

/// Does what each line says and tells what is left: `+ SECONDS` and `- SECONDS` move the clock, `take N AMOUNT`, `count
/// N` and `back N` are an attempt's.
fn converse(mut ledger: Ledger, script: &str) -> String {
    let mut now = NOON;
    let mut said = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<u32>().expect("a number");
        let attempt = |index: usize| AttemptId::new(i64::from(number(index)));
        match words[0] {
            "+" => now = now + Duration::from_secs(number(1).into()),
            "-" => now = now - Duration::from_secs(number(1).into()),
            "take" => ledger.take(attempt(1), number(2)),
            "count" => assert!(ledger.count(attempt(1), now)),
            "back" => assert!(ledger.give_back(attempt(1))),
            word => panic!("{word}"),
        }
        let set_back = ledger.bring_up_to(now);
        let Allowance { minute, day, used, .. } = ledger.allowance();
        let share = |name: &str, share: Option<Share>| {
            share.map(|share| {
                let frees = share.frees.map(|at| format!(" at {}", (at.as_millis() - NOON.as_millis()) / 1000));
                format!(", {name} {}{}", share.left, frees.unwrap_or_default())
            })
        };
        let shares: String = [share("minute", minute), share("day", day)].into_iter().flatten().collect();
        let clock = if set_back { ", the clock was set back" } else { "" };
        said += &format!("{line}: used {used}{shares}{clock}\n");
    }
    said
}

#[test]
fn a_share_is_held_until_the_outcome_and_counts_for_the_window_from_there() {
    let script = "
        take 1 1
        take 2 2
        + 50
        count 1
        back 2
        take 3 3
        + 59
        count 3
        + 1
        + 59
        + 86281
        + 58
        + 1";
    insta::assert_snapshot!(converse(ledger(4, 10), script), @"
    take 1 1: used 1, minute 3, day 9
    take 2 2: used 3, minute 1, day 7
    + 50: used 3, minute 1, day 7
    count 1: used 3, minute 1 at 110, day 7 at 86450
    back 2: used 1, minute 3 at 110, day 9 at 86450
    take 3 3: used 4, minute 0 at 110, day 6 at 86450
    + 59: used 4, minute 0 at 110, day 6 at 86450
    count 3: used 4, minute 0 at 110, day 6 at 86450
    + 1: used 4, minute 1 at 169, day 6 at 86450
    + 59: used 4, minute 4, day 6 at 86450
    + 86281: used 3, minute 4, day 7 at 86509
    + 58: used 3, minute 4, day 7 at 86509
    + 1: used 0, minute 4, day 10
    ");
}

#[test]
fn a_clock_that_is_set_back_sticks_no_budget_and_frees_none() {
    let script = "
        take 1 1
        count 1
        + 30
        take 2 1
        count 2
        - 3600
        + 59
        + 1";
    insta::assert_snapshot!(converse(ledger(2, 2), script), @"
    take 1 1: used 1, minute 1, day 1
    count 1: used 1, minute 1 at 60, day 1 at 86400
    + 30: used 1, minute 1 at 60, day 1 at 86400
    take 2 1: used 2, minute 0 at 60, day 0 at 86400
    count 2: used 2, minute 0 at 60, day 0 at 86400
    - 3600: used 2, minute 0 at -3510, day 0 at 82830, the clock was set back
    + 59: used 2, minute 0 at -3510, day 0 at 82830
    + 1: used 2, minute 2, day 0 at 82830
    ");
}

#[test]
fn a_clock_that_jumps_ahead_frees_what_is_older_than_the_window_by_it() {
    let script = "
        take 1 1
        take 2 1
        count 1
        + 3600
        count 2";
    insta::assert_snapshot!(converse(ledger(2, 2), script), @"
    take 1 1: used 1, minute 1, day 1
    take 2 1: used 2, minute 0, day 0
    count 1: used 2, minute 0 at 60, day 0 at 86400
    + 3600: used 2, minute 1, day 0 at 86400
    count 2: used 2, minute 1 at 3660, day 0 at 86400
    ");
}

#[test]
fn instants_a_little_out_of_order_are_no_clock_that_was_set_back() {
    let mut ledger = ledger(2, 0);
    ledger.used(at(10), 1);
    assert!(!ledger.bring_up_to(at(10) - CLOCK_SLACK));
    ledger.used(at(9), 1);
    let frees = |ledger: &Ledger| ledger.allowance().minute.and_then(|minute| minute.frees);
    assert_eq!(frees(&ledger), Some(at(70)));
    ledger.bring_up_to(at(70) - Duration::from_millis(1));
    assert_eq!(ledger.allowance().minute.map(|minute| minute.left), Some(0));
    ledger.bring_up_to(at(70));
    assert_eq!(ledger.allowance().minute.map(|minute| minute.left), Some(2));
    assert!(ledger.bring_up_to(at(0)), "the day still holds both");
}

#[test]
fn a_message_waits_for_the_later_of_two_windows_and_for_an_outcome_where_nothing_is_known() {
    let share = |limit, left, frees: Option<u64>| Some(Share { limit, left, frees: frees.map(at) });
    let allowance = |minute, day| Allowance { minute, day, ..Allowance::default() };
    let short = allowance(share(5, 1, Some(60)), share(9, 1, Some(7000)));
    assert!(short.has(1) && !short.has(2) && short.can_hold(5) && !short.can_hold(6));
    assert_eq!(short.frees(1), None, "nothing is lacking");
    assert_eq!(short.frees(2), Some(at(7000)));
    assert!(!short.lacks_minute_alone(2));
    let minute = allowance(share(5, 1, Some(60)), share(9, 8, Some(7000)));
    assert_eq!((minute.frees(2), minute.lacks_minute_alone(2)), (Some(at(60)), true));
    assert_eq!(allowance(share(5, 0, None), None).frees(1), None);
    assert_eq!(allowance(share(5, 0, Some(60)), share(9, 0, None)).frees(1), None);
    let spent = allowance(None, share(9, 0, Some(240)));
    assert!(spent.is_spent_until(at(240)) && !spent.is_spent_until(at(241)));
    assert!(allowance(None, share(9, 0, None)).is_spent_until(at(240)));
    assert!(!Allowance::default().is_spent_until(at(240)) && Allowance::default().has(u32::MAX));
}

#[test]
fn no_window_wherever_it_begins_holds_more_than_the_limit() {
    // Attempts are claimed whenever the ledger allows, and their bytes leave at any instant before their outcome.
    let mut random = 7_u64;
    let mut draw = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut ledger = ledger(5, 0);
    let mut in_hand: Vec<(AttemptId, u64, u32)> = vec![];
    let mut sent: Vec<(u64, u32)> = vec![];
    for second in 0..5000 {
        ledger.bring_up_to(at(second));
        let amount = u32::try_from(1 + draw(2)).expect("small");
        if ledger.allowance().has(amount) && in_hand.len() < 2 {
            let attempt = AttemptId::new(i64::try_from(second).expect("small"));
            ledger.take(attempt, amount);
            in_hand.push((attempt, second, amount));
        }
        if !in_hand.is_empty() && draw(9) == 0 {
            let (attempt, taken, amount) = in_hand.remove(0);
            if draw(4) == 0 {
                ledger.give_back(attempt);
            } else {
                sent.push((taken + draw(second - taken + 1), amount));
                ledger.count(attempt, at(second));
            }
        }
    }
    assert!(sent.len() > 100, "{}", sent.len());
    for (begin, _) in &sent {
        let within = sent.iter().filter(|(at, _)| (*begin..begin + 60).contains(at));
        let sum: u32 = within.map(|(_, amount)| amount).sum();
        assert!(sum <= 5, "{sum} from {begin}");
    }
}

#[test]
fn a_month_holds_beside_the_day_and_frees_after_31_days() {
    let mut ledger = Ledger::new(Limits { per_day: Some(3), per_month: Some(4), ..Limits::default() });
    for (attempt, day) in [(1, 0), (2, 0), (3, 0), (4, 10)] {
        let now = at(day * 86_400);
        ledger.bring_up_to(now);
        assert!(ledger.allowance().has(1), "{attempt}");
        ledger.take(AttemptId::new(attempt), 1);
        assert!(ledger.count(AttemptId::new(attempt), now));
    }
    ledger.bring_up_to(at(11 * 86_400));
    let allowance = ledger.allowance();
    assert_eq!((allowance.day.map(|share| share.left), allowance.has(1)), (Some(3), false));
    assert_eq!(allowance.frees(1), Some(at(31 * 86_400)));
    assert!(allowance.is_spent_until(at(31 * 86_400)) && !allowance.is_spent_until(at(31 * 86_400 + 1)));
    assert!(!allowance.lacks_minute_alone(1));
    ledger.bring_up_to(at(31 * 86_400));
    assert_eq!(ledger.allowance().month.map(|share| share.left), Some(3));
}

#[test]
fn an_operator_is_told_once_at_50_80_and_100_percent_and_again_only_after_it_was_clearly_less() {
    let mut ledger = Ledger::new(Limits { per_day: Some(10), ..Limits::default() });
    let mut told = vec![];
    for attempt in 1..=10 {
        ledger.take(AttemptId::new(attempt), 1);
        told.extend(ledger.alarms().into_iter().map(|alarm| (attempt, alarm.window, alarm.percent)));
    }
    assert_eq!(told, [(5, "day", 50), (8, "day", 80), (10, "day", 100)]);
    for attempt in [10, 9] {
        ledger.give_back(AttemptId::new(attempt));
        assert_eq!(ledger.alarms(), []);
    }
    ledger.take(AttemptId::new(11), 2);
    assert_eq!(ledger.alarms().len(), 1, "it had fallen to 80 percent");
    ledger.give_back(AttemptId::new(11));
    ledger.take(AttemptId::new(12), 1);
    assert_eq!(ledger.alarms(), []);
}

#[test]
fn money_is_told_in_messages_of_its_price_and_comes_back_as_it_leaves_the_windows() {
    let mut spending = Spending::new(SpendLimits { per_day: Some(100), per_month: Some(130) });
    let price = crate::verification::Money::from_units(30);
    let left = |spending: &Spending| spending.spend().in_messages(price).map(|share| (share.left, share.limit));
    assert_eq!(left(&spending), Some((3, 3)));
    spending.take(AttemptId::new(1), 30);
    spending.take(AttemptId::new(2), 60);
    assert_eq!(left(&spending), Some((0, 3)));
    assert_eq!(spending.alarms().len(), 2, "80 percent of the day, 50 of the month");
    assert!(spending.give_back(AttemptId::new(1)) && spending.count(AttemptId::new(2), NOON));
    assert_eq!(left(&spending), Some((1, 3)));
    spending.bring_up_to(at(86_400));
    assert_eq!(left(&spending), Some((2, 3)), "the month remembers 60 of 130");
    let month = spending.spend().in_messages(price).and_then(|share| share.frees);
    assert_eq!(month, Some(at(31 * 86_400)));
    assert_eq!(spending.spend().in_messages(crate::verification::Money::ZERO), None, "what is free is never short");
}
