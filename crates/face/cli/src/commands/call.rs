//! `call`: one execution function, or one of the `state.*` functions.

use report::{Exit, Sources};
use value::{Map, Value};

use super::apply::{format_of, settings};
use super::state;
use crate::arguments::Call;
use crate::output;
use crate::session::{Opened, Wanted, open};
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// What a call came to: data, and how the process should end.
pub(super) struct Answer {
    /// The data.
    pub data: Value,
    /// The exit code.
    pub exit: Exit,
    /// Whether the data are results of states.
    pub is_run: bool,
}

/// Calls a function and prints what it answers.
pub(super) fn call(call: &Call, surroundings: &Surroundings) -> Exit {
    let talk = Talk::new(surroundings, &call.common);
    let sources = Sources::new();
    let (function, words) = asked(call);
    let (positional, mut named) = crate::words::arguments(&words);
    let plan = call.test || (state::is_state(&function) && named.get("test").is_some_and(Value::is_truthy));
    let mut wanted = Wanted { plan, ..Wanted::default() };
    if state::is_state(&function) {
        match state::take_options(&mut named, &mut wanted) {
            Ok(()) => {}
            Err(problem) => {
                talk.problems(&problem.into(), &sources);
                return Exit::Usage;
            }
        }
    }
    let opened = match open(&call.common, wanted, surroundings, &sources) {
        Ok(opened) => opened,
        Err(problem) => {
            talk.problems(&problem.into(), &sources);
            return Exit::Usage;
        }
    };
    let answer = if state::is_state(&function) {
        state::call(&function, positional, named, &opened, &talk, &sources)
    } else {
        talk.problems(&opened.problems, &sources);
        execute(&function, positional, named, &opened, &talk, &sources)
    };
    talk.messages(&opened.session.minion.messages);
    let Some(answer) = answer else { return Exit::Usage };
    let data: Value = [("local", answer.data)].into_iter().collect::<Map>().into();
    let format = format_of(&call.common, answer.is_run);
    let text = output::format(&data, format, settings(&opened, &call.common, &talk));
    talk.emit(&text, call.common.out_file.as_deref(), surroundings);
    // The process is about to end, and the system takes all memory back at once.
    std::mem::forget(data);
    answer.exit
}

/// The function and words that the options stand for.
fn asked(call: &Call) -> (String, Vec<String>) {
    let function = call.function.clone();
    if call.grains {
        return ("grains.items".into(), Vec::new());
    }
    if call.documentation {
        return ("sys.doc".into(), function.into_iter().chain(call.words.clone()).collect());
    }
    (function.unwrap_or_default(), call.words.clone())
}

fn execute(
    function: &str,
    positional: Vec<Value>,
    named: Map,
    opened: &Opened,
    talk: &Talk,
    sources: &Sources,
) -> Option<Answer> {
    match opened.session.call(function, positional, named) {
        Ok(data) => Some(Answer { data, exit: Exit::Done, is_run: false }),
        Err(failure) => {
            talk.problems(&failure.into_problems(function), sources);
            None
        }
    }
}
