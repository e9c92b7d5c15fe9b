//! A modem that is dead, or only seems to live: the recovery ladder.

use std::time::Duration;

use simverify::channel::register::ModemFact;
use simverify::channel::{Outcome, RefusalClass};

use crate::bench::{Bench, quick};

/// What the log says of the ladder, in order.
fn steps(log: &str) -> Vec<String> {
    let field = |line: &str, name: &str| {
        let value = line.split(&format!("{name}=")).nth(1).unwrap_or_default();
        value.split_whitespace().next().unwrap_or_default().to_owned()
    };
    log.lines()
        .filter(|line| line.contains("rung="))
        .map(|line| {
            let (level, said) = line.trim_start().split_once(' ').unwrap_or_default();
            let (_, said) = said.split_once(": ").unwrap_or_default();
            let text = said.split(" modem=").next().unwrap_or_default();
            let pause = match field(line, "pause_ms") {
                none if none.is_empty() => none,
                pause => format!(", after {pause} ms"),
            };
            format!("{level} {text}: {}{pause}", field(line, "rung"))
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_dead_modem_climbs_the_ladder_with_growing_pauses_and_each_rung_is_in_the_log() {
    let mut bench = Bench::start(quick()).await;
    bench.control("hang 30m").await;
    bench.down().await;
    bench.says("whatever is tried; check its power, cable and SIM").await;
    bench.says("the last step did not help").await;
    insta::assert_snapshot!(steps(&bench.log()).join("\n"), @"
    WARN the modem does not answer; recovering: 1, after 0 ms
    WARN the last step did not help: 1
    WARN the modem does not answer; recovering: 2, after 1000 ms
    WARN the last step did not help: 2
    WARN the modem does not answer; recovering: 3, after 2000 ms
    INFO ATZ was sent: 3
    WARN the last step did not help: 3
    WARN the modem does not answer; recovering: 4, after 4000 ms
    INFO the reset was sent: 4
    WARN the last step did not help: 4
    WARN the modem does not answer; recovering: 2, after 8000 ms
    ");
    assert_eq!(bench.board.reason("sim1").as_deref(), Some("the modem does not answer"));
    bench.says("the modem answers again").await;
    bench.says("the modem is ready").await;
    assert_eq!(bench.board.reason("sim1"), None);
    let happened = bench.board.register().unrecorded();
    let rungs = happened.iter().filter_map(|happening| match &happening.fact {
        ModemFact::Step { rung, .. } => Some(format!("step {rung}")),
        ModemFact::StepEnded { rung, helped } => Some(format!("{rung} helped: {helped}")),
        ModemFact::Exhausted { .. } => Some("exhausted".to_owned()),
        ModemFact::Ready { down } => Some(format!("ready, was down: {}", down.is_some())),
        _ => None,
    });
    let rungs: Vec<_> = rungs.collect();
    let first = [
        "ready, was down: true",
        "step 1",
        "1 helped: false",
        "step 2",
        "2 helped: false",
        "step 3",
        "3 helped: false",
        "step 4",
        "exhausted",
        "4 helped: false",
    ];
    assert_eq!(rungs[..first.len()], first);
    assert!(rungs[rungs.len() - 2].ends_with("helped: true"), "{rungs:?}");
    assert_eq!(rungs.last().map(String::as_str), Some("ready, was down: true"));
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_dies_leaves_routing_at_once_and_comes_back_by_itself() {
    let mut bench = Bench::start(quick()).await;
    let died = tokio::time::Instant::now();
    bench.control("hang 90s").await;
    // Two questions that stay without an answer.
    bench.down().await;
    assert!(died.elapsed() < Duration::from_secs(60), "{:?}", died.elapsed());
    // What comes meanwhile goes back untouched, for another route.
    assert_eq!(bench.send().await, Outcome::Returned);
    bench.ready().await;
    assert!(died.elapsed() < Duration::from_secs(180), "{:?}", died.elapsed());
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_dies_with_a_message_in_hand_leaves_it_uncertain_and_recovers() {
    let mut bench = Bench::start(quick().with("submit-latency", "5s")).await;
    bench.begin().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.control("hang 100s").await;
    let outcome = bench.outcome().await;
    assert!(matches!(outcome, Outcome::Uncertain { .. }), "{outcome:?}");
    bench.down().await;
    bench.ready().await;
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_answers_and_never_sends_leaves_routing_and_is_set_up_anew_then_reset() {
    for fault in ["cms 500 x4", "cms 331 x4", "cms 302 x4", "error x4", "silence x4"] {
        let mut bench = Bench::start(quick()).await;
        bench.control(&format!("fault {fault}")).await;
        for _ in 0..3 {
            let outcome = bench.send().await;
            let is_ours =
                matches!(outcome, Outcome::Refused { class: RefusalClass::Temporary, .. } | Outcome::Uncertain { .. });
            assert!(is_ours, "{fault}: {outcome:?}");
        }
        bench.down().await;
        let line = bench.says("the modem answers and sends nothing; recovering").await;
        assert!(line.contains("rung=3"), "{fault}: {line}");
        assert!(bench.says("ATZ was sent").await.contains("answer=\"OK\""), "{fault}");
        bench.ready().await;
        // One more is one too many.
        bench.send().await;
        let line = bench.says("the modem answers and sends nothing; recovering").await;
        assert!(line.contains("rung=4"), "{fault}: {line}");
        let line = bench.says("the reset was sent").await;
        assert!(line.contains("AT+CFUN=1,1") && line.contains("answer=\"OK\""), "{fault}: {line}");
        bench.ready().await;
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_number_that_the_network_refuses_is_not_taken_for_a_broken_modem_at_once() {
    let mut bench = Bench::start(quick()).await;
    for _ in 0..4 {
        bench.begin_to("447700900017").await;
        assert!(matches!(bench.outcome().await, Outcome::Refused { class: RefusalClass::Temporary, .. }));
    }
    bench.sends().await;
    assert_eq!(bench.said("recovering"), 0);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_vanishes_again_and_again_is_said_to_lack_power() {
    let mut bench = Bench::start(quick()).await;
    for _ in 0..3 {
        bench.control("unplug 1").await;
        bench.down().await;
        bench.ready().await;
    }
    let line = bench.says("vanishes or restarts again and again").await;
    assert!(line.contains("power supply"), "{line}");
    bench.sends().await;
    bench.finish().await;
}
