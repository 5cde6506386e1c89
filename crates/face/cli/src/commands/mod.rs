//! One file a command: settings in, text and exit code out.

mod apply;
mod call;
mod check;
mod pages;
mod show;
mod state;

use crate::app;
use crate::arguments::Command;
use crate::terminal::Surroundings;

/// Runs a command and answers the exit code.
pub(crate) fn run(command: Command, surroundings: &Surroundings) -> u8 {
    let exit = match command {
        Command::Apply(run) => apply::apply(&run.settled(), surroundings, false),
        Command::Plan(run) => apply::apply(&run.settled(), surroundings, true),
        Command::Show(run) => show::show(&run.settled(), surroundings),
        Command::Check(run) => check::check(&run.settled(), surroundings),
        Command::Call(call) => call::call(&call, surroundings),
        Command::Completion { shell } => pages::completion(shell),
        Command::Man { folder } => pages::manual(&folder, surroundings),
        Command::Up(up) => return app::up(&up, surroundings),
        Command::Ps(ps) => return app::ps(&ps, surroundings),
        Command::Logs(logs) => return app::logs(&logs, surroundings),
        Command::Scale(scale) => return app::scale(&scale, surroundings),
        Command::Restart(target) => return app::restart(&target, surroundings),
        Command::Stop(target) => return app::stop(&target, surroundings),
        Command::Down(target) => return app::down(&target, surroundings),
        Command::Run(one_off) => return app::run(&one_off, surroundings),
        Command::Config(config) => return app::config(&config, surroundings),
        Command::Releases(target) => return app::releases(&target, surroundings),
        Command::Rollback(rollback) => return app::rollback(&rollback, surroundings),
        Command::Upgrade(target) => return app::upgrade(&target, surroundings),
        Command::Keeper(keeper) => return app::keeper(&keeper, surroundings),
        Command::Export(export) => return app::export(&export, surroundings),
        Command::Drain(internal) => return app::drain(&internal, surroundings),
        Command::Start(start) => return app::start(&start, surroundings),
        Command::Guard(internal) => return app::guard(&internal),
        Command::Router(internal) => return app::router(&internal, surroundings),
    };
    exit.code()
}
