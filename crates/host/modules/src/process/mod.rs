//! `process`: single programs that are kept running, as supervisord's users have them.
//!
//! A process is an app with one process type, `main`: it has the app's releases, logs and commands (`pinch logs -a
//! NAME`), and no route. See [`app`](crate::app).

use std::path::Path;

use value::Map;

use crate::app::{Invocation, bring_about, restart};
use crate::{Context, Failure, Module, Outcome};

arguments! {
    /// Keeps a program running.
    pub(super) struct Running {
        /// Its name: lower-case letters, digits and dashes.
        name: String,
        /// What is run, a line for the shell.
        command: String,
        /// Where it runs.
        directory or cwd: String = "/",
        /// How many of it run.
        count or numprocs: i64 = 1,
        /// As whom it runs.
        user or runas: Option<String>,
        /// Its variables.
        environment or env: Map = Map::new(),
        /// When it is ready: `port`, `notify`, a path, or seconds without an end.
        ready: Option<value::Value>,
        /// The keeper's home, if it is not the machine's own.
        home: Option<String>,
    }
}

arguments! {
    /// Keeps a program from running.
    pub(super) struct Dead {
        /// Its name.
        name: String,
        /// The keeper's home, if it is not the machine's own.
        home: Option<String>,
    }
}

impl Running {
    fn invocation(&self) -> Invocation {
        let mut words = vec!["--process".to_string(), format!("main={}", self.command)];
        words.extend(["--formation".to_string(), format!("main={}", self.count)]);
        words.extend(self.user.iter().flat_map(|user| ["--user".to_string(), user.clone()]));
        words.extend(self.ready.iter().flat_map(|ready| ["--ready".to_string(), format!("main={ready}")]));
        words.push(self.directory.clone());
        Invocation {
            app: self.name.clone(),
            home: self.home.clone(),
            words,
            config: self.environment.clone(),
        }
    }
}

/// See [`Running`].
fn running(context: &Context<'_>, asked: Running) -> Result<Outcome, Failure> {
    bring_about(context, &asked.invocation(), Path::new(&asked.directory), false)
}

fn watch_running(context: &Context<'_>, asked: Running) -> Result<Outcome, Failure> {
    restart(context, &asked.invocation())
}

/// See [`Dead`].
fn dead(context: &Context<'_>, asked: Dead) -> Result<Outcome, Failure> {
    let invocation = Invocation { app: asked.name, home: asked.home, words: Vec::new(), config: Map::new() };
    let app = &invocation.app;
    if invocation.is_known(context)? != Some(true) {
        return Ok(Outcome::unchanged(format!("Process {app} does not run")));
    }
    if let Some(why) = invocation.end(context, false, true)? {
        let outcome = Outcome::failed(format!("Process {app} could not be stopped\n{why}"));
        return Ok(outcome.hint(format!("`pinch stop -a {app}` does the same by hand")));
    }
    let comment =
        context.words(format!("Process {app} was stopped"), format!("Process {app} would be stopped"));
    Ok(Outcome::unchanged(comment).with(app, "stopped"))
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "process",
    documentation: "Single programs that are kept running.",
    states: &[state!("running", running, Running, on_watch = watch_running), state!("dead", dead, Dead)],
    functions: &[],
};
