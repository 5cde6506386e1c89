//! No request fails while instances and routers come and go: 500 requests a second that wait for nobody as long as the machine keeps up, with slow ones, uploads,
//! event streams and WebSockets among them.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use router::{InstanceId, Left, Options, Patience, Router, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::app::{App, Received, block_on, everything};

const PATIENCE: Patience = Patience { requests: Duration::from_mins(1), tunnels: Duration::from_mins(1) };
/// Between two requests.
const PACE: Duration = Duration::from_millis(2);
/// How many requests may be open before the next one waits for one of them: a machine too slow for the pace is not what is tested.
const MOST_OPEN: usize = 200;
/// How long one upload, event stream or WebSocket lasts.
const LONG: Duration = Duration::from_millis(1500);

type Body = BoxBody<Bytes, hyper::Error>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What clients do meanwhile.
struct Load {
    address: SocketAddr,
    kept: Mutex<Vec<SendRequest<Body>>>,
    failed: Mutex<Vec<String>>,
    answered: AtomicU64,
    long: AtomicU64,
    ends: AtomicBool,
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

fn checked(right: bool, what: &str) -> Result<(), Failure> {
    if right { Ok(()) } else { Err(what.into()) }
}

impl Load {
    /// Starts it on a thread of its own.
    fn start(address: SocketAddr) -> (Arc<Self>, std::thread::JoinHandle<()>) {
        let load = Arc::new(Self {
            address,
            kept: Mutex::default(),
            failed: Mutex::default(),
            answered: AtomicU64::new(0),
            long: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        });
        let running = Arc::clone(&load);
        (load, std::thread::spawn(move || block_on(running.run())))
    }

    async fn run(self: Arc<Self>) {
        let mut tasks = tokio::task::JoinSet::new();
        for kind in ["upload", "events", "websocket"] {
            let load = Arc::clone(&self);
            tasks.spawn(async move {
                while !load.ends.load(Ordering::SeqCst) {
                    let outcome = match kind {
                        "upload" => load.upload().await,
                        "events" => load.events().await,
                        _ => load.websocket().await,
                    };
                    load.note(kind, &load.long, outcome);
                }
            });
        }
        let places = Arc::new(Semaphore::new(MOST_OPEN));
        let start = Instant::now();
        for number in 0_u32.. {
            if self.ends.load(Ordering::SeqCst) {
                break;
            }
            tokio::time::sleep_until(start + number * PACE).await;
            let place = Arc::clone(&places).acquire_owned().await.unwrap();
            let load = Arc::clone(&self);
            tasks.spawn(async move {
                let _place = place;
                let outcome = load.one(number).await;
                load.note("request", &load.answered, outcome);
            });
        }
        tasks.join_all().await;
    }

    fn note(&self, kind: &str, counter: &AtomicU64, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => drop(counter.fetch_add(1, Ordering::SeqCst)),
            Err(error) => self.failed.lock().unwrap().push(format!("{kind}: {error:?}")),
        }
    }

    /// One of every kind of request in turn; each second one over a kept connection.
    async fn one(&self, number: u32) -> Result<(), Failure> {
        let (method, path, body) = match number % 20 {
            7 => (Method::GET, "/slow/300", ""),
            11 | 12 => (Method::POST, "/echo", "some bytes"),
            _ => (Method::GET, "/hello", ""),
        };
        let keeps = number.is_multiple_of(2);
        let mut sender = self.sender(keeps).await?;
        let mut request = Request::builder().method(method).uri(path).header("host", "a");
        if !keeps {
            request = request.header("connection", "close");
        }
        let response = sender.send_request(request.body(full(body))?).await?;
        let status = response.status();
        let text = response.into_body().collect().await?.to_bytes();
        checked(status == 200, &format!("{status} {path}: {text:?}"))?;
        let right = match path {
            "/echo" => text == body,
            "/hello" => text.starts_with(b"hello"),
            _ => text == "slow but here",
        };
        checked(right, "another body")?;
        if keeps {
            self.kept.lock().unwrap().push(sender);
        }
        Ok(())
    }

    async fn sender(&self, keeps: bool) -> Result<SendRequest<Body>, Failure> {
        loop {
            let kept = if keeps { self.kept.lock().unwrap().pop() } else { None };
            let Some(mut kept) = kept else { break };
            // One that was told `Connection: close` is not ready any more.
            if kept.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let (sender, connection) = handshake(TokioIo::new(TcpStream::connect(self.address).await?)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn upload(&self) -> Result<(), Failure> {
        let (pieces, body) = mpsc::channel(1);
        let sending = async {
            let start = Instant::now();
            let mut sent = 0;
            while start.elapsed() < LONG {
                pieces.send(Bytes::from_static(&[b'x'; 1000])).await?;
                sent += 1000;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            drop(pieces);
            Ok::<_, Failure>(sent)
        };
        let mut sender = self.sender(false).await?;
        let request = Request::post("/count").header("host", "a").body(Received(body).boxed())?;
        let (response, sent) = tokio::join!(sender.send_request(request), sending);
        let response = response?;
        checked(response.status() == 200, "the upload's status")?;
        let counted = response.into_body().collect().await?.to_bytes();
        checked(counted == sent?.to_string(), "another number of bytes came")
    }

    async fn events(&self) -> Result<(), Failure> {
        let mut sender = self.sender(false).await?;
        let request = Request::get("/events").header("host", "a").body(full(""))?;
        let mut events = sender.send_request(request).await?.into_body();
        let start = Instant::now();
        let mut text = String::new();
        while start.elapsed() < LONG {
            let frame = events.frame().await.ok_or("the stream ended")??;
            text.push_str(std::str::from_utf8(frame.data_ref().ok_or("trailers")?)?);
        }
        let expected: Vec<_> =
            (0..text.matches("\n\n").count()).map(|number| format!("data: {number}\n\n")).collect();
        checked(text == expected.concat(), "events are missing")
    }

    async fn websocket(&self) -> Result<(), Failure> {
        let mut socket = TcpStream::connect(self.address).await?;
        let request = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        socket.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await?);
        }
        checked(head.starts_with(b"HTTP/1.1 101 "), &String::from_utf8_lossy(&head))?;
        let start = Instant::now();
        while start.elapsed() < LONG {
            socket.write_all(b"\x81\x85\0\0\0\0hello").await?;
            let mut echo = [0; 11];
            socket.read_exact(&mut echo).await?;
            checked(echo.ends_with(b"hello"), "another echo")?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn end(&self, thread: std::thread::JoinHandle<()>) {
        self.ends.store(true, Ordering::SeqCst);
        thread.join().unwrap();
        let failed = self.failed.lock().unwrap();
        let answered = self.answered.load(Ordering::SeqCst);
        assert!(
            failed.is_empty(),
            "{} of {answered} failed: {:#?}",
            failed.len(),
            &failed[..failed.len().min(10)]
        );
        assert!(answered > 1000 && self.long.load(Ordering::SeqCst) >= 3, "{answered}");
    }
}

#[test]
fn a_hundred_upgrades_of_an_app_fail_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut current = App::start("app");
    let table = |id: &str, app: &App| Table { routes: vec![everything(&[(id, app.address)])] };
    let options = Options { threads: 2, ..Options::new(vec![listener], 1) };
    let router = Arc::new(Router::start(options, &table("web.0", &current), None).unwrap());
    let (load, thread) = Load::start(address);
    block_on(async {
        let mut retiring = tokio::task::JoinSet::new();
        for number in 1..=100 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let next = App::start("app");
            let id = format!("web.{number}");
            router.set_table(&table(&id, &next)).unwrap();
            let mut old = std::mem::replace(&mut current, next);
            let router = Arc::clone(&router);
            retiring.spawn(async move {
                let left = router.retire(&[InstanceId(format!("web.{}", number - 1))], PATIENCE).await;
                old.kill();
                left
            });
        }
        assert!(retiring.join_all().await.iter().all(|left| *left == Left::default()));
    });
    load.end(thread);
    let counted = router.statistics();
    assert_eq!((counted.responses[3], counted.responses[4]), (0, 0), "{counted:?}");
}

#[test]
fn ten_upgrades_of_the_router_fail_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::start("app");
    let table = Table { routes: vec![everything(&[("web.1", app.address)])] };
    let start = |number| {
        let listener = listener.try_clone().unwrap();
        Router::start(Options { threads: 2, ..Options::new(vec![listener], number) }, &table, None).unwrap()
    };
    let mut current = start(0);
    let (load, thread) = Load::start(address);
    block_on(async {
        let mut draining = tokio::task::JoinSet::new();
        for number in 1..=10 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let next = start(number);
            let old = std::mem::replace(&mut current, next);
            draining.spawn(old.drain(PATIENCE));
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        // Ends the clients, too, and with them the connections that they keep without a request.
        tokio::task::spawn_blocking(move || load.end(thread)).await.unwrap();
        assert!(draining.join_all().await.iter().all(|left| *left == Left::default()));
    });
}
