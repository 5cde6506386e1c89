//! What an app should be.

use std::path::PathBuf;

use procfile::{ProcessType, Readiness, Stop};
use serde::{Deserialize, Serialize};

use crate::Variables;

/// What an app should be: everything but a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name, `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, at most 63 characters: it becomes a host name.
    pub app: String,
    /// The folder with its code; processes run there. Absolute.
    pub directory: PathBuf,
    /// What the code is: a git revision, or whatever tells two states of the folder apart.
    pub revision: Option<String>,
    /// What runs.
    pub process_types: Vec<ProcessType>,
    /// Config vars of all process types.
    pub config: Variables,
    /// Where the app is reached from outside; `None`: nowhere.
    pub route: Option<Route>,
    /// Where its log events go besides the local log, as URLs.
    #[serde(default)]
    pub drains: Vec<String>,
}

/// Where an app is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The process type that answers.
    pub process_type: String,
    /// Host names; empty: any.
    pub hosts: Vec<String>,
    /// The path below which the app answers, `/` for all.
    pub path: String,
    /// How long requests, streams and WebSockets of instances that are replaced may go on, in seconds.
    pub drain_seconds: u64,
}

impl std::fmt::Display for Route {
    /// As `shop.example.org/ to web`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts = if self.hosts.is_empty() { "any host, ".to_string() } else { self.hosts.join(", ") };
        write!(f, "{hosts}{} to {}", self.path, self.process_type)
    }
}

/// Why a definition cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The name cannot be a host name.
    #[error(
        "`{0}` cannot be an app's name: lower-case letters, digits and dashes, at most 63, no dash at the ends"
    )]
    Name(String),
    /// Nothing to run.
    #[error("app `{0}` has no process types")]
    NothingToRun(String),
    /// Two process types of one name.
    #[error("process type `{0}` is there twice")]
    Twice(String),
    /// The name cannot name a process.
    #[error("`{0}` cannot be a process type's name: letters, digits, `_` and `-`, at most 63")]
    ProcessTypeName(String),
    /// A process type waits for one that is not there.
    #[error("process type `{name}` starts after `{missing}`, which the app does not have")]
    AfterUnknown {
        /// Which one waits.
        name: String,
        /// For what.
        missing: String,
    },
    /// Process types wait for each other.
    #[error("process types wait for each other: {0}")]
    Circle(String),
    /// The route leads nowhere.
    #[error("the route leads to process type `{0}`, which the app does not have")]
    RouteUnknown(String),
    /// Readiness by HTTP needs a path.
    #[error("process type `{0}`: the path of its readiness check has to begin with `/`")]
    ReadyPath(String),
    /// The code's folder is relative.
    #[error("the app's folder `{0}` has to be an absolute path")]
    Relative(PathBuf),
    /// No such signal.
    #[error("process type `{name}`: there is no signal `{signal}`")]
    Signal {
        /// Whose stop signal.
        name: String,
        /// What was written.
        signal: String,
    },
}

impl Definition {
    /// The process type of that name.
    pub fn process_type(&self, name: &str) -> Option<&ProcessType> {
        self.process_types.iter().find(|process_type| process_type.name == name)
    }

    /// Whether it can be run; the first reason why not.
    pub fn check(&self) -> Result<(), Invalid> {
        if !is_host_label(&self.app) {
            return Err(Invalid::Name(self.app.clone()));
        }
        if !self.directory.is_absolute() {
            return Err(Invalid::Relative(self.directory.clone()));
        }
        if self.process_types.is_empty() {
            return Err(Invalid::NothingToRun(self.app.clone()));
        }
        for (index, process_type) in self.process_types.iter().enumerate() {
            self.check_process_type(process_type)?;
            if self.process_types[..index].iter().any(|earlier| earlier.name == process_type.name) {
                return Err(Invalid::Twice(process_type.name.clone()));
            }
        }
        if let Some(route) = &self.route
            && self.process_type(&route.process_type).is_none()
        {
            return Err(Invalid::RouteUnknown(route.process_type.clone()));
        }
        self.check_order()
    }

    fn check_process_type(&self, process_type: &ProcessType) -> Result<(), Invalid> {
        let name = &process_type.name;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 63 || !name.chars().all(allowed) {
            return Err(Invalid::ProcessTypeName(name.clone()));
        }
        if let Readiness::Http(path) = &process_type.ready
            && !path.starts_with('/')
        {
            return Err(Invalid::ReadyPath(name.clone()));
        }
        if !Stop::SIGNALS.contains(&process_type.stop.signal.as_str()) {
            return Err(Invalid::Signal { name: name.clone(), signal: process_type.stop.signal.clone() });
        }
        match process_type.after.iter().find(|other| self.process_type(other).is_none()) {
            Some(missing) => Err(Invalid::AfterUnknown { name: name.clone(), missing: missing.clone() }),
            None => Ok(()),
        }
    }

    /// Takes away, again and again, the types that wait for none that is left.
    fn check_order(&self) -> Result<(), Invalid> {
        let mut left: Vec<&ProcessType> = self.process_types.iter().collect();
        while !left.is_empty() {
            let waits = |one: &&ProcessType| {
                one.after.iter().any(|name| left.iter().any(|other| &other.name == name))
            };
            let still: Vec<&ProcessType> = left.iter().copied().filter(|one| waits(one)).collect();
            if still.len() == left.len() {
                let names: Vec<&str> = still.iter().map(|one| one.name.as_str()).collect();
                return Err(Invalid::Circle(names.join(", ")));
            }
            left = still;
        }
        Ok(())
    }
}

fn is_host_label(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use procfile::CommandLine;

    use super::*;

    fn app(process_types: &[(&str, &[&str])]) -> Definition {
        let of = |(name, after): &(&str, &[&str])| {
            let mut one = ProcessType::new(*name, CommandLine::Shell("true".into()));
            one.after = after.iter().map(ToString::to_string).collect();
            one
        };
        Definition {
            app: "shop".into(),
            directory: "/srv/shop".into(),
            revision: None,
            process_types: process_types.iter().map(of).collect(),
            config: Variables::new(),
            route: None,
            drains: Vec::new(),
        }
    }

    #[test]
    fn orders_without_a_circle_pass() {
        assert_eq!(app(&[("web", &["db", "cache"]), ("db", &[]), ("cache", &["db"])]).check(), Ok(()));
    }

    #[test]
    fn what_cannot_run_is_named() {
        let circle = app(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]);
        assert_eq!(circle.check(), Err(Invalid::Circle("a, b".into())));
        let missing = app(&[("a", &["b"])]);
        assert_eq!(missing.check(), Err(Invalid::AfterUnknown { name: "a".into(), missing: "b".into() }));
        assert_eq!(app(&[]).check(), Err(Invalid::NothingToRun("shop".into())));
        assert_eq!(app(&[("a", &[]), ("a", &[])]).check(), Err(Invalid::Twice("a".into())));
        assert_eq!(app(&[("a b", &[])]).check(), Err(Invalid::ProcessTypeName("a b".into())));
        let mut named = app(&[("a", &[])]);
        named.app = "-Shop".into();
        assert_eq!(named.check(), Err(Invalid::Name("-Shop".into())));
    }
}
