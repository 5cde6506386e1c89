//! What the page shows, and where that comes from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use keeper::protocol::Status;
use serde::Serialize;
use tokio::sync::watch;

/// What the page shows, and where that comes from.
pub struct Source {
    /// What the keeper says, whenever it changes. Once the sender is gone the page says that the keeper does not answer, and
    /// goes on to show what it said last.
    pub status: watch::Receiver<Arc<Status>>,
    /// The folder of logs: in it one folder an app, as [`logs::Reader`] reads them.
    pub logs: PathBuf,
    /// The numbers of the router in whose process this runs; `None`: there is none.
    pub router: Option<RouterNumbers>,
    /// The time.
    pub clock: Clock,
}

/// Asked once a second for each open page; must not block.
pub type RouterNumbers = Box<dyn Fn() -> RouterStatistics + Send + Sync>;

/// Seconds since 1970.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// What a router has counted since its start, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RouterStatistics {
    /// Requests, since the start.
    pub requests: u64,
    /// Requests that are being answered, now.
    pub in_flight: u64,
    /// Responses with a status from 400 to 499, since the start.
    pub client_errors: u64,
    /// Responses with a status of 500 and above, since the start.
    pub server_errors: u64,
    /// Requests that were sent to a second instance, since the start.
    pub retried: u64,
    /// Connections of clients, now.
    pub connections: u64,
    /// Upgraded connections (WebSockets), now.
    pub tunnels: u64,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("logs", &self.logs).finish_non_exhaustive()
    }
}
