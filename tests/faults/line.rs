//! Faults on the line: timeouts, unsolicited lines, echo, line ends, pieces, garbage, restarts.

use std::time::Duration;

use simverify::channel::{Outcome, RefusalClass};

use crate::bench::{Bench, config, quick};

fn is_uncertain(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Uncertain { .. })
}

fn is_temporary(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused { class: RefusalClass::Temporary, .. })
}

#[tokio::test(start_paused = true)]
async fn every_timeout_is_bounded_wherever_the_modem_falls_silent() {
    // One command line after another of start-up and work: each meets a modem that hangs there for two minutes.
    for lines in [1, 2, 3, 5, 8, 12, 16, 20, 24, 28, 32, 36, 40] {
        let settings = quick().with("hang-after", &lines.to_string()).with("hang-for", "2m");
        let mut bench = Bench::start_at_once(config(), settings);
        bench.says("the modem does not answer; recovering").await;
        assert!(!bench.is_ready(), "after {lines} lines");
        let silent = bench.started.elapsed();
        assert!(silent < Duration::from_secs(300), "after {lines} lines: {silent:?}");
        bench.control("set hang-after 0").await;
        bench.ready().await;
        let recovered = bench.started.elapsed() - silent;
        assert!(recovered < Duration::from_secs(300), "after {lines} lines: {recovered:?}");
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_never_answered_is_uncertain_after_its_time() {
    let mut bench = Bench::start(quick()).await;
    bench.control("fault silence").await;
    let begun = tokio::time::Instant::now();
    let outcome = bench.send().await;
    assert!(is_uncertain(&outcome), "{outcome:?}");
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(45) && took < Duration::from_secs(50), "{took:?}");
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_never_comes_is_a_temporary_refusal_and_nothing_was_sent() {
    let mut bench = Bench::start(quick()).await;
    bench.control("fault no-prompt x2").await;
    let outcome = bench.send().await;
    assert!(is_temporary(&outcome), "{outcome:?}");
    assert_eq!(bench.received(), 0);
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn unsolicited_lines_anywhere_neither_starve_a_message_nor_end_it() {
    for profile in ["generic", "sim800", "sim7600", "quectel", "huawei"] {
        let settings = quick().with("profile", profile).with("flood", "1ms").with("latency", "20ms");
        let mut bench = Bench::start(settings.with("submit-latency", "200ms").with("report-first", "on")).await;
        for _ in 0..5 {
            bench.sends().await;
        }
        assert!(bench.started.elapsed() < Duration::from_secs(60), "{profile}: {:?}", bench.started.elapsed());
        assert_eq!(bench.received(), 5, "{profile}");
        // A thousand complaints a second of the SIM800 are one line.
        assert!(bench.said("complains about its power supply") <= 1, "{profile}");
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn echo_may_be_on_or_off_and_may_not_be_turned_off() {
    for echo in ["commanded", "always", "never"] {
        let mut bench = Bench::start(quick().with("echo", echo)).await;
        bench.sends().await;
        assert_eq!(bench.received(), 1, "{echo}");
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn lines_may_end_with_cr_or_lf_or_both_or_more() {
    for end in ["crlf", "lf", "cr", "crcrlf"] {
        for prompt in ["standard", "bare", "cr"] {
            let mut bench = Bench::start(quick().with("line-end", end).with("prompt", prompt)).await;
            bench.sends().await;
            bench.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_may_come_split_or_merged() {
    for (chunk, gap) in [("1", "1ms"), ("2", "0"), ("3", "5ms"), ("7", "30ms"), ("0", "0")] {
        let settings = quick().with("chunk", chunk).with("chunk-gap", gap).with("echo", "always");
        let mut bench = Bench::start(settings.with("report-first", "on")).await;
        bench.sends().await;
        bench.sends().await;
        assert_eq!(bench.received(), 2, "in chunks of {chunk}");
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_hurts_no_message_and_garbage_without_line_ends_fills_no_memory() {
    let mut bench = Bench::start(quick()).await;
    bench.control("set garbage 40").await;
    for _ in 0..10 {
        bench.control("garbage 4096").await;
        let outcome = bench.send().await;
        // Noise may swallow an answer; it never makes one up.
        assert!(!matches!(outcome, Outcome::Refused { class: RefusalClass::Final, .. }), "{outcome:?}");
    }
    bench.control("set garbage 0").await;
    bench.ready().await;
    bench.sends().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_is_slower_than_a_timeout_shifts_no_answers() {
    // From the start: an AT has one second.
    for latency in ["900ms", "1200ms", "1500ms", "1800ms"] {
        let mut bench = Bench::start(quick().with("profile", "sim7600").with("latency", latency)).await;
        let line = bench.says("the modem is started").await;
        assert!(line.contains("model=\"SIMCOM_SIM7600E-H\" profile=\"sim7600\""), "{latency}: {line}");
        bench.sends().await;
        bench.finish().await;
    }
    let mut bench = Bench::start(quick()).await;
    // Slower than the ten seconds of a question about registration.
    bench.control("set latency 11s").await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    bench.control("set latency 20ms").await;
    bench.ready().await;
    for _ in 0..3 {
        bench.sends().await;
    }
    assert_eq!(bench.received(), 3);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reboot_in_the_middle_is_noticed_by_rdy_and_by_boot() {
    // The lines of one start may come apart, and a stick may repeat its ^BOOT: what comes this long after is a start.
    let apart = Duration::from_secs(90);
    for profile in ["generic", "sim800", "sim7600", "quectel", "huawei"] {
        let mut bench = Bench::start(quick().with("profile", profile)).await;
        bench.sends().await;
        // Idle.
        tokio::time::sleep(apart).await;
        bench.control("reboot").await;
        let line = bench.says("the modem has restarted; starting it up again").await;
        assert!(line.starts_with("WARN"), "{line}");
        bench.says("the modem is ready").await;
        // With a message that waits for its prompt.
        tokio::time::sleep(apart).await;
        bench.control("set latency 300ms").await;
        bench.begin().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.control("reboot").await;
        let outcome = bench.outcome().await;
        assert!(is_temporary(&outcome) || outcome == Outcome::Returned, "{profile}: {outcome:?}");
        bench.control("set latency 0").await;
        bench.says("the modem is ready").await;
        assert_eq!(bench.received(), 1, "{profile}: nothing went out");
        // With a message whose Ctrl-Z is out.
        tokio::time::sleep(apart).await;
        bench.control("fault reboot").await;
        let begun = tokio::time::Instant::now();
        let outcome = bench.send().await;
        assert!(is_uncertain(&outcome), "{profile}: {outcome:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{profile}: {:?}", begun.elapsed());
        bench.ready().await;
        bench.sends().await;
        bench.finish().await;
    }
}
