//! The listening side: sockets, TLS, limits. Knows nothing of what is asked.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
pub use actix_web::dev::{Server, ServerHandle};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpServer};

pub use super::connection::Shares;
use super::{Api, site};

/// What callers may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that speak HTTP. They never wait for a disk or a modem, so that a few are enough.
    pub workers: usize,
    /// Open connections, for each worker; further ones wait to be accepted.
    pub connections_max: usize,
    /// How long an idle connection is kept: above the 60 s after which proxies by default drop theirs, so that no
    /// request meets a connection that is just being closed.
    pub keep_alive: Duration,
    /// From a connection's first byte to the end of a request's head.
    pub head_timeout: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub shutdown_timeout: Duration,
}

impl Limits {
    /// For a machine with `cores` processors.
    pub fn for_cores(cores: usize) -> Self {
        Self {
            workers: cores.clamp(1, 4),
            connections_max: 1024,
            keep_alive: Duration::from_secs(75),
            head_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// Serves the API on `listeners`; further as [`serve_site`].
///
/// # Errors
///
/// If a listener cannot be used.
pub fn serve(
    listeners: Vec<TcpListener>,
    api: Api,
    limits: Limits,
    shares: Shares,
    tls: Option<rustls::ServerConfig>,
) -> io::Result<Server> {
    serve_site(listeners, move || site(api.clone()), limits, shares, tls)
}

/// Serves a site on `listeners`, with TLS if `tls` says how. Runs once it is awaited, until its handle stops it: it
/// takes no signals itself.
///
/// # Errors
///
/// If a listener cannot be used.
pub fn serve_site<F, S, B>(
    listeners: Vec<TcpListener>,
    site: F,
    limits: Limits,
    shares: Shares,
    tls: Option<rustls::ServerConfig>,
) -> io::Result<Server>
where
    F: Fn() -> actix_web::App<S> + Send + Clone + 'static,
    S: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let mut server = HttpServer::new(site)
        .on_connect(move |io, connection| shares.connected(io, connection))
        .workers(limits.workers)
        .max_connections(limits.connections_max)
        .keep_alive(limits.keep_alive)
        .tcp_nodelay(true)
        .client_request_timeout(limits.head_timeout)
        .tls_handshake_timeout(limits.head_timeout)
        .shutdown_timeout(limits.shutdown_timeout.as_secs())
        .disable_signals();
    for listener in listeners {
        server = match &tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls.clone())?,
            None => server.listen(listener)?,
        };
    }
    Ok(server.run())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_a_core_but_four_at_most() {
        let workers = [0, 1, 3, 64].map(|cores| Limits::for_cores(cores).workers);
        assert_eq!(workers, [1, 1, 3, 4]);
    }
}
