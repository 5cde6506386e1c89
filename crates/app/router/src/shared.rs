//! What all threads of a router share with its handle.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::instance::InstanceState;
use crate::matching::Matcher;
use crate::router::Events;
use crate::statistics::Counters;
use crate::{InstanceId, Limits, Route, RouteState, Statistics, Table, TableError, Timeouts};

/// How far a router's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// Accepts no more; ends what is under way.
    Draining,
    /// Ends at once.
    Stopped,
}

/// A table as requests read it.
pub(crate) type CompiledTable = Matcher<Arc<CompiledRoute>>;

/// A route with its settings filled in.
#[derive(Debug)]
pub(crate) struct CompiledRoute {
    pub(crate) name: Arc<str>,
    /// What is taken off the path.
    pub(crate) stripped: Option<String>,
    pub(crate) instances: Vec<Arc<InstanceState>>,
    pub(crate) state: RouteState,
    pub(crate) max_body: u64,
    /// In milliseconds.
    pub(crate) response_timeout: u64,
    /// In milliseconds.
    pub(crate) pause_timeout: u64,
}

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) start: Instant,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) trust_forwarded: bool,
    pub(crate) nonce: u64,
    pub(crate) events: Option<Events>,
    pub(crate) stage: watch::Sender<Stage>,
    /// The version of the table, told to those who wait for a change.
    pub(crate) version: watch::Sender<u64>,
    /// The same number, cheaper to read.
    version_number: AtomicU64,
    table: RwLock<Arc<CompiledTable>>,
    /// Every instance that a table names, or that has not ended yet. The owner of their identity.
    instances: Mutex<Instances>,
    draining: AtomicBool,
    /// Sockets on which threads accept.
    pub(crate) accepting: AtomicUsize,
    /// Connections of clients, of all threads.
    pub(crate) connections: AtomicUsize,
    pub(crate) counters: Vec<Arc<Counters>>,
}

#[derive(Debug, Default)]
struct Instances {
    known: HashMap<InstanceId, Vec<Arc<InstanceState>>>,
    next_number: u64,
}

/// What a router starts with, as [`Shared`] needs it.
pub(crate) struct Start {
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) trust_forwarded: bool,
    pub(crate) nonce: u64,
    pub(crate) events: Option<Events>,
    pub(crate) threads: usize,
}

impl Shared {
    pub(crate) fn new(start: Start) -> Self {
        Self {
            start: Instant::now(),
            limits: start.limits,
            timeouts: start.timeouts,
            trust_forwarded: start.trust_forwarded,
            nonce: start.nonce,
            events: start.events,
            stage: watch::Sender::new(Stage::Serving),
            version: watch::Sender::new(0),
            version_number: AtomicU64::new(0),
            table: RwLock::default(),
            instances: Mutex::default(),
            draining: AtomicBool::new(false),
            accepting: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            counters: (0..start.threads).map(|_| Arc::default()).collect(),
        }
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, SeqCst);
        self.stage.send_replace(Stage::Draining);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }

    pub(crate) fn set_table(&self, table: &Table) -> Result<(), TableError> {
        let mut instances = self.instances();
        let mut compiled = CompiledTable::default();
        for route in &table.routes {
            if route.hosts.is_empty() {
                return Err(TableError::NoHost { path: route.path.clone() });
            }
            let states = route.instances.iter().map(|one| instances.state_of(one)).collect();
            let ready = Arc::new(self.compile(route, states));
            for host in &route.hosts {
                compiled.add(host, &route.path, Arc::clone(&ready))?;
            }
        }
        let named: Vec<_> = table.routes.iter().flat_map(|route| &route.instances).collect();
        for (id, states) in &mut instances.known {
            states.retain(|state| {
                let named = named.iter().any(|one| one.id == *id && one.address == state.address);
                if named {
                    state.revive();
                }
                named || state.load() != (0, 0)
            });
        }
        instances.known.retain(|_, states| !states.is_empty());
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(compiled);
        self.version_number.fetch_add(1, SeqCst);
        self.version.send_modify(|version| *version += 1);
        Ok(())
    }

    fn compile(&self, route: &Route, instances: Vec<Arc<InstanceState>>) -> CompiledRoute {
        let settings = &route.settings;
        let prefix = route.path.trim_end_matches('/');
        CompiledRoute {
            name: route.name.as_str().into(),
            stripped: (route.strip && !prefix.is_empty()).then(|| prefix.to_owned()),
            instances,
            state: route.state.clone(),
            max_body: settings.max_body.unwrap_or(self.limits.body),
            response_timeout: milliseconds(settings.response_timeout.unwrap_or(self.timeouts.response)),
            pause_timeout: milliseconds(settings.pause_timeout.unwrap_or(self.timeouts.pause)),
        }
    }

    /// The table and its version, for a thread that last read `seen`; `None`: nothing has changed.
    pub(crate) fn newer_table(&self, seen: u64) -> Option<(u64, Arc<CompiledTable>)> {
        let version = self.version_number.load(SeqCst);
        (version != seen)
            .then(|| (version, Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))))
    }

    /// All that go by these names.
    pub(crate) fn instances_called(&self, ids: &[InstanceId]) -> Vec<Arc<InstanceState>> {
        let instances = self.instances();
        ids.iter().filter_map(|id| instances.known.get(id)).flatten().map(Arc::clone).collect()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let mut sum = Statistics {
            connections: self.connections.load(Relaxed) as u64,
            instances: self
                .instances()
                .known
                .values()
                .flatten()
                .map(|one| one.statistics(self.now()))
                .collect(),
            ..Statistics::default()
        };
        sum.instances.sort_by(|one, other| one.id.cmp(&other.id));
        self.counters.iter().for_each(|counters| counters.add_to(&mut sum));
        sum
    }

    fn instances(&self) -> MutexGuard<'_, Instances> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instances {
    fn state_of(&mut self, one: &crate::Instance) -> Arc<InstanceState> {
        let states = self.known.entry(one.id.clone()).or_default();
        if let Some(state) = states.iter().find(|state| state.address == one.address) {
            return Arc::clone(state);
        }
        self.next_number += 1;
        let state = Arc::new(InstanceState::new(one.id.clone(), one.address, self.next_number));
        states.push(Arc::clone(&state));
        state
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
