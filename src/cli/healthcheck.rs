//! `simverify healthcheck`: asks the running daemon's admin listener how it is, for containers and scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use std::io::{Read, Write};

use clap::Args;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::{Exit, Failure, Global, OrExit, Outcome, print};
use crate::config::Settings;

/// For the connection and for each read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Octets of an answer: a line for each route.
const ANSWER_MAX: u64 = 256 * 1024;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Whether it runs, and not whether it can send
    #[arg(long)]
    live: bool,
    /// Say how each part is
    #[arg(long, conflicts_with = "live")]
    verbose: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let settings = global.configuration()?.settings;
    let path = match (arguments.live, arguments.verbose) {
        (true, _) => "/livez",
        (false, true) => "/readyz?verbose",
        (false, false) => "/readyz",
    };
    let (status, text) = ask(&settings, path)?;
    print(&text)?;
    match status {
        200 => Ok(()),
        _ => Err(Exit::Unavailable.because(anyhow::anyhow!("the daemon is not ready; --verbose says why"))),
    }
}

fn ask(settings: &Settings, path: &str) -> Result<(u16, String), Failure> {
    let Some(listen) = settings.admin.listen.first() else {
        let off = "admin.listen is empty, and the admin listener is the one to ask: set it to an address on loopback";
        return Err(Exit::Config.because(anyhow::anyhow!(off)));
    };
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let cannot = format!("no daemon answers on {address}");
    let stream = TcpStream::connect_timeout(&address, PATIENCE).or_exit(Exit::Unavailable, cannot.clone())?;
    let timeouts = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    timeouts.or_exit(Exit::Io, cannot.clone())?;
    let answer = match settings.admin.tls {
        false => exchange(stream, address, path).or_exit(Exit::Unavailable, cannot.clone())?,
        true => {
            let tls = tls(address).or_exit(Exit::Unavailable, cannot.clone())?;
            exchange(StreamOwned::new(tls, stream), address, path).or_exit(Exit::Unavailable, cannot.clone())?
        }
    };
    read(&answer)
        .ok_or_else(|| Exit::Unavailable.because(anyhow::anyhow!("what answers on {address} is no daemon of ours")))
}

/// Where a listener on all addresses can be reached.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn exchange(mut stream: impl Read + Write, address: SocketAddr, path: &str) -> std::io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = vec![];
    match stream.take(ANSWER_MAX).read_to_end(&mut answer) {
        // Some ends of TLS come without their farewell.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        result => drop(result?),
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Status and body.
fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body.to_owned()))
}

fn tls(address: SocketAddr) -> Result<ClientConnection, rustls::Error> {
    let provider = ring::default_provider();
    let trust = Arc::new(OwnListener(provider.signature_verification_algorithms));
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::from(address.ip()))
}

/// Takes any certificate: the listener is asked by its address, for which certificates are not made, and hears no secret.
#[derive(Debug)]
struct OwnListener(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for OwnListener {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_loopback() {
        let reached =
            ["0.0.0.0", "::", "192.0.2.7"].map(|text| reachable(text.parse().expect("an address")).to_string());
        assert_eq!(reached, ["127.0.0.1", "::1", "192.0.2.7"]);
    }

    #[test]
    fn an_answer_is_a_status_and_a_body() {
        assert_eq!(
            read("HTTP/1.1 503 Service Unavailable\r\na: b\r\n\r\nnot ready\n"),
            Some((503, "not ready\n".to_owned()))
        );
        for text in ["", "SSH-2.0", "HTTP/1.1 x\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
