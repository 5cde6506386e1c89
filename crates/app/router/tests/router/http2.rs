//! HTTP/2: with prior knowledge and over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use router::{Patience, TlsFiles, TlsListener};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::app::{App, Client, Front, Mirror, PATIENCE, block_on, everything, short};

type Sender = http2::SendRequest<Full<Bytes>>;

async fn over(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sender {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn connect(address: SocketAddr) -> Sender {
    over(tokio::net::TcpStream::connect(address).await.unwrap()).await
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let uri = format!("http://a.org{path}");
    Request::builder().method(method).uri(uri).body(Full::new(body.into())).unwrap()
}

async fn whole(response: Response<Incoming>) -> (StatusCode, Bytes) {
    (response.status(), response.into_body().collect().await.unwrap().to_bytes())
}

#[test]
fn prior_knowledge_is_seen_in_the_first_bytes() {
    let app = App::start("one");
    let mut front = Front::to(everything(&[("web.1", app.address)]));
    block_on(async {
        let mut sender = connect(front.address).await;
        let slow = sender.send_request(request("GET", "/slow/300", ""));
        let mut rest = sender.clone();
        let others = async {
            for number in 0..20 {
                let large = Bytes::from(vec![b'x'; number * 10_000]);
                let response = rest.send_request(request("POST", "/echo", large.clone())).await.unwrap();
                assert_eq!(whole(response).await, (StatusCode::OK, large));
            }
        };
        let (slow, ()) = tokio::join!(slow, others);
        assert_eq!(whole(slow.unwrap()).await.1, "slow but here");
        let mut events = sender.send_request(request("GET", "/events", "")).await.unwrap().into_body();
        for number in 0..5 {
            let frame = events.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), format!("data: {number}\n\n"));
        }
    });
    let event = front.event();
    assert_eq!((event.version, event.host.as_str()), (Version::HTTP_2, "a.org"));
    assert_eq!(front.router.statistics().accepted, 1);
}

#[test]
fn the_preface_may_come_in_pieces() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for cut in 1..preface.len() {
        let mut client = front.connect();
        client.send(&preface[..cut]);
        std::thread::sleep(Duration::from_millis(10));
        client.send(&preface[cut..]);
        while client.unread.len() < 9 {
            assert!(client.read().unwrap() > 0, "cut at {cut}");
        }
        assert_eq!(client.unread[3], 4, "a SETTINGS frame, cut at {cut}: {:?}", client.unread);
    }
    let mut client = front.connect();
    client.send("PRI * HTTP/1.1\r\n\r\n");
    assert_eq!(client.answer().status, 400);
}

#[test]
fn the_instance_sees_one_host_and_one_cookie() {
    let mirror = Mirror::start("\r\n\r\n");
    let front = Front::to(everything(&[("web.1", mirror.address)]));
    block_on(async {
        let mut request = request("GET", "/x?y=z", "");
        request.headers_mut().append("cookie", "a=1".parse().unwrap());
        request.headers_mut().append("cookie", "b=2".parse().unwrap());
        let response = connect(front.address).await.send_request(request).await.unwrap();
        let seen = String::from_utf8(whole(response).await.1.to_vec()).unwrap();
        assert!(seen.starts_with("GET /x?y=z HTTP/1.1\r\n"), "{seen}");
        for line in ["host: a.org", "cookie: a=1; b=2", "x-forwarded-host: a.org"] {
            assert!(seen.contains(&format!("\r\n{line}\r\n")), "{line} in {seen}");
        }
    });
}

#[test]
fn an_idle_connection_is_told_to_go() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.timeouts = short();
        options.timeouts.idle = Duration::from_millis(300);
        options.timeouts.response = PATIENCE;
    });
    block_on(async {
        let mut sender = connect(front.address).await;
        // Longer than an idle connection lasts, but not idle.
        let response = sender.send_request(request("GET", "/slow/1000", "")).await.unwrap();
        assert_eq!(whole(response).await.0, 200);
        tokio::time::timeout(PATIENCE, async {
            while !sender.is_closed() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_draining_router_ends_streams_and_says_goaway() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    block_on(async {
        let mut sender = connect(front.address).await;
        let slow = tokio::spawn(sender.send_request(request("GET", "/slow/800", "")));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let patience = Patience { requests: PATIENCE, tunnels: PATIENCE };
        let left = front.router.drain(patience).await;
        assert_eq!((left.requests, left.tunnels), (0, 0));
        assert_eq!(whole(slow.await.unwrap().unwrap()).await, (StatusCode::OK, Bytes::from("slow but here")));
        assert!(sender.is_closed());
    });
}

/// A new certificate for `a.org`, written to both files.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["a.org".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

fn secure_front(folder: &Path, app: &App) -> (Front, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.tls = vec![TlsListener { listener, files }];
    });
    (front, address)
}

async fn secure(
    address: SocketAddr,
    root: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let socket = tokio::net::TcpStream::connect(address).await?;
    let config = trusting(root, protocol);
    TlsConnector::from(config).connect(ServerName::try_from("a.org").unwrap(), socket).await
}

fn trusting(root: &CertificateDer<'static>, protocol: &[u8]) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// What clients do that have their request ready: it comes in one piece with the end of the handshake.
#[test]
fn a_request_that_comes_with_the_end_of_the_handshake_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let root = certify(folder.path());
    let app = App::start("one");
    let (_front, address) = secure_front(folder.path(), &app);
    let config = trusting(&root, b"http/1.1");
    let mut session = rustls::ClientConnection::new(config, ServerName::try_from("a.org").unwrap()).unwrap();
    let mut socket = Client::connect(address).socket;
    session.write_tls(&mut socket).unwrap();
    while session.is_handshaking() {
        session.read_tls(&mut socket).unwrap();
        session.process_new_packets().unwrap();
    }
    session.writer().write_all(b"GET /hello HTTP/1.1\r\nHost: a.org\r\n\r\n").unwrap();
    let mut all = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut all).unwrap();
    }
    socket.write_all(&all).unwrap();
    let mut answer = vec![0; 15];
    rustls::Stream::new(&mut session, &mut socket).read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 200 OK");
}

#[test]
fn tls_speaks_what_was_agreed_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = certify(folder.path());
    let app = App::start("one");
    let (front, address) = secure_front(folder.path(), &app);
    block_on(async {
        let mut sender = over(secure(address, &root, b"h2").await.unwrap()).await;
        let response = sender.send_request(request("GET", "/hello", "")).await.unwrap();
        assert_eq!(whole(response).await.1, "hello from one");
        let stream = secure(address, &root, b"http/1.1").await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for pause in [0, 1300, 0] {
            // 1.3 s: parked in between
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let mut request = request("POST", "/echo", vec![b'x'; 300_000]);
            *request.uri_mut() = "/echo".parse().unwrap();
            request.headers_mut().insert("host", "a.org".parse().unwrap());
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(whole(response).await.1.len(), 300_000);
        }
        assert_eq!(front.router.statistics().accepted, 2);
    });
}

#[test]
fn the_instance_is_told_of_tls() {
    let folder = tempfile::tempdir().unwrap();
    let root = certify(folder.path());
    let mirror = Mirror::start("\r\n\r\n");
    let (front, address) = secure_front(folder.path(), &App::start("none"));
    let routes = vec![everything(&[("mirror", mirror.address)])];
    front.router.set_table(&router::Table { routes }).unwrap();
    block_on(async {
        let mut sender = over(secure(address, &root, b"h2").await.unwrap()).await;
        let response = sender.send_request(request("GET", "/", "")).await.unwrap();
        let seen = String::from_utf8(whole(response).await.1.to_vec()).unwrap();
        assert!(seen.contains("x-forwarded-proto: https\r\n") && seen.contains(";proto=https\r\n"), "{seen}");
    });
}

#[test]
fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let app = App::start("one");
    let (_front, address) = secure_front(folder.path(), &app);
    block_on(async {
        let mut open = over(secure(address, &first, b"h2").await.unwrap()).await;
        let second = certify(folder.path());
        tokio::time::timeout(PATIENCE, async {
            while secure(address, &second, b"h2").await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("the new certificate");
        assert!(secure(address, &first, b"h2").await.is_err());
        std::fs::write(folder.path().join("key.pem"), "no key at all").unwrap();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(secure(address, &second, b"h2").await.is_ok());
        let response = open.send_request(request("GET", "/hello", "")).await.unwrap();
        assert_eq!(whole(response).await.0, 200);
    });
}

#[test]
fn files_that_are_no_certificate_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let start = |certificate: &str, key: &str| {
        let files = TlsFiles { certificate: folder.path().join(certificate), key: folder.path().join(key) };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut options = router::Options::new(Vec::new(), 0);
        options.tls = vec![TlsListener { listener, files }];
        router::Router::start(options, &router::Table::default(), None).map(drop).unwrap_err().to_string()
    };
    certify(folder.path());
    std::fs::rename(folder.path().join("key.pem"), folder.path().join("first.pem")).unwrap();
    let first = std::fs::read(folder.path().join("cert.pem")).unwrap();
    certify(folder.path());
    std::fs::write(folder.path().join("cert.pem"), first).unwrap();
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    assert!(start("missing.pem", "key.pem").contains("missing.pem: No such file"));
    assert!(start("empty.pem", "key.pem").contains("empty.pem: holds no certificate"));
    assert!(start("cert.pem", "empty.pem").contains("empty.pem: holds no private key"));
    assert!(start("cert.pem", "key.pem").contains("key.pem: does not fit the certificate"));
}

#[test]
fn a_handshake_that_does_not_come_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let _front = Front::with(Vec::new(), |options| {
        options.timeouts = short();
        options.tls = vec![TlsListener { listener, files }];
    });
    let mut silent = Client::connect(address);
    assert_eq!(silent.socket.read(&mut [0; 10]).unwrap(), 0);
    let mut plain = Client::connect(address);
    plain.socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut alert = Vec::new();
    let _ = plain.socket.read_to_end(&mut alert);
    assert!(alert.is_empty() || alert[0] == 21, "a TLS alert, no HTTP: {alert:?}");
}
