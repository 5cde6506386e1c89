//! The handle of a running router.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{AccessEvent, InstanceId, Options, Statistics, Table};

/// Where access events go: batches over a bounded channel.
pub type Events = mpsc::Sender<Vec<AccessEvent>>;

/// A running router. Dropped, it ends at once and cuts what is under way; [`Router::drain`] ends it without a loss.
#[derive(Debug)]
pub struct Router {}

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
    /// Requests.
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
}

/// Why a table was not taken; the one before it stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Two routes say the same host and path.
    #[error("two routes are for host {host} and path {path}")]
    Twice {
        /// The host of both.
        host: String,
        /// The path of both.
        path: String,
    },
}

impl Router {
    /// Starts the threads. Requests are answered 503 until the first [`Router::set_table`].
    pub fn start(options: Options, events: Option<Events>) -> Result<Self, StartError> {
        let _ = (options, events);
        Err(StartError::NoListener)
    }

    /// Puts a table in the place of the one before; requests that come after the return see it. Requests under way stay with
    /// their instance. An instance that had been retired and is in the table serves again.
    pub fn set_table(&self, table: Table) -> Result<(), TableError> {
        let _ = table;
        Ok(())
    }

    /// No new request goes to these instances from now on, whatever the table says. Answers when all that they had has ended,
    /// or patience has. Needs a tokio runtime with time.
    pub async fn retire(&self, instances: &[InstanceId], patience: Patience) -> Left {
        let _ = (instances, patience);
        Left::default()
    }

    /// Stops accepting (others may go on with the same sockets), ends requests under way, answers the next request of
    /// every connection kept alive with `Connection: close`, and tells HTTP/2 clients to go (GOAWAY). Answers when no connection
    /// is left or patience has ended; then cuts what is left. Needs a tokio runtime with time.
    pub async fn drain(&self, patience: Patience) -> Left {
        let _ = patience;
        Left::default()
    }

    /// What it counts.
    pub fn statistics(&self) -> Statistics {
        Statistics::default()
    }
}
