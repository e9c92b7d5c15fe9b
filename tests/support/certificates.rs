//! A certificate authority of a test's own, and what it certifies.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut parameters = CertificateParams::new(vec![]).expect("no names");
        // OpenSSL takes a certificate that names its issuer as itself for self-signed.
        parameters.distinguished_name.push(DnType::CommonName, "authority of a test");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("a certificate"))
    }

    /// Its own certificate, for clients to trust.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A chain and a key for `localhost` and 127.0.0.1, valid until the first day of that year.
    pub fn certify(&self, until: i32) -> Certified {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("names");
        parameters.distinguished_name.push(DnType::CommonName, "localhost");
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(until, 1, 1);
        // RFC 5280 §4.2.1.1: strict verifiers, Python's among them, look for it.
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("a key");
        let leaf = parameters.signed_by(&key, &self.0).expect("a certificate");
        Certified { chain: leaf.pem() + &self.0.pem(), key: key.serialize_pem() }
    }
}

pub struct Certified {
    /// PEM, the leaf first.
    pub chain: String,
    /// PEM.
    pub key: String,
}

impl Certified {
    /// Puts the two files in their places, each whole, as tools that renew do; the key with mode 0600.
    pub fn write(&self, chain: &Path, key: &Path) {
        replace(chain, &self.chain, 0o644);
        replace(key, &self.key, 0o600);
    }
}

/// Puts another file in the place of this one.
pub fn replace(path: &Path, contents: &str, mode: u32) {
    let new = path.with_extension("new");
    fs::write(&new, contents).expect("a file");
    fs::set_permissions(&new, Permissions::from_mode(mode)).expect("a mode");
    fs::rename(new, path).expect("a move");
}
