//! The `state.*` functions of `call`: the same runs and views under Salt's names.

use converge::{Program, RunReport, Selection};
use report::{Exit, Problem, Problems, Sources};
use sls::{LowChunk, Order};
use value::{Data, Map, Span, Value};

use super::apply::{as_lines, converge, nothing};
use super::call::Answer;
use crate::session::{Opened, Wanted};
use crate::talk::Talk;

/// The functions there are.
const FUNCTIONS: [&str; 12] = [
    "state.apply",
    "state.highstate",
    "state.sls",
    "state.test",
    "state.single",
    "state.show_sls",
    "state.show_low_sls",
    "state.show_highstate",
    "state.show_lowstate",
    "state.show_top",
    "state.sls_exists",
    "state.show_states",
];

/// Whether it is one of these.
pub(super) fn is_state(function: &str) -> bool {
    function.starts_with("state.")
}

/// Takes what concerns the session out of the named arguments.
pub(super) fn take_options(named: &mut Map, wanted: &mut Wanted<'_>) -> Result<(), Problem> {
    named.remove("test");
    wanted.saltenv = named.remove("saltenv").map(|value| value.to_string());
    wanted.pillarenv = named.remove("pillarenv").map(|value| value.to_string());
    wanted.pillar_over = match named.remove("pillar").map(|value| value.data) {
        None | Some(Data::Null) => Map::new(),
        Some(Data::Map(map)) => map,
        Some(_) => {
            return Err(Problem::error("words.pillar", "`pillar=` takes a mapping")
                .hint("write it in braces: pillar='{users: {bob: {}}}'"));
        }
    };
    Ok(())
}

/// Calls one; `None` when there was nothing to answer but problems, which have been shown.
pub(super) fn call(
    function: &str,
    positional: Vec<Value>,
    named: Map,
    opened: &Opened,
    talk: &Talk,
    sources: &Sources,
) -> Option<Answer> {
    if !FUNCTIONS.contains(&function) {
        let problem = Problem::error("call.unknown-function", format!("'{function}' is not available."))
            .did_you_mean(function, FUNCTIONS)
            .or_hint(format!("there are {}", FUNCTIONS.join(", ")));
        talk.problems(&problem.into(), sources);
        return None;
    }
    let mut problems = opened.problems.clone();
    if problems.has_errors() {
        return Some(failed(&problems, talk, sources));
    }
    let selection = selection(function, &positional, &named);
    let session = &opened.session;
    let data = match function {
        "state.apply" | "state.highstate" | "state.sls" | "state.test" => {
            let low = session.low(&selection, &mut problems);
            return Some(run(low, problems, opened, talk, sources, &selection));
        }
        "state.single" => {
            return match single(&positional, named) {
                Ok(chunk) => Some(run(vec![chunk], problems, opened, talk, sources, &selection)),
                Err(problem) => {
                    talk.problems(&problem.into(), sources);
                    None
                }
            };
        }
        "state.show_sls" => session.high(&selection, &mut problems).to_value(),
        "state.show_highstate" => session.high(&Selection::Top, &mut problems).to_value(),
        "state.show_low_sls" => list(&session.high(&selection, &mut problems).low()),
        "state.show_lowstate" => list(&session.low(&Selection::Top, &mut problems)),
        "state.show_top" => session.top(&mut problems).to_value(),
        "state.show_states" => {
            let high = session.high(&Selection::Top, &mut problems);
            let mut names: Vec<String> =
                high.declarations.values().map(|declaration| declaration.home.sls.to_string()).collect();
            names.dedup();
            names.into()
        }
        _ => {
            let high = session.high(&selection, &mut problems);
            (!problems.has_errors() && !high.is_empty()).into()
        }
    };
    if problems.has_errors() {
        return Some(failed(&problems, talk, sources));
    }
    talk.problems(&problems, sources);
    Some(Answer { data, exit: Exit::Done, is_run: false })
}

fn failed(problems: &Problems, talk: &Talk, sources: &Sources) -> Answer {
    talk.problems(problems, sources);
    Answer { data: as_lines(problems, sources), exit: problems.exit(), is_run: true }
}

fn list(chunks: &[LowChunk]) -> Value {
    chunks.iter().map(LowChunk::to_value).collect()
}

/// The SLS named by `mods` or by position, as text with commas or a list; the top file without.
fn selection(function: &str, positional: &[Value], named: &Map) -> Selection {
    if matches!(function, "state.highstate" | "state.single") {
        return Selection::Top;
    }
    let given = named.get("mods").or(positional.first()).filter(|value| value.is_truthy());
    let Some(given) = given else { return Selection::Top };
    let names = match given.as_list() {
        Some(items) => items.iter().map(ToString::to_string).collect(),
        None => given.to_string().split(',').map(|name| name.trim().to_string()).collect(),
    };
    Selection::Sls(names)
}

fn run(
    low: Vec<LowChunk>,
    mut problems: Problems,
    opened: &Opened,
    talk: &Talk,
    sources: &Sources,
    selection: &Selection,
) -> Answer {
    if problems.has_errors() {
        return failed(&problems, talk, sources);
    }
    if low.is_empty() && *selection == Selection::Top {
        problems.push(nothing(opened, selection));
        talk.problems(&problems, sources);
        return no_states(opened);
    }
    let (program, found) = Program::build(low);
    problems.extend(found);
    talk.problems(&problems, sources);
    let report: RunReport = converge(opened, &program, false, talk);
    talk.problems(&report.problems, sources);
    let answer = Answer { data: report.to_value(), exit: report.exit().max(problems.exit()), is_run: true };
    // The process is about to end, and the system takes all memory back at once.
    std::mem::forget((program, report));
    answer
}

/// Salt's answer when the top file gives a minion nothing.
fn no_states(opened: &Opened) -> Answer {
    let mut result = Map::new();
    result.insert("result", false);
    let id = &opened.session.minion.id;
    result.insert(
        "comment",
        format!(
            "No Top file or master_tops data matches found. Please see master log for details. (minion {id})"
        ),
    );
    result.insert("name", "No States");
    result.insert("changes", Map::new());
    result.insert("__run_num__", 0i64);
    let data: Map = [("no_|-states_|-states_|-None", result)].into_iter().collect();
    Answer { data: data.into(), exit: Exit::Failed, is_run: true }
}

/// `state.single file.managed name=/x …`: one chunk.
fn single(positional: &[Value], mut named: Map) -> Result<LowChunk, Problem> {
    let wrong = || {
        Problem::error("state.single", "state.single takes a state function and its arguments")
            .hint("for example: state.single file.absent name=/tmp/x")
    };
    let function = named.remove("fun").or_else(|| positional.first().cloned()).ok_or_else(wrong)?.to_string();
    let (state, fun) = function.split_once('.').ok_or_else(wrong)?;
    let name = named.remove("name").or_else(|| positional.get(1).cloned()).ok_or_else(wrong)?.to_string();
    Ok(LowChunk {
        state: state.into(),
        fun: fun.into(),
        id: name.as_str().into(),
        name: name.as_str().into(),
        sls: "".into(),
        saltenv: "base".into(),
        order: Order::Whole(0),
        args: named,
        included_from: [].into(),
        id_span: Span::NONE,
        fun_span: Span::NONE,
        name_span: Span::NONE,
    })
}
