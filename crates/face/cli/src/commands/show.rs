//! `show`: states in order, and why that order.

use converge::{Program, Step};
use report::{Exit, Sources};
use value::{Map, Value};

use super::apply::{program, settings, start};
use crate::arguments::Run;
use crate::output::{self, Colour, Paint, harmless};
use crate::talk::Talk;
use crate::terminal::Surroundings;

/// Prints the states of a tree in the order they run.
pub(super) fn show(run: &Run, surroundings: &Surroundings) -> Exit {
    let talk = Talk::new(surroundings, &run.common);
    let sources = Sources::new();
    let (opened, words) = match start(run, true, surroundings, &talk, &sources) {
        Ok(started) => started,
        Err(exit) => return exit,
    };
    let program = match program(&opened, &words.selection, run.strict, &talk, &sources) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    let text = match run.common.out {
        None => listing(&program, &sources, talk.out),
        Some(format) => output::format(&data(&program), format, settings(&opened, &run.common, &talk)),
    };
    talk.emit(&text, run.common.out_file.as_deref(), surroundings);
    Exit::Done
}

fn listing(program: &Program, sources: &Sources, paint: Paint) -> String {
    let width = program.steps.len().to_string().len();
    let mut text = String::new();
    for (number, step) in program.steps.iter().enumerate() {
        let place = sources.locate(step.chunk.place()).map(|place| place.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "{:>width$}  {} {}  {}\n",
            number + 1,
            paint.text(Colour::Cyan, step.function_name()),
            harmless(&step.chunk.name),
            paint.text(Colour::Dim, place)
        ));
        for (word, target) in edges(program, step) {
            let line =
                format!("{word} {}  {} {}", target + 1, name(program, target).0, name(program, target).1);
            text.push_str(&format!("{:>width$}    {}\n", "", paint.text(Colour::Dim, harmless(&line))));
        }
        if let Some(blocked) = &step.blocked {
            text.push_str(&format!("{:>width$}    {}\n", "", paint.text(Colour::Red, blocked.trim())));
        }
    }
    text
}

/// Each requisite of a step: its word and the step it names.
fn edges<'a>(program: &'a Program, step: &'a Step) -> impl Iterator<Item = (String, usize)> + 'a {
    step.edges.iter().flat_map(|edge| {
        let word = edge.requisite.word();
        program.targets(edge).iter().map(move |target| (word.to_string(), *target))
    })
}

fn name(program: &Program, at: usize) -> (String, String) {
    let step = program.steps.get(at);
    step.map(|step| (step.function_name(), step.chunk.name.to_string())).unwrap_or_default()
}

fn data(program: &Program) -> Value {
    let steps: Vec<Value> = program
        .steps
        .iter()
        .map(|step| {
            let mut low = step.chunk.to_value();
            let why: Vec<Value> = edges(program, step)
                .map(|(word, target)| {
                    let chunk = program.steps.get(target).map(|step| step.chunk.tag()).unwrap_or_default();
                    [("requisite", Value::from(word)), ("state", chunk.into())]
                        .into_iter()
                        .collect::<Map>()
                        .into()
                })
                .collect();
            if let Some(map) = low.as_map_mut() {
                map.insert("__requisites__", why);
            }
            low
        })
        .collect();
    [("local", steps)].into_iter().collect::<Map>().into()
}
