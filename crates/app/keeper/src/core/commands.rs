//! What people ask for.

use release::{Definition, Formation, Invalid, Unknown};

use super::app::{App, Wanted};
use super::instance::Input;
use super::placement::Renewal;
use super::slot::Slot;
use super::{Core, Deed, Now};

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
    /// It does not run.
    #[error("app `{0}` is stopped; start it first")]
    Rests(String),
    /// Its first release has yet to become ready.
    #[error("app `{0}` is still starting; stop all of it, or wait until it is ready")]
    IsStarting(String),
}

impl Core {
    /// Makes a definition the app's newest release and starts it beside what runs, even when nothing
    /// changed: the code in its folder may have. What the formation names is asked for besides what was before.
    /// Answers the release's number.
    pub fn deploy(
        &mut self,
        definition: Definition,
        counts: &Formation,
        cause: &str,
        now: Now,
    ) -> Result<(u64, Vec<Deed>), Refused> {
        let (name, number, formation) = self.release(definition, counts, cause, now)?;
        Ok((number, self.with(&name, now, |app| app.roll_out(number, formation))))
    }

    /// Makes a definition the app's newest release and lets each of its processes run on its own, whatever becomes of
    /// the others: no rollout, and nothing that goes back. Answers the release's number.
    pub fn run(
        &mut self,
        definition: Definition,
        counts: &Formation,
        now: Now,
    ) -> Result<(u64, Vec<Deed>), Refused> {
        let (name, number, formation) = self.release(definition, counts, "run", now)?;
        let act = |app: &mut App| {
            app.formation = formation;
            app.rollout = None;
            app.run_at_once(number);
            Vec::new()
        };
        Ok((number, self.with(&name, now, act)))
    }

    fn release(
        &mut self,
        definition: Definition,
        counts: &Formation,
        cause: &str,
        now: Now,
    ) -> Result<(String, u64, Formation), Refused> {
        definition.check()?;
        let name = definition.app.clone();
        let known: Vec<String> = definition.process_types.iter().map(|one| one.name.clone()).collect();
        all_known(&name, counts, &known)?;
        let app = self.apps.entry(name.clone()).or_default();
        let mut formation = app.wished_formation();
        formation.set_all(counts);
        Ok((name, app.history.add(definition, cause, now.wall), formation))
    }

    /// Goes back to an earlier release, or to the one before the current. Answers the new release's number.
    pub fn roll_back(&mut self, name: &str, to: Option<u64>, now: Now) -> Result<(u64, Vec<Deed>), Refused> {
        let number = self.known(name)?.history.roll_back(to, now.wall)?;
        Ok((number, self.roll_out(name, number, now)))
    }

    /// Starts an app that was stopped; one that runs is left alone.
    pub fn start(&mut self, name: &str, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        if app.wanted == Wanted::Running {
            return Ok(Vec::new());
        }
        let number = app.last_good().ok_or_else(|| Refused::NothingToStart(name.into()))?;
        Ok(self.roll_out(name, number, now))
    }

    /// Stops an app, or some of its processes, for good; said again: at once.
    pub fn stop(&mut self, name: &str, process: Option<&str>, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        let Some(process) = process else { return Ok(self.with(name, now, |app| app.stop_all(now.steady))) };
        let slots = app.named(name, process)?;
        Ok(self.with(name, now, |app| {
            // The keeper asked them before, to make way: this is the first time that a person does.
            let asked = |slot: &Slot| app.slots[slot].let_go;
            let (_, to_ask): (Vec<Slot>, Vec<Slot>) = slots.iter().cloned().partition(asked);
            app.at(&slots, |placement| (placement.let_go, placement.renewal) = (false, Renewal::No));
            app.each(&to_ask, &Input::Stop, now.steady)
        }))
    }

    /// Lets an app rest, until its keeper ends: it is still to run, once there is another. Said again: at once.
    pub fn halt(&mut self, name: &str, now: Now) -> Vec<Deed> {
        self.with(name, now, |app| {
            if std::mem::replace(&mut app.halted, true) { app.kill_all(now.steady) } else { Vec::new() }
        })
    }

    /// Starts processes anew: the whole app without a gap, or some of its processes one by one.
    pub fn restart(&mut self, name: &str, process: Option<&str>, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        let Some(process) = process else {
            let number = app.last_good().ok_or_else(|| Refused::NothingToStart(name.into()))?;
            return Ok(self.roll_out(name, number, now));
        };
        let slots = app.named(name, process)?;
        Ok(self.with(name, now, |app| {
            app.renew(&slots);
            Vec::new()
        }))
    }

    /// Asks for other numbers of processes.
    pub fn scale(&mut self, name: &str, counts: &Formation, now: Now) -> Result<Vec<Deed>, Refused> {
        let app = self.known(name)?;
        all_known(name, counts, &app.process_type_names())?;
        app.formation.set_all(counts);
        if let Some(rollout) = &mut app.rollout {
            rollout.formation.set_all(counts);
        }
        Ok(self.with(name, now, |_| Vec::new()))
    }

    /// Forgets an app that does not run, with its releases.
    pub fn remove(&mut self, name: &str) -> Result<(), Refused> {
        let app = self.known(name)?;
        if app.wanted == Wanted::Running || !app.slots.is_empty() {
            return Err(Refused::StillRuns(name.into()));
        }
        self.apps.remove(name);
        Ok(())
    }

    fn roll_out(&mut self, name: &str, release: u64, now: Now) -> Vec<Deed> {
        self.with(name, now, |app| {
            let formation = app.wished_formation();
            app.roll_out(release, formation)
        })
    }
}

/// Whether an app has all process types that counts name.
fn all_known(app: &str, counts: &Formation, known: &[String]) -> Result<(), Refused> {
    match counts.iter().find(|(name, _)| !known.iter().any(|one| one == name)) {
        Some((name, _)) => {
            Err(Refused::NoProcess { app: app.into(), process: name.into(), known: known.join(", ") })
        }
        None => Ok(()),
    }
}
