//! A fake HTTP provider on loopback that answers slowly, fails, resets, and loses replies to what it took.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use simverify::random::Random;

use crate::course::below;
use crate::ledger::{Ledger, Turn};
use crate::modem::deliver;
use crate::site::Gate;

/// The route's name.
pub const ROUTE: &str = "backup";

/// How long the daemon waits for a reply, in seconds.
const TIMEOUT: u64 = 3;

/// Larger bodies are none of ours.
const BODY_MAX: usize = 64 * 1024;

pub struct Provider {
    address: SocketAddr,
}

impl Provider {
    pub fn start(seed: u64, ledger: Arc<Ledger>, turns: mpsc::Sender<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let random = Random::seeded(seed);
        std::thread::spawn(move || {
            // Ends with the process: nobody else closes a listening socket.
            for stream in listener.incoming().flatten() {
                let (random, ledger, turns) = (random.clone(), Arc::clone(&ledger), turns.clone());
                std::thread::spawn(move || {
                    // A connection that breaks is the daemon's to get over.
                    let _ = serve(&stream, &random, &ledger, &turns);
                });
            }
        });
        Self { address }
    }

    pub fn configuration(&self) -> String {
        format!(
            "[[providers]]\nname = '{ROUTE}'\nchannels = ['sms']\nurl = 'http://{}/send'\n\
             body = '{{\"to\": {{{{ number | json }}}}, \"text\": {{{{ text | json }}}}}}'\n\
             timeout_seconds = {TIMEOUT}\nmessage_id_path = '/id'\n",
            self.address
        )
    }
}

fn serve(mut stream: &TcpStream, random: &Random, ledger: &Ledger, turns: &mpsc::Sender<Turn>) -> std::io::Result<()> {
    let fate = below(random, 100);
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    if fate < 5 {
        ledger.count("provider: connections dropped before the body was read");
        return Ok(());
    }
    let mut body = vec![0; length.min(BODY_MAX)];
    reader.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let take = |what: &str| {
        ledger.count(format!("provider: {what}"));
        deliver(&field("to"), ROUTE, &field("text"), ledger, turns);
    };
    let (status, text) = match fate {
        5..15 => {
            ledger.count("provider: replies of 500");
            ("500 Internal Server Error", "{}")
        }
        15..20 => {
            ledger.count("provider: replies of 429");
            ("429 Too Many Requests\r\nRetry-After: 1", "{}")
        }
        20..28 => {
            take("messages taken, the reply lost");
            return Ok(());
        }
        28..33 => {
            take("messages taken, the reply too late");
            Gate::default().closes_within(Duration::from_secs(TIMEOUT + 1));
            ("200 OK", r#"{"id": "late"}"#)
        }
        33..50 => {
            Gate::default().closes_within(Duration::from_millis(800));
            take("messages taken slowly");
            ("200 OK", r#"{"id": "slow"}"#)
        }
        _ => {
            take("messages taken");
            ("200 OK", r#"{"id": "quick"}"#)
        }
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}
