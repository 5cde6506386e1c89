//! `module`: execution functions run as states.
//!
//! A function acts through the same host as a state does, so under a plan it is called as well and what it would
//! change is recorded. Where its answer depends on something that has not run yet, the state is unknown.

mod state;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "module",
    documentation: "Execution functions run as states.",
    states: &[
        state!(raw "run", state::run, state::Run, on_watch = state::run),
        state!(raw "wait", state::wait, state::Run, on_watch = state::run),
        state!(raw "watch", state::wait, state::Run, on_watch = state::run),
    ],
    functions: &[],
};
