//! An HTTP provider on loopback that does to each request what a test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::harness::eventually;

/// What a provider does once it has read a request.
#[derive(Clone)]
pub enum Act {
    /// Writes this and closes.
    Say(String),
    /// Says nothing for as long as the other side waits.
    Silence,
    /// Closes without a word.
    Close,
    /// Writes this and resets the connection.
    Reset(String),
    /// Writes this, and then an octet now and then without end.
    Drip(String),
    /// Writes this, and then ten million octets.
    Flood(String),
    /// Waits for [`FakeProvider::release`], then says this.
    Hold(String),
}

/// A reply with a JSON body.
pub fn reply(status: u16, headers: &str, body: &str) -> Act {
    Act::Say(text(status, headers, body))
}

/// A whole reply as it stands on the wire.
pub fn text(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST /send HTTP/1.1`
    pub line: String,
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The first word of the text, which is the PIN.
    pub fn pin(&self) -> String {
        let text = self.json()["text"].as_str().expect("a text").to_owned();
        text.split(' ').next().expect("a word").to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

struct Shared {
    acts: Mutex<VecDeque<Act>>,
    otherwise: Mutex<Act>,
    asked: Mutex<Vec<Asked>>,
    released: Semaphore,
    open: AtomicUsize,
    most: AtomicUsize,
}

pub struct FakeProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    task: Option<JoinHandle<()>>,
}

impl FakeProvider {
    pub async fn start() -> Self {
        Self::listen("127.0.0.1:0", None).await
    }

    /// With a certificate chain and its key, files of PEM.
    pub async fn with_tls(address: &str, chain: &Path, key: &Path) -> Self {
        let chain = CertificateDer::pem_file_iter(chain).expect("a file").collect::<Result<Vec<_>, _>>();
        let (chain, key) = (chain.expect("a chain"), PrivateKeyDer::from_pem_file(key).expect("a key"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a pair");
        Self::listen(address, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(address: &str, tls: Option<TlsAcceptor>) -> Self {
        let shared = Arc::new(Shared {
            acts: Mutex::default(),
            otherwise: Mutex::new(reply(200, "", r#"{"id": "SM1"}"#)),
            asked: Mutex::default(),
            released: Semaphore::new(0),
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let mut provider = Self { address: address.parse().expect("an address"), shared, tls, task: None };
        provider.up().await;
        provider
    }

    /// Listens, again where it did before.
    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("a free port");
        self.address = listener.local_addr().expect("an address");
        let (shared, tls) = (Arc::clone(&self.shared), self.tls.clone());
        self.task = Some(tokio::spawn(accept(listener, shared, tls)));
    }

    /// Refuses connections from here on.
    pub async fn down(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// What it does to the next requests, in turn; to all that follow it does as [`Self::otherwise`] says.
    pub fn acts(&self, acts: impl IntoIterator<Item = Act>) {
        lock(&self.shared.acts).extend(acts);
    }

    /// What it does to all other requests from here on; at first it says that it took them.
    pub fn otherwise(&self, act: Act) {
        *lock(&self.shared.otherwise) = act;
    }

    /// Lets one request go on that is held.
    pub fn release(&self) {
        self.shared.released.add_permits(1);
    }

    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A provider's table for it, with further keys.
    pub fn table(&self, name: &str, keys: &str) -> String {
        let has_url = keys.lines().any(|line| line.starts_with("url ="));
        let url = if has_url { String::new() } else { format!("url = \"{}\"\n", self.url("/send")) };
        format!("[[providers]]\nname = \"{name}\"\n{url}{keys}\n")
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }

    /// The request of this place, once it has come.
    pub async fn request(&self, index: usize) -> Asked {
        eventually("a request to the provider", || self.asked().get(index).cloned()).await
    }

    /// The most requests that were open at a time.
    pub fn most(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            // Who goes away is no fault of the provider's.
            let _ = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, &shared, |_| {}).await,
                    Err(error) => Err(error),
                },
                None => serve(stream, &shared, reset).await,
            };
        });
    }
}

/// Makes the end of the connection a reset.
fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).expect("an option");
}

async fn serve<S>(mut stream: S, shared: &Shared, reset: impl Fn(&S)) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(asked) = read(&mut stream).await? else { return Ok(()) };
    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(open, Ordering::SeqCst);
    lock(&shared.asked).push(asked);
    let act = lock(&shared.acts).pop_front().unwrap_or_else(|| lock(&shared.otherwise).clone());
    let ended = act_on(&mut stream, act, shared, reset).await;
    shared.open.fetch_sub(1, Ordering::SeqCst);
    ended
}

async fn act_on<S>(stream: &mut S, act: Act, shared: &Shared, reset: impl Fn(&S)) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut ignored = [0; 64];
    match act {
        Act::Say(text) => stream.write_all(text.as_bytes()).await?,
        Act::Silence => while stream.read(&mut ignored).await? > 0 {},
        Act::Close => {}
        Act::Reset(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.flush().await?;
            reset(stream);
            return Ok(());
        }
        Act::Drip(text) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(b" ").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Act::Flood(text) => {
            stream.write_all(text.as_bytes()).await?;
            for _ in 0..1000 {
                stream.write_all(&[b' '; 10_000]).await?;
            }
        }
        Act::Hold(text) => {
            shared.released.acquire().await.expect("it is never closed").forget();
            stream.write_all(text.as_bytes()).await?;
        }
    }
    stream.shutdown().await
}

/// `None`: the other side only connected.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<Asked>> {
    let mut bytes = vec![];
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (line, head) = head.split_once("\r\n").unwrap_or((head, ""));
        let asked = Asked { line: line.to_owned(), head: head.to_owned(), body: body.to_owned() };
        let length = asked.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        if body.len() >= length {
            return Ok(Some(asked));
        }
    }
}
