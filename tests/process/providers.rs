//! A daemon that is killed while a provider has its request in hand sends that message once more, and never a third time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::installation::Installation;

/// More than the ten seconds until an uncertain message goes out again, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A provider that hands each request to the test, which answers it or not.
pub fn provider() -> (u16, Receiver<(String, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // Who only looks whether somebody is there sends nothing.
            if let Some(body) = body(&mut stream)
                && sender.send((body, stream)).is_err()
            {
                return;
            }
        }
    });
    (port, requests)
}

/// The provider's reply to a request.
pub fn answer(mut stream: TcpStream, status: &str, body: &Value) {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).expect("the daemon reads it");
}

/// An installation whose only route is a provider at this port.
pub fn with_provider_alone(port: u16) -> Installation {
    let installation = Installation::new();
    let text = fs::read_to_string(installation.config()).expect("a configuration");
    let modem = text.find("[[modems]]").expect("a modem's table");
    let table = format!("[[providers]]\nname = 'backup'\nurl = 'http://127.0.0.1:{port}/send'\n");
    fs::write(installation.config(), text[..modem].to_owned() + &table).expect("a configuration");
    installation
}

fn body(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

#[test]
fn a_kill_while_the_provider_has_the_request_means_one_more_message_and_no_third() {
    let (port, requests) = provider();
    let installation = with_provider_alone(port);
    let mut daemon = installation.daemon();
    let form = [("number", "447700900123"), ("brand", "Acme"), ("workflow_id", "6")];
    let reply = daemon.client().post("/verify/json", &form).expect("a reply");
    assert_eq!(reply["status"], "0", "{reply}");
    let (first, held) = requests.recv_timeout(PATIENCE).expect("a request");
    assert_eq!(installation.count("select count(*) from attempt where state = 'sending'"), 1);
    daemon.kill();
    drop(held);

    let mut again = installation.daemon();
    assert_eq!(installation.count("select count(*) from attempt where state = 'uncertain'"), 1);
    let (second, held) = requests.recv_timeout(PATIENCE).expect("the message once more");
    assert_eq!(first, second, "the same PIN");
    again.kill();
    drop(held);

    let mut last = installation.daemon();
    assert_eq!(installation.count("select count(*) from attempt where state = 'uncertain'"), 2);
    let open = "select count(*) from attempt where state in ('due', 'claimed', 'sending')";
    assert_eq!(installation.count(open), 0, "nothing is left to be sent");
    last.stop();
    assert!(requests.try_recv().is_err(), "it was sent a third time");
    installation.assert_intact();
}
