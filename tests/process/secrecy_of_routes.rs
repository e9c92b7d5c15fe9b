//! What providers and calls leave behind: no PIN, no secret, no number, whatever a provider says of them.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::number;
use crate::daemon::Daemon;
use crate::installation::{Installation, KEY, SECRET};
use crate::modem::settle;
use crate::providers::{answer, provider};
use crate::secrecy::{OWN_PIN, Secrets, files, log, reports};

const SOON: Duration = Duration::from_secs(90);

const PROVIDER_SECRET: &str = "Pw6nC1dLr9Yb3Kx5";
const CALLBACK_SECRET: &str = "Cb4vT8hGz2Jm7Qs0";

/// An installation whose only route is a provider at `port`, which is told everything there is.
fn with_provider(port: u16) -> Installation {
    let installation = Installation::new();
    installation.configure("code_length = 6", "trace", &installation.link());
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let text = text.replace("[server]\n", "[server]\npublic_url = 'https://verify.example'\n");
    let modem = text.find("[[modems]]").expect("a modem's table");
    let table = format!(
        r#"
[[providers]]
name = "backup"
channels = ["sms", "voice"]
url = "http://127.0.0.1:{port}/send?key={{{{ secret }}}}&to={{{{ digits }}}}"
headers = {{ Authorization = "Bearer {{{{ secret }}}}", X-Pin = "{{{{ pin }}}}" }}
secret = "{PROVIDER_SECRET}"
callback_secret = "{CALLBACK_SECRET}"
body = '{{"to": {{{{ number | json }}}}, "text": {{{{ text | json }}}}, "pin": "{{{{ pin }}}}", "spoken": {{{{ spoken | json }}}}, "callback": {{{{ callback_url | json }}}}}}'
message_id_path = "/id"
refusal_path = "/error"
callback = {{ id = "/id", status = "/status", delivered = ["delivered"], failed = ["failed"] }}
"#
    );
    fs::write(installation.config(), text[..modem].to_owned() + &table).expect("a configuration");
    installation
}

fn requested(daemon: &Daemon, number: &str, workflow: &str) -> String {
    let form = [("number", number), ("brand", "Acme"), ("workflow_id", workflow)];
    let reply = daemon.client().post("/verify/json", &form).expect("a reply");
    assert_eq!(reply["status"], "0", "{reply}");
    reply["request_id"].as_str().expect("a request id").to_owned()
}

/// What the provider was told, and what must therefore be found nowhere.
fn told(body: &str) -> (Value, Secrets) {
    let told: Value = serde_json::from_str(body).expect("JSON");
    let word = |name: &str| told[name].as_str().expect("a text").to_owned();
    let number = word("to").trim_start_matches('+').to_owned();
    let secrets = Secrets(vec![
        (word("pin"), "PIN"),
        (word("text"), "text"),
        (word("spoken"), "spoken text"),
        (number[2..].to_owned(), "number without country code"),
        (SECRET.to_owned(), "API secret"),
        (PROVIDER_SECRET.to_owned(), "the provider's secret"),
        (CALLBACK_SECRET.to_owned(), "the secret of callbacks"),
    ]);
    (told, secrets)
}

/// Replies to requests that go wrong in every way that a stranger can think of.
fn error_bodies(daemon: &Daemon, number: &str) -> Vec<(String, Vec<u8>)> {
    let credentials = format!("api_key={KEY}&api_secret={SECRET}");
    let callback = format!("/callbacks/backup?secret={CALLBACK_SECRET}");
    let requests = [
        ("GET", format!("/verify/yaml?{credentials}&number={number}"), String::new()),
        ("GET", format!("/nowhere?{credentials}&number={number}"), String::new()),
        ("POST", "/verify/json".to_owned(), format!("{{\"api_secret\": \"{SECRET}\", \"number\": \"{number}\"")),
        ("POST", "/verify/json".to_owned(), format!("{credentials}&number=x{number}&brand=Acme&pin_code=!{OWN_PIN}")),
        ("POST", "/verify/check/xml".to_owned(), format!("{credentials}&request_id=1&code={OWN_PIN}")),
        ("PUT", format!("/verify/json?{credentials}"), number.to_owned()),
        ("POST", callback.clone(), format!("{{\"id\": \"{number}\"")),
        ("POST", format!("{callback}x"), number.to_owned()),
        ("POST", callback, format!("{{\"id\": \"nobody\", \"status\": \"delivered\", \"to\": \"{number}\"}}")),
    ];
    let replied = |(method, path, body): (&str, String, String)| {
        let (head, body) = daemon.client().exchange(method, &path, "", &body).expect("a reply");
        (format!("the reply to {method} {}", path.split('?').next().unwrap_or_default()), (head + &body).into_bytes())
    };
    requests.map(replied).to_vec()
}

#[test]
fn nothing_that_a_provider_hears_or_says_is_left_behind() {
    let (port, requests) = provider();
    let installation = with_provider(port);
    let mut daemon = installation.daemon();
    let mut places = vec![];
    let mut secrets = vec![];

    // It refuses, and repeats all that it was told.
    requested(&daemon, &number(0), "6");
    let (body, stream) = requests.recv_timeout(SOON).expect("a request");
    let (message, own) = told(&body);
    let said = format!("{} {} {PROVIDER_SECRET} {}", message["to"], message["pin"], message["text"]);
    answer(stream, "400 Bad Request", &json!({ "error": said }));
    secrets.push(own);

    // It takes a message and reports it; the person verifies.
    let request = requested(&daemon, &number(1), "6");
    let (body, stream) = requests.recv_timeout(SOON).expect("a request");
    let (message, own) = told(&body);
    answer(stream, "200 OK", &json!({ "id": "SM1", "to": message["to"], "text": message["text"] }));
    daemon.until(SOON, "the outcome", |line| line["name"] == "attempt.sent");
    let address = message["callback"].as_str().expect("an address").trim_start_matches("https://verify.example");
    let report =
        json!({ "id": "SM1", "status": "delivered", "to": message["to"], "text": message["text"] }).to_string();
    let (head, _) = daemon.client().exchange("POST", address, "", &report).expect("a reply");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    places.extend(files(&installation));
    for (code, status) in [("000000", "16"), (message["pin"].as_str().expect("a PIN"), "0")] {
        let form = [("request_id", &*request), ("code", code)];
        let reply = daemon.client().post("/verify/check/json", &form).expect("a reply");
        assert_eq!(reply["status"], status, "{reply}");
    }
    secrets.push(own);

    // It cannot call, and repeats what it was to say.
    requested(&daemon, &number(2), "7");
    let (body, stream) = requests.recv_timeout(SOON).expect("a request");
    let (message, own) = told(&body);
    answer(stream, "404 Not Found", &json!({ "error": format!("{} {}", message["spoken"], message["callback"]) }));
    secrets.push(own);

    // It never answers.
    requested(&daemon, &number(3), "6");
    let (body, stream) = requests.recv_timeout(SOON).expect("a request");
    secrets.push(told(&body).1);
    drop(stream);
    daemon.says(SOON, "it is uncertain whether a message was sent");

    let error_bodies = error_bodies(&daemon, &number(1));
    places.extend(reports(&installation));
    places.extend(files(&installation));
    for name in ["cmdline", "environ"] {
        places.push((name.to_owned(), fs::read(format!("/proc/{}/{name}", daemon.id())).expect("our process")));
    }
    daemon.stop();
    places.extend(files(&installation));
    places.push(("the log".to_owned(), log(&daemon)));
    places.extend(error_bodies);
    let reasons = "select count(*) from attempt where reason like 'HTTP 400: %***%'";
    assert_eq!(installation.count(reasons), 1, "the operator reads what was left of the reason");
    for secrets in &secrets {
        places.iter().for_each(|(place, octets)| secrets.assert_absent(octets, place));
    }
}

/// A WAV of a second and a half.
fn tone() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(vec![]);
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("a writer");
    for index in 0..12_000_i16 {
        writer.write_sample(if index % 16 < 8 { 9_000_i16 } else { -9_000 }).expect("a sample");
    }
    writer.finalize().expect("a file");
    file.into_inner()
}

#[test]
fn a_call_leaves_neither_number_nor_pin_behind_and_no_program_sees_them_in_its_arguments() {
    let installation = Installation::new();
    installation.configure("", "trace", &installation.link());
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let [wav, seen] = ["tone.wav", "seen"].map(|name| installation.path(name));
    fs::write(&wav, tone()).expect("a written file");
    let voice = format!(
        "channels = ['sms', 'voice']\nvoice = {{ kind = 'alsa', device = 'null' }}\n[tts]\nengine = 'command'\n\
         command = ['sh', '-c', 'cat > /dev/null; cat /proc/$$/cmdline /proc/$$/environ >> {}; cat {}']\n",
        seen.display(),
        wav.display()
    );
    fs::write(installation.config(), text.replace("channels = ['sms']\n", &voice)).expect("a configuration");
    let mut modem = installation.modem(&["--answer-after", "100ms"]);
    let mut daemon = installation.daemon();
    daemon.says(SOON, "the modem is ready");
    let number = number(0);
    let form = [("number", &*number), ("brand", "Acme"), ("workflow_id", "7"), ("pin_code", OWN_PIN)];
    let reply = daemon.client().post("/verify/json", &form).expect("a reply");
    assert_eq!(reply["status"], "0", "{reply}");
    let mut places = files(&installation);
    modem.process.until(SOON, "answered", |line| line["event"] == "call" && line["state"] == "answered");
    places.extend(files(&installation));
    places.extend(reports(&installation));
    let request = reply["request_id"].as_str().expect("a request id");
    let right =
        daemon.client().post("/verify/check/json", &[("request_id", request), ("code", OWN_PIN)]).expect("a reply");
    assert_eq!(right["status"], "0", "{right}");
    modem.process.until(SOON, "ended", |line| line["event"] == "call" && line["state"] == "ended");
    settle(&installation, &mut daemon);
    daemon.stop();
    places.extend(files(&installation));
    places.push(("the log".to_owned(), log(&daemon)));
    let seen = fs::read(seen).expect("the synthesiser has run");
    assert!(seen.windows(4).any(|window| window == b"cat "), "its arguments are there");
    places.push(("the synthesiser's arguments and environment".to_owned(), seen));
    let spelled = OWN_PIN.chars().map(String::from).collect::<Vec<_>>();
    let secrets = Secrets(vec![
        (OWN_PIN.to_owned(), "PIN"),
        (spelled.join(" "), "PIN as it is spelled"),
        (spelled.join(", "), "PIN as it is spelled"),
        (number[2..].to_owned(), "number without country code"),
        (SECRET.to_owned(), "API secret"),
    ]);
    places.iter().for_each(|(place, octets)| secrets.assert_absent(octets, place));
}
