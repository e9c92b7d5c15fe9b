//! What is read from files, and what is said of them; handshakes are in `tests/process/tls.rs`.

use std::fs::{self, Permissions};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

pub(super) fn certificate_until(year: i32, month: u8, day: u8) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(year, month, day);
    (parameters.self_signed(&key).expect("a certificate"), key)
}

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificates: self.0.path().join("cert.pem"), key: self.0.path().join("key.pem") }
    }

    fn write(&self, certificate: &str, key: &str) {
        let files = self.files();
        fs::write(&files.certificates, certificate).expect("a file");
        fs::write(&files.key, key).expect("a file");
        fs::set_permissions(&files.key, Permissions::from_mode(0o600)).expect("a mode");
    }

    /// A good pair until that day.
    fn renew(&self, year: i32, month: u8, day: u8) {
        let (certificate, key) = certificate_until(year, month, day);
        self.write(&certificate.pem(), &key.serialize_pem());
    }

    fn trouble(&self) -> String {
        let error = Pair::read(&self.files()).err().expect("trouble");
        format!("{error:#}").replace(&self.0.path().display().to_string(), "/etc")
    }

    fn concerns(&self, [year, month, day]: [i64; 3]) -> String {
        let now = Timestamp::from_date_time([year, month, day], [12, 0, 0]).expect("a date");
        let concerns = Pair::read(&self.files()).expect("a pair").concerns(now);
        concerns.join("\n").replace(&self.0.path().display().to_string(), "/etc")
    }
}

#[test]
fn a_pair_that_cannot_be_used_is_told_by_setting_file_and_reason() {
    let directory = Directory::new();
    let (certificate, key) = certificate_until(2030, 1, 1);
    let (_, other_key) = certificate_until(2030, 1, 1);
    let (certificate, key, other_key) = (certificate.pem(), key.serialize_pem(), other_key.serialize_pem());
    let mut troubles = vec![directory.trouble()];
    for (certificate, key) in [
        ("", key.as_str()),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", &key),
        (&certificate, ""),
        (&certificate, &certificate),
        (&certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
        (&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        (&certificate, &other_key),
    ] {
        directory.write(certificate, key);
        troubles.push(directory.trouble());
    }
    fs::remove_file(directory.files().key).expect("a file");
    troubles.push(directory.trouble());
    insta::assert_snapshot!(troubles.join("\n"), @"
    server.tls_cert_file: cannot use /etc/cert.pem: No such file or directory (os error 2)
    server.tls_cert_file: cannot use /etc/cert.pem: it holds no certificate in PEM
    server.tls_cert_file: cannot use /etc/cert.pem: it is malformed PEM
    server.tls_key_file: cannot use /etc/key.pem: it holds no private key in PEM; one with a passphrase must be decrypted first
    server.tls_key_file: cannot use /etc/key.pem: it holds no private key in PEM; one with a passphrase must be decrypted first
    server.tls_key_file: cannot use /etc/key.pem: it holds no private key in PEM; one with a passphrase must be decrypted first
    server.tls_key_file: cannot use /etc/key.pem: it is damaged or of a kind that is not supported; take ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more
    server.tls_cert_file /etc/cert.pem and server.tls_key_file /etc/key.pem do not fit together: the first certificate must be the key's own
    server.tls_key_file: cannot use /etc/key.pem: No such file or directory (os error 2)
    ");
}

#[test]
fn a_certificate_is_spoken_of_in_its_last_fortnight_and_after() {
    let directory = Directory::new();
    directory.renew(2026, 12, 24);
    let days = [[2026, 12, 9], [2026, 12, 10], [2026, 12, 23], [2026, 12, 24]];
    insta::assert_snapshot!(days.map(|day| directory.concerns(day)).join("\n"), @"

    the certificate ends at 2026-12-24T00:00:00.000Z, in 13 days: renew it
    the certificate ends at 2026-12-24T00:00:00.000Z, in 0 days: renew it
    the certificate ended at 2026-12-24T00:00:00.000Z: clients refuse it; renew it
    ");
}

#[test]
fn files_that_everybody_may_read_or_change_are_spoken_of() {
    let directory = Directory::new();
    directory.renew(2030, 1, 1);
    let mut concerns = vec![];
    for (key, certificate) in [(0o640, 0o644), (0o644, 0o644), (0o602, 0o644), (0o600, 0o646)] {
        fs::set_permissions(directory.files().key, Permissions::from_mode(key)).expect("a mode");
        fs::set_permissions(directory.files().certificates, Permissions::from_mode(certificate)).expect("a mode");
        concerns.push(format!("{key:o} {certificate:o}: {}", directory.concerns([2026, 1, 1])));
    }
    insta::assert_snapshot!(concerns.join("\n"), @"
    640 644: 
    644 644: server.tls_key_file /etc/key.pem may be read or changed by everybody; run: chmod o= /etc/key.pem
    602 644: server.tls_key_file /etc/key.pem may be read or changed by everybody; run: chmod o= /etc/key.pem
    600 646: server.tls_cert_file /etc/cert.pem may be changed by everybody; run: chmod o-w /etc/cert.pem
    ");
}

#[test]
fn the_end_of_the_certificate_that_serves_is_told_for_metrics() {
    let directory = Directory::new();
    directory.renew(2026, 5, 1);
    let metrics = Metrics::default();
    let _tls = Tls::read(directory.files(), Clock::System, metrics.clone()).expect("a pair");
    let end = metrics.certificate_end().map(|end| end.to_string());
    assert_eq!(end.as_deref(), Some("2026-05-01T00:00:00.000Z"));
}
