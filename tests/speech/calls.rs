//! Calls through a virtual modem of each family that takes sound, as the phone behind it hears them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use simverify::channel::{CallScript, Outcome};
use simverify::modem::by_hand::{self, PinQuestion};
use simverify::modem::calling::{Said, Studio, Voice};
use simverify::modem::driver::ModemConfig;
use simverify::modem::port::PortAddress;
use simverify::phone::PhoneNumber;
use simverify::simulator::{Settings, Simulators};
use simverify::speech::{Engine, Speech};

use crate::child::Process;
use crate::recogniser::{english, listen, rendered};

/// Makes with a port for sound, each with a switch of its own.
const FAMILIES: [(&str, &str); 3] = [("sim7600", "4711"), ("huawei", "3027"), ("quectel", "1402")];
const NUMBER: &str = "447700900123";

/// A call and what is rendered for it, on a busy machine.
const CALL: Duration = Duration::from_secs(120);

async fn never(_: PinQuestion) -> bool {
    panic!("the SIM has no PIN")
}

/// One call through a virtual modem of this make; the phone's recording lies in `directory` then.
async fn call(make: &str, script: CallScript, speech: Arc<Speech>, directory: &Path) -> Outcome {
    let simulators = Simulators::default();
    let settings = Settings::default().with("profile", make).with("boot", "0").with("answer-after", "1s");
    let simulator = simulators.start(make, settings);
    simulator.record(directory.join(make)).await.expect("a directory");
    let address = PortAddress::Simulator(make.to_owned());
    let config = ModemConfig {
        name: make.to_owned(),
        address: address.clone(),
        baud_rate: 115_200,
        profile: None,
        sim_pin: None,
        roaming: true,
        delivery_reports: false,
        voice: Voice::Port(address),
        readings: 3,
    };
    let port = simulator.open().await.expect("a port");
    let number = PhoneNumber::parse(NUMBER, None).expect("a number");
    let said = Said::Pin { script, readings: 3 };
    by_hand::call(port, &config, number, said, Studio { speech, simulators }, never).await.expect("a modem")
}

#[tokio::test]
async fn a_call_through_each_family_of_modems_is_understood() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // The synthesiser takes its time, and what it says is kept. The calls wait for none.
    let speech = Arc::new(Speech::new(Engine::EspeakNg));
    for hears_keys in [false, true] {
        rendered(&speech, &english(FAMILIES[0].1), hears_keys).await;
    }
    tokio::time::pause();
    for (make, pin) in FAMILIES {
        let outcome = call(make, english(pin), Arc::clone(&speech), directory.path()).await;
        assert!(matches!(outcome, Outcome::Spoken { .. }), "{outcome:?}");
    }
    let files = FAMILIES.map(|(make, _)| directory.path().join(make).join("call-1.wav"));
    let heard = listen(4, files.iter().map(std::path::PathBuf::as_path));
    assert_eq!(heard, FAMILIES.map(|(_, pin)| (pin.to_owned(), 3)));
}

/// Asks the daemon's API by curl, as a person would.
fn ask(address: &str, path: &str, form: &[(&str, &str)]) -> serde_json::Value {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", &format!("http://{address}{path}")]);
    for (name, value) in form.iter().chain(&[("api_key", "k1"), ("api_secret", "Sq7uP2xWmB94tRkZ")]) {
        curl.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    let output = curl.output().expect("curl");
    serde_json::from_slice(&output.stdout).expect("a reply in JSON")
}

#[test]
fn a_call_through_a_sound_card_is_understood() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    // ALSA's plugin that writes what is played into a file, at the pace of a card.
    let card = format!("pcm.phone {{ type file slave.pcm \"null\" file \"{}\" format \"raw\" }}\n", path("heard.raw"));
    std::fs::write(path(".asoundrc"), card).expect("a file");
    let settings = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"\"\nstorage.path = \"{}\"\nstorage.key_file = \"{}\"\n\
         log = {{ level = \"debug\", format = \"json\" }}\n[[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\nprofile = \"simcom\"\n\
         voice = {{ kind = \"alsa\", device = \"phone\" }}\n",
        path("simverify.db"),
        path("master.key")
    );
    std::fs::write(path("simverify.toml"), settings).expect("a file");
    let program = |arguments: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_simverify"));
        program.env("HOME", directory.path()).arg("--config").arg(path("simverify.toml")).args(arguments);
        program
    };
    let added = program(&["account", "add", "shop", "--key", "k1", "--secret", "Sq7uP2xWmB94tRkZ"]).output();
    assert!(added.expect("the program starts").status.success());
    let mut serve = program(&["serve"]);
    let mut daemon =
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let log = daemon.stderr.take().expect("standard error is a pipe");
    let mut daemon = Process::new(daemon, log);
    let says = |what: &'static str| move |line: &serde_json::Value| line["message"] == what;
    let listening = daemon.until(CALL, "address", says("listening"));
    let address = listening["address"].as_str().expect("an address").to_owned();
    let request = [("number", NUMBER), ("brand", "Acme"), ("workflow_id", "7"), ("pin_code", "4172"), ("lg", "en-us")];
    let reply = ask(&address, "/verify/json", &request);
    assert_eq!(reply["status"], "0", "{reply}");
    daemon.until(CALL, "end of the call", says("the call is over"));
    drop(daemon);
    let raw = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"];
    let converted = Command::new("sox").args(raw).args([path("heard.raw"), path("heard.wav")]).status();
    assert!(converted.expect("sox").success());
    assert_eq!(listen(4, [Path::new(&path("heard.wav"))]), [("4172".to_owned(), 3)]);
}
