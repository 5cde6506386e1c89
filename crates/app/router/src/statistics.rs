//! What a router counts.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

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
    /// Connections made to instances.
    pub connected: u64,
    /// Upgraded connections, now.
    pub tunnels: u64,
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

/// The counters of one thread. Only that thread writes them, but for those of its clients.
#[derive(Debug, Default)]
#[repr(align(128))] // two threads never write the same cache line
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    /// Connections of clients, now.
    pub(crate) clients: AtomicU64,
    pub(crate) parked: Counter,
    pub(crate) requests: Counter,
    pub(crate) responses: [Counter; 5],
    pub(crate) retried: Counter,
    pub(crate) connected: Counter,
    pub(crate) tunnels: Counter,
    pub(crate) events_dropped: Counter,
}

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.store(self.0.load(Relaxed) + number, Relaxed);
    }

    pub(crate) fn subtract(&self, number: u64) {
        self.0.store(self.0.load(Relaxed) - number, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Counters {
    pub(crate) fn add_to(&self, sum: &mut Statistics) {
        sum.accepted += self.accepted.get();
        sum.parked += self.parked.get();
        sum.requests += self.requests.get();
        for (sum, counter) in sum.responses.iter_mut().zip(&self.responses) {
            *sum += counter.get();
        }
        sum.retried += self.retried.get();
        sum.connected += self.connected.get();
        sum.tunnels += self.tunnels.get();
        sum.events_dropped += self.events_dropped.get();
    }
}
