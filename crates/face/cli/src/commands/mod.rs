//! One file a command: settings in, text and exit code out.

mod apply;
mod call;
mod check;
mod pages;
mod show;
mod state;

use report::Exit;

use crate::arguments::Command;
use crate::terminal::Surroundings;

/// Runs a command.
pub(crate) fn run(command: Command, surroundings: &Surroundings) -> Exit {
    match command {
        Command::Apply(run) => apply::apply(&run.settled(), surroundings, false),
        Command::Plan(run) => apply::apply(&run.settled(), surroundings, true),
        Command::Show(run) => show::show(&run.settled(), surroundings),
        Command::Check(run) => check::check(&run.settled(), surroundings),
        Command::Call(call) => call::call(&call, surroundings),
        Command::Completion { shell } => pages::completion(shell),
        Command::Man { folder } => pages::manual(&folder, surroundings),
    }
}
