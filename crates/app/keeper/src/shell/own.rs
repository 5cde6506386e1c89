//! The apps that the keeper runs for itself: the router, and the drain that sends logs on.

use std::time::Duration;

use procfile::{CommandLine, ProcessType};
use release::{Definition, Formation, Variables};

use super::{Shell, now};
use crate::core::{App, Wanted};

/// The app whose one process is the router.
pub const OWN_APP: &str = "pinch";
/// The app whose one process sends logs on.
pub const DRAIN_APP: &str = "pinch-drain";
/// How long the drain may go on sending what is left.
const DRAIN_GRACE: Duration = Duration::from_secs(10);

/// Whether an app is one that the keeper runs for itself.
pub fn is_own(app: &str) -> bool {
    app == OWN_APP || app == DRAIN_APP
}

impl Shell {
    /// Has the drain run exactly while an app has somewhere to send its logs to.
    pub(super) fn mind_drain(&mut self) {
        let runs = self.core.app(DRAIN_APP).is_some_and(|app| app.wanted == Wanted::Running);
        let wanted = self.ending.is_none() && self.core.apps().any(|(name, app)| !is_own(name) && sends(app));
        if wanted && !runs {
            self.start_drain();
        } else if runs
            && !wanted
            && !self.core.apps().any(|(name, app)| !is_own(name) && app.is_alive() && sends(app))
        {
            self.stop_apps(|name| name == DRAIN_APP);
        }
    }

    fn start_drain(&mut self) {
        let home = &self.options.home;
        let words =
            ["drain", "--keeper", &home.run.to_string_lossy(), "--state", &home.state.to_string_lossy()]
                .map(String::from);
        let program = self.options.program.display().to_string();
        let command = CommandLine::Argv(std::iter::once(program).chain(words).collect());
        let mut drain = ProcessType::new("drain", command);
        drain.stop.grace = DRAIN_GRACE;
        let definition = own_definition(DRAIN_APP, &self.options.version, drain);
        match self.core.deploy(definition, &Formation::new(), "drain", now()) {
            Ok((_, deeds)) => self.carry_out(deeds),
            Err(refused) => self.trouble(&format!("the drain cannot be started: {refused}")),
        }
    }
}

/// Whether an app that is to run has somewhere to send its logs to.
fn sends(app: &App) -> bool {
    let number = app.current().map(|current| current.release).or(app.history.current());
    let definition = number.and_then(|number| app.history.get(number)).map(|release| &release.definition);
    app.wanted == Wanted::Running && definition.is_some_and(|definition| !definition.drains.is_empty())
}

/// An app of the keeper's own, with one process type.
pub(super) fn own_definition(app: &str, version: &str, process_type: ProcessType) -> Definition {
    let variables = std::env::vars_os();
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let kept = variables
        .filter_map(text)
        .filter(|(name, _)| ["PATH", "LANG", "TZ", "RUST_BACKTRACE"].contains(&name.as_str()));
    Definition {
        app: app.into(),
        directory: "/".into(),
        revision: Some(version.into()),
        process_types: vec![process_type],
        config: kept.collect::<Variables>(),
        route: None,
        drains: Vec::new(),
    }
}
