//! HTTPS by the daemon itself: versions, and a certificate that is renewed while it runs.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion};

use crate::certificates::{Authority, Certified, replace};
use crate::daemon::{Daemon, message};
use crate::installation::Installation;

/// Below the time after which the daemon looks at its certificate all the same.
const SOON: Duration = Duration::from_secs(50);

struct Site {
    installation: Installation,
    authority: Authority,
}

impl Site {
    /// An installation whose daemon serves HTTPS with `certified`.
    fn new() -> (Self, Certified) {
        let site = Self { installation: Installation::new(), authority: Authority::new() };
        let certified = site.authority.certify(2040);
        site.renew(&certified);
        let text = fs::read_to_string(site.installation.config()).expect("the configuration");
        let [chain, key] = [site.chain(), site.key()].map(|path| path.display().to_string());
        let tls = format!("[server]\ntls_cert_file = '{chain}'\ntls_key_file = '{key}'\n");
        fs::write(site.installation.config(), text.replace("[server]\n", &tls)).expect("a configuration");
        (site, certified)
    }

    /// Both files at once: the link to their directory is set anew.
    fn renew(&self, certified: &Certified) {
        let link = self.installation.path("tls");
        let count = fs::read_dir(self.installation.directory.path()).expect("a directory").count();
        let (directory, next) = (self.installation.path(&format!("tls.{count}")), self.installation.path("next"));
        fs::create_dir(&directory).expect("a directory");
        certified.write(&directory.join("chain.pem"), &directory.join("key.pem"));
        symlink(directory, &next).expect("a link");
        fs::rename(next, link).expect("a move");
    }

    fn chain(&self) -> PathBuf {
        self.installation.path("tls/chain.pem")
    }

    fn key(&self) -> PathBuf {
        self.installation.path("tls/key.pem")
    }

    fn connect(&self, daemon: &Daemon, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> Connection {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.authority.pem().as_bytes());
        roots.add(root.expect("PEM")).expect("a certificate");
        let provider = rustls::crypto::ring::default_provider();
        let mut config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut connection = Connection(StreamOwned::new(client, stream(daemon.client().0)));
        connection.0.flush().expect("a handshake");
        connection
    }

    /// The certificate that a new connection is shown.
    fn shown(&self, daemon: &Daemon) -> Vec<u8> {
        self.connect(daemon, &[&TLS13], &[]).leaf()
    }
}

fn stream(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(SOON)).expect("a time-out");
    stream
}

/// DER of the first certificate of a chain.
fn leaf(certified: &Certified) -> Vec<u8> {
    CertificateDer::from_pem_slice(certified.chain.as_bytes()).expect("PEM").to_vec()
}

/// Warnings and errors but those of the modem, which is not there.
fn complaints(daemon: &Daemon) -> Vec<&str> {
    daemon.warnings().into_iter().filter(|line| line["modem"].is_null()).map(message).collect()
}

struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    fn leaf(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().expect("certificates")[0].to_vec()
    }

    /// Asks for the root by HTTP/1.1 and leaves the connection open; gives the status line.
    fn get_root(&mut self) -> String {
        self.0.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            self.0.read_exact(&mut octet).expect("a reply");
            head.push(octet[0]);
        }
        String::from_utf8(head).expect("text").lines().next().expect("a line").to_owned()
    }
}

#[test]
fn tls_1_2_and_1_3_are_spoken_with_the_whole_chain() {
    let (site, certified) = Site::new();
    let mut daemon = site.installation.daemon();
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut connection = site.connect(&daemon, &[version], &["http/1.1"]);
        assert_eq!(connection.0.conn.protocol_version(), Some(expected));
        assert_eq!(connection.0.conn.peer_certificates().map(<[_]>::len), Some(2));
        assert_eq!(connection.leaf(), leaf(&certified));
        assert_eq!(connection.get_root(), "HTTP/1.1 302 Found");
        let both = site.connect(&daemon, &[version], &["h2", "http/1.1"]);
        assert_eq!(both.0.conn.alpn_protocol(), Some(&b"h2"[..]));
    }
    assert_eq!(complaints(&daemon), Vec::<&str>::new());
    daemon.stop();
}

/// A client hello (RFC 4346 §7.4.1.2) in which nothing but the version is at fault: TLS 1.1 at most.
#[rustfmt::skip]
const HELLO_OF_TLS_1_1: [u8; 64] = [
    // A handshake record with a client hello for TLS 1.1.
    0x16, 3, 1, 0, 59, 1, 0, 0, 55, 3, 2,
    // Random, and no session.
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0,
    // ECDHE-ECDSA-AES128-GCM-SHA256, AES128-SHA; no compression.
    0, 4, 0xc0, 0x2b, 0, 0x2f, 1, 0,
    // Extensions: the signatures ecdsa_secp256r1_sha256 and rsa_pss_rsae_sha256.
    0, 10, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4,
];

#[test]
fn tls_1_1_is_refused() {
    let (site, _) = Site::new();
    let mut daemon = site.installation.daemon();
    let mut stream = stream(daemon.client().0);
    stream.write_all(&HELLO_OF_TLS_1_1).expect("a hello");
    let mut answer = vec![];
    // The connection may be reset once the alert is out.
    let _ = stream.read_to_end(&mut answer);
    let [0x15, 3, _, 0, 2, 2, description] = answer[..] else { panic!("no fatal alert: {answer:?}") };
    assert_eq!(description, 70, "protocol_version");
    daemon.stop();
}

#[test]
fn a_renewed_certificate_serves_without_a_restart_and_connections_live_on() {
    let (site, first) = Site::new();
    let mut daemon = site.installation.daemon();
    let mut old = site.connect(&daemon, &[&TLS13], &["http/1.1"]);
    assert_eq!(old.get_root(), "HTTP/1.1 302 Found");
    assert_eq!(old.leaf(), leaf(&first));

    let second = site.authority.certify(2041);
    site.renew(&second);
    let line = daemon.says(SOON, "a new certificate serves");
    assert_eq!(line["ends"], "2041-01-01T00:00:00.000Z");
    assert_eq!(site.shown(&daemon), leaf(&second));
    assert_eq!(old.get_root(), "HTTP/1.1 302 Found");
    assert_eq!(complaints(&daemon), Vec::<&str>::new());
    daemon.stop();
}

#[test]
fn a_pair_that_does_not_fit_together_keeps_the_old_one_until_it_fits() {
    let (site, first) = Site::new();
    let mut daemon = site.installation.daemon();
    let second = site.authority.certify(2041);
    replace(&site.chain(), &second.chain, 0o644);
    let line = daemon.says(SOON, "certificate not read again; the old one serves");
    assert_eq!(line["level"], "ERROR");
    let error = line["error"].as_str().expect("an error");
    for file in [site.chain(), site.key()] {
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
    assert!(!error.contains("PRIVATE"), "{error}");
    assert_eq!(site.shown(&daemon), leaf(&first));

    replace(&site.key(), "", 0o600);
    let line = daemon.says(SOON, "certificate not read again; the old one serves");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("no private key in PEM")), "{line}");
    assert_eq!(site.shown(&daemon), leaf(&first));

    replace(&site.key(), &second.key, 0o600);
    daemon.says(SOON, "a new certificate serves");
    assert_eq!(site.shown(&daemon), leaf(&second));
    daemon.stop();
}

#[test]
fn a_file_that_is_written_in_place_is_looked_at_when_it_is_whole() {
    let (site, first) = Site::new();
    let mut daemon = site.installation.daemon();
    // A first renewal tells that the files are watched.
    let second = site.authority.certify(2041);
    site.renew(&second);
    daemon.says(SOON, "a new certificate serves");

    let third = site.authority.certify(2042);
    let mut writer = File::create(site.chain()).expect("a file");
    daemon.says(SOON, "one is being written");
    // What is there for now is a whole chain, of another key.
    writer.write_all(first.chain.as_bytes()).expect("a file");
    fs::write(site.key(), &third.key).expect("a file");
    assert_eq!(site.shown(&daemon), leaf(&second));
    writer.set_len(0).and_then(|()| writer.rewind()).expect("a file");
    writer.write_all(third.chain.as_bytes()).expect("a file");
    drop(writer);
    daemon.says(SOON, "a new certificate serves");
    assert_eq!(site.shown(&daemon), leaf(&third));
    assert_eq!(complaints(&daemon), Vec::<&str>::new());
    daemon.stop();
}

/// As certbot keeps them: links in `live`, set anew at each renewal.
#[test]
fn links_that_are_set_anew_are_followed() {
    let (site, _) = Site::new();
    for directory in ["archive", "live"] {
        fs::create_dir(site.installation.path(directory)).expect("a directory");
    }
    let renew = |number: i32| {
        let certified = site.authority.certify(2040 + number);
        let names = [format!("chain{number}.pem"), format!("key{number}.pem")];
        let [chain, key] = names.clone().map(|name| site.installation.path("archive").join(name));
        certified.write(&chain, &key);
        for (link, name) in [site.chain(), site.key()].into_iter().zip(names) {
            let live = site.installation.path("live").join(link.file_name().expect("a name"));
            let _ = fs::remove_file(&live);
            symlink(format!("../archive/{name}"), &live).expect("a link");
        }
        certified
    };
    renew(1);
    let text = fs::read_to_string(site.installation.config()).expect("the configuration");
    let text = text.replace("/tls/", "/live/");
    fs::write(site.installation.config(), text).expect("a configuration");
    let mut daemon = site.installation.daemon();
    for number in [2, 3] {
        let certified = renew(number);
        daemon.says(SOON, "a new certificate serves");
        assert_eq!(site.shown(&daemon), leaf(&certified));
    }
    daemon.stop();
}

#[test]
fn sighup_looks_at_the_files() {
    let (site, _) = Site::new();
    let mut daemon = site.installation.daemon();
    let second = site.authority.certify(2041);
    second.write(&site.chain(), &site.key());
    daemon.signal(Signal::SIGHUP);
    daemon.says(SOON, "a new certificate serves");
    assert_eq!(site.shown(&daemon), leaf(&second));
    daemon.stop();
}

#[test]
fn an_old_certificate_and_a_key_that_everybody_may_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let (site, _) = Site::new();
    site.authority.certify(2021).write(&site.chain(), &site.key());
    fs::set_permissions(site.key(), fs::Permissions::from_mode(0o644)).expect("a mode");
    let mut daemon = site.installation.daemon();
    let directory = site.installation.directory.path().display().to_string();
    insta::assert_snapshot!(complaints(&daemon).join("\n").replace(&directory, "/etc"), @"
    server.tls_key_file /etc/tls/key.pem may be read or changed by everybody; run: chmod o= /etc/tls/key.pem
    the certificate ended at 2021-01-01T00:00:00.000Z: clients refuse it; renew it
    ");
    daemon.stop();
}

#[test]
fn a_pair_that_cannot_be_used_stops_the_start_and_the_check() {
    let (site, _) = Site::new();
    fs::write(site.key(), site.authority.certify(2041).key).expect("a file");
    let said = |command: &mut std::process::Command| {
        let output = command.output().expect("it runs");
        let directory = site.installation.directory.path().display().to_string();
        let said = String::from_utf8_lossy(&output.stderr).replace(&directory, "/etc");
        format!("exit {}\n{said}", output.status.code().expect("it ends by itself"))
    };
    let mut check = std::process::Command::new(crate::child::PROGRAM);
    check.env_clear().args(["config", "check", "--config"]).arg(site.installation.config());
    let (start, check) = (said(&mut site.installation.serve()), said(&mut check));
    assert_eq!(start, check);
    insta::assert_snapshot!(start, @"
    exit 78
    simverify: cannot serve HTTPS: server.tls_cert_file /etc/tls/chain.pem and server.tls_key_file /etc/tls/key.pem do not fit together: the first certificate must be the key's own
    ");
}

#[test]
fn the_doctor_looks_at_the_pair() {
    let (site, _) = Site::new();
    let line = || {
        let mut doctor = std::process::Command::new(crate::child::PROGRAM);
        let output = doctor.env_clear().args(["doctor", "--config"]).arg(site.installation.config()).output();
        let page = String::from_utf8(output.expect("it runs").stdout).expect("text");
        let line = page.lines().find(|line| line.contains("  certificate  ")).expect("a line").to_owned();
        line.replace(&site.installation.directory.path().display().to_string(), "/etc")
    };
    let sound = line();
    site.authority.certify(2021).write(&site.chain(), &site.key());
    let old = line();
    fs::write(site.key(), "").expect("a file");
    insta::assert_snapshot!([sound, old, line()].join("\n"), @"
    ok    certificate    /etc/tls/chain.pem fits its key until 2040-01-01T00:00:00.000Z
    warn  certificate    the certificate ended at 2021-01-01T00:00:00.000Z: clients refuse it; renew it
    fail  certificate    server.tls_key_file: cannot use /etc/tls/key.pem: it holds no private key in PEM; one with a passphrase must be decrypted first
    ");
}
