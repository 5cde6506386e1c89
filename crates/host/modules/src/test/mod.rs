//! `test`: functions that change nothing: to try a connection, a requisite, an argument.
//!
//! What "changes" here is pretended, so a plan and a run list the same pretended changes and the journal
//! stays empty.

mod exec;
mod state;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "test",
    documentation: "Functions that change nothing, for trying things out.",
    states: &[
        state!("nop", state::succeed, state::Succeed, on_watch = state::watched),
        state!("succeed_without_changes", state::succeed, state::Succeed, on_watch = state::watched),
        state!(
            "succeed_with_changes",
            state::succeed_with_changes,
            state::Succeed,
            on_watch = state::watched
        ),
        state!("fail_without_changes", state::fail, state::Fail),
        state!("fail_with_changes", state::fail_with_changes, state::Fail),
        state!("configurable_test_state", state::configurable, state::Configurable),
        state!("show_notification", state::notify, state::Notification),
        state!("check_pillar", state::check_pillar, state::CheckPillar),
    ],
    functions: &[
        execution!("ping", exec::ping, exec::Nothing),
        execution!("true", exec::ping, exec::Nothing),
        execution!("false", exec::no, exec::Nothing),
        execution!("echo", exec::echo, exec::Echo),
        execution!("arg", exec::arguments, exec::Anything),
        execution!("kwarg", exec::named, exec::Anything),
        execution!("fib", exec::fibonacci, exec::Fibonacci),
        execution!("version", exec::version, exec::Nothing),
        execution!("sleep", exec::sleep, exec::Sleep),
        execution!("exception", exec::exception, exec::Exception),
        execution!("provider", exec::provider, exec::Provider),
    ],
};
