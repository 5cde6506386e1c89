//! A machine that does what the core says, in virtual time, and watches over what must never be.
//!
//! Its processes become ready, crash, ignore signals and leave others behind as chance has it. All chance comes from
//! one seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use procfile::{Readiness, StopTarget};
use release::Definition;

use super::super::instance::{KILL_AGAIN, State};
use super::super::{Act, App, Core, Deed, Ending, Input, Notice, Now, Placement, Slot, Wanted};

/// How long the machine takes to end what got SIGKILL, at most.
const DEATH: Duration = Duration::from_millis(5);

pub(super) type Key = (String, Slot);

/// What the revision of a release says about its processes of type `web`.
pub(super) const GOOD: &str = "good";
pub(super) const NEVER_READY: &str = "never ready";
pub(super) const ENDS_EARLY: &str = "ends early";
pub(super) const MISSING: &str = "missing";

pub(super) struct World {
    pub core: Core,
    pub now: Duration,
    /// Whether nothing goes wrong by itself from now on.
    pub healthy: bool,
    /// Whether nothing ever did.
    gentle: bool,
    /// Everything that was told, by app.
    pub told: Vec<(String, Notice)>,
    random: Random,
    processes: BTreeMap<u32, Process>,
    last_pid: u32,
    agenda: BTreeMap<(Duration, u64), Happening>,
    happenings: u64,
    /// Apps and processes whose stop was said twice.
    pub said_twice: Vec<(String, Option<String>)>,
    /// Apps that had a release ready and have had no reason for a gap since.
    settled: Vec<String>,
    starts: BTreeMap<Key, Vec<Duration>>,
    /// Processes that the router has sent clients to.
    had_clients: BTreeSet<u32>,
}

/// Something of a slot that runs: the process that was started, and what it started.
struct Process {
    key: Key,
    leader: bool,
    others: u32,
    /// How long it takes to end when asked; `None`: for ever.
    obeys: Option<Duration>,
    asked: Option<Duration>,
    swept: bool,
}

enum Happening {
    Ready(u32),
    LeaderEnds(u32, Ending),
    OthersEnd(u32),
    AllEnd(u32),
}

impl World {
    pub(super) fn new(seed: u64, healthy: bool) -> Self {
        Self {
            core: Core::new(),
            now: Duration::from_secs(1000),
            healthy,
            gentle: healthy,
            told: Vec::new(),
            random: Random(seed),
            processes: BTreeMap::new(),
            last_pid: 100,
            agenda: BTreeMap::new(),
            happenings: 0,
            said_twice: Vec::new(),
            settled: Vec::new(),
            starts: BTreeMap::new(),
            had_clients: BTreeSet::new(),
        }
    }

    pub(super) fn time(&self) -> Now {
        Now { steady: self.now, wall: self.now.as_secs() }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut at_once = 0;
        loop {
            let happening = self.agenda.keys().next().map(|(at, _)| *at);
            let next = [happening, self.core.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            at_once = if next <= self.now { at_once + 1 } else { 0 };
            let most = 20
                * (self.processes.len()
                    + self.core.apps().map(|(_, app)| app.slots().count()).sum::<usize>()
                    + 1);
            assert!(at_once <= most, "nothing moves on: the same moment again and again");
            self.now = self.now.max(next);
            if happening == Some(next) {
                let (_, happening) = self.agenda.pop_first().unwrap();
                self.happen(happening);
            } else {
                let deeds = self.core.tick(self.time());
                self.carry_out(deeds);
            }
        }
        self.now = end;
    }

    /// Does what the core says, as the shell does.
    pub(super) fn carry_out(&mut self, deeds: Vec<Deed>) {
        let mut waiting = VecDeque::from(deeds);
        while let Some(Deed { app, act }) = waiting.pop_front() {
            match act {
                Act::Spawn(slot) => waiting.extend(self.spawn((app, slot))),
                Act::Signal(slot, _, target) => self.signal(&(app, slot), target),
                Act::Kill(slot) => self.kill(&(app, slot)),
                Act::Sweep(slot) => waiting.extend(self.sweep((app, slot))),
                Act::Drain(_) => {}
                Act::Forget(slot) => {
                    let key = (app, slot);
                    assert!(self.pid(&key).is_none(), "{}/{} is forgotten and runs", key.0, key.1);
                    self.starts.remove(&key);
                }
                Act::Tell(notice) => self.told.push((app, notice)),
            }
        }
        self.watch_for_gaps();
        for (name, app) in self.core.apps() {
            let one_by_one = app.slots().map(|(slot, _)| slot).filter(|slot| app.is_going(slot));
            assert_eq!(app.going(), one_by_one.cloned().collect::<Vec<_>>(), "of {name}");
        }
    }

    fn happen(&mut self, happening: Happening) {
        let (Happening::Ready(pid)
        | Happening::LeaderEnds(pid, _)
        | Happening::OthersEnd(pid)
        | Happening::AllEnd(pid)) = happening;
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let key = process.key.clone();
        let mut inputs = Vec::new();
        match happening {
            Happening::Ready(_) if process.leader => inputs.push(Input::Ready),
            Happening::LeaderEnds(_, ending) if process.leader => {
                process.leader = false;
                inputs.push(Input::Ended(ending));
            }
            Happening::OthersEnd(_) => process.others = 0,
            Happening::AllEnd(_) => {
                process.others = 0;
                if std::mem::take(&mut process.leader) {
                    inputs.push(Input::Ended(Ending::Signal(9)));
                }
            }
            _ => {}
        }
        let swept = process.swept;
        for input in inputs {
            self.give(&key, input);
        }
        if swept {
            let deeds = self.sweep(key);
            self.carry_out(deeds);
        }
    }

    pub(super) fn give(&mut self, key: &Key, input: Input) {
        let deeds = self.core.take(&key.0, &key.1, input, self.time());
        self.carry_out(deeds);
    }

    fn spawn(&mut self, key: Key) -> Vec<Deed> {
        if self.core.placement(&key.0, &key.1).unwrap().instance.state != State::Starting {
            let why = Input::CannotSpawn("it was asked to stop before it was started".into());
            return self.core.take(&key.0, &key.1, why, self.time());
        }
        self.check_start(&key);
        self.starts.entry(key.clone()).or_default().push(self.now);
        let kind = self.kind(&key);
        if kind == MISSING || self.mishap(3) {
            let why = Input::CannotSpawn("the program is not there".into());
            return self.core.take(&key.0, &key.1, why, self.time());
        }
        self.last_pid += 1;
        let pid = self.last_pid;
        let process = Process {
            key: key.clone(),
            leader: true,
            others: u32::from(self.mishap(10)),
            obeys: if self.mishap(10) { None } else { Some(self.moment(2_000)) },
            asked: None,
            swept: false,
        };
        self.processes.insert(pid, process);
        if kind == ENDS_EARLY {
            let soon = self.moment(500);
            self.at(soon, Happening::LeaderEnds(pid, Ending::Code(3)));
        } else if self.mishap(20) {
            let some_time = self.moment(20_000);
            self.at(some_time, Happening::LeaderEnds(pid, Ending::Code(1)));
        }
        let mut deeds = self.core.take(&key.0, &key.1, Input::Spawned(pid), self.time());
        let ready = self.core.placement(&key.0, &key.1).map(|one| one.instance.process_type.ready.clone());
        if ready == Some(Readiness::Uptime(Duration::ZERO)) {
            deeds.extend(self.core.take(&key.0, &key.1, Input::Ready, self.time()));
        } else if kind == GOOD && !self.mishap(10) {
            let ready = self.moment(3_000);
            self.at(ready, Happening::Ready(pid));
        }
        deeds
    }

    /// What may be started, and when.
    fn check_start(&self, key: &Key) {
        let (name, slot) = key;
        let told = format!("{name}/{slot} is started");
        assert!(self.pid(key).is_none(), "{told} while it runs");
        let app = self.core.app(name).unwrap();
        assert!(app.wanted == Wanted::Running && !app.halted, "{told} though the app is not to run");
        let of_rollout = app.rollout().filter(|rollout| rollout.to.number == slot.generation);
        let formation = match of_rollout {
            Some(rollout) => &rollout.formation,
            None => {
                let current = app.current().map(|current| current.number);
                assert_eq!(current, Some(slot.generation), "{told}, of a generation that is on its way out");
                &app.formation
            }
        };
        let instance = &app.slots[slot].instance;
        let process_type = &instance.process_type;
        assert!(slot.number >= 1 && slot.number <= formation.count(process_type), "{told}, one too many");
        if let Some(first) = process_type.port {
            let port = |first: u16, slot: &Slot| u32::from(first) + slot.number;
            let same = |other: &Slot, one: &Placement| {
                one.instance.process_type.port.is_some_and(|there| port(there, other) == port(first, slot))
            };
            for (other, _) in app.slots().filter(|(other, one)| *other != slot && same(other, one)) {
                let holder = self.pid(&(name.clone(), other.clone()));
                assert!(holder.is_none(), "{told} while {other} has its port");
            }
        }
        if instance.restarts == 0 && instance.tries == 1 && instance.last.is_none() {
            for (other, one) in app.slots().filter(|(other, _)| other.generation == slot.generation) {
                if process_type.after.contains(&other.process_type) && app.is_wanted(other) {
                    let state = &one.instance.state;
                    assert!(
                        matches!(state, State::Ready | State::Stopped),
                        "{told} before {other}, which is {state:?}"
                    );
                }
            }
        }
    }

    fn signal(&mut self, key: &Key, target: StopTarget) {
        let now = self.now;
        let Some(pid) = self.pid(key) else { return };
        self.check_stop_order(key);
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.asked.get_or_insert(now);
        let Some(obeys) = process.obeys else { return };
        let (leader, others) = (process.leader, process.others);
        if leader {
            self.at(obeys, Happening::LeaderEnds(pid, Ending::Code(0)));
        }
        if others > 0 && target == StopTarget::Group {
            let later = obeys + self.moment(1_000);
            self.at(later, Happening::OthersEnd(pid));
        }
    }

    /// Those that start after others stop before them; of the rest, those of the highest priority number.
    fn check_stop_order(&self, key: &Key) {
        let (name, slot) = key;
        let app = self.core.app(name).unwrap();
        let placement = &app.slots[slot];
        if !placement.instance.is_to_stop() || !placement.let_go || !app.is_going(slot) {
            return;
        }
        let had_clients =
            self.pid(key).is_some_and(|pid| self.processes[&pid].leader && self.had_clients.contains(&pid));
        assert!(
            !had_clients || app.rests() || placement.drained,
            "{name}/{slot} is stopped before its clients are done"
        );
        for (other, one) in app.slots().filter(|(other, _)| other.generation == slot.generation) {
            let process_type = &one.instance.process_type;
            let leaves = self.pid(&(name.clone(), other.clone())).is_some() && app.is_going(other);
            assert!(
                !leaves || !process_type.after.contains(&slot.process_type),
                "{name}/{slot} is stopped before {other}"
            );
        }
    }

    fn kill(&mut self, key: &Key) {
        let Some(pid) = self.pid(key) else { return };
        let process = &self.processes[&pid];
        let instance = &self.core.placement(&key.0, &key.1).unwrap().instance;
        let since = process.asked.unwrap_or(Duration::MAX);
        let twice = self.said_twice.iter().any(|(app, of)| {
            *app == key.0 && of.as_ref().is_none_or(|of| *of == key.1.process_type || *of == key.1.process())
        });
        assert!(
            twice || self.now >= since.saturating_add(instance.process_type.stop.grace),
            "{}/{} is killed before its grace is over",
            key.0,
            key.1
        );
        let death = self.moment(DEATH.as_millis() as u64);
        self.at(death, Happening::AllEnd(pid));
    }

    fn sweep(&mut self, key: Key) -> Vec<Deed> {
        let Some(pid) = self.pid(&key) else {
            return self.core.take(&key.0, &key.1, Input::Gone, self.time());
        };
        let process = self.processes.get_mut(&pid).unwrap();
        process.swept = true;
        if process.leader || process.others > 0 {
            return Vec::new();
        }
        let grace = self.core.placement(&key.0, &key.1).unwrap().instance.process_type.stop.grace;
        if let Some(asked) = process.asked {
            let most = asked.saturating_add(grace).saturating_add(DEATH);
            assert!(
                self.now <= most,
                "{}/{} is gone {:?} too late",
                key.0,
                key.1,
                self.now.saturating_sub(most)
            );
        }
        self.processes.remove(&pid);
        self.core.take(&key.0, &key.1, Input::Gone, self.time())
    }

    /// While nothing goes wrong, somebody always answers.
    fn watch_for_gaps(&mut self) {
        for (name, app) in self.core.apps() {
            for (slot, _) in app.table().iter().flat_map(|table| &table.instances) {
                self.had_clients.extend(self.pid(&(name.to_string(), (*slot).clone())));
            }
        }
        if !self.gentle {
            return;
        }
        for (name, app) in self.core.apps() {
            if app.rests() {
                self.settled.retain(|one| one != name);
            }
            let answers = app.table().is_some_and(|table| {
                table
                    .instances
                    .iter()
                    .any(|(slot, _)| self.pid(&(name.to_string(), (*slot).clone())).is_some())
            });
            let known = self.settled.iter().any(|one| one == name);
            let all = app.current().is_some_and(|current| {
                let mut web = app.slots().filter(|(slot, _)| {
                    slot.generation == current.number && slot.process_type == "web" && app.is_wanted(slot)
                });
                web.all(|(_, one)| one.instance.state == State::Ready)
            });
            match (answers, known) {
                (true, false) if all => self.settled.push(name.into()),
                (false, true) => panic!("nobody answers for {name}"),
                _ => {}
            }
        }
    }

    // --- what happens to the machine ---

    /// The keeper is killed and another one reads back what it wrote down.
    pub(super) fn reload(&mut self) {
        let text = serde_json::to_string(&self.core).unwrap();
        self.core = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::to_string(&self.core).unwrap(),
            text,
            "something is lost when it is written down"
        );
        self.reconcile();
    }

    pub(super) fn reconcile(&mut self) {
        let names: Vec<String> = self.core.apps().map(|(name, _)| name.to_string()).collect();
        for name in names {
            let deeds = self.core.reconcile(&name, self.time());
            self.carry_out(deeds);
        }
    }

    /// The power fails; the clock starts anew.
    pub(super) fn reboot(&mut self) {
        self.processes.clear();
        self.agenda.clear();
        self.settled.clear();
        self.starts.clear();
        self.now = Duration::from_secs(3);
        let text = serde_json::to_string(&self.core).unwrap();
        self.core = serde_json::from_str(&text).unwrap();
        self.core.begin_anew();
        self.reconcile();
    }

    /// The keeper ends and lets everything rest; another one comes.
    pub(super) fn keeper_ends(&mut self) {
        self.settled.clear();
        let names: Vec<String> = self.core.apps().map(|(name, _)| name.to_string()).collect();
        for name in &names {
            let deeds = self.core.halt(name, self.time());
            self.carry_out(deeds);
        }
        self.pass(Duration::from_mins(1));
        assert!(self.processes.is_empty(), "the keeper is over, and something runs");
        self.starts.clear();
        self.reload();
    }

    /// A process ends by itself.
    pub(super) fn crash(&mut self, which: usize) {
        let running: Vec<u32> =
            self.processes.iter().filter(|(_, process)| process.leader).map(|(pid, _)| *pid).collect();
        if !running.is_empty() {
            let pid = running[which % running.len()];
            self.happen(Happening::LeaderEnds(pid, Ending::Signal(11)));
        }
    }

    /// The router has finished with whatever drains.
    pub(super) fn drained(&mut self) {
        let of = |(name, app): (&str, &App)| {
            let draining: Vec<Key> = app
                .slots()
                .filter(|(_, one)| one.is_draining())
                .map(|(slot, _)| (name.to_string(), slot.clone()))
                .collect();
            draining
        };
        let draining: Vec<Key> = self.core.apps().flat_map(of).collect();
        for (name, slot) in draining {
            let deeds = self.core.drained(&name, &slot, self.time());
            self.carry_out(deeds);
        }
    }

    // --- what there is ---

    pub(super) fn pid(&self, key: &Key) -> Option<u32> {
        self.processes.iter().find(|(_, process)| process.key == *key).map(|(pid, _)| *pid)
    }

    pub(super) fn running(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.processes.values().map(|process| format!("{}/{}", process.key.0, process.key.1)).collect();
        names.sort();
        names
    }

    /// When a process was started, each time.
    pub(super) fn starts_of(&self, app: &str, slot: &str) -> Vec<Duration> {
        self.starts.get(&(app.to_string(), slot.parse().unwrap())).cloned().unwrap_or_default()
    }

    fn kind(&self, key: &Key) -> String {
        let app = self.core.app(&key.0).unwrap();
        let definition: &Definition = &app.history.get(app.slots[&key.1].release).unwrap().definition;
        let revision = definition.revision.clone().unwrap_or_default();
        let kind = revision.split('/').next().unwrap_or_default();
        if key.1.process_type == "web" { kind.to_string() } else { GOOD.to_string() }
    }

    fn at(&mut self, after: Duration, happening: Happening) {
        self.happenings += 1;
        self.agenda.insert((self.now + after, self.happenings), happening);
    }

    fn mishap(&mut self, percent: u64) -> bool {
        !self.healthy && self.random.below(100) < percent
    }

    fn moment(&mut self, most_millis: u64) -> Duration {
        Duration::from_micros(self.random.below(most_millis * 1000 + 1))
    }
}

/// Chance, from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// After which everything that was asked to stop is gone.
pub(super) fn longest_stop(grace: Duration) -> Duration {
    grace + KILL_AGAIN + DEATH
}
