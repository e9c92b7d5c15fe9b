//! A daemon that is killed in the middle of a call leaves no phone off the hook.

use std::fs;
use std::time::Duration;

use crate::installation::Installation;

/// From a start to the modem's first commands, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A synthesiser that hums, and a sound card that swallows everything.
pub fn speaking() -> Installation {
    let installation = Installation::new();
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let voice = "channels = ['sms', 'voice']\nvoice = { kind = 'alsa', device = 'null' }\n\
                 [tts]\nengine = 'command'\ncommand = ['sh', '-c', \
                 'cat > /dev/null; sox -q -n -r 8000 -b 16 -c 1 -t wav - synth 0.2 sine 700']\n";
    fs::write(installation.config(), text.replace("channels = ['sms']\n", voice)).expect("a configuration");
    installation
}

#[test]
fn after_a_kill_in_the_middle_of_a_call_the_modem_is_hung_up_at_once() {
    let installation = speaking();
    let mut modem = installation.modem(&["--answer-after", "100ms"]);
    let mut daemon = installation.daemon();
    daemon.says(PATIENCE, "the modem is ready");
    let form = [("number", "491511234567"), ("brand", "Acme"), ("workflow_id", "7")];
    let reply = daemon.client().post("/verify/json", &form).expect("a reply");
    assert_eq!(reply["status"], "0", "{reply}");
    modem.process.until(PATIENCE, "answered", |line| line["event"] == "call" && line["state"] == "answered");
    daemon.kill();
    let mut again = installation.daemon();
    let ended = modem.process.until(PATIENCE, "ended", |line| line["event"] == "call" && line["state"] == "ended");
    // The speech takes more than twenty seconds; who hung up is the daemon.
    assert!(ended["seconds"].as_u64().expect("a number") < 20, "{ended}");
    again.says(PATIENCE, "the modem is ready");
    // Whether it rang is not known: the call is uncertain, and is made once more.
    let uncertain = "select count(*) from attempt where state = 'uncertain'";
    assert_eq!(installation.count(uncertain), 1);
    modem.process.until(PATIENCE, "answered", |line| line["event"] == "call" && line["state"] == "answered");
    again.stop();
    installation.assert_intact();
}
