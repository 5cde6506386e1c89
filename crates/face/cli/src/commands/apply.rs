//! `apply` and `plan`.

use std::path::Path;

use converge::{Program, RunOptions, RunReport, Selection};
use report::{Exit, Problem, Problems, Sources};
use value::{Data, Map, Value};

use crate::arguments::Run;
use crate::output::{self, Format};
use crate::progress::Progress;
use crate::session::{Opened, Wanted, open};
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// What the words after the tree say.
pub(super) struct Words {
    /// SLS instead of what the top file says.
    pub selection: Selection,
    /// `test=True`
    pub test: bool,
    /// `pillar={…}`
    pub pillar: Map,
    /// `saltenv=…`
    pub saltenv: Option<String>,
}

impl Words {
    /// Reads words such as `web,db test=True pillar={…}`.
    pub(super) fn read(words: &[String]) -> Result<Self, Problem> {
        let (positional, mut named) = crate::words::arguments(words);
        let names: Vec<String> = positional
            .iter()
            .flat_map(|word| {
                word.to_string().split(',').map(|name| name.trim().to_string()).collect::<Vec<_>>()
            })
            .filter(|name| !name.is_empty())
            .collect();
        let pillar = match named.remove("pillar").map(|value| value.data) {
            None | Some(Data::Null) => Map::new(),
            Some(Data::Map(map)) => map,
            Some(_) => {
                return Err(Problem::error("words.pillar", "`pillar=` takes a mapping")
                    .hint("write it in braces: pillar='{users: {bob: {}}}'"));
            }
        };
        Ok(Self {
            selection: if names.is_empty() { Selection::Top } else { Selection::Sls(names) },
            test: named.get("test").is_some_and(Value::is_truthy),
            saltenv: named.get("saltenv").map(ToString::to_string),
            pillar,
        })
    }
}

/// Runs a tree, or plans it.
pub(super) fn apply(run: &Run, surroundings: &Surroundings, plan: bool) -> Exit {
    let talk = Talk::new(surroundings, &run.common);
    let sources = Sources::new();
    let (opened, words) = match start(run, plan, surroundings, &talk, &sources) {
        Ok(started) => started,
        Err(exit) => return exit,
    };
    let program = match program(&opened, &words.selection, run.strict, &talk, &sources) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    let report = converge(&opened, &program, run.strict, &talk);
    talk.problems(&report.problems, &sources);
    talk.messages(&opened.session.minion.messages);
    print(&report, run, &opened, &talk, surroundings);
    let exit = report.exit();
    let changes = report.results.iter().any(|result| result.result(report.planned) != Some(true));
    if exit == Exit::Done && run.detailed_exitcode && report.planned && changes { Exit::Failed } else { exit }
}

/// Reads the words and opens the session; a problem is shown and ends the command.
pub(crate) fn start(
    run: &Run,
    plan: bool,
    surroundings: &Surroundings,
    talk: &Talk,
    sources: &Sources,
) -> Result<(Opened, Words), Exit> {
    let opened = Words::read(&run.words).and_then(|words| {
        let wanted = Wanted {
            tree: run.tree.as_deref().map(Path::new),
            plan: plan || words.test,
            pillar_over: words.pillar.clone(),
            saltenv: words.saltenv.clone(),
            pillarenv: None,
        };
        Ok((open(&run.common, wanted, surroundings, sources)?, words))
    });
    opened.map_err(|problem| {
        talk.problems(&problem.into(), sources);
        Exit::Usage
    })
}

/// Compiles a selection; problems are shown. An error among them ends the command.
pub(super) fn program(
    opened: &Opened,
    selection: &Selection,
    strict: bool,
    talk: &Talk,
    sources: &Sources,
) -> Result<Program, Exit> {
    let mut problems = opened.problems.clone();
    let mut fatal = problems.has_errors();
    let mut program = Program::default();
    if !fatal {
        let low = opened.session.low(selection, &mut problems);
        if low.is_empty() && !problems.has_errors() {
            problems.push(nothing(opened, selection));
        }
        fatal = problems.has_errors();
        if !fatal {
            let (built, found) = Program::build(low);
            program = built;
            problems.extend(found);
        }
    }
    if strict {
        problems.make_strict();
        fatal |= problems.has_errors();
    }
    talk.problems(&problems, sources);
    if fatal { Err(problems.exit()) } else { Ok(program) }
}

/// What is said when a selection holds no states.
pub(super) fn nothing(opened: &Opened, selection: &Selection) -> Problem {
    match selection {
        Selection::Top => nothing_at_all(opened).exit(Exit::Failed),
        Selection::Sls(names) => {
            Problem::warning("tree.nothing", format!("there are no states in {}", names.join(", ")))
                .hint("an SLS declares them as `id:`, below it `module.function:` and a list of arguments")
        }
    }
}

/// Nothing is meant for this minion: there is no top file, or none of its targets fits.
fn nothing_at_all(opened: &Opened) -> Problem {
    let id = &opened.session.minion.id;
    let top = opened.configuration.text("state_top").unwrap_or("top.sls".into());
    let saltenv = opened.session.saltenv();
    let tree = &opened.session.minion.tree;
    if tree.exists(&saltenv, &top).unwrap_or(false) {
        return Problem::error("tree.nothing", "No matching SLS: the top file gives this minion no states")
            .on(tree.describe(&saltenv, &top))
            .hint(format!(
                "none of its targets is `{id}`: add one, such as `'*'`, or name an SLS on the command line"
            ));
    }
    Problem::error("tree.nothing", format!("No matching SLS: the tree has no {top}"))
        .hint(format!(
            "write {top} at the root of the tree: `base: {{'*': [web]}}` gives web.sls to every minion"
        ))
        .hint("or name an SLS on the command line")
}

/// Runs a program with progress on the terminal.
pub(super) fn converge(opened: &Opened, program: &Program, strict: bool, talk: &Talk) -> RunReport {
    let mut progress = Progress::new(talk.progress);
    let options = RunOptions { failhard: opened.configuration.flag("failhard"), strict };
    let report = opened.session.run(program, options, &mut progress);
    progress.clear();
    report
}

fn print(report: &RunReport, run: &Run, opened: &Opened, talk: &Talk, surroundings: &Surroundings) {
    let text = match run.common.out {
        None => {
            let verbose = run.common.state_verbose.is_some() && opened.configuration.flag("state_verbose");
            output::run(report, talk.out, verbose)
        }
        Some(format) => {
            let data: Map = [("local", report.to_value())].into_iter().collect();
            output::format(&data.into(), format, settings(opened, &run.common, talk))
        }
    };
    talk.emit(&text, run.common.out_file.as_deref(), surroundings);
}

/// How outputters print, as options and configuration say.
pub(super) fn settings(opened: &Opened, common: &crate::arguments::Common, talk: &Talk) -> output::Settings {
    let configuration = &opened.configuration;
    let terse = configuration.text("state_output").is_some_and(|mode| mode.starts_with("changes"));
    output::Settings {
        paint: if common.out_file.is_some() { output::Paint::default() } else { talk.out },
        indent: match common.out_indent {
            Some(indent) => usize::try_from(indent).ok(),
            None => Some(4),
        },
        highstate: output::HighstateOptions {
            verbose: configuration.flag("state_verbose"),
            terse_unchanged: terse,
            profile: configuration.flag("state_output_profile"),
        },
    }
}

/// The outputter of a call: what was asked for, `highstate` for runs, `nested` otherwise.
pub(super) fn format_of(common: &crate::arguments::Common, is_run: bool) -> Format {
    common.out.unwrap_or(if is_run { Format::Highstate } else { Format::Nested })
}

/// The problems of a run as the lines that Salt would answer instead of data.
pub(super) fn as_lines(problems: &Problems, sources: &Sources) -> Value {
    let line = |problem: &Problem| {
        let place = problem.span().and_then(|span| sources.locate(span));
        place.map_or_else(|| problem.what.clone(), |place| format!("{place}: {}", problem.what))
    };
    problems.iter().map(line).collect()
}
