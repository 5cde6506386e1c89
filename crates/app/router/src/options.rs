//! With what a router starts.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use crate::StartError;

/// With what a router starts.
#[derive(Debug)]
pub struct Options {
    /// Sockets that listen, for HTTP/1.1 and for HTTP/2 with prior knowledge. All threads accept on all of them, and
    /// other processes may at the same time.
    pub listeners: Vec<TcpListener>,
    /// Sockets that listen, for the same over TLS (ALPN `h2`, `http/1.1`).
    pub tls: Vec<TlsListener>,
    /// How many threads serve; each has its own event loop and its own connections to the instances.
    pub threads: usize,
    /// Bounds on what clients send.
    pub limits: Limits,
    /// How long anybody is waited for.
    pub timeouts: Timeouts,
    /// Whether incoming `Forwarded`, `X-Forwarded-*` and `X-Real-IP` are true: another proxy stands in front, and nobody else
    /// reaches this one. Otherwise they are removed and written anew.
    pub trust_forwarded: bool,
    /// Random bits that make the request ids of this start differ from those of every other.
    pub nonce: u64,
}

impl Options {
    /// One thread, the usual limits, nothing trusted.
    pub fn new(listeners: Vec<TcpListener>, nonce: u64) -> Self {
        Self {
            listeners,
            tls: Vec::new(),
            threads: 1,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            trust_forwarded: false,
            nonce,
        }
    }
}

/// A socket that listens and the certificate that it shows.
#[derive(Debug)]
pub struct TlsListener {
    /// The socket.
    pub listener: TcpListener,
    /// Its certificate.
    pub files: TlsFiles,
}

/// A certificate and its key, PEM files both. They are read again when they change; when the new ones do not fit together,
/// the old ones stay in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Whether a router can start with them at present: both can be read, and the key fits the certificate.
    pub fn check(&self) -> Result<(), StartError> {
        crate::tls::load(self).map(drop)
    }
}

/// Bounds on what clients send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest head of a request in bytes (431 above that); at least 8192.
    pub head: usize,
    /// The largest number of header fields (431 above that).
    pub fields: usize,
    /// The largest request body in bytes (413 above that).
    pub body: u64,
    /// Connections of clients at the same time, all threads together; more wait to be accepted.
    pub connections: usize,
    /// Requests at the same time in one HTTP/2 connection.
    pub streams: u32,
    /// Connections to one instance which a thread keeps for later requests.
    pub kept_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            fields: 100,
            body: u64::MAX,
            connections: 65_536,
            streams: 128,
            kept_connections: 128,
        }
    }
}

/// How long anybody is waited for. They are looked at a few times a second, so each may last up to half a second longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A client, from the first byte of a request to the end of its head (408), and for the TLS handshake.
    pub head: Duration,
    /// A client, between two requests, and before the first (closed). One that sends nothing is accepted a second late.
    pub idle: Duration,
    /// A client that sends nothing to a router which drains (closed). Long enough that a client's own pool has closed the
    /// connection first: one that is closed just as a request comes fails that request.
    pub draining: Duration,
    /// A client that neither sends the rest of its body (408) nor takes what it is sent (cut).
    pub stalled: Duration,
    /// An instance, to take a connection (another is tried, then 502).
    pub connect: Duration,
    /// An instance, from the whole request to the head of its response (504).
    pub response: Duration,
    /// Requests of a paused route (503).
    pub pause: Duration,
    /// How long a connection to an instance is kept without a request.
    pub kept: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(20),
            idle: Duration::from_secs(75),
            draining: Duration::from_secs(30),
            stalled: Duration::from_mins(1),
            connect: Duration::from_secs(5),
            response: Duration::from_mins(1),
            pause: Duration::from_secs(30),
            kept: Duration::from_secs(4),
        }
    }
}
