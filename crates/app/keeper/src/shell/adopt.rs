//! Beginning: with nothing, with what a keeper that ended left, or with what this process was before an upgrade.
//!
//! All three are one: the apps are read back, and for each process that should run the machine is asked whether it
//! does. A process is known by its id together with the time it was started; where that was not written down any
//! more (the keeper was killed in between), by its mark. What runs is adopted as it is; what does not has ended
//! without a witness; what bears the keeper's mark and belongs to nothing is stopped.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};

use super::events::Event;
use super::listeners::{Addresses, Listeners};
use super::output::Output;
use super::save::{self, Lock, Saved, Unsaved};
use super::upgrade::Handover;
use super::{
    EVENTS, KeeperError, Key, NOTICES, Options, Shell, now, processes, requests, sockets, spawn, sweep,
};
use crate::core::{Ending, Input, State};

impl Shell {
    /// Takes the home and what it holds; nothing is started or stopped yet.
    pub(super) fn begin(options: Options) -> Result<(Self, mpsc::Receiver<Event>), KeeperError> {
        let output = |options: &Options| Output::files(options.home.logs.clone());
        Self::begin_with(options, output)
    }

    /// The same, with another place for what processes say.
    pub(super) fn begin_with(
        options: Options,
        output: impl FnOnce(&Options) -> std::io::Result<Output>,
    ) -> Result<(Self, mpsc::Receiver<Event>), KeeperError> {
        if let Some(path) = options.home.too_long() {
            return Err(KeeperError::TooLong(path));
        }
        let system = |what| move |error| KeeperError::System { what, error };
        save::make_folders(&options.home)?;
        let handover = Handover::receive(&options.home);
        let mut output = output(&options).map_err(system("the log collector cannot be started"))?;
        let words = output.words();
        let mut listeners = Listeners::default();
        let (lock, control) = match handover {
            Some(handover) => {
                output.adopt(handover.note.histories);
                listeners.take_over(handover.note.handed, handover.listeners);
                (Lock { descriptor: handover.lock }, handover.control)
            }
            None => {
                let lock = Lock::take(&options.home)?;
                output.adopt(BTreeMap::new());
                (lock, control_socket(&options)?)
            }
        };
        let mut saved = Saved::load(&options.home)?;
        if saved.boot != processes::boot() {
            saved.ticks.clear();
            saved.since = 0;
            saved.apps.begin_anew();
        }
        // Orphans of what is started fall to the keeper, so that they are seen and reaped.
        let _ = rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1));
        let (events, receiver) = mpsc::channel(EVENTS);
        let mut shell = Self {
            core: saved.apps,
            output,
            words,
            leaders: HashMap::new(),
            sweeps: HashMap::new(),
            leftovers: HashMap::new(),
            to_search: HashMap::new(),
            pipes: HashMap::new(),
            notify_sockets: HashMap::new(),
            readiness: HashMap::new(),
            starts: saved.starts,
            last_port: spawn::somewhere(std::process::id()),
            listeners,
            router_has_others: false,
            routers: BTreeMap::new(),
            one_offs: BTreeMap::new(),
            events,
            notices: broadcast::channel(NOTICES).0,
            status: watch::channel(Arc::default()).0,
            table: watch::channel(Arc::default()).0,
            lock,
            control: Arc::new(control),
            since: if saved.since == 0 { now().wall } else { saved.since },
            upgrades: saved.upgrades,
            unsaved: Unsaved::default(),
            ending: None,
            options,
        };
        shell.recognise(&saved.ticks);
        if shell.listeners.is_empty() {
            shell.listen_again(&Addresses { http: saved.http, tls: saved.tls, admin: saved.admin });
        }
        Ok((shell, receiver))
    }

    /// Listens where the last keeper did. When that was killed its router still has the sockets: it goes on with them until
    /// another one, with those of this keeper, takes over.
    fn listen_again(&mut self, addresses: &Addresses) {
        let router = self.leaders.values().any(|leader| leader.key.0 == super::OWN_APP);
        for (address, error) in self.listeners.listen_again(addresses, router) {
            self.trouble(&format!("cannot listen on {address}: {error}"));
        }
        self.router_has_others = router && !self.listeners.is_empty();
    }

    /// Finds the processes that should run among those that do.
    fn recognise(&mut self, ticks: &BTreeMap<String, u64>) {
        let marks = processes::marked(&self.options.home.run.display().to_string());
        let keys: Vec<Key> = self
            .core
            .apps()
            .flat_map(|(name, app)| app.slots().map(move |(slot, _)| (name.to_string(), slot.clone())))
            .collect();
        // Numbers of starts that the last keeper could not write down any more are not given again.
        self.starts = marks.iter().map(|mark| mark.start).chain([self.starts]).max().unwrap_or(0);
        for key in &keys {
            let Some(placement) = self.core.placement(&key.0, &key.1) else { continue };
            if placement.instance.is_over() {
                continue;
            }
            let mine = || marks.iter().filter(|mark| (&mark.app, &mark.slot) == (&key.0, &key.1));
            let before = placement.instance.pid;
            let ticks = ticks.get(&format!("{}/{}", key.0, key.1)).copied();
            let noted = before.zip(ticks).filter(|(pid, ticks)| {
                processes::start_ticks(*pid) == Some(*ticks) || processes::is_child(*pid, *ticks)
            });
            let noted = noted.map(|(pid, _)| pid);
            // Of what leads a group the process itself was there first.
            let leads = |mark: &&processes::Mark| mark.pid == mark.group;
            let age = |mark: &processes::Mark| std::cmp::Reverse(processes::start_ticks(mark.pid));
            let newest = mine().filter(leads).max_by_key(|mark| (mark.start, age(mark))).map(|mark| mark.pid);
            let leader = if placement.instance.leader_gone() { None } else { noted.or(newest) };
            // Others of its group may live on when the process itself has ended.
            let group = before.filter(|pid| mine().any(|mark| mark.group == *pid));
            if let Some(pid) = leader {
                self.leads(pid, key);
                // What it said is not to be heard twice, and what comes of it is for later: nothing runs yet.
                let _ = self.core.take(&key.0, &key.1, Input::Found(pid), now());
            } else if let Some(placement) = self.core.placement_mut(&key.0, &key.1) {
                placement.instance.pid = group;
            }
        }
        for mark in marks {
            let owned = self.core.placement(&mark.app, &mark.slot).is_some_and(|one| one.instance.is_alive());
            if !owned {
                self.words.note(&format!(
                    "process {} belonged to {}/{}, which no longer runs: stopped",
                    mark.pid, mark.app, mark.slot
                ));
                self.let_leftover_end(mark.pid, "TERM", sweep::LEFTOVER_GRACE);
            }
        }
    }

    /// Goes on where the last keeper was: opens the pipes of what runs, watches it, starts what is missing.
    pub(super) fn take_over(&mut self) {
        let keys: Vec<(Key, bool, State)> = self
            .core
            .apps()
            .flat_map(|(name, app)| {
                app.slots().map(move |(slot, one)| {
                    let key = (name.to_string(), slot.clone());
                    (key, one.instance.is_alive(), one.instance.state.clone())
                })
            })
            .collect();
        let alive: Vec<&(Key, bool, State)> = keys.iter().filter(|(_, alive, _)| *alive).collect();
        self.open_adopted(alive.iter().map(|(key, ..)| key));
        let own: Vec<u32> = self.leaders.keys().copied().collect();
        for pid in own {
            // Children of this very process are reaped; of others only their end can be seen.
            if processes::parent(pid) != Some(std::process::id()) {
                let events = self.events.clone();
                requests::watch_end(pid, async move {
                    let _ = events.send(Event::AdoptedEnded(pid)).await;
                });
            }
        }
        self.reap();
        for (key, _, state) in &alive {
            let pid = self.leaders.iter().find(|(_, there)| there.key == *key).map(|(pid, _)| *pid);
            match (pid, state) {
                (None, _) => self.input(key, Input::Ended(Ending::Unknown)),
                (Some(pid), State::Starting) => {
                    let deeds = self.await_readiness(key, pid);
                    self.carry_out(deeds);
                }
                _ => {}
            }
        }
        self.resume();
    }

    /// Opens the pipes of processes that run already.
    fn open_adopted<'k>(&mut self, keys: impl Iterator<Item = &'k Key>) {
        for key in keys {
            if let Err(why) = self.owner(key).and_then(|owner| self.open_pipes(key, owner).map(drop)) {
                self.trouble(&format!("what {}/{} says cannot be read: {why}", key.0, key.1));
            }
        }
        self.output.adopted();
    }

    /// Collects again after an upgrade that did not come about.
    pub(super) fn reopen_output(&mut self, histories: BTreeMap<String, logs::LineState>) {
        if let Err(error) = self.output.resume() {
            self.trouble(&format!("the log collector cannot be started: {error}"));
            return;
        }
        self.output.adopt(histories);
        let keys: Vec<Key> = std::mem::take(&mut self.pipes).into_keys().collect();
        self.open_adopted(keys.iter());
    }

    /// Lets every app compare what should run with what does; starts the router where it should run.
    fn resume(&mut self) {
        let deeds: Vec<_> = self.names().iter().flat_map(|name| self.core.reconcile(name, now())).collect();
        self.unsaved.live();
        self.carry_out(deeds);
        for (key, _) in self.stopping_without_leader() {
            let deeds = self.begin_sweep(&key);
            self.carry_out(deeds);
        }
        let router =
            self.core.app(super::OWN_APP).is_some_and(|app| app.is_alive() || app.rollout().is_some());
        if !self.listeners.is_empty() && (!router || self.router_has_others) {
            self.start_router();
        }
    }

    fn names(&self) -> Vec<String> {
        self.core.apps().map(|(name, _)| name.to_string()).collect()
    }

    fn stopping_without_leader(&self) -> Vec<(Key, u32)> {
        let of = |(name, app): (&str, &crate::core::App)| {
            let mut found = Vec::new();
            for (slot, one) in app.slots() {
                if let (State::Stopping, true, Some(pid)) =
                    (&one.instance.state, one.instance.leader_gone(), one.instance.pid)
                {
                    found.push(((name.to_string(), slot.clone()), pid));
                }
            }
            found
        };
        self.core.apps().flat_map(of).filter(|(key, _)| !self.sweeps.contains_key(key)).collect()
    }
}

fn control_socket(options: &Options) -> Result<UnixListener, KeeperError> {
    let path = options.home.socket();
    sockets::listener(&path).map_err(|error| KeeperError::Home { path, error })
}
