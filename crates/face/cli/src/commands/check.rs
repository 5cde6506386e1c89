//! `check`: mistakes in a tree, found without a run.

use converge::{Program, Selection};
use report::{Exit, Problem, Problems, Sources};

use super::apply::start;
use crate::arguments::Run;
use crate::session::Opened;
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// Compiles what is selected (every SLS of the tree by default) and checks each state's function and arguments.
pub(super) fn check(run: &Run, surroundings: &Surroundings) -> Exit {
    let talk = Talk::new(surroundings, &run.common);
    let sources = Sources::new();
    let (opened, words) = match start(run, true, surroundings, &talk, &sources) {
        Ok(started) => started,
        Err(exit) => return exit,
    };
    let mut problems = opened.problems.clone();
    let (mut states, mut files) = (0, 0);
    for selection in selections(&opened, words.selection, &mut problems) {
        states += checked(&opened, &selection, &mut problems);
        files += 1;
    }
    if run.strict {
        problems.make_strict();
    }
    talk.problems(&problems, &sources);
    let errors = problems.iter().filter(|problem| problem.severity == report::Severity::Error).count();
    let warnings = problems.len() - errors;
    talk.data(&format!("Checked {files} SLS with {states} states: {errors} errors, {warnings} warnings\n"));
    problems.exit()
}

/// What was named, or every SLS of the tree by itself.
fn selections(opened: &Opened, named: Selection, problems: &mut Problems) -> Vec<Selection> {
    if named != Selection::Top {
        return vec![named];
    }
    let saltenv = opened.session.saltenv();
    match opened.session.templates().files(&saltenv) {
        Ok(files) => sls::Listing::new(&files)
            .names
            .into_iter()
            .filter(|name| name != "top" && !name.starts_with("pillar"))
            .map(|name| Selection::Sls(vec![name]))
            .collect(),
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    }
}

/// Checks one selection and answers how many states it has.
fn checked(opened: &Opened, selection: &Selection, problems: &mut Problems) -> usize {
    let low = opened.session.low(selection, problems);
    let (program, found) = Program::build(low);
    problems.extend(found);
    for step in &program.steps {
        let name = step.function_name();
        let Some(function) = modules::state_function(&name) else {
            problems.push(
                Problem::error("sls.unknown-function", format!("there is no state function `{name}`"))
                    .at(step.chunk.place())
                    .hint(modules::catalogue::advice_on_state(&name)),
            );
            continue;
        };
        problems.extend(function.unknown_arguments(&name, &step.chunk.args));
        if let Err(found) = (function.check)(&step.arguments(), step.chunk.place()) {
            problems.extend(found);
        }
    }
    program.steps.len()
}
