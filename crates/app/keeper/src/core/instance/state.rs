//! States of a process, what brings it from one to the next, and what has to be done then.

use std::time::Duration;

use procfile::StopTarget;
use serde::{Deserialize, Serialize};

/// Where a process is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// For the process types that it starts after.
    Waiting,
    /// Runs, and is not ready yet.
    Starting,
    /// Runs, and does its work.
    Ready,
    /// Ends: by itself, or because it was asked to.
    Stopping,
    /// Will be started again at this time.
    Backoff(Duration),
    /// Will not be started again; why.
    Failed(String),
    /// Has ended and is not to run.
    Stopped,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody was there to be told.
    Unknown,
    /// It could not be started at all.
    NeverStarted,
}

impl Ending {
    /// The code that a shell would give: 128 + the signal's number; 127 when it never started.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
            Self::Unknown => 255,
            Self::NeverStarted => 127,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Unknown => f.write_str("ended while no keeper was there to see how"),
            Self::NeverStarted => f.write_str("could not be started"),
        }
    }
}

/// What happens to a process.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// What it starts after is ready.
    Start,
    /// It runs, with this process id.
    Spawned(u32),
    /// It could not be started, or was no longer to be; why.
    CannotSpawn(String),
    /// It answers, or said so.
    Ready,
    /// The process that was started has ended.
    Ended(Ending),
    /// Nothing of what it started is left.
    Gone,
    /// It runs already, with this process id: a keeper started it and was killed before it had written that down.
    Found(u32),
    /// It is to stop; said again while it stops: at once.
    Stop,
    /// It is to stop at once.
    Kill,
    /// It is to stop and start again.
    Restart,
    /// It may run on, but is not started again when it ends.
    Last,
    /// It is started again when it ends, after all.
    Keep,
    /// Time has passed.
    Tick,
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start it; answer with [`Input::Spawned`] or [`Input::CannotSpawn`].
    Spawn,
    /// Send it a signal, by name.
    Signal(String, StopTarget),
    /// SIGKILL everything that it started.
    Kill,
    /// Watch until nothing of it is left; answer with [`Input::Gone`].
    Sweep,
}
