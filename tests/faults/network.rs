//! The network: lost, denied, foreign; and what it says to a message.

use simverify::channel::{Outcome, RefusalClass};
use simverify::modem::driver::ModemConfig;

use crate::bench::{Bench, NAME, config, quick};

#[tokio::test(start_paused = true)]
async fn a_lost_network_takes_the_route_out_at_once_and_its_return_brings_it_back() {
    for state in ["0", "2", "4"] {
        let mut bench = Bench::start(quick()).await;
        bench.control(&format!("register {state}")).await;
        bench.down().await;
        bench.says("the modem is not registered with a network; waiting for it").await;
        assert_eq!(bench.send().await, Outcome::Returned, "not tried without a network");
        assert!(bench.board.reason(NAME).expect("a reason").contains("not registered"));
        bench.control("register 1").await;
        bench.ready().await;
        let line = bench.says("the modem is ready").await;
        assert!(line.contains("Simverify"), "the operator's name: {line}");
        assert_eq!(bench.board.reason(NAME), None);
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_denies_the_sim_is_said_in_its_own_words() {
    let mut bench = Bench::start(quick()).await;
    bench.control("register 3").await;
    bench.down().await;
    bench.says("the network denies this SIM: ask its operator whether it is active, paid and not blocked").await;
    assert!(bench.board.reason(NAME).expect("a reason").contains("denies this SIM"));
    bench.control("register 1").await;
    bench.ready().await;
    bench.sends().await;
    bench.finish().await;
    // From the start too, and once.
    let mut bench = Bench::start_at_once(config(), quick().with("registration", "3"));
    bench.says("the network denies this SIM").await;
    tokio::time::sleep(std::time::Duration::from_secs(1800)).await;
    assert_eq!(bench.said("the network denies this SIM"), 1);
    assert!(!bench.is_ready());
    bench.control("register 1").await;
    bench.ready().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn roaming_is_used_where_it_is_allowed_and_said_where_it_is_forbidden() {
    let mut bench = Bench::start(quick().with("registration", "5")).await;
    bench.sends().await;
    bench.finish().await;
    let forbidden = ModemConfig { roaming: false, ..config() };
    let mut bench = Bench::start_at_once(forbidden, quick().with("registration", "5"));
    bench.says("only a foreign network is there, and roaming is forbidden: set roaming = true").await;
    assert!(!bench.is_ready());
    assert_eq!(bench.send().await, Outcome::Returned);
    assert_eq!(bench.received(), 0);
    bench.control("register 1").await;
    bench.ready().await;
    bench.sends().await;
    bench.control("register 5").await;
    bench.down().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_network_have_the_outcome_that_their_class_asks_for() {
    use RefusalClass::{Final, OtherRoute, Temporary};
    let cases = [
        (1, Some(Final)),
        (28, Some(Final)),
        (21, Some(OtherRoute)),
        (38, Some(Temporary)),
        (42, Some(Temporary)),
        (330, Some(OtherRoute)),
        (500, Some(Temporary)),
        // In doubt.
        (332, None),
    ];
    let mut bench = Bench::start(quick()).await;
    for (code, expected) in cases {
        bench.control(&format!("fault cms {code}")).await;
        match (bench.send().await, expected) {
            (Outcome::Refused { class, reason }, Some(expected)) => {
                assert_eq!(class, expected, "{code}");
                assert!(reason.starts_with(&format!("modem refused: CMS {code}, ")), "{reason}");
            }
            (Outcome::Uncertain { .. }, None) => {}
            (other, _) => panic!("{code}: {other:?}"),
        }
        assert!(bench.is_ready(), "{code}");
    }
    bench.sends().await;
    bench.finish().await;
}
