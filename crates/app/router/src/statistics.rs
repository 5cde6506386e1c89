//! What a router counts.

use crate::InstanceId;

/// A router's counters since its start, and what it holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections of clients, now.
    pub connections: u64,
    /// Those of them that hold no buffers, for want of a request.
    pub parked: u64,
    /// Requests whose head was read.
    pub requests: u64,
    /// Responses by the first digit of their status: 1xx first.
    pub responses: [u64; 5],
    /// Requests that were sent once more because an instance had closed the connection or refused it.
    pub retried: u64,
    /// Events that nobody took in time.
    pub events_dropped: u64,
    /// The instances that the router knows.
    pub instances: Vec<InstanceStatistics>,
}

/// What a router knows about one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceStatistics {
    /// Its name.
    pub id: InstanceId,
    /// Requests in it, now.
    pub requests: u32,
    /// Upgraded connections (WebSockets) to it, now.
    pub tunnels: u32,
    /// Requests that it was given.
    pub total: u64,
    /// How often it could not be reached.
    pub failures: u64,
    /// Whether it is avoided for a moment because it could not be reached.
    pub cooling: bool,
    /// Whether it gets no new requests.
    pub retired: bool,
}
