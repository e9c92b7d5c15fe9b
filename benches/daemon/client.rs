//! A client of the API that costs next to nothing: one connection, kept alive, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

pub const KEY: &str = "benchmark";
pub const SECRET: &str = "benchmark-secret";

/// Each request has a number of its own, because a number is verified once at a time.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

pub struct Client {
    stream: BufReader<TcpStream>,
}

/// An accepted request.
pub struct Accepted {
    pub asked: Instant,
    /// When its reply was read.
    pub answered: Instant,
}

impl Client {
    pub fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for the verification of a number that was not asked for before.
    ///
    /// # Errors
    ///
    /// If the request is not accepted.
    pub fn verify(&mut self) -> anyhow::Result<Accepted> {
        // The last digits stay clear of the virtual modem's magic numbers.
        let number = format!("491701{:05}99", NUMBERS.fetch_add(1, Ordering::Relaxed));
        self.verify_as(&number, "")
    }

    /// Asks for a call to a number that ends so, which has a meaning for the virtual modem.
    ///
    /// # Errors
    ///
    /// If the request is not accepted.
    pub fn call(&mut self, ending: &str, pin: &str) -> anyhow::Result<Accepted> {
        let number = format!("491702{:03}{ending}", NUMBERS.fetch_add(1, Ordering::Relaxed) % 1000);
        self.verify_as(&number, &format!("&workflow_id=7&lg=en-us&pin_code={pin}"))
    }

    /// `further`: parameters beside number and brand.
    fn verify_as(&mut self, number: &str, further: &str) -> anyhow::Result<Accepted> {
        let form = format!("api_key={KEY}&api_secret={SECRET}&number={number}&brand=Bench{further}");
        let request = format!(
            "POST /verify/json HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let asked = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        let reply = self.reply()?;
        let answered = Instant::now();
        anyhow::ensure!(reply.contains("\"status\":\"0\""), "not accepted: {reply}");
        Ok(Accepted { asked, answered })
    }

    fn reply(&mut self) -> anyhow::Result<String> {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            anyhow::ensure!(self.stream.read_line(&mut line)? > 0, "the daemon closed the connection");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().context("a length")?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(String::from_utf8(body)?)
    }
}

/// Sends requests over `connections` at once, as fast as they are answered, until `enough`. Gives how many.
///
/// # Errors
///
/// If one of them is not accepted.
pub fn flood_until(address: SocketAddr, connections: u32, enough: &AtomicBool) -> anyhow::Result<u64> {
    std::thread::scope(|scope| {
        let clients = || -> anyhow::Result<u64> {
            let (mut client, mut count) = (Client::connect(address)?, 0);
            while !enough.load(Ordering::Relaxed) {
                client.verify()?;
                count += 1;
            }
            Ok(count)
        };
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(clients)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?).sum()
    })
}

/// Sends `count` requests over `connections` at once, as fast as they are answered. Gives the whole time.
///
/// # Errors
///
/// If one of them is not accepted.
pub fn flood(address: SocketAddr, connections: u32, count: u32) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|index| {
            let share = count / connections + u32::from(index < count % connections);
            std::thread::spawn(move || -> anyhow::Result<()> {
                let mut client = Client::connect(address)?;
                (0..share).try_for_each(|_| client.verify().map(drop))
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    Ok(begun.elapsed())
}
