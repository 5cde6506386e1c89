//! One app: its releases, its processes, and the change from one release to the next.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use procfile::ProcessType;
use release::{Formation, History};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::instance::{Effect, Input, Instance, State};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Which.
    pub to: Generation,
}

/// Which process of an app: printed `web.1@3`, the third generation's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The generation's number.
    pub generation: u64,
    /// The process type.
    pub process_type: String,
    /// From 1 up to the count.
    pub number: u32,
}

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
    /// Whether the router has finished with it.
    pub(super) drained: bool,
}

impl Placement {
    /// Whether clients are still finishing with it while it gets no new ones.
    pub fn is_draining(&self) -> bool {
        self.drain_until.is_some() && !self.drained && self.instance.state == State::Ready
    }
}

impl Slot {
    /// Its name for people: `web.1`.
    pub fn process(&self) -> String {
        format!("{}.{}", self.process_type, self.number)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.process_type, self.number, self.generation)
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (process, generation) = text.rsplit_once('@')?;
            let (process_type, number) = process.rsplit_once('.')?;
            let (generation, number) = (generation.parse().ok()?, number.parse().ok()?);
            Some(Self { generation, process_type: process_type.into(), number })
        };
        parts().ok_or_else(|| format!("`{text}` is no process: `TYPE.NUMBER@GENERATION`"))
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
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
    pub fn rollout(&self) -> Option<Rollout> {
        self.rollout
    }

    /// Whether anything of it runs.
    pub fn is_alive(&self) -> bool {
        self.slots.values().any(|placement| placement.instance.is_alive())
    }

    /// Starts a release beside what runs; what was being rolled out gives way.
    pub(super) fn roll_out(&mut self, release: u64) -> Vec<Act> {
        self.last_generation += 1;
        self.wanted = Wanted::Running;
        self.outcome = None;
        let to = Generation { number: self.last_generation, release };
        self.rollout = Some(Rollout { to });
        vec![Act::Tell(Notice::RolloutStarted { release })]
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
        let again = self.wanted == Wanted::Stopped;
        self.wanted = Wanted::Stopped;
        self.rollout = None;
        if !again {
            return Vec::new();
        }
        let alive: Vec<Slot> = self.slots.keys().cloned().collect();
        self.each(&alive, &Input::Stop, now)
    }

    /// Gives every process whose time has come its tick.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Act> {
        let due =
            |placement: &Placement| placement.instance.deadline().is_some_and(|deadline| deadline <= now);
        let due: Vec<Slot> =
            self.slots.iter().filter(|(_, placement)| due(placement)).map(|(slot, _)| slot.clone()).collect();
        self.each(&due, &Input::Tick, now)
    }

    /// Whether a deadline has passed.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// The next deadline of its processes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let drains = |placement: &Placement| match placement.instance.state {
            State::Ready if !placement.drained => placement.drain_until,
            _ => None,
        };
        let of = |placement: &Placement| [placement.instance.deadline(), drains(placement)];
        self.slots.values().flat_map(of).flatten().min()
    }

    /// The process types of a generation's release.
    pub(super) fn process_types(&self, generation: Generation) -> Vec<Arc<ProcessType>> {
        let release = self.history.get(generation.release);
        release.iter().flat_map(|release| &release.definition.process_types).cloned().map(Arc::new).collect()
    }

    /// The names of the process types that run, or would.
    pub(super) fn process_type_names(&self) -> Vec<String> {
        let number = self.rollout.map(|rollout| rollout.to.release).or(self.history.current());
        let release = number.and_then(|number| self.history.get(number)).or(self.history.iter().next_back());
        release
            .iter()
            .flat_map(|release| &release.definition.process_types)
            .map(|one| one.name.clone())
            .collect()
    }

    /// The current processes that `web.1`, or `web` for all of a type, means; all of them for `None`.
    pub(super) fn named(&self, app: &str, process: Option<&str>) -> Result<Vec<Slot>, Refused> {
        let current = self.current.map(|generation| generation.number);
        let mine = self.slots.keys().filter(|slot| Some(slot.generation) == current);
        let Some(process) = process else { return Ok(mine.cloned().collect()) };
        let found: Vec<Slot> =
            mine.filter(|slot| slot.process_type == process || slot.process() == process).cloned().collect();
        if found.is_empty() {
            let known = self.process_type_names().join(", ");
            return Err(Refused::NoProcess { app: app.into(), process: process.into(), known });
        }
        Ok(found)
    }
}
