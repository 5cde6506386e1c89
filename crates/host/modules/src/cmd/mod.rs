//! `cmd`: commands that a tree or a person runs.
//!
//! A command may do anything, so a plan cannot know what will be true after it: it records the command, marks
//! the state as unknown and says "would have been executed". The guards `onlyif`, `unless` and `creates` say
//! when there is nothing to run; they are looked at under a plan too (see [`guards`](crate::guards)).
//!
//! Values of `env` are never shown. A script of the tree is handed to the shell that stores it, privately and
//! for as long as it runs, on the machine itself.

mod exec;
mod invocation;
mod script;
mod state;
mod stateful;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use invocation::{Invocation, Line, is_there};

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "cmd",
    documentation: "Commands that a tree runs.",
    states: &[
        state!(raw "run", state::run, state::Run, on_watch = state::run),
        state!(raw "wait", state::wait, state::Run, on_watch = state::run),
        state!(raw "watch", state::wait, state::Run, on_watch = state::run),
        state!(raw "script", script::script, script::Script, on_watch = script::script),
        state!(raw "wait_script", script::wait, script::Script, on_watch = script::script),
    ],
    functions: &[
        execution!(raw "run", exec::run, exec::Run),
        execution!(raw "run_all", exec::run_all, exec::Run),
        execution!(raw "run_stdout", exec::run_stdout, exec::Run),
        execution!(raw "run_stderr", exec::run_stderr, exec::Run),
        execution!(raw "retcode", exec::retcode, exec::Run),
        execution!(raw "shell", exec::shell, exec::Run),
        execution!(raw "script", exec::script, exec::Script),
        execution!(raw "script_retcode", exec::script_retcode, exec::Script),
        execution!(raw "exec_code", exec::code, exec::Code),
        execution!(raw "exec_code_all", exec::code_all, exec::Code),
        execution!("which", exec::which, exec::Program),
        execution!("which_bin", exec::which_of, exec::Programs),
        execution!("has_exec", exec::has, exec::Program),
        execution!("shells", exec::shells, exec::Nothing),
    ],
};
