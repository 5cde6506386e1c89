//! Whom TLS trusts: the system's certificates and the one that a target names. Always verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

use super::Failure;

/// A client's configuration: TLS 1.2 and 1.3 as rustls has them by default. `roots` are lists of the system's
/// certificates, the first one that is there is read.
pub(super) fn client(roots: &[PathBuf], ca: Option<&Path>) -> Result<Arc<ClientConfig>, Failure> {
    let mut store = RootCertStore::empty();
    if let Some(path) = roots.iter().find(|path| path.is_file()) {
        // Some systems list certificates that nobody can use any more; those are left out.
        store.add_parsable_certificates(certificates(path)?);
    }
    if let Some(path) = ca {
        for certificate in certificates(path)? {
            store.add(certificate).map_err(|error| unreadable(path, error.to_string()))?;
        }
    }
    if store.is_empty() {
        return Err(Failure::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Failure::Tls { place: "anyone".into(), why: error.to_string() })?;
    Ok(Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, pem::Error> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match read {
        Ok(list) if list.is_empty() => Err(unreadable(path, "it holds none in PEM".into())),
        Ok(list) => Ok(list),
        Err(error) => Err(unreadable(path, error.to_string())),
    }
}

fn unreadable(path: &Path, why: String) -> Failure {
    Failure::Certificates { path: path.to_owned(), why }
}
