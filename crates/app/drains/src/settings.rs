//! What all drains of a process share.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Backoff, Limits};

/// What all drains of a process share. [`Settings::new`] gives what is usual.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory in which cursors are saved, one file a drain; made when it is not there.
    pub cursors: PathBuf,
    /// This machine's name, as syslog messages tell it.
    pub hostname: String,
    /// PEM files with the certificates that this system trusts; the first one that is there is read, at each connection.
    pub roots: Vec<PathBuf>,
    /// Where `stdout:` writes to.
    pub stdout: Stdout,
    /// A batch is sent when it holds this much.
    pub batch: Limits,
    /// HTTP services and files get a smaller batch when its first event has waited this long; other targets at once.
    pub linger: Duration,
    /// How often a log that has been read to its end is looked at again.
    pub poll: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// The longest that finding an address, connecting and shaking hands may take, each.
    pub connect_limit: Duration,
    /// The longest that an HTTP service may take to answer.
    pub answer_limit: Duration,
    /// The longest that a receiver may take nothing, or acknowledge nothing. After one and a half times this without a
    /// broken connection, what was written to a syslog receiver counts as arrived.
    pub stall_limit: Duration,
    /// The longest that drains may take to their end once they are asked to stop.
    pub grace: Duration,
    /// How often cursors are saved at most.
    pub save_every: Duration,
}

impl Settings {
    /// Batches of 512 KiB, 4,096 events or (HTTP, files) one second, five looks a second at an idle log, 10 s to connect, 30 s to
    /// answer, 20 s without progress, 5 s of grace, one save a second, certificates where Debian, Fedora and Alpine keep them.
    pub fn new(cursors: PathBuf, hostname: impl Into<String>) -> Self {
        Self {
            cursors,
            hostname: hostname.into(),
            roots: ROOTS.iter().map(PathBuf::from).collect(),
            stdout: Stdout::default(),
            batch: Limits { events: 4096, bytes: 512 << 10 },
            linger: Duration::from_secs(1),
            poll: Duration::from_millis(200),
            backoff: Backoff::default(),
            connect_limit: Duration::from_secs(10),
            answer_limit: Duration::from_secs(30),
            stall_limit: Duration::from_secs(20),
            grace: Duration::from_secs(5),
            save_every: Duration::from_secs(1),
        }
    }
}

/// Where distributions keep the certificates that they trust.
const ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where `stdout:` writes to. By default the standard output of this process.
#[derive(Clone)]
pub struct Stdout(Arc<Mutex<dyn Write + Send>>);

impl Stdout {
    /// Something else to write to.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    /// Writes all of it; may take as long as whoever reads there.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(bytes)?;
        writer.flush()
    }
}

impl Default for Stdout {
    fn default() -> Self {
        Self::to(io::stdout())
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdout")
    }
}
