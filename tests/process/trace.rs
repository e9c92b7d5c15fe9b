//! From a reply to its lines in the log, by the trace id.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, number};
use crate::daemon::message;
use crate::installation::{Installation, KEY, SECRET};
use crate::modem::settle;

const SOON: Duration = Duration::from_secs(90);

/// Form of a request that is in order.
fn form(index: usize) -> String {
    format!("api_key={KEY}&api_secret={SECRET}&number={}&brand=Acme", number(index))
}

/// The trace id in a reply's head.
fn trace_id(head: &str) -> String {
    let mut ids = head.lines().filter_map(|line| line.strip_prefix("x-trace-id: "));
    let id = ids.next().unwrap_or_else(|| panic!("no trace id: {head}")).to_owned();
    assert_eq!((id.len(), ids.next()), (16, None), "{head}");
    id
}

/// The text of an XML element, or of a JSON field.
fn field(body: &str, name: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(json) => json[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned(),
        Err(_) => {
            let from = body.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {body}")).1;
            from.split_once('<').expect("an end").0.to_owned()
        }
    }
}

/// Makes every request a fault of ours.
fn break_database(installation: &Installation) {
    installation.database().execute_batch("alter table verification rename to elsewhere").expect("a change");
}

/// Whether every face names the fault by the id of its header; gives the ids.
fn provoke(client: Client) -> Vec<String> {
    let search = format!("api_key={KEY}&api_secret={SECRET}&request_id=abababababababababababababababab");
    let requests = [
        ("/verify/json", form(0)),
        ("/verify/xml", form(0)),
        ("/verify", form(0)),
        ("/verify/search/json", search.clone()),
        ("/verify/search", search),
    ];
    requests
        .map(|(path, form)| {
            let (head, body) = client.exchange("POST", path, "", &form).expect("a reply");
            assert_eq!(field(&body, "status"), "5", "{path}: {body}");
            let id = trace_id(&head);
            assert_eq!(field(&body, "trace_id"), id, "{path}");
            id
        })
        .to_vec()
}

#[test]
fn a_fault_of_ours_is_found_by_its_id_once_with_its_cause() {
    let installation = Installation::new();
    installation.configure("", "info", &installation.link());
    let mut daemon = installation.daemon();
    break_database(&installation);
    let ids = provoke(daemon.client());
    for id in &ids {
        daemon.has_said(SOON, "fault", |line| line["trace_id"] == **id);
    }
    daemon.stop();
    for id in &ids {
        let lines: Vec<&Value> = daemon.seen.iter().filter(|line| line.to_string().contains(id.as_str())).collect();
        let [line] = lines[..] else { panic!("{id} stands in {} lines", lines.len()) };
        assert_eq!(line["level"], "ERROR");
        assert_eq!(message(line), "a request failed by a fault of ours");
        let cause = line["error"].as_str().expect("a cause");
        assert!(cause.contains("no such table: verification"), "{cause}");
    }
}

#[test]
fn a_log_in_text_tells_the_same() {
    let installation = Installation::new();
    let text = fs::read_to_string(installation.config()).expect("the configuration");
    let text =
        text.replace("format = 'json'", "format = 'text'").replace("simverify=debug,info", "warn,simverify::cli=info");
    fs::write(installation.config(), text).expect("a configuration");
    let mut child =
        installation.serve().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    let listening = log.find(|line| line.contains("listening")).expect("it listens");
    let (_, address) = listening.split_once("address=\"").expect("an address");
    let client = Client(address.split_once('"').expect("an end").0.parse().expect("one address"));
    break_database(&installation);
    let ids = provoke(client);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id().cast_signed()), nix::sys::signal::Signal::SIGTERM)
        .expect("it runs");
    let lines: Vec<String> = log.collect();
    assert_eq!(child.wait().expect("a status").code(), Some(0));
    for id in ids {
        let found: Vec<&String> = lines.iter().filter(|line| line.contains(&id)).collect();
        let [line] = found[..] else { panic!("{id} stands in {} lines:\n{}", found.len(), lines.join("\n")) };
        assert!(line.contains("ERROR") && line.contains("no such table: verification"), "{line}");
    }
}

#[test]
fn the_way_of_a_request_is_found_from_its_id() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let (head, body) = daemon.client().exchange("POST", "/verify/json", parent, &form(0)).expect("a reply");
    let (id, request) = (trace_id(&head), field(&body, "request_id"));
    modem.shows(1, SOON);
    settle(&installation, &mut daemon);
    daemon.stop();

    let of_request = |line: &&Value| line["trace_id"] == *id && line["name"] == "request.answered";
    let answered = daemon.seen.iter().find(of_request).expect("a line with the id");
    assert_eq!(answered["request_id"], *request);
    assert_eq!(answered["caller_trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn every_reply_carries_an_id() {
    let installation = Installation::new();
    let mut daemon = installation.daemon();
    let large = "a".repeat(65 * 1024);
    let requests = [
        ("GET", "/", "", "302 Found"),
        ("HEAD", "/", "", "302 Found"),
        ("DELETE", "/", "", "405 Method Not Allowed"),
        ("GET", "/verify", "", "405 Method Not Allowed"),
        ("PUT", "/verify/json", "", "405 Method Not Allowed"),
        ("POST", "/verify/yaml", "", "404 Not Found"),
        ("GET", "/nothing", "", "404 Not Found"),
        ("POST", "/verify/json", large.as_str(), "413 Payload Too Large"),
        ("POST", "/verify", "", "401 Unauthorized"),
        ("GET", "/verify/xml", "", "200 OK"),
    ];
    let mut ids: Vec<String> = requests
        .iter()
        .map(|(method, path, body, status)| {
            let (head, _) = daemon.client().exchange(method, path, "", body).expect("a reply");
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{method} {path}: {head}");
            trace_id(&head)
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), requests.len(), "each its own");
    daemon.stop();
}
