//! A served page with sample data, and a client that reads it byte by byte.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "shared by several tests; they write log files as the collector does"
)]

pub mod devtools;
pub mod sample;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use keeper::protocol::Status;
use tokio::sync::{oneshot, watch};
use web::{RouterStatistics, Source};

/// How long a test waits for anything before it fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A page that is served, on a thread of its own.
pub struct Served {
    pub address: SocketAddr,
    pub logs: tempfile::TempDir,
    pub requests: Arc<AtomicU64>,
    pub now: Arc<AtomicU64>,
    status: Option<watch::Sender<Arc<Status>>>,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub fn new(status: Status) -> Self {
        Self::on("127.0.0.1:0", status)
    }

    pub fn on(address: &str, status: Status) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let logs = tempfile::tempdir().unwrap();
        let (sender, receiver) = watch::channel(Arc::new(status));
        let (requests, now) = (Arc::new(AtomicU64::new(48_213)), Arc::new(AtomicU64::new(sample::NOW)));
        let (counted, clock) = (Arc::clone(&requests), Arc::clone(&now));
        let source = Source {
            status: receiver,
            logs: logs.path().to_owned(),
            router: Some(Box::new(move || RouterStatistics {
                requests: counted.load(Ordering::Relaxed),
                in_flight: 3,
                client_errors: 112,
                server_errors: 2,
                retried: 1,
                connections: 17,
                tunnels: 1,
            })),
            clock: Box::new(move || clock.load(Ordering::Relaxed)),
        };
        let (shutdown, end) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let end = async { end.await.unwrap_or_default() };
            runtime.block_on(web::serve(listener, source, end)).unwrap();
        });
        Self {
            address,
            logs,
            requests,
            now,
            status: Some(sender),
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Status)) {
        let sender = self.status.as_ref().unwrap();
        sender.send_modify(|status| change(Arc::make_mut(status)));
    }

    /// The keeper is gone.
    pub fn lose_keeper(&mut self) {
        self.status = None;
    }

    /// Adds a record to a log, as the collector does.
    pub fn say(&self, app: &str, process: &str, stream: &str, text: &[u8]) {
        let time =
            logs::Timestamp::from_nanoseconds(self.now.load(Ordering::Relaxed) * 1_000_000_000 + 250_000_000);
        self.write(app, process, &[format!("{time} {stream} F ").as_bytes(), text, b"\n"].concat());
    }

    pub fn write(&self, app: &str, process: &str, bytes: &[u8]) {
        let folder = self.logs.path().join(app);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{process}.log"));
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }

    /// Asks and reads the whole answer.
    pub fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    pub fn ask(&self, request: &str) -> Reply {
        Reply::read(self.open(request))
    }

    /// Asks, and leaves the answer to the caller.
    pub fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Asks, reads the head of the answer, and hangs up.
    pub fn head(&self, path: &str) -> Reply {
        self.begin(path).0
    }

    fn begin(&self, path: &str) -> (Reply, BufReader<TcpStream>) {
        let mut reader =
            BufReader::new(self.open(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        (Reply::head(&mut reader), reader)
    }

    pub fn events(&self, path: &str) -> Events {
        let (reply, reader) = self.begin(path);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        Events { reader, text: String::new() }
    }

    /// Ends the server as its shutdown does.
    pub fn end(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    fn read(stream: TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut reply = Self::head(&mut reader);
        reader.read_to_string(&mut reply.body).unwrap();
        reply
    }

    fn head(reader: &mut BufReader<TcpStream>) -> Self {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("0").parse().unwrap();
        let header = |line: &String| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self { status, headers: lines.iter().skip(1).map(header).collect(), body: String::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(there, _)| there == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }
}

/// A stream of events.
pub struct Events {
    reader: BufReader<TcpStream>,
    text: String,
}

impl Events {
    /// The next event and its data; `None`: the stream has ended.
    pub fn next(&mut self) -> Option<(String, serde_json::Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
                let found = field("event:").map(|name| {
                    (
                        name.to_owned(),
                        serde_json::from_str(field("data:").unwrap()).expect("data on one line"),
                    )
                });
                self.text = rest.to_owned();
                match found {
                    Some(found) => return Some(found),
                    None => continue,
                }
            }
            let mut length = String::new();
            self.reader.read_line(&mut length).unwrap();
            let length = usize::from_str_radix(length.trim(), 16).ok().filter(|length| *length > 0)?;
            let mut chunk = vec![0; length + 2];
            self.reader.read_exact(&mut chunk).unwrap();
            self.text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
    }

    /// The first event from here on that satisfies a condition.
    pub fn until(
        &mut self,
        event: &str,
        mut condition: impl FnMut(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        loop {
            let (name, data) = self.next().expect("the stream ended before that");
            if name == event && condition(&data) {
                return data;
            }
        }
    }

    /// The HTML of a part, from the first update from here on that has it and satisfies a condition.
    pub fn part(&mut self, id: &str, condition: impl Fn(&str) -> bool) -> String {
        let html = |data: &serde_json::Value| {
            let parts = data["parts"].as_array().unwrap().iter();
            parts.clone().find(|part| part["id"] == id).map(|part| part["html"].as_str().unwrap().to_owned())
        };
        let update = self.until("update", |data| html(data).is_some_and(|html| condition(&html)));
        html(&update).unwrap()
    }
}

/// Whether a program is on the path.
pub fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder: std::path::PathBuf| Path::is_file(&folder.join(program)))
    })
}
