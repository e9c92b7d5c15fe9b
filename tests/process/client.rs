//! A caller of the API: one connection a request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::installation::{KEY, SECRET};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub struct Client(pub SocketAddr);

impl Client {
    /// Posts a form with the account's credentials.
    ///
    /// # Errors
    ///
    /// The connection is refused or breaks before the reply is whole.
    pub fn post(self, path: &str, form: &[(&str, &str)]) -> io::Result<Value> {
        let form: Vec<String> = form
            .iter()
            .chain(&[("api_key", KEY), ("api_secret", SECRET)])
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let (_, body) = self.exchange("POST", path, "", &form.join("&"))?;
        Ok(serde_json::from_str(&body)?)
    }

    /// Sends a request with further header lines; gives the reply's head and body.
    ///
    /// # Errors
    ///
    /// The connection is refused or breaks before the reply is whole.
    pub fn exchange(self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<(String, String)> {
        let mut stream = TcpStream::connect_timeout(&self.0, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.0,
            body.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((head.to_owned(), body.to_owned()))
    }

    /// Asks for a verification by one SMS, and gives the whole reply.
    pub fn request(self, number: &str) -> io::Result<Value> {
        self.post("/verify/json", &[("number", number), ("brand", "Acme"), ("workflow_id", "6")])
    }

    /// The id of a verification that must be accepted.
    pub fn accepted(self, number: &str) -> String {
        let reply = self.request(number).expect("a reply");
        assert_eq!(reply["status"], "0", "{reply}");
        reply["request_id"].as_str().expect("a request id").to_owned()
    }
}

/// Mobile numbers that are told apart, none with a magic ending.
pub fn number(index: usize) -> String {
    format!("49151123{:05}", 40_100 + index)
}
