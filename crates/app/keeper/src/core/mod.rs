//! All that the keeper decides, as synchronous functions over values; time is passed in.
//!
//! A [`Core`] holds [`App`]s; an app holds its releases and its [`Instance`]s. Commands and [`Input`]s go in, [`Deed`]s
//! come out: processes to start, signals to send, notices to tell. After each input an app is *reconciled*: what
//! should run is compared with what does, and the difference becomes deeds. So there is one way to everything: a
//! deployment, a crash, a scaling and a keeper that comes back to running processes all end in the same comparison.

mod app;
mod commands;
mod fill;
mod instance;
mod let_go;
mod placement;
mod reconcile;
mod rollout;
mod slot;

use std::collections::BTreeMap;
use std::time::Duration;

use procfile::StopTarget;
use serde::{Deserialize, Serialize};

pub use app::{App, Generation, Outcome, Rollout, Table, Wanted};
pub use commands::Refused;
pub use instance::{Ending, Input, Instance, State};
pub use placement::Placement;
pub use slot::Slot;

/// All apps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Core {
    apps: BTreeMap<String, App>,
}

/// Now: on the clock that only goes forward, and of the day in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Since some start; the same for all keepers between two boots of the machine.
    pub steady: Duration,
    /// Seconds since 1970.
    pub wall: u64,
}

/// What has to be done, to which process of which app.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// The app.
    pub app: String,
    /// What.
    pub act: Act,
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Start the process, unless it is no longer [`State::Starting`]; answer with [`Input::Spawned`] or
    /// [`Input::CannotSpawn`].
    Spawn(Slot),
    /// Send a signal, by name.
    Signal(Slot, String, StopTarget),
    /// SIGKILL everything that the process started.
    Kill(Slot),
    /// Watch until nothing of it is left; answer with [`Input::Gone`].
    Sweep(Slot),
    /// Let the router finish what the process is doing for clients; answer with [`Core::drained`].
    Drain(Slot),
    /// The process is over and forgotten.
    Forget(Slot),
    /// Tell whoever listens.
    Tell(Notice),
}

/// What is told to those who listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A process is in another state.
    Process {
        /// Which.
        slot: Slot,
        /// The state.
        state: State,
        /// How it ended last.
        last: Option<Ending>,
        /// What went wrong, if anything.
        trouble: Option<String>,
    },
    /// A release is starting beside the current one.
    RolloutStarted {
        /// The release.
        release: u64,
    },
    /// A release has taken over.
    RolloutDone {
        /// The release.
        release: u64,
    },
    /// A release did not take over; what ran before still runs.
    RolloutFailed {
        /// The release.
        release: u64,
        /// The process that failed.
        process: String,
        /// Why.
        why: String,
        /// The release that goes on, if any.
        stays: Option<u64>,
    },
    /// An essential process ended, and the app with it.
    EssentialEnded {
        /// The process.
        process: String,
        /// Its exit code.
        code: i32,
    },
    /// No process of the app runs any more, as was asked for.
    Stopped,
}

impl Core {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The apps, by name.
    pub fn apps(&self) -> impl Iterator<Item = (&str, &App)> {
        self.apps.iter().map(|(name, app)| (name.as_str(), app))
    }

    /// One app.
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.get(name)
    }

    /// One process.
    pub fn placement(&self, app: &str, slot: &Slot) -> Option<&Placement> {
        self.apps.get(app)?.slots.get(slot)
    }

    /// The same, to note where it was put.
    pub fn placement_mut(&mut self, app: &str, slot: &Slot) -> Option<&mut Placement> {
        self.apps.get_mut(app)?.slots.get_mut(slot)
    }

    /// The machine has started anew since all this was written down.
    pub fn begin_anew(&mut self) {
        self.apps.values_mut().for_each(App::begin_anew);
    }

    /// Takes in what happened to a process.
    pub fn take(&mut self, name: &str, slot: &Slot, input: Input, now: Now) -> Vec<Deed> {
        self.with(name, now, |app| app.each(std::slice::from_ref(slot), &input, now.steady))
    }

    /// The router has finished what a process was doing for clients.
    pub fn drained(&mut self, name: &str, slot: &Slot, now: Now) -> Vec<Deed> {
        self.with(name, now, |app| {
            if let Some(placement) = app.slots.get_mut(slot) {
                placement.drained = true;
            }
            Vec::new()
        })
    }

    /// Compares what should run with what does, and nothing else.
    pub fn reconcile(&mut self, name: &str, now: Now) -> Vec<Deed> {
        self.with(name, now, |_| Vec::new())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) -> Vec<Deed> {
        let due: Vec<String> = self
            .apps
            .iter()
            .filter(|(_, app)| app.is_due(now.steady))
            .map(|(name, _)| name.clone())
            .collect();
        due.iter().flat_map(|name| self.with(name, now, |app| app.tick(now.steady))).collect()
    }

    /// The next moment at which [`tick`](Self::tick) would do something.
    pub fn deadline(&self) -> Option<Duration> {
        self.apps.values().filter_map(App::deadline).min()
    }

    fn known(&mut self, name: &str) -> Result<&mut App, Refused> {
        self.apps.get_mut(name).ok_or_else(|| Refused::NoApp(name.into()))
    }

    /// Does something to an app and reconciles it.
    fn with(&mut self, name: &str, now: Now, act: impl FnOnce(&mut App) -> Vec<Act>) -> Vec<Deed> {
        let Some(app) = self.apps.get_mut(name) else { return Vec::new() };
        let mut acts = act(app);
        acts.extend(app.reconcile(now.steady));
        acts.into_iter().map(|act| Deed { app: name.into(), act }).collect()
    }
}

#[cfg(test)]
mod tests;
