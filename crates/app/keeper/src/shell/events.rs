//! What reaches the shell.

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{Key, Leader, Shell};
use crate::core::{Ending, Input, Notice};
use crate::protocol::{Answer, Request, RouteEntry, Status};
use std::sync::Arc;

/// Something happened.
pub(super) enum Event {
    /// A client wants something.
    Request(Request, Caller),
    /// A client wants to hear of everything that happens.
    Listen(oneshot::Sender<Listening>),
    /// Become the program at the keeper's path: whoever asked has been told.
    BecomeNew,
    /// A process is ready, if this is still the one with that process id.
    Ready(Key, u32),
    /// A process that is no child of this keeper has ended.
    AdoptedEnded(u32),
    /// A one-off process has ended.
    OneOffEnded(String, u32),
    /// A router is there.
    RouterCame(u64),
    /// A router is gone.
    RouterWent(u64),
    /// A router has finished with these.
    Drained(u64, Vec<Key>),
}

/// Who asks, and where the answer goes.
pub(super) struct Caller {
    /// Their process id.
    pub pid: u32,
    /// For one answer.
    pub answer: mpsc::Sender<Answer>,
}

/// Ways of hearing what happens.
pub(super) struct Listening {
    pub notices: broadcast::Receiver<Arc<(String, Notice)>>,
    pub status: watch::Receiver<Arc<Status>>,
    pub table: watch::Receiver<Arc<Vec<RouteEntry>>>,
    pub listeners: super::listeners::Shared,
}

impl Shell {
    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Request(request, caller) => self.request(request, caller),
            Event::Listen(answer) => {
                let _ = answer.send(Listening {
                    notices: self.notices.subscribe(),
                    status: self.status.subscribe(),
                    table: self.table.subscribe(),
                    listeners: self.listeners.shared(),
                });
                self.publish_now();
            }
            Event::BecomeNew => self.become_new(),
            Event::Ready(key, pid) => {
                if self.core.placement(&key.0, &key.1).is_some_and(|one| one.instance.pid == Some(pid)) {
                    self.input(&key, Input::Ready);
                }
            }
            Event::AdoptedEnded(pid) => self.ended(pid, Ending::Unknown),
            Event::OneOffEnded(app, pid) => {
                if let Some(list) = self.one_offs.get_mut(&app) {
                    list.retain(|one_off| one_off.pid != pid);
                }
                self.unsaved.told();
            }
            Event::RouterCame(router) => {
                self.routers.insert(router, Vec::new());
            }
            Event::RouterWent(router) => {
                self.routers.remove(&router);
                self.settle_drains();
            }
            Event::Drained(router, keys) => {
                self.routers.entry(router).or_default().extend(keys);
                self.settle_drains();
            }
        }
    }

    /// Processes whose clients every router has finished with may stop.
    pub(super) fn settle_drains(&mut self) {
        if self.routers.is_empty() && self.core.app(super::OWN_APP).is_some_and(crate::core::App::is_alive) {
            // One runs and is not here at the moment: it still sends requests to them.
            return;
        }
        let apps = self.core.apps();
        let draining = apps.flat_map(|(name, app)| {
            app.slots()
                .filter(|(_, one)| one.is_draining())
                .map(move |(slot, _)| (name.to_string(), slot.clone()))
        });
        let finished: Vec<Key> =
            draining.filter(|key| self.routers.values().all(|finished| finished.contains(key))).collect();
        for (app, slot) in finished {
            let deeds = self.core.drained(&app, &slot, super::now());
            self.unsaved.live();
            self.carry_out(deeds);
        }
    }

    /// Children that have ended.
    pub(super) fn reap(&mut self) {
        for (pid, ending) in super::processes::reap() {
            self.ended(pid, ending);
        }
    }

    pub(super) fn ended(&mut self, pid: u32, ending: Ending) {
        if let Some(Leader { key, .. }) = self.leaders.remove(&pid) {
            if let Some(waiting) = self.readiness.remove(&key) {
                waiting.abort();
            }
            self.input(&key, Input::Ended(ending));
        }
    }

    /// Gives the core something that happened to a process, and does what it says.
    pub(super) fn input(&mut self, key: &Key, input: Input) {
        let deeds = self.core.take(&key.0, &key.1, input, super::now());
        self.unsaved.live();
        self.carry_out(deeds);
    }
}
