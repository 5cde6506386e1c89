//! `run`: a one-off process with the code and the config vars of the release that runs.
//!
//! The command becomes the process: terminal, pipes, signals and exit code are its own. The keeper is told of it, so that
//! `ps` shows it; it gets no requests and nobody restarts it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use keeper::protocol::{Answer, Request};
use report::{Exit, Problem};

use super::place::Place;
use crate::arguments::OneOff;
use crate::terminal::Surroundings;

/// Codes of a shell for a command that cannot be run, or is not there.
const CANNOT_RUN: u8 = 126;
const NOT_THERE: u8 = 127;

/// Becomes the command.
pub(crate) fn run(arguments: &OneOff, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    match prepare(arguments, &place, surroundings) {
        Ok(mut command) => {
            let error = command.exec();
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let program = command.get_program().to_string_lossy().into_owned();
            let hint = "programs are looked for in the app's PATH; a shell's words need `sh -c`";
            place.fail(Problem::error("run.command", format!("{program} cannot be run: {error}")).hint(hint));
            if missing { NOT_THERE } else { CANNOT_RUN }
        }
        Err(problem) => place.fail(problem),
    }
}

fn prepare(arguments: &OneOff, place: &Place, surroundings: &Surroundings) -> Result<Command, Problem> {
    let app = place.app()?.name;
    let answers = place.order(&Request::Definition { app: app.clone() })?;
    let Some(Answer::Definition { release, definition }) = answers.into_iter().next() else {
        return Err(
            Problem::error("run.release", format!("{app} has no release to run in")).exit(Exit::Failed)
        );
    };
    place.order(&Request::OneOff { app: app.clone(), command: arguments.command.join(" ") })?;
    let (program, rest) =
        arguments.command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let mut command = Command::new(program);
    command.args(rest).current_dir(&definition.directory).env_clear().envs(definition.config.reveal());
    // What belongs to the terminal it runs on is the caller's.
    for name in ["TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR"] {
        if let Some(value) = surroundings.variable(name) {
            command.env(name, value);
        }
    }
    command.env("PINCH_APP", &app).env("PINCH_RELEASE", release.to_string()).env("PINCH_PROCESS", "run");
    Ok(command)
}
