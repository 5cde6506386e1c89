//! One app: its releases, its processes, and the change from one release to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use procfile::ProcessType;
use release::{Formation, History, Route};
use serde::{Deserialize, Serialize};

use super::instance::{Effect, Input, State};
use super::placement::{Placement, Renewal};
use super::slot::Slot;
use super::{Act, Notice, Refused};

/// One app.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct App {
    /// Its releases.
    pub history: History,
    /// Counts that were asked for.
    pub formation: Formation,
    /// Whether it is to run.
    pub wanted: Wanted,
    /// What came of the last change.
    pub outcome: Option<Outcome>,
    /// The processes that do the app's work.
    pub(super) current: Option<Generation>,
    /// What is to take over from them.
    pub(super) rollout: Option<Rollout>,
    /// All processes, those of earlier generations that are ending among them.
    pub(super) slots: BTreeMap<Slot, Placement>,
    /// The last generation's number.
    pub(super) last_generation: u64,
    /// Whether somebody has asked for its stop since it was started last.
    #[serde(default)]
    pub(super) stop_said: bool,
    /// Whether it rests because its keeper ends: that outlives no keeper.
    #[serde(skip)]
    pub(super) halted: bool,
}

/// Whether an app is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It is.
    Running,
    /// It is not.
    #[default]
    Stopped,
}

/// What came of the last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The release took over.
    Done,
    /// It did not.
    Failed,
    /// An essential process ended with this code.
    Ended(i32),
}

/// Processes that were started together, all of one release. A restart is a new generation of the same release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// From 1, never used twice in an app.
    pub number: u64,
    /// The release.
    pub release: u64,
}

/// A generation that is to take over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Which.
    pub to: Generation,
    /// Counts that were asked for, once it has.
    #[serde(default)]
    pub formation: Formation,
}

/// The processes that answer an app's requests.
#[derive(Debug)]
pub struct Table<'a> {
    /// Where the app is reached.
    pub route: &'a Route,
    /// Ready for requests.
    pub instances: Vec<(&'a Slot, &'a Placement)>,
    /// Get no new requests, and go on with those they have.
    pub draining: Vec<(&'a Slot, &'a Placement)>,
}

impl App {
    /// The processes, those that are ending among them.
    pub fn slots(&self) -> impl Iterator<Item = (&Slot, &Placement)> {
        self.slots.iter()
    }

    /// The generation that does the app's work.
    pub fn current(&self) -> Option<Generation> {
        self.current
    }

    /// The change that is under way.
    pub fn rollout(&self) -> Option<&Rollout> {
        self.rollout.as_ref()
    }

    /// Whether anything of it runs.
    pub fn is_alive(&self) -> bool {
        self.slots.values().any(|placement| placement.instance.is_alive())
    }

    /// Who answers its requests; `None` when it is not to be reached.
    pub fn table(&self) -> Option<Table<'_>> {
        let current = self.current?;
        let route = self.history.get(current.release)?.definition.route.as_ref()?;
        let (draining, instances) = self
            .slots
            .iter()
            .filter(|(slot, one)| {
                let ready = one.instance.state == State::Ready && slot.process_type == route.process_type;
                ready && (slot.generation == current.number || one.is_draining())
            })
            .partition(|(_, one)| one.is_draining());
        Some(Table { route, instances, draining })
    }

    /// Whether it is not to run at present.
    pub(super) fn rests(&self) -> bool {
        self.wanted == Wanted::Stopped || self.halted
    }

    /// Starts a release beside what runs; what was being rolled out gives way.
    pub(super) fn roll_out(&mut self, release: u64, formation: Formation) -> Vec<Act> {
        if self.rests() {
            // What still runs of it is on its way out, and nothing to go back to.
            self.current = None;
        }
        self.wanted = Wanted::Running;
        self.stop_said = false;
        self.outcome = None;
        let to = self.next_generation(release);
        self.rollout = Some(Rollout { to, formation });
        vec![Act::Tell(Notice::RolloutStarted { release })]
    }

    /// Runs a release's processes, each on its own.
    pub(super) fn run_at_once(&mut self, release: u64) {
        self.wanted = Wanted::Running;
        self.stop_said = false;
        self.outcome = None;
        self.history.set_current(release);
        self.current = Some(self.next_generation(release));
    }

    /// The counts that were asked for last.
    pub(super) fn wished_formation(&self) -> Formation {
        self.rollout.as_ref().map_or(&self.formation, |rollout| &rollout.formation).clone()
    }

    /// The release that took over last; where none ever did, the newest.
    pub(super) fn last_good(&self) -> Option<u64> {
        let newest = self.history.iter().next_back().map(|release| release.number);
        self.history.current().or(newest)
    }

    pub(super) fn next_generation(&mut self, release: u64) -> Generation {
        self.last_generation = self.last_generation.saturating_add(1);
        Generation { number: self.last_generation, release }
    }

    /// Notes something about several processes.
    pub(super) fn at(&mut self, slots: &[Slot], note: impl Fn(&mut Placement)) {
        self.slots.iter_mut().filter(|(slot, _)| slots.contains(slot)).for_each(|(_, one)| note(one));
    }

    /// Some processes of a type are to start anew; what was asked of that type before is forgotten.
    pub(super) fn renew(&mut self, slots: &[Slot]) {
        let types: Vec<&String> = slots.iter().map(|slot| &slot.process_type).collect();
        for (slot, placement) in self.slots.iter_mut().filter(|(slot, _)| types.contains(&&slot.process_type))
        {
            placement.renewal = if slots.contains(slot) { Renewal::Due } else { Renewal::No };
        }
    }

    /// Gives one input to several processes.
    pub(super) fn each(&mut self, slots: &[Slot], input: &Input, now: Duration) -> Vec<Act> {
        slots.iter().flat_map(|slot| self.give(slot, input.clone(), now)).collect()
    }

    /// Gives an input to a process and says what has to be done; tells when its state changed.
    pub(super) fn give(&mut self, slot: &Slot, input: Input, now: Duration) -> Vec<Act> {
        let Some(placement) = self.slots.get_mut(slot) else { return Vec::new() };
        let before = placement.instance.state.clone();
        let effects = placement.instance.take(input, now);
        let instance = &placement.instance;
        let mut acts = Vec::new();
        if instance.state != before {
            acts.push(Act::Tell(Notice::Process {
                slot: slot.clone(),
                state: instance.state.clone(),
                last: instance.last,
                trouble: instance.trouble.clone(),
            }));
        }
        acts.extend(effects.into_iter().map(|effect| match effect {
            Effect::Spawn => Act::Spawn(slot.clone()),
            Effect::Signal(name, target) => Act::Signal(slot.clone(), name, target),
            Effect::Kill => Act::Kill(slot.clone()),
            Effect::Sweep => Act::Sweep(slot.clone()),
        }));
        acts
    }

    /// Stops everything; said again while it stops: at once.
    pub(super) fn stop_all(&mut self, now: Duration) -> Vec<Act> {
        self.wanted = Wanted::Stopped;
        self.rollout = None;
        if std::mem::replace(&mut self.stop_said, true) { self.kill_all(now) } else { Vec::new() }
    }

    pub(super) fn kill_all(&mut self, now: Duration) -> Vec<Act> {
        let all: Vec<Slot> = self.slots.keys().cloned().collect();
        self.each(&all, &Input::Kill, now)
    }

    /// Gives every process whose time has come its tick.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Act> {
        let mut due = Vec::new();
        for (slot, placement) in &mut self.slots {
            if placement.drain_until.is_some_and(|until| until <= now) {
                placement.drained = true;
            }
            if placement.instance.deadline().is_some_and(|deadline| deadline <= now) {
                due.push(slot.clone());
            }
        }
        self.each(&due, &Input::Tick, now)
    }

    /// Whether a deadline has passed.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// The next deadline of its processes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.slots.values().filter_map(Placement::deadline).min()
    }

    /// The machine has started anew, and every clock with it: nothing runs, and what a person stopped stays so.
    pub(super) fn begin_anew(&mut self) {
        self.slots.retain(|_, placement| {
            let stopped = placement.instance.is_to_stop() && !placement.let_go;
            if stopped {
                placement.instance.never_ran();
            }
            stopped
        });
    }

    /// The process types of a generation's release.
    pub(super) fn process_types(&self, generation: Generation) -> &[ProcessType] {
        let release = self.history.get(generation.release);
        release.map(|release| release.definition.process_types.as_slice()).unwrap_or_default()
    }

    /// The names of the process types that run, or would.
    pub(super) fn process_type_names(&self) -> Vec<String> {
        let rolling_out = self.rollout.as_ref().map(|rollout| rollout.to.release);
        let number = rolling_out.or(self.history.current());
        let release = number.and_then(|number| self.history.get(number)).or(self.history.iter().next_back());
        release
            .iter()
            .flat_map(|release| &release.definition.process_types)
            .map(|one| one.name.clone())
            .collect()
    }

    /// The current processes that `web.1`, or `web` for all of a type, means.
    pub(super) fn named(&self, app: &str, process: &str) -> Result<Vec<Slot>, Refused> {
        if self.rests() {
            return Err(Refused::Rests(app.into()));
        }
        let Some(current) = self.current else { return Err(Refused::IsStarting(app.into())) };
        let found: Vec<Slot> = self
            .slots
            .keys()
            .filter(|slot| slot.generation == current.number && self.is_wanted(slot))
            .filter(|slot| slot.process_type == process || slot.process() == process)
            .cloned()
            .collect();
        if found.is_empty() {
            let known = self.process_type_names().join(", ");
            return Err(Refused::NoProcess { app: app.into(), process: process.into(), known });
        }
        Ok(found)
    }
}
