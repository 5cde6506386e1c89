//! The command line: what is typed, read once; what came of it, printed once.
//!
//! # How it works
//! [`main`] reads the process's surroundings and arguments, hands them to one function a command (`commands/`),
//! and turns what that answers into text and an exit code. Data goes to standard output, talk to standard
//! error. Problems are rendered here and nowhere else, all of a run's problems together.
//!
//! # What it promises
//! * Exit codes are those of [`report::Exit`]; never 0 when something failed.
//! * `--out json` and the other outputters print what Salt's print.
//! * Nothing that a file or a machine says can steer the terminal: control characters are shown as escapes.
//!
//! # What it never does
//! Decide anything about states. It parses, calls, prints.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "the edge: it reads what describes an app, starts keepers and becomes one-off processes, and what router and drain have to say goes to their log"
)]

mod app;
mod arguments;
mod commands;
mod configuration;
mod output;
mod progress;
mod session;
mod talk;
mod terminal;
mod usage;
mod words;

use clap::Parser as _;
use report::Exit;

/// Runs the program and answers its exit code.
pub fn main() -> std::process::ExitCode {
    let surroundings = terminal::Surroundings::of_process();
    let typed: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(own) = arguments::OwnLine::read(&typed) {
        return commands::be(own, &surroundings).into();
    }
    let line = match arguments::CommandLine::try_parse_from(arguments::as_typed(typed)) {
        Ok(line) => line,
        Err(error) => {
            match usage::problem(&error) {
                Some(problem) => {
                    let talk = talk::Talk::new(&surroundings, &arguments::Common::default());
                    talk.problems(&problem.into(), &report::Sources::new());
                }
                // Help and version go to standard output and are no failure; a broken pipe is nobody's fault.
                None => {
                    let _ = error.print();
                }
            }
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return code.code().into();
        }
    };
    commands::run(line.command, &surroundings).into()
}
