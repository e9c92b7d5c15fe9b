//! The SIM: removed, locked, PUK, full, exchanged.

use simverify::channel::Outcome;
use simverify::modem::driver::ModemConfig;

use crate::bench::{Bench, NAME, config, quick};

#[tokio::test(start_paused = true)]
async fn a_sim_that_is_removed_takes_the_route_out_and_its_return_starts_the_modem_up_again() {
    // With a word from the modem, and without one.
    for quiet in ["off", "on"] {
        let mut bench = Bench::start(quick().with("quiet-sim", quiet)).await;
        bench.sends().await;
        bench.control("set sim missing").await;
        bench.down().await;
        bench.says("the modem cannot send: no SIM in the modem; insert one").await;
        assert!(bench.board.reason(NAME).expect("a reason").contains("no SIM"));
        assert_eq!(bench.send().await, Outcome::Returned);
        bench.control("set sim ready").await;
        bench.ready().await;
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_meets_a_missing_sim_is_refused_for_now_and_the_route_leaves() {
    for fault in ["cms 310", "cme 10"] {
        let mut bench = Bench::start(quick()).await;
        bench.control(&format!("fault {fault}")).await;
        let outcome = bench.send().await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        bench.says("the modem cannot send: modem refused: C").await;
        bench.ready().await;
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_sim_without_a_pin_and_one_that_wants_its_puk_say_what_to_do() {
    let cases = [
        ("3", None, "the modem cannot send: SIM wants a PIN and none is configured; set sim_pin"),
        ("0", Some("1234"), "the modem cannot send: SIM is locked and wants its PUK; unlock it in a phone"),
        ("1", Some("1234"), "the modem cannot send: SIM has 1 PIN try left; none is risked"),
        ("3", Some("9999"), "the modem cannot send: SIM refused the PIN; correct sim_pin before it is tried again"),
    ];
    for (tries, pin, said) in cases {
        let pin = pin.map(|pin: &str| pin.to_owned().into());
        let locked = quick().with("profile", "quectel").with("pin", "1234").with("pin-tries", tries);
        let mut bench = Bench::start_at_once(ModemConfig { sim_pin: pin, ..config() }, locked);
        bench.says(said).await;
        assert!(!bench.is_ready());
        assert_eq!(bench.send().await, Outcome::Returned);
        // Unlocked in a phone.
        bench.control("set pin none").await;
        bench.ready().await;
        bench.sends().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_sim_stops_no_message() {
    let mut bench = Bench::start(quick()).await;
    bench.control("fill").await;
    bench.sends().await;
    assert!(bench.is_ready());
    bench.control("reboot").await;
    bench.says("the modem has restarted").await;
    bench.says("the modem is ready").await;
    bench.sends().await;
    assert_eq!(bench.received(), 2);
    bench.finish().await;
}
