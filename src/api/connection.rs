//! What one connection, and all connections of one origin, may take.
//!
//! A connection that reads nothing is ended by the kernel, one above its origin's share at once, and so is one with more
//! requests under way than a client of ours has reason for: HTTP/2 lets it open any number, and stop reading their replies.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

use crate::origin::{Origin, Proxies};

/// How long what was sent may stay unread, or what is to be sent may find no room at the other end.
const UNREAD_MAX: Duration = Duration::from_secs(30);

/// Requests under way on one connection of HTTP/2. Browsers and libraries keep to a hundred by themselves.
const STREAMS_MAX: usize = 128;

/// The connections of all origins.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// For each origin; none: as many as there are.
    pub connections_max: Option<usize>,
    /// These speak for many origins.
    pub proxies: Arc<Proxies>,
    open: Arc<Mutex<HashMap<Origin, usize>>>,
}

/// One connection, for as long as it is open.
#[derive(Debug)]
pub struct Connection {
    _share: Option<Share>,
    streams: Arc<AtomicUsize>,
    /// Of connections that may carry HTTP/2.
    socket: Option<Socket>,
}

/// A request under way on a connection.
#[derive(Debug)]
pub struct Stream(Arc<AtomicUsize>);

#[derive(Debug)]
struct Share {
    origin: Origin,
    open: Arc<Mutex<HashMap<Origin, usize>>>,
}

impl Shares {
    pub fn new(connections_max: Option<usize>, proxies: Arc<Proxies>) -> Self {
        Self { connections_max, proxies, open: Arc::default() }
    }

    /// For each new connection, before its first request.
    pub fn connected(&self, io: &dyn Any, connection: &mut Extensions) {
        let (stream, is_tls) = match (io.downcast_ref::<TcpStream>(), io.downcast_ref::<TlsStream<TcpStream>>()) {
            (Some(stream), _) => (stream, false),
            (None, Some(stream)) => (stream.get_ref().0, true),
            (None, None) => return,
        };
        let socket = SockRef::from(stream);
        // It fails only if the connection has ended already, and then there is no peer either.
        let _ = socket.set_tcp_user_timeout(Some(UNREAD_MAX));
        let Ok(peer) = stream.peer_addr() else { return };
        if let Some(share) = self.admit(&socket, peer.ip()) {
            let socket = is_tls.then(|| socket.try_clone().ok()).flatten();
            connection.insert(Connection { _share: share, streams: Arc::default(), socket });
        }
    }

    /// The connection's share, where it needs one; `None`: there is none left, and the connection ends.
    fn admit(&self, socket: &Socket, peer: IpAddr) -> Option<Option<Share>> {
        match self.take(peer) {
            Some(Err(Exhausted)) => {
                tracing::debug!(
                    name: "connection.address_full",
                    "closed a connection: its address has as many as it may"
                );
                let _ = socket.shutdown(Shutdown::Both);
                None
            }
            Some(Ok(share)) => Some(Some(share)),
            None => Some(None),
        }
    }

    /// `None`: nobody counts them.
    fn take(&self, peer: IpAddr) -> Option<Result<Share, Exhausted>> {
        let max = self.connections_max?;
        // Who is on the machine itself has other ways to hold it up.
        if self.proxies.trusts(peer) || peer.to_canonical().is_loopback() {
            return None;
        }
        let origin = Origin::of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(origin).or_default();
        if *count >= max {
            return Some(Err(Exhausted));
        }
        *count += 1;
        Some(Ok(Share { origin, open: Arc::clone(&self.open) }))
    }
}

#[derive(Debug)]
struct Exhausted;

impl Connection {
    /// Counts a request; one too many ends the connection.
    pub fn begin(&self) -> Stream {
        if self.streams.fetch_add(1, Ordering::Relaxed) >= STREAMS_MAX
            && let Some(socket) = &self.socket
        {
            tracing::debug!(
                name: "connection.streams_full",
                "closed a connection: it has more requests under way than it may"
            );
            let _ = socket.shutdown(Shutdown::Both);
        }
        Stream(Arc::clone(&self.streams))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_origin_has_its_share_and_gets_back_what_it_closes() {
        let shares = Shares::new(Some(2), Arc::default());
        let first = shares.take(ip("2001:db8::1"));
        let second = shares.take(ip("2001:db8::2"));
        assert!(matches!((&first, &second), (Some(Ok(_)), Some(Ok(_)))));
        assert!(matches!(shares.take(ip("2001:db8::3")), Some(Err(Exhausted))), "one network, one share");
        assert!(matches!(shares.take(ip("2001:db8:0:1::3")), Some(Ok(_))));
        drop(first);
        assert!(matches!(shares.take(ip("2001:db8::3")), Some(Ok(_))));
        drop(second);
        assert!(shares.open.lock().expect("a lock").is_empty(), "nothing is kept of those that are gone");
    }

    #[tokio::test]
    async fn a_connection_above_the_share_ends_at_once() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let shares = Shares::new(Some(1), Arc::default());
        let mut held = vec![];
        for is_admitted in [true, false] {
            let mut client = tokio::net::TcpStream::connect(address).await.expect("a connection");
            let (stream, _) = listener.accept().await.expect("a connection");
            let share = shares.admit(&SockRef::from(&stream), ip("192.0.2.1"));
            assert_eq!(share.is_some(), is_admitted);
            if !is_admitted {
                let read = tokio::io::AsyncReadExt::read(&mut client, &mut [0]).await;
                assert_eq!(read.expect("an end"), 0);
            }
            held.push((client, stream, share));
        }
    }

    #[test]
    fn a_trusted_proxy_and_the_machine_itself_have_no_share() {
        let trusted = vec!["10.0.0.1/32".parse().expect("a network")];
        let proxies = Arc::new(Proxies { trusted, ..Proxies::default() });
        let shares = Shares::new(Some(0), proxies);
        for address in ["10.0.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(shares.take(ip(address)).is_none(), "{address}");
        }
        assert!(matches!(shares.take(ip("10.0.0.2")), Some(Err(Exhausted))));
    }
}
