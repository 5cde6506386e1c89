//! One file a command: settings in, text and exit code out.

mod apply;
mod call;
mod check;
mod pages;
mod show;
mod state;

use crate::app;
use crate::arguments::{Command, Own};
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
        Command::Export(export) => return app::export(&export, surroundings),
        Command::Start(start) => return app::start(&start, surroundings),
        Command::Own(own) => return be(own, surroundings),
    };
    exit.code()
}

/// Is one of the processes that Pinch starts itself, until that ends.
pub(crate) fn be(own: Own, surroundings: &Surroundings) -> u8 {
    match own {
        Own::Keeper(keeper) => app::keeper(&keeper, surroundings),
        Own::Router(internal) => app::router(&internal, surroundings),
        Own::Guard(internal) => app::guard(&internal),
        Own::Drain(internal) => app::drain(&internal, surroundings),
    }
}
