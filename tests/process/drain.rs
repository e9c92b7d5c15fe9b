//! SIGTERM: what is in the modem's hands finishes, what is not waits for the next start.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::client::number;
use crate::installation::{Installation, OPEN_ATTEMPTS};

const SOON: Duration = Duration::from_secs(90);

#[test]
fn a_stop_finishes_the_message_in_hand_and_keeps_the_rest() {
    let installation = Installation::new();
    let mut modem = installation.modem(&["--submit-latency", "1s"]);
    let mut daemon = installation.daemon();
    let client = daemon.client();
    for index in 0..4 {
        client.accepted(&number(index));
    }
    daemon.says(SOON, "message body");
    daemon.signal(Signal::SIGTERM);
    daemon.says(SOON, "stopping");
    // Those that arrive before the socket is closed are accepted and kept; soon none is.
    let mut asked = 4;
    while asked < 100 {
        match client.request(&number(asked)) {
            Ok(reply) => assert_eq!(reply["status"], "0", "{reply}"),
            Err(_) => break,
        }
        asked += 1;
    }
    assert!(asked < 100, "requests are accepted during the stop");
    assert_eq!(daemon.ended(SOON).code(), Some(0));
    // On a busy machine the signal may come when the next one is in hand.
    let sent = installation.count("select count(*) from attempt where state = 'sent'");
    assert!((1..4).contains(&sent), "{sent}");
    // A request that broke off may have been accepted too.
    let kept = installation.count("select count(*) from attempt where state = 'due'");
    assert_eq!(installation.count(OPEN_ATTEMPTS), kept);

    modem.control("set submit-latency 0");
    let mut daemon = installation.daemon();
    crate::modem::settle(&installation, &mut daemon);
    daemon.stop();
    modem.stop();
    assert!(modem.shown.len() >= asked, "{} of {asked}", modem.shown.len());
    assert!(modem.shown.values().all(|(times, _)| *times == 1), "{:?}", modem.shown.keys());
}
