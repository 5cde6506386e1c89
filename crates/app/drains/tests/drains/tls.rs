//! TLS: who is trusted, and who is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::support::receiver::{Conduct, Receiver};
use crate::support::service::{OK, Service};
use crate::support::{Log, all_in_order, settings, start};

/// An authority of this test, and a server's certificate by it.
pub(crate) struct Authority {
    /// The authority's certificate.
    pub(crate) file: PathBuf,
    /// The server's certificate and key.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    server: Arc<ServerConfig>,
}

pub(crate) fn authority(directory: &Path, name: &str, certified: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap();
    let file = directory.join(name);
    std::fs::write(&file, format!("An authority for tests.\n{}", certificate.pem())).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([certified.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (certificate, key_file) =
        (directory.join(format!("{name}.leaf")), directory.join(format!("{name}.key")));
    std::fs::write(&certificate, leaf.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Authority { file, certificate, key: key_file, server: Arc::new(server) }
}

const ANYWHERE: &str = "127.0.0.1:0";

#[tokio::test]
async fn syslog_over_tls_arrives_even_through_resets() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority(directory.path(), "ca.pem", "127.0.0.1");
    let conducts = [Conduct::Closes(30_000), Conduct::Closes(1)];
    let receiver = Receiver::start_at(ANYWHERE.parse().unwrap(), &conducts, Some(ours.server));
    let url = format!("syslog+tls://{}?ca={}", receiver.address, ours.file.display());
    let mut running = start(&[&url], settings(directory.path()), &Log::with(5_000, 100));
    running.until(0, "all sent", |metrics| metrics.sent.events == 5_000 && metrics.retried > 0).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    all_in_order(&receiver.numbers(), 5_000);
    assert_eq!(metrics.unconfirmed, 0, "both sides closed in order");
}

#[tokio::test]
async fn https_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority(directory.path(), "ca.pem", "localhost");
    let service = Service::start_with(|_, _| OK, Some(ours.server)).await;
    let url = format!("https://localhost:{}/#gzip&ca={}", service.address.port(), ours.file.display());
    let mut running = start(&[&url], settings(directory.path()), &Log::with(5_000, 100));
    running.until(0, "all sent", |metrics| metrics.sent.events == 5_000).await;
    running.stop().await;
    assert_eq!(all_in_order(&service.numbers(), 5_000), 0);
}

#[tokio::test]
async fn the_systems_list_is_trusted_and_broken_certificates_in_it_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority(directory.path(), "ca.pem", "localhost");
    let service = Service::start_with(|_, _| OK, Some(ours.server)).await;
    let url = format!("https://localhost:{}/", service.address.port());
    let mut settings = settings(directory.path());
    let list = directory.path().join("list.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&list, format!("{broken}{}", std::fs::read_to_string(&ours.file).unwrap())).unwrap();
    settings.roots = vec![directory.path().join("none.pem"), list];
    let mut running = start(&[&url], settings, &Log::with(10, 100));
    running.until(0, "all sent", |metrics| metrics.sent.events == 10).await;
    running.stop().await;
    assert_eq!(all_in_order(&service.numbers(), 10), 0);
}

/// Each certificate that is not to be trusted, and what is said.
#[tokio::test]
async fn whoever_is_not_trusted_gets_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority(directory.path(), "ca.pem", "127.0.0.1");
    let theirs = authority(directory.path(), "other.pem", "127.0.0.1");
    let elsewhere = authority(directory.path(), "elsewhere.pem", "elsewhere.example.com");
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    let at = |authority: &Authority| {
        Receiver::start_at(ANYWHERE.parse().unwrap(), &[], Some(Arc::clone(&authority.server)))
    };
    let plain = Receiver::start(&[]);
    let cases = [
        (at(&theirs), format!("?ca={}", ours.file.display()), "name the issuer's certificate: `ca=FILE`"),
        (at(&elsewhere), format!("?ca={}", elsewhere.file.display()), "not valid for"),
        (at(&ours), String::new(), "install ca-certificates, or name one"),
        (at(&ours), format!("?ca={}", empty.display()), "it holds none in PEM"),
        (at(&ours), "?ca=/nowhere.pem".into(), "cannot read certificates from /nowhere.pem"),
        (plain, format!("?ca={}", ours.file.display()), "what answers there may not speak TLS"),
    ];
    for (number, (receiver, options, said)) in cases.into_iter().enumerate() {
        let url = format!("syslog+tls://{}{options}", receiver.address);
        let mut settings = settings(&directory.path().join(number.to_string()));
        settings.connect_limit = std::time::Duration::from_millis(700);
        let mut running = start(&[&url], settings, &Log::with(10, 100));
        let metrics = running.until(0, "an error", |metrics| metrics.last_error.is_some()).await;
        let error = metrics.last_error.unwrap().what;
        assert!(error.contains(said), "{url}: {error}");
        let [metrics] = &running.stop().await[..] else { panic!("one drain") };
        assert_eq!((metrics.sent.events, receiver.count()), (0, 0), "{url}");
    }
}
