//! TLS: one certificate a listening socket, read again when its files change.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{StartError, TlsFiles};

/// The largest certificate file that is read.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A certificate in use and the files that it came from.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    seen: Mutex<Seen>,
    current: Arc<Current>,
}

/// When and how large both files were. Together they tell a change.
type Seen = Option<[(SystemTime, u64); 2]>;

/// The certificate in use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// How TLS is spoken with these files: TLS 1.2 and 1.3, HTTP/2 or HTTP/1.1.
pub(crate) fn configuration(files: TlsFiles) -> Result<(Arc<ServerConfig>, Certificate), StartError> {
    let seen = seen(&files);
    let key = load(&files)?;
    let current = Arc::new(Current(RwLock::new(Arc::new(key))));
    let refused = |error: rustls::Error| StartError::Certificate {
        path: files.certificate.clone(),
        problem: error.to_string(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(refused)?;
    Ok((Arc::new(config), Certificate { files, seen: Mutex::new(seen), current }))
}

impl Certificate {
    /// Takes the files' new content, if they have changed and fit together.
    pub(crate) fn look(&self) {
        let now = seen(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_some() && *seen != now {
            if let Ok(key) = load(&self.files) {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
            }
            *seen = now;
        }
    }
}

fn seen(files: &TlsFiles) -> Seen {
    let of = |path: &Path| fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
    Some([of(&files.certificate)?, of(&files.key)?])
}

/// Reads both files.
pub(crate) fn load(files: &TlsFiles) -> Result<CertifiedKey, StartError> {
    let refused = |path: &Path, problem: String| StartError::Certificate { path: path.to_owned(), problem };
    let read = |path: &Path| {
        let file = fs::metadata(path).map_err(|error| refused(path, error.to_string()))?;
        if !file.is_file() || file.len() > LARGEST_FILE {
            return Err(refused(path, "is no file of a certificate's size".into()));
        }
        fs::read(path).map_err(|error| refused(path, error.to_string()))
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(&files.certificate, format!("is no PEM: {error}")))?;
    if chain.is_empty() {
        return Err(refused(&files.certificate, "holds no certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| refused(&files.key, format!("holds no private key: {error}")))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| refused(&files.key, format!("does not fit the certificate: {error}")))
}
