//! `completion` and `man`: pages derived from the command line's own declaration.

use std::path::Path;

use clap::CommandFactory as _;
use host::{Attributes, Files as _, System};
use report::{Exit, Problem, Sources};

use crate::arguments::{CommandLine, Common};
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// Writes completions to standard output.
pub(super) fn completion(shell: clap_complete::Shell) -> Exit {
    clap_complete::generate(shell, &mut CommandLine::command(), "pinch", &mut std::io::stdout());
    Exit::Done
}

/// Writes a page for the program and one for each command.
pub(super) fn manual(folder: &Path, surroundings: &Surroundings) -> Exit {
    let talk = Talk::new(surroundings, &Common::default());
    let host = System::new(surroundings.environment.clone());
    let folder = match std::path::absolute(folder) {
        Ok(folder) => folder,
        Err(error) => {
            let problem = Problem::error("man.folder", format!("{}: {error}", folder.display()));
            talk.problems(&problem.hint("name a folder that is there").into(), &Sources::new());
            return Exit::Usage;
        }
    };
    let program = CommandLine::command();
    let pages = std::iter::once(("pinch".to_string(), program.clone())).chain(
        program.get_subcommands().map(|command| (format!("pinch-{}", command.get_name()), command.clone())),
    );
    for (name, command) in pages {
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = clap_mangen::Man::new(command).title(name.to_uppercase()).render(&mut text);
        let path = folder.join(format!("{name}.1"));
        if let Err(error) =
            host.write(&path, &text, &Attributes { mode: Some(0o644), ..Attributes::default() })
        {
            let problem = Problem::error("man.unwritable", error.to_string());
            let problem = error.hint().into_iter().fold(problem, Problem::hint);
            talk.problems(&problem.into(), &Sources::new());
            return Exit::Usage;
        }
    }
    Exit::Done
}
