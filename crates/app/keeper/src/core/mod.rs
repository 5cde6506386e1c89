//! All that the keeper decides, as synchronous functions over values; time is passed in.
//!
//! A [`Core`] holds [`App`]s; an app holds its releases and its [`Instance`]s. Commands and [`Input`]s go in, [`Deed`]s
//! come out: processes to start, signals to send, notices to tell. After each input an app is *reconciled*: what
//! should run is compared with what does, and the difference becomes deeds. So there is one way to everything: a
//! deployment, a crash, a scaling and a keeper that comes back to running processes all end in the same comparison.

mod app;
mod instance;
mod reconcile;

use std::collections::BTreeMap;
use std::time::Duration;

use procfile::StopTarget;
use release::{Definition, Formation, Invalid, Unknown};
use serde::{Deserialize, Serialize};

pub use app::{App, Generation, Outcome, Placement, Rollout, Slot, Wanted};
pub use instance::{Ending, Input, Instance, State};

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
    /// Start the process; answer with [`Input::Spawned`] or [`Input::CannotSpawn`].
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

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such app.
    #[error("there is no app `{0}`")]
    NoApp(String),
    /// No such process type or process.
    #[error("app `{app}` has no process `{process}`; it has {known}")]
    NoProcess {
        /// The app.
        app: String,
        /// What was asked for.
        process: String,
        /// What there is.
        known: String,
    },
    /// The definition is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The release is not there.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The app was never started.
    #[error("app `{0}` has no release to start")]
    NothingToStart(String),
    /// The keeper's own.
    #[error("the name `{0}` is the keeper's own; choose another")]
    Reserved(String),
    /// It still runs.
    #[error("app `{0}` still runs; stop it first")]
    StillRuns(String),
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

    /// Makes a definition the app's newest release and starts it beside what runs, even when nothing
    /// changed: the code in its folder may have. Answers the release's number.
    pub fn deploy(
        &mut self,
        definition: Definition,
        cause: &str,
        now: Now,
    ) -> Result<(u64, Vec<Deed>), Refused> {
        definition.check()?;
        let name = definition.app.clone();
        let app = self.apps.entry(name.clone()).or_default();
        let number = app.history.add(definition, cause, now.wall);
        Ok((number, self.with(&name, now, |app| app.roll_out(number))))
    }

    /// Goes back to an earlier release, or to the one before the current. Answers the new release's number.
    pub fn roll_back(&mut self, name: &str, to: Option<u64>, now: Now) -> Result<(u64, Vec<Deed>), Refused> {
        let number = self.known(name)?.history.roll_back(to, now.wall)?;
        Ok((number, self.with(name, now, |app| app.roll_out(number))))
    }

    /// Starts an app that was stopped; one that runs is left alone.
    pub fn start(&mut self, name: &str, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        if app.wanted == Wanted::Running && app.outcome != Some(Outcome::Failed) {
            return Ok(Vec::new());
        }
        let newest = app.history.iter().next_back().map(|release| release.number);
        let number = app.history.current().or(newest).ok_or_else(|| Refused::NothingToStart(name.into()))?;
        Ok(self.with(name, now, |app| app.roll_out(number)))
    }

    /// Stops an app, or some of its processes, for good; said again: at once.
    pub fn stop(&mut self, name: &str, process: Option<&str>, now: Now) -> Result<Vec<Deed>, Refused> {
        let slots = self.known(name)?.named(name, process)?;
        Ok(self.with(name, now, |app| match process {
            None => app.stop_all(now.steady),
            Some(_) => app.each(&slots, &Input::Stop, now.steady),
        }))
    }

    /// Starts processes anew: the whole app without a gap, or some of its processes one by one.
    pub fn restart(&mut self, name: &str, process: Option<&str>, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        let slots = app.named(name, process)?;
        let current = app.history.current().ok_or_else(|| Refused::NothingToStart(name.into()))?;
        Ok(self.with(name, now, |app| match process {
            None => app.roll_out(current),
            Some(_) => app.each(&slots, &Input::Restart, now.steady),
        }))
    }

    /// Asks for other numbers of processes.
    pub fn scale(&mut self, name: &str, counts: &Formation, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        let known = app.process_type_names();
        for (process_type, _) in counts.iter() {
            if !known.iter().any(|one| one == process_type) {
                return Err(Refused::NoProcess {
                    app: name.into(),
                    process: process_type.into(),
                    known: known.join(", "),
                });
            }
        }
        for (process_type, count) in counts.iter() {
            app.formation.set(process_type, count);
        }
        Ok(self.with(name, now, |_| Vec::new()))
    }

    /// Forgets an app that does not run, with its releases.
    pub fn remove(&mut self, name: &str) -> Result<(), Refused> {
        if self.known(name)?.slots.values().any(|placement| placement.instance.is_alive()) {
            return Err(Refused::StillRuns(name.into()));
        }
        self.apps.remove(name);
        Ok(())
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
