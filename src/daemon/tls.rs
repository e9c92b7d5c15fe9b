//! Certificate and key of the public listener, read again when their files change.
//!
//! A renewal replaces two files, one after the other and each in its own way: written over, renamed over, a link set
//! anew. Whatever is found then is used as a pair that fits together, or not at all: until the next such pair the
//! present one serves. Connections keep what they began with.

mod validity;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::clock::{Clock, Timestamp};
use crate::config::TlsFiles;
use crate::metrics::Metrics;
use crate::watch::{Change, Watch};

/// From the last sign of a change to the look: long enough for the other file of a renewal.
const SETTLE: Duration = Duration::from_millis(500);

/// A writer of one of the files is waited for so long. The present pair serves meanwhile.
const WRITING_MAX: Duration = Duration::from_secs(30);

/// Looks that a writer may spoil, one after the other. The next one counts all the same.
const SPOILT_MAX: usize = 3;

/// How often to look all the same: for file systems that tell nothing, and for the certificate that grows old.
const RECHECK: Duration = Duration::from_secs(60);

/// Before its end a certificate is spoken of. Renewal is usual with thirty days left, so that it has failed for a while.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);

/// A certificate with its key, as it was found.
pub struct Pair {
    key: Arc<CertifiedKey>,
    /// `None`: it could not be read from the certificate, which serves all the same.
    pub not_after: Option<Timestamp>,
    /// What an operator should know of the files.
    exposed: Option<String>,
}

impl Pair {
    /// # Errors
    ///
    /// Names the setting and the file, and what is wrong with them.
    pub fn read(files: &TlsFiles) -> anyhow::Result<Self> {
        let chain = read_chain(&files.certificates)
            .with_context(|| format!("server.tls_cert_file: cannot use {}", files.certificates.display()))?;
        let key =
            read_key(&files.key).with_context(|| format!("server.tls_key_file: cannot use {}", files.key.display()))?;
        let not_after = chain.first().and_then(|certificate| validity::not_after(certificate));
        let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| unfit(files, &error))?;
        Ok(Self { key: Arc::new(key), not_after, exposed: exposed(files) })
    }

    /// What works, but is to be looked at. Of a certificate's end it is said anew each day.
    pub fn concerns(&self, now: Timestamp) -> Vec<String> {
        self.exposed.iter().cloned().chain(self.old_age(now)).collect()
    }

    fn old_age(&self, now: Timestamp) -> Option<String> {
        let end = self.not_after.filter(|end| *end <= now + ENDS_SOON)?;
        Some(match end.since(now).as_secs() / 86_400 {
            _ if end <= now => format!("the certificate ended at {end}: clients refuse it; renew it"),
            days => format!("the certificate ends at {end}, in {days} days: renew it"),
        })
    }
}

fn read_chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(said)?;
    if chain.is_empty() {
        bail!("it holds no certificate in PEM");
    }
    Ok(chain)
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            anyhow!("it holds no private key in PEM; one with a passphrase must be decrypted first")
        }
        error => said(error),
    })
}

/// The library's error, without what it read.
fn said(error: pem::Error) -> anyhow::Error {
    match error {
        pem::Error::Io(error) => error.into(),
        pem::Error::NoItemsFound => anyhow!("it holds nothing in PEM"),
        _ => anyhow!("it is malformed PEM"),
    }
}

fn unfit(files: &TlsFiles, error: &rustls::Error) -> anyhow::Error {
    let (certificates, key) = (files.certificates.display(), files.key.display());
    match error {
        rustls::Error::InconsistentKeys(_) => anyhow!(
            "server.tls_cert_file {certificates} and server.tls_key_file {key} do not fit together: \
             the first certificate must be the key's own"
        ),
        rustls::Error::InvalidCertificate(_) => {
            anyhow!("server.tls_cert_file: cannot use {certificates}: its first certificate is malformed")
        }
        _ => anyhow!(
            "server.tls_key_file: cannot use {key}: it is damaged or of a kind that is not supported; \
             take ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
        ),
    }
}

/// Whether others may read the key or change what is served. A group may: that is how certificates are shared.
fn exposed(files: &TlsFiles) -> Option<String> {
    let others = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o007);
    if others(&files.key) & 0o006 != 0 {
        let key = files.key.display();
        return Some(format!("server.tls_key_file {key} may be read or changed by everybody; run: chmod o= {key}"));
    }
    if others(&files.certificates) & 0o002 != 0 {
        let certificates = files.certificates.display();
        return Some(format!(
            "server.tls_cert_file {certificates} may be changed by everybody; run: chmod o-w {certificates}"
        ));
    }
    None
}

/// The pair that serves, and the files that it came from.
pub struct Tls {
    files: TlsFiles,
    clock: Clock,
    metrics: Metrics,
    current: Arc<Current>,
    /// What was said last, so that it is said once.
    told: Mutex<Told>,
    asked: Notify,
}

#[derive(Default)]
struct Told {
    trouble: Option<String>,
    /// Said on this day; said anew on the next one.
    concerns: Vec<String>,
    /// Since 1970-01-01.
    day: u64,
}

impl Tls {
    /// # Errors
    ///
    /// As [`Pair::read`].
    pub fn read(files: TlsFiles, clock: Clock, metrics: Metrics) -> anyhow::Result<Self> {
        let pair = Pair::read(&files)?;
        let current = Current(RwLock::new(Arc::clone(&pair.key)));
        let (current, told, asked) = (Arc::new(current), Mutex::default(), Notify::new());
        let tls = Self { files, clock, metrics, current, told, asked };
        tls.tell_concerns(&pair);
        Ok(tls)
    }

    /// TLS 1.2 and 1.3 with whatever pair serves at the time of a handshake.
    pub fn server_config(&self) -> anyhow::Result<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        // The server adds HTTP/2 and HTTP/1.1; a client that offers this one alone would be refused.
        config.alpn_protocols = vec![b"http/1.0".to_vec()];
        Ok(config)
    }

    /// Looks at the files as soon as they are at rest.
    pub fn look_again(&self) {
        self.asked.notify_one();
    }

    /// Looks at the files whenever they have changed and are at rest again, for ever.
    pub async fn keep_current(self: Arc<Self>) {
        let mut watch = Watch::new([self.files.certificates.as_path(), self.files.key.as_path()], Change::Contents);
        loop {
            // At first too: they may have changed since the start, before there was a watch.
            match self.at_rest(&mut watch).await {
                Ok(pair) => self.take(&pair),
                Err(trouble) => self.tell_trouble(format!("{trouble:#}")),
            }
            tokio::select! {
                () = watch.changed() => {}
                () = self.asked.notified() => {}
                () = tokio::time::sleep(RECHECK) => {}
            }
        }
    }

    /// What the files hold while nobody writes them.
    async fn at_rest(&self, watch: &mut Watch) -> anyhow::Result<Pair> {
        let mut spoilt = 0;
        loop {
            watch.at_rest(SETTLE, WRITING_MAX).await;
            let files = self.files.clone();
            let read = tokio::task::spawn_blocking(move || Pair::read(&files)).await;
            if spoilt == SPOILT_MAX || !watch.has_changed() {
                return read.context("reading the certificate failed")?;
            }
            spoilt += 1;
        }
    }

    fn take(&self, pair: &Pair) {
        let was_in_trouble = self.told().trouble.take().is_some();
        if self.current.replace(&pair.key) {
            let ends = pair.not_after.map(|end| end.to_string()).unwrap_or_default();
            info!(
                name: "certificate.renewed",
                file = %self.files.certificates.display(), ends,
                "a new certificate serves"
            );
        } else if was_in_trouble {
            info!(name: "certificate.in_order", "certificate and key are in order again");
        }
        self.tell_concerns(pair);
    }

    fn tell_trouble(&self, trouble: String) {
        let mut told = self.told();
        if told.trouble.as_ref() != Some(&trouble) {
            error!(name: "certificate.unusable", error = trouble, "certificate not read again; the old one serves");
            told.trouble = Some(trouble);
        }
    }

    fn tell_concerns(&self, pair: &Pair) {
        self.metrics.certificate_ends(pair.not_after);
        let now = self.clock.now();
        let concerns = pair.concerns(now);
        let mut told = self.told();
        let day = now.since(Timestamp::from_millis(0)).as_secs() / 86_400;
        if std::mem::replace(&mut told.day, day) != day {
            told.concerns.clear();
        }
        for concern in concerns.iter().filter(|concern| !told.concerns.contains(concern)) {
            warn!(name: "certificate.concern", "{concern}");
        }
        told.concerns = concerns;
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands each handshake the pair that serves.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Current {
    /// Whether this is another one than before.
    fn replace(&self, key: &Arc<CertifiedKey>) -> bool {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A certificate has one key.
        let is_other = current.cert != key.cert;
        if is_other {
            *current = Arc::clone(key);
        }
        is_other
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests;
