//! A process in its app.

use std::sync::Arc;
use std::time::Duration;

use procfile::ProcessType;
use serde::{Deserialize, Serialize};

use super::instance::{Instance, State};

/// One process and where it was put.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// Its life.
    pub instance: Instance,
    /// The release it belongs to.
    pub release: u64,
    /// Its `$PORT`.
    pub port: Option<u16>,
    /// Until when clients may finish with it, once it is to go.
    pub(super) drain_until: Option<Duration>,
    /// Whether the router has finished with it, or may no longer.
    pub(super) drained: bool,
    /// Whether it was the keeper who asked it to stop, and no person: it comes back when it is wanted again.
    #[serde(default)]
    pub(super) let_go: bool,
    /// Whether it is to start anew.
    #[serde(default)]
    pub(super) renewal: Renewal,
}

/// Whether a process is to start anew, as a person asked: one of a type at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Renewal {
    /// It is not.
    #[default]
    No,
    /// Once others have.
    Due,
    /// It has been told to, and is not up again yet.
    UnderWay,
}

impl Placement {
    pub(super) fn new(process_type: Arc<ProcessType>, release: u64, now: Duration) -> Self {
        Self {
            instance: Instance::new(process_type, now),
            release,
            port: None,
            drain_until: None,
            drained: false,
            let_go: false,
            renewal: Renewal::No,
        }
    }

    /// Whether clients are still finishing with it while it gets no new ones.
    pub fn is_draining(&self) -> bool {
        self.drain_until.is_some() && !self.drained && self.instance.state == State::Ready
    }

    /// The next moment at which something is to be done about it.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let drain = self.drain_until.filter(|_| self.is_draining());
        drain.into_iter().chain(self.instance.deadline()).min()
    }
}
