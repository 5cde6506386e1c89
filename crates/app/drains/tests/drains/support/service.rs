//! An HTTP service that answers as it is told.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::number;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) lines: Vec<serde_json::Value>,
}

/// What to answer to the request of this number, from 0.
pub(crate) type Script = dyn Fn(usize, &Got) -> Reply + Send + Sync;

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, a header, a body.
    Status(u16, Option<(&'static str, &'static str)>, &'static str),
    /// Takes the events and says nothing.
    Silence,
    /// Takes the events and hangs up.
    HangUp,
}

pub(crate) const OK: Reply = Reply::Status(200, None, "");

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<(Got, bool)>>>,
    connections: Arc<Mutex<usize>>,
}

impl Service {
    pub(crate) async fn start(script: impl Fn(usize, &Got) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(script, None).await
    }

    pub(crate) async fn start_with(
        script: impl Fn(usize, &Got) -> Reply + Send + Sync + 'static,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Self { address, requests: Arc::default(), connections: Arc::default() };
        tokio::spawn(service.clone().serve(listener, Arc::new(script), tls));
        service
    }

    async fn serve(self, listener: TcpListener, script: Arc<Script>, tls: Option<Arc<ServerConfig>>) {
        while let Ok((tcp, _)) = listener.accept().await {
            *self.connections.lock().unwrap() += 1;
            let (service, script, tls) = (self.clone(), Arc::clone(&script), tls.clone());
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let (service, script) = (service.clone(), Arc::clone(&script));
                    async move { service.answer(request, &*script).await }
                });
                let server = hyper::server::conn::http1::Builder::new();
                // A service that hangs up ends its connection with an error.
                let _ = match tls {
                    None => server.serve_connection(TokioIo::new(tcp), answer).await,
                    Some(tls) => match TlsAcceptor::from(tls).accept(tcp).await {
                        Ok(stream) => server.serve_connection(TokioIo::new(stream), answer).await,
                        Err(_) => return,
                    },
                };
            });
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        script: &Script,
    ) -> Result<Response<Full<Bytes>>, Gone> {
        let (head, body) = request.into_parts();
        let mut body = body.collect().await.map_err(|_| Gone)?.to_bytes().to_vec();
        if head.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
            body = plain;
        }
        assert_eq!(body.last(), Some(&b'\n'));
        let lines = body.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let got = Got { path: head.uri.to_string(), headers: head.headers, lines };
        let count = self.requests.lock().unwrap().len();
        let reply = script(count, &got);
        let taken = !matches!(reply, Reply::Status(status, ..) if status != 200);
        self.requests.lock().unwrap().push((got, taken));
        match reply {
            Reply::Status(status, header, body) => {
                let mut response = Response::new(Full::new(Bytes::from(body)));
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                if let Some((name, value)) = header {
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                Ok(response)
            }
            Reply::Silence => {
                tokio::time::sleep(Duration::from_secs(100)).await;
                Err(Gone)
            }
            Reply::HangUp => Err(Gone),
        }
    }

    /// Every request that came.
    pub(crate) fn requests(&self) -> Vec<Got> {
        self.requests.lock().unwrap().iter().map(|(got, _)| got.clone()).collect()
    }

    /// The number in every event that was taken.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let requests = self.requests.lock().unwrap();
        let taken = requests.iter().filter(|(_, taken)| *taken);
        taken.flat_map(|(got, _)| &got.lines).map(|line| number(line["message"].as_str().unwrap())).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Why a request gets no answer.
#[derive(Debug)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl std::error::Error for Gone {}

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
