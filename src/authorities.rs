//! Which certificates a request that leaves the house trusts: those of the system's authorities, and of the operator's own.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// `ca_file`: PEM, beside the system's.
///
/// # Errors
///
/// The file cannot be read, or holds no certificate.
pub fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = system_roots().clone();
    if let Some(file) = ca_file {
        let unreadable = |error: String| format!("ca_file {}: {error}", file.display());
        let pem = fs::read(file).map_err(|error| unreadable(error.to_string()))?;
        let certificates: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(unreadable("it holds no certificate".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
    }
    let versions =
        ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| error.to_string())?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Read once, when the first client is there.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            warn!(
                name: "tls.no_authorities",
                "the system has no certificate authorities: install ca-certificates, or name your own with ca_file"
            );
        }
        roots
    })
}
