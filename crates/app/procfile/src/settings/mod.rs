//! `pinch.yaml`: the settings of the process types that a Procfile names.
//!
//! **What it is for.** A Procfile says what is run. How its processes become ready, restart and stop, as whom and where they
//! run, stands in a file beside it:
//!
//! ```yaml
//! processes:
//!   web:
//!     ready: /healthz                                    # or port, notify, seconds
//!     ready_timeout: 60
//!     stop: {signal: QUIT, grace: 30, target: leader}    # or the signal alone
//!     after: [worker]
//!     restart: {policy: on-failure, first: 0.5}          # or the policy alone
//!     environment: {THREADS: 4}
//! ```
//!
//! **How it works.** The text is read as YAML with the places of its values (`reader`), each key as what it means (`keys`), and
//! then what the process types say about each other (`order`). Times are seconds. Numbers of variables and masks are taken
//! as they are written: `0027` is no other text than `"0027"`.
//!
//! **What it promises.** One run tells all mistakes, each at its line: unknown keys and process types, values of another type or
//! out of bounds, process types that wait for each other. A file without anything in it says nothing and is fine.
//! Values that [look secret](crate::looks_secret) are covered wherever the text is shown.
//!
//! **What it never does.** It adds no process type and knows no command, count or route. Options of the command line win over
//! it; that is for the caller, to whom [`TypeSettings`] says what was set.

mod conceal;
mod keys;
mod order;
mod reader;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use report::{Problems, Sources};
use value::{Secret, Span};

use crate::{ProcessType, Procfile, Readiness, Restart, RestartPolicy, StopTarget};

/// The settings of an app's process types, as one file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    types: IndexMap<String, TypeSettings>,
}

/// What a file says about one process type; `None` where it says nothing. See [`ProcessType`] for the meaning of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeSettings {
    /// When a process counts as ready.
    pub ready: Option<Readiness>,
    /// After which a process that is not ready counts as failed.
    pub ready_timeout: Option<Duration>,
    /// How it is asked to stop.
    pub stop: StopSettings,
    /// What happens when a process ends by itself.
    pub restart: RestartSettings,
    /// Process types that have to be ready before, each with where it stands.
    pub after: Option<IndexMap<String, Span>>,
    /// Whether the end of a process ends all.
    pub essential: Option<bool>,
    /// The first port, not 0, and where it stands.
    pub port: Option<(u16, Span)>,
    /// Where it runs.
    pub directory: Option<PathBuf>,
    /// Variables of this process type only.
    pub environment: Vec<TypeVar>,
    /// As whom, by name.
    pub user: Option<String>,
    /// The file mode mask, at most 0o777.
    pub umask: Option<u32>,
    /// Lower numbers start first and stop last.
    pub priority: Option<i32>,
}

/// What a file says about stopping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopSettings {
    /// One of [`Stop::SIGNALS`](crate::Stop::SIGNALS).
    pub signal: Option<String>,
    /// How long it may take.
    pub grace: Option<Duration>,
    /// Who gets the signal.
    pub target: Option<StopTarget>,
}

/// What a file says about restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartSettings {
    /// Whether a process is started again.
    pub policy: Option<RestartPolicy>,
    /// The wait before the first restart in a row.
    pub first: Option<Duration>,
    /// The longest wait.
    pub longest: Option<Duration>,
    /// Starts in a row that never became ready, after which it counts as failed; at least 1.
    pub tries: Option<u32>,
}

/// A variable of one process type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeVar {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret<String>,
    /// Where the name stands.
    pub span: Span,
}

impl Settings {
    /// What the file is called beside a Procfile.
    pub const FILE: &str = "pinch.yaml";
    /// The longest file that is read, in bytes. Readers need to read no more than one byte beyond it.
    pub const LONGEST: usize = 256 << 10;

    /// Reads the bytes of a file called `name` about the process types of `procfile`. Its text, with what looks secret
    /// covered, is registered in `sources`.
    ///
    /// `None` if there is an error among the problems: bytes that are no text, a text that is no YAML, a key or a
    /// process type that is not there, a value that is none of its key, process types that wait for each other.
    pub fn parse(
        name: &str,
        bytes: &[u8],
        procfile: &Procfile,
        sources: &Sources,
        problems: &mut Problems,
    ) -> Option<Self> {
        reader::read(name, bytes, procfile, sources, problems).map(|types| Self { types })
    }

    /// What is said about a process type.
    pub fn get(&self, process_type: &str) -> Option<&TypeSettings> {
        self.types.get(process_type)
    }

    /// All process types that something is said about, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TypeSettings)> {
        self.types.iter().map(|(name, settings)| (name.as_str(), settings))
    }

    /// Sets on each process type what is said about it.
    pub fn apply(&self, process_types: &mut [ProcessType]) {
        for process_type in process_types {
            if let Some(settings) = self.get(&process_type.name) {
                settings.apply(process_type);
            }
        }
    }
}

impl TypeSettings {
    /// Sets what is said; the rest stays as it is.
    ///
    /// Two bounds move with what they bound: the longest wait before a restart is not shorter than the first one, and a
    /// process that is ready after some seconds has twice that time to be so.
    pub fn apply(&self, to: &mut ProcessType) {
        let set = |to: &mut Duration, from: Option<Duration>| *to = from.unwrap_or(*to);
        if let Some(ready) = &self.ready {
            to.ready = ready.clone();
        }
        match (self.ready_timeout, &self.ready) {
            (Some(timeout), _) => to.ready_timeout = timeout,
            (None, Some(Readiness::Uptime(uptime))) => {
                to.ready_timeout = to.ready_timeout.max(uptime.saturating_mul(2));
            }
            _ => {}
        }
        if let Some(signal) = &self.stop.signal {
            to.stop.signal.clone_from(signal);
        }
        set(&mut to.stop.grace, self.stop.grace);
        to.stop.target = self.stop.target.unwrap_or(to.stop.target);
        self.restart.apply(&mut to.restart);
        if let Some(after) = &self.after {
            to.after = after.keys().cloned().collect();
        }
        to.essential = self.essential.unwrap_or(to.essential);
        to.port = self.port.map(|(port, _)| port).or(to.port);
        to.priority = self.priority.unwrap_or(to.priority);
        to.umask = self.umask.or(to.umask);
        if self.directory.is_some() {
            to.directory.clone_from(&self.directory);
        }
        if self.user.is_some() {
            to.user.clone_from(&self.user);
        }
        let own = self.environment.iter().map(|var| (var.name.clone(), var.value.reveal().clone()));
        let all: IndexMap<String, String> =
            std::mem::take(&mut to.environment).into_iter().chain(own).collect();
        to.environment = all.into_iter().collect();
    }
}

impl RestartSettings {
    fn apply(&self, to: &mut Restart) {
        if let Some(policy) = &self.policy {
            to.policy = policy.clone();
        }
        match (self.first, self.longest) {
            (Some(first), Some(longest)) => (to.first, to.longest) = (first, longest),
            (Some(first), None) => (to.first, to.longest) = (first, to.longest.max(first)),
            (None, Some(longest)) => (to.first, to.longest) = (to.first.min(longest), longest),
            (None, None) => {}
        }
        to.tries = self.tries.or(to.tries);
    }
}
