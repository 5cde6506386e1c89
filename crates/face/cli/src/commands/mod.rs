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
        Command::Apply(run) => apply::apply(&run, surroundings, false),
        Command::Plan(run) => apply::apply(&run, surroundings, true),
        Command::Show(run) => show::show(&run, surroundings),
        Command::Check(run) => check::check(&run, surroundings),
        Command::Call(call) => call::call(&call, surroundings),
        Command::Completion { shell } => pages::completion(shell),
        Command::Man { folder } => pages::manual(&folder, surroundings),
    }
}
