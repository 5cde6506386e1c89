//! The handle of a running router.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::shared::{Shared, Stage, Start};
use crate::worker::{self, Beginner, Door, Neighbours};
use crate::{AccessEvent, InstanceId, Options, Statistics, Table, tls};

/// Where access events go: batches over a bounded channel.
pub type Events = mpsc::Sender<Vec<AccessEvent>>;

/// A running router. Dropped, it ends at once and cuts what is under way; [`Router::drain`] ends it without a loss.
#[derive(Debug)]
pub struct Router {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// How long [`Router::retire`] and [`Router::drain`] wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For requests under way.
    pub requests: Duration,
    /// For upgraded connections (WebSockets), which may never end by themselves.
    pub tunnels: Duration,
}

/// What had not ended when patience did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests; of a draining router: connections that are no tunnels.
    pub requests: u64,
    /// Upgraded connections.
    pub tunnels: u64,
}

/// Why a router did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It has no socket to listen on.
    #[error("a router needs at least one listening socket")]
    NoListener,
    /// It has no thread.
    #[error("a router needs at least one thread")]
    NoThread,
    /// A socket is not fit to listen.
    #[error("a listening socket cannot be used: {0}")]
    Listener(#[source] io::Error),
    /// A file of a certificate cannot be used.
    #[error("{}: {problem}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The first table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The system gives no thread or no event loop.
    #[error("a thread of the router does not start: {0}")]
    Thread(#[source] io::Error),
}

/// Why a table was not taken; the one before it stays.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Two routes say the same host and path.
    #[error("two routes are for host {host} and path {path}; give one of them another path or host")]
    Twice {
        /// The host of both.
        host: String,
        /// The path of both.
        path: String,
    },
    /// A path is none.
    #[error("`{path}` is no path; it must begin with /")]
    BadPath {
        /// The path.
        path: String,
    },
    /// A route has no host.
    #[error("the route for path {path} has no host; write * for every host")]
    NoHost {
        /// Its path.
        path: String,
    },
}

impl Router {
    /// Starts the threads. The first request finds the table in place.
    pub fn start(options: Options, table: &Table, events: Option<Events>) -> Result<Self, StartError> {
        if options.listeners.is_empty() && options.tls.is_empty() {
            return Err(StartError::NoListener);
        }
        if options.threads == 0 {
            return Err(StartError::NoThread);
        }
        let mut doors = Vec::new();
        for listener in options.listeners {
            doors.push(Door { listener, tls: None });
        }
        let mut certificates = Vec::new();
        for one in options.tls {
            let (config, certificate) = tls::configuration(one.files)?;
            certificates.push(certificate);
            doors.push(Door { listener: one.listener, tls: Some(config) });
        }
        doors.iter().try_for_each(Door::prepare).map_err(StartError::Listener)?;
        let shared = Arc::new(Shared::new(Start {
            limits: options.limits,
            timeouts: options.timeouts,
            trust_forwarded: options.trust_forwarded,
            nonce: options.nonce,
            events,
            threads: options.threads,
        }));
        shared.set_table(table)?;
        let mut router = Self { shared: Arc::clone(&shared), threads: Vec::new() };
        shared.accepting.store(doors.len(), SeqCst);
        let (neighbours, newcomers): (Vec<_>, Vec<_>) =
            (0..options.threads).map(|_| mpsc::channel(worker::MOST_NEWCOMERS)).unzip();
        let neighbours: Neighbours = neighbours.into();
        let mut places: Vec<Vec<Door>> = newcomers.iter().map(|_| Vec::new()).collect();
        for (number, door) in doors.into_iter().enumerate() {
            places[number % options.threads].push(door);
        }
        for (index, (doors, newcomers)) in places.into_iter().zip(newcomers).enumerate() {
            let neighbours = Arc::clone(&neighbours);
            let certificates = if index == 0 { std::mem::take(&mut certificates) } else { Vec::new() };
            let beginner = Beginner { index, doors, neighbours, newcomers, certificates };
            router.threads.push(worker::start(Arc::clone(&shared), beginner).map_err(StartError::Thread)?);
        }
        Ok(router)
    }

    /// Puts a table in the place of the one before; requests that come after the return see it. Requests under way stay with
    /// their instance. An instance that had been retired and is in the table serves again.
    pub fn set_table(&self, table: &Table) -> Result<(), TableError> {
        self.shared.set_table(table)
    }

    /// No new request goes to these instances from now on, whatever the table says. Answers when all that they had has ended,
    /// or patience has. Needs a tokio runtime with time.
    pub async fn retire(&self, instances: &[InstanceId], patience: Patience) -> Left {
        let instances = self.shared.instances_called(instances);
        for instance in &instances {
            instance.retire();
        }
        let start = Instant::now();
        let mut left = Left::default();
        for instance in instances {
            loop {
                let ended = instance.ended.notified();
                let (requests, tunnels) = instance.load();
                let until = match (requests, tunnels) {
                    (0, 0) => break,
                    (0, _) => patience.tunnels,
                    (_, 0) => patience.requests,
                    (_, _) => patience.requests.max(patience.tunnels),
                };
                if tokio::time::timeout_at(start + until, ended).await.is_err() {
                    let (requests, tunnels) = instance.load();
                    left.requests += u64::from(requests);
                    left.tunnels += u64::from(tunnels);
                    break;
                }
            }
        }
        left
    }

    /// Stops accepting (others may go on with the same sockets), ends requests under way, answers the next request of
    /// every connection kept alive with `Connection: close`, and tells HTTP/2 clients to go (GOAWAY). A connection that stays
    /// without a request for [`Timeouts::draining`](crate::Timeouts::draining) is closed. Answers when no connection is left or patience has ended; then cuts what is
    /// left and ends the threads. Needs a tokio runtime with time.
    pub async fn drain(mut self, patience: Patience) -> Left {
        self.shared.drain();
        let start = Instant::now();
        let left = loop {
            let connections = self.shared.connections.load(SeqCst) as u64;
            let tunnels = self.shared.counters.iter().map(|one| one.tunnels.get()).sum();
            let left = Left { requests: connections.saturating_sub(tunnels), tunnels };
            let waited = start.elapsed();
            let accepting = self.shared.accepting.load(SeqCst) > 0 && waited < patience.requests;
            let requests = left.requests > 0 && waited < patience.requests;
            let tunnels = left.tunnels > 0 && waited < patience.tunnels;
            if !accepting && !requests && !tunnels {
                break left;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        self.shared.stage.send_replace(Stage::Stopped);
        for thread in self.threads.drain(..) {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        left
    }

    /// What it counts.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.shared.stage.send_replace(Stage::Stopped);
    }
}
