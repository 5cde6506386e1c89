//! `app`: apps that run on the machine, with their processes, config vars and routes.
//!
//! # How it works
//! Apps belong to the keeper, which this same program is commanded through: `up --dry-run` says what a start would change,
//! `up --detach` brings it about, without a gap where something runs already. Config vars go in through standard input,
//! so that nobody sees them among the machine's processes. The environment of the run itself does not reach an app: only
//! a standard `PATH` and what the state sets.
//!
//! `app.running` fails when the new release does not become ready; what ran before then goes on, and the last lines of the
//! process that failed are in the comment.
//!
//! # What it never does
//! Touch code or data of an app. A checkout is `git.latest`'s, which it calls when it is given a repository.

mod invocation;
mod state;

pub(crate) use invocation::Invocation;
pub(crate) use state::{bring_about, restart};

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "app",
    documentation: "Apps that run on the machine, with their processes, config vars and routes.",
    states: &[
        state!("running", state::running, state::Running, on_watch = state::watch_running),
        state!("absent", state::absent, state::Absent),
    ],
    functions: &[],
};
