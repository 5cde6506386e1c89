//! An app behind the router, a router before it, and a client that sees every byte.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use router::{
    AccessEvent, HostPattern, Instance, Options, Route, RouteSettings, RouteState, Router, Table, Timeouts,
};
use tokio::sync::mpsc;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A runtime for a test.
pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test)
}

/// A route for everything.
pub(crate) fn everything(instances: &[(&str, SocketAddr)]) -> Route {
    Route {
        name: "shop".into(),
        hosts: vec![HostPattern::Any],
        path: "/".into(),
        strip: false,
        instances: instances
            .iter()
            .map(|(id, address)| Instance { id: (*id).into(), address: *address })
            .collect(),
        settings: RouteSettings::default(),
        state: RouteState::Serving,
    }
}

/// A router and where it listens.
pub(crate) struct Front {
    pub(crate) router: Router,
    pub(crate) address: SocketAddr,
    pub(crate) events: mpsc::Receiver<Vec<AccessEvent>>,
    batch: VecDeque<AccessEvent>,
}

impl Front {
    /// With one route.
    pub(crate) fn to(route: Route) -> Self {
        Self::with(vec![route], |_| {})
    }

    /// With routes and other options than usual.
    pub(crate) fn with(routes: Vec<Route>, change: impl FnOnce(&mut Options)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut options = Options { threads: 2, ..Options::new(vec![listener], 42) };
        change(&mut options);
        let (sender, events) = mpsc::channel(1000);
        let router = Router::start(options, &Table { routes }, Some(sender)).unwrap();
        Self { router, address, events, batch: VecDeque::new() }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(&self, request: &str) -> Answer {
        let mut client = self.connect();
        client.send(request);
        client.answer()
    }

    /// The next event.
    pub(crate) fn event(&mut self) -> AccessEvent {
        while self.batch.is_empty() {
            let next = async { tokio::time::timeout(PATIENCE, self.events.recv()).await };
            self.batch.extend(block_on(next).expect("an event").unwrap());
        }
        self.batch.pop_front().unwrap()
    }
}

/// Timeouts short enough for a test.
pub(crate) fn short() -> Timeouts {
    let short = Duration::from_millis(400);
    Timeouts { head: short, stalled: short, response: short, pause: short, ..Timeouts::default() }
}

/// A client that sees every byte.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    pub(crate) unread: Vec<u8>,
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) version: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unread: Vec::new() }
    }

    pub(crate) fn send(&mut self, text: impl AsRef<[u8]>) {
        self.socket.write_all(text.as_ref()).unwrap();
    }

    /// Reads a whole response to a request that was no HEAD.
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer(false).unwrap()
    }

    /// Reads a response without body.
    pub(crate) fn head(&mut self) -> Answer {
        self.try_answer(true).unwrap()
    }

    pub(crate) fn try_answer(&mut self, only_head: bool) -> Result<Answer, String> {
        let end = self.find(b"\r\n\r\n")?;
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap();
        let mut answer = Answer {
            version: line[..8].to_owned(),
            status: line[9..12].parse().unwrap(),
            headers: fields(lines),
            body: Vec::new(),
            trailers: HeaderMap::new(),
        };
        if only_head || answer.status / 100 == 1 || answer.status == 204 || answer.status == 304 {
            return Ok(answer);
        }
        if let Some(length) = answer.headers.get("content-length") {
            let length = length.to_str().unwrap().parse().unwrap();
            self.fill(length)?;
            answer.body = self.unread.drain(..length).collect();
        } else if answer.header("transfer-encoding") == "chunked" {
            loop {
                let end = self.find(b"\r\n")?;
                let line = String::from_utf8(self.unread.drain(..end + 2).collect()).unwrap();
                let size = usize::from_str_radix(line.trim(), 16).unwrap();
                if size == 0 {
                    break;
                }
                self.fill(size + 2)?;
                answer.body.extend(self.unread.drain(..size));
                assert_eq!(self.unread.drain(..2).collect::<Vec<_>>(), b"\r\n");
            }
            loop {
                let end = self.find(b"\r\n")?;
                let line = String::from_utf8(self.unread.drain(..end + 2).collect()).unwrap();
                if line == "\r\n" {
                    break;
                }
                answer.trailers.extend(fields(line.trim_end().split("\r\n")));
            }
        } else {
            while self.read()? > 0 {}
            answer.body = std::mem::take(&mut self.unread);
        }
        Ok(answer)
    }

    /// Whether the router closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && matches!(self.read(), Ok(0))
    }

    fn find(&mut self, mark: &[u8]) -> Result<usize, String> {
        loop {
            if let Some(place) = self.unread.windows(mark.len()).position(|window| window == mark) {
                return Ok(place);
            }
            if self.read()? == 0 {
                return Err(format!("closed after {:?}", String::from_utf8_lossy(&self.unread)));
            }
        }
    }

    fn fill(&mut self, length: usize) -> Result<(), String> {
        while self.unread.len() < length {
            if self.read()? == 0 {
                return Err(format!("closed after {} of {length} bytes", self.unread.len()));
            }
        }
        Ok(())
    }

    pub(crate) fn read(&mut self) -> Result<usize, String> {
        let mut buffer = [0; 16384];
        let read = self.socket.read(&mut buffer).map_err(|error| error.to_string())?;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    headers
}

/// An app whose connections are served by a function, one thread each. The function gets their number.
pub(crate) fn scripted(serve: impl Fn(usize, Client) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let Ok(socket) = socket else { return };
            let _ = socket.set_read_timeout(Some(PATIENCE));
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(number, Client { socket, unread: Vec::new() }));
        }
    });
    address
}

/// An app that answers each request with the bytes it was sent, head and all, until `end` comes; it notes them, too.
pub(crate) struct Mirror {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<u8>>>,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Mirror {
    /// Answers after each piece that ends with this.
    pub(crate) fn start(end: &'static str) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (into, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let address = scripted(move |_, mut client| {
            count.fetch_add(1, Ordering::SeqCst);
            while let Ok(1..) = client.read() {
                if client.unread.ends_with(end.as_bytes()) {
                    let all = std::mem::take(&mut client.unread);
                    into.lock().unwrap().extend_from_slice(&all);
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", all.len());
                    client.send([head.as_bytes(), &all].concat());
                }
            }
            into.lock().unwrap().extend_from_slice(&client.unread);
        });
        Self { address, seen, connections }
    }

    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }
}

/// An app on hyper, in a thread of its own. It serves `/hello`, `/echo`, `/slow/MILLISECONDS`, `/events` and `/ws`.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl App {
    pub(crate) fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        thread::spawn(move || {
            block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let serve = async {
                    loop {
                        let (socket, _) = listener.accept().await.unwrap();
                        socket.set_nodelay(true).unwrap();
                        tokio::spawn(async move {
                            let service = service_fn(move |request| serve(name, request));
                            let connection = hyper::server::conn::http1::Builder::new()
                                .serve_connection(TokioIo::new(socket), service)
                                .with_upgrades();
                            let _ = connection.await;
                        });
                    }
                };
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop) }
    }

    /// Ends it at once, whatever it does.
    pub(crate) fn kill(&mut self) {
        drop(self.stop.take());
    }
}

type AppBody = BoxBody<Bytes, hyper::Error>;

async fn serve(name: &'static str, mut request: Request<Incoming>) -> Result<Response<AppBody>, Infallible> {
    let path = request.uri().path().to_owned();
    let text = |text: &str| Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {}).boxed();
    let mut response = match path.split('/').nth(1).unwrap_or_default() {
        "hello" => Response::new(text(&format!("hello from {name}"))),
        "echo" => Response::new(request.into_body().boxed()),
        "slow" => {
            let milliseconds = path.rsplit('/').next().unwrap().parse().unwrap();
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Response::new(text("slow but here"))
        }
        "count" => {
            let mut bytes = 0;
            while let Some(Ok(frame)) = request.body_mut().frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
            Response::new(text(&bytes.to_string()))
        }
        "events" => Response::new(events()),
        "ws" => {
            tokio::spawn(async move {
                let mut socket = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
                let (mut from, mut to) = tokio::io::split(&mut socket);
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
            let mut response = Response::new(text(""));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert("connection", HeaderValue::from_static("Upgrade"));
            response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
            response
        }
        _ => {
            let mut response = Response::new(text("nothing here"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    };
    response.headers_mut().insert("x-app", HeaderValue::from_static(name));
    Ok(response)
}

/// An event every 20 ms, for ever.
fn events() -> AppBody {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for number in 0.. {
            let event = Bytes::from(format!("data: {number}\n\n"));
            if sender.send(event).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    Received(receiver).boxed()
}

/// A body that comes over a channel.
pub(crate) struct Received(pub(crate) mpsc::Receiver<Bytes>);

impl hyper::body::Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
